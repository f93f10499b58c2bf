/*
 * XLSX workbooks in: from the package to batches.
 *
 *   open:  zip ─ parts ─ shared strings ─ survey of the sheet or its top ─ header row ─▶ schema
 *   next:  scanner (or the sorted cells) ─ rows ─▶ batch
 *
 * The sheet streams: it is unpacked window by window, for the survey and for the data. Only a small
 * sheet is kept unpacked between the two. Sheet rows without values between others are blank rows of
 * the table, so row i of a batch always is sheet row first_row + i.
 *
 * Where only the top was surveyed (xlsx_survey_top), each later row is held against what that
 * promised. One with a value beyond the width or out of order ends the reading: the sheet has
 * outgrown its promise, and the caller opens it again with a survey to the end. Nothing has been
 * committed by then, because all of the sheet is read before anything is.
 */
#include "formats/xlsx_read_int.h"

#include "formats/xlsx_notes.h"
#include "formats/xlsx_run.h"

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

bool xlsx_read_begin_pass(struct xlsx_reader *r, bool whole, struct err *err)
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
        if (whole)
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

/* Where only the top was surveyed, what comes later may turn out to be more than that promised. */
static bool outgrown(struct xlsx_reader *r, struct err *err)
{
    r->outgrown = true;
    return err_set(err, ERR_INTERNAL,
        "'%s': sheet '%s' is not what its first rows promised; it has to be read again", r->name,
        r->cells.sheet);
}

static inline bool next_event(
    struct xlsx_reader *r, struct sheet_cell *c, enum sheet_event *event, struct err *err)
{
    uint32_t before = r->row;

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
    if (*event == SHEET_CELL)
        return true;
    r->row = r->scan.row;
    if (r->survey.partial && (r->scan.repositioned || (*event == SHEET_ROW && r->row <= before)))
        return outgrown(r, err);
    return true;
}

/*
 * Stand before the first value at or below `row`: it is held, and r->row is its row, or past the
 * last. So rows without values are known to lie between others before they are given, and those at
 * the end of a sheet never are.
 */
static bool seek_value(struct xlsx_reader *r, uint32_t row, struct err *err)
{
    enum sheet_event event;
    struct cell blank;

    if (r->row > XLSX_MAX_ROWS || (r->holding && r->row >= row))
        return true;
    r->holding = false;
    for (;;) {
        if (!next_event(r, &r->held, &event, err))
            return false;
        if (event == SHEET_END) {
            r->row = XLSX_MAX_ROWS + 1;
            return true;
        }
        if (event == SHEET_ROW || r->row < row)
            continue;
        if (!xlsx_cells_blank(&r->strings, &r->held)) {
            r->holding = true;
            return true;
        }
        /* For its warnings: a formula may have no value. */
        if (!xlsx_cells_convert(&r->cells, &r->held, &blank, err))
            return false;
    }
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
    if (r->survey.partial)
        return outgrown(r, err);
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

/* The row of the value that is held, into row i of the batch. */
static bool fill_row(struct xlsx_reader *r, uint32_t i, struct err *err)
{
    struct cell **columns = r->batch.columns;
    uint32_t width = r->batch.n_columns, next = 0;
    struct sheet_cell *c = &r->held;
    enum sheet_event event;

    r->holding = false;
    do {
        if (c->col >= width) {
            if (!beyond_width(r, c, err))
                return false;
        } else if (c->col < next) {
            xlsx_cells_settle(&r->cells);
            if (!earlier_cell(r, c, &columns[c->col][i], err))
                return false;
        } else {
            while (next < c->col)
                columns[next++][i] = cell_blank();
            if (!xlsx_cells_put(&r->cells, c, &columns[next++][i], err))
                return false;
            if (r->scanning && !r->sorted)
                next = xlsx_run(&r->scan, &r->cells, columns, width, i, next);
        }
        if (!next_event(r, c, &event, err))
            return false;
    } while (event == SHEET_CELL);
    if (r->merge)
        xlsx_cells_settle(&r->cells);
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

bool xlsx_read_row(struct xlsx_reader *r, uint32_t row, uint32_t i, struct err *err)
{
    if (!seek_value(r, row, err))
        return false;
    if (r->row == row) {
        if (!r->skip_hidden && row_hidden(r) && row > r->header_row && row > r->cells.warned_row)
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
    r->holding = false;
    r->row = 0;
    if (r->sorted)
        xlsx_sorted_rewind(r->sorted);
    else if (!xlsx_read_begin_pass(r, true, err))
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

/* Are there more rows? Where merged ranges are filled only the survey knows. */
static bool more_rows(struct xlsx_reader *r, bool *more, struct err *err)
{
    if (r->merge) {
        *more = r->next_row <= r->survey.last_row;
        return true;
    }
    if (!seek_value(r, r->next_row, err))
        return false;
    *more = r->row <= XLSX_MAX_ROWS;
    if (r->survey.partial && *more && xlsx_read_nearly_empty(r, r->row, r->survey.width))
        return outgrown(r, err);
    return true;
}

/* All rows were given: the rest of the part is checked where no survey has done it, once. */
static bool end_of_rows(struct xlsx_reader *r, struct err *err)
{
    r->cells.warned_row = XLSX_MAX_ROWS;
    if (!r->survey.partial || r->checked)
        return true;
    if (!sheet_finish(&r->scan, NULL, NULL, err))
        return false;
    xlsx_notes_add(&r->book, r->entry->name, r->first_row, r->next_row - 1, r->env.warnings);
    r->checked = true;
    return true;
}

static bool read_next(void *self, struct batch **out, struct err *err)
{
    struct xlsx_reader *r = self;
    uint32_t n = 0;
    bool more;

    *out = NULL;
    xlsx_cells_reset(&r->cells);
    r->batch.first_row = r->next_row;
    while (n < r->batch_rows) {
        if (!more_rows(r, &more, err))
            return false;
        if (!more) {
            if (!end_of_rows(r, err))
                return false;
            break;
        }
        if (!xlsx_read_row(r, r->next_row, n, err))
            return false;
        r->next_row++;
        n++;
    }
    xlsx_cells_settle(&r->cells);
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
    if (r->survey.partial) {
        *done = (uint64_t)(r->scan.in.p - r->scan.in.buf);
        *total = (uint64_t)(r->scan.in.end - r->scan.in.buf);
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

static bool read_outgrown(const void *self)
{
    return ((const struct xlsx_reader *)self)->outgrown;
}

static bool read_provisional(const void *self)
{
    const struct xlsx_reader *r = self;

    return r->survey.partial && !r->checked;
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
    .outgrown = read_outgrown,
    .provisional = read_provisional,
    .close = read_close };
