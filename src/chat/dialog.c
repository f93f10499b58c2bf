#include "chat/dialog.h"

#include "base/utf8.h"
#include "chat/reply.h"
#include "chat/words.h"

#include <stdlib.h>
#include <string.h>

#define CONFIDENCE_FROM_MODEL 0.6

static const char *const state_names[DIALOG_STATE_COUNT] = { "idle", "awaiting_file",
    "awaiting_confirmation", "awaiting_parameters", "processing", "completed", "failed",
    "cancelled" };

const char *dialog_state_name(enum dialog_state s)
{
    return s < DIALOG_STATE_COUNT ? state_names[s] : "idle";
}

/* ---- kept between messages ---- */

bool dialog_read(const char *text, struct arena *arena, struct dialog *out, struct err *err)
{
    struct json *o;
    const char *state;

    *out = (struct dialog){ 0 };
    if (!text)
        return true;
    if (!json_parse(text, strlen(text), &o, err))
        return false;
    state = json_get_string(o, "state");
    for (int i = 0; state && i < DIALOG_STATE_COUNT; i++) {
        if (strcmp(state, state_names[i]) == 0)
            out->state = (enum dialog_state)i;
    }
    if (json_get_string(o, "sentence"))
        out->sentence = arena_strdup(arena, json_get_string(o, "sentence"));
    if (json_get_string(o, "missing"))
        out->missing = arena_strdup(arena, json_get_string(o, "missing"));
    if (json_get_string(o, "run"))
        out->run = arena_strdup(arena, json_get_string(o, "run"));
    if (json_kind(json_get(o, "steps")) == JSON_KIND_ARRAY)
        out->steps = json_ref(json_get(o, "steps"));
    json_free(o);
    return true;
}

char *dialog_write(const struct dialog *d)
{
    struct json *o = json_new_object();
    char *text;

    json_set_string(o, "state", dialog_state_name(d->state));
    if (d->steps)
        json_set(o, "steps", json_ref(d->steps));
    if (d->sentence)
        json_set_string(o, "sentence", d->sentence);
    if (d->missing)
        json_set_string(o, "missing", d->missing);
    if (d->run)
        json_set_string(o, "run", d->run);
    text = json_text(o);
    json_free(o);
    return text;
}

void dialog_free(struct dialog *d)
{
    json_free(d->steps);
    d->steps = NULL;
}

/* ---- commands ---- */

enum command { COMMAND_NONE, COMMAND_YES, COMMAND_NO, COMMAND_CANCEL, COMMAND_HELP };

static enum command command_of(const struct words *w)
{
    static const struct {
        const char *text;
        enum command command;
    } commands[] = { { "yes", COMMAND_YES }, { "y", COMMAND_YES }, { "ok", COMMAND_YES },
        { "okay", COMMAND_YES }, { "proceed", COMMAND_YES }, { "continue", COMMAND_YES },
        { "go", COMMAND_YES }, { "go ahead", COMMAND_YES }, { "confirm", COMMAND_YES },
        { "run", COMMAND_YES }, { "run it", COMMAND_YES }, { "do it", COMMAND_YES },
        { "yes please", COMMAND_YES }, { "sure", COMMAND_YES }, { "yep", COMMAND_YES },
        { "looks good", COMMAND_YES }, { "no", COMMAND_NO }, { "n", COMMAND_NO },
        { "nope", COMMAND_NO }, { "no thanks", COMMAND_NO }, { "cancel", COMMAND_CANCEL },
        { "stop", COMMAND_CANCEL }, { "quit", COMMAND_CANCEL }, { "abort", COMMAND_CANCEL },
        { "never mind", COMMAND_CANCEL }, { "nevermind", COMMAND_CANCEL }, { "help", COMMAND_HELP },
        { "help me", COMMAND_HELP }, { "what can you do", COMMAND_HELP } };
    size_t n = w->n;

