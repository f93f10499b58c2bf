/*
 * An external merge sort of fixed-size entries.
 *
 *   file   run, run, ...   entries in order; a pass of merging writes a new file and closes the old one
 *   heap   the runs that are being merged, the one with the least entry on top
 */

#include "table/hash_sort.h"

#include "table/spill_file.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    FIRST_ENTRIES = 256,
    FAN_MAX = 128,       /* Runs merged at a time, */
    FAN_BYTES = 8 << 10, /* with at least so much memory for each, */
    FAN_MIN = 3,         /* but so many in any case: otherwise merging would not end. */
    CHUNK_MIN = 64       /* Entries read at once. */
};

struct run {
    uint64_t offset, n; /* Bytes in the file; entries. */
};

struct reader {
    uint64_t offset, left; /* Of its run, not yet loaded. */
    struct hash_entry *entries;
    size_t n, at;
};

struct hash_sort {
    char *dir;
    size_t max; /* Entries that may be held, as half of the memory is for sorting them. */
    struct hash_entry *held;
    size_t n_held, room, at;
    uint64_t len;
    int fd; /* -1: no run yet. */
    uint64_t file_size;
    struct run *runs;
    size_t n_runs, room_runs;
    /* Merging. */
    size_t fan, chunk; /* Entries read at once. */
    struct reader *readers;
    struct hash_entry *memory; /* `fan` chunks, and one to write. */
    size_t *heap, n_heap;
};

struct hash_sort *hash_sort_new(const char *dir, size_t memory)
{
    struct hash_sort *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->fd = -1;
    s->dir = strdup(dir);
    if (memory < SPILL_MEMORY_MIN)
        memory = SPILL_MEMORY_MIN;
    s->max = memory / 2 / sizeof *s->held;
    s->fan = memory / FAN_BYTES > FAN_MAX ? FAN_MAX : memory / FAN_BYTES;
    if (s->fan < FAN_MIN)
        s->fan = FAN_MIN;
    s->chunk = memory / (s->fan + 1) / sizeof *s->memory;
    if (s->dir)
        return s;
    hash_sort_free(s);
    return NULL;
}

static void free_merge(struct hash_sort *s)
{
    free(s->readers);
    free(s->memory);
    free(s->heap);
    s->readers = NULL;
    s->memory = NULL;
    s->heap = NULL;
}

void hash_sort_free(struct hash_sort *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free_merge(s);
    free(s->held);
    free(s->runs);
    free(s->dir);
    free(s);
}

uint64_t hash_sort_len(const struct hash_sort *s)
{
    return s->len;
}

