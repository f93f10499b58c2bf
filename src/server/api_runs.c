/* Runs: execute, show, cancel. */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/rand.h"
#include "workflow/plan.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAMPLE_MAX = 1000 };

/* An execute request, resolved against the conversation. */
struct request {
    struct conversation c;
    struct stored_file *files;
    size_t n_files;
    struct json *steps; /* As they will be carried out: input files by name. */
    const char *input;
    bool async, dry_run;
    int64_t
        sample; /* Of a dry run: rows to read at most, and to show of each result; 0: all, none. */
    const char *resume; /* Run id. */
    struct step *done;  /* Steps of the resumed run that stay done. */
    size_t n_done;
};

static const struct stored_file *last_upload(const struct request *q)
{
    for (size_t i = q->n_files; i-- > 0;) {
        if (q->files[i].kind == STORED_UPLOAD)
            return &q->files[i];
    }
    return NULL;
}

/* Replace each step's input_file by the stored file's name. */
static bool resolve_steps(
    struct call *call, struct request *q, const struct json *given, struct err *err)
{
    q->steps = json_clone(given);
    for (size_t i = 0; i < json_len(q->steps); i++) {
        struct json *step = (struct json *)(uintptr_t)json_at(q->steps, i);
        const char *name = json_get_string(step, "input_file");
        const struct stored_file *f;
        char argument[48];

        if (!name)
            continue;
        snprintf(argument, sizeof argument, "steps[%zu].input_file", i);
        if (!file_resolve(&q->c, q->files, q->n_files, name, argument, &f, err))
            return false;
        json_set_string(step, "input_file", f->name);
    }
    return q->steps ? plan_apply_settings(q->steps, call->server->settings, err) : err_nomem(err);
}

/* The run to resume gives its input, and its steps where the request brings none. */
static bool resolve_resume(
    struct call *call, struct request *q, const struct json *given, struct err *err)
{
    struct store *store = call->server->store;
    struct json *old = NULL;
    struct run run;
    size_t n;
    bool ok;

    if (!store_run_get(store, q->c.id, q->resume, call->arena, &run, err) ||
        !store_steps(store, q->c.id, q->resume, call->arena, &q->done, &n, err))
        return false;
    if (run.status != RUN_FAILED && run.status != RUN_CANCELLED)
        return err_set(err, ERR_STATE,
            "only a failed or cancelled run can be resumed; this one is %s",
            run_status_name(run.status));
    if (!json_parse(run.steps, strlen(run.steps), &old, err))
        return false;
    ok = resolve_steps(call, q, given ? given : old, err);
    json_free(old);
    if (!ok)
        return false;
    q->n_done = run_resume_point(&run, q->done, n, call->arena, &q->input);
    q->input = run.input;
    if (json_len(q->steps) < q->n_done)
        return err_argument(
            err, ERR_ARG, "steps", "the steps that are done already must stay in place");
    for (size_t i = 0; i < q->n_done; i++) {
        const char *op = json_get_string(json_at(q->steps, i), "operation");

        if (!op || strcmp(op, q->done[i].operation) != 0)
            return err_argument(
                err, ERR_ARG, "steps", "the steps that are done already must stay in place");
    }
    return true;
}

static bool resolve(struct call *call, const struct json *body, struct request *q, struct err *err)
{
    static const char *const members[] = { "steps", "input_file", "async", "resume", "dry_run",
        "sample", NULL };
    const struct json *steps = json_get(body, "steps");
    const char *input = json_get_string(body, "input_file");
    const struct stored_file *f;

    if (!store_conversation_get(call->server->store, call->params[0], call->arena, &q->c, err) ||
        !store_files(call->server->store, q->c.id, call->arena, &q->files, &q->n_files, err) ||
        !call_only(body, members, err))
        return false;
    if (!steps && !json_get(body, "resume"))
        return err_argument(err, ERR_ARG, "steps", "steps: a list of steps is required");
    if (steps && json_kind(steps) != JSON_KIND_ARRAY)
        return err_argument(err, ERR_ARG, "steps", "steps: a list is expected");
    q->resume = json_get_string(body, "resume");
    if (q->resume)
        return resolve_resume(call, q, steps, err);
    if (!resolve_steps(call, q, steps, err))
        return false;
    if (input) {
        if (!file_resolve(&q->c, q->files, q->n_files, input, "input_file", &f, err))
            return false;
    } else {
        f = last_upload(q);
    }
    if (!f && !json_get(json_at(q->steps, 0), "input_file"))
        return err_argument(
            err, ERR_ARG, "input_file", "this conversation has no file yet; upload one first");
    q->input = f ? f->name : json_get_string(json_at(q->steps, 0), "input_file");
    return true;
}

