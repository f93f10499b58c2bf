#include "chat/dialog.h"

#include "base/utf8.h"
#include "chat/aside.h"
#include "chat/reply.h"
#include "chat/words.h"

#include <stdlib.h>
#include <string.h>

#define CONFIDENCE_FROM_MODEL 0.6

enum { OTHERS_MAX = 1000 }; /* Bytes of a message that is tried on other files. */

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
        { "looks good", COMMAND_YES }, { "yes run it", COMMAND_YES },
        { "yes go ahead", COMMAND_YES }, { "yes do it", COMMAND_YES }, { "please do", COMMAND_YES },
        { "do that", COMMAND_YES }, { "go for it", COMMAND_YES }, { "that's right", COMMAND_YES },
        { "correct", COMMAND_YES }, { "fine", COMMAND_YES }, { "yeah", COMMAND_YES },
        { "yup", COMMAND_YES }, { "ok go", COMMAND_YES }, { "run it please", COMMAND_YES },
        { "no", COMMAND_NO }, { "n", COMMAND_NO }, { "nope", COMMAND_NO },
        { "no thanks", COMMAND_NO }, { "cancel", COMMAND_CANCEL }, { "stop", COMMAND_CANCEL },
        { "quit", COMMAND_CANCEL }, { "abort", COMMAND_CANCEL }, { "never mind", COMMAND_CANCEL },
        { "nevermind", COMMAND_CANCEL }, { "start over", COMMAND_CANCEL },
        { "start again", COMMAND_CANCEL }, { "reset", COMMAND_CANCEL },
        { "forget it", COMMAND_CANCEL }, { "help", COMMAND_HELP }, { "help me", COMMAND_HELP },
        { "what can you do", COMMAND_HELP } };
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
    d->sentence = d->missing = d->remark = NULL;
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

size_t dialog_file(const struct dialog *d, const struct chat_table *files, size_t n_files)
{
    for (size_t i = 0; d->file && i < n_files; i++) {
        if (strcmp(files[i].file, d->file) == 0)
            return i;
    }
    return 0;
}

/* The files with the one that is worked on first; NULL when memory ends. */
static const struct chat_table *in_order(
    const struct dialog *d, const struct chat_table *files, size_t n_files, struct arena *arena)
{
    size_t first = dialog_file(d, files, n_files);
    struct chat_table *all = arena_calloc(arena, n_files, sizeof *all);

    if (!all)
        return NULL;
    all[0] = files[first];
    for (size_t i = 0, n = 1; i < n_files; i++) {
        if (i != first)
            all[n++] = files[i];
    }
    return all;
}

/* `file` says what it is about where there are several; else NULL. */
static void suggest(struct dialog *d, struct understanding *u, const char *first_line,
    const char *file, struct arena *arena, struct dialog_turn *out)
{
    dialog_free(d);
    d->steps = u->steps;
    u->steps = NULL;
    settle(d, DIALOG_AWAITING_CONFIRMATION);
    d->remark = u->remark;
    out->suggests = true;
    out->reply = reply_suggestion(arena, d->steps, first_line, file, u->remark);
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
    const struct chat_table *t, size_t n_files, const char *first_line, struct arena *arena,
    struct dialog_turn *out)
{
    out->intent = u->intent;
    out->confidence = u->confidence;
    switch (u->what) {
    case UNDERSTOOD_STEPS:
        suggest(d, u, first_line, n_files > 1 ? t->file : NULL, arena, out);
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
        conclude(d, &both, whole, files, n_files, NULL, arena, out);
        json_free(both.steps);
        return true;
    }
    if (!understand(message, files, n_files, NULL, arena, &alone, err)) {
        json_free(both.steps);
        return false;
    }
    /* Another wish instead of an answer; or an answer that still leaves something open. */
    if (alone.what == UNDERSTOOD_STEPS || alone.what == UNDERSTOOD_CANNOT)
        conclude(d, &alone, message, files, n_files, NULL, arena, out);
    else if (both.what == UNDERSTOOD_ASK && strcmp(both.missing, d->missing) != 0)
        conclude(d, &both, whole, files, n_files, NULL, arena, out);
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
    struct words w = { 0 };
    struct err err = { 0 };

    return words_split(message, arena, &w, &err) && words_say_any(&w, 0, w.n, links) > 0;
}

