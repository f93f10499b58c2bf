/* Workers by fork from a process that is kept for it; see zygote.h. */

#include "workflow/zygote.h"

#include "workflow/worker_process.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ASK_FDS = 4, ANSWER_S = 5, CONTROL_FD = 0 };

/* What goes with the descriptors of an ask: worker's input, its output, socket for the answers, and the one to pass. */
struct ask {
    bool passes;
};

/* The first answer; a pidfd goes with it. The second is the status, once the worker has ended. */
struct answer {
    pid_t pid; /* -1: there is none. */
};

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(ASK_FDS * sizeof(int))];
};

/* With n descriptors. */
static bool send_fds(int socket, const void *p, size_t size, const int *fds, size_t n)
{
    union control control = { 0 };
    struct iovec iov = { (void *)(uintptr_t)p, size };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t sent;

    if (n > 0) {
        struct cmsghdr *c = &control.align;

        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    do
        sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)size;
}

static void close_fds(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

/* 1: got, with *n descriptors; 0: nothing will come, or did in time; -1: something else than was expected. */
static int receive_fds(int socket, void *p, size_t size, int fds[ASK_FDS], size_t *n)
{
    union control control = { 0 };
    struct iovec iov = { p, size };
    struct msghdr msg = { .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes };
    ssize_t got;

    *n = 0;
    do
        got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || *n > 0)
            continue;
        *n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), *n * sizeof(int));
    }
    if (got == (ssize_t)size && !(msg.msg_flags & MSG_CTRUNC))
        return 1;
    close_fds(fds, *n);
    return -1;
}

/* ---- the server's side ---- */

/* The only state of this side. */
static struct {
    pthread_mutex_t lock;
    bool wanted;
    pid_t pid; /* 0: none. */
    int fd;
    unsigned long number; /* Of the zygotes so far. */
} zygote = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/* Under the lock. It has nothing to lose. */
static void end_zygote(void)
{
    if (zygote.pid == 0)
        return;
    close(zygote.fd);
    kill(zygote.pid, SIGKILL);
    while (waitpid(zygote.pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    zygote.pid = 0;
    zygote.fd = -1;
}

/* Under the lock. */
static bool start_zygote(void)
{
    int ends[2];
    pid_t pid;

    if (zygote.pid != 0)
        return true;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    if (worker_process_spawn("zygote", ends[1], ends[1], -1, &pid) != 0) {
        close_fds(ends, 2);
        return false;
    }
    close(ends[1]);
    zygote.fd = ends[0];
    zygote.pid = pid;
    zygote.number++;
    return true;
}

void zygote_keep(bool wanted)
{
    pthread_mutex_lock(&zygote.lock);
    zygote.wanted = wanted;
    if (!wanted)
        end_zygote();
    else if (!start_zygote())
        log_write(LOG_WARNING, "workers are started one by one", NULL);
    pthread_mutex_unlock(&zygote.lock);
}

/* Ask for a worker; *number says which zygote was asked. It need not have begun: it finds what is asked when it does. */
static bool ask(const int fds[ASK_FDS], size_t n, unsigned long *number)
{
    struct ask what = { .passes = n == ASK_FDS };
    bool sent = false;

    pthread_mutex_lock(&zygote.lock);
    if (zygote.wanted && start_zygote()) {
        sent = send_fds(zygote.fd, &what, sizeof what, fds, n);
        *number = zygote.number;
        if (!sent)
            end_zygote();
    }
    pthread_mutex_unlock(&zygote.lock);
    return sent;
}

static void give_up_zygote(unsigned long number)
{
    pthread_mutex_lock(&zygote.lock);
    if (zygote.number == number)
        end_zygote();
    pthread_mutex_unlock(&zygote.lock);
    log_write(LOG_WARNING, "the process that forks workers did not answer; another takes its place",
        NULL);
}

bool zygote_fork(int spec_fd, int events_fd, int pass_fd, pid_t *pid, int *pidfd, int *end_fd)
{
    struct timeval patience = { .tv_sec = ANSWER_S };
    unsigned long number = 0;
    struct answer answer;
    int ends[2], fds[ASK_FDS];
    bool sent;
    size_t n;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    sent = ask((int[ASK_FDS]){ spec_fd, events_fd, ends[1], pass_fd },
        pass_fd < 0 ? ASK_FDS - 1 : ASK_FDS, &number);
    close(ends[1]);
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!sent) {
        close(ends[0]);
        return false;
    }
    if (receive_fds(ends[0], &answer, sizeof answer, fds, &n) == 1 && n == 1 && answer.pid > 0) {
        *pid = answer.pid;
        *pidfd = fds[0];
        *end_fd = ends[0];
        return true;
    }
    close(ends[0]);
    give_up_zygote(number);
    return false;
}

bool zygote_wait(int pidfd, int end_fd, int *status)
{
    struct pollfd end = { .fd = pidfd, .events = POLLIN };
    int fds[ASK_FDS];
    size_t n;

    while (poll(&end, 1, -1) < 0 && errno == EINTR)
        continue;
    return receive_fds(end_fd, status, sizeof *status, fds, &n) == 1;
}

/* ---- its own side ---- */

struct child {
    pid_t pid;
    int end_fd; /* Where its end is told. */
};

struct children {
    struct child *all;
    size_t n, cap;
};

/* One that cannot be remembered cannot be told of. */
static void remember(struct children *c, pid_t pid, int end_fd)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        struct child *grown = realloc(c->all, cap * sizeof *grown);

        if (!grown) {
            close(end_fd);
            return;
        }
        c->all = grown;
        c->cap = cap;
    }
    c->all[c->n++] = (struct child){ pid, end_fd };
}

