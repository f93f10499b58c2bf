/* The bot over HTTP: conversations that are talked to. Their files, runs and events are those of any conversation. */

#include "server/bot.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "chat/reply.h"
#include "chat/tell.h"

#include <stdio.h>
#include <stdlib.h>

enum { BOT_FILES = 8, MESSAGE_MAX = 20000, HISTORY_MAX = 10000 };

/* A conversation that is being talked to. */
struct talk {
    struct conversation c;
    struct stored_file *files;
    size_t n_files;
    struct chat_table tables[BOT_FILES]; /* The uploads, the last one first. */
    size_t n_tables;
    struct dialog d;
    struct dialog_turn turn;
    char run[ID_LEN]; /* Of a run that begins. */
    struct job *job;  /* Which waits to be queued. */
};

/* ---- what a message is about ---- */

static bool is_table(const struct stored_file *f)
{
    return f->kind == STORED_UPLOAD && strcmp(f->format, "json") != 0;
}

static bool open_talk(struct call *call, struct talk *t, struct err *err)
{
    struct store *store = call->server->store;

    if (!store_conversation_get(store, call->params[0], call->arena, &t->c, err) ||
        !store_files(store, t->c.id, call->arena, &t->files, &t->n_files, err) ||
        !dialog_read(t->c.dialog, call->arena, &t->d, err))
        return false;
    for (size_t i = t->n_files; i-- > 0 && t->n_tables < BOT_FILES;) {
        if (is_table(&t->files[i]) &&
            !bot_table(call, &t->c, &t->files[i], &t->tables[t->n_tables++], err))
            return false;
    }
    return true;
}

/* As a workflow has them: what people are shown stays out. */
static struct json *bare_steps(const struct json *steps)
{
    struct json *bare = json_clone(steps);

    for (size_t i = 0; i < json_len(bare); i++)
        json_remove((struct json *)(uintptr_t)json_at(bare, i), "description");
    return bare;
}

/* The dialog's run, as rows that are not committed yet. */
static bool add_run(struct call *call, struct talk *t, struct change *change, struct err *err)
{
    struct run_order order = { .run = t->run,
        .c = &t->c,
        .files = t->files,
        .n_files = t->n_files,
        .input = t->n_tables ? t->tables[dialog_file(&t->d, t->tables, t->n_tables)].file : NULL,
        .options = "{\"bot\":true}" };
    struct json *steps;
    bool ok;

    if (!order.input)
        return err_set(err, ERR_STATE, "this conversation has no file yet; upload one first");
    steps = bare_steps(t->d.steps);
    order.steps = steps;
    ok = steps ? run_add(call, change, &order, err) : err_nomem(err);
    json_free(steps);
    t->d.run = t->run;
    return ok;
}

/* What has to be had before the run is a fact. */
static bool prepare_run(struct call *call, struct talk *t, struct err *err)
{
    struct job_spec spec = {
        .conversation = t->c.id, .run = t->run, .owner = t->c.owner, .base_url = view_base_url(call)
    };

    rand_uuid(t->run);
    return dispatcher_prepare(&spec, &t->job, err);
}

/*
 * What was said, what is answered, where the dialog stands and the run that begins become facts together. said NULL:
 * nothing was.
 */
static bool commit(struct call *call, struct talk *t, const char *said, struct err *err)
{
    bool runs = t->turn.action == ACTION_EXECUTE;
    struct change *change;
    bool ok;

    if (runs && !prepare_run(call, t, err))
        return false;
    change = change_begin(call->server, t->c.id);
    ok = change != NULL || err_nomem(err);
    if (ok && said)
        change_message(change, "user", said, NULL);
    ok = ok && (!runs || add_run(call, t, change, err)) && bot_keep(change, &t->c, &t->d, err);
    if (ok) {
        bot_says(change, t->turn.reply, &t->d);
        ok = call_whole(call, err);
    }
    if (ok)
        ok = change_commit(change, err);
    else
        change_abort(change);
    if (!ok)
        dispatcher_drop(t->job);
    return ok;
}

/* What the turn decided, carried out after it is a fact. */
static bool carry_out(struct call *call, struct talk *t, struct err *err)
{
    if (t->turn.action == ACTION_EXECUTE)
        return dispatcher_submit(call->server->dispatcher, t->job, err);
    return t->turn.action != ACTION_CANCEL || !t->d.run ||
           run_cancel(call, t->c.id, t->d.run, err) ||
           err->code == ERR_STATE; /* One that has ended meanwhile needs no cancelling. */
}

