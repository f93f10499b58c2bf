/*
 * Near misses: would a row without a match have one if keys were bent a little?
 *
 *   bent    for each kind, the keys of the right side that the bending changes, bent; the others are
 *           found among the keys as they stand
 *   index   the same on disk, where memory is short: hash of the bent key -> the key, to be bent again
 */

#include "ops/join_int.h"

#include "table/hash_index.h"
#include "table/spill_file.h"

#include <stdlib.h>

struct join_near_keys {
    struct join_bend bends[NEAR_COUNT];
    struct hash_map *bent[NEAR_COUNT];
    struct hash_index *index[NEAR_COUNT]; /* Instead, where it is on disk. */
    struct buf plain;                     /* The key that did not match. */
    struct buf key;                       /* That key, bent. */
    struct buf other;                     /* One of the right side. */
};

static void free_bent(struct join_near_keys *x)
{
    for (int i = 0; i < NEAR_COUNT; i++) {
        hash_map_free(x->bent[i]);
        x->bent[i] = NULL;
    }
}

void join_near_free(struct join_near_keys *x)
{
    if (!x)
        return;
    free_bent(x);
    for (int i = 0; i < NEAR_COUNT; i++)
        hash_index_free(x->index[i]);
    buf_deinit(&x->plain);
    buf_deinit(&x->key);
    buf_deinit(&x->other);
    free(x);
}

static bool bend_in_memory(
    struct join_store *s, struct join_near_keys *x, int kind, struct err *err)
{
    x->bent[kind] = hash_map_new(s->budget);
    if (!x->bent[kind])
        return err_nomem(err);
    for (size_t i = 0; i < s->n_kept; i++) {
        uint64_t *slot;
        const char *p;
        bool added;
        size_t n;

        p = hash_map_key(s->kept[i], &n);
        if (!join_rebend_key(&x->bends[kind], p, n, &s->scratch, &x->key, err))
            return false;
        if (!join_same_key(&x->key, p, n) &&
            !hash_map_put(x->bent[kind], x->key.data, x->key.len, &slot, &added, err))
            return false;
    }
    return true;
}

/* One key of the right side into the sort, if bending changes it. */
static bool bend_one(struct join_store *s, struct join_near_keys *x, int kind,
    struct hash_sort *sort, uint64_t id, const char *p, size_t n, struct err *err)
{
    if (!join_rebend_key(&x->bends[kind], p, n, &s->scratch, &x->key, err))
        return false;
    return join_same_key(&x->key, p, n) ||
           hash_sort_add(sort, hash_bytes(x->key.data, x->key.len), id, err);
}

static bool bend_all(struct join_store *s, struct join_near_keys *x, int kind,
    struct hash_sort *sort, struct err *err)
{
    int64_t right = JOIN_NONE;
    const char *p;
    size_t n;

    for (size_t i = 0; !s->disk && i < s->n_kept; i++) {
        p = hash_map_key(s->kept[i], &n);
        if (!bend_one(s, x, kind, sort, i, p, n, err))
            return false;
    }
    while (s->disk) {
        if (!join_disk_walk(s->disk, &right, &p, &n, err))
            return false;
        if (right == JOIN_NONE)
            break;
        if (!bend_one(s, x, kind, sort, (uint64_t)right, p, n, err))
            return false;
    }
    return true;
}

static bool bend_on_disk(struct join_store *s, struct join_near_keys *x, int kind, struct err *err)
{
    size_t memory = spill_file_memory(s->budget);
    struct hash_sort *sort = hash_sort_new(s->dir, memory);
    bool ok;

    if (!sort)
        return err_nomem(err);
    ok = bend_all(s, x, kind, sort, err) &&
         hash_index_build(sort, s->dir, memory / NEAR_COUNT, &x->index[kind], err);
    hash_sort_free(sort);
    return ok;
}

/* NULL with the err set. */
static struct join_near_keys *build_near(struct join *j, struct err *err)
{
    struct join_store *s = j->store;
    struct join_near_keys *x = calloc(1, sizeof *x);
    bool in_memory = !s->disk;
    struct err full;

    if (!x) {
        err_nomem(err);
        return NULL;
    }
    buf_init(&x->plain, JOIN_MAX_KEY);
    buf_init(&x->key, JOIN_MAX_KEY);
    buf_init(&x->other, JOIN_MAX_KEY);
    for (int kind = 0; kind < NEAR_COUNT; kind++)
        x->bends[kind] = join_bend_of(&j->options, kind);
    for (int kind = 0; in_memory && kind < NEAR_COUNT; kind++)
        in_memory = !spill_file_wanted(s->budget) && bend_in_memory(s, x, kind, &full);
    if (!in_memory)
        free_bent(x);
    for (int kind = 0; !in_memory && kind < NEAR_COUNT; kind++) {
        if (!bend_on_disk(s, x, kind, err)) {
            join_near_free(x);
            return NULL;
        }
    }
    return x;
}

/* Is x->key what bending makes of a key of the right side that it changes? */
static bool is_bent(
    struct join_store *s, struct join_near_keys *x, int kind, bool *yes, struct err *err)
{
    struct hash_cursor cursor;
    uint64_t id;

    *yes = false;
    if (x->bent[kind]) {
        *yes = hash_map_len(x->bent[kind]) > 0 &&
               hash_map_find(x->bent[kind], x->key.data, x->key.len);
        return true;
    }
    if (hash_index_len(x->index[kind]) == 0)
        return true;
    hash_index_find(x->index[kind], hash_bytes(x->key.data, x->key.len), &cursor);
    for (;;) {
        const char *p;
        bool found;
        size_t n;

        if (!hash_index_next(x->index[kind], &cursor, &id, &found, err))
            return false;
        if (!found)
            return true;
        if (!join_key_at(s, id, &p, &n, err) ||
            !join_rebend_key(&x->bends[kind], p, n, &s->scratch, &x->other, err))
            return false;
        *yes = join_same_key(&x->key, x->other.data, x->other.len);
        if (*yes)
            return true;
    }
}

/* Is x->key a key of the right side as it stands? */
static bool is_key(struct join_store *s, const struct join_near_keys *x, bool *yes, struct err *err)
{
    int64_t right;

    if (!s->disk) {
        *yes = hash_map_find(s->keys, x->key.data, x->key.len);
        return true;
    }
    right = join_disk_find(s->disk, x->key.data, x->key.len, err);
    *yes = right >= 0;
    return right != JOIN_FAILED;
}

bool join_count_near(struct join *join, const struct batch *b, uint32_t row, const uint32_t *keys,
    uint64_t counts[NEAR_COUNT], struct err *err)
{
    struct join_store *s = join->store;
    struct join_bend bend = join_bend_of(&join->options, NEAR_COUNT);
    struct join_near_keys *x = s->near ? s->near : build_near(join, err);
    bool blank, yes;

    if (!x)
        return false;
    s->near = x;
    if (!join_make_key(&bend, b, row, keys, join->n_keys, &s->scratch, &x->plain, &blank, err))
        return false;
    if (blank && !join->options.match_blank)
        return true;
    for (int kind = 0; kind < NEAR_COUNT; kind++) {
        if (!join_rebend_key(
                &x->bends[kind], x->plain.data, x->plain.len, &s->scratch, &x->key, err) ||
            !is_bent(s, x, kind, &yes, err))
            return false;
        if (!yes && !join_same_key(&x->key, x->plain.data, x->plain.len) &&
            !is_key(s, x, &yes, err))
            return false;
        counts[kind] += yes;
    }
    return true;
}
