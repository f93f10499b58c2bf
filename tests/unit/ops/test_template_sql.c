/*
 * Templates of SQL: names and types, the context of each placeholder, and values that try to get out.
 */

#include "ops/template.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A table of one row, and what it takes to render it. */
struct table {
    struct arena arena;
    struct buf out;
    struct template_options options;
    struct batch *batch;
};

enum { C_NAME, C_AGE, C_OK, C_DAY, C_UNDER, C_EMPTY, C_CODE, C_COLON, C_COUNT };

static const char *const names[C_COUNT] = { "name", "age", "ok", "day", "_id", "empty", "code",
    "a:b|c" };

static struct cell text(const char *s)
{
    return cell_text(s, strlen(s));
}

static void setup(struct table *t)
{
    struct schema *schema;

    memset(t, 0, sizeof *t);
    arena_init(&t->arena, NULL);
    buf_init(&t->out, 1 << 20);
    schema = schema_new(&t->arena, C_COUNT);
    for (uint32_t i = 0; i < C_COUNT; i++)
        schema->columns[i] = (struct column){ names[i], names[i] };
    t->options.schema = schema;
    t->options.now_ns = INT64_C(1770379200) * 1000000000;
    t->options.counter.start = 1;
    t->batch = batch_new(&t->arena, C_COUNT);
    t->batch->n_rows = 1;
    t->batch->first_row = 7;
    t->batch->columns[C_NAME][0] = text("Miles O'Brien");
    t->batch->columns[C_AGE][0] = cell_number(44);
    t->batch->columns[C_OK][0] = cell_bool(true);
    t->batch->columns[C_DAY][0] = cell_date(45000, DATE_DATE);
    t->batch->columns[C_UNDER][0] = text("u1");
    t->batch->columns[C_EMPTY][0] = cell_blank();
    t->batch->columns[C_CODE][0] = text("007");
    t->batch->columns[C_COLON][0] = text("odd");
}

static void teardown(struct table *t)
{
    buf_deinit(&t->out);
    arena_deinit(&t->arena);
}

/* What comes of it, or the error's sentence. */
static const char *render(struct table *t, enum sql_dialect d, const char *source)
{
    static struct err err;
    struct template *tpl;

    buf_reset(&t->out);
    if (!template_sql_compile(source, strlen(source), d, &t->options, &t->arena, &tpl, &err) ||
        !template_render(tpl, t->batch, 0, &t->out, &err)) {
        assert_int_equal(t->out.len, 0);
        return err.text;
    }
    return buf_str(&t->out);
}

struct golden {
    const char *label;
    enum sql_dialect dialect;
    const char *source, *want;
};

static void check(const struct golden *cases, size_t n, void (*fill)(struct table *))
{
    for (size_t i = 0; i < n; i++) {
        struct table t;
        const char *got;

        setup(&t);
        if (fill)
            fill(&t);
        got = render(&t, cases[i].dialect, cases[i].source);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: %s\n  got  %s\n  want %s", cases[i].label, cases[i].source, got,
                cases[i].want);
        teardown(&t);
    }
}

