/*
 * Numbers as their number format shows them.
 *
 *   code ── sections (positive;negative;zero) ──▶ one section ──▶ date │ fraction │ number ──▶ text
 */
#include "table/shown_int.h"

#include "base/date.h"
#include "base/num.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    GENERAL_DIGITS = 11,  /* Characters of a number under General, its point among them. */
    GENERAL_FRACTION = 5, /* Digits behind the point of one with an exponent. */
    MAX_DECIMALS = 30,    /* Excel's own limit. */
    MAX_DIGITS = 340      /* Of the largest double. */
};

/* ---- Numbers --------------------------------------------------------------------------------- */

/* |v| rounded half away from zero, with exactly so many decimals. Returns the length, 0: too long. */
static size_t fixed(double v, int decimals, char *out, size_t size)
{
    char digits[NUM_TEXT_MAX];
    size_t n = num_format(fabs(v), digits), point;

    n = num_round_text(digits, n, decimals, out, size);
    if (n == 0)
        return 0;
    point = 0;
    while (point < n && out[point] != '.')
        point++;
    if (decimals > 0 && point == n)
        out[n++] = '.';
    while (n < size && decimals > 0 && n - point - 1 < (size_t)decimals)
        out[n++] = '0';
    return n;
}

static void general(struct shown_text *t, double v)
{
    char out[MAX_DIGITS + 40];
    double size = fabs(v), limit = 10;
    int whole = 1; /* Digits before the point. */
    size_t n;

    if (v < 0)
        shown_put_char(t, '-');
    if (size >= 1e11 || (size > 0 && size < 1e-4)) {
        int length = snprintf(out, sizeof out, "%.*E", GENERAL_FRACTION, size);
        char *e = strchr(out, 'E'), *from = e;

        while (from[-1] == '0')
            from--;
        from -= from[-1] == '.';
        shown_put(t, out, (size_t)(from - out));
        shown_put(t, e, (size_t)(out + length - e));
        return;
    }
    while (size >= limit) {
        limit *= 10;
        whole++;
    }
    n = fixed(v, whole >= GENERAL_DIGITS - 1 ? 0 : GENERAL_DIGITS - 1 - whole, out, sizeof out - 1);
    if (memchr(out, '.', n)) {
        while (out[n - 1] == '0')
            n--;
        n -= out[n - 1] == '.';
    }
    shown_put(t, out, n);
}

/* What the placeholders of a section say. */
struct shape {
    int whole, decimals; /* Placeholders before and behind the point. */
    int least;           /* Zeros among those before it. */
    int fraction_least;  /* Digits behind the point that are shown in any case. */
    int exponent;        /* Digits of the exponent; 0: none. */
    bool point, thousands, slash;
    int scale; /* Powers of ten to multiply by: 2 for each %, -3 for each trailing comma. */
};

static bool placeholder(char c)
{
    return c == '0' || c == '#' || c == '?';
}

static struct shape measure(const struct shown_section *s)
{
    struct shape h = { 0 };
    const char *text, *p = s->p;
    int commas = 0;
    size_t n, step;

    for (; p < s->end; p += step) {
        step = shown_piece(p, s->end, &text, &n);
        if (text || *p == '[')
            continue;
        if (placeholder(*p)) {
            if (commas && !h.point && h.whole)
                h.thousands = true;
            commas = 0;
            if (h.exponent >= 0 && h.exponent) {
                h.exponent++;
            } else if (h.point) {
                h.decimals++;
                h.fraction_least = *p == '0' ? h.decimals : h.fraction_least;
            } else {
                h.whole++;
                h.least += *p == '0' || h.least > 0;
            }
        } else if (*p == '.' && !h.exponent) {
            h.point = true;
        } else if (*p == ',') {
            commas += h.whole > 0 || h.point;
        } else if (*p == '%') {
            h.scale += 2;
        } else if (*p == '/') {
            h.slash = true;
        } else if ((*p == 'E' || *p == 'e') && p + 1 < s->end && (p[1] == '+' || p[1] == '-')) {
            h.exponent = 1;
            step = 2;
        }
        if (commas && (*p == '.' || p + 1 >= s->end))
            h.scale -= 3 * commas;
        if (*p == '.')
            commas = 0;
    }
    if (h.exponent)
        h.exponent--;
    if (h.decimals > MAX_DECIMALS)
        h.decimals = MAX_DECIMALS;
    return h;
}

