/*
 * Unpacking ahead.
 *
 * Blocks go round: the thread fills blocks[filled % BLOCKS], the caller empties blocks[taken %
 * BLOCKS]. The caller waits when all are empty, until half of them are full or no more come; the
 * thread when all are full, until few of them are. Waking the other costs about as much as a block, so it is
 * done once for several.
 */
#include "formats/zip_ahead.h"

#include "base/thread.h"
#include "formats/zip_read.h"

#include <stdlib.h>
#include <string.h>

enum { ENOUGH = ZIP_AHEAD_BLOCKS / 2, FEW = ZIP_AHEAD_BLOCKS / 2 };

struct block {
    size_t len;
    char head[ZIP_LEND_HEAD];
    char data[ZIP_AHEAD_BYTES]; /* What was unpacked; the rest is for who it is lent to. */
    char pad[ZIP_LEND_PAD];
};

struct zip_ahead {
    zip_ahead_fn *produce;
    void *arg;
    struct budget *budget;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    uint64_t filled, taken; /* Blocks, since the start. */
    uint64_t wanted;  /* How many must be filled for the caller to go on; 0: it does not wait. */
    bool ended, stop; /* By the producer; by the caller. */
    bool failed;      /* err is set. */
    struct err err;
    size_t at; /* What the caller has of the block it is at... */
    bool lent; /* ...all of it, on loan. */
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
        if (a->filled - a->taken == ZIP_AHEAD_BLOCKS) {
            while (a->filled - a->taken > FEW && !a->stop)
                pthread_cond_wait(&a->change, &a->lock);
        }
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
        if (a->wanted && (ended || a->filled >= a->wanted))
            pthread_cond_signal(&a->change);
        pthread_mutex_unlock(&a->lock);
    }
    return NULL;
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
    a->filled = a->taken = a->wanted = 0;
    a->ended = a->stop = a->failed = false;
    a->at = 0;
    a->lent = false;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->change, NULL);
    if (thread_start(&a->thread, THREAD_SMALL, produce_all, a))
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

/* The block after `skip` others, or NULL when no more come. */
static struct block *wait_block(struct zip_ahead *a, unsigned skip)
{
    bool empty;

    pthread_mutex_lock(&a->lock);
    if (a->filled == a->taken + skip) {
        a->wanted = a->filled + ENOUGH;
        while (a->filled < a->wanted && !a->ended)
            pthread_cond_wait(&a->change, &a->lock);
        a->wanted = 0;
    }
    empty = a->filled == a->taken + skip;
    pthread_mutex_unlock(&a->lock);
    return empty ? NULL : &a->blocks[(a->taken + skip) % ZIP_AHEAD_BLOCKS];
}

/* The block that the caller was at is free again. */
static void give_back(struct zip_ahead *a)
{
    a->at = 0;
    a->lent = false;
    pthread_mutex_lock(&a->lock);
    a->taken++;
    if (a->filled - a->taken == FEW)
        pthread_cond_signal(&a->change);
    pthread_mutex_unlock(&a->lock);
}

bool zip_ahead_read(struct zip_ahead *a, void *out, size_t size, size_t *n, struct err *err)
{
    struct block *b;

    *n = 0;
    if (a->lent)
        give_back(a);
    b = wait_block(a, 0);
    if (!b) {
        if (a->failed)
            *err = a->err;
        return !a->failed;
    }
    if (size > b->len - a->at)
        size = b->len - a->at;
    memcpy(out, b->data + a->at, size);
    a->at += size;
    *n = size;
    if (a->at == b->len)
        give_back(a);
    return true;
}

bool zip_ahead_lend(
    struct zip_ahead *a, const char *tail, size_t n_tail, char **p, size_t *n, struct err *err)
{
    struct block *b = wait_block(a, a->lent);

    *n = 0;
    if (!b) {
        if (a->failed)
            *err = a->err;
        return !a->failed;
    }
    *p = b->data + (a->lent ? 0 : a->at);
    *n = b->len - (size_t)(*p - b->data);
    if (n_tail)
        memmove(*p - n_tail, tail, n_tail);
    if (a->lent)
        give_back(a);
    a->lent = true;
    return true;
}
