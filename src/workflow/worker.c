/*
 * The parent's side of a worker: start it, read its events, end it.
 *
 * Its death is seen as the end of the pipe of events. The pidfd makes worker_cancel() safe from any
 * thread: a signal can never reach another process that got the number.
 */

#include "workflow/worker.h"

#include "base/buf.h"
#include "base/clock.h"
#include "workflow/worker_process.h"
#include "workflow/zygote.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

enum { READ_BYTES = 64 * 1024, SPEC_TIMEOUT_S = 10 };
#define NS_PER_MS INT64_C(1000000)

struct worker {
    struct worker_process p;
    struct buf in;           /* Events read but not yet taken. */
    size_t taken, searched;  /* Bytes of it that have been; that hold no further line end. */
    _Atomic int64_t kill_at; /* When the grace ends; 0: not cancelled. */
    bool killed;             /* By us. */
    bool reaped;
    bool known; /* Once reaped: how it ended ... */
    int status; /* ... which was so. */
    bool ended; /* The last event has been given out. */
};

/* ---- start ---- */

static bool send_spec(int fd, const struct json *spec, struct err *err)
{
    struct timeval patience = { .tv_sec = SPEC_TIMEOUT_S };
    char *text = json_text(spec);
    size_t n, sent = 0;

    if (!text)
        return err_nomem(err);
    n = strlen(text);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    while (sent < n) {
        ssize_t put = send(fd, text + sent, n - sent, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            break;
        sent += (size_t)put;
    }
    free(text);
    if (sent < n || shutdown(fd, SHUT_WR) != 0)
        return err_set(err, ERR_INTERNAL, "the worker process did not take its job");
    return true;
}

/* A worker that waits for its job; NULL with the err when there can be none. */
static struct worker *new_worker(enum worker_origin origin, int pass_fd, struct err *err)
{
    struct worker *w = calloc(1, sizeof *w);

    if (!w) {
        err_nomem(err);
        return NULL;
    }
    buf_init(&w->in, WORKER_MAX_LINE);
    if (!worker_process_start(origin, pass_fd, &w->p, err)) {
        free(w);
        return NULL;
    }
    if (fcntl(w->p.events_fd, F_SETFL, O_NONBLOCK) == 0)
        return w;
    err_errno(err, errno, "a worker process");
    worker_free(w);
    return NULL;
}

static bool give_job(
    struct worker *w, const struct json *spec, size_t memory_limit, struct err *err)
{
    worker_process_limit(&w->p, memory_limit);
    return send_spec(w->p.life_fd, spec, err);
}

/*
 * The spare: a worker that was started before it is needed. The only state of this file; whoever takes it sees to the
 * next.
 */
static struct {
    pthread_mutex_t lock;
    bool wanted;
    struct worker *worker;
} spare = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct worker *swap_spare(struct worker *w)
{
    struct worker *before;

    pthread_mutex_lock(&spare.lock);
    before = spare.worker;
    spare.worker = w;
    pthread_mutex_unlock(&spare.lock);
    return before;
}

static bool spare_wanted(void)
{
    bool wanted;

    pthread_mutex_lock(&spare.lock);
    wanted = spare.wanted;
    pthread_mutex_unlock(&spare.lock);
    return wanted;
}

/* Having none costs time and nothing else. */
static void make_spare(void)
{
    struct err ignored;

    if (spare_wanted())
        worker_free(swap_spare(new_worker(WORKER_ANEW, -1, &ignored)));
}

void worker_keep_spare(bool wanted)
{
    pthread_mutex_lock(&spare.lock);
    spare.wanted = wanted;
    pthread_mutex_unlock(&spare.lock);
    if (wanted) {
        zygote_keep(true);
        make_spare();
    } else {
        worker_free(swap_spare(NULL));
        zygote_keep(false);
    }
}

static bool start_new(enum worker_origin origin, const struct json *spec, size_t memory_limit,
    int pass_fd, struct worker **out, struct err *err)
{
    struct worker *w = new_worker(origin, pass_fd, err);

    if (!w)
        return false;
    if (!give_job(w, spec, memory_limit, err)) {
        worker_free(w);
        return false;
    }
    *out = w;
    return true;
}

bool worker_start(
    const struct json *spec, size_t memory_limit, int pass_fd, struct worker **out, struct err *err)
{
    struct worker *w = pass_fd < 0 ? swap_spare(NULL) : NULL;
    bool ok = true;

    if (!w)
        return start_new(WORKER_ANEW, spec, memory_limit, pass_fd, out, err);
    if (give_job(w, spec, memory_limit, err)) {
        *out = w;
    } else { /* It has died waiting. */
        worker_free(w);
        ok = start_new(WORKER_ANEW, spec, memory_limit, pass_fd, out, err);
    }
    if (ok)
        make_spare();
    return ok;
}

bool worker_fork(
    const struct json *spec, size_t memory_limit, int pass_fd, struct worker **out, struct err *err)
{
    return start_new(WORKER_FORKED, spec, memory_limit, pass_fd, out, err);
}

/* ---- end ---- */

static void kill_now(struct worker *w)
{
    if (w->reaped)
        return;
    pidfd_send_signal(w->p.pidfd, SIGKILL, NULL, 0);
    w->killed = true;
}

static void reap(struct worker *w)
{
    if (!w->reaped)
        w->known = worker_process_wait(&w->p, &w->status);
    w->reaped = true;
}

void worker_cancel(struct worker *w)
{
    int64_t unset = 0;

    atomic_compare_exchange_strong(
        &w->kill_at, &unset, clock_mono_ns() + WORKER_GRACE_MS * NS_PER_MS);
    pidfd_send_signal(w->p.pidfd, SIGTERM, NULL, 0);
}

int worker_pid(const struct worker *w)
{
    return w->p.pid;
}

void worker_free(struct worker *w)
{
    struct pollfd end = { .fd = -1, .events = POLLIN };

    if (!w)
        return;
    if (w->ended && !w->reaped) { /* It has said its last word: let it go in peace. */
        end.fd = w->p.pidfd;
        poll(&end, 1, WORKER_GRACE_MS);
    }
    kill_now(w);
    reap(w);
    close(w->p.pidfd);
    close(w->p.events_fd);
    close(w->p.life_fd);
    if (w->p.end_fd >= 0)
        close(w->p.end_fd);
    buf_deinit(&w->in);
    free(w);
}

/* ---- events ---- */

/* How a worker that said nothing ended. */
static void death_err(struct worker *w, struct err *err)
{
    int number = WIFSIGNALED(w->status) ? WTERMSIG(w->status) : 0;

    if (w->kill_at != 0)
        err_set(err, ERR_CANCELLED, "stopped on request");
    else if (!w->known)
        err_set(err, ERR_INTERNAL, "the worker process ended without a result");
    else if (number == SIGKILL)
        err_set(
            err, ERR_NOMEM, "the work was killed by the system, which is probably out of memory");
    else if (number == SIGXCPU)
        err_set(err, ERR_TIMEOUT, "the work took more processor time than is allowed");
    else if (number != 0)
        err_set(err, ERR_INTERNAL, "the worker process crashed (signal %d) on this file", number);
    else
        err_set(err, ERR_INTERNAL, "the worker process ended with status %d and without a result",
            WEXITSTATUS(w->status));
}

static bool failed_event(const struct err *why, struct json **event, struct err *err)
{
    struct json *e = json_new_object();
    bool ok;

    ok = json_set_string(e, "event", "failed");
    ok = json_set(e, "step", json_new_null()) && ok;
    ok = json_set(e, "error", json_from_err(why)) && ok;
    if (!ok) {
        json_free(e);
        return err_nomem(err);
    }
    *event = e;
    return true;
}

/* The end of a worker without a last word, or one whose words make no sense. */
static bool give_up(struct worker *w, const char *nonsense, struct json **event, struct err *err)
{
    struct err why;

    w->ended = true;
    if (nonsense)
        kill_now(w);
    reap(w);
    if (nonsense)
        err_set(&why, ERR_INTERNAL, "the worker process %s", nonsense);
    else
        death_err(w, &why);
    return failed_event(&why, event, err);
}

enum event_kind { EVENT_NONSENSE, EVENT_STEP, EVENT_LAST };

static bool is_count(const struct json *v)
{
    return json_kind(v) == JSON_KIND_INT && json_int(v, -1) >= 0;
}

static enum event_kind check_event(const struct json *e)
{
    const char *name = json_get_string(e, "event");

    if (!name)
        return EVENT_NONSENSE;
    if (strcmp(name, "done") == 0)
        return json_kind(json_get(e, "data")) == JSON_KIND_OBJECT ? EVENT_LAST : EVENT_NONSENSE;
    if (strcmp(name, "failed") == 0)
        return json_get_string(json_get(e, "error"), "text") ? EVENT_LAST : EVENT_NONSENSE;
    if (!is_count(json_get(e, "step")))
        return EVENT_NONSENSE;
    if (strcmp(name, "step_started") == 0)
        return EVENT_STEP;
    if (strcmp(name, "progress") == 0)
        return is_count(json_get(e, "percent")) && json_get_int(e, "percent", 0) <= 100
                   ? EVENT_STEP
                   : EVENT_NONSENSE;
    if (strcmp(name, "step_completed") == 0)
        return json_kind(json_get(e, "result")) == JSON_KIND_OBJECT &&
                       json_kind(json_get(e, "files")) == JSON_KIND_ARRAY
                   ? EVENT_STEP
                   : EVENT_NONSENSE;
    return EVENT_NONSENSE;
}

/* Take one line out of the buffer; *line is NULL when there is no whole one. */
static char *take_line(struct worker *w, size_t *n)
{
    char *start = w->in.data + w->taken, *end;

    if (w->searched == w->in.len)
        return NULL;
    end = memchr(w->in.data + w->searched, '\n', w->in.len - w->searched);
    if (!end) {
        w->searched = w->in.len;
        return NULL;
    }
    *n = (size_t)(end - start);
    w->taken += *n + 1;
    w->searched = w->taken;
    return start;
}

/* Move what is left to the front, so that the cap is one of a line and not of all lines. */
static void compact(struct worker *w)
{
    if (w->taken == 0)
        return;
    memmove(w->in.data, w->in.data + w->taken, w->in.len - w->taken);
    w->in.len -= w->taken;
    w->searched -= w->taken;
    w->taken = 0;
}

enum read_outcome { READ_SOME, READ_NOTHING, READ_END, READ_OVER };

static enum read_outcome read_some(struct worker *w)
{
    char *room;
    ssize_t n;

    compact(w);
    room = buf_reserve(&w->in, READ_BYTES);
    if (!room)
        return READ_OVER;
    n = read(w->p.events_fd, room, READ_BYTES);
    if (n > 0) {
        w->in.len += (size_t)n;
        return READ_SOME;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? READ_NOTHING : READ_END;
}

/* Milliseconds to wait: until the deadline (0: none) or the end of the grace, whichever is first. */
static int wait_ms(struct worker *w, int64_t deadline)
{
    int64_t now = clock_mono_ns(), until = deadline, kill_at = w->kill_at;

    if (kill_at != 0 && !w->killed && (until == 0 || kill_at < until))
        until = kill_at;
    if (until == 0)
        return -1;
    return until <= now ? 0 : (int)((until - now + NS_PER_MS - 1) / NS_PER_MS);
}

static void keep_grace(struct worker *w)
{
    int64_t kill_at = w->kill_at;

    if (kill_at != 0 && !w->killed && clock_mono_ns() >= kill_at)
        kill_now(w);
}

static bool parse_event(
    struct worker *w, const char *line, size_t n, struct json **event, struct err *err)
{
    struct err bad;
    struct json *e = NULL;

    if (!json_parse_max(line, n, WORKER_MAX_LINE, &e, &bad) && bad.code == ERR_NOMEM)
        return err_nomem(err);
    if (!e)
        return give_up(w, "said something that is no event", event, err);
    switch (check_event(e)) {
    case EVENT_LAST:
        w->ended = true;
        break;
    case EVENT_STEP:
        break;
    case EVENT_NONSENSE:
        json_free(e);
        return give_up(w, "sent an event that makes no sense", event, err);
    }
    *event = e;
    return true;
}

bool worker_next(struct worker *w, int timeout_ms, struct json **event, struct err *err)
{
    int64_t deadline = timeout_ms < 0 ? 0 : clock_mono_ns() + timeout_ms * NS_PER_MS;

    *event = NULL;
    if (w->ended)
        return err_set(err, ERR_INTERNAL, "the worker has already ended");
    for (;;) {
        struct pollfd fds[] = { { .fd = w->p.events_fd, .events = POLLIN } };
        size_t n = 0;
        char *line = take_line(w, &n);

        if (line)
            return parse_event(w, line, n, event, err);
        switch (read_some(w)) {
        case READ_SOME:
            continue;
        case READ_END:
            return give_up(w, NULL, event, err);
        case READ_OVER:
            return give_up(w, "sent an event without an end", event, err);
        case READ_NOTHING:
            break;
        }
        keep_grace(w);
        if (deadline != 0 && clock_mono_ns() >= deadline)
            return true;
        if (poll(fds, 1, wait_ms(w, deadline)) < 0 && errno != EINTR)
            return err_errno(err, errno, "a worker's events");
    }
}

bool worker_ask(const struct json *spec, size_t memory_limit, int timeout_ms, struct json **data,
    struct err *err)
{
    int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
    struct json *event = NULL;
    struct worker *w;
    bool ok = false;

    if (!worker_start(spec, memory_limit, -1, &w, err))
        return false;
    for (;;) {
        int64_t left = (deadline - clock_mono_ns()) / NS_PER_MS;
        const char *name;

        if (!worker_next(w, left > 0 ? (int)left : 0, &event, err))
            break;
        if (!event) {
            err_set(err, ERR_TIMEOUT, "this took longer than the %d seconds allowed",
                timeout_ms / 1000);
            break;
        }
        name = json_get_string(event, "event");
        if (strcmp(name, "done") == 0) {
            *data = json_ref(json_get(event, "data"));
            ok = true;
            break;
        }
        if (strcmp(name, "failed") == 0) {
            json_to_err(json_get(event, "error"), err);
            break;
        }
        json_free(event);
        event = NULL;
    }
    json_free(event);
    worker_free(w);
    return ok;
}
