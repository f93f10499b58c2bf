/*
 * Runs wait in a queue and are carried out by as many threads as there are slots; each thread
 * drives one worker process at a time (run_driver.c).
 *
 *   submit ─▶ queued ─▶ taken ─▶ ended
 *               └─ cancel ─▶ taken at once, ends cancelled
 *
 * The queue is fair between conversations: each has one run at work at a time, and of those that have none the one goes next
 * whose last turn is longest ago. So a conversation's runs also never race for the names of their files.
 */

#include "server/server_int.h"

#include "base/log.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum job_state { JOB_QUEUED, JOB_TAKEN };

struct job {
    struct job *next;
    enum job_state state;
    uint64_t turn; /* The conversation's last one; 0: none that is remembered. */
    atomic_bool cancelled;
    char conversation[ID_LEN], run[ID_LEN], owner[AUTH_OWNER_MAX + 1], base_url[320];
    void (*done)(void *arg);
    void *arg;
};

struct dispatcher {
    struct server *server;
    pthread_mutex_t lock;
    pthread_cond_t work, ended;
    uint64_t turns;
    struct job *jobs; /* Queued and taken ones, oldest first. */
    atomic_bool stopping;
    pthread_t *threads;
    uint32_t n_threads, n_joined;
};

static unsigned running_of(const struct dispatcher *d, const char *conversation)
{
    unsigned n = 0;

    for (const struct job *j = d->jobs; j; j = j->next)
        n += j->state == JOB_TAKEN && strcmp(j->conversation, conversation) == 0;
    return n;
}

static struct job *pick(struct dispatcher *d)
{
    struct job *next = NULL;

    for (struct job *j = d->jobs; j; j = j->next) {
        if (j->state == JOB_QUEUED && (!next || j->turn < next->turn) &&
            running_of(d, j->conversation) == 0)
            next = j;
    }
    return next;
}

static void take_turn(struct dispatcher *d, const struct job *job)
{
    d->turns++;
    for (struct job *j = d->jobs; j; j = j->next) {
        if (strcmp(j->conversation, job->conversation) == 0)
            j->turn = d->turns;
    }
}

/* Under the lock, which is given up while whoever waits for the run is told. */
static void end_job(struct dispatcher *d, struct job *job)
{
    struct job **at = &d->jobs;

    if (job->done) {
        pthread_mutex_unlock(&d->lock);
        job->done(job->arg);
        pthread_mutex_lock(&d->lock); /* Nobody joins meanwhile: `done` is taken. */
    }
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    pthread_cond_broadcast(&d->ended);
    pthread_cond_signal(&d->work); /* The conversation's next run may begin. */
    free(job);
}

/* Called with the lock held, which is given up while the run goes on. */
static void carry_out(struct dispatcher *d, struct job *job)
{
    struct job_control control = { job->conversation, job->run, job->base_url, &job->cancelled,
        &d->stopping };

    job->state = JOB_TAKEN;
    pthread_mutex_unlock(&d->lock);
    run_drive(d->server, &control);
    pthread_mutex_lock(&d->lock);
    end_job(d, job);
}

