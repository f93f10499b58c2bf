/*
 * Safe typing. A column has one guess, made by its first value; every later value either fits
 * it or makes the column text for good:
 *
 *   EMPTY -> NUMBER | BOOLEAN | DATE | DATETIME -> TEXT
 *        \____________________________________/
 */

#include "table/typing.h"

#include <stdlib.h>
#include <string.h>

struct guess {
    uint8_t type;  /* enum column_type */
    bool fraction; /* Some number is not whole. */
};

struct typing {
    uint32_t n_columns;
    uint32_t n_text; /* Columns that are text for good. */
    struct guess columns[];
};

struct typing *typing_new(uint32_t n_columns)
{
    struct typing *t = calloc(1, sizeof *t + n_columns * sizeof t->columns[0]);

    if (t)
        t->n_columns = n_columns; /* COLUMN_EMPTY is 0. */
    return t;
}

void typing_free(struct typing *t)
{
    free(t);
}

static bool is_word(const struct cell *c, const char *word, size_t n)
{
    return c->len == n && memcmp(c->text, word, n) == 0;
}

static bool parse_bool(const struct cell *c, double *out)
{
    *out = is_word(c, "true", 4);
    return *out != 0 || is_word(c, "false", 5);
}

/* The value of a text cell as `type`; false when it does not print back to the same text. */
static bool parse_as(enum column_type type, const struct cell *c, double *out)
{
    switch (type) {
    case COLUMN_NUMBER:
        return num_parse_safe(c->text, c->len, out);
    case COLUMN_BOOLEAN:
        return parse_bool(c, out);
    case COLUMN_DATE:
        return date_parse_iso_date(c->text, c->len, out);
    case COLUMN_DATETIME:
        return date_parse_iso_datetime(c->text, c->len, out);
    default:
        return false;
    }
}

static enum column_type first_guess(const struct cell *c)
{
    static const enum column_type types[] = { COLUMN_NUMBER, COLUMN_BOOLEAN, COLUMN_DATE,
        COLUMN_DATETIME };
    double v;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (parse_as(types[i], c, &v))
            return types[i];
    }
    return COLUMN_TEXT;
}

/* Go through the column until a value makes it text. */
static void scan_column(struct guess *g, const struct cell *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct cell *c = &cells[i];
        double v = 0;

        if (c->type == CELL_BLANK)
            continue;
        if (c->type == CELL_TEXT && g->type == COLUMN_EMPTY)
            g->type = (uint8_t)first_guess(c);
        /* A cell that has a type already is not for us to type; nor are the texts beside it. */
        if (c->type != CELL_TEXT || !parse_as((enum column_type)g->type, c, &v)) {
            g->type = COLUMN_TEXT;
            return;
        }
        g->fraction |= v != (double)(int64_t)v; /* Safe numbers fit. */
    }
}

void typing_scan(struct typing *t, const struct batch *b)
{
    uint32_t n = b->n_columns < t->n_columns ? b->n_columns : t->n_columns;

    for (uint32_t i = 0; i < n && t->n_text < t->n_columns; i++) {
        struct guess *g = &t->columns[i];

        if (g->type == COLUMN_TEXT)
            continue;
        scan_column(g, b->columns[i], b->n_rows);
        t->n_text += g->type == COLUMN_TEXT;
    }
}

bool typing_all_text(const struct typing *t)
{
    return t->n_text == t->n_columns;
}

enum column_type typing_column(const struct typing *t, uint32_t column)
{
    return column < t->n_columns ? (enum column_type)t->columns[column].type : COLUMN_TEXT;
}

bool typing_whole(const struct typing *t, uint32_t column)
{
    return typing_column(t, column) == COLUMN_NUMBER && !t->columns[column].fraction;
}

static struct cell typed_cell(enum column_type type, double v)
{
    switch (type) {
    case COLUMN_BOOLEAN:
        return cell_bool(v != 0);
    case COLUMN_DATE:
        return cell_date(v, DATE_DATE);
    case COLUMN_DATETIME:
        return cell_date(v, DATE_DATETIME);
    default:
        return cell_number(v);
    }
}

void typing_apply(const struct typing *t, struct batch *b)
{
    for (uint32_t i = 0; i < b->n_columns; i++) {
        enum column_type type = typing_column(t, i);
        struct cell *cells = b->columns[i];

        if (type == COLUMN_TEXT || type == COLUMN_EMPTY)
            continue;
        for (uint32_t k = 0; k < b->n_rows; k++) {
            double v;

            /* What was not scanned and does not fit stays text. */
            if (cells[k].type == CELL_TEXT && parse_as(type, &cells[k], &v))
                cells[k] = typed_cell(type, v);
        }
    }
}
