#ifndef BASE_NUM_PUT_H
#define BASE_NUM_PUT_H

/*
 * Printing the numbers that nearly all are, for loops that print many: num_format() prints the same,
 * and all others.
 */

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * v < 10^8 as the eight bytes of a word, the first digit lowest, each still 0 to 9: split in halves,
 * quarters and digits, all parts of a level at once. The factors are exact for so few digits.
 */
static inline uint64_t num_eight_digits(uint32_t v)
{
    uint64_t fours = v / 10000 | (uint64_t)(v % 10000) << 32, twos, tens;

    twos = fours * 10486 >> 20 & 0x0000007f0000007f;
    twos |= (fours - twos * 100) << 16;
    tens = twos * 103 >> 10 & 0x000f000f000f000f;
    return tens | (twos - tens * 10) << 8;
}

/* Store eight such digits as characters at `out`. */
static inline void num_store_digits(uint64_t digits, char *out)
{
    digits = htole64(digits | UINT64_C(0x3030303030303030));
    memcpy(out, &digits, sizeof digits);
}

/*
 * Whole numbers and those with one or two decimals are nearly all there are. One of so few digits
 * that reads back as v is the shortest (short_decimal() of num.c knows why). v >= 0, and not -0; `out` has
 * room for 16 bytes. Returns how many characters; 0: v is another one.
 */
static inline size_t num_put_usual(double v, char *out)
{
    uint32_t whole, hundredths;
    uint64_t digits;
    unsigned zeros;
    size_t n;

    if (!(v < 1e8))
        return 0;
    whole = (uint32_t)v;
    if ((double)whole == v) {
        digits = num_eight_digits(whole);
        zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) & 56; /* Bits of them. */
        num_store_digits(digits >> zeros, out);
        return 8 - zeros / 8;
    }
    if (!(v < 1e6))
        return 0;
    hundredths = (uint32_t)(v * 100 + 0.5);
    if ((double)hundredths / 100 != v)
        return 0;
    digits = num_eight_digits(hundredths);
    zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 40) &
            56; /* One stays before the point. */
    n = 8 - zeros / 8;
    num_store_digits(digits >> zeros, out);
    /* The point goes before the last two digits, which are stored once more. */
    out[n - 2] = '.';
    out[n - 1] = (char)('0' + (digits >> 48 & 0xff));
    out[n] = (char)('0' + (digits >> 56));
    return n + (digits >> 56 != 0);
}

#endif
