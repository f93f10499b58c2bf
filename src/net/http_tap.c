/*
 * What the library receives, seen before the library sees it.
 *
 * Version 0.9.75 has no callback for bytes, so recv() itself is ours: the dynamic linker takes a program's
 * function before the C library's, and this one shows http_wire.c what libmicrohttpd is about to get for one of our connections.
 * Other threads, other sockets and a library that does not call it are unaffected; in that last
 * case requests go unseen, and http_exchange.c closes the connection after a chunked one.
 */

#undef _FORTIFY_SOURCE /* Which makes recv() an inline function. */

#include "net/http_int.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { FIRST_FDS = 256 };

static _Thread_local struct http_server *running; /* Whose library is running in this thread. */

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    ssize_t got = recvfrom(fd, p, n, flags, NULL, NULL);

    if (running && got > 0 && fd >= 0 && (size_t)fd < running->n_by_fd && running->by_fd[fd] &&
        !(flags & (MSG_PEEK | MSG_TRUNC)) && !wire_see(&running->by_fd[fd]->wire, p, (size_t)got)) {
        errno = ECONNRESET;
        return -1;
    }
    return got;
}

void http_tap_run(struct http_server *s, struct MHD_Daemon *daemon)
{
    running = s;
    MHD_run(daemon);
    running = NULL;
}

void http_tap_add(struct http_server *s, struct http_conn *conn)
{
    size_t n = s->n_by_fd ? s->n_by_fd : FIRST_FDS;
    struct http_conn **grown;

    while (n <= (size_t)conn->fd)
        n *= 2;
    if (n > s->n_by_fd) {
        grown = realloc(s->by_fd, n * sizeof(struct http_conn *));
        if (!grown)
            return; /* Unseen. */
        memset(grown + s->n_by_fd, 0, (n - s->n_by_fd) * sizeof(struct http_conn *));
        s->by_fd = grown;
        s->n_by_fd = n;
    }
    s->by_fd[conn->fd] = conn;
}

void http_tap_remove(struct http_server *s, const struct http_conn *conn)
{
    if ((size_t)conn->fd < s->n_by_fd && s->by_fd[conn->fd] == conn)
        s->by_fd[conn->fd] = NULL;
}
