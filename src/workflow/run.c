/*
 * A run: its plan cut into segments, one pipeline each, and the other two jobs.
 */

#include "workflow/job.h"
#include "workflow/pipeline.h"

#include <stdio.h>

/* The plan was checked before the run began; this only keeps the worker within bounds. */
enum { RUN_MAX_STEPS = 10000 };

static bool run_segments(
    struct job *job, const struct plan *plan, size_t *failed_step, struct err *err)
{
    struct segment g = {
        .job = job,
        .plan = plan,
        .end = (size_t)json_get_int(job->spec, "first_step", 0),
        .failed_step = plan->n_steps,
    };
    bool ok = true;

    if (g.end >= plan->n_steps)
        return err_set(err, ERR_INTERNAL, "the job begins behind its last step");
    if (!progress_new(plan->n_steps, job->event, job->event_arg, &g.progress, err))
        return false;
    while (ok && g.end < plan->n_steps) {
        g.first = g.end;
        g.input = plan->steps[g.first].input_file;
        if (!g.input)
            g.input = json_get_string(job->spec, "input");
        do {
            g.end++;
        } while (g.end < plan->n_steps && !plan->steps[g.end].input_file);
        if (g.input)
            ok = pipeline_run(&g, err);
        else
            ok = err_set(err, ERR_INTERNAL, "the job names no input");
        *failed_step = g.failed_step;
    }
    progress_free(g.progress);
    return ok;
}

static void send_failed(struct job *job, const struct plan *plan, size_t step, struct err *err)
{
    bool known = plan && step < plan->n_steps;
    struct json *event = json_new_object();
    struct err deaf;
    bool ok;

    ok = json_set_string(event, "event", "failed");
    ok = json_set(event, "step", known ? json_new_int((int64_t)step) : json_new_null()) && ok;
    ok = json_set_int(event, "steps", plan ? (int64_t)plan->n_steps : 0) && ok;
    ok = json_set_string(event, "operation", known ? plan->steps[step].args.op->name : NULL) && ok;
    ok = json_set(event, "error", json_from_err(err)) && ok;
    /* Somebody who listens no more does not miss it; the err is returned all the same. */
    if (ok)
        (void)job->event(job->event_arg, event, &deaf);
    json_free(event);
}

static bool run_plan(struct job *job, struct err *err)
{
    const struct json *steps = json_get(job->spec, "steps");
    struct plan *plan = NULL;
    size_t failed_step = SIZE_MAX;
    bool ok;

    ok = (json_get_bool(job->spec, "unlisted", false)
                 ? plan_new_unlisted(steps, RUN_MAX_STEPS, &plan, err)
                 : plan_new(steps, RUN_MAX_STEPS, &plan, err)) &&
         run_segments(job, plan, &failed_step, err) && job_done(job, json_new_object(), err);
    if (!ok)
        send_failed(job, plan, failed_step, err);
    plan_free(plan);
    return ok;
}

bool run_execute(const struct json *spec, run_event_fn *event, void *arg,
    const volatile int *cancelled, struct err *err)
{
    const char *what = json_get_string(spec, "job");
    struct job job;
    bool ok;

    if (!job_init(&job, spec, event, arg, cancelled, err)) {
        send_failed(&job, NULL, 0, err);
        return false;
    }
    if (what && strcmp(what, "run") == 0) {
        ok = run_plan(&job, err);
    } else {
        if (what && strcmp(what, "inspect") == 0)
            ok = job_inspect(&job, err);
        else if (what && strcmp(what, "preview") == 0)
            ok = job_preview(&job, err);
        else
            ok = err_set(err, ERR_INTERNAL, "'%s' is no job", what ? what : "");
        if (!ok)
            send_failed(&job, NULL, 0, err);
    }
    job_deinit(&job);
    return ok;
}
