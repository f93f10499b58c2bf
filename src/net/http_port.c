/*
 * Ports: where connections come from.
 *
 *   TCP ───────────────────────────▶ the library accepts
 *   TCP ─▶ tls.c ─▶ a pair of sockets ─▶ handed to the library, which sees plain HTTP
 *   control socket (AF_UNIX) ──────▶ the library accepts; who may write to the file is let in
 *
 * Behind TLS the rest of the server works on its end of the pair as on any socket: refusals by hand, event
 * streams, WebSockets and sendfile need not know.
 */

#include "net/http_int.h"

#include "base/log.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

void http_port_ready(struct http_source *source, uint32_t events)
{
    struct http_port *port = (struct http_port *)source;

    (void)events;
    port->due = true;
}

static bool listen_on(const char *host, uint16_t number, int *out, uint16_t *bound, struct err *err)
{
    struct addrinfo hints = { .ai_family = AF_INET, /* First: what localhost means to most. */
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    char service[8], text[8];
    int on = 1, fd = -1, rc, errnum;

    snprintf(service, sizeof service, "%u", number);
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0) {
        hints.ai_family = AF_UNSPEC;
        rc = getaddrinfo(host, service, &hints, &list);
    }
    if (rc != 0)
        return err_set(err, ERR_STATE, "cannot listen on %s: %s", host, gai_strerror(rc));
    fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        goto fail;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
        goto fail;
    if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0 ||
        getnameinfo((struct sockaddr *)&addr, len, NULL, 0, text, sizeof text, NI_NUMERICSERV) != 0)
        goto fail;
    freeaddrinfo(list);
    *bound = (uint16_t)atoi(text);
    *out = fd;
    return true;
fail:
    errnum = errno;
    freeaddrinfo(list);
    if (fd >= 0)
        close(fd);
    if (errnum == EADDRINUSE)
        return err_set(err, ERR_STATE, "cannot listen on %s:%u: another program is using this port",
            host, number);
    return err_set(err, ERR_STATE, "cannot listen on %s:%u: %s", host, number, strerror(errnum));
}

/* The library's own complaints about clients; what matters of them shows in the replies. */
static void no_log(void *arg, const char *fmt, va_list ap)
{
    (void)arg;
    (void)fmt;
    (void)ap;
}

/* listen_fd -1: connections are handed over. */
static bool start_daemon(struct http_server *s, struct http_port *port, struct err *err)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_TURBO;
    struct MHD_OptionItem listening[] = {
        { MHD_OPTION_LISTEN_SOCKET, port->listen_fd, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    const union MHD_DaemonInfo *info;

    if (port->listen_fd < 0) {
        flags |= MHD_USE_NO_LISTEN_SOCKET;
        listening[0].option = MHD_OPTION_END;
    }
    /*
     * Strictness is ours (http_request.c): where the library refuses a request by itself, its answer has no
     * envelope, and what it says of headers it says twice.
     */
    port->source.ready = http_port_ready;
    port->daemon =
        MHD_start_daemon(flags, port->number, http_conn_admit, port, http_x_call, port, //
            MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL,                                   //
            MHD_OPTION_ARRAY, listening,                                                //
            MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->config.max_connections,           //
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONN_MEMORY,               //
            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->config.timeout_s,               //
            MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,      //
            MHD_OPTION_URI_LOG_CALLBACK, http_x_start, port,                            //
            MHD_OPTION_NOTIFY_COMPLETED, http_x_end, port,                              //
            MHD_OPTION_NOTIFY_CONNECTION, http_conn_notify, port, MHD_OPTION_END);
    if (!port->daemon) {
        if (port->listen_fd >= 0)
            close(port->listen_fd);
        return err_set(err, ERR_NOMEM, "cannot start the server on port %u", port->number);
    }
    s->n_ports++;
    info = MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || !http_source_add(s, &port->source, info->epoll_fd, EPOLLIN))
        return err_set(err, ERR_INTERNAL, "the network library has no epoll descriptor");
    return true;
}

/* --- TLS --- */

/* A connection that tls.c has shaken hands with. */
struct shaken {
    struct http_msg msg;
    struct http_port *port;
    int fd;
    struct sockaddr_storage addr;
    socklen_t len;
};

static void take_shaken(struct http_server *s, struct http_msg *msg)
{
    struct shaken *c = (struct shaken *)msg;

    if (http_stopping(s))
        close(c->fd);
    else if (MHD_add_connection(c->port->daemon, c->fd, (struct sockaddr *)&c->addr, c->len) !=
             MHD_YES)
        errno = 0; /* Too many from there: it has been closed. */
    c->port->due = true;
    free(c);
}

/* On the thread of tls.c. */
static void hand_over(void *arg, int fd, const struct sockaddr *addr, socklen_t len)
{
    struct http_port *port = arg;
    struct shaken *c = calloc(1, sizeof *c);

    if (!c || len > sizeof c->addr) {
        close(fd);
        free(c);
        return;
    }
    c->msg.run = take_shaken;
    c->port = port;
    c->fd = fd;
    memcpy(&c->addr, addr, len);
    c->len = len;
    http_post(port->server, &c->msg);
}

/* --- Opening and closing --- */

bool http_port_open(struct http_server *s, uint16_t number, bool ws_only, struct err *err)
{
    struct http_port *port = &s->ports[s->n_ports];
    const char *host = ws_only && s->config.ws_host ? s->config.ws_host : s->config.host;
    int fd = -1;

    port->server = s;
    port->ws_only = ws_only;
    if (!listen_on(host, number, &fd, &port->number, err))
        return false;
    port->listen_fd = s->tls ? -1 : fd;
    if (!start_daemon(s, port, err)) {
        if (s->tls)
            close(fd);
        return false;
    }
    return !s->tls || tls_listen(s->tls, fd, hand_over, port, err);
}

/* Through a descriptor of the folder, as the path of a socket may have 107 bytes only. */
static bool bind_at(int fd, const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    const char *slash = strrchr(path, '/');
    char folder[FS_PATH_MAX];
    int dir, rc;

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return false;
    snprintf(addr.sun_path, sizeof addr.sun_path, "/proc/self/fd/%d/%.64s", dir,
        slash ? slash + 1 : path);
    rc = bind(fd, (struct sockaddr *)&addr, sizeof addr);
    close(dir);
    return rc == 0;
}

bool http_port_open_control(struct http_server *s, const char *path, struct err *err)
{
    struct http_port *port = &s->ports[s->n_ports];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_errno(err, errno, "the control socket");
    unlink(path); /* Of a server that was killed. */
    if (!bind_at(fd, path) || chmod(path, 0600) != 0 || listen(fd, BACKLOG) != 0) {
        err_errno(err, errno, "the control socket");
        close(fd);
        return false;
    }
    *port = (struct http_port){ .server = s, .control = true, .listen_fd = fd };
    return start_daemon(s, port, err);
}

void http_port_quiesce(struct http_server *s)
{
    if (s->tls)
        tls_quiesce(s->tls);
    for (size_t i = 0; i < s->n_ports; i++) {
        int fd = s->ports[i].listen_fd >= 0 ? MHD_quiesce_daemon(s->ports[i].daemon) : -1;

        if (fd >= 0)
            close(fd);
        s->ports[i].listen_fd = -1;
    }
}
