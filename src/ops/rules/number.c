/*
 * Number rules on the digits of a value: rounding, truncating, amounts of money. All work on text, so
 * that 19 digits stay 19 digits; a result becomes a number cell where that is exact.
 */

#include "base/utf8.h"
#include "ops/rules/rule.h"
#include "ops/values.h"

#include <string.h>

enum { DIGITS_MAX = 400 }; /* Longest number in text that is worked on. */

/* The text of a cell that may be a number, without blanks around it; NULL when it is none. */
static const char *number_text(const struct cell *cell, char *scratch, size_t *n)
{
    const char *p;
    double v;

    if (cell->type != CELL_NUMBER && cell->type != CELL_TEXT)
        return NULL;
    p = cell_shown(cell, scratch, n);
    utf8_trim(&p, n);
    return *n <= DIGITS_MAX && num_parse(p, *n, &v) ? p : NULL;
}

/* A whole number in text that says more than its value: 007, +5, or more digits than a number holds. */
static bool is_code(const char *p, size_t n)
{
    double v;

    for (size_t i = 0; i < n; i++) {
        if (p[i] == '.' || p[i] == 'e' || p[i] == 'E')
            return false;
    }
    return !num_parse_safe(p, n, &v);
}

static enum rule_outcome set_number(
    struct rule_run *r, struct cell *cell, const char *p, size_t n, struct err *err)
{
    return value_number_text(r->text, p, n, cell) ? RULE_DONE : rule_nomem(err);
}

/* ---- round_decimal ---- */

struct round_params {
    struct rule_params common;
    int64_t decimals;
};

static const char *const decimals_aliases[] = { "decimal_places", "places", "digits", "precision",
    NULL };

static const struct arg round_params[] = {
    { ARG(struct round_params, decimals, INT), .fallback = "2", .min = 0, .max = 30,
        .aliases = decimals_aliases, .help = "Digits to keep behind the point." },
    RULE_ON_ERROR(struct round_params),
    { 0 },
};

static enum rule_outcome apply_round(struct rule_run *r, struct cell *cell, struct err *err)
{
    const struct round_params *p = r->params;
    char scratch[CELL_SHOWN_MAX], rounded[DIGITS_MAX * 2];
    size_t n, m;
    const char *text = number_text(cell, scratch, &n);

    if (!text)
        return RULE_UNCONVERTED;
    if (cell->type == CELL_TEXT && is_code(text, n))
        return RULE_DONE;
    m = num_round_text(text, n, (int)p->decimals, rounded, sizeof rounded);
    if (!m)
        return RULE_UNCONVERTED;
    /* A number that has no more decimals than that keeps its own form: 1e+20 is not written out. */
    if (cell->type == CELL_NUMBER && m > 15 && !memchr(rounded, '.', m))
        return RULE_DONE;
    return set_number(r, cell, rounded, m, err);
}

const struct rule rule_round_decimal = {
    .name = "round_decimal",
    .description = "Numbers rounded to some decimals, halves away from zero",
    .params = round_params,
    .params_size = sizeof(struct round_params),
    .apply = apply_round,
};

/* ---- integer_convert ---- */

struct integer_params {
    struct rule_params common;
};

static const struct arg integer_params[] = { RULE_ON_ERROR(struct integer_params), { 0 } };

/* Write the whole part of plain digits p[0..n) (sign, digits, point) without leading zeros; returns its length. */
static size_t truncate_digits(const char *p, size_t n, char *out)
{
    size_t len = 0;
    bool negative = n && *p == '-';

    if (n && (*p == '-' || *p == '+')) {
        p++;
        n--;
    }
    while (n > 1 && *p == '0' && p[1] != '.') {
        p++;
        n--;
    }
    if (negative)
        out[len++] = '-';
    for (size_t i = 0; i < n && p[i] != '.'; i++)
        out[len++] = p[i];
    if (len == negative) /* ".5" */
        out[len++] = '0';
    if (len == 2 && negative && out[1] == '0') {
        out[0] = '0';
        len = 1;
    }
    return len;
}

static enum rule_outcome apply_integer(struct rule_run *r, struct cell *cell, struct err *err)
{
    char scratch[CELL_SHOWN_MAX], plain[DIGITS_MAX * 2], whole[DIGITS_MAX * 2];
    size_t n;
    const char *text = number_text(cell, scratch, &n);

    if (!text)
        return RULE_UNCONVERTED;
    if (memchr(text, 'e', n) || memchr(text, 'E', n)) {
        /* Rounding to more places than there are only writes the exponent out. */
        n = num_round_text(text, n, 30, plain, sizeof plain);
        if (!n)
            return RULE_UNCONVERTED;
        if (cell->type == CELL_NUMBER && !memchr(plain, '.', n))
            return RULE_DONE;
        text = plain;
    }
    n = truncate_digits(text, n, whole);
    return set_number(r, cell, whole, n, err);
}

const struct rule rule_integer_convert = {
    .name = "integer_convert",
    .description = "Numbers cut to whole numbers, exact at any length",
    .params = integer_params,
    .params_size = sizeof(struct integer_params),
    .apply = apply_integer,
};

/* ---- currency_format ---- */

struct currency_params {
    struct rule_params common;
    int decimal; /* enum decimal_mark */
};

enum decimal_mark { MARK_AUTO, MARK_POINT, MARK_COMMA };

static const char *const mark_choices[] = { "auto", ".", ",", NULL };
static const char *const mark_aliases[] = { "point", ".", "dot", ".", "comma", ",", NULL };

static const struct arg currency_params[] = {
    { ARG(struct currency_params, decimal, CHOICE), .fallback = "\"auto\"", .choices = mark_choices,
        .choice_aliases = mark_aliases,
        .help = "Character before the cents; found out for each value by default." },
    RULE_ON_ERROR(struct currency_params),
    { 0 },
};

