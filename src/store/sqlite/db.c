/* Statements, parameters, rows, and what SQLite's result codes mean for people. */

#include "store/sqlite/db.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ---- */

bool db_err(struct db *db, int rc, struct err *err)
{
    int system = db->handle ? sqlite3_system_errno(db->handle) : 0;
    bool full = (rc & 0xff) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
    char code[16];

    db->failed = full ? SQLITE_FULL : rc;
    snprintf(code, sizeof code, "%d", rc);
    log_write(LOG_WARNING, "database error", "code", code, "detail",
        db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc), NULL);
    switch (db->failed & 0xff) {
    case SQLITE_FULL:
        return err_set(err, ERR_NO_SPACE, "the disk is full; nothing was changed");
    case SQLITE_NOMEM:
        return err_nomem(err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_BUSY, "the database is busy; try again");
    case SQLITE_INTERRUPT:
        return err_set(err, ERR_TIMEOUT, "reading took longer than %d seconds", DB_READ_SECONDS);
    case SQLITE_CORRUPT:
        return err_set(err, ERR_DATA, "the database is damaged; restore a backup of it");
    case SQLITE_NOTADB:
        return err_set(err, ERR_DATA, "the database file is not a database");
    case SQLITE_TOOBIG:
        return err_set(err, ERR_TOO_LARGE, "a value is too large for the database");
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_NOMEM)
            return err_nomem(err);
        return err_set(err, ERR_IO, "the disk refused to read or write the database");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return err_set(err, ERR_IO, "the database file cannot be opened for writing");
    default:
        return err_set(err, ERR_INTERNAL, "the database refused a request (code %d)", rc);
    }
}

/* ---- queries ---- */

static size_t cache_slot(const struct db *db, const char *sql)
{
    size_t i = ((uintptr_t)sql >> 3) * 0x9E3779B1u % DB_STATEMENTS;

    for (size_t k = 0; k < DB_STATEMENTS; k++, i = (i + 1) % DB_STATEMENTS) {
        if (!db->cache[i].sql || db->cache[i].sql == sql)
            return i;
    }
    return DB_STATEMENTS;
}

bool query_open(struct query *q, struct db *db, const char *sql, struct err *err)
{
    size_t slot = cache_slot(db, sql);
    sqlite3_stmt *stmt;
    int rc;

    if (slot == DB_STATEMENTS)
        return err_set(err, ERR_INTERNAL, "too many kinds of database queries");
    if (!db->cache[slot].stmt) {
        rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
        if (rc != SQLITE_OK)
            return db_err(db, rc, err);
        db->cache[slot].sql = sql;
        db->cache[slot].stmt = stmt;
    }
    *q = (struct query){ .db = db, .stmt = db->cache[slot].stmt };
    return true;
}

static void note(struct query *q, int rc)
{
    if (rc != SQLITE_OK && q->rc == SQLITE_OK)
        q->rc = rc;
}

void query_text(struct query *q, const char *s)
{
    q->bound++;
    note(q, s ? sqlite3_bind_text64(q->stmt, q->bound, s, strlen(s), SQLITE_STATIC, SQLITE_UTF8)
              : sqlite3_bind_null(q->stmt, q->bound));
}

void query_int(struct query *q, int64_t v)
{
    note(q, sqlite3_bind_int64(q->stmt, ++q->bound, v));
}

