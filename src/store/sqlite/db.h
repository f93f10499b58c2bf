#ifndef STORE_SQLITE_DB_H
#define STORE_SQLITE_DB_H

/*
 * Inside of the SQLite store: connections, queries, transactions.
 *
 *   store_commit() ─▶ queue ─▶ writer thread ─▶ writer connection: all writes and checkpoints
 *   store_...()    ─▶ pool of reading connections: read-only, query_only
 *
 * One connection in one thread does every write and every checkpoint: SQLite before 3.51.3 can
 * corrupt a WAL database when two connections do so at the same time.
 */

#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum {
    DB_STATEMENTS = 64,   /* Slots of a connection's statement cache. */
    DB_BUSY_MS = 5000,    /* Only matters for a stray second opener. */
    DB_READ_SECONDS = 20, /* Longest time one read may take. */
    DB_PAGE_SIZE = 4096,
    DB_APPLICATION_ID = 0x53464C57 /* "SFLW" */
};

/* ---- connections (open.c, db.c) ---- */

struct db {
    sqlite3 *handle;
    struct {
        const char *sql; /* Compared by address: SQL texts are constants. */
        sqlite3_stmt *stmt;
    } cache[DB_STATEMENTS];
    int failed;           /* Result code of the last failure, for the writer to judge. */
    int64_t deadline_ns;  /* Of the read going on; 0: none. */
    struct arena scratch; /* Of the search function. */
};

enum db_use { DB_WRITE, DB_READ };

/* Open a connection with the pragmas that do not touch the file, which must exist. */
bool db_open(struct db *db, const char *path, enum db_use use, struct err *err) MUST_CHECK;
/* The pragmas of the writer: write-ahead log, full synchronization. */
bool db_prepare_writer(struct db *db, struct err *err) MUST_CHECK;
void db_close(struct db *db);
/* SQL without parameters; its rows are ignored. */
bool db_exec(struct db *db, const char *sql, struct err *err) MUST_CHECK;
/* One number: "PRAGMA user_version". */
bool db_int(struct db *db, const char *sql, int64_t *out, struct err *err) MUST_CHECK;
/* Turn SQLite's result code into an err with a sentence; the detail goes to the log. Returns
 * false. */
bool db_err(struct db *db, int rc, struct err *err);
/* Run "PRAGMA integrity_check" or "PRAGMA quick_check", and foreign_key_check. */
bool db_check(struct db *db, const char *pragma, struct err *err) MUST_CHECK;

/* ---- schema (migrate.c) ---- */

/* Refuse other programs' files and newer schemas, without touching them. *version 0: a new file. */
bool db_identify(struct db *db, int64_t *version, struct err *err) MUST_CHECK;
/* Bring the schema from `version` to this program's. */
bool db_migrate(struct db *db, int64_t version, struct err *err) MUST_CHECK;
int db_schema_version(void);

/* ---- queries (db.c) ---- */

/*
 * A prepared statement in use. Binding and reading errors stick: query_next() and query_run() tell
 * them. Bound strings must live until the query is closed.
 */
struct query {
    struct db *db;
    sqlite3_stmt *stmt;
    int rc;    /* First failure. */
    int bound; /* Parameters bound so far. */
};

bool query_open(struct query *q, struct db *db, const char *sql, struct err *err) MUST_CHECK;
void query_text(struct query *q, const char *s); /* The next parameter; NULL is null. */
void query_int(struct query *q, int64_t v);
void query_uint(struct query *q, uint64_t v); /* Past INT64_MAX: INT64_MAX. */
/* *row: is there one? */
bool query_next(struct query *q, bool *row, struct err *err) MUST_CHECK;
/* Copied into the arena; NULL for null. When memory ends, the next query_next() or query_end()
 * tells. */
const char *query_get_text(struct query *q, int column, struct arena *arena);
void query_get_id(struct query *q, int column, char out[ID_LEN]); /* "" for null. */
int64_t query_get_int(struct query *q, int column);
uint64_t query_get_uint(struct query *q, int column);
uint32_t query_get_u32(struct query *q, int column);
/* Close after reading; passes `ok` on unless something stuck. */
bool query_end(struct query *q, bool ok, struct err *err) MUST_CHECK;
/* Step to the end and close; *changes (may be NULL) is the number of rows changed. */
bool query_run(struct query *q, int *changes, struct err *err) MUST_CHECK;
/* The text that `sql` finds for the id ?1, cut to fit ("?" for null); "" when there is no row. */
enum { STATUS_ROOM = 32 };
bool query_status(struct db *db, const char *sql, const char *id, char out[STATUS_ROOM],
    struct err *err) MUST_CHECK;
/* Is there a row? Closes. */
bool query_exists(struct query *q, bool *yes, struct err *err) MUST_CHECK;

