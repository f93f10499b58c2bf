#ifndef WORKFLOW_WORKER_H
#define WORKFLOW_WORKER_H

/*
 * Worker processes: one run each, in a sandbox (sandbox.h), so that a hostile file can end its worker and nothing
 * else.
 *
 *   parent                              worker (sheetflow worker)
 *     spec JSON ──────── pipe ──────────▶ run_execute()
 *     events    ◀─────── pipe ─────────── JSON lines
 *     SIGTERM: cancel; SIGKILL after WORKER_GRACE_MS
 *     the parent's death cancels it too
 *
 * A worker that ends without "done" or "failed" gets a "failed" event made up for it by the reader here,
 * which says how it ended (killed by the system, memory limit, crash).
 */

#include "base/json.h"

enum { WORKER_GRACE_MS = 1000, WORKER_MAX_LINE = 32 << 20 };

struct worker;

/* Start one. memory_limit: bytes of address space, 0 for none. pass_fd: a descriptor it inherits as 3, or -1. */
bool worker_start(const struct json *spec, size_t memory_limit, int pass_fd, struct worker **out,
    struct err *err) MUST_CHECK;

/*
 * As worker_start(), but the worker begins as a copy of this process instead of loading the program anew. For the command
 * line: a process that has started threads gets a worker of the other kind.
 */
bool worker_fork(const struct json *spec, size_t memory_limit, int pass_fd, struct worker **out,
    struct err *err) MUST_CHECK;

/*
 * Keep a process that forks workers (zygote.h), and one worker started ahead, so that a small job waits neither for the
 * program to be loaded nor for the fork. For servers: call it once with true, and with false before the end. Does not
 * fail: without them worker_start() loads the program.
 */
void worker_keep_spare(bool wanted);

/*
 * Next event, waiting at most timeout_ms (-1: for ever). *event is the caller's to free; NULL with true: timed out.
 * After "done" or "failed" there are no more. Events are checked for shape; nonsense becomes a "failed" event.
 */
bool worker_next(struct worker *w, int timeout_ms, struct json **event, struct err *err) MUST_CHECK;
void worker_cancel(
    struct worker *w); /* Thread-safe; SIGTERM now, SIGKILL after the grace by worker_next(). */
int worker_pid(const struct worker *w);
void worker_free(struct worker *w); /* Kills it when it still runs, and reaps it. NULL is fine. */

/* The worker's own main: spec from descriptor 0, events to descriptor 1. Returns the exit status. */
int worker_main(void);

/* Run one short job (inspect, preview) in a worker and wait for its data, at most timeout_ms. */
bool worker_ask(const struct json *spec, size_t memory_limit, int timeout_ms, struct json **data,
    struct err *err) MUST_CHECK;

#endif
