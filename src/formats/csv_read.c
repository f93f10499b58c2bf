/*
 * CSV rows as batches.
 *
 * A batch ends with the block it is cut from, so that its cells may be views into the block; the
 * next call reads on. Repairs are reported the first time a record is met, not again after a
 * rewind.
 */
#include "formats/csv_ahead.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE = 4 }; /* Attempts to parse ahead that come to nothing, and no more in this pass. */

static const struct {
    const char *kind, *message;
} repair_texts[CSV_REPAIR_COUNT] = {
    [CSV_SHORT_ROWS] = { "short_rows",
        "rows with fewer cells than the header were filled up with blanks" },
    [CSV_LONG_ROWS] = { "long_rows",
        "rows with more cells than the header keep them in columns _extra_1, ..." },
    [CSV_QUOTE_TEXT] = { "text_after_quote",
        "text after a closing quote was kept as part of the cell" },
    [CSV_QUOTE_SPACE] = { "space_before_quote",
        "a blank before an opening quote makes the quote part of the cell's text" },
};

/* Count a repair of the record at hand, unless that was done before a rewind. */
static void tell(struct csv_reader *r, enum csv_repair repair)
{
    if (r->records <= r->told)
        return;
    if (r->repairs[repair].places < WARN_PLACES) {
        r->repairs[repair].places++;
        warn_add(r->env->warnings, repair_texts[repair].kind, repair_texts[repair].message,
            "row %llu", (unsigned long long)r->records);
    } else {
        r->repairs[repair].more++;
    }
}

/* Report bad bytes up to the end of the record at hand. */
static void tell_bad_bytes(struct csv_reader *r, uint64_t record_end)
{
    static const char message[] =
        "bytes that are not in the file's encoding were replaced by U+FFFD";

    if (r->going)
        return;
    while (encoding_reader_bad_place(r->encoding, (unsigned)r->bad_told) < record_end) {
        bool header =
            encoding_reader_bad_place(r->encoding, (unsigned)r->bad_told) < r->data_offset;

        warn_add(r->env->warnings, "bad_bytes", message, "row %llu",
            (unsigned long long)(header ? r->header_record : r->records));
        r->bad_told++;
    }
}

/* What was only counted goes to the warnings. */
static void flush_repairs(struct csv_reader *r)
{
    uint64_t bad = r->going ? 0 : encoding_reader_bad(r->encoding, NULL);

    for (int i = 0; i < CSV_REPAIR_COUNT; i++) {
        if (r->repairs[i].more)
            warn_addn(r->env->warnings, repair_texts[i].kind, repair_texts[i].message,
                r->repairs[i].more, NULL);
        r->repairs[i].more = 0;
    }
    if (r->bad_told >= ENCODING_BAD_PLACES && bad > r->bad_told) {
        warn_addn(r->env->warnings, "bad_bytes", "", bad - r->bad_told, NULL);
        r->bad_told = bad;
    }
    if (r->records > r->told)
        r->told = r->records;
}

static void finish_row(struct csv_reader *r, const struct csv_row *row)
{
    uint32_t n = r->schema->n_columns, i = r->batch->n_rows;

    if (row->n_fields != r->n_header) {
        for (uint32_t c = row->n_fields; c < n; c++)
            r->batch->columns[c][i] = cell_blank();
        if (row->n_fields < r->n_header) {
            tell(r, CSV_SHORT_ROWS);
        } else {
            bool filled = false;

            for (uint32_t c = r->n_header; c < n; c++)
                filled |= !cell_is_blank(r->batch->columns[c][i]);
            if (filled)
                tell(r, CSV_LONG_ROWS);
        }
    } else {
        for (uint32_t c = r->n_header; c < n; c++)
            r->batch->columns[c][i] = cell_blank();
    }
    if (row->flags & CSV_TEXT_AFTER_QUOTE)
        tell(r, CSV_QUOTE_TEXT);
    if (row->flags & CSV_SPACE_BEFORE_QUOTE)
        tell(r, CSV_QUOTE_SPACE);
    r->rows[i] = r->records;
    r->batch->n_rows++;
}

/* A blank line is a row where there is one column only or it is asked for, but not behind the last row. */
static void blank_line(struct csv_reader *r)
{
    uint32_t n = r->schema->n_columns;

    if ((n != 1 && !r->blank_rows) || r->records > r->survey.last_record)
        return;
    for (uint32_t c = 0; c < n; c++)
        r->batch->columns[c][r->batch->n_rows] = cell_blank();
    r->rows[r->batch->n_rows++] = r->records;
}

