#ifndef TABLE_BATCH_H
#define TABLE_BATCH_H

/*
 * Batches: up to BATCH_ROWS rows, column by column.
 *
 *   columns[0] -> cell cell cell ...   n_rows of them
 *   columns[1] -> cell cell cell ...
 *
 * A batch is lent: it and all its text are valid until the producer is asked for the
 * next one (or, when pushed, until the push returns). Whoever keeps a cell copies it.
 * Consumers do not write into a batch they were lent; they may pass its columns on by
 * pointer in a batch of their own.
 */

#include "table/cell.h"
#include "table/schema.h"

enum { BATCH_ROWS = 2048 };

struct batch {
    uint32_t n_rows, n_columns;
    struct cell **columns;
    /*
     * Where each row stood in the file it came from: sheet row or record number, header
     * included, from 1. NULL: row i stood at first_row + i.
     */
    const uint64_t *rows;
    uint64_t first_row;
};

static inline uint64_t batch_row(const struct batch *b, uint32_t i)
{
    return b->rows ? b->rows[i] : b->first_row + i;
}

/*
 * An empty batch with n_columns arrays of BATCH_ROWS cells (not cleared) in `arena`; NULL when
 * memory ends.
 */
struct batch *batch_new(struct arena *arena, uint32_t n_columns);

/*
 * Gather rows of `in` into `out` (from batch_new(), same number of columns): picks[0..n) are row
 * indexes in rising order. Text is shared with `in`. `rows` of `out` must have been allocated
 * with batch_new_rows().
 */
void batch_gather(const struct batch *in, const uint32_t *picks, uint32_t n, struct batch *out);
uint64_t *batch_new_rows(struct arena *arena);

#endif
