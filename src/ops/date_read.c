/*
 * Reading dates as people write them.
 *
 *   [weekday] date [T | blanks | comma] [time] [AM|PM] [zone]
 *
 *   date:  Y-M-D   A/B/Y   D Mon Y   Mon D Y   YYYYMMDD   Y年M月D日
 */

#include "ops/date_read.h"

#include "base/utf8.h"
#include "ops/date_int.h"

#include <string.h>

/* A place in the text that is read. */
struct scan {
    const char *p, *end;
};

static bool at_digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool at_letter(const struct scan *s)
{
    return s->p < s->end && ((*s->p | 32) >= 'a' && (*s->p | 32) <= 'z');
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
        s->p++;
}

static bool take(struct scan *s, const char *token)
{
    size_t n = strlen(token);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, token, n) != 0)
        return false;
    s->p += n;
    return true;
}

/* Up to `most` digits; returns how many, 0 when there are none or more than that. */
static int take_number(struct scan *s, int most, int *value)
{
    int n = 0, v = 0;

    while (at_digit(s)) {
        if (++n > most)
            return 0;
        v = v * 10 + (*s->p++ - '0');
    }
    *value = v;
    return n;
}

static size_t take_word(struct scan *s, const char **word)
{
    *word = s->p;
    while (at_letter(s))
        s->p++;
    return (size_t)(s->p - *word);
}

static const char *const month_names[] = { "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december" };
static const char *const day_names[] = { "sunday", "monday", "tuesday", "wednesday", "thursday",
    "friday", "saturday" };

const char *date_month_name(int month)
{
    return month_names[month - 1];
}

const char *date_day_name(int weekday)
{
    return day_names[weekday];
}

/* Index of the name that word[0..n) is or abbreviates (3 letters at least, "sept" too), or -1. */
static int find_name(const char *const *names, int count, const char *word, size_t n)
{
    for (int i = 0; i < count; i++) {
        size_t k = 0;

        while (k < n && names[i][k] && (word[k] | 32) == names[i][k])
            k++;
        if (k == n && (n == 3 || n == strlen(names[i]) || (n == 4 && i == 8 && count == 12)))
            return i;
    }
    return -1;
}

int date_find_month(const char *word, size_t n)
{
    return find_name(month_names, 12, word, n) + 1;
}

int date_find_day(const char *word, size_t n)
{
    return find_name(day_names, 7, word, n);
}

/* 24 -> 2024, 70 -> 1970, as the C library has it. */
int date_full_year(int year, int digits)
{
    if (digits > 2)
        return year;
    return year < 69 ? 2000 + year : 1900 + year;
}

static bool set_day(struct date *d, int year, int month, int day)
{
    if (!date_exists(year, month, day))
        return false;
    d->year = year;
    d->month = month;
    d->day = day;
    return true;
}

/* a/b/year, in the order that is asked for or makes sense. */
static bool set_numbers(
    int a, int b, int year, bool dots, enum date_order order, bool strict, struct date_reading *out)
{
    struct date month_first = { 0 }, day_first = { 0 };
    bool m = set_day(&month_first, year, a, b), d = set_day(&day_first, year, b, a);
    bool prefer_day = order == ORDER_DMY || (dots && order == ORDER_AUTO);

    if (!m && !d)
        return false;
    if (m && d && a != b)
        /* 01.02.2024 is written by people who begin with the day. */
        out->vote = dots ? VOTE_NONE : VOTE_OPEN;
    else if (m != d && !dots)
        out->vote = m ? VOTE_MONTH_FIRST : VOTE_DAY_FIRST;
    if (strict && ((order == ORDER_DMY && !d) || (order == ORDER_MDY && !m)))
        return false;
    if (!strict && dots)
        prefer_day = true;
    out->date = (prefer_day && d) || !m ? day_first : month_first;
    return true;
}

