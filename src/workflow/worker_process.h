#ifndef WORKFLOW_WORKER_PROCESS_H
#define WORKFLOW_WORKER_PROCESS_H

/* How a worker comes to be, for worker.c: a process with two channels that waits for its job. */

#include "base/err.h"

#include <sys/types.h>

enum worker_origin {
    WORKER_SPAWNED, /* The program started once more, as "sheetflow worker". */
    WORKER_FORKED /* A copy of this process, which spares it the loading; spawned where there are threads. */
};

/*
 * *life_fd: our end of its standard input, which takes the job and whose closing it takes for our end. *events_fd: what it
 * says. Both are close-on-exec. pass_fd: what it is to have as descriptor 3, or -1. It gets no other descriptor but stderr.
 *
 * Errors: ERR_BUSY, ERR_IO.
 */
bool worker_process_start(enum worker_origin origin, int pass_fd, pid_t *pid, int *life_fd,
    int *events_fd, struct err *err) MUST_CHECK;

/* No core dumps, and at most so many bytes of address space (0: any number). */
void worker_process_limit(pid_t pid, size_t memory_limit);

#endif
