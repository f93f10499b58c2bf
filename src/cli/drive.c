/*
 * A job driven from the command line.
 */

#include "cli/drive.h"

#include "workflow/run.h"
#include "workflow/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

enum { POLL_MS = 100, MIB = 1 << 20, WORKER_BASE_MB = 512 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

bool drive_interrupted(void)
{
    static bool installed;
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = on_signal };
    struct sigaction now;

    for (size_t i = 0; !installed && i < ARRAY_LEN(numbers); i++) {
        /* One that is ignored (nohup) stays so. */
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    installed = true;
    return interrupted != 0;
}

bool drive_wait_readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    sigset_t stop, before;
    bool go_on;

    drive_interrupted();
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &stop, &before);
    while (!interrupted && ppoll(&p, 1, NULL, &before) < 0 && errno == EINTR)
        ;
    go_on = !interrupted;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return go_on;
}

/* Address space is more than memory: libraries, stacks and freed blocks count as well. */
static size_t memory_limit(const struct settings *settings)
{
    int64_t mb = settings_int(settings, "chat_workflows.execution.memory_limit_mb");

    return ((size_t)mb * 2 + WORKER_BASE_MB) * MIB;
}

static bool on_failed(struct drive *d, const struct json *event, struct err *err)
{
    int64_t step = json_int(json_get(event, "step"), -1);

    json_to_err(json_get(event, "error"), err);
    if (step >= 0)
        d->failed_step = (size_t)step;
    return false;
}

/* One event; *more is false after the last. */
static bool on_event(struct drive *d, const struct json *event, bool *more, struct err *err)
{
    const char *name = json_get_string(event, "event");

    if (d->bar)
        progress_bar_event(d->bar, event);
    if (strcmp(name, "failed") == 0)
        return on_failed(d, event, err);
    if (strcmp(name, "step_completed") == 0 && !json_add(d->completed, json_ref(event)))
        return err_nomem(err);
    if (strcmp(name, "done") == 0) {
        d->data = json_ref(json_get(event, "data"));
        *more = false;
    }
    return true;
}

static bool follow(struct drive *d, struct worker *w, struct err *err)
{
    bool more = true, cancelled = false, ok = true;

    while (ok && more) {
        struct json *event = NULL;

        if (drive_interrupted() && !cancelled) {
            worker_cancel(w);
            cancelled = true;
        }
        ok = worker_next(w, POLL_MS, &event, err);
        if (ok && event)
            ok = on_event(d, event, &more, err);
        json_free(event);
    }
    return ok;
}

bool drive_run(struct drive *d, const struct json *spec, const struct settings *settings,
    int pass_fd, struct err *err)
{
    struct worker *w;
    bool ok;

    d->failed_step = SIZE_MAX;
    d->data = NULL;
    d->completed = json_new_array();
    if (!d->completed)
        return err_nomem(err);
    if (drive_interrupted())
        return err_set(err, ERR_CANCELLED, "stopped on request");
    if (!worker_fork(spec, memory_limit(settings), pass_fd, &w, err))
        return false;
    ok = follow(d, w, err);
    worker_free(w);
    return ok;
}

void drive_deinit(struct drive *d)
{
    json_free(d->completed);
    json_free(d->data);
    d->completed = d->data = NULL;
}
