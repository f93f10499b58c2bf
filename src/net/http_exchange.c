/*
 * One exchange: from the request line to the reply.
 *
 *   NEW ──route──▶ BODY ◀──▶ DIGEST          a window of a form is full: the pool parses it
 *    │              │complete
 *    │              ▼
 *    │            HANDLE ──▶ REPLY ──▶ SENT   the pool runs the handler; the library sends
 *    │              ▲  └───▶ OURS            an event stream, or an early refusal
 *    │refused       │
 *    ├──little body─┴ DISCARD                read what is left, then answer as usual
 *    └──large body──▶ HANDLE (by hand)       answer at once on the socket, linger, close
 *
 * "By hand" is for refusals before the body has been read: the library could only answer
 * after it (having said 100 Continue) or close without making sure that the client sees the answer.
 */

#include "net/http_int.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <sys/socket.h>

void *http_x_start(void *port, const char *target, struct MHD_Connection *mhd)
{
    struct http_conn *conn = http_conn_of(mhd);
    struct http_x *x;

    (void)port;
    if (!conn || !(x = calloc(1, sizeof *x)))
        return conn; /* Without an exchange the first call closes. */
    arena_init(&x->arena, NULL);
    x->pub.request.arena = &x->arena;
    x->pub.request.impl = x;
    x->pub.request.client = conn->client;
    x->pub.request.control = conn->port->control;
    x->pub.request.tls = conn->server->tls && !conn->port->control;
    x->pub.request.started_ns = clock_wall_ns();
    x->pub.request.raw_path = arena_strdup(&x->arena, target ? target : "");
    x->conn = conn;
    x->pub.reply.fd = -1;
    x->number = ++conn->requests;
    conn->x = x;
    if (conn->await != AWAIT_HEADERS)
        http_conn_await(conn, AWAIT_HEADERS);
    return conn;
}

/* --- Lending --- */

void http_x_lend(struct http_x *x, enum http_x_state state, void (*run)(struct http_job *))
{
    x->state = state;
    x->job.run = run;
    x->conn->server->lent++;
    http_pool_submit(x->conn->server->pool, &x->job);
}

static struct http_x *of_job(struct http_job *job)
{
    return (struct http_x *)((char *)job - offsetof(struct http_x, job));
}

static struct http_x *of_msg(struct http_msg *msg)
{
    return (struct http_x *)((char *)msg - offsetof(struct http_x, msg));
}

static void give_back(struct http_x *x, void (*run)(struct http_server *, struct http_msg *))
{
    x->msg.run = run;
    http_post(x->conn->server, &x->msg);
}

/* --- Handling, on the pool --- */

/* The reply stands: back to the loop. */
static void answered(struct http_server *s, struct http_msg *msg)
{
    struct http_x *x = of_msg(msg);

    s->lent--;
    if (x->by_hand) {
        x->state = X_OURS;
        if (!http_reply_by_hand(x, false))
            shutdown(x->conn->fd, SHUT_RDWR);
        http_conn_linger(x->conn);
    } else if (x->counted && !x->ws) {
        x->state = X_OURS;
        http_watch_events(x);
    } else {
        x->state = X_REPLY;
        http_conn_resume(x->conn);
    }
}

void http_x_answered(struct http_x *x)
{
    give_back(x, answered);
}

static void run_handler(struct http_x *x);

/* The handler is done with x, in whichever thread that was. */
static void settle(struct http_x *x)
{
    struct http_server *s = x->conn->server;

    if (x->pub.reply.status == 0) {
        log_write(
            LOG_ERROR, "a request was left without a reply", "path", x->pub.request.path, NULL);
        x->pub.reply.status = 500;
    }
    if (!x->second) {
        http_reply_settle(x);
        if (x->pub.reply.events && x->pub.body_error.code == ERR_NONE) {
            x->counted = http_watch_reserve(s);
            if (!x->counted)
                err_set(&x->pub.body_error, ERR_BUSY, "too many watchers are connected");
        }
        if (x->pub.body_error.code != ERR_NONE && x->pub.reply.status < 400) {
            x->second = true;
            http_reply_reset(x);
            run_handler(x);
            return;
        }
    }
    if (s->app.answered)
        s->app.answered(s->app.arg, &x->pub);
    multipart_free(x->form); /* Files that nobody took. */
    x->form = NULL;
    if (!x->at_once)
        http_x_answered(x);
}

