#ifndef WORKFLOW_SANDBOX_H
#define WORKFLOW_SANDBOX_H

/*
 * What a worker gives up before it looks at a file: everything but its job's files and folders, and
 * every system call that reaches other processes, the network or other programs.
 *
 *   Landlock   reads: the files of the job, the system's libraries (character set converters are loaded late)
 *              writes: outputs_dir, intermediate_dir, tmp_dir
 *   seccomp    no new programs or processes, no sockets, no tracing, no mounts, no kernel interfaces
 *
 * As far as the kernel goes: what it lacks is left out. Under the sanitizers, which need such calls and /proc, it
 * is wider.
 */

#include "base/json.h"

enum sandbox_part { SANDBOX_FILES = 1 << 0, SANDBOX_CALLS = 1 << 1 };

/* Enter, before any thread is started; there is no way back. Returns the parts that hold. */
unsigned sandbox_enter(const struct json *spec);
/* Which parts would hold here: a child tries. False (errno) when none can be started. Before any thread is started. */
bool sandbox_probe(unsigned *parts) MUST_CHECK;

#endif
