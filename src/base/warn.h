#ifndef BASE_WARN_H
#define BASE_WARN_H

/*
 * Warnings of a step: every repair is counted by kind, with the first places. A kind is a
 * stable word ("ragged_rows"); the sentence says what was done.
 */

#include "base/arena.h"
#include "base/json.h"

enum { WARN_PLACES = 5, WARN_KINDS = 64 };

struct warnings;

struct warnings *warn_new(void); /* NULL when memory ends. */
void warn_free(struct warnings *w);

/*
 * Count one (or n) more of `kind`. The message of the first call is kept; `place` ("row 7", may be
 * NULL) is kept for the first WARN_PLACES. Past WARN_KINDS kinds, counted under "other".
 */
void warn_add(struct warnings *w, const char *kind, const char *message, const char *place_fmt, ...)
    PRINTF_LIKE(4, 5);
void warn_addn(
    struct warnings *w, const char *kind, const char *message, uint64_t n, const char *place);
uint64_t warn_count(const struct warnings *w, const char *kind);
uint64_t warn_total(const struct warnings *w);

/* [{kind, message, count, places}], in order of first appearance. */
struct json *warn_json(const struct warnings *w);

#endif