int hash_entry_compare(const struct hash_entry *a, const struct hash_entry *b)
{
    if (a->hash.hi != b->hash.hi)
        return a->hash.hi < b->hash.hi ? -1 : 1;
    if (a->hash.lo != b->hash.lo)
        return a->hash.lo < b->hash.lo ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

static int compare(const void *a, const void *b)
{
    return hash_entry_compare(a, b);
}

static void sort_held(struct hash_sort *s)
{
    if (s->n_held > 1)
        qsort(s->held, s->n_held, sizeof *s->held, compare);
}

static bool add_run(struct hash_sort *s, uint64_t offset, uint64_t n, struct err *err)
{
    if (s->n_runs == s->room_runs) {
        size_t room = s->room_runs ? s->room_runs * 2 : 64;
        struct run *runs = reallocarray(s->runs, room, sizeof *runs);

        if (!runs)
            return err_nomem(err);
        s->runs = runs;
        s->room_runs = room;
    }
    s->runs[s->n_runs++] = (struct run){ offset, n };
    return true;
}

/* What is held becomes a run. */
static bool write_run(struct hash_sort *s, struct err *err)
{
    size_t size = s->n_held * sizeof *s->held;

    if (s->fd < 0 && !spill_file_open(s->dir, &s->fd, err))
        return false;
    sort_held(s);
    if (!spill_file_write(s->fd, s->held, size, s->file_size, err) ||
        !add_run(s, s->file_size, s->n_held, err))
        return false;
    s->file_size += size;
    s->n_held = 0;
    return true;
}

/* Room for one more: by growing, else by writing what there is. */
static bool make_room(struct hash_sort *s, struct err *err)
{
    size_t room = s->room ? s->room * 2 : FIRST_ENTRIES;
    struct hash_entry *held;

    if (room > s->max)
        room = s->max;
    held = room > s->room ? reallocarray(s->held, room, sizeof *held) : NULL;
    if (held) {
        s->held = held;
        s->room = room;
        return true;
    }
    return s->n_held > 0 ? write_run(s, err) : err_nomem(err);
}

bool hash_sort_add(struct hash_sort *s, struct hash128 hash, uint64_t value, struct err *err)
{
    if (s->n_held == s->room && !make_room(s, err))
        return false;
    s->held[s->n_held++] = (struct hash_entry){ hash, value };
    s->len++;
    return true;
}

/* ---- merging ---- */

static bool load(struct hash_sort *s, struct reader *r, struct err *err)
{
    r->n = r->left < s->chunk ? (size_t)r->left : s->chunk;
    r->at = 0;
    if (!spill_file_read(s->fd, r->entries, r->n * sizeof *r->entries, r->offset, err))
        return false;
    r->offset += r->n * sizeof *r->entries;
    r->left -= r->n;
    return true;
}

static bool less(const struct hash_sort *s, size_t a, size_t b)
{
    const struct reader *x = &s->readers[s->heap[a]], *y = &s->readers[s->heap[b]];

    return hash_entry_compare(&x->entries[x->at], &y->entries[y->at]) < 0;
}

static void sift_down(struct hash_sort *s, size_t i)
{
    for (;;) {
        size_t least = i, child = 2 * i + 1, kept = s->heap[i];

        if (child < s->n_heap && less(s, child, least))
            least = child;
        if (child + 1 < s->n_heap && less(s, child + 1, least))
            least = child + 1;
        if (least == i)
            return;
        s->heap[i] = s->heap[least];
        s->heap[least] = kept;
        i = least;
    }
}

static bool begin_merge(struct hash_sort *s, const struct run *runs, size_t n, struct err *err)
{
    s->n_heap = 0;
    for (size_t i = 0; i < n; i++) {
        struct reader *r = &s->readers[i];

        r->offset = runs[i].offset;
        r->left = runs[i].n;
        r->entries = s->memory + i * s->chunk;
        if (!load(s, r, err))
            return false;
        s->heap[s->n_heap++] = i;
    }
    for (size_t i = n / 2; i-- > 0;)
        sift_down(s, i);
    return true;
}

static bool take_least(struct hash_sort *s, struct hash_entry *out, struct err *err)
{
    struct reader *r = &s->readers[s->heap[0]];

    *out = r->entries[r->at++];
    if (r->at == r->n) {
        if (r->left == 0)
            s->heap[0] = s->heap[--s->n_heap];
        else if (!load(s, r, err))
            return false;
    }
    sift_down(s, 0);
    return true;
}

/* `n` runs become one at the end of the file `to`. */
static bool merge_into(struct hash_sort *s, int to, uint64_t *size, const struct run *runs,
    size_t n, struct run *out, struct err *err)
{
    struct hash_entry *buffer = s->memory + s->fan * s->chunk;
    struct run made = { *size, 0 };
    size_t used = 0;

    if (!begin_merge(s, runs, n, err))
        return false;
    while (s->n_heap > 0) {
        if (!take_least(s, &buffer[used++], err))
            return false;
        if (used < s->chunk && s->n_heap > 0)
            continue;
        if (!spill_file_write(to, buffer, used * sizeof *buffer, *size, err))
            return false;
        *size += used * sizeof *buffer;
        made.n += used;
        used = 0;
    }
    *out = made; /* Which may be one of the merged. */
    return true;
}

/* Each `fan` runs become one. */
static bool merge_pass(struct hash_sort *s, struct err *err)
{
    uint64_t size = 0;
    size_t made = 0;
    int to;

    if (!spill_file_open(s->dir, &to, err))
        return false;
    for (size_t i = 0; i < s->n_runs; i += s->fan) {
        size_t n = s->n_runs - i < s->fan ? s->n_runs - i : s->fan;

        if (!merge_into(s, to, &size, &s->runs[i], n, &s->runs[made++], err)) {
            close(to);
            return false;
        }
    }
    close(s->fd);
    s->fd = to;
    s->file_size = size;
    s->n_runs = made;
    return true;
}

/* As much as was meant, or as much of it as the system gives. */
static bool merge_memory(struct hash_sort *s)
{
    for (; s->chunk >= CHUNK_MIN; s->chunk /= 2) {
        s->memory = calloc((s->fan + 1) * s->chunk, sizeof *s->memory);
        if (s->memory)
            return true;
    }
    return false;
}

bool hash_sort_end(struct hash_sort *s, struct err *err)
{
    if (s->fd < 0) {
        sort_held(s);
        return true;
    }
    if (s->n_held > 0 && !write_run(s, err))
        return false;
    free(s->held);
    s->held = NULL;
    s->readers = calloc(s->fan, sizeof *s->readers);
    s->heap = calloc(s->fan, sizeof *s->heap);
    if (!s->readers || !s->heap || !merge_memory(s))
        return err_nomem(err);
    while (s->n_runs > s->fan) {
        if (!merge_pass(s, err))
            return false;
    }
    return begin_merge(s, s->runs, s->n_runs, err);
}

bool hash_sort_next(struct hash_sort *s, struct hash_entry *out, bool *more, struct err *err)
{
    *more = s->fd < 0 ? s->at < s->n_held : s->n_heap > 0;
    if (!*more)
        return true;
    if (s->fd >= 0)
        return take_least(s, out, err);
    *out = s->held[s->at++];
    return true;
}
