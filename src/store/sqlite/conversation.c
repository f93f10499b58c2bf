/* Conversations: rows, list, search. */

#include "store/sqlite/db.h"

#include "base/utf8.h"

#include <string.h>

/* ---- writing ---- */

static bool apply_add(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "INSERT INTO conversations"
        " (id, participant, name, status, partition, metadata, created_ns, updated_ns, owner,"
        " dialog) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
    static const char id_sql[] = "SELECT 1 FROM conversations WHERE id = ?1";
    const struct conversation *c = change;
    struct query q;
    int changes;
    bool taken;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, c->id);
    query_text(&q, c->participant);
    query_text(&q, c->name);
    query_text(&q, conversation_status_name(c->status));
    query_text(&q, c->partition);
    query_text(&q, c->metadata);
    query_int(&q, c->created_ns);
    query_int(&q, c->updated_ns);
    query_text(&q, c->owner);
    query_text(&q, c->dialog);
    if (!query_run(&q, &changes, err))
        return false;
    if (changes == 1)
        return true;
    if (!query_open(&q, db, id_sql, err))
        return false;
    query_text(&q, c->id);
    if (!query_exists(&q, &taken, err))
        return false;
    return taken ? err_set(err, ERR_STATE, "the conversation %s exists already", c->id)
                 : err_set(err, ERR_STATE, "the participant name %s is taken", c->participant);
}

void store_add_conversation(struct store_tx *tx, const struct conversation *c)
{
    struct conversation *copy = tx_add(tx, apply_add, NULL, sizeof *copy);

    if (!copy)
        return;
    *copy = *c;
    copy->participant = tx_text(tx, c->participant, "");
    copy->name = tx_text(tx, c->name, NULL);
    copy->owner = tx_text(tx, c->owner, NULL);
    copy->dialog = tx_text(tx, c->dialog, NULL);
    copy->partition = tx_text(tx, c->partition, "");
    copy->metadata = tx_text(tx, c->metadata, "{}");
}

struct change {
    char id[ID_LEN];
    struct conversation_change to;
};

static const char *status_or_null(int status)
{
    return status >= 0 && status < CONVERSATION_STATUS_COUNT
               ? conversation_status_name((enum conversation_status)status)
               : NULL;
}

static bool tell_why_unchanged(struct db *db, const struct change *c, struct err *err)
{
    const char *wanted = status_or_null(c->to.status_if);
    char now[STATUS_ROOM];

    if (!query_status(db, "SELECT status FROM conversations WHERE id = ?1", c->id, now, err))
        return false;
    if (!now[0])
        return no_conversation(c->id, err);
    return err_set(err, ERR_STATE, "the conversation is %s, not %s", now, wanted ? wanted : "?");
}

static bool apply_change(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "UPDATE conversations SET name = coalesce(?2, name), metadata = coalesce(?3, metadata),"
        " status = coalesce(?4, status), updated_ns = ?5, owner = nullif(coalesce(?7, owner), ''),"
        " dialog = coalesce(?8, dialog)"
        " WHERE id = ?1 AND (?6 IS NULL OR status = ?6)";
    const struct change *c = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, c->id);
    query_text(&q, c->to.name);
    query_text(&q, c->to.metadata);
    query_text(&q, status_or_null(c->to.status));
    query_int(&q, c->to.updated_ns);
    query_text(&q, status_or_null(c->to.status_if));
    query_text(&q, c->to.owner);
    query_text(&q, c->to.dialog);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true : tell_why_unchanged(db, c, err);
}

void store_change_conversation(
    struct store_tx *tx, const char *id, const struct conversation_change *change)
{
    struct change *copy = tx_add(tx, apply_change, NULL, sizeof *copy);

    if (!copy)
        return;
    copy->to = *change;
    copy->to.name = tx_text(tx, change->name, NULL);
    copy->to.metadata = tx_text(tx, change->metadata, NULL);
    copy->to.owner = tx_text(tx, change->owner, NULL);
    copy->to.dialog = tx_text(tx, change->dialog, NULL);
    tx_id(copy->id, id);
}

static bool apply_delete(struct db *db, void *change, struct err *err)
{
    static const char sql[] = "DELETE FROM conversations WHERE id = ?1";
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, change);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true : no_conversation(change, err);
}

void store_delete_conversation(struct store_tx *tx, const char *id)
{
    char *copy = tx_add(tx, apply_delete, NULL, ID_LEN);

    if (copy)
        tx_id(copy, id);
}

/* ---- reading ---- */

bool no_conversation(const char *id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no conversation %.36s", id);
}

bool check_conversation(struct db *db, const char *id, struct err *err)
{
    static const char sql[] = "SELECT 1 FROM conversations WHERE id = ?1";
    struct query q;
    bool found;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, id);
    if (!query_exists(&q, &found, err))
        return false;
    return found ? true : no_conversation(id, err);
}

