/*
 * Watchers: WebSockets and event streams over the hub.
 *
 *   handshake ─▶ upgraded ─▶ joined ─OPEN job─▶ `connected`, first page ─▶ PAGE jobs ... ─▶ live
 *                               ▲                                                         │
 *                               └──────────────── MAY job ◀── {"type":"subscribe"} ◀──────┘
 *
 * A WebSocket that has no right yet waits after `upgraded` for {"type":"authenticate","key"}: KEY job, then MAY job.
 *
 * The store is read on the pool. A job keeps a pointer to its watcher for the loop alone, which clears it
 * when the watcher ends first. One job a watcher at a time, however often it asks to move.
 */

#include "net/http_watch.h"

#include "base/log.h"
#include "net/ws_message.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAGE_EVENTS = 256, CLOSE_MS = 5000, KEY_MAX = 128 };

static const char STOPPING[] = "the server is stopping";

enum job_kind { JOB_OPEN, JOB_PAGE, JOB_MAY, JOB_KEY };

/* One look into the store. */
struct watch_job {
    struct http_job job;
    struct http_msg msg;
    struct http_server *server;
    struct http_watcher *watcher; /* The loop's; NULL when it has gone or moved. */
    enum job_kind kind;
    char conversation[HUB_ID_MAX + 1];
    bool replay;
    uint64_t since;
    uint64_t last_seq;
    bool may;
    char who[sizeof((struct http_watcher *)0)->who];
    char key[KEY_MAX], client[64]; /* KEY. */
    struct arena arena;
    struct http_event *events;
    size_t n;
};

static void work_done(struct http_server *s, struct http_msg *msg);
static void go_on(struct http_watcher *w);

/* --- Places --- */

bool http_watch_reserve(struct http_server *s)
{
    if (atomic_fetch_add(&s->n_watchers, 1) < s->config.max_watchers)
        return true;
    atomic_fetch_sub(&s->n_watchers, 1);
    return false;
}

void http_watch_unreserve(struct http_server *s)
{
    atomic_fetch_sub(&s->n_watchers, 1);
}

/* --- Life --- */

struct http_watcher *http_watcher_of(struct hub_watcher *hub)
{
    return (struct http_watcher *)((char *)hub - offsetof(struct http_watcher, hub));
}

static void reap_watcher(struct http_source *source)
{
    free(source); /* It is the watcher's first member. */
}

static void forget_job(struct http_watcher *w)
{
    if (w->job)
        w->job->watcher = NULL;
    w->job = NULL;
}

/* End it, without any more words. */
static void kill_watcher(struct http_watcher *w)
{
    struct http_server *s = w->server;

    if (!w->source.ready)
        return;
    http_source_kill(s, &w->source, w->fd);
    forget_job(w);
    hub_deinit(s->hub, &w->hub);
    ws_free(w->ws);
    if (w->counted)
        http_watch_unreserve(s);
    if (w->prev)
        w->prev->next = w->next;
    else
        s->watchers = w->next;
    if (w->next)
        w->next->prev = w->prev;
    if (w->conn) {
        w->conn->watcher = NULL;
        shutdown(w->fd, SHUT_RDWR);
        http_conn_resume(w->conn);
    } else {
        http_conn_give_addr(s, w->addr);
        close(w->fd);
    }
}

static void say(struct http_watcher *w, char *text)
{
    hub_send(
        w->server->hub, &w->hub, text ? hub_frame_new(w->hub.coding, 0, text, NULL) : NULL, false);
    free(text);
}

/* Say goodbye: what is queued goes out first, then the close; an event stream just ends. */
static void close_watcher(struct http_watcher *w, int code, const char *reason)
{
    if (w->close_by_ns)
        return;
    w->close_by_ns = w->server->now_ns + CLOSE_MS * NS_PER_MS;
    forget_job(w);
    hub_leave(w->server->hub, &w->hub);
    w->talked = true;
    if (w->ws)
        ws_close(w->ws, code, reason);
    else
        hub_touch(w->server->hub, &w->hub);
}

void http_watcher_dismiss(struct http_watcher *w, int code, const char *why)
{
    say(w, ws_text_error(why));
    close_watcher(w, code, why);
}

