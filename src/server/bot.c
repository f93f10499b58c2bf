/*
 * What the bot needs of the server between messages: what is known of files, and one message at a time in each
 * conversation; and its word at the end of a run.
 */

#include "server/bot.h"

#include "base/clock.h"
#include "chat/reply.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BOT_LOCKS = 64, BOT_KNOWN = 64 };

/* What a file holds, by its SHA-256 and name: looking at a large one takes a second, and it does not change. */
struct known {
    char sha256[65];
    char *text; /* JSON of chat_table_read(); NULL: free. */
    uint64_t used;
};

struct bot {
    pthread_mutex_t lock; /* Of what is known. */
    struct known known[BOT_KNOWN];
    uint64_t clock;
    pthread_mutex_t talks[BOT_LOCKS];
};

bool bot_new(struct bot **out, struct err *err)
{
    struct bot *bot = calloc(1, sizeof *bot);

    if (!bot)
        return err_nomem(err);
    pthread_mutex_init(&bot->lock, NULL);
    for (int i = 0; i < BOT_LOCKS; i++)
        pthread_mutex_init(&bot->talks[i], NULL);
    *out = bot;
    return true;
}

void bot_free(struct bot *bot)
{
    if (!bot)
        return;
    for (int i = 0; i < BOT_KNOWN; i++)
        free(bot->known[i].text);
    for (int i = 0; i < BOT_LOCKS; i++)
        pthread_mutex_destroy(&bot->talks[i]);
    pthread_mutex_destroy(&bot->lock);
    free(bot);
}

static pthread_mutex_t *talk_of(struct bot *bot, const char *conversation)
{
    unsigned hash = 5381;

    for (const char *p = conversation; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    return &bot->talks[hash % BOT_LOCKS];
}

void bot_begin(struct bot *bot, const char *conversation)
{
    pthread_mutex_lock(talk_of(bot, conversation));
}

void bot_end(struct bot *bot, const char *conversation)
{
    pthread_mutex_unlock(talk_of(bot, conversation));
}

/* ---- files ---- */

static char *recall(struct bot *bot, const char *sha256)
{
    char *text = NULL;

    pthread_mutex_lock(&bot->lock);
    for (int i = 0; i < BOT_KNOWN && !text; i++) {
        if (bot->known[i].text && strcmp(bot->known[i].sha256, sha256) == 0) {
            bot->known[i].used = ++bot->clock;
            text = strdup(bot->known[i].text);
        }
    }
    pthread_mutex_unlock(&bot->lock);
    return text;
}

static void remember(struct bot *bot, const char *sha256, const char *text)
{
    struct known *oldest = &bot->known[0];
    char *copy = strdup(text);

    if (!copy)
        return; /* It will be looked at again. */
    pthread_mutex_lock(&bot->lock);
    for (int i = 1; i < BOT_KNOWN; i++) {
        if (bot->known[i].used < oldest->used)
            oldest = &bot->known[i];
    }
    free(oldest->text);
    oldest->text = copy;
    oldest->used = ++bot->clock;
    snprintf(oldest->sha256, sizeof oldest->sha256, "%s", sha256);
    pthread_mutex_unlock(&bot->lock);
}

/* {format, rows, columns: [{name, type, values, distinct}]} of what inspect tells. */
static struct json *table_of(const struct json *inspected)
{
    const struct json *names = json_get(inspected, "column_names"),
                      *types = json_get(inspected, "data_types");
    const struct json *values = json_get(inspected, "values"),
                      *profiles = json_get(inspected, "profile");
    struct json *table = json_new_object(), *columns = json_new_array();
    const char *format = json_get_string(inspected, "format");

    json_set_string(table, "format", format ? format : "csv");
    for (size_t i = 0; i < json_len(names); i++) {
        const char *name = json_str(json_at(names, i)), *type = json_get_string(types, name);
        struct json *column = json_new_object();

        json_set_string(column, "name", name);
        json_set_string(column, "type", type ? type : "text");
        if (json_get_int(json_get(profiles, name), "distinct", -1) >= 0)
            json_set_int(column, "distinct", json_get_int(json_get(profiles, name), "distinct", 0));
        if (json_get(values, name))
            json_set(column, "values", json_ref(json_get(values, name)));
        json_add(columns, column);
    }
    json_set(table, "columns", columns);
    json_set_int(table, "rows", json_get_int(inspected, "rows", 0));
    return table;
}

static bool look(struct call *call, const struct conversation *c, const struct stored_file *f,
    char **text, struct err *err)
{
    struct json *job = json_new_object(), *what = json_new_object(), *data, *table;
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];

    if (!conversation_file_dir(&call->server->dirs, c->partition, c->id, f->kind, dir, err) ||
        !fs_join(path, dir, f->name, err)) {
        json_free(job);
        json_free(what);
        return false;
    }
    json_set_string(job, "job", "inspect");
    json_set_string(what, "file", f->name);
    json_set_bool(what, "details", true);
    json_set_bool(what, "values", true);
    json_set(job, "inspect", what);
    if (!file_ask(call->server, job, f->name, path, &data, err))
        return false;
    table = table_of(data);
    json_free(data);
    *text = json_text(table);
    json_free(table);
    return *text || err_nomem(err);
}

