#ifndef WORKFLOW_ZYGOTE_H
#define WORKFLOW_ZYGOTE_H

/*
 * The process that a server's workers are copies of: the program loaded once, without threads, files or secrets of the
 * server, doing nothing but fork when it is asked to. Loading the program anew would cost each worker several milliseconds
 * of processor time.
 *
 *   server ── ask: descriptors ──▶ zygote ──fork──▶ worker
 *      ▲                              │
 *      └── id, pidfd; how it ended ───┘     a socket for each worker
 *
 * A zygote that dies, or does not answer, is replaced when the next worker is asked for. Its workers go on: they have their
 * channels to the server, and only how they end can no longer be told.
 */

#include <stdbool.h>
#include <sys/types.h>

/* Have one started at once, or ended. While there is none, zygote_fork() fails. Not thread-safe. */
void zygote_keep(bool wanted);

/*
 * A worker with `spec_fd` as its standard input, `events_fd` as its standard output and pass_fd as 3 (-1: none), which
 * stay the caller's as well. *end_fd: see zygote_wait(). Thread-safe.
 *
 * False when there is no zygote, or it died or did not answer; another may have more luck. It may have forked a worker
 * before: for another attempt these channels are not to be used again, and closed, so that such a one finds no job and ends.
 */
bool zygote_fork(int spec_fd, int events_fd, int pass_fd, pid_t *pid, int *pidfd, int *end_fd);

/* Wait for the worker's end; false when how it ended will never be known. */
bool zygote_wait(int pidfd, int end_fd, int *status);

/*
 * The zygote's own main; asked through descriptor 0. `worker` is what its workers do. name: where the program's verb stands
 * in its arguments, which the workers change into "worker", so that ps tells them apart.
 */
int zygote_main(int (*worker)(void), char *name);

#endif
