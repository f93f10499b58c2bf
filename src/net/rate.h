#ifndef NET_RATE_H
#define NET_RATE_H

/*
 * How often a client may ask: a bucket of tokens each, by whatever name the caller gives it (a key, an address).
 *
 *   full: as many tokens as requests a minute are allowed      a request takes one
 *   a minute fills an empty bucket, evenly                     without a whole one: refused
 *
 * A bucket that is full again is forgotten, so memory is that of the clients of the last minute. Of more than
 * RATE_CLIENTS in one minute those that come too late share one bucket. Thread-safe.
 */

#include <stdbool.h>
#include <stdint.h>

enum { RATE_CLIENTS = 65536, RATE_NAME_MAX = 80 };

struct rate;

struct rate *rate_new(void); /* NULL when memory ends. */
void rate_free(struct rate *rate);
/*
 * May `who` go on? Otherwise *wait_s (at least 1) says after how many seconds to ask again. per_minute 0: always.
 * now_ns: any clock that does not run backwards.
 */
bool rate_take(
    struct rate *rate, const char *who, uint32_t per_minute, int64_t now_ns, uint32_t *wait_s);

#endif
