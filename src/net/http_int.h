#ifndef NET_HTTP_INT_H
#define NET_HTTP_INT_H

/*
 * What the files of the HTTP server share. Tour:
 *
 *   http.c           start, stop, the loop, messages to it from other threads
 *   http_conn.c      connections: limits by address, deadlines, sockets that are ours to drain
 *   http_exchange.c  one request from its first line to its reply: the states, and who has it when
 *   http_wire.c      the framing of chunked bodies, which the library does not show; http_tap.c has the bytes
 *   http_request.c   headers: what HTTP forbids, decoding
 *   http_body.c      the body: collected by the loop, digested by the pool
 *   http_reply.c     replies: conditions, ranges, to the library or by hand
 *   http_watch.c     WebSockets and event streams
 *   http_publish.c   events from other threads to them, and out (fan.c: by several threads)
 *   http_port.c      the ports: TCP, TLS in front of it (tls.c), and the control socket
 *
 * Threads. The loop thread owns all of this. An exchange is lent to the pool while the library has its
 * connection suspended (states DIGEST and HANDLE); it comes back as a message.
 */

#include "base/buf.h"
#include "net/fan.h"
#include "net/http.h"
#include "net/http_pool.h"
#include "net/http_wire.h"
#include "net/hub.h"
#include "net/multipart.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    HTTP_TARGET_MAX = 8 << 10,     /* Bytes of path and query. */
    HTTP_FLUSH_BATCH = 16 << 10,   /* Watchers that are written to in one go. */
    HTTP_HEADERS_MAX = 16 << 10,   /* Bytes of the header block. */
    HTTP_CONN_MEMORY = 32 << 10,   /* The library's: header block and read buffer. */
    HTTP_WINDOW = 128 << 10,       /* Body bytes collected before the pool digests them. */
    HTTP_FORM_OVERHEAD = 64 << 10, /* Boundaries and part headers that do not count as content. */
    HTTP_DISCARD_MAX =
        64 << 10,         /* A refused body up to this is read, so that the connection can stay. */
    HTTP_MIN_RATE = 1024, /* Bytes a second of a body, after its grace. */
    HTTP_LINGER_MS = 10000, /* Reading on after an early refusal, so that the client sees it. */
    HTTP_TICK_MS = 250,     /* Deadlines are looked at this often. */
    HTTP_PORTS = 3
};

#define NS_PER_MS INT64_C(1000000)

struct http_server;
struct http_x;
struct tls;

/* Something in the loop's epoll set. */
struct http_source {
    void (*ready)(struct http_source *source, uint32_t events); /* NULL: gone, waits to be freed. */
    void (*reap)(struct http_source *source);                   /* Frees it. */
    struct http_source *next_dead;
};

/* A message to the loop. */
struct http_msg {
    struct http_msg *next;
    void (*run)(struct http_server *s,
        struct http_msg *msg); /* On the loop thread; may free the message. */
};

struct http_port {
    struct http_source source; /* The library's epoll descriptor. */
    struct http_server *server;
    struct MHD_Daemon *daemon;
    int listen_fd;
    uint16_t number; /* 0: the control socket. */
    bool ws_only;
    bool control;
    bool due; /* Run the library before waiting again. */
};

/* Connections by address, to limit them. */
struct http_addr {
    struct http_addr *next;
    unsigned char bytes[16];
    uint32_t n;
};
enum { HTTP_ADDR_BUCKETS = 256 };

enum http_await { AWAIT_REQUEST, AWAIT_HEADERS, AWAIT_BODY, AWAIT_US, AWAIT_LINGER };

