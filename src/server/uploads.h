#ifndef SERVER_UPLOADS_H
#define SERVER_UPLOADS_H

/*
 * How many uploads each sender has under way: from the headers that announce one to its answer, or to the end of a
 * connection that breaks off before. All functions are thread-safe and quick.
 */

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { UPLOADS_NAME_MAX = 128 };

struct uploads;
struct uploader; /* Who has some under way. */

bool uploads_new(struct uploads **out, struct err *err) MUST_CHECK;
void uploads_free(struct uploads *all); /* NULL is fine. */
/* One more of `name`, which may have `limit` at the same time (0: any number). Errors: ERR_RATE, ERR_NOMEM. */
bool uploads_begin(struct uploads *all, const char *name, uint32_t limit, struct uploader **out,
    struct err *err) MUST_CHECK;
void uploads_end(struct uploads *all, struct uploader *one); /* NULL is fine. */

struct uploads_load {
    uint64_t running;
    uint64_t refused; /* Since the start. */
};
void uploads_load(struct uploads *all, struct uploads_load *out);

#endif
