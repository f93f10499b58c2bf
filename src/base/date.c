/*
 * Civil dates and Excel serials. What a number format code makes of a number is date_code.c.
 */

#include "base/date.h"

#include "base/num.h"
#include "base/num_put.h"

#include <math.h>
#include <string.h>

enum {
    DAY_MS = 86400000,
    HOUR_MS = 3600000,
    MINUTE_MS = 60000,
    SECOND_MS = 1000,
    SERIAL_EPOCH = -25569, /* 1899-12-30 in days since 1970-01-01. */
    LEAP_SERIAL = 60,      /* 1900-02-29, which never was; days before it count from 1899-12-31. */
    YEAR_MIN = 1900,
    YEAR_MAX = 9999,
    ISO_DATE_LEN = 10,
    ISO_DATETIME_LEN = 19
};
#define NS_PER_SECOND INT64_C(1000000000)

/* Howard Hinnant's days_from_civil: years begin in March, so that leap days come last. */
int64_t date_days_from_civil(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

/*
 * The other way, after Neri and Schneider, "Euclidean affine functions and their application to
 * calendar algorithms": within an era of 400 years, divisions by constants that all are products and shifts.
 */
void date_civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t quarters = (uint32_t)(z - era * 146097) * 4 + 3;
    uint32_t century = quarters / 146097;
    uint64_t years = (uint64_t)(quarters % 146097 | 3) * 2939745; /* In units of 2^-32. */
    uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    uint32_t months = day_of_year * 2141 + 197913; /* In units of 2^-16. */
    bool next = day_of_year >= 306;                /* January or February. */

    *day = (int)((months & 0xffff) / 2141 + 1);
    *month = (int)(months >> 16) - (next ? 12 : 0);
    *year = (int)(era * 400 + century * 100 + (int64_t)(years >> 32) + next);
}

bool date_exists(int year, int month, int day)
{
    static const int8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return year >= 1 && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap);
}

/* A serial as whole days and milliseconds of the day; false when out of the calendar. */
static bool split_serial(double serial, int64_t *day, int64_t *ms)
{
    double whole;

    if (!(serial >= 0 && serial < DATE_SERIAL_MAX + 1))
        return false;
    whole = floor(serial);
    *day = (int64_t)whole;
    *ms = (int64_t)floor((serial - whole) * DAY_MS + 0.5);
    if (*ms >= DAY_MS) {
        *ms = 0;
        (*day)++;
    }
    return *day <= DATE_SERIAL_MAX;
}

static void civil_of_serial_day(int64_t day, struct date *out)
{
    if (day == LEAP_SERIAL) {
        out->year = YEAR_MIN;
        out->month = 2;
        out->day = 29;
        return;
    }
    date_civil_from_days(
        day + SERIAL_EPOCH + (day < LEAP_SERIAL), &out->year, &out->month, &out->day);
}

static void clock_of_ms(int64_t ms, struct date *out)
{
    out->hour = (int)(ms / HOUR_MS);
    out->minute = (int)(ms / MINUTE_MS % 60);
    out->second = (int)(ms / SECOND_MS % 60);
    out->millis = (int)(ms % SECOND_MS);
}

bool date_from_serial(double serial, struct date *out)
{
    int64_t day, ms;

    if (!split_serial(serial, &day, &ms))
        return false;
    civil_of_serial_day(day, out);
    clock_of_ms(ms, out);
    return true;
}

bool date_to_serial(const struct date *date, double *out)
{
    int64_t day, ms;

    if (date->year < YEAR_MIN || !date_exists(date->year, date->month, date->day))
        return false;
    if (date->hour < 0 || date->hour > 23 || date->minute < 0 || date->minute > 59 ||
        date->second < 0 || date->second > 59 || date->millis < 0 || date->millis > 999)
        return false;
    day = date_days_from_civil(date->year, date->month, date->day) - SERIAL_EPOCH;
    if (day <= LEAP_SERIAL)
        day--;
    ms = (int64_t)date->hour * HOUR_MS + (int64_t)date->minute * MINUTE_MS +
         (int64_t)date->second * SECOND_MS + date->millis;
    *out = (double)day + (double)ms / DAY_MS;
    return true;
}

/* Print `v` with exactly `width` digits, zeros in front. */
static char *put_digits(char *p, int v, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + width;
}

/* 2024-01-31 */
static char *put_day(char *p, const struct date *d)
{
    uint32_t all = (uint32_t)d->year * 10000 + (uint32_t)d->month * 100 + (uint32_t)d->day;
    char digits[8];

    num_store_digits(num_eight_digits(all), digits);
    memcpy(p, digits, 4);
    p[4] = '-';
    memcpy(p + 5, digits + 4, 2);
    p[7] = '-';
    memcpy(p + 8, digits + 6, 2);
    return p + ISO_DATE_LEN;
}