/* Whole digits into the placeholders, from the left: those that are too many come with the first. */
struct digits {
    const char *p;
    int n;     /* Of them. */
    int given; /* Placeholders seen. */
    int done;
    bool thousands;
};

static void put_whole(struct shown_text *t, struct digits *d, char c, int placeholders)
{
    int left = placeholders - d->given++, missing = left - (d->n - d->done);

    if (missing > 0) { /* This place has no digit. */
        if (c != '#') {
            shown_put_char(t, c == '?' ? ' ' : '0');
            if (d->thousands && left > 1 && (left - 1) % 3 == 0)
                shown_put_char(t, ',');
        }
        return;
    }
    do {
        shown_put_char(t, d->p[d->done++]);
        if (d->thousands && d->n - d->done > 0 && (d->n - d->done) % 3 == 0)
            shown_put_char(t, ',');
    } while (d->n - d->done >= left);
}

static bool any_digit(const char *p, int n)
{
    for (int i = 0; i < n; i++) {
        if (p[i] != '0')
            return true;
    }
    return false;
}

static double scaled(double v, int power)
{
    return power >= 0 ? v * pow(10, power) : v / pow(10, -power);
}

/* The exponent that leaves so many digits before the point. */
static int exponent_of(double v, const struct shape *h)
{
    int e = v == 0 ? 0 : (int)floor(log10(v)), step = h->whole > 1 ? h->whole : 1;
    char out[MAX_DIGITS + 40];
    size_t n;

    e = (e >= 0 ? e / step : -((-e + step - 1) / step)) * step;
    n = fixed(scaled(v, -e), h->decimals, out, sizeof out);
    for (size_t whole = 0; n && whole <= (size_t)step; whole++) {
        if (whole == n || out[whole] == '.') /* Rounding up did not lengthen it. */
            return e;
    }
    return e + step;
}

static void plain_number(struct shown_text *t, const struct shown_section *s, double v)
{
    struct shape h = measure(s);
    char out[MAX_DIGITS + 40];
    const char *text, *fraction;
    struct digits whole = { .thousands = h.thousands };
    int shown = 0, exponent = 0, last;
    bool behind = false, in_exponent = false;
    size_t n, length, step;
    bool negative = v < 0;

    v = fabs(v);
    if (h.scale) {
        /* Move the decimal point of the digits themselves: 0.07 is 7 %, not 7.000000000000001. */
        char moved[NUM_TEXT_MAX + 16];
        size_t k = num_format(v, moved);
        char *e = memchr(moved, 'e', k);
        int64_t old = 0;

        if (e) {
            num_parse_int(e + 1 + (e[1] == '+'), (size_t)(moved + k - e - 1 - (e[1] == '+')), &old);
            k = (size_t)(e - moved);
        }
        k += (size_t)snprintf(moved + k, sizeof moved - k, "e%d", (int)old + h.scale);
        if (!num_parse(moved, k, &v))
            v = scaled(v, h.scale);
    }
    if (h.exponent) {
        exponent = exponent_of(v, &h);
        v = scaled(v, -exponent);
    }
    length = fixed(v, h.decimals, out, sizeof out);
    if (length == 0) {
        t->full = true;
        return;
    }
    while (whole.n < (int)length && out[whole.n] != '.')
        whole.n++;
    fraction = out + whole.n + 1;
    last = h.decimals;
    while (last > h.fraction_least && fraction[last - 1] == '0')
        last--;
    whole.p = out;
    if (whole.n == 1 && out[0] == '0')
        whole.n = 0; /* Zero is written by its placeholder. */
    if (negative && (whole.n > 0 || any_digit(fraction, h.decimals)))
        shown_put_char(t, '-');
    for (const char *p = s->p; p < s->end; p += step) {
        step = shown_piece(p, s->end, &text, &n);
        if (text) {
            shown_put(t, text, n);
        } else if (placeholder(*p)) {
            if (in_exponent)
                continue;
            if (!behind)
                put_whole(t, &whole, *p, h.whole);
            else if (shown < last)
                shown_put_char(t, fraction[shown++]);
            else if (*p == '?' && shown < h.decimals)
                shown_put_char(t, (shown++, ' '));
        } else if (*p == '.' && !behind) {
            behind = true;
            if (h.whole == 0 && whole.n)
                shown_put(t, whole.p, (size_t)whole.n);
            shown_put_char(t, '.');
        } else if ((*p == 'E' || *p == 'e') && h.exponent && !in_exponent) {
            char e[16] = "";
            int e_len;

            in_exponent = true;
            shown_put_char(t, *p);
            if (exponent < 0 || p[1] == '+')
                shown_put_char(t, exponent < 0 ? '-' : '+');
            e_len = snprintf(e, sizeof e, "%0*d", h.exponent, exponent < 0 ? -exponent : exponent);
            shown_put(t, e, (size_t)e_len);
            step = 2;
        } else if (*p != ',' && *p != '[') {
            shown_put_char(t, *p);
        }
    }
}

