#ifndef BASE_FS_H
#define BASE_FS_H

/*
 * Files: whole or not at all, and never outside their root.
 *
 * fs_file is a buffered file being written. It lives under a temporary name in the folder of its
 * destination until fs_file_commit() has flushed, fsynced, renamed it (never over an
 * existing file) and fsynced the folder. A crash leaves at most a `*.tmp`, which start-up removes.
 */

#include "base/buf.h"

#define FS_TMP_SUFFIX ".tmp"
enum {
    FS_NAME_MAX = 255,
    FS_PATH_MAX = 4096,
    FS_BARE_NAME_MAX =
        FS_NAME_MAX - 48 /* What fs_is_bare_name() takes: room is left for additions. */
};

struct fs_file;

/*
 * Start a file that will be `dir`/`name`. `dir` must exist. Errors: ERR_CREATE, ERR_NO_SPACE.
 * `label` names it in errors (kept by copy).
 */
bool fs_file_create(const char *dir, const char *name, const char *label, struct fs_file **out,
    struct err *err) MUST_CHECK;
/* Write to an open descriptor (stdout): commit only flushes; not closed. */
bool fs_file_from_fd(int fd, const char *label, struct fs_file **out, struct err *err) MUST_CHECK;

bool fs_file_write(struct fs_file *file, const void *p, size_t n, struct err *err) MUST_CHECK;
/* `n` (at most 64 KiB) bytes of room in the buffer to fill, then fs_file_wrote() says how many were used. */
char *fs_file_room(struct fs_file *file, size_t n, struct err *err) MUST_CHECK;
void fs_file_wrote(struct fs_file *file, size_t n);
/* Overwrite bytes already written, at `offset`. Not for fs_file_from_fd(). */
bool fs_file_patch(
    struct fs_file *file, uint64_t offset, const void *p, size_t n, struct err *err) MUST_CHECK;
bool fs_file_can_patch(const struct fs_file *file);
uint64_t fs_file_size(
    const struct fs_file *file); /* Bytes written so far, buffered ones included. */

/*
 * Publish the file and free it, whatever the outcome. A taken name gets "-2", "-3", ... before its suffix;
 * `name` (FS_NAME_MAX + 1 bytes, may be NULL) receives the name it got. durable: with the fsyncs.
 */
bool fs_file_commit(struct fs_file *file, bool durable, char *name, struct err *err) MUST_CHECK;
void fs_file_abort(struct fs_file *file); /* Remove the temporary and free; NULL is fine. */

/* All of p[0..n) to a descriptor, which `label` names in errors. */
bool fs_write_all(int fd, const void *p, size_t n, const char *label, struct err *err) MUST_CHECK;
/* Replace or create path's content atomically. */
bool fs_save(const char *path, const void *p, size_t n, struct err *err) MUST_CHECK;
/* All of a file, at most `max` bytes; *data is malloc'd and NUL-terminated. */
bool fs_load(const char *path, size_t max, char **data, size_t *n, struct err *err) MUST_CHECK;

/* "dir/a/b" in out (FS_PATH_MAX); false (ERR_ARG) when too long. */
bool fs_join(char *out, const char *dir, const char *rest, struct err *err) MUST_CHECK;
/* mkdir -p with mode 0700, fsyncing each parent whose entry is new. */
bool fs_make_dirs(const char *path, struct err *err) MUST_CHECK;
bool fs_remove_tree(
    const char *path, struct err *err) MUST_CHECK; /* Not through symlinks; absent is fine. */
bool fs_sync_dir(const char *path, struct err *err) MUST_CHECK;
/* For each regular file below `path` (relative names, depth first); fn returning false stops with its err. */
typedef bool fs_walk_fn(void *arg, const char *relative, uint64_t size, struct err *err);
bool fs_walk(const char *path, fs_walk_fn *fn, void *arg, struct err *err) MUST_CHECK;

/*
 * Open a regular file below the folder `root` for reading: `relative` may not leave it (openat2
 * RESOLVE_BENEATH, no symlinks). ERR_NOT_FOUND names `relative` only.
 */
bool fs_open_beneath(
    const char *root, const char *relative, int *fd, uint64_t *size, struct err *err) MUST_CHECK;

/* SHA-256 of a whole file, as 64 hex digits and NUL. */
bool fs_sha256_fd(int fd, char hex[65], struct err *err) MUST_CHECK;
struct fs_sha256;                      /* Incremental. */
struct fs_sha256 *fs_sha256_new(void); /* NULL when memory ends, which is noted (memory_lost()). */
void fs_sha256_add(struct fs_sha256 *s, const void *p, size_t n);
void fs_sha256_end(struct fs_sha256 *s, char hex[65]); /* Frees. NULL hex: only frees. */

/*
 * Make a name from outside safe as a file name while keeping it recognisable: the last path part,
 * controls, slashes and NUL removed, not "." or "..", cut to fit FS_NAME_MAX - 48 bytes on a
 * character boundary with its suffix kept; "file" when nothing is left. Unicode stays (NFC).
 * False only when memory ends.
 */
bool fs_safe_name(const char *raw, size_t n, char out[FS_NAME_MAX + 1], struct err *err) MUST_CHECK;
/* A bare name an argument gave (output_filename): no slash, not hidden, not empty, fits. */
bool fs_is_bare_name(const char *name);
/* The suffix with its dot ("" when there is none) as a pointer into name. */
const char *fs_suffix(const char *name);

#endif
