/*
 * One run, from its rows to its end: a worker is started on its specification, and each of its events becomes
 * a change of rows and a frame for the watchers.
 *
 *   running ──step_started, progress, step_completed──▶ ... ──done──▶ completed
 *      │                                                   └failed──▶ failed    (the step that failed; later ones skipped)
 *      └─ cancelled by the user ────────────────────────────────────▶ cancelled
 *
 * A file is on disk under its name before the row that tells of it; what a worker that dies between the two leaves is
 * removed at the end of its run, or by the next start.
 */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "ops/op.h"
#include "server/metrics.h"
#include "workflow/worker.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { POLL_MS = 100, RETRY_MS = 1000, RELOAD_MS = 200, NS_PER_MS = 1000000 };

struct drive {
    struct server *server;
    const struct job_control *control;
    struct arena arena;
    struct conversation c;
    struct run run;
    struct step *steps;
    size_t n_steps;
    size_t first;      /* Steps before it are done. */
    const char *input; /* What the first step to do reads. */
    size_t current;    /* The step that is told about now. */
    uint64_t n_outputs;
    int64_t deadline_ns; /* Monotonic. */
    bool ended, failed;  /* failed: or cancelled. */
    struct change *open; /* Events of the worker that came in one go and are not committed yet. */
};

#define FROM(s) (1u << (s))

static struct json *step_frame(const struct drive *d, size_t i)
{
    struct json *o = json_new_object();

    json_set_string(o, "run_id", d->run.id);
    json_set_string(o, "step_id", d->steps[i].id);
    json_set_int(o, "step", (int64_t)i + 1);
    json_set_string(o, "operation", d->steps[i].operation);
    return o;
}

/*
 * The change that the next event goes into. A quick worker says everything at once; what it has said by the time it
 * pauses is committed together (settle()), so that a short run costs a few commits instead of one for each event.
 */
static bool change_open(struct drive *d, struct change **out, struct err *err)
{
    if (!d->open)
        d->open = change_begin(d->server, d->c.id);
    *out = d->open;
    return *out ? true : err_nomem(err);
}

static bool settle(struct drive *d, struct err *err)
{
    struct change *open = d->open;

    d->open = NULL;
    return !open || change_commit(open, err);
}

static void discard(struct drive *d)
{
    change_abort(d->open);
    d->open = NULL;
}

/* What could not be committed did not happen: steps that seemed done are not. */
static void recall(struct drive *d)
{
    struct step *steps;
    struct err err;
    size_t n;

    if (!settle(d, &err))
        log_write(LOG_ERROR, "part of a run is lost", "run_id", d->run.id, "error", err.text, NULL);
    if (store_steps(d->server->store, d->c.id, d->run.id, &d->arena, &steps, &n, &err) &&
        n == d->n_steps)
        d->steps = steps;
    while (d->current > d->first && d->steps[d->current - 1].status != STEP_COMPLETED)
        d->current--;
    while (d->current + 1 < d->n_steps && d->steps[d->current].status == STEP_COMPLETED)
        d->current++;
}

static bool load(struct drive *d, struct err *err)
{
    struct store *s = d->server->store;

    return store_conversation_get(s, d->control->conversation, &d->arena, &d->c, err) &&
           store_run_get(s, d->c.id, d->control->run, &d->arena, &d->run, err) &&
           store_steps(s, d->c.id, d->run.id, &d->arena, &d->steps, &d->n_steps, err);
}

/* ---- the start ---- */

