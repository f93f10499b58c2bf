/*
 * Filling merged ranges.
 *
 * Ranges of a sheet do not overlap, so in any row a column belongs to one at most: owner[col]. That
 * bounds the work per row by its width, however many ranges there are.
 */
#include "formats/xlsx_merge.h"

#include <stdlib.h>

struct xlsx_merge {
    const struct sheet_range *ranges;
    size_t n, next; /* ranges[next] begins at the next row or below. */
    uint32_t width;
    uint32_t active;     /* Columns that have an owner. */
    uint32_t *last;      /* Per column: the last row of its range; 0: no owner. */
    struct cell *value;  /* Per column. */
    struct arena memory; /* last and value. */
    struct arena text;   /* Of the values. */
};

bool xlsx_merge_new(const struct sheet_range *ranges, size_t n, uint32_t width,
    struct budget *budget, struct xlsx_merge **out, struct err *err)
{
    struct xlsx_merge *m = malloc(sizeof *m);

    if (!m)
        return err_nomem(err);
    *m = (struct xlsx_merge){ .ranges = ranges, .n = n, .width = width };
    arena_init(&m->memory, budget);
    arena_init(&m->text, budget);
    m->last = arena_calloc(&m->memory, width, sizeof *m->last);
    m->value = arena_calloc(&m->memory, width, sizeof *m->value);
    if (!m->last || !m->value) {
        xlsx_merge_free(m);
        return err_nomem(err);
    }
    *out = m;
    return true;
}

void xlsx_merge_free(struct xlsx_merge *m)
{
    if (!m)
        return;
    arena_deinit(&m->memory);
    arena_deinit(&m->text);
    free(m);
}

void xlsx_merge_rewind(struct xlsx_merge *m)
{
    memset(m->last, 0, m->width * sizeof *m->last);
    m->active = 0;
    m->next = 0;
    arena_reset(&m->text);
}

static void expire(struct xlsx_merge *m, uint32_t row)
{
    if (m->active == 0)
        return;
    for (uint32_t col = 0; col < m->width; col++) {
        if (m->last[col] && m->last[col] < row) {
            m->last[col] = 0;
            m->active--;
        }
    }
    if (m->active == 0)
        arena_reset(&m->text);
}

static bool begin(struct xlsx_merge *m, struct xlsx_cells *x, const struct sheet_range *r,
    const struct cell *value, struct err *err)
{
    uint32_t end = r->col2 < m->width ? r->col2 + 1 : m->width;
    struct cell keep;

    for (uint32_t col = r->col1; col < end; col++) {
        if (m->last[col]) {
            xlsx_cells_warn(x, "overlapping_merges",
                "merged ranges that overlap another are not filled", r->row1, r->col1);
            return true;
        }
    }
    if (!cell_keep(&m->text, value, &keep))
        return err_nomem(err);
    for (uint32_t col = r->col1; col < end; col++) {
        m->last[col] = r->row2;
        m->value[col] = keep;
        m->active++;
    }
    return true;
}

bool xlsx_merge_fill(struct xlsx_merge *m, struct xlsx_cells *x, uint32_t row,
    struct cell **columns, uint32_t i, struct err *err)
{
    expire(m, row);
    for (; m->next < m->n && m->ranges[m->next].row1 <= row; m->next++) {
        const struct sheet_range *r = &m->ranges[m->next];

        if (r->col1 < m->width && !cell_is_blank(columns[r->col1][i]) &&
            !begin(m, x, r, &columns[r->col1][i], err))
            return false;
    }
    if (m->active == 0)
        return true;
    for (uint32_t col = 0; col < m->width; col++) {
        if (m->last[col] && cell_is_blank(columns[col][i]))
            columns[col][i] = m->value[col];
    }
    return true;
}
