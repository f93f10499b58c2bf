/*
 * libwslay's event interface over a socket that does not block. It checks masks, opcodes, reserved
 * bits, lengths, fragments, UTF-8 and close codes, and answers pings and closes.
 */

#include "net/ws.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

enum { REASON_MAX = 123, CONTROL_MAX = 64 << 10 };

struct ws {
    wslay_event_context_ptr ctx;
    int fd;
    const struct ws_handler *handler;
    void *arg;
    char *extra;
    size_t n_extra, extra_at;
    size_t budget; /* Bytes that may still be read in this call. */
    bool ended;    /* The socket is at its end or broken. */
    bool half_code;
    bool broken; /* What came in was no frame: closed with 1002 by ourselves. */
    struct buf control;
};

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *out, size_t n, int flags, void *user)
{
    struct ws *ws = user;
    ssize_t got;

    (void)flags;
    if (ws->extra_at < ws->n_extra) {
        if (n > ws->n_extra - ws->extra_at)
            n = ws->n_extra - ws->extra_at;
        memcpy(out, ws->extra + ws->extra_at, n);
        ws->extra_at += n;
        return (ssize_t)n;
    }
    if (n > ws->budget)
        n = ws->budget;
    if (n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    do {
        got = recv(ws->fd, out, n, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        ws->budget -= (size_t)got;
        return got;
    }
    if (got < 0 && errno == EAGAIN) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    ws->ended = true;
    wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* Frames come in pieces; they leave whole. */
static ssize_t on_send(
    wslay_event_context_ptr ctx, const uint8_t *p, size_t n, int flags, void *user)
{
    struct ws *ws = user;

    (void)flags;
    buf_add(&ws->control, p, n);
    if (!ws->control.failed)
        return (ssize_t)n;
    wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* A close holds no byte or a whole code; the library lets half a code pass. */
static void on_frame(wslay_event_context_ptr ctx,
    const struct wslay_event_on_frame_recv_start_arg *frame, void *user)
{
    struct ws *ws = user;

    (void)ctx;
    if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1)
        ws->half_code = true;
}

static void on_message(
    wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *msg, void *user)
{
    struct ws *ws = user;

    (void)ctx;
    if (!wslay_is_ctrl_frame(msg->opcode))
        ws->handler->message(ws->arg, (const char *)msg->msg, msg->msg_length);
}

struct ws *ws_new(
    int fd, const void *extra, size_t n_extra, const struct ws_handler *handler, void *arg)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .on_frame_recv_start_callback = on_frame,
        .on_msg_recv_callback = on_message,
    };
    struct ws *ws = calloc(1, sizeof *ws);

    if (!ws)
        return NULL;
    ws->fd = fd;
    ws->handler = handler;
    ws->arg = arg;
    buf_init(&ws->control, CONTROL_MAX);
    if (n_extra > 0) {
        ws->extra = malloc(n_extra);
        if (!ws->extra)
            goto fail;
        memcpy(ws->extra, extra, n_extra);
        ws->n_extra = n_extra;
    }
    if (wslay_event_context_server_init(&ws->ctx, &callbacks, ws) != 0)
        goto fail;
    wslay_event_config_set_max_recv_msg_length(ws->ctx, WS_MESSAGE_MAX);
    return ws;
fail:
    free(ws->extra);
    free(ws);
    return NULL;
}

void ws_free(struct ws *ws)
{
    if (!ws)
        return;
    wslay_event_context_free(ws->ctx);
    buf_deinit(&ws->control);
    free(ws->extra);
    free(ws);
}

/* Pass on the control frames that the library has queued. */
static void send_control(struct ws *ws)
{
    if (ws->broken)
        return;
    buf_reset(&ws->control);
    if (wslay_event_want_write(ws->ctx) && wslay_event_send(ws->ctx) != 0)
        ws->ended = true;
    if (ws->control.len > 0)
        ws->handler->send(ws->arg, ws->control.data, ws->control.len);
    buf_deinit(&ws->control);
}

/* Bytes that are no frame at all. The library would close without a code. */
static void refuse_frame(struct ws *ws)
{
    static const unsigned char close_1002[] = { 0x88, 2, 1002 >> 8, 1002 & 0xff };

    ws->broken = true;
    ws->handler->send(ws->arg, close_1002, sizeof close_1002);
}

bool ws_read(struct ws *ws)
{
    ws->budget = WS_READ_MAX;
    if (!ws->broken && wslay_event_want_read(ws->ctx)) {
        bool failed = wslay_event_recv(ws->ctx) != 0;

        if ((failed || ws->half_code) && !ws->ended) {
            refuse_frame(ws);
            return true;
        }
    } else { /* After a close only the end is of interest. */
        char waste[4096];

        ssize_t n = recv(ws->fd, waste, sizeof waste, MSG_DONTWAIT);

        ws->ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    }
    send_control(ws);
    return !ws->ended;
}

void ws_ping(struct ws *ws)
{
    static const struct wslay_event_msg ping = { .opcode = WSLAY_PING };

    if (wslay_event_queue_msg(ws->ctx, &ping) == 0)
        send_control(ws);
}

void ws_close(struct ws *ws, int code, const char *reason)
{
    size_t n = strlen(reason);

    if (n > REASON_MAX) {
        n = REASON_MAX;
        while (n > 0 && ((unsigned char)reason[n] & 0xc0) == 0x80)
            n--; /* On a character's boundary. */
    }
    if (wslay_event_queue_close(ws->ctx, (uint16_t)code, (const uint8_t *)reason, n) == 0)
        send_control(ws);
}

bool ws_closing(const struct ws *ws)
{
    return ws->broken || wslay_event_get_close_sent(ws->ctx) != 0;
}

bool ws_done(const struct ws *ws)
{
    return ws->ended || ws->broken ||
           (!wslay_event_want_read(ws->ctx) && !wslay_event_want_write(ws->ctx));
}