/* The rest of N sep N sep N, or N sep Mon sep N, after the first number. */
static bool read_from_number(struct scan *s, int first, int digits, enum date_order order,
    bool strict, struct date_reading *out)
{
    const char *word;
    char sep[2] = "";
    int a = 0, b = 0, n;

    if (at_letter(s)) { /* 2nd January: the ending of an ordinal. */
        struct scan back = *s;
        size_t len = take_word(s, &word);

        if (len != 2 || !(memcmp(word, "st", 2) == 0 || memcmp(word, "nd", 2) == 0 ||
                            memcmp(word, "rd", 2) == 0 || memcmp(word, "th", 2) == 0))
            *s = back;
    }
    if (take(s, "年"))
        return digits == 4 && take_number(s, 2, &a) && take(s, "月") && take_number(s, 2, &b) &&
               take(s, "日") && set_day(&out->date, first, a, b);
    if (s->p < s->end && strchr("-/.", *s->p))
        sep[0] = *s->p++;
    skip_blanks(s);
    if (at_letter(s)) {
        int month;

        n = (int)take_word(s, &word);
        month = date_find_month(word, (size_t)n);
        if (s->p < s->end && strchr("-/.,", *s->p))
            s->p++;
        skip_blanks(s);
        n = take_number(s, 4, &b);
        if (!month || !n || n == 3)
            return false;
        if (digits == 4)
            return n <= 2 && set_day(&out->date, first, month, b);
        return set_day(&out->date, date_full_year(b, n), month, first);
    }
    if (!sep[0] || !take_number(s, 2, &a) || !take(s, sep))
        return false;
    skip_blanks(s);
    n = take_number(s, 4, &b);
    if (!n || n == 3)
        return false;
    if (digits == 4 || order == ORDER_YMD)
        return n <= 2 && (digits == 4 || digits == 2) &&
               set_day(&out->date, date_full_year(first, digits), a, b);
    return digits <= 2 && (n == 4 || n == 2) &&
           set_numbers(first, a, date_full_year(b, n), sep[0] == '.', order, strict, out);
}

/* Jan 2, 2024 */
static bool read_from_month(struct scan *s, int month, struct date_reading *out)
{
    int day = 0, year = 0, n;

    if (s->p < s->end && strchr("-/.", *s->p))
        s->p++;
    skip_blanks(s);
    if (!take_number(s, 2, &day))
        return false;
    (void)(take(s, "st") || take(s, "nd") || take(s, "rd") || take(s, "th"));
    if (s->p < s->end && strchr("-/,", *s->p))
        s->p++;
    skip_blanks(s);
    n = take_number(s, 4, &year);
    return (n == 4 || n == 2) && set_day(&out->date, date_full_year(year, n), month, day);
}

/* HH:MM[:SS[.fff]] [AM|PM], or H AM. */
static bool read_clock(struct scan *s, struct date *d)
{
    const char *word;
    struct scan back;
    int n, scale = 100;

    if (!take_number(s, 2, &d->hour))
        return false;
    if (take(s, ":")) {
        if (take_number(s, 2, &d->minute) != 2)
            return false;
        if (take(s, ":")) {
            if (take_number(s, 2, &d->second) != 2)
                return false;
            if (take(s, ".") || take(s, ",")) {
                if (!at_digit(s))
                    return false;
                for (; at_digit(s); s->p++, scale /= 10)
                    d->millis += (*s->p - '0') * scale;
            }
        }
        n = 0;
    } else {
        n = 1; /* An hour alone needs AM or PM. */
    }
    back = *s;
    skip_blanks(s);
    if (at_letter(s)) {
        size_t len = take_word(s, &word);
        char c = (char)(word[0] | 32);

        if (len == 2 && (c == 'a' || c == 'p') && (word[1] | 32) == 'm') {
            if (d->hour < 1 || d->hour > 12)
                return false;
            d->hour = d->hour % 12 + (c == 'p' ? 12 : 0);
            n = 0;
        } else {
            *s = back;
        }
    }
    return n == 0 && d->hour < 24 && d->minute < 60 && d->second < 60;
}

