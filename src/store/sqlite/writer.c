/*
 * The writer thread: every write and every checkpoint.
 *
 * Group commit: whatever has queued up while the last commit was on its way to the disk goes into
 * the next one, each transaction in a savepoint of its own, so that one that fails takes no other
 * with it. All are told only after the COMMIT.
 *
 *   BEGIN IMMEDIATE
 *     SAVEPOINT one   change, change, ...   RELEASE   | ROLLBACK TO + RELEASE
 *     ...
 *   COMMIT ─▶ tell all ─▶ checkpoint where one is due
 *
 * Checkpoints: PASSIVE when CHECKPOINT_FRAMES have gathered or nothing happened for a second;
 *              TRUNCATE when the log has grown past TRUNCATE_FRAMES, and at the end.
 * Room that deletions leave is given back to the disk when nothing else is to do, a part at a time.
 */

#include "store/sqlite/db.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

enum {
    GROUP_MAX = 512,
    CHECKPOINT_FRAMES = 1000, /* 4 MiB */
    TRUNCATE_FRAMES = 16384,  /* 64 MiB */
    SPARE_PAGES = 256,        /* Free pages that stay for what comes next: 1 MiB. */
    ALARM_FRAMES = 65536,     /* 256 MiB: some reader never ends. */
    TRUNCATE_WAIT_MS = 50,
    SECOND = 1000000000
};

static const char begin_sql[] = "BEGIN IMMEDIATE";
static const char commit_sql[] = "COMMIT";
static const char rollback_sql[] = "ROLLBACK";
static const char savepoint_sql[] = "SAVEPOINT one";
static const char release_sql[] = "RELEASE one";
static const char undo_sql[] = "ROLLBACK TO one";

static bool run_sql(struct db *db, const char *sql, struct err *err)
{
    struct query q;

    return query_open(&q, db, sql, err) && query_run(&q, NULL, err);
}

void writer_note_fault(struct store *s, int rc)
{
    int fault = STORE_FINE;

    switch (rc & 0xff) {
    case SQLITE_IOERR:
        fault = rc == SQLITE_IOERR_NOMEM ? STORE_FINE : STORE_IO_FAULT;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        fault = STORE_CORRUPT;
        break;
    default:
        break;
    }
    if (fault != STORE_FINE && atomic_exchange(&s->fault, fault) == STORE_FINE)
        log_write(
            LOG_ERROR, "the database takes no more writes until the server is restarted", NULL);
}

/* A full disk is no fault: writing goes on when there is room again. */
static void note_failure(struct store *s)
{
    writer_note_fault(s, s->writer.failed);
    s->writer.failed = SQLITE_OK;
}

static bool refuse_faulty(struct store *s, struct err *err)
{
    switch (atomic_load(&s->fault)) {
    case STORE_IO_FAULT:
        return err_set(err, ERR_BUSY,
            "nothing can be saved since the disk refused a write; the server needs a restart");
    case STORE_CORRUPT:
        return err_set(err, ERR_BUSY,
            "nothing can be saved since the database was found damaged; restore a backup of it");
    default:
        return true;
    }
}

static bool apply(struct store *s, struct store_tx *tx)
{
    struct db *db = &s->writer;
    struct err undo;

    if (!run_sql(db, savepoint_sql, &tx->err))
        return false;
    for (struct tx_change *c = tx->first; c; c = c->next) {
        if (!c->apply(db, c->data, &tx->err)) {
            /* SQLite may have rolled the whole transaction back already. */
            if (!sqlite3_get_autocommit(db->handle) &&
                (!run_sql(db, undo_sql, &undo) || !run_sql(db, release_sql, &undo)) &&
                !run_sql(db, rollback_sql, &undo)) /* Half a change must not be committed. */
                log_write(LOG_ERROR, "a failed change could not be undone", NULL);
            return false;
        }
    }
    return run_sql(db, release_sql, &tx->err);
}

/* None of the group took effect: those that seemed to are failed with the reason. */
static void fail_group(struct store_tx *group, const struct store_tx *end, const struct err *why)
{
    for (struct store_tx *tx = group; tx != end; tx = tx->next) {
        if (tx->ok) {
            tx->ok = false;
            tx->err = *why;
        }
    }
}

/* Who waits for the group may go on. */
static void tell(struct store *s, struct store_tx *group)
{
    struct store_tx *next;

    pthread_mutex_lock(&s->lock);
    for (; group; group = next) {
        next = group->next; /* Once done, it is its caller's again. */
        group->done = true;
        pthread_cond_signal(&group->wake);
    }
    pthread_mutex_unlock(&s->lock);
}

/* Returns what is still to be told. */
static struct store_tx *write_group(struct store *s, struct store_tx *const whole)
{
    struct db *db = &s->writer;
    struct store_tx *group = whole, *tx;
    struct err err, undo;

    if (!refuse_faulty(s, &err) || !run_sql(db, begin_sql, &err)) {
        for (tx = group; tx; tx = tx->next)
            tx->err = err;
        note_failure(s);
        return whole;
    }
    for (tx = group; tx; tx = tx->next) {
        tx->ok = apply(s, tx);
        if (!tx->ok)
            note_failure(s);
        if (sqlite3_get_autocommit(db->handle)) {
            /* Rolled back under us (disk full, out of memory): begin anew for the rest. */
            err = tx->err;
            fail_group(group, tx, &err);
            group = tx->next;
            if (group && !run_sql(db, begin_sql, &err)) {
                for (; group; group = group->next)
                    group->err = err;
                return whole;
            }
            if (!group)
                return whole;
        }
    }
    if (fault_is("ack-before-commit")) {
        tell(s, whole);
        (void)!run_sql(db, commit_sql, &err);
        return NULL;
    }
    if (!run_sql(db, commit_sql, &err)) {
        note_failure(s);
        fail_group(group, NULL, &err);
        if (!sqlite3_get_autocommit(db->handle) && !run_sql(db, rollback_sql, &undo))
            log_write(LOG_ERROR, "a failed commit could not be rolled back", NULL);
    }
    return whole;
}

