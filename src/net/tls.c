/*
 * The thread that speaks TLS.
 *
 *   SHAKING ─handshake done─▶ OPEN ─one side has ended and all is sent─▶ CLOSING ─▶ gone
 *
 * Bytes go through one buffer of the thread; only what the receiver does not take at once is kept with the
 * connection, and until it is taken nothing more is read from the sender. So each direction
 * is slowed down by its receiver, and an idle connection costs no buffers.
 */

#include "net/tls.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/tls_context.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ERR_STATE OPENSSL_ERR_STATE /* A name of ours, too. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#undef ERR_STATE

#define NS_PER_MS INT64_C(1000000)

enum {
    CHUNK = 16 << 10, /* One record of TLS. */
    EVENTS = 128,
    TURNS = 16, /* Chunks of one connection at a time. */
    TICK_MS = 500,
    SHAKE_MS = 10000, /* For a handshake. */
    CLOSE_MS = 11000, /* For the client to close after us: longer than the server reads on. */
    END_MS = 1000,
    SHAKES = 64, /* Handshakes with one address at the same time. */
    LISTENERS = 2
};

/* Bytes that their receiver has not taken yet. */
struct rest {
    char *data;
    size_t at, len;
};

enum tls_kind { KIND_WAKE, KIND_LISTENER, KIND_CLIENT, KIND_PLAIN };

/* What an event is about: it lies in what it belongs to. */
struct source {
    enum tls_kind kind;
    uint32_t events; /* Asked for; 0: not in the set. */
};

struct listener {
    struct source source;
    int fd;
    tls_accepted_fn *accepted;
    void *arg;
};

struct conn {
    struct source client, plain;
    struct conn *prev, *next, *next_dead;
    struct listener *from;
    SSL *ssl;
    int client_fd, plain_fd;
    struct rest in, out; /* To the server; to the client. */
    bool shaking, dead;
    bool client_ended, plain_ended, told_plain, told_client;
    bool ssl_wants_out;  /* TLS cannot go on before it has written. */
    int64_t deadline_ns; /* 0: none. */
    socklen_t addr_len;
    struct sockaddr_storage addr;
};

struct tls {
    const char *certificate, *key;
    uint32_t max, n;
    pthread_t thread;
    bool started;
    int epoll_fd, wake_fd;
    struct source wake;
    pthread_mutex_t lock; /* Of ctx. */
    SSL_CTX *ctx;
    struct listener listeners[LISTENERS];
    size_t n_listeners;
    struct conn *conns, *dead;
    atomic_int quiesce, end;
    int64_t now_ns, tick_ns;
    char chunk[CHUNK];
};

/* --- The certificate --- */

bool tls_reload(struct tls *tls, struct err *err)
{
    SSL_CTX *fresh = NULL, *old;

    if (!tls_context_load(tls->certificate, tls->key, &fresh, err))
        return false;
    pthread_mutex_lock(&tls->lock);
    old = tls->ctx;
    tls->ctx = fresh;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old); /* Connections that use it keep it. */
    return true;
}

/* --- Events --- */

/* Have the set give what is wanted of a descriptor, and no more. */
static void want(struct tls *tls, struct source *source, int fd, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = source };

    if (source->events == events)
        return;
    epoll_ctl(tls->epoll_fd,
        !source->events ? EPOLL_CTL_ADD
        : events        ? EPOLL_CTL_MOD
                        : EPOLL_CTL_DEL,
        fd, &ev);
    source->events = events;
}

static void kill_conn(struct tls *tls, struct conn *c)
{
    if (c->dead)
        return;
    c->dead = true;
    want(tls, &c->client, c->client_fd, 0);
    want(tls, &c->plain, c->plain_fd, 0);
    close(c->client_fd);
    if (c->plain_fd >= 0)
        close(c->plain_fd);
    SSL_free(c->ssl);
    free(c->in.data);
    free(c->out.data);
    if (c->prev)
        c->prev->next = c->next;
    else
        tls->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    tls->n--;
    c->next_dead = tls->dead; /* An event for it may lie in the batch at hand. */
    tls->dead = c;
}

