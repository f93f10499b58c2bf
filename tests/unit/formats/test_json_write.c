/*
 * JSON out: values by type, shapes, keys.
 */
#include "write_table.h"

#include "base/json.h"

static const struct {
    const char *label;
    struct cell cell;
    const char *want;
} values[] = {
    { "text", TEXT("abc"), "\"abc\"" },
    { "text of digits", TEXT("007"), "\"007\"" },
    { "quotes and backslashes", TEXT("a\"b\\c"), "\"a\\\"b\\\\c\"" },
    { "controls", TEXT("\b\f\n\r\t\x01\x1F\x7F"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\"" },
    { "NUL", TEXT("a\0b"), "\"a\\u0000b\"" },
    { "a slash", TEXT("</script>"), "\"</script>\"" },
    { "beyond ASCII", TEXT("größe 😀"), "\"größe 😀\"" },
    { "an escape at the end of a long text", TEXT("0123456789abcdef0123456789abcdef\""),
        "\"0123456789abcdef0123456789abcdef\\\"\"" },
    { "whole number", NUMBER(42), "42" },
    { "fraction", NUMBER(-1.5), "-1.5" },
    { "small number", NUMBER(1e-7), "1e-07" },
    { "2^53", NUMBER(9007199254740992.0), "9007199254740992" },
    { "beyond 2^53", NUMBER(9007199254740994.0), "\"9007199254740994\"" },
    { "far beyond 2^53", NUMBER(-1e300), "\"-1e+300\"" },
    { "true", TRUTH(1), "true" },
    { "false", TRUTH(0), "false" },
    { "date", DATE_OF(45351, DATE_DATE), "\"2024-02-29\"" },
    { "duration", DATE_OF(1.25, DATE_DURATION), "\"30:00:00\"" },
    { "error", ERROR_OF("#DIV/0!"), "\"#DIV/0!\"" },
    { "blank", BLANK, "null" },
};

static void each_type(void **state)
{
    static const char *const names[] = { "k" };
    struct sink_args args = { .format = FILE_JSON };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char want[256];
        struct json *json;
        struct buf out;
        struct err err;

        assert_true(write_table(&args, names, 1, &values[i].cell, 1, &out, &err));
        snprintf(want, sizeof want, "[{\"k\":%s}]\n", values[i].want);
        if (strcmp(buf_str(&out), want) != 0)
            fail_msg("%s: %s", values[i].label, buf_str(&out));
        if (!json_parse(out.data, out.len, &json, &err))
            fail_msg("%s: %s", values[i].label, err.text);
        json_free(json);
        buf_deinit(&out);
    }
}

static const char *const other_keys[] = { "x\"y", "größe" };

static const struct {
    const char *label;
    struct sink_args args;
    uint32_t n_rows;
    const char *want;
} shapes[] = {
    { "compact", { .format = FILE_JSON }, 2, "[{\"a\":1,\"b\":null},{\"a\":null,\"b\":null}]\n" },
    { "pretty", { .format = FILE_JSON, .pretty = true }, 2,
        "[\n  {\n    \"a\": 1,\n    \"b\": null\n  },\n  {\n    \"a\": null,\n    \"b\": null\n  "
        "}\n]\n" },
    { "blanks left out", { .format = FILE_JSON, .null_handling = NULL_EXCLUDE }, 2,
        "[{\"a\":1},{}]\n" },
    { "blanks left out, pretty",
        { .format = FILE_JSON, .null_handling = NULL_EXCLUDE, .pretty = true }, 2,
        "[\n  {\n    \"a\": 1\n  },\n  {}\n]\n" },
    { "blanks as empty text", { .format = FILE_JSON, .null_handling = NULL_DEFAULT }, 1,
        "[{\"a\":1,\"b\":\"\"}]\n" },
    { "lines", { .format = FILE_JSONL, .pretty = true }, 2,
        "{\"a\":1,\"b\":null}\n{\"a\":null,\"b\":null}\n" },
    { "no array", { .format = FILE_JSON, .single_object_unwrapped = true, .pretty = true }, 1,
        "{\"a\":1,\"b\":null}\n" },
    { "keys", { .format = FILE_JSON, .keys = other_keys }, 1, "[{\"x\\\"y\":1,\"größe\":null}]\n" },
    { "no rows", { .format = FILE_JSON }, 0, "[]\n" },
    { "no rows, pretty", { .format = FILE_JSON, .pretty = true }, 0, "[]\n" },
    { "no lines", { .format = FILE_JSONL }, 0, "" },
};

static void each_shape(void **state)
{
    static const char *const names[] = { "a", "b" };
    const struct cell cells[] = { NUMBER(1), BLANK, BLANK, BLANK };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct buf out;
        struct err err;

        assert_true(write_table(&shapes[i].args, names, 2, cells, shapes[i].n_rows, &out, &err));
        if (strcmp(buf_str(&out), shapes[i].want) != 0)
            fail_msg("%s: %s", shapes[i].label, buf_str(&out));
        buf_deinit(&out);
    }
}

static void double_keys(void **state)
{
    static const char *const names[] = { "a", "b", "c" };
    static const char *const keys[] = { "x", "y", "x" };
    const struct cell cells[] = { BLANK, BLANK, BLANK };
    struct sink_args args = { .format = FILE_JSON, .keys = keys };
    struct buf out;
    struct err err;

    (void)state;
    assert_false(write_table(&args, names, 3, cells, 1, &out, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_string_equal(
        err.text, "two columns would be written under the key 'x'; give each its own");
    buf_deinit(&out);
}

/* Long texts and many rows cross the edges of the output buffer. */
static void large(void **state)
{
    enum { ROWS = 5000, N = 200000 };
    static const char *const names[] = { "k" };
    struct sink_args args = { .format = FILE_JSON };
    struct cell *cells = calloc(ROWS, sizeof *cells);
    char *text = malloc(N);
    struct json *json;
    struct buf out;
    struct err err;

    (void)state;
    assert_true(cells && text);
    for (size_t i = 0; i < N; i++)
        text[i] = i % 5 ? 'x' : '\n';
    for (uint32_t i = 0; i < ROWS; i++)
        cells[i] = cell_text(text, i == 17 ? N : i % 100);
    assert_true(write_table(&args, names, 1, cells, ROWS, &out, &err));
    assert_true(json_parse(out.data, out.len, &json, &err));
    assert_int_equal(json_len(json), ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        const struct json *value = json_get(json_at(json, i), "k");

        assert_int_equal(json_str_len(value), cells[i].len);
        if (cells[i].len > 0)
            assert_memory_equal(json_str(value), text, cells[i].len);
    }
    json_free(json);
    buf_deinit(&out);
    free(cells);
    free(text);
}

static void not_a_table_format(void **state)
{
    struct sink_args args = { .format = FILE_SQL };
    struct buf out;
    struct err err;

    (void)state;
    assert_false(write_table(&args, NULL, 0, NULL, 0, &out, &err));
    assert_string_equal(
        err.text, "a table cannot be written as sql; use xlsx, csv, tsv, json or jsonl");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type),
        cmocka_unit_test(each_shape),
        cmocka_unit_test(double_keys),
        cmocka_unit_test(large),
        cmocka_unit_test(not_a_table_format),
    };

    return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}
