/* Threads that take jobs from one queue; see http_pool.h. */

#include "net/http_pool.h"

#include "base/clock.h"
#include "base/thread.h"

#include <stdlib.h>
#include <time.h>

enum { IDLE_S = 5, NS_PER_MS = 1000000, STACK_BYTES = 1 << 20 };
enum {
    ACTIVE_NS = 50000, /* A thread that took a job this short ago will soon look for the next. */
    STUCK_NS = 100000  /* A job that has waited this long gets another thread. */
};

struct http_pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* A job came, or the end. */
    pthread_cond_t gone; /* A thread ended. */
    struct http_job *head, **tail;
    unsigned keep, burst;
    unsigned threads, idle;
    unsigned waking;      /* Threads signalled that have not woken yet; at most `idle`. */
    int64_t last_take_ns; /* When a thread last took a job. */
    bool ending;
};

/* Wait for a job; NULL when this thread should end. The lock is held. */
static struct http_job *next_job(struct http_pool *pool)
{
    struct http_job *job;
    struct timespec until;
    int rc = 0;

    while (!pool->head && !pool->ending) {
        bool extra = pool->threads > pool->keep;

        if (extra && rc != 0)
            return NULL;
        pool->idle++;
        if (extra) {
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += IDLE_S;
            rc = pthread_cond_timedwait(&pool->work, &pool->lock, &until);
        } else {
            rc = pthread_cond_wait(&pool->work, &pool->lock);
        }
        pool->idle--;
        if (pool->waking > 0)
            pool->waking--;
    }
    job = pool->head;
    if (job) {
        pool->last_take_ns = clock_mono_ns();
        pool->head = job->next;
        if (!pool->head)
            pool->tail = &pool->head;
    }
    return job;
}

static void *thread_main(void *arg)
{
    struct http_pool *pool = arg;
    struct http_job *job;

    pthread_mutex_lock(&pool->lock);
    while ((job = next_job(pool))) {
        pthread_mutex_unlock(&pool->lock);
        job->run(job);
        pthread_mutex_lock(&pool->lock);
    }
    pool->threads--;
    pthread_cond_signal(&pool->gone);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* The lock is held. */
static bool add_thread(struct http_pool *pool)
{
    pthread_t thread;

    pool->threads++;
    if (thread_start(&thread, STACK_BYTES, thread_main, pool)) {
        pthread_detach(thread);
        return true;
    }
    pool->threads--;
    return false;
}

bool http_pool_new(unsigned threads, unsigned burst, struct http_pool **out, struct err *err)
{
    struct http_pool *pool = calloc(1, sizeof *pool);
    pthread_condattr_t mono;
    bool ok = true;

    if (!pool)
        return err_nomem(err);
    pool->keep = threads;
    pool->burst = burst > threads ? burst : threads;
    pool->tail = &pool->head;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work, &mono);
    pthread_cond_init(&pool->gone, NULL);
    pthread_condattr_destroy(&mono);
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < threads && ok; i++)
        ok = add_thread(pool);
    pthread_mutex_unlock(&pool->lock);
    if (!ok) {
        http_pool_free(pool);
        return err_set(err, ERR_NOMEM, "cannot start %u threads", threads);
    }
    *out = pool;
    return true;
}

/* Waking a thread costs more than most handlers do, so it is done only where no other thread will come by. */
static bool may_wake(struct http_pool *pool)
{
    if (pool->idle <= pool->waking)
        return false;
    pool->waking++;
    return true; /* The caller signals when it has given up the lock, which the woken thread needs. */
}

void http_pool_submit(struct http_pool *pool, struct http_job *job)
{
    int64_t now = clock_mono_ns();
    bool wake;

    job->next = NULL;
    job->queued_ns = now;
    pthread_mutex_lock(&pool->lock);
    *pool->tail = job;
    pool->tail = &job->next;
    wake = pool->waking == 0 &&
           (pool->idle == pool->threads || now - pool->last_take_ns > ACTIVE_NS) && may_wake(pool);
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        pthread_cond_signal(&pool->work);
}

int http_pool_help(struct http_pool *pool, int64_t now_ns)
{
    int wait_ms = -1;
    bool wake = false;

    pthread_mutex_lock(&pool->lock);
    if (pool->head) {
        int64_t waited = now_ns - pool->head->queued_ns;

        wait_ms = 1;
        if (pool->idle > 0) {
            wake = waited >= STUCK_NS && may_wake(pool);
        } else if (pool->threads == pool->burst) {
            wait_ms = -1; /* Whoever is done takes the next. */
        } else if (waited >= POOL_PATIENCE_MS * NS_PER_MS) {
            add_thread(pool); /* None to be had: what is queued waits for the others. */
        } else {
            wait_ms = (int)(POOL_PATIENCE_MS - waited / NS_PER_MS);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        pthread_cond_signal(&pool->work);
    return wait_ms;
}

unsigned http_pool_threads(struct http_pool *pool)
{
    unsigned n;

    pthread_mutex_lock(&pool->lock);
    n = pool->threads;
    pthread_mutex_unlock(&pool->lock);
    return n;
}

void http_pool_free(struct http_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    while (pool->threads > 0)
        pthread_cond_wait(&pool->gone, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->gone);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
