/*
 * Dates as people write them, and the % notation.
 */

#include "op_fixture.h"

#include "ops/date_read.h"

/* want: as %Y-%m-%d %H:%M:%S prints it, or NULL where it is no date. */
static const struct {
    const char *text;
    enum date_order order;
    const char *want;
    enum date_vote vote;
} readings[] = {
    { "2024-01-31", ORDER_AUTO, "2024-01-31 00:00:00", VOTE_NONE },
    { " 2024/1/5 ", ORDER_AUTO, "2024-01-05 00:00:00", VOTE_NONE },
    { "2024.01.05", ORDER_DMY, "2024-01-05 00:00:00", VOTE_NONE },
    { "20240131", ORDER_AUTO, "2024-01-31 00:00:00", VOTE_NONE },
    { "20241331", ORDER_AUTO, NULL, VOTE_NONE },
    { "01/02/2024", ORDER_AUTO, "2024-01-02 00:00:00", VOTE_OPEN },
    { "01/02/2024", ORDER_DMY, "2024-02-01 00:00:00", VOTE_OPEN },
    { "02/02/2024", ORDER_DMY, "2024-02-02 00:00:00", VOTE_NONE },
    { "31/01/2024", ORDER_AUTO, "2024-01-31 00:00:00", VOTE_DAY_FIRST },
    { "01/31/2024", ORDER_AUTO, "2024-01-31 00:00:00", VOTE_MONTH_FIRST },
    { "1-2-24", ORDER_DMY, "2024-02-01 00:00:00", VOTE_OPEN },
    { "24-01-02", ORDER_YMD, "2024-01-02 00:00:00", VOTE_NONE },
    { "1.2.2024", ORDER_AUTO, "2024-02-01 00:00:00", VOTE_NONE },
    { "31.1.69", ORDER_AUTO, "1969-01-31 00:00:00", VOTE_NONE },
    { "31.1.68", ORDER_AUTO, "2068-01-31 00:00:00", VOTE_NONE },
    { "30/02/2024", ORDER_AUTO, NULL, VOTE_NONE },
    { "1/2-2024", ORDER_AUTO, NULL, VOTE_NONE },
    { "31-Jan-2024", ORDER_AUTO, "2024-01-31 00:00:00", VOTE_NONE },
    { "31 JANUARY 2024", ORDER_AUTO, "2024-01-31 00:00:00", VOTE_NONE },
    { "1st Sept. 2024", ORDER_AUTO, "2024-09-01 00:00:00", VOTE_NONE },
    { "Sep 1st, 2024", ORDER_AUTO, "2024-09-01 00:00:00", VOTE_NONE },
    { "2024 Feb 29", ORDER_AUTO, "2024-02-29 00:00:00", VOTE_NONE },
    { "Foo 1, 2024", ORDER_AUTO, NULL, VOTE_NONE },
    { "May 2024", ORDER_AUTO, NULL, VOTE_NONE },
    { "Wednesday, January 31, 2024", ORDER_AUTO, "2024-01-31 00:00:00", VOTE_NONE },
    { "Wed 31.1.2024", ORDER_AUTO, "2024-01-31 00:00:00", VOTE_NONE },
    { "2024年1月5日", ORDER_AUTO, "2024-01-05 00:00:00", VOTE_NONE },
    { "2024-01-31T10:30:15.250Z", ORDER_AUTO, "2024-01-31 10:30:15", VOTE_NONE },
    { "2024-01-31 10:30 +02:00", ORDER_AUTO, "2024-01-31 10:30:00", VOTE_NONE },
    { "2024-01-31, 9 pm", ORDER_AUTO, "2024-01-31 21:00:00", VOTE_NONE },
    { "2024-01-31 12:15 AM", ORDER_AUTO, "2024-01-31 00:15:00", VOTE_NONE },
    { "2024-01-31 24:00", ORDER_AUTO, NULL, VOTE_NONE },
    { "2024-01-31 10", ORDER_AUTO, NULL, VOTE_NONE },
    { "2024-01-31x", ORDER_AUTO, NULL, VOTE_NONE },
    { "13:30", ORDER_AUTO, NULL, VOTE_NONE },
    { "1234567", ORDER_AUTO, NULL, VOTE_NONE },
    { "1.5", ORDER_AUTO, NULL, VOTE_NONE },
    { "hello world", ORDER_AUTO, NULL, VOTE_NONE },
    { "", ORDER_AUTO, NULL, VOTE_NONE },
    { "1815-12-10", ORDER_AUTO, "1815-12-10 00:00:00", VOTE_NONE },
    { "0000-01-01", ORDER_AUTO, NULL, VOTE_NONE },
};