static bool quarantine(struct csv_reader *r, const struct csv_row *row, struct err *err)
{
    char reason[96];
    size_t n = row->end - row->begin;

    if (r->records <= r->told)
        return true;
    if (!r->env->reject) {
        err_set(err, ERR_DATA,
            "%s: row %llu cannot be read: the quote that opens in line %llu is never closed",
            r->name, (unsigned long long)r->records, (unsigned long long)row->open_line);
        err->at.row = r->records;
        return false;
    }
    snprintf(reason, sizeof reason, "the quote that opens in line %llu is never closed",
        (unsigned long long)row->open_line);
    r->quarantined++;
    return r->env->reject(r->env->reject_arg, row->line, reason, r->parser.data + row->begin,
        n < CSV_RAW_MAX ? n : CSV_RAW_MAX, err);
}

static void finish_batch(struct csv_reader *r)
{
    struct batch *b = r->batch;

    flush_repairs(r);
    if (b->n_rows == 0)
        return;
    b->first_row = r->rows[0];
    b->rows = r->rows[b->n_rows - 1] - r->rows[0] == b->n_rows - 1 ? NULL : r->rows;
}

/* The survey of the top has told too little: the caller is to begin again. */
static bool outgrown(struct csv_reader *r, struct err *err)
{
    r->outgrown = true;
    return err_set(err, ERR_INTERNAL, "%s: row %llu is not like those above", r->name,
        (unsigned long long)r->records + 1);
}

/* More text; bytes that are in no UTF-8 may change the judgment of the whole file. */
static bool read_on(struct csv_reader *r, struct err *err)
{
    if (!r->partial)
        return csv_reader_fill(r, err);
    if (!csv_reader_fill(r, err) || encoding_reader_bad(r->encoding, NULL) > 0)
        return outgrown(r, err);
    return true;
}

/* Is it worth parsing ahead what follows the text at hand? */
static bool may_go(const struct csv_reader *r)
{
    uint64_t read = encoding_reader_offset(r->encoding);

    return !r->no_ahead && r->input.step == 0 && !r->input.drained &&
           encoding_reader_bad(r->encoding, NULL) == 0 && r->file_size > read &&
           r->file_size - read >= csv_ahead_limits.worth;
}

/* Parse ahead from here on; false: it cannot be done, and was not. */
static bool go(struct csv_reader *r)
{
    size_t pos = r->parser.pos;

    if (!may_go(r))
        return false;
    if (!r->ahead)
        r->ahead = csv_ahead_new(
            r->encoding, &r->dialect, r->n_header, r->schema->n_columns, r->env->budget);
    r->no_ahead = !r->ahead;
    if (r->ahead &&
        csv_ahead_go(r->ahead, r->input.data + pos, r->input.end - pos, r->input.base + pos)) {
        csv_input_leave(&r->input);
        r->going = true;
    }
    return r->going;
}

/* What the chunks have left is read as it comes. */
static bool take_rest(struct csv_reader *r, const struct csv_chunk *chunk, struct err *err)
{
    r->going = false;
    r->no_ahead = ++r->in_vain >= PATIENCE;
    if (r->partial && encoding_reader_bad(r->encoding, NULL) > 0)
        return outgrown(r, err);
    if (!csv_input_put(&r->input, chunk->text, chunk->n, chunk->base, chunk->drained, err))
        return csv_reader_stuck(r, err);
    csv_reader_feed(r, 0);
    return true;
}

/* The text at hand is used up: the next, or rows of it that are parsed already. */
static bool next_text(struct csv_reader *r, struct batch **rows, struct err *err)
{
    struct csv_chunk chunk;

    *rows = NULL;
    if (!r->going && !go(r))
        return read_on(r, err);
    if (!csv_ahead_next(r->ahead, &chunk, err)) {
        r->going = false;
        return csv_reader_stuck(r, err);
    }
    r->chunk_offset = chunk.offset;
    if (chunk.kind == CSV_CHUNK_REST)
        return take_rest(r, &chunk, err);
    r->in_vain = 0;
    if (chunk.kind == CSV_CHUNK_TEXT) {
        csv_parser_feed(&r->parser, chunk.text, 0, chunk.n, false);
        return true;
    }
    chunk.batch->first_row = r->records + 1;
    r->records += chunk.batch->n_rows;
    r->parser.line += chunk.lines;
    csv_parser_feed(&r->parser, chunk.text, chunk.n, chunk.n, false);
    *rows = chunk.batch;
    return true;
}

