/*
 * Numbers: printing against what reads back, parsing against the C library, safe typing and
 * decimal rounding by case.
 */

#include "base/num.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RANDOM_CASES = 200000 };

static uint64_t random_state;

static uint64_t next_random(void) /* xorshift64* */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static double double_of(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t bits_of(double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static void format_cases(void **state)
{
    static const struct {
        double v;
        const char *want;
    } cases[] = {
        { 0, "0" },
        { -0.0, "-0" },
        { 7, "7" },
        { -7, "-7" },
        { 1.5, "1.5" },
        { 99999999, "99999999" },
        { 100000000, "100000000" },
        { -99999999, "-99999999" },
        { 999999.99, "999999.99" },
        { 1000000.01, "1000000.01" },
        { 0.01, "0.01" },
        { -0.05, "-0.05" },
        { 12.3, "12.3" },
        { 1.005, "1.005" },
        { 0.009, "0.009" },
        { 0.999, "0.999" },
        { 9.999, "9.999" },
        { 99999999.5, "99999999.5" },
        { 0.1, "0.1" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1e-7, "1e-07" },
        { 1.5e-7, "1.5e-07" },
        { 0.0001, "0.0001" },
        { 0.00012, "0.00012" },
        { 0.00001, "1e-05" },
        { 999999999999999, "999999999999999" },
        { 1e15, "1000000000000000" },
        { 123456789012345678.0, "1.2345678901234568e+17" },
        { 9007199254740993.0, "9007199254740992" },
        { 1e16, "1e+16" },
        { 1e22, "1e+22" },
        { 1e23, "1e+23" },
        { 9.5e100, "9.5e+100" },
        { 5e-324, "5e-324" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 9007199254740992.0 * 2, "1.8014398509481984e+16" },
        { 2251799813685249.5, "2251799813685249.5" },
        { 100000000000000.02, "100000000000000.02" },
        { 2.675, "2.675" },
        { (double)INFINITY, "inf" },
        { (double)-INFINITY, "-inf" },
        { (double)NAN, "nan" },
    };
    char text[NUM_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(num_format(cases[i].v, text), strlen(cases[i].want));
        assert_string_equal(text, cases[i].want);
    }
}

/* Every number of up to two decimals is its own printing. */
static void format_hundredths(void **state)
{
    char text[NUM_TEXT_MAX], want[NUM_TEXT_MAX];

    (void)state;
    for (unsigned i = 0; i < 200000000; i += i < 200000 ? 1 : 9973) {
        int n = snprintf(want, sizeof want, "%u.%02u", i / 100, i % 100);

        while (want[n - 1] == '0')
            n--;
        n -= want[n - 1] == '.';
        want[n] = '\0';
        assert_int_equal(num_format(i / 100.0, text), n);
        assert_string_equal(text, want);
    }
}

/* The shortest of what printf can do, for a value to compare with. */
static int digits_needed(double v)
{
    char text[64];

    for (int precision = 1; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, v);
        if (strtod(text, NULL) == v)
            return precision;
    }
    return 17;
}

static int digits_printed(const char *text)
{
    int n = 0, zeros = 0;

    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (n == 0 && *text == '0'))
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        n++;
    }
    return n > zeros ? n - zeros : 1;
}

static void check_round_trip(double v, bool shortest)
{
    char text[NUM_TEXT_MAX];
    size_t n = num_format(v, text);
    double back;

    assert_true(n < NUM_TEXT_MAX);
    assert_true(num_parse(text, n, &back));
    if (bits_of(back) != bits_of(v) || bits_of(strtod(text, NULL)) != bits_of(v))
        fail_msg("%a printed as %s reads back as %a", v, text, back);
    if (shortest && digits_printed(text) > digits_needed(v))
        fail_msg("%a printed as %s is not the shortest", v, text);
}

static void format_reads_back(void **state)
{
    (void)state;
    random_state = 88172645463325252;
    for (int i = 0; i < RANDOM_CASES; i++) {
        double v = double_of(next_random());

        if (isfinite(v))
            check_round_trip(v, i % 16 == 0);
        check_round_trip((double)(int64_t)(next_random() >> 20) / 100, i % 16 == 0);
    }
    for (int exponent = 0; exponent < 2047; exponent++) { /* Around every power of two. */
        for (int around = -1; around <= 1; around++) {
            uint64_t bits = ((uint64_t)exponent << 52) + (uint64_t)around;

            if (exponent > 0 || around >= 0)
                check_round_trip(double_of(bits), true);
        }
    }
}

