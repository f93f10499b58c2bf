#ifndef NET_HTTP_POOL_H
#define NET_HTTP_POOL_H

/*
 * The threads that run handlers, so that these may block.
 *
 * Some handlers wait long (for a run, for a slow disk); others, such as a watcher that
 * connects, must not wait behind them. So whoever looks after the pool calls http_pool_help() while jobs
 * are queued: it wakes another thread when the oldest job has waited for some 100 us, and
 * adds one, up to `burst`, when all have been busy for POOL_PATIENCE_MS. An added thread ends when it has been
 * idle for a while.
 */

#include "base/err.h"

struct http_pool;

struct http_job {
    struct http_job *next;
    void (*run)(struct http_job *job); /* May free the job. */
    int64_t queued_ns;                 /* Set by http_pool_submit(). */
};

enum { POOL_PATIENCE_MS = 20 };

/* `threads` that stay, and at most `burst` in all. */
bool http_pool_new(
    unsigned threads, unsigned burst, struct http_pool **out, struct err *err) MUST_CHECK;
void http_pool_submit(struct http_pool *pool, struct http_job *job); /* Thread-safe. */
/* Milliseconds until it should be called again; -1 when nothing waits. */
int http_pool_help(struct http_pool *pool, int64_t now_ns);
unsigned http_pool_threads(struct http_pool *pool);
/* Run what is queued, then end. */
void http_pool_free(struct http_pool *pool);

#endif
