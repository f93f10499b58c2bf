/*
 * An index of hashes on disk.
 *
 *   file     stretch of `span` entries, stretch, ...        sorted
 *   fences   high half of the first hash of each stretch    in memory
 */

#include "table/hash_index.h"

#include "table/spill_file.h"

#include <stdlib.h>
#include <unistd.h>

enum { SPAN_MIN = 128 };

struct hash_index {
    int fd;
    uint64_t len, hashes, first_repeat;
    size_t span;
    uint64_t *fences;
    size_t n_fences;
    /* The stretch that was read last. */
    struct hash_entry *entries;
    uint64_t loaded; /* Its number; UINT64_MAX: none. */
    size_t n_loaded;
};

void hash_index_free(struct hash_index *x)
{
    if (!x)
        return;
    if (x->fd >= 0)
        close(x->fd);
    free(x->fences);
    free(x->entries);
    free(x);
}

uint64_t hash_index_len(const struct hash_index *x)
{
    return x->len;
}

uint64_t hash_index_hashes(const struct hash_index *x)
{
    return x->hashes;
}

uint64_t hash_index_first_repeat(const struct hash_index *x)
{
    return x->first_repeat;
}

static struct hash_index *index_new(uint64_t len, const char *dir, size_t memory, struct err *err)
{
    struct hash_index *x = calloc(1, sizeof *x);

    if (!x) {
        err_nomem(err);
        return NULL;
    }
    x->fd = -1;
    x->loaded = x->first_repeat = UINT64_MAX;
    x->span = SPAN_MIN;
    while (len / x->span > memory / sizeof *x->fences)
        x->span *= 2;
    x->n_fences = (size_t)((len + x->span - 1) / x->span);
    x->fences = calloc(x->n_fences + 1, sizeof *x->fences);
    x->entries = calloc(x->span, sizeof *x->entries);
    if (!x->fences || !x->entries) {
        err_nomem(err);
    } else if (spill_file_open(dir, &x->fd, err)) {
        return x;
    }
    hash_index_free(x);
    return NULL;
}

static bool write_span(struct hash_index *x, size_t n, struct err *err)
{
    uint64_t at = (x->len - n) * sizeof *x->entries;

    return n == 0 || spill_file_write(x->fd, x->entries, n * sizeof *x->entries, at, err);
}

static bool fill(struct hash_index *x, struct hash_sort *from, struct err *err)
{
    struct hash_entry e, last = { .value = 0 };
    size_t n = 0;
    bool more;

    for (;;) {
        if (!hash_sort_next(from, &e, &more, err))
            return false;
        if (!more)
            return write_span(x, n, err);
        if (x->len == 0 || !hash_same(e.hash, last.hash))
            x->hashes++;
        else if (e.value < x->first_repeat)
            x->first_repeat = e.value;
        last = e;
        if (n == 0)
            x->fences[x->len / x->span] = e.hash.hi;
        x->entries[n++] = e;
        x->len++;
        if (n == x->span) {
            if (!write_span(x, n, err))
                return false;
            n = 0;
        }
    }
}

bool hash_index_build(struct hash_sort *entries, const char *dir, size_t memory,
    struct hash_index **out, struct err *err)
{
    struct hash_index *x = index_new(hash_sort_len(entries), dir, memory, err);

    if (!x)
        return false;
    if (!hash_sort_end(entries, err) || !fill(x, entries, err)) {
        hash_index_free(x);
        return false;
    }
    *out = x;
    return true;
}

void hash_index_find(const struct hash_index *x, struct hash128 hash, struct hash_cursor *out)
{
    size_t low = 0, high = x->n_fences; /* The first stretch that begins at or behind the hash. */

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (x->fences[mid] < hash.hi)
            low = mid + 1;
        else
            high = mid;
    }
    /* Its entries may begin in the stretch before. */
    *out = (struct hash_cursor){ hash, (low > 0 ? low - 1 : 0) * (uint64_t)x->span };
}

static bool load(struct hash_index *x, uint64_t stretch, struct err *err)
{
    uint64_t first = stretch * x->span;

    if (x->loaded == stretch)
        return true;
    x->loaded = UINT64_MAX;
    x->n_loaded = x->len - first < x->span ? (size_t)(x->len - first) : x->span;
    if (!spill_file_read(
            x->fd, x->entries, x->n_loaded * sizeof *x->entries, first * sizeof *x->entries, err))
        return false;
    x->loaded = stretch;
    return true;
}

/* The first entry from `at` on, in what is loaded, that is not before the hash. */
static size_t lower_bound(const struct hash_index *x, size_t at, struct hash128 hash)
{
    struct hash_entry wanted = { hash, 0 };
    size_t high = x->n_loaded;

    while (at < high) {
        size_t mid = at + (high - at) / 2;

        if (hash_entry_compare(&x->entries[mid], &wanted) < 0)
            at = mid + 1;
        else
            high = mid;
    }
    return at;
}

bool hash_index_next(
    struct hash_index *x, struct hash_cursor *cursor, uint64_t *value, bool *found, struct err *err)
{
    *found = false;
    while (cursor->at < x->len) {
        uint64_t stretch = cursor->at / x->span;
        size_t at = (size_t)(cursor->at % x->span);

        if (!load(x, stretch, err))
            return false;
        at = lower_bound(x, at, cursor->hash);
        cursor->at = stretch * x->span + at;
        if (at == x->n_loaded)
            continue;
        if (!hash_same(x->entries[at].hash, cursor->hash)) {
            cursor->at = x->len;
            return true;
        }
        *value = x->entries[at].value;
        *found = true;
        cursor->at++;
        return true;
    }
    return true;
}
