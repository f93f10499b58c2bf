#ifndef TABLE_PROFILE_INT_H
#define TABLE_PROFILE_INT_H

/*
 * Sketches of bounded size, exact while they are small: how many different values, and which lies
 * in the middle. When the budget gives no more they go on with what they have, less exactly.
 */

#include "table/profile.h"

/*
 * A set of 64-bit hashes. Past PROFILE_EXACT it keeps only those with `level` low bits zero, one
 * in 2^level, and counts each for 2^level (about half a percent off).
 */
struct distinct {
    struct budget *budget;
    uint64_t *slots;
    size_t n_slots, len;
    unsigned level;
};

void distinct_deinit(struct distinct *d);
/* True when the value was not there, as far as is known. Without any memory, counts nothing. */
bool distinct_add(struct distinct *d, uint64_t hash);
uint64_t distinct_count(const struct distinct *d);
bool distinct_exact(const struct distinct *d);

/* Numbers: all of them up to PROFILE_EXACT, then an even sample of that many. */
struct reservoir {
    struct budget *budget;
    double *values;
    size_t len, room;
    uint64_t seen;
    uint64_t random; /* The same numbers give the same sample. */
    bool full;
};

void reservoir_deinit(struct reservoir *r);
void reservoir_add(struct reservoir *r, double v);
double reservoir_median(struct reservoir *r); /* NAN when empty. */
/* How many of the numbers seen lie in each of `n` equal parts of [from, to]; from a sample, about that many. */
void reservoir_bins(const struct reservoir *r, double from, double to, uint64_t *bins, uint32_t n);

/* How often each value of a column of few different ones comes; empty when there are more than TOPS_MAX. */
enum { TOPS_MAX = 32 };
struct tops {
    struct top {
        uint64_t hash, count;
        const char *text;
    } list[TOPS_MAX];
    uint32_t len;
    bool many;
};

/* NULL when the value is new. */
struct top *tops_find(struct tops *t, uint64_t hash);
/* An entry without text and count; NULL when there are too many. */
struct top *tops_new(struct tops *t, uint64_t hash);
void tops_sort(struct tops *t); /* Most frequent first; the same count in order of appearance. */

#endif
