#ifndef BASE_NUM_INT_H
#define BASE_NUM_INT_H

/*
 * Between num.c, which knows text, and num_binary.c, which knows doubles.
 */

#include "base/num.h"

struct num_pow10 {
    uint64_t hi, lo;
};

enum { NUM_POW10_FIRST = -342, NUM_POW10_LAST = 324 };
extern const struct num_pow10 num_pow10[]; /* num_pow10.c */

/* The shortest digits * 10^*exp10 that reads back as `v` (finite, > 0), the nearest of equals. */
uint64_t num_to_decimal(double v, int *exp10);

/* digits * 10^exp10, correctly rounded; infinity on overflow. */
double num_from_decimal(uint64_t digits, int64_t exp10);

#endif
