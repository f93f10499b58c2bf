/*
 * What a cell is worth where a template asks for a type.
 *
 * Numbers are kept as their digits, not as doubles: 1.50 stays 1.50, and a key of 19 digits is exact. They are
 * brought into the one spelling that SQL and JSON both read (no +, no leading zeros, a digit on both sides
 * of the point).
 */

#include "ops/template_int.h"

#include "base/num.h"
#include "base/utf8.h"
#include "ops/date_read.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

#define EXACT_WHOLE 1e15 /* Whole doubles below have at most 15 digits. */

void value_text(struct value *v, const char *p, size_t n)
{
    v->kind = VALUE_TEXT;
    v->p = n ? p : "";
    v->n = n;
}

static void value_scratch(struct value *v, enum value_kind kind, size_t n)
{
    v->kind = kind;
    v->p = v->scratch;
    v->n = n;
}

static void value_bool(struct value *v, bool truth)
{
    v->kind = VALUE_BOOL;
    v->p = truth ? "true" : "false";
    v->n = strlen(v->p);
}

static size_t digits(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n && p[i] >= '0' && p[i] <= '9')
        i++;
    return i;
}

/* [sign] whole [. fraction] [exponent] */
struct number {
    bool negative;
    const char *whole, *fraction, *exponent;
    size_t whole_n, fraction_n, exponent_n;
    double value;
};

/* The parts of a text that is a number, leading zeros left out. */
static bool take_apart(const char *p, size_t n, struct number *out)
{
    /* Room for "0", "." and "-" that p may lack. */
    if (n + 4 > VALUE_NUMBER_MAX || !num_parse(p, n, &out->value))
        return false;
    out->negative = *p == '-';
    if (*p == '-' || *p == '+') {
        p++;
        n--;
    }
    while (n > 0 && *p == '0') {
        p++;
        n--;
    }
    out->whole = p;
    out->whole_n = digits(p, n);
    p += out->whole_n;
    n -= out->whole_n;
    out->fraction = p;
    out->fraction_n = 0;
    if (n > 0 && *p == '.') {
        out->fraction = p + 1;
        out->fraction_n = digits(p + 1, n - 1);
        p += 1 + out->fraction_n;
        n -= 1 + out->fraction_n;
    }
    out->exponent = p; /* What is left: e and its digits. */
    out->exponent_n = n;
    return true;
}

static void put_back(const struct number *num, bool fraction, struct value *v)
{
    char *to = v->scratch;

    if (num->negative)
        *to++ = '-';
    if (!num->whole_n)
        *to++ = '0';
    memcpy(to, num->whole, num->whole_n);
    to += num->whole_n;
    if (fraction && num->fraction_n) {
        *to++ = '.';
        memcpy(to, num->fraction, num->fraction_n);
        to += num->fraction_n;
    }
    if (fraction) {
        memcpy(to, num->exponent, num->exponent_n);
        to += num->exponent_n;
    }
    value_scratch(v, VALUE_NUMBER, (size_t)(to - v->scratch));
}

static bool whole_double(double d, struct value *v)
{
    if (d != trunc(d))
        return false;
    value_scratch(v, VALUE_NUMBER,
        fabs(d) < EXACT_WHOLE ? num_format_int((int64_t)d, v->scratch)
                              : (size_t)snprintf(v->scratch, sizeof v->scratch, "%.0f", d));
    return true;
}

static bool int_from_text(const char *p, size_t n, struct value *v)
{
    struct number num;

    if (!take_apart(p, n, &num))
        return false;
    if (num.exponent_n)
        return whole_double(num.value, v);
    for (size_t i = 0; i < num.fraction_n; i++) {
        if (num.fraction[i] != '0')
            return false;
    }
    if (!num.whole_n)
        num.negative = false;
    put_back(&num, false, v);
    return true;
}

static bool bool_from_text(const char *p, size_t n, struct value *v)
{
    static const char *const words[2][6] = {
        { "false", "no", "off", "n", "f", "0" },
        { "true", "yes", "on", "y", "t", "1" },
    };

    for (size_t truth = 0; truth < 2; truth++) {
        for (size_t i = 0; i < ARRAY_LEN(words[truth]); i++) {
            if (strlen(words[truth][i]) == n && strncasecmp(p, words[truth][i], n) == 0) {
                value_bool(v, truth);
                return true;
            }
        }
    }
    return false;
}

/* Always day and time, which is what a column of timestamps takes. */
static bool datetime_from_cell(const struct cell *cell, struct value *v, uint64_t *guessed)
{
    struct date_reading r;
    const struct date *d = &r.date;
    int n;

    if (cell->type == CELL_DATE && cell->kind != DATE_DATE && cell->kind != DATE_DATETIME)
        return false;
    if ((cell->type != CELL_DATE && cell->type != CELL_TEXT) ||
        !date_read_cell(cell, ORDER_AUTO, false, &r))
        return false;
    *guessed += r.vote == VOTE_OPEN;
    n = snprintf(v->scratch, sizeof v->scratch, "%04d-%02d-%02d %02d:%02d:%02d", d->year, d->month,
        d->day, d->hour, d->minute, d->second);
    if (d->millis) {
        n += snprintf(v->scratch + n, sizeof v->scratch - (size_t)n, ".%03d", d->millis);
        while (v->scratch[n - 1] == '0')
            n--;
    }
    value_scratch(v, VALUE_TEXT, (size_t)n);
    return true;
}