static void grammar(void **state)
{
    static const struct golden cases[] = {
        { "an insert", SQL_POSTGRESQL,
            "INSERT INTO t VALUES ({name}, {age}, {ok}, {day}, {empty});",
            "INSERT INTO t VALUES ('Miles O''Brien', 44, TRUE, '2023-03-15', NULL);" },
        { "booleans for SQLite", SQL_SQLITE, "{ok}", "TRUE" },
        { "blanks around the parts", SQL_SQLITE, "{ age : int | 5 }", "44" },
        { "braces", SQL_SQLITE, "'{{x}}', '{{{name}}}', '{}'", "'{x}', '{Miles O''Brien}', '{}'" },
        { "a closing brace alone", SQL_SQLITE, "'}' {age}", "'}' 44" },
        { "default for a blank", SQL_SQLITE,
            "{empty|n/a} {empty|0} {empty|007} {empty|true} {empty|}", "'n/a' 0 '007' TRUE ''" },
        { "default null", SQL_SQLITE, "{empty|NULL} {empty:int|null} {empty:string|null}",
            "NULL NULL 'null'" },
        { "default with a colon and a bar", SQL_SQLITE, "{empty|a:int|b}", "'a:int|b'" },
        { "typed defaults", SQL_SQLITE,
            "{empty:int|5} {name:float|1.50} {empty:bool|no} {empty:datetime|2024-01-31}",
            "5 1.50 FALSE '2024-01-31 00:00:00'" },
        { "types", SQL_SQLITE,
            "{code} {code:int} {code:string} {age:string} {age:float} {ok:int} {day:datetime}",
            "'007' 7 '007' '44' 44 1 '2023-03-15 00:00:00'" },
        { "types in any case", SQL_SQLITE, "{code:INT}", "7" },
        { "a name of signs", SQL_SQLITE, "{a:b|c} {a:b|c:string|x}", "'odd' 'odd'" },
        { "LIKE", SQL_POSTGRESQL, "a LIKE {%name%} OR b LIKE {name%} OR c LIKE {_name_}",
            "a LIKE '%Miles O''Brien%' OR b LIKE 'Miles O''Brien%' OR c LIKE '_Miles O''Brien_'" },
        { "LIKE of a number", SQL_SQLITE, "{%age%}", "'%44%'" },
        { "LIKE in a literal", SQL_SQLITE, "'{%name%}'", "'%Miles O''Brien%'" },
        { "LIKE of a blank", SQL_SQLITE, "{%empty%} '{%empty%}'", "NULL ''" },
        { "LIKE and a default", SQL_SQLITE, "{%empty|none%} {empty|50%} {%empty%|x}",
            "'%none%' '50%' '%x%'" },
        { "LIKE and a type", SQL_SQLITE, "{%code:int%}", "'%7%'" },
        { "a real name goes first", SQL_SQLITE, "{_id} {_id%} {%_id}", "'u1' 'u1%' '%u1'" },
        { "now", SQL_SQLITE,
            "{current_timestamp} {current_date} '{current_timestamp}' '{current_date}'",
            "CURRENT_TIMESTAMP CURRENT_DATE '2026-02-06 12:00:00' '2026-02-06'" },
        { "blank in a literal", SQL_SQLITE, "'a{empty}b'", "'ab'" },
        { "types in a literal", SQL_SQLITE, "'{age} {ok} {day} {code:int}'",
            "'44 true 2023-03-15 7'" },
        { "an open brace", SQL_SQLITE, "SELECT\n {name",
            "template, line 2, character 2: the brace is not closed; a brace that is to stay is "
            "written {{" },
        { "JSON unescaped", SQL_SQLITE, "'{\"k\": \"{name}\"}'",
            "template, line 1, character 2: a brace in a placeholder; a brace that is to stay is "
            "written {{ or }}" },
        { "unknown type", SQL_SQLITE, "{age:itn}",
            "template, line 1, character 1: {age:itn} asks for the type 'itn', which there is not; "
            "did you mean "
            "'int'? Types: int, float, bool, datetime, string" },
        { "unknown name", SQL_SQLITE, "\xC3\xA4 {nmae:string|x}",
            "template, line 1, character 3: there is no column 'nmae' for the placeholder "
            "{nmae:string|x}; did you "
            "mean 'name'? Available: name, age, ok, day, _id, empty, code, a:b|c" },
        { "no name", SQL_SQLITE, "{ }", "template, line 1, character 1: { } has no name" },
        { "a default that does not fit", SQL_SQLITE, "{age:int|many}",
            "template, line 1, character 1: the default 'many' of {age:int|many} is not a whole "
            "number" },
        { "a value that does not fit", SQL_SQLITE, "SELECT {name:int}",
            "row 7, column 'name': 'Miles O'Brien' is not a whole number, as {name:int} asks; a "
            "default behind a | "
            "or on_error null would let it pass" },
    };

    (void)state;
    check(cases, ARRAY_LEN(cases), NULL);
}

