/* What a worker is told: the files it may read, where its outputs go, and the settings that shape them. */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "workflow/worker.h"

#include <stdio.h>
#include <stdlib.h>

enum { ASK_TIMEOUT_MS = 120000, WORKER_BASE_MEMORY = 512 << 20 };

size_t run_memory_limit(const struct server *server)
{
    /* Address space is more than memory: libraries, stacks and freed blocks count as well. */
    return ((size_t)settings_int(server->settings, "chat_workflows.execution.memory_limit_mb")
               << 20) *
               2 +
           WORKER_BASE_MEMORY;
}

struct json *run_spec_settings(const struct server *server)
{
    const struct settings *s = server->settings;
    struct json *o = json_new_object();

    json_set_string(o, "info_sheet_name", settings_string(s, "excel.info_sheet_name"));
    json_set_bool(o, "include_info_sheet", settings_bool(s, "excel.include_info_sheet"));
    json_set_string(o, "default_sheet_name", settings_string(s, "excel.default_sheet_name"));
    json_set_int(o, "max_column_width", settings_int(s, "excel.max_column_width"));
    json_set_bool(o, "auto_adjust_columns", settings_bool(s, "excel.auto_adjust_columns"));
    json_set_int(o, "memory_limit_mb", settings_int(s, "chat_workflows.execution.memory_limit_mb"));
    return o;
}

static struct json *spec_file(
    const char *name, const char *path, const char *base, const char *public_path)
{
    struct json *o = json_new_object();

    json_set_string(o, "name", name);
    json_set_string(o, "path", path);
    json_set_string(o, "base", base);
    if (public_path)
        json_set_string(o, "public_path", public_path);
    return o;
}

bool run_spec_files(struct server *server, struct arena *arena, const struct conversation *c,
    struct json **out, struct err *err)
{
    struct json *list = json_new_array();
    struct stored_file *files;
    size_t n;

    if (!store_files(server->store, c->id, arena, &files, &n, err))
        goto fail;
    for (size_t i = 0; i < n; i++) {
        char dir[FS_PATH_MAX], path[FS_PATH_MAX], public_path[FS_PATH_MAX];

        if (!conversation_file_dir(&server->dirs, c->partition, c->id, files[i].kind, dir, err) ||
            !fs_join(path, dir, files[i].name, err) ||
            !file_public_path(c, &files[i], public_path, err))
            goto fail;
        json_add(list, spec_file(files[i].name, path, files[i].base, public_path));
    }
    *out = list;
    return true;
fail:
    json_free(list);
    return false;
}

bool file_resolve(const struct conversation *c, const struct stored_file *files, size_t n,
    const char *given, const char *argument, const struct stored_file **out, struct err *err)
{
    const char *names[64], *near;
    size_t n_names = 0;

    for (size_t i = 0; i < n; i++) {
        char path[FS_PATH_MAX];
        bool same = strcmp(files[i].name, given) == 0;

        if (!same && file_public_path(c, &files[i], path, err))
            same = strcmp(path, given) == 0;
        if (same) {
            *out = &files[i];
            return true;
        }
        if (n_names < ARRAY_LEN(names))
            names[n_names++] = files[i].name;
    }
    near = n_names ? utf8_nearest(given, names, n_names) : NULL;
    err_argument(err, ERR_ARG, argument, "%s: this conversation has no file '%.200s'%s%s%s",
        argument, given, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    for (size_t i = 0; i < n_names; i++)
        err_list_add(err->available, sizeof err->available, names[i]);
    return false;
}

bool file_ask(struct server *server, struct json *job, const char *name, const char *path,
    struct json **data, struct err *err)
{
    struct json *files = json_new_array();
    bool ok;

    json_add(files, spec_file(name, path, name, NULL));
    json_set(job, "files", files);
    json_set_int(job, "now_ns", clock_wall_ns());
    json_set_string(job, "tmp_dir", server->dirs.tmp);
    json_set(job, "settings", run_spec_settings(server));
    ok = worker_ask(job, run_memory_limit(server), ASK_TIMEOUT_MS, data, err);
    json_free(job);
    return ok;
}
