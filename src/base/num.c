/*
 * Numbers as people and files write them: scanning, printing, rounding of decimal text. The
 * conversion between digits and doubles is num_binary.c.
 */

#include "base/num.h"

#include "base/num_int.h"
#include "base/num_put.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAFE_DIGITS = 15,      /* Decimals of so many digits survive a double. */
    WORD_DIGITS = 19,      /* Any so many digits fit 64 bits. */
    EXACT_POW10 = 22,      /* Largest power of ten that is a double. */
    DECIDING_DIGITS = 768, /* Beyond these, digits matter only by being zero or not. */
    MAX_DECIMALS = 30,
    EXPONENT_CLAMP = 1000000000, /* Far past any double, far from overflow. */
    SAFE_TEXT_MAX = 20, /* "0.000" and SAFE_DIGITS digits: the longest that is safe, sign aside. */
    FIRST_POINT = -4,   /* Decimal exponents printed without "e": FIRST_POINT..LAST_POINT. */
    LAST_POINT = 15
};

#define EXACT_MAX (UINT64_C(1) << 53) /* Whole numbers up to this one are doubles. */
#define SAFE_MIN 1e-4                 /* The least fraction printed without an exponent. */

static const double exact_pow10[EXACT_POW10 + 1] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8,
    1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

static const char digit_pairs[201] = "0001020304050607080910111213141516171819"
                                     "2021222324252627282930313233343536373839"
                                     "4041424344454647484950515253545556575859"
                                     "6061626364656667686970717273747576777879"
                                     "8081828384858687888990919293949596979899";

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Print v backwards from `end`; returns where it begins. */
static char *print_back(uint64_t v, char *end)
{
    while (v >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, digit_pairs + v * 2, 2);
    } else {
        *--end = (char)('0' + v);
    }
    return end;
}

static size_t print_uint(uint64_t v, char *out)
{
    char text[NUM_TEXT_MAX], *end = text + sizeof text, *p = print_back(v, end);
    size_t n = (size_t)(end - p);

    memcpy(out, p, n);
    return n;
}

size_t num_format_int(int64_t v, char *out)
{
    size_t sign = v < 0;
    size_t n;

    if (sign)
        *out = '-';
    n = sign + print_uint(sign ? -(uint64_t)v : (uint64_t)v, out + sign);
    out[n] = '\0';
    return n;
}

/* Lay out `n` digits with the point behind digit number `point` (<= 0: zeros in front). */
static size_t lay_out(const char *digits, size_t n, int point, char *out)
{
    size_t len = 0;

    if (point <= 0) {
        out[len++] = '0';
        out[len++] = '.';
        for (int i = point; i < 0; i++)
            out[len++] = '0';
        memcpy(out + len, digits, n);
        return len + n;
    }
    if ((size_t)point >= n) {
        memcpy(out, digits, n);
        memset(out + n, '0', (size_t)point - n);
        return (size_t)point;
    }
    memcpy(out, digits, (size_t)point);
    out[point] = '.';
    memcpy(out + point + 1, digits + point, n - (size_t)point);
    return n + 1;
}

static size_t lay_out_exponent(const char *digits, size_t n, int exponent, char *out)
{
    size_t len = 0;
    unsigned magnitude = (unsigned)abs(exponent);

    out[len++] = digits[0];
    if (n > 1) {
        out[len++] = '.';
        memcpy(out + len, digits + 1, n - 1);
        len += n - 1;
    }
    out[len++] = 'e';
    out[len++] = exponent < 0 ? '-' : '+';
    if (magnitude < 10)
        out[len++] = '0';
    return len + print_uint(magnitude, out + len);
}

/*
 * Is v a decimal with few places? One of at most SAFE_DIGITS digits that reads back as v is the
 * only one, so it is the shortest, and one exact division proves that it reads back.
 */
static bool short_decimal(double v, uint64_t *decimal, int *exp10)
{
    static const int places[] = { 2, 5 };

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        double scaled = v * exact_pow10[places[i]];

        if (scaled < exact_pow10[SAFE_DIGITS] - 1) {
            uint64_t rounded = (uint64_t)(scaled + 0.5);

            if (rounded > 0 && (double)rounded / exact_pow10[places[i]] == v) {
                *decimal = rounded;
                *exp10 = -places[i];
                return true;
            }
        }
    }
    return false;
}

static void drop_zeros(uint64_t *decimal, int *exp10)
{
    static const struct {
        uint64_t power;
        int zeros;
    } steps[] = { { 100000000, 8 }, { 10000, 4 }, { 100, 2 }, { 10, 1 } };

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        while (*decimal % steps[i].power == 0) {
            *decimal /= steps[i].power;
            *exp10 += steps[i].zeros;
        }
    }
}