static void let_go(struct http_x *x)
{
    if (atomic_fetch_sub(&x->owners, 1) == 1)
        settle(x);
}

static void run_handler(struct http_x *x)
{
    struct http_server *s = x->conn->server;

    atomic_store(&x->owners, 1);
    s->app.handle(s->app.arg, &x->pub);
    let_go(x);
}

void http_defer(struct http_exchange *pub)
{
    struct http_x *x = pub->request.impl;

    atomic_fetch_add(&x->owners, 1);
}

void http_complete(struct http_exchange *pub)
{
    let_go(pub->request.impl);
}

static void handle_job(struct http_job *job)
{
    struct http_x *x = of_job(job);

    if (x->pub.body_error.code == ERR_NONE)
        http_body_finish(x);
    run_handler(x);
}

/* --- The loop's side --- */

/* Suspend and have the refusal worded; it goes out by hand. */
static void refuse_now(struct http_x *x, bool suspended)
{
    x->by_hand = true;
    if (!suspended)
        http_conn_suspend(x->conn);
    http_conn_await(x->conn, AWAIT_US);
    http_x_lend(x, X_HANDLE, handle_job);
}

/* The body was refused while it comes in. */
static void refuse_body(struct http_x *x, bool suspended)
{
    uint64_t left = x->chunked ? UINT64_MAX : x->content_length - x->received;

    buf_deinit(&x->in);
    if (left > HTTP_DISCARD_MAX) {
        refuse_now(x, suspended);
        return;
    }
    x->state = X_DISCARD;
    if (suspended)
        http_conn_resume(x->conn);
}

static void digested(struct http_server *s, struct http_msg *msg)
{
    struct http_x *x = of_msg(msg);

    s->lent--;
    http_conn_go_on_body(x->conn);
    if (x->pub.body_error.code != ERR_NONE) {
        refuse_body(x, true);
        return;
    }
    x->state = X_BODY;
    http_conn_resume(x->conn);
}

static void digest_job(struct http_job *job)
{
    struct http_x *x = of_job(job);

    http_body_digest(x);
    give_back(x, digested);
}

/* What has been seen of the body's framing. */
static bool framing_is_sound(struct http_x *x)
{
    if (!wire_is_broken(&x->conn->wire, x->number))
        return true;
    http_refuse(x, 400, ERR_MALFORMED, "the request's chunks are malformed");
    return false;
}

/* The headers are complete. */
static void first_call(struct http_x *x, const char *url, const char *method, const char *version)
{
    struct http_server *s = x->conn->server;
    uint64_t most;

    http_conn_await(x->conn, AWAIT_BODY);
    if (!http_request_read(x, url, method, version) || !framing_is_sound(x)) {
        refuse_now(x, false); /* Where such a request ends nobody can say. */
        return;
    }
    if (x->chunked && x->conn->wire.request < x->number)
        x->conn->close = true; /* Its framing goes unseen: then nothing may follow it. */
    x->state = X_BODY;
    if (x->pub.body_error.code == ERR_NONE && !x->ws)
        s->app.route(s->app.arg, &x->pub);
    if (x->pub.body_error.code == ERR_NONE && !x->pub.plan.refuse)
        http_body_begin(x);
    if (x->pub.body_error.code == ERR_NONE && !x->pub.plan.refuse)
        return;
    most = x->has_body ? (x->chunked ? UINT64_MAX : x->content_length) : 0;
    if (most > HTTP_DISCARD_MAX || (x->has_body && x->expects))
        refuse_now(x, false);
    else
        x->state = X_DISCARD;
}

