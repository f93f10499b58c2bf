/*
 * Unpacking ahead.
 *
 * Blocks go round: the thread fills blocks[filled % BLOCKS], the caller empties blocks[taken %
 * BLOCKS]. Each waits for the other only when all blocks are full or all are empty.
 */
#include "formats/zip_ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_SIZE = 256 << 10 };

struct block {
    size_t len;
    uint8_t data[ZIP_AHEAD_BYTES];
};

struct zip_ahead {
    zip_ahead_fn *produce;
    void *arg;
    struct budget *budget;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    uint64_t filled, taken; /* Blocks, since the start. */
    bool ended, stop;       /* By the producer; by the caller. */
    bool failed;            /* err is set. */
    struct err err;
    size_t at; /* What the caller has of the block it is at. */
    struct block blocks[ZIP_AHEAD_BLOCKS];
};

static void *produce_all(void *arg)
{
    struct zip_ahead *a = arg;
    bool ended = false;

    while (!ended) {
        struct block *b;
        bool ok;

        pthread_mutex_lock(&a->lock);
        while (a->filled - a->taken == ZIP_AHEAD_BLOCKS && !a->stop)
            pthread_cond_wait(&a->change, &a->lock);
        ended = a->stop;
        pthread_mutex_unlock(&a->lock);
        if (ended)
            break;
        b = &a->blocks[a->filled % ZIP_AHEAD_BLOCKS];
        ok = a->produce(a->arg, b->data, sizeof b->data, &b->len, &a->err);
        ended = !ok || b->len == 0;
        pthread_mutex_lock(&a->lock);
        a->failed = !ok;
        a->ended = ended;
        if (!ended)
            a->filled++;
        pthread_cond_signal(&a->change);
        pthread_mutex_unlock(&a->lock);
    }
    return NULL;
}

/* The thread needs little stack and leaves all signals to others. */
static bool start_thread(struct zip_ahead *a)
{
    pthread_attr_t attr;
    sigset_t all, before;
    bool ok;

    if (pthread_attr_init(&attr) != 0)
        return false;
    sigfillset(&all);
    ok = pthread_attr_setstacksize(&attr, STACK_SIZE) == 0 &&
         pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    if (ok) {
        ok = pthread_create(&a->thread, &attr, produce_all, a) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attr);
    return ok;
}

struct zip_ahead *zip_ahead_start(zip_ahead_fn *produce, void *arg, struct budget *budget)
{
    struct zip_ahead *a;

    if (!budget_take(budget, sizeof *a))
        return NULL;
    a = malloc(sizeof *a);
    if (!a) {
        budget_give(budget, sizeof *a);
        return NULL;
    }
    a->produce = produce;
    a->arg = arg;
    a->budget = budget;
    a->filled = a->taken = 0;
    a->ended = a->stop = a->failed = false;
    a->at = 0;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->change, NULL);
    if (start_thread(a))
        return a;
    pthread_cond_destroy(&a->change);
    pthread_mutex_destroy(&a->lock);
    free(a);
    budget_give(budget, sizeof *a);
    return NULL;
}

void zip_ahead_stop(struct zip_ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->change);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->change);
    pthread_mutex_destroy(&a->lock);
    budget_give(a->budget, sizeof *a);
    free(a);
}

bool zip_ahead_read(struct zip_ahead *a, void *out, size_t size, size_t *n, struct err *err)
{
    struct block *b;
    bool empty;

    *n = 0;
    pthread_mutex_lock(&a->lock);
    while (a->filled == a->taken && !a->ended)
        pthread_cond_wait(&a->change, &a->lock);
    empty = a->filled == a->taken;
    pthread_mutex_unlock(&a->lock);
    if (empty) {
        if (a->failed)
            *err = a->err;
        return !a->failed;
    }
    b = &a->blocks[a->taken % ZIP_AHEAD_BLOCKS];
    if (size > b->len - a->at)
        size = b->len - a->at;
    memcpy(out, b->data + a->at, size);
    a->at += size;
    *n = size;
    if (a->at == b->len) {
        a->at = 0;
        pthread_mutex_lock(&a->lock);
        a->taken++;
        pthread_cond_signal(&a->change);
        pthread_mutex_unlock(&a->lock);
    }
    return true;
}
