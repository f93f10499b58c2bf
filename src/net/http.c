/*
 * The server: sockets, the loop, and messages to the loop.
 *
 *   epoll ─┬─ the library's epoll descriptor, one a port ─▶ MHD_run()
 *          ├─ eventfd ─▶ messages: exchanges and jobs that come back from the pool, publications, stop
 *          └─ sockets that are ours: WebSockets, event streams, early refusals
 *
 * Stopping: the ports are closed, watchers told, idle connections closed; the loop goes on
 * until all connections are gone or the grace is over, then cuts the rest, waits for what is
 * lent to the pool, and ends.
 */

#include "net/http_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/tls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EVENTS = 256, DEFAULT_THREADS = 8, BURST = 8, SPARE_FDS = 256 };

/* --- Messages --- */

void http_post(struct http_server *s, struct http_msg *msg)
{
    uint64_t one = 1;
    bool signal;

    msg->next = NULL;
    pthread_mutex_lock(&s->mail_lock);
    *s->mail_tail = msg;
    s->mail_tail = &msg->next;
    signal = !s->mail_signalled;
    s->mail_signalled = true;
    pthread_mutex_unlock(&s->mail_lock);
    /* An eventfd that is full is one that is readable. */
    if (signal && write(s->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        log_write(LOG_ERROR, "cannot wake the network thread", NULL);
}

static void read_mail(struct http_server *s)
{
    struct http_msg *msg, *next;

    pthread_mutex_lock(&s->mail_lock);
    msg = s->mail;
    s->mail = NULL;
    s->mail_tail = &s->mail;
    s->mail_signalled = false;
    pthread_mutex_unlock(&s->mail_lock);
    for (; msg; msg = next) {
        next = msg->next;
        msg->run(s, msg);
    }
}

static void woken(struct http_source *source, uint32_t events)
{
    struct http_server *s =
        (struct http_server *)((char *)source - offsetof(struct http_server, wake));
    uint64_t n;

    (void)events;
    if (read(s->wake_fd, &n, sizeof n) < 0 && errno != EAGAIN)
        log_write(LOG_ERROR, "the network thread's wake-up is broken", NULL);
}

/* --- Sources --- */

bool http_source_add(struct http_server *s, struct http_source *source, int fd, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = source };

    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

void http_source_kill(struct http_server *s, struct http_source *source, int fd)
{
    if (fd >= 0)
        epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    source->ready = NULL; /* An event for it may lie in the batch at hand. */
    source->next_dead = s->dead;
    s->dead = source;
}

static void reap(struct http_server *s)
{
    struct http_source *source;

    while ((source = s->dead)) {
        s->dead = source->next_dead;
        source->reap(source);
    }
}

/* --- The loop --- */

static void stop_begin(struct http_server *s, struct http_msg *msg)
{
    (void)msg;
    s->stop_by_ns = s->now_ns + s->grace_ms * NS_PER_MS;
    http_port_quiesce(s);
    http_watch_close_all(s, false);
    http_conn_close_idle(s, false);
}

/* One step of stopping; true when the loop may end. */
static bool stop_step(struct http_server *s)
{
    if (s->now_ns >= s->stop_by_ns) {
        http_watch_close_all(s, true);
        http_conn_close_idle(s, true);
    }
    return s->n_conns == 0 && s->lent == 0 && !s->watchers;
}

static int wait_ms(struct http_server *s)
{
    int64_t wait = -1, left = (s->next_tick_ns - s->now_ns) / NS_PER_MS + 1;
    int help = http_pool_help(s->pool, s->now_ns);

    if (s->n_conns > 0 || s->watchers || http_stopping(s))
        wait = left > 0 ? left : 0;
    if (http_stopping(s) && s->stop_by_ns > s->now_ns &&
        (s->stop_by_ns - s->now_ns) / NS_PER_MS < wait)
        wait = (s->stop_by_ns - s->now_ns) / NS_PER_MS + 1;
    if (help >= 0 && (wait < 0 || help < wait))
        wait = help;
    for (size_t i = 0; i < s->n_ports; i++) {
        MHD_UNSIGNED_LONG_LONG ms;

        if (MHD_get_timeout(s->ports[i].daemon, &ms) != MHD_YES)
            continue;
        if (ms == 0)
            s->ports[i].due = true;
        if (wait < 0 || ms < (MHD_UNSIGNED_LONG_LONG)wait)
            wait = (int64_t)ms;
    }
    return (int)(wait > 60000 ? 60000 : wait);
}

static void tick(struct http_server *s)
{
    http_conn_tick(s);
    http_watch_tick(s);
    for (size_t i = 0; i < s->n_ports; i++)
        s->ports[i].due = true; /* The library's own time-outs. */
    s->next_tick_ns = s->now_ns + HTTP_TICK_MS * NS_PER_MS;
}

static void *loop(void *arg)
{
    struct http_server *s = arg;
    struct epoll_event events[EVENTS];

    for (;;) {
        int n = epoll_wait(s->epoll_fd, events, EVENTS, wait_ms(s));

        s->now_ns = clock_mono_ns();
        for (int i = 0; i < n; i++) {
            struct http_source *source = events[i].data.ptr;

            if (source->ready)
                source->ready(source, events[i].events);
        }
        read_mail(s);
        if (s->now_ns >= s->next_tick_ns)
            tick(s);
        for (size_t i = 0; i < s->n_ports; i++) {
            if (s->ports[i].due) {
                s->ports[i].due = false;
                http_tap_run(s, s->ports[i].daemon);
            }
        }
        http_watch_flush(s);
        reap(s);
        if (http_stopping(s) && stop_step(s))
            break;
    }
    return NULL;
}

/* --- Start and stop --- */

/* Every connection is a descriptor: raise the soft limit as far as it has to go and may. */
static void raise_fd_limit(uint32_t connections)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)connections + SPARE_FDS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return;
    limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < want)
        log_write(
            LOG_WARNING, "fewer connections than configured: the limit of open files is low", NULL);
}

