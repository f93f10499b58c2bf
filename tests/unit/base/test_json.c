/* JSON values: what is accepted and refused, and how values print. */

#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void round_trip(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"b\":1,\"a\":[true,false,null,\"x\"]}",
        "\"\\\"\\\\\\n\\r\\t\\u0001\"",
        "\"\\u0000a\"",
        "0.1",
        "1e-07",
        "-9223372036854775808",
        "\"\xc3\xa4\xf0\x9f\x98\x80\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct json *v;
        struct err err;
        char *out;

        assert_true(json_parse(texts[i], strlen(texts[i]), &v, &err));
        out = json_text(v);
        assert_string_equal(out, texts[i]);
        free(out);
        json_free(v);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *label, *text, *sentence;
    } cases[] = {
        { "cut off", "{\"a\": [", "not valid JSON at line 1, column 7" },
        { "second line", "{\n\"a\" 1}", "not valid JSON at line 2" },
        { "trailing text", "{} x", "not valid JSON" },
        { "two keys alike", "{\"a\":1,\"a\":2}", "duplicate" },
        { "bad UTF-8", "\"\xff\"", "not valid JSON" },
        { "a lone surrogate", "\"\\ud800\"", "not valid JSON" },
        { "an integer too large", "123456789012345678901234567890", "not valid JSON" },
        { "nothing", "", "not valid JSON" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *v;
        struct err err = { 0 };

        if (json_parse(cases[i].text, strlen(cases[i].text), &v, &err))
            fail_msg("%s: accepted", cases[i].label);
        if (!strstr(err.text, cases[i].sentence))
            fail_msg("%s: says '%s'", cases[i].label, err.text);
        assert_int_equal(err.code, ERR_MALFORMED);
    }
}

static void nesting_has_a_limit(void **state)
{
    char text[2 * (JSON_MAX_DEPTH + 1) + 1];
    struct json *v;
    struct err err;

    (void)state;
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    assert_true(json_parse(text, 2 * JSON_MAX_DEPTH, &v, &err));
    json_free(v);
    memset(text, '[', JSON_MAX_DEPTH + 1);
    memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
    assert_false(json_parse(text, 2 * (JSON_MAX_DEPTH + 1), &v, &err));
    assert_non_null(strstr(err.text, "64 levels"));
}

static void reals_that_json_lacks_become_null(void **state)
{
    struct json *a = json_new_array();
    char *out;

    (void)state;
    json_add(a, json_new_real(NAN));
    json_add(a, json_new_real(INFINITY));
    json_add(a, json_new_real(2.675));
    json_add(a, json_new_stringn("a\xff", 2));
    out = json_text(a);
    assert_string_equal(out, "[null,null,2.675,\"a\xef\xbf\xbd\"]");
    free(out);
    json_free(a);
}

static void builders_take_null(void **state)
{
    struct json *o = json_new_object();

    (void)state;
    assert_false(json_set(NULL, "k", json_new_int(1)));
    assert_false(json_set(o, "k", NULL));
    assert_null(json_get(NULL, "k"));
    assert_int_equal(json_len(NULL), 0);
    assert_int_equal(json_get_int(o, "k", 5), 5);
    assert_true(json_isnull(NULL));
    json_free(NULL);
    json_free(o);
}

static void errors_travel_as_json(void **state)
{
    struct err err, back;
    struct json *j;

    (void)state;
    err_set(&err, ERR_COLUMN, "column 'nmae' does not exist");
    strcpy(err.column, "nmae");
    strcpy(err.argument, "columns[0]");
    err_list_add(err.available, sizeof err.available, "name");
    err_list_add(err.available, sizeof err.available, "city, zip");
    err_list_add(err.suggestions, sizeof err.suggestions, "name");
    err.at.row = 12;
    j = json_from_err(&err);
    json_to_err(j, &back);
    json_free(j);
    assert_memory_equal(&err.code, &back.code, sizeof err.code);
    assert_string_equal(err.available, back.available);
    assert_string_equal(err.suggestions, back.suggestions);
    assert_string_equal(err.argument, back.argument);
    assert_int_equal(back.at.row, 12);
    j = json_err_details(&back);
    assert_int_equal(json_len(json_get(j, "available_columns")), 2);
    json_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(refused),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(reals_that_json_lacks_become_null),
        cmocka_unit_test(builders_take_null),
        cmocka_unit_test(errors_travel_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
