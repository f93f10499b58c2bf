#ifndef BASE_DATE_H
#define BASE_DATE_H

/*
 * Civil dates and Excel serials, in integer arithmetic, without time zones.
 *
 * A serial counts days from 1899-12-30 (1900 system, with Lotus's invented 1900-02-29 as 60).
 * Times are rounded to the millisecond.
 */

#include "base/err.h"

enum date_kind { DATE_DATE, DATE_DATETIME, DATE_TIME, DATE_DURATION };

enum {
    DATE_TEXT_MAX = 40,
    DATE_SERIAL_MAX = 2958465 /* 9999-12-31 */
};
#define DATE_1904_OFFSET 1462

struct date {
    int year, month, day; /* Proleptic Gregorian; month and day from 1. */
    int hour, minute, second, millis;
};

/*
 * The civil date and time of a serial; false when out of Excel's calendar (negative or past
 * DATE_SERIAL_MAX). Serial 60 gives 1900-02-29; below 60 the day after 1899-12-31 is 1.
 */
bool date_from_serial(double serial, struct date *out);

/* The serial of a civil date; false when the date does not exist or lies before 1900-01-01. */
bool date_to_serial(const struct date *date, double *out);

/* Does the day exist in the Gregorian calendar (years 1..9999)? */
bool date_exists(int year, int month, int day);
int64_t date_days_from_civil(int year, int month, int day); /* Days since 1970-01-01. */
void date_civil_from_days(int64_t days, int *year, int *month, int *day);

/*
 * Shown text of a serial: DATE `YYYY-MM-DD`, DATETIME `YYYY-MM-DD HH:MM:SS`, TIME `HH:MM:SS`,
 * DURATION `30:05:00`; a fraction `.fff` (trailing zeros dropped) only where there is one. A
 * serial outside the calendar prints as its number, and so does a DATE below 1; a DATETIME below 1
 * is shown as a time.
 * Shape: writes to out (DATE_TEXT_MAX bytes, NUL-terminated); returns the length.
 */
size_t date_format(double serial, enum date_kind kind, char *out);

/*
 * Exactly `YYYY-MM-DD` / `YYYY-MM-DD HH:MM:SS` that exists in Excel's calendar from 1900-01-01
 * (1900-02-29 is not accepted). Used by safe typing: date_format() of the result gives the same
 * text.
 */
bool date_parse_iso_date(const char *p, size_t n, double *serial);
bool date_parse_iso_datetime(const char *p, size_t n, double *serial);

/*
 * What an Excel number format code makes of a number: is it a date, and of which kind?
 * Quoted text, escapes, [Red], [$-409], conditions and sections are understood; [h] makes a
 * duration (with a day beside it, a datetime). Only the first section counts.
 */
bool date_format_code_kind(const char *code, enum date_kind *kind);

/* As above for the built-in ids 0..163 (14-22, 27-36, 45-47, 50-58 are dates). */
bool date_format_id_kind(unsigned id, enum date_kind *kind);

/* "2026-02-06T12:00:00.123456Z" of nanoseconds since the epoch; DATE_TEXT_MAX bytes. */
size_t date_format_utc(int64_t ns, char *out);
/* "20260206_120000" */
size_t date_format_stamp(int64_t ns, char *out);

#endif
