/* The whole of one conversation as of one moment, and whether the store is well. */

#include "store/sqlite/db.h"

#include "base/clock.h"

static bool read_rows(struct db *db, const char *id, struct arena *arena,
    struct conversation_rows *out, struct err *err)
{
    return read_conversation(db, id, arena, &out->conversation, err) &&
           read_messages(db, id, 0, arena, &out->messages, &out->n_messages, err) &&
           read_files(db, id, arena, &out->files, &out->n_files, err) &&
           read_runs(db, id, false, arena, &out->runs, &out->n_runs, err) &&
           read_steps(db, id, NULL, arena, &out->steps, &out->n_steps, err) &&
           read_events(db, id, 0, -1, arena, &out->events, &out->n_events, err);
}

bool store_snapshot(struct store *s, const char *conversation, struct arena *arena,
    struct conversation_rows *out, struct err *err)
{
    struct conversation_rows rows = { 0 };
    struct db *db = reader_take(s, err);
    bool ok = false;

    if (!db)
        return false;
    if (read_begin(db, err))
        ok = read_end(db, read_rows(db, conversation, arena, &rows, err), err);
    reader_give(s, db);
    if (ok)
        *out = rows;
    return ok;
}

static bool apply_touch(struct db *db, void *change, struct err *err)
{
    static const char sql[] = "UPDATE state SET value = ?1 WHERE name = 'checked_ns'";
    const int64_t *now_ns = change;
    struct query q;

    if (!query_open(&q, db, sql, err))
        return false;
    query_int(&q, *now_ns);
    return query_run(&q, NULL, err);
}

/* A write that reaches the disk, and a read that sees it. */
bool store_broken(struct store *s)
{
    return atomic_load(&s->fault) != STORE_FINE;
}

bool store_healthy(struct store *s, struct err *err)
{
    static const char sql[] = "SELECT value FROM state WHERE name = 'checked_ns'";
    struct store_tx *tx = store_begin(s);
    int64_t now_ns = clock_wall_ns(), *touch = tx_add(tx, apply_touch, NULL, sizeof now_ns);
    struct query q;
    struct db *db;
    bool ok = false, row;

    if (touch)
        *touch = now_ns;
    if (!store_commit(tx, err))
        return false;
    db = reader_take(s, err);
    if (!db)
        return false;
    if (query_open(&q, db, sql, err)) {
        ok = query_next(&q, &row, err) && (row || err_set(err, ERR_DATA, "the database is empty"));
        ok = query_end(&q, ok, err);
    }
    reader_give(s, db);
    return ok;
}
