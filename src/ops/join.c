/*
 * The right side of a left join.
 *
 *   store.keys   key bytes -> 1 + row that matches first
 *   store.cells  n_values cells a row, in blocks of JOIN_BLOCK rows
 *   store.next   JOIN_ALL only: the next row with the same key
 *   store.near   one map for each kind of near miss, built when the first row fails to match; it holds
 *                only the keys that the bending changes: the others are found in store.keys
 */

#include "ops/join.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "table/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOIN_BLOCK = 4096, JOIN_MAX_KEY = 1 << 20, JOIN_BLANK = 0xffffffff };

struct join_store {
    struct arena arena;   /* Cells, their text, kept keys. */
    struct arena scratch; /* Folded text of one key. */
    struct hash_map *keys;
    struct buf key;   /* The key at hand. */
    struct buf plain; /* The one that a near miss is bent from. */
    struct cell **blocks;
    size_t n_blocks, room_blocks;
    int64_t *next, *last; /* JOIN_ALL: chains; `last` by the first row of the chain. */
    size_t room_rows;
    struct kept_key {
        const char *p;
        size_t n;
    } * kept; /* Distinct keys, as they stood: for near misses. */
    size_t n_kept, room_kept;
    struct hash_map *near[NEAR_COUNT];
    bool near_ready;
};

/* How a key's text is bent before it is compared. */
struct bend {
    bool trim, ignore_case, number, zeros;
};

static struct bend bend_of(const struct join_options *o, int near)
{
    return (struct bend){ .trim = o->trim || near == NEAR_TRIM,
        .ignore_case = o->ignore_case || near == NEAR_IGNORE_CASE,
        .number = near == NEAR_NUMBER_TEXT,
        .zeros = near == NEAR_LEADING_ZEROS };
}

/* "0012" -> "12"; only where all are digits. */
static void strip_zeros(const char **p, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9')
            return;
    }
    for (; *n > 1 && **p == '0'; (*n)--)
        (*p)++;
}

/* Append one part of a key: its length, then its text, bent. */
static bool add_part(
    struct join_store *s, const struct bend *bend, const char *p, size_t n, struct err *err)
{
    char shown[NUM_TEXT_MAX];
    uint32_t len;
    double v;

    if (bend->trim)
        utf8_trim(&p, &n);
    if (bend->ignore_case) {
        p = utf8_fold(&s->scratch, p, n, &n);
        if (!p)
            return err_nomem(err);
    }
    if (bend->number && num_parse(p, n, &v)) {
        n = num_format(v, shown);
        p = shown;
    }
    if (bend->zeros)
        strip_zeros(&p, &n);
    len = (uint32_t)n;
    buf_add(&s->key, &len, sizeof len);
    buf_add(&s->key, p, n);
    return true;
}

/* The key of a row in s->key. *blank tells whether one of its cells is blank. */
static bool make_key(struct join_store *s, const struct bend *bend, const struct batch *b,
    uint32_t row, const uint32_t *keys, uint32_t n_keys, bool *blank, struct err *err)
{
    static const uint32_t no_text = JOIN_BLANK;

    buf_reset(&s->key);
    if (bend->ignore_case)
        arena_reset(&s->scratch);
    *blank = false;
    for (uint32_t k = 0; k < n_keys; k++) {
        const struct cell *cell = &b->columns[keys[k]][row];
        char scratch[CELL_SHOWN_MAX];
        const char *p;
        size_t n;

        if (cell_is_blank(*cell)) {
            *blank = true;
            buf_add(&s->key, &no_text, sizeof no_text);
            continue;
        }
        p = cell_shown(cell, scratch, &n);
        if (!add_part(s, bend, p, n, err))
            return false;
    }
    return buf_ok(&s->key, "a key", err);
}

/* Room for `need` elements of `size` bytes: doubles. */
static bool grow(void *array, size_t *room, size_t need, size_t size, struct err *err)
{
    void **p = array, *bigger;
    size_t want = *room ? *room * 2 : 1024;

    if (need <= *room)
        return true;
    bigger = want > SIZE_MAX / size ? NULL : realloc(*p, want * size);
    if (!bigger)
        return err_nomem(err);
    *p = bigger;
    *room = want;
    return true;
}

static struct cell *store_row(
    struct join_store *s, uint64_t row, uint32_t n_values, struct err *err)
{
    size_t block = row / JOIN_BLOCK;

    if (block >= s->n_blocks) {
        if (!grow(&s->blocks, &s->room_blocks, block + 1, sizeof *s->blocks, err))
            return NULL;
        s->blocks[block] =
            arena_calloc(&s->arena, (size_t)JOIN_BLOCK * n_values, sizeof **s->blocks);
        if (!s->blocks[block]) {
            err_set(err, ERR_BUDGET, "the file to bind does not fit into memory");
            return NULL;
        }
        s->n_blocks = block + 1;
    }
    return s->blocks[block] + (row % JOIN_BLOCK) * n_values;
}

