/* Where the files of conversations lie, and how an upload gets its place among them. */

#include "store/files.h"

#include "base/date.h"
#include "base/fault.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARTITION_MAX = 64, MAX_SAME_NAMES = 10000, METADATA_MAX = 64 * 1024 };
enum { WORKERS_WAIT_MS = 5000, WORKERS_LOOK_MS = 5 };

/* ---- the data folder ---- */

/* `path`, or root/fallback where it is NULL or empty; a relative path is below the root. */
static bool place(
    char out[1024], const char *root, const char *path, const char *fallback, struct err *err)
{
    int n = path && path[0] == '/'
                ? snprintf(out, 1024, "%s", path)
                : snprintf(out, 1024, "%s/%s", root, path && *path ? path : fallback);

    if (n < 0 || n >= 1024)
        return err_set(err, ERR_ARG, "the path of the data folder is too long");
    return true;
}

static bool make_root(const char *root, char out[1024], struct err *err)
{
    char full[PATH_MAX];

    if (!fs_make_dirs(root, err))
        return false;
    if (!realpath(root, full))
        return err_errno(err, errno, "the data folder");
    if ((size_t)snprintf(out, 1024, "%s", full) >= 1024)
        return err_set(err, ERR_ARG, "the path of the data folder is too long");
    return true;
}

bool data_dirs_name(const char *root, const char *workflows, const char *dumps, const char *sqlite,
    struct data_dirs *out, struct err *err)
{
    char full[1024];

    if ((size_t)snprintf(full, sizeof full, "%s", root) >= sizeof full)
        return err_set(err, ERR_ARG, "the path of the data folder is too long");
    memcpy(out->root, full, sizeof full);
    return place(out->workflows, full, workflows, "workflows", err) &&
           place(out->dumps, full, dumps, "dumps", err) &&
           place(out->sqlite, full, sqlite, "sqlite", err) &&
           place(out->tmp, full, NULL, "tmp", err) &&
           place(out->snapshots, out->sqlite, NULL, "snapshots", err);
}

bool data_dirs_open(const char *root, const char *workflows, const char *dumps, const char *sqlite,
    struct data_dirs *out, struct err *err)
{
    struct stat tmp, flows;
    struct data_dirs d;
    char full[1024];

    if (!make_root(root, full, err) || !data_dirs_name(full, workflows, dumps, sqlite, &d, err))
        return false;
    if (!fs_make_dirs(d.workflows, err) || !fs_make_dirs(d.dumps, err) ||
        !fs_make_dirs(d.sqlite, err) || !fs_make_dirs(d.tmp, err) ||
        !fs_make_dirs(d.snapshots, err))
        return false;
    if (stat(d.tmp, &tmp) != 0 || stat(d.workflows, &flows) != 0)
        return err_errno(err, errno, "the data folder");
    if (tmp.st_dev != flows.st_dev)
        return err_set(err, ERR_STATE,
            "the folders tmp and workflows must be on the same disk: files are moved between them");
    *out = d;
    return true;
}

/* Workers end at once when their server has; what they were writing is then left alone. */
static bool wait_for_workers(const struct data_dirs *dirs, struct err *err)
{
    char path[FS_PATH_MAX];
    int lock, waited = 0;

    if (!fs_join(path, dirs->root, WORKERS_LOCK, err))
        return false;
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return err_errno(err, errno, "the lock of the workers");
    while (flock(lock, LOCK_EX | LOCK_NB) != 0 && waited < WORKERS_WAIT_MS) {
        poll(NULL, 0, WORKERS_LOOK_MS);
        waited += WORKERS_LOOK_MS;
    }
    close(lock);
    return waited < WORKERS_WAIT_MS
               ? true
               : err_set(err, ERR_STATE, "a worker of another Sheetflow is using this data folder");
}

bool data_lock(const struct data_dirs *dirs, int *fd, struct err *err)
{
    char path[FS_PATH_MAX];
    int lock;

    if (!fs_join(path, dirs->root, ".lock", err))
        return false;
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return err_errno(err, errno, "the lock of the data folder");
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;

        if (!taken)
            err_errno(err, errno, "the lock of the data folder");
        close(lock);
        return taken ? err_set(err, ERR_STATE, "another Sheetflow is using this data folder")
                     : false;
    }
    if (!wait_for_workers(dirs, err)) {
        close(lock);
        return false;
    }
    *fd = lock;
    return true;
}

/* ---- partitions ---- */

static bool is_partition_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '-';
}

/* Safe below workflows/: no empty part, hence no leading or trailing slash; ".." has no characters
 * to be made of. */