static bool begin(struct drive *d, struct err *err)
{
    struct conversation_change processing = {
        .status = CONVERSATION_PROCESSING, .status_if = -1, .updated_ns = clock_wall_ns()
    };
    struct change *change;
    struct json *body;

    if (!change_open(d, &change, err))
        return false;
    store_change_run(change_tx(change), d->run.id, FROM(RUN_PENDING) | FROM(RUN_RUNNING),
        RUN_RUNNING, NULL, processing.updated_ns, 0);
    for (size_t i = d->first; i < d->n_steps; i++) {
        if (d->steps[i].status == STEP_PENDING)
            continue; /* Cut off earlier: begins anew. */
        d->steps[i].status = STEP_PENDING;
        d->steps[i].progress = 0;
        store_change_step(
            change_tx(change), FROM(STEP_RUNNING) | FROM(STEP_COMPLETED), &d->steps[i]);
    }
    store_change_conversation(change_tx(change), d->c.id, &processing);
    body = json_new_object();
    json_set_string(body, "run_id", d->run.id);
    json_set_int(body, "total_steps", (int64_t)d->n_steps);
    json_set_string(body, "message",
        d->first ? arena_printf(
                       &d->arena, "Workflow continues at step %zu of %zu", d->first + 1, d->n_steps)
                 : arena_printf(&d->arena, "Workflow started with %zu step%s", d->n_steps,
                       d->n_steps == 1 ? "" : "s"));
    change_event(change, "workflow_started", body, NULL);
    return settle(d, err);
}

static bool make_spec(struct drive *d, struct json **out, struct err *err)
{
    const struct server *server = d->server;
    char outputs[FS_PATH_MAX], intermediate[FS_PATH_MAX], lock[FS_PATH_MAX];
    struct json *spec, *steps = NULL, *files = NULL;

    if (!conversation_file_dir(
            &server->dirs, d->c.partition, d->c.id, STORED_OUTPUT, outputs, err) ||
        !conversation_file_dir(
            &server->dirs, d->c.partition, d->c.id, STORED_INTERMEDIATE, intermediate, err) ||
        !fs_join(lock, server->dirs.root, WORKERS_LOCK, err) ||
        !json_parse(d->run.steps, strlen(d->run.steps), &steps, err))
        return false;
    if (!run_spec_files(d->server, &d->arena, &d->c, &files, err)) {
        json_free(steps);
        return false;
    }
    spec = json_new_object();
    json_set_string(spec, "job", "run");
    json_set_int(spec, "now_ns", d->run.created_ns);
    json_set(spec, "steps", steps);
    json_set_int(spec, "first_step", (int64_t)d->first);
    json_set_string(spec, "input", d->input);
    json_set(spec, "files", files);
    json_set_string(spec, "outputs_dir", outputs);
    json_set_string(spec, "intermediate_dir", intermediate);
    json_set_string(spec, "tmp_dir", server->dirs.tmp);
    json_set_string(spec, "lock", lock);
    json_set_bool(spec, "keep_intermediate",
        settings_bool(server->settings, "chat_workflows.execution.save_intermediate_files"));
    json_set(spec, "settings", run_spec_settings(server));
    *out = spec;
    return true;
}

/* ---- events of the worker ---- */

/* Nothing to tell yet: the first progress frame carries it. */
static bool on_started(struct drive *d, size_t i)
{
    d->steps[i].status = STEP_RUNNING;
    d->steps[i].started_ns = clock_wall_ns();
    return true;
}

static bool on_progress(struct drive *d, size_t i, const struct json *event, struct err *err)
{
    struct step *step = &d->steps[i];
    int64_t percent = json_get_int(event, "percent", 0);
    int64_t elapsed = (clock_wall_ns() - step->started_ns) / NS_PER_MS;
    struct change *change;
    struct json *body;
    const char *status;

    if (percent < step->progress || percent > 100)
        percent = step->progress;
    step->progress = (uint32_t)percent;
    step->rows_in = (uint64_t)json_get_int(event, "rows_in", 0);
    step->rows_out = (uint64_t)json_get_int(event, "rows_out", 0);
    if (percent > 0 && percent < 100 &&
        !settings_bool(d->server->settings, "chat_workflows.execution.stream_progress"))
        return true;
    if (!change_open(d, &change, err))
        return false;
    store_change_step(change_tx(change), FROM(STEP_PENDING) | FROM(STEP_RUNNING), step);
    body = step_frame(d, i);
    status = percent == 100 ? "completed" : "running";
    json_set_int(body, "progress", percent);
    json_set_string(body, "status", status);
    json_set_string(body, "message",
        arena_printf(&d->arena, "Step %zu of %zu (%s): %lld rows", i + 1, d->n_steps,
            step->operation, (long long)step->rows_in));
    json_set_int(body, "rows_done", (int64_t)step->rows_in);
    if (json_get(event, "rows_total"))
        json_set(body, "rows_total", json_ref(json_get(event, "rows_total")));
    if (percent > 0 && percent < 100)
        json_set_int(body, "eta_ms", elapsed * (100 - percent) / percent);
    /* The first and the last frame are facts; those between replace each other. */
    change_event(change, "progress", body,
        percent > 0 && percent < 100 ? arena_printf(&d->arena, "%s/%zu", d->run.id, i) : NULL);
    return true;
}

