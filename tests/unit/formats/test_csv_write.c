/*
 * CSV out: what each cell looks like, and that the reader gets the same cells back.
 */
#include "chance.h"
#include "read_table.h"
#include "write_table.h"

static const struct {
    const char *label;
    struct cell cell;
    const char *strict, *excel; /* The field; NULL: the same. */
} cells[] = {
    { "blank", BLANK, "", NULL },
    { "text", TEXT("abc"), "abc", NULL },
    { "outer blanks", TEXT(" a "), " a ", NULL },
    { "leading zeros", TEXT("007"), "007", NULL },
    { "comma", TEXT("a,b"), "\"a,b\"", NULL },
    { "comma in a long text", TEXT("0123456789abcdef,0123456789abcdef0123456789"),
        "\"0123456789abcdef,0123456789abcdef0123456789\"", NULL },
    { "comma at the end of a long text", TEXT("0123456789abcdef0123456789,"),
        "\"0123456789abcdef0123456789,\"", NULL },
    { "quote", TEXT("5\" pipe"), "\"5\"\" pipe\"", NULL },
    { "only quotes", TEXT("\"\""), "\"\"\"\"\"\"", NULL },
    { "LF", TEXT("a\nb"), "\"a\nb\"", NULL },
    { "CR", TEXT("a\rb"), "\"a\rb\"", NULL },
    { "CRLF", TEXT("a\r\nb"), "\"a\r\nb\"", NULL },
    { "other delimiters", TEXT("a;b\tc|d"), "a;b\tc|d", NULL },
    { "beyond ASCII", TEXT("größe 😀"), "größe 😀", NULL },
    { "whole number", NUMBER(1234567), "1234567", NULL },
    { "fraction", NUMBER(-0.5), "-0.5", NULL },
    { "small number", NUMBER(1e-7), "1e-07", NULL },
    { "truth", TRUTH(1), "true", NULL },
    { "date", DATE_OF(45351, DATE_DATE), "2024-02-29", NULL },
    { "datetime", DATE_OF(45351.5, DATE_DATETIME), "2024-02-29 12:00:00", NULL },
    { "error", ERROR_OF("#N/A"), "#N/A", NULL },
    { "formula", TEXT("=1+1"), "=1+1", "'=1+1" },
    { "formula with quotes", TEXT("=HYPERLINK(\"x\",\"y\")"), "\"=HYPERLINK(\"\"x\"\",\"\"y\"\")\"",
        "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"" },
    { "plus", TEXT("+cmd"), "+cmd", "'+cmd" },
    { "minus", TEXT("-cmd"), "-cmd", "'-cmd" },
    { "at", TEXT("@SUM(1)"), "@SUM(1)", "'@SUM(1)" },
    { "tab first", TEXT("\t=1"), "\t=1", "'\t=1" },
    { "CR first", TEXT("\r=1"), "\"\r=1\"", "\"'\r=1\"" },
    { "full-width equals",
        TEXT("\xEF\xBC\x9D"
             "1"),
        "\xEF\xBC\x9D"
        "1",
        "'\xEF\xBC\x9D"
        "1" },
    { "negative number as text", TEXT("-5"), "-5", NULL },
    { "signed number as text", TEXT("+4.2"), "+4.2", NULL },
    { "negative number", NUMBER(-5), "-5", NULL },
    { "a dash", TEXT("-"), "-", "'-" },
};

static void check_cell(
    size_t i, const struct sink_args *args, const char *before, const char *field, const char *end)
{
    static const char *const names[] = { "x", "y" };
    struct cell row[] = { cells[i].cell, TEXT("z") };
    struct buf out;
    struct err err;
    char want[512];

    snprintf(want, sizeof want, "%sx,y%s%s,z%s", before, end, field, end);
    assert_true(write_table(args, names, 2, row, 1, &out, &err));
    if (strcmp(buf_str(&out), want) != 0)
        fail_msg("%s: %s", cells[i].label, buf_str(&out));
    buf_deinit(&out);
}

static void fields(void **state)
{
    struct sink_args strict = { .format = FILE_CSV },
                     excel = { .format = FILE_CSV, .flavor = CSV_EXCEL };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        check_cell(i, &strict, "", cells[i].strict, "\n");
        check_cell(
            i, &excel, "\xEF\xBB\xBF", cells[i].excel ? cells[i].excel : cells[i].strict, "\r\n");
    }
}

