#ifndef WORKFLOW_PIPELINE_H
#define WORKFLOW_PIPELINE_H

/*
 * One segment of a run: steps that stream into each other, from one source.
 *
 *   source ──batch──▶ stage 0 ──batch──▶ stage 1 ──batch──▶ ...      a stage is a step at work
 *                        └──▶ its file      └──▶ its file
 */

#include "workflow/job.h"
#include "workflow/plan.h"
#include "workflow/progress.h"

struct segment {
    struct job *job;
    const struct plan *plan;
    struct progress *progress;
    size_t first, end; /* Steps [first, end) of the plan. */
    const char *input; /* What the first of them reads. */
    size_t
        failed_step; /* Set where pipeline_run() fails and a step is at fault; else plan->n_steps. */
};

/*
 * Carry it out. Steps are committed in order; when one fails, those before it are finished and committed
 * all the same, and nothing of it and of the ones after it stays.
 */
bool pipeline_run(struct segment *segment, struct err *err) MUST_CHECK;

#endif