static enum file_kind kind_of(const struct json *file)
{
    const char *folder = json_get_string(file, "folder");

    return folder && strcmp(folder, "intermediate") == 0 ? STORED_INTERMEDIATE : STORED_OUTPUT;
}

/* The worker's word is checked: the file must lie where it says and have the size it says. */
static bool check_file(const struct drive *d, const struct stored_file *f, struct err *err)
{
    char dir[FS_PATH_MAX];
    uint64_t size;
    int fd;

    if (!fs_is_bare_name(f->name))
        return err_set(err, ERR_INTERNAL, "the worker told of a file with an impossible name");
    if (!conversation_file_dir(&d->server->dirs, d->c.partition, d->c.id, f->kind, dir, err) ||
        !fs_open_beneath(dir, f->name, &fd, &size, err))
        return false;
    close(fd);
    return size == f->size
               ? true
               : err_set(err, ERR_INTERNAL, "%s has another size than was written", f->name);
}

static bool add_file(struct drive *d, struct change *change, const struct json *file,
    const char *base, struct json *result, struct err *err)
{
    const char *role = json_get_string(file, "role"), *sha = json_get_string(file, "sha256");
    struct stored_file f = { .kind = kind_of(file), .base = base, .created_ns = clock_wall_ns() };
    struct json *facts = json_new_object();
    char path[FS_PATH_MAX], *text;
    const char *url;

    f.name = json_get_string(file, "name");
    f.format = json_get_string(file, "format");
    f.size = (uint64_t)json_get_int(file, "size", -1);
    snprintf(f.conversation, sizeof f.conversation, "%s", d->c.id);
    snprintf(f.run, sizeof f.run, "%s", d->run.id);
    snprintf(f.sha256, sizeof f.sha256, "%s", sha ? sha : "");
    json_set(facts, "rows", json_ref(json_get(file, "rows")));
    json_set(facts, "columns", json_ref(json_get(file, "columns")));
    json_set_string(facts, "role", role ? role : "output");
    text = json_text(facts);
    json_free(facts);
    f.facts = text;
    if (!f.name || !f.format || !text || !check_file(d, &f, err) ||
        !file_public_path(&d->c, &f, path, err)) {
        free(text);
        return err->code ? false : err_set(err, ERR_INTERNAL, "the worker told of no file");
    }
    store_add_file(change_tx(change), &f);
    free(text);
    url = view_file_url(d->server, &d->arena, d->control->base_url, d->c.id, f.name);
    if (role && strcmp(role, "rejected") == 0) {
        json_set_string(result, "rejected_file_path", path);
        json_set_string(result, "rejected_download_url", url);
    } else {
        json_set_string(result, "output_file_path", path);
        json_set_string(result, "download_url", url);
    }
    return true;
}

/* {step, operation, output_file_path, download_url?, ...what the worker said}: the result as clients get it. */
static struct json *client_result(size_t i, const struct step *step, const struct json *said)
{
    struct json *o = json_new_object();

    json_set_int(o, "step", (int64_t)i + 1);
    json_set_string(o, "operation", step->operation);
    json_set(o, "output_file_path", json_new_null());
    for (const void *it = json_first(said); it; it = json_next(said, it)) {
        if (strcmp(json_key(it), "operation") != 0 && strcmp(json_key(it), "step") != 0)
            json_set(o, json_key(it), json_ref(json_value(it)));
    }
    return o;
}

