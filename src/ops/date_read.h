#ifndef OPS_DATE_READ_H
#define OPS_DATE_READ_H

/*
 * Dates as people write them: 2024-01-31, 31.1.2024, 1/31/24, 31-Jan-2024, January 31st, 2024,
 * 20240131, each with an optional time of day (10:30, 10:30:15.5, 9 PM, 10:30Z). A time zone is read and left
 * out: the time stays what it says.
 *
 * 01/02/2024 can be read two ways. Every reading tells whether it leaves a choice; a column is
 * asked first (date_votes), so that one 31/01/2024 in it decides for all.
 */

#include "table/cell.h"

enum date_order { ORDER_AUTO, ORDER_MDY, ORDER_DMY, ORDER_YMD };

enum date_vote {
    VOTE_NONE,        /* Read the same way in either order. */
    VOTE_MONTH_FIRST, /* Only month first makes sense. */
    VOTE_DAY_FIRST,
    VOTE_OPEN /* Both do, with different results. */
};

struct date_reading {
    struct date date;
    bool has_time;
    enum date_vote vote;
};

/*
 * Read text p[0..n). order: how to read what is open (AUTO: month first); `strict` refuses what
 * only the other order can read. False when it is no date.
 */
bool date_read(
    const char *p, size_t n, enum date_order order, bool strict, struct date_reading *out);

/* As date_read() for any cell: date and datetime cells, text, and numbers of 8 digits. */
bool date_read_cell(
    const struct cell *cell, enum date_order order, bool strict, struct date_reading *out);

/* A time of day alone, HH:MM[:SS[.fff]] [AM|PM], as milliseconds. */
bool date_read_time(const char *p, size_t n, int64_t *ms);

/* What the values of a column say about their order. */
struct date_votes {
    uint64_t month_first, day_first, open;
};
void date_votes_add(struct date_votes *v, const struct date_reading *r);
/* MDY unless all that is decided is day first. */
enum date_order date_votes_order(const struct date_votes *v);
/* How many values had to be read month first by habit alone. */
uint64_t date_votes_guessed(const struct date_votes *v);

/* Milliseconds since 1970-01-01 00:00, for comparing. */
int64_t date_ms(const struct date *d);

/* ---- formats in the % notation: %Y %m %d %H %M %S %y %b %B %a %A %j %I %p %f %e %F %T, and %-d for no zero ---- */

/*
 * Is it a usable format? False with ERR_ARG at `argument`; for DD/MM/YYYY the sentence offers %d/%m/%Y.
 */
bool date_check_format(const char *format, const char *argument, struct err *err) MUST_CHECK;

enum { DATE_FORMATTED_MAX = 256 };
/* Print into out (DATE_FORMATTED_MAX bytes, NUL-terminated; cut there); returns the length. */
size_t date_print(const struct date *d, const char *format, char *out);

/* Read p[0..n) exactly as `format` says; false when it does not fit or there is no such day. */
bool date_scan(const char *p, size_t n, const char *format, struct date *out);

#endif
