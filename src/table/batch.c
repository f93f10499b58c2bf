/*
 * Batches: their memory, and picking rows out of them.
 */

#include "table/batch.h"

/*
 * Cells between the starts of two columns. A little more than the rows, as columns whose
 * addresses differ by a power of two would fight for the same few lines of the cache.
 */
enum { COLUMN_PITCH = BATCH_ROWS + 12 };

struct batch *batch_new(struct arena *arena, uint32_t n_columns)
{
    struct batch *b = arena_calloc(arena, 1, sizeof *b);
    struct cell *cells;
    size_t size;

    if (!b || __builtin_mul_overflow((size_t)n_columns, COLUMN_PITCH * sizeof *cells, &size))
        return NULL;
    b->columns = arena_calloc(arena, n_columns, sizeof(struct cell *));
    cells = arena_alloc(arena, size);
    if (!b->columns || !cells)
        return NULL;
    b->n_columns = n_columns;
    for (uint32_t c = 0; c < n_columns; c++)
        b->columns[c] = cells + (size_t)c * COLUMN_PITCH;
    return b;
}

uint64_t *batch_new_rows(struct arena *arena)
{
    return arena_alloc(arena, BATCH_ROWS * sizeof(uint64_t));
}

void batch_gather(const struct batch *in, const uint32_t *picks, uint32_t n, struct batch *out)
{
    uint64_t *rows = (uint64_t *)(uintptr_t)out->rows; /* Ours: const is for those it is lent to. */

    for (uint32_t c = 0; c < in->n_columns; c++) {
        const struct cell *from = in->columns[c];
        struct cell *to = out->columns[c];

        for (uint32_t i = 0; i < n; i++)
            to[i] = from[picks[i]];
    }
    for (uint32_t i = 0; i < n; i++)
        rows[i] = batch_row(in, picks[i]);
    out->n_rows = n;
}