/* The base name of what a run reads names all it makes. */
static const char *base_of_input(struct drive *d)
{
    struct stored_file f;
    struct err err;

    return store_file_get(d->server->store, d->c.id, d->run.input, &d->arena, &f, &err) ? f.base
                                                                                        : "data";
}

static bool on_completed(struct drive *d, size_t i, const struct json *event, struct err *err)
{
    const struct json *files = json_get(event, "files");
    struct step *step = &d->steps[i];
    struct change *change;
    struct json *result, *body, *meta;
    char *text = NULL, *warnings = NULL;
    const char *output;
    bool ok = true;

    if (!change_open(d, &change, err))
        return false;
    result = client_result(i, step, json_get(event, "result"));
    for (size_t k = 0; ok && k < json_len(files); k++) {
        ok = add_file(d, change, json_at(files, k), base_of_input(d), result, err);
        d->n_outputs += kind_of(json_at(files, k)) == STORED_OUTPUT;
    }
    text = ok ? json_text(result) : NULL;
    warnings = ok ? json_text(json_get(result, "warnings")) : NULL;
    if (!ok || !text || !warnings) {
        json_free(result);
        free(text);
        free(warnings);
        return ok ? err_nomem(err) : false;
    }
    step->status = STEP_COMPLETED;
    step->progress = 100;
    step->completed_ns = clock_wall_ns();
    step->rows_in = (uint64_t)json_get_int(result, "rows_in", 0);
    step->rows_out = (uint64_t)json_get_int(result, "rows_out", 0);
    output = json_get_string(result, "output_file_path");
    step->output_file = output ? arena_strdup(&d->arena, output) : NULL;
    step->result = arena_strdup(&d->arena, text);
    step->warnings = arena_strdup(&d->arena, warnings);
    store_change_step(change_tx(change), FROM(STEP_PENDING) | FROM(STEP_RUNNING), step);
    body = step_frame(d, i);
    json_set(body, "result", json_ref(result));
    change_event(change, "step_completed", body, NULL);
    meta = json_new_object();
    json_set_string(meta, "run_id", d->run.id);
    json_set_string(meta, "step_id", step->id);
    json_set(meta, "output_file_path", json_ref(json_get(result, "output_file_path")));
    change_message(change, "step_result",
        arena_printf(&d->arena, "Step %zu of %zu (%s): %llu rows in, %llu rows out", i + 1,
            d->n_steps, step->operation, (unsigned long long)step->rows_in,
            (unsigned long long)step->rows_out),
        meta);
    json_free(result);
    free(text);
    free(warnings);
    return true;
}

/* ---- the end ---- */

static struct conversation_change conversation_ends(enum conversation_status status)
{
    return (struct conversation_change){
        .status = (int)status, .status_if = -1, .updated_ns = clock_wall_ns()
    };
}

static bool end_completed(struct drive *d, struct err *err)
{
    struct conversation_change ends = conversation_ends(CONVERSATION_COMPLETED);
    struct json *body, *outputs;
    struct change *change;

    /* The files of this run must be rows before they can be listed. */
    if (!settle(d, err) ||
        !view_outputs(d->server, &d->arena, d->control->base_url, &d->c, &outputs, err))
        return false;
    if (!change_open(d, &change, err)) {
        json_free(outputs);
        return false;
    }
    store_change_run(
        change_tx(change), d->run.id, FROM(RUN_RUNNING), RUN_COMPLETED, NULL, 0, ends.updated_ns);
    store_change_conversation(change_tx(change), d->c.id, &ends);
    body = json_new_object();
    json_set_string(body, "run_id", d->run.id);
    json_set_int(body, "total_steps", (int64_t)d->n_steps);
    json_set_int(body, "output_files_count", (int64_t)json_len(outputs));
    json_set(body, "output_files", outputs);
    d->run.status = RUN_COMPLETED;
    json_set_string(body, "message", "Workflow completed successfully");
    change_event(change, "workflow_completed", body, NULL);
    bot_run_ended(change, &d->c, &d->run, d->steps, d->n_steps, NULL);
    return settle(d, err);
}

