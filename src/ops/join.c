/*
 * The right side of a left join.
 *
 *   store.keys   key bytes -> 1 + row that matches first
 *   store.cells  n_values cells a row, in blocks of JOIN_BLOCK rows
 *   store.next   JOIN_ALL only: the next row with the same key
 *   store.disk   where memory has ended: all of that went there, and the rest of the rows too
 */

#include "ops/join_int.h"

#include "table/spill_file.h"

#include <stdlib.h>

enum { JOIN_BLOCK = 4096 };

/* What is being loaded. */
struct right_side {
    const struct schema *schema;
    const char *label;
    const struct columns *keys, *values;
    const struct cell **cells; /* Of one row, for the disk. */
    uint64_t kept;             /* Rows in memory. */
};

static bool no_room(struct err *err)
{
    return err_set(err, ERR_BUDGET, "the file to bind does not fit into memory");
}

/* Room for `need` elements of `size` bytes: doubles. */
static bool grow(
    struct join_store *s, void *array, size_t *room, size_t need, size_t size, struct err *err)
{
    void **p = array, *bigger;
    size_t want = *room ? *room * 2 : 1024, more;

    if (need <= *room)
        return true;
    if (want > SIZE_MAX / size)
        return err_nomem(err);
    more = (want - *room) * size;
    if (!budget_take(s->budget, more))
        return no_room(err);
    bigger = realloc(*p, want * size);
    if (!bigger) {
        budget_give(s->budget, more);
        return err_nomem(err);
    }
    s->taken += more;
    *p = bigger;
    *room = want;
    return true;
}

static struct cell *store_row(
    struct join_store *s, uint64_t row, uint32_t n_values, struct err *err)
{
    size_t block = row / JOIN_BLOCK;

    if (block >= s->n_blocks) {
        if (!grow(s, &s->blocks, &s->room_blocks, block + 1, sizeof *s->blocks, err))
            return NULL;
        s->blocks[block] =
            arena_calloc(&s->arena, (size_t)JOIN_BLOCK * n_values, sizeof **s->blocks);
        if (!s->blocks[block]) {
            no_room(err);
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
            return no_room(err);
    }
    return true;
}

static bool keep_key(struct join_store *s, uint64_t *slot, struct err *err)
{
    if (!grow(s, &s->kept, &s->room_kept, s->n_kept + 1, sizeof *s->kept, err))
        return false;
    s->kept[s->n_kept++] = slot;
    return true;
}

/* JOIN_ERROR: the key `p` stands on row `number` again. */
static bool fail_duplicate(
    const struct right_side *r, const char *p, size_t n, uint64_t number, struct err *err)
{
    err_set(err, ERR_DATA,
        "%.64s has the key '%.*s' (column '%.64s') more than once, again on row %llu", r->label,
        n > 60 ? 60 : (int)n, p, r->schema->columns[r->keys->at[0]].name,
        (unsigned long long)number);
    err->at.row = number;
    return false;
}

/* JOIN_ALL: hang `row` behind the chain that begins at `first`. */
static bool chain(struct join_store *s, uint64_t first, uint64_t row, struct err *err)
{
    if (!grow(s, &s->next, &s->room_next, row + 1, sizeof *s->next, err) ||
        !grow(s, &s->last, &s->room_last, row + 1, sizeof *s->last, err))
        return false;
    s->next[row] = JOIN_NONE;
    s->last[row] = (int64_t)row;
    if (first != row) {
        s->next[s->last[first]] = (int64_t)row;
        s->last[first] = (int64_t)row;
    }
    return true;
}

/*
 * One row of the right side, whose key is at hand, kept where it can be matched. Where that fails for want of
 * memory it is as if the row had not come, but for what move_to_disk() leaves out.
 */
static bool remember(
    struct join *j, struct right_side *r, const struct batch *b, uint32_t row, struct err *err)
{
    struct join_store *s = j->store;
    char scratch[CELL_SHOWN_MAX];
    uint64_t *slot, at;
    bool added;

