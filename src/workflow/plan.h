#ifndef WORKFLOW_PLAN_H
#define WORKFLOW_PLAN_H

/*
 * A plan: the steps of a run, checked as far as they can be without reading a file.
 */

#include "base/setting.h"
#include "ops/op.h"

struct plan_step {
    struct op_args args;          /* args.op is the operation. */
    const struct json *arguments; /* As given. */
    const char *input_file; /* NULL: what the step before has made (step 1: the run's input). */
};

struct plan {
    struct arena arena;
    struct json *steps_json; /* Keeps the strings alive. */
    struct plan_step *steps;
    size_t n_steps;
};

/*
 * Check a JSON array of {operation, arguments?, input_file?} (other keys are refused, `step_id` is ignored).
 *
 * Errors: ERR_ARG; the sentence begins "step 2 of 3 (excel/search): ", err->argument is
 *         "steps[1].arguments.conditions[0].operator". No steps, or more than max_steps: ERR_ARG.
 * Owns:   *out is the caller's; takes its own reference to `steps`.
 */
bool plan_new(
    const struct json *steps, size_t max_steps, struct plan **out, struct err *err) MUST_CHECK;
/* As plan_new(), where a step may also be one of op_unlisted[]: for what the server itself has put together. */
bool plan_new_unlisted(
    const struct json *steps, size_t max_steps, struct plan **out, struct err *err) MUST_CHECK;
void plan_free(struct plan *plan);

/*
 * Put the values of settings where steps leave arguments open that a setting decides (struct arg's `setting`), and
 * refuse what a setting has switched off (struct op's `enabled`, struct arg's `allowed`). Steps that plan_new() would
 * refuse are left as they are.
 *
 * Errors: ERR_STATE, ERR_ARG, worded as plan_new() words them; ERR_NOMEM.
 */
bool plan_apply_settings(
    struct json *steps, const struct settings *settings, struct err *err) MUST_CHECK;
/* As plan_apply_settings() for one step of `op`, which may be an unlisted one; paths begin at its arguments. */
bool plan_apply_settings_to(struct json *step, const struct op *op, const struct settings *settings,
    struct err *err) MUST_CHECK;

/* Prefix the sentence of a step's error with "step 2 of 3 (excel/search): "; step counts from 0, operation may be NULL. */
void plan_err(size_t step, size_t n_steps, const char *operation, struct err *err);

#endif
