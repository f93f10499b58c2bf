/*
 * Counting values, of which there may be more than memory holds.
 *
 *   known    type and shown text -> 1 + place in tallies; values that came before memory ended
 *   cells    on disk: each cell since then that is not known
 *   hashes   their hashes, with where they stand, to be sorted: the same hash is the same value
 *
 * A known value goes on being counted in memory, so values that come often hardly ever see the disk.
 */

#include "ops/rules/frequent.h"

#include "base/buf.h"
#include "table/hash_sort.h"
#include "table/row_file.h"

#include <stdlib.h>

enum { FIRST_TALLIES = 256 };
#define KEY_MAX ((size_t)UINT32_MAX + CELL_SHOWN_MAX)

struct tally {
    struct cell cell;
    uint64_t count;
};

struct frequent {
    const struct spill_place *place;
    struct arena arena; /* Texts of tallies. */
    struct hash_map *known;
    struct tally *tallies; /* In order of first appearance. */
    size_t n, room;
    struct buf key;
    struct hash_sort *hashes; /* NULL as long as memory goes. */
    struct row_file *cells;
};

struct frequent *frequent_new(const struct spill_place *place)
{
    struct frequent *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->place = place;
    arena_init(&f->arena, place->budget);
    buf_init(&f->key, KEY_MAX);
    f->known = hash_map_new(place->budget); /* Without it, all are counted on disk. */
    return f;
}

static void forget_known(struct frequent *f)
{
    hash_map_free(f->known);
    f->known = NULL;
    if (f->tallies)
        budget_give(f->place->budget, f->room * sizeof *f->tallies);
    free(f->tallies);
    f->tallies = NULL;
    f->n = f->room = 0;
    arena_deinit(&f->arena);
}

void frequent_free(struct frequent *f)
{
    if (!f)
        return;
    forget_known(f);
    buf_deinit(&f->key);
    hash_sort_free(f->hashes);
    row_file_free(f->cells);
    free(f);
}

static bool make_key(struct frequent *f, const struct cell *cell, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *p = cell_shown(cell, scratch, &n);

    buf_reset(&f->key);
    buf_addc(&f->key, (char)cell->type);
    buf_add(&f->key, p, n);
    return !f->key.failed || err_nomem(err);
}

static bool grow(struct frequent *f)
{
    struct tally *grown =
        spill_file_grow(f->place->budget, f->tallies, &f->room, FIRST_TALLIES, sizeof *grown);

    if (grown)
        f->tallies = grown;
    return grown != NULL;
}

/* Count a value that is not known, and know it; false when memory does not allow for that. */
static bool know(struct frequent *f, const struct cell *cell)
{
    struct tally *t;
    struct err full;
    uint64_t *slot;
    bool added;

    if (!f->known || spill_file_wanted(f->place->budget) || (f->n == f->room && !grow(f)))
        return false;
    t = &f->tallies[f->n];
    t->count = 1;
    if (!cell_keep(&f->arena, cell, &t->cell) ||
        !hash_map_put(f->known, f->key.data, f->key.len, &slot, &added, &full))
        return false;
    *slot = ++f->n;
    return true;
}

static bool go_to_disk(struct frequent *f, struct err *err)
{
    f->cells = row_file_new(f->place->dir, 1, err);
    if (!f->cells)
        return false;
    f->hashes = hash_sort_new(f->place->dir, f->place->memory);
    return f->hashes || err_nomem(err);
}

bool frequent_add(struct frequent *f, const struct cell *cell, struct err *err)
{
    const uint64_t *slot;
    uint64_t at;

    if (!make_key(f, cell, err))
        return false;
    slot = f->known ? hash_map_find(f->known, f->key.data, f->key.len) : NULL;
    if (slot) {
        f->tallies[*slot - 1].count++;
        return true;
    }
    if (!f->hashes && know(f, cell))
        return true;
    if (!f->hashes && !go_to_disk(f, err))
        return false;
    return row_file_add(f->cells, NULL, 0, &cell, &at, err) &&
           hash_sort_add(f->hashes, hash_bytes(f->key.data, f->key.len), at, err);
}

/* Where the most frequent of the cells on disk stands first, and how often it is there. */
static bool most_on_disk(struct frequent *f, uint64_t *at, uint64_t *most, struct err *err)
{
    struct hash_entry e, first = { .value = 0 };
    uint64_t count = 0;
    bool more;

    *most = 0;
    if (!hash_sort_end(f->hashes, err))
        return false;
    for (;;) {
        if (!hash_sort_next(f->hashes, &e, &more, err))
            return false;
        if (!more)
            return true;
        if (count == 0 || !hash_same(e.hash, first.hash)) {
            first = e;
            count = 0;
        }
        count++;
        if (count > *most || (count == *most && first.value < *at)) {
            *most = count;
            *at = first.value;
        }
    }
}

static bool fetch(struct frequent *f, uint64_t at, struct cell *out, struct err *err)
{
    return row_file_end(f->cells, err) && row_file_fetch(f->cells, at, err) &&
           row_file_cells(f->cells, out, err);
}

bool frequent_end(struct frequent *f, struct arena *arena, struct cell *out, struct err *err)
{
    uint64_t most = 0, disk = 0, at = 0;
    struct cell best = cell_blank();

    for (size_t i = 0; i < f->n; i++) {
        if (f->tallies[i].count > most) {
            most = f->tallies[i].count;
            best = f->tallies[i].cell;
        }
    }
    if (f->hashes && !most_on_disk(f, &at, &disk, err))
        return false;
    /* What is on disk came later. */
    if (disk > most && !fetch(f, at, &best, err))
        return false;
    if (!cell_keep(arena, &best, out))
        return err_set(err, ERR_BUDGET, "the most frequent value does not fit into memory");
    forget_known(f);
    return true;
}
