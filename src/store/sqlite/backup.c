/*
 * Backups: a consistent copy of the database as one file, checked before it gets its name.
 *
 *   reading connection, one read transaction ─▶ <path>.tmp ─▶ journal mode DELETE,
 *   integrity_check, foreign_key_check, same version ─▶ fsync ─▶ rename without replacing
 *   ─▶ fsync of the folder
 *
 * The read transaction keeps the copy at one moment while writes go on.
 */

#include "store/sqlite/db.h"

#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKUP_PAGES = 1024 };

static bool copy_pages(struct db *from, const char *path, struct err *err)
{
    sqlite3_backup *backup;
    sqlite3 *to = NULL;
    bool ok = false;
    int rc, end;

    rc = sqlite3_open_v2(
        path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK) {
        db_err(from, rc, err);
        goto out;
    }
    backup = sqlite3_backup_init(to, "main", from->handle, "main");
    if (!backup) {
        db_err(from, sqlite3_extended_errcode(to), err);
        goto out;
    }
    do
        rc = sqlite3_backup_step(backup, BACKUP_PAGES);
    while (rc == SQLITE_OK);
    end = sqlite3_backup_finish(backup);
    if (rc != SQLITE_DONE || end != SQLITE_OK) {
        db_err(from, rc != SQLITE_DONE ? rc : end, err);
        goto out;
    }
    ok = true;
out:
    rc = sqlite3_close(to);
    return ok && rc != SQLITE_OK ? db_err(from, rc, err) : ok;
}

/* The copy is a whole database by itself: no log beside it, no fault in it. */
static bool verify(const char *path, struct err *err)
{
    int64_t version;
    struct db copy;
    bool ok;

    if (!db_open(&copy, path, DB_WRITE, err))
        return false;
    ok = db_exec(&copy, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", err) &&
         db_check(&copy, "PRAGMA integrity_check", err) && db_identify(&copy, &version, err);
    if (ok && version != db_schema_version())
        ok = err_set(err, ERR_INTERNAL, "the backup has another schema version");
    db_close(&copy);
    return ok;
}

static bool publish(const char *tmp, const char *path, struct err *err)
{
    char dir[FS_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd = open(tmp, O_RDONLY | O_CLOEXEC);
    int synced, saved;

    if (fd < 0)
        return err_errno(err, errno, "the backup");
    synced = fsync(fd);
    saved = errno;
    if (close(fd) != 0 || synced != 0)
        return err_errno(err, synced != 0 ? saved : errno, "the backup");
    if (renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST)
            return err_set(
                err, ERR_STATE, "a backup named %s exists already", slash ? slash + 1 : path);
        return err_errno(err, errno, "the backup");
    }
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return fs_sync_dir(*dir ? dir : "/", err);
}

static bool make_tmp(const char *tmp, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    int fd;

    if (access(path, F_OK) == 0)
        return err_set(
            err, ERR_STATE, "a backup named %s exists already", slash ? slash + 1 : path);
    fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST)
        return err_set(err, ERR_STATE, "the same backup is being made already");
    if (fd < 0)
        return err_errno(err, errno, errno == ENOENT ? "the folder for backups" : "the backup");
    return close(fd) == 0 ? true : err_errno(err, errno, "the backup");
}

bool store_backup(struct store *s, const char *path, struct err *err)
{
    char tmp[FS_PATH_MAX];
    int64_t version;
    struct db from;
    bool ok;

    if ((size_t)snprintf(tmp, sizeof tmp, "%s" FS_TMP_SUFFIX, path) >= sizeof tmp)
        return err_set(err, ERR_ARG, "the backup's path is too long");
    if (!make_tmp(tmp, path, err))
        return false;
    if (!db_open(&from, s->path, DB_READ, err)) {
        unlink(tmp);
        return false;
    }
    /* Reading something begins the transaction that holds the moment. */
    ok = read_begin(&from, err) && db_int(&from, "PRAGMA user_version", &version, err) &&
         db_int(&from, "SELECT count(*) FROM state", &version, err);
    if (ok)
        ok = read_end(&from, copy_pages(&from, tmp, err), err);
    db_close(&from);
    ok = ok && verify(tmp, err) && publish(tmp, path, err);
    if (!ok && unlink(tmp) != 0 && errno != ENOENT)
        log_write(LOG_WARNING, "a backup's temporary file stays behind", NULL);
    return ok;
}

bool store_check(struct store *s, struct err *err)
{
    struct db db;
    bool ok;

    if (!db_open(&db, s->path, DB_READ, err))
        return false;
    ok = db_check(&db, "PRAGMA integrity_check", err);
    db_close(&db);
    return ok;
}