void query_uint(struct query *q, uint64_t v)
{
    query_int(q, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

bool query_next(struct query *q, bool *row, struct err *err)
{
    int rc;

    if (q->rc != SQLITE_OK)
        return db_err(q->db, q->rc, err);
    rc = sqlite3_step(q->stmt);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        *row = rc == SQLITE_ROW;
        return true;
    }
    /* The err is made here, while the connection still knows the detail; query_end() must not
     * repeat it. */
    return db_err(q->db, rc, err);
}

const char *query_get_text(struct query *q, int column, struct arena *arena)
{
    const char *s = (const char *)sqlite3_column_text(q->stmt, column);
    const char *copy;

    if (!s) {
        if (sqlite3_column_type(q->stmt, column) != SQLITE_NULL)
            note(q, SQLITE_NOMEM);
        return NULL;
    }
    copy = arena_dup(arena, s, (size_t)sqlite3_column_bytes(q->stmt, column));
    if (!copy)
        note(q, SQLITE_NOMEM);
    return copy;
}

void query_get_id(struct query *q, int column, char out[ID_LEN])
{
    const char *s = (const char *)sqlite3_column_text(q->stmt, column);

    if (!s && sqlite3_column_type(q->stmt, column) != SQLITE_NULL)
        note(q, SQLITE_NOMEM);
    snprintf(out, ID_LEN, "%s", s ? s : "");
}

int64_t query_get_int(struct query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

uint64_t query_get_uint(struct query *q, int column)
{
    int64_t v = query_get_int(q, column);

    return v < 0 ? 0 : (uint64_t)v;
}

uint32_t query_get_u32(struct query *q, int column)
{
    uint64_t v = query_get_uint(q, column);

    return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

bool query_end(struct query *q, bool ok, struct err *err)
{
    /* Both codes repeat what stepping has already told, or cannot fail. */
    (void)sqlite3_reset(q->stmt);
    (void)sqlite3_clear_bindings(q->stmt);
    if (ok && q->rc != SQLITE_OK)
        return db_err(q->db, q->rc, err);
    return ok;
}

bool query_run(struct query *q, int *changes, struct err *err)
{
    bool row = true, ok = true;

    while (ok && row)
        ok = query_next(q, &row, err);
    if (ok && changes)
        *changes = sqlite3_changes(q->db->handle);
    return query_end(q, ok, err);
}

bool query_status(
    struct db *db, const char *sql, const char *id, char out[STATUS_ROOM], struct err *err)
{
    const char *status;
    struct query q = { 0 };
    bool row = false;

    out[0] = '\0';
    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, id);
    if (!query_next(&q, &row, err))
        return query_end(&q, false, err);
    if (row) {
        status = (const char *)sqlite3_column_text(q.stmt, 0);
        snprintf(out, STATUS_ROOM, "%s", status ? status : "?");
    }
    return query_end(&q, true, err);
}

bool query_exists(struct query *q, bool *yes, struct err *err)
{
    bool row = false, ok = query_next(q, &row, err);

    if (!query_end(q, ok, err))
        return false;
    *yes = row;
    return true;
}

void *rows_add(struct rows *r, struct err *err)
{
    void *row;

    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 8;
        char *grown = r->cap > SIZE_MAX / 4 ? NULL : arena_calloc(r->arena, cap, r->size);

        if (!grown) {
            err_nomem(err);
            return NULL;
        }
        if (r->n)
            memcpy(grown, r->v, r->n * r->size);
        r->v = grown;
        r->cap = cap;
    }
    row = r->v + r->n++ * r->size;
    return row;
}

/* ---- the whole connection ---- */

bool db_exec(struct db *db, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? true : db_err(db, rc, err);
}

/* Prepare, take one row and finalize: for statements that run once. */
bool db_int(struct db *db, const char *sql, int64_t *out, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
        if (rc == SQLITE_DONE)
            err_set(err, ERR_INTERNAL, "the database gave no answer");
        else
            db_err(db, rc, err);
        sqlite3_finalize(stmt);
        return false;
    }
    *out = sqlite3_column_int64(stmt, 0);
    rc = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? true : db_err(db, rc, err);
}

/* The first fault that a checking pragma tells; `fine` is its answer when there is none, NULL: no
 * row at all. */
static bool check_pragma(struct db *db, const char *pragma, const char *fine, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, pragma, -1, &stmt, NULL);
    const char *told;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        told = (const char *)sqlite3_column_text(stmt, 0);
        if (!fine || !told || strcmp(told, fine) != 0) {
            err_set(err, ERR_DATA, "the database is damaged (%s%s); restore a backup of it",
                fine ? "" : "a broken reference in ", told ? told : "?");
            for (char *p = err->text; *p; p++) {
                if (*p == '\n')
                    *p = ' ';
            }
            sqlite3_finalize(stmt);
            return false;
        }
        rc = SQLITE_DONE;
    }
    if (rc != SQLITE_DONE) {
        db_err(db, rc, err);
        sqlite3_finalize(stmt);
        return false;
    }
    rc = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? true : db_err(db, rc, err);
}

bool db_check(struct db *db, const char *pragma, struct err *err)
{
    return check_pragma(db, pragma, "ok", err) &&
           check_pragma(db, "PRAGMA foreign_key_check", NULL, err);
}

void status_list(unsigned set, int count, status_name_fn *name, char *out, size_t size)
{
    size_t n = 0;

    for (int i = 0; i < count; i++) {
        if (set & 1u << i) {
            int put = snprintf(out + n, size - n, ",%s", name(i));

            n += put > 0 && (size_t)put < size - n ? (size_t)put : 0;
        }
    }
    snprintf(out + n, size - n, ",");
}