/* name: '"`\ and signs that open comments; code: what would end most things. */
static void hostile(struct table *t)
{
    t->batch->columns[C_NAME][0] = text("a'b\"c`d\\");
    t->batch->columns[C_CODE][0] = text("*/ -- \n/* ]");
    t->batch->columns[C_AGE][0] = cell_number(-5);
    t->batch->columns[C_UNDER][0] = text("{name} $$ '; DROP TABLE t; --");
}

static void contexts(void **state)
{
    static const struct golden cases[] = {
        { "outside, PostgreSQL", SQL_POSTGRESQL, "{name}", "'a''b\"c`d\\'" },
        { "outside, MySQL", SQL_MYSQL, "{name}", "'a''b\"c`d\\\\'" },
        { "braces in data", SQL_SQLITE, "{_id}", "'{name} $$ ''; DROP TABLE t; --'" },
        { "E'...'", SQL_POSTGRESQL, "E'{name}' e'\\'{name}'",
            "E'a''b\"c`d\\\\' e'\\'a''b\"c`d\\\\'" },
        { "a word that ends with e", SQL_POSTGRESQL, "time'{name}'", "time'a''b\"c`d\\'" },
        { "E means nothing to SQLite", SQL_SQLITE, "E'{name}'", "E'a''b\"c`d\\'" },
        { "a literal that goes on E'...'", SQL_POSTGRESQL, "E'x'\n -- y\n {name}",
            "E'x'\n -- y\n 'a''b\"c`d\\\\'" },
        { "U&'...' ends at its quote", SQL_POSTGRESQL, "U&'\\', {name}", "U&'\\', 'a''b\"c`d\\'" },
        { "U&'...'", SQL_POSTGRESQL, "U&'{name}'", "U&'a''b\"c`d\\\\'" },
        { "a name", SQL_POSTGRESQL, "\"{name}\"", "\"a'b\"\"c`d\\\"" },
        { "MySQL's text in double quotes", SQL_MYSQL, "\"{name}\"", "\"a'b\"\"c`d\\\\\"" },
        { "a backtick", SQL_MYSQL, "`{name}`", "`a'b\"c``d\\`" },
        { "a backtick of SQLite", SQL_SQLITE, "`{name}`", "`a'b\"c``d\\`" },
        { "a bracket", SQL_SQLITE, "[{name}]", "[a'b\"c`d\\]" },
        { "a bracket that would end", SQL_SQLITE, "[{code}]",
            "row 7, column 'code': the value holds a ], which would end the name [...]; write the "
            "name in \"...\" "
            "instead" },
        { "an array of PostgreSQL", SQL_POSTGRESQL, "ARRAY[{age}]", "ARRAY[-5]" },
        { "a line comment", SQL_SQLITE, "-- {code}\n{age}", "-- */ --  /* ]\n-5" },
        { "a line comment of MySQL", SQL_MYSQL, "# {code}\n-- {code}",
            "# */ --  /* ]\n-- */ --  /* ]" },
        { "# is not one for SQLite", SQL_SQLITE, "1 # {age}", "1 # -5" },
        { "a block comment", SQL_SQLITE, "/* {code} */", "/* * / -- \n/ * ] */" },
        { "signs that meet in a comment", SQL_SQLITE, "/* *{code}/ */", "/* ** / -- \n/ * ]/ */" },
        { "nothing between signs", SQL_SQLITE, "/* *{empty}/ */", "/* * / */" },
        { "first in a comment", SQL_MYSQL, "/*{name}*/", "/* a'b\"c`d\\*/" },
        { "nested comments", SQL_POSTGRESQL, "/* /* */ {code} */ {age}",
            "/* /* */ * / -- \n/ * ] */ -5" },
        { "no nested comments", SQL_SQLITE, "/* /* */ {age}", "/* /* */ -5" },
        { "a quote in a comment", SQL_SQLITE, "-- don't\n{name}", "-- don't\n'a''b\"c`d\\'" },
        { "a dollar quote", SQL_POSTGRESQL, "$${name}$$ $t$ {_id} $t$",
            "$$a'b\"c`d\\$$ $t$ {name} $$ '; DROP TABLE t; -- $t$" },
        { "a dollar quote that would end", SQL_POSTGRESQL, "$$ {_id} $$",
            "row 7, column '_id': the value would end the quoted text, as $$ is in it; use another "
            "tag, or '...'" },
        { "no dollar quotes in SQLite", SQL_SQLITE, "$$ {name}", "$$ 'a''b\"c`d\\'" },
        { "minus", SQL_SQLITE, "1-{age} 1+{age} x={age} ({age}) !={age}",
            "1- -5 1+ -5 x=-5 (-5) != -5" },
        { "beside quotes", SQL_SQLITE, "'a'{name}'b'", "'a' 'a''b\"c`d\\' 'b'" },
        { "psql variables", SQL_POSTGRESQL, ":{name}", ": 'a''b\"c`d\\'" },
        { "a text that touches a word", SQL_POSTGRESQL, "E{name}",
            "row 7, column 'name': {name} touches the text beside it in the template, so its value "
            "can only be "
            "digits, and not 'a'b\"c`d\\'; put a blank between, or quotes around both" },
        { "a minus that touches a word", SQL_SQLITE, "t_{age}",
            "row 7, column 'age': {age} touches the text beside it in the template, so its value "
            "can only be "
            "digits, and not '-5'; put a blank between, or quotes around both" },
        { "a dollar before", SQL_POSTGRESQL, "$a{age}$",
            "template, line 1, character 3: {age} touches a $, and together they could begin a "
            "quoted text; put a "
            "blank between" },
        { "a tag behind a number", SQL_POSTGRESQL, "{{ 1$a$ {name} $a$",
            "template, line 1, character 5: a $ right behind a number may begin a quoted text or "
            "not; put a blank "
            "before it" },
        { "a tag behind a tag", SQL_POSTGRESQL, "$$x$$$a$ {name} $a$ a$b$ {age}",
            "$$x$$$a$ a'b\"c`d\\ $a$ a$b$ -5" },
        { "minus minus", SQL_MYSQL, "1 --{age}",
            "template, line 1, character 5: {age} follows -- at once, which is a comment for some "
            "values only; put "
            "a blank between" },
        { "a backslash before", SQL_MYSQL, "'C:\\{name}'",
            "template, line 1, character 5: {name} follows a backslash, which would change its "
            "first character; "
            "write two backslashes" },
        { "two backslashes before", SQL_MYSQL, "'C:\\\\{name}'", "'C:\\\\a''b\"c`d\\\\'" },
        { "a backslash before is nothing to SQLite", SQL_SQLITE, "'C:\\{name}'",
            "'C:\\a''b\"c`d\\'" },
        { "a comment that runs", SQL_MYSQL, "/*!50000 {age} */",
            "template, line 1, character 10: {age} stands in a comment that MySQL runs, where a "
            "value cannot be "
            "made safe" },
        { "code", SQL_POSTGRESQL, "DO $$ BEGIN PERFORM '{name}'; END $$",
            "template, line 1, character 22: {name} stands in the code of a function or DO block, "
            "where a value "
            "cannot be made safe" },
        { "code of a function", SQL_POSTGRESQL,
            "SELECT 1; CREATE OR REPLACE FUNCTION f() AS 'x {name}'",
            "template, line 1, character 48: {name} stands in the code of a function or DO block, "
            "where a value "
            "cannot be made safe" },
        { "an open literal", SQL_SQLITE, "SELECT '{{'' {name}",
            "template, line 1, character 8: the literal '... is not closed before the template "
            "ends" },
        { "an open comment", SQL_POSTGRESQL, "{age}\n/* /* */",
            "template, line 2, character 1: the comment /*... is not closed before the template "
            "ends" },
    };

    (void)state;
    check(cases, ARRAY_LEN(cases), hostile);
}