/* An amount taken apart: the digits and marks of its number, and its sign. */
struct amount {
    char text[DIGITS_MAX];
    size_t n;
    bool negative;
    unsigned points, commas;
    size_t last_mark; /* Index of the last point or comma. */
};

/* Length of the blank, apostrophe or currency sign at p, or 0. Grouping: blanks and apostrophes. */
static size_t skip_sign(const char *p, size_t n)
{
    static const char *const signs[] = { "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₫", "¢",
        "﷼", "฿", "₪", " ", "\u00a0", "\u202f", "\u2009", "'", "\u2019" };

    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        size_t len = strlen(signs[i]);

        if (len <= n && memcmp(p, signs[i], len) == 0)
            return len;
    }
    return 0;
}

/* Letters at either end: a code such as USD, kr, R$, zł. Returns how many bytes. */
static size_t skip_code(const char *p, size_t n)
{
    size_t len = 0;

    while (len < n &&
           (((p[len] | 32) >= 'a' && (p[len] | 32) <= 'z') || (unsigned char)p[len] >= 0xc0 ||
               (len && ((unsigned char)p[len] & 0xc0) == 0x80)))
        len++;
    return len <= 4 ? len : 0;
}

static bool take_apart(const char *p, size_t n, struct amount *a)
{
    bool code_before = false, code_behind = false;

    *a = (struct amount){ 0 };
    utf8_trim(&p, &n);
    if (n >= 2 && *p == '(' && p[n - 1] == ')') {
        a->negative = true;
        p++;
        n -= 2;
    }
    while (n) {
        size_t len = skip_sign(p, n);

        if (len == 0 && !a->n && !code_before) {
            len = skip_code(p, n);
            code_before = len > 0;
        }
        if (len == 0 && a->n && !code_behind) {
            len = skip_code(p, n);
            code_behind = len > 0;
        }
        if (len == 0 && (*p == '-' || *p == '+') && (!a->n || n == 1) && !a->negative) {
            a->negative = *p == '-';
            len = 1;
        }
        if (len) {
            p += len;
            n -= len;
            continue;
        }
        if (code_behind || a->n == sizeof a->text || !strchr("0123456789.,", *p) || !*p)
            return false;
        if (*p == '.' || *p == ',') {
            a->points += *p == '.';
            a->commas += *p == ',';
            a->last_mark = a->n;
        }
        a->text[a->n++] = *p++;
        n--;
    }
    return a->n > 0;
}

/* Which mark stands before the cents; 0: there are none. */
static char decimal_mark(const struct amount *a, int want)
{
    unsigned marks = a->points + a->commas;
    char last = a->text[a->last_mark];

    if (want != MARK_AUTO)
        return want == MARK_POINT ? '.' : ',';
    if (marks == 0)
        return '\0';
    if (a->points && a->commas)
        return last;
    if (marks > 1)
        return '\0';
    /* 1,234 is a thousand and more; 1.234 is a number as it stands. */
    return last == ',' && a->n - a->last_mark - 1 == 3 && a->last_mark > 0 && a->last_mark <= 3
               ? '\0'
               : last;
}

/* The plain number of an amount, in out; 0 when its marks make no sense. */
static size_t plain_amount(const struct amount *a, char mark, char *out)
{
    size_t n = 0, group = 0, digits = 0;
    bool grouped = false, behind = false;

    if (a->negative)
        out[n++] = '-';
    for (size_t i = 0; i < a->n; i++) {
        char c = a->text[i];

        if (c >= '0' && c <= '9') {
            out[n++] = c;
            digits++;
            group++;
        } else if (behind || (c != mark && ((grouped && group != 3) || group == 0 || group > 3))) {
            return 0;
        } else if (c == mark) {
            if (grouped && group != 3)
                return 0;
            behind = true;
            group = 0;
            out[n++] = '.';
        } else {
            grouped = true;
            group = 0;
        }
    }
    return digits && (behind || !grouped || group == 3) ? n : 0;
}

/* 1234.50 -> 1234.5, 007 -> 7: as numbers are shown. */
static size_t shown_number(const char *p, size_t n, char *out, size_t size)
{
    char cut[DIGITS_MAX * 2];
    size_t m = num_round_text(p, n, 30, cut, sizeof cut), sign, zeros = 0;

    if (!m || m >= size)
        return 0;
    sign = cut[0] == '-';
    while (sign + zeros + 1 < m && cut[sign + zeros] == '0' && cut[sign + zeros + 1] != '.')
        zeros++;
    memcpy(out, cut, sign);
    memcpy(out + sign, cut + sign + zeros, m - sign - zeros);
    return m - zeros;
}

static enum rule_outcome apply_currency(struct rule_run *r, struct cell *cell, struct err *err)
{
    const struct currency_params *p = r->params;
    char plain[DIGITS_MAX + 2], shown[DIGITS_MAX * 2];
    struct amount a;
    size_t n;

    if (cell->type == CELL_NUMBER)
        return RULE_DONE;
    if (cell->type != CELL_TEXT || !take_apart(cell->text, cell->len, &a))
        return RULE_UNCONVERTED;
    n = plain_amount(&a, decimal_mark(&a, p->decimal), plain);
    n = n ? shown_number(plain, n, shown, sizeof shown) : 0;
    if (!n)
        return RULE_UNCONVERTED;
    return set_number(r, cell, shown, n, err);
}

const struct rule rule_currency_format = {
    .name = "currency_format",
    .description = "Amounts of money such as $1,234.50, 1.234,50 EUR or (500) as plain numbers",
    .params = currency_params,
    .params_size = sizeof(struct currency_params),
    .apply = apply_currency,
};
