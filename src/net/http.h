#ifndef NET_HTTP_H
#define NET_HTTP_H

/*
 * HTTP/1.1: one loop thread does all socket work; handlers run on a pool and may block.
 *
 *   headers in ─▶ app->route (loop thread: method, path -> what body is welcome, or refuse)
 *   body in    ─▶ multipart files stream to temporary files, everything else to memory, under the route's limits
 *   complete   ─▶ app->handle (pool thread) fills the reply
 *   reply      ─▶ loop thread sends it: bytes, a file range, an event stream, or a WebSocket upgrade
 *
 * http*.c and ws.c are the only files that see the HTTP and WebSocket libraries.
 */

#include "base/arena.h"
#include "base/fs.h"
#include "base/json.h"

struct http_part {        /* One part of multipart/form-data. */
    const char *name;     /* Field name. */
    const char *filename; /* As sent (UTF-8, RFC 5987 decoded), or NULL for a plain field. */
    const char *type;     /* Content type as sent, or NULL. */
    const char *value;    /* Plain fields: the text, NUL-terminated. */
    size_t value_len;
    /* Files: where the bytes lie; removed when the exchange ends unless moved away. */
    char path[FS_PATH_MAX];
    uint64_t size;
    char sha256[65];
};

enum http_body { HTTP_BODY_NONE, HTTP_BODY_JSON, HTTP_BODY_FORM, HTTP_BODY_FORM_OR_JSON };

struct http_request {
    const char *method; /* "GET"; HEAD arrives as "GET" with head set. */
    bool head;
    /* Decoded, "/api/v1/chat/workflows/..."; without the query; no NUL, dot segment or bad UTF-8. */
    const char *path;
    const char *raw_path; /* As sent, without the query. */
    const char *query;    /* As sent; "" when there is none. */
    const char *client;   /* Address text; "local" through the control socket. */
    bool control;         /* It came in through the control socket. */
    bool tls;
    /* X-Request-Id: as sent where it is 1..64 of [A-Za-z0-9._-], else 32 hex digits. */
    char id[65];
    const char *origin; /* Origin header or NULL. */
    const char *host;   /* Host header. */
    int64_t started_ns; /* Wall clock. */
    const char *body;   /* JSON and other plain bodies; NUL-terminated; NULL when none. */
    size_t body_len;
    const char *content_type;
    struct http_part *parts;
    size_t n_parts;
    struct arena *arena; /* Lives as long as the exchange. */
    void *impl;
};
const char *http_header(const struct http_request *r, const char *name); /* NULL when absent. */
/* Decoded; NULL when absent, or when memory ends (memory_lost()). */
const char *http_query(const struct http_request *r, const char *name);
/* The path of a URL as `path` has it; NULL where it is not one, or memory ends. */
const char *http_path_decode(struct arena *arena, const char *p, size_t n);
/* The first of that name, or NULL. */
const struct http_part *http_part_find(const struct http_request *r, const char *name);

struct http_reply {
    int status;               /* 0 until set. */
    const char *content_type; /* Static or in the request's arena. */
    struct {
        const char *name, *value;
    } headers[16];
    size_t n_headers;
    char *body; /* malloc'd, freed by the server. */
    size_t body_len;
    /*
     * -1, or a file whose bytes [fd_offset, fd_offset + fd_len) are the body; closed by the server. With status
     * 200, ranges are served; with an ETag among the headers, If-None-Match and If-Range are honoured.
     */
    int fd;
    uint64_t fd_offset, fd_len;
    const char *events; /* Conversation id: keep open as server-sent events from `since`. */
    uint64_t since;     /* UINT64_MAX: only what comes from now on. */
    const char *who;    /* With events: whom may_stay() is asked about. NULL: "". */
};
/* Static, or in the request's arena: not copied. X-Request-Id is added by net where it is not given. */
void http_reply_header(struct http_reply *reply, const char *name, const char *value);

/*
 * What route decides before the body is read. A request that breaks HTTP itself never reaches route: refuse is then
 * set by net to the status that fits (400, 414, 417, 426, 431) and body_error says what is wrong.
 */
struct http_plan {
    /*
     * 0, or the status to call `handle` for at once, without reading the body. The connection closes if there was a
     * large one.
     */
    int refuse;
    enum http_body body; /* NONE: a small body is read and ignored. */
    /* Bytes, all parts together. Over it (declared or counted): handle with body_error 413. */
    uint64_t max_body;
    /*
     * handle never blocks for this request (no store, no disk, no lock held long): it runs on the loop thread, which
     * saves half of a small reply's time. Ignored for forms.
     */
    bool quick;
    size_t upload_chunk;    /* Bytes of a file that are written at a time; 0: as they come. */
    const char *upload_dir; /* Where multipart files go; on the file system of their final place. */
    void *route, *caller;   /* The app's own. */
};

struct http_exchange {
    struct http_request request;
    struct http_reply reply;
    struct http_plan plan;
    /*
     * code != ERR_NONE: the request was refused (too large, malformed, disk full), or the reply to it was
     * (ERR_RANGE; ERR_BUSY: too many watchers), for which handle runs a second time with an empty reply.
     * handle then only words the answer.
     */
    struct err body_error;
};

/*
 * Answer later: called within handle, which then returns without a reply. Whoever finishes the work fills
 * x->reply and calls http_complete(), from any thread, once; the pool's thread is free meanwhile.
 * Every deferred exchange must be completed, at the latest while http_stop() waits. Not when body_error is set.
 */
void http_defer(struct http_exchange *x);
void http_complete(struct http_exchange *x);

