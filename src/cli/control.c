/*
 * One request to the control socket: HTTP, the connection closed after the reply, so that its end is the end of the reply.
 */

#include "cli/control.h"

#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { REPLY_MAX = 64 << 20, WAIT_SECONDS = 60 };

/* -1: nobody is there. Through a descriptor of the folder, as the path of a socket may have 107 bytes only. */
static int reach(const char *folder)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct timeval wait = { .tv_sec = WAIT_SECONDS };
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

    if (dir < 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(addr.sun_path, sizeof addr.sun_path, "/proc/self/fd/%d/" CONTROL_SOCKET, dir);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        close(fd);
        fd = -1;
    }
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    close(dir);
    return fd;
}

static bool send_all(int fd, const struct buf *text)
{
    size_t at = 0;

    while (at < text->len) {
        ssize_t n = send(fd, text->data + at, text->len - at, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool send_request(int fd, const char *method, const char *path, const struct json *body)
{
    struct buf text, content;
    bool ok;

    buf_init(&content, REPLY_MAX);
    buf_init(&text, REPLY_MAX);
    if (body)
        json_write(body, false, &content);
    buf_addf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method, path);
    if (body)
        buf_addf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", content.len);
    buf_adds(&text, "\r\n");
    buf_add(&text, content.data ? content.data : "", content.len);
    ok = !text.failed && !content.failed && send_all(fd, &text);
    buf_deinit(&text);
    buf_deinit(&content);
    return ok;
}

static bool read_reply(int fd, struct buf *out)
{
    char chunk[16 << 10];
    ssize_t n;

    while ((n = recv(fd, chunk, sizeof chunk, 0)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        buf_add(out, chunk, (size_t)n);
    }
    return !out->failed;
}

static enum err_code code_of(int64_t status)
{
    return status == 404   ? ERR_NOT_FOUND
           : status == 422 ? ERR_ARG
           : status == 409 ? ERR_STATE
                           : ERR_BUSY;
}

static bool take_data(const struct buf *reply, struct json **data, struct err *err)
{
    const char *text = reply->len ? strstr(reply->data, "\r\n\r\n") : NULL;
    struct json *envelope;
    int64_t status;

    if (!text ||
        !json_parse(text + 4, reply->len - (size_t)(text + 4 - reply->data), &envelope, err))
        return err_set(err, ERR_IO, "the running server's reply cannot be read");
    status = json_get_int(envelope, "status_code", 0);
    if (status >= 200 && status < 300)
        *data = json_ref(json_get(envelope, "data"));
    else
        err_set(err, code_of(status), "%s",
            json_get_string(envelope, "message") ? json_get_string(envelope, "message") : "?");
    json_free(envelope);
    return status >= 200 && status < 300;
}

bool control_call(const char *folder, const char *method, const char *path, const struct json *body,
    bool *found, struct json **data, struct err *err)
{
    int fd = reach(folder);
    struct buf reply;
    bool ok;

    *found = fd >= 0;
    if (fd < 0)
        return true;
    buf_init(&reply, REPLY_MAX);
    ok = (send_request(fd, method, path, body) && read_reply(fd, &reply)) ||
         err_set(err, ERR_IO, "the running server does not answer");
    if (ok) {
        buf_addc(&reply, '\0');
        reply.len -= reply.len > 0;
        ok = take_data(&reply, data, err);
    }
    buf_deinit(&reply);
    close(fd);
    return ok;
}
