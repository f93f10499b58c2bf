/* Opening and closing: connections with their pragmas, and the store as a whole. */

#include "store/sqlite/db.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READERS_DEFAULT = 4, READERS_MAX = 64, PROGRESS_OPCODES = 20000 };

/* What every connection needs. mmap_size 0: a bad disk is then an error, not a SIGBUS. */
static const char common_pragmas[] = "PRAGMA cell_size_check = ON;"
                                     "PRAGMA mmap_size = 0;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA wal_autocheckpoint = 0;";

/*
 * synchronous FULL: NORMAL loses acknowledged commits when power fails.
 * auto_vacuum: pages that deletions free can be given back (writer.c); only a new file takes it.
 */
static const char writer_pragmas[] = "PRAGMA page_size = 4096;"
                                     "PRAGMA auto_vacuum = INCREMENTAL;"
                                     "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA secure_delete = ON;"
                                     "PRAGMA journal_size_limit = 67108864;";

static const char reader_pragmas[] = "PRAGMA query_only = ON;";

static int out_of_time(void *arg)
{
    const struct db *db = arg;

    return db->deadline_ns && clock_mono_ns() > db->deadline_ns;
}

static bool configure(struct db *db, enum db_use use, struct err *err)
{
    static const struct {
        int option, value;
    } options[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
    };
    int rc = sqlite3_busy_timeout(db->handle, DB_BUSY_MS);

    for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_LEN(options); i++)
        rc = sqlite3_db_config(db->handle, options[i].option, options[i].value, NULL);
    if (rc == SQLITE_OK && use == DB_READ)
        rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc != SQLITE_OK)
        return db_err(db, rc, err);
    sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    if (use == DB_READ)
        sqlite3_progress_handler(db->handle, PROGRESS_OPCODES, out_of_time, db);
    return true;
}

bool db_open(struct db *db, const char *path, enum db_use use, struct err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (use == DB_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    int rc;

    *db = (struct db){ 0 };
    arena_init(&db->scratch, NULL);
    rc = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (rc != SQLITE_OK) {
        db_err(db, rc, err);
        goto fail;
    }
    if (!configure(db, use, err) || !db_exec(db, common_pragmas, err) ||
        (use == DB_READ && !db_exec(db, reader_pragmas, err)) || !search_register(db, err))
        goto fail;
    return true;
fail:
    db_close(db);
    return false;
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < DB_STATEMENTS; i++)
        (void)sqlite3_finalize(db->cache[i].stmt); /* Repeats the code of its last step. */
    if (db->handle && sqlite3_close(db->handle) != SQLITE_OK)
        log_write(LOG_ERROR, "a database connection did not close", NULL);
    arena_deinit(&db->scratch);
    *db = (struct db){ 0 };
}

/* Make an empty file, so that it has our mode and its name is durable: SQLite syncs only its
 * journals' names. */
