#ifndef FORMATS_ZIP_AHEAD_H
#define FORMATS_ZIP_AHEAD_H

/*
 * Unpacking ahead: a thread that keeps a few blocks of bytes ready while the caller works on
 * others.
 *
 *   thread:  produce() ─▶ [ready][ready][filling]  ─▶ caller: zip_ahead_read()
 */

#include "base/arena.h"

enum { ZIP_AHEAD_BLOCKS = 6, ZIP_AHEAD_BYTES = 150 << 10 };

struct zip_ahead;

/* Fill out[0..size): as zip_stream_read(). Called in the thread only, one call at a time. */
typedef bool zip_ahead_fn(void *arg, void *out, size_t size, size_t *n, struct err *err);

/* NULL when no thread or memory is to be had: then go on without. */
struct zip_ahead *zip_ahead_start(zip_ahead_fn *produce, void *arg, struct budget *budget);
void zip_ahead_stop(struct zip_ahead *a); /* Ends the thread; NULL is fine. */

/* As zip_stream_read(). An error of the producer comes after the bytes before it. */
bool zip_ahead_read(
    struct zip_ahead *a, void *out, size_t size, size_t *n, struct err *err) MUST_CHECK;

/* As zip_stream_lend(). */
bool zip_ahead_lend(struct zip_ahead *a, const char *tail, size_t n_tail, char **p, size_t *n,
    struct err *err) MUST_CHECK;

#endif