static void reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        char text[DATE_FORMATTED_MAX] = "";
        struct date_reading r;
        bool ok =
            date_read(readings[i].text, strlen(readings[i].text), readings[i].order, false, &r);

        if (ok)
            date_print(&r.date, "%Y-%m-%d %H:%M:%S", text);
        if (ok != (readings[i].want != NULL) || (ok && strcmp(text, readings[i].want) != 0))
            fail_msg("'%s': got %s", readings[i].text, ok ? text : "nothing");
        if (ok && r.vote != readings[i].vote)
            fail_msg("'%s': vote %d", readings[i].text, (int)r.vote);
    }
}

static void strict_order(void **state)
{
    struct date_reading r;

    (void)state;
    assert_false(date_read("12/31/2024", 10, ORDER_DMY, true, &r));
    assert_false(date_read("31/12/2024", 10, ORDER_MDY, true, &r));
    assert_true(date_read("31/12/2024", 10, ORDER_DMY, true, &r));
    assert_true(date_read("2024-12-31", 10, ORDER_DMY, true, &r));
}

static void votes(void **state)
{
    struct date_votes day = { .day_first = 1, .open = 5 }, month = { .month_first = 2, .open = 1 };
    struct date_votes open = { .open = 3 }, both = { .day_first = 1, .month_first = 1, .open = 2 };

    (void)state;
    assert_int_equal(date_votes_order(&day), ORDER_DMY);
    assert_int_equal(date_votes_guessed(&day), 0);
    assert_int_equal(date_votes_order(&month), ORDER_MDY);
    assert_int_equal(date_votes_guessed(&month), 0);
    assert_int_equal(date_votes_order(&open), ORDER_MDY);
    assert_int_equal(date_votes_guessed(&open), 3);
    assert_int_equal(date_votes_order(&both), ORDER_MDY);
    assert_int_equal(date_votes_guessed(&both), 2);
}

static void times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: none. */
    } cases[] = {
        { "10:30", 37800000 },
        { " 23:59:59.5 ", 86399500 },
        { "9 am", 32400000 },
        { "12 PM", 43200000 },
        { "13 pm", -1 },
        { "24:00", -1 },
        { "10", -1 },
        { "10:3", -1 },
        { "2024-01-01", -1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ms = -1;
        bool ok = date_read_time(cases[i].text, strlen(cases[i].text), &ms);

        if (ok != (cases[i].ms >= 0) || (ok && ms != cases[i].ms))
            fail_msg("'%s': %lld", cases[i].text, (long long)ms);
    }
}

static void printing(void **state)
{
    static const struct {
        const char *format, *want;
    } cases[] = {
        { "%Y-%m-%d", "2024-02-03" },
        { "%d.%m.%y", "03.02.24" },
        { "%-d/%-m", "3/2" },
        { "%e|%B|%b", " 3|February|Feb" },
        { "%A %a", "Saturday Sat" },
        { "%H:%M:%S %I%p %f", "14:05:06 02PM 007000" },
        { "%j %F %T %%", "034 2024-02-03 14:05:06 %" },
    };
    const struct date d = { 2024, 2, 3, 14, 5, 6, 7 };
    char text[DATE_FORMATTED_MAX], longer[101];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(date_print(&d, cases[i].format, text), strlen(cases[i].want));
        assert_string_equal(text, cases[i].want);
    }
    memset(longer, 0, sizeof longer);
    for (int i = 0; i < 50; i++)
        memcpy(longer + i * 2, "%B", 2);
    assert_int_equal(date_print(&d, longer, text), DATE_FORMATTED_MAX - 1);
}