static bool is_partition(const char *p)
{
    size_t n = strlen(p);

    if (n >= PARTITION_MAX || (n > 0 && (p[0] == '/' || p[n - 1] == '/')) || strstr(p, "//"))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_partition_char(p[i]))
            return false;
    }
    return true;
}

static bool partition_by_time(const char *format, int64_t now_ns, char out[64], struct err *err)
{
    char stamp[DATE_TEXT_MAX], shown[3] = { '%', 0, 0 };
    struct buf b;
    bool ok;

    date_format_stamp(now_ns, stamp); /* YYYYMMDD_... */
    buf_init(&b, PARTITION_MAX - 1);
    for (const char *f = format; *f; f++) {
        if (*f == '%' && f[1] == 'Y') {
            buf_add(&b, stamp, 4);
        } else if (*f == '%' && f[1] == 'm') {
            buf_add(&b, stamp + 4, 2);
        } else if (*f == '%' && f[1] == 'd') {
            buf_add(&b, stamp + 6, 2);
        } else if (is_partition_char(*f)) {
            buf_addc(&b, *f);
            continue;
        } else {
            shown[0] = *f;
            shown[1] = *f == '%' ? f[1] : '\0';
            buf_deinit(&b);
            return err_set(err, ERR_ARG,
                "the subfolder format may hold %%Y, %%m, %%d, letters, digits, '-', '_' and '/', "
                "not '%s'",
                shown);
        }
        f++;
    }
    ok = buf_ok(&b, "the subfolder", err);
    if (ok && !is_partition(buf_str(&b)))
        ok = err_set(
            err, ERR_ARG, "the subfolder format gives '%s', which is no folder name", buf_str(&b));
    if (ok)
        snprintf(out, 64, "%s", buf_str(&b));
    buf_deinit(&b);
    return ok;
}

bool partition_make(enum partition_strategy strategy, const char *format, const char *id,
    int64_t now_ns, char out[64], struct err *err)
{
    switch (strategy) {
    case PARTITION_TIME:
        return partition_by_time(format, now_ns, out, err);
    case PARTITION_HASH:
        if (strlen(id) < 4)
            return err_set(err, ERR_INTERNAL, "the conversation's id is too short");
        snprintf(out, 64, "%.2s/%.2s", id, id + 2);
        return true;
    case PARTITION_FOLDER:
        out[0] = '\0';
        return true;
    }
    return err_set(err, ERR_INTERNAL, "unknown way to partition");
}

/* ---- folders of a conversation ---- */

