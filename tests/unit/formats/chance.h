#ifndef TESTS_FORMATS_CHANCE_H
#define TESTS_FORMATS_CHANCE_H

/* Random numbers that are the same in every run. */

#include <stdint.h>

/* 0 to 2^31 - 1; a linear congruential generator, whose low bits are not random and not shown. */
static inline uint32_t chance(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

#endif