#define CONVERSATION_SELECT                                                                      \
    "SELECT c.id, c.participant, c.name, c.status, c.partition, c.metadata, c.created_ns,"       \
    " c.updated_ns, (SELECT count(*) FROM messages m WHERE m.conversation = c.key),"             \
    " (SELECT count(*) FROM runs r JOIN steps s ON s.run = r.key WHERE r.conversation = c.key)," \
    " (SELECT count(*) FROM files f WHERE f.conversation = c.key), c.owner, c.dialog"            \
    " FROM conversations c "

/* The row the query stands at. */
static bool take_row(
    struct query *q, struct arena *arena, struct conversation *out, struct err *err)
{
    const char *status = (const char *)sqlite3_column_text(q->stmt, 3);

    *out = (struct conversation){ 0 };
    if (!conversation_status_find(status, &out->status))
        return err_set(err, ERR_INTERNAL, "a conversation's status is not known");
    query_get_id(q, 0, out->id);
    out->participant = query_get_text(q, 1, arena);
    out->name = query_get_text(q, 2, arena);
    out->partition = query_get_text(q, 4, arena);
    out->metadata = query_get_text(q, 5, arena);
    out->created_ns = query_get_int(q, 6);
    out->updated_ns = query_get_int(q, 7);
    out->n_messages = query_get_uint(q, 8);
    out->n_steps = query_get_uint(q, 9);
    out->n_files = query_get_uint(q, 10);
    out->owner = query_get_text(q, 11, arena);
    out->dialog = query_get_text(q, 12, arena);
    return true;
}

static bool read_of(struct db *db, const char *id, const char *owner, struct arena *arena,
    struct conversation *out, struct err *err)
{
    static const char sql[] =
        CONVERSATION_SELECT "WHERE c.id = ?1 AND (?2 IS NULL OR c.owner = ?2)";
    struct conversation found;
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, id);
    query_text(&q, owner);
    ok = query_next(&q, &row, err) && (row || no_conversation(id, err)) &&
         take_row(&q, arena, &found, err);
    if (!query_end(&q, ok, err))
        return false;
    *out = found;
    return true;
}

bool read_conversation(
    struct db *db, const char *id, struct arena *arena, struct conversation *out, struct err *err)
{
    return read_of(db, id, NULL, arena, out, err);
}

bool store_conversation_get_of(struct store *s, const char *id, const char *owner,
    struct arena *arena, struct conversation *out, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_of(db, id, owner, arena, out, err);
    reader_give(s, db);
    return ok;
}

bool store_conversation_get(
    struct store *s, const char *id, struct arena *arena, struct conversation *out, struct err *err)
{
    return store_conversation_get_of(s, id, NULL, arena, out, err);
}

/* ---- the list ---- */

#define LIST_ORDER " ORDER BY c.created_ns DESC, c.key DESC LIMIT ?1 OFFSET ?2"
/* ?3 is the folded text looked for. */
#define LIST_SEARCH                                                            \
    "(sheetflow_contains(c.participant, ?3) OR sheetflow_contains(c.name, ?3)" \
    " OR EXISTS (SELECT 1 FROM files f WHERE f.conversation = c.key"           \
    "  AND sheetflow_contains(f.name, ?3))"                                    \
    " OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation = c.key"        \
    "  AND sheetflow_contains(m.content, ?3)))"

/* By whether there is an owner, a text to look for and a status: keys, newest first. */
#define LIST(owner, search, status) \
    "SELECT c.key FROM conversations c WHERE " owner " AND " search " AND " status LIST_ORDER
#define ANY_SEARCH "?3 IS NULL"
#define ANY_STATUS "?4 IS NULL"
#define ONE_STATUS "c.status = ?4"
#define ANY_OWNER "?5 IS NULL"
#define ONE_OWNER "c.owner = ?5"
static const char *const list_sql[2][2][2] = {
    { { LIST(ANY_OWNER, ANY_SEARCH, ANY_STATUS), LIST(ANY_OWNER, ANY_SEARCH, ONE_STATUS) },
        { LIST(ANY_OWNER, LIST_SEARCH, ANY_STATUS), LIST(ANY_OWNER, LIST_SEARCH, ONE_STATUS) } },
    { { LIST(ONE_OWNER, ANY_SEARCH, ANY_STATUS), LIST(ONE_OWNER, ANY_SEARCH, ONE_STATUS) },
        { LIST(ONE_OWNER, LIST_SEARCH, ANY_STATUS), LIST(ONE_OWNER, LIST_SEARCH, ONE_STATUS) } },
};

static bool count_all(
    struct db *db, const struct conversation_filter *f, uint64_t *total, struct err *err)
{
#define COUNT "SELECT count(*) FROM conversations WHERE "
    static const char *const sql[2][2] = {
        { COUNT "?1 IS NULL AND ?2 IS NULL", COUNT "?1 IS NULL AND status = ?2" },
        { COUNT "owner = ?1 AND ?2 IS NULL", COUNT "owner = ?1 AND status = ?2" },
    };
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql[f->owner != NULL][f->status != NULL], err))
        return false;
    query_text(&q, f->owner);
    query_text(&q, f->status);
    ok = query_next(&q, &row, err);
    if (ok)
        *total = query_get_uint(&q, 0);
    return query_end(&q, ok, err);
}

