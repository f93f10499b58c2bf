#ifndef FORMATS_ENCODING_INT_H
#define FORMATS_ENCODING_INT_H

/* Insides of encoding*.c, for their tests. */

#include "formats/encoding.h"

/* As utf8_valid_prefix(), but as fast as memory where the processor has AVX2. */
size_t encoding_valid_utf8(const char *p, size_t n);

#endif
