/* Threads that take jobs from one queue; see http_pool.h. */

#include "net/http_pool.h"

#include "base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { IDLE_S = 5, NS_PER_MS = 1000000, STACK_BYTES = 1 << 20 };

struct http_pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* A job came, or the end. */
    pthread_cond_t gone; /* A thread ended. */
    struct http_job *head, **tail;
    unsigned keep, burst;
    unsigned threads, idle;
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
    }
    job = pool->head;
    if (job) {
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

/* Signals are the main thread's affair, so new threads are born with all of them blocked. The lock is held. */
static bool add_thread(struct http_pool *pool)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, old;
    int rc;

    if (pthread_attr_init(&attr) != 0)
        return false;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pool->threads++;
    rc = pthread_create(&thread, &attr, thread_main, pool);
    if (rc != 0)
        pool->threads--;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0;
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

void http_pool_submit(struct http_pool *pool, struct http_job *job)
{
    bool wake;

    job->next = NULL;
    job->queued_ns = clock_mono_ns();
    pthread_mutex_lock(&pool->lock);
    *pool->tail = job;
    pool->tail = &job->next;
    wake = pool->idle > 0;
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        pthread_cond_signal(&pool->work);
}

int http_pool_help(struct http_pool *pool, int64_t now_ns)
{
    int wait_ms = -1;

    pthread_mutex_lock(&pool->lock);
    if (pool->head && pool->threads < pool->burst) {
        int64_t waited = (now_ns - pool->head->queued_ns) / NS_PER_MS;

        if (waited >= POOL_PATIENCE_MS && pool->idle == 0)
            add_thread(pool); /* None to be had: what is queued waits for the others. */
        wait_ms = waited < POOL_PATIENCE_MS ? (int)(POOL_PATIENCE_MS - waited) : POOL_PATIENCE_MS;
    }
    pthread_mutex_unlock(&pool->lock);
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
