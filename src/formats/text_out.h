#ifndef FORMATS_TEXT_OUT_H
#define FORMATS_TEXT_OUT_H

/*
 * Text going straight into an fs_file's buffer: the writers' inner loops store through a pointer
 * and ask for room now and then.
 */

#include "base/fs.h"

enum { TEXT_OUT_ROOM = 60 * 1024 }; /* The most that may be asked for at once. */

struct text_out {
    struct fs_file *file;
    char *begin, *p, *end;
};

static inline void text_out_init(struct text_out *out, struct fs_file *file)
{
    *out = (struct text_out){ .file = file };
}

/* Hand what was stored to the file; before anyone else writes to it. */
static inline void text_out_flush(struct text_out *out)
{
    if (out->p != out->begin)
        fs_file_wrote(out->file, (size_t)(out->p - out->begin));
    out->begin = out->p = out->end = NULL;
}

/* Make room for n (up to TEXT_OUT_ROOM) bytes at out->p. */
static inline MUST_CHECK bool text_out_need(struct text_out *out, size_t n, struct err *err)
{
    if ((size_t)(out->end - out->p) >= n)
        return true;
    text_out_flush(out);
    out->begin = fs_file_room(out->file, TEXT_OUT_ROOM, err);
    if (!out->begin)
        return false;
    out->p = out->begin;
    out->end = out->begin + TEXT_OUT_ROOM;
    return true;
}

/* Bytes of any length, as they stand. */
static inline MUST_CHECK bool text_out_put(
    struct text_out *out, const char *p, size_t n, struct err *err)
{
    if (n > TEXT_OUT_ROOM / 4) {
        text_out_flush(out);
        return fs_file_write(out->file, p, n, err);
    }
    if (!text_out_need(out, n, err))
        return false;
    if (n)
        memcpy(out->p, p, n);
    out->p += n;
    return true;
}

#endif
