/*
 * Connections: how many from where, and how long they may keep us waiting.
 *
 * The library's time-outs start anew with every byte, so a client that sends one byte a second
 * would hold its connection for ever. Here each thing awaited has a deadline of its own:
 *
 *   REQUEST ─request line─▶ HEADERS ─handler called─▶ BODY ─complete─▶ US ─reply sent─▶ REQUEST
 *
 * A connection that misses it is shut down at the socket, which the library takes for the client's doing.
 */

#include "net/http_int.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    DRAIN_BYTES = 1 << 20, /* Of a lingering socket at one go. */
    PEEK_MS = 1000,        /* How often to look for clients that are gone: in a request, ... */
    PEEK_IDLE_MS = 30000   /* ... and between requests. */
};

/* --- Addresses --- */

/* The 16 bytes of an address; IPv4 mapped. False for other families. */
static bool addr_bytes(const struct sockaddr *addr, unsigned char out[16], bool *loopback)
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

    if (addr->sa_family == AF_INET) {
        memcpy(out, mapped, 12);
        memcpy(out + 12, &((const struct sockaddr_in *)addr)->sin_addr, 4);
    } else if (addr->sa_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)addr)->sin6_addr, 16);
    } else {
        return false;
    }
    *loopback =
        memcmp(out, mapped, 12) == 0 ? out[12] == 127 : memcmp(out, &in6addr_loopback, 16) == 0;
    return true;
}

static struct http_addr **find_addr(struct http_server *s, const unsigned char bytes[16])
{
    uint32_t hash = 2166136261u;
    struct http_addr **at;

    for (int i = 0; i < 16; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    at = &s->addrs[hash % HTTP_ADDR_BUCKETS];
    while (*at && memcmp((*at)->bytes, bytes, 16) != 0)
        at = &(*at)->next;
    return at;
}

static bool counts(const struct http_server *s, bool loopback)
{
    return !loopback || s->config.limit_loopback;
}

enum MHD_Result http_conn_admit(void *arg, const struct sockaddr *addr, socklen_t len)
{
    struct http_server *s = ((struct http_port *)arg)->server;
    unsigned char bytes[16];
    bool loopback;
    struct http_addr *found;

    (void)len;
    if (!addr_bytes(addr, bytes, &loopback) || !counts(s, loopback))
        return MHD_YES;
    found = *find_addr(s, bytes);
    return found && found->n >= s->config.max_per_address ? MHD_NO : MHD_YES;
}

static void addr_take(struct http_conn *conn, const struct sockaddr *addr)
{
    unsigned char bytes[16];
    bool loopback;
    struct http_addr **at;

    if (!addr_bytes(addr, bytes, &loopback) || !counts(conn->server, loopback))
        return;
    at = find_addr(conn->server, bytes);
    if (!*at) {
        *at = calloc(1, sizeof **at);
        if (!*at)
            return; /* Not counted, so not limited: better than to turn it away. */
        memcpy((*at)->bytes, bytes, 16);
    }
    (*at)->n++;
    conn->addr = *at;
}

void http_conn_give_addr(struct http_server *s, struct http_addr *addr)
{
    if (!addr || --addr->n > 0)
        return;
    *find_addr(s, addr->bytes) = addr->next;
    free(addr);
}

void http_conn_free_addrs(struct http_server *s)
{
    for (size_t i = 0; i < HTTP_ADDR_BUCKETS; i++) {
        while (s->addrs[i]) {
            struct http_addr *addr = s->addrs[i];

            s->addrs[i] = addr->next;
            free(addr);
        }
    }
}

/* --- Life --- */

static void client_text(const struct sockaddr *addr, char *out, socklen_t size)
{
    const void *p;

    if (addr->sa_family == AF_UNIX) {
        memcpy(out, "local", 6);
        return;
    }
    p = addr->sa_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr
                                    : (const void *)&((const struct sockaddr_in *)addr)->sin_addr;

    if (!inet_ntop(addr->sa_family, p, out, size))
        memcpy(out, "unknown", 8);
}

static void reap_conn(struct http_source *source)
{
    free(source); /* It is the connection's first member. */
}

static void conn_started(struct http_port *port, struct MHD_Connection *mhd, void **context)
{
    struct http_server *s = port->server;
    struct http_conn *conn = calloc(1, sizeof *conn);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *addr =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    *context = conn; /* NULL: its first request is closed. */
    if (!conn)
        return;
    conn->source.reap = reap_conn;
    conn->server = s;
    conn->port = port;
    conn->mhd = mhd;
    conn->fd = fd->connect_fd;
    client_text(addr->client_addr, conn->client, sizeof conn->client);
    addr_take(conn, addr->client_addr);
    conn->await = AWAIT_HEADERS; /* The first request has to come at once. */
    conn->deadline_ns = s->now_ns + s->config.headers_ms * NS_PER_MS;
    conn->next = s->conns;
    if (s->conns)
        s->conns->prev = conn;
    s->conns = conn;
    s->n_conns++;
    http_tap_add(s, conn);
    if (http_stopping(s))
        shutdown(conn->fd, SHUT_RDWR);
}

void http_conn_notify(
    void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
    struct http_port *port = arg;
    struct http_server *s = port->server;
    struct http_conn *conn = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_started(port, mhd, context);
        return;
    }
    if (!conn)
        return;
    http_tap_remove(s, conn);
    http_conn_give_addr(s, conn->addr);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        s->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    s->n_conns--;
    *context = NULL;
    http_source_kill(s, &conn->source, -1);
}