static const struct {
    const char *label;
    struct sink_args args;
    const char *names[3];
    uint32_t n_columns, n_rows;
    struct cell cells[4];
    const char *want;
} tables[] = {
    { "no rows", { .format = FILE_CSV }, { "a", "b" }, 2, 0, { BLANK }, "a,b\n" },
    { "a lone blank cell", { .format = FILE_CSV }, { "a" }, 1, 2, { BLANK, TEXT("x") },
        "a\n\"\"\nx\n" },
    { "a row of blanks", { .format = FILE_CSV }, { "a", "b" }, 2, 1, { BLANK, BLANK }, "a,b\n,\n" },
    { "TSV", { .format = FILE_TSV }, { "a", "b" }, 2, 1, { TEXT("1,2"), TEXT("3\t4") },
        "a\tb\n1,2\t\"3\t4\"\n" },
    { "semicolon", { .format = FILE_CSV, .delimiter = ';' }, { "a", "b" }, 2, 1,
        { TEXT("1,2"), TEXT("3;4") }, "a;b\n1,2;\"3;4\"\n" },
    { "a delimiter that numbers hold", { .format = FILE_CSV, .delimiter = '.' }, { "a", "b" }, 2, 1,
        { NUMBER(1.5), NUMBER(2) }, "a.b\n\"1.5\".2\n" },
    { "a delimiter that dates and truths hold", { .format = FILE_CSV, .delimiter = '-' },
        { "a", "b" }, 2, 1, { DATE_OF(45351, DATE_DATE), TRUTH(0) },
        "a-b\n\"2024-02-29\"-false\n" },
    { "a quote where the rest is brief", { .format = FILE_CSV }, { "a", "b" }, 2, 2,
        { TEXT("a,\""), TEXT("\""), TEXT("x"), ERROR_OF("#N/A") },
        "a,b\n\"a,\"\"\",\"\"\"\"\nx,#N/A\n" },
    { "names that need quotes", { .format = FILE_CSV }, { "a,b", "c\"d", "e\nf" }, 3, 0, { BLANK },
        "\"a,b\",\"c\"\"d\",\"e\nf\"\n" },
    { "names with delimiters of other files", { .format = FILE_CSV }, { "a;b", "c\td" }, 2, 1,
        { TEXT("x;y"), TEXT("z") }, "\"a;b\",\"c\td\"\nx;y,z\n" },
    { "a name like a sep line", { .format = FILE_CSV }, { "sep=;" }, 1, 0, { BLANK },
        "\"sep=;\"\n" },
    { "a name like a formula", { .format = FILE_CSV, .flavor = CSV_EXCEL }, { "=a" }, 1, 0,
        { BLANK }, "\xEF\xBB\xBF'=a\r\n" },
};

static void whole_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        struct buf out;
        struct err err;

        assert_true(write_table(&tables[i].args, tables[i].names, tables[i].n_columns,
            tables[i].cells, tables[i].n_rows, &out, &err));
        if (strcmp(buf_str(&out), tables[i].want) != 0)
            fail_msg("%s: %s", tables[i].label, buf_str(&out));
        buf_deinit(&out);
    }
}

/*
 * Texts of every length around the strides of the copying, with and without something special in
 * every place; behind them stands something special, or nothing may be read.
 */
static void every_length(void **state)
{
    static const char *const names[] = { "a", "b" };
    struct sink_args args = { .format = FILE_CSV };
    enum { LONGEST = 79, PAGE = 4096 };
    char want[128], *pages;

    (void)state;
    pages =
        mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    for (size_t n = 1; n <= LONGEST; n++) {
        for (size_t at = 0; at <= n; at++) { /* at == n: nothing special. */
            char *text = pages + PAGE - n - (at % 2 ? LONGEST : 0);
            struct cell row[] = { { .text = text, .len = (uint32_t)n, .type = CELL_TEXT }, BLANK };
            struct buf out;
            struct err err;

            memset(pages, '"', PAGE);
            memset(text, 'x', n);
            if (at < n)
                text[at] = "\n\r,"[at % 3];
            snprintf(want, sizeof want, at < n ? "a,b\n\"%.*s\",\n" : "a,b\n%.*s,\n", (int)n, text);
            assert_true(write_table(&args, names, 2, row, 1, &out, &err));
            assert_string_equal(buf_str(&out), want);
            buf_deinit(&out);
        }
    }
    munmap(pages, (size_t)2 * PAGE);
}

