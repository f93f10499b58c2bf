/*
 * Templates of JSON: typed values, mixed text, escapes, and that the result is always JSON.
 */

#include "ops/template.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { C_NAME, C_AGE, C_OK, C_DAY, C_EMPTY, C_BIG, C_ERROR, C_COUNT };

static const char *const names[C_COUNT] = { "name", "age", "ok", "day", "empty", "big", "bad" };

struct table {
    struct arena arena;
    struct buf out;
    struct template_options options;
    struct batch *batch;
};

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
    t->batch->first_row = 2;
    t->batch->columns[C_NAME][0] = cell_text("a\"b\\c\n\t\x01\0{age}\xF0\x9F\x98\x80", 18);
    t->batch->columns[C_AGE][0] = cell_number(1.5);
    t->batch->columns[C_OK][0] = cell_bool(false);
    t->batch->columns[C_DAY][0] = cell_date(45000, DATE_DATE);
    t->batch->columns[C_EMPTY][0] = cell_blank();
    t->batch->columns[C_BIG][0] = text("9007199254740993");
    t->batch->columns[C_ERROR][0] = text("#N/A");
    t->batch->columns[C_ERROR][0].type = CELL_ERROR;
}

static void teardown(struct table *t)
{
    buf_deinit(&t->out);
    arena_deinit(&t->arena);
}

static const char *render(struct table *t, const struct json *value, bool pretty, unsigned depth)
{
    static struct err err;
    struct template *tpl;

    buf_reset(&t->out);
    if (!template_json_compile(value, pretty, depth, &t->options, &t->arena, &tpl, &err) ||
        !template_render(tpl, t->batch, 0, &t->out, &err))
        return err.text;
    return buf_str(&t->out);
}

#define NAME "a\\\"b\\\\c\\n\\t\\u0001\\u0000{age}\xF0\x9F\x98\x80"

