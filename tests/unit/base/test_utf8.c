/*
 * UTF-8 text: validity, case, white space and near names.
 */

#include "base/utf8.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LONG_ASCII "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void valid_prefix(void **state)
{
    static const struct {
        const char *text;
        size_t want;
    } cases[] = {
        { "", 0 },
        { "plain", 5 },
        { LONG_ASCII LONG_ASCII, 128 },
        { LONG_ASCII "\xff" LONG_ASCII, 64 },
        { LONG_ASCII "stra\xc3\x9f"
                     "e",
            71 },
        { "\xc3", 0 },              /* Cut off. */
        { "a\xe2\x82", 1 },         /* Cut off. */
        { "a\x80", 1 },             /* A tail without a head. */
        { "a\xc0\xaf", 1 },         /* Longer than need be. */
        { "a\xed\xa0\x80", 1 },     /* A surrogate. */
        { "a\xf4\x90\x80\x80", 1 }, /* Past the last plane. */
        { "\xf0\x9f\x98\x80!", 5 }, /* A face. */
        { "\xef\xbf\xbf\xee\x80\x80", 6 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(utf8_valid_prefix(cases[i].text, strlen(cases[i].text)), cases[i].want);
    assert_int_equal(utf8_valid_prefix("a\0b", 3), 3);
}

static void decode_and_encode(void **state)
{
    static const uint32_t codes[] = { 0, 'a', 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff,
        0x10000, 0x10ffff };
    char text[4];
    uint32_t back;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        size_t n = utf8_encode(codes[i], text);

        assert_int_equal(utf8_decode(text, n, &back), n);
        assert_int_equal(back, codes[i]);
        if (n > 1)
            assert_int_equal(utf8_decode(text, n - 1, &back), 0);
    }
    assert_int_equal(utf8_encode(0xd800, text), 3);
    assert_memory_equal(text, "\xef\xbf\xbd", 3);
    assert_int_equal(utf8_encode(0x110000, text), 3);
}

static void counting(void **state)
{
    (void)state;
    assert_int_equal(utf8_count("", 0), 0);
    assert_int_equal(utf8_count(LONG_ASCII, 64), 64);
    assert_int_equal(utf8_count("stra\xc3\x9f"
                                "e\xe2\x82\xac",
                         10),
        7);
    assert_int_equal(utf8_count("a\xff\xfe"
                                "b\xc3",
                         5),
        5);
}

static void sanitizing(void **state)
{
    static const struct {
        const char *text, *want;
        size_t replaced;
    } cases[] = {
        { "", "", 0 },
        { "fine \xe2\x82\xac", "fine \xe2\x82\xac", 0 },
        { "a\xff", "a\xef\xbf\xbd", 1 },
        { "\xff\xfez", "\xef\xbf\xbd\xef\xbf\xbdz", 2 },
        { "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd", 2 },
    };
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&out);
        assert_int_equal(
            utf8_sanitize(cases[i].text, strlen(cases[i].text), &out), cases[i].replaced);
        assert_string_equal(buf_str(&out), cases[i].want);
    }
    buf_deinit(&out);
}

typedef const char *case_fn(struct arena *arena, const char *p, size_t n, size_t *out_n);

static void check_case(case_fn *fn, const char *text, const char *want)
{
    struct arena arena;
    size_t n = 0, len = strlen(text);
    const char *got;

    arena_init(&arena, NULL);
    got = fn(&arena, text, len, &n);
    assert_non_null(got);
    if (n != strlen(want) || memcmp(got, want, n) != 0)
        fail_msg("'%s' became '%.*s', not '%s'", text, (int)n, got, want);
    if (strcmp(text, want) == 0)
        assert_ptr_equal(got, text);
    arena_deinit(&arena);
}

