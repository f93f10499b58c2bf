#ifndef NET_MULTIPART_H
#define NET_MULTIPART_H

/*
 * multipart/form-data (RFC 7578), parsed as it arrives and in constant memory.
 *
 *   preamble --boundary CRLF headers CRLF CRLF content CRLF--boundary ... CRLF--boundary-- epilogue
 *
 * Content of parts that have a file name goes to temporary files, hashed on the way; that of plain
 * fields to memory. However the bytes are cut into calls, the parts are the same.
 */

#include "net/http.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70,
    MULTIPART_PARTS_MAX = 64,
    MULTIPART_HEADERS_MAX = 8 << 10, /* Of one part. */
    MULTIPART_FIELDS_MAX = 8 << 20   /* All plain fields together. */
};

struct multipart;

/*
 * `content_type` is the header with its boundary; files go to the folder `dir`; content of all parts
 * together may have max_bytes. What the parts point to lives in `arena`, which must outlive *out.
 * Errors: ERR_MALFORMED (no usable boundary), ERR_NOMEM.
 */
bool multipart_new(const char *content_type, const char *dir, uint64_t max_bytes,
    struct arena *arena, struct multipart **out, struct err *err) MUST_CHECK;

/* Gather this many bytes of a file before they are written. Without it they are written as they come. */
void multipart_gather(struct multipart *m, size_t bytes);

/*
 * The next n bytes of the body. After an error only multipart_free() may follow.
 * Errors: ERR_MALFORMED, ERR_TOO_LARGE, ERR_NO_SPACE, ERR_IO; err->at.byte is the position in the body.
 */
bool multipart_feed(struct multipart *m, const char *p, size_t n, struct err *err) MUST_CHECK;

/* The body has ended: check that it is complete. */
bool multipart_finish(struct multipart *m, struct err *err) MUST_CHECK;

/* The parts so far, those of an unfinished body included (the last may be incomplete). Valid until free. */
struct http_part *multipart_parts(struct multipart *m, size_t *n);

/* Removes the files that are still there under their temporary names. NULL is fine. */
void multipart_free(struct multipart *m);

/* What the headers of one part say. */
struct multipart_headers {
    const char *name;     /* UTF-8, or NULL: no form-data field. */
    const char *filename; /* UTF-8, or NULL. */
    const char *type;     /* Or NULL. */
};

/*
 * Read the header block p[0..n), each line ended by CRLF, which is clobbered.
 * Errors: ERR_MALFORMED, ERR_NOMEM.
 */
bool multipart_headers_read(char *p, size_t n, struct arena *arena, struct multipart_headers *out,
    struct err *err) MUST_CHECK;

/*
 * The boundary parameter of a Content-Type, NUL-terminated; false when there is none of 1 to 70 allowed characters, or
 * when memory ends (memory_lost()).
 */
bool multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_MAX + 1]);

#endif
