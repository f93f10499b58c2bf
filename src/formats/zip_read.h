#ifndef FORMATS_ZIP_READ_H
#define FORMATS_ZIP_READ_H

/*
 * Zip packages in: the table of contents, and any entry as a stream of bytes.
 *
 *   zip_read_open ── central directory, checked whole ── zip_read_find
 *                                                             │
 *   zip_stream_open ── stored | deflate ── size and CRC-32 checked at the end
 *
 * Nothing in the package is trusted: offsets lie inside the file, entries do not overlap, names
 * are only compared (never a path on disk), and an entry cannot unpack to more than it declares
 * or than ZIP_FREE_BYTES + ZIP_MAX_RATIO times its packed size.
 */

#include "base/arena.h"
#include "base/warn.h"

enum {
    ZIP_MAX_ENTRIES = 65535,
    ZIP_MAX_NAME = 1024,          /* Bytes of a part's name. */
    ZIP_MAX_RATIO = 128,          /* Real sheets pack 8 to 40 times. */
    ZIP_FREE_BYTES = 128 << 20,   /* Whatever the ratio, so much may come out of an entry. */
    ZIP_MAX_DIRECTORY = 64 << 20, /* Bytes of the central directory. */
    ZIP_END_SEARCH = 256 << 10,   /* How far from the end of the file its record is looked for. */
    ZIP_LEND_HEAD = 16 << 10, /* Bytes before what is lent, for what is left of the last loan... */
    ZIP_LEND_PAD = 64,        /* ...and behind it. Both may be written into. */
    ZIP_AHEAD_MIN = 4 << 20   /* Bytes to come that make a thread worth its while. */
};

struct zip_entry {
    const char *name; /* '/' between parts; no leading '/', "." or "..". Lives with the reader. */
    uint64_t offset;  /* Of the local header in the file. */
    uint64_t packed, size;
    uint32_t crc;
    uint16_t method, flags;
    uint16_t raw_name; /* Bytes of the name as it stands in the file. */
};

struct zip_reader;

/*
 * Read the central directory of `fd` (seekable, stays the caller's and must outlive the reader).
 * `label` names the file in sentences and is kept by pointer, as are `budget` and `warnings` (both
 * may be NULL).
 *
 * Errors: ERR_DATA (incomplete or damaged), ERR_BUDGET (too many entries), ERR_IO.
 */
bool zip_read_open(int fd, const char *label, struct budget *budget, struct warnings *warnings,
    struct zip_reader **out, struct err *err) MUST_CHECK;
void zip_read_close(struct zip_reader *zip);

size_t zip_read_count(const struct zip_reader *zip);
const struct zip_entry *zip_read_at(const struct zip_reader *zip, size_t i);

/*
 * The entry of a part, or NULL: exactly by name, else ignoring the case of ASCII letters. `name`
 * may begin with '/' and hold ".." and percent escapes. Of several with one name the first counts,
 * with a warning "duplicate_part".
 */
const struct zip_entry *zip_read_find(struct zip_reader *zip, const char *name);

struct zip_stream;

/*
 * Start reading an entry from its first byte. Several streams of a reader may be open at once.
 * Errors: ERR_DATA (method, encryption, headers that disagree), ERR_TOO_LARGE, ERR_IO.
 */
bool zip_stream_open(struct zip_reader *zip, const struct zip_entry *entry, struct zip_stream **out,
    struct err *err) MUST_CHECK;
void zip_stream_close(struct zip_stream *s); /* NULL is fine. */

/*
 * Fill out[0..size), size > 0. *n is 0 only at the end; the last bytes are given only after size
 * and CRC-32 of the whole entry have been found right, so *n > 0 may still be followed by an error.
 */
bool zip_stream_read(
    struct zip_stream *s, void *out, size_t size, size_t *n, struct err *err) MUST_CHECK;
/* From here on, unpack in a thread if much is to come; until the stream is rewound or closed. */
void zip_stream_ahead(struct zip_stream *s);
bool zip_stream_rewind(struct zip_stream *s, struct err *err) MUST_CHECK;
/*
 * Instead of zip_stream_read(), where a thread unpacks (zip_stream_lends): the next bytes where they
 * were unpacked. tail[0..n_tail), at most ZIP_LEND_HEAD bytes, which may lie in the last loan, are
 * copied to stand before them, so that what a loan has cut is whole. A loan ends with the next call
 * of this or zip_stream_read(), unless *n is 0: the end.
 */
bool zip_stream_lends(const struct zip_stream *s);
bool zip_stream_lend(struct zip_stream *s, const char *tail, size_t n_tail, char **p, size_t *n,
    struct err *err) MUST_CHECK;
const struct zip_entry *zip_stream_entry(const struct zip_stream *s);
uint64_t zip_stream_packed_done(const struct zip_stream *s); /* Packed bytes taken so far. */

#endif
