/*
 * Events: the numbered history of a conversation.
 *
 * The text is made once, here: everything but the number on the caller's thread, the number
 * in the writer's transaction, so that numbers have no gaps and no doubles whoever else writes.
 */

#include "store/sqlite/db.h"

#include "base/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEQ_TEXT = 24, HEAD_MAX = 1024 };

struct added {
    char conversation[ID_LEN];
    const char *type, *topic;
    char *head; /* {"type":"...","timestamp":"...","seq": */
    char *tail; /* The members of the body and the closing brace; on the heap. */
    char *text; /* As stored; on the heap. */
    char **sent;
};

/* The next number of the conversation and its key. */
static bool next_seq(
    struct db *db, const char *conversation, int64_t *seq, int64_t *key, struct err *err)
{
    static const char sql[] =
        "UPDATE conversations SET last_seq = last_seq + 1 WHERE id = ?1 RETURNING last_seq, key";
    struct query q;
    bool row = false, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, conversation);
    ok = query_next(&q, &row, err);
    if (ok && row) {
        *seq = query_get_int(&q, 0);
        *key = query_get_int(&q, 1);
        ok = query_next(&q, &row, err); /* To its end, so that the change counts. */
    } else if (ok) {
        ok = no_conversation(conversation, err);
    }
    return query_end(&q, ok, err);
}

/* Make room for the next event of a topic. */
static bool drop_topic(struct db *db, int64_t key, const char *topic, struct err *err)
{
    static const char sql[] = "DELETE FROM events WHERE conversation = ?1 AND topic = ?2";
    struct query q;

    if (!query_open(&q, db, sql, err))
        return false;
    query_int(&q, key);
    query_text(&q, topic);
    return query_run(&q, NULL, err);
}

static bool insert(struct db *db, int64_t key, int64_t seq, const char *type, const char *topic,
    const char *body, struct err *err)
{
    static const char sql[] =
        "INSERT INTO events (conversation, seq, type, topic, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    struct query q;

    if (!query_open(&q, db, sql, err))
        return false;
    query_int(&q, key);
    query_int(&q, seq);
    query_text(&q, type);
    query_text(&q, topic);
    query_text(&q, body);
    return query_run(&q, NULL, err);
}

static bool apply_add(struct db *db, void *change, struct err *err)
{
    struct added *a = change;
    int64_t seq = 0, key = 0;
    size_t size;

    if (!next_seq(db, a->conversation, &seq, &key, err))
        return false;
    size = strlen(a->head) + strlen(a->tail) + SEQ_TEXT;
    a->text = malloc(size);
    if (!a->text)
        return err_nomem(err);
    snprintf(a->text, size, "%s%lld%s", a->head, (long long)seq, a->tail);
    return (!a->topic || drop_topic(db, key, a->topic, err)) &&
           insert(db, key, seq, a->type, a->topic, a->text, err);
}

static void end_add(void *change, bool committed)
{
    struct added *a = change;

    free(a->tail);
    if (committed && a->sent)
        *a->sent = a->text;
    else
        free(a->text);
}

/* What follows the number: `,"a":1}` or `}`. NULL when memory ends. */
static char *make_tail(struct json *body)
{
    static const char *const own[] = { "type", "timestamp", "seq" };
    struct json *clean = NULL;
    char *text;

    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (!json_get(body, own[i]))
            continue;
        if (!clean && !(clean = json_clone(body))) /* Others may hold the body too. */
            return NULL;
        if (!json_remove(clean, own[i])) {
            json_free(clean);
            return NULL;
        }
    }
    text = json_text(clean ? clean : body);
    json_free(clean);
    if (text && text[0] == '{' && text[1] != '}')
        text[0] = ',';
    else if (text)
        memmove(text, "}", 2);
    return text;
}

static char *make_head(struct store_tx *tx, const char *type, int64_t now_ns)
{
    char time[DATE_TEXT_MAX];
    struct json *word = json_new_string(type);
    char *head = NULL;
    struct buf b;

    buf_init(&b, HEAD_MAX);
    date_format_utc(now_ns, time);
    buf_adds(&b, "{\"type\":");
    json_write(word, false, &b);
    buf_addf(&b, ",\"timestamp\":\"%s\",\"seq\":", time);
    if (word && !b.failed)
        head = arena_strdup(&tx->arena, buf_str(&b));
    json_free(word);
    buf_deinit(&b);
    return head;
}