bool conversation_id_ok(const char *id)
{
    for (int i = 0; i < ID_LEN - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? id[i] != '-'
                 : !((id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f')))
            return false;
    }
    return id[ID_LEN - 1] == '\0';
}

bool conversation_dir(
    const struct data_dirs *dirs, const char *partition, const char *id, char *out, struct err *err)
{
    int n;

    if (!conversation_id_ok(id) || !is_partition(partition))
        return err_set(err, ERR_NOT_FOUND, "there is no conversation %.36s", id);
    n = snprintf(
        out, FS_PATH_MAX, "%s/%s%s%s", dirs->workflows, partition, *partition ? "/" : "", id);
    if (n < 0 || n >= FS_PATH_MAX)
        return err_set(err, ERR_ARG, "the path of the conversation's folder is too long");
    return true;
}

bool conversation_file_dir(const struct data_dirs *dirs, const char *partition, const char *id,
    enum file_kind kind, char *out, struct err *err)
{
    char dir[FS_PATH_MAX];

    return conversation_dir(dirs, partition, id, dir, err) &&
           fs_join(out, dir, file_kind_folder(kind), err);
}

bool conversation_metadata_text(const struct conversation *c, struct buf *out, struct err *err)
{
    struct json *o = json_new_object();
    char created[DATE_TEXT_MAX];
    bool ok;

    date_format_utc(c->created_ns, created);
    ok = json_set_string(o, "chat_id", c->id) &&
         json_set_string(o, "participant_name", c->participant) &&
         json_set_string(o, "created_at", created) &&
         json_set_string(o, "partition_key", c->partition);
    if (ok) {
        json_write(o, true, out);
        buf_addc(out, '\n');
    } else {
        err_nomem(err);
    }
    json_free(o);
    return ok && buf_ok(out, "metadata.json", err);
}

bool conversation_metadata_save(const char *dir, const struct conversation *c, struct err *err)
{
    char path[FS_PATH_MAX];
    struct buf b;
    bool ok;

    buf_init(&b, METADATA_MAX);
    ok = conversation_metadata_text(c, &b, err) && fs_join(path, dir, "metadata.json", err) &&
         fs_save(path, b.data, b.len, err);
    buf_deinit(&b);
    return ok;
}

bool conversation_folders_make(const char *dir, struct err *err)
{
    char sub[FS_PATH_MAX];

    for (int kind = 0; kind < STORED_KIND_COUNT; kind++) {
        if (!fs_join(sub, dir, file_kind_folder((enum file_kind)kind), err) ||
            !fs_make_dirs(sub, err))
            return false;
    }
    return true;
}

bool conversation_dirs_make(
    const struct data_dirs *dirs, const struct conversation *c, struct err *err)
{
    char dir[FS_PATH_MAX];

    return conversation_dir(dirs, c->partition, c->id, dir, err) &&
           conversation_folders_make(dir, err) && conversation_metadata_save(dir, c, err);
}

bool conversation_dirs_remove(
    const struct data_dirs *dirs, const char *partition, const char *id, struct err *err)
{
    char dir[FS_PATH_MAX], parent[FS_PATH_MAX];

    if (!conversation_dir(dirs, partition, id, dir, err) || !fs_remove_tree(dir, err))
        return false;
    snprintf(parent, sizeof parent, "%s", dir);
    *strrchr(parent, '/') = '\0';
    return access(parent, F_OK) != 0 || fs_sync_dir(parent, err);
}

bool file_public_path(
    const struct conversation *c, const struct stored_file *f, char *out, struct err *err)
{
    int n = snprintf(out, FS_PATH_MAX, "workflows/%s%s%s/%s/%s", c->partition,
        *c->partition ? "/" : "", c->id, file_kind_folder(f->kind), f->name);

    if (n < 0 || n >= FS_PATH_MAX)
        return err_set(err, ERR_ARG, "the path of the file is too long");
    return true;
}

/* ---- uploads ---- */

/* Names are unique in the conversation, whatever the folder. */
static bool name_is_taken(const char *dir, const char *name)
{
    char path[FS_PATH_MAX];
    struct stat st;

    for (int kind = 0; kind < STORED_KIND_COUNT; kind++) {
        int n = snprintf(
            path, sizeof path, "%s/%s/%s", dir, file_kind_folder((enum file_kind)kind), name);

        if (n < 0 || (size_t)n >= sizeof path || lstat(path, &st) == 0)
            return true;
    }
    return false;
}

static bool sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ok;

    if (fd < 0)
        return err_errno(err, errno, "the upload");
    ok = fault_is("no-file-fsync") || fsync(fd) == 0 || err_errno(err, errno, "the upload");
    if (close(fd) != 0 && ok)
        return err_errno(err, errno, "the upload");
    return ok;
}

bool upload_publish(const struct data_dirs *dirs, const struct conversation *c,
    const char *tmp_path, const char *name, char *name_out, struct err *err)
{
    char dir[FS_PATH_MAX], uploads[FS_PATH_MAX], path[FS_PATH_MAX], chosen[FS_NAME_MAX + 1];
    const char *suffix = fs_suffix(name);
    int stem = (int)(suffix - name);

    if (!conversation_dir(dirs, c->partition, c->id, dir, err) ||
        !fs_join(uploads, dir, file_kind_folder(STORED_UPLOAD), err) || !sync_file(tmp_path, err))
        return false;
    for (int k = 1; k < MAX_SAME_NAMES; k++) {
        int n = k == 1 ? snprintf(chosen, sizeof chosen, "%s", name)
                       : snprintf(chosen, sizeof chosen, "%.*s-%d%s", stem, name, k, suffix);

        if (n < 0 || (size_t)n >= sizeof chosen)
            return err_set(err, ERR_ARG, "the file name %s is too long", name);
        if (name_is_taken(dir, chosen))
            continue;
        if (!fs_join(path, uploads, chosen, err))
            return false;
        if (renameat2(AT_FDCWD, tmp_path, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
            if (!fault_is("no-folder-fsync") && !fs_sync_dir(uploads, err)) {
                unlink(path);
                return false;
            }
            memcpy(name_out, chosen, sizeof chosen);
            return true;
        }
        if (errno != EEXIST)
            return err_errno(err, errno, "the upload");
    }
    return err_set(err, ERR_STATE, "too many files of this conversation are named %s", name);
}

void upload_withdraw(const struct data_dirs *dirs, const struct conversation *c, const char *name)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct err err;

    if (conversation_file_dir(dirs, c->partition, c->id, STORED_UPLOAD, dir, &err) &&
        fs_join(path, dir, name, &err))
        unlink(path); /* What stays is removed at the next start. */
}
