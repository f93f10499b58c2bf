/* Keys of clients, and what their owners may have. */

#include "store/sqlite/db.h"

#include <stdio.h>
#include <string.h>

enum { MIB = 1 << 20 };

static bool apply_add(struct db *db, void *change, struct err *err)
{
    static const char sql[] = "INSERT INTO api_keys (id, name, role, owner, sha256, created_ns,"
                              " expires_ns, last_used_ns, revoked_ns)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
    const struct store_key *k = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, k->id);
    query_text(&q, k->name);
    query_text(&q, k->role);
    query_text(&q, k->owner);
    query_text(&q, k->sha256);
    query_int(&q, k->created_ns);
    query_int(&q, k->expires_ns);
    query_int(&q, k->last_used_ns);
    query_int(&q, k->revoked_ns);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true : err_set(err, ERR_STATE, "the key %s exists already", k->id);
}

void store_add_key(struct store_tx *tx, const struct store_key *key)
{
    struct store_key *copy = tx_add(tx, apply_add, NULL, sizeof *copy);

    if (!copy)
        return;
    *copy = *key;
    copy->name = tx_text(tx, key->name, "");
    copy->role = tx_text(tx, key->role, "");
    copy->owner = tx_text(tx, key->owner, "");
}

struct mark {
    char id[STORE_KEY_ID];
    int64_t at_ns;
};

static void add_mark(struct store_tx *tx, tx_apply_fn *apply, const char *id, int64_t at_ns)
{
    struct mark *m = tx_add(tx, apply, NULL, sizeof *m);

    if (!m)
        return;
    snprintf(m->id, sizeof m->id, "%s", id);
    m->at_ns = at_ns;
}

static bool run_mark(
    struct db *db, const char *sql, const struct mark *m, int *changes, struct err *err)
{
    struct query q;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, m->id);
    query_int(&q, m->at_ns);
    return query_run(&q, changes, err);
}

/* Once more is fine, and changes nothing. */
static bool apply_revoke(struct db *db, void *change, struct err *err)
{
    static const char sql[] = "UPDATE api_keys SET"
                              " revoked_ns = CASE revoked_ns WHEN 0 THEN ?2 ELSE revoked_ns END"
                              " WHERE id = ?1";
    const struct mark *m = change;
    int changes;

    if (!run_mark(db, sql, m, &changes, err))
        return false;
    return changes == 1 ? true : err_set(err, ERR_NOT_FOUND, "there is no key %s", m->id);
}

void store_revoke_key(struct store_tx *tx, const char *id, int64_t now_ns)
{
    add_mark(tx, apply_revoke, id, now_ns);
}

static bool apply_touch(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "UPDATE api_keys SET last_used_ns = max(last_used_ns, ?2) WHERE id = ?1";

    return run_mark(db, sql, change, NULL, err);
}

void store_touch_key(struct store_tx *tx, const char *id, int64_t used_ns)
{
    add_mark(tx, apply_touch, id, used_ns);
}

/* ---- reading ---- */

static void take_row(struct query *q, struct arena *arena, struct store_key *k)
{
    const char *id = (const char *)sqlite3_column_text(q->stmt, 0);
    const char *sha256 = (const char *)sqlite3_column_text(q->stmt, 4);

    snprintf(k->id, sizeof k->id, "%s", id ? id : "");
    k->name = query_get_text(q, 1, arena);
    k->role = query_get_text(q, 2, arena);
    k->owner = query_get_text(q, 3, arena);
    snprintf(k->sha256, sizeof k->sha256, "%s", sha256 ? sha256 : "");
    k->created_ns = query_get_int(q, 5);
    k->expires_ns = query_get_int(q, 6);
    k->last_used_ns = query_get_int(q, 7);
    k->revoked_ns = query_get_int(q, 8);
}

static bool read_keys(struct db *db, struct rows *rows, struct err *err)
{
    static const char sql[] = "SELECT id, name, role, owner, sha256, created_ns, expires_ns,"
                              " last_used_ns, revoked_ns FROM api_keys ORDER BY key";
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    while ((ok = query_next(&q, &row, err)) && row) {
        struct store_key *k = rows_add(rows, err);

        ok = k != NULL;
        if (!ok)
            break;
        take_row(&q, rows->arena, k);
    }
    return query_end(&q, ok, err);
}

bool store_keys(
    struct store *s, struct arena *arena, struct store_key **out, size_t *n, struct err *err)
{
    struct rows rows = { .arena = arena, .size = sizeof **out };
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_keys(db, &rows, err);
    reader_give(s, db);
    if (!ok)
        return false;
    *out = (struct store_key *)(void *)rows.v;
    *n = rows.n;
    return true;
}

/* ---- quotas ---- */

struct quota_check {
    const char *owner;
    struct store_quota quota;
};

static bool count_for(
    struct db *db, const char *sql, const char *owner, uint64_t *out, struct err *err)
{
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, owner);
    ok = query_next(&q, &row, err);
    if (ok)
        *out = query_get_uint(&q, 0);
    return query_end(&q, ok, err);
}

static bool apply_quota(struct db *db, void *change, struct err *err)
{
    static const char conversations_sql[] = "SELECT count(*) FROM conversations WHERE owner = ?1";
    static const char bytes_sql[] = "SELECT coalesce(sum(f.size), 0) FROM conversations c"
                                    " JOIN files f ON f.conversation = c.key WHERE c.owner = ?1";
    const struct quota_check *c = change;
    uint64_t n = 0;

    if (c->quota.conversations) {
        if (!count_for(db, conversations_sql, c->owner, &n, err))
            return false;
        if (n > c->quota.conversations)
            return err_set(err, ERR_QUOTA,
                "%s may have %llu conversations (quota.max_conversations); delete one first",
                c->owner, (unsigned long long)c->quota.conversations);
    }
    if (c->quota.bytes) {
        if (!count_for(db, bytes_sql, c->owner, &n, err))
            return false;
        if (n > c->quota.bytes)
            return err_set(err, ERR_QUOTA,
                "the files of %s may take %llu MiB together (quota.max_bytes_mb), and with this "
                "they would take %llu MiB; delete a conversation first",
                c->owner, (unsigned long long)c->quota.bytes / MIB,
                (unsigned long long)(n + MIB - 1) / MIB);
    }
    return true;
}

void store_check_quota(struct store_tx *tx, const char *owner, const struct store_quota *quota)
{
    struct quota_check *c;

    if (!owner || (!quota->conversations && !quota->bytes))
        return;
    c = tx_add(tx, apply_quota, NULL, sizeof *c);
    if (!c)
        return;
    c->owner = tx_text(tx, owner, "");
    c->quota = *quota;
}
