/*
 * The hidden folder in which outputs come to be.
 */

#include "cli/staging.h"

#include "cli/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUTS "outputs"
#define INTERMEDIATE "intermediate"

enum { SPOOL_BYTES = 256 * 1024, MAX_NAMES = 100000 };

static bool folder_err(const char *dir, int errnum, struct err *err)
{
    if (errnum == ENOENT)
        return err_set(err, ERR_CREATE, "the folder '%.300s' does not exist", dir);
    if (errnum == ENOSPC || errnum == EDQUOT)
        return err_errno(err, errnum, "the output");
    return err_set(
        err, ERR_CREATE, "nothing can be written in '%.300s': %s", dir, strerror(errnum));
}

static bool make_folder(const char *dir, const char *name, struct err *err)
{
    char path[FS_PATH_MAX];

    if (!fs_join(path, dir, name, err))
        return false;
    return mkdir(path, 0777) == 0 || errno == EEXIST ? true : folder_err(dir, errno, err);
}

bool staging_open(struct staging *s, const char *dir, struct err *err)
{
    char path[FS_PATH_MAX];

    if (!fs_join(path, dir, ".sheetflow-XXXXXX", err))
        return false;
    if (!mkdtemp(path))
        return folder_err(dir, errno, err);
    snprintf(s->dir, sizeof s->dir, "%s", dir);
    memcpy(s->path, path, sizeof s->path);
    if (make_folder(path, OUTPUTS, err) && make_folder(path, INTERMEDIATE, err))
        return true;
    staging_close(s);
    return false;
}

void staging_close(struct staging *s)
{
    struct err ignored;

    if (s->path[0] && !fs_remove_tree(s->path, &ignored))
        fprintf(stderr, "sheetflow: '%s' could not be removed\n", s->path);
    s->path[0] = '\0';
}

bool staging_path(const struct staging *s, const char *name, char *path, struct err *err)
{
    return fs_join(path, s->path, name, err);
}

/* Outputs are written for their owner alone; in their place they get the usual permissions. */
static void set_mode(const char *path)
{
    mode_t mask = umask(0);

    umask(mask);
    chmod(path, 0666 & ~mask); /* Where it cannot be changed the file is there all the same. */
}

static bool from_path(
    const struct staging *s, const char *folder, const char *name, char *path, struct err *err)
{
    char dir[FS_PATH_MAX];

    return fs_join(dir, s->path, folder, err) && fs_join(path, dir, name, err);
}

bool staging_keep(
    struct staging *s, const char *folder, const char *name, char *path, struct err *err)
{
    bool nested = strcmp(folder, INTERMEDIATE) == 0;
    const char *suffix = fs_suffix(name);
    char from[FS_PATH_MAX], dir[FS_PATH_MAX], other[FS_NAME_MAX + 16];

    if (!from_path(s, folder, name, from, err))
        return false;
    snprintf(dir, sizeof dir, "%s", s->dir);
    if (nested && (!make_folder(s->dir, folder, err) || !fs_join(dir, s->dir, folder, err)))
        return false;
    snprintf(other, sizeof other, "%s", name);
    for (int k = 2; k < MAX_NAMES; k++) {
        if (!fs_join(path, dir, other, err))
            return false;
        if (renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
            set_mode(path);
            return true;
        }
        if (errno != EEXIST)
            return folder_err(dir, errno, err);
        snprintf(other, sizeof other, "%.*s-%d%s", (int)(suffix - name), name, k, suffix);
    }
    return err_set(err, ERR_CREATE, "too many files are called '%s'", name);
}

bool staging_replace(struct staging *s, const char *name, const char *path, struct err *err)
{
    char from[FS_PATH_MAX];
    struct stat old;
    bool there = stat(path, &old) == 0;

    if (!from_path(s, OUTPUTS, name, from, err))
        return false;
    if (rename(from, path) != 0)
        return err_set(err, ERR_CREATE, "'%.300s' cannot be written: %s", path, strerror(errno));
    if (there)
        chmod(path, old.st_mode & 07777);
    else
        set_mode(path);
    return true;
}

bool staging_spool(struct staging *s, int fd, const char *name, struct err *err)
{
    char *chunk = malloc(SPOOL_BYTES);
    struct fs_file *file = NULL;
    ssize_t n = -1;
    bool ok = false;

    if (!chunk)
        return err_nomem(err);
    if (!fs_file_create(s->path, name, "the copy of the input", &file, err))
        goto out;
    for (;;) {
        if (!drive_wait_readable(fd)) {
            err_set(err, ERR_CANCELLED, "stopped on request");
            goto out;
        }
        n = read(fd, chunk, SPOOL_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_errno(err, errno, "the input");
            goto out;
        }
        if (n == 0)
            break;
        if (!fs_file_write(file, chunk, (size_t)n, err))
            goto out;
    }
    ok = fs_file_commit(file, false, NULL, err);
    file = NULL;
out:
    fs_file_abort(file);
    free(chunk);
    return ok;
}