static void reap(struct tls *tls)
{
    while (tls->dead) {
        struct conn *c = tls->dead;

        tls->dead = c->next_dead;
        free(c);
    }
}

/* --- Carrying --- */

static bool keep(struct rest *rest, const char *p, size_t n)
{
    rest->data = malloc(n);
    if (!rest->data)
        return false;
    memcpy(rest->data, p, n);
    rest->at = 0;
    rest->len = n;
    return true;
}

static void taken(struct rest *rest, size_t n)
{
    rest->at += n;
    if (rest->at < rest->len)
        return;
    free(rest->data);
    *rest = (struct rest){ 0 };
}

/* Bytes given to the server's end, 0 when it takes none now, -1 when it is gone. */
static ssize_t to_plain(struct conn *c, const char *p, size_t n)
{
    ssize_t done = send(c->plain_fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (done >= 0)
        return done;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* The same to and from the client. */
static ssize_t ssl_outcome(struct conn *c, int rc)
{
    int why = SSL_get_error(c->ssl, rc);

    ERR_clear_error();
    c->ssl_wants_out = why == SSL_ERROR_WANT_WRITE;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t to_client(struct conn *c, const char *p, size_t n)
{
    int rc = SSL_write(c->ssl, p, (int)n);

    if (rc <= 0)
        return ssl_outcome(c, rc);
    c->ssl_wants_out = false;
    return rc;
}

/* One chunk from the client towards the server. False: the connection is over; *moved: try again. */
static bool carry_in(struct tls *tls, struct conn *c, bool *moved)
{
    ssize_t done;
    int n;

    if (c->in.len) {
        done = to_plain(c, c->in.data + c->in.at, c->in.len - c->in.at);
        if (done < 0)
            return false;
        taken(&c->in, (size_t)done);
        *moved = *moved || done > 0;
        if (c->in.len)
            return true;
    }
    if (c->client_ended) {
        if (!c->told_plain)
            shutdown(c->plain_fd, SHUT_WR);
        c->told_plain = true;
        return true;
    }
    n = SSL_read(c->ssl, tls->chunk, CHUNK);
    if (n <= 0) {
        if (SSL_get_error(c->ssl, n) != SSL_ERROR_ZERO_RETURN)
            return ssl_outcome(c, n) == 0;
        c->client_ended = *moved = true;
        return true;
    }
    *moved = true;
    done = to_plain(c, tls->chunk, (size_t)n);
    return done >= 0 && (done == n || keep(&c->in, tls->chunk + done, (size_t)(n - done)));
}

static bool carry_out(struct tls *tls, struct conn *c, bool *moved)
{
    ssize_t n, done;

    if (c->out.len) {
        done = to_client(c, c->out.data + c->out.at, c->out.len - c->out.at);
        if (done < 0)
            return false;
        taken(&c->out, (size_t)done);
        *moved = *moved || done > 0;
        if (c->out.len)
            return true;
    }
    if (c->plain_ended) {
        if (!c->told_client) {
            (void)SSL_shutdown(c->ssl);
            ERR_clear_error();
            shutdown(c->client_fd, SHUT_WR);
            c->deadline_ns = tls->now_ns + CLOSE_MS * NS_PER_MS;
        }
        c->told_client = true;
        return !c->client_ended;
    }
    n = recv(c->plain_fd, tls->chunk, CHUNK, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno == ECONNRESET)) {
        c->plain_ended = *moved = true;
        return true;
    }
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    *moved = true;
    done = to_client(c, tls->chunk, (size_t)n);
    return done >= 0 && (done == n || keep(&c->out, tls->chunk + done, (size_t)(n - done)));
}

static bool shake(struct tls *tls, struct conn *c);

/* Carry what can be carried, then wait for what is missing. */
static void go_on(struct tls *tls, struct conn *c)
{
    uint32_t client = 0, plain = 0;
    bool moved = true;

    if (c->shaking && !shake(tls, c)) {
        kill_conn(tls, c);
        return;
    }
    for (int i = 0; i < TURNS && moved && !c->shaking; i++) {
        moved = false;
        if (!carry_in(tls, c, &moved) || !carry_out(tls, c, &moved)) {
            kill_conn(tls, c);
            return;
        }
    }
    if (c->shaking || (!c->client_ended && !c->in.len))
        client |= EPOLLIN;
    if (moved) /* There may be more in the library's hands, of which the set knows nothing. */
        client |= EPOLLOUT;
    if (c->ssl_wants_out || c->out.len)
        client |= EPOLLOUT;
    if (!c->shaking && !c->plain_ended && !c->out.len)
        plain |= EPOLLIN;
    if (c->in.len)
        plain |= EPOLLOUT;
    want(tls, &c->client, c->client_fd, client);
    if (c->plain_fd >= 0)
        want(tls, &c->plain, c->plain_fd, plain);
}

/* --- Beginning --- */

/* False: it failed. When it is done, the server gets its end. */
static bool shake(struct tls *tls, struct conn *c)
{
    int pair[2], rc = SSL_accept(c->ssl);

    (void)tls;
    if (rc != 1)
        return ssl_outcome(c, rc) == 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    c->shaking = c->ssl_wants_out = false;
    c->deadline_ns = 0;
    c->plain_fd = pair[0];
    c->from->accepted(c->from->arg, pair[1], (struct sockaddr *)&c->addr, c->addr_len);
    return true;
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr *b)
{
    if (a->ss_family != b->sa_family)
        return false;
    if (b->sa_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return b->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
               &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

/* After the handshake the limit of the server counts (access.max_connections_per_address). */
static bool may_begin(const struct tls *tls, const struct sockaddr *addr)
{
    unsigned n = 0;

    for (const struct conn *c = tls->conns; c && n < SHAKES; c = c->next)
        n += c->shaking && same_address(&c->addr, addr);
    return tls->n < tls->max && n < SHAKES;
}

static void begin(
    struct tls *tls, struct listener *from, int fd, const struct sockaddr *addr, socklen_t len)
{
    struct conn *c = may_begin(tls, addr) ? calloc(1, sizeof *c) : NULL;
    int on = 1;

    if (!c) {
        close(fd);
        return;
    }
    pthread_mutex_lock(&tls->lock);
    c->ssl = SSL_new(tls->ctx);
    pthread_mutex_unlock(&tls->lock);
    if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1) {
        SSL_free(c->ssl);
        free(c);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->client.kind = KIND_CLIENT;
    c->plain.kind = KIND_PLAIN;
    c->from = from;
    c->client_fd = fd;
    c->plain_fd = -1;
    c->shaking = true;
    c->deadline_ns = tls->now_ns + SHAKE_MS * NS_PER_MS;
    memcpy(&c->addr, addr, len);
    c->addr_len = len;
    c->next = tls->conns;
    if (c->next)
        c->next->prev = c;
    tls->conns = c;
    tls->n++;
    go_on(tls, c);
}

static void accept_all(struct tls *tls, struct listener *from)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    int fd;

    for (int i = 0; i < EVENTS; i++, len = sizeof addr) {
        fd = accept4(from->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        begin(tls, from, fd, (struct sockaddr *)&addr, len);
    }
}

/* --- The thread --- */

static void happened(struct tls *tls, struct source *source, uint32_t events)
{
    struct conn *c;
    uint64_t n;

    switch (source->kind) {
    case KIND_WAKE:
        if (read(tls->wake_fd, &n, sizeof n) < 0)
            errno = 0;
        return;
    case KIND_LISTENER:
        accept_all(tls, (struct listener *)source);
        return;
    case KIND_CLIENT:
        c = (struct conn *)source;
        break;
    default:
        c = (struct conn *)((char *)source - offsetof(struct conn, plain));
        break;
    }
    if (c->dead)
        return;
    if (source->kind == KIND_CLIENT && (events & EPOLLERR)) {
        kill_conn(tls, c);
        return;
    }
    go_on(tls, c);
}

static void stop_listening(struct tls *tls)
{
    for (size_t i = 0; i < tls->n_listeners; i++) {
        if (tls->listeners[i].fd < 0)
            continue;
        want(tls, &tls->listeners[i].source, tls->listeners[i].fd, 0);
        close(tls->listeners[i].fd);
        tls->listeners[i].fd = -1;
    }
}

static void tick(struct tls *tls)
{
    struct conn *c, *next;

    for (c = tls->conns; c; c = next) {
        next = c->next;
        if (c->deadline_ns && tls->now_ns >= c->deadline_ns)
            kill_conn(tls, c);
    }
    tls->tick_ns = tls->now_ns + TICK_MS * NS_PER_MS;
}

static void *loop(void *arg)
{
    struct tls *tls = arg;
    struct epoll_event events[EVENTS];
    int64_t end_ns = 0;

    for (;;) {
        int n = epoll_wait(tls->epoll_fd, events, EVENTS, tls->n || end_ns ? TICK_MS / 5 : -1);

        tls->now_ns = clock_mono_ns();
        for (int i = 0; i < n; i++)
            happened(tls, events[i].data.ptr, events[i].events);
        if (tls->now_ns >= tls->tick_ns)
            tick(tls);
        reap(tls);
        if (atomic_load(&tls->quiesce))
            stop_listening(tls);
        if (atomic_load(&tls->end) && !end_ns)
            end_ns = tls->now_ns + END_MS * NS_PER_MS;
        if (end_ns && (tls->n == 0 || tls->now_ns >= end_ns))
            return NULL;
    }
}

static void wake(struct tls *tls)
{
    uint64_t one = 1;

    if (write(tls->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        log_write(LOG_ERROR, "cannot wake the thread of TLS", NULL);
}

/* --- Start and stop --- */

bool tls_new(const char *certificate, const char *key, uint32_t max_connections, struct tls **out,
    struct err *err)
{
    struct tls *tls = calloc(1, sizeof *tls);

    if (!tls)
        return err_nomem(err);
    tls->certificate = certificate;
    tls->key = key;
    tls->max = max_connections;
    tls->now_ns = clock_mono_ns();
    tls->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    tls->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&tls->lock, NULL);
    if (tls->epoll_fd < 0 || tls->wake_fd < 0) {
        err_errno(err, errno, "the sockets of TLS");
        tls_free(tls);
        return false;
    }
    if (!tls_context_load(certificate, key, &tls->ctx, err)) {
        tls_free(tls);
        return false;
    }
    tls->wake.kind = KIND_WAKE;
    want(tls, &tls->wake, tls->wake_fd, EPOLLIN);
    *out = tls;
    return true;
}

bool tls_listen(
    struct tls *tls, int listen_fd, tls_accepted_fn *accepted, void *arg, struct err *err)
{
    struct listener *l = &tls->listeners[tls->n_listeners];

    if (tls->n_listeners == LISTENERS) {
        close(listen_fd);
        return err_set(err, ERR_INTERNAL, "too many ports");
    }
    *l = (struct listener){ { KIND_LISTENER, 0 }, listen_fd, accepted, arg };
    tls->n_listeners++;
    want(tls, &l->source, l->fd, EPOLLIN);
    return true;
}

bool tls_start(struct tls *tls, struct err *err)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(
        SIG_SETMASK, &all, &old); /* SIGPIPE with the rest: the library writes without asking. */
    rc = pthread_create(&tls->thread, NULL, loop, tls);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    tls->started = rc == 0;
    return tls->started || err_set(err, ERR_NOMEM, "cannot start the thread of TLS");
}

void tls_quiesce(struct tls *tls)
{
    atomic_store(&tls->quiesce, 1);
    wake(tls);
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    if (tls->started) {
        atomic_store(&tls->end, 1);
        tls_quiesce(tls);
        pthread_join(tls->thread, NULL);
    }
    stop_listening(tls);
    while (tls->conns)
        kill_conn(tls, tls->conns);
    reap(tls);
    SSL_CTX_free(tls->ctx);
    if (tls->epoll_fd >= 0)
        close(tls->epoll_fd);
    if (tls->wake_fd >= 0)
        close(tls->wake_fd);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}
