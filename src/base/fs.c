/* Paths, folders and whole files. */

#include "base/fs.h"

#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <uninorm.h>
#include <unistd.h>

enum { TREE_MAX_DEPTH = 64, SUFFIX_MAX = 16, LOAD_CHUNK = 64 * 1024 };

/* False with errno. */
static bool write_all(int fd, const void *p, size_t n)
{
    const char *from = p;

    while (n > 0) {
        ssize_t put = write(fd, from, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = EIO;
        if (put <= 0)
            return false;
        from += put;
        n -= (size_t)put;
    }
    return true;
}

bool fs_write_all(int fd, const void *p, size_t n, const char *label, struct err *err)
{
    return write_all(fd, p, n) || err_errno(err, errno, label);
}

bool fs_save(const char *path, const void *p, size_t n, struct err *err)
{
    char dir[FS_PATH_MAX], tmp[FS_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd, saved;

    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if ((size_t)snprintf(tmp, sizeof tmp, "%s%s", path, FS_TMP_SUFFIX) >= sizeof tmp)
        return err_set(err, ERR_ARG, "the path is too long");
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, slash ? slash + 1 : path);
    if (!write_all(fd, p, n) || fsync(fd) != 0)
        goto fail;
    if (close(fd) != 0) {
        fd = -1;
        goto fail;
    }
    fd = -1;
    if (rename(tmp, path) != 0)
        goto fail;
    return fs_sync_dir(dir, err);
fail:
    saved = errno;
    if (fd >= 0)
        close(fd);
    unlink(tmp);
    return err_errno(err, saved, slash ? slash + 1 : path);
}

bool fs_load(const char *path, size_t max, char **data, size_t *n, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *label = slash ? slash + 1 : path;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buf b;

    if (fd < 0)
        return err_errno(err, errno, label);
    if (max == SIZE_MAX)
        max--;
    buf_init(&b, max + 1); /* One byte more than allowed tells "too large" from "just fits". */
    for (;;) {
        size_t want = max + 1 - b.len < LOAD_CHUNK ? max + 1 - b.len : LOAD_CHUNK;
        char *room = buf_reserve(&b, want);
        ssize_t got = room ? read(fd, room, want) : -1;

        if (!room) {
            err_nomem(err);
            goto fail;
        }
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_errno(err, errno, label);
            goto fail;
        }
        b.len += (size_t)got;
        if (b.len > max) {
            err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes", label, max);
            goto fail;
        }
    }
    close(fd);
    *n = b.len;
    *data = buf_take(&b);
    return *data ? true : err_nomem(err);
fail:
    close(fd);
    buf_deinit(&b);
    return false;
}

bool fs_join(char *out, const char *dir, const char *rest, struct err *err)
{
    if ((size_t)snprintf(out, FS_PATH_MAX, "%s/%s", dir, rest) >= FS_PATH_MAX)
        return err_set(err, ERR_ARG, "the path is too long");
    return true;
}

bool fs_sync_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int saved = errno;

    if (fd >= 0)
        close(fd);
    return ok ? true : err_errno(err, saved, "the folder");
}

/* mkdir one level and make its entry durable. */
static bool make_dir(const char *path, struct err *err)
{
    char parent[FS_PATH_MAX];
    char *slash;

    if (mkdir(path, 0700) != 0) {
        struct stat st;

        if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return true;
        if (errno == EEXIST)
            errno = ENOTDIR;
        return err_errno(err, errno, "the data folder");
    }
    snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (!slash)
        return fs_sync_dir(".", err);
    slash[slash == parent] = '\0';
    return fs_sync_dir(parent, err);
}

bool fs_make_dirs(const char *path, struct err *err)
{
    char part[FS_PATH_MAX];
    size_t n = strlen(path);

    if (n >= sizeof part)
        return err_set(err, ERR_ARG, "the path is too long");
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        if (path[i - 1] == '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (!make_dir(part, err))
            return false;
    }
    return true;
}

static bool remove_at(int parent, const char *name, int depth, struct err *err)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct dirent *entry;
    bool ok = true;
    DIR *dir;

    if (fd < 0) {
        if (errno == ENOENT)
            return true;
        if ((errno == ENOTDIR || errno == ELOOP) && unlinkat(parent, name, 0) == 0)
            return true;
        return errno == ENOENT ? true : err_errno(err, errno, "a file being removed");
    }
    dir = fdopendir(fd);
    if (!dir || depth == TREE_MAX_DEPTH) {
        int saved = dir ? ELOOP : errno;

        if (dir)
            closedir(dir);
        else
            close(fd);
        return err_errno(err, saved, "a folder being removed");
    }
    while (ok && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = remove_at(fd, entry->d_name, depth + 1, err);
    }
    closedir(dir);
    if (ok && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return err_errno(err, errno, "a folder being removed");
    return ok;
}

bool fs_remove_tree(const char *path, struct err *err)
{
    return remove_at(AT_FDCWD, path, 0, err);
}

struct walk {
    fs_walk_fn *fn;
    void *arg;
};