/* As the cell stands: by its own type. */
static bool any_from_cell(const struct cell *cell, struct value *v)
{
    const char *p;
    size_t n;

    switch ((enum cell_type)cell->type) {
    case CELL_BOOL:
        value_bool(v, cell->number != 0);
        return true;
    case CELL_NUMBER:
        p = cell_shown(cell, v->scratch, &n);
        value_scratch(v, VALUE_NUMBER, n);
        return p == v->scratch;
    case CELL_BLANK:
    case CELL_TEXT:
    case CELL_DATE:
    case CELL_ERROR:
        break;
    }
    p = cell_shown(cell, v->scratch, &n);
    value_text(v, p, n);
    return true;
}

static bool number_from_cell(const struct cell *cell, bool whole, struct value *v)
{
    struct number num;
    const char *p = cell->text;
    size_t n = cell->len;

    switch ((enum cell_type)cell->type) {
    case CELL_BOOL:
        v->scratch[0] = cell->number != 0 ? '1' : '0';
        value_scratch(v, VALUE_NUMBER, 1);
        return true;
    case CELL_NUMBER:
        return whole ? whole_double(cell->number, v) : any_from_cell(cell, v);
    case CELL_TEXT:
        break;
    case CELL_BLANK:
    case CELL_DATE:
    case CELL_ERROR:
        return false;
    }
    utf8_trim(&p, &n);
    if (whole)
        return int_from_text(p, n, v);
    if (!take_apart(p, n, &num))
        return false;
    put_back(&num, true, v);
    return true;
}

static bool bool_from_cell(const struct cell *cell, struct value *v)
{
    const char *p = cell->text;
    size_t n = cell->len;

    if (cell->type == CELL_BOOL ||
        (cell->type == CELL_NUMBER && (cell->number == 0 || cell->number == 1))) {
        value_bool(v, cell->number != 0);
        return true;
    }
    if (cell->type != CELL_TEXT)
        return false;
    utf8_trim(&p, &n);
    return bool_from_text(p, n, v);
}

/* For the types other than text, a cell of blanks says nothing. */
static bool says_nothing(const struct cell *cell)
{
    const char *p = cell->text;
    size_t n = cell->len;

    if (cell->type == CELL_TEXT)
        utf8_trim(&p, &n);
    return cell_is_blank(*cell) || (cell->type == CELL_TEXT && n == 0);
}

bool value_from_cell(
    const struct cell *cell, enum slot_type type, struct value *out, uint64_t *guessed)
{
    const char *p;
    size_t n;

    if (cell_is_blank(*cell) || (type != SLOT_ANY && type != SLOT_STRING && says_nothing(cell))) {
        out->kind = VALUE_NULL;
        out->p = "";
        out->n = 0;
        return true;
    }
    switch (type) {
    case SLOT_ANY:
        return any_from_cell(cell, out);
    case SLOT_STRING:
        p = cell_shown(cell, out->scratch, &n);
        value_text(out, p, n);
        return true;
    case SLOT_INT:
        return number_from_cell(cell, true, out);
    case SLOT_FLOAT:
        return number_from_cell(cell, false, out);
    case SLOT_BOOL:
        return bool_from_cell(cell, out);
    case SLOT_DATETIME:
        return datetime_from_cell(cell, out, guessed);
    }
    return false;
}

bool value_from_default(const char *p, size_t n, enum slot_type type, struct value *out)
{
    struct cell cell = cell_text(p, n);
    uint64_t ignored = 0;
    double number;

    if (type != SLOT_STRING && n == 4 && strncasecmp(p, "null", n) == 0)
        cell = cell_blank();
    else if (type == SLOT_ANY && num_parse_safe(p, n, &number))
        cell = cell_number(number);
    else if (type == SLOT_ANY &&
             ((n == 4 && memcmp(p, "true", n) == 0) || (n == 5 && memcmp(p, "false", n) == 0)))
        cell = cell_bool(n == 4);
    else if (n == 0 && (type == SLOT_ANY || type == SLOT_STRING)) {
        value_text(out, "", 0); /* {name|} asks for an empty text. */
        return true;
    }
    return value_from_cell(&cell, type, out, &ignored);
}

const char *value_wanted(enum slot_type type)
{
    switch (type) {
    case SLOT_INT:
        return "a whole number";
    case SLOT_FLOAT:
        return "a number";
    case SLOT_BOOL:
        return "true or false";
    case SLOT_DATETIME:
        return "a date";
    case SLOT_ANY:
    case SLOT_STRING:
        break;
    }
    return "a text";
}
