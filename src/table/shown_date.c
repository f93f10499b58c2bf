/* Dates, times and durations as the code of a number format shows them. */
#include "table/shown_int.h"

#include "base/date.h"

#include <math.h>
#include <stdio.h>

static const char *const months[] = { "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December" };
static const char *const days[] = { "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday",
    "Thursday", "Friday" };

static void put_number(struct shown_text *t, long long v, int width)
{
    char out[32];
    int n = snprintf(out, sizeof out, "%0*lld", width, v);

    shown_put(t, out, (size_t)n);
}

/* Is the run of m at p minutes: right behind hours, or right before seconds? */
static bool are_minutes(const char *p, const char *end, bool after_hours)
{
    const char *text;
    size_t n;

    if (after_hours)
        return true;
    while (p < end && (*p | 0x20) == 'm')
        p++;
    while (p < end) {
        size_t step = shown_piece(p, end, &text, &n);

        if (!text && strchr("sS", *p))
            return true;
        if (!text && strchr("yYdDhHmM", *p))
            return false;
        p += step;
    }
    return false;
}

static void put_day(struct shown_text *t, const struct date *d, double serial, int run)
{
    const char *name = days[(long long)floor(serial) % 7];

    if (run <= 2)
        put_number(t, d->day, run);
    else
        shown_put(t, name, run == 3 ? 3 : strlen(name));
}

static void put_month(struct shown_text *t, const struct date *d, int run)
{
    const char *name = months[d->month > 0 ? d->month - 1 : 0];

    if (run <= 2)
        put_number(t, d->month, run);
    else
        shown_put(t, name, run == 3 ? 3 : run == 5 ? 1 : strlen(name));
}

void shown_date(struct shown_text *t, const struct shown_section *s, double v)
{
    struct date d;
    const char *text, *p;
    bool after_hours = false, half_day = false, fraction = false;
    size_t n, step;

    for (p = s->p; p < s->end; p += shown_piece(p, s->end, &text, &n)) {
        half_day |= shown_starts(p, s->end, "AM/PM") || shown_starts(p, s->end, "A/P");
        fraction |= shown_starts(p, s->end, ".0");
    }
    if (!fraction)
        v = floor(v * 86400 + 0.5) / 86400; /* Seconds round, they are not cut. */
    if (!date_from_serial(v, &d)) {
        t->full = true;
        return;
    }
    for (p = s->p; p < s->end; p += step) {
        char letter = (char)(*p | 0x20);
        int run = 0;

        step = shown_piece(p, s->end, &text, &n);
        if (text) {
            shown_put(t, text, n);
            continue;
        }
        if (*p == '[') {
            double unit = (p[1] | 0x20) == 'h' ? 24 : (p[1] | 0x20) == 'm' ? 1440 : 86400;

            put_number(t, (long long)floor(v * unit + 1e-6), (int)step - 2);
            after_hours = unit == 24;
            continue;
        }
        while (p + run < s->end && (p[run] | 0x20) == letter)
            run++;
        if (shown_starts(p, s->end, "AM/PM") || shown_starts(p, s->end, "A/P")) {
            step = shown_starts(p, s->end, "AM/PM") ? 5 : 3;
            shown_put(t, d.hour < 12 ? "AM" : "PM", step == 5 ? 2 : 1);
            continue;
        }
        if (shown_starts(p, s->end, ".0")) {
            int zeros = 0;

            while (p + 1 + zeros < s->end && p[1 + zeros] == '0')
                zeros++;
            shown_put_char(t, '.');
            put_number(t,
                zeros == 1   ? d.millis / 100
                : zeros == 2 ? d.millis / 10
                             : d.millis,
                zeros < 3 ? zeros : 3);
            step = (size_t)zeros + 1;
            continue;
        }
        if (!strchr("ymdhs", letter)) {
            shown_put_char(t, *p);
            continue;
        }
        step = (size_t)run;
        if (letter == 'y')
            put_number(t, run <= 2 ? d.year % 100 : d.year, run <= 2 ? 2 : 4);
        else if (letter == 'd')
            put_day(t, &d, v, run);
        else if (letter == 'h')
            put_number(t, half_day ? (d.hour + 11) % 12 + 1 : d.hour, run > 1 ? 2 : 1);
        else if (letter == 's')
            put_number(t, d.second, run > 1 ? 2 : 1);
        else if (are_minutes(p, s->end, after_hours))
            put_number(t, d.minute, run > 1 ? 2 : 1);
        else
            put_month(t, &d, run);
        after_hours = letter == 'h';
    }
}