/* Several steps said at once are another wish, in the place of the proposal. */
static bool replaces(const struct understanding *alone, const char *message, struct arena *arena)
{
    return alone->what == UNDERSTOOD_STEPS && json_len(alone->steps) > 1 &&
           !sounds_like_change(message, arena);
}

/* A change of the proposal; or the answer to what was asked about one. */
static bool understand_change(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct understanding *u, struct err *err)
{
    const char *whole = d->sentence && d->missing ? with_answer(d, message, arena) : NULL;

    d->sentence = d->missing = NULL;
    if (whole) {
        if (!understand(whole, files, n_files, d->steps, arena, u, err))
            return false;
        if (u->what == UNDERSTOOD_STEPS)
            return true;
        json_free(u->steps);
    }
    return understand(message, files, n_files, d->steps, arena, u, err);
}

static void ask_about_change(struct dialog *d, const struct understanding *u, const char *message,
    const struct chat_table *files, struct arena *arena, struct dialog_turn *out)
{
    if (d->state ==
        DIALOG_AWAITING_CONFIRMATION) { /* Else the next message is a wish of its own. */
        d->sentence = arena_strdup(arena, message);
        d->missing = u->missing;
    }
    out->reply = reply_question(arena, u->question, files, u->missing);
}

/* A change of the proposal, or another wish. */
static bool change(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out, struct err *err)
{
    struct understanding u, alone;

    if (!understand(message, files, n_files, NULL, arena, &alone, err))
        return false;
    if (replaces(&alone, message, arena)) {
        conclude(d, &alone, message, files, n_files, "Instead of that:", arena, out);
        json_free(alone.steps);
        return true;
    }
    json_free(alone.steps);
    if (!understand_change(d, message, files, n_files, arena, &u, err))
        return false;
    out->intent = u.intent;
    if (u.what == UNDERSTOOD_STEPS && !u.intent) /* "call it report": it is still what it was. */
        out->intent = understand_intent_of(json_get_string(json_at(u.steps, 0), "operation"));
    out->confidence = u.confidence;
    if (u.what == UNDERSTOOD_STEPS)
        suggest(d, &u, "Changed.", n_files > 1 ? files->file : NULL, arena, out);
    else if (u.what == UNDERSTOOD_ASK)
        ask_about_change(d, &u, message, files, arena, out);
    else if (u.what == UNDERSTOOD_CANNOT)
        out->reply = reply_cannot(arena, u.reason, files);
    else
        out->reply = reply_still_pending(arena, d->steps);
    json_free(u.steps);
    return true;
}

/*
 * The first of the other files that the message makes sense for, as the one to work on: "keep the active customers"
 * after a file of orders has come. *u is what it was understood as so far, and becomes that.
 */
static bool try_others(struct dialog *d, const char *message, const struct chat_table **files,
    size_t n_files, struct arena *arena, struct understanding *u, struct err *err)
{
    for (size_t i = 1; i < n_files && strlen(message) <= OTHERS_MAX; i++) {
        struct dialog other = { .file = (*files)[i].file };
        const struct chat_table *order = in_order(&other, *files, n_files, arena);
        struct understanding v;

        if (!order)
            return err_nomem(err);
        if (!understand(message, order, n_files, NULL, arena, &v, err))
            return false;
        if (v.what == UNDERSTOOD_STEPS) {
            json_free(u->steps);
            *u = v;
            d->file = other.file;
            *files = order;
            return true;
        }
        json_free(v.steps);
    }
    return true;
}

/* Is there more to be found by looking at other files? A file to join is asked for, not chosen. */
static bool is_open(const struct understanding *u)
{
    return u->what != UNDERSTOOD_STEPS && u->what != UNDERSTOOD_CANNOT &&
           !(u->missing && strcmp(u->missing, "bind_file") == 0);
}

static bool wish(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out, struct err *err)
{
    struct understanding u;
    bool ok;

    if (!understand(message, files, n_files, NULL, arena, &u, err))
        return false;
    ok = !is_open(&u) || try_others(d, message, &files, n_files, arena, &u, err);
    if (ok)
        conclude(d, &u, message, files, n_files, NULL, arena, out);
    json_free(u.steps);
    return ok;
}