static void values(void **state)
{
    static const struct {
        const char *label, *source, *want;
    } cases[] = {
        { "typed values",
            "{\"n\": \"{name}\", \"a\": \"{age}\", \"o\": \"{ok}\", \"d\": \"{day}\", \"e\": "
            "\"{empty}\"}",
            "{\"n\":\"" NAME "\",\"a\":1.5,\"o\":false,\"d\":\"2023-03-15\",\"e\":null}" },
        { "mixed text", "[\"a {age} {ok}{empty}\", \" {age}\", \"{name}!\"]",
            "[\"a 1.5 false\",\" 1.5\",\"" NAME "!\"]" },
        { "beyond 2^53", "[\"{big}\", \"{big:int}\", \"x{big:int}\", \"{big:float}\"]",
            "[\"9007199254740993\",\"9007199254740993\",\"x9007199254740993\","
            "\"9007199254740993\"]" },
        { "2^53 itself", "[\"{empty:int|9007199254740992}\"]", "[9007199254740992]" },
        { "keys stay", "{\"{name}\": 1, \"{{\": \"{{\"}", "{\"{name}\":1,\"{{\":\"{\"}" },
        { "constants", "[1, 2.5, true, null, [], {}, \"x\"]", "[1,2.5,true,null,[],{},\"x\"]" },
        { "nested", "{\"a\": [{\"b\": [\"{age:string}\"]}]}", "{\"a\":[{\"b\":[\"1.5\"]}]}" },
        { "defaults",
            "[\"{empty|0}\", \"{empty|007}\", \"{empty|}\", \"{empty|null}\", \"{empty|true}\", "
            "\"{ok:float|x}\"]",
            "template, at [5]: the default 'x' of {ok:float|x} is not a number" },
        { "defaults that fit",
            "[\"{empty|0}\", \"{empty|007}\", \"{empty|}\", \"{empty|null}\", \"{empty|true}\", "
            "\"{name:int|3}\"]",
            "[0,\"007\",\"\",null,true,3]" },
        { "an error cell", "[\"{bad}\", \"{bad:int|0}\"]", "[\"#N/A\",0]" },
        { "count and now",
            "[\"{auto_id}\", \"no {auto_id}\", \"{current_date}\", \"{current_timestamp}\"]",
            "[1,\"no 1\",\"2026-02-06\",\"2026-02-06T12:00:00.000000Z\"]" },
        { "a value alone", "\"{age}\"", "1.5" },
        { "no wildcards", "[\"{%age%}\"]",
            "template, at [0]: there is no column '%age%' for the placeholder {%age%}; did you "
            "mean 'age'? "
            "Available: name, age, ok, day, empty, big, bad" },
        { "unknown", "{\"a\": {\"b\": [1, \"x {agee}\"]}}",
            "template, at a.b[1]: there is no column 'agee' for the placeholder {agee}; did you "
            "mean 'age'? "
            "Available: name, age, ok, day, empty, big, bad" },
        { "open", "{\"a\": \"{age\"}",
            "template, at a: the brace is not closed; a brace that is to stay is written {{" },
        { "does not fit", "{\"a\": \"{age:int}\"}",
            "row 2, column 'age': '1.5' is not a whole number, as {age:int} asks; a default behind "
            "a | or on_error "
            "null would let it pass" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *value, *back;
        struct table t;
        struct err err;
        const char *got;

        setup(&t);
        assert_true(json_parse(cases[i].source, strlen(cases[i].source), &value, &err));
        /* A string alone would be taken for JSON text. */
        if (json_kind(value) == JSON_KIND_STRING) {
            json_free(value);
            value = json_new_string(cases[i].source);
        }
        got = render(&t, value, false, 0);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s:\n  got  %s\n  want %s", cases[i].label, got, cases[i].want);
        if (t.out.len) {
            assert_true(json_parse(t.out.data, t.out.len, &back, &err));
            json_free(back);
            assert_true(json_parse(cases[i].source, strlen(cases[i].source), &back, &err));
            json_free(back);
            render(&t, value, true, 3);
            assert_true(json_parse(t.out.data, t.out.len, &back, &err));
            json_free(back);
        }
        json_free(value);
        teardown(&t);
    }
}

static void pretty(void **state)
{
    const char *source = "{\"a\":\"{age}\",\"b\":[\"{ok}\",{}],\"c\":{\"d\":\"{empty}\"}}";
    struct json *value = json_new_string(source);
    struct table t;

    (void)state;
    setup(&t);
    assert_string_equal(render(&t, value, true, 1),
        "{\n    \"a\": 1.5,\n    \"b\": [\n      false,\n      {}\n    "
        "],\n    \"c\": {\n      \"d\": null\n    }\n  }");
    json_free(value);
    teardown(&t);
}

static void bad_text(void **state)
{
    struct json *value = json_new_string("{\"a\": {age}}");
    struct template *tpl;
    struct table t;
    struct err err;

    (void)state;
    setup(&t);
    t.options.argument = "steps[0].template";
    assert_false(template_json_compile(value, false, 0, &t.options, &t.arena, &tpl, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_string_equal(err.argument, "steps[0].template");
    assert_ptr_equal(
        strstr(err.text,
            "steps[0].template: the JSON text cannot be read (placeholders stand in quotes, as in "
            "\"{name}\"): "),
        err.text);
    json_free(value);
    teardown(&t);
}

static void misfits(void **state)
{
    struct json *value = json_new_string("[\"{name:int}\", \"{age:bool}\", \"{day:datetime}\"]");
    struct template *tpl;
    struct table t;
    struct err err;

    (void)state;
    setup(&t);
    t.options.on_error = TEMPLATE_NULL;
    assert_true(template_json_compile(value, false, 0, &t.options, &t.arena, &tpl, &err));
    assert_true(template_render(tpl, t.batch, 0, &t.out, &err));
    assert_string_equal(buf_str(&t.out), "[null,null,\"2023-03-15 00:00:00\"]");
    assert_int_equal(template_misfits(tpl), 2);
    assert_int_equal(template_guessed(tpl), 0);
    t.batch->columns[C_DAY][0] = text("01/02/2024");
    buf_reset(&t.out);
    assert_true(template_render(tpl, t.batch, 0, &t.out, &err));
    assert_string_equal(buf_str(&t.out), "[null,null,\"2024-01-02 00:00:00\"]");
    assert_int_equal(template_guessed(tpl), 1);
    json_free(value);
    teardown(&t);
}

static void deep(void **state)
{
    struct json *value = json_new_string("{age}");
    struct template *tpl;
    struct table t;
    struct err err;

    (void)state;
    setup(&t);
    for (int i = 0; i <= JSON_MAX_DEPTH; i++) {
        struct json *outer = json_new_array();

        assert_true(json_add(outer, value));
        value = outer;
    }
    assert_false(template_json_compile(value, false, 0, &t.options, &t.arena, &tpl, &err));
    assert_string_equal(err.text, "template is more than 64 levels deep");
    json_free(value);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(pretty),
        cmocka_unit_test(bad_text),
        cmocka_unit_test(misfits),
        cmocka_unit_test(deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
