/*
 * Replies: conditions and ranges, then to the library, or by hand where the library
 * could not send it in time.
 */

#include "net/http_int.h"

#include "base/log.h"
#include "net/range.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 32 << 10 };

void http_reply_header(struct http_reply *reply, const char *name, const char *value)
{
    if (reply->n_headers == ARRAY_LEN(reply->headers)) {
        log_write(LOG_ERROR, "a reply has too many headers", "header", name, NULL);
        return;
    }
    reply->headers[reply->n_headers].name = name;
    reply->headers[reply->n_headers++].value = value;
}

const char *http_reply_find(const struct http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->n_headers; i++) {
        if (strcasecmp(reply->headers[i].name, name) == 0)
            return reply->headers[i].value;
    }
    return NULL;
}

/* No reply yet, or not any more. */
void http_reply_reset(struct http_x *x)
{
    struct http_reply *reply = &x->pub.reply;

    free(reply->body);
    if (reply->fd >= 0)
        close(reply->fd);
    *reply = (struct http_reply){ .fd = -1 };
}

static void drop_body(struct http_x *x)
{
    struct http_reply *reply = &x->pub.reply;

    free(reply->body);
    reply->body = NULL;
    reply->body_len = 0;
    if (reply->fd >= 0)
        close(reply->fd);
    reply->fd = -1;
}

static void apply_range(struct http_x *x, const char *etag)
{
    struct http_request *r = &x->pub.request;
    struct http_reply *reply = &x->pub.reply;
    const char *range = http_header(r, "Range"), *only_if = http_header(r, "If-Range");
    uint64_t first = 0, n = 0;

    x->accept_ranges = true;
    if (!range || r->head ||
        (only_if && !range_if_range(only_if, etag, http_reply_find(reply, "Last-Modified"))))
        return;
    switch (range_parse(range, reply->fd_len, &first, &n)) {
    case RANGE_WHOLE:
        return;
    case RANGE_OUTSIDE:
        err_set(&x->pub.body_error, ERR_RANGE, "the file has %llu bytes; the range lies outside",
            (unsigned long long)reply->fd_len);
        return;
    case RANGE_PART:
        break;
    }
    x->content_range = arena_printf(&x->arena, "bytes %llu-%llu/%llu", (unsigned long long)first,
        (unsigned long long)(first + n - 1), (unsigned long long)reply->fd_len);
    if (!x->content_range)
        return; /* The whole is an answer too. */
    reply->status = 206;
    reply->fd_offset += first;
    reply->fd_len = n;
}

void http_reply_settle(struct http_x *x)
{
    struct http_request *r = &x->pub.request;
    struct http_reply *reply = &x->pub.reply;
    const char *etag, *none_match;

    if (reply->status != 200 || strcmp(r->method, "GET") != 0 || reply->events)
        return;
    etag = http_reply_find(reply, "ETag");
    none_match = http_header(r, "If-None-Match");
    if (etag && none_match && range_none_match(none_match, etag)) {
        reply->status = 304;
        drop_body(x);
        return;
    }
    if (reply->fd >= 0) {
        uint64_t size = reply->fd_len;

        apply_range(x, etag);
        if (x->pub.body_error.code == ERR_RANGE) {
            x->content_range = arena_printf(&x->arena, "bytes */%llu", (unsigned long long)size);
        }
    }
}

/* --- Through the library --- */

/* False when memory has ended: a reply must not go out without a header that it was given. */
static bool add_header(
    struct MHD_Response *response, const struct http_x *x, const char *name, const char *value)
{
    if (value && MHD_add_response_header(response, name, value) == MHD_YES)
        return true;
    log_write(LOG_ERROR, "a reply's header cannot be sent", "header", name, "path",
        x->pub.request.path, NULL);
    return value && (!*value || strpbrk(value, "\t\r\n")); /* Not one that the library takes. */
}

