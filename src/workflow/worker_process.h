#ifndef WORKFLOW_WORKER_PROCESS_H
#define WORKFLOW_WORKER_PROCESS_H

/* How a worker comes to be, for worker.c: a process with two channels that waits for its job. */

#include "base/err.h"

#include <sys/types.h>

enum worker_origin {
    WORKER_ANEW, /* By the zygote (zygote.h) where one is kept, else the program is started once more. */
    WORKER_FORKED /* A copy of this process, which spares it the loading; anew where there are threads. */
};

struct worker_process {
    pid_t pid;
    int pidfd;
    int life_fd; /* Our end of its standard input, which takes the job and whose closing it takes for our end. */
    int events_fd; /* What it says. */
    int end_fd;    /* -1: a child of ours. Else the zygote's, which tells how it ended. */
};

/*
 * All descriptors are close-on-exec. pass_fd: what it is to have as descriptor 3, or -1. It gets no other descriptor but
 * stderr.
 *
 * Errors: ERR_BUSY, ERR_IO.
 */
bool worker_process_start(
    enum worker_origin origin, int pass_fd, struct worker_process *out, struct err *err) MUST_CHECK;

/* Wait until it is gone, once. False: how it ended is not known. Its descriptors stay open. */
bool worker_process_wait(struct worker_process *p, int *status);

/* No core dumps, and at most so many bytes of address space (0: any number). */
void worker_process_limit(const struct worker_process *p, size_t memory_limit);

/* ---- for zygote.c ---- */

/* Start the program once more as "sheetflow VERB", with these descriptors alone; an errno. */
int worker_process_spawn(const char *verb, int in_fd, int out_fd, int pass_fd, pid_t *pid);
/* Be a worker, in a process that has been forked for it. */
_Noreturn void worker_process_be(int spec_fd, int events_fd, int pass_fd, int (*worker)(void));

#endif
