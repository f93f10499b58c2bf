#ifndef BASE_THREAD_H
#define BASE_THREAD_H

/*
 * Threads that help: with no more stack than they need (the default of 8 MiB counts against a worker's limit of
 * memory), and born with all signals blocked, which are for the thread that expects them.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    THREAD_SMALL = 256 << 10, /* For what waits, reads and unpacks. */
    THREAD_MEDIUM = 512 << 10 /* For what compresses or writes JSON. */
};

/* How many this process may run on, at least 1. */
unsigned thread_processors(void);

/* False when there are no more threads to be had. */
bool thread_start(pthread_t *out, size_t stack_bytes, void *(*run)(void *), void *arg);

#endif
