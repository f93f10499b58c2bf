/*
 * Progress: counters published by the engine, frames sent by a ticker thread.
 *
 * The counters are relaxed atomics: a frame may mix two batches, which nobody can see. Everything
 * else (who is running, what was told, the event function) is under the mutex.
 */

#include "workflow/progress.h"

#include "base/clock.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum step_phase { PHASE_WAITING, PHASE_RUNNING, PHASE_DONE };

struct step_progress {
    _Atomic uint64_t rows_in, rows_out, rows_total;
    _Atomic double share;
    enum step_phase phase;
    bool told;    /* step_started has gone out. */
    int64_t last; /* Percent of the last frame: it never falls. */
};

struct progress {
    pthread_t ticker;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending;
    _Atomic bool deaf; /* An event could not be delivered; err says why. */
    struct err err;
    run_event_fn *event;
    void *arg;
    size_t n;
    struct step_progress steps[];
};

static bool send_started(struct progress *p, size_t step, struct err *err)
{
    struct json *event = json_new_object();
    bool ok;

    ok = json_set_string(event, "event", "step_started");
    ok = json_set_int(event, "step", (int64_t)step) && ok;
    ok = ok ? p->event(p->arg, event, err) : err_nomem(err);
    json_free(event);
    return ok;
}

/* first: the beginning, however late it is told. */
static bool send_frame(
    struct progress *p, size_t step, int64_t percent, bool first, struct err *err)
{
    struct step_progress *s = &p->steps[step];
    uint64_t total = atomic_load_explicit(&s->rows_total, memory_order_relaxed);
    uint64_t in = atomic_load_explicit(&s->rows_in, memory_order_relaxed);
    uint64_t out = atomic_load_explicit(&s->rows_out, memory_order_relaxed);
    struct json *event = json_new_object();
    bool ok;

    if (first)
        in = out = 0;
    ok = json_set_string(event, "event", "progress");
    ok = json_set_int(event, "step", (int64_t)step) && ok;
    ok = json_set_int(event, "rows_in", (int64_t)in) && ok;
    ok = json_set_int(event, "rows_out", (int64_t)out) && ok;
    if (total > 0)
        ok = json_set_int(event, "rows_total", (int64_t)total) && ok;
    ok = json_set_int(event, "percent", percent) && ok;
    ok = ok ? p->event(p->arg, event, err) : err_nomem(err);
    json_free(event);
    s->last = percent;
    return ok;
}

/* The next frame of a running step: 0 first, then what is true, but 100 only when it is complete. */
static bool tell(struct progress *p, size_t step, struct err *err)
{
    struct step_progress *s = &p->steps[step];
    double share;
    int64_t percent;

    if (!s->told) {
        s->told = true;
        return send_started(p, step, err) && send_frame(p, step, 0, true, err);
    }
    share = atomic_load_explicit(&s->share, memory_order_relaxed);
    percent = share <= 0 ? 0 : share >= 0.99 ? 99 : (int64_t)(share * 100);
    return send_frame(p, step, percent > s->last ? percent : s->last, false, err);
}

static void tick(struct progress *p)
{
    struct err err = { 0 };

    for (size_t i = 0; i < p->n && !p->deaf; i++) {
        if (p->steps[i].phase == PHASE_RUNNING && !tell(p, i, &err)) {
            p->err = err;
            p->deaf = true;
        }
    }
}

static void *ticker_main(void *arg)
{
    struct progress *p = arg;
    int64_t next = clock_mono_ns();

    pthread_mutex_lock(&p->lock);
    while (!p->ending) {
        struct timespec at;

        next += PROGRESS_TICK_MS * INT64_C(1000000);
        at = (struct timespec){ next / 1000000000, next % 1000000000 };
        while (!p->ending && pthread_cond_timedwait(&p->wake, &p->lock, &at) == 0)
            continue;
        if (!p->ending)
            tick(p);
        if (clock_mono_ns() > next)
            next = clock_mono_ns();
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

bool progress_new(
    size_t n_steps, run_event_fn *event, void *arg, struct progress **out, struct err *err)
{
    struct progress *p = calloc(1, sizeof *p + n_steps * sizeof p->steps[0]);
    pthread_condattr_t monotonic;

    if (!p)
        return err_nomem(err);
    p->event = event;
    p->arg = arg;
    p->n = n_steps;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!thread_start(&p->ticker, THREAD_MEDIUM, ticker_main, p)) {
        pthread_cond_destroy(&p->wake);
        pthread_mutex_destroy(&p->lock);
        free(p);
        return err_nomem(err);
    }
    *out = p;
    return true;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->ticker, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void set_phase(struct progress *p, size_t step, enum step_phase phase)
{
    pthread_mutex_lock(&p->lock);
    p->steps[step].phase = phase;
    pthread_mutex_unlock(&p->lock);
}

void progress_begin(struct progress *p, size_t step)
{
    set_phase(p, step, PHASE_RUNNING);
}

void progress_drop(struct progress *p, size_t step)
{
    set_phase(p, step, PHASE_WAITING);
}

void progress_set(struct progress *p, size_t step, const struct progress_state *state)
{
    struct step_progress *s = &p->steps[step];

    atomic_store_explicit(&s->rows_in, state->rows_in, memory_order_relaxed);
    atomic_store_explicit(&s->rows_out, state->rows_out, memory_order_relaxed);
    atomic_store_explicit(&s->rows_total, state->rows_total, memory_order_relaxed);
    atomic_store_explicit(&s->share, state->share, memory_order_relaxed);
}

bool progress_complete(struct progress *p, size_t step, const struct progress_state *state,
    const struct json *completed, struct err *err)
{
    bool ok = true;

    progress_set(p, step, state);
    pthread_mutex_lock(&p->lock);
    if (!p->steps[step].told)
        ok = tell(p, step, err);
    p->steps[step].phase = PHASE_DONE;
    ok = ok && send_frame(p, step, 100, false, err) && p->event(p->arg, completed, err);
    pthread_mutex_unlock(&p->lock);
    return ok;
}

bool progress_heard(struct progress *p, struct err *err)
{
    if (!p->deaf)
        return true;
    pthread_mutex_lock(&p->lock);
    *err = p->err;
    pthread_mutex_unlock(&p->lock);
    return false;
}
