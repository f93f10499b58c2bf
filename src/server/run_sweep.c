/* What a killed worker leaves behind. */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define CLOCK_SLACK_NS INT64_C(50000000) /* File systems stamp by a coarser clock. */

/* The worker's leavings in one folder: temporary files made before `before_ns`. */
struct leavings {
    const char *dir;
    int64_t before_ns;
};

static bool remove_leaving(void *arg, const char *relative, uint64_t size, struct err *err)
{
    const struct leavings *l = arg;
    const char *name = strrchr(relative, '/');
    size_t n = strlen(relative), suffix = strlen(FS_TMP_SUFFIX);
    char path[FS_PATH_MAX];
    struct statx st;

    (void)size;
    name = name ? name + 1 : relative;
    if (name[0] != '.' || n < suffix || strcmp(relative + n - suffix, FS_TMP_SUFFIX) != 0)
        return true;
    if (!fs_join(path, l->dir, relative, err))
        return false;
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &st) == 0 &&
        (st.stx_mask & STATX_BTIME) &&
        st.stx_btime.tv_sec * NS_PER_S + st.stx_btime.tv_nsec < l->before_ns)
        unlink(path); /* What stays is removed at the next start. */
    return true;
}

/*
 * A worker that had to be killed could not remove what it was writing. Temporary files do not tell whose they are:
 * they are removed only while no other run of the conversation is at work, and only those made before that was asked,
 * so that a run that begins meanwhile keeps its own.
 */
void run_sweep(struct server *server, const struct conversation *c)
{
    char dir[FS_PATH_MAX];
    struct leavings l = { .dir = dir, .before_ns = clock_wall_ns() - CLOCK_SLACK_NS };
    struct err err;

    if (dispatcher_running(server->dispatcher, c->id) == 1 &&
        conversation_dir(&server->dirs, c->partition, c->id, dir, &err) &&
        !fs_walk(dir, remove_leaving, &l, &err))
        log_write(LOG_WARNING, "temporary files of a run stay", "chat_id", c->id, "error", err.text,
            NULL);
}