static bool keep_cells(struct join_store *s, const struct batch *b, uint32_t row,
    const struct columns *values, uint64_t at, struct err *err)
{
    struct cell *cells = store_row(s, at, values->n, err);

    if (!cells)
        return false;
    for (uint32_t v = 0; v < values->n; v++) {
        if (!cell_keep(&s->arena, &b->columns[values->at[v]][row], &cells[v]))
            return err_set(err, ERR_BUDGET, "the file to bind does not fit into memory");
    }
    return true;
}

static bool keep_key(struct join_store *s, struct err *err)
{
    char *copy = arena_dup(&s->arena, s->key.data, s->key.len);

    if (!copy)
        return err_set(err, ERR_BUDGET, "the file to bind does not fit into memory");
    if (!grow(&s->kept, &s->room_kept, s->n_kept + 1, sizeof *s->kept, err))
        return false;
    s->kept[s->n_kept++] = (struct kept_key){ copy, s->key.len };
    return true;
}

static bool fail_duplicate(const struct columns *keys, const struct schema *schema,
    const struct batch *b, uint32_t row, const char *label, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    const char *p;
    size_t n;

    p = cell_shown(&b->columns[keys->at[0]][row], scratch, &n);
    err_set(err, ERR_DATA,
        "%.64s has the key '%.*s' (column '%.64s') more than once, again on row %llu", label,
        n > 60 ? 60 : (int)n, p, schema->columns[keys->at[0]].name,
        (unsigned long long)batch_row(b, row));
    err->at.row = batch_row(b, row);
    return false;
}

/* JOIN_ALL: hang `row` behind the chain that begins at `first`. */
static bool chain(struct join_store *s, uint64_t first, uint64_t row, struct err *err)
{
    size_t room = s->room_rows;

    if (!grow(&s->next, &room, row + 1, sizeof *s->next, err) ||
        !grow(&s->last, &s->room_rows, row + 1, sizeof *s->last, err))
        return false;
    s->next[row] = JOIN_NONE;
    s->last[row] = (int64_t)row;
    if (first != row) {
        s->next[s->last[first]] = (int64_t)row;
        s->last[first] = (int64_t)row;
    }
    return true;
}

/* One row of the right side: kept where it can be matched. *kept counts those. */
static bool load_row(struct join *j, const struct schema *schema, const char *label,
    const struct batch *b, uint32_t row, const struct columns *keys, const struct columns *values,
    uint64_t *kept, struct err *err)
{
    struct join_store *s = j->store;
    struct bend bend = bend_of(&j->options, NEAR_COUNT);
    uint64_t *slot, at;
    bool blank, added;

    if (!make_key(s, &bend, b, row, keys->at, keys->n, &blank, err))
        return false;
    if (blank && !j->options.match_blank)
        return true;
    if (!hash_map_put(s->keys, s->key.data, s->key.len, &slot, &added, err))
        return false;
    if (!added) {
        j->duplicates++;
        if (j->options.on_duplicate == JOIN_ERROR)
            return fail_duplicate(keys, schema, b, row, label, err);
        if (j->options.on_duplicate == JOIN_FIRST)
            return true;
    }
    at = !added && j->options.on_duplicate == JOIN_LAST ? *slot - 1 : (*kept)++;
    if (added)
        *slot = at + 1;
    if (j->options.on_duplicate == JOIN_ALL && !chain(s, *slot - 1, at, err))
        return false;
    return keep_cells(s, b, row, values, at, err) && (!added || keep_key(s, err));
}

static struct join_store *store_new(struct budget *budget)
{
    struct join_store *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    arena_init(&s->arena, budget);
    arena_init(&s->scratch, budget);
    buf_init(&s->key, JOIN_MAX_KEY);
    buf_init(&s->plain, JOIN_MAX_KEY);
    s->keys = hash_map_new(budget);
    return s;
}

void join_deinit(struct join *join)
{
    struct join_store *s = join->store;

    if (!s)
        return;
    for (int i = 0; i < NEAR_COUNT; i++)
        hash_map_free(s->near[i]);
    hash_map_free(s->keys);
    buf_deinit(&s->key);
    buf_deinit(&s->plain);
    arena_deinit(&s->arena);
    arena_deinit(&s->scratch);
    free(s->blocks);
    free(s->next);
    free(s->last);
    free(s->kept);
    free(s);
    join->store = NULL;
}

bool join_load(struct join *join, struct source *right, const char *label,
    const struct columns *keys, const struct columns *values, const struct op_env *env,
    struct err *err)
{
    const struct schema *schema = source_schema(right);
    struct batch *b;
    uint64_t kept = 0;

