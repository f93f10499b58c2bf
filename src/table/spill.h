#ifndef TABLE_SPILL_H
#define TABLE_SPILL_H

/*
 * Batches set aside for a second pass: in memory up to a limit, then in an unlinked temporary
 * file, in a compact binary form. Nothing is left behind, whatever happens.
 */

#include "table/batch.h"

struct spill;

/* memory: bytes kept before the file begins. `dir` is where the file goes (unlinked at once). */
struct spill *spill_new(const char *dir, uint32_t n_columns, size_t memory);
void spill_free(struct spill *s);
bool spill_write(struct spill *s, const struct batch *b, struct err *err) MUST_CHECK;
/* Then read from the start; may be repeated. */
bool spill_rewind(struct spill *s, struct err *err) MUST_CHECK;
/* *out is NULL at the end; valid until the next call. */
bool spill_next(struct spill *s, const struct batch **out, struct err *err) MUST_CHECK;
uint64_t spill_rows(const struct spill *s);

#endif