/* ---- replies ---- */

static bool add_outputs(struct call *call, const struct talk *t, struct json *data, struct err *err)
{
    struct json *outputs;

    if (!view_outputs(call->server, call->arena, view_base_url(call), &t->c, &outputs, err))
        return false;
    json_set(data, "output_files", outputs);
    return true;
}

static void add_turn(const struct talk *t, struct json *data)
{
    static const char *const actions[] = { NULL, "execute", "cancel" };
    struct json *intent = json_new_object();

    json_set_string(data, "bot_response", t->turn.reply);
    json_set_string(intent, "type", t->turn.intent);
    json_set_real(intent, "confidence", t->turn.confidence);
    json_set(data, "intent", intent);
    json_set(
        data, "suggested_workflow", t->turn.suggests ? bot_suggestion(&t->d) : json_new_null());
    json_set_bool(data, "requires_confirmation", t->d.state == DIALOG_AWAITING_CONFIRMATION);
    json_set_bool(data, "requires_file", t->turn.requires_file);
    json_set_string(data, "action", actions[t->turn.action]);
    json_set_string(data, "state", dialog_state_name(t->d.state));
    if (t->turn.action == ACTION_EXECUTE)
        json_set_string(data, "job_id", t->run);
}

static bool reply_turn(struct call *call, const struct talk *t, struct err *err)
{
    struct json *data = json_new_object();

    add_turn(t, data);
    if (!add_outputs(call, t, data, err)) {
        json_free(data);
        return false;
    }
    reply_data(call, 200, "Message answered", data);
    return true;
}

/* ---- handlers ---- */

static bool is_uuid4(const char *s)
{
    return conversation_id_ok(s) && s[14] == '4' && strchr("89ab", s[19]);
}

bool api_bot_create(struct call *call, struct err *err)
{
    static const char *const members[] = { "chat_id", NULL };
    struct talk t = { .c = { .status = CONVERSATION_CREATED, .metadata = "{}" },
        .turn = { .reply = reply_welcome() } };
    struct json *body, *data;
    const char *id;
    bool ok;

    if (!call_body(call, &body, err))
        return false;
    id = json_get_string(body, "chat_id");
    ok = call_only(body, members, err);
    if (ok && !json_isnull(json_get(body, "chat_id")) && (!id || !is_uuid4(id)))
        ok = err_argument(err, ERR_ARG, "chat_id",
            "chat_id: a UUID (version 4, lower case) is expected, or nothing");
    if (ok && id)
        snprintf(t.c.id, sizeof t.c.id, "%s", id);
    json_free(body);
    t.c.created_ns = t.c.updated_ns = clock_wall_ns();
    if (!ok || !conversation_create(call, &t.c, id != NULL, err) || !commit(call, &t, NULL, err))
        return false;
    data = json_new_object();
    json_set_string(data, "chat_id", t.c.id);
    json_set_string(data, "participant_name", t.c.participant);
    json_set_string(data, "status", conversation_status_name(t.c.status));
    json_set_string(data, "bot_message", t.turn.reply);
    json_set_string(data, "state", dialog_state_name(t.d.state));
    view_time(data, "created_at", t.c.created_ns);
    reply_data(call, 201, "Conversation created", data);
    return true;
}

/* For the language model as for us: the file that is worked on comes first. */
static void order_tables(struct talk *t)
{
    size_t i = dialog_file(&t->d, t->tables, t->n_tables);
    struct chat_table first = t->tables[i];

    memmove(&t->tables[1], &t->tables[0], i * sizeof first);
    t->tables[0] = first;
}

static bool hear(struct call *call, struct talk *t, const char *message, struct err *err)
{
    if (!open_talk(call, t, err))
        return false;
    order_tables(t);
    return dialog_say(&t->d, message, t->tables, t->n_tables, call->arena, &t->turn, err);
}

/*
 * What a language model makes of a message that was lost on us. Meanwhile the conversation is free for others, so the
 * message is heard again afterwards, and the reply counts for the files and the dialog as they are then.
 */