/* ---- Fractions ------------------------------------------------------------------------------- */

/* The fraction nearest to v (0..1) with a denominator of at most `most`. */
static void nearest_fraction(double v, long most, long *num, long *den)
{
    double best = 2;

    for (long d = 1; d <= most; d++) {
        long n = lround(v * (double)d);
        double off = fabs(v - (double)n / (double)d);

        if (off < best - 1e-12) {
            best = off;
            *num = n;
            *den = d;
        }
    }
}

/* "# ?/?", "# ??/??", "# ?/8": a whole part, where the code has one, and a fraction. */
static void fraction_number(struct shown_text *t, const struct shown_section *s, double v)
{
    const char *slash = s->p, *text, *d;
    bool mixed = false, digit = false;
    long num = 0, den = 1, given = 0, most = 1;
    char out[64];
    double whole;
    size_t n;

    while (*slash != '/')
        slash += shown_piece(slash, s->end, &text, &n);
    for (d = slash + 1; d < s->end && (placeholder(*d) || (*d >= '1' && *d <= '9')); d++) {
        if (*d >= '1' && *d <= '9')
            digit = true;
        given = given * 10 + (*d >= '0' && *d <= '9' ? *d - '0' : 0);
        if (most < 1000)
            most *= 10;
        if (given > 1000000)
            given = 1000000;
    }
    for (const char *p = s->p, *end = slash; p < end; p += shown_piece(p, s->end, &text, &n))
        mixed |= placeholder(*p) && p + 1 < end && p[1] == ' ';
    if (v < 0)
        shown_put_char(t, '-');
    v = fabs(v);
    whole = mixed ? floor(v) : 0;
    if (digit) {
        den = given ? given : 1;
        num = lround((v - whole) * (double)den);
    } else if (mixed) {
        nearest_fraction(v - whole, most - 1, &num, &den);
    } else {
        nearest_fraction(v - floor(v), most - 1, &num, &den);
        if (v < 1e12)
            num += (long)floor(v) * den;
    }
    if (mixed && num == den) {
        whole++;
        num = 0;
    }
    if (mixed && (whole > 0 || num == 0))
        shown_put(t, out, fixed(whole, 0, out, sizeof out));
    if (num == 0 && mixed)
        return;
    if (mixed && whole > 0)
        shown_put_char(t, ' ');
    shown_put(t, out, (size_t)snprintf(out, sizeof out, "%ld/%ld", num, den));
}

/* ---- All of it ------------------------------------------------------------------------------- */

size_t shown_number(double v, const char *code, char *out)
{
    struct shown_section sections[SHOWN_SECTIONS];
    struct shown_text t = { .p = out };
    const struct shown_section *s;
    enum date_kind kind;
    const char *text;
    bool digits = false;
    size_t n;

    if (!isfinite(v))
        return 0;
    s = shown_choose(sections, shown_split(code, sections), &v);
    if (!s)
        return 0;
    for (const char *p = s->p; p < s->end; p += shown_piece(p, s->end, &text, &n)) {
        if (shown_starts(p, s->end, "General") || *p == '@') {
            general(&t, v);
            return t.full ? 0 : t.n;
        }
        digits |= placeholder(*p);
    }
    if (date_format_code_kind(code, &kind))
        shown_date(&t, s, v);
    else if (digits && measure(s).slash)
        fraction_number(&t, s, v);
    else
        plain_number(&t, s, v);
    return t.full ? 0 : t.n;
}
