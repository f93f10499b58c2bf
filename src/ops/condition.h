#ifndef OPS_CONDITION_H
#define OPS_CONDITION_H

/*
 * Search conditions, compiled once and evaluated column by column over a batch.
 *
 *   condition_check   arguments alone: is the value one that the operator can use?
 *   condition_open    with the input's schema: columns, needles, patterns, sets
 *   condition_scan    all batches first, where dates in text have to be read (see date_read.h)
 *   condition_eval    which rows of a batch match
 */

#include "ops/op.h"

enum condition_op {
    COND_EQUALS,
    COND_NOT_EQUALS,
    COND_CONTAINS,
    COND_NOT_CONTAINS,
    COND_STARTS_WITH,
    COND_ENDS_WITH,
    COND_IS_EMPTY,
    COND_IS_NOT_EMPTY,
    COND_GREATER_THAN,
    COND_GREATER_THAN_OR_EQUAL,
    COND_LESS_THAN,
    COND_LESS_THAN_OR_EQUAL,
    COND_BETWEEN,
    COND_BEFORE,
    COND_AFTER,
    COND_IN,
    COND_NOT_IN,
    COND_MATCHES
};

/* One entry of the argument `conditions`. */
struct condition_args {
    const char *column;
    int op; /* enum condition_op */
    const struct json *value;
    int case_sensitive; /* -1: as the operator has it. */
};

extern const struct arg condition_fields[];
extern const char *const condition_op_names[]; /* By enum condition_op; NULL-terminated. */

/* Check conditions (struct condition_args); paths begin with `argument`. Errors: ERR_ARG. */
bool condition_check(
    const struct items *conditions, const char *argument, struct err *err) MUST_CHECK;

struct conditions;

/*
 * Compile. all: every condition must hold, else one is enough. The conditions have passed condition_check().
 * Errors: ERR_COLUMN. Owns: *out is the caller's.
 */
bool condition_open(const struct items *conditions, bool all, const char *argument,
    const struct op_env *env, const struct schema *in, struct conditions **out,
    struct err *err) MUST_CHECK;
void condition_close(struct conditions *c);

bool condition_wants_scan(const struct conditions *c);
void condition_scan(struct conditions *c, const struct batch *b);
/* Decide how to read open dates; where that is a guess, it becomes a warning. */
void condition_scan_end(struct conditions *c);

/*
 * picks (BATCH_ROWS long) receives the matching rows in rising order. A pattern that takes too many steps on a row counts
 * as not matched, with a warning, where the other conditions decide the row.
 * Errors: ERR_DATA where they do not.
 */
bool condition_eval(struct conditions *c, const struct batch *b, uint32_t *picks, uint32_t *n,
    struct err *err) MUST_CHECK;

/* On how many rows condition i has held, whatever the others said. */
uint64_t condition_matched(const struct conditions *c, size_t i);

#endif
