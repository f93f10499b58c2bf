/* Threads that take slices of a loop; see fan.h. */

#include "net/fan.h"

#include "base/thread.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SLICE = 32, STACK_BYTES = 128 << 10 };

struct fan {
    pthread_mutex_t lock;
    pthread_cond_t open; /* There is a loop, or the end. */
    pthread_cond_t idle; /* The last helper has left the loop. */
    pthread_t threads[FAN_HELPERS_MAX];
    unsigned n_threads;
    unsigned active; /* Helpers in the loop. */
    unsigned long round;
    bool is_open, ending;

    atomic_size_t next;
    size_t n;
    void (*fn)(void *arg, size_t i);
    void *arg;
};

static void work(struct fan *fan)
{
    size_t from;

    while ((from = atomic_fetch_add(&fan->next, SLICE)) < fan->n) {
        size_t to = fan->n - from < SLICE ? fan->n : from + SLICE;

        for (size_t i = from; i < to; i++)
            fan->fn(fan->arg, i);
    }
}

static void *help(void *arg)
{
    struct fan *fan = arg;
    unsigned long seen = 0;

    pthread_mutex_lock(&fan->lock);
    while (!fan->ending) {
        if (!fan->is_open || fan->round == seen) {
            pthread_cond_wait(&fan->open, &fan->lock);
            continue;
        }
        seen = fan->round;
        fan->active++;
        pthread_mutex_unlock(&fan->lock);
        work(fan);
        pthread_mutex_lock(&fan->lock);
        if (--fan->active == 0)
            pthread_cond_signal(&fan->idle);
    }
    pthread_mutex_unlock(&fan->lock);
    return NULL;
}

struct fan *fan_new(void)
{
    struct fan *fan = calloc(1, sizeof *fan);
    unsigned others = thread_processors() - 1;

    if (!fan)
        return NULL;
    pthread_mutex_init(&fan->lock, NULL);
    pthread_cond_init(&fan->open, NULL);
    pthread_cond_init(&fan->idle, NULL);
    while (fan->n_threads < FAN_HELPERS_MAX && fan->n_threads < others &&
           thread_start(&fan->threads[fan->n_threads], STACK_BYTES, help, fan))
        fan->n_threads++; /* With fewer it takes longer. */
    return fan;
}

void fan_free(struct fan *fan)
{
    if (!fan)
        return;
    pthread_mutex_lock(&fan->lock);
    fan->ending = true;
    pthread_cond_broadcast(&fan->open);
    pthread_mutex_unlock(&fan->lock);
    for (unsigned i = 0; i < fan->n_threads; i++)
        pthread_join(fan->threads[i], NULL);
    pthread_cond_destroy(&fan->open);
    pthread_cond_destroy(&fan->idle);
    pthread_mutex_destroy(&fan->lock);
    free(fan);
}

void fan_run(struct fan *fan, size_t n, void (*fn)(void *arg, size_t i), void *arg)
{
    if (!fan || fan->n_threads == 0 || n <= SLICE) {
        for (size_t i = 0; i < n; i++)
            fn(arg, i);
        return;
    }
    pthread_mutex_lock(&fan->lock);
    fan->n = n;
    fan->fn = fn;
    fan->arg = arg;
    atomic_store(&fan->next, 0);
    fan->round++;
    fan->is_open = true;
    pthread_cond_broadcast(&fan->open);
    pthread_mutex_unlock(&fan->lock);
    work(fan);
    pthread_mutex_lock(&fan->lock);
    fan->is_open = false; /* A helper that wakes up only now is not waited for. */
    while (fan->active > 0)
        pthread_cond_wait(&fan->idle, &fan->lock);
    pthread_mutex_unlock(&fan->lock);
}