struct http_conn {
    struct http_source source; /* Only while the socket is ours (lingering, event streams). */
    struct http_server *server;
    struct http_port *port;
    struct MHD_Connection *mhd;
    struct http_conn *prev, *next;
    struct http_addr *addr; /* NULL: not counted. */
    struct http_x *x;       /* The exchange under way. */
    struct http_watcher
        *watcher; /* Instead of one: the connection is an event stream or a WebSocket. */
    int fd;
    enum http_await await;
    int64_t deadline_ns; /* 0: none. AWAIT_BODY: when its grace ends. */
    int64_t peek_ns;     /* When to look next whether the client is still there. */
    int64_t body_since_ns, paused_ns;
    uint64_t body_bytes;
    bool close; /* The next reply is the last. */
    struct wire wire;
    uint64_t requests; /* So far. */
    char client[64];
};

enum http_x_state {
    X_NEW,     /* The request line was seen. */
    X_BODY,    /* Its body is being collected. */
    X_DISCARD, /* Refused, but what is left of the body is little and read first. */
    X_DIGEST,  /* Suspended: the pool parses what was collected. */
    X_HANDLE,  /* Suspended: the pool runs the handler. */
    X_REPLY,   /* The reply is there, for the library to send. */
    X_OURS,    /* Suspended for good: the socket is ours. If resumed, it closes. */
    X_SENT     /* Handed to the library. */
};

enum http_x_body { XB_DROP, XB_MEMORY, XB_MULTIPART, XB_URLENCODED };

struct http_x {
    struct http_exchange pub;
    struct arena arena;
    struct http_conn *conn;
    enum http_x_state state;
    uint64_t number; /* Among the requests of the connection; the first is 1. */
    struct http_job job;
    struct http_msg msg;
    atomic_int owners; /* handle and http_complete(): who lets go last finishes. */
    bool deferred;
    bool final;        /* The body is complete (for the job). */
    const char *query; /* Raw, "" when none. */

    bool has_body, chunked, expects; /* Framing. */
    uint64_t content_length;
    enum http_x_body body;
    uint64_t received, limit;
    struct buf in; /* Collected bytes: all of a plain body, a window of a form. */
    struct multipart *form;

    bool at_once; /* The handler runs within the library's call. */
    bool by_hand; /* Refuse: the reply goes out by hand, the connection closes. */
    bool second;  /* handle runs for the second time. */
    bool counted; /* Counts as a watcher. */
    bool accept_ranges;
    const char *content_range;
    struct ws_decision *ws; /* Not NULL: a WebSocket handshake. */
    char ws_accept[32];
};

struct http_server {
    struct http_app app;
    struct http_config config;
    struct http_pool *pool;
    pthread_t thread;
    int epoll_fd, wake_fd;
    struct tls *tls; /* NULL: no port speaks it. */
    struct http_source wake;
    struct http_port ports[HTTP_PORTS];
    size_t n_ports;

    pthread_mutex_t mail_lock;
    struct http_msg *mail, **mail_tail;
    bool mail_signalled;

    struct http_conn *conns;
    atomic_size_t n_conns;
    struct http_addr *addrs[HTTP_ADDR_BUCKETS];
    struct http_conn **by_fd; /* Those whose bytes the library reads; NULL where there is none. */
    size_t n_by_fd;
    size_t lent; /* Exchanges and jobs that are out of the loop's hands. */
    struct http_source *dead;
    int64_t now_ns, next_tick_ns;

    struct hub *hub;
    struct fan *fan;                                 /* Writes to many sockets at once. */
    struct http_watcher *flushing[HTTP_FLUSH_BATCH]; /* Those that it writes to. */
    size_t n_flushing;
    struct http_watcher *watchers; /* All, for the tick. */
    atomic_uint n_watchers;

    struct http_msg stop_msg;
    int grace_ms;
    int64_t stop_by_ns; /* 0: not stopping. */
};

/* http.c */
void http_post(struct http_server *s, struct http_msg *msg); /* Thread-safe. */
bool http_source_add(struct http_server *s, struct http_source *source, int fd, uint32_t events);
void http_source_kill(
    struct http_server *s, struct http_source *source, int fd); /* Out of the set; reaped later. */
