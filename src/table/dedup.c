/*
 * Removing repeated rows.
 *
 *   seen    hashes of the rows that went out at once
 *   aside   the rows that were set aside, numbered from 0
 *   later   their hashes, to be sorted; gone once `is_new` has a bit for each of those rows
 */

#include "table/dedup.h"

#include "table/hash_sort.h"
#include "table/spill.h"
#include "table/spill_file.h"

#include <stdlib.h>

struct dedup {
    char *dir;
    struct budget *budget;
    struct hash_set *seen;
    struct batch *gathered;
    uint64_t *row_numbers;
    /* Where memory has ended. */
    struct hash_sort *later;
    struct spill *aside;
    uint64_t n_aside;
    uint8_t *is_new;
    uint64_t at; /* The next row set aside to be looked at. */
};

struct dedup *dedup_new(
    const char *dir, struct budget *budget, struct arena *arena, uint32_t n_columns)
{
    struct dedup *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->budget = budget;
    d->dir = strdup(dir);
    d->gathered = batch_new(arena, n_columns);
    d->row_numbers = batch_new_rows(arena);
    d->seen = hash_set_new(budget);
    if (d->dir && d->gathered && d->row_numbers && d->seen) {
        d->gathered->rows = d->row_numbers;
        return d;
    }
    dedup_free(d);
    return NULL;
}

void dedup_free(struct dedup *d)
{
    if (!d)
        return;
    hash_set_free(d->seen);
    hash_sort_free(d->later);
    spill_free(d->aside);
    free(d->is_new);
    free(d->dir);
    free(d);
}

static bool begin_aside(struct dedup *d, struct err *err)
{
    d->later = hash_sort_new(d->dir, spill_file_memory(d->budget));
    d->aside = spill_new(d->dir, d->gathered->n_columns, 0);
    return (d->later && d->aside) || err_nomem(err);
}

/* Some of the rows: themselves where that is all of them. */
static const struct batch *some_rows(
    struct dedup *d, const struct batch *rows, const uint32_t *picks, uint32_t n)
{
    if (n == rows->n_rows)
        return rows;
    batch_gather(rows, picks, n, d->gathered);
    return d->gathered;
}

/* The rows from `row` on: dropped when they are known, else set aside. */
static bool push_aside(struct dedup *d, const struct batch *b, uint32_t row,
    const uint32_t *columns, uint32_t n, const struct batch *rows, uint64_t *dropped,
    struct err *err)
{
    uint32_t picks[BATCH_ROWS], n_picks = 0;

    for (; row < b->n_rows; row++) {
        struct hash128 h = hash_row(b, row, columns, n);

        if (hash_set_has(d->seen, h)) {
            (*dropped)++;
            continue;
        }
        if (!hash_sort_add(d->later, h, d->n_aside, err))
            return false;
        d->n_aside++;
        picks[n_picks++] = row;
    }
    return n_picks == 0 || spill_write(d->aside, some_rows(d, rows, picks, n_picks), err);
}

/* The hash could not be remembered: is that because memory has ended? Then rows go to disk from now on. */
static bool go_aside(struct dedup *d, const struct err *full, struct err *err)
{
    if (full->code == ERR_BUDGET || full->code == ERR_NOMEM)
        return begin_aside(d, err);
    *err = *full;
    return false;
}

bool dedup_push(struct dedup *d, const struct batch *b, const uint32_t *columns, uint32_t n,
    const struct batch *rows, const struct batch **out, uint64_t *dropped, struct err *err)
{
    uint32_t picks[BATCH_ROWS], n_picks = 0, row = 0;
    struct err full;

    for (; row < b->n_rows && !d->later; row++) {
        bool added;

        if (!hash_set_add(d->seen, hash_row(b, row, columns, n), &added, &full)) {
            if (!go_aside(d, &full, err))
                return false;
            break;
        }
        if (added)
            picks[n_picks++] = row;
    }
    *dropped += row - n_picks;
    if (row < b->n_rows && !push_aside(d, b, row, columns, n, rows, dropped, err))
        return false;
    *out = n_picks ? some_rows(d, rows, picks, n_picks) : NULL;
    return true;
}

/* Which of the rows set aside are the first of their kind? */
static bool resolve(struct dedup *d, struct err *err)
{
    struct hash_entry e, last = { .value = 0 };
    bool more, first = true;

    hash_set_free(d->seen); /* Its memory is of better use now. */
    d->seen = NULL;
    d->is_new = calloc(d->n_aside / 8 + 1, 1);
    if (!d->is_new)
        return err_nomem(err);
    if (!hash_sort_end(d->later, err))
        return false;
    for (;;) {
        if (!hash_sort_next(d->later, &e, &more, err))
            return false;
        if (!more)
            break;
        if (first || !hash_same(e.hash, last.hash))
            d->is_new[e.value / 8] |= (uint8_t)(1u << e.value % 8);
        first = false;
        last = e;
    }
    hash_sort_free(d->later);
    d->later = NULL;
    return spill_rewind(d->aside, err);
}

bool dedup_next(struct dedup *d, const struct batch **out, uint64_t *dropped, struct err *err)
{
    *out = NULL;
    if (!d->aside)
        return true;
    if (!d->is_new && !resolve(d, err))
        return false;
    for (;;) {
        uint32_t picks[BATCH_ROWS], n = 0;
        const struct batch *b;

        if (!spill_next(d->aside, &b, err))
            return false;
        if (!b)
            return true;
        for (uint32_t row = 0; row < b->n_rows; row++, d->at++) {
            if (d->is_new[d->at / 8] >> d->at % 8 & 1)
                picks[n++] = row;
        }
        *dropped += b->n_rows - n;
        if (n > 0) {
            *out = some_rows(d, b, picks, n);
            return true;
        }
    }
}