size_t num_format(double v, char *out)
{
    char text[NUM_TEXT_MAX], *end = text + sizeof text, *digits;
    size_t len = 0, n;
    double magnitude = fabs(v);
    uint64_t decimal;
    int exp10, exponent;

    *out = '-';
    n = signbit(v) != 0;
    len = num_put_usual(magnitude, out + n);
    if (len > 0) {
        out[len + n] = '\0';
        return len + n;
    }
    if (!isfinite(v))
        return (size_t)snprintf(out, NUM_TEXT_MAX, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
    if (signbit(v))
        out[len++] = '-';
    if (magnitude < 1e15 && magnitude == (double)(uint64_t)magnitude) {
        len += print_uint((uint64_t)magnitude, out + len);
        out[len] = '\0';
        return len;
    }
    if (!short_decimal(magnitude, &decimal, &exp10))
        decimal = num_to_decimal(magnitude, &exp10);
    drop_zeros(&decimal, &exp10);
    digits = print_back(decimal, end);
    n = (size_t)(end - digits);
    exponent = exp10 + (int)n - 1;
    if (exponent >= FIRST_POINT && exponent <= LAST_POINT)
        len += lay_out(digits, n, exponent + 1, out + len);
    else
        len += lay_out_exponent(digits, n, exponent, out + len);
    out[len] = '\0';
    return len;
}

/*
 * What stands in the text of a number: [sign] digits [. digits] [e [sign] digits].
 * The digits are p[0..n_digits] without the point; the value is 0.DIGITS * 10^point.
 */
struct number_text {
    const char *p;     /* First digit that is not a leading zero. */
    size_t before_dot; /* Digits from p to the point; n_digits when there is none to skip. */
    size_t n_digits;   /* Leading zeros not counted; trailing ones are. */
    int64_t point;
    bool negative;
};

static char digit_at(const struct number_text *t, size_t i)
{
    return t->p[i < t->before_dot ? i : i + 1];
}

static bool scan_exponent(const char *p, const char *end, int64_t *out)
{
    bool negative = false;
    int64_t e = 0;

    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return false;
        if (e < EXPONENT_CLAMP)
            e = e * 10 + (*p - '0');
    }
    *out = negative ? -e : e;
    return true;
}

static bool scan_number(const char *p, size_t n, struct number_text *out)
{
    const char *end = p + n, *start, *dot = NULL, *digits_end;
    int64_t exponent = 0;
    size_t whole, fraction, zeros = 0;

    if (n == 0)
        return false;
    out->negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    start = p;
    for (; p < end && (is_digit(*p) || (*p == '.' && !dot)); p++) {
        if (*p == '.')
            dot = p;
    }
    digits_end = p;
    if (digits_end - start - (dot != NULL) < 1)
        return false;
    if (p < end && ((*p != 'e' && *p != 'E') || !scan_exponent(p + 1, end, &exponent)))
        return false;
    whole = (size_t)((dot ? dot : digits_end) - start);
    fraction = dot ? (size_t)(digits_end - dot - 1) : 0;
    while (zeros < whole && start[zeros] == '0')
        zeros++;
    if (zeros == whole) { /* Only zeros before the point: go on behind it. */
        size_t skip = 0;

        while (skip < fraction && dot[1 + skip] == '0')
            skip++;
        out->p = dot ? dot + 1 + skip : start + whole;
        out->n_digits = out->before_dot = fraction - skip;
        out->point = exponent - (int64_t)skip;
        return true;
    }
    out->p = start + zeros;
    out->before_dot = whole - zeros;
    out->n_digits = whole - zeros + fraction;
    out->point = exponent + (int64_t)(whole - zeros);
    return true;
}

/* The first 19 digits do not decide: give the C library as many as can matter. */
static double parse_long(const struct number_text *t)
{
    char text[DECIDING_DIGITS + NUM_TEXT_MAX];
    size_t n = t->n_digits < DECIDING_DIGITS ? t->n_digits : DECIDING_DIGITS, len;
    int64_t exp10;

    for (len = 0; len < n; len++)
        text[len] = digit_at(t, len);
    for (size_t i = n; i < t->n_digits; i++) {
        if (digit_at(t, i) != '0') {
            text[len++] = '1';
            break;
        }
    }
    exp10 = t->point - (int64_t)len;
    /* Neither point nor grouping in it, so no locale changes how it is read. */
    snprintf(text + len, sizeof text - len, "e%lld", (long long)exp10);
    return strtod(text, NULL);
}

static double value_of(const struct number_text *t)
{
    size_t n = t->n_digits < WORD_DIGITS ? t->n_digits : WORD_DIGITS;
    int64_t exp10 = t->point - (int64_t)n;
    uint64_t w = 0;
    double low;

    for (size_t i = 0; i < n; i++)
        w = w * 10 + (uint64_t)(digit_at(t, i) - '0');
    if (w <= EXACT_MAX && n == t->n_digits && exp10 >= -EXACT_POW10 && exp10 <= EXACT_POW10)
        return exp10 < 0 ? (double)w / exact_pow10[-exp10] : (double)w * exact_pow10[exp10];
    low = num_from_decimal(w, exp10);
    if (n == t->n_digits || low == num_from_decimal(w + 1, exp10))
        return low;
    return parse_long(t);
}

