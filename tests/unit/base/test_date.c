/*
 * Civil dates, Excel serials and number format codes.
 */

#include "base/date.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void shown_text(void **state)
{
    static const struct {
        double serial;
        enum date_kind kind;
        const char *want;
    } cases[] = {
        { 1, DATE_DATE, "1900-01-01" },
        { 59, DATE_DATE, "1900-02-28" },
        { 60, DATE_DATE, "1900-02-29" },
        { 60.5, DATE_DATETIME, "1900-02-29 12:00:00" },
        { 61, DATE_DATE, "1900-03-01" },
        { 36526, DATE_DATE, "2000-01-01" },
        { 45351, DATE_DATE, "2024-02-29" },
        { 2958465, DATE_DATE, "9999-12-31" },
        { 2958465.9999, DATE_DATETIME, "9999-12-31 23:59:51.36" },
        { 2958466, DATE_DATE, "2958466" },
        { 2958465.9999999999, DATE_DATETIME, "2958466" },
        { -1, DATE_DATE, "-1" },
        { -0.5, DATE_TIME, "-0.5" },
        { -0.5, DATE_DURATION, "-0.5" },
        { (double)INFINITY, DATE_DATE, "inf" },
        { (double)NAN, DATE_DATE, "nan" },
        { 0, DATE_DATE, "0" },
        { 0.5, DATE_DATE, "0.5" },
        { 0.5, DATE_TIME, "12:00:00" },
        { 0.5, DATE_DATETIME, "12:00:00" },
        { 0, DATE_TIME, "00:00:00" },
        { 0, DATE_DATETIME, "00:00:00" },
        { 45000.75, DATE_TIME, "18:00:00" },
        { 45000.75, DATE_DATE, "2023-03-15" },
        { 45000, DATE_DATETIME, "2023-03-15 00:00:00" },
        { 0.9999999999, DATE_DATETIME, "1900-01-01 00:00:00" },
        { 0.9999999999, DATE_DATE, "1900-01-01" },
        { 0.9999999999, DATE_TIME, "00:00:00" },
        { 0.9999999999, DATE_DURATION, "24:00:00" },
        { 45000.999999999, DATE_DATETIME, "2023-03-16 00:00:00" },
        { 45000.99999999, DATE_DATETIME, "2023-03-15 23:59:59.999" },
        { 45000.5 + 0.25 / 86400, DATE_DATETIME, "2023-03-15 12:00:00.25" },
        { 45000.5 + 0.3 / 86400, DATE_DATETIME, "2023-03-15 12:00:00.3" },
        { 30.0 / 24 + 5.0 / 1440, DATE_DURATION, "30:05:00" },
        { 1.0 / 24, DATE_DURATION, "01:00:00" },
        { 100, DATE_DURATION, "2400:00:00" },
        { 1.5 / 86400, DATE_DURATION, "00:00:01.5" },
    };
    char text[DATE_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = date_format(cases[i].serial, cases[i].kind, text);

        assert_string_equal(text, cases[i].want);
        assert_int_equal(n, strlen(text));
    }
}