static void upper_and_lower(void **state)
{
    static const struct {
        const char *text, *upper, *lower;
    } cases[] = {
        { "", "", "" },
        { "Az[`{@9", "AZ[`{@9", "az[`{@9" },
        { "already", "ALREADY", "already" },
        { "stra\xc3\x9f"
          "e",
            "STRASSE",
            "stra\xc3\x9f"
            "e" },
        { "\xc3\x89"
          "COLE",
            "\xc3\x89"
            "COLE",
            "\xc3\xa9"
            "cole" },
        { "\xce\x9f\xce\x94\xce\x9f\xce\xa3", "\xce\x9f\xce\x94\xce\x9f\xce\xa3",
            "\xce\xbf\xce\xb4\xce\xbf\xcf\x82" },    /* ΟΔΟΣ ends in a final sigma. */
        { "\xef\xac\x81n", "FIN", "\xef\xac\x81n" }, /* The fi ligature. */
        { "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_case(utf8_upper, cases[i].text, cases[i].upper);
        check_case(utf8_lower, cases[i].text, cases[i].lower);
    }
}

static void long_text_is_mapped(void **state)
{
    struct arena arena;
    char text[3001], want[3001];
    size_t n;
    const char *got;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        memcpy(text + 3 * i, "a\xc3\xa9", 3);
        memcpy(want + 3 * i, "A\xc3\x89", 3);
    }
    arena_init(&arena, NULL);
    got = utf8_upper(&arena, text, 3000, &n);
    assert_int_equal(n, 3000);
    assert_memory_equal(got, want, 3000);
    arena_deinit(&arena);
}

static void memory_ends(void **state)
{
    struct budget budget = { .limit = 10 };
    struct arena arena;
    size_t n;

    (void)state;
    arena_init(&arena, &budget);
    assert_null(utf8_upper(&arena, "abc", 3, &n));
    assert_null(utf8_upper(&arena, "\xc3\xa9", 2, &n));
    assert_null(utf8_title(&arena, "abc", 3, &n));
    assert_null(utf8_name_key(&arena, "abc", 3, &n));
    arena_deinit(&arena);
}

static void title_case(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { "hello world", "Hello World" },
        { "O'NEIL-smith", "O'Neil-Smith" },
        { "3rd place's", "3rd Place's" },
        { "it's john's", "It's John's" },
        { "I'M SURE i'll go", "I'm Sure I'll Go" },
        { "d\xe2\x80\x99"
          "artagnan",
            "D\xe2\x80\x99"
            "Artagnan" },
        { "'quoted'", "'Quoted'" },
        { "rock 'n' roll", "Rock 'N' Roll" },
        { "o''neil", "O''Neil" },
        { "a1'b", "A1'B" }, /* Not between letters: it ends the word. */
        { "1a'b", "1a'b" },
        { "mary-jane o'brien_smith", "Mary-Jane O'Brien_Smith" },
        { "1ST 2nd abc3def", "1st 2nd Abc3def" },
        { "jean.paul,x", "Jean.Paul,X" },
        { "\xc3\xa9"
          "COLE \xc3\x89"
          "tat",
            "\xc3\x89"
            "cole \xc3\x89tat" },
        { "e\xcc\x81"
          "cole",
            "E\xcc\x81"
            "cole" },
        { "n\xcc\x83'a", "N\xcc\x83'A" },
        { "\xc3\x9f"
          "alpha",
            "Ssalpha" },
        { "\xef\xac\x81n", "Fin" },
        { "\xc7\x86"
          "aba",
            "\xc7\x85"
            "aba" }, /* The dz digraph has a title form of its own. */
        { "\xce\x9f\xce\x94\xce\x9f\xce\xa3 x", "\xce\x9f\xce\xb4\xce\xbf\xcf\x82 X" },
        { "Already Title", "Already Title" },
        { "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_case(utf8_title, cases[i].text, cases[i].want);
}

static void folding(void **state)
{
    (void)state;
    check_case(utf8_fold, "HeLLo", "hello");
    check_case(utf8_fold,
        "Stra\xc3\x9f"
        "e",
        "strasse");
    check_case(utf8_fold, "\xcf\x82\xce\xa3", "\xcf\x83\xcf\x83");
}

static void trimming(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { " \t\r\n\v\f", "" },
        { " a b ", "a b" },
        { "\xc2\xa0"
          "a\xc2\xa0",
            "a" }, /* NBSP */
        { "\xe3\x80\x80"
          "a\xe3\x80\x80",
            "a" }, /* Ideographic. */
        { "\xef\xbb\xbf"
          "a\xe2\x80\x8b",
            "a" }, /* BOM, zero width. */
        { "\xe2\x80\xaf\xc2\x85"
          "a\xe2\x80\xa8",
            "a" },
        { "\xe2\x80\x8b\xe2\x80\x8b", "" },
        { "a\x80", "a\x80" },
        { "\xe6\x97\xa5", "\xe6\x97\xa5" },
        { " \xf0\x9f\x98\x80 ", "\xf0\x9f\x98\x80" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *p = cases[i].text;
        size_t n = strlen(p);

        utf8_trim(&p, &n);
        assert_int_equal(n, strlen(cases[i].want));
        assert_memory_equal(p, cases[i].want, n);
    }
}

static void name_keys(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { "Order_ID", "order id" },
        { "  order -- id ", "order id" },
        { "Order\nID", "order id" },
        { "order\xc2\xa0id", "order id" },
        { "or\xe2\x80\x8b"
          "der",
            "order" },
        { "_id_", "id" },
        { "e\xcc\x81", "\xc3\xa9" },
        { "STRA\xc3\x9f"
          "E",
            "strasse" },
        { "\xef\xbc\xa1", "a" }, /* Full width. */
        { "- _", "" },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = 99;
        const char *got = utf8_name_key(&arena, cases[i].text, strlen(cases[i].text), &n);

        assert_non_null(got);
        assert_int_equal(n, strlen(cases[i].want));
        assert_memory_equal(got, cases[i].want, n);
    }
    arena_deinit(&arena);
}