static void tell_ends(struct children *c)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < c->n; i++) {
            if (c->all[i].pid != pid)
                continue;
            (void)!send_fds(c->all[i].end_fd, &status, sizeof status, NULL, 0);
            close(c->all[i].end_fd);
            c->all[i] = c->all[--c->n];
            break;
        }
    }
}

static pid_t fork_one(const int fds[ASK_FDS], size_t n, int (*worker)(void), char *name)
{
    pid_t pid = fork();

    if (pid == 0) {
        memcpy(name, "worker", strlen(name)); /* As long as "zygote". */
        worker_process_be(fds[0], fds[1], n == ASK_FDS ? fds[3] : -1, worker);
    }
    return pid;
}

/* False: the server is gone. */
static bool serve(struct children *c, int (*worker)(void), char *name)
{
    struct answer answer;
    struct ask what = { 0 };
    int fds[ASK_FDS], pidfd, got;
    size_t n;

    got = receive_fds(CONTROL_FD, &what, sizeof what, fds, &n);
    if (got <= 0)
        return got < 0;
    if (n != (what.passes ? ASK_FDS : ASK_FDS - 1)) {
        close_fds(fds, n);
        return true;
    }
    answer.pid = fork_one(fds, n, worker, name);
    pidfd = answer.pid > 0 ? pidfd_open(answer.pid, 0) : -1;
    (void)!send_fds(fds[2], &answer, sizeof answer, &pidfd, pidfd >= 0);
    close_fds(&pidfd, 1);
    if (answer.pid > 0) {
        remember(c, answer.pid, fds[2]);
        fds[2] = -1;
    }
    close_fds(fds, n);
    return true;
}

/* Signals of a terminal or a service manager are for the server: this process ends with it. */
static int open_signals(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t child;

    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    sigaction(SIGTERM, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    return signalfd(-1, &child, SFD_CLOEXEC);
}

/* What libraries set up at their first use: once here rather than once in each worker. */
static void warm_up(void)
{
    struct fs_sha256 *sum = fs_sha256_new();
    struct json *json = NULL;
    char hex[65];
    struct err err;

    if (sum)
        fs_sha256_end(sum, hex);
    if (json_parse("{\"\":0}", 6, &json, &err))
        json_free(json);
}

int zygote_main(int (*worker)(void), char *name)
{
    struct children children = { 0 };
    struct signalfd_siginfo info;
    struct pollfd fds[2] = { { .fd = CONTROL_FD, .events = POLLIN }, { .events = POLLIN } };
    bool served = true;

    fds[1].fd = open_signals();
    if (fds[1].fd < 0)
        return EXIT_FAILURE;
    prctl(PR_SET_NAME, "sheetflow"); /* Rather than "exe", which it was started as. */
    warm_up();
    while (served) {
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents && read(fds[1].fd, &info, sizeof info) > 0)
            tell_ends(&children);
        if (fds[0].revents)
            served = serve(&children, worker, name);
    }
    free(children.all);
    return EXIT_SUCCESS;
}
