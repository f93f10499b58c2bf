/*
 * Numbers as their number format shows them; what is expected was seen in Excel's documentation of codes and in
 * LibreOffice.
 */
#include "table/shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    double v;
    const char *code, *want;
} cases[] = {
    { 0.30000000000000004, "General", "0.3" },
    { 1234567890.123, "General", "1234567890" },
    { 0.1234567890123, "General", "0.123456789" },
    { 123456789012, "General", "1.23457E+11" },
    { 1e20, "General", "1E+20" },
    { 1.23e-7, "General", "1.23E-07" },
    { 0.0001, "General", "0.0001" },
    { -2.5, "General", "-2.5" },
    { 0, "General", "0" },
    { 123, "00000", "00123" },
    { 123456, "00000", "123456" },
    { 5, "@", "5" },
    { 0.1, "0%", "10%" },
    { 0.07, "0.00%", "7.00%" },
    { 0.128, "0.0%", "12.8%" },
    { 1.005, "0.00", "1.01" },
    { 2.5, "0", "3" },
    { 0, "#", "" },
    { 0.5, "#.##", ".5" },
    { 0.5, "0.##", "0.5" },
    { 1, "0.##", "1." },
    { 1234.5, "#,##0.00", "1,234.50" },
    { 1234567, "#,##0", "1,234,567" },
    { 12, "#,##0", "12" },
    { 12, "0,000", "0,012" },
    { 1234567, "0.0,,", "1.2" },
    { 1234567, "#,##0,", "1,235" },
    { -1234.5, "#,##0.00", "-1,234.50" },
    { -0.001, "0.00", "0.00" },
    { -5, "0;(0)", "(5)" },
    { -5, "\"$\"#,##0_);[Red](\"$\"#,##0)", "($5)" },
    { 5, "\"$\"#,##0_);[Red](\"$\"#,##0)", "$5 " },
    { 0, "0;-0;\"none\"", "none" },
    { 1234.5, "[$\xE2\x82\xAC-407] #,##0.00", "\xE2\x82\xAC 1,234.50" },
    { 1234.5, "#,##0.00 \"EUR\"", "1,234.50 EUR" },
    { 3, "[<5]\"few\";[>=5]\"many\"", "few" },
    { 7, "[<5]\"few\";[>=5]\"many\"", "many" },
    { 5551234, "[<=9999999]###\\-####;(###) ###\\-####", "555-1234" },
    { 2065551234, "[<=9999999]###\\-####;(###) ###\\-####", "(206) 555-1234" },
    { 12345.678, "0.00E+00", "1.23E+04" },
    { 0.00012, "0.00E+00", "1.20E-04" },
    { 12345.678, "##0.0E+0", "12.3E+3" },
    { 9.999, "0.00E+00", "1.00E+01" },
    { 0, "0.00E+00", "0.00E+00" },
    { 1.5, "# ?/?", "1 1/2" },
    { 0.25, "# ?/?", "1/4" },
    { 3, "# ?/?", "3" },
    { 0.3333333, "# ?\?/??", "1/3" },
    { 1.5, "?/?", "3/2" },
    { 0.25, "# ?/8", "2/8" },
    { 45000, "yyyy-mm-dd", "2023-03-15" },
    { 45000, "d. mmm yyyy", "15. Mar 2023" },
    { 45000, "dddd, mmmm d, yy", "Wednesday, March 15, 23" },
    { 45000.75, "m/d/yy h:mm AM/PM", "3/15/23 6:00 PM" },
    { 45000.0, "h:mm AM/PM", "12:00 AM" },
    { 45000.5, "hh:mm:ss", "12:00:00" },
    { 1.5, "[h]:mm", "36:00" },
    { 0.000011574, "mm:ss", "00:01" },
    { 0.00001736, "ss.000", "01.500" },
    { 0.999999999, "h:mm:ss", "0:00:00" },
    { 1e300, "0.00", NULL },
};

static void codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[SHOWN_MAX];
        size_t n = shown_number(cases[i].v, cases[i].code, out);

        if (!cases[i].want)
            continue; /* It must not overflow. */
        if (n != strlen(cases[i].want) || memcmp(out, cases[i].want, n) != 0)
            fail_msg("%.17g under %s: '%.*s', not '%s'", cases[i].v, cases[i].code, (int)n, out,
                cases[i].want);
    }
}

/* Codes cut at any byte, and odd ones: an answer within bounds. */
static void broken_codes(void **state)
{
    static const double values[] = { 0, -1, 0.5, 1234.5678, 1e15, -1e300, 5e-324, 45000.999999,
        2958465 };
    static const char *const odd[] = { "[", "[$", "\"", "\\", "_", "*", "0.", ".", ",", "%", "/",
        "?/", "/?", "E+", "0E", "[h", "[<", "[<x]0", ";;;;;", "0,0,0,0,,,,", "%%%%%%%%%%", "0/0/0",
        "[h][m][s]", "AM/PM", "yyyyyyyyyyyyyy", "mmmmmmmmmmm", "dddddddd", "ssssss.00000000",
        "General;General;General" };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].code); cut++) {
            char code[80], out[SHOWN_MAX];

            memcpy(code, cases[i].code, cut);
            code[cut] = '\0';
            for (size_t k = 0; k < sizeof values / sizeof *values; k++)
                assert_true(shown_number(values[k], code, out) <= SHOWN_MAX);
        }
    }
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            char out[SHOWN_MAX];

            assert_true(shown_number(values[k], odd[i], out) <= SHOWN_MAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(codes), cmocka_unit_test(broken_codes) };

    return cmocka_run_group_tests_name("shown", tests, NULL, NULL);
}
