#ifndef OPS_JOIN_INT_H
#define OPS_JOIN_INT_H

/*
 * What the files of the join share.
 *
 *   join.c        the right side in memory, until it is too much of it
 *   join_disk.c   the right side on disk
 *   join_key.c    keys: how they are made and bent
 *   join_near.c   near misses
 */

#include "ops/join.h"

#include "base/buf.h"
#include "table/hash.h"

enum {
    JOIN_MAX_KEY = 1 << 20,
    JOIN_NOTES = 2 /* Cells behind the values of a row on disk under JOIN_ERROR. */
};

/* ---- keys ---- */

/* How a key's text is bent before it is compared. */
struct join_bend {
    bool trim, ignore_case, number, zeros;
};

/* As the options say, and by one kind of near miss; NEAR_COUNT: by none. */
struct join_bend join_bend_of(const struct join_options *o, int near);
/* The key of a row in `key`. *blank tells whether one of its cells is blank. `scratch` is reset. */
bool join_make_key(const struct join_bend *bend, const struct batch *b, uint32_t row,
    const uint32_t *columns, uint32_t n, struct arena *scratch, struct buf *key, bool *blank,
    struct err *err) MUST_CHECK;
/* The key p[0..n) with all of its parts bent once more, in `key`. `scratch` is reset. */
bool join_rebend_key(const struct join_bend *bend, const char *p, size_t n, struct arena *scratch,
    struct buf *key, struct err *err) MUST_CHECK;

static inline bool join_same_key(const struct buf *key, const char *p, size_t n)
{
    return key->len == n && memcmp(key->data, p, n) == 0;
}

/* ---- the right side on disk ---- */

struct join_disk;

/* Of rows with n_values cells and, under JOIN_ERROR, a note. */
struct join_disk *join_disk_new(const char *dir, const struct budget *budget,
    const struct join_options *options, uint32_t n_values, struct err *err);
void join_disk_free(struct join_disk *d);
bool join_disk_add(struct join_disk *d, const struct buf *key, const struct cell *const *cells,
    struct err *err) MUST_CHECK;
/* No more rows come: the index is made. */
bool join_disk_end(struct join_disk *d, struct err *err) MUST_CHECK;
uint64_t join_disk_rows(const struct join_disk *d);
uint64_t join_disk_keys(const struct join_disk *d); /* Different ones. */
/* The first row whose key was there already, or JOIN_NONE. */
int64_t join_disk_first_repeat(const struct join_disk *d);
/* As join_find(), join_next(); the latter goes on from the former. */
int64_t join_disk_find(struct join_disk *d, const char *key, size_t n, struct err *err);
int64_t join_disk_next(struct join_disk *d, struct err *err);
/* All cells of a row, the note's too; valid until join_disk_forget(). Adds to *lent. */
const struct cell *join_disk_cells(
    struct join_disk *d, int64_t right, size_t *lent, struct err *err);
void join_disk_forget(struct join_disk *d);
/* The key of a row, valid until the next call. */
bool join_disk_key(
    struct join_disk *d, int64_t right, const char **key, size_t *n, struct err *err) MUST_CHECK;
/* Walk all keys: *right is JOIN_NONE at first, and at the end. */
bool join_disk_walk(
    struct join_disk *d, int64_t *right, const char **key, size_t *n, struct err *err) MUST_CHECK;

/* ---- all of it ---- */

struct join_near_keys;
void join_near_free(struct join_near_keys *near);

struct join_store {
    const char *dir;
    struct budget *budget;
    struct arena arena;   /* Cells and their text. */
    struct arena scratch; /* Folded text of one key. */
    struct hash_map *keys;
    struct buf key; /* The key at hand. */
    struct cell **blocks;
    size_t n_blocks, room_blocks;
    int64_t *next, *last; /* JOIN_ALL: chains; `last` by the first row of the chain. */
    size_t room_next, room_last;
    uint64_t **kept; /* The values in `keys`, in the order of their coming. */
    size_t n_kept, room_kept;
    size_t taken;                /* Of the budget, for the arrays. */
    struct join_disk *disk;      /* NULL: all of the above; else none of it but the key. */
    struct join_near_keys *near; /* NULL until a row fails to match. */
};

/* A key of the right side by a number: the place in `kept`, or the row on disk. */
static inline bool join_key_at(
    struct join_store *s, uint64_t id, const char **key, size_t *n, struct err *err)
{
    if (s->disk)
        return join_disk_key(s->disk, (int64_t)id, key, n, err);
    *key = hash_map_key(s->kept[id], n);
    return true;
}

#endif
