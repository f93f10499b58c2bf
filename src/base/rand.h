#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Bytes from the system's generator; aborts when it has none, as nothing safe can go on. */
void rand_bytes(void *out, size_t n);
uint32_t rand_below(uint32_t bound);     /* Uniform in 0..bound-1; bound > 0. */
void rand_uuid(char out[37]);            /* A version 4 UUID, lower case, NUL-terminated. */
void rand_hex(char *out, size_t digits); /* NUL-terminated: digits + 1 bytes. */

#endif
