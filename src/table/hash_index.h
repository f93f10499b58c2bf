#ifndef TABLE_HASH_INDEX_H
#define TABLE_HASH_INDEX_H

/*
 * Hash -> numbers, on disk: entries in order of their hashes, and in memory the hash of every so
 * many-th one, so that looking up reads one stretch of the file. What a hash stands for is the
 * caller's to compare: two things can have one hash.
 */

#include "table/hash_sort.h"

struct hash_index;

/*
 * All of `entries` (before hash_sort_end()), which is emptied. memory: of the lookups.
 * Errors: ERR_NO_SPACE, ERR_IO, ERR_NOMEM.
 */
bool hash_index_build(struct hash_sort *entries, const char *dir, size_t memory,
    struct hash_index **out, struct err *err) MUST_CHECK;
void hash_index_free(struct hash_index *x);

uint64_t hash_index_len(const struct hash_index *x);
uint64_t hash_index_hashes(const struct hash_index *x); /* Different ones. */
/* The least number whose hash a lesser number has too; UINT64_MAX when there is none. */
uint64_t hash_index_first_repeat(const struct hash_index *x);

/* All numbers of one hash, least first. */
struct hash_cursor {
    struct hash128 hash;
    uint64_t at; /* The next entry to look at. */
};
void hash_index_find(const struct hash_index *x, struct hash128 hash, struct hash_cursor *out);
/* *found is false at the end. */
bool hash_index_next(struct hash_index *x, struct hash_cursor *cursor, uint64_t *value, bool *found,
    struct err *err) MUST_CHECK;

#endif