bool body_switch(const struct json *body, const char *key, bool *out, struct err *err)
{
    static const char *const no[] = { "false", "0", "no" }, *const yes[] = { "true", "1", "yes" };
    const struct json *v = json_get(body, key);
    char number[24] = "";

    *out = json_bool(v, false);
    if (json_isnull(v) || json_kind(v) == JSON_KIND_BOOL)
        return true;
    if (json_kind(v) == JSON_KIND_INT)
        snprintf(number, sizeof number, "%lld", (long long)json_int(v, 2));
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        const char *text = json_str(v) ? json_str(v) : number;

        *out = strcasecmp(text, yes[i]) == 0;
        if (*out || strcasecmp(text, no[i]) == 0)
            return true;
    }
    return err_argument(err, ERR_ARG, key, "%s: true or false is expected", key);
}

/* ---- rows of a new run ---- */

static void add_steps(struct call *call, struct change *change, const struct request *q,
    const struct plan *plan, const char *run_id)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct step step = { .index = (uint32_t)i, .status = STEP_PENDING };
        char *arguments = plan->steps[i].arguments ? json_text(plan->steps[i].arguments) : NULL;

        if (i < q->n_done)
            step = q->done[i];
        rand_uuid(step.id);
        snprintf(step.run, sizeof step.run, "%s", run_id);
        step.operation = plan->steps[i].args.op->name;
        if (i >= q->n_done) {
            step.arguments = arguments ? arguments : "{}";
            step.input_file = i == 0 ? q->input : plan->steps[i].input_file;
            step.warnings = "[]";
        }
        store_add_step(change_tx(change), &step);
        free(arguments);
    }
    (void)call;
}

/* The run's rows into a change that is not committed yet. */
static bool put_run(struct call *call, struct change *change, const struct request *q,
    const struct plan *plan, struct run *run, struct err *err)
{
    char *steps = json_text(q->steps);
    struct store_quota quota = server_quota(call->server);

    if (!steps)
        return err_nomem(err);
    snprintf(run->conversation, sizeof run->conversation, "%s", q->c.id);
    run->status = RUN_PENDING;
    run->steps = steps;
    run->input = q->input;
    if (!run->options)
        run->options =
            q->resume ? arena_printf(call->arena, "{\"resume_of\":\"%s\"}", q->resume) : "{}";
    run->created_ns = clock_wall_ns();
    quota.conversations = 0;
    store_check_quota(
        change_tx(change), q->c.owner, &quota); /* Nothing more for who has too much. */
    store_add_run(change_tx(change), run);
    add_steps(call, change, q, plan, run->id);
    free(steps);
    return true;
}

static bool add_run(struct call *call, const struct request *q, const struct plan *plan,
    struct run *run, struct err *err)
{
    struct change *change = change_begin(call->server, q->c.id);

    if (!change || !put_run(call, change, q, plan, run, err)) {
        change_abort(change);
        return change ? false : err_nomem(err);
    }
    idempotency_mark(call, change_tx(change), run->id);
    return change_commit(change, err);
}

/* ---- replies ---- */