bool bot_table(struct call *call, const struct conversation *c, const struct stored_file *f,
    struct chat_table *out, struct err *err)
{
    char *text = recall(call->server->bot, f->sha256);
    struct json *table;
    bool ok;

    if (!text) {
        if (!look(call, c, f, &text, err))
            return false;
        remember(call->server->bot, f->sha256, text);
    }
    ok = json_parse_max(text, strlen(text), SIZE_MAX / 2, &table, err);
    free(text);
    if (!ok)
        return false;
    json_set_string(table, "filename", f->name);
    ok = chat_table_read(table, call->arena, out, err);
    json_free(table);
    return ok;
}

/* ---- the end of a run ---- */

static bool is_bots(const struct run *run)
{
    struct json *options;
    bool yes;

    if (!run->options ||
        !json_parse(run->options, strlen(run->options), &options, &(struct err){ 0 }))
        return false;
    yes = json_get_bool(options, "bot", false);
    json_free(options);
    return yes;
}

static struct json *results_of(const struct step *steps, size_t n)
{
    struct json *list = json_new_array(), *one;

    for (size_t i = 0; i < n; i++) {
        if (steps[i].result && json_parse_max(steps[i].result, strlen(steps[i].result),
                                   SIZE_MAX / 2, &one, &(struct err){ 0 }))
            json_add(list, one);
    }
    return list;
}

void bot_says(struct change *change, const char *text, const struct dialog *d)
{
    struct json *metadata = json_new_object();

    json_set_string(metadata, "from", "bot");
    json_set_string(metadata, "state", dialog_state_name(d->state));
    if (d->state == DIALOG_AWAITING_CONFIRMATION)
        json_set(metadata, "suggested_workflow", bot_suggestion(d));
    change_message(change, "system", text, metadata);
}

struct json *bot_suggestion(const struct dialog *d)
{
    struct json *o = json_new_object();

    json_set(o, "steps", json_ref(d->steps));
    json_set_bool(o, "requires_confirmation", true);
    if (d->file)
        json_set_string(o, "input_file", d->file);
    if (d->remark)
        json_set_string(o, "remark", d->remark);
    return o;
}

bool bot_keep(
    struct change *change, const struct conversation *c, const struct dialog *d, struct err *err)
{
    struct conversation_change to = {
        .status = -1, .status_if = -1, .updated_ns = clock_wall_ns()
    };
    char *text = dialog_write(d);

    if (!text)
        return err_nomem(err);
    to.dialog = text;
    store_change_conversation(change_tx(change), c->id, &to);
    free(text);
    return true;
}

void bot_run_ended(struct change *change, const struct conversation *c, const struct run *run,
    const struct step *steps, size_t n, const char *error)
{
    struct arena arena;
    struct json *results;
    struct dialog d;
    struct err err;

    if (!is_bots(run))
        return;
    arena_init(&arena, NULL);
    /* The dialog as it stood when the run began will do: while it runs, nothing but a cancel changes it. */
    if (!dialog_read(c->dialog, &arena, &d, &err))
        d = (struct dialog){ 0 };
    d.run = run->id;
    d.state = run->status == RUN_COMPLETED   ? DIALOG_COMPLETED
              : run->status == RUN_CANCELLED ? DIALOG_CANCELLED
                                             : DIALOG_FAILED;
    results = results_of(steps, n);
    if (d.state != DIALOG_CANCELLED)
        d.told = error ? reply_failed(&arena, error) : reply_done(&arena, results, d.steps);
    if (bot_keep(change, c, &d, &err) && d.state != DIALOG_CANCELLED)
        bot_says(change, d.told, &d);
    json_free(results);
    dialog_free(&d);
    arena_deinit(&arena);
}