/* Failed or cancelled: the step under way gets the reason, those after it are skipped. */
static bool end_short(
    struct drive *d, enum run_status status, const struct err *why, struct err *err)
{
    bool cancelled = status == RUN_CANCELLED;
    struct conversation_change ends =
        conversation_ends(cancelled ? CONVERSATION_ACTIVE : CONVERSATION_FAILED);
    struct json *body, *error = json_from_err(why);
    char *text = json_text(error);
    struct change *change;

    d->run.status = status;
    recall(d); /* The end must be told even where what came before it cannot be. */
    if (!text || !change_open(d, &change, err)) {
        json_free(error);
        free(text);
        return text ? false : err_nomem(err);
    }
    for (size_t i = d->first; i < d->n_steps; i++) {
        struct step *step = &d->steps[i];
        unsigned from = FROM(STEP_PENDING) | FROM(STEP_RUNNING);

        if (step->status == STEP_COMPLETED)
            continue;
        step->status = cancelled ? STEP_CANCELLED : i == d->current ? STEP_FAILED : STEP_SKIPPED;
        if (i == d->current && !cancelled)
            step->error = why->text;
        if (step->status != STEP_SKIPPED)
            step->completed_ns = ends.updated_ns;
        store_change_step(change_tx(change), from, step);
    }
    store_change_run(change_tx(change), d->run.id, FROM(RUN_RUNNING) | FROM(RUN_PENDING), status,
        text, 0, ends.updated_ns);
    store_change_conversation(change_tx(change), d->c.id, &ends);
    body = json_new_object();
    json_set_string(body, "run_id", d->run.id);
    json_set_string(body, "error", why->text);
    json_set_string(body, "message", why->text);
    json_set(body, "details", json_err_details(why));
    if (!cancelled)
        change_message(change, "error", why->text, json_clone(error));
    change_event(change, cancelled ? "workflow_cancelled" : "workflow_failed", body, NULL);
    bot_run_ended(change, &d->c, &d->run, d->steps, d->n_steps, why->text);
    json_free(error);
    free(text);
    return settle(d, err);
}

static bool fail(struct drive *d, const struct err *why, struct err *err)
{
    struct err full = *why;

    if (d->n_steps > 0 && d->current < d->n_steps && strncmp(full.text, "step ", 5) != 0)
        err_wrap(&full, "step %zu of %zu (%s)", d->current + 1, d->n_steps,
            d->steps[d->current].operation);
    d->ended = d->failed = true;
    return end_short(d, RUN_FAILED, &full, err);
}

static bool cancel(struct drive *d, struct err *err)
{
    struct err why;

    err_set(&why, ERR_CANCELLED, "cancelled on request");
    d->ended = d->failed = true;
    return end_short(d, RUN_CANCELLED, &why, err);
}

static bool on_event(struct drive *d, const struct json *event, struct err *err)
{
    const char *type = json_get_string(event, "event");
    int64_t i = json_get_int(event, "step", -1);
    bool in_range = i >= (int64_t)d->first && i < (int64_t)d->n_steps;
    struct err why;

    if (in_range)
        d->current = (size_t)i;
    if (type && strcmp(type, "failed") == 0) {
        json_to_err(json_get(event, "error"), &why);
        return *d->control->cancelled ? cancel(d, err) : fail(d, &why, err);
    }
    if (type && strcmp(type, "done") == 0) {
        d->ended = true;
        return end_completed(d, err);
    }
    if (!type || !in_range)
        return err_set(err, ERR_INTERNAL, "the worker said something out of place");
    if (strcmp(type, "step_started") == 0)
        return on_started(d, (size_t)i);
    if (strcmp(type, "progress") == 0)
        return on_progress(d, (size_t)i, event, err);
    if (strcmp(type, "step_completed") == 0)
        return on_completed(d, (size_t)i, event, err);
    return true;
}

