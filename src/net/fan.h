#ifndef NET_FAN_H
#define NET_FAN_H

/*
 * One loop over many things, done by several threads at once. The caller works too and returns when
 * all is done, so what the things share needs no locks as long as `fn` writes to its own thing only.
 */

#include <stddef.h>

struct fan;

/* Helpers for the other processors (at most FAN_HELPERS_MAX). NULL when memory ends. */
enum { FAN_HELPERS_MAX = 3 };
struct fan *fan_new(void);
void fan_free(struct fan *fan); /* NULL is fine. */
/* fn(arg, i) for each i below n, in any order. One caller at a time. fan NULL: the caller does it all. */
void fan_run(struct fan *fan, size_t n, void (*fn)(void *arg, size_t i), void *arg);

#endif
