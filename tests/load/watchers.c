/*
 * Many WebSockets in one process, to see when a frame reaches each of them.
 *
 *   watchers PORT PATH N
 *
 * says "ready N" when all have got `connected`. For each line on standard input it waits for one more text frame on
 * each socket and says "arrived NS NS ...", a time each. It ends with its input.
 *
 * What is measured is the server, not this program: the kernel stamps what arrives (SO_TIMESTAMPNS, wall clock), so it
 * does not matter when this process gets its turn; and it waits for one socket after the other, those last that the server
 * serves first, so that it is not woken up ten thousand times on the processor that the server needs.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_MAX = 8192, AT_ONCE = 32, WAIT_S = 60 };

struct socket_state {
    int fd;
    bool shaken;     /* The handshake was answered. */
    unsigned frames; /* Text frames so far; the first is `connected`. */
    int64_t arrived_ns;
    size_t len;
    unsigned char *in; /* IN_MAX bytes while a part of something has arrived, else NULL. */
};

static struct socket_state *sockets;
static size_t n_sockets;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void open_socket(struct socket_state *s, uint16_t port, const char *path)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct timeval wait = { .tv_sec = WAIT_S };
    char hello[512];
    int n, on = 1;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
        setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0)
        die("connect");
    n = snprintf(hello, sizeof hello,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        path);
    if (send(s->fd, hello, (size_t)n, MSG_NOSIGNAL) != n)
        die("send");
}

/* Bytes of what stands whole at p; 0: more is needed. */
static size_t whole(const struct socket_state *s, const unsigned char *p, size_t n)
{
    size_t len, head = 2;

    if (!s->shaken) {
        const unsigned char *end = memmem(p, n, "\r\n\r\n", 4);

        return end ? (size_t)(end - p) + 4 : 0;
    }
    if (n < 2)
        return 0;
    len = p[1] & 0x7f;
    if (len == 126) {
        head = 4;
        if (n < head)
            return 0;
        len = (size_t)p[2] << 8 | p[3];
    }
    if (len == 127) {
        fprintf(stderr, "a frame is larger than any that is awaited\n");
        exit(1);
    }
    return n >= head + len ? head + len : 0;
}

static void take(struct socket_state *s, const unsigned char *p, int64_t stamp_ns)
{
    if (!s->shaken) {
        if (memcmp(p, "HTTP/1.1 101 ", 13) != 0) {
            fprintf(stderr, "refused: %.12s\n", (const char *)p);
            exit(1);
        }
        s->shaken = true;
    } else if (p[0] == 0x81) {
        s->frames++;
        s->arrived_ns = stamp_ns;
    } else if (p[0] == 0x89 && p[1] == 0) { /* A ping: a masked pong of nothing. */
        if (send(s->fd, "\x8a\x80\0\0\0\0", 6, MSG_NOSIGNAL) != 6)
            die("pong");
    } else if (p[0] == 0x88) {
        fprintf(stderr, "closed by the server\n");
        exit(1);
    }
}

/* Read what has arrived, or wait for it. */
static void receive(struct socket_state *s)
{
    static unsigned char shared[IN_MAX];
    unsigned char *in = s->in ? s->in : shared, *p = in;
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec iov = { in + s->len, IN_MAX - s->len };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    ssize_t got = recvmsg(s->fd, &msg, 0);
    struct timespec stamp = { 0 };
    size_t n, used;

    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0)
        die("nothing arrived");
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    }
    n = s->len + (size_t)got;
    while ((used = whole(s, p, n)) > 0) {
        take(s, p, (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec);
        p += used;
        n -= used;
    }
    if (n == 0) {
        free(s->in);
        s->in = NULL;
    } else if (s->in) {
        memmove(s->in, p, n);
    } else {
        s->in = malloc(IN_MAX);
        if (!s->in)
            die("malloc");
        memcpy(s->in, p, n);
    }
    s->len = n;
}

/* Until each of these sockets has got so many text frames. */
static void wait_for(size_t from, size_t upto, unsigned frames)
{
    for (size_t i = from; i < upto; i++) {
        while (sockets[i].frames < frames)
            receive(&sockets[i]);
    }
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    char line[64];
    unsigned frames = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: watchers PORT PATH N\n");
        return 2;
    }
    n_sockets = strtoul(argv[3], NULL, 10);
    sockets = calloc(n_sockets + 1, sizeof *sockets);
    if (!sockets || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("start");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < n_sockets + 16)
        die("open files");
    for (size_t i = 0; i < n_sockets; i++) {
        open_socket(&sockets[i], (uint16_t)strtoul(argv[1], NULL, 10), argv[2]);
        if ((i + 1) % AT_ONCE == 0 || i + 1 == n_sockets)
            wait_for(i - i % AT_ONCE, i + 1, 1);
    }
    printf("ready %zu\n", n_sockets);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        wait_for(0, n_sockets, ++frames);
        printf("arrived");
        for (size_t i = 0; i < n_sockets; i++)
            printf(" %lld", (long long)sockets[i].arrived_ns);
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}