static bool walk_at(int fd, const char *prefix, int depth, struct walk *w, struct err *err)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    bool ok = true;

    if (!dir) {
        int saved = errno;

        close(fd);
        return err_errno(err, saved, "a folder");
    }
    while (ok && (entry = readdir(dir)) != NULL) {
        char relative[FS_PATH_MAX];
        struct stat st;
        int n;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        n = snprintf(
            relative, sizeof relative, "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name);
        if (n < 0 || (size_t)n >= sizeof relative || depth == TREE_MAX_DEPTH) {
            ok = err_set(err, ERR_IO, "a folder is nested too deep");
            break;
        }
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno != ENOENT)
                ok = err_errno(err, errno, "a file");
        } else if (S_ISDIR(st.st_mode)) {
            int sub =
                openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

            ok = sub >= 0 ? walk_at(sub, relative, depth + 1, w, err)
                          : err_errno(err, errno, "a folder");
        } else if (S_ISREG(st.st_mode)) {
            ok = w->fn(w->arg, relative, (uint64_t)st.st_size, err);
        }
    }
    closedir(dir);
    return ok;
}

bool fs_walk(const char *path, fs_walk_fn *fn, void *arg, struct err *err)
{
    struct walk w = { fn, arg };
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 ? walk_at(fd, "", 0, &w, err) : err_errno(err, errno, "the folder");
}

bool fs_open_beneath(
    const char *root, const char *relative, int *fd, uint64_t *size, struct err *err)
{
    struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
    int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    long got;
    int saved;

    if (dir < 0)
        return err_set(err, ERR_NOT_FOUND, "%s does not exist", relative);
    got = syscall(SYS_openat2, dir, relative, &how, sizeof how);
    saved = errno;
    close(dir);
    if (got < 0) {
        if (saved == EMFILE || saved == ENFILE || saved == ENOMEM || saved == EIO)
            return err_errno(err, saved, relative);
        return err_set(err, ERR_NOT_FOUND, "%s does not exist", relative);
    }
    if (fstat((int)got, &st) != 0 || !S_ISREG(st.st_mode)) {
        close((int)got);
        return err_set(err, ERR_NOT_FOUND, "%s is not a file", relative);
    }
    *fd = (int)got;
    if (size)
        *size = (uint64_t)st.st_size;
    return true;
}

const char *fs_suffix(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t n = strlen(name);

    if (n > 7 && strcmp(name + n - 7, ".tar.gz") == 0)
        return name + n - 7;
    return dot && dot != name ? dot : name + n;
}

bool fs_is_bare_name(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > FS_BARE_NAME_MAX || name[0] == '.' || strchr(name, '/') ||
        strchr(name, '\\') || utf8_valid_prefix(name, n) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    }
    return true;
}

/* Cut name[0..n) to at most `max` bytes on a character boundary. */
static size_t cut(const char *name, size_t n, size_t max)
{
    if (n <= max)
        return n;
    while (max > 0 && ((unsigned char)name[max] & 0xc0) == 0x80)
        max--;
    return max;
}

bool fs_safe_name(const char *raw, size_t n, char out[FS_NAME_MAX + 1], struct err *err)
{
    enum { LONGEST = FS_BARE_NAME_MAX };
    struct buf b;
    const char *suffix;
    uint8_t *normal;
    size_t keep, normal_n = 0, suffix_n;

    for (size_t i = 0; i < n; i++) {
        if (raw[i] == '/' || raw[i] == '\\') {
            raw += i + 1;
            n -= i + 1;
            i = (size_t)-1;
        }
    }
    buf_init(&b, 8 * n + 64);
    utf8_sanitize(raw, n, &b);
    normal = u8_normalize(UNINORM_NFC, (const uint8_t *)buf_str(&b), b.len, NULL, &normal_n);
    if (!normal || b.failed) {
        free(normal);
        buf_deinit(&b);
        return err_nomem(err);
    }
    buf_reset(&b);
    for (size_t i = 0; i < normal_n; i++) {
        if (normal[i] >= ' ' && normal[i] != 0x7f)
            buf_addc(&b, (char)normal[i]);
    }
    free(normal);
    if (b.failed) {
        buf_deinit(&b);
        return err_nomem(err);
    }
    raw = buf_str(&b);
    while (*raw == ' ' || *raw == '.') /* Hidden files and ".." have no place here. */
        raw++;
    n = strlen(raw);
    while (n > 0 && (raw[n - 1] == ' ' || raw[n - 1] == '.'))
        n--;
    snprintf(out, FS_NAME_MAX + 1, "%.*s", (int)cut(raw, n, LONGEST), raw);
    if (n > LONGEST) {
        b.data[raw - b.data + (ptrdiff_t)n] = '\0';
        suffix = fs_suffix(raw);
        suffix_n = strlen(suffix);
        if (suffix_n <= SUFFIX_MAX) {
            keep = cut(raw, n, LONGEST - suffix_n);
            snprintf(out, FS_NAME_MAX + 1, "%.*s%s", (int)keep, raw, suffix);
        }
    }
    if (!out[0])
        snprintf(out, FS_NAME_MAX + 1, "file");
    buf_deinit(&b);
    return true;
}
