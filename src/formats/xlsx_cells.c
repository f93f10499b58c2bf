/*
 * What a cell of a worksheet means.
 *
 * A number is a date when the number format of its style says so. What it then shows follows the
 * format, but never hides part of the value: a date format over a serial with a fraction is a date
 * and time, a time format over a whole day or more too, and below one day there is only a time.
 */
#include "formats/xlsx_cells.h"

#include "formats/xlsx_rich.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { TEXT_PIECE = 64 << 10 };

void xlsx_cells_reset(struct xlsx_cells *x)
{
    arena_reset(&x->text);
    x->n_late = 0;
    x->room = NULL;
    x->left = 0;
}

void xlsx_cells_warn(
    struct xlsx_cells *x, const char *kind, const char *message, uint32_t row, uint32_t col)
{
    char letters[4];

    if (!x->warnings || row <= x->warned_row)
        return;
    schema_letter(col, letters);
    warn_add(x->warnings, kind, message, "%s%" PRIu32, letters, row);
}

/* Room for n bytes of text; NULL with *err set. */
static inline char *text_room(struct xlsx_cells *x, size_t n, struct err *err)
{
    char *p;

    if (n > x->left) {
        size_t size = n > TEXT_PIECE / 4 ? n : TEXT_PIECE;

        p = arena_alloc(&x->text, size);
        if (!p) {
            err_set(err, ERR_BUDGET,
                "'%s': the texts of sheet '%s' need more memory than the limit allows", x->label,
                x->sheet);
            return NULL;
        }
        if (size == n)
            return p;
        x->room = p;
        x->left = size;
    }
    p = x->room;
    x->room += n;
    x->left -= n;
    return p;
}

void xlsx_cells_settle(struct xlsx_cells *x)
{
    for (unsigned i = 0; i < x->n_late; i++) {
        struct cell *cell = x->late[i];
        struct str s = xlsx_strings_at(x->strings, cell->len);

        __builtin_prefetch(s.p); /* Whoever takes the batch reads it. */
        cell->text = s.p;
        cell->len = (uint32_t)s.n;
        if (s.n == 0)
            *cell = cell_blank();
    }
    x->n_late = 0;
}

static struct str trimmed(const struct sheet_cell *c)
{
    struct str s = { c->text, c->n };

    while (s.n > 0 && xml_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && xml_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool cell_error(
    const struct xlsx_cells *x, const struct sheet_cell *c, const char *what, struct err *err)
{
    char letters[4];

    schema_letter(c->col, letters);
    err_set(err, ERR_DATA, "'%s': cell %s%" PRIu32 " of sheet '%s' %s", x->label, letters, c->row,
        x->sheet, what);
    err->at.row = c->row;
    err->at.col = c->col + 1;
    return false;
}

static bool text_cell(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    const char *why;
    char *p = text_room(x, c->n, err);
    size_t n = c->n;

    if (!p)
        return false;
    if (c->type == SHEET_INLINE || c->flags == 0) {
        memcpy(p, c->text, n);
    } else if (!rich_run(c->text, n, c->flags, false, p, &n, &why)) {
        char what[96];

        snprintf(what, sizeof what, "is damaged: %s", why);
        return cell_error(x, c, what, err);
    }
    *out = cell_text(p, n);
    return true;
}

static const struct xlsx_style *style_of(const struct xlsx_cells *x, const struct sheet_cell *c)
{
    return c->style < x->book->n_styles ? &x->book->styles[c->style] : NULL;
}

static struct cell date_cell(
    struct xlsx_cells *x, const struct sheet_cell *c, double v, const struct xlsx_style *style)
{
    enum date_kind kind = style->kind;
    struct cell out = cell_number(v);

    out.format = style->format;
    if (x->book->date1904 && kind != DATE_DURATION && !(kind == DATE_TIME && v < 1))
        v += DATE_1904_OFFSET;
    if (!(v >= 0 && v < DATE_SERIAL_MAX + 1)) {
        xlsx_cells_warn(x, "date_out_of_range",
            "numbers with a date format that no calendar day has are kept as numbers", c->row,
            c->col);
        out.format = FORMAT_GENERAL;
        return out;
    }
    if (kind != DATE_DURATION) {
        int64_t ms = (int64_t)(v * 86400000.0 + 0.5);

        if (v < 1)
            kind = DATE_TIME;
        else if (kind == DATE_TIME || (kind == DATE_DATE && ms % 86400000 != 0))
            kind = DATE_DATETIME;
        if (v >= 60 && v < 61)
            xlsx_cells_warn(x, "fictitious_date",
                "1900-02-29, a day that only Excel's calendar has, is kept", c->row, c->col);
    }
    out.number = v;
    out.type = CELL_DATE;
    out.kind = (uint8_t)kind;
    return out;
}

static struct cell number_cell(struct xlsx_cells *x, const struct sheet_cell *c, double v)
{
    const struct xlsx_style *style = style_of(x, c);
    struct cell out = cell_number(v);

    if (!style)
        return out;
    if (style->date)
        return date_cell(x, c, v, style);
    out.format = style->format;
    return out;
}

/* More digits than a double holds: Excel itself would not have kept them. */
static bool too_long(const char *p, size_t n)
{
    size_t digits = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] >= '0' && p[i] <= '9')
            digits++;
        else if (i > 0 || p[i] != '-')
            return false;
    }
    return digits > 15;
}

