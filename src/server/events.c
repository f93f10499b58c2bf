/*
 * Changes that watchers see: committed, then published in the order of their numbers.
 *
 * Two threads that change one conversation at the same time would get their numbers in one order and publish in another.
 * So commit and publication of a conversation happen under a lock picked by its id.
 */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/rand.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* CHANGE_EVENTS: an upload of as many files as a form may have. CHANGE_FULL: what a run tells at a time. */
enum { LOCKS = 64, CHANGE_EVENTS = 80, CHANGE_FULL = 12 };

struct events {
    pthread_mutex_t locks[LOCKS];
};

struct change {
    struct server *server;
    struct store_tx *tx, *event_tx; /* The same. */
    char conversation[ID_LEN];
    int64_t now_ns;
    struct {
        char *sent; /* Set by the commit. */
        char merge[96];
    } events[CHANGE_EVENTS];
    size_t n_events;
    unsigned lost; /* memory_lost() at the beginning. */
    bool too_many;
};

bool events_new(struct events **out, struct err *err)
{
    struct events *e = calloc(1, sizeof *e);

    if (!e)
        return err_nomem(err);
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&e->locks[i], NULL);
    *out = e;
    return true;
}

void events_free(struct events *e)
{
    if (!e)
        return;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&e->locks[i]);
    free(e);
}

struct change *change_begin(struct server *server, const char *conversation)
{
    struct change *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->server = server;
    c->lost = memory_lost();
    c->now_ns = clock_wall_ns();
    snprintf(c->conversation, sizeof c->conversation, "%s", conversation);
    c->tx = store_begin(server->store);
    if (!c->tx) {
        free(c);
        return NULL;
    }
    c->event_tx = fault_is("event-later") ? store_begin(server->store) : c->tx;
    return c;
}

struct store_tx *change_tx(struct change *change)
{
    return change->tx;
}

void change_event(struct change *change, const char *type, struct json *body, const char *merge)
{
    struct json *full = json_new_object();

    if (change->n_events == CHANGE_EVENTS) {
        change->too_many = true;
        json_free(full);
        json_free(body);
        return;
    }
    json_set_string(full, "chat_id", change->conversation);
    for (const void *it = json_first(body); it; it = json_next(body, it))
        json_set(full, json_key(it), json_ref(json_value(it)));
    json_free(body);
    snprintf(change->events[change->n_events].merge, sizeof change->events[0].merge, "%s",
        merge ? merge : "");
    store_replace_event(change->event_tx, change->conversation, type, merge, full, change->now_ns,
        &change->events[change->n_events].sent);
    change->n_events++;
}

void change_message(
    struct change *change, const char *type, const char *content, struct json *metadata)
{
    struct message m = { .type = type, .content = content, .created_ns = change->now_ns };
    struct json *body = json_new_object();
    char *text = metadata ? json_text(metadata) : NULL;

    rand_uuid(m.id);
    m.metadata = text ? text : "{}";
    store_add_message(change->tx, change->conversation, &m);
    json_set(body, "message", view_message(&m));
    change_event(change, "message", body, NULL);
    free(text);
    json_free(metadata);
}

static pthread_mutex_t *lock_of(struct change *c)
{
    uint32_t h = 2166136261u;

    for (const char *p = c->conversation; *p; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    return &c->server->events->locks[h % LOCKS];
}

/* The store puts type, timestamp and seq first, so the first "seq" is the number. */
static uint64_t seq_of(const char *text)
{
    const char *at = strstr(text, "\"seq\":");

    return at ? strtoull(at + strlen("\"seq\":"), NULL, 10) : 0;
}

bool change_commit(struct change *change, struct err *err)
{
    pthread_mutex_t *lock = lock_of(change);
    struct server *server = change->server;
    bool ok;

    if (change->too_many) {
        change_abort(change);
        return err_set(err, ERR_INTERNAL, "too many events in one change");
    }
    if (memory_lost() != change->lost) { /* Its events may lack something. */
        change_abort(change);
        return err_nomem(err);
    }
    pthread_mutex_lock(lock);
    ok = store_commit(change->tx, err);
    if (change->event_tx != change->tx)
        ok = store_commit(change->event_tx, err) && ok;
    for (size_t i = 0; ok && i < change->n_events && server->http; i++) {
        const char *text = change->events[i].sent;

        if (text)
            http_publish(server->http, change->conversation, seq_of(text), text,
                change->events[i].merge[0] ? change->events[i].merge : NULL);
    }
    pthread_mutex_unlock(lock);
    for (size_t i = 0; ok && i < change->n_events; i++)
        free(change->events[i].sent);
    free(change);
    return ok;
}

bool change_full(const struct change *change)
{
    return change->n_events > CHANGE_FULL;
}

void change_abort(struct change *change)
{
    if (!change)
        return;
    store_abort(change->tx);
    free(change);
}
