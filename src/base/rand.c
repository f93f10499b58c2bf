/* Randomness from the system's generator, for ids and names. */

#include "base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static const char hex_digits[] = "0123456789abcdef";

void rand_bytes(void *out, size_t n)
{
    unsigned char *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0) {
            if (errno == EINTR)
                continue;
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

uint32_t rand_below(uint32_t bound)
{
    /* Reject the short last stretch so that every value is equally likely. */
    uint32_t limit = UINT32_MAX - UINT32_MAX % bound;
    uint32_t v;

    do
        rand_bytes(&v, sizeof v);
    while (v >= limit);
    return v % bound;
}

void rand_uuid(char out[37])
{
    unsigned char b[16];
    char *p = out;

    rand_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex_digits[b[i] >> 4];
        *p++ = hex_digits[b[i] & 15];
    }
    *p = '\0';
}

void rand_hex(char *out, size_t digits)
{
    unsigned char b[32];

    out[digits] = '\0';
    while (digits > 0) {
        size_t n = digits < sizeof b ? digits : sizeof b;

        rand_bytes(b, n);
        digits -= n;
        for (size_t i = 0; i < n; i++)
            out[digits + i] = hex_digits[b[i] & 15];
    }
}