static bool hear_again(struct call *call, struct talk *t, const char *message, struct err *err)
{
    struct json *steps;
    struct buf reply;
    bool answered, ok;

    bot_end(call->server->bot, call->params[0]);
    answered = bot_model_ask(call, message, t->tables, t->n_tables, &reply);
    dialog_free(&t->d);
    *t = (struct talk){ 0 };
    bot_begin(call->server->bot, call->params[0]);
    ok = hear(call, t, message, err);
    if (ok && answered && t->turn.lost &&
        bot_model_steps(call, &reply, t->tables, t->n_tables, &steps))
        dialog_propose(&t->d, steps, call->arena, &t->turn);
    buf_deinit(&reply);
    return ok;
}

static bool say(struct call *call, struct talk *t, const char *message, struct err *err)
{
    return hear(call, t, message, err) &&
           (!t->turn.lost || !bot_model_on(call->server) || hear_again(call, t, message, err)) &&
           commit(call, t, message, err) && carry_out(call, t, err);
}

bool api_bot_message(struct call *call, struct err *err)
{
    static const char *const members[] = { "message", NULL };
    struct talk t = { 0 };
    struct json *body;
    const char *message;
    bool ok;

    if (!call_body(call, &body, err))
        return false;
    message = json_get_string(body, "message");
    ok = call_only(body, members, err);
    if (ok && (!message || strlen(message) != json_str_len(json_get(body, "message"))))
        ok = err_argument(err, ERR_ARG, "message", "message: a text is expected");
    else if (ok && strlen(message) > MESSAGE_MAX)
        ok = err_argument(err, ERR_ARG, "message", "message: the text is longer than 20,000 bytes");
    if (ok) {
        bot_begin(call->server->bot, call->params[0]);
        ok = say(call, &t, message, err);
        bot_end(call->server->bot, call->params[0]);
    }
    ok = ok && reply_turn(call, &t, err);
    dialog_free(&t.d);
    json_free(body);
    return ok;
}

static bool uploaded(struct call *call, struct talk *t, const struct stored_file ***files,
    size_t *n, struct err *err)
{
    return store_conversation_get(call->server->store, call->params[0], call->arena, &t->c, err) &&
           upload_files(call, &t->c, files, n, err) && open_talk(call, t, err) &&
           (t->n_tables > 0 ||
               err_set(err, ERR_FORMAT, "the bot works on tables: Excel and CSV files")) &&
           dialog_uploaded(&t->d, t->tables, t->n_tables, call->arena, &t->turn, err) &&
           commit(call, t, NULL, err);
}

bool api_bot_upload(struct call *call, struct err *err)
{
    const struct stored_file **files = NULL;
    struct talk t = { 0 };
    struct json *data = NULL;
    size_t n = 0;
    bool ok;

    bot_begin(call->server->bot, call->params[0]);
    ok = uploaded(call, &t, &files, &n, err);
    bot_end(call->server->bot, call->params[0]);
    if (ok) {
        data = view_file(call->server, call->arena, view_base_url(call), &t.c, files[0]);
        add_turn(&t, data);
        ok = add_outputs(call, &t, data, err);
    }
    if (ok)
        reply_data(call, 200, "File uploaded successfully", data);
    else
        json_free(data);
    dialog_free(&t.d);
    return ok;
}

/* The steps of `modified_workflow` in the place of those proposed, with their descriptions. */
static bool take_modified(
    struct call *call, struct talk *t, const struct json *modified, struct err *err)
{
    struct json *steps;

    if (json_isnull(modified))
        return true;
    if (json_kind(json_get(modified, "steps")) != JSON_KIND_ARRAY ||
        json_len(json_get(modified, "steps")) == 0)
        return err_argument(err, ERR_ARG, "modified_workflow",
            "modified_workflow: an object with a list of steps is expected");
    steps = json_clone(json_get(modified, "steps"));
    for (size_t i = 0; i < json_len(steps); i++) {
        struct json *one = (struct json *)(uintptr_t)json_at(steps, i);

        if (json_get_string(one, "operation"))
            json_set_string(one, "description",
                tell_step(
                    call->arena, json_get_string(one, "operation"), json_get(one, "arguments")));
    }
    json_free(t->d.steps);
    t->d.steps = steps;
    return steps || err_nomem(err);
}

static bool confirm(
    struct call *call, struct talk *t, const struct json *body, bool confirmed, struct err *err)
{
    if (!open_talk(call, t, err))
        return false;
    if (t->d.state != DIALOG_AWAITING_CONFIRMATION)
        return err_set(err, ERR_STATE, "there is nothing to confirm; the dialog is %s",
            dialog_state_name(t->d.state));
    return (!confirmed || take_modified(call, t, json_get(body, "modified_workflow"), err)) &&
           dialog_say(&t->d, confirmed ? "yes" : "no", t->tables, t->n_tables, call->arena,
               &t->turn, err) &&
           commit(call, t, NULL, err) && carry_out(call, t, err);
}