static void format_int_cases(void **state)
{
    char text[NUM_TEXT_MAX];

    (void)state;
    assert_int_equal(num_format_int(INT64_MIN, text), 20);
    assert_string_equal(text, "-9223372036854775808");
    assert_int_equal(num_format_int(INT64_MAX, text), 19);
    assert_string_equal(text, "9223372036854775807");
    num_format_int(0, text);
    assert_string_equal(text, "0");
    num_format_int(-10, text);
    assert_string_equal(text, "-10");
}

static void parse_refuses(void **state)
{
    static const char *const cases[] = { "", " ", "+", "-", ".", "-.", "e5", ".e5", "1e", "1e+",
        "1 ", " 1", "1,5", "1,000", "0x10", "inf", "nan", "NaN", "1.2.3", "1..2", "--1", "1e5.0",
        "1d5", "1e5x", "1e309", "-1e309", "1.8e308", "1_000", "\xd9\xa1" };
    double v = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (num_parse(cases[i], strlen(cases[i]), &v))
            fail_msg("'%s' was taken for %g", cases[i], v);
        assert_true(v == 42);
    }
    assert_false(num_parse("1\0", 2, &v));
}

static void parse_cases(void **state)
{
    static const char *const cases[] = { "0", "-0", "+1", "1.", ".5", "-.5", "007", "1e5", "1E+05",
        "1e-7", "2.50", "0.1", "9007199254740993", "9007199254740993.0000000000000000000000000001",
        "9007199254740992.9999999999999999999999999999",
        "0.500000000000000166533453693773481063544750213623046875", "2.4703282292062327208e-324",
        "2.4703282292062328e-324", "1e-400", "-1e-400", "0e999999999999",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000001e90",
        "123456789012345678901234567890123456789e-20", "1.7976931348623158e308",
        "4.9406564584124654e-324", "2.2250738585072011e-308", "8.5", "1e22", "1e23",
        "7.2057594037927933e16", "100000000000000000000000000000" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double v = 42, want = strtod(cases[i], NULL);

        if (!num_parse(cases[i], strlen(cases[i]), &v) || bits_of(v) != bits_of(want))
            fail_msg("'%s' was taken for %a, not %a", cases[i], v, want);
    }
}

static void parse_is_correctly_rounded(void **state)
{
    char text[128];

    (void)state;
    random_state = 1234567;
    for (int i = 0; i < RANDOM_CASES; i++) {
        int exponent = (int)(next_random() % 700) - 380;
        uint64_t digits = next_random() >> (next_random() % 60);
        double v = 42, want;
        bool taken;

        snprintf(text, sizeof text, "%llu%s%llue%d", (unsigned long long)digits, i % 3 ? "." : "",
            (unsigned long long)(i % 2 ? next_random() : 5), exponent);
        want = strtod(text, NULL);
        taken = num_parse(text, strlen(text), &v);
        if (taken == isinf(want) || (taken && bits_of(v) != bits_of(want)))
            fail_msg("%s was taken for %a, not %a", text, v, want);
    }
    for (int i = 0; i < RANDOM_CASES / 10;
         i++) { /* Exactly half way between two doubles, and next to it. */
        double v = fabs(double_of(next_random() % 0x7fe0000000000000)),
               up = nextafter(v, (double)INFINITY), got;
        char exact[1200], *e;

        if (v < 1e-290 || v > 1e290)
            continue;
        snprintf(exact, sizeof exact, "%.900Le", ((long double)v + (long double)up) / 2);
        assert_true(num_parse(exact, strlen(exact), &got));
        assert_true(bits_of(got) == bits_of(strtod(exact, NULL)));
        e = strchr(exact, 'e');
        e[-1] = '1'; /* One in the 900th digit: up. */
        assert_true(num_parse(exact, strlen(exact), &got));
        if (bits_of(got) != bits_of(up))
            fail_msg("a digit far behind does not count in %s", exact);
    }
}

static void parse_int_cases(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t want;
    } cases[] = {
        { "0", true, 0 },
        { "-5", true, -5 },
        { "+5", true, 5 },
        { "007", true, 7 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "1.0", false, 0 },
        { "1e3", false, 0 },
        { "12a", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t v = 42;

        assert_int_equal(num_parse_int(cases[i].text, strlen(cases[i].text), &v), cases[i].ok);
        assert_int_equal(v, cases[i].ok ? cases[i].want : 42);
    }
}

static const char *const safe_yes[] = { "0", "-0", "7", "-7", "1.5", "0.5", "-0.5",
    "123456789012345", "12345678901234.5", "0.1", "0.0001", "0.000123456789012345", "100", "10.01",
    "-99999.99", "0.05" };
static const char *const safe_no[] = { "", "-", "+7", "007", "00", "01.5", "1.50", "1.0", ".5",
    "5.", "0.", "1e5", "1E5", "1234567890123456", "1000000000000000", "123456789012.3456",
    "0.00001", "1,5", " 1", "1 ", "1.2.3", "--1", "-.5", "abc", "1a", "a1", "0x1", "TRUE", "nan",
    "0.0", "-0.0", "1-2", "123456789012345678901234567890", "0.0000", "1.234567890123456" };

