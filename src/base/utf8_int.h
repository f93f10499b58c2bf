#ifndef BASE_UTF8_INT_H
#define BASE_UTF8_INT_H

/*
 * What the utf8*.c files share.
 */

#include "base/utf8.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Bytes of p[0..n) before the first that is not ASCII. */
size_t utf8_ascii_prefix(const char *p, size_t n);

/* White space or of no width: what trimming takes away. */
bool utf8_is_blank(uint32_t code);
bool utf8_is_zero_width(uint32_t code);

#endif