/* Any byte in a brief text, with any delimiter: quotes where they are needed and nowhere else. */
static void every_byte_and_delimiter(void **state)
{
    enum { BYTES = 256 };
    static const char *const names[] = { "a", "b" };

    (void)state;
    for (int delimiter = 1; delimiter < 128; delimiter++) {
        struct sink_args args = { .format = FILE_CSV, .delimiter = (char)delimiter };
        static char texts[BYTES][5];
        struct cell row[2 * BYTES];
        struct buf out, want;
        struct err err;

        if (delimiter == '\n' || delimiter == '\r' || delimiter == '"')
            continue;
        buf_init(&want, 1 << 20);
        /* The names' quotes are another matter. */
        assert_true(write_table(&args, names, 2, row, 0, &out, &err));
        buf_adds(&want, buf_str(&out));
        buf_deinit(&out);
        for (int i = 0; i < BYTES; i++) {
            bool quoted = i == '\n' || i == '\r' || i == '"' || i == delimiter;

            memcpy(texts[i], "o", 1);
            texts[i][1] = texts[i][3] = (char)i;
            texts[i][2] = texts[i][4] = '~' == delimiter ? '|' : '~';
            row[2 * i] = (struct cell){ .text = texts[i], .len = 5, .type = CELL_TEXT };
            row[2 * i + 1] = cell_blank();
            quoted = quoted || delimiter == 'o';
            buf_adds(&want, quoted ? "\"" : "");
            for (int k = 0; k < 5; k++) {
                buf_addc(&want, texts[i][k]);
                if (texts[i][k] == '"')
                    buf_addc(&want, '"');
            }
            buf_adds(&want, quoted ? "\"" : "");
            buf_addc(&want, (char)delimiter);
            buf_addc(&want, '\n');
        }
        assert_true(write_table(&args, names, 2, row, BYTES, &out, &err));
        assert_int_equal(out.len, want.len);
        assert_memory_equal(out.data, want.data, want.len);
        buf_deinit(&out);
        buf_deinit(&want);
    }
}

static void long_texts(void **state)
{
    enum { N = 300000 };
    static const char *const names[] = { "a" };
    struct sink_args args = { .format = FILE_CSV };
    char *text = malloc(N);
    struct read_how how = { .args = { .header_row = 1, .delimiter = "," } };
    struct read_table t;
    struct buf out;
    struct err err;

    (void)state;
    assert_non_null(text);
    for (int quotes = 0; quotes < 2; quotes++) {
        struct cell cell = { .text = text, .len = N, .type = CELL_TEXT };

        memset(text, 'x', N);
        for (size_t i = 0; quotes && i < N; i += 7)
            text[i] = '"';
        assert_true(write_table(&args, names, 1, &cell, 1, &out, &err));
        read_table(out.data, out.len, &how, &t);
        assert_true(t.ok);
        assert_int_equal(t.text.len, 2 + 2 + N + 1);
        assert_memory_equal(t.text.data + 4, text, N);
        read_table_close(&t);
        buf_deinit(&out);
    }
    free(text);
}

/* Whatever is in the cells comes back through the reader. */
static void round_trip(void **state)
{
    enum { ROUNDS = 2000, COLUMNS = 3, ROWS = 8 };
    static const char *const names[] = { "first", "second", "third" };
    static const char *const pieces[] = { "a", "bc", ",", "\"", "\n", "\r", "\r\n", " ", "\t", ";",
        "|", "'", "\\", "é", "007", "=1", "\\\"" };
    struct read_how how = { .args = { .header_row = 1, .delimiter = ",", .quote = "\"" } };
    uint64_t seed = 5;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        static char texts[COLUMNS * ROWS][64];
        uint32_t n_columns = 1 + (uint32_t)round % COLUMNS;
        struct sink_args args = { .format = FILE_CSV };
        struct cell all[COLUMNS * ROWS];
        struct read_table t;
        struct buf out, want;
        struct err err;

        buf_init(&want, 1 << 20);
        for (uint32_t c = 0; c < n_columns; c++)
            buf_addf(&want, "%s%s", c ? "|" : "", names[c]);
        buf_addc(&want, '\n');
        for (uint32_t i = 0; i < n_columns * ROWS; i++) {
            texts[i][0] = '\0';
            while (chance(&seed) % 4 > 0 && strlen(texts[i]) < 50)
                strcat(texts[i], pieces[chance(&seed) % ARRAY_LEN(pieces)]);
            all[i] = cell_text(texts[i], strlen(texts[i]));
            if (i % n_columns == 0)
                buf_addf(&want, "%u:", i / n_columns + 2);
            else
                buf_addc(&want, '|');
            read_table_cell(&want, &all[i], false);
            if (i % n_columns == n_columns - 1)
                buf_addc(&want, '\n');
        }
        assert_true(write_table(&args, names, n_columns, all, ROWS, &out, &err));
        read_table(out.data, out.len, &how, &t);
        if (!t.ok || strcmp(buf_str(&t.text), buf_str(&want)) != 0)
            fail_msg("%s\nfrom\n%s\nnot\n%s\n%s", buf_str(&t.text), buf_str(&out), buf_str(&want),
                t.err.text);
        if (strcmp(buf_str(&t.warnings), "second_table=1") != 0) /* Chance makes those, too. */
            assert_string_equal(buf_str(&t.warnings), "");
        read_table_close(&t);
        buf_deinit(&out);
        buf_deinit(&want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(whole_tables),
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_byte_and_delimiter),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(round_trip),
    };

    return cmocka_run_group_tests_name("csv_write", tests, NULL, NULL);
}
