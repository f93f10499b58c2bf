/*
 * The worker's side: read the specification, do the job, write a line an event.
 *
 * Two things ask for an orderly end: SIGTERM, and the parent's death, seen as the hang-up of descriptor 0, whose
 * other end the parent keeps open. (PR_SET_PDEATHSIG would fire when the thread that started us
 * ends.) A worker that does not get there in LAST_SECONDS is ended by its own alarm.
 */

#include "workflow/worker.h"

#include "base/fs.h"
#include "base/thread.h"
#include "workflow/run.h"
#include "workflow/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { SPEC_FD = 0, EVENTS_FD = 1, LAST_SECONDS = 3, READ_BYTES = 64 * 1024 };

static volatile int cancelled; /* Set by end_soon() only. */

static void end_soon(void)
{
    cancelled = 1;
    alarm(LAST_SECONDS);
}

static void on_terminate(int signal_number)
{
    (void)signal_number;
    end_soon();
}

static void *watch_parent(void *unused)
{
    struct pollfd parent = { .fd = SPEC_FD }; /* POLLHUP and POLLERR are always told. */

    while (poll(&parent, 1, -1) < 0 && errno == EINTR)
        continue;
    end_soon();
    return unused;
}

static void set_signals(void)
{
    struct sigaction terminate = { .sa_handler = on_terminate, .sa_flags = SA_RESTART };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t none;

    sigaction(SIGTERM, &terminate, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* A write then fails, and is told. */
    sigaction(SIGINT, &ignore, NULL);  /* Of a terminal: the parent decides. */
    sigaction(SIGHUP, &ignore, NULL);
    sigemptyset(&none); /* The parent's mask is inherited. */
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * While a worker of a server lives, no other server may begin on the folder: it would take the worker's files for leftovers.
 * So the worker holds the lock named in its job to its end; and begins only when its parent, which keeps others away until
 * then, is still there once it has it.
 */
static bool hold_lock(const struct json *spec)
{
    const char *path = json_get_string(spec, "lock");
    struct pollfd parent = { .fd = SPEC_FD };
    int fd;

    if (!path)
        return true;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    while (fd >= 0 && flock(fd, LOCK_SH) != 0) {
        if (errno != EINTR)
            return false;
    }
    return fd >= 0 && poll(&parent, 1, 0) >= 0 && !(parent.revents & (POLLHUP | POLLERR));
}

static bool read_spec(struct json **spec, struct err *err)
{
    struct buf text;
    ssize_t n = -1;
    bool ok;

    buf_init(&text, WORKER_MAX_LINE);
    for (;;) {
        char *room = buf_reserve(&text, READ_BYTES);

        if (!room)
            break;
        do {
            n = read(SPEC_FD, room, READ_BYTES);
        } while (n < 0 && errno == EINTR);
        if (n <= 0)
            break;
        text.len += (size_t)n;
    }
    if (n < 0)
        ok = err_errno(err, errno, "the job");
    else
        ok = buf_ok(&text, "the job", err) &&
             json_parse_max(buf_str(&text), text.len, WORKER_MAX_LINE, spec, err);
    buf_deinit(&text);
    return ok;
}

static bool send_event(void *arg, const struct json *event, struct err *err)
{
    struct buf *line = arg;

    if (memory_lost() != 0 && !json_get(event, "error"))
        return err_nomem(err); /* It may lack something. */
    buf_reset(line);
    json_write(event, false, line);
    buf_addc(line, '\n');
    if (line->starved)
        return err_nomem(err);
    if (line->failed)
        return err_set(err, ERR_BUDGET,
            "the result is larger than %d MB; ask for fewer columns or rows, or for a file",
            WORKER_MAX_LINE >> 20);
    return fs_write_all(EVENTS_FD, line->data, line->len, "the events", err);
}

static void send_failed(struct buf *line, const struct err *err)
{
    struct json *event = json_new_object();
    struct err deaf;

    json_set_string(event, "event", "failed");
    json_set(event, "step", json_new_null());
    json_set(event, "error", json_from_err(err));
    if (!send_event(line, event, &deaf))
        (void)0; /* Nobody is left to tell. */
    json_free(event);
}

int worker_main(void)
{
    struct json *spec = NULL;
    struct err err = { 0 };
    struct buf line;
    pthread_t watcher;
    bool ok;

    set_signals();
    /* Each thread would set aside 64 MiB of addresses for its few allocations, and they count against the limit. */
    mallopt(M_ARENA_MAX, 1);
    buf_init(&line, WORKER_MAX_LINE);
    ok = read_spec(&spec, &err);
    if (ok && !hold_lock(spec))
        ok = err_set(&err, ERR_INTERNAL, "the worker may not use the data folder");
    if (ok) {
        sandbox_enter(spec);
        if (thread_start(&watcher, THREAD_SMALL, watch_parent, NULL))
            pthread_detach(watcher);
        ok = run_execute(spec, send_event, &line, &cancelled, &err);
    } else {
        send_failed(&line, &err);
    }
    json_free(spec);
    buf_deinit(&line);
    return ok ? EXIT_SUCCESS : err_exit_status(err.code);
}