static bool reply_run(struct call *call, const struct conversation *c, const char *run_id,
    int status, struct err *err)
{
    struct server *server = call->server;
    const char *base = view_base_url(call);
    struct json *data, *view, *outputs;
    struct step *steps;
    struct run run;
    size_t n;

    if (!store_run_get(server->store, c->id, run_id, call->arena, &run, err) ||
        !store_steps(server->store, c->id, run_id, call->arena, &steps, &n, err) ||
        !view_outputs(server, call->arena, base, c, &outputs, err))
        return false;
    if (status == 200 && (run.status == RUN_PENDING || run.status == RUN_RUNNING)) {
        json_free(outputs);
        return err_set(err, ERR_BUSY,
            "nothing more can be done now; the run %s goes on when the server starts again",
            run.id);
    }
    view = view_run(server, call->arena, base, c, &run, steps, n);
    if (status == 200 && (run.status == RUN_FAILED || run.status == RUN_CANCELLED)) {
        struct json *details = json_new_object();

        json_to_err(json_get(view, "error"), err);
        if (err_http_status(err->code) >= 500) /* Not for what was asked: asking again may help. */
            idempotency_release(call);
        json_set_string(details, "run_id", run.id);
        json_set_string(details, "status", run_status_name(run.status));
        json_set(details, "results", json_ref(json_get(view, "results")));
        json_set(details, "output_files", outputs);
        json_free(view);
        reply_error_with(call, err, err_http_status(err->code), details);
        return true;
    }
    data = json_new_object();
    json_set_string(data, "run_id", run.id);
    json_set_string(data, "chat_id", c->id);
    json_set_string(data, "status", run_status_name(run.status));
    json_set(data, "results", json_ref(json_get(view, "results")));
    json_set(data, "output_files", outputs);
    json_free(view);
    reply_data(call, status,
        status == 202 ? "Workflow accepted" : "Workflow completed successfully", data);
    return true;
}

static bool may_run(struct call *call, const struct request *q, struct err *err)
{
    int64_t max_runs = settings_int(call->server->settings, "quota.max_runs");

    if (max_runs && q->c.owner &&
        dispatcher_runs_of(call->server->dispatcher, q->c.owner) >= max_runs)
        return err_set(err, ERR_RATE,
            "%lld runs of %s are under way already (quota.max_runs); wait for one to end",
            (long long)max_runs, q->c.owner);
    return true;
}

/* A client waiting for the end of its run; lives in the exchange's arena. */
struct waiting {
    struct call call;
    struct conversation c;
    char run[ID_LEN];
};

static void answer_waiting(void *arg)
{
    struct waiting *w = arg;
    struct err err = { 0 };

    w->call.lost = memory_lost();
    if (!reply_run(&w->call, &w->c, w->run, 200, &err))
        reply_error(&w->call, &err);
    http_complete(w->call.x);
}

static bool start(
    struct call *call, const struct request *q, const struct plan *plan, struct err *err)
{
    struct server *server = call->server;
    struct job_spec spec = {
        .conversation = q->c.id, .owner = q->c.owner, .base_url = view_base_url(call)
    };
    struct waiting *w = arena_alloc(call->arena, sizeof *w);
    struct run run = { 0 };
    struct job *job;

    if (!w)
        return err_nomem(err);
    if (!may_run(call, q, err))
        return false;
    rand_uuid(run.id);
    *w = (struct waiting){ .call = *call, .c = q->c };
    memcpy(w->run, run.id, sizeof w->run);
    spec.run = run.id;
    if (!q->async) {
        spec.done = answer_waiting;
        spec.arg = w;
    }
    if (!call_whole(call, err) || !dispatcher_prepare(&spec, &job, err))
        return false;
    if (!add_run(call, q, plan, &run, err)) {
        dispatcher_drop(job);
        return false;
    }
    if (q->async)
        return dispatcher_submit(server->dispatcher, job, err) &&
               reply_run(call, &q->c, run.id, 202, err);
    http_defer(call->x);
    if (!dispatcher_submit(server->dispatcher, job, err)) {
        reply_error(call, err);
        http_complete(call->x);
    }
    return true;
}

/* The run exists since an earlier attempt of this request. */
static bool start_again(struct call *call, bool async, struct err *err)
{
    struct waiting *w = arena_alloc(call->arena, sizeof *w);

    if (!w)
        return err_nomem(err);
    *w = (struct waiting){ .call = *call };
    snprintf(w->run, sizeof w->run, "%s", call->redo);
    if (!store_conversation_get(call->server->store, call->params[0], call->arena, &w->c, err))
        return false;
    if (async)
        return reply_run(call, &w->c, w->run, 202, err);
    http_defer(call->x);
    if (!dispatcher_join(call->server->dispatcher, w->run, answer_waiting, w))
        answer_waiting(w);
    return true;
}

bool run_add(
    struct call *call, struct change *change, const struct run_order *order, struct err *err)
{
    size_t max = (size_t)settings_int(call->server->settings, "chat_workflows.execution.max_steps");
    struct request q = {
        .c = *order->c, .files = order->files, .n_files = order->n_files, .input = order->input
    };
    struct run run = { .options = order->options };
    struct plan *plan = NULL;
    bool ok;

