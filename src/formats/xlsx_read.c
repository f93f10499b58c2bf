/*
 * XLSX workbooks in: from the package to batches.
 *
 *   open:  zip ─ parts ─ shared strings ─ survey of the sheet ─ header row ─▶ schema
 *   next:  scanner (or the sorted cells) ─ rows ─▶ batch
 *
 * The sheet streams: it is unpacked window by window, once for the survey and once for the data.
 * Only a small sheet is kept unpacked between the two. Sheet rows without values between others are
 * blank rows of the table, so row i of a batch always is sheet row first_row + i.
 */
#include "formats/xlsx_read_int.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- One pass over the sheet ----------------------------------------------------------------- */

/* The whole part in memory, recoded. */
static bool keep_whole(struct xlsx_reader *r, struct xml_input *in, struct err *err)
{
    while (!in->eof) {
        if (!xml_input_more(in, err)) {
            xml_input_close(in);
            return false;
        }
    }
    r->whole = *in;
    r->kept = true;
    return true;
}

bool xlsx_read_begin_pass(struct xlsx_reader *r, struct err *err)
{
    struct xml_input in;

    if (r->feed) {
        r->feed->rewind(r->feed);
        return true;
    }
    if (r->scanning)
        sheet_close(&r->scan);
    r->scanning = false;
    if (!r->kept) {
        if (!r->stream) {
            if (!zip_stream_open(r->zip, r->entry, &r->stream, err))
                return false;
        } else if (!zip_stream_rewind(r->stream, err)) {
            return false;
        }
        zip_stream_ahead(r->stream);
        if (!xml_input_open(&in, r->stream, r->name, r->env.budget, err))
            return false;
        if (r->entry->size <= XLSX_KEEP_BYTES) {
            if (!keep_whole(r, &in, err))
                return false;
            zip_stream_close(r->stream);
            r->stream = NULL;
        }
    }
    if (r->kept) {
        char *text = r->whole.buf + (r->whole.p - r->whole.buf);

        xml_input_open_text(
            &in, text, (size_t)(r->whole.end - r->whole.p), r->name, r->entry->name);
        in.base = r->whole.base + (uint64_t)(r->whole.p - r->whole.buf);
    }
    if (!sheet_open(&r->scan, &in, err))
        return false;
    r->scanning = true;
    return true;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static bool next_event(
    struct xlsx_reader *r, struct sheet_cell *c, enum sheet_event *event, struct err *err)
{
    if (r->sorted) {
        *event = xlsx_sorted_next(r->sorted, c, &r->row);
        return true;
    }
    if (r->feed) {
        if (!r->feed->next(r->feed, c, event, err))
            return false;
        r->row = r->feed->row;
        return true;
    }
    if (!sheet_next(&r->scan, c, event, err))
        return false;
    r->row = r->scan.row;
    return true;
}

/*
 * Stand before the cells of the first row at or below `row`; r->row is its number, or past the
 * last.
 */
static bool seek_row(struct xlsx_reader *r, uint32_t row, struct err *err)
{
    struct sheet_cell c;
    enum sheet_event event;

    while (!r->at_row || r->row < row) {
        if (!next_event(r, &c, &event, err))
            return false;
        if (event == SHEET_END) {
            r->row = XLSX_MAX_ROWS + 1;
            r->at_row = true;
            return true;
        }
        r->at_row = event == SHEET_ROW;
    }
    return true;
}

static void blank_row(struct xlsx_reader *r, uint32_t i)
{
    for (uint32_t col = 0; col < r->batch.n_columns; col++)
        r->batch.columns[col][i] = cell_blank();
}

static bool beyond_width(struct xlsx_reader *r, const struct sheet_cell *c, struct err *err)
{
    if (xlsx_cells_blank(&r->strings, c))
        return true;
    err_set(err, ERR_DATA,
        "'%s': row %" PRIu32 " of sheet '%s' has its cells in no order; open and save the file in "
        "Excel",
        r->name, c->row, r->cells.sheet);
    err->at.row = c->row;
    return false;
}

/* A cell that stands left of one before it. A blank never takes the place of a value. */
static bool earlier_cell(
    struct xlsx_reader *r, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    struct cell cell;

    if (!xlsx_cells_convert(&r->cells, c, &cell, err))
        return false;
    if (!cell_is_blank(*out) && !cell_is_blank(cell))
        xlsx_cells_warn(&r->cells, "duplicate_cells",
            "cells stand in the file more than once; the last one counts", c->row, c->col);
    if (!cell_is_blank(cell))
        *out = cell;
    return true;
}

/* The cells of the row the reader stands before, into row i of the batch. */
static bool fill_row(struct xlsx_reader *r, uint32_t i, struct err *err)
{
    struct cell **columns = r->batch.columns;
    uint32_t width = r->batch.n_columns, next = 0;
    struct sheet_cell c;
    enum sheet_event event;

    for (;;) {
        if (!next_event(r, &c, &event, err))
            return false;
        if (event != SHEET_CELL)
            break;
        if (c.col >= width) {
            if (!beyond_width(r, &c, err))
                return false;
        } else if (c.col < next) {
            if (!earlier_cell(r, &c, &columns[c.col][i], err))
                return false;
        } else {
            while (next < c.col)
                columns[next++][i] = cell_blank();
            if (!xlsx_cells_convert(&r->cells, &c, &columns[next++][i], err))
                return false;
        }
    }
    while (next < width)
        columns[next++][i] = cell_blank();
    if (event == SHEET_END)
        r->row = XLSX_MAX_ROWS + 1;
    return true;
}

/* Is the row that the reader stands in hidden? Not known of sorted ones. */
static bool row_hidden(const struct xlsx_reader *r)
{
    return r->feed ? r->feed->row_hidden : !r->sorted && r->scan.row_hidden;
}

/* Sheet row `row` into row i of the batch. Rows are asked for in rising order. */
bool xlsx_read_row(struct xlsx_reader *r, uint32_t row, uint32_t i, struct err *err)
{
    if (!seek_row(r, row, err))
        return false;
    if (r->row == row) {
        if (row_hidden(r) && row > r->header_row && row > r->cells.warned_row)
            warn_add(r->env.warnings, "hidden_rows",
                "rows that are hidden in the sheet are read like all others", "row %" PRIu32, row);
        if (!fill_row(r, i, err))
            return false;
    } else {
        blank_row(r, i);
    }
    if (r->merge && !xlsx_merge_fill(r->merge, &r->cells, row, r->batch.columns, i, err))
        return false;
    if (row > r->cells.warned_row)
        r->cells.warned_row = row;
    return true;
}

bool xlsx_read_start(struct xlsx_reader *r, struct err *err)
{
    r->at_row = false;
    r->row = 0;
    if (r->sorted)
        xlsx_sorted_rewind(r->sorted);
    else if (!xlsx_read_begin_pass(r, err))
        return false;
    xlsx_cells_reset(&r->cells);
    if (r->merge) {
        /* Ranges that reach down into the data may begin above it. */
        xlsx_merge_rewind(r->merge);
        for (uint32_t row = 1; row < r->first_row; row++) {
            if (!xlsx_read_row(r, row, 0, err))
                return false;
        }
    }
    r->next_row = r->first_row;
    return true;
}

/* ---- The class ------------------------------------------------------------------------------- */

static bool read_next(void *self, struct batch **out, struct err *err)
{
    struct xlsx_reader *r = self;
    uint32_t n = 0;

    *out = NULL;
    xlsx_cells_reset(&r->cells);
    r->batch.first_row = r->next_row;
    while (n < r->batch_rows && r->next_row <= r->survey.last_row) {
        if (!xlsx_read_row(r, r->next_row, n, err))
            return false;
        r->next_row++;
        n++;
    }
    r->batch.n_rows = n;
    if (n > 0)
        *out = &r->batch;
    return true;
}

static bool read_rewind(void *self, struct err *err)
{
    return xlsx_read_start(self, err);
}

static void read_position(const void *self, uint64_t *done, uint64_t *total)
{
    const struct xlsx_reader *r = self;
    uint32_t rows = r->survey.last_row >= r->first_row ? r->survey.last_row - r->first_row + 1 : 0;

    if (!r->kept && !r->sorted && !r->feed) {
        *done = r->stream ? zip_stream_packed_done(r->stream) : 0;
        *total = r->entry->packed;
        return;
    }
    *done = r->next_row - r->first_row;
    *total = rows;
}

static uint64_t read_quarantined(const void *self)
{
    (void)self;
    return 0;
}

static void read_close(void *self)
{
    struct xlsx_reader *r = self;

    if (!r)
        return;
    if (r->scanning)
        sheet_close(&r->scan);
    if (r->feed)
        r->feed->close(r->feed);
    zip_stream_close(r->stream);
    if (r->kept)
        xml_input_close(&r->whole);
    xlsx_sorted_free(r->sorted);
    xlsx_merge_free(r->merge);
    xlsx_strings_deinit(&r->strings);
    arena_deinit(&r->cells.text);
    zip_read_close(r->zip);
    arena_deinit(&r->arena);
    free(r);
}

const struct source_class xlsx_read_class = { .next = read_next,
    .rewind = read_rewind,
    .position = read_position,
    .quarantined = read_quarantined,
    .close = read_close };
