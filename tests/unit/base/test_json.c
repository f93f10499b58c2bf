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
        { "trailing text", "{} x",
            "line 1, column 4: more text after the end of the value near 'x'" },
        { "two keys alike", "{\"a\":1,\n\"a\":2}",
            "line 2, column 1: a duplicate key near '\"a\"'" },
        { "two keys alike, escaped", "{\"kA\":1,\"k\\u0041\":2}", "column 9: a duplicate key" },
        { "bad UTF-8", "\"\xc3\xa4\xff\"", "line 1, column 3: a byte that is no UTF-8" },
        { "a lone surrogate", "\"\\ud800\"", "column 2: half of a pair of \\u escapes" },
        { "a trailing surrogate", "\"\\udc00\"", "half of a pair" },
        { "a surrogate and a letter", "\"\\ud800\\u0041\"", "half of a pair" },
        { "\\u with three digits", "\"\\u12g4\"", "four hexadecimal digits near '\\u12g4\"'" },
        { "an escape unknown", "\"a\\x\"", "column 3: no such escape in a string near '\\x\"'" },
        { "a line break in a string", "\"a\nb\"", "line 1, column 3: a line break or another" },
        { "a string cut off", "[\"abc", "column 5: a string ends with a quote, but the text ends" },
        { "an escape cut off", "\"a\\", "a string ends with a quote, but the text ends" },
        { "an integer too large", "[9223372036854775808]",
            "column 2: a number too large near '92" },
        { "a real too large", "1e309", "a number too large" },
        { "leading zeros", "-012", "a number with leading zeros near '-012'" },
        { "no digits after the point", "1.x", "column 3: a digit belongs here near 'x'" },
        { "no digits in the exponent", "[1e+]", "column 5: a digit belongs here near ']'" },
        { "a sign alone", "-", "a digit belongs here, but the text ends" },
        { "a comma too many", "[1,]", "column 4: a value belongs here near ']'" },
        { "no comma", "[1 2]", "column 4: a , or ] belongs here near '2'" },
        { "another bracket", "{\"a\":1]", "column 7: a , or } belongs here near ']'" },
        { "a key without quotes", "{a: 1}", "column 2: a key in quotes belongs here near 'a'" },
        { "a key with a NUL", "{\"\\u0000\": 1}", "column 2: a key with a NUL" },
        { "a word unknown", "[True]", "column 2: a value belongs here near 'True'" },
        { "curly quotes",
            "[\xe2\x80\x9c"
            "a]",
            "a value belongs here near '\xe2\x80\x9c"
            "a'" },
        { "nothing", "", "a value belongs here, but the text ends" },
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

static void a_nul_is_no_end(void **state)
{
    struct json *v;
    struct err err;

    (void)state;
    assert_false(json_parse("{}", 3, &v, &err));
    assert_non_null(strstr(err.text, "more text after the end"));
    assert_false(json_parse("[1\0]", 4, &v, &err));
    assert_int_equal(err.at.byte, 3);
}

static void escapes_and_blanks(void **state)
{
    static const char text[] =
        " \t{\r\n\"k\\u00e4\" : [ \"\\/\\b\\f\\ud83d\\ude00\" , -0 , 1E2 ] }\n";
    struct json *v;
    struct err err;
    char *out;

    (void)state;
    assert_true(json_parse(text, sizeof text - 1, &v, &err));
    out = json_text(v);
    assert_string_equal(out, "{\"k\xc3\xa4\":[\"/\\u0008\\u000c\xf0\x9f\x98\x80\",0,100]}");
    free(out);
    json_free(v);
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
        cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(escapes_and_blanks),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(reals_that_json_lacks_become_null),
        cmocka_unit_test(builders_take_null),
        cmocka_unit_test(errors_travel_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