static void body_call(struct http_x *x, const char *data, size_t *n)
{
    size_t before = *n;

    if (!framing_is_sound(x)) {
        *n = 0;
        buf_deinit(&x->in);
        refuse_now(x, false);
        return;
    }
    if (x->state == X_DISCARD) {
        *n = 0;
    } else {
        http_body_add(x, data, n);
    }
    x->received += before - *n;
    x->conn->body_bytes += before - *n;
    if (x->state == X_DISCARD)
        return;
    if (x->pub.body_error.code != ERR_NONE) {
        refuse_body(x, false);
    } else if (x->body == XB_MULTIPART && x->in.len == HTTP_WINDOW) {
        http_conn_suspend(x->conn);
        http_conn_pause_body(x->conn);
        http_x_lend(x, X_DIGEST, digest_job);
    }
}

/* The request is complete, and its handler may run right here. False: close. */
static bool answer_now(struct http_x *x)
{
    http_conn_await(x->conn, AWAIT_US);
    x->at_once = true;
    handle_job(&x->job);
    if (!x->counted) {
        x->state = X_SENT;
        return http_reply_queue(x);
    }
    http_conn_suspend(x->conn);
    x->state = X_OURS;
    http_watch_events(x);
    return true;
}

/* The request is complete. False: close. */
static bool final_call(struct http_x *x)
{
    if (!framing_is_sound(x)) {
        buf_deinit(&x->in);
        refuse_now(x, false);
        return true;
    }
    if (x->pub.plan.quick && !x->ws && x->body != XB_MULTIPART)
        return answer_now(x);
    http_conn_suspend(x->conn);
    http_conn_await(x->conn, AWAIT_US);
    http_x_lend(x, X_HANDLE, x->ws ? http_watch_ws_job : handle_job);
    return true;
}

enum MHD_Result http_x_call(void *port, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *n, void **context)
{
    struct http_conn *conn = *context;
    struct http_x *x = conn ? conn->x : NULL;

    (void)port;
    (void)mhd;
    if (!x)
        return MHD_NO;
    switch (x->state) {
    case X_NEW:
        first_call(x, url, method, version);
        return MHD_YES;
    case X_BODY:
    case X_DISCARD:
        if (*n == 0)
            return final_call(x) ? MHD_YES : MHD_NO;
        body_call(x, data, n);
        return MHD_YES;
    case X_DIGEST: /* The library asks again although it is suspended: what it offers stays. */
    case X_HANDLE:
        return MHD_YES;
    case X_REPLY:
        x->state = X_SENT;
        return (x->ws && x->pub.body_error.code == ERR_NONE ? http_watch_upgrade(x)
                                                            : http_reply_queue(x))
                   ? MHD_YES
                   : MHD_NO;
    case X_OURS:
    case X_SENT:
        break;
    }
    return MHD_NO;
}

/* --- The end --- */

void http_x_free(struct http_x *x)
{
    multipart_free(x->form);
    http_reply_reset(x);
    buf_deinit(&x->in);
    free(x->ws);
    if (x->counted)
        http_watch_unreserve(x->conn->server);
    arena_deinit(&x->arena);
    free(x);
}

static void free_job(struct http_job *job)
{
    http_x_free(of_job(job));
}

void http_x_end(
    void *port, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode why)
{
    struct http_conn *conn = *context;
    struct http_x *x = conn ? conn->x : NULL;

    (void)port;
    (void)mhd;
    (void)why;
    *context = NULL;
    if (conn)
        http_conn_await(conn, AWAIT_REQUEST);
    if (!x)
        return;
    conn->x = NULL;
    if (x->conn->server->app.ended)
        x->conn->server->app.ended(x->conn->server->app.arg, &x->pub);
    if (x->form) { /* An upload that broke off: removing large files takes its time. */
        x->job.run = free_job;
        http_pool_submit(x->conn->server->pool, &x->job);
        return;
    }
    http_x_free(x);
}