struct http_conn *http_conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

void http_conn_suspend(struct http_conn *conn)
{
    MHD_suspend_connection(conn->mhd);
}

void http_conn_resume(struct http_conn *conn)
{
    MHD_resume_connection(conn->mhd);
    conn->port->due = true;
}

/* --- Deadlines --- */

void http_conn_await(struct http_conn *conn, enum http_await what)
{
    const struct http_config *c = &conn->server->config;
    int64_t now = conn->server->now_ns;

    conn->await = what;
    conn->peek_ns = now + HTTP_TICK_MS * NS_PER_MS;
    switch (what) {
    case AWAIT_REQUEST:
        conn->deadline_ns = now + c->timeout_s * 1000 * NS_PER_MS;
        break;
    case AWAIT_HEADERS:
        conn->deadline_ns = now + c->headers_ms * NS_PER_MS;
        break;
    case AWAIT_BODY:
        conn->deadline_ns = now + c->body_grace_ms * NS_PER_MS;
        conn->body_since_ns = now;
        conn->body_bytes = 0;
        break;
    case AWAIT_US:
        conn->deadline_ns = 0;
        break;
    case AWAIT_LINGER:
        conn->deadline_ns = now + HTTP_LINGER_MS * NS_PER_MS;
        break;
    }
}

void http_conn_pause_body(struct http_conn *conn)
{
    conn->paused_ns = conn->server->now_ns;
    conn->await = AWAIT_US;
}

void http_conn_go_on_body(struct http_conn *conn)
{
    int64_t pause = conn->server->now_ns - conn->paused_ns;

    conn->await = AWAIT_BODY;
    conn->body_since_ns += pause;
    conn->deadline_ns += pause;
}

static bool body_is_slow(const struct http_conn *conn)
{
    int64_t seconds = (conn->server->now_ns - conn->body_since_ns) / (1000 * NS_PER_MS);

    return conn->body_bytes < (uint64_t)(seconds > 0 ? seconds : 1) * HTTP_MIN_RATE;
}

/*
 * Has the client closed, everything it sent having been read? The library can miss an end that comes together with
 * the last bytes, and would then keep the connection until it times out.
 */
static bool client_is_gone(struct http_conn *conn)
{
    int64_t now = conn->server->now_ns;
    char byte;

    if (now < conn->peek_ns)
        return false;
    conn->peek_ns = now + (conn->await == AWAIT_REQUEST ? PEEK_IDLE_MS : PEEK_MS) * NS_PER_MS;
    return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void linger_end(struct http_conn *conn)
{
    epoll_ctl(conn->server->epoll_fd, EPOLL_CTL_DEL, conn->fd, NULL);
    conn->source.ready = NULL;
    shutdown(conn->fd, SHUT_RDWR);
    http_conn_await(conn, AWAIT_US);
    http_conn_resume(conn); /* The exchange is ours, so its handler closes. */
}

/* Late, or gone. */
static bool is_lost(struct http_conn *conn)
{
    bool late = conn->server->now_ns >= conn->deadline_ns;

    if (late && conn->await == AWAIT_BODY)
        late = body_is_slow(conn);
    return late || client_is_gone(conn);
}

void http_conn_tick(struct http_server *s)
{
    struct http_conn *conn, *next;

    for (conn = s->conns; conn; conn = next) {
        next = conn->next;
        if (conn->await == AWAIT_US || conn->deadline_ns == 0)
            continue;
        if (conn->await == AWAIT_LINGER) {
            if (s->now_ns >= conn->deadline_ns)
                linger_end(conn);
        } else if (is_lost(conn)) {
            conn->deadline_ns = 0;
            shutdown(conn->fd, SHUT_RDWR);
        }
    }
}

/* --- Lingering --- */

static void drain(struct http_source *source, uint32_t events)
{
    struct http_conn *conn = (struct http_conn *)source;
    char waste[16 << 10];
    size_t drained = 0;
    ssize_t n = 0;

    (void)events;
    while (drained < DRAIN_BYTES) {
        n = recv(conn->fd, waste, sizeof waste, MSG_DONTWAIT);
        if (n <= 0)
            break;
        drained += (size_t)n;
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        linger_end(conn);
}

void http_conn_linger(struct http_conn *conn)
{
    http_conn_await(conn, AWAIT_LINGER);
    shutdown(conn->fd, SHUT_WR);
    conn->source.ready = drain;
    if (http_stopping(conn->server) ||
        !http_source_add(conn->server, &conn->source, conn->fd, EPOLLIN | EPOLLRDHUP))
        linger_end(conn);
}

/* --- Stopping --- */

void http_conn_close_idle(struct http_server *s, bool hard)
{
    struct http_conn *conn, *next;

    for (conn = s->conns; conn; conn = next) {
        next = conn->next;
        conn->close = true;
        if (conn->watcher) /* Told by http_watch_close_all(). */
            continue;
        if (conn->await == AWAIT_LINGER && hard)
            linger_end(conn);
        else if (!conn->x || hard)
            shutdown(conn->fd, SHUT_RDWR);
    }
}