static inline bool http_stopping(const struct http_server *s)
{
    return s->stop_by_ns != 0;
}

/* http_port.c */
bool http_port_open(
    struct http_server *s, uint16_t number, bool ws_only, struct err *err) MUST_CHECK;
bool http_port_open_control(struct http_server *s, const char *path, struct err *err) MUST_CHECK;
void http_port_quiesce(struct http_server *s); /* Take no more connections. */
void http_port_ready(struct http_source *source, uint32_t events);

/* http_conn.c */
enum MHD_Result http_conn_admit(void *port, const struct sockaddr *addr, socklen_t len);
void http_conn_notify(void *port, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode code);
struct http_conn *http_conn_of(struct MHD_Connection *mhd);
void http_conn_await(struct http_conn *conn, enum http_await what);
/* The time that a body waits for us is not the client's. */
void http_conn_pause_body(struct http_conn *conn);
void http_conn_go_on_body(struct http_conn *conn);
void http_conn_suspend(struct http_conn *conn);
void http_conn_resume(struct http_conn *conn);
/* Half-close, then read and forget until the client closes or HTTP_LINGER_MS have passed. The connection is suspended. */
void http_conn_linger(struct http_conn *conn);
void http_conn_tick(struct http_server *s);
/* Stopping: close what is idle; hard: everything that is not lent. */
void http_conn_close_idle(struct http_server *s, bool hard);
void http_conn_give_addr(
    struct http_server *s, struct http_addr *addr); /* One connection less; NULL is fine. */
void http_conn_free_addrs(struct http_server *s);

/* http_tap.c */
void http_tap_run(struct http_server *s, struct MHD_Daemon *daemon); /* MHD_run() */
void http_tap_add(struct http_server *s, struct http_conn *conn);
void http_tap_remove(struct http_server *s, const struct http_conn *conn);

/* http_exchange.c */
void *http_x_start(void *port, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_x_call(void *port, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *n, void **context);
void http_x_end(
    void *port, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode why);
void http_x_free(struct http_x *x);
void http_x_answered(struct http_x *x); /* Pool: back to the loop with its reply. */
void http_x_lend(struct http_x *x, enum http_x_state state,
    void (*run)(struct http_job *)); /* Suspend, submit. */

/* http_request.c */
/* The arguments as the library gave them. False: refused, and the connection must close. */
bool http_request_read(struct http_x *x, const char *url, const char *method, const char *version);
void http_refuse(struct http_x *x, int status, enum err_code code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The next name=value at *p (NULL when none is left), decoded into `arena`; false when memory ends. */
bool http_query_next(const char **p, const char *end, struct arena *arena, const char **name,
    const char **value, size_t *value_len);

/* http_body.c */
void http_body_begin(struct http_x *x);
void http_body_add(struct http_x *x, const char *p, size_t *n);
void http_body_digest(struct http_x *x); /* Pool. */
void http_body_finish(struct http_x *x); /* Pool. */

/* http_reply.c */
void http_reply_reset(struct http_x *x);
void http_reply_settle(
    struct http_x *x); /* Any thread: conditions and ranges; may set body_error. */
const char *http_reply_find(const struct http_reply *reply, const char *name);
bool http_reply_queue(struct http_x *x);
bool http_reply_by_hand(struct http_x *x,
    bool stream); /* Write it to the socket; stream: headers of an event stream. */

/* http_watch.c */
bool http_watch_reserve(struct http_server *s); /* Any thread: a place among max_watchers. */
void http_watch_unreserve(struct http_server *s);
void http_watch_ws_job(struct http_job *job); /* Pool: asks the app. */
bool http_watch_upgrade(struct http_x *x);
void http_watch_events(struct http_x *x);
void http_watch_tick(struct http_server *s);
void http_watch_recheck(struct http_server *s);
void http_watch_close_all(struct http_server *s, bool hard);

/* http_publish.c */
void http_watch_flush(struct http_server *s);

#endif
