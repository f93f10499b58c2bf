#ifndef OPS_VALUES_H
#define OPS_VALUES_H

/*
 * Values that arguments carry (a default, a fill) as cells, and small text helpers that operations share.
 */

#include "ops/op.h"

/*
 * The cell that a JSON scalar stands for: text (empty: blank), number, boolean; null is blank. A whole number beyond
 * 15 digits becomes text, so that no digit is lost.
 *
 * Errors: ERR_ARG at `argument` for a list or an object.
 */
bool value_cell(const struct json *value, const char *argument, struct arena *arena,
    struct cell *out, struct err *err) MUST_CHECK;

/* Fill err with ERR_ARG, "ARGUMENT: ..." and err->argument. Returns false. */
bool value_fail(struct err *err, const char *argument, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A number cell where num's shortest text is exactly text[0..n), else a text cell in `arena`; false when memory ends. */
bool value_number_text(
    struct arena *arena, const char *text, size_t n, struct cell *out) MUST_CHECK;

#endif
