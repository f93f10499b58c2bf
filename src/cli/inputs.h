#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

/*
 * The files a job may read, as the command line names them.
 */

#include "base/json.h"
#include "cli/staging.h"
#include "workflow/plan.h"

#define INPUT_STDIN "-"
#define INPUT_STDIN_NAME "stdin"

/*
 * Add the file at `path` to `files` (the spec's array), unless it is there already; steps may call it by that
 * path or by its base name. "-" is standard input; it, pipes and devices are copied into the staging folder.
 *
 * Errors: ERR_NOT_FOUND for what cannot be read: absent, a folder, not permitted.
 */
bool inputs_add(
    struct json *files, const char *path, struct staging *staging, struct err *err) MUST_CHECK;

/* Add the files that the steps of `plan` name and that are not among the inputs but lie on disk. */
bool inputs_add_named(struct json *files, const struct plan *plan, struct staging *staging,
    struct err *err) MUST_CHECK;

/* Does a step of `plan` name this input (by path or base name) as an argument or as its input_file? */
bool inputs_is_named(const struct plan *plan, const char *path);

/* Last part of a path. */
const char *inputs_name(const char *path);
/* Folder of a path ("." when it has none) in out (FS_PATH_MAX). */
void inputs_folder(const char *path, char *out);

#endif
