/* Answers kept for requests that carry an Idempotency-Key. */

#include "store/sqlite/db.h"

static bool apply_add(struct db *db, void *change, struct err *err)
{
    static const char sql[] = "INSERT INTO replies (scope, key, request, status, body, created_ns)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE"
                              " SET status = excluded.status, body = excluded.body"
                              " WHERE status = -1 AND request = excluded.request";
    const struct store_reply *r = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, r->scope);
    query_text(&q, r->key);
    query_text(&q, r->request);
    query_int(&q, r->status);
    query_text(&q, r->body);
    query_int(&q, r->created_ns);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true
                        : err_set(err, ERR_STATE,
                              "a request with this Idempotency-Key has been answered already");
}

void store_add_reply(struct store_tx *tx, const struct store_reply *reply)
{
    struct store_reply *copy = tx_add(tx, apply_add, NULL, sizeof *copy);

    if (!copy)
        return;
    *copy = *reply;
    copy->scope = tx_text(tx, reply->scope, "");
    copy->key = tx_text(tx, reply->key, "");
    copy->request = tx_text(tx, reply->request, "");
    copy->body = tx_text(tx, reply->body, "");
}

struct place {
    const char *scope, *key;
};

static bool apply_delete(struct db *db, void *change, struct err *err)
{
    static const char sql[] = "DELETE FROM replies WHERE scope = ?1 AND key = ?2";
    const struct place *place = change;
    struct query q;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, place->scope);
    query_text(&q, place->key);
    return query_run(&q, NULL, err);
}

void store_delete_reply(struct store_tx *tx, const char *scope, const char *key)
{
    struct place *copy = tx_add(tx, apply_delete, NULL, sizeof *copy);

    if (!copy)
        return;
    copy->scope = tx_text(tx, scope, "");
    copy->key = tx_text(tx, key, "");
}

static bool apply_forget(struct db *db, void *change, struct err *err)
{
    static const char sql[] = "DELETE FROM replies WHERE created_ns < ?1";
    const int64_t *before_ns = change;
    struct query q;

    if (!query_open(&q, db, sql, err))
        return false;
    query_int(&q, *before_ns);
    return query_run(&q, NULL, err);
}

void store_forget_replies(struct store_tx *tx, int64_t before_ns)
{
    int64_t *copy = tx_add(tx, apply_forget, NULL, sizeof *copy);

    if (copy)
        *copy = before_ns;
}

bool store_reply_find(struct store *s, const char *scope, const char *key, struct arena *arena,
    struct store_reply *out, bool *found, struct err *err)
{
    static const char sql[] = "SELECT scope, key, request, status, body, created_ns FROM replies"
                              " WHERE scope = ?1 AND key = ?2";
    struct db *db = reader_take(s, err);
    struct store_reply r = { 0 };
    struct query q;
    bool ok = false, row = false;

    if (!db)
        return false;
    if (query_open(&q, db, sql, err)) {
        query_text(&q, scope);
        query_text(&q, key);
        ok = query_next(&q, &row, err);
        if (ok && row) {
            r.scope = query_get_text(&q, 0, arena);
            r.key = query_get_text(&q, 1, arena);
            r.request = query_get_text(&q, 2, arena);
            r.status = (int)query_get_int(&q, 3);
            r.body = query_get_text(&q, 4, arena);
            r.created_ns = query_get_int(&q, 5);
        }
        ok = query_end(&q, ok, err);
    }
    reader_give(s, db);
    if (!ok)
        return false;
    *found = row;
    *out = r;
    return true;
}
