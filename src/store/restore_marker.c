/* A restored folder taking its place: see the header for the steps. */

#include "store/restore_marker.h"

#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARKER_MAX = 128 };

bool restore_is_half_done(const char *dir, bool *half_done, struct err *err)
{
    char path[FS_PATH_MAX];

    if (!fs_join(path, dir, RESTORE_MARKER, err))
        return false;
    *half_done = access(path, F_OK) == 0;
    return true;
}

static bool sync_parent(const char *path, struct err *err)
{
    char parent[FS_PATH_MAX];
    char *slash;

    snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (slash)
        *slash = '\0';
    return fs_sync_dir(parent, err);
}

bool restore_mark(const char *staged, const char *staging, struct err *err)
{
    char path[FS_PATH_MAX];

    return fs_join(path, staged, RESTORE_MARKER, err) &&
           fs_save(path, staging, strlen(staging), err);
}

bool restore_unmark(const char *live, struct err *err)
{
    char path[FS_PATH_MAX];

    if (!fs_join(path, live, RESTORE_MARKER, err))
        return false;
    if (unlink(path) != 0 && errno != ENOENT)
        return err_errno(err, errno, "the mark of the restore");
    return fs_sync_dir(live, err);
}

static bool exchange(const char *staged, const char *live, struct err *err)
{
    if (renameat2(AT_FDCWD, staged, AT_FDCWD, live, RENAME_EXCHANGE) != 0) {
        if (errno == EINVAL || errno == ENOSYS)
            return err_set(err, ERR_STATE,
                "this disk cannot swap folders: delete the conversation, then restore it");
        return err_errno(err, errno, "the conversation's folder");
    }
    return sync_parent(live, err) && sync_parent(staged, err);
}

bool restore_move_in(const char *staged, const char *live, struct err *err)
{
    char parent[FS_PATH_MAX];

    snprintf(parent, sizeof parent, "%s", live);
    *strrchr(parent, '/') = '\0';
    if (!fs_make_dirs(parent, err))
        return false;
    if (renameat2(AT_FDCWD, staged, AT_FDCWD, live, RENAME_NOREPLACE) == 0)
        return sync_parent(live, err) && sync_parent(staged, err);
    if (errno == EEXIST)
        return exchange(staged, live, err);
    return err_errno(err, errno, "the conversation's folder");
}

bool restore_move_out(const char *staged, const char *live, struct err *err)
{
    if (access(staged, F_OK) == 0)
        return exchange(staged, live, err);
    if (renameat2(AT_FDCWD, live, AT_FDCWD, staged, RENAME_NOREPLACE) != 0)
        return err_errno(err, errno, "the conversation's folder");
    return sync_parent(live, err) && sync_parent(staged, err);
}

/* Does the folder hold every file of the rows, byte for byte? */
static bool holds(const char *dir, const struct stored_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char relative[FS_PATH_MAX], sha256[65];
        struct err ignored;
        uint64_t size;
        bool same;
        int fd;

        snprintf(
            relative, sizeof relative, "%s/%s", file_kind_folder(files[i].kind), files[i].name);
        if (!fs_open_beneath(dir, relative, &fd, &size, &ignored))
            return false;
        same = size == files[i].size && fs_sha256_fd(fd, sha256, &ignored) &&
               strcmp(sha256, files[i].sha256) == 0;
        close(fd);
        if (!same)
            return false;
    }
    return true;
}

/* The marker's word: a plain name of a folder in tmp/. */
static bool read_marker(const char *dir, char staging[MARKER_MAX + 1], struct err *err)
{
    char path[FS_PATH_MAX], *data;
    size_t n;

    if (!fs_join(path, dir, RESTORE_MARKER, err) || !fs_load(path, MARKER_MAX, &data, &n, err))
        return false;
    snprintf(staging, MARKER_MAX + 1, "%s", data);
    free(data);
    if (!fs_is_bare_name(staging))
        staging[0] = '\0';
    return true;
}

bool restore_settle(const struct data_dirs *dirs, const struct conversation *c,
    const struct stored_file *files, size_t n, struct err *err)
{
    char live[FS_PATH_MAX], staged[FS_PATH_MAX], staging[MARKER_MAX + 1];
    bool half_done;
    int len;

    if (!conversation_dir(dirs, c->partition, c->id, live, err) ||
        !restore_is_half_done(live, &half_done, err))
        return false;
    if (!half_done)
        return true;
    if (!read_marker(live, staging, err))
        return false;
    len = snprintf(staged, sizeof staged, "%s/%s/%s", dirs->tmp, staging, c->id);
    if (staging[0] && len > 0 && (size_t)len < sizeof staged && access(staged, F_OK) == 0 &&
        !holds(live, files, n) && holds(staged, files, n)) {
        log_write(LOG_WARNING, "a restore was cut off: the conversation is as it was before",
            "chat_id", c->id, NULL);
        return exchange(staged, live, err);
    }
    return restore_unmark(live, err);
}