    if (n == 1 && w->v[0].kind == WORD_STOP && w->v[0].key[0] == '?')
        return COMMAND_HELP;
    while (n > 0 && w->v[n - 1].kind == WORD_STOP)
        n--;
    for (size_t i = 0; n > 0 && i < ARRAY_LEN(commands); i++) {
        if (words_say(w, 0, n, commands[i].text) == n)
            return commands[i].command;
    }
    return COMMAND_NONE;
}

static void settle(struct dialog *d, enum dialog_state state)
{
    d->state = state;
    d->sentence = d->missing = NULL;
}

static void on_yes(struct dialog *d, struct arena *arena, struct dialog_turn *out)
{
    out->intent = "confirm";
    if (d->state != DIALOG_AWAITING_CONFIRMATION) {
        out->reply = d->state == DIALOG_PROCESSING ? reply_working() : reply_nothing_pending();
        return;
    }
    settle(d, DIALOG_PROCESSING);
    out->action = ACTION_EXECUTE;
    out->reply = reply_started(arena, json_len(d->steps));
}

static void on_no(struct dialog *d, struct dialog_turn *out)
{
    out->intent = "decline";
    if (d->state == DIALOG_PROCESSING) {
        out->reply = reply_working();
        return;
    }
    if (d->state != DIALOG_AWAITING_CONFIRMATION && d->state != DIALOG_AWAITING_PARAMETERS) {
        out->reply = reply_nothing_pending();
        return;
    }
    dialog_free(d);
    settle(d, DIALOG_IDLE);
    out->reply = reply_declined();
}

static void on_cancel(struct dialog *d, struct dialog_turn *out)
{
    bool running = d->state == DIALOG_PROCESSING;

    out->intent = "cancel";
    out->action = running ? ACTION_CANCEL : ACTION_NONE;
    out->reply = reply_cancelled(running);
    if (!running)
        dialog_free(d);
    settle(d, DIALOG_CANCELLED);
}

/* ---- wishes ---- */

static void suggest(struct dialog *d, struct understanding *u, const char *first_line,
    struct arena *arena, struct dialog_turn *out)
{
    dialog_free(d);
    d->steps = u->steps;
    u->steps = NULL;
    settle(d, DIALOG_AWAITING_CONFIRMATION);
    out->suggests = true;
    out->reply = reply_suggestion(arena, d->steps, first_line);
}

static void question(struct dialog *d, const struct understanding *u, const char *sentence,
    const struct chat_table *t, struct arena *arena, struct dialog_turn *out)
{
    settle(d, DIALOG_AWAITING_PARAMETERS);
    d->sentence = arena_strdup(arena, sentence);
    d->missing = u->missing;
    out->reply = reply_question(arena, u->question, t, u->missing);
}

/* What a sentence comes to in a dialog that has nothing pending. */
static void conclude(struct dialog *d, struct understanding *u, const char *sentence,
    const struct chat_table *t, const char *first_line, struct arena *arena,
    struct dialog_turn *out)
{
    out->intent = u->intent;
    out->confidence = u->confidence;
    switch (u->what) {
    case UNDERSTOOD_STEPS:
        suggest(d, u, first_line, arena, out);
        return;
    case UNDERSTOOD_ASK:
        question(d, u, sentence, t, arena, out);
        return;
    case UNDERSTOOD_CANNOT:
        out->reply = reply_cannot(arena, u->reason, t);
        return;
    case UNDERSTOOD_NOTHING:
        break;
    }
    out->lost = true;
    out->reply = reply_lost(arena, t);
}

/* The wish again, with what was missing. */
static const char *with_answer(const struct dialog *d, const char *answer, struct arena *arena)
{
    static const char *const links[][2] = { { "conditions", "where" }, { "bind_file", "with" },
        { "comparison_column", "on" }, { "column", "in" }, { "parameters", "with" } };
    const char *link = "";

    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        if (strcmp(d->missing, links[i][0]) == 0 &&
            strncasecmp(answer, links[i][1], strlen(links[i][1])) != 0)
            link = links[i][1];
    }
    return arena_printf(arena, "%s %s %s", d->sentence, link, answer);
}

