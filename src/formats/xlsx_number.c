/*
 * Numbers of a sheet that are longer than most.
 */
#include "formats/xlsx_number.h"

const char *xlsx_number_long(const char *p, double *out)
{
    static const double pow10[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16 };
    const char *from = p, *point = NULL;
    size_t digits, decimals = 0;
    uint64_t m = 0;

    while ((unsigned char)(*p - '0') <= 9)
        m = m * 10 + (uint64_t)(*p++ - '0');
    digits = (size_t)(p - from);
    if (digits == 0)
        return NULL;
    if (*p == '.') {
        point = ++p;
        while ((unsigned char)(*p - '0') <= 9)
            m = m * 10 + (uint64_t)(*p++ - '0');
        decimals = (size_t)(p - point);
        digits += decimals;
        if (decimals == 0)
            return NULL;
    }
    if (*p != '<' || digits > 16 || m > (uint64_t)1 << 53)
        return NULL;
    *out = decimals ? (double)m / pow10[decimals] : (double)m;
    return p;
}