/* Z, UTC, GMT, +02:00, -0500: read past. */
static void skip_zone(struct scan *s)
{
    int ignored;

    skip_blanks(s);
    if (take(s, "Z") || take(s, "z") || take(s, "UTC") || take(s, "GMT"))
        return;
    if ((take(s, "+") || take(s, "-")) && take_number(s, 4, &ignored) && take(s, ":"))
        (void)take_number(s, 2, &ignored);
}

static bool read_rest(struct scan *s, struct date_reading *out)
{
    if (s->p == s->end)
        return true;
    if (!take(s, "T") && !take(s, "t")) {
        if (!take(s, ",") && *s->p != ' ' && *s->p != '\t')
            return false;
        skip_blanks(s);
    }
    if (!read_clock(s, &out->date))
        return false;
    out->has_time = true;
    skip_zone(s);
    return s->p == s->end;
}

bool date_read(
    const char *p, size_t n, enum date_order order, bool strict, struct date_reading *out)
{
    struct date_reading r = { .vote = VOTE_NONE };
    struct scan s;
    const char *word;
    int first = 0, digits;
    size_t len;

    utf8_trim(&p, &n);
    if (n < 6 || n > 64)
        return false;
    s = (struct scan){ p, p + n };
    if (at_letter(&s)) {
        int month;

        len = take_word(&s, &word);
        if (date_find_day(word, len) >= 0) {
            (void)(take(&s, ",") || take(&s, "."));
            skip_blanks(&s);
            if (!at_letter(&s))
                goto number;
            len = take_word(&s, &word);
        }
        month = date_find_month(word, len);
        if (!month || !read_from_month(&s, month, &r) || !read_rest(&s, &r))
            return false;
        *out = r;
        return true;
    }
number:
    digits = take_number(&s, 8, &first);
    if (digits == 8) {
        if (!set_day(&r.date, first / 10000, first / 100 % 100, first % 100))
            return false;
    } else if (digits == 0 || digits > 4 || digits == 3 ||
               !read_from_number(&s, first, digits, order, strict, &r)) {
        return false;
    }
    if (!read_rest(&s, &r))
        return false;
    *out = r;
    return true;
}

bool date_read_cell(
    const struct cell *cell, enum date_order order, bool strict, struct date_reading *out)
{
    struct date_reading r = { .vote = VOTE_NONE };
    char scratch[CELL_SHOWN_MAX];
    const char *p;
    size_t n;

    switch (cell->type) {
    case CELL_TEXT:
    case CELL_NUMBER: /* 20240131, which a typed column holds as a number */
        p = cell_shown(cell, scratch, &n);
        return date_read(p, n, order, strict, out);
    case CELL_DATE:
        if (cell->kind == DATE_TIME || cell->kind == DATE_DURATION ||
            !date_from_serial(cell->number, &r.date))
            return false;
        r.has_time = cell->kind == DATE_DATETIME;
        *out = r;
        return true;
    default:
        return false;
    }
}

bool date_read_time(const char *p, size_t n, int64_t *ms)
{
    struct date d = { 0 };
    struct scan s;

    utf8_trim(&p, &n);
    s = (struct scan){ p, p + n };
    if (n > 16 || !read_clock(&s, &d) || s.p != s.end)
        return false;
    *ms = ((d.hour * 60LL + d.minute) * 60 + d.second) * 1000 + d.millis;
    return true;
}

void date_votes_add(struct date_votes *v, const struct date_reading *r)
{
    v->month_first += r->vote == VOTE_MONTH_FIRST;
    v->day_first += r->vote == VOTE_DAY_FIRST;
    v->open += r->vote == VOTE_OPEN;
}

enum date_order date_votes_order(const struct date_votes *v)
{
    return v->day_first && !v->month_first ? ORDER_DMY : ORDER_MDY;
}

uint64_t date_votes_guessed(const struct date_votes *v)
{
    return !v->day_first == !v->month_first ? v->open : 0;
}

int64_t date_ms(const struct date *d)
{
    int64_t days = date_days_from_civil(d->year, d->month, d->day);

    return (((days * 24 + d->hour) * 60 + d->minute) * 60 + d->second) * 1000 + d->millis;
}
