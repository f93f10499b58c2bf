#include "chat/aside.h"

#include "chat/reply.h"

#define PHRASES(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { COURTESY_WORDS = 6 };

static bool says(const struct words *w, const char *const *phrases)
{
    return words_find(w, 0, w->n, phrases) < w->n;
}

/* Does it begin so, and is it short? "Hello, keep the active ones" is a wish. */
static bool is_short(const struct words *w, const char *const *phrases)
{
    return w->n <= COURTESY_WORDS && words_say_any(w, 0, w->n, phrases) > 0;
}

static bool is_whole(const struct words *w, const char *const *phrases)
{
    size_t n = w->n;

    while (n > 0 && (w->v[n - 1].kind == WORD_STOP || strcmp(w->v[n - 1].key, "please") == 0))
        n--;
    return n > 0 && words_say_any(w, 0, n, phrases) == n;
}

/* "how many rows were dropped?", "what did you do?" */
static bool asks_what_was_done(const struct words *w)
{
    static const char *const asked[] = { "what did you", "what have you", "what happened",
        "what was done", "what has been done", "explain what", "explain that", "explain it",
        "how many", "why", "which rows", "what was", "what were", "how did you", NULL };
    static const char *const done[] = { "did you", "have you", "happened", "done", "dropped",
        "removed", "filtered", "lost", "kept", "changed", "matched", "missing rows", "explain",
        "skipped", "deleted", NULL };
    static const char *const past[] = { "was", "were", "did", "have you", "has been", "have been",
        "happened", "explain", "got", NULL };

    return says(w, asked) && says(w, done) && says(w, past);
}

/* "how many rows are left?" */
static bool asks_what_is_left(const struct words *w)
{
    return says(w, PHRASES("how many")) &&
           says(w, PHRASES("are left", "is left", "are left over", "remain", "remained", "came out",
                       "are in the result", "does the result have"));
}

static bool asks_for_columns(const struct words *w)
{
    static const char *const asked[] = { "what columns", "which columns are",
        "what are the columns", "what fields", "which fields are", "what is in the file",
        "what's in the file", "what is in this file", "what's in this file",
        "what does the file contain", "what does this file contain", "describe the file",
        "describe this file", "which columns do i have", "which columns does",
        "column names please", "what headers", "list the columns", "list all columns",
        "show the columns", "show me the columns", "names of the columns", "what is this file",
        NULL };

    return says(w, asked);
}

static bool asks_for_rows(const struct words *w)
{
    static const char *const rows[] = { "how many rows", "how many records", "how many lines",
        "how many entries", "number of rows", "row count", NULL };
    static const char *const rest[] = { "how many rows", "how many records", "how many lines",
        "how many entries", "number of rows", "row count", "are there", "are", "there", "in", "the",
        "this", "my", "file", "does", "it", "have", "has", "do", "we", "i", "what", "is", "of", "a",
        "in total", "show", "me", "please", "data", "total", "altogether", NULL };
    size_t at = 0, n;

    if (!says(w, rows))
        return false;
    while (at < w->n && ((n = words_say_any(w, at, w->n, rest)) != 0 || w->v[at].kind == WORD_STOP))
        at += n ? n : 1;
    return at == w->n; /* "how many rows have no email" is a filter. */
}

const char *aside_answer(const struct words *w, const struct dialog *d,
    const struct chat_table *file, struct arena *arena, const char **intent)
{
    *intent = "question";
    if (asks_what_was_done(w) || (d->told && asks_what_is_left(w)))
        return reply_told(arena, d->told);
    if (file && asks_for_columns(w))
        return reply_columns(arena, file);
    if (file && asks_for_rows(w))
        return reply_rows(arena, file);
    if (says(w, PHRASES("where is the result", "where's the result", "where is the file",
                    "where are the results", "where is my", "where is it", "where are they",
                    "where are the files", "where are my", "how do i download",
                    "how can i download", "where can i download", "where can i find")))
        return reply_where(arena, d->told);
    if (is_whole(w, PHRASES("undo", "undo that", "undo it", "revert", "revert that", "roll back",
                        "undo the last run")) &&
        d->told && d->state != DIALOG_AWAITING_CONFIRMATION)
        return reply_no_undo();
    *intent = "courtesy";
    if (is_whole(w, PHRASES("who are you", "what are you", "are you a robot", "are you human",
                        "are you a bot", "are you an ai", "what is this", "what is sheetflow")))
        return reply_who();
    if (is_whole(w, PHRASES("hi", "hello", "hey", "hi there", "hello there", "good morning",
                        "good afternoon", "good evening", "hallo", "hey there", "how are you")))
        return reply_greeting(arena, file);
    if (is_short(w, PHRASES("thanks", "thank you", "thx", "ty", "cheers", "great", "perfect",
                        "awesome", "nice", "cool", "wonderful", "well done", "good job")) &&
        d->state != DIALOG_AWAITING_CONFIRMATION)
        return reply_thanks();
    *intent = NULL;
    return NULL;
}