    join->n_keys = keys->n;
    join->n_values = values->n;
    join->store = store_new(env->budget);
    if (!join->store || !join->store->keys) {
        err_nomem(err);
        goto fail;
    }
    for (;;) {
        if (!source_next(right, &b, err))
            goto fail;
        if (!b)
            break;
        for (uint32_t row = 0; row < b->n_rows; row++) {
            if (!load_row(join, schema, label, b, row, keys, values, &kept, err))
                goto fail;
        }
        join->rows += b->n_rows;
    }
    join->unique = hash_map_len(join->store->keys);
    return true;
fail:
    join_deinit(join);
    return false;
}

int64_t join_find(
    struct join *join, const struct batch *b, uint32_t row, const uint32_t *keys, struct err *err)
{
    struct join_store *s = join->store;
    struct bend bend = bend_of(&join->options, NEAR_COUNT);
    const uint64_t *slot;
    bool blank;

    if (!make_key(s, &bend, b, row, keys, join->n_keys, &blank, err))
        return -2;
    if (blank && !join->options.match_blank)
        return JOIN_NONE;
    slot = hash_map_find(s->keys, s->key.data, s->key.len);
    return slot ? (int64_t)*slot - 1 : JOIN_NONE;
}

int64_t join_next(const struct join *join, int64_t right)
{
    return join->store->next ? join->store->next[right] : JOIN_NONE;
}

const struct cell *join_cells(const struct join *join, int64_t right)
{
    return join->store->blocks[right / JOIN_BLOCK] + (size_t)(right % JOIN_BLOCK) * join->n_values;
}

/* A kept key with all of its parts bent once more, in s->key. */
static bool rebend_key(
    struct join_store *s, const struct bend *bend, const struct kept_key *k, struct err *err)
{
    const char *p = k->p, *end = k->p + k->n;

    buf_reset(&s->key);
    arena_reset(&s->scratch);
    while (p < end) {
        uint32_t len;

        memcpy(&len, p, sizeof len);
        p += sizeof len;
        if (len == JOIN_BLANK) {
            buf_add(&s->key, &len, sizeof len);
            continue;
        }
        if (!add_part(s, bend, p, len, err))
            return false;
        p += len;
    }
    return buf_ok(&s->key, "a key", err);
}

static bool same_key(const struct buf *key, const char *p, size_t n)
{
    return key->len == n && memcmp(key->data, p, n) == 0;
}

static bool build_near(struct join *j, struct err *err)
{
    struct join_store *s = j->store;

    for (int kind = 0; kind < NEAR_COUNT; kind++) {
        struct bend bend = bend_of(&j->options, kind);

        s->near[kind] = hash_map_new(s->arena.budget);
        if (!s->near[kind])
            return err_nomem(err);
        for (size_t i = 0; i < s->n_kept; i++) {
            uint64_t *slot;
            bool added;

            if (!rebend_key(s, &bend, &s->kept[i], err))
                return false;
            if (!same_key(&s->key, s->kept[i].p, s->kept[i].n) &&
                !hash_map_put(s->near[kind], s->key.data, s->key.len, &slot, &added, err))
                return false;
        }
    }
    s->near_ready = true;
    return true;
}

/* Is the bent key in s->key that of a right row? `plain` is what it was bent from, and no match. */
static bool near_found(const struct join_store *s, int kind, const struct kept_key *plain)
{
    return (hash_map_len(s->near[kind]) > 0 &&
               hash_map_find(s->near[kind], s->key.data, s->key.len)) ||
           (!same_key(&s->key, plain->p, plain->n) &&
               hash_map_find(s->keys, s->key.data, s->key.len));
}

bool join_count_near(struct join *join, const struct batch *b, uint32_t row, const uint32_t *keys,
    uint64_t counts[NEAR_COUNT], struct err *err)
{
    struct join_store *s = join->store;
    struct bend bend = bend_of(&join->options, NEAR_COUNT);
    struct kept_key plain;
    bool blank;

    if (!s->near_ready && !build_near(join, err))
        return false;
    if (!make_key(s, &bend, b, row, keys, join->n_keys, &blank, err))
        return false;
    if (blank && !join->options.match_blank)
        return true;
    buf_reset(&s->plain);
    buf_add(&s->plain, s->key.data, s->key.len);
    if (!buf_ok(&s->plain, "a key", err))
        return false;
    plain = (struct kept_key){ s->plain.data, s->plain.len };
    for (int kind = 0; kind < NEAR_COUNT; kind++) {
        bend = bend_of(&join->options, kind);
        if (!rebend_key(s, &bend, &plain, err))
            return false;
        counts[kind] += near_found(s, kind, &plain);
    }
    return true;
}
