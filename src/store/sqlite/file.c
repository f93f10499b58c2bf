/* Rows of the files that lie in a conversation's folders. */

#include "store/sqlite/db.h"

#include <stdio.h>

static bool no_run_for_file(const struct stored_file *f, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no run %s to which the file %s could belong",
        f->run, f->name);
}

/* Why nothing was inserted: no such conversation, no such run, or the name is taken. */
static bool tell_why_not_added(struct db *db, const struct stored_file *f, struct err *err)
{
    static const char run_sql[] = "SELECT 1 FROM runs WHERE id = ?1";
    struct query q;
    bool found = true;

    if (!check_conversation(db, f->conversation, err))
        return false;
    if (f->run[0]) {
        if (!query_open(&q, db, run_sql, err))
            return false;
        query_text(&q, f->run);
        if (!query_exists(&q, &found, err))
            return false;
    }
    return found ? err_set(err, ERR_STATE, "the conversation already has a file named %s", f->name)
                 : no_run_for_file(f, err);
}

static bool apply_add(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "INSERT INTO files (conversation, name, kind, base, format, facts, size, sha256, run, "
        "created_ns)"
        " SELECT c.key, ?2, ?3, ?4, ?5, ?6, ?7, ?8, r.key, ?10"
        " FROM conversations c LEFT JOIN runs r ON r.id = ?9"
        " WHERE c.id = ?1 AND (?9 IS NULL OR r.key IS NOT NULL) ON CONFLICT DO NOTHING";
    const struct stored_file *f = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, f->conversation);
    query_text(&q, f->name);
    query_text(&q, file_kind_folder(f->kind));
    query_text(&q, f->base);
    query_text(&q, f->format);
    query_text(&q, f->facts);
    query_uint(&q, f->size);
    query_text(&q, f->sha256);
    query_text(&q, f->run[0] ? f->run : NULL);
    query_int(&q, f->created_ns);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true : tell_why_not_added(db, f, err);
}

void store_add_file(struct store_tx *tx, const struct stored_file *f)
{
    struct stored_file *copy = tx_add(tx, apply_add, NULL, sizeof *copy);

    if (!copy)
        return;
    *copy = *f;
    copy->name = tx_text(tx, f->name, "");
    copy->base = tx_text(tx, f->base, "");
    copy->format = tx_text(tx, f->format, "");
    copy->facts = tx_text(tx, f->facts, "{}");
}

struct deleted {
    char conversation[ID_LEN];
    const char *name;
};

static bool no_file(const char *name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "the conversation has no file named %s", name);
}

static bool apply_delete(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "DELETE FROM files WHERE conversation = (SELECT key FROM conversations WHERE id = ?1)"
        " AND name = ?2";
    const struct deleted *d = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, d->conversation);
    query_text(&q, d->name);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true
                        : check_conversation(db, d->conversation, err) && no_file(d->name, err);
}

void store_delete_file(struct store_tx *tx, const char *conversation, const char *name)
{
    struct deleted *d = tx_add(tx, apply_delete, NULL, sizeof *d);

    if (!d)
        return;
    tx_id(d->conversation, conversation);
    d->name = tx_text(tx, name, "");
}

/* ---- reading ---- */

#define FILE_SELECT                                                                          \
    "SELECT f.name, f.kind, f.base, f.format, f.facts, f.size, f.sha256, r.id, f.created_ns" \
    " FROM files f LEFT JOIN runs r ON r.key = f.run"                                        \
    " WHERE f.conversation = (SELECT key FROM conversations WHERE id = ?1)"

static bool take_row(struct query *q, const char *conversation, struct arena *arena,
    struct stored_file *f, struct err *err)
{
    const char *sha256;

    *f = (struct stored_file){ 0 };
    tx_id(f->conversation, conversation);
    f->name = query_get_text(q, 0, arena);
    if (!file_kind_find((const char *)sqlite3_column_text(q->stmt, 1), &f->kind))
        return err_set(err, ERR_INTERNAL, "a file's kind is not known");
    f->base = query_get_text(q, 2, arena);
    f->format = query_get_text(q, 3, arena);
    f->facts = query_get_text(q, 4, arena);
    f->size = query_get_uint(q, 5);
    sha256 = (const char *)sqlite3_column_text(q->stmt, 6);
    snprintf(f->sha256, sizeof f->sha256, "%s", sha256 ? sha256 : "");
    query_get_id(q, 7, f->run);
    f->created_ns = query_get_int(q, 8);
    return true;
}

bool read_files(struct db *db, const char *conversation, struct arena *arena,
    struct stored_file **out, size_t *n, struct err *err)
{
    static const char sql[] = FILE_SELECT " ORDER BY f.key";
    struct rows rows = { .arena = arena, .size = sizeof **out };
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, conversation);
    while ((ok = query_next(&q, &row, err)) && row) {
        struct stored_file *f = rows_add(&rows, err);

        ok = f && take_row(&q, conversation, arena, f, err);
        if (!ok)
            break;
    }
    if (!query_end(&q, ok, err) || (rows.n == 0 && !check_conversation(db, conversation, err)))
        return false;
    *out = (struct stored_file *)(void *)rows.v;
    *n = rows.n;
    return true;
}

bool store_files(struct store *s, const char *conversation, struct arena *arena,
    struct stored_file **out, size_t *n, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_files(db, conversation, arena, out, n, err);
    reader_give(s, db);
    return ok;
}

static bool read_file(struct db *db, const char *conversation, const char *name,
    struct arena *arena, struct stored_file *out, struct err *err)
{
    static const char sql[] = FILE_SELECT " AND f.name = ?2";
    struct stored_file found;
    struct query q;
    bool row = false, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, conversation);
    query_text(&q, name);
    ok = query_next(&q, &row, err) && (!row || take_row(&q, conversation, arena, &found, err));
    if (!query_end(&q, ok, err))
        return false;
    if (!row)
        return check_conversation(db, conversation, err) && no_file(name, err);
    *out = found;
    return true;
}

bool store_file_get(struct store *s, const char *conversation, const char *name,
    struct arena *arena, struct stored_file *out, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_file(db, conversation, name, arena, out, err);
    reader_give(s, db);
    return ok;
}
