/*
 * Decimal digits <-> double, exactly, with 128-bit powers of ten and no big integers.
 *
 * Printing is Raffaello Giulietti's Schubfach: scale the three boundaries of the rounding interval
 * by a power of ten, rounding to odd so that comparisons stay exact, and pick the shortest
 * decimal inside. Parsing is Daniel Lemire's and Michael Eisel's method: one or two 64x64
 * multiplications give enough bits to round for any 19 digits (proven by Mushtak and Lemire).
 */

#include "base/num_int.h"

#include <math.h>
#include <string.h>

enum {
    FRACTION_BITS = 52,
    EXPONENT_BIAS = 1023,
    EXPONENT_INF = 0x7ff,
    /* Powers whose 128 bits in the table are exact. */
    EXACT_FIRST = 0,
    EXACT_LAST = 55
};
#define HIDDEN_BIT (UINT64_C(1) << FRACTION_BITS)

typedef unsigned __int128 u128; /* A built-in type, named for reading. */

static uint64_t bits_of(double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

static struct num_pow10 pow10_floor(int k)
{
    return num_pow10[k - NUM_POW10_FIRST];
}

/* Rounded up where the table's value is cut off. No entry has a lower half of all ones. */
static struct num_pow10 pow10_ceil(int k)
{
    struct num_pow10 p = pow10_floor(k);

    if (k < EXACT_FIRST || k > EXACT_LAST)
        p.lo++;
    return p;
}

/* v / 2^bits, rounded down. */
static int shift_down(int v, int bits)
{
    return v >= 0 ? v >> bits : -((-v + (1 << bits) - 1) >> bits);
}

/* floor(k * log2(10)), by a fraction that is near enough for the exponents of doubles. */
static int floor_log2_pow10(int k)
{
    return shift_down(k * 1741647, 19);
}

/* The high 64 bits of g * c / 2^64, with the lowest bit set when anything was cut off. */
static uint64_t round_to_odd(struct num_pow10 g, uint64_t c)
{
    u128 low = (u128)g.lo * c;
    u128 sum = (u128)g.hi * c + (uint64_t)(low >> 64);

    return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1);
}

uint64_t num_to_decimal(double v, int *exp10)
{
    uint64_t bits = bits_of(v), fraction = bits & (HIDDEN_BIT - 1);
    int biased = (int)(bits >> FRACTION_BITS) & EXPONENT_INF;
    uint64_t c = biased ? fraction | HIDDEN_BIT : fraction;
    int q = (biased ? biased : 1) - EXPONENT_BIAS - FRACTION_BITS;
    /* At a power of two the neighbour below is nearer than the one above. */
    bool closer = fraction == 0 && biased > 1;
    /* floor(log10(2^q)), or of 3/4 of it. */
    int k = shift_down(q * 1262611 - (closer ? 524031 : 0), 22);
    int h = q + floor_log2_pow10(-k) + 1;
    struct num_pow10 g = pow10_ceil(-k);
    uint64_t odd = c & 1; /* Boundaries belong to even significands. */
    uint64_t lower = round_to_odd(g, (4 * c - 2 + closer) << h) + odd;
    uint64_t middle = round_to_odd(g, (4 * c) << h);
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - odd;
    uint64_t s = middle / 4, tens = s / 10;
    bool below, above;

    if (s >= 10) {
        below = lower <= 40 * tens;
        above = 40 * tens + 40 <= upper;
        if (below != above) {
            *exp10 = k + 1;
            return tens + above;
        }
    }
    *exp10 = k;
    below = lower <= 4 * s;
    above = 4 * s + 4 <= upper;
    if (below != above)
        return s + above;
    return s + (middle > 4 * s + 2 || (middle == 4 * s + 2 && (s & 1)));
}

/* The 128-bit product of w (normalised) and 10^k, precise in its upper 55 bits. */
static u128 scaled(uint64_t w, int k)
{
    /* The proof wants reciprocals of exact powers rounded up, all else cut off. */
    struct num_pow10 p = k >= -27 && k < 0 ? pow10_ceil(k) : pow10_floor(k);
    u128 product = (u128)w * p.hi;

    if (((uint64_t)(product >> 64) & 0x1ff) == 0x1ff)
        product += (uint64_t)(((u128)w * p.lo) >> 64);
    return product;
}

double num_from_decimal(uint64_t digits, int64_t exp10)
{
    enum { DROP = 64 - FRACTION_BITS - 3 };
    int k, zeros, upper_bit, exponent;
    uint64_t high, m;
    u128 product;

    if (digits == 0 || exp10 < NUM_POW10_FIRST)
        return 0;
    if (exp10 > 308)
        return (double)INFINITY;
    k = (int)exp10;
    zeros = __builtin_clzll(digits);
    product = scaled(digits << zeros, k);
    high = (uint64_t)(product >> 64);
    upper_bit = (int)(high >> 63);
    m = high >> (upper_bit + DROP);
    exponent = floor_log2_pow10(k) + 63 + upper_bit - zeros + EXPONENT_BIAS;
    if (exponent <= 0) { /* Subnormal, or it rounds to the least normal number. */
        if (1 - exponent >= 64)
            return 0;
        m >>= 1 - exponent;
        m = (m + (m & 1)) >> 1;
        return double_of(m); /* A carry into the hidden bit is the right exponent. */
    }
    /* Exactly half way: to even. */
    if ((uint64_t)product <= 1 && k >= -4 && k <= 23 && (m & 3) == 1 &&
        m << (upper_bit + DROP) == high)
        m &= ~UINT64_C(1);
    m = (m + (m & 1)) >> 1;
    if (m >= HIDDEN_BIT << 1) {
        m = HIDDEN_BIT;
        exponent++;
    }
    if (exponent >= EXPONENT_INF)
        return (double)INFINITY;
    return double_of((uint64_t)exponent << FRACTION_BITS | (m & (HIDDEN_BIT - 1)));
}
