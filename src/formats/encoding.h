#ifndef FORMATS_ENCODING_H
#define FORMATS_ENCODING_H

/*
 * Text encodings: which one a file is in, and a stream of it as UTF-8.
 */

#include "base/buf.h"

/*
 * Guess from a sample: BOM, then UTF-16 by its NUL pattern, then valid UTF-8 (a character cut at
 * the end of the sample is fine), then uchardet for East Asian and Cyrillic multi-byte text only,
 * else "WINDOWS-1252". *bom: bytes to skip. Static storage.
 */
const char *encoding_detect(const void *sample, size_t n, size_t *bom);
/*
 * The name encoding_reader_open() knows an encoding by ("utf8" -> "UTF-8", "latin1" ->
 * "WINDOWS-1252"), or NULL. Points to static storage or to `name`.
 */
const char *encoding_find(const char *name);
bool encoding_known(const char *name);

/*
 * Load the converters of the encodings that are guessed or often asked for, for a process that is
 * about to lose sight of the disk they lie on. They are kept, by forked processes too.
 */
void encoding_preload(void);

struct encoding_reader;
/*
 * `fd` from its current offset, decoded from `encoding`. UTF-8 input is passed through and checked.
 */
bool encoding_reader_open(
    int fd, const char *encoding, struct encoding_reader **out, struct err *err) MUST_CHECK;
void encoding_reader_close(struct encoding_reader *r);
enum { ENCODING_MIN_READ = 16, ENCODING_BAD_PLACES = 5 };
/* Start again where the reader was opened. Bad bytes are counted anew. */
bool encoding_reader_rewind(struct encoding_reader *r, struct err *err) MUST_CHECK;
/*
 * Fill out[0..size), size at least ENCODING_MIN_READ, with UTF-8, whole characters only; *n is 0
 * only at the end. Bytes that are not in the encoding become U+FFFD and are counted.
 */
bool encoding_reader_read(
    struct encoding_reader *r, char *out, size_t size, size_t *n, struct err *err) MUST_CHECK;
/*
 * Only marks below 0x80 are looked for from here to the next rewind: UTF-8 need not be checked any more once a
 * character beyond ASCII has shown that it is UTF-8. From there on bytes come as they stand, characters may be cut,
 * and bad ones are not counted.
 */
void encoding_reader_skim(struct encoding_reader *r);
/* Has text been handed out unchecked since the last rewind? */
bool encoding_reader_skimmed(const struct encoding_reader *r);
/* How many bytes were bad, and where in the file the first stood. */
uint64_t encoding_reader_bad(const struct encoding_reader *r, uint64_t *first_byte);
/*
 * Where in the decoded text the U+FFFD for bad byte i (from 0) stands; UINT64_MAX when there are
 * not so many, or past ENCODING_BAD_PLACES.
 */
uint64_t encoding_reader_bad_place(const struct encoding_reader *r, unsigned i);
/* Has a character beyond ASCII been read that was right? */
bool encoding_reader_multibyte(const struct encoding_reader *r);
/* Bytes of the file consumed, for progress. */
uint64_t encoding_reader_offset(const struct encoding_reader *r);

#endif