static void scanning(void **state)
{
    static const struct {
        const char *text, *format, *want;
    } cases[] = {
        { "31.01.2024", "%d.%m.%Y", "2024-01-31 00:00:00" },
        { "1.1.2024", "%d.%m.%Y", "2024-01-01 00:00:00" },
        { "2024031", "%Y%j", "2024-01-31 00:00:00" },
        { "2023366", "%Y%j", NULL },
        { "3 feb 99 2:05 pm", "%d %b %y %I:%M %p", "1999-02-03 14:05:00" },
        { "Sat Feb  3", "%a %b %e", "1900-02-03 00:00:00" },
        { "14:05:06.5 2024-02-03", "%T.%f %F", "2024-02-03 14:05:06" },
        { "100%", "%d0%%", "1900-01-10 00:00:00" },
        { "100", "%d0%%", NULL },
        { "30.02.2024", "%d.%m.%Y", NULL },
        { "31.01.2024 ", "%d.%m.%Y", NULL },
        { "31.01.", "%d.%m.%Y", NULL },
        { "13 pm 1.1.2024", "%I %p %d.%m.%Y", NULL },
        { "25 2024-01-01", "%H %F", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[DATE_FORMATTED_MAX] = "";
        struct date d;
        bool ok = date_scan(cases[i].text, strlen(cases[i].text), cases[i].format, &d);

        if (ok)
            date_print(&d, "%Y-%m-%d %H:%M:%S", text);
        if (ok != (cases[i].want != NULL) || (ok && strcmp(text, cases[i].want) != 0))
            fail_msg("'%s' as '%s': got %s", cases[i].text, cases[i].format, ok ? text : "nothing");
    }
}

static void formats(void **state)
{
    static const struct {
        const char *format, *want;
    } cases[] = {
        { "%Y", NULL },
        { "YYYY-MM-DD hh:mm:ss",
            "f: 'YYYY-MM-DD hh:mm:ss' has no date code; did you mean '%Y-%m-%d %H:%M:%S'?" },
        { "dd.mm.yy", "f: 'dd.mm.yy' has no date code; did you mean '%d.%m.%y'?" },
        { "soon", "f: 'soon' has no date code, such as %Y-%m-%d" },
        { "%Q", "f: '%Q' is no date code; there are %Y %m %d %H %M %S %y %b %B %a %A %j %I %p" },
        { "%", "f: '%' is no date code; there are %Y %m %d %H %M %S %y %b %B %a %A %j %I %p" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };

        assert_int_equal(date_check_format(cases[i].format, "f", &err), !cases[i].want);
        if (cases[i].want)
            assert_string_equal(err.text, cases[i].want);
    }
}

static void cells(void **state)
{
    struct cell date = cell_date(45322.4375, DATE_DATETIME), time = cell_date(0.5, DATE_TIME);
    struct cell number = cell_number(45322), compact = cell_number(20240131);
    struct date_reading r;

    (void)state;
    assert_true(date_read_cell(&date, ORDER_AUTO, false, &r));
    assert_true(r.has_time);
    assert_int_equal(r.date.month, 1);
    assert_int_equal(r.date.hour, 10);
    assert_false(date_read_cell(&time, ORDER_AUTO, false, &r));
    assert_false(date_read_cell(&number, ORDER_AUTO, false, &r));
    assert_true(date_read_cell(&compact, ORDER_AUTO, false, &r));
    assert_int_equal(r.date.day, 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(strict_order),
        cmocka_unit_test(votes),
        cmocka_unit_test(times),
        cmocka_unit_test(printing),
        cmocka_unit_test(scanning),
        cmocka_unit_test(formats),
        cmocka_unit_test(cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
