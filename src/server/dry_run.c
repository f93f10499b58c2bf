/*
 * A dry run: steps carried out into a folder that is thrown away. Only the results are told and, where a sample is
 * asked for, some rows of what each step makes of the first rows of its file.
 */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "workflow/plan.h"
#include "workflow/worker.h"

#include <stdio.h>
#include <stdlib.h>

enum { DRY_RUN_TIMEOUT_MS = 300000, SAMPLE_FILE_MAX = 16 << 20, SAMPLE_TEXT_MAX = 8192 };

struct trial {
    struct server *server;
    const char *dir;
    int64_t sample; /* Rows to read and to show; 0: all, none. */
    struct json *results;
    struct json *failure; /* Details of the step that has failed. */
};

static struct json *table_of(const struct trial *trial, const char *name, const char *path)
{
    struct json *job = json_new_object(), *what = json_new_object(), *shown;

    json_set_string(job, "job", "preview");
    json_set_string(what, "file", name);
    json_set_int(what, "limit", trial->sample);
    json_set(job, "preview", what);
    return file_ask(trial->server, job, name, path, &shown, &(struct err){ 0 }) ? shown : NULL;
}

static struct json *text_of(const char *path)
{
    struct json *shown;
    char *text;
    size_t n;

    if (!fs_load(path, SAMPLE_FILE_MAX, &text, &n, &(struct err){ 0 }))
        return NULL;
    shown = json_new_object();
    n = n < SAMPLE_TEXT_MAX ? n : SAMPLE_TEXT_MAX;
    json_set(shown, "text", json_new_stringn(text, utf8_valid_prefix(text, n)));
    free(text);
    return shown;
}

/* Rows of a table, the beginning of anything else. */
static struct json *look(const struct trial *trial, const struct json *file)
{
    const char *name = json_get_string(file, "name"), *format = json_get_string(file, "format");
    char path[FS_PATH_MAX];

    if (!name || !format || !fs_join(path, trial->dir, name, &(struct err){ 0 }))
        return NULL;
    if (strcmp(format, "xlsx") == 0 || strcmp(format, "csv") == 0 || strcmp(format, "tsv") == 0)
        return table_of(trial, name, path);
    return text_of(path);
}

static void add_result(struct trial *trial, const struct json *event)
{
    struct json *result = json_clone(json_get(event, "result"));
    const struct json *files = json_get(event, "files");

    for (size_t i = 0; trial->sample && result && i < json_len(files); i++) {
        const char *role = json_get_string(json_at(files, i), "role");
        struct json *shown =
            role && strcmp(role, "output") == 0 ? look(trial, json_at(files, i)) : NULL;

        if (shown)
            json_set(result, "preview", shown);
    }
    json_add(trial->results, result);
}

/* False with the step's error. */
static bool failed(struct trial *trial, const struct json *event, struct err *err)
{
    const struct json *step = json_get(event, "step");

    json_to_err(json_get(event, "error"), err);
    if (json_kind(step) != JSON_KIND_INT)
        return false;
    trial->failure = json_new_object();
    json_set_int(trial->failure, "step", json_int(step, 0) + 1);
    json_set(trial->failure, "results", json_ref(trial->results));
    plan_err((size_t)json_int(step, 0), (size_t)json_get_int(event, "steps", 1),
        json_get_string(event, "operation"), err);
    return false;
}

static bool follow(struct trial *trial, struct worker *w, struct err *err)
{
    int64_t deadline = clock_mono_ns() + (int64_t)DRY_RUN_TIMEOUT_MS * 1000000;
    bool ok = true, ended = false;

    while (ok && !ended) {
        struct json *event;
        const char *type;

        if (!worker_next(w, 1000, &event, err))
            return false;
        type = json_get_string(event, "event");
        if (type && strcmp(type, "step_completed") == 0)
            add_result(trial, event);
        if (type && strcmp(type, "failed") == 0)
            ok = failed(trial, event, err);
        ended = type && strcmp(type, "done") == 0;
        json_free(event);
        if (ok && !ended && clock_mono_ns() > deadline)
            ok = err_set(err, ERR_TIMEOUT, "the dry run took too long");
    }
    return ok;
}

static struct json *spec_of(
    const struct trial *trial, const struct json *steps, const char *input, struct json *files)
{
    struct json *spec = json_new_object();

    json_set_string(spec, "job", "run");
    json_set_int(spec, "now_ns", clock_wall_ns());
    json_set(spec, "steps", json_ref(steps));
    json_set_string(spec, "input", input);
    json_set(spec, "files", files);
    json_set_string(spec, "outputs_dir", trial->dir);
    json_set_string(spec, "intermediate_dir", trial->dir);
    json_set_string(spec, "tmp_dir", trial->dir);
    json_set_bool(spec, "durable", false);
    json_set_bool(spec, "hash", false);
    if (trial->sample)
        json_set_int(spec, "sample", trial->sample);
    json_set(spec, "settings", run_spec_settings(trial->server));
    return spec;
}

static void reply(struct call *call, struct json *results)
{
    struct json *data = json_new_object();

    json_set(data, "run_id", json_new_null());
    json_set_string(data, "status", "dry_run");
    json_set(data, "results", results);
    json_set(data, "output_files", json_new_array());
    reply_data(call, 200, "Dry run completed; nothing was kept", data);
}

bool dry_run(struct call *call, const struct conversation *c, const struct json *steps,
    const char *input, int64_t sample, struct err *err)
{
    struct server *server = call->server;
    struct trial trial = { .server = server, .sample = sample, .results = json_new_array() };
    struct json *spec, *files = NULL;
    char dir[FS_PATH_MAX], name[24] = "dry-";
    struct worker *w = NULL;
    bool ok;

    rand_hex(name + 4, 16);
    trial.dir = dir;
    ok = fs_join(dir, server->dirs.tmp, name, err) && fs_make_dirs(dir, err) &&
         run_spec_files(server, call->arena, c, &files, err);
    spec = spec_of(&trial, steps, input, files);
    ok = ok && worker_start(spec, run_memory_limit(server), -1, &w, err) && follow(&trial, w, err);
    worker_free(w);
    json_free(spec);
    if (!fs_remove_tree(dir, &(struct err){ 0 }) || !ok) {
        if (trial.failure)
            reply_error_with(call, err, err_http_status(err->code), trial.failure);
        json_free(trial.results);
        return trial.failure;
    }
    reply(call, trial.results);
    return true;
}