    memcpy(run.id, order->run, ID_LEN);
    ok = resolve_steps(call, &q, order->steps, err) && may_run(call, &q, err) &&
         plan_new(q.steps, max, &plan, err) && put_run(call, change, &q, plan, &run, err);
    plan_free(plan);
    json_free(q.steps);
    return ok;
}

/* `sample` of a dry run. */
static bool body_sample(const struct json *body, int64_t *out, struct err *err)
{
    const struct json *v = json_get(body, "sample");

    *out = 0;
    if (json_isnull(v))
        return true;
    *out = json_int(v, 0);
    if (json_kind(v) == JSON_KIND_INT && *out >= 1 && *out <= SAMPLE_MAX)
        return true;
    return err_argument(
        err, ERR_ARG, "sample", "sample: a whole number between 1 and 1000 is expected");
}

bool api_execute(struct call *call, struct err *err)
{
    size_t max = (size_t)settings_int(call->server->settings, "chat_workflows.execution.max_steps");
    struct request q = { 0 };
    struct plan *plan = NULL;
    struct json *body;
    bool ok;

    if (!call_body(call, &body, err))
        return false;
    if (call->redo) {
        ok = body_switch(body, "async", &q.async, err) && start_again(call, q.async, err);
        json_free(body);
        return ok;
    }
    ok = resolve(call, body, &q, err) && body_switch(body, "async", &q.async, err) &&
         body_switch(body, "dry_run", &q.dry_run, err) && body_sample(body, &q.sample, err) &&
         plan_new(q.steps, max, &plan, err) &&
         (q.dry_run ? dry_run(call, &q.c, q.steps, q.input, q.sample, err)
                    : start(call, &q, plan, err));
    plan_free(plan);
    json_free(q.steps);
    json_free(body);
    return ok;
}

bool api_runs(struct call *call, struct err *err)
{
    struct server *server = call->server;
    struct json *data, *list;
    struct conversation c;
    struct run *runs;
    size_t n;

    if (!store_conversation_get(server->store, call->params[0], call->arena, &c, err) ||
        !store_runs(server->store, c.id, false, call->arena, &runs, &n, err))
        return false;
    list = json_new_array();
    for (size_t i = 0; i < n; i++) {
        struct step *steps;
        size_t n_steps;

        if (!store_steps(server->store, c.id, runs[i].id, call->arena, &steps, &n_steps, err)) {
            json_free(list);
            return false;
        }
        json_add(
            list, view_run(server, call->arena, view_base_url(call), &c, &runs[i], steps, n_steps));
    }
    data = json_new_object();
    json_set(data, "runs", list);
    json_set_int(data, "count", (int64_t)n);
    reply_collection(call, "Runs", data, n);
    return true;
}

static bool find_run(struct call *call, struct conversation *c, struct run *run, struct err *err)
{
    return store_conversation_get(call->server->store, call->params[0], call->arena, c, err) &&
           store_run_get(call->server->store, c->id, call->params[1], call->arena, run, err);
}

bool api_run_get(struct call *call, struct err *err)
{
    struct conversation c;
    struct step *steps;
    struct run run;
    size_t n;

    if (!find_run(call, &c, &run, err) ||
        !store_steps(call->server->store, c.id, run.id, call->arena, &steps, &n, err))
        return false;
    reply_data(call, 200, "Run",
        view_run(call->server, call->arena, view_base_url(call), &c, &run, steps, n));
    return true;
}

bool run_cancel(struct call *call, const char *conversation, const char *id, struct err *err)
{
    bool found = dispatcher_cancel(call->server->dispatcher, id);
    struct run run;

    if (!store_run_get(call->server->store, conversation, id, call->arena, &run, err))
        return false;
    if (run.status == RUN_PENDING || run.status == RUN_RUNNING)
        return err_set(err, ERR_BUSY,
            "this run cannot be cancelled now: its end cannot be recorded; it is taken up when the "
            "server starts again");
    if (run.status == RUN_CANCELLED && found)
        return true;
    return err_set(
        err, ERR_STATE, "this run has already ended: it is %s", run_status_name(run.status));
}

bool api_run_cancel(struct call *call, struct err *err)
{
    struct conversation c;
    struct run run;

    return find_run(call, &c, &run, err) && run_cancel(call, c.id, run.id, err) &&
           api_run_get(call, err);
}
