/* Runs that an earlier process left unfinished: where they can go on, and queueing them again. */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "formats/detect.h"
#include "ops/op.h"

#include <stdio.h>
#include <stdlib.h>

/* A run that brings the server down would do so after every start. */
enum { ATTEMPTS_MAX = 20 };

static bool readable_again(const char *path)
{
    enum file_format f = file_format_find(fs_suffix(path));

    return f == FILE_XLSX || f == FILE_CSV || f == FILE_TSV;
}

uint32_t run_resume_point(const struct run *run, const struct step *steps, size_t n,
    struct arena *arena, const char **input)
{
    const char *last = run->input;
    uint32_t done = 0;

    for (; done < n && steps[done].status == STEP_COMPLETED; done++) {
        const struct op *op = op_find(steps[done].operation);

        if (!op)
            break;
        if (steps[done].input_file)
            last = steps[done].input_file;
        if (!(op->flags & OP_TABLE))
            continue;
        if (!steps[done].output_file || !readable_again(steps[done].output_file)) {
            last = NULL; /* The table went on in memory only. */
            continue;
        }
        last = strrchr(steps[done].output_file, '/');
        last = last ? last + 1 : steps[done].output_file;
    }
    /* A step with an input of its own does not care what the ones before it left. */
    if (!last && done < n && !steps[done].input_file)
        done = 0;
    *input = done && last ? arena_strdup(arena, last) : run->input;
    return done;
}

/* The step that was under way has failed, those after it are skipped. */
static bool fail_steps(struct server *server, struct change *change, const struct run *run,
    int64_t now_ns, const char *why, struct err *err)
{
    struct arena arena;
    struct step *steps;
    bool ok, told = false;
    size_t n;

    arena_init(&arena, NULL);
    ok = store_steps(server->store, run->conversation, run->id, &arena, &steps, &n, err);
    for (size_t i = 0; ok && i < n; i++) {
        if (steps[i].status != STEP_PENDING && steps[i].status != STEP_RUNNING)
            continue;
        steps[i].status = told ? STEP_SKIPPED : STEP_FAILED;
        steps[i].error = told ? NULL : why;
        steps[i].completed_ns = told ? 0 : now_ns;
        told = true;
        store_change_step(change_tx(change), 1u << STEP_PENDING | 1u << STEP_RUNNING, &steps[i]);
    }
    arena_deinit(&arena);
    return ok;
}

static bool give_up(
    struct server *server, const struct run *run, const char *sentence, struct err *err)
{
    struct conversation_change failed = {
        .status = CONVERSATION_FAILED, .status_if = -1, .updated_ns = clock_wall_ns()
    };
    struct change *change = change_begin(server, run->conversation);
    struct json *body, *error;
    struct err why;
    char *text;

    if (!change)
        return err_nomem(err);
    err_set(&why, ERR_INTERNAL, "%s", sentence);
    if (!fail_steps(server, change, run, failed.updated_ns, why.text, err)) {
        change_abort(change);
        return false;
    }
    error = json_from_err(&why);
    text = json_text(error);
    json_free(error);
    store_change_run(change_tx(change), run->id, 1u << RUN_PENDING | 1u << RUN_RUNNING, RUN_FAILED,
        text, 0, failed.updated_ns);
    free(text);
    store_change_conversation(change_tx(change), run->conversation, &failed);
    change_message(change, "error", why.text, NULL);
    body = json_new_object();
    json_set_string(body, "run_id", run->id);
    json_set_string(body, "error", why.text);
    json_set_string(body, "message", why.text);
    change_event(change, "workflow_failed", body, NULL);
    return change_commit(change, err);
}

struct unfinished {
    struct arena arena;
    struct run *runs;
    size_t n;
};

bool runs_unfinished(struct server *server, struct unfinished **out, struct err *err)
{
    struct unfinished *u = calloc(1, sizeof *u);

    if (!u)
        return err_nomem(err);
    arena_init(&u->arena, NULL);
    if (!fault_is("no-reclaim") &&
        !store_runs(server->store, NULL, true, &u->arena, &u->runs, &u->n, err)) {
        runs_unfinished_free(u);
        return false;
    }
    *out = u;
    return true;
}

void runs_unfinished_free(struct unfinished *u)
{
    if (!u)
        return;
    arena_deinit(&u->arena);
    free(u);
}

/* Its owner's quota.max_runs counts it, but does not refuse it: it was accepted once. */
static bool go_on(struct server *server, const struct run *run, const char *base_url,
    struct arena *arena, struct err *err)
{
    struct job_spec spec = {
        .conversation = run->conversation, .run = run->id, .base_url = base_url
    };
    struct conversation c;
    struct err unread;
    struct job *job;

    if (store_conversation_get(server->store, run->conversation, arena, &c, &unread))
        spec.owner = c.owner; /* Whatever else is wrong with it is found where it is carried out. */
    log_write(LOG_WARNING, "a run goes on", "run_id", run->id, NULL);
    return dispatcher_prepare(&spec, &job, err) && dispatcher_submit(server->dispatcher, job, err);
}

bool runs_recover(struct server *server, struct unfinished *u, struct err *err)
{
    const struct settings *s = server->settings;
    bool resume = strcmp(settings_string(s, "chat_workflows.execution.recover"), "resume") == 0;
    char base_url[160];
    bool ok = true;

    snprintf(base_url, sizeof base_url, "http://%.120s:%u", settings_string(s, "app.host"),
        http_port(server->http));
    for (size_t i = 0; ok && i < u->n; i++) {
        const struct run *run = &u->runs[i];

        if (!resume)
            ok = give_up(
                server, run, "the server stopped during this run; run it again or resume it", err);
        else if (run->attempt >= ATTEMPTS_MAX)
            ok = give_up(server, run,
                "the server ended during this run again and again; it is not tried any more", err);
        else
            ok = go_on(server, run, base_url, &u->arena, err);
    }
    return ok;
}
