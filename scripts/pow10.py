#!/usr/bin/env python3
"""Prints src/base/num_pow10.c: the first 128 bits of the powers of ten that doubles need.

    scripts/pow10.py > src/base/num_pow10.c
"""

FIRST, LAST = -342, 324


def top128(k):
    """floor(10^k * 2^s) with s chosen so that the result has exactly 128 bits."""
    if k >= 0:
        p = 10 ** k
        shift = p.bit_length() - 128
        return p >> shift if shift > 0 else p << -shift
    d = 10 ** -k
    s = 127 + d.bit_length()
    v = (1 << s) // d
    return v >> 1 if v.bit_length() == 129 else v


print("""/*
 * The powers of ten as 128-bit significands, truncated: num_pow10[k - NUM_POW10_FIRST] holds the
 * first 128 bits of 10^k. Made by scripts/pow10.py.
 */

#include "base/num_int.h"

/* clang-format off */
const struct num_pow10 num_pow10[] = {""")
row = []
for k in range(FIRST, LAST + 1):
    v = top128(k)
    assert v.bit_length() == 128
    row.append("{ 0x%016x, 0x%016x }," % (v >> 64, v & (1 << 64) - 1))
    if len(row) == 2 or k == LAST:
        print("    " + " ".join(row))
        row = []
print("};\n/* clang-format on */")