/* The answer to a WebSocket client. */
struct ws_decision {
    const struct http_request *request; /* Given: the handshake, for its headers. */
    /* 0: accept; else the socket is accepted, told `error_message`, and closed with this code. */
    int close_code;
    char error_message[256];
    char conversation[64]; /* Watched from now on. */
    uint64_t since;
    bool replay;  /* A `since` was given: send the stored events after it first. */
    char who[64]; /* Who watches, for ws_may_watch() and may_stay(). */
    /* Nothing is watched before {"type":"authenticate","key"} was sent, and ws_may_watch() agreed. */
    bool needs_key;
    char protocol[128]; /* Of those that the client offers; "": none. */
};

struct http_event;

struct http_app {
    void *arg;
    /* Loop thread; must not block. Fill x->plan from method, path and headers. */
    void (*route)(void *arg, struct http_exchange *x);
    /* Pool thread (or loop thread, see plan.quick). Fill x->reply (status, body, ...). Called for errors as well. */
    void (*handle)(void *arg, struct http_exchange *x);
    /* Any thread; must not block. The reply stands and is about to be sent; may be NULL. */
    void (*answered)(void *arg, const struct http_exchange *x);
    /* Loop thread; must not block. A request that was routed is over, answered or broken off; may be NULL. */
    void (*ended)(void *arg, const struct http_exchange *x);
    /* Pool thread. `origin` may be NULL. */
    void (*ws_open)(void *arg, const char *path, const char *query, const char *origin,
        const char *host, struct ws_decision *out);
    /* Pool thread: may `who` watch conversation `id` ("subscribe")? */
    bool (*ws_may_watch)(void *arg, const char *who, const char *id);
    /* Pool thread: whose is the key that was sent as a message? False: it is not valid. NULL: no key is. */
    bool (*ws_authenticate)(void *arg, const char *key, const char *client, char who[64]);
    /* Loop thread, must not block: may `who` go on watching? NULL: always. See http_recheck(). */
    bool (*may_stay)(void *arg, const char *who);
    /* Pool thread: stored events after `since` in order (at most max), as texts to send; false: none or an error. */
    bool (*replay)(void *arg, const char *id, uint64_t since, uint32_t max, struct arena *arena,
        struct http_event **out, size_t *n);
    /* Pool thread: number of the last stored event, for `connected`. */
    uint64_t (*last_seq)(void *arg, const char *id);
};

struct http_event {
    uint64_t seq;
    const char *text;
};

struct http_config {
    const char *host;
    uint16_t port;         /* 0: any free one. */
    uint16_t ws_port;      /* 0: none. */
    const char *ws_host;   /* Of ws_port; NULL: as host. */
    bool ws_port_any;      /* With ws_port 0: bind any free one (tests). */
    uint32_t max_watchers; /* WebSocket and SSE connections. */
    uint32_t max_connections;
    uint32_t timeout_s; /* Idle; headers and slow bodies have deadlines of their own. */
    uint32_t ping_interval_s, ping_timeout_s;
    uint32_t threads;    /* 0: 8. More are added, up to 8 times as many, while handlers wait. */
    const char *tmp_dir; /* For multipart files where the plan names no folder. */
    /* Zero gives the default in brackets. */
    uint32_t headers_ms;      /* For a request's headers to arrive (10 s). */
    uint32_t body_grace_ms;   /* From here on a body must have come at 1 KiB/s on average (10 s). */
    uint32_t heartbeat_ms;    /* Between comments in event streams (15 s). */
    uint32_t max_per_address; /* Connections from one address (200); loopback is exempt ... */
    bool limit_loopback;      /* ... unless this is set. */
    uint32_t recheck_ms; /* Between two times that may_stay() is asked about a watcher (15 s). */
    uint32_t key_ms;     /* For the key of a WebSocket to be sent as a message (10 s). */
    /* A socket at this path, for those who may write to it; NULL: none. A path that cannot be one is only logged. */
    const char *control;
    const char *tls_certificate,
        *tls_key; /* PEM files; both or NULL. All ports but the control socket. */
};

struct http_server;

/* Bind, and start the threads. Errors: ERR_STATE naming the address that is taken. */
bool http_start(const struct http_config *config, const struct http_app *app,
    struct http_server **out, struct err *err) MUST_CHECK;
struct http_load {
    uint64_t connections, watchers; /* Watchers are connections, too. */
};
void http_load(const struct http_server *s, struct http_load *out); /* Thread-safe. */
uint16_t http_port(const struct http_server *s);
uint16_t http_ws_port(const struct http_server *s);
/*
 * Stop accepting; let exchanges under way finish, at most grace_ms; close watchers (1001); free. A handler that
 * runs longer is waited for, as its request is ours, but its client is cut off.
 */
void http_stop(struct http_server *s, int grace_ms);

/*
 * Send one frame to all who watch the conversation, WebSocket and SSE alike. Thread-safe, never blocks; text is copied once.
 * Numbered frames: store before publishing (so that replay finds them), and publish in the order of their numbers.
 * seq 0: not numbered (progress). merge: replaces an unsent earlier frame with the same merge key
 * ("<run>/<step>"), so that a slow reader gets the latest only; NULL: never dropped.
 */
void http_publish(struct http_server *s, const char *conversation, uint64_t seq, const char *text,
    const char *merge);
/* Close all watchers of a conversation that is gone (4404). */
void http_drop_watchers(struct http_server *s, const char *conversation);
/* Ask may_stay() about all watchers now, and close those that may not (4401). Thread-safe. */
void http_recheck(struct http_server *s);
/* Read the certificate and its key again, for connections from now on; with a fault in them the old ones stay. */
bool http_tls_reload(struct http_server *s, struct err *err) MUST_CHECK;

#endif
