/* Messages of a conversation. */

#include "store/sqlite/db.h"

struct added {
    char conversation[ID_LEN];
    struct message m;
};

static bool apply_add(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "INSERT INTO messages (conversation, id, type, content, metadata, created_ns)"
        " SELECT key, ?2, ?3, ?4, ?5, ?6 FROM conversations WHERE id = ?1 ON CONFLICT DO NOTHING";
    const struct added *a = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, a->conversation);
    query_text(&q, a->m.id);
    query_text(&q, a->m.type);
    query_text(&q, a->m.content);
    query_text(&q, a->m.metadata);
    query_int(&q, a->m.created_ns);
    if (!query_run(&q, &changes, err))
        return false;
    if (changes == 1)
        return true;
    return check_conversation(db, a->conversation, err) &&
           err_set(err, ERR_STATE, "the message %s exists already", a->m.id);
}

void store_add_message(struct store_tx *tx, const char *conversation, const struct message *m)
{
    struct added *a = tx_add(tx, apply_add, NULL, sizeof *a);

    if (!a)
        return;
    tx_id(a->conversation, conversation);
    a->m = *m;
    a->m.type = tx_text(tx, m->type, "system");
    a->m.content = tx_text(tx, m->content, "");
    a->m.metadata = tx_text(tx, m->metadata, "{}");
}

bool read_messages(struct db *db, const char *conversation, uint32_t limit, struct arena *arena,
    struct message **out, size_t *n, struct err *err)
{
    static const char sql[] = "SELECT id, type, content, metadata, created_ns FROM messages"
                              " WHERE conversation = (SELECT key FROM conversations WHERE id = ?1)"
                              " ORDER BY key DESC LIMIT ?2";
    struct rows rows = { .arena = arena, .size = sizeof **out };
    struct message *list, swap;
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, conversation);
    query_int(&q, limit ? (int64_t)limit : -1);
    while ((ok = query_next(&q, &row, err)) && row) {
        struct message *m = rows_add(&rows, err);

        if (!m) {
            ok = false;
            break;
        }
        query_get_id(&q, 0, m->id);
        m->type = query_get_text(&q, 1, arena);
        m->content = query_get_text(&q, 2, arena);
        m->metadata = query_get_text(&q, 3, arena);
        m->created_ns = query_get_int(&q, 4);
    }
    if (!query_end(&q, ok, err) || (rows.n == 0 && !check_conversation(db, conversation, err)))
        return false;
    list = (struct message *)(void *)rows.v;
    for (size_t i = 0; i < rows.n / 2; i++) { /* The last ones, but in order. */
        swap = list[i];
        list[i] = list[rows.n - 1 - i];
        list[rows.n - 1 - i] = swap;
    }
    *out = list;
    *n = rows.n;
    return true;
}

bool store_messages(struct store *s, const char *conversation, uint32_t limit, struct arena *arena,
    struct message **out, size_t *n, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_messages(db, conversation, limit, arena, out, n, err);
    reader_give(s, db);
    return ok;
}
