/*
 * Any bytes as what a WebSocket client sends, at once and in pieces whose length the first byte gives: both must be read the
 * same, with the same messages to us and the same close back.
 */
#include "base/buf.h"
#include "net/ws.h"
#include "net/ws_message.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 8 << 20, INPUT_MAX = 1 << 16 };

/* Pongs do not wait for messages, and go unsent when a close comes soon enough: only closes are held against each other. */
struct heard {
    struct buf messages, closes;
};

static void on_message(void *arg, const char *p, size_t n)
{
    struct buf *out = &((struct heard *)arg)->messages;
    struct ws_message message;

    ws_message_read(p, n, &message);
    buf_addf(out, "[%d %d %llu %s %zu ", message.said, message.has_since,
        (unsigned long long)message.since, message.chat_id ? message.chat_id : "-", n);
    buf_add(out, p, n);
    buf_adds(out, "]");
    ws_message_free(&message);
}

static void on_control(void *arg, const void *p, size_t n)
{
    struct buf *out = &((struct heard *)arg)->closes;
    const unsigned char *frame = p;

    /* Whole frames, unmasked, and small. */
    while (n >= 2 && (frame[0] & 0xf0) == 0x80 && frame[1] <= 125 && n >= 2u + frame[1]) {
        if ((frame[0] & 15) == 8)
            buf_add(out, frame, 2u + frame[1]);
        n -= 2u + frame[1];
        frame += 2u + frame[1];
    }
    if (n != 0)
        abort();
}

static void play(const uint8_t *p, size_t n, size_t step, struct heard *out)
{
    static const struct ws_handler handler = { on_message, on_control };
    int fds[2], room = 4 * INPUT_MAX;
    struct ws *ws;
    bool open = true;

    buf_init(&out->messages, OUT_MAX);
    buf_init(&out->closes, OUT_MAX);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        abort();
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    ws = ws_new(fds[0], NULL, 0, &handler, out);
    if (!ws)
        abort();
    for (size_t at = 0; at < n && open && !ws_done(ws); at += step) {
        size_t len = n - at < step ? n - at : step;

        if (send(fds[1], p + at, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
            abort();
        open = ws_read(ws);
    }
    buf_addf(&out->messages, " %d %d", ws_closing(ws), ws_done(ws));
    ws_free(ws);
    close(fds[0]);
    close(fds[1]);
}

static bool same(struct buf *a, struct buf *b)
{
    bool yes = a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);

    buf_deinit(a);
    buf_deinit(b);
    return yes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard whole, pieces;

    if (size == 0 || size > INPUT_MAX)
        return 0;
    play(data + 1, size - 1, SIZE_MAX / 2, &whole);
    play(data + 1, size - 1, (size_t)data[0] % 64 + 1, &pieces);
    if (!same(&whole.messages, &pieces.messages) || !same(&whole.closes, &pieces.closes))
        abort();
    return 0;
}