static void *slot_main(void *arg)
{
    struct dispatcher *d = arg;

    pthread_mutex_lock(&d->lock);
    for (;;) {
        struct job *job = d->stopping ? NULL : pick(d);

        if (job) {
            take_turn(d, job);
            carry_out(d, job);
        } else if (d->stopping) {
            break;
        } else {
            pthread_cond_wait(&d->work, &d->lock);
        }
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

bool dispatcher_start(
    struct server *server, uint32_t slots, struct dispatcher **out, struct err *err)
{
    struct dispatcher *d = calloc(1, sizeof *d);

    if (!d)
        return err_nomem(err);
    if (slots == 0)
        slots = thread_processors();
    d->server = server;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->work, NULL);
    pthread_cond_init(&d->ended, NULL);
    d->threads = calloc(slots, sizeof *d->threads);
    while (d->threads && d->n_threads < slots) {
        if (pthread_create(&d->threads[d->n_threads], NULL, slot_main, d) != 0)
            break;
        d->n_threads++;
    }
    if (d->n_threads < slots) {
        dispatcher_stop(d);
        return err_set(err, ERR_NOMEM, "the threads for %u runs cannot be started", slots);
    }
    *out = d;
    return true;
}

void dispatcher_halt(struct dispatcher *d)
{
    struct job *job;

    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_broadcast(&d->work);
    pthread_cond_broadcast(&d->ended);
    do { /* Those that no slot has taken end here; the others when their slot sees the flag. */
        for (job = d->jobs; job && job->state != JOB_QUEUED; job = job->next)
            ;
        if (job) {
            job->state = JOB_TAKEN;
            end_job(d, job);
        }
    } while (job);
    pthread_mutex_unlock(&d->lock);
    for (; d->n_joined < d->n_threads; d->n_joined++)
        pthread_join(d->threads[d->n_joined], NULL);
}

void dispatcher_stop(struct dispatcher *d)
{
    if (!d)
        return;
    dispatcher_halt(d);
    pthread_cond_destroy(&d->work);
    pthread_cond_destroy(&d->ended);
    pthread_mutex_destroy(&d->lock);
    free(d->threads);
    free(d);
}

void dispatcher_load(struct dispatcher *d, struct dispatcher_load *out)
{
    *out = (struct dispatcher_load){ .slots = d->n_threads };
    pthread_mutex_lock(&d->lock);
    for (const struct job *j = d->jobs; j; j = j->next) {
        out->queued += j->state == JOB_QUEUED;
        out->running += j->state == JOB_TAKEN;
    }
    pthread_mutex_unlock(&d->lock);
}

unsigned dispatcher_running(struct dispatcher *d, const char *conversation)
{
    unsigned n;

    pthread_mutex_lock(&d->lock);
    n = running_of(d, conversation);
    pthread_mutex_unlock(&d->lock);
    return n;
}

unsigned dispatcher_runs_of(struct dispatcher *d, const char *owner)
{
    unsigned n = 0;

    pthread_mutex_lock(&d->lock);
    for (const struct job *j = d->jobs; j; j = j->next)
        n += strcmp(j->owner, owner) == 0;
    pthread_mutex_unlock(&d->lock);
    return n;
}

bool dispatcher_prepare(const struct job_spec *spec, struct job **out, struct err *err)
{
    struct job *job = calloc(1, sizeof *job);

    if (!job)
        return err_nomem(err);
    job->done = spec->done;
    job->arg = spec->arg;
    snprintf(job->conversation, sizeof job->conversation, "%s", spec->conversation);
    snprintf(job->run, sizeof job->run, "%s", spec->run);
    snprintf(job->owner, sizeof job->owner, "%s", spec->owner ? spec->owner : "");
    snprintf(job->base_url, sizeof job->base_url, "%s", spec->base_url);
    *out = job;
    return true;
}

void dispatcher_drop(struct job *job)
{
    free(job);
}

bool dispatcher_submit(struct dispatcher *d, struct job *job, struct err *err)
{
    struct job **at;
    bool stopping;

    pthread_mutex_lock(&d->lock);
    stopping = d->stopping;
    for (at = &d->jobs; *at; at = &(*at)->next) {
        if (strcmp((*at)->conversation, job->conversation) == 0)
            job->turn = (*at)->turn;
    }
    if (!stopping) {
        *at = job;
        pthread_cond_signal(&d->work);
    }
    pthread_mutex_unlock(&d->lock);
    if (!stopping)
        return true;
    free(job);
    return err_set(
        err, ERR_BUSY, "the server is shutting down; the run goes on when it starts again");
}

/* Under the lock: the oldest job of a run, or of a conversation; NULL when there is none left. */
static struct job *find_job(const struct dispatcher *d, const char *run, const char *conversation)
{
    struct job *job = d->jobs;

    while (job && strcmp(run ? job->run : job->conversation, run ? run : conversation) != 0)
        job = job->next;
    return job;
}

bool dispatcher_join(struct dispatcher *d, const char *run, void (*done)(void *arg), void *arg)
{
    struct job *job;
    bool joined;

    pthread_mutex_lock(&d->lock);
    job = find_job(d, run, NULL);
    joined = job && !job->done && !d->stopping;
    if (joined) {
        job->done = done;
        job->arg = arg;
    }
    pthread_mutex_unlock(&d->lock);
    return joined;
}

/*
 * Under the lock: flag the jobs and wait until their slots have ended them. One that still waits is ended here and
 * now: it must not take longer because all slots are busy. Jobs are looked up again after every wait, as whoever
 * ends one frees it. False when there was none.
 */
static bool cancel_and_wait(struct dispatcher *d, const char *run, const char *conversation)
{
    struct job *job = find_job(d, run, conversation);
    bool found = job != NULL;

    while (job && !d->stopping) {
        job->cancelled = true;
        if (job->state == JOB_QUEUED)
            carry_out(d, job);
        else
            pthread_cond_wait(&d->ended, &d->lock);
        job = find_job(d, run, conversation);
    }
    return found;
}

bool dispatcher_cancel(struct dispatcher *d, const char *run)
{
    bool found;

    pthread_mutex_lock(&d->lock);
    found = cancel_and_wait(d, run, NULL);
    pthread_mutex_unlock(&d->lock);
    return found;
}

void dispatcher_cancel_conversation(struct dispatcher *d, const char *conversation)
{
    pthread_mutex_lock(&d->lock);
    cancel_and_wait(d, NULL, conversation);
    pthread_mutex_unlock(&d->lock);
}
