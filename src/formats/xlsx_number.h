#ifndef FORMATS_XLSX_NUMBER_H
#define FORMATS_XLSX_NUMBER_H

/*
 * Numbers as nearly all sheets have them, up to the '<' behind them. Eight bytes behind each byte
 * that is a digit may be read.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t xlsx_load8(const char *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

/*
 * The digits at p as a number, all eight bytes at once and without a branch that depends on how many
 * there are: nothing a processor could guess. Returns how many, at most eight.
 */
static inline unsigned xlsx_digits(const char *p, uint64_t *value)
{
    uint64_t v = xlsx_load8(p) ^ 0x3030303030303030; /* Digits are 0 to 9 now. */
    uint64_t other = ((v + 0x7676767676767676) | v) & 0x8080808080808080;
    unsigned bits = other ? (unsigned)__builtin_ctzll(other) & 56 : 64;

    v = bits ? v << (64 - bits) : 0; /* The digits at the end, zeros before them. */
    v = (v * 10 + (v >> 8)) & 0x00ff00ff00ff00ff;
    v = (v * 100 + (v >> 16)) & 0x0000ffff0000ffff;
    *value = (v * 10000 + (v >> 32)) & 0xffffffff;
    return bits / 8;
}

/*
 * A number of at most 15 digits or so, up to the '<' behind it: the value is a whole number below
 * 2^53 over an exact power of ten, so the division is rounded correctly. NULL: parse it another
 * way.
 */
const char *xlsx_number_long(const char *p, double *out);

/* The same of any number, quickest way when it has less than eight digits on each side. */
static inline const char *xlsx_number(const char *p, double *out)
{
    static const double pow10[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7 };
    bool minus = *p == '-';
    uint64_t whole, part;
    unsigned n, decimals;
    double v;

    p += minus;
    n = xlsx_digits(p, &whole);
    v = (double)whole;
    if (n > 0 && n < 8 && p[n] == '<') {
        p += n;
    } else {
        decimals = p[n] == '.' ? xlsx_digits(p + n + 1, &part) : 8;
        if (n > 0 && n < 8 && decimals > 0 && decimals < 8 && p[n + 1 + decimals] == '<') {
            v = (v * pow10[decimals] + (double)part) /
                pow10[decimals]; /* Exact but for the last. */
            p += n + 1 + decimals;
        } else {
            p = xlsx_number_long(p, &v);
        }
    }
    *out = minus ? -v : v;
    return p;
}

#endif