/*
 * Keys of the page. Without a text to look for, the database counts and skips; with one, the whole
 * list is gone through once, counting on the way.
 */
static bool page_keys(struct db *db, const struct conversation_filter *f, const char *needle,
    int64_t *keys, size_t *n, uint64_t *total, struct err *err)
{
    uint64_t at = 0;
    struct query q;
    bool row, ok;

    if (!needle && !count_all(db, f, total, err))
        return false;
    if (!query_open(&q, db, list_sql[f->owner != NULL][needle != NULL][f->status != NULL], err))
        return false;
    query_int(&q, needle ? -1 : (int64_t)f->limit);
    query_int(&q, needle ? 0 : (int64_t)f->offset);
    query_text(&q, needle);
    query_text(&q, f->status);
    query_text(&q, f->owner);
    *n = 0;
    while ((ok = query_next(&q, &row, err)) && row) {
        if ((!needle || at >= f->offset) && *n < f->limit)
            keys[(*n)++] = query_get_int(&q, 0);
        at++;
    }
    if (needle)
        *total = at;
    return query_end(&q, ok, err);
}

static bool read_by_key(
    struct db *db, int64_t key, struct arena *arena, struct conversation *out, struct err *err)
{
    static const char sql[] = CONVERSATION_SELECT "WHERE c.key = ?1";
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_int(&q, key);
    ok = query_next(&q, &row, err) && take_row(&q, arena, out, err);
    return query_end(&q, ok, err);
}

/* In one read transaction, so that the keys still mean what they meant. */
static bool read_list(struct db *db, const struct conversation_filter *filter, struct arena *arena,
    struct conversation **out, size_t *n, uint64_t *total, struct err *err)
{
    const char *needle = NULL;
    struct conversation *list;
    uint64_t all = 0;
    size_t count = 0, folded_n = 0;
    int64_t *keys;

    keys = arena_calloc(arena, filter->limit ? filter->limit : 1, sizeof *keys);
    if (!keys)
        return err_nomem(err);
    if (filter->query) {
        needle = utf8_fold(arena, filter->query, strlen(filter->query), &folded_n);
        if (needle)
            needle = arena_dup(arena, needle, folded_n);
        if (!needle)
            return err_nomem(err);
    }
    if (!page_keys(db, filter, needle, keys, &count, &all, err))
        return false;
    list = arena_calloc(arena, count ? count : 1, sizeof *list);
    if (!list)
        return err_nomem(err);
    for (size_t i = 0; i < count; i++) {
        if (!read_by_key(db, keys[i], arena, &list[i], err))
            return false;
    }
    *out = list;
    *n = count;
    *total = all;
    return true;
}

bool store_conversation_list(struct store *s, const struct conversation_filter *filter,
    struct arena *arena, struct conversation **out, size_t *n, uint64_t *total, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok = false;

    if (!db)
        return false;
    if (read_begin(db, err))
        ok = read_end(db, read_list(db, filter, arena, out, n, total, err), err);
    reader_give(s, db);
    return ok;
}

static bool read_before(struct db *db, int64_t before_ns, uint32_t limit, struct arena *arena,
    struct rows *rows, struct err *err)
{
    static const char sql[] =
        CONVERSATION_SELECT "WHERE c.updated_ns < ?1 ORDER BY c.updated_ns, c.key LIMIT ?2";
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_int(&q, before_ns);
    query_int(&q, limit);
    while ((ok = query_next(&q, &row, err)) && row) {
        struct conversation *c = rows_add(rows, err);

        ok = c && take_row(&q, arena, c, err);
        if (!ok)
            break;
    }
    return query_end(&q, ok, err);
}

bool store_conversations_before(struct store *s, int64_t before_ns, uint32_t limit,
    struct arena *arena, struct conversation **out, size_t *n, struct err *err)
{
    struct rows rows = { .arena = arena, .size = sizeof **out };
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_before(db, before_ns, limit, arena, &rows, err);
    reader_give(s, db);
    if (!ok)
        return false;
    *out = (struct conversation *)(void *)rows.v;
    *n = rows.n;
    return true;
}

bool store_participant_taken(struct store *s, const char *participant, bool *taken, struct err *err)
{
    static const char sql[] = "SELECT 1 FROM conversations WHERE participant = ?1";
    struct db *db = reader_take(s, err);
    struct query q;
    bool ok = false;

    if (!db)
        return false;
    if (query_open(&q, db, sql, err)) {
        query_text(&q, participant);
        ok = query_exists(&q, taken, err);
    }
    reader_give(s, db);
    return ok;
}
