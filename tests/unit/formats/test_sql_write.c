/*
 * SQL text: identifiers, literals and comments in each dialect. What SQLite makes of its literals
 * is asked of SQLite.
 */
#include "write_table.h"

#include "formats/sql_write.h"

#include <sqlite3.h>

static const struct {
    const char *name;
    bool dotted;
    const char *want[SQL_DIALECT_COUNT]; /* PostgreSQL, MySQL, SQLite; behind "!" an error. */
} identifiers[] = {
    { "email", false, { "email", "email", "email" } },
    { "_x9", false, { "_x9", "_x9", "_x9" } },
    { "Email", false, { "\"Email\"", "Email", "Email" } },
    { "first name", false, { "\"first name\"", "`first name`", "\"first name\"" } },
    { "9lives", false, { "\"9lives\"", "`9lives`", "\"9lives\"" } },
    { "größe", false, { "\"größe\"", "`größe`", "\"größe\"" } },
    { "select", false, { "\"select\"", "`select`", "\"select\"" } },
    { "Order", false, { "\"Order\"", "`Order`", "\"Order\"" } },
    { "user", false, { "\"user\"", "user", "user" } },
    { "rank", false, { "rank", "`rank`", "rank" } },
    { "glob", false, { "glob", "glob", "\"glob\"" } },
    { "a\"b`c", false, { "\"a\"\"b`c\"", "`a\"b``c`", "\"a\"\"b`c\"" } },
    { "x\"; DROP TABLE y; --", false,
        { "\"x\"\"; DROP TABLE y; --\"", "`x\"; DROP TABLE y; --`",
            "\"x\"\"; DROP TABLE y; --\"" } },
    { "a.b", false, { "\"a.b\"", "`a.b`", "\"a.b\"" } },
    { "public.people", true, { "public.people", "public.people", "public.people" } },
    { "my schema.order", true,
        { "\"my schema\".\"order\"", "`my schema`.`order`", "\"my schema\".\"order\"" } },
    { "", false,
        { "!a table or column name for PostgreSQL is empty",
            "!a table or column name for MySQL is empty",
            "!a table or column name for SQLite is empty" } },
    { "a..b", true,
        { "!a table or column name for PostgreSQL is empty",
            "!a table or column name for MySQL is empty",
            "!a table or column name for SQLite is empty" } },
    { "a23456789b123456789c123456789d123456789e123456789f123456789g123", false,
        { "a23456789b123456789c123456789d123456789e123456789f123456789g123",
            "a23456789b123456789c123456789d123456789e123456789f123456789g123",
            "a23456789b123456789c123456789d123456789e123456789f123456789g123" } },
    { "a23456789b123456789c123456789d123456789e123456789f123456789g1234", false,
        { "!'a23456789b123456789c123456789d123456789e123456789f123456789g1234' cannot be a name in "
          "PostgreSQL: "
          "it has 64 bytes, at most 63 are allowed",
            "a23456789b123456789c123456789d123456789e123456789f123456789g1234",
            "a23456789b123456789c123456789d123456789e123456789f123456789g1234" } },
    { "ä23456789b123456789c123456789d123456789e123456789f123456789g12345", false,
        { "!'ä23456789b123456789c123456789d123456789e123456789f123456789g12345' cannot be a name "
          "in PostgreSQL: "
          "it has 66 bytes, at most 63 are allowed",
            "!'ä23456789b123456789c123456789d123456789e123456789f123456789g12345' cannot be a name "
            "in MySQL: "
            "it has 65 characters, at most 64 are allowed",
            "\"ä23456789b123456789c123456789d123456789e123456789f123456789g12345\"" } },
    { "😀", false,
        { "\"😀\"",
            "!'😀' cannot be a name in MySQL: it has a character beyond the basic plane, such as an "
            "emoji",
            "\"😀\"" } },
    { "x ", false,
        { "\"x \"", "!'x ' cannot be a name in MySQL: it ends with a blank", "\"x \"" } },
};

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(identifiers); i++) {
        for (int d = 0; d < SQL_DIALECT_COUNT; d++) {
            const char *want = identifiers[i].want[d];
            struct buf out;
            struct err err = { 0 };
            bool ok;

            buf_init(&out, 4096);
            ok = sql_identifier(
                (enum sql_dialect)d, identifiers[i].name, identifiers[i].dotted, &out, &err);
            if (ok != (*want != '!') ||
                strcmp(ok ? buf_str(&out) : err.text, ok ? want : want + 1) != 0)
                fail_msg("'%s' in %s: %s%s", identifiers[i].name,
                    sql_dialect_name((enum sql_dialect)d), buf_str(&out), err.text);
            if (!ok)
                assert_int_equal(err.code, ERR_ARG);
            buf_deinit(&out);
        }
    }
}

