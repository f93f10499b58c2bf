/*
 * Hidden rows and columns of a sheet, found in a pass of their own.
 *
 *   <cols><col min="2" max="3" hidden="1"/></cols> ... <row r="7" hidden="1">
 */
#include "formats/xlsx_gaps.h"

#include "formats/xls_sheet.h"
#include "formats/xlsx_read_int.h"

#include <stdlib.h>

struct gaps {
    struct xlsx_reader *r;
    struct source_gaps *out;
    size_t room;
    bool ordered;
};

static bool over_budget(const struct xlsx_reader *r, struct err *err)
{
    return err_set(err, ERR_BUDGET,
        "'%s': the hidden rows of sheet '%s' need more memory than the limit allows", r->name,
        r->cells.sheet);
}

static bool add_row(struct gaps *g, uint32_t row, struct err *err)
{
    struct source_gaps *out = g->out;

    if (out->n_rows == g->room) {
        size_t room = g->room ? g->room * 2 : 64;
        uint32_t *more = arena_alloc(&g->r->arena, room * sizeof *more);

        if (!more)
            return over_budget(g->r, err);
        if (out->n_rows)
            memcpy(more, out->rows, out->n_rows * sizeof *more);
        out->rows = more;
        g->room = room;
    }
    g->ordered = g->ordered && (out->n_rows == 0 || out->rows[out->n_rows - 1] < row);
    out->rows[out->n_rows++] = row;
    return true;
}

static bool hide_columns(struct gaps *g, uint32_t first, uint32_t last, struct err *err)
{
    struct source_gaps *out = g->out;

    if (!out->columns) {
        out->columns = arena_calloc(&g->r->arena, XLSX_MAX_COLUMNS, sizeof *out->columns);
        out->n_columns = XLSX_MAX_COLUMNS;
        if (!out->columns)
            return over_budget(g->r, err);
    }
    for (uint32_t c = first; c <= last && c < XLSX_MAX_COLUMNS; c++)
        out->columns[c] = true;
    return true;
}

static bool is_true(const struct xml_token *t, const char *name)
{
    struct str value;

    return xml_attr_find(t->attrs, name, &value) && (str_is(value, "1") || str_is(value, "true"));
}

static uint32_t number_of(const struct xml_token *t, const char *name, uint32_t otherwise)
{
    struct str value;
    int64_t v;

    return xml_attr_find(t->attrs, name, &value) && num_parse_int(value.p, value.n, &v) && v > 0 &&
                   v <= XLSX_MAX_ROWS
               ? (uint32_t)v
               : otherwise;
}

static bool look_through(struct gaps *g, struct xml_input *in, struct err *err)
{
    struct xml_token t;
    uint32_t row = 0;

    for (;;) {
        struct str local;

        if (!xml_input_next(in, &t, err))
            return false;
        if (t.kind == XML_MORE)
            return true;
        if (t.kind != XML_START && t.kind != XML_EMPTY)
            continue;
        local = xml_local(t.name);
        if (str_is(local, "row")) {
            row = number_of(&t, "r", row + 1);
            if (is_true(&t, "hidden") && !add_row(g, row, err))
                return false;
        } else if (str_is(local, "col") && is_true(&t, "hidden")) {
            uint32_t first = number_of(&t, "min", 1), last = number_of(&t, "max", first);

            if (!hide_columns(g, first - 1, last - 1, err))
                return false;
        }
    }
}

static bool look_at_part(struct gaps *g, struct err *err)
{
    struct xlsx_reader *r = g->r;
    struct zip_stream *stream;
    struct xml_input in;
    bool ok;

    if (!zip_stream_open(r->zip, r->entry, &stream, err))
        return false;
    ok = xml_input_open(&in, stream, r->name, r->env.budget, err);
    if (ok) {
        ok = look_through(g, &in, err);
        xml_input_close(&in);
    }
    zip_stream_close(stream);
    return ok;
}

static bool look_at_old_sheet(struct gaps *g, struct err *err)
{
    const struct xls_sheet *s = (const struct xls_sheet *)(const void *)g->r->feed;

    for (uint32_t row = 0; row < XLS_MAX_ROWS; row++) {
        if (s->hidden[row / 8] >> row % 8 & 1 && !add_row(g, row + 1, err))
            return false;
    }
    for (uint32_t c = 0; c < XLS_MAX_COLUMNS; c++) {
        if (s->hidden_columns[c] && !hide_columns(g, c, c, err))
            return false;
    }
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

bool xlsx_gaps_load(struct xlsx_reader *r, bool hidden, struct source_gaps *out, struct err *err)
{
    struct gaps g = { .r = r, .out = out, .ordered = true };

    *out = (struct source_gaps){ .totals = r->book.totals_row };
    if (!hidden || r->batch.n_columns == 0)
        return true;
    if (!(r->feed ? look_at_old_sheet(&g, err) : look_at_part(&g, err)))
        return false;
    if (!g.ordered)
        qsort(out->rows, out->n_rows, sizeof *out->rows, by_number);
    return true;
}
