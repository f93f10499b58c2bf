#ifndef CLI_DRIVE_H
#define CLI_DRIVE_H

/*
 * A job driven from the command line: the worker process, its progress, its results, and Ctrl-C.
 */

#include "base/setting.h"
#include "cli/progress_bar.h"
#include "workflow/plan.h"

struct drive {
    struct progress_bar *bar; /* May be NULL. */
    const struct plan *plan;  /* Of a run; else NULL. */
    /* What came of it; the caller's to free with drive_deinit(). */
    struct json *completed; /* The step_completed events, in order. */
    struct json *data;      /* Of the "done" event, or NULL. */
    size_t failed_step;     /* SIZE_MAX: no step is at fault. */
};

/*
 * Run `spec` in a worker until it ends. pass_fd: handed to it as descriptor 3, or -1. The first SIGINT,
 * SIGTERM or SIGHUP cancels it, and then the err is ERR_CANCELLED.
 */
bool drive_run(struct drive *d, const struct json *spec, const struct settings *settings,
    int pass_fd, struct err *err) MUST_CHECK;
void drive_deinit(struct drive *d);

/* Has a signal asked the program to stop? Installs the handlers when first called. */
bool drive_interrupted(void);

/*
 * Wait until `fd` can be read (or has ended); false when a signal asks the program to stop. A signal that arrives just
 * before the wait is not missed.
 */
bool drive_wait_readable(int fd);

#endif
