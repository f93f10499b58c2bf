/*
 * Dates in the % notation: printing, scanning, checking formats. English names, no locale.
 */

#include "ops/date_int.h"
#include "ops/date_read.h"
#include "ops/values.h"

#include <stdio.h>
#include <string.h>

static const char known_codes[] = "YymdHMSbBaAjIpfeFT%";

/* One code at *format (behind its %): the letter, with *bare for %-d. */
static char next_code(const char **format, bool *bare)
{
    *bare = **format == '-';
    if (*bare)
        (*format)++;
    return **format ? *(*format)++ : '\0';
}

/* DD/MM/YYYY hh:mm:ss -> %d/%m/%Y %H:%M:%S; false when there is nothing to translate. */
static bool translate(const char *format, char *out, size_t size)
{
    static const struct {
        const char *from, *to;
    } words[] = { { "YYYY", "%Y" }, { "yyyy", "%Y" }, { "YY", "%y" }, { "yy", "%y" },
        { "MM", "%m" }, { "mm", "%m" }, { "DD", "%d" }, { "dd", "%d" }, { "HH", "%H" },
        { "hh", "%H" }, { "SS", "%S" }, { "ss", "%S" } };
    bool clock = false, found = false;
    size_t n = 0;

    while (*format && n + 3 < size) {
        size_t i = 0;

        while (i < ARRAY_LEN(words) && strncmp(format, words[i].from, strlen(words[i].from)) != 0)
            i++;
        if (i == ARRAY_LEN(words)) {
            out[n++] = *format++;
            continue;
        }
        found = true;
        clock |= words[i].to[1] == 'H';
        memcpy(out + n, clock && words[i].to[1] == 'm' ? "%M" : words[i].to, 2);
        n += 2;
        format += strlen(words[i].from);
    }
    out[n] = '\0';
    return found;
}

bool date_check_format(const char *format, const char *argument, struct err *err)
{
    char better[DATE_FORMATTED_MAX];
    const char *p = format;
    bool any = false, bare;

    if (strlen(format) > 100)
        return value_fail(err, argument, "the format is longer than 100 characters");
    while (*p) {
        const char *code;

        if (*p++ != '%')
            continue;
        any = true;
        code = p;
        char c = next_code(&p, &bare);

        if (!c || !strchr(known_codes, c))
            return value_fail(err, argument,
                "'%%%.*s' is no date code; there are %%Y %%m %%d %%H %%M %%S %%y %%b %%B %%a %%A "
                "%%j %%I %%p",
                (int)(p - code), code);
    }
    if (any)
        return true;
    if (translate(format, better, sizeof better))
        return value_fail(
            err, argument, "'%.100s' has no date code; did you mean '%s'?", format, better);
    return value_fail(err, argument, "'%.100s' has no date code, such as %%Y-%%m-%%d", format);
}

static int day_of_year(const struct date *d)
{
    return (int)(date_days_from_civil(d->year, d->month, d->day) -
                 date_days_from_civil(d->year, 1, 1)) +
           1;
}

static int weekday(const struct date *d)
{
    int64_t days = date_days_from_civil(d->year, d->month, d->day);

    return (int)((days % 7 + 11) % 7); /* 1970-01-01 was a Thursday. */
}

/* A name with a capital, cut to `most` letters. */
static size_t put_name(char *out, size_t size, const char *name, int most)
{
    int n = snprintf(out, size, "%.*s", most, name);

    if (n > 0 && size > 1)
        out[0] = (char)(out[0] - 32);
    return (size_t)n;
}

