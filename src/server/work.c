/* One job in a worker process, for a request that waits for it. */

#include "server/server_int.h"

#include "base/clock.h"
#include "workflow/worker.h"

enum { POLL_MS = 100 };

void work_free(struct work *w)
{
    json_free(w->result);
    json_free(w->files);
    json_free(w->data);
    *w = (struct work){ 0 };
}

static void replace(struct json **at, const struct json *value)
{
    json_free(*at);
    *at = json_ref(value);
}

/* False when the worker has told of a failure; *ended when there is no more to come. */
static bool take_event(struct work *w, const struct json *event, bool *ended, struct err *err)
{
    const char *type = json_get_string(event, "event");

    if (type && strcmp(type, "step_completed") == 0) {
        replace(&w->result, json_get(event, "result"));
        replace(&w->files, json_get(event, "files"));
    } else if (type && strcmp(type, "done") == 0) {
        replace(&w->data, json_get(event, "data"));
        *ended = true;
    } else if (type && strcmp(type, "failed") == 0) {
        json_to_err(json_get(event, "error"), err);
        return false;
    }
    return true;
}

bool work_do(struct server *server, struct json *spec, struct work *out, struct err *err)
{
    int64_t limit = settings_int(server->settings, "chat_workflows.execution.step_timeout_seconds");
    int64_t deadline = clock_mono_ns() + limit * 1000000000;
    struct worker *worker = NULL;
    struct work w = { 0 };
    bool ended = false, ok;

    json_set_int(spec, "now_ns", clock_wall_ns());
    json_set_string(spec, "tmp_dir", server->dirs.tmp);
    json_set(spec, "settings", run_spec_settings(server));
    ok = worker_start(spec, run_memory_limit(server), -1, &worker, err);
    json_free(spec);
    while (ok && !ended) {
        struct json *event = NULL;

        ok = worker_next(worker, POLL_MS, &event, err);
        if (ok && event)
            ok = take_event(&w, event, &ended, err);
        json_free(event);
        if (ok && !ended && server->stopping)
            ok = err_set(err, ERR_BUSY, "the server is shutting down");
        if (ok && !ended && clock_mono_ns() > deadline)
            ok = err_set(err, ERR_TIMEOUT,
                "it took longer than chat_workflows.execution.step_timeout_seconds (%lld s)",
                (long long)limit);
    }
    worker_free(worker);
    if (!ok) {
        work_free(&w);
        return false;
    }
    *out = w;
    return true;
}

void work_add_file(struct json *files, const char *name, const struct sent_file *file)
{
    struct json *o = json_new_object();

    json_set_string(o, "name", name);
    json_set_string(o, "path", file->part->path);
    json_set_string(o, "base", file->base);
    json_set_string(o, "label", file->name);
    json_add(files, o);
}