/* Rows being collected in an arena. */
struct rows {
    struct arena *arena;
    char *v;
    size_t n, cap, size;
};
void *rows_add(struct rows *r, struct err *err); /* Zeroed; NULL when memory ends. */

/* ---- reading (pool.c) ---- */

struct db *reader_take(
    struct store *s, struct err *err); /* Waits for a free one; NULL on failure. */
void reader_give(struct store *s, struct db *db);
/* A read transaction: what follows sees one moment. read_end() passes `ok` on unless ending
 * fails. */
bool read_begin(struct db *db, struct err *err) MUST_CHECK;
bool read_end(struct db *db, bool ok, struct err *err) MUST_CHECK;

/* Reads on a given connection, so that a snapshot can do several in one read transaction. */
bool read_conversation(struct db *db, const char *id, struct arena *arena, struct conversation *out,
    struct err *err) MUST_CHECK;
bool read_messages(struct db *db, const char *conversation, uint32_t limit, struct arena *arena,
    struct message **out, size_t *n, struct err *err) MUST_CHECK;
bool read_files(struct db *db, const char *conversation, struct arena *arena,
    struct stored_file **out, size_t *n, struct err *err) MUST_CHECK;
bool read_runs(struct db *db, const char *conversation, bool unfinished_only, struct arena *arena,
    struct run **out, size_t *n, struct err *err) MUST_CHECK;
bool read_steps(struct db *db, const char *conversation, const char *run, struct arena *arena,
    struct step **out, size_t *n, struct err *err) MUST_CHECK;
bool read_events(struct db *db, const char *conversation, uint64_t since, int64_t max,
    struct arena *arena, struct event **out, size_t *n, struct err *err) MUST_CHECK;
/* ERR_NOT_FOUND unless the conversation exists. */
bool check_conversation(struct db *db, const char *id, struct err *err) MUST_CHECK;
bool no_conversation(const char *id, struct err *err); /* Returns false. */

/* sheetflow_contains(text, folded): does the text hold it, without regard to case? (search.c) */
bool search_register(struct db *db, struct err *err) MUST_CHECK;

/* ---- writing (tx.c, writer.c) ---- */

/* Apply one change on the writer's connection; false fails the transaction. */
typedef bool tx_apply_fn(struct db *db, void *change, struct err *err);
/* Called once by the thread that began the transaction, with its outcome; frees what the change
 * holds. */
typedef void tx_end_fn(void *change, bool committed);

struct tx_change {
    struct tx_change *next;
    tx_apply_fn *apply;
    tx_end_fn *end; /* May be NULL. */
    void *data;
};

struct store_tx {
    struct store *store;
    struct arena arena;
    struct tx_change *first, **last;
    bool out_of_memory;

    /* The writer's, under the store's lock. */
    struct store_tx *next;
    pthread_cond_t wake;
    bool done, ok;
    struct err err;
};

/* Append a change of `size` zeroed bytes; NULL when tx is NULL or memory ends (then the commit
 * fails). */
void *tx_add(struct store_tx *tx, tx_apply_fn *apply, tx_end_fn *end, size_t size);
void tx_id(char out[ID_LEN], const char *id); /* Cut to ID_LEN; NULL gives "". */
/* A copy in the transaction; NULL gives a copy of `fallback`, which may be NULL. */
const char *tx_text(struct store_tx *tx, const char *s, const char *fallback);

/* The words of the statuses in a bit set, as ",pending,running,": compared with instr(). */
typedef const char *status_name_fn(int status);
void status_list(unsigned set, int count, status_name_fn *name, char *out, size_t size);

/* Why the store takes no more writes, or 0. */
enum store_fault { STORE_FINE, STORE_IO_FAULT, STORE_CORRUPT };

struct store {
    char *path;
    bool read_only;
    int64_t id;
    struct db writer;
    pthread_t thread;
    bool thread_runs;
    atomic_int fault; /* enum store_fault; set by the writer, never cleared while open. */

    pthread_mutex_t lock; /* Of the queue and of the `done` of its members. */
    pthread_cond_t wake;  /* Work for the writer, or `stopping`. */
    struct store_tx *first, **last;
    bool stopping;

    /* The writer thread's own: frames in the WAL, and how many of them are in the database file. */
    int wal_frames, wal_saved;
    bool stirred;              /* Something was written since the writer was idle. */
    int64_t truncate_after_ns; /* When a truncating checkpoint may be tried again. */

    pthread_mutex_t pool_lock;
    pthread_cond_t pool_wake;
    struct db *readers;
    struct db **free_readers;
    uint32_t n_readers, n_free;
};

bool writer_start(struct store *s, struct err *err) MUST_CHECK;
void writer_stop(
    struct store *s); /* Finishes the queue, checkpoints, marks the file as cleanly closed. */
/* Remember the fault behind a result code, if it is one that ends writing. */
void writer_note_fault(struct store *s, int rc);

#endif