/* ---- checkpoints ---- */

static int count_frames(void *arg, sqlite3 *handle, const char *name, int frames)
{
    struct store *s = arg;

    (void)handle;
    (void)name;
    if (frames < s->wal_frames)
        s->wal_saved = 0; /* The log has begun anew. */
    s->wal_frames = frames;
    return SQLITE_OK;
}

static void checkpoint(struct store *s, int mode)
{
    int frames = -1, saved = -1, rc;
    struct db *db = &s->writer;
    struct err err;

    rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, &frames, &saved);
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY) {
        db_err(db, rc, &err);
        writer_note_fault(s, rc);
    }
    if (frames >= 0 && saved >= 0) {
        s->wal_frames = frames;
        s->wal_saved = saved;
    }
}

static void truncate_log(struct store *s)
{
    int64_t now = clock_mono_ns();
    char mib[16];

    if (now < s->truncate_after_ns)
        return;
    s->truncate_after_ns = now + SECOND;
    (void)sqlite3_busy_timeout(s->writer.handle, TRUNCATE_WAIT_MS); /* Writers are waiting. */
    checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE);
    (void)sqlite3_busy_timeout(s->writer.handle, DB_BUSY_MS);
    if (s->wal_frames > ALARM_FRAMES) {
        snprintf(mib, sizeof mib, "%d", s->wal_frames / 256);
        log_write(LOG_WARNING, "the database's log grows: a reader does not end", "mib", mib, NULL);
    }
}

/* The part moved is a change like any other: it goes through the log, and the next checkpoint shortens the file. */
static bool give_back(struct store *s)
{
    static const char part[] = "PRAGMA incremental_vacuum(1024)"; /* 4 MiB. */
    int64_t n_free;
    struct err err;

    if (!db_int(&s->writer, "PRAGMA freelist_count", &n_free, &err) || n_free <= SPARE_PAGES)
        return false;
    if (db_exec(&s->writer, part, &err))
        return true;
    note_failure(s);
    log_write(LOG_WARNING, "the database cannot be made smaller", "error", err.text, NULL);
    return false;
}

static bool has_work(struct store *s)
{
    bool yes;

    pthread_mutex_lock(&s->lock);
    yes = s->first || s->stopping;
    pthread_mutex_unlock(&s->lock);
    return yes;
}

static void checkpoint_if_due(struct store *s, bool idle)
{
    int waiting = s->wal_frames - s->wal_saved;

    if (atomic_load(&s->fault) != STORE_FINE)
        return;
    if (waiting >= CHECKPOINT_FRAMES || (idle && waiting > 0))
        checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
    while (idle && !has_work(s) && give_back(s))
        checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
    if (s->wal_frames > TRUNCATE_FRAMES)
        truncate_log(s);
}

/* ---- the thread ---- */

/* Wait for work; NULL when idle for a second after some, or with frames to save, or at the end. Called with the
 * lock held. */
static struct store_tx *take_group(struct store *s)
{
    struct store_tx *group, *tx;
    struct timespec until;

    while (!s->first && !s->stopping) {
        if (s->wal_frames == s->wal_saved && !s->stirred) {
            pthread_cond_wait(&s->wake, &s->lock);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        if (pthread_cond_timedwait(&s->wake, &s->lock, &until) != 0)
            return s->first ? take_group(s) : NULL;
    }
    group = tx = s->first;
    if (!tx)
        return NULL;
    for (int i = 1; i < GROUP_MAX && tx->next; i++)
        tx = tx->next;
    s->first = tx->next;
    tx->next = NULL;
    if (!s->first)
        s->last = &s->first;
    return group;
}

static void *writer_main(void *arg)
{
    struct store *s = arg;
    bool stop = false;

    while (!stop) {
        struct store_tx *group;

        pthread_mutex_lock(&s->lock);
        group = take_group(s);
        stop = !group && s->stopping;
        pthread_mutex_unlock(&s->lock);
        if (group)
            tell(s, write_group(s, group));
        s->stirred = group != NULL;
        checkpoint_if_due(s, !group && !stop);
    }
    return NULL;
}

bool writer_start(struct store *s, struct err *err)
{
    sigset_t all, before;
    int rc;

    (void)sqlite3_wal_hook(s->writer.handle, count_frames, s);
    s->wal_frames = 1; /* Opening has written: worth a checkpoint when idle. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* Signals are for the main thread. */
    rc = pthread_create(&s->thread, NULL, writer_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return err_set(err, ERR_BUSY, "the database's thread cannot be started");
    s->thread_runs = true;
    return true;
}

void writer_stop(struct store *s)
{
    struct err err;

    if (!s->thread_runs)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->thread_runs = false;
    if (atomic_load(&s->fault) != STORE_FINE)
        return;
    if (db_exec(&s->writer, "UPDATE state SET value = 1 WHERE name = 'clean'", &err))
        checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE);
}
