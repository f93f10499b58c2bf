#ifndef WORKFLOW_PROGRESS_H
#define WORKFLOW_PROGRESS_H

/*
 * Progress of a run's steps, and the one door through which its events go out.
 *
 *   waiting ──begin──▶ running ──complete──▶ done
 *                         └──────drop──────▶ waiting       (the step has failed: no more frames)
 *
 * The engine publishes counters as often as it likes (a few plain stores). A ticker thread turns them into frames
 * every PROGRESS_TICK_MS, in step order, also while the engine is busy inside one long call. A
 * step that completes before its first tick reads: step_started, progress 0, progress 100, step_completed.
 */

#include "workflow/run.h"

enum { PROGRESS_TICK_MS = 200 }; /* Between two frames a second and ten. */

struct progress;

/* `event` is never called by two threads at once. */
bool progress_new(size_t n_steps, run_event_fn *event, void *arg, struct progress **out,
    struct err *err) MUST_CHECK;
void progress_free(struct progress *p); /* Stops the ticker. */

/* What the engine knows of a step; rows_total 0: not known. share: of its work done, 0..1. */
struct progress_state {
    uint64_t rows_in, rows_out, rows_total;
    double share;
};

void progress_begin(struct progress *p, size_t step);
void progress_set(struct progress *p, size_t step, const struct progress_state *state);
void progress_drop(struct progress *p, size_t step);

/* Frames up to 100, then `completed` (a step_completed event, lent). */
bool progress_complete(struct progress *p, size_t step, const struct progress_state *state,
    const struct json *completed, struct err *err) MUST_CHECK;

/* False with the err once an event could not be delivered: nobody is listening any more. */
bool progress_heard(struct progress *p, struct err *err) MUST_CHECK;

#endif
