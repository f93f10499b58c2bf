#ifndef NET_HTTP_WATCH_H
#define NET_HTTP_WATCH_H

/* A watcher's connection: the socket and its state around the hub's view of it. */

#include "net/http_int.h"
#include "net/ws.h"

struct watch_job;

struct http_watcher {
    struct http_source source; /* First: it is freed through it. */
    int fd;
    struct hub_watcher hub;
    int64_t sent_ns; /* When something was last sent. */
    struct http_server *server;
    struct http_watcher *prev, *next;
    struct ws *ws; /* NULL: an event stream. */
    struct http_conn
        *conn; /* Of an event stream, suspended; a WebSocket's socket is the watcher's. */
    struct http_addr *addr; /* Of a WebSocket. */
    struct watch_job *job;  /* Its look into the store under way. */
    bool counted;
    char who[64]; /* Whom may_stay() is asked about. */
    char client[64];
    int64_t key_by_ns; /* Not 0: nothing is watched before a key was sent. */
    int64_t check_ns;  /* When to ask next. */
    bool opened;       /* `connected` was sent for the present conversation. */
    bool more;         /* The last page of the replay was full. */
    struct {           /* A subscription that waits for the job under way; the last one counts. */
        char conversation[HUB_ID_MAX + 1]; /* "": none. */
        bool replay;
        uint64_t since;
    } next_move;
    bool talked;                 /* Its WebSocket may have come to its end since the last look. */
    bool half_closed;            /* We will not send any more. */
    bool wants_out;              /* Waits for room in the socket. */
    int64_t ping_ns, pong_by_ns; /* When to ping next; when to give up (0: nothing is awaited). */
    int64_t close_by_ns;         /* Not 0: closing. */
};

struct http_watcher *http_watcher_of(struct hub_watcher *hub);
/* Send what can be sent; this is also where a watcher that has nothing left to do ends. */
void http_watcher_flush(struct http_watcher *w);
/* The same when the socket has been written to: what follows from how that went. */
void http_watcher_flushed(struct http_watcher *w, enum hub_flushed flushed);
/* Tell it why, then close it. */
void http_watcher_dismiss(struct http_watcher *w, int code, const char *why);

#endif