    if (!hash_map_put(s->keys, s->key.data, s->key.len, &slot, &added, err))
        return false;
    if (!added && j->options.on_duplicate == JOIN_FIRST) {
        j->duplicates++;
        return true;
    }
    if (!added && j->options.on_duplicate == JOIN_ERROR) {
        size_t n;
        const char *p = cell_shown(&b->columns[r->keys->at[0]][row], scratch, &n);

        return fail_duplicate(r, p, n, batch_row(b, row), err);
    }
    at = !added && j->options.on_duplicate == JOIN_LAST ? *slot - 1 : r->kept;
    if (added)
        *slot = at + 1;
    if ((j->options.on_duplicate == JOIN_ALL && !chain(s, *slot - 1, at, err)) ||
        !keep_cells(s, b, row, r->values, at, err) || (added && !keep_key(s, slot, err)))
        return false;
    r->kept += at == r->kept;
    j->duplicates += !added;
    return true;
}

static void free_memory(struct join_store *s)
{
    hash_map_free(s->keys);
    arena_deinit(&s->arena);
    free(s->blocks);
    free(s->next);
    free(s->last);
    free(s->kept);
    budget_give(s->budget, s->taken);
    s->keys = NULL;
    s->blocks = NULL;
    s->next = s->last = NULL;
    s->kept = NULL;
    s->n_kept = s->room_kept = s->n_blocks = s->room_blocks = 0;
    s->room_next = s->room_last = s->taken = 0;
}

static struct cell *cells_at(const struct join *j, int64_t right)
{
    return j->store->blocks[right / JOIN_BLOCK] + (size_t)(right % JOIN_BLOCK) * j->n_values;
}

/* The rows of one key; those from r->kept on are not quite there. */
static bool move_key(
    struct join *j, struct right_side *r, const uint64_t *slot, struct buf *key, struct err *err)
{
    size_t n;
    const char *p = hash_map_key(slot, &n);

    buf_reset(key);
    buf_add(key, p, n);
    if (!buf_ok(key, "a key", err))
        return false;
    for (int64_t at = (int64_t)*slot - 1; at >= 0 && (uint64_t)at < r->kept;
         at = j->store->next ? j->store->next[at] : JOIN_NONE) {
        const struct cell *cells = cells_at(j, at);

        for (uint32_t v = 0; v < j->n_values; v++)
            r->cells[v] = &cells[v];
        if (!join_disk_add(j->store->disk, key, r->cells, err))
            return false;
    }
    return true;
}

/* Memory has ended: everything goes to disk. */
static bool move_to_disk(struct join *j, struct right_side *r, struct err *err)
{
    static const struct cell no_note = { .type = CELL_BLANK };
    struct join_store *s = j->store;
    struct buf key;
    bool ok = true;

    s->disk = join_disk_new(s->dir, s->budget, &j->options, j->n_values, err);
    if (!s->disk)
        return false;
    buf_init(&key, JOIN_MAX_KEY);
    for (int i = 0; i < JOIN_NOTES; i++) /* Rows in memory repeat no other one. */
        r->cells[j->n_values + (uint32_t)i] = &no_note;
    for (size_t i = 0; ok && i < s->n_kept; i++)
        ok = move_key(j, r, s->kept[i], &key, err);
    buf_deinit(&key);
    free_memory(s);
    if (j->options.on_duplicate == JOIN_ALL)
        j->duplicates = 0; /* They are counted again. */
    return ok;
}

static bool add_to_disk(
    struct join *j, struct right_side *r, const struct batch *b, uint32_t row, struct err *err)
{
    const struct cell *key = &b->columns[r->keys->at[0]][row];
    struct cell notes[JOIN_NOTES];
    char scratch[CELL_SHOWN_MAX];

