#ifndef OPS_JOIN_H
#define OPS_JOIN_H

/*
 * The right side of a left join: key -> row, and the cells to be added. It is kept in memory as long as the
 * budget lasts, and then on disk; nothing but time tells which.
 *
 * A key is the shown texts of its cells, each behind its length, so that ("ab", "c") is not ("a", "bc"):
 * number 1 and text "1" are one key, "01" is another.
 */

#include "ops/columns.h"

enum join_duplicates { JOIN_FIRST, JOIN_LAST, JOIN_ERROR, JOIN_ALL };

struct join_options {
    bool trim, ignore_case, match_blank;
    int on_duplicate; /* enum join_duplicates */
};

/* Ways in which keys that do not match would; counted for rows without a match. */
enum join_near { NEAR_TRIM, NEAR_IGNORE_CASE, NEAR_NUMBER_TEXT, NEAR_LEADING_ZEROS, NEAR_COUNT };

enum { JOIN_NONE = -1, JOIN_FAILED = -2 };

struct join {
    struct join_options options;
    uint32_t n_keys, n_values;
    uint64_t rows;       /* Of the right side. */
    uint64_t unique;     /* Keys. */
    uint64_t duplicates; /* Rows whose key was there already. */
    size_t lent;         /* Bytes of cells read from disk since join_forget(). */
    struct join_store *store;
};

/*
 * Read all of `right`. keys and values are columns of it. `label` names its file in sentences.
 * Errors: those of reading; ERR_DATA for a duplicate under JOIN_ERROR; ERR_NO_SPACE, ERR_IO, ERR_NOMEM.
 * Owns: *join is the caller's, for join_deinit(), on success only.
 */
bool join_load(struct join *join, struct source *right, const char *label,
    const struct columns *keys, const struct columns *values, const struct op_env *env,
    struct err *err) MUST_CHECK;
void join_deinit(struct join *join);

/* The right row that matches the cells keys[0..n_keys) of row `row` of `b`, or JOIN_NONE; JOIN_FAILED with the err
 * set. */
int64_t join_find(
    struct join *join, const struct batch *b, uint32_t row, const uint32_t *keys, struct err *err);
/* The right row behind `right`, which was found last, with the same key (JOIN_ALL); as join_find(). */
int64_t join_next(struct join *join, int64_t right, struct err *err);
/* Cells of a right row: n_values of them, valid until join_forget(); NULL with the err set. */
const struct cell *join_cells(struct join *join, int64_t right, struct err *err);
/* The cells that were lent are no longer needed. */
void join_forget(struct join *join);

/* In which ways would this row, which has no match, have one? Adds 1 to counts[NEAR_...]. */
bool join_count_near(struct join *join, const struct batch *b, uint32_t row, const uint32_t *keys,
    uint64_t counts[NEAR_COUNT], struct err *err) MUST_CHECK;

#endif
