/*
 * Command-line flags: which JSON they stand for, and what wrong ones say.
 */

#include "op_fixture.h"

enum { MAX_FLAGS = 4 };

static const struct {
    const char *label, *op;
    struct flag flags[MAX_FLAGS + 1];
    const char *json; /* With ' for "; NULL: fails. */
    const char *want; /* The sentence. */
} cases[] = {
    { "nothing", "excel/extract-columns", { { 0 } }, "{}", NULL },
    { "a list stays text with commas", "excel/extract-columns", { { "columns", "a,b" } },
        "{'columns':'a,b'}", NULL },
    { "a list as JSON", "excel/extract-columns", { { "--columns", "[\"a,b\"]" } },
        "{'columns':['a,b']}", NULL },
    { "a name in brackets", "excel/extract-columns", { { "columns", "[x] y" } },
        "{'columns':'[x] y'}", NULL },
    { "dashes for underscores", "excel/extract-columns", { { "remove-duplicates", NULL } },
        "{'remove_duplicates':true}", NULL },
    { "yes or no with a value", "excel/extract-columns", { { "remove-duplicates", "false" } },
        "{'remove_duplicates':'false'}", NULL },
    { "no", "excel/extract-columns", { { "no-include-statistics", NULL } },
        "{'include_statistics':false}", NULL },
    { "no with a value", "excel/extract-columns", { { "no-include-statistics", "x" } }, NULL,
        "--no-include-statistics takes no value" },
    { "a whole number", "excel/extract-columns", { { "header-row", "3" } }, "{'header_row':3}",
        NULL },
    { "a word for a number is left to binding", "excel/extract-columns", { { "header-row", "x" } },
        "{'header_row':'x'}", NULL },
    { "a flag without its value", "excel/extract-columns", { { "columns", NULL } }, NULL,
        "--columns needs a value" },
    { "an alias becomes the name", "excel/extract-columns", { { "sheet-name", "S" } },
        "{'sheet':'S'}", NULL },
    { "a typo", "excel/extract-columns", { { "colums", "a" } }, NULL,
        "excel/extract-columns has no option --colums; did you mean --columns?" },
    { "nothing like it", "excel/search", { { "xyzzy", "a" } }, NULL,
        "excel/search has no option --xyzzy; see: sheetflow op excel/search --help" },
    { "objects as JSON", "excel/search",
        { { "conditions", "[{\"column\":\"a\",\"operator\":\"is_empty\"}]" } },
        "{'conditions':[{'column':'a','operator':'is_empty'}]}", NULL },
    { "one object after the other", "excel/search",
        { { "conditions", "{\"column\":\"a\"}" }, { "conditions", "{\"column\":\"b\"}" } },
        "{'conditions':[{'column':'a'},{'column':'b'}]}", NULL },
    { "broken JSON", "excel/search", { { "conditions", "{" } }, NULL, NULL },
    { "one list after the other", "excel/extract-columns",
        { { "columns", "a" }, { "columns", "[\"b\"]" } }, "{'columns':['a','b']}", NULL },
    { "twice what can be once", "excel/extract-columns", { { "sheet", "a" }, { "sheet", "b" } },
        NULL, "--sheet is given twice" },
    { "a shorthand for an object", "sql/generate", { { "auto-increment", "true" } },
        "{'auto_increment':true}", NULL },
    { "a map", "json/generate", { { "column_mapping", "{\"a\": \"b\"}" } },
        "{'column_mapping':{'a':'b'}}", NULL },
    { "an empty name", "json/generate", { { "--", "x" } }, NULL, NULL },
};

static void flags(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *got = NULL, *want;
        struct err err = { 0 };
        size_t n = 0;
        bool ok;

        while (n < MAX_FLAGS && cases[i].flags[n].name)
            n++;
        ok = args_from_flags(op_find(cases[i].op), cases[i].flags, n, &got, &err);
        if (ok != (cases[i].json != NULL))
            fail_msg("%s: %s", cases[i].label, ok ? "was taken" : err.text);
        if (ok) {
            char *a, *b;

            want = json_quoted(cases[i].json);
            a = json_text(want);
            b = json_text(got);
            if (strcmp(a, b) != 0)
                fail_msg("%s: got %s", cases[i].label, b);
            free(a);
            free(b);
            json_free(want);
            json_free(got);
        } else {
            assert_int_equal(err.code, ERR_USAGE);
            if (cases[i].want)
                assert_string_equal(err.text, cases[i].want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(flags) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