/* Minutes, seconds and, where there is one, the fraction. */
static char *put_minutes(char *p, const struct date *d)
{
    *p++ = ':';
    p = put_digits(p, d->minute, 2);
    *p++ = ':';
    p = put_digits(p, d->second, 2);
    if (d->millis) {
        *p++ = '.';
        p = put_digits(p, d->millis, 3);
        while (p[-1] == '0')
            p--;
    }
    return p;
}

static char *put_clock(char *p, const struct date *d)
{
    return put_minutes(put_digits(p, d->hour, 2), d);
}

/* As date_format(), of any serial. */
static size_t format_any(double serial, enum date_kind kind, char *out)
{
    struct date d = { 0 };
    int64_t day, ms;
    char *p = out;

    if (!split_serial(serial, &day, &ms) || (kind == DATE_DATE && day == 0))
        return num_format(serial, out);
    clock_of_ms(ms, &d);
    if (kind == DATE_DURATION) {
        int64_t hours = day * 24 + d.hour;

        p = hours < 100 ? put_digits(p, (int)hours, 2) : p + num_format_int(hours, p);
        p = put_minutes(p, &d);
    } else if (kind == DATE_TIME || day == 0) {
        p = put_clock(p, &d);
    } else {
        civil_of_serial_day(day, &d);
        p = put_day(p, &d);
        if (kind == DATE_DATETIME) {
            *p++ = ' ';
            p = put_clock(p, &d);
        }
    }
    *p = '\0';
    return (size_t)(p - out);
}

size_t date_format(double serial, enum date_kind kind, char *out)
{
    struct date d = { 0 };

    if (kind != DATE_DATE || !(serial > LEAP_SERIAL && serial <= DATE_SERIAL_MAX) ||
        serial != (int32_t)serial)
        return format_any(serial, kind, out);
    date_civil_from_days((int32_t)serial + SERIAL_EPOCH, &d.year, &d.month, &d.day);
    *put_day(out, &d) = '\0'; /* Nearly all there are. */
    return ISO_DATE_LEN;
}

/* `count` digits at p as a number, or -1. */
static int get_digits(const char *p, int count)
{
    int v = 0;

    for (int i = 0; i < count; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

static bool get_day(const char *p, struct date *d)
{
    if (p[4] != '-' || p[7] != '-')
        return false;
    d->year = get_digits(p, 4);
    d->month = get_digits(p + 5, 2);
    d->day = get_digits(p + 8, 2);
    return true; /* What is no digit became -1, which no date has. */
}

bool date_parse_iso_date(const char *p, size_t n, double *serial)
{
    struct date d = { 0 };

    return n == ISO_DATE_LEN && get_day(p, &d) && date_to_serial(&d, serial);
}

bool date_parse_iso_datetime(const char *p, size_t n, double *serial)
{
    struct date d = { 0 };

    if (n != ISO_DATETIME_LEN || p[10] != ' ' || p[13] != ':' || p[16] != ':' || !get_day(p, &d))
        return false;
    d.hour = get_digits(p + 11, 2);
    d.minute = get_digits(p + 14, 2);
    d.second = get_digits(p + 17, 2);
    return date_to_serial(&d, serial);
}

/* Nanoseconds since the epoch, cut to the second, as a civil time; returns what was cut off. */
static int64_t civil_of_ns(int64_t ns, struct date *out)
{
    int64_t seconds = ns / NS_PER_SECOND, rest = ns % NS_PER_SECOND, day, of_day;

    if (rest < 0) {
        rest += NS_PER_SECOND;
        seconds--;
    }
    day = seconds / 86400;
    of_day = seconds % 86400;
    if (of_day < 0) {
        of_day += 86400;
        day--;
    }
    date_civil_from_days(day, &out->year, &out->month, &out->day);
    clock_of_ms(of_day * SECOND_MS, out);
    return rest;
}

size_t date_format_utc(int64_t ns, char *out)
{
    struct date d = { 0 };
    int64_t rest = civil_of_ns(ns, &d);
    char *p = put_day(out, &d);

    *p++ = 'T';
    p = put_clock(p, &d);
    *p++ = '.';
    p = put_digits(p, (int)(rest / 1000), 6);
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

size_t date_format_stamp(int64_t ns, char *out)
{
    struct date d = { 0 };
    char *p = out;

    civil_of_ns(ns, &d);
    p = put_digits(p, d.year, 4);
    p = put_digits(p, d.month, 2);
    p = put_digits(p, d.day, 2);
    *p++ = '_';
    p = put_digits(p, d.hour, 2);
    p = put_digits(p, d.minute, 2);
    p = put_digits(p, d.second, 2);
    *p = '\0';
    return (size_t)(p - out);
}