static bool add_headers(struct MHD_Response *response, const struct http_x *x)
{
    const struct http_reply *reply = &x->pub.reply;
    bool ok = !reply->content_type || add_header(response, x, "Content-Type", reply->content_type);

    for (size_t i = 0; ok && i < reply->n_headers; i++)
        ok = add_header(response, x, reply->headers[i].name, reply->headers[i].value);
    if (ok && !http_reply_find(reply, "X-Request-Id"))
        ok = add_header(response, x, "X-Request-Id", x->pub.request.id);
    if (ok && reply->status == 426)
        ok = add_header(response, x, "Upgrade", "websocket") &&
             add_header(response, x, "Sec-WebSocket-Version", "13");
    if (ok && x->accept_ranges)
        ok = add_header(response, x, "Accept-Ranges", "bytes");
    if (ok && x->content_range)
        ok = add_header(response, x, "Content-Range", x->content_range);
    return ok && (!x->conn->close || add_header(response, x, "Connection", "close"));
}

bool http_reply_queue(struct http_x *x)
{
    struct http_reply *reply = &x->pub.reply;
    struct MHD_Response *response;
    bool ok;

    if (reply->fd >= 0) {
        response =
            MHD_create_response_from_fd_at_offset64(reply->fd_len, reply->fd, reply->fd_offset);
        if (response)
            reply->fd = -1;
    } else {
        response = MHD_create_response_from_buffer(reply->body_len,
            reply->body ? reply->body : (char[1]){ 0 },
            reply->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_MUST_COPY);
        if (response)
            reply->body = NULL;
    }
    if (!response)
        return false;
    ok = add_headers(response, x) &&
         MHD_queue_response(x->conn->mhd, (unsigned)reply->status, response) == MHD_YES;
    MHD_destroy_response(response);
    return ok;
}

/* --- By hand --- */

static void add_date(struct buf *out)
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm))
        buf_addf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday,
            tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
            tm.tm_sec);
}

static void add_line(struct buf *out, const char *name, const char *value)
{
    if (!strpbrk(value, "\r\n"))
        buf_addf(out, "%s: %s\r\n", name, value);
}

/* Status line and headers, up to the empty line. */
static void add_head(struct buf *out, struct http_x *x, bool stream)
{
    struct http_reply *reply = &x->pub.reply;

    buf_addf(out, "HTTP/1.1 %d %s\r\n", reply->status,
        MHD_get_reason_phrase_for((unsigned)reply->status));
    add_date(out);
    buf_adds(out, "Connection: close\r\n");
    if (stream)
        buf_adds(out, "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                      "X-Accel-Buffering: no\r\n");
    else
        buf_addf(out, "Content-Length: %zu\r\n", reply->body_len);
    if (!stream && reply->content_type)
        add_line(out, "Content-Type", reply->content_type);
    for (size_t i = 0; i < reply->n_headers; i++)
        add_line(out, reply->headers[i].name, reply->headers[i].value);
    if (!http_reply_find(reply, "X-Request-Id"))
        add_line(out, "X-Request-Id", x->pub.request.id);
    buf_adds(out, "\r\n");
}

/*
 * The socket's buffer is empty, as the library has sent all it had before this request, and a refusal
 * is small: what does not fit is not worth waiting for.
 */
bool http_reply_by_hand(struct http_x *x, bool stream)
{
    struct http_reply *reply = &x->pub.reply;
    struct buf head;
    struct iovec iov[2];
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };
    size_t total;
    bool ok = false;

    buf_init(&head, HEAD_MAX);
    add_head(&head, x, stream);
    if (head.failed)
        goto out;
    iov[0] = (struct iovec){ head.data, head.len };
    total = head.len;
    if (!stream && !x->pub.request.head && reply->body) {
        iov[1] = (struct iovec){ reply->body, reply->body_len };
        msg.msg_iovlen = 2;
        total += reply->body_len;
    }
    ok = sendmsg(x->conn->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)total;
out:
    buf_deinit(&head);
    return ok;
}