static void every_day_goes_round(void **state)
{
    int year = 1900, month = 1, day = 0;
    char shown[DATE_TEXT_MAX], want[DATE_TEXT_MAX];

    (void)state;
    for (int serial = 1; serial <= DATE_SERIAL_MAX; serial++) {
        struct date d;
        double back;

        assert_true(date_from_serial(serial, &d));
        if (serial == 60) {
            assert_int_equal(d.day, 29);
            assert_false(date_to_serial(&d, &back));
            continue;
        }
        if (!date_exists(year, month, ++day)) {
            day = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
        snprintf(want, sizeof want, "%04d-%02d-%02d", year, month, day);
        assert_int_equal(date_format(serial, DATE_DATE, shown), strlen(want));
        assert_string_equal(shown, want);
        if (d.year != year || d.month != month || d.day != day)
            fail_msg("%d is %d-%d-%d", serial, d.year, d.month, d.day);
        assert_true(date_to_serial(&d, &back));
        assert_true(back == serial);
    }
    assert_int_equal(year * 10000 + month * 100 + day, 99991231);
}

static void existence(void **state)
{
    (void)state;
    assert_true(date_exists(2024, 2, 29));
    assert_true(date_exists(2000, 2, 29));
    assert_true(date_exists(1, 1, 1));
    assert_false(date_exists(1900, 2, 29));
    assert_false(date_exists(2023, 2, 29));
    assert_false(date_exists(2023, 4, 31));
    assert_false(date_exists(2023, 0, 1));
    assert_false(date_exists(2023, 13, 1));
    assert_false(date_exists(2023, 1, 0));
    assert_false(date_exists(0, 1, 1));
    assert_false(date_exists(10000, 1, 1));
    assert_int_equal(date_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(date_days_from_civil(1969, 12, 31), -1);
    assert_int_equal(date_days_from_civil(2000, 3, 1), 11017);
    for (int64_t days = -800000; days < 3000000; days += 3) { /* There and back. */
        int year, month, day;

        date_civil_from_days(days, &year, &month, &day);
        assert_int_equal(date_days_from_civil(year, month, day), days);
        assert_true(month >= 1 && month <= 12 && day >= 1 && day <= 31);
    }
}

static void to_serial_refuses(void **state)
{
    static const struct date cases[] = {
        { 1899, 12, 31, 0, 0, 0, 0 },
        { 2024, 2, 30, 0, 0, 0, 0 },
        { 2024, 1, 1, 24, 0, 0, 0 },
        { 2024, 1, 1, 0, 60, 0, 0 },
        { 2024, 1, 1, 0, 0, 60, 0 },
        { 2024, 1, 1, 0, 0, 0, 1000 },
        { 2024, 1, 1, -1, 0, 0, 0 },
    };
    double serial;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(date_to_serial(&cases[i], &serial));
}

static void iso_yes(void **state)
{
    static const char *const dates[] = { "1900-01-01", "1900-02-28", "1900-03-01", "2024-02-29",
        "9999-12-31" };
    static const char *const times[] = { "1900-01-01 00:00:00", "2024-02-29 23:59:59",
        "9999-12-31 23:59:59", "2023-03-15 12:34:56" };
    char text[DATE_TEXT_MAX];
    double serial;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        assert_true(date_parse_iso_date(dates[i], strlen(dates[i]), &serial));
        date_format(serial, DATE_DATE, text);
        assert_string_equal(text, dates[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        assert_true(date_parse_iso_datetime(times[i], strlen(times[i]), &serial));
        date_format(serial, DATE_DATETIME, text);
        assert_string_equal(text, times[i]);
    }
}

static void iso_no(void **state)
{
    static const char *const cases[] = { "", "1899-12-31", "1900-02-29", "2023-02-29", "2024-13-01",
        "2024-00-01", "2024-1-01", "2024-01-1", "24-01-01", "2024/01/01", "2024-01-01 ",
        "2024-01-01T00:00:00", "2024-01-01 24:00:00", "2024-01-01 00:60:00", "2024-01-01 00:00:60",
        "2024-01-01 00:00", "2024-01-01 00-00-00", "10000-01-01", "-024-01-01", "2024-01-0a",
        "2024-01-01 1a:00:00", "0000-00-00" };
    double serial;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (date_parse_iso_date(cases[i], strlen(cases[i]), &serial) ||
            date_parse_iso_datetime(cases[i], strlen(cases[i]), &serial))
            fail_msg("'%s' was taken for a date", cases[i]);
    }
    assert_false(date_parse_iso_datetime("2024-01-01", 10, &serial));
    assert_false(date_parse_iso_date("2024-01-01 00:00:00", 19, &serial));
}

enum { NOT_A_DATE = -1 };

static void format_codes(void **state)
{
    static const struct {
        const char *code;
        int want;
    } cases[] = {
        { "", NOT_A_DATE },
        { "General", NOT_A_DATE },
        { "GENERAL", NOT_A_DATE },
        { "Standard", NOT_A_DATE },
        { "0", NOT_A_DATE },
        { "0.00E+00", NOT_A_DATE },
        { "##0.0e-0", NOT_A_DATE },
        { "@", NOT_A_DATE },
        { "00000", NOT_A_DATE },
        { "0%", NOT_A_DATE },
        { "# ?/?", NOT_A_DATE },
        { "0 \"days\"", NOT_A_DATE },
        { "0\\d", NOT_A_DATE },
        { "0_d", NOT_A_DATE },
        { "*d0", NOT_A_DATE },
        { "[Red]0", NOT_A_DATE },
        { "[Red]General", NOT_A_DATE },
        { "[$-409]0.00", NOT_A_DATE },
        { "[$EUR] #,##0.00", NOT_A_DATE },
        { "[<=9999999]###-####;(###) ###-####", NOT_A_DATE },
        { "_(* #,##0.00_);_(* \\(#,##0.00\\);_(* \"-\"??_);_(@_)", NOT_A_DATE },
        { "#,##0 \"h\";yyyy", NOT_A_DATE },
        { "0\"y", NOT_A_DATE },
        { "0\\", NOT_A_DATE },
        { "0[h", NOT_A_DATE },
        { "[Magenta]0", NOT_A_DATE },
        { "General\" m\"", NOT_A_DATE },
        { "yyyy-mm-dd", DATE_DATE },
        { "YYYY\\-MM\\-DD", DATE_DATE },
        { "m/d/yyyy", DATE_DATE },
        { "mm-dd-yy", DATE_DATE },
        { "d-mmm-yy;@", DATE_DATE },
        { "mmm-yy", DATE_DATE },
        { "mmmm", DATE_DATE },
        { "m", DATE_DATE },
        { "yyyy", DATE_DATE },
        { "dddd", DATE_DATE },
        { "[$-409]d-mmm-yyyy", DATE_DATE },
        { "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", DATE_DATE },
        { "[Red]dd.mm.yyyy", DATE_DATE },
        { "[<=9999]yyyy", DATE_DATE },
        { "yyyy\"年\"m\"月\"d\"日\"", DATE_DATE },
        { "[$-411]ge.m.d", DATE_DATE },
        { "aaaa", DATE_DATE },
        { "h:mm", DATE_TIME },
        { "hh:mm:ss", DATE_TIME },
        { "mm:ss", DATE_TIME },
        { "mm:ss.0", DATE_TIME },
        { "ss.000", DATE_TIME },
        { "h:mm AM/PM", DATE_TIME },
        { "h:mm:ss a/p", DATE_TIME },
        { "[$-F400]h:mm:ss\\ AM/PM", DATE_TIME },
        { "h\"h\" mm\"m\"", DATE_TIME },
        { "yyyy-mm-dd hh:mm:ss", DATE_DATETIME },
        { "m/d/yy h:mm", DATE_DATETIME },
        { "dd/mm/yyyy\\ hh:mm;@", DATE_DATETIME },
        { "h:mm d/m", DATE_DATETIME },
        { "h:mm:ss mmm", DATE_DATETIME },
        { "yyyy-mm-dd [h]:mm", DATE_DATETIME },
        { "[h]:mm", DATE_DURATION },
        { "[h]:mm:ss", DATE_DURATION },
        { "[HH]:MM", DATE_DURATION },
        { "[mm]:ss", DATE_DURATION },
        { "[ss]", DATE_DURATION },
        { "[h]", DATE_DURATION },
        { "[Red][h]:mm;[h]:mm", DATE_DURATION },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum date_kind kind = DATE_DATE;
        int got = date_format_code_kind(cases[i].code, &kind) ? (int)kind : NOT_A_DATE;

        if (got != cases[i].want)
            fail_msg("'%s' is of kind %d, not %d", cases[i].code, got, cases[i].want);
    }
}

static void format_ids(void **state)
{
    static const struct {
        unsigned first, last;
    } dates[] = { { 14, 22 }, { 27, 36 }, { 45, 47 }, { 50, 58 } };
    enum date_kind kind;

    (void)state;
    for (unsigned id = 0; id < 300; id++) {
        bool want = false;

        for (size_t i = 0; i < ARRAY_LEN(dates); i++)
            want |= id >= dates[i].first && id <= dates[i].last;
        assert_int_equal(date_format_id_kind(id, &kind), want);
    }
    assert_true(date_format_id_kind(14, &kind) && kind == DATE_DATE);
    assert_true(date_format_id_kind(18, &kind) && kind == DATE_TIME);
    assert_true(date_format_id_kind(22, &kind) && kind == DATE_DATETIME);
    assert_true(date_format_id_kind(46, &kind) && kind == DATE_DURATION);
    assert_true(date_format_id_kind(47, &kind) && kind == DATE_TIME);
}

static void utc_times(void **state)
{
    char text[DATE_TEXT_MAX];

    (void)state;
    assert_int_equal(date_format_utc(INT64_C(1770379200123456789), text), 27);
    assert_string_equal(text, "2026-02-06T12:00:00.123456Z");
    date_format_utc(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    date_format_utc(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    date_format_utc(INT64_MIN, text);
    assert_string_equal(text, "1677-09-21T00:12:43.145224Z");
    date_format_utc(INT64_MAX, text);
    assert_string_equal(text, "2262-04-11T23:47:16.854775Z");
    assert_int_equal(date_format_stamp(INT64_C(1770379200123456789), text), 15);
    assert_string_equal(text, "20260206_120000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown_text),
        cmocka_unit_test(every_day_goes_round),
        cmocka_unit_test(existence),
        cmocka_unit_test(to_serial_refuses),
        cmocka_unit_test(iso_yes),
        cmocka_unit_test(iso_no),
        cmocka_unit_test(format_codes),
        cmocka_unit_test(format_ids),
        cmocka_unit_test(utc_times),
    };

    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