static bool parsed_number(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    struct str s = trimmed(c);
    double v;

    if (s.n == 0) {
        *out = cell_blank();
        return true;
    }
    if (num_parse(s.p, s.n, &v)) {
        if (too_long(s.p, s.n))
            xlsx_cells_warn(x, "long_number",
                "whole numbers of more than 15 digits are only as exact as Excel keeps them",
                c->row, c->col);
        *out = number_cell(x, c, v);
        return true;
    }
    xlsx_cells_warn(x, "not_a_number",
        "cells that should hold a number hold something else, which is kept as text", c->row,
        c->col);
    return text_cell(x, c, out, err);
}

static bool error_cell(struct xlsx_cells *x, const struct sheet_cell *c, const char *token,
    size_t n, struct cell *out, struct err *err)
{
    char what[80];

    switch (x->errors) {
    case ERRORS_BLANK:
        *out = cell_blank();
        return true;
    case ERRORS_FAIL:
        snprintf(what, sizeof what, "holds the error %.*s", n > 32 ? 32 : (int)n, token);
        return cell_error(x, c, what, err);
    default:
        *out = (struct cell){ .text = token, .len = (uint32_t)n, .type = CELL_ERROR };
        return true;
    }
}

bool xlsx_cells_shared_text(
    const struct xlsx_strings *strings, const struct sheet_cell *c, struct str *out)
{
    struct str s = trimmed(c);
    int64_t i;

    if (!num_parse_int(s.p, s.n, &i) || i < 0 || i >= strings->n)
        return false;
    *out = xlsx_strings_at(strings, (uint32_t)i);
    return true;
}

static bool shared_cell(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    struct str s;

    if (!c->has_number && trimmed(c).n == 0) {
        *out = cell_blank();
        return true;
    }
    if (xlsx_cells_shared(x->strings, c, &s)) {
        *out = cell_text(s.p, s.n);
        return true;
    }
    xlsx_cells_warn(x, "broken_text_reference",
        "cells refer to a shared text that the workbook does not have; they are shown as #REF!",
        c->row, c->col);
    return error_cell(x, c, "#REF!", 5, out, err);
}

static bool bool_cell(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = { { "1", true }, { "0", false }, { "true", true }, { "false", false },
        { "TRUE", true }, { "FALSE", false } };
    struct str s;

    if (c->n == 1 && (c->text[0] == '0' || c->text[0] == '1')) {
        *out = cell_bool(c->text[0] == '1');
        return true;
    }
    s = trimmed(c);
    if (s.n == 0) {
        *out = cell_blank();
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is(s, words[i].text)) {
            *out = cell_bool(words[i].value);
            return true;
        }
    }
    xlsx_cells_warn(x, "not_a_boolean",
        "cells that should be true or false hold something else, which is kept as text", c->row,
        c->col);
    return text_cell(x, c, out, err);
}