static void distances(void **state)
{
    char far[300];

    (void)state;
    assert_int_equal(utf8_distance("", "", 3), 0);
    assert_int_equal(utf8_distance("email", "email", 3), 0);
    assert_int_equal(utf8_distance("emial", "email", 3), 1);
    assert_int_equal(utf8_distance("mail", "email", 3), 1);
    assert_int_equal(utf8_distance("kitten", "sitting", 3), 3);
    assert_int_equal(utf8_distance("kitten", "sitting", 2), 3);
    assert_int_equal(utf8_distance("a", "abcdef", 3), 4);
    assert_int_equal(utf8_distance("abc", "xyz", 1), 2);
    assert_int_equal(utf8_distance("stra\xc3\x9f"
                                   "e",
                         "strase", 3),
        1);
    assert_int_equal(utf8_distance("a\xff", "a\xfe", 3), 1);
    memset(far, 'a', sizeof far - 1);
    far[sizeof far - 1] = '\0';
    assert_int_equal(utf8_distance(far, far, 3), 0);
    assert_int_equal(utf8_distance(far, far + 1, 3), 4);
}

static void nearest(void **state)
{
    static const char *const names[] = { "id", "Email", "order_date", "x", "Total Amount" };
    static const struct {
        const char *name, *want;
    } cases[] = {
        { "emial", "Email" },
        { "EMAIL", "Email" },
        { "order date", "order_date" },
        { "orderdate", "order_date" },
        { "total_amuont", "Total Amount" },
        { "ib", "id" },
        { "X", "x" },
        { "y", NULL },
        { "phone", NULL },
        { "", NULL },
        { "customer", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = utf8_nearest(cases[i].name, names, ARRAY_LEN(names));

        if (cases[i].want)
            assert_string_equal(got, cases[i].want);
        else
            assert_null(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_prefix),
        cmocka_unit_test(decode_and_encode),
        cmocka_unit_test(counting),
        cmocka_unit_test(sanitizing),
        cmocka_unit_test(upper_and_lower),
        cmocka_unit_test(long_text_is_mapped),
        cmocka_unit_test(memory_ends),
        cmocka_unit_test(title_case),
        cmocka_unit_test(folding),
        cmocka_unit_test(trimming),
        cmocka_unit_test(name_keys),
        cmocka_unit_test(distances),
        cmocka_unit_test(nearest),
    };

    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