/* Everything has been said and sent: close our half, and all when the client has closed its. */
static void finish(struct http_watcher *w)
{
    if (!w->ws) {
        kill_watcher(w);
        return;
    }
    if (w->half_closed)
        return;
    w->half_closed = true;
    shutdown(w->fd, SHUT_WR);
    if (!w->close_by_ns)
        w->close_by_ns = w->server->now_ns + CLOSE_MS * NS_PER_MS;
    forget_job(w);
    hub_leave(w->server->hub, &w->hub);
}

/* The queue's cap was passed: what it still holds is void. */
static bool give_up(struct http_watcher *w)
{
    if (w->close_by_ns) {
        kill_watcher(w); /* Even its goodbye did not fit. */
        return false;
    }
    hub_drop_queued(&w->hub);
    close_watcher(w, WS_TRY_AGAIN, "reads too slowly; come back with since");
    return true;
}

void http_watcher_flushed(struct http_watcher *w, enum hub_flushed flushed)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = &w->source };

    if (flushed == HUB_BROKEN) {
        kill_watcher(w);
        return;
    }
    if (flushed == HUB_DRAINED && (w->ws ? w->talked && ws_done(w->ws) : w->close_by_ns != 0)) {
        finish(w);
        return;
    }
    if (flushed == HUB_DRAINED)
        w->talked = false;
    if ((flushed == HUB_BLOCKED) != w->wants_out) {
        w->wants_out = !w->wants_out;
        if (w->wants_out)
            ev.events |= EPOLLOUT;
        epoll_ctl(w->server->epoll_fd, EPOLL_CTL_MOD, w->fd, &ev);
    }
    w->sent_ns = w->server->now_ns;
    go_on(w);
}

void http_watcher_flush(struct http_watcher *w)
{
    if (!w->hub.overflow || give_up(w))
        http_watcher_flushed(w, hub_flush(&w->hub, w->fd));
}

/* --- The store, on the pool --- */

static void work(struct http_job *job)
{
    struct watch_job *j = (struct watch_job *)job;
    struct http_server *s = j->server;
    const struct http_app *app = &s->app;

    if (j->kind == JOB_MAY) {
        j->may = app->ws_may_watch(app->arg, j->who, j->conversation);
        goto out;
    }
    if (j->kind == JOB_KEY) {
        j->may = app->ws_authenticate && app->ws_authenticate(app->arg, j->key, j->client, j->who);
        explicit_bzero(j->key, sizeof j->key);
        goto out;
    }
    if (j->kind == JOB_OPEN) {
        j->last_seq = app->last_seq(app->arg, j->conversation);
        if (!j->replay || j->since > j->last_seq)
            j->since = j->last_seq; /* Also for numbers from another life of the store. */
        if (j->since == j->last_seq)
            goto out;
    }
    if (!app->replay(
            app->arg, j->conversation, j->since, PAGE_EVENTS, &j->arena, &j->events, &j->n))
        j->n = 0;
out:
    http_post(s, &j->msg);
}

static void submit(struct http_watcher *w, enum job_kind kind, const char *conversation,
    bool replay, uint64_t since, const char *key)
{
    struct watch_job *j = calloc(1, sizeof *j);

    if (!j) {
        w->hub.overflow = true; /* Closed with 1013. */
        hub_touch(w->server->hub, &w->hub);
        return;
    }
    memcpy(j->who, w->who, sizeof j->who);
    snprintf(j->key, sizeof j->key, "%s", key ? key : "");
    snprintf(j->client, sizeof j->client, "%s", w->client);
    j->job.run = work;
    j->msg.run = work_done;
    j->server = w->server;
    j->watcher = w;
    j->kind = kind;
    snprintf(j->conversation, sizeof j->conversation, "%s", conversation);
    j->replay = replay;
    j->since = since;
    arena_init(&j->arena, NULL);
    w->job = j;
    w->server->lent++;
    http_pool_submit(w->server->pool, &j->job);
}

/* Watch a conversation from `since` (or from now). */
static void join(struct http_watcher *w, const char *conversation, bool replay, uint64_t since)
{
    hub_leave(w->server->hub, &w->hub);
    w->opened = false;
    w->more = false;
    if (hub_join(w->server->hub, &w->hub, conversation)) {
        submit(w, JOB_OPEN, conversation, replay, since, NULL);
    } else {
        w->hub.overflow = true;
        hub_touch(w->server->hub, &w->hub);
    }
}

