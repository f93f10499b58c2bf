/*
 * Any bytes on a connection to a real server, at once or in pieces (the first byte says which). It must answer and close, and never
 * give more answers than there are requests, nor any behind one that is framed badly; the scanner that counts them must see the
 * same whatever the pieces. Ranges and handshakes get the bytes as well.
 */
#include "base/fs.h"
#include "net/http.h"
#include "net/http_wire.h"
#include "net/range.h"
#include "net/ws_handshake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 20, WAIT_MS = 30000, INPUT_MAX = 1 << 16 };

static struct http_server *server;

static void route(void *arg, struct http_exchange *x)
{
    (void)arg;
    x->plan.body = HTTP_BODY_FORM_OR_JSON;
    x->plan.max_body = 4096;
    x->plan.quick = x->request.path[1] == 'q';
}

static void handle(void *arg, struct http_exchange *x)
{
    const struct http_request *r = &x->request;

    (void)arg;
    if (x->plan.refuse == 0 && r->path[0] != '/' && r->path[0] != '*')
        abort();
    (void)http_query(r, "name");
    (void)http_header(r, "Range");
    x->reply.status = x->plan.refuse ? x->plan.refuse : x->body_error.code != ERR_NONE ? 400 : 200;
    x->reply.content_type = "text/plain";
    x->reply.body = strdup("ok");
    x->reply.body_len = 2;
}

static void ws_open(void *arg, const char *path, const char *query, const char *origin,
    const char *host, struct ws_decision *out)
{
    (void)arg;
    (void)path;
    (void)query;
    (void)origin;
    (void)host;
    *out = (struct ws_decision){ .close_code = 4404 };
}

static void stop(void)
{
    http_stop(server, 1000);
}

static void start(void)
{
    static const struct http_app app = { .route = route, .handle = handle, .ws_open = ws_open };
    struct http_config config = { .host = "127.0.0.1",
        .max_watchers = 64,
        .max_connections = 256,
        .threads = 2,
        .headers_ms = 200,
        .body_grace_ms = 200,
        .timeout_s = 1 };
    struct err err = { 0 };

    /* OpenSSL cleans up at the exit in what is registered at its first use: that must come after our threads' end. */
    fs_sha256_end(fs_sha256_new(), NULL);
    if (!http_start(&config, &app, &server, &err) || atexit(stop) != 0)
        abort();
}

/* libFuzzer's clock is a signal, which may come in the middle of any call that waits. */
static bool wait_for(int fd, short events)
{
    struct pollfd ready = { .fd = fd, .events = events };

    return TEMP_FAILURE_RETRY(poll(&ready, 1, WAIT_MS)) > 0;
}

static int dial(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(http_port(server)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0 &&
                      (errno != EINTR || !wait_for(fd, POLLOUT))))
        abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* What the server says until it closes. */
static char *ask(const char *p, size_t n, size_t step)
{
    char *out = malloc(OUT_MAX);
    size_t len = 0;
    int fd = dial();

    if (!out)
        abort();
    for (size_t at = 0; at < n; at += step) {
        size_t piece = n - at < step ? n - at : step;

        if (TEMP_FAILURE_RETRY(send(fd, p + at, piece, MSG_NOSIGNAL)) <= 0)
            break; /* It has refused and closed. */
    }
    shutdown(fd, SHUT_WR);
    for (;;) {
        ssize_t got;

        if (!wait_for(fd, POLLIN))
            abort(); /* It hangs. */
        got = TEMP_FAILURE_RETRY(recv(fd, out + len, OUT_MAX - 1 - len, 0));
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    close(fd);
    out[len] = '\0';
    return out;
}

static uint64_t count_answers(const char *text)
{
    uint64_t n = 0;

    for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")); at += 9)
        n += strncmp(at + 9, "100 ", 4) != 0;
    return n;
}

static struct wire scan(const char *p, size_t n, size_t step)
{
    struct wire w = { 0 };
    char *copy = malloc(n + 1);

    if (!copy)
        abort();
    memcpy(copy, p, n);
    for (size_t at = 0; at < n; at += step) {
        if (!wire_see(&w, copy + at, n - at < step ? n - at : step))
            break;
    }
    free(copy);
    return w;
}

static void others(const char *text, size_t n)
{
    static const uint64_t sizes[] = { 0, 1, 1000, UINT64_MAX };
    struct ws_handshake handshake = {
        .upgrade = text, .connection = "upgrade", .version = "13", .key = text
    };
    uint64_t first, len;
    char accept[32];

    (void)range_none_match(text, "\"v1\"");
    (void)range_if_range(text, "\"v1\"", NULL);
    (void)ws_handshake_asked(&handshake);
    (void)ws_handshake_answer(&handshake, accept);
    for (size_t i = 0; i < ARRAY_LEN(sizes) && n < 200; i++) {
        if (range_parse(text, sizes[i], &first, &len) == RANGE_PART &&
            (len == 0 || first >= sizes[i] || len > sizes[i] - first))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data + 1;
    size_t n = size - 1, step;
    struct wire whole, pieces;
    char *text;

    if (size == 0 || size > INPUT_MAX)
        return 0;
    if (!server)
        start();
    step = data[0] % 2 ? (size_t)data[0] % 16 + 1 : n + 1;
    whole = scan(p, n, n + 1);
    pieces = scan(p, n, 1);
    if (!pieces.cut && (whole.bad != pieces.bad || whole.request != pieces.request))
        abort();
    text = ask(p, n, step);
    if (count_answers(text) > (whole.bad ? whole.bad : whole.request))
        abort();
    free(text);
    text = malloc(n + 1);
    if (!text)
        abort();
    memcpy(text, p, n);
    text[n] = '\0';
    others(text, n);
    free(text);
    return 0;
}