static void joins_digits(void **state)
{
    static const struct golden cases[] = {
        { "a word of both", SQL_SQLITE, "t_{age}_x {age}{age}", "t_44_x 4444" },
        { "emoji and line breaks", SQL_SQLITE, "{name}", "'Miles O''Brien'" },
    };

    (void)state;
    check(cases, ARRAY_LEN(cases), NULL);
}

static void nul(struct table *t)
{
    t->batch->columns[C_NAME][0] = cell_text("a\0b", 3);
    t->batch->columns[C_CODE][0] = text("\xF0\x9F\x98\x80\n\r\t");
}

static void odd_characters(void **state)
{
    static const struct golden cases[] = {
        { "NUL, MySQL", SQL_MYSQL, "{name} \"{name}\"", "'a\\0b' \"a\\0b\"" },
        { "NUL, SQLite", SQL_SQLITE, "{name}", "'a'||char(0)||'b'" },
        { "NUL, PostgreSQL", SQL_POSTGRESQL, "{name}",
            "row 7, column 'name': a text holds the character U+0000, which PostgreSQL cannot "
            "store" },
        { "NUL in a name", SQL_SQLITE, "\"{name}\"",
            "row 7, column 'name': the text holds the character U+0000, which SQLite cannot take "
            "here" },
        { "NUL in comments", SQL_SQLITE, "/* {name} */ -- {name}", "/* a b */ -- a b" },
        { "emoji and line breaks, PostgreSQL", SQL_POSTGRESQL, "{code}",
            "'\xF0\x9F\x98\x80\n\r\t'" },
        { "emoji and line breaks, SQLite", SQL_SQLITE, "{code}",
            "'\xF0\x9F\x98\x80\n'||char(13)||'\t'" },
        { "emoji and line breaks, MySQL", SQL_MYSQL, "{code} \"{code}\"",
            "'\xF0\x9F\x98\x80\n\\r\t' \"\xF0\x9F\x98\x80\n\\r\t\"" },
        { "emoji in a comment", SQL_SQLITE, "-- {code}", "-- \xF0\x9F\x98\x80  \t" },
    };

    (void)state;
    check(cases, ARRAY_LEN(cases), nul);
}