/* `n` digits at *p as a number; false when there are fewer. Steps over them. */
static bool digits(const char **p, const char *end, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (*p >= end || **p < '0' || **p > '9')
            return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

/* HH:MM[:SS[.fff]] up to the end. */
static bool iso_time(const char *p, const char *end, struct date *d)
{
    int scale = 100;

    if (!digits(&p, end, 2, &d->hour) || p >= end || *p++ != ':' || !digits(&p, end, 2, &d->minute))
        return false;
    if (p < end && *p == ':') {
        p++;
        if (!digits(&p, end, 2, &d->second))
            return false;
        if (p < end && *p == '.')
            for (p++; p < end && *p >= '0' && *p <= '9'; p++, scale /= 10)
                d->millis += (*p - '0') * scale;
    }
    if (p < end && *p == 'Z')
        p++;
    return p == end && d->hour < 24 && d->minute < 60 && d->second < 60;
}

/* t="d": 2021-01-31, 2021-01-31T10:20:30.5, 10:20:30. */
static bool iso_date(const char *p, size_t n, double *serial, enum date_kind *kind)
{
    const char *end = p + n;
    struct date d = { 0 };

    if (n >= 3 && p[2] == ':') {
        if (!iso_time(p, end, &d))
            return false;
        *serial = (((d.hour * 60 + d.minute) * 60 + d.second) * 1000.0 + d.millis) / 86400000.0;
        *kind = DATE_TIME;
        return true;
    }
    if (!digits(&p, end, 4, &d.year) || p >= end || *p++ != '-' || !digits(&p, end, 2, &d.month) ||
        p >= end || *p++ != '-' || !digits(&p, end, 2, &d.day))
        return false;
    *kind = DATE_DATE;
    if (p < end) {
        if ((*p != 'T' && *p != ' ') || !iso_time(p + 1, end, &d))
            return false;
        *kind = DATE_DATETIME;
    }
    return date_to_serial(&d, serial);
}

static bool iso_cell(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    const struct xlsx_style *style = style_of(x, c);
    enum date_kind kind;
    double serial;

    if (trimmed(c).n == 0) {
        *out = cell_blank();
        return true;
    }
    if (iso_date(c->text, c->n, &serial, &kind)) {
        if (kind == DATE_DATETIME && style && style->date && style->kind == DATE_DATE &&
            serial == floor(serial))
            kind = DATE_DATE;
        *out = cell_date(serial, kind);
        if (style && style->date)
            out->format = style->format;
        return true;
    }
    xlsx_cells_warn(x, "not_a_date",
        "cells that should hold a date hold something else, which is kept as text", c->row, c->col);
    return text_cell(x, c, out, err);
}

static bool convert_error(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    if (trimmed(c).n == 0) {
        *out = cell_blank();
        return true;
    }
    if (!text_cell(x, c, out, err))
        return false;
    if (cell_is_blank(*out))
        return true;
    return error_cell(x, c, out->text, out->len, out, err);
}

bool xlsx_cells_convert_any(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    if (c->has_number && c->type == SHEET_NUMBER) {
        *out = number_cell(x, c, c->number);
        return true;
    }
    if (c->type == SHEET_SHARED)
        return shared_cell(x, c, out, err);
    if (c->n == 0) {
        if (c->formula && c->type != SHEET_STRING && c->type != SHEET_INLINE)
            xlsx_cells_warn(x, "formulas_without_value",
                "formulas have no stored result and are blank; open and save the file in Excel",
                c->row, c->col);
        *out = cell_blank();
        return true;
    }
    switch (c->type) {
    case SHEET_NUMBER:
        return parsed_number(x, c, out, err);
    case SHEET_BOOL:
        return bool_cell(x, c, out, err);
    case SHEET_ERROR:
        return convert_error(x, c, out, err);
    case SHEET_DATE:
        return iso_cell(x, c, out, err);
    default:
        return text_cell(x, c, out, err);
    }
}
