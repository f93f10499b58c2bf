#ifndef NET_TLS_H
#define NET_TLS_H

/*
 * TLS in front of the server: a thread of its own accepts, shakes hands, and carries bytes between the client's socket and
 * one end of a pair of sockets. The other end is handed over and looks like a client that speaks plain HTTP.
 *
 *   client ◀─ TLS ─▶ [tls thread] ◀─ pair of sockets ─▶ [loop thread]
 */

#include "base/err.h"

#include <sys/socket.h>

struct tls;

/* On the thread of TLS: `fd` is the receiver's now; `addr` the client's. */
typedef void tls_accepted_fn(void *arg, int fd, const struct sockaddr *addr, socklen_t len);

/*
 * Certificate (with those that lead to a known one behind it) and its key, PEM files; at most max_connections at a
 * time. Errors: ERR_STATE saying which of the settings is wrong.
 */
bool tls_new(const char *certificate, const char *key, uint32_t max_connections, struct tls **out,
    struct err *err) MUST_CHECK;
/* Accept from a listening socket (taken over); before tls_start(). */
bool tls_listen(struct tls *tls, int listen_fd, tls_accepted_fn *accepted, void *arg,
    struct err *err) MUST_CHECK;
bool tls_start(struct tls *tls, struct err *err) MUST_CHECK;
/* Read the files again, for connections from now on. Thread-safe. */
bool tls_reload(struct tls *tls, struct err *err) MUST_CHECK;
void tls_quiesce(struct tls *tls); /* Accept no more. Thread-safe. */
/* Ends the thread, when what lies in its hands has been sent, or after a second. NULL is fine. */
void tls_free(struct tls *tls);

#endif
