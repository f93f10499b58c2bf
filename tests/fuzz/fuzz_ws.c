/*
 * Any bytes as what a WebSocket client sends, at once and in pieces whose length the first byte gives: we must get the same
 * messages. What goes back may differ: pongs go unsent when a close comes soon enough, and libwslay looks at
 * the reason of a close only as far as it comes in one piece.
 */
#include "base/buf.h"
#include "net/ws.h"
#include "net/ws_message.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 8 << 20, INPUT_MAX = 1 << 16 };

static void on_message(void *arg, const char *p, size_t n)
{
    struct ws_message message;

    ws_message_read(p, n, &message);
    buf_addf(arg, "[%d %d %llu %s %zu ", message.said, message.has_since,
        (unsigned long long)message.since, message.chat_id ? message.chat_id : "-", n);
    buf_add(arg, p, n);
    buf_adds(arg, "]");
    ws_message_free(&message);
}

static void on_control(void *arg, const void *p, size_t n)
{
    const unsigned char *frame = p;

    (void)arg;
    /* Whole frames, unmasked, and small. */
    while (n >= 2 && (frame[0] & 0xf0) == 0x80 && frame[1] <= 125 && n >= 2u + frame[1]) {
        n -= 2u + frame[1];
        frame += 2u + frame[1];
    }
    if (n != 0)
        abort();
}

static void play(const uint8_t *p, size_t n, size_t step, struct buf *out)
{
    static const struct ws_handler handler = { on_message, on_control };
    int fds[2], room = 4 * INPUT_MAX;
    struct ws *ws;
    bool open = true;

    buf_init(out, OUT_MAX);
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
    ws_free(ws);
    close(fds[0]);
    close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, pieces;

    if (size == 0 || size > INPUT_MAX)
        return 0;
    play(data + 1, size - 1, SIZE_MAX / 2, &whole);
    play(data + 1, size - 1, (size_t)data[0] % 64 + 1, &pieces);
    if (whole.len != pieces.len || memcmp(buf_str(&whole), buf_str(&pieces), whole.len) != 0)
        abort();
    buf_deinit(&whole);
    buf_deinit(&pieces);
    return 0;
}
