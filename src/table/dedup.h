#ifndef TABLE_DEDUP_H
#define TABLE_DEDUP_H

/*
 * Removing rows that repeat an earlier one, in any amount of them: the first of each kind stays, and
 * the order too.
 *
 *   rows ──▶ known hash? ──yes──▶ dropped
 *               │ no
 *               ├── room to remember it ─────▶ out at once
 *               └── no room any more ────────▶ set aside on disk; out at the end, where
 *                                              sorted hashes tell the first of each kind
 *
 * Once there is no room nothing more is remembered, so all rows that go out at once come before all that
 * were set aside. Rows with the same 128-bit hash are taken for the same. A row set aside costs a bit of
 * memory at the end.
 */

#include "table/hash.h"

struct dedup;

/*
 * For rows of n_columns columns. `dir` is where its files go; `arena` outlives it. NULL: no memory.
 */
struct dedup *dedup_new(
    const char *dir, struct budget *budget, struct arena *arena, uint32_t n_columns);
void dedup_free(struct dedup *d);
/*
 * Of `rows` those whose cells columns[0..n) of `b`, which is the same rows, are new. *out is NULL where none go
 * out now, and valid as long as `rows` and until the next call. Adds to *dropped.
 * Errors: ERR_NO_SPACE, ERR_IO, ERR_NOMEM.
 */
bool dedup_push(struct dedup *d, const struct batch *b, const uint32_t *columns, uint32_t n,
    const struct batch *rows, const struct batch **out, uint64_t *dropped,
    struct err *err) MUST_CHECK;
/* After all rows: those set aside that are new, batch by batch; *out is NULL at the end. */
bool dedup_next(
    struct dedup *d, const struct batch **out, uint64_t *dropped, struct err *err) MUST_CHECK;

#endif
