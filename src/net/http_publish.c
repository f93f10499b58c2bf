/*
 * From other threads to the watchers: a text is copied once and carried to the loop, where the hub has it; what it
 * queues is sent here. Almost all the time of an event to thousands of watchers is the kernel's, a few
 * microseconds a socket, so several threads write to the sockets while the loop waits for them.
 */

#include "net/http_watch.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

enum { FETCH_FAR = 16, FETCH_NEAR = 8 };

struct publication {
    struct http_msg msg;
    uint64_t seq;
    const char *text, *merge; /* merge may be NULL. */
    char conversation[];      /* The others lie behind it. */
};

static void published(struct http_server *s, struct http_msg *msg)
{
    struct publication *p = (struct publication *)msg;

    hub_publish(s->hub, p->conversation, p->seq, p->text, p->merge);
    free(p);
}

void http_publish(struct http_server *s, const char *conversation, uint64_t seq, const char *text,
    const char *merge)
{
    size_t id_len = strlen(conversation) + 1, text_len = strlen(text) + 1;
    size_t merge_len = merge ? strlen(merge) + 1 : 0;
    struct publication *p;

    /* Who comes later finds stored events in the store: no need to carry this one to the loop. */
    if (atomic_load(&s->n_watchers) == 0)
        return;
    p = malloc(sizeof *p + id_len + text_len + merge_len);
    if (!p) {
        http_drop_watchers(s, conversation); /* They would miss it; so let them come back. */
        return;
    }
    p->msg.run = published;
    p->seq = seq;
    memcpy(p->conversation, conversation, id_len);
    memcpy(p->conversation + id_len, text, text_len);
    p->text = p->conversation + id_len;
    p->merge = NULL;
    if (merge)
        p->merge = memcpy(p->conversation + id_len + text_len, merge, merge_len);
    http_post(s, &p->msg);
}

static void drop_one(void *arg, struct hub_watcher *hub)
{
    (void)arg;
    http_watcher_dismiss(http_watcher_of(hub), WS_NOT_FOUND, "the conversation has been deleted");
}

static void dropped(struct http_server *s, struct http_msg *msg)
{
    struct publication *p = (struct publication *)msg;

    hub_each(s->hub, p->conversation, drop_one, NULL);
    free(p);
}

void http_drop_watchers(struct http_server *s, const char *conversation)
{
    size_t id_len = strlen(conversation) + 1;
    struct publication *p = malloc(sizeof *p + id_len);

    if (!p) {
        log_write(LOG_ERROR, "not enough memory to close watchers", NULL);
        return;
    }
    *p = (struct publication){ .msg.run = dropped };
    memcpy(p->conversation, conversation, id_len);
    http_post(s, &p->msg);
}

/* The memory of the ones to come is fetched while the kernel works for this one. */
static void write_one(void *arg, size_t i)
{
    struct http_server *s = arg;
    struct http_watcher *const *all = s->flushing;

    if (i + FETCH_FAR < s->n_flushing)
        hub_fetch(&all[i + FETCH_FAR]->hub);
    if (i + FETCH_NEAR < s->n_flushing)
        hub_fetch_queue(&all[i + FETCH_NEAR]->hub);
    hub_write(&all[i]->hub, all[i]->fd);
}

/* Whoever had to drop frames is told so, which is no matter of writing what is queued. */
static size_t take_batch(struct http_server *s)
{
    struct hub_watcher *hub;
    size_t n = 0;

    while (n < HTTP_FLUSH_BATCH && (hub = hub_take_dirty(s->hub))) {
        if (hub->overflow)
            http_watcher_flush(http_watcher_of(hub));
        else
            s->flushing[n++] = http_watcher_of(hub);
    }
    return n;
}

void http_watch_flush(struct http_server *s)
{
    while ((s->n_flushing = take_batch(s)) > 0) {
        fan_run(s->fan, s->n_flushing, write_one, s);
        for (size_t i = 0; i < s->n_flushing; i++) {
            struct http_watcher *w = s->flushing[i];

            if (i + FETCH_FAR < s->n_flushing)
                hub_fetch(&s->flushing[i + FETCH_FAR]->hub);
            http_watcher_flushed(w, hub_written(&w->hub, w->fd));
        }
    }
}

static void rechecked(struct http_server *s, struct http_msg *msg)
{
    http_watch_recheck(s);
    free(msg);
}

void http_recheck(struct http_server *s)
{
    struct http_msg *msg = calloc(1, sizeof *msg);

    if (!msg)
        return; /* The next tick but a few looks by itself. */
    msg->run = rechecked;
    http_post(s, msg);
}
