#include "chat/when.h"

#include "base/date.h"
#include "ops/date_read.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { YEAR_MIN = 1800, YEAR_MAX = 2200, MONTHS = 12 };

static const char *const months[MONTHS] = { "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december" };

static int month_of(const struct word *w)
{
    size_t n = strlen(w->key);

    for (int i = 0; w->kind == WORD_PLAIN && n >= 3 && i < MONTHS; i++) {
        if (strcmp(w->key, months[i]) == 0 || (n == 3 && strncmp(w->key, months[i], 3) == 0) ||
            (i == 8 && strcmp(w->key, "sept") == 0))
            return i + 1;
    }
    return 0;
}

/* 15, 15th, 1st; 0 when it is no day. */
static int day_of(const struct word *w)
{
    int day = 0;
    const char *p = w->key;

    if (w->kind != WORD_PLAIN && w->kind != WORD_NUMBER)
        return 0;
    for (; isdigit((unsigned char)*p) && day < 100; p++)
        day = day * 10 + (*p - '0');
    if (*p && strcmp(p, "st") != 0 && strcmp(p, "nd") != 0 && strcmp(p, "rd") != 0 &&
        strcmp(p, "th") != 0)
        return 0;
    return day >= 1 && day <= 31 ? day : 0;
}

static int year_of(const struct word *w)
{
    if (w->kind != WORD_NUMBER || strlen(w->key) != 4 || w->number < YEAR_MIN ||
        w->number > YEAR_MAX)
        return 0;
    return (int)w->number;
}

static bool span(int year, int month, int day, struct when *out)
{
    int first = day ? day : 1, last = day ? day : 31;

    while (!day && !date_exists(year, month, last))
        last--;
    if (!date_exists(year, month, first))
        return false;
    snprintf(
        out->first, sizeof out->first, "%04d-%02d-%02d", year % 10000, month % 100, first % 100);
    snprintf(out->last, sizeof out->last, "%04d-%02d-%02d", year % 10000, month % 100, last % 100);
    return true;
}

bool chat_when_year(double year, struct when *out)
{
    if (year < YEAR_MIN || year > YEAR_MAX || year != (double)(int)year)
        return false;
    snprintf(out->first, sizeof out->first, "%04d-01-01", (int)year % 10000);
    snprintf(out->last, sizeof out->last, "%04d-12-31", (int)year % 10000);
    out->n_words = 1;
    return true;
}

/* A date in one word; what could as well be a plain number or a code is none. */
static bool one_word(const struct word *w, struct when *out)
{
    struct date_reading r;
    size_t marks = 0;

    for (const char *p = w->raw; *p; p++)
        marks += *p == '-' || *p == '/' || *p == '.';
    if (marks < 2 || !isdigit((unsigned char)w->raw[0]) ||
        !date_read(w->raw, strlen(w->raw), ORDER_AUTO, false, &r))
        return false;
    out->n_words = 1;
    return span(r.date.year, r.date.month, r.date.day, out);
}

static bool is_comma(const struct words *w, size_t at, size_t end)
{
    return at < end && w->v[at].kind == WORD_STOP && strcmp(w->v[at].key, ",") == 0;
}

/* "Q1 2024", "first quarter of 2024", "the second half of 2024": the words behind `n` are a year. */
static size_t part_of_year(const struct words *w, size_t at, size_t end, int *from, int *months_n)
{
    static const struct {
        const char *phrase;
        int from, n;
    } parts[] = { { "q1", 1, 3 }, { "q2", 4, 3 }, { "q3", 7, 3 }, { "q4", 10, 3 },
        { "first quarter", 1, 3 }, { "second quarter", 4, 3 }, { "third quarter", 7, 3 },
        { "fourth quarter", 10, 3 }, { "last quarter", 10, 3 }, { "1st quarter", 1, 3 },
        { "2nd quarter", 4, 3 }, { "3rd quarter", 7, 3 }, { "4th quarter", 10, 3 }, { "h1", 1, 6 },
        { "h2", 7, 6 }, { "first half", 1, 6 }, { "second half", 7, 6 }, { "1st half", 1, 6 },
        { "2nd half", 7, 6 } };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t n = words_say(w, at, end, parts[i].phrase);

        if (n == 0)
            continue;
        *from = parts[i].from;
        *months_n = parts[i].n;
        return n + words_say(w, at + n, end, "of") + words_say(w, at + n, end, "in");
    }
    return 0;
}

static bool months_of_year(const struct words *w, size_t at, size_t end, struct when *out)
{
    int from = 0, n_months = 0, year;
    size_t n = part_of_year(w, at, end, &from, &n_months);
    struct when last;

    if (n == 0 || at + n >= end || (year = year_of(&w->v[at + n])) == 0 ||
        !span(year, from, 0, out) || !span(year, from + n_months - 1, 0, &last))
        return false;
    memcpy(out->last, last.last, sizeof out->last);
    out->n_words = n + 1;
    return true;
}

size_t chat_when_part(const struct words *w, size_t at, size_t end, struct when_part *out)
{
    size_t n = 1;

    *out = (struct when_part){ 0 };
    if (at >= end)
        return 0;
    out->month = month_of(&w->v[at]);
    if (!out->month)
        out->day = day_of(&w->v[at]);
    if (at + n < end && out->month && (out->day = day_of(&w->v[at + n])) != 0)
        return n + 1; /* March 2 */
    if (!out->day)
        return out->month ? n : 0;
    n += words_say(w, at + n, end, "of");
    if (at + n < end && (out->month = month_of(&w->v[at + n])) != 0) /* 2nd of March */
        return n + 1;
    return 1;
}

bool chat_when_complete(const struct when_part *part, const struct when *last, struct when *out)
{
    int year = 0, month = 0, day = 0;
    bool one_day = strcmp(last->first, last->last) == 0;

    if (sscanf(last->last, "%d-%d-%d", &year, &month, &day) != 3)
        return false;
    /* "between 2 and March 2024" is none, nor "from March to 5 April 2024". */
    if (one_day != (part->day != 0) ||
        !span(year, part->month ? part->month : month, part->day, out))
        return false;
    out->n_words = 1;
    return strcmp(out->first, last->first) <= 0;
}

bool chat_when(const struct words *w, size_t at, size_t end, struct when *out)
{
    size_t next = at + 1, skip;
    int month, day, year;

    if (at >= end)
        return false;
    if (one_word(&w->v[at], out) || months_of_year(w, at, end, out))
        return true;
    month = month_of(&w->v[at]);
    if (month && next < end && (year = year_of(&w->v[next])) != 0) { /* March 2024 */
        out->n_words = 2;
        return span(year, month, 0, out);
    }
    if (month && next < end && (day = day_of(&w->v[next])) != 0) { /* March 15th, 2024 */
        skip = is_comma(w, next + 1, end) ? 1 : 0;
        if (next + 1 + skip < end && (year = year_of(&w->v[next + 1 + skip])) != 0) {
            out->n_words = 3 + skip;
            return span(year, month, day, out);
        }
        return false;
    }
    day = day_of(&w->v[at]); /* 15 March 2024, 15th of March 2024 */
    if (!day)
        return false;
    skip = words_say(w, next, end, "of");
    if (next + skip + 1 >= end)
        return false;
    month = month_of(&w->v[next + skip]);
    year = year_of(&w->v[next + skip + 1]);
    out->n_words = 3 + skip;
    return month && year && span(year, month, day, out);
}
