#ifndef OPS_RULES_CHAIN_H
#define OPS_RULES_CHAIN_H

/*
 * The rules on one column, each working on what the one before it has made.
 *
 * A rule that needs all of its column first (mean, quartiles, the order of dates) gets a first pass over
 * what the rules before it make. Where a chain has several such rules, its column is set aside during
 * the first pass and gone through once more for each of them:
 *
 *   scan:      input ─▶ rules before the first scanning one ─▶ its scan, and the spill
 *   scan_end:  spill ─▶ rules up to the next scanning one ─▶ its scan      ... for each
 */

#include "ops/rules/rule.h"
#include "table/profile.h"
#include "table/spill.h"

struct chain_entry {
    struct rule_run run;
    size_t order; /* Its place in the list that was asked for. */
    bool scans;
    uint64_t changed, unconverted;
    uint64_t places[WARN_PLACES]; /* Rows of the first that were not converted. */
};

struct chain {
    uint32_t column; /* Of the input. */
    const char *name;
    struct chain_entry *entries;
    size_t n, n_scans;
    struct cell *cells; /* The column as it becomes. */
    struct profile *
        *profiles; /* [n + 1]: before the first entry, after each; NULL without report. */
    struct spill *spill;
    const struct op_env *env;
    size_t sort_memory; /* For what one rule sorts on disk. */
    struct arena *text; /* Of the batch at hand; whoever pushes resets it. */
};

/* An empty chain with room for `room` rules, in env->arena. `text` outlives it. False when memory ends. */
bool chain_init(struct chain *chain, uint32_t column, const char *name, size_t room,
    const struct op_env *env, size_t sort_memory, struct arena *text) MUST_CHECK;
/* Put a rule at its end. The chain is to be closed even where this fails. */
bool chain_add(struct chain *chain, const struct rule *rule, const void *params, size_t order,
    struct err *err) MUST_CHECK;
/* All rules are there. report: keep statistics before and after each. */
bool chain_start(struct chain *chain, bool report, struct err *err) MUST_CHECK;
void chain_close(struct chain *chain);

/* For chains with n_scans > 0: a first pass, which uses chain->text. */
bool chain_scan(struct chain *chain, const struct batch *in, struct err *err) MUST_CHECK;
bool chain_scan_end(struct chain *chain, struct err *err) MUST_CHECK;

/* Make chain->cells of the batch's column. */
bool chain_push(struct chain *chain, const struct batch *in, struct err *err) MUST_CHECK;
/* Count what could not be converted as warnings; once, at the end. */
void chain_warn(const struct chain *chain);

#endif
