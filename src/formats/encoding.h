#ifndef FORMATS_ENCODING_H
#define FORMATS_ENCODING_H

/*
 * Text encodings: which one a file is in, and a stream of it as UTF-8.
 */

#include "base/buf.h"

/*
 * Guess from a sample: BOM, then UTF-16 by its NUL pattern, then valid UTF-8 (a character cut at the end of the sample is
 * fine), then uchardet for East Asian and Cyrillic multi-byte text only, else "WINDOWS-1252". *bom: bytes to skip. Static storage.
 */
const char *encoding_detect(const void *sample, size_t n, size_t *bom);
bool encoding_known(const char *name);

struct encoding_reader;
/* `fd` from its current offset, decoded from `encoding`. UTF-8 input is passed through and checked. */
bool encoding_reader_open(int fd, const char *encoding, struct encoding_reader **out, struct err *err) MUST_CHECK;
void encoding_reader_close(struct encoding_reader *r);
/* Fill out[0..size) with UTF-8; *n is 0 only at the end. Bytes that are not in the encoding become U+FFFD and are counted. */
bool encoding_reader_read(struct encoding_reader *r, char *out, size_t size, size_t *n, struct err *err) MUST_CHECK;
uint64_t encoding_reader_bad(const struct encoding_reader *r, uint64_t *first_byte); /* Count, and where the first stood. */

#endif
