/*
 * Counting different values and finding the median in bounded memory.
 */

#include "table/profile_int.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 64, MAX_LEVEL = 48, FIRST_VALUES = 64 };
/* Stands for the hash 0, which marks a free slot; its low bits are zero at any level too. */
#define ZERO_HASH (UINT64_C(1) << 63)
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

void distinct_deinit(struct distinct *d)
{
    if (d->slots)
        budget_give(d->budget, d->n_slots * sizeof *d->slots);
    free(d->slots);
    *d = (struct distinct){ .budget = d->budget };
}

/* Where a hash belongs; its low bits say whether it is kept at all. */
static size_t home(uint64_t hash, size_t n_slots)
{
    return (size_t)(hash >> 32) & (n_slots - 1);
}

/* The slot that holds the hash, or the free one where it belongs. */
static uint64_t *set_slot(uint64_t *slots, size_t n_slots, uint64_t hash)
{
    size_t i = home(hash, n_slots);

    while (slots[i] && slots[i] != hash)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

/* Free slot i and close the gap: what was pushed past it moves back. */
static void set_remove(uint64_t *slots, size_t n_slots, size_t i)
{
    size_t mask = n_slots - 1;

    for (size_t k = (i + 1) & mask; slots[k]; k = (k + 1) & mask) {
        if (((k - home(slots[k], n_slots)) & mask) >= ((k - i) & mask)) {
            slots[i] = slots[k];
            i = k;
        }
    }
    slots[i] = 0;
}

static bool distinct_grow(struct distinct *d, size_t n_slots)
{
    uint64_t *slots;

    if (n_slots > 2 * (size_t)PROFILE_EXACT || !budget_take(d->budget, n_slots * sizeof *slots))
        return false;
    slots = calloc(n_slots, sizeof *slots);
    if (!slots) {
        budget_give(d->budget, n_slots * sizeof *slots);
        return false;
    }
    for (size_t i = 0; d->slots && i < d->n_slots; i++) {
        if (d->slots[i])
            *set_slot(slots, n_slots, d->slots[i]) = d->slots[i];
    }
    if (d->slots)
        budget_give(d->budget, d->n_slots * sizeof *d->slots);
    free(d->slots);
    d->slots = slots;
    d->n_slots = n_slots;
    return true;
}

static bool is_kept(const struct distinct *d, uint64_t hash)
{
    return (hash & ((UINT64_C(1) << d->level) - 1)) == 0;
}

/* Forget every second value; needs no memory. */
static void raise_level(struct distinct *d)
{
    d->level++;
    for (size_t i = 0; i < d->n_slots; i++) {
        while (d->slots[i] && !is_kept(d, d->slots[i])) {
            set_remove(d->slots, d->n_slots, i);
            d->len--;
        }
    }
}

static bool is_full(const struct distinct *d)
{
    return d->len >= d->n_slots / 2;
}

/* Make room for one more: by growing, or else by forgetting. False without any memory. */
static bool make_room(struct distinct *d)
{
    if (!d->slots)
        return distinct_grow(d, FIRST_SLOTS);
    if (!is_full(d) || distinct_grow(d, d->n_slots * 2))
        return true;
    while (is_full(d) && d->level < MAX_LEVEL)
        raise_level(d);
    return !is_full(d);
}

bool distinct_add(struct distinct *d, uint64_t hash)
{
    if (hash == 0)
        hash = ZERO_HASH;
    if (!is_kept(d, hash) || (d->slots && *set_slot(d->slots, d->n_slots, hash)))
        return false;
    if (!make_room(d) || !is_kept(d, hash)) /* Making room may have forgotten its kind. */
        return false;
    *set_slot(d->slots, d->n_slots, hash) = hash;
    d->len++;
    return true;
}

uint64_t distinct_count(const struct distinct *d)
{
    return (uint64_t)d->len << d->level;
}

bool distinct_exact(const struct distinct *d)
{
    return d->level == 0;
}

void reservoir_deinit(struct reservoir *r)
{
    if (r->values)
        budget_give(r->budget, r->room * sizeof *r->values);
    free(r->values);
    *r = (struct reservoir){ .budget = r->budget };
}

/* Room for one more value; false when the reservoir is as large as it gets. */
static bool reservoir_grow(struct reservoir *r)
{
    size_t room = r->room ? r->room * 2 : FIRST_VALUES;
    double *values;

    if (r->room >= PROFILE_EXACT || !budget_take(r->budget, (room - r->room) * sizeof *values))
        return false;
    values = reallocarray(r->values, room, sizeof *values);
    if (!values) {
        budget_give(r->budget, (room - r->room) * sizeof *values);
        return false;
    }
    r->values = values;
    r->room = room;
    return true;
}

static uint64_t next_random(uint64_t *state) /* SplitMix64 */
{
    uint64_t z = *state += GOLDEN;

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void reservoir_add(struct reservoir *r, double v)
{
    uint64_t at;

    r->seen++;
    if (!r->full && r->len == r->room)
        r->full = !reservoir_grow(r);
    if (!r->full) {
        r->values[r->len++] = v;
        return;
    }
    /* Vitter's algorithm R: the n-th value stays with probability len / n. */
    at = (uint64_t)((unsigned __int128)next_random(&r->random) * r->seen >> 64);
    if (at < r->len)
        r->values[at] = v;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double reservoir_median(struct reservoir *r)
{
    double low, high;

    if (r->len == 0)
        return (double)NAN;
    qsort(r->values, r->len, sizeof *r->values,
        compare); /* Their order means nothing to the sample. */
    low = r->values[(r->len - 1) / 2];
    high = r->values[r->len / 2];
    return low == high ? low : low / 2 + high / 2;
}

void reservoir_bins(const struct reservoir *r, double from, double to, uint64_t *bins, uint32_t n)
{
    double share = r->len > 0 ? (double)r->seen / (double)r->len : 0;

    memset(bins, 0, n * sizeof *bins);
    for (size_t i = 0; i < r->len; i++) {
        double place = to > from ? (r->values[i] - from) / (to - from) * n : 0;
        uint32_t bin = place > 0 ? (uint32_t)fmin(place, n - 1) : 0;

        bins[bin]++;
    }
    for (uint32_t i = 0; i < n && r->seen > r->len; i++)
        bins[i] = (uint64_t)((double)bins[i] * share + 0.5);
}

/* ---- frequent values ---- */

struct top *tops_find(struct tops *t, uint64_t hash)
{
    for (uint32_t i = 0; i < t->len; i++) {
        if (t->list[i].hash == hash)
            return &t->list[i];
    }
    return NULL;
}

struct top *tops_new(struct tops *t, uint64_t hash)
{
    if (t->len == TOPS_MAX) {
        t->many = true;
        return NULL;
    }
    t->list[t->len] = (struct top){ .hash = hash };
    return &t->list[t->len++];
}

/* Insertion sort: stable, and the list is short. */
void tops_sort(struct tops *t)
{
    for (uint32_t i = 1; i < t->len; i++) {
        struct top top = t->list[i];
        uint32_t k = i;

        for (; k > 0 && t->list[k - 1].count < top.count; k--)
            t->list[k] = t->list[k - 1];
        t->list[k] = top;
    }
}
