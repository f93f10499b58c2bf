/*
 * Files being written: buffered, under a temporary name until they are whole.
 *
 *   create ─▶ write ... ─▶ commit: flush, fsync, rename without replacing, fsync the folder
 *                      └─▶ abort:  unlink
 *
 * A failed fsync is final: the kernel may have dropped the pages, so it is never tried again.
 */

#include "base/fs.h"

#include "base/fault.h"
#include "base/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, ROOM_MAX = 64 * 1024, TMP_DIGITS = 16, MAX_SUFFIX_TRIES = 100000 };

struct fs_file {
    int fd, dir_fd; /* dir_fd -1: writing to a descriptor that is not ours. */
    char *buffer;
    size_t used;
    uint64_t flushed; /* Bytes given to the system. */
    char *label;
    char name[FS_NAME_MAX + 1];
    char tmp_name[FS_NAME_MAX + 1];
};

static void free_file(struct fs_file *file)
{
    if (file->dir_fd >= 0) {
        if (file->fd >= 0)
            close(file->fd);
        close(file->dir_fd);
    }
    free(file->buffer);
    free(file->label);
    free(file);
}

static struct fs_file *new_file(const char *label)
{
    struct fs_file *file = calloc(1, sizeof *file);

    if (!file)
        return NULL;
    file->fd = file->dir_fd = -1;
    file->buffer = malloc(BUFFER);
    file->label = strdup(label);
    if (!file->buffer || !file->label) {
        free_file(file);
        return NULL;
    }
    return file;
}

static bool create_error(struct err *err, int errnum, const char *label)
{
    if (errnum == ENOSPC || errnum == EDQUOT || errnum == ENOMEM)
        return err_errno(err, errnum, label);
    return err_set(err, ERR_CREATE, "%s cannot be created: %s", label, strerror(errnum));
}

bool fs_file_create(
    const char *dir, const char *name, const char *label, struct fs_file **out, struct err *err)
{
    struct fs_file *file = new_file(label);
    char unique[TMP_DIGITS + 1];
    int saved;

    if (!file)
        return err_nomem(err);
    rand_hex(unique, TMP_DIGITS);
    snprintf(file->name, sizeof file->name, "%s", name);
    snprintf(file->tmp_name, sizeof file->tmp_name, ".%s" FS_TMP_SUFFIX, unique);
    file->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->dir_fd >= 0)
        file->fd = openat(
            file->dir_fd, file->tmp_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        saved = errno;
        free_file(file);
        return create_error(err, saved, label);
    }
    *out = file;
    return true;
}

bool fs_file_from_fd(int fd, const char *label, struct fs_file **out, struct err *err)
{
    struct fs_file *file = new_file(label);

    if (!file)
        return err_nomem(err);
    file->fd = fd;
    *out = file;
    return true;
}

static bool write_all(struct fs_file *file, const char *p, size_t n, struct err *err)
{
    if (!fs_write_all(file->fd, p, n, file->label, err))
        return false;
    file->flushed += n;
    return true;
}

static bool flush(struct fs_file *file, struct err *err)
{
    size_t n = file->used;

    file->used = 0;
    return write_all(file, file->buffer, n, err);
}

bool fs_file_write(struct fs_file *file, const void *p, size_t n, struct err *err)
{
    if (n > BUFFER - file->used && !flush(file, err))
        return false;
    if (n >= BUFFER)
        return write_all(file, p, n, err);
    if (n > 0)
        memcpy(file->buffer + file->used, p, n);
    file->used += n;
    return true;
}

char *fs_file_room(struct fs_file *file, size_t n, struct err *err)
{
    if (n > ROOM_MAX) {
        err_set(err, ERR_INTERNAL, "more room asked for than a file's buffer has");
        return NULL;
    }
    if (n > BUFFER - file->used && !flush(file, err))
        return NULL;
    return file->buffer + file->used;
}

void fs_file_wrote(struct fs_file *file, size_t n)
{
    file->used += n;
}

bool fs_file_patch(struct fs_file *file, uint64_t offset, const void *p, size_t n, struct err *err)
{
    const char *from = p;

    if (!flush(file, err))
        return false;
    while (n > 0) {
        ssize_t put = pwrite(file->fd, from, n, (off_t)offset);

        if (put < 0) {
            if (errno == EINTR)
                continue;
            return err_errno(err, errno, file->label);
        }
        from += put;
        offset += (uint64_t)put;
        n -= (size_t)put;
    }
    return true;
}

bool fs_file_can_patch(const struct fs_file *file)
{
    return file->dir_fd >= 0;
}

uint64_t fs_file_size(const struct fs_file *file)
{
    return file->flushed + file->used;
}

/* "sales_2.tar.gz" style: the suffix is what follows the last dot, or the last two for .tar.gz. */
static bool rename_free(struct fs_file *file, char *final, struct err *err)
{
    const char *suffix = fs_suffix(file->name);
    int stem = (int)(suffix - file->name);

    snprintf(final, FS_NAME_MAX + 1, "%s", file->name);
    for (int k = 2; k < MAX_SUFFIX_TRIES; k++) {
        if (renameat2(file->dir_fd, file->tmp_name, file->dir_fd, final, RENAME_NOREPLACE) == 0)
            return true;
        if (errno != EEXIST)
            return create_error(err, errno, file->label);
        snprintf(final, FS_NAME_MAX + 1, "%.*s-%d%s", stem, file->name, k, suffix);
    }
    return err_set(err, ERR_CREATE, "%s: too many files have this name", file->label);
}

bool fs_file_commit(struct fs_file *file, bool durable, char *name, struct err *err)
{
    char final[FS_NAME_MAX + 1];
    int closed;

    if (!flush(file, err))
        goto fail;
    if (file->dir_fd < 0) {
        free_file(file);
        return true;
    }
    if (durable && !fault_is("no-file-fsync") && fsync(file->fd) != 0) {
        err_errno(err, errno, file->label);
        goto fail;
    }
    closed = close(file->fd);
    file->fd = -1;
    if (closed != 0) {
        err_errno(err, errno, file->label);
        goto fail;
    }
    if (!rename_free(file, final, err))
        goto fail;
    file->tmp_name[0] = '\0';
    if (durable && !fault_is("no-folder-fsync") && fsync(file->dir_fd) != 0) {
        err_errno(err, errno, file->label);
        unlinkat(file->dir_fd, final, 0);
        goto fail;
    }
    if (name)
        memcpy(name, final, sizeof final);
    free_file(file);
    return true;
fail:
    fs_file_abort(file);
    return false;
}

void fs_file_abort(struct fs_file *file)
{
    if (!file)
        return;
    if (file->dir_fd >= 0 && file->tmp_name[0])
        unlinkat(file->dir_fd, file->tmp_name, 0);
    free_file(file);
}