    for (uint32_t v = 0; v < j->n_values; v++)
        r->cells[v] = &b->columns[r->values->at[v]][row];
    if (j->options.on_duplicate == JOIN_ERROR) {
        size_t n;
        const char *p = cell_shown(key, scratch, &n);

        notes[0] = cell_text(p, n);
        notes[1] = cell_number((double)batch_row(b, row));
        for (uint32_t i = 0; i < JOIN_NOTES; i++)
            r->cells[j->n_values + i] = &notes[i];
    }
    return join_disk_add(j->store->disk, &j->store->key, r->cells, err);
}

static bool load_row(struct join *j, struct right_side *r, const struct join_bend *bend,
    const struct batch *b, uint32_t row, struct err *err)
{
    struct join_store *s = j->store;
    struct err full;
    bool blank;

    if (!join_make_key(bend, b, row, r->keys->at, r->keys->n, &s->scratch, &s->key, &blank, err))
        return false;
    if (blank && !j->options.match_blank)
        return true;
    if (!s->disk) {
        if (remember(j, r, b, row, &full))
            return true;
        if (full.code != ERR_BUDGET && full.code != ERR_NOMEM) {
            *err = full;
            return false;
        }
        if (!move_to_disk(j, r, err))
            return false;
    }
    return add_to_disk(j, r, b, row, err);
}

static bool load_batch(struct join *j, struct right_side *r, const struct batch *b, struct err *err)
{
    struct join_bend bend = join_bend_of(&j->options, NEAR_COUNT);

    if (!j->store->disk && spill_file_wanted(j->store->budget) && !move_to_disk(j, r, err))
        return false;
    for (uint32_t row = 0; row < b->n_rows; row++) {
        if (!load_row(j, r, &bend, b, row, err))
            return false;
    }
    j->rows += b->n_rows;
    return true;
}

/* All rows are there, as far as they could be read. */
static bool end_disk(struct join *j, const struct right_side *r, struct err *err)
{
    struct join_disk *d = j->store->disk;
    const struct cell *cells;
    int64_t repeat;

    if (!join_disk_end(d, err))
        return false;
    j->unique = join_disk_keys(d);
    j->duplicates += join_disk_rows(d) - j->unique;
    repeat = j->options.on_duplicate == JOIN_ERROR ? join_disk_first_repeat(d) : JOIN_NONE;
    if (repeat == JOIN_NONE)
        return true;
    cells = join_disk_cells(d, repeat, &j->lent, err);
    if (!cells)
        return false;
    cells += j->n_values;
    return fail_duplicate(r, cell_is_blank(cells[0]) ? "" : cells[0].text, cells[0].len,
        (uint64_t)cells[1].number, err);
}

static bool load_all(struct join *j, struct source *right, struct right_side *r, struct err *err)
{
    struct batch *b;

    for (;;) {
        struct err fault;

        if (!source_next(right, &b, err)) {
            /* What stands before the fault is told first, as it is in memory. */
            if (j->store->disk && !end_disk(j, r, &fault) && fault.code == ERR_DATA)
                *err = fault;
            return false;
        }
        if (!b)
            break;
        if (!load_batch(j, r, b, err))
            return false;
    }
    if (j->store->disk)
        return end_disk(j, r, err);
    j->unique = hash_map_len(j->store->keys);
    return true;
}

static struct join_store *store_new(const struct op_env *env)
{
    struct join_store *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->dir = env->tmp_dir;
    s->budget = env->budget;
    arena_init(&s->arena, env->budget);
    arena_init(&s->scratch, NULL);
    buf_init(&s->key, JOIN_MAX_KEY);
    return s;
}

void join_deinit(struct join *join)
{
    struct join_store *s = join->store;

    if (!s)
        return;
    join_near_free(s->near);
    join_disk_free(s->disk);
    free_memory(s);
    buf_deinit(&s->key);
    arena_deinit(&s->scratch);
    free(s);
    join->store = NULL;
}

bool join_load(struct join *join, struct source *right, const char *label,
    const struct columns *keys, const struct columns *values, const struct op_env *env,
    struct err *err)
{
    struct right_side r = {
        .schema = source_schema(right), .label = label, .keys = keys, .values = values
    };

    join->n_keys = keys->n;
    join->n_values = values->n;
    join->store = store_new(env);
    if (join->store)
        r.cells = arena_calloc(env->arena, values->n + JOIN_NOTES, sizeof *r.cells);
    if (!r.cells) {
        err_nomem(err);
        goto fail;
    }
    join->store->keys = hash_map_new(env->budget);
    if ((!join->store->keys && !move_to_disk(join, &r, err)) || !load_all(join, right, &r, err))
        goto fail;
    return true;
fail:
    join_deinit(join);
    return false;
}

int64_t join_find(
    struct join *join, const struct batch *b, uint32_t row, const uint32_t *keys, struct err *err)
{
    struct join_store *s = join->store;
    struct join_bend bend = join_bend_of(&join->options, NEAR_COUNT);
    const uint64_t *slot;
    bool blank;

    if (!join_make_key(&bend, b, row, keys, join->n_keys, &s->scratch, &s->key, &blank, err))
        return JOIN_FAILED;
    if (blank && !join->options.match_blank)
        return JOIN_NONE;
    if (s->disk)
        return join_disk_find(s->disk, s->key.data, s->key.len, err);
    slot = hash_map_find(s->keys, s->key.data, s->key.len);
    return slot ? (int64_t)*slot - 1 : JOIN_NONE;
}

int64_t join_next(struct join *join, int64_t right, struct err *err)
{
    if (join->store->disk)
        return join->options.on_duplicate == JOIN_ALL ? join_disk_next(join->store->disk, err)
                                                      : JOIN_NONE;
    return join->store->next ? join->store->next[right] : JOIN_NONE;
}

const struct cell *join_cells(struct join *join, int64_t right, struct err *err)
{
    if (join->store->disk)
        return join_disk_cells(join->store->disk, right, &join->lent, err);
    return cells_at(join, right);
}

void join_forget(struct join *join)
{
    join->lent = 0;
    if (join->store->disk)
        join_disk_forget(join->store->disk);
}