/* Digits with at most one point among them, to `end`, as most numbers are written. */
struct plain {
    uint64_t digits; /* Without the point; right for up to WORD_DIGITS of them. */
    size_t whole, fraction;
    bool dot;
};

static bool scan_plain(const char *p, const char *end, struct plain *out)
{
    const char *start = p;
    uint64_t w = 0;

    *out = (struct plain){ 0 };
    for (; p < end && is_digit(*p); p++)
        w = w * 10 + (uint64_t)(*p - '0');
    out->whole = (size_t)(p - start);
    if (p < end) {
        if (*p++ != '.')
            return false;
        out->dot = true;
        out->fraction = (size_t)(end - p);
        for (; p < end; p++) {
            if (!is_digit(*p))
                return false;
            w = w * 10 + (uint64_t)(*p - '0');
        }
    }
    out->digits = w;
    return out->whole + out->fraction > 0;
}

bool num_parse(const char *p, size_t n, double *out)
{
    struct number_text t;
    struct plain plain;
    double v;

    if (n > 0 && n <= WORD_DIGITS) {
        bool negative = *p == '-';

        if (scan_plain(p + negative, p + n, &plain) && plain.digits <= EXACT_MAX) {
            v = (double)plain.digits / exact_pow10[plain.fraction];
            *out = negative ? -v : v;
            return true;
        }
    }
    if (!scan_number(p, n, &t))
        return false;
    v = value_of(&t);
    if (isinf(v))
        return false;
    *out = t.negative ? -v : v;
    return true;
}

bool num_parse_int(const char *p, size_t n, int64_t *out)
{
    bool negative = n > 0 && *p == '-';
    size_t i = n > 0 && (*p == '-' || *p == '+');
    int64_t v = 0;

    if (i == n)
        return false;
    for (; i < n; i++) {
        int64_t digit = p[i] - '0';

        if (!is_digit(p[i]) || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, negative ? -digit : digit, &v))
            return false;
    }
    *out = v;
    return true;
}

bool num_parse_safe(const char *p, size_t n, double *out)
{
    bool negative = n > 0 && *p == '-';
    struct plain plain;
    double v;

    if (n > SAFE_TEXT_MAX + (size_t)negative || !scan_plain(p + negative, p + n, &plain))
        return false;
    if (plain.whole == 0 || plain.whole > SAFE_DIGITS || plain.digits >= UINT64_C(1000000000000000))
        return false;
    if (p[negative] == '0' && plain.whole > 1)
        return false;
    if (plain.dot && (plain.fraction == 0 || p[n - 1] == '0'))
        return false;
    v = (double)plain.digits / exact_pow10[plain.fraction];
    if (plain.dot && v < SAFE_MIN) /* It prints with an exponent. */
        return false;
    *out = negative ? -v : v;
    return true;
}

/*
 * Which digits stay when `t` is cut to `decimals` places: *keep of them, the last one increased
 * when *up (with *keep 0: a single 1 before the first digit). Digits that would print as
 * trailing zeros are not kept.
 */
static void round_digits(const struct number_text *t, int decimals, int64_t *keep, bool *up)
{
    int64_t n = (int64_t)t->n_digits, cut = t->point + decimals;

    *up = cut >= 0 && cut < n && digit_at(t, (size_t)cut) >= '5';
    if (cut > n)
        cut = n;
    if (cut < 0)
        cut = 0;
    while (cut > 0 && digit_at(t, (size_t)cut - 1) == (*up ? '9' : '0'))
        cut--;
    *keep = cut;
}

/* Digit i of the rounded number; index -1 is where a carry past the first digit lands. */
static char rounded_digit(const struct number_text *t, int64_t i, int64_t keep, bool up)
{
    if (keep == 0 && up)
        return i == -1 ? '1' : '0';
    if (i < 0 || i >= keep)
        return '0';
    return (char)(digit_at(t, (size_t)i) + (up && i == keep - 1));
}

size_t num_round_text(const char *p, size_t n, int decimals, char *out, size_t size)
{
    struct number_text t;
    int64_t keep, first, fraction;
    size_t len = 0;
    bool up;

    if (size == 0 || decimals < 0 || decimals > MAX_DECIMALS || !scan_number(p, n, &t))
        return 0;
    round_digits(&t, decimals, &keep, &up);
    if (keep == 0 && !up) {
        *out = '0';
        return 1;
    }
    first = keep == 0 ? -1 : 0;
    fraction = keep > t.point ? keep - t.point : 0;
    if (t.negative + (t.point > first ? t.point - first : 1) + (fraction > 0) + fraction >
        (int64_t)size)
        return 0;
    if (t.negative)
        out[len++] = '-';
    if (t.point <= first)
        out[len++] = '0';
    for (int64_t i = first; i < t.point; i++)
        out[len++] = rounded_digit(&t, i, keep, up);
    if (fraction > 0)
        out[len++] = '.';
    for (int64_t i = t.point; i < t.point + fraction; i++)
        out[len++] = rounded_digit(&t, i, keep, up);
    return len;
}