static const struct {
    const char *label;
    struct cell cell;
    enum sql_empty empty;
    const char *want[SQL_DIALECT_COUNT];
} literals[] = {
    { "text", TEXT("abc"), SQL_EMPTY_NULL, { "'abc'", "'abc'", "'abc'" } },
    { "O'Neil", TEXT("O'Neil"), SQL_EMPTY_NULL, { "'O''Neil'", "'O''Neil'", "'O''Neil'" } },
    { "a backslash", TEXT("C:\\dir\\"), SQL_EMPTY_NULL,
        { "'C:\\dir\\'", "'C:\\\\dir\\\\'", "'C:\\dir\\'" } },
    { "the end of a literal", TEXT("\\'; DROP TABLE x; --"), SQL_EMPTY_NULL,
        { "'\\''; DROP TABLE x; --'", "'\\\\''; DROP TABLE x; --'", "'\\''; DROP TABLE x; --'" } },
    { "newline", TEXT("a\nb"), SQL_EMPTY_NULL, { "'a\nb'", "'a\nb'", "'a\nb'" } },
    { "beyond ASCII", TEXT("größe 😀"), SQL_EMPTY_NULL, { "'größe 😀'", "'größe 😀'", "'größe 😀'" } },
    { "digits as text", TEXT("007"), SQL_EMPTY_NULL, { "'007'", "'007'", "'007'" } },
    { "CR, which command lines drop at line ends", TEXT("a\r\nb"), SQL_EMPTY_NULL,
        { "'a\r\nb'", "'a\\r\nb'", "'a'||char(13)||'\nb'" } },
    { "NUL", TEXT("a\0b"), SQL_EMPTY_NULL, { NULL, "'a\\0b'", "'a'||char(0)||'b'" } },
    { "number", NUMBER(-1.5), SQL_EMPTY_NULL, { "-1.5", "-1.5", "-1.5" } },
    { "true", TRUTH(1), SQL_EMPTY_NULL, { "TRUE", "TRUE", "1" } },
    { "false", TRUTH(0), SQL_EMPTY_NULL, { "FALSE", "FALSE", "0" } },
    { "date", DATE_OF(45351, DATE_DATE), SQL_EMPTY_NULL,
        { "'2024-02-29'", "'2024-02-29'", "'2024-02-29'" } },
    { "error", ERROR_OF("#N/A"), SQL_EMPTY_NULL, { "'#N/A'", "'#N/A'", "'#N/A'" } },
    { "blank", BLANK, SQL_EMPTY_NULL, { "NULL", "NULL", "NULL" } },
    { "blank as text", BLANK, SQL_EMPTY_TEXT, { "''", "''", "''" } },
};

static void values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
        for (int d = 0; d < SQL_DIALECT_COUNT; d++) {
            const char *want = literals[i].want[d];
            struct buf out;
            struct err err = { 0 };
            bool ok;

            buf_init(&out, 4096);
            ok = sql_literal((enum sql_dialect)d, &literals[i].cell, literals[i].empty, &out, &err);
            if (ok != (want != NULL) || (ok && strcmp(buf_str(&out), want) != 0))
                fail_msg("%s in %s: %s%s", literals[i].label, sql_dialect_name((enum sql_dialect)d),
                    buf_str(&out), err.text);
            if (!ok)
                assert_int_equal(err.code, ERR_DATA);
            buf_deinit(&out);
        }
    }
}

/* What SQLite reads back is what was in the cell. */
static void sqlite_agrees(void **state)
{
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
        const struct cell *cell = &literals[i].cell;
        sqlite3_stmt *stmt;
        struct buf out;
        struct err err;

        buf_init(&out, 4096);
        buf_adds(&out, "SELECT ");
        assert_true(sql_literal(SQL_SQLITE, cell, literals[i].empty, &out, &err));
        assert_int_equal(sqlite3_prepare_v2(db, out.data, (int)out.len, &stmt, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        if (cell->type == CELL_TEXT) {
            assert_int_equal(sqlite3_column_bytes(stmt, 0), cell->len);
            assert_memory_equal(sqlite3_column_blob(stmt, 0), cell->text, cell->len);
        } else if (cell->type == CELL_NUMBER) {
            assert_true(sqlite3_column_double(stmt, 0) == cell->number);
        }
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
        buf_deinit(&out);
    }
    sqlite3_close(db);
}

/* Every keyword of SQLite works as a column's name. */
static void sqlite_keywords(void **state)
{
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (int i = 0; i < sqlite3_keyword_count(); i++) {
        const char *word;
        char name[64];
        struct buf out;
        struct err err;
        int n;

        assert_int_equal(sqlite3_keyword_name(i, &word, &n), SQLITE_OK);
        snprintf(name, sizeof name, "%.*s", n, word);
        buf_init(&out, 4096);
        buf_adds(&out, "CREATE TEMP TABLE t (");
        assert_true(sql_identifier(SQL_SQLITE, name, false, &out, &err));
        assert_true(strchr(out.data, '"'));
        buf_adds(&out, "); DROP TABLE t");
        if (sqlite3_exec(db, buf_str(&out), NULL, NULL, NULL) != SQLITE_OK)
            fail_msg("%s: %s", name, sqlite3_errmsg(db));
        buf_deinit(&out);
    }
    sqlite3_close(db);
}

static void comments(void **state)
{
    static const char text[] = "a\nb\r\nc\vd\fe\xC2\x85g\xE2\x80\xA8h\xE2\x80\xA9i\0j -- größe";
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    sql_comment_text(text, sizeof text - 1, &out);
    assert_string_equal(buf_str(&out), "a b  c d e g h i j -- größe");
    buf_deinit(&out);
}

static void beginnings(void **state)
{
    (void)state;
    assert_string_equal(sql_begin(SQL_POSTGRESQL), "BEGIN;");
    assert_string_equal(sql_begin(SQL_MYSQL), "START TRANSACTION;");
    assert_string_equal(sql_begin(SQL_SQLITE), "BEGIN TRANSACTION;");
    assert_string_equal(sql_dialect_name(SQL_POSTGRESQL), "postgresql");
    assert_string_equal(sql_dialect_name(SQL_MYSQL), "mysql");
    assert_string_equal(sql_dialect_name(SQL_SQLITE), "sqlite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(values),
        cmocka_unit_test(sqlite_agrees),
        cmocka_unit_test(sqlite_keywords),
        cmocka_unit_test(comments),
        cmocka_unit_test(beginnings),
    };

    return cmocka_run_group_tests_name("sql_write", tests, NULL, NULL);
}
