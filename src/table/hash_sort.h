#ifndef TABLE_HASH_SORT_H
#define TABLE_HASH_SORT_H

/*
 * Hashes with a number each, put in order with little memory: equal hashes come out next to each
 * other, and of those the least number first.
 *
 *   add ─▶ [ memory ] ─sorted─▶ run run run ... ─merged─▶ fewer, longer runs ─▶ next
 *
 * What fits into memory never sees the disk.
 */

#include "table/hash.h"

struct hash_entry {
    struct hash128 hash;
    uint64_t value;
};

struct hash_sort;

/* memory: bytes it may use, at least SPILL_MEMORY_MIN. `dir` is where its files go. NULL: no memory. */
struct hash_sort *hash_sort_new(const char *dir, size_t memory);
void hash_sort_free(struct hash_sort *s);
/* Errors: ERR_NO_SPACE, ERR_IO, ERR_NOMEM. */
bool hash_sort_add(
    struct hash_sort *s, struct hash128 hash, uint64_t value, struct err *err) MUST_CHECK;
/* No more are added; from now on they can be taken, once. */
bool hash_sort_end(struct hash_sort *s, struct err *err) MUST_CHECK;
/* The next one in order; *more is false when there is none. */
bool hash_sort_next(
    struct hash_sort *s, struct hash_entry *out, bool *more, struct err *err) MUST_CHECK;
uint64_t hash_sort_len(const struct hash_sort *s);

/* The order: by hash, its high half first, then by number. */
int hash_entry_compare(const struct hash_entry *a, const struct hash_entry *b);

static inline bool hash_same(struct hash128 a, struct hash128 b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

#endif
