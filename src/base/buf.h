#ifndef BASE_BUF_H
#define BASE_BUF_H

/*
 * Growing byte buffers that cannot exist without a cap.
 *
 * Errors stick: once an append fails (over the cap or out of memory) the
 * buffer stays failed and later appends do nothing, so a builder checks once,
 * at its end, with buf_ok().
 */

#include "base/err.h"

#include <string.h>

struct buf {
    char *data; /* NUL-terminated whenever len > 0 or after buf_str(). */
    size_t len, cap;
    size_t max; /* Most bytes it may hold. */
    bool failed;
    bool starved; /* Failed as memory ended, not for its cap. */
};

void buf_init(struct buf *buf, size_t max);
void buf_deinit(struct buf *buf);
void buf_reset(struct buf *buf); /* Empties; keeps the memory; clears the failure. */

/* Room for `n` more bytes behind data[len]; NULL (and failed) when there is none. */
char *buf_reserve(struct buf *buf, size_t n);

void buf_add(struct buf *buf, const void *p, size_t n);
void buf_addc(struct buf *buf, char c);
void buf_adds(struct buf *buf, const char *s);
void buf_addf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* True, or false with ERR_NOMEM / ERR_BUDGET naming `what`. */
bool buf_ok(const struct buf *buf, const char *what, struct err *err) MUST_CHECK;

const char *buf_str(
    struct buf *buf); /* Never NULL; "" when empty or failed before the first byte. */

/* Hand the memory over to the caller, who frees it; NULL when failed. */
char *buf_take(struct buf *buf);

#endif