static void defaults(struct http_config *c)
{
    if (c->threads == 0)
        c->threads = DEFAULT_THREADS;
    if (c->max_connections < c->max_watchers + 64)
        c->max_connections = c->max_watchers + 64; /* Watchers must not shut out requests. */
    if (c->headers_ms == 0)
        c->headers_ms = 10000;
    if (c->body_grace_ms == 0)
        c->body_grace_ms = 10000;
    if (c->heartbeat_ms == 0)
        c->heartbeat_ms = 15000;
    if (c->max_per_address == 0)
        c->max_per_address = 200;
    if (c->recheck_ms == 0)
        c->recheck_ms = 15000;
    if (c->key_ms == 0)
        c->key_ms = 10000;
    if (c->timeout_s == 0)
        c->timeout_s = 60;
    if (!c->tmp_dir)
        c->tmp_dir = "/tmp";
}

static void destroy(struct http_server *s)
{
    tls_free(s->tls);
    read_mail(s); /* Connections that came too late. */
    for (size_t i = 0; i < s->n_ports; i++)
        MHD_stop_daemon(s->ports[i].daemon);
    if (s->config.control)
        unlink(s->config.control);
    reap(s);
    http_pool_free(s->pool);
    fan_free(s->fan);
    hub_free(s->hub);
    http_conn_free_addrs(s);
    free(s->by_fd);
    if (s->epoll_fd >= 0)
        close(s->epoll_fd);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    pthread_mutex_destroy(&s->mail_lock);
    free(s);
}

static bool start_loop(struct http_server *s, struct err *err)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* SIGPIPE with the rest: broken pipes are errno's. */
    rc = pthread_create(&s->thread, NULL, loop, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc == 0 || err_set(err, ERR_NOMEM, "cannot start the network thread");
}

bool http_start(const struct http_config *config, const struct http_app *app,
    struct http_server **out, struct err *err)
{
    struct http_server *s = calloc(1, sizeof *s);

    if (!s)
        return err_nomem(err);
    s->config = *config;
    s->app = *app;
    defaults(&s->config);
    s->mail_tail = &s->mail;
    pthread_mutex_init(&s->mail_lock, NULL);
    s->now_ns = clock_mono_ns();
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->wake.ready = woken;
    raise_fd_limit(s->config.max_connections);
    s->hub = hub_new();
    s->fan = fan_new();
    if (!s->hub || !s->fan || s->epoll_fd < 0 || s->wake_fd < 0 ||
        !http_source_add(s, &s->wake, s->wake_fd, EPOLLIN)) {
        err_nomem(err);
        goto fail;
    }
    if (!http_pool_new(s->config.threads, s->config.threads * BURST, &s->pool, err) ||
        (config->tls_certificate && !tls_new(config->tls_certificate, config->tls_key,
                                        s->config.max_connections, &s->tls, err)) ||
        !http_port_open(s, config->port, false, err))
        goto fail;
    if ((config->ws_port || config->ws_port_any) && !http_port_open(s, config->ws_port, true, err))
        goto fail;
    if (config->control && !http_port_open_control(s, config->control, err)) {
        log_write(LOG_WARNING, "there is no control socket", "error", err->text, NULL);
        s->config.control = NULL;
    }
    *out = s; /* Before there are handlers who look there. */
    if (!start_loop(s, err))
        goto fail;
    if (s->tls && !tls_start(s->tls, err)) {
        *out = NULL;
        http_stop(s, 0);
        return false;
    }
    return true;
fail:
    *out = NULL;
    destroy(s);
    return false;
}

void http_load(const struct http_server *s, struct http_load *out)
{
    *out = (struct http_load){ s->n_conns, atomic_load(&s->n_watchers) };
}

bool http_tls_reload(struct http_server *s, struct err *err)
{
    return !s->tls || tls_reload(s->tls, err);
}

uint16_t http_port(const struct http_server *s)
{
    return s->ports[0].number;
}

uint16_t http_ws_port(const struct http_server *s)
{
    return s->n_ports > 1 && s->ports[1].ws_only ? s->ports[1].number : 0;
}

void http_stop(struct http_server *s, int grace_ms)
{
    if (!s)
        return;
    s->grace_ms = grace_ms > 0 ? grace_ms : 0;
    s->stop_msg.run = stop_begin;
    http_post(s, &s->stop_msg);
    pthread_join(s->thread, NULL);
    destroy(s);
}
