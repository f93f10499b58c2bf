/*
 * The first look at a sheet, at all of it or its top.
 */
#include "formats/xlsx_survey.h"

#include <stdlib.h>

uint32_t xlsx_survey_top_rows;

struct look {
    struct xlsx_survey *out;
    struct arena *arena; /* NULL: merges are not collected. */
    size_t room;
    const char *label;
};

static bool on_merged(void *arg, const struct sheet_range *range, struct err *err)
{
    struct look *l = arg;
    struct xlsx_survey *out = l->out;

    if (range->row1 == range->row2 && range->col1 == range->col2)
        return true;
    if (out->n_merges == XLSX_MAX_MERGES)
        return err_set(err, ERR_BUDGET, "'%s': the sheet has more than %d merged ranges", l->label,
            XLSX_MAX_MERGES);
    if (out->n_merges == l->room) {
        struct sheet_range *more;

        l->room = l->room ? l->room * 2 : 64;
        more = arena_calloc(l->arena, l->room, sizeof *more);
        if (!more)
            return err_set(err, ERR_BUDGET,
                "'%s': the merged ranges of the sheet need more memory than the limit allows",
                l->label);
        if (out->n_merges)
            memcpy(more, out->merges, out->n_merges * sizeof *more);
        out->merges = more;
    }
    out->merges[out->n_merges++] = *range;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct sheet_range *x = a, *y = b;

    if (x->row1 != y->row1)
        return x->row1 < y->row1 ? -1 : 1;
    return x->col1 < y->col1 ? -1 : x->col1 > y->col1;
}

void xlsx_survey_sort_merges(struct xlsx_survey *out)
{
    if (out->n_merges)
        qsort(out->merges, out->n_merges, sizeof *out->merges, by_place);
}

void xlsx_survey_merged(struct xlsx_survey *out, const struct sheet_cell *c, uint32_t from)
{
    struct sheet_range key = { .row1 = c->row, .col1 = c->col };
    const struct sheet_range *r = bsearch(&key, out->merges, out->n_merges, sizeof key, by_place);

    if (!r || r->row2 < from)
        return;
    if (r->col2 + 1 < XLSX_MAX_COLUMNS && r->col2 + 1 > out->width)
        out->width = r->col2 + 1;
    if (r->row2 < XLSX_MAX_ROWS && r->row2 > out->last_row)
        out->last_row = r->row2;
}

void xlsx_survey_value(struct xlsx_survey *out, const struct sheet_cell *c)
{
    if (out->first_row == 0 || c->row < out->first_row)
        out->first_row = c->row;
    if (c->row > out->last_row)
        out->last_row = c->row;
    if (c->col >= out->width)
        out->width = c->col + 1;
}

/* Every cell, in full, of at most `limit` rows from `from` on. */
static bool look_exactly(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from,
    uint32_t limit, struct xlsx_survey *out, struct err *err)
{
    struct sheet_cell c;
    enum sheet_event event;
    uint32_t row = s->row, rows = 0;

    for (;;) {
        if (!sheet_next(s, &c, &event, err))
            return false;
        if (event == SHEET_END)
            break;
        if (event == SHEET_ROW) {
            if (s->row <= row)
                out->ordered = false;
            row = s->row;
            if (row >= from && rows++ == limit) {
                out->partial = true;
                break;
            }
        } else if (c.row >= from && !xlsx_cells_blank(strings, &c)) {
            xlsx_survey_value(out, &c);
        }
    }
    if (s->repositioned)
        out->ordered = false;
    return true;
}

bool xlsx_survey(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from, bool skim,
    struct arena *merges, struct xlsx_survey *out, struct err *err)
{
    struct look look = { .out = out, .arena = merges, .label = s->in.label };

    *out = (struct xlsx_survey){ .ordered = true };
    if (skim && !xlsx_skim(s, strings, from, out, err))
        return false;
    if (out->irregular)
        return true;
    if (!look_exactly(s, strings, from, UINT32_MAX, out, err) ||
        !sheet_finish(s, merges ? on_merged : NULL, &look, err))
        return false;
    xlsx_survey_sort_merges(out);
    return true;
}

bool xlsx_survey_top(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from,
    struct xlsx_survey *out, struct err *err)
{
    *out = (struct xlsx_survey){ .ordered = true };
    return look_exactly(s, strings, from,
               xlsx_survey_top_rows ? xlsx_survey_top_rows : XLSX_TOP_ROWS, out, err) &&
           (out->partial || sheet_finish(s, NULL, NULL, err));
}

bool xlsx_survey_merges(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from,
    struct xlsx_survey *survey, struct err *err)
{
    struct sheet_cell c;
    enum sheet_event event;

    for (;;) {
        if (!sheet_next(s, &c, &event, err))
            return false;
        if (event == SHEET_END)
            return true;
        if (event == SHEET_CELL && !xlsx_cells_blank(strings, &c))
            xlsx_survey_merged(survey, &c, from);
    }
}
