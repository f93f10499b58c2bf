#ifndef FORMATS_ZIP_WRITE_H
#define FORMATS_ZIP_WRITE_H

/*
 * Zip archives out, streamed into an fs_file, the same bytes for the same parts.
 *
 *   ┌ local header ─ deflated data ┐ ┌ local header ─ data ┐ ... central directory ─ [zip64 end] ─ end
 *   └ part ────────────────────────┘ └ part ───────────────┘
 *
 * A part's sizes and CRC are known only behind it. Where the file can be patched they are put into the
 * local header afterwards; else (stdout) a data descriptor follows the data. Room for zip64
 * sizes is kept in each patchable local header under the growth hint of the Open Packaging
 * Conventions, since Excel refuses zip64 headers where they are not needed.
 *
 * The bytes depend on the parts' bytes alone, not on the portions in which they come.
 */

#include "base/fs.h"

enum {
    ZIP_NAME_MAX = 255,      /* Bytes of a part's name. */
    ZIP_ROOM_MAX = 16 * 1024 /* Most that zip_write_room() can be asked for. */
};

struct zip_writer;

/* An archive at the start of `file`, which stays the caller's. */
bool zip_write_open(struct fs_file *file, struct zip_writer **out, struct err *err) MUST_CHECK;
void zip_write_close(struct zip_writer *z); /* Frees; NULL is fine. */

/* Start a part. Names are ASCII, with slashes, and unique (the caller sees to it). */
bool zip_write_begin(struct zip_writer *z, const char *name, struct err *err) MUST_CHECK;

/*
 * Room for at least `need` (<= ZIP_ROOM_MAX) more bytes of the part; *end is where it ends. NULL on
 * failure. Fill it and say with zip_write_wrote() how many bytes were used before any other call.
 */
char *zip_write_room(struct zip_writer *z, size_t need, char **end, struct err *err);
void zip_write_wrote(struct zip_writer *z, size_t n);

bool zip_write_data(struct zip_writer *z, const void *p, size_t n, struct err *err) MUST_CHECK;
bool zip_write_end(struct zip_writer *z, struct err *err) MUST_CHECK;

/* A whole part at once. */
bool zip_write_part(
    struct zip_writer *z, const char *name, const void *p, size_t n, struct err *err) MUST_CHECK;

/* The central directory. Nothing may follow. */
bool zip_write_finish(struct zip_writer *z, struct err *err) MUST_CHECK;

#endif
