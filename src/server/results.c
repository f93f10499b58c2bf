/*
 * Results of operations that belong to no conversation, until they expire.
 *
 *   <results>/.<token>/...     being made by a worker
 *   <results>/<token>/<name>   made: <prefix>/files/downloads/<token>-<name>
 *
 *   <results>/<token>/.owner   whose it is; without one, of somebody who needed no key
 *
 * A token is 128 random bits: whoever knows the URL may read the file, if he is its owner where there is one. A folder gets its name when all of
 * its files are whole; its age is that of its last file.
 */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "formats/detect.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWNER_FILE ".owner"
#define NS_PER_HOUR INT64_C(3600000000000)

static bool is_token(const char *s)
{
    for (size_t i = 0; i < RESULT_TOKEN; i++) {
        if (!s[i] || !strchr("0123456789abcdef", s[i]))
            return false;
    }
    return true;
}

static bool results_dir(const struct server *server, char *out, struct err *err)
{
    const char *folder = settings_string(server->settings, "file.output_folder");

    if (folder[0] == '/')
        return fs_join(out, "/", folder + 1, err);
    return fs_join(out, server->dirs.root, *folder ? folder : "results", err);
}

static bool expired(const struct server *server, const struct stat *st)
{
    int64_t ttl = settings_int(server->settings, "file.result_ttl_hours") * NS_PER_HOUR;
    int64_t made = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;

    return clock_wall_ns() - made > ttl;
}

/* Remove what is old, or (unfinished) what an earlier process was making. */
static void sweep(struct server *server, bool unfinished)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct err err = { 0 };
    struct dirent *entry;
    struct stat st;
    DIR *d;

    if (!results_dir(server, dir, &err) || !(d = opendir(dir)))
        return;
    while ((entry = readdir(d)) != NULL) {
        bool hidden = entry->d_name[0] == '.';
        const char *token = entry->d_name + hidden;

        if (!is_token(token) || token[RESULT_TOKEN] || !fs_join(path, dir, entry->d_name, &err) ||
            lstat(path, &st) != 0 || !(hidden ? unfinished : expired(server, &st)))
            continue;
        if (!fs_remove_tree(path, &err))
            log_write(LOG_WARNING, "an old result cannot be removed", "error", err.text, NULL);
    }
    closedir(d);
}

bool results_open(struct server *server, struct err *err)
{
    char dir[FS_PATH_MAX];

    if (!results_dir(server, dir, err) || !fs_make_dirs(dir, err))
        return false;
    sweep(server, true);
    return true;
}

void results_sweep(struct server *server)
{
    sweep(server, false);
}

bool results_begin(
    struct server *server, const char *owner, struct result_folder *out, struct err *err)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX], name[RESULT_TOKEN + 2] = ".";

    rand_hex(out->token, RESULT_TOKEN);
    memcpy(name + 1, out->token, sizeof out->token);
    return results_dir(server, dir, err) && fs_join(out->path, dir, name, err) &&
           fs_make_dirs(out->path, err) &&
           (!*owner || (fs_join(path, out->path, OWNER_FILE, err) &&
                           fs_save(path, owner, strlen(owner), err)));
}

bool results_publish(struct server *server, struct result_folder *folder, struct err *err)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];

    if (!results_dir(server, dir, err) || !fs_join(path, dir, folder->token, err))
        return false;
    if (rename(folder->path, path) != 0)
        return err_errno(err, errno, "the folder of the result");
    memcpy(folder->path, path, sizeof path);
    return fs_sync_dir(dir, err);
}

void results_abort(struct result_folder *folder)
{
    struct err err;

    if (folder->path[0] && !fs_remove_tree(folder->path, &err))
        log_write(LOG_WARNING, "an unfinished result cannot be removed", "error", err.text, NULL);
}

const char *results_url(struct call *call, const struct result_folder *folder, const char *name)
{
    return arena_printf(call->arena, "%s%s/files/downloads/%s-%s", view_base_url(call),
        call->server->prefix, folder->token, view_url_escape(call->arena, name));
}

static const char *media_type(const char *name)
{
    if (strcasecmp(fs_suffix(name), ".txt") == 0)
        return "text/plain; charset=utf-8";
    return file_format_media_type(file_format_find(fs_suffix(name)));
}

static bool is_callers(const struct call *call, const char *owner_file)
{
    const char *sees = principal_sees(&call->caller->who);
    struct err ignored;
    char *owner;
    size_t n;
    bool same;

    if (!sees)
        return true;
    if (!fs_load(owner_file, AUTH_OWNER_MAX, &owner, &n, &ignored))
        return false;
    same = strcmp(owner, sees) == 0;
    free(owner);
    return same;
}

bool api_result_get(struct call *call, struct err *err)
{
    const char *given = call->params[0], *name = given + RESULT_TOKEN + 1;
    char dir[FS_PATH_MAX], path[FS_PATH_MAX], etag[64];
    struct stat st;
    uint64_t size;
    int fd;

    if (!is_token(given) || given[RESULT_TOKEN] != '-' || !*name || *name == '.' ||
        strchr(name, '/'))
        return err_set(err, ERR_NOT_FOUND, "there is no such result; it may have expired");
    if (!results_dir(call->server, dir, err))
        return false;
    snprintf(path, sizeof path, "%s/%.*s/" OWNER_FILE, dir, RESULT_TOKEN, given);
    if (!is_callers(call, path))
        return err_set(err, ERR_NOT_FOUND, "there is no such result; it may have expired");
    snprintf(path, sizeof path, "%.*s/%s", RESULT_TOKEN, given, name);
    if (!fs_open_beneath(dir, path, &fd, &size, err))
        return err_set(err, ERR_NOT_FOUND, "there is no such result; it may have expired");
    if (fstat(fd, &st) != 0 || expired(call->server, &st)) {
        close(fd);
        return err_set(err, ERR_NOT_FOUND, "this result has expired; run the operation again");
    }
    snprintf(etag, sizeof etag, "%.*s", RESULT_TOKEN, given); /* Never written again. */
    reply_file(call, fd, size, name, media_type(name), etag);
    return true;
}