static bool drive_worker(struct drive *d, struct worker *w, struct err *err)
{
    bool told = false;

    while (!d->ended) {
        struct json *event;
        bool ok;

        /* With a change open, only what is there already joins it. */
        if (!worker_next(w, d->open ? 0 : POLL_MS, &event, err))
            return false;
        if (*d->control->stopping) {
            json_free(event);
            discard(d);
            return true; /* The rows stay as they are: the next start goes on from them. */
        }
        if (*d->control->cancelled && !told) {
            worker_cancel(w);
            told = true;
        }
        if (clock_mono_ns() > d->deadline_ns && !told) {
            json_free(event);
            return err_set(err, ERR_TIMEOUT,
                "it took longer than chat_workflows.execution.step_timeout_seconds (%lld s a step)",
                (long long)settings_int(
                    d->server->settings, "chat_workflows.execution.step_timeout_seconds"));
        }
        ok = event ? on_event(d, event, err) : settle(d, err);
        json_free(event);
        if (ok && d->open && change_full(d->open))
            ok = settle(d, err);
        if (!ok)
            return false;
    }
    return true;
}

static bool drive(struct drive *d, struct err *err)
{
    int64_t limit =
        settings_int(d->server->settings, "chat_workflows.execution.step_timeout_seconds");
    struct run_folders folders;
    struct json *spec = NULL;
    unsigned lost = memory_lost();
    struct worker *w;
    bool ok;

    if (*d->control->cancelled)
        return cancel(d, err);
    if (!begin(d, err))
        return false;
    if (d->first == d->n_steps) { /* Cut off between its last step and its end. */
        d->ended = true;
        return end_completed(d, err);
    }
    if (!make_spec(d, &spec, err))
        return false;
    ok = (memory_lost() == lost || err_nomem(err)) &&
         worker_start(spec, run_memory_limit(d->server), -1, &w, err);
    json_free(spec);
    if (!ok)
        return false;
    run_folders_open(d->server, &d->c, &folders);
    d->deadline_ns = clock_mono_ns() + limit * (int64_t)(d->n_steps - d->first) * 1000 * NS_PER_MS;
    ok = drive_worker(d, w, err);
    worker_free(w);
    if (!ok)
        recall(d);
    if ((!ok || d->failed) && !*d->control->stopping)
        run_sweep(d->server, &d->c, &folders);
    run_folders_close(&folders);
    return ok;
}

/* Once the end is recorded. */
static void count(const struct drive *d)
{
    struct metrics *m = d->server->metrics;

    metrics_run(m, d->run.status);
    for (size_t i = d->first; i < d->n_steps; i++)
        metrics_step(m, &d->steps[i]);
}

void run_drive(struct server *server, const struct job_control *control)
{
    struct drive d = { .server = server, .control = control };
    struct err err = { 0 }, second = { 0 };

    arena_init(&d.arena, NULL);
    while (!load(&d, &err)) {
        log_write(
            LOG_ERROR, "a run cannot be loaded", "run_id", control->run, "error", err.text, NULL);
        if (err.code == ERR_NOT_FOUND || *control->stopping || store_broken(server->store)) {
            arena_deinit(&d.arena);
            return;
        }
        arena_reset(&d.arena);
        poll(NULL, 0, RELOAD_MS);
    }
    d.first = run_resume_point(&d.run, d.steps, d.n_steps, &d.arena, &d.input);
    d.current = d.first;
    log_write(LOG_INFO, "run begins", "run_id", d.run.id, "chat_id", d.c.id, NULL);
    if (!drive(&d, &err)) {
        /* A full disk keeps even the end from being recorded: try until there is room again. A broken one: the next start
         * takes the run up again. */
        while (!(*control->cancelled ? cancel(&d, &second) : fail(&d, &err, &second)) &&
               !*control->stopping) {
            d.ended = false;
            if (store_broken(server->store))
                break;
            log_write(LOG_ERROR, "the end of a run cannot be recorded", "run_id", d.run.id, "error",
                second.text, NULL);
            poll(NULL, 0, RETRY_MS);
        }
    }
    if (d.ended)
        count(&d);
    log_write(LOG_INFO, d.ended ? "run ended" : "run set aside", "run_id", d.run.id, "error",
        err.text, NULL);
    arena_deinit(&d.arena);
}