/* What comes next: a move that was asked for, the next page when the last has gone out, or live. */
static void go_on(struct http_watcher *w)
{
    if (w->job || w->close_by_ns || w->key_by_ns)
        return;
    if (w->next_move.conversation[0]) {
        submit(
            w, JOB_MAY, w->next_move.conversation, w->next_move.replay, w->next_move.since, NULL);
        w->next_move.conversation[0] = '\0';
        return;
    }
    if (w->hub.live || !w->opened || w->hub.out.bytes > HUB_OUT_LOW)
        return;
    if (w->more || !hub_catch_up(w->server->hub, &w->hub))
        submit(w, JOB_PAGE, w->hub.conversation, true, w->hub.cursor, NULL);
}

static void opened(struct http_watcher *w, struct watch_job *j)
{
    w->opened = true;
    w->hub.cursor = j->since;
    say(w, ws_text_connected(j->conversation, j->last_seq));
}

static void page_read(struct http_watcher *w, struct watch_job *j)
{
    uint64_t before = w->hub.cursor;

    for (size_t i = 0; i < j->n; i++)
        hub_replayed(w->server->hub, &w->hub, j->events[i].seq, j->events[i].text);
    w->more = j->n == PAGE_EVENTS;
    if (j->kind == JOB_PAGE && w->hub.cursor == before && (w->more || w->hub.lost > before)) {
        log_write(LOG_ERROR, "events that were published are not stored", "chat_id",
            j->conversation, NULL);
        close_watcher(w, WS_TRY_AGAIN, "events are missing; come back with since");
        return;
    }
    go_on(w);
}

static void key_checked(struct http_watcher *w, const struct watch_job *j)
{
    if (!j->may) {
        http_watcher_dismiss(w, WS_NO_KEY, "the key is not valid");
        return;
    }
    memcpy(w->who, j->who, sizeof w->who);
    w->key_by_ns = 0;
    say(w, ws_text_authenticated());
    go_on(w);
}

static void work_done(struct http_server *s, struct http_msg *msg)
{
    struct watch_job *j = (struct watch_job *)((char *)msg - offsetof(struct watch_job, msg));
    struct http_watcher *w = j->watcher;

    s->lent--;
    if (w)
        w->job = NULL;
    if (w && j->kind == JOB_KEY) {
        key_checked(w, j);
    } else if (w && j->kind == JOB_MAY) {
        if (j->may) {
            join(w, j->conversation, j->replay, j->since);
        } else if (!w->hub.conversation[0]) { /* What it came for is not there. */
            http_watcher_dismiss(w, WS_NOT_FOUND, "there is no such conversation");
        } else {
            say(w, ws_text_error("there is no such conversation"));
            go_on(w);
        }
    } else if (w) {
        if (j->kind == JOB_OPEN)
            opened(w, j);
        page_read(w, j);
    }
    arena_deinit(&j->arena);
    free(j);
}

/* --- What WebSocket clients say --- */

static void on_message(void *arg, const char *p, size_t n)
{
    struct http_watcher *w = arg;
    struct ws_message message;

    if (w->close_by_ns)
        return;
    ws_message_read(p, n, &message);
    switch (message.said) {
    case WS_SAID_PING:
        say(w, ws_text_pong());
        break;
    case WS_SAID_SUBSCRIBE:
        if (!message.chat_id || !*message.chat_id || strlen(message.chat_id) > HUB_ID_MAX) {
            say(w, ws_text_error("subscribe needs a chat_id"));
            break;
        }
        memcpy(w->next_move.conversation, message.chat_id, strlen(message.chat_id) + 1);
        w->next_move.replay = message.has_since;
        w->next_move.since = message.since;
        go_on(w);
        break;
    case WS_SAID_AUTHENTICATE:
        if (!w->key_by_ns)
            say(w, ws_text_error("nothing is to be authenticated here"));
        else if (!message.key || strlen(message.key) >= KEY_MAX)
            http_watcher_dismiss(w, WS_NO_KEY, "the key is not valid");
        else if (!w->job)
            submit(w, JOB_KEY, "", false, 0, message.key);
        break;
    case WS_SAID_OTHER:
        say(w, ws_text_ack(message.json));
        break;
    case WS_SAID_NONSENSE:
        say(w, ws_text_error("the message is not JSON"));
        break;
    }
    ws_message_free(&message);
}

