/*
 * Buckets of tokens. A level is counted in token-nanoseconds-a-minute, so that filling is exact whole-number
 * arithmetic: a nanosecond adds `per_minute`, a token is MINUTE_NS, and full is per_minute * MINUTE_NS,
 * which fits for up to 100 million a minute.
 */

#include "net/rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS INT64_C(60000000000)
enum { SLOTS = 4096, PER_MINUTE_MAX = 100000000 };

struct bucket {
    struct bucket *next;
    int64_t level, at_ns;
    char who[RATE_NAME_MAX];
};

struct rate {
    pthread_mutex_t lock;
    struct bucket *slots[SLOTS];
    uint32_t n;
    int64_t swept_ns;
    struct bucket rest; /* Of all who have none. */
};

struct rate *rate_new(void)
{
    struct rate *rate = calloc(1, sizeof *rate);

    if (rate)
        pthread_mutex_init(&rate->lock, NULL);
    return rate;
}

void rate_free(struct rate *rate)
{
    if (!rate)
        return;
    for (uint32_t i = 0; i < SLOTS; i++) {
        while (rate->slots[i]) {
            struct bucket *b = rate->slots[i];

            rate->slots[i] = b->next;
            free(b);
        }
    }
    pthread_mutex_destroy(&rate->lock);
    free(rate);
}

/* Forget those that nobody has used for a minute: they are full. */
static void sweep(struct rate *rate, int64_t now_ns)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        for (struct bucket **at = &rate->slots[i]; *at;) {
            struct bucket *b = *at;

            if (now_ns - b->at_ns < MINUTE_NS) {
                at = &b->next;
                continue;
            }
            *at = b->next;
            free(b);
            rate->n--;
        }
    }
    rate->swept_ns = now_ns;
}

static struct bucket *find(struct rate *rate, const char *who, int64_t full, int64_t now_ns)
{
    uint32_t hash = 2166136261u;
    struct bucket *b;

    for (const char *p = who; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    for (b = rate->slots[hash % SLOTS]; b; b = b->next) {
        if (strcmp(b->who, who) == 0)
            return b;
    }
    b = rate->n < RATE_CLIENTS && strlen(who) < sizeof b->who ? calloc(1, sizeof *b) : NULL;
    if (!b)
        return &rate->rest;
    memcpy(b->who, who, strlen(who) + 1);
    b->level = full;
    b->at_ns = now_ns;
    b->next = rate->slots[hash % SLOTS];
    rate->slots[hash % SLOTS] = b;
    rate->n++;
    return b;
}

static void fill(struct bucket *b, int64_t per_minute, int64_t now_ns)
{
    int64_t passed = now_ns - b->at_ns, full = per_minute * MINUTE_NS;

    if (b->at_ns == 0 || passed > MINUTE_NS)
        passed = MINUTE_NS;
    if (passed > 0) {
        b->level += passed * per_minute;
        b->at_ns = now_ns;
    }
    if (b->level > full) /* Also when fewer are allowed than before. */
        b->level = full;
}

bool rate_take(
    struct rate *rate, const char *who, uint32_t per_minute, int64_t now_ns, uint32_t *wait_s)
{
    int64_t rate_per_minute = per_minute < PER_MINUTE_MAX ? per_minute : PER_MINUTE_MAX, lack;
    struct bucket *b;

    if (per_minute == 0)
        return true;
    pthread_mutex_lock(&rate->lock);
    if (now_ns - rate->swept_ns >= MINUTE_NS)
        sweep(rate, now_ns);
    b = find(rate, who, rate_per_minute * MINUTE_NS, now_ns);
    fill(b, rate_per_minute, now_ns);
    lack = MINUTE_NS - b->level;
    if (lack <= 0)
        b->level -= MINUTE_NS;
    pthread_mutex_unlock(&rate->lock);
    if (lack <= 0)
        return true;
    lack = (lack + rate_per_minute - 1) / rate_per_minute; /* Nanoseconds, rounded up. */
    *wait_s = (uint32_t)((lack + 999999999) / 1000000000);
    return false;
}
