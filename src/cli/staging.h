#ifndef CLI_STAGING_H
#define CLI_STAGING_H

/*
 * Where the outputs of a job come to be: a hidden folder beside the place they are for. Finished files are
 * moved into place; what is left (of a run that failed, was interrupted, or whose worker was killed) goes with
 * the folder.
 */

#include "base/fs.h"

struct staging {
    char dir[FS_PATH_MAX];  /* Of the finished files. */
    char path[FS_PATH_MAX]; /* The hidden folder in it; "" before staging_open(). */
};

/* `dir` exists. Errors: ERR_CREATE when nothing can be made there. */
bool staging_open(struct staging *s, const char *dir, struct err *err) MUST_CHECK;
void staging_close(struct staging *s); /* Removes the folder and all in it. Zeroed is fine. */

/* The path of `name` in the staging folder; "outputs" and "intermediate" exist. */
bool staging_path(
    const struct staging *s, const char *name, char *path, struct err *err) MUST_CHECK;

/*
 * Move the finished file `name` of `folder` ("outputs", "intermediate") into place under its own name, "-2" added
 * where that is taken: outputs to dir, intermediate ones to dir/intermediate. `path` (FS_PATH_MAX)
 * receives where it lies now.
 */
bool staging_keep(struct staging *s, const char *folder, const char *name, char *path,
    struct err *err) MUST_CHECK;
/* Move the finished output `name` to exactly `path`, replacing what is there. */
bool staging_replace(
    struct staging *s, const char *name, const char *path, struct err *err) MUST_CHECK;

/* Copy all of a descriptor to a file `name` in the staging folder. */
bool staging_spool(struct staging *s, int fd, const char *name, struct err *err) MUST_CHECK;

#endif
