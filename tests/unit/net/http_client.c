#include "http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

void client_open_small(struct client *c, uint16_t port, int receive_buffer)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

    *c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(c->fd >= 0);
    if (receive_buffer)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&addr, sizeof addr), 0);
}

void client_open(struct client *c, uint16_t port)
{
    client_open_small(c, port, 0);
}

void client_close(struct client *c)
{
    close(c->fd);
    free(c->in);
    *c = (struct client){ .fd = -1 };
}

bool client_try_send(struct client *c, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t sent = send(c->fd, at, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

void client_send(struct client *c, const void *p, size_t n)
{
    assert_true(client_try_send(c, p, n));
}

void client_says(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
}

/* Read more; false at the end of the stream. */
static bool more(struct client *c)
{
    struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
    ssize_t n;

    if (c->at > 0 && c->at == c->len)
        c->at = c->len = 0;
    if (c->cap - c->len < 65536) {
        c->cap = c->cap * 2 + 65536;
        c->in = realloc(c->in, c->cap);
        assert_non_null(c->in);
    }
    if (poll(&pfd, 1, CLIENT_WAIT_MS) != 1)
        fail_msg("the server does not answer");
    n = recv(c->fd, c->in + c->len, c->cap - c->len - 1, 0);
    if (n <= 0)
        return false;
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    return true;
}

static bool need(struct client *c, size_t n)
{
    while (c->len - c->at < n) {
        if (!more(c))
            return false;
    }
    return true;
}

void client_response(struct client *c, struct response *r, bool no_body)
{
    const char *end, *length;
    size_t n;

    memset(r, 0, sizeof *r);
again:
    while (!c->in || !(end = strstr(c->in + c->at, "\r\n\r\n")) || c->at == c->len) {
        if (!more(c))
            fail_msg("closed before a response");
    }
    n = (size_t)(end + 4 - c->in) - c->at;
    assert_true(n < sizeof r->head);
    memcpy(r->head, c->in + c->at, n);
    r->head[n] = '\0';
    c->at += n;
    assert_int_equal(sscanf(r->head, "HTTP/1.1 %d", &r->status), 1);
    if (r->status == 100)
        goto again;
    length = response_header(r, "Content-Length");
    r->len = length && !no_body && r->status != 304 ? strtoull(length, NULL, 10) : 0;
    r->body = malloc(r->len + 1);
    assert_non_null(r->body);
    if (!need(c, r->len))
        fail_msg("closed within a response");
    if (r->len)
        memcpy(r->body, c->in + c->at, r->len);
    r->body[r->len] = '\0';
    c->at += r->len;
}

const char *response_header(const struct response *r, const char *name)
{
    static char value[4096];
    const char *p = strstr(r->head, "\r\n");
    size_t n = strlen(name);

    for (; p && p[2]; p = strstr(p + 2, "\r\n")) {
        if (strncasecmp(p + 2, name, n) == 0 && p[2 + n] == ':') {
            size_t len;

            p += 2 + n + 1;
            p += strspn(p, " ");
            len = strcspn(p, "\r");
            assert_true(len < sizeof value);
            memcpy(value, p, len);
            value[len] = '\0';
            return value;
        }
    }
    return NULL;
}

void response_free(struct response *r)
{
    free(r->body);
    r->body = NULL;
}

bool client_is_closed(struct client *c)
{
    return c->at == c->len && !more(c);
}

bool client_line(struct client *c, char *out, size_t size)
{
    char *end;
    size_t n;

    while (!c->in || c->at == c->len || !(end = strchr(c->in + c->at, '\n'))) {
        if (!more(c))
            return false;
    }
    n = (size_t)(end - c->in) - c->at;
    assert_true(n < size);
    memcpy(out, c->in + c->at, n);
    out[n] = '\0';
    c->at += n + 1;
    return true;
}

int client_ask(uint16_t port, const char *request, struct response *r)
{
    struct client c;

    client_open(&c, port);
    client_says(&c, request);
    client_response(&c, r, strncmp(request, "HEAD", 4) == 0);
    client_close(&c);
    return r->status;
}

/* --- WebSocket --- */

int ws_hello(struct client *c, uint16_t port, const char *path)
{
    struct response r;
    char text[512];
    int status;

    if (c->fd <= 0)
        client_open(c, port);
    snprintf(text, sizeof text,
        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, "
        "Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        path);
    client_says(c, text);
    client_response(c, &r, false);
    status = r.status;
    if (status == 101)
        assert_string_equal(
            response_header(&r, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    response_free(&r);
    return status;
}

void ws_send_frame(struct client *c, int first_byte, const void *p, size_t n)
{
    static const unsigned char mask[4] = { 0x12, 0x34, 0x56, 0x78 };
    unsigned char *out = malloc(n + 14);
    size_t at = 0;

    assert_non_null(out);
    out[at++] = (unsigned char)first_byte;
    if (n < 126) {
        out[at++] = (unsigned char)(0x80 | n);
    } else if (n < 65536) {
        out[at++] = 0x80 | 126;
        out[at++] = (unsigned char)(n >> 8);
        out[at++] = (unsigned char)n;
    } else {
        out[at++] = 0x80 | 127;
        for (int i = 7; i >= 0; i--)
            out[at++] = (unsigned char)((uint64_t)n >> (8 * i));
    }
    memcpy(out + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < n; i++)
        out[at + i] = (unsigned char)(((const unsigned char *)p)[i] ^ mask[i % 4]);
    client_try_send(c, out, at + n);
    free(out);
}

void ws_says(struct client *c, const char *text)
{
    ws_send_frame(c, 0x81, text, strlen(text));
}

bool ws_read_frame(struct client *c, struct frame *f)
{
    const unsigned char *p;
    size_t head = 2;

    if (!need(c, 2))
        return false;
    p = (const unsigned char *)c->in + c->at;
    f->fin = p[0] >> 7;
    f->opcode = p[0] & 15;
    assert_int_equal(p[1] & 0x80, 0);
    f->len = p[1];
    if (f->len >= 126) {
        size_t bytes = f->len == 126 ? 2 : 8;

        head += bytes;
        if (!need(c, head))
            return false;
        p = (const unsigned char *)c->in + c->at;
        f->len = 0;
        for (size_t i = 0; i < bytes; i++)
            f->len = f->len << 8 | p[2 + i];
    }
    if (!need(c, head + f->len))
        return false;
    f->data = malloc(f->len + 1);
    assert_non_null(f->data);
    memcpy(f->data, c->in + c->at + head, f->len);
    f->data[f->len] = '\0';
    c->at += head + f->len;
    return true;
}

void ws_expect_text(struct client *c, const char *part)
{
    struct frame f;

    if (!ws_read_frame(c, &f))
        fail_msg("closed; expected a text with '%s'", part);
    if (f.opcode != 1 || !strstr(f.data, part))
        fail_msg("expected a text with '%s', got opcode %d '%.200s'", part, f.opcode, f.data);
    free(f.data);
}

int ws_expect_close(struct client *c)
{
    struct frame f;
    int code;

    if (!ws_read_frame(c, &f))
        fail_msg("closed without a close frame");
    if (f.opcode != 8)
        fail_msg("expected a close, got opcode %d '%.200s'", f.opcode, f.data);
    code = f.len >= 2 ? (unsigned char)f.data[0] << 8 | (unsigned char)f.data[1] : 1005;
    free(f.data);
    return code;
}