static void on_control(void *arg, const void *p, size_t n)
{
    struct http_watcher *w = arg;

    /* A close comes after all messages; pings and pongs do not wait for them. */
    hub_send(w->server->hub, &w->hub, hub_frame_raw(p, n), !ws_closing(w->ws));
}

static void socket_ready(struct http_source *source, uint32_t events)
{
    struct http_watcher *w = (struct http_watcher *)source;
    char waste[1024];
    ssize_t n;

    if (w->ws && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
        w->pong_by_ns = 0; /* Whatever it says, it is alive. */
        w->talked = true;
        if (!ws_read(w->ws)) {
            kill_watcher(w);
            return;
        }
    } else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        n = recv(w->fd, waste, sizeof waste, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            kill_watcher(w);
            return;
        }
    }
    http_watcher_flush(w);
}

/* --- Becoming a watcher --- */

void http_watch_ws_job(struct http_job *job)
{
    struct http_x *x = (struct http_x *)((char *)job - offsetof(struct http_x, job));
    struct http_server *s = x->conn->server;
    const struct http_request *r = &x->pub.request;

    x->ws->request = r;
    s->app.ws_open(s->app.arg, r->path, x->query, r->origin, r->host, x->ws);
    x->counted = http_watch_reserve(s);
    if (!x->counted && x->ws->close_code == 0) {
        x->ws->close_code = WS_TRY_AGAIN;
        snprintf(x->ws->error_message, sizeof x->ws->error_message,
            "the limit of %u connections is reached", s->config.max_watchers);
    }
    http_x_answered(x);
}

static struct http_watcher *new_watcher(struct http_x *x, int fd, enum hub_coding coding)
{
    struct http_server *s = x->conn->server;
    struct http_watcher *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->source.ready = socket_ready;
    w->source.reap = reap_watcher;
    w->server = s;
    w->fd = fd;
    w->hub.coding = coding;
    w->talked = true;
    w->sent_ns = s->now_ns;
    w->ping_ns = s->now_ns + s->config.ping_interval_s * 1000 * NS_PER_MS;
    w->check_ns = s->now_ns; /* What was decided may have changed since. */
    memcpy(w->client, x->conn->client, sizeof w->client);
    if (!http_source_add(s, &w->source, fd, EPOLLIN | EPOLLRDHUP)) {
        free(w);
        return NULL;
    }
    w->counted = x->counted;
    x->counted = false;
    w->next = s->watchers;
    if (w->next)
        w->next->prev = w;
    s->watchers = w;
    return w;
}

static void begin_ws(
    struct http_watcher *w, const struct ws_decision *decision, const char *extra, size_t n_extra)
{
    static const struct ws_handler handler = { on_message, on_control };

    w->ws = ws_new(w->fd, extra, n_extra, &handler, w);
    if (!w->ws) {
        kill_watcher(w);
    } else if (decision->close_code) {
        http_watcher_dismiss(w, decision->close_code, decision->error_message);
    } else if (http_stopping(w->server)) {
        close_watcher(w, WS_GOING_AWAY, STOPPING);
    } else {
        memcpy(w->who, decision->who, sizeof w->who);
        if (decision->needs_key) {
            w->key_by_ns = w->server->now_ns + w->server->config.key_ms * NS_PER_MS;
            memcpy(w->next_move.conversation, decision->conversation, HUB_ID_MAX + 1);
            w->next_move.replay = decision->replay;
            w->next_move.since = decision->since;
        } else {
            join(w, decision->conversation, decision->replay, decision->since);
        }
        if (n_extra > 0)
            socket_ready(&w->source, EPOLLIN);
    }
}

/*
 * The library hands over the socket, the answer to the handshake sent. It would keep the connection's
 * memory (30 KB) as long as the socket; so we keep a duplicate and let it go.
 */
static void upgraded(void *arg, struct MHD_Connection *mhd, void *context, const char *extra,
    size_t n_extra, MHD_socket given, struct MHD_UpgradeResponseHandle *urh)
{
    struct http_conn *conn = context;
    struct http_x *x = conn->x;
    int fd = fcntl(given, F_DUPFD_CLOEXEC, 0), on = 1, off = 0;
    struct http_watcher *w = fd < 0 ? NULL : new_watcher(x, fd, HUB_WS);

    (void)arg;
    (void)mhd;
    conn->x = NULL;
    http_conn_await(conn, AWAIT_US);
    if (w) {
        w->addr = conn->addr;
        conn->addr = NULL;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
        begin_ws(w, x->ws, extra, n_extra);
    } else if (fd >= 0) {
        close(fd);
    }
    MHD_upgrade_action(urh, MHD_UPGRADE_ACTION_CLOSE);
    conn->port->due = true;
    http_x_free(x);
}