bool api_bot_confirm(struct call *call, struct err *err)
{
    static const char *const members[] = { "confirmed", "modified_workflow", NULL };
    struct talk t = { 0 };
    struct json *body, *data;
    bool confirmed, ok;

    if (!call_body(call, &body, err))
        return false;
    ok = call_only(body, members, err) && body_switch(body, "confirmed", &confirmed, err);
    if (ok && !json_get(body, "confirmed"))
        ok = err_argument(err, ERR_ARG, "confirmed", "confirmed: true or false is required");
    if (ok) {
        bot_begin(call->server->bot, call->params[0]);
        ok = confirm(call, &t, body, confirmed, err);
        bot_end(call->server->bot, call->params[0]);
    }
    json_free(body);
    data = json_new_object();
    ok = ok && add_outputs(call, &t, data, err);
    if (ok) {
        json_set_string(data, "job_id", confirmed ? t.run : NULL);
        json_set_string(data, "status", confirmed ? "submitted" : "declined");
        json_set_string(data, "message", confirmed ? "Workflow submitted" : "Workflow declined");
        json_set_string(data, "bot_response", t.turn.reply);
        json_set_string(data, "state", dialog_state_name(t.d.state));
        reply_data(call, confirmed ? 202 : 200,
            confirmed ? "Workflow submitted" : "Workflow declined", data);
    } else {
        json_free(data);
    }
    dialog_free(&t.d);
    return ok;
}

bool api_bot_history(struct call *call, struct err *err)
{
    struct store *store = call->server->store;
    struct conversation c;
    struct json *data;
    struct dialog d;
    int64_t limit;

    if (!call_query_int(call, "limit", 0, 1, HISTORY_MAX, &limit, err) ||
        !store_conversation_get(store, call->params[0], call->arena, &c, err) ||
        !view_conversation(
            call->server, call->arena, view_base_url(call), c.id, (uint32_t)limit, &data, err))
        return false;
    if (!dialog_read(c.dialog, call->arena, &d, err)) {
        json_free(data);
        return false;
    }
    json_set_string(data, "current_state", dialog_state_name(d.state));
    json_set(data, "suggested_workflow",
        d.state == DIALOG_AWAITING_CONFIRMATION ? bot_suggestion(&d) : json_new_null());
    dialog_free(&d);
    reply_data(call, 200, "History", data);
    return true;
}

bool api_bot_status(struct call *call, struct err *err)
{
    struct store *store = call->server->store;
    struct conversation c;
    struct json *view, *data, *result;
    struct step *steps;
    struct run run;
    size_t n;

    if (!store_conversation_get(store, call->params[0], call->arena, &c, err) ||
        !store_run_get(store, c.id, call->params[1], call->arena, &run, err) ||
        !store_steps(store, c.id, run.id, call->arena, &steps, &n, err))
        return false;
    view = view_run(call->server, call->arena, view_base_url(call), &c, &run, steps, n);
    data = json_new_object();
    json_set_string(data, "job_id", run.id);
    json_set_string(data, "status", run_status_name(run.status));
    view_time(data, "submitted_at", run.created_ns);
    view_time(data, "started_at", run.started_ns);
    view_time(data, "completed_at", run.completed_ns);
    result = json_new_object();
    json_set(result, "results", json_ref(json_get(view, "results")));
    json_set(result, "progress", json_ref(json_get(view, "progress")));
    json_set(data, "result", run.status == RUN_COMPLETED ? result : json_new_null());
    if (run.status != RUN_COMPLETED)
        json_free(result);
    json_set_string(data, "error", json_get_string(json_get(view, "error"), "text"));
    json_free(view);
    reply_data(call, 200, "Workflow status", data);
    return true;
}

bool api_bot_operations(struct call *call, struct err *err)
{
    struct json *data = json_new_object(), *intents = understand_intents();
    uint64_t n = json_len(intents);

    (void)err;
    json_set(data, "operations", intents);
    json_set_int(data, "total_intents", (int64_t)n);
    reply_collection(call, "Operations of the bot", data, n);
    return true;
}