static bool make_file(const char *path, struct err *err)
{
    char dir[FS_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return errno == EEXIST ? true : err_errno(err, errno, "the database file");
    if (close(fd) != 0)
        return err_errno(err, errno, "the database file");
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return fs_sync_dir(*dir ? dir : "/", err);
}

static int is_wal(void *yes, int n, char **values, char **names)
{
    (void)names;
    *(bool *)yes = n == 1 && values[0] && strcmp(values[0], "wal") == 0;
    return 0;
}

bool db_prepare_writer(struct db *db, struct err *err)
{
    bool wal = false;
    int rc;

    if (!db_exec(db, writer_pragmas, err))
        return false;
    if (fault_is("synchronous-normal") && !db_exec(db, "PRAGMA synchronous = NORMAL", err))
        return false;
    rc = sqlite3_exec(db->handle, "PRAGMA journal_mode", is_wal, &wal, NULL);
    if (rc != SQLITE_OK)
        return db_err(db, rc, err);
    if (!wal)
        return err_set(err, ERR_IO, "the database cannot use a write-ahead log on this disk");
    return true;
}

/* After a crash every page is looked at before anyone relies on them. */
static bool open_writer(struct store *s, struct err *err)
{
    struct db *db = &s->writer;
    int64_t version, clean = 1;

    if (!make_file(s->path, err) || !db_open(db, s->path, DB_WRITE, err) ||
        !db_identify(db, &version, err) || !db_prepare_writer(db, err))
        return false;
    if (version > 0 && !db_int(db, "SELECT value FROM state WHERE name = 'clean'", &clean, err))
        return false;
    if (!clean && !db_check(db, "PRAGMA quick_check", err))
        return false;
    return db_migrate(db, version, err) &&
           db_exec(db, "UPDATE state SET value = 0 WHERE name = 'clean'", err) &&
           db_int(db, "SELECT value FROM state WHERE name = 'store_id'", &s->id, err);
}

static bool open_readers(struct store *s, uint32_t n, struct err *err)
{
    s->readers = calloc(n, sizeof *s->readers);
    s->free_readers = calloc(n, sizeof *s->free_readers);
    if (!s->readers || !s->free_readers)
        return err_nomem(err);
    while (s->n_readers < n) {
        struct db *db = &s->readers[s->n_readers];

        if (!db_open(db, s->path, DB_READ, err))
            return false;
        s->n_readers++;
        s->free_readers[s->n_free++] = db;
    }
    return true;
}

/* What open_writer() sees to, when there is none. */
static bool check_reader(struct store *s, struct err *err)
{
    struct db *db = &s->readers[0];
    int64_t version;

    if (!db_identify(db, &version, err))
        return false;
    if (version != db_schema_version())
        return err_set(err, ERR_STATE,
            "the database was written by an older Sheetflow (schema %lld; this one knows %d); "
            "start the server once, which brings it up to date",
            (long long)version, db_schema_version());
    return db_int(db, "SELECT value FROM state WHERE name = 'store_id'", &s->id, err);
}

static bool open_connections(struct store *s, uint32_t readers, struct err *err)
{
    if (!s->read_only)
        return open_writer(s, err) && open_readers(s, readers, err) && writer_start(s, err);
    if (access(s->path, F_OK) != 0)
        return err_errno(err, errno, "the database file");
    return open_readers(s, readers, err) && check_reader(s, err);
}

static bool init_locks(struct store *s)
{
    pthread_condattr_t attr;
    bool ok;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
         pthread_mutex_init(&s->lock, NULL) == 0 && pthread_cond_init(&s->wake, &attr) == 0 &&
         pthread_mutex_init(&s->pool_lock, NULL) == 0 &&
         pthread_cond_init(&s->pool_wake, NULL) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

bool store_open(const struct store_config *config, struct store **out, struct err *err)
{
    uint32_t readers = config->readers ? config->readers : READERS_DEFAULT;
    struct store *s = calloc(1, sizeof *s);

    if (!s)
        return err_nomem(err);
    s->last = &s->first;
    s->read_only = config->read_only;
    s->path = strdup(config->path);
    if (!s->path || !init_locks(s)) {
        free(s->path);
        free(s);
        return err_nomem(err);
    }
    if (readers > READERS_MAX)
        readers = READERS_MAX;
    if (!open_connections(s, readers, err)) {
        store_close(s);
        return false;
    }
    *out = s;
    return true;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_readers; i++)
        db_close(&s->readers[i]);
    writer_stop(s);
    db_close(&s->writer);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->pool_lock);
    pthread_cond_destroy(&s->pool_wake);
    free(s->readers);
    free(s->free_readers);
    free(s->path);
    free(s);
}

int64_t store_id(struct store *s)
{
    return s->id;
}

void store_size(const struct store *s, struct store_size *out)
{
    char log[FS_PATH_MAX];
    struct stat st;

    *out = (struct store_size){ 0 };
    snprintf(log, sizeof log, "%s-wal", s->path);
    if (stat(s->path, &st) == 0)
        out->bytes = (uint64_t)st.st_size;
    if (stat(log, &st) == 0)
        out->log_bytes = (uint64_t)st.st_size;
}

const char *store_version(void)
{
    static char version[32];

    if (!version[0])
        snprintf(version, sizeof version, "SQLite %s", sqlite3_libversion());
    return version;
}