static void safe_typing(void **state)
{
    char text[NUM_TEXT_MAX];
    double v;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(safe_yes); i++) {
        if (!num_parse_safe(safe_yes[i], strlen(safe_yes[i]), &v))
            fail_msg("'%s' is safe", safe_yes[i]);
        num_format(v, text);
        assert_string_equal(text, safe_yes[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(safe_no); i++) {
        if (num_parse_safe(safe_no[i], strlen(safe_no[i]), &v))
            fail_msg("'%s' is not safe", safe_no[i]);
    }
}

/* Whatever is taken as safe prints back to its bytes. */
static void safe_prints_back(void **state)
{
    static const char alphabet[] = "0001234567899..-";
    char text[24], back[NUM_TEXT_MAX];
    int taken = 0;

    (void)state;
    random_state = 99;
    for (int i = 0; i < RANDOM_CASES * 2; i++) {
        size_t n = next_random() % 22;
        double v;

        for (size_t k = 0; k < n; k++)
            text[k] = alphabet[next_random() % (sizeof alphabet - 1)];
        if (!num_parse_safe(text, n, &v))
            continue;
        taken++;
        assert_int_equal(num_format(v, back), n);
        assert_memory_equal(back, text, n);
    }
    assert_true(taken > 1000);
}

static void round_cases(void **state)
{
    static const struct {
        const char *text;
        int decimals;
        const char *want;
    } cases[] = {
        { "2.675", 2, "2.68" },
        { "2.345", 2, "2.35" },
        { "-2.675", 2, "-2.68" },
        { "2.674999999999999999999999", 2, "2.67" },
        { "1.005", 2, "1.01" },
        { "0.5", 0, "1" },
        { "-0.5", 0, "-1" },
        { "0.4", 0, "0" },
        { "-0.4", 0, "0" },
        { "-0.001", 2, "0" },
        { "0.005", 2, "0.01" },
        { "0.0049", 2, "0" },
        { "0.001", 3, "0.001" },
        { "9.995", 2, "10" },
        { "999.999", 2, "1000" },
        { "0.999", 2, "1" },
        { "0.095", 2, "0.1" },
        { "0.0995", 3, "0.1" },
        { "1.50", 2, "1.5" },
        { "1.00", 2, "1" },
        { "100", 2, "100" },
        { "007.5", 1, "7.5" },
        { "+7", 2, "7" },
        { ".5", 1, "0.5" },
        { "5.", 1, "5" },
        { "0", 2, "0" },
        { "-0", 2, "0" },
        { "000.000", 2, "0" },
        { "1e3", 2, "1000" },
        { "1.2345e3", 2, "1234.5" },
        { "1.23456e2", 2, "123.46" },
        { "12345e-3", 2, "12.35" },
        { "12345E-3", 1, "12.3" },
        { "5e-1", 0, "1" },
        { "5e-3", 2, "0.01" },
        { "4e-3", 2, "0" },
        { "5e-30", 30, "0.000000000000000000000000000005" },
        { "5e-30", 29, "0.00000000000000000000000000001" },
        { "99e-3", 2, "0.1" },
        { "1e999999999999", 2, "" },
        { "1e-999999999999", 2, "0" },
        { "0e999999999999", 2, "0" },
        { "123456789012345678901234567890.125", 2, "123456789012345678901234567890.13" },
        { "abc", 2, "" },
        { "", 2, "" },
        { "1.5", -1, "" },
        { "1.5", 31, "" },
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = num_round_text(
            cases[i].text, strlen(cases[i].text), cases[i].decimals, out, sizeof out);

        if (n != strlen(cases[i].want) || memcmp(out, cases[i].want, n) != 0)
            fail_msg("%s to %d places gives '%.*s', not '%s'", cases[i].text, cases[i].decimals,
                (int)n, out, cases[i].want);
        if (n > 0) { /* Exactly its own size is enough, one byte less is not. */
            assert_int_equal(
                num_round_text(cases[i].text, strlen(cases[i].text), cases[i].decimals, out, n), n);
            assert_int_equal(
                num_round_text(cases[i].text, strlen(cases[i].text), cases[i].decimals, out, n - 1),
                0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_cases),
        cmocka_unit_test(format_hundredths),
        cmocka_unit_test(format_reads_back),
        cmocka_unit_test(format_int_cases),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(parse_cases),
        cmocka_unit_test(parse_is_correctly_rounded),
        cmocka_unit_test(parse_int_cases),
        cmocka_unit_test(safe_typing),
        cmocka_unit_test(safe_prints_back),
        cmocka_unit_test(round_cases),
    };

    return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
