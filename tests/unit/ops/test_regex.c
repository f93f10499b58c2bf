/*
 * Regular expressions over cells: matching, replacing, limits.
 */

#include "op_fixture.h"

#include "ops/regex.h"

static void matching(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool ignore_case, want;
    } cases[] = {
        { "b", "abc", false, true },
        { "^b", "abc", false, false },
        { "STRASSE", "straße", true, false }, /* Case is folded letter by letter. */
        { "ÉCOLE", "école", true, true },
        { "ÉCOLE", "école", false, false },
        { "^\\p{Han}+$", "日本", false, true },
        { "^.$", "🎉", false, true },
        { "\\bé", "un été", false, true },
        { "\\d", "٣", false, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct regex *re;
        struct err err;
        enum regex_found found;

        assert_true(regex_new(cases[i].pattern, cases[i].ignore_case, "p", &re, &err));
        assert_true(regex_match(re, cases[i].text, strlen(cases[i].text), 1, "c", &found, &err));
        if (found != (cases[i].want ? REGEX_YES : REGEX_NO))
            fail_msg("%s on %s", cases[i].pattern, cases[i].text);
        regex_free(re);
    }
}

static void bad_patterns(void **state)
{
    char longer[REGEX_MAX_PATTERN + 2], deep[2 * (REGEX_MAX_NESTING + 1) + 1];
    static const struct {
        const char *pattern, *want;
    } cases[] = {
        { "", "p: the pattern is empty" },
        { "a(",
            "p: the pattern is no regular expression: missing closing parenthesis at character 3" },
        { "[z-a]", "p: the pattern is no regular expression: range out of order in character class "
                   "at character 4" },
        { "\\C", "p: the pattern is no regular expression: using \\C is disabled by the "
                 "application at character 3" },
    };
    struct regex *re;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(regex_new(cases[i].pattern, false, "p", &re, &err));
        assert_string_equal(err.text, cases[i].want);
        assert_string_equal(err.argument, "p");
    }
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_false(regex_new(longer, false, "p", &re, &err));
    assert_string_equal(err.text, "p: the pattern is longer than 1000 bytes");
    memset(deep, '(', REGEX_MAX_NESTING + 1);
    memset(deep + REGEX_MAX_NESTING + 1, ')', REGEX_MAX_NESTING + 1);
    deep[sizeof deep - 1] = '\0';
    assert_false(regex_new(deep, false, "p", &re, &err));
}

static void runaway(void **state)
{
    char text[42];
    struct regex *re;
    struct err err;
    enum regex_found found;

    (void)state;
    memset(text, 'a', 40);
    text[40] = 'b';
    text[41] = '\0';
    assert_true(regex_new("(a+)+$", false, "p", &re, &err));
    assert_true(regex_match(re, text, 41, 17, "name", &found, &err));
    assert_int_equal(found, REGEX_GAVE_UP);
    assert_false(regex_fail_steps(17, "name", &err));
    assert_int_equal(err.code, ERR_DATA);
    assert_int_equal(err.at.row, 17);
    assert_string_equal(err.column, "name");
    regex_free(re);
}

static void replacing(void **state)
{
    static const struct {
        const char *pattern, *with, *text, *want;
    } cases[] = {
        { "a", "b", "banana", "bbnbnb" },
        { "(\\w+) (\\w+)", "$2 \\1", "one two", "two one" },
        { "(?<y>\\d{4})", "${y}!", "2024", "2024!" },
        { "(a)(b)?", "[$2]", "a", "[]" },
        { "x", "$$ \\\\", "x", "$ \\" },
        { "x", "cost $", "x", "cost $" },
        { "x", "\\n", "x", "\\n" },
        { "(x)", "${1}0", "x", "x0" },
        { "\\s+", "", "a b  c", "abc" },
        { "", "", "a", NULL },
        { "é", "e", "été", "ete" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *with, *out;
        struct arena arena;
        struct regex *re;
        struct err err;
        size_t n;

        if (!cases[i].want)
            continue;
        arena_init(&arena, NULL);
        assert_true(regex_new(cases[i].pattern, false, "p", &re, &err));
        assert_true(regex_replacement(re, cases[i].with, "r", &arena, &with, &err));
        assert_true(
            regex_replace(re, with, cases[i].text, strlen(cases[i].text), 1, "c", &out, &n, &err));
        if (n != strlen(cases[i].want) || memcmp(out, cases[i].want, n) != 0)
            fail_msg("%s -> %s: got %.*s", cases[i].pattern, cases[i].with, (int)n, out);
        regex_free(re);
        arena_deinit(&arena);
    }
}

static void bad_replacements(void **state)
{
    static const char *const cases[] = { "$2", "\\2", "${2}", "${name}", "${1", "${}", "$99" };
    struct regex *re;
    struct err err;

    (void)state;
    assert_true(regex_new("(a)", false, "p", &re, &err));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena;
        const char *out;

        arena_init(&arena, NULL);
        if (regex_replacement(re, cases[i], "r", &arena, &out, &err))
            fail_msg("%s was taken", cases[i]);
        assert_string_equal(err.argument, "r");
        arena_deinit(&arena);
    }
    regex_free(re);
}

/* A result larger than the first buffer, and one over the limit. */
static void growing(void **state)
{
    enum { N = 20000 };
    char *text = malloc(N), *with = malloc(2001);
    const char *ready, *out;
    struct arena arena;
    struct regex *re;
    struct err err;
    size_t n;

    (void)state;
    memset(text, 'a', N);
    memset(with, 'b', 2000);
    with[2000] = '\0';
    arena_init(&arena, NULL);
    assert_true(regex_new("a", false, "p", &re, &err));
    assert_true(regex_replacement(re, with, "r", &arena, &ready, &err));
    assert_true(regex_replace(re, ready, text, 1000, 1, "c", &out, &n, &err));
    assert_int_equal(n, 2000000);
    assert_false(regex_replace(re, ready, text, N, 5, "c", &out, &n, &err));
    assert_int_equal(err.code, ERR_BUDGET);
    assert_int_equal(err.at.row, 5);
    /* It still works afterwards. */
    assert_true(regex_replace(re, ready, "xay", 3, 1, "c", &out, &n, &err));
    assert_int_equal(n, 2002);
    regex_free(re);
    arena_deinit(&arena);
    free(text);
    free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matching),
        cmocka_unit_test(bad_patterns),
        cmocka_unit_test(runaway),
        cmocka_unit_test(replacing),
        cmocka_unit_test(bad_replacements),
        cmocka_unit_test(growing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
