/*
 * Work by the clock: backups and their retention, old conversations, dumps, results and answers. One thread looks once a minute,
 * and when it is woken.
 */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
enum { LOOK_SECONDS = 60, MINUTE = 60, DAY = 86400, SWEEP_CONVERSATIONS = 100 };

struct janitor {
    struct server *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, woken;
    int64_t first_look_ns;
};

/* ---- files that grow old ---- */

struct sweep {
    const char *dir, *what;
    bool (*ours)(
        const char *name); /* The folder may be one of the operator's: nothing else is touched. */
    int64_t before_ns;
    int64_t newest_ns; /* Of those kept. */
};

static bool is_backup(const char *name)
{
    size_t n = strlen(name);

    return strncmp(name, "chat_backup_", 12) == 0 && n > 3 && strcmp(name + n - 3, ".db") == 0;
}

/* The id of a conversation, and a stamp behind it. */
static bool is_dump(const char *name)
{
    return strspn(name, "0123456789abcdef-") == ID_LEN - 1 && name[ID_LEN - 1] == '_';
}

static bool sweep_one(void *arg, const char *relative, uint64_t size, struct err *err)
{
    struct sweep *sweep = arg;
    char path[FS_PATH_MAX];
    struct stat st;
    int64_t changed;

    (void)size;
    if (!sweep->ours(relative))
        return true;
    if (!fs_join(path, sweep->dir, relative, err))
        return false;
    if (stat(path, &st) != 0)
        return true;
    changed = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
    if (changed >= sweep->before_ns) {
        if (changed > sweep->newest_ns)
            sweep->newest_ns = changed;
    } else if (unlink(path) == 0) {
        log_write(LOG_INFO, "an old file was removed", sweep->what, relative, NULL);
    }
    return true;
}

static void sweep(struct sweep *s)
{
    struct err err;

    if (!fs_walk(s->dir, sweep_one, s, &err))
        log_write(LOG_WARNING, "old files cannot be removed", "error", err.text, NULL);
}

static void backup(struct janitor *j, int64_t now)
{
    const struct settings *s = j->server->settings;
    int64_t last = metrics_last_backup(j->server->metrics);
    int64_t interval =
        settings_int(s, "chat_workflows.backup.interval_minutes") * MINUTE * NS_PER_S;
    struct sweep old = { .dir = j->server->dirs.snapshots,
        .what = "backup",
        .ours = is_backup,
        .before_ns =
            now - settings_int(s, "chat_workflows.backup.retention_days") * DAY * NS_PER_S };
    char name[FS_NAME_MAX + 1], path[FS_PATH_MAX];
    struct err err;

    if (!settings_bool(s, "chat_workflows.backup.enabled") ||
        now - (last ? last : j->first_look_ns) < interval)
        return;
    if (!server_backup(j->server, NULL, name, path, &err)) {
        log_write(LOG_ERROR, "the backup failed", "error", err.text, NULL);
        return; /* And the old ones stay. */
    }
    log_write(LOG_INFO, "backup written", "file", name, NULL);
    sweep(&old);
}

static void clean(struct janitor *j, int64_t now)
{
    const struct settings *s = j->server->settings;
    int64_t before =
        now - settings_int(s, "chat_workflows.cleanup.conversation_days") * DAY * NS_PER_S;
    struct sweep dumps = { .dir = j->server->dirs.dumps,
        .what = "dump",
        .ours = is_dump,
        .before_ns = now - settings_int(s, "chat_workflows.cleanup.dump_days") * DAY * NS_PER_S };
    struct conversation *old;
    struct arena arena;
    struct err err;
    size_t n;

    if (!settings_bool(s, "chat_workflows.cleanup.enabled"))
        return;
    sweep(&dumps);
    arena_init(&arena, NULL);
    if (!store_conversations_before(
            j->server->store, before, SWEEP_CONVERSATIONS, &arena, &old, &n, &err)) {
        log_write(LOG_ERROR, "old conversations cannot be listed", "error", err.text, NULL);
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (!server_delete_conversation(j->server, &old[i], &err))
            log_write(LOG_ERROR, "an old conversation cannot be deleted", "chat_id", old[i].id,
                "error", err.text, NULL);
        else
            log_write(LOG_INFO, "an old conversation was deleted", "chat_id", old[i].id, NULL);
    }
    arena_deinit(&arena);
}

static void *janitor_main(void *arg)
{
    struct janitor *j = arg;

    pthread_mutex_lock(&j->lock);
    while (!j->stop) {
        bool woken = j->woken;
        struct timespec until;
        int rc = 0;

        j->woken = false;
        pthread_mutex_unlock(&j->lock);
        backup(j, clock_wall_ns());
        clean(j, clock_wall_ns());
        results_sweep(j->server);
        idempotency_sweep(j->server);
        auth_write_uses(j->server->auth);
        if (woken)
            log_write(LOG_INFO, "backups and old files were looked at", NULL);
        pthread_mutex_lock(&j->lock);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += LOOK_SECONDS;
        while (!j->stop && !j->woken && rc != ETIMEDOUT)
            rc = pthread_cond_timedwait(&j->wake, &j->lock, &until);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

bool janitor_start(struct server *server, struct janitor **out, struct err *err)
{
    struct janitor *j = calloc(1, sizeof *j);
    struct sweep look = {
        .dir = server->dirs.snapshots, .what = "backup", .ours = is_backup, .before_ns = INT64_MIN
    };

    if (!j)
        return err_nomem(err);
    j->server = server;
    /* The last backup may be an earlier process's; a fresh folder waits a whole interval for its first. */
    sweep(&look);
    j->first_look_ns = clock_wall_ns();
    if (look.newest_ns > 0)
        metrics_backup(server->metrics, look.newest_ns);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, NULL);
    if (pthread_create(&j->thread, NULL, janitor_main, j) != 0) {
        free(j);
        return err_set(err, ERR_NOMEM, "the thread for backups cannot be started");
    }
    *out = j;
    return true;
}

void janitor_wake(struct janitor *j)
{
    pthread_mutex_lock(&j->lock);
    j->woken = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
}

void janitor_stop(struct janitor *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    j->stop = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    free(j);
}
