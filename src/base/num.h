#ifndef BASE_NUM_H
#define BASE_NUM_H

/*
 * Text <-> number, exactly and without locale.
 */

#include "base/err.h"

enum { NUM_TEXT_MAX = 32 }; /* Room for any number num_format() prints. */

/*
 * Print `v` in the shortest form that reads back equal: 7, 1.5, 1e-07, 1e+16, -0. Whole
 * numbers below 10^15 have no exponent (exponents start below 1e-4 and at 1e16, with at
 * least two digits). Not finite: "nan", "inf", "-inf".
 * Shape: writes to out (NUM_TEXT_MAX bytes, NUL-terminated); returns the length.
 */
size_t num_format(double v, char *out);

/* Print an integer; returns the length. */
size_t num_format_int(int64_t v, char *out);

/*
 * Parse all of p[0..n) as a JSON-like number: optional sign (+ or -), digits with at most
 * one point, optional exponent; blanks around are not accepted, nor hex, inf, nan or
 * thousands separators. Correctly rounded. False when it is anything else or overflows.
 */
bool num_parse(const char *p, size_t n, double *out);

/* All of p[0..n) as a whole number in int64; false when not one or out of range. */
bool num_parse_int(const char *p, size_t n, int64_t *out);

/*
 * Is p[0..n) a number whose shortest printing is exactly this text (safe
 * typing: no leading zero, +, exponent, trailing zero; at most 15 significant digits)?
 */
bool num_parse_safe(const char *p, size_t n, double *out);

/*
 * Round the decimal digits of text p[0..n) (a number as num_parse takes it) half away from
 * zero to `decimals` (0..30) places, exactly and at any length: 2.675 -> 2.68. Trailing
 * zeros after the point are dropped, "-0" becomes "0".
 * Shape: writes at most `size` bytes to out, returns the length; 0 when it does not fit or
 * p is no number.
 */
size_t num_round_text(const char *p, size_t n, int decimals, char *out, size_t size);

/* What a hexadecimal digit, of either case, stands for; -1: it is none. */
static inline int num_hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The byte that two of them stand for, or -1; p[1] is not looked at when p[0] is none. */
static inline int num_hex_byte(const char *p)
{
    int high = num_hex_digit(p[0]), low = high < 0 ? -1 : num_hex_digit(p[1]);

    return low < 0 ? -1 : high * 16 + low;
}

#endif