bool http_watch_upgrade(struct http_x *x)
{
    struct MHD_Response *response = MHD_create_response_for_upgrade(upgraded, NULL);
    bool ok;

    if (!response)
        return false;
    ok = MHD_add_response_header(response, "Upgrade", "websocket") == MHD_YES &&
         MHD_add_response_header(response, "Sec-WebSocket-Accept", x->ws_accept) == MHD_YES &&
         (!x->ws->protocol[0] || MHD_add_response_header(response, "Sec-WebSocket-Protocol",
                                     x->ws->protocol) == MHD_YES) &&
         MHD_queue_response(x->conn->mhd, MHD_HTTP_SWITCHING_PROTOCOLS, response) == MHD_YES;
    MHD_destroy_response(response);
    return ok;
}

void http_watch_events(struct http_x *x)
{
    struct http_conn *conn = x->conn;
    struct http_reply *reply = &x->pub.reply;
    struct http_watcher *w = NULL;

    if (http_reply_by_hand(x, true) && !x->pub.request.head && !http_stopping(conn->server))
        w = new_watcher(x, conn->fd, HUB_SSE);
    conn->x = NULL;
    if (w) {
        w->conn = conn;
        conn->watcher = w;
        snprintf(w->who, sizeof w->who, "%s", reply->who ? reply->who : "");
        join(w, reply->events, true, reply->since);
        http_watcher_flush(w);
    } else {
        shutdown(conn->fd, SHUT_RDWR);
        http_conn_resume(conn); /* Without an exchange it closes. */
    }
    http_x_free(x);
}

/* --- Time --- */

static bool stays(struct http_watcher *w)
{
    struct http_server *s = w->server;

    if (!s->app.may_stay || w->key_by_ns || s->now_ns < w->check_ns)
        return true;
    w->check_ns = s->now_ns + s->config.recheck_ms * NS_PER_MS;
    return s->app.may_stay(s->app.arg, w->who);
}

static void tick_watcher(struct http_watcher *w)
{
    struct http_server *s = w->server;
    int64_t now = s->now_ns;

    if (w->close_by_ns) {
        if (now >= w->close_by_ns)
            kill_watcher(w);
    } else if (!stays(w)) {
        http_watcher_dismiss(w, WS_NO_KEY, "the key is not valid any more");
    } else if (w->key_by_ns && now >= w->key_by_ns) {
        http_watcher_dismiss(w, WS_NO_KEY, "no key was sent");
    } else if (w->ws && w->pong_by_ns && now >= w->pong_by_ns) {
        kill_watcher(w);
    } else if (w->ws && s->config.ping_interval_s && now >= w->ping_ns) {
        ws_ping(w->ws);
        w->talked = true;
        w->ping_ns = now + s->config.ping_interval_s * 1000 * NS_PER_MS;
        w->pong_by_ns = now + s->config.ping_timeout_s * 1000 * NS_PER_MS;
    } else if (!w->ws && now - w->sent_ns >= s->config.heartbeat_ms * NS_PER_MS) {
        hub_send(s->hub, &w->hub, hub_frame_raw(":\n\n", 3), false);
    }
}

void http_watch_tick(struct http_server *s)
{
    struct http_watcher *w, *next;

    for (w = s->watchers; w; w = next) {
        next = w->next;
        tick_watcher(w);
    }
}

void http_watch_recheck(struct http_server *s)
{
    struct http_watcher *w, *next;

    for (w = s->watchers; w; w = next) {
        next = w->next;
        w->check_ns = s->now_ns;
        if (!w->close_by_ns)
            tick_watcher(w);
    }
}

void http_watch_close_all(struct http_server *s, bool hard)
{
    struct http_watcher *w, *next;

    for (w = s->watchers; w; w = next) {
        next = w->next;
        if (hard)
            kill_watcher(w);
        else
            close_watcher(w, WS_GOING_AWAY, STOPPING);
    }
}