void store_replace_event(struct store_tx *tx, const char *conversation, const char *type,
    const char *key, struct json *body, int64_t now_ns, char **sent)
{
    struct added *a = tx_add(tx, apply_add, end_add, sizeof *a);

    if (sent)
        *sent = NULL;
    if (a) {
        tx_id(a->conversation, conversation);
        a->sent = sent;
        a->type = tx_text(tx, type, "");
        a->topic = tx_text(tx, key, NULL);
        a->head = make_head(tx, type, now_ns);
        a->tail = body ? make_tail(body) : strdup("}");
        if (!a->head || !a->tail)
            tx->out_of_memory = true;
    }
    json_free(body);
}

void store_add_event(struct store_tx *tx, const char *conversation, const char *type,
    struct json *body, int64_t now_ns, char **sent)
{
    store_replace_event(tx, conversation, type, NULL, body, now_ns, sent);
}

/* ---- events as they once were ---- */

struct restored {
    char conversation[ID_LEN];
    int64_t seq;
    const char *type, *body;
};

/* Numbers may be missing where newer progress took an event's place, but they rise. */
static bool apply_restore(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "UPDATE conversations SET last_seq = ?2 WHERE id = ?1 AND last_seq < ?2 RETURNING key";
    struct restored *r = change;
    bool row = false, ok;
    int64_t key = 0;
    struct query q;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, r->conversation);
    query_int(&q, r->seq);
    ok = query_next(&q, &row, err);
    if (ok && row) {
        key = query_get_int(&q, 0);
        ok = query_next(&q, &row, err);
    } else if (ok) {
        ok = check_conversation(db, r->conversation, err) &&
             err_set(err, ERR_STATE, "event %lld comes after a later one", (long long)r->seq);
    }
    return query_end(&q, ok, err) && insert(db, key, r->seq, r->type, NULL, r->body, err);
}

void store_restore_event(struct store_tx *tx, const char *conversation, const struct event *event)
{
    struct restored *r = tx_add(tx, apply_restore, NULL, sizeof *r);

    if (!r)
        return;
    tx_id(r->conversation, conversation);
    r->seq = event->seq > INT64_MAX ? INT64_MAX : (int64_t)event->seq;
    r->type = tx_text(tx, event->type, "");
    r->body = tx_text(tx, event->body, "{}");
}

/* ---- reading ---- */

bool read_events(struct db *db, const char *conversation, uint64_t since, int64_t max,
    struct arena *arena, struct event **out, size_t *n, struct err *err)
{
    static const char sql[] =
        "SELECT seq, type, body FROM events"
        " WHERE conversation = (SELECT key FROM conversations WHERE id = ?1) AND seq > ?2"
        " ORDER BY seq LIMIT ?3";
    struct rows rows = { .arena = arena, .size = sizeof **out };
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, conversation);
    query_uint(&q, since);
    query_int(&q, max);
    while ((ok = query_next(&q, &row, err)) && row) {
        struct event *e = rows_add(&rows, err);

        if (!e) {
            ok = false;
            break;
        }
        e->seq = query_get_uint(&q, 0);
        e->type = query_get_text(&q, 1, arena);
        e->body = query_get_text(&q, 2, arena);
    }
    if (!query_end(&q, ok, err) || (rows.n == 0 && !check_conversation(db, conversation, err)))
        return false;
    *out = (struct event *)(void *)rows.v;
    *n = rows.n;
    return true;
}

bool store_events(struct store *s, const char *conversation, uint64_t since, uint32_t max,
    struct arena *arena, struct event **out, size_t *n, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_events(db, conversation, since, max, arena, out, n, err);
    reader_give(s, db);
    return ok;
}

bool store_last_seq(struct store *s, const char *conversation, uint64_t *seq, struct err *err)
{
    static const char sql[] = "SELECT last_seq FROM conversations WHERE id = ?1";
    struct db *db = reader_take(s, err);
    struct query q;
    bool ok = false, row;

    if (!db)
        return false;
    if (query_open(&q, db, sql, err)) {
        query_text(&q, conversation);
        ok = query_next(&q, &row, err) && (row || no_conversation(conversation, err));
        if (ok)
            *seq = query_get_uint(&q, 0);
        ok = query_end(&q, ok, err);
    }
    reader_give(s, db);
    return ok;
}