/* At the end of the text: what was there when it was surveyed has been read. */
static bool is_whole(const struct csv_reader *r, struct err *err)
{
    if (r->partial || r->records >= r->survey.last_record)
        return true;
    err_set(err, ERR_IO, "%s ends in row %llu now, and had %llu: it was changed while it was read",
        r->name, (unsigned long long)r->records, (unsigned long long)r->survey.last_record);
    err->at.row = r->records;
    return false;
}

static bool csv_read_next(void *self, struct batch **out, struct err *err)
{
    struct csv_reader *r = self;
    struct csv_row row = { .columns = r->batch->columns, .n_columns = r->schema->n_columns };
    enum csv_outcome outcome;

    arena_reset(&r->text);
    r->batch->n_rows = 0;
    while (r->batch->n_rows < r->batch_rows) {
        row.row = r->batch->n_rows;
        outcome = csv_parse(&r->parser, &row);
        if (outcome == CSV_MORE) {
            if (r->batch->n_rows > 0)
                break;
            arena_reset(&r->text);
            if (!next_text(r, out, err))
                return false;
            if (*out) {
                flush_repairs(r);
                return true;
            }
            continue;
        }
        if (outcome == CSV_END) {
            if (!is_whole(r, err))
                return false;
            break;
        }
        if (r->partial &&
            (outcome == CSV_HUGE || (outcome == CSV_ROW && row.n_filled > row.n_columns)))
            return outgrown(r, err);
        if (outcome == CSV_HUGE || outcome == CSV_NOMEM)
            return csv_reader_refuse(r, outcome, &row, err);
        r->records++;
        tell_bad_bytes(r, r->input.base + row.end);
        if (outcome == CSV_ROW)
            finish_row(r, &row);
        else if (outcome == CSV_BLANK)
            blank_line(r);
        else if (!quarantine(r, &row, err))
            return false;
    }
    finish_batch(r);
    *out = r->batch->n_rows ? r->batch : NULL;
    return true;
}

bool csv_reader_to_data(struct csv_reader *r, struct err *err)
{
    csv_ahead_halt(r->ahead);
    r->going = r->no_ahead = false;
    r->in_vain = 0;
    if (!csv_input_rewind(&r->input, err))
        return err_wrap(err, "%s", r->name);
    while (r->input.base + r->input.limit < r->data_offset) {
        size_t pos = r->input.limit;

        if (!csv_input_fill(&r->input, &pos, err))
            return err_wrap(err, "%s", r->name);
    }
    csv_reader_feed(r, (size_t)(r->data_offset - r->input.base));
    r->parser.line = r->data_line;
    r->records = r->data_records;
    return true;
}

static bool csv_read_rewind(void *self, struct err *err)
{
    return csv_reader_to_data(self, err);
}

static void csv_read_position(const void *self, uint64_t *done, uint64_t *total)
{
    const struct csv_reader *r = self;
    uint64_t read, ahead;

    *total = r->file_size;
    if (r->going) {
        *done = r->chunk_offset;
        return;
    }
    read = encoding_reader_offset(r->encoding);
    ahead = r->input.end - r->parser.pos;
    *done = read > ahead ? read - ahead : 0;
}

static uint64_t csv_read_quarantined(const void *self)
{
    const struct csv_reader *r = self;

    return r->quarantined;
}

/* The survey has seen them all. Blank lines are rows where blank_line() makes them some. */
static bool csv_read_count(const void *self, uint64_t *rows)
{
    const struct csv_reader *r = self;

    if (r->partial)
        return false;
    *rows = r->survey.rows;
    if (r->schema->n_columns == 1 || r->blank_rows)
        *rows += r->survey.inner_blank;
    return true;
}

static bool csv_read_outgrown(const void *self)
{
    return ((const struct csv_reader *)self)->outgrown;
}

static bool csv_read_provisional(const void *self)
{
    return ((const struct csv_reader *)self)->partial;
}

static void csv_read_close(void *self)
{
    struct csv_reader *r = self;

    if (!r)
        return;
    csv_ahead_free(r->ahead);
    csv_input_deinit(&r->input);
    encoding_reader_close(r->encoding);
    arena_deinit(&r->text);
    arena_deinit(&r->meta);
    free(r);
}

const struct source_class csv_read_class = {
    .next = csv_read_next,
    .rewind = csv_read_rewind,
    .position = csv_read_position,
    .quarantined = csv_read_quarantined,
    .count = csv_read_count,
    .outgrown = csv_read_outgrown,
    .provisional = csv_read_provisional,
    .close = csv_read_close,
};