static void numbers(void **state)
{
    static const struct {
        const char *cell, *type, *want; /* want NULL: refused. */
    } cases[] = {
        { "42", "int", "42" },
        { " 42 ", "int", "42" },
        { "+0042", "int", "42" },
        { "-0", "int", "0" },
        { "42.00", "int", "42" },
        { "42.5", "int", NULL },
        { "1e5", "int", "100000" },
        { "1e20", "int", "100000000000000000000" },
        { "12345678901234567890123", "int", "12345678901234567890123" },
        { "1,000", "int", NULL },
        { "0x10", "int", NULL },
        { "1; DROP TABLE t", "int", NULL },
        { "  ", "int", "NULL" },
        { "1.50", "float", "1.50" },
        { ".5", "float", "0.5" },
        { "-5.", "float", "-5" },
        { "+1E5", "float", "1E5" },
        { "1e999", "float", NULL },
        { "nan", "float", NULL },
        { "YES", "bool", "TRUE" },
        { "0", "bool", "FALSE" },
        { "2", "bool", NULL },
        { "31.1.2024 10:30", "datetime", "'2024-01-31 10:30:00'" },
        { "2024-02-30", "datetime", NULL },
        { "  ", "string", "'  '" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct table t;
        char source[64];
        const char *got;

        setup(&t);
        t.batch->columns[C_NAME][0] = text(cases[i].cell);
        snprintf(source, sizeof source, "{name:%s}", cases[i].type);
        got = render(&t, SQL_SQLITE, source);
        if (cases[i].want ? strcmp(got, cases[i].want) != 0
                          : strncmp(got, "row 7, column 'name': '", 23) != 0)
            fail_msg("'%s' as %s: got %s", cases[i].cell, cases[i].type, got);
        t.options.on_error = TEMPLATE_NULL;
        assert_string_equal(render(&t, SQL_SQLITE, source), cases[i].want ? cases[i].want : "NULL");
        teardown(&t);
    }
}

static void tags_across(void **state)
{
    struct table t;

    (void)state;
    setup(&t);
    t.batch->columns[C_NAME][0] = text("5$");
    assert_string_equal(render(&t, SQL_POSTGRESQL, "$${name} USD$$"), "$$5$ USD$$");
    assert_string_equal(render(&t, SQL_POSTGRESQL, "$${name}$$"),
        "row 7, column 'name': the value would end the quoted text, as $$ is in it; use another "
        "tag, or '...'");
    t.batch->columns[C_NAME][0] = text("$a");
    assert_string_equal(render(&t, SQL_POSTGRESQL, "$ab$ {name}b$ $ab$"),
        "row 7, column 'name': the value would end the quoted text, as $ab$ is in it; use another "
        "tag, or '...'");
    t.batch->columns[C_NAME][0] = text("b$");
    assert_string_equal(render(&t, SQL_POSTGRESQL, "$ab$ $a{name} $ab$"),
        "row 7, column 'name': the value would end the quoted text, as $ab$ is in it; use another "
        "tag, or '...'");
    teardown(&t);
}

static void counters(void **state)
{
    const struct template_alias aliases[] = { { "who", "name" }, { "age", "code" } };
    struct template *tpl;
    struct table t;
    struct err err;
    const char *source = "{id},{auto_id},'{id}',{who},{age}";

    (void)state;
    setup(&t);
    t.options.aliases = aliases;
    t.options.n_aliases = 2;
    t.options.counter.name = "id";
    t.options.counter.start = 10;
    assert_true(
        template_sql_compile(source, strlen(source), SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    for (int i = 0; i < 2; i++)
        assert_true(template_render(tpl, t.batch, 0, &t.out, &err));
    assert_string_equal(
        buf_str(&t.out), "10,10,'10','Miles O''Brien','007'11,11,'11','Miles O''Brien','007'");

    t.options.counter.expression = "nextval('seq_id')";
    assert_string_equal(render(&t, SQL_POSTGRESQL, "{id}"), "nextval('seq_id')");
    assert_string_equal(render(&t, SQL_POSTGRESQL, "'{id}'"),
        "template, line 1, character 2: {id} is an expression that only the database can count; "
        "put it outside quotes");
    t.options.counter.expression = NULL;
    t.options.counter.counting = TEMPLATE_UUID;
    assert_int_equal(strlen(render(&t, SQL_SQLITE, "{id}{{")), 39);
    assert_int_equal(t.out.data[15], '4');
    teardown(&t);
}

static void mapping_errors(void **state)
{
    const struct template_alias aliases[] = { { "who", "nmae" } };
    struct template *tpl;
    struct table t;
    struct err err;

    (void)state;
    setup(&t);
    assert_false(template_sql_compile("{nmae}", 6, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    assert_int_equal(err.code, ERR_COLUMN);
    assert_string_equal(err.argument, "template");
    assert_string_equal(err.column, "nmae");
    assert_string_equal(err.suggestions, "name");
    t.options.aliases = aliases;
    t.options.n_aliases = 1;
    assert_false(template_sql_compile("{who}", 5, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    assert_int_equal(err.code, ERR_COLUMN);
    assert_string_equal(err.argument, "column_mapping.who");
    teardown(&t);
}

static void places(void **state)
{
    struct template *tpl;
    struct table t;
    struct err err;

    (void)state;
    setup(&t);
    buf_adds(&t.out, "before ");
    assert_true(
        template_sql_compile("x {name:int}", 12, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    assert_false(template_render(tpl, t.batch, 0, &t.out, &err));
    assert_int_equal(err.code, ERR_DATA);
    assert_int_equal(err.at.row, 7);
    assert_string_equal(err.column, "name");
    assert_string_equal(buf_str(&t.out), "before ");
    teardown(&t);
}

static void shapes(void **state)
{
    static const struct {
        const char *source;
        struct template_shape want;
    } cases[] = {
        { "INSERT INTO t VALUES ({name});", { 1, false, false } },
        { "INSERT INTO t VALUES ({name})", { 1, true, false } },
        { "DELETE FROM t; INSERT INTO t VALUES (';')\n-- done; {name}", { 2, true, true } },
        { "/* ; */ ;; SELECT 1; -- x\n", { 1, false, false } },
        { "", { 0, false, false } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct template_shape *got;
        struct template *tpl;
        struct table t;
        struct err err;

        setup(&t);
        assert_true(template_sql_compile(cases[i].source, strlen(cases[i].source), SQL_SQLITE,
            &t.options, &t.arena, &tpl, &err));
        got = template_sql_shape(tpl);
        assert_int_equal(got->statements, cases[i].want.statements);
        assert_int_equal(got->open, cases[i].want.open);
        assert_int_equal(got->in_comment, cases[i].want.in_comment);
        teardown(&t);
    }
}

static void limits(void **state)
{
    struct template *tpl;
    struct table t;
    struct err err;
    struct buf b;

    (void)state;
    setup(&t);
    buf_init(&b, (size_t)4 * TEMPLATE_MAX_BYTES);
    for (int i = 0; i <= TEMPLATE_MAX_SLOTS; i++)
        buf_adds(&b, "{age} ");
    assert_true(
        template_sql_compile(b.data, b.len - 6, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    assert_false(template_sql_compile(b.data, b.len, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    assert_non_null(strstr(err.text, "more than 4096 placeholders"));
    memset(buf_reserve(&b, TEMPLATE_MAX_BYTES), ' ', TEMPLATE_MAX_BYTES);
    assert_false(template_sql_compile(
        b.data, TEMPLATE_MAX_BYTES + 1, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    assert_string_equal(err.text, "template: 1048577 bytes are more than the 1048576 allowed");
    assert_false(template_sql_compile("a\0b", 3, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    assert_string_equal(err.text,
        "template, line 1, character 2: the character U+0000 ends a script for most databases");
    memset(b.data, 'x', TEMPLATE_MAX_NAME + 2);
    b.data[0] = '{';
    b.data[TEMPLATE_MAX_NAME + 2] = '}';
    assert_false(template_sql_compile(
        b.data, TEMPLATE_MAX_NAME + 3, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    assert_non_null(strstr(err.text, "a placeholder of 4097 bytes; at most 4096"));
    buf_deinit(&b);

    assert_true(template_sql_compile("{name}", 6, SQL_SQLITE, &t.options, &t.arena, &tpl, &err));
    buf_init(&b, 10);
    assert_false(template_render(tpl, t.batch, 0, &b, &err));
    assert_int_equal(err.code, ERR_BUDGET);
    buf_deinit(&b);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grammar),
        cmocka_unit_test(contexts),
        cmocka_unit_test(joins_digits),
        cmocka_unit_test(odd_characters),
        cmocka_unit_test(numbers),
        cmocka_unit_test(tags_across),
        cmocka_unit_test(counters),
        cmocka_unit_test(mapping_errors),
        cmocka_unit_test(places),
        cmocka_unit_test(shapes),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
