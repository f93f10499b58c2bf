#ifndef NET_WS_H
#define NET_WS_H

/*
 * The server's end of one WebSocket (RFC 6455): what comes in, and control frames.
 *
 * Messages that go out are encoded by the hub, once for all watchers; here only pings, pongs and closes are
 * made. ws.c is the only file that sees the WebSocket library.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WS_MESSAGE_MAX =
        64 << 10, /* Bytes of an inbound message, all fragments together; more is closed 1009. */
    WS_READ_MAX = 256 << 10 /* Bytes read at one go, so that no client keeps the loop to itself. */
};

enum ws_code {
    WS_GOING_AWAY = 1001,
    WS_INTERNAL = 1011,
    WS_TRY_AGAIN = 1013,
    WS_NO_KEY = 4401,
    WS_NOT_FOUND = 4404
};

struct ws;

struct ws_handler {
    /* A whole message; binary ones too. */
    void (*message)(void *arg, const char *p, size_t n);
    /* Bytes of control frames to send, whole frames at a time. */
    void (*send)(void *arg, const void *p, size_t n);
};

/* `extra`: bytes that came in behind the handshake (copied). NULL when memory ends. */
struct ws *ws_new(
    int fd, const void *extra, size_t n_extra, const struct ws_handler *handler, void *arg);
void ws_free(struct ws *ws);

/*
 * Read what there is and act on it. False when the socket is at its end or broken. A protocol error
 * sends a close of its own (1002, 1007, 1009), after which ws_done() holds.
 */
bool ws_read(struct ws *ws);
void ws_ping(struct ws *ws);
/* Once; later calls do nothing. `reason` is cut to fit. */
void ws_close(struct ws *ws, int code, const char *reason);
bool ws_closing(const struct ws *ws); /* A close was sent, by whichever side first. */
/* Nothing more is expected from the client: the socket can be closed when all is sent. */
bool ws_done(const struct ws *ws);

#endif
