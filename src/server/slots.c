/*
 * Requests that need a worker process are answered by as many threads as there are slots, so that many of
 * them neither take the threads of all other requests nor start a hundred processes at once.
 *
 *   routes ─▶ slots_run ─▶ waiting (at most SLOTS_WAITING, then 503) ─▶ handler ─▶ reply
 */

#include "server/server_int.h"

#include "base/thread.h"

#include <pthread.h>
#include <stdlib.h>

enum { SLOTS_WAITING = 256 };

/* Lives in the arena of its exchange: gone once the exchange is complete. */
struct slot_job {
    struct slot_job *next;
    struct call call;
    handler_fn *handler;
};

struct slots {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct slot_job *first, **last;
    unsigned n_waiting, n_running;
    bool stopping;
    pthread_t *threads;
    uint32_t n_threads;
};

static void answer(struct slot_job *job, bool stopping)
{
    struct http_exchange *x = job->call.x;
    struct err err = { 0 };

    job->call.lost = memory_lost();
    if (stopping)
        err_set(&err, ERR_BUSY, "the server is shutting down");
    if (stopping || !job->handler(&job->call, &err))
        reply_error(&job->call, &err);
    http_complete(x);
}

static void *slot_main(void *arg)
{
    struct slots *slots = arg;

    pthread_mutex_lock(&slots->lock);
    for (;;) {
        struct slot_job *job = slots->first;
        bool stopping = slots->stopping;

        if (!job && stopping)
            break;
        if (!job) {
            pthread_cond_wait(&slots->work, &slots->lock);
            continue;
        }
        slots->first = job->next;
        if (!slots->first)
            slots->last = &slots->first;
        slots->n_waiting--;
        slots->n_running++;
        pthread_mutex_unlock(&slots->lock);
        answer(job, stopping);
        pthread_mutex_lock(&slots->lock);
        slots->n_running--;
    }
    pthread_mutex_unlock(&slots->lock);
    return NULL;
}

bool slots_start(uint32_t n, struct slots **out, struct err *err)
{
    struct slots *slots = calloc(1, sizeof *slots);

    if (!slots)
        return err_nomem(err);
    if (n == 0)
        n = thread_processors();
    pthread_mutex_init(&slots->lock, NULL);
    pthread_cond_init(&slots->work, NULL);
    slots->last = &slots->first;
    slots->threads = calloc(n, sizeof *slots->threads);
    while (slots->threads && slots->n_threads < n) {
        if (pthread_create(&slots->threads[slots->n_threads], NULL, slot_main, slots) != 0)
            break;
        slots->n_threads++;
    }
    if (slots->n_threads < n) {
        slots_stop(slots);
        return err_set(err, ERR_NOMEM, "the threads for %u operations cannot be started", n);
    }
    *out = slots;
    return true;
}

void slots_stop(struct slots *slots)
{
    if (!slots)
        return;
    pthread_mutex_lock(&slots->lock);
    slots->stopping = true;
    pthread_cond_broadcast(&slots->work);
    pthread_mutex_unlock(&slots->lock);
    for (uint32_t i = 0; i < slots->n_threads; i++)
        pthread_join(slots->threads[i], NULL);
    pthread_cond_destroy(&slots->work);
    pthread_mutex_destroy(&slots->lock);
    free(slots->threads);
    free(slots);
}

void slots_load(struct slots *slots, struct slots_load *out)
{
    pthread_mutex_lock(&slots->lock);
    *out = (struct slots_load){ slots->n_waiting, slots->n_running };
    pthread_mutex_unlock(&slots->lock);
}

bool slots_run(struct slots *slots, const struct call *call, handler_fn *handler, struct err *err)
{
    struct slot_job *job = arena_calloc(call->arena, 1, sizeof *job);
    bool stopping, full;

    if (!job)
        return err_nomem(err);
    job->call = *call;
    job->handler = handler;
    pthread_mutex_lock(&slots->lock);
    stopping = slots->stopping;
    full = slots->n_waiting == SLOTS_WAITING;
    if (!stopping && !full) {
        http_defer(call->x); /* Before a slot can take it. */
        *slots->last = job;
        slots->last = &job->next;
        slots->n_waiting++;
        pthread_cond_signal(&slots->work);
    }
    pthread_mutex_unlock(&slots->lock);
    if (stopping)
        return err_set(err, ERR_BUSY, "the server is shutting down");
    if (full)
        return err_set(err, ERR_BUSY, "%d operations are waiting already; try again in a moment",
            SLOTS_WAITING);
    return true;
}