static bool answer(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out, struct err *err)
{
    const char *whole = with_answer(d, message, arena);
    struct understanding both, alone;

    if (!whole)
        return err_nomem(err);
    if (!understand(whole, files, n_files, NULL, arena, &both, err))
        return false;
    if (both.what == UNDERSTOOD_STEPS || both.what == UNDERSTOOD_CANNOT) {
        conclude(d, &both, whole, files, NULL, arena, out);
        json_free(both.steps);
        return true;
    }
    if (!understand(message, files, n_files, NULL, arena, &alone, err)) {
        json_free(both.steps);
        return false;
    }
    /* Another wish instead of an answer; or an answer that still leaves something open. */
    if (alone.what == UNDERSTOOD_STEPS || alone.what == UNDERSTOOD_CANNOT)
        conclude(d, &alone, message, files, NULL, arena, out);
    else if (both.what == UNDERSTOOD_ASK && strcmp(both.missing, d->missing) != 0)
        conclude(d, &both, whole, files, NULL, arena, out);
    else
        question(d, &both, d->sentence, files, arena, out);
    json_free(both.steps);
    json_free(alone.steps);
    return true;
}

/* Words with which people change what was proposed, rather than ask for something else. */
static bool sounds_like_change(const char *message, struct arena *arena)
{
    static const char *const links[] = { "also", "and", "then", "plus", "but", "not", "without",
        "with", "use", "call", "name it", "as", "add", "now", "change", "except", "table", NULL };
    struct words w;
    struct err err;

    return words_split(message, arena, &w, &err) && words_say_any(&w, 0, w.n, links) > 0;
}

/* Several steps said at once are another wish, in the place of the proposal. */
static bool replaces(const struct understanding *alone, const char *message, struct arena *arena)
{
    return alone->what == UNDERSTOOD_STEPS && json_len(alone->steps) > 1 &&
           !sounds_like_change(message, arena);
}

/* A change of the proposal, or another wish. */
static bool change(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out, struct err *err)
{
    struct understanding u, alone;

    if (!understand(message, files, n_files, NULL, arena, &alone, err))
        return false;
    if (replaces(&alone, message, arena)) {
        conclude(d, &alone, message, files, "Instead of that:", arena, out);
        json_free(alone.steps);
        return true;
    }
    json_free(alone.steps);
    if (!understand(message, files, n_files, d->steps, arena, &u, err))
        return false;
    out->intent = u.intent;
    out->confidence = u.confidence;
    if (u.what == UNDERSTOOD_STEPS)
        suggest(d, &u, "Changed.", arena, out);
    else if (u.what == UNDERSTOOD_ASK)
        out->reply = reply_question(arena, u.question, files, u.missing);
    else if (u.what == UNDERSTOOD_CANNOT)
        out->reply = reply_cannot(arena, u.reason, files);
    else
        out->reply = reply_still_pending(arena, d->steps);
    json_free(u.steps);
    return true;
}

static bool wish(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out, struct err *err)
{
    struct understanding u;

    if (!understand(message, files, n_files, NULL, arena, &u, err))
        return false;
    conclude(d, &u, message, files, NULL, arena, out);
    json_free(u.steps);
    return true;
}

/* Without a file: is it a wish at all? Then it is remembered. */
static bool wish_without_file(struct dialog *d, const char *message, struct arena *arena,
    struct dialog_turn *out, struct err *err)
{
    static const struct chat_table nothing = { .file = "", .noun = "", .format = "csv" };
    struct understanding u;

