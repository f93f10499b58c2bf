#ifndef TABLE_HASH_H
#define TABLE_HASH_H

/*
 * Hash sets and maps of rows and keys. Cells hash by what they are: for duplicates by type and
 * value; for join keys by shown text after type (number 1, text "1" and 1.0 are one key).
 */

#include "base/arena.h"
#include "table/batch.h"

struct hash128 {
    uint64_t lo, hi;
};

struct hash128 hash_bytes(const void *p, size_t n);
/* Whole-row hash over the chosen columns (type and value of each). */
struct hash128 hash_row(const struct batch *b, uint32_t row, const uint32_t *columns, uint32_t n);

/* A set of 128-bit hashes; equal hashes are taken for equal rows (2^-128 per pair). */
struct hash_set;
struct hash_set *hash_set_new(struct budget *budget);
void hash_set_free(struct hash_set *s);
/*
 * *added tells whether it was new. False with ERR_BUDGET/ERR_NOMEM when it cannot grow: it is then as
 * it was, and can still be asked. It does not grow into the budget's reserve (spill_file.h), so that
 * whoever remembers with it can go on on disk (dedup.h).
 */
bool hash_set_add(struct hash_set *s, struct hash128 h, bool *added, struct err *err) MUST_CHECK;
bool hash_set_has(const struct hash_set *s, struct hash128 h);
/* From now on it grows whatever the budget says, and what it holds is given back. */
void hash_set_unbind(struct hash_set *s);
/* Start to load the memory that adding `h` will touch, some hashes ahead of it. */
void hash_set_prefetch(const struct hash_set *s, struct hash128 h);
size_t hash_set_len(const struct hash_set *s);

/*
 * A map from key bytes to a 64-bit value; keys are copied and compared in full. Pointers to values
 * stay good as long as the map.
 */
struct hash_map;
struct hash_map *hash_map_new(struct budget *budget);
void hash_map_free(struct hash_map *m);
/* The slot of the key, created (0) when absent: *added tells. */
bool hash_map_put(struct hash_map *m, const void *key, size_t n, uint64_t **value, bool *added,
    struct err *err) MUST_CHECK;
/* The key of a value that hash_map_put() gave; as long as the map. */
const char *hash_map_key(const uint64_t *value, size_t *n);
/* NULL when absent. */
const uint64_t *hash_map_find(const struct hash_map *m, const void *key, size_t n);
size_t hash_map_len(const struct hash_map *m);

#endif
