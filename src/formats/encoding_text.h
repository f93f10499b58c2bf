#ifndef FORMATS_ENCODING_TEXT_H
#define FORMATS_ENCODING_TEXT_H

/* Single texts in an old encoding, as UTF-8. */

#include <stddef.h>

struct encoding_text;

enum { ENCODING_TEXT_GROWTH = 4 }; /* Bytes of UTF-8 that a byte may become. */

/* A converter from `encoding`; NULL when the encoding is not known or memory ends. */
struct encoding_text *encoding_text_new(const char *encoding);
void encoding_text_free(struct encoding_text *t);

/*
 * p[0..n) into out, which has room for ENCODING_TEXT_GROWTH times as much; returns the length.
 * Bytes that are not in the encoding become U+FFFD.
 */
size_t encoding_text_decode(struct encoding_text *t, const void *p, size_t n, char *out);

#endif