    if (!understand(message, &nothing, 1, NULL, arena, &u, err))
        return false;
    out->intent = u.intent;
    out->requires_file = u.what != UNDERSTOOD_CANNOT;
    if (u.what == UNDERSTOOD_CANNOT) {
        out->reply = reply_cannot(arena, u.reason, NULL);
    } else if (u.intent) {
        out->confidence = u.confidence;
        settle(d, DIALOG_AWAITING_FILE);
        d->sentence = arena_strdup(arena, message);
        out->reply = reply_needs_file();
    } else {
        out->reply = reply_lost(arena, NULL);
    }
    json_free(u.steps);
    return true;
}

/* After a run, "also drop duplicates" goes on from what was done. */
static bool goes_on(const struct dialog *d, const struct words *w)
{
    static const char *const links[] = { "also", "and", "then", "now", "now also", "additionally",
        "but", NULL };

    return (d->state == DIALOG_COMPLETED || d->state == DIALOG_FAILED) && json_len(d->steps) > 0 &&
           words_say_any(w, 0, w->n, links) > 0;
}

bool dialog_say(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out, struct err *err)
{
    struct words w;

    *out = (struct dialog_turn){ .confidence = 1, .requires_file = false };
    if (!words_split(message, arena, &w, err))
        return false;
    switch (command_of(&w)) {
    case COMMAND_YES:
        on_yes(d, arena, out);
        return true;
    case COMMAND_NO:
        on_no(d, out);
        return true;
    case COMMAND_CANCEL:
        on_cancel(d, out);
        return true;
    case COMMAND_HELP:
        out->intent = "help";
        out->reply = reply_help(arena, n_files ? files : NULL);
        return true;
    case COMMAND_NONE:
        break;
    }
    out->confidence = 0;
    if (d->state == DIALOG_PROCESSING) {
        out->reply = reply_working();
        return true;
    }
    if (n_files == 0)
        return wish_without_file(d, message, arena, out, err);
    if (d->state == DIALOG_AWAITING_PARAMETERS && d->sentence && d->missing)
        return answer(d, message, files, n_files, arena, out, err);
    if (d->state == DIALOG_AWAITING_CONFIRMATION || goes_on(d, &w))
        return change(d, message, files, n_files, arena, out, err);
    return wish(d, message, files, n_files, arena, out, err);
}

void dialog_propose(
    struct dialog *d, struct json *steps, struct arena *arena, struct dialog_turn *out)
{
    static const char first_line[] =
        "A language model takes it so; look at each step before you run it.";
    struct understanding u = { .what = UNDERSTOOD_STEPS, .steps = steps };

    out->lost = false;
    out->intent = understand_intent_of(json_get_string(json_at(steps, 0), "operation"));
    out->confidence = CONFIDENCE_FROM_MODEL;
    suggest(d, &u, first_line, arena, out);
}

bool dialog_uploaded(struct dialog *d, const struct chat_table *files, size_t n_files,
    struct arena *arena, struct dialog_turn *out, struct err *err)
{
    const char *sentence = d->sentence, *arrived = reply_uploaded(arena, files);
    const char *first = arena_printf(arena, "%s uploaded successfully.", files->file);
    struct understanding u;

    *out = (struct dialog_turn){ .reply = arrived };
    if (d->state == DIALOG_PROCESSING)
        return true;
    if (d->state != DIALOG_AWAITING_FILE || !sentence) {
        if (d->state == DIALOG_AWAITING_CONFIRMATION || d->state == DIALOG_AWAITING_PARAMETERS)
            return true; /* What is pending stays: the file may be one to join. */
        dialog_free(d);
        settle(d, DIALOG_IDLE);
        return true;
    }
    if (!understand(sentence, files, n_files, NULL, arena, &u, err))
        return false;
    settle(d, DIALOG_IDLE);
    conclude(d, &u, sentence, files, first, arena, out);
    if (!out->suggests)
        out->reply = arena_printf(arena, "%s %s", first ? first : "", out->reply);
    json_free(u.steps);
    return out->reply || err_nomem(err);
}
