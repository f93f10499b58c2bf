/*
 * The process of a worker.
 *
 * Loading the program and its libraries takes longer than a small job. The server, which has threads and therefore must
 * not fork, has a process without threads that does (zygote.h); the command line, which has none, forks: its worker is a
 * copy of what is loaded.
 */

#include "workflow/worker_process.h"

#include "base/setting.h"
#include "workflow/worker.h"
#include "workflow/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sanitizers keep shadow memory far beyond any limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LIMIT_MEMORY 0
#endif
#endif
#ifndef LIMIT_MEMORY
#define LIMIT_MEMORY 1
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#define CHECK_LEAKS() __lsan_do_leak_check()
#else
#define CHECK_LEAKS() ((void)0)
#endif

enum { PASSED_FD = 3, ZYGOTES_TRIED = 2 };

/* The environment without secret settings, which are nothing for who reads files of others; NULL when memory ends. */
static char **worker_environment(void)
{
    size_t n = 0, kept = 0;
    char **out;

    while (environ && environ[n])
        n++;
    out = calloc(n + 1, sizeof *out);
    for (size_t i = 0; out && i < n; i++) {
        if (!setting_env_secret(environ[i]))
            out[kept++] = environ[i];
    }
    return out;
}

/* Only descriptors 0, 1, 2 and perhaps 3 go over. */
int worker_process_spawn(const char *verb, int in_fd, int out_fd, int pass_fd, pid_t *pid)
{
    static char name[] = "sheetflow";
    char *argv[] = { name, (char *)(uintptr_t)verb, NULL };
    posix_spawn_file_actions_t actions;
    char **environment = worker_environment();
    int rc = environment ? posix_spawn_file_actions_init(&actions) : ENOMEM;

    if (rc != 0) {
        free(environment);
        return rc;
    }
    rc = posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    if (rc == 0 && pass_fd >= 0)
        rc = posix_spawn_file_actions_adddup2(&actions, pass_fd, PASSED_FD);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(
            &actions, pass_fd >= 0 ? PASSED_FD + 1 : PASSED_FD);
    if (rc == 0)
        rc = posix_spawn(pid, "/proc/self/exe", &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return rc;
}

/* What the parent has not yet printed is the parent's: it goes, and so does all that runs at an exit. */
_Noreturn void worker_process_be(int spec_fd, int events_fd, int pass_fd, int (*worker)(void))
{
    int status = err_exit_status(ERR_INTERNAL);

    __fpurge(stdout);
    if (dup2(spec_fd, STDIN_FILENO) >= 0 && dup2(events_fd, STDOUT_FILENO) >= 0 &&
        (pass_fd < 0 || dup2(pass_fd, PASSED_FD) >= 0) &&
        close_range(pass_fd >= 0 ? PASSED_FD + 1U : PASSED_FD, ~0U, 0) == 0) {
        status = worker();
        CHECK_LEAKS();
    }
    _exit(status);
}

static int fork_worker(int spec_fd, int events_fd, int pass_fd, pid_t *pid)
{
    *pid = fork();
    if (*pid == 0)
        worker_process_be(spec_fd, events_fd, pass_fd, worker_main);
    return *pid < 0 ? errno : 0;
}

/*
 * A descriptor that is to be moved to a low number must not already lie there: the moves would tread on each
 * other. Returns one above PASSED_FD, close-on-exec, and closes the old.
 */
static int lift(int fd)
{
    int high;

    if (fd > PASSED_FD)
        return fd;
    high = fcntl(fd, F_DUPFD_CLOEXEC, PASSED_FD + 1);
    close(fd);
    return high;
}

static void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

/* fds: worker's end of the specification, ours; our end of the events, worker's. */
static bool open_channels(int fds[4], struct err *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return err_errno(err, errno, "a worker's channel");
    if (pipe2(fds + 2, O_CLOEXEC) != 0) {
        err_errno(err, errno, "a worker's channel");
        close_all(fds, 2);
        return false;
    }
    for (int i = 0; i < 4; i++)
        fds[i] = lift(fds[i]);
    if (fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 && fds[3] >= 0)
        return true;
    err_errno(err, EMFILE, "a worker's channel");
    close_all(fds, 4);
    return false;
}

/* How a worker can come to be; see enum worker_origin. */
enum way { BY_FORK, BY_ZYGOTE, BY_SPAWN };

/* fds as of open_channels(). An errno. */
static int start(enum way way, const int fds[4], int passed, struct worker_process *out)
{
    int rc;

    if (way == BY_ZYGOTE)
        return zygote_fork(fds[0], fds[3], passed, &out->pid, &out->pidfd, &out->end_fd) ? 0
                                                                                         : EAGAIN;
    if (way == BY_FORK)
        rc = fork_worker(fds[0], fds[3], passed, &out->pid);
    else
        rc = worker_process_spawn("worker", fds[0], fds[3], passed, &out->pid);
    if (rc != 0)
        return rc;
    out->pidfd = pidfd_open(out->pid, 0);
    if (out->pidfd >= 0)
        return 0;
    rc = errno;
    kill(out->pid, SIGKILL);
    (void)!worker_process_wait(out, &(int){ 0 });
    return rc;
}

/* With channels of its own. */
static bool attempt(enum way way, int pass_fd, struct worker_process *out, struct err *err)
{
    int fds[4] = { -1, -1, -1, -1 }, passed = -1, rc = 0;

    *out = (struct worker_process){ .pid = -1, .pidfd = -1, .end_fd = -1 };
    if (!open_channels(fds, err))
        return false;
    if (pass_fd >= 0) {
        passed = fcntl(pass_fd, F_DUPFD_CLOEXEC, PASSED_FD + 1);
        rc = passed < 0 ? errno : 0;
    }
    if (rc == 0)
        rc = start(way, fds, passed, out);
    close(fds[0]);
    close(fds[3]);
    if (passed >= 0)
        close(passed);
    if (rc != 0) {
        close(fds[1]);
        close(fds[2]);
        return err_set(err, ERR_BUSY, "a worker process cannot be started: %s", strerror(rc));
    }
    out->life_fd = fds[1];
    out->events_fd = fds[2];
    return true;
}

bool worker_process_start(
    enum worker_origin origin, int pass_fd, struct worker_process *out, struct err *err)
{
    if (origin == WORKER_FORKED && __libc_single_threaded)
        return attempt(BY_FORK, pass_fd, out, err);
    for (int i = 0; i < ZYGOTES_TRIED; i++) {
        if (attempt(BY_ZYGOTE, pass_fd, out, err))
            return true;
    }
    return attempt(BY_SPAWN, pass_fd, out, err);
}

bool worker_process_wait(struct worker_process *p, int *status)
{
    pid_t got;

    if (p->end_fd >= 0)
        return zygote_wait(p->pidfd, p->end_fd, status);
    do
        got = waitpid(p->pid, status, 0);
    while (got < 0 && errno == EINTR);
    return got == p->pid;
}

/* Its number is its own while it lives; one that has ended needs no limits. */
static bool lives(const struct worker_process *p)
{
    struct pollfd end = { .fd = p->pidfd, .events = POLLIN };

    return poll(&end, 1, 0) == 0;
}

/* Set from outside, before the job is sent, so that the start itself stays a plain one. */
void worker_process_limit(const struct worker_process *p, size_t memory_limit)
{
    struct rlimit none = { 0, 0 };
    struct rlimit memory = { memory_limit, memory_limit };

    if (!lives(p))
        return;
    prlimit(p->pid, RLIMIT_CORE, &none, NULL);
    if (memory_limit > 0 && LIMIT_MEMORY)
        prlimit(p->pid, RLIMIT_AS, &memory, NULL);
}
