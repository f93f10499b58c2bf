/*
 * The right side of a join on disk.
 *
 *   rows    key, cells, and under JOIN_ERROR a note: the shown first key, and the row's number
 *   index   hash of the key -> where the row stands
 *
 * A hash only points to rows: what matches is decided by their keys. Rows with one key are found in the
 * order in which they stand; under JOIN_LAST in the opposite order, as their places are turned around.
 * Rows read for a batch are kept until it is done.
 */

#include "ops/join_int.h"

#include "table/hash_index.h"
#include "table/row_file.h"
#include "table/spill_file.h"

#include <stdlib.h>

struct join_disk {
    char *dir;
    size_t memory;
    uint32_t n_cells;
    bool backwards;
    struct row_file *rows;
    struct hash_sort *entries; /* Until the index is made of them. */
    struct hash_index *index;
    uint64_t n_rows;
    /* The key that was found last. */
    struct buf key;
    struct hash_cursor cursor;
    /* Cells that are lent; the row they were read from last. */
    struct arena lent;
    int64_t last;
    struct cell *last_cells;
};

struct join_disk *join_disk_new(const char *dir, const struct budget *budget,
    const struct join_options *options, uint32_t n_values, struct err *err)
{
    struct join_disk *d = calloc(1, sizeof *d);

    if (!d) {
        err_nomem(err);
        return NULL;
    }
    d->memory = spill_file_memory(budget);
    d->n_cells = n_values + (options->on_duplicate == JOIN_ERROR ? JOIN_NOTES : 0);
    d->backwards = options->on_duplicate == JOIN_LAST;
    buf_init(&d->key, JOIN_MAX_KEY);
    arena_init(&d->lent, NULL);
    d->last = JOIN_NONE;
    d->dir = strdup(dir);
    d->entries = hash_sort_new(dir, d->memory);
    if (!d->dir || !d->entries) {
        err_nomem(err);
    } else {
        d->rows = row_file_new(dir, d->n_cells, err);
        if (d->rows)
            return d;
    }
    join_disk_free(d);
    return NULL;
}

void join_disk_free(struct join_disk *d)
{
    if (!d)
        return;
    row_file_free(d->rows);
    hash_sort_free(d->entries);
    hash_index_free(d->index);
    buf_deinit(&d->key);
    arena_deinit(&d->lent);
    free(d->dir);
    free(d);
}

/* A place as the index has it, and the other way round. */
static uint64_t turned(const struct join_disk *d, uint64_t at)
{
    return d->backwards ? ~at : at;
}

bool join_disk_add(
    struct join_disk *d, const struct buf *key, const struct cell *const *cells, struct err *err)
{
    uint64_t at;

    d->n_rows++;
    return row_file_add(d->rows, key->data, key->len, cells, &at, err) &&
           hash_sort_add(d->entries, hash_bytes(key->data, key->len), turned(d, at), err);
}

bool join_disk_end(struct join_disk *d, struct err *err)
{
    if (!row_file_end(d->rows, err) ||
        !hash_index_build(d->entries, d->dir, d->memory, &d->index, err))
        return false;
    hash_sort_free(d->entries);
    d->entries = NULL;
    return true;
}

uint64_t join_disk_rows(const struct join_disk *d)
{
    return d->n_rows;
}

uint64_t join_disk_keys(const struct join_disk *d)
{
    return hash_index_hashes(d->index);
}

int64_t join_disk_first_repeat(const struct join_disk *d)
{
    uint64_t at = hash_index_first_repeat(d->index);

    return at == UINT64_MAX ? JOIN_NONE : (int64_t)turned(d, at);
}

bool join_disk_key(struct join_disk *d, int64_t right, const char **key, size_t *n, struct err *err)
{
    if (!row_file_fetch(d->rows, (uint64_t)right, err))
        return false;
    *key = row_file_key(d->rows, n);
    return true;
}

bool join_disk_walk(
    struct join_disk *d, int64_t *right, const char **key, size_t *n, struct err *err)
{
    bool more;

    if (!(*right == JOIN_NONE ? row_file_first(d->rows, &more, err)
                              : row_file_next(d->rows, &more, err)))
        return false;
    *right = more ? (int64_t)row_file_at(d->rows) : JOIN_NONE;
    if (more)
        *key = row_file_key(d->rows, n);
    return true;
}

int64_t join_disk_next(struct join_disk *d, struct err *err)
{
    uint64_t at;
    bool found;

    for (;;) {
        const char *key;
        size_t n;

        if (!hash_index_next(d->index, &d->cursor, &at, &found, err))
            return JOIN_FAILED;
        if (!found)
            return JOIN_NONE;
        at = turned(d, at);
        if (!join_disk_key(d, (int64_t)at, &key, &n, err))
            return JOIN_FAILED;
        if (join_same_key(&d->key, key, n))
            return (int64_t)at;
    }
}

int64_t join_disk_find(struct join_disk *d, const char *key, size_t n, struct err *err)
{
    buf_reset(&d->key);
    buf_add(&d->key, key, n);
    if (!buf_ok(&d->key, "a key", err))
        return JOIN_FAILED;
    hash_index_find(d->index, hash_bytes(key, n), &d->cursor);
    return join_disk_next(d, err);
}

const struct cell *join_disk_cells(
    struct join_disk *d, int64_t right, size_t *lent, struct err *err)
{
    struct cell *cells;

    if (d->last == right)
        return d->last_cells; /* Rows beside each other often have one key. */
    if (!row_file_fetch(d->rows, (uint64_t)right, err))
        return NULL;
    cells = arena_calloc(&d->lent, d->n_cells, sizeof *cells);
    if (!cells) {
        err_nomem(err);
        return NULL;
    }
    if (!row_file_cells(d->rows, cells, err))
        return NULL;
    for (uint32_t i = 0; i < d->n_cells; i++) {
        if (!cell_keep(&d->lent, &cells[i], &cells[i])) {
            err_nomem(err);
            return NULL;
        }
        *lent += sizeof *cells + (cell_has_text(cells[i]) ? cells[i].len : 0);
    }
    d->last = right;
    d->last_cells = cells;
    return cells;
}

void join_disk_forget(struct join_disk *d)
{
    d->last = JOIN_NONE;
    arena_reset(&d->lent);
}
