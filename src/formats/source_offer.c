/*
 * Offers: what the first rows of a table look like where they do not look like a table with one row of names.
 *
 *   Sales 2024 |       |        titles above the header, which stands below a blank row
 *              |       |
 *   region     | units | price
 *
 * Nothing is changed. Doubt means silence.
 */
#include "formats/source_view.h"

#include <inttypes.h>

enum {
    TITLE_ROWS = 20,   /* A block of titles is no longer. */
    DATA_ROWS_MIN = 2, /* That must follow a header. */
    COMPARED_MAX = 64  /* Columns whose names are compared. */
};

enum look { LOOK_BLANK, LOOK_TEXT, LOOK_VALUE };

static enum look look_at(const struct cell *cell)
{
    double v;

    if (cell_is_blank(*cell))
        return LOOK_BLANK;
    if (cell->type == CELL_TEXT)
        return num_parse(cell->text, cell->len, &v) ? LOOK_VALUE : LOOK_TEXT;
    return cell->type == CELL_ERROR ? LOOK_TEXT : LOOK_VALUE;
}

static uint32_t filled(const struct batch *b, uint32_t row)
{
    uint32_t n = 0;

    for (uint32_t c = 0; c < b->n_columns; c++)
        n += !cell_is_blank(b->columns[c][row]);
    return n;
}

/* Names: texts only, `least` of them; no two alike, unless groups above tell them apart. */
static bool are_names(const struct batch *b, uint32_t row, uint32_t least, bool grouped)
{
    uint32_t n = 0;

    for (uint32_t c = 0; c < b->n_columns; c++) {
        enum look look = look_at(&b->columns[c][row]);

        if (look == LOOK_VALUE)
            return false;
        n += look == LOOK_TEXT;
        for (uint32_t k = 0; k < c && !grouped && look == LOOK_TEXT && b->n_columns <= COMPARED_MAX;
             k++) {
            if (cell_same(&b->columns[k][row], &b->columns[c][row]))
                return false;
        }
    }
    return n >= least;
}

static uint32_t named(const struct schema *schema)
{
    uint32_t n = 0;

    for (uint32_t c = 0; c < schema->n_columns; c++)
        n += schema->columns[c].header && schema->columns[c].header[0];
    return n;
}

/* Is there a column of texts at `row` whose cells below are values? */
static bool heads_values(const struct batch *b, uint32_t row)
{
    for (uint32_t c = 0; c < b->n_columns && row + 1 < b->n_rows; c++) {
        if (look_at(&b->columns[c][row]) == LOOK_TEXT &&
            look_at(&b->columns[c][row + 1]) == LOOK_VALUE)
            return true;
    }
    return false;
}

/* Was there a blank row, or the number of a blank line left out, before this one? */
static bool after_gap(const struct batch *b, uint32_t row)
{
    return row > 0 && (filled(b, row - 1) == 0 || batch_row(b, row) > batch_row(b, row - 1) + 1);
}

static bool offer_header(
    const struct schema *schema, const struct batch *b, struct warnings *warnings)
{
    bool gap = false;

    if (schema->n_columns < 2 || named(schema) > 1)
        return false;
    for (uint32_t i = 0; i < b->n_rows && i < TITLE_ROWS; i++) {
        uint32_t n = filled(b, i);

        gap |= n == 0;
        if (n <= 1)
            continue;
        if (!gap || n != schema->n_columns || !are_names(b, i, n, false) ||
            i + DATA_ROWS_MIN >= b->n_rows)
            return false;
        warn_add(warnings, "title_rows",
            "the first row looks like a title; if the names of the columns stand in this row, give "
            "it as header_row",
            "row %" PRIu64, batch_row(b, i));
        return true;
    }
    return false;
}

static void offer_second_header(
    const struct schema *schema, const struct batch *b, struct warnings *warnings)
{
    uint32_t names = named(schema);

    /* Groups leave blanks in the first row, and the second has names where the rows below have values. */
    if (b->n_rows < 1 + DATA_ROWS_MIN || names < 2 || names == schema->n_columns ||
        filled(b, 0) <= names - 1 || !are_names(b, 0, 1, true) || !heads_values(b, 0) ||
        filled(b, 0) < 2)
        return;
    for (uint32_t c = 0; c < schema->n_columns; c++) {
        if (!schema->columns[c].header[0] && cell_is_blank(b->columns[c][0]))
            return;
    }
    warn_add(warnings, "second_header",
        "the names of the columns seem to stand in two rows; header_rows 2 joins them",
        "row %" PRIu64, batch_row(b, 0));
}

static void offer_second_table(const struct batch *b, struct warnings *warnings)
{
    for (uint32_t i = 1; i + 1 < b->n_rows; i++) {
        if (!after_gap(b, i) || filled(b, i) < 2 || !are_names(b, i, 2, false) ||
            !heads_values(b, i))
            continue;
        warn_add(warnings, "second_table",
            "below a blank row another table seems to begin, and its rows are read as rows of the "
            "first; give "
            "header_row to read from there",
            "row %" PRIu64, batch_row(b, i));
        return;
    }
}

void source_view_offer(const struct schema *schema, const struct batch *first,
    const struct reader_args *args, struct warnings *warnings)
{
    if (args->header_row < 1 || first->n_columns != schema->n_columns)
        return;
    if (args->header_row == 1 && offer_header(schema, first, warnings))
        return;
    if (args->header_rows <= 1)
        offer_second_header(schema, first, warnings);
    offer_second_table(first, warnings);
}
