#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAP = 256 };

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){ .max = max };
}

void buf_deinit(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){ .max = buf->max };
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->failed = buf->starved = false;
    if (buf->data)
        buf->data[0] = '\0';
}

char *buf_reserve(struct buf *buf, size_t n)
{
    size_t need, cap;
    char *grown;

    if (buf->failed)
        return NULL;
    if (n > buf->max || buf->len > buf->max - n) {
        buf->failed = true;
        return NULL;
    }
    need = buf->len + n + 1; /* One for the NUL. */
    if (need <= buf->cap)
        return buf->data + buf->len;
    cap = buf->cap ? buf->cap : FIRST_CAP;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    grown = realloc(buf->data, cap);
    if (!grown) {
        memory_note_lost();
        buf->failed = buf->starved = true;
        return NULL;
    }
    buf->data = grown;
    buf->cap = cap;
    return buf->data + buf->len;
}

void buf_add(struct buf *buf, const void *p, size_t n)
{
    char *room = buf_reserve(buf, n);

    if (!room)
        return;
    if (n)
        memcpy(room, p, n);
    buf->len += n;
    buf->data[buf->len] = '\0';
}

void buf_addc(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_adds(struct buf *buf, const char *s)
{
    buf_add(buf, s, strlen(s));
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
    va_list ap;
    char *room;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        buf->failed = true;
        return;
    }
    room = buf_reserve(buf, (size_t)n);
    if (!room)
        return;
    va_start(ap, fmt);
    vsnprintf(room, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf->len += (size_t)n;
}

bool buf_ok(const struct buf *buf, const char *what, struct err *err)
{
    if (!buf->failed)
        return true;
    if (buf->starved)
        return err_nomem(err);
    return err_set(err, ERR_BUDGET, "%s is larger than %zu bytes", what, buf->max);
}

const char *buf_str(struct buf *buf)
{
    return buf->data && buf->len ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *data = NULL;

    if (!buf->failed && buf_reserve(buf, 0)) {
        data = buf->data;
        data[buf->len] = '\0';
        buf->data = NULL;
    }
    buf_deinit(buf);
    return data;
}