/* Which file "use customers.xlsx" names, where it says nothing else; n_files: none. */
static size_t named_file(
    const struct words *w, size_t at, const struct chat_table *files, size_t n_files)
{
    static const char *const around[] = { "the", "file", "now", "please", "instead", "again",
        "table", NULL };
    size_t found = n_files;

    for (; at < w->n; at++) {
        size_t i = 0;

        if (w->v[at].kind == WORD_STOP || words_say_any(w, at, w->n, around))
            continue;
        while (i < n_files && strcasecmp(w->v[at].raw, files[i].file) != 0 &&
               !chat_is_noun(&files[i], w->v[at].key))
            i++;
        if (i == n_files || found < n_files)
            return n_files;
        found = i;
    }
    return found;
}

/* "use customers.xlsx": another file to work on. */
static bool turns_to_file(struct dialog *d, const struct words *w, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out)
{
    static const char *const turns[] = { "use", "take", "open", "work on", "work with", "switch to",
        "go back to", "back to", "let's use", "now use", "i mean", "i meant", NULL };
    size_t at = words_say_any(w, 0, w->n, turns),
           found = at ? named_file(w, at, files, n_files) : n_files;

    if (found == n_files)
        return false;
    dialog_free(d);
    settle(d, DIALOG_IDLE);
    d->file = files[found].file;
    out->intent = "choose_file";
    out->confidence = 1;
    out->reply = reply_works_on(arena, &files[found]);
    return true;
}

/* Without a file: is it a wish at all? Then it is remembered. */
static bool wish_without_file(struct dialog *d, const char *message, struct arena *arena,
    struct dialog_turn *out, struct err *err)
{
    static const struct chat_table nothing = {
        .file = "", .noun = "", .noun_singular = "", .format = "csv"
    };
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
    static const char *const steps[] = { "step", NULL };

    return (d->state == DIALOG_COMPLETED || d->state == DIALOG_FAILED) && json_len(d->steps) > 0 &&
           (words_say_any(w, 0, w->n, links) > 0 || words_find(w, 0, w->n, steps) < w->n);
}

bool dialog_say(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out, struct err *err)
{
    const char *aside;
    struct words w;

    *out = (struct dialog_turn){ .confidence = 1, .requires_file = false };
    if (!words_split(message, arena, &w, err)) {
        out->confidence = 0;
        out->reply = reply_too_long(arena, WORDS_MAX);
        return err->code == ERR_ARG;
    }
    files = n_files ? in_order(d, files, n_files, arena) : NULL;
    if (n_files && !files)
        return err_nomem(err);
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
    aside = aside_answer(&w, d, n_files ? files : NULL, arena, &out->intent);
    if (aside) {
        out->confidence = 1;
        out->reply = aside;
        return true;
    }
    if (n_files == 0)
        return wish_without_file(d, message, arena, out, err);
    if (d->state != DIALOG_AWAITING_PARAMETERS && turns_to_file(d, &w, files, n_files, arena, out))
        return true;
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
    suggest(d, &u, first_line, NULL, arena, out);
}

/* The file that was to be joined has come. */
static bool joins(struct dialog *d, const struct chat_table *files, size_t n_files,
    struct arena *arena, struct dialog_turn *out, struct err *err)
{
    const struct chat_table *order = in_order(d, files, n_files, arena);

    if (!order || !answer(d, files->file, order, n_files, arena, out, err))
        return order ? false : err_nomem(err);
    out->reply = arena_printf(arena, "%s uploaded successfully. %s", files->file, out->reply);
    return out->reply || err_nomem(err);
}

/* What is pending stays, and is about the file that was worked on before this one, which may be one to join. */
static bool uploaded_beside(struct dialog *d, const struct chat_table *files, size_t n_files,
    struct arena *arena, struct dialog_turn *out, struct err *err)
{
    if (!d->file && n_files > 1)
        d->file = files[1].file;
    if (d->missing && strcmp(d->missing, "bind_file") == 0 && d->sentence && n_files > 1)
        return joins(d, files, n_files, arena, out, err);
    out->reply = reply_uploaded_beside(arena, files, d->file);
    return true;
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
            return uploaded_beside(d, files, n_files, arena, out, err);
        dialog_free(d);
        settle(d, DIALOG_IDLE);
        d->file = NULL;
        return true;
    }
    if (!understand(sentence, files, n_files, NULL, arena, &u, err))
        return false;
    settle(d, DIALOG_IDLE);
    conclude(d, &u, sentence, files, 1, first, arena, out);
    if (!out->suggests)
        out->reply = arena_printf(arena, "%s %s", first ? first : "", out->reply);
    json_free(u.steps);
    return out->reply || err_nomem(err);
}