/* v >= 0 with leading zeros up to `width`, none where bare. Cut to size; returns the length it would have. */
static size_t put_number(char *out, size_t size, int v, int width, bool bare)
{
    char digits[12];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v || (!bare && n < (size_t)width));
    for (size_t i = 0; i < n && i < size; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

static size_t put_code(const struct date *d, char code, bool bare, char *out, size_t size)
{
    switch (code) {
    case 'Y':
        return put_number(out, size, d->year, 4, bare);
    case 'y':
        return put_number(out, size, d->year % 100, 2, bare);
    case 'm':
        return put_number(out, size, d->month, 2, bare);
    case 'd':
        return put_number(out, size, d->day, 2, bare);
    case 'e':
        return (size_t)snprintf(out, size, bare ? "%d" : "%2d", d->day);
    case 'H':
        return put_number(out, size, d->hour, 2, bare);
    case 'I':
        return put_number(out, size, (d->hour + 11) % 12 + 1, 2, bare);
    case 'M':
        return put_number(out, size, d->minute, 2, bare);
    case 'S':
        return put_number(out, size, d->second, 2, bare);
    case 'f':
        return put_number(out, size, d->millis * 1000, 6, bare);
    case 'j':
        return put_number(out, size, day_of_year(d), 3, bare);
    case 'p':
        return (size_t)snprintf(out, size, d->hour < 12 ? "AM" : "PM");
    case 'b':
        return put_name(out, size, date_month_name(d->month), 3);
    case 'B':
        return put_name(out, size, date_month_name(d->month), 20);
    case 'a':
        return put_name(out, size, date_day_name(weekday(d)), 3);
    case 'A':
        return put_name(out, size, date_day_name(weekday(d)), 20);
    case 'F':
        return (size_t)snprintf(out, size, "%04d-%02d-%02d", d->year, d->month, d->day);
    case 'T':
        return (size_t)snprintf(out, size, "%02d:%02d:%02d", d->hour, d->minute, d->second);
    default:
        return (size_t)snprintf(out, size, "%c", code);
    }
}

size_t date_print(const struct date *d, const char *format, char *out)
{
    size_t n = 0;

    while (*format && n + 1 < DATE_FORMATTED_MAX) {
        bool bare;

        if (*format != '%') {
            out[n++] = *format++;
            continue;
        }
        format++;
        char code = next_code(&format, &bare);

        n += put_code(d, code, bare, out + n, DATE_FORMATTED_MAX - n);
    }
    n = n < DATE_FORMATTED_MAX ? n : DATE_FORMATTED_MAX - 1;
    out[n] = '\0';
    return n;
}

/* Up to `most` digits at *p; false when there are none. */
static bool scan_number(const char **p, const char *end, int most, int *out)
{
    int n = 0, v = 0;

    for (; *p < end && n < most && **p >= '0' && **p <= '9'; n++)
        v = v * 10 + (*(*p)++ - '0');
    *out = v;
    return n > 0;
}

/* What scanning has found and date_scan() puts together. */
struct scanned {
    struct date date;
    int half; /* 1 AM, 2 PM. */
};

static bool scan_word(const char **p, const char *end, char code, struct scanned *out)
{
    const char *word = *p;
    size_t n;

    while (*p < end && (**p | 32) >= 'a' && (**p | 32) <= 'z')
        (*p)++;
    n = (size_t)(*p - word);
    if (code == 'p') {
        out->half = n == 2 && (word[0] | 32) == 'a' ? 1 : 2;
        return n == 2 && (word[1] | 32) == 'm' && strchr("apAP", word[0]);
    }
    if (code == 'a' || code == 'A')
        return date_find_day(word, n) >= 0;
    out->date.month = date_find_month(word, n);
    return out->date.month > 0;
}

static bool scan_fraction(const char **p, const char *end, int *millis)
{
    const char *start = *p;
    int scale = 100;

    for (*millis = 0; *p < end && **p >= '0' && **p <= '9'; scale /= 10)
        *millis += (*(*p)++ - '0') * scale;
    return *p > start;
}

static bool scan_all(const char **p, const char *end, const char *format, struct scanned *out);

static bool scan_code(const char **p, const char *end, char code, struct scanned *out)
{
    struct date *d = &out->date;

    switch (code) {
    case 'Y':
        return scan_number(p, end, 4, &d->year);
    case 'y':
        if (!scan_number(p, end, 2, &d->year))
            return false;
        d->year = date_full_year(d->year, 2);
        return true;
    case 'm':
        return scan_number(p, end, 2, &d->month);
    case 'e':
        while (*p < end && **p == ' ')
            (*p)++;
        return scan_number(p, end, 2, &d->day);
    case 'd':
        return scan_number(p, end, 2, &d->day);
    case 'H':
    case 'I':
        return scan_number(p, end, 2, &d->hour);
    case 'M':
        return scan_number(p, end, 2, &d->minute);
    case 'S':
        return scan_number(p, end, 2, &d->second);
    case 'f':
        return scan_fraction(p, end, &d->millis);
    case 'j': {
        int day, year, month, dom;

        if (!scan_number(p, end, 3, &day) || !d->year || day < 1 || day > 366)
            return false;
        date_civil_from_days(date_days_from_civil(d->year, 1, 1) + day - 1, &year, &month, &dom);
        d->month = month;
        d->day = dom;
        return year == d->year;
    }
    case 'F':
        return scan_all(p, end, "%Y-%m-%d", out);
    case 'T':
        return scan_all(p, end, "%H:%M:%S", out);
    case '%':
        return *p < end && *(*p)++ == '%';
    default:
        return scan_word(p, end, code, out);
    }
}

static bool scan_all(const char **p, const char *end, const char *format, struct scanned *out)
{
    while (*format) {
        bool bare;

        if (*format != '%') {
            if (*p == end || **p != *format)
                return false;
            (*p)++;
            format++;
            continue;
        }
        format++;
        char code = next_code(&format, &bare);

        if (!scan_code(p, end, code, out))
            return false;
    }
    return true;
}

bool date_scan(const char *p, size_t n, const char *format, struct date *out)
{
    struct scanned s = { .date = { .year = 1900, .month = 1, .day = 1 } };
    const char *end = p + n;
    struct date *d = &s.date;

    if (!scan_all(&p, end, format, &s) || p != end || !date_exists(d->year, d->month, d->day))
        return false;
    if (s.half) {
        if (d->hour < 1 || d->hour > 12)
            return false;
        d->hour = d->hour % 12 + (s.half == 2 ? 12 : 0);
    }
    if (d->hour > 23 || d->minute > 59 || d->second > 59)
        return false;
    *out = *d;
    return true;
}
