#include "chat/reply.h"

#include "chat/tell.h"

#include <inttypes.h>
#include <string.h>

enum {
    REPLY_MAX = 16384,
    COLUMNS_SHOWN = 12,
    COLUMNS_TOLD = 30,
    VALUES_TOLD = 3,
    WARNINGS_SHOWN = 5
};

/* The text built so far, in the arena. */
static const char *finish(struct buf *b, struct arena *arena)
{
    const char *text = b->failed ? NULL : arena_dup(arena, b->len ? b->data : "", b->len);

    buf_deinit(b);
    return text ? text : "I ran out of memory while answering. Please try again.";
}

static void add_columns(struct buf *b, const struct chat_table *t)
{
    for (size_t i = 0; i < t->n_columns && i < COLUMNS_SHOWN; i++) {
        buf_adds(b, i ? ", " : "");
        tell_name(b, t->columns[i].name);
    }
    if (t->n_columns > COLUMNS_SHOWN)
        buf_addf(b, " and %zu more", t->n_columns - COLUMNS_SHOWN);
}

/* ---- examples with the file's own columns ---- */

typedef bool kind_fn(const struct chat_column *c);

static bool is_text(const struct chat_column *c)
{
    return !chat_column_is_number(c) && !chat_column_is_date(c) && !chat_column_is_bool(c);
}

/* Text that is words rather than numbers of something. */
static bool is_wordy(const struct chat_column *c)
{
    bool letters = c->n_values == 0;

    for (size_t i = 0; i < c->n_values; i++) {
        const char *v = c->values[i];

        letters = letters || strcspn(v, "0123456789") == strlen(v);
    }
    return is_text(c) && letters;
}

static const struct chat_column *first_of(const struct chat_table *t, kind_fn *is, size_t skip)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (is(&t->columns[i]) && skip-- == 0)
            return &t->columns[i];
    }
    return NULL;
}

/* The column with the fewest values, short ones first: most likely one that sorts rows into kinds. */
static const struct chat_column *with_values(const struct chat_table *t)
{
    const struct chat_column *best = NULL;

    for (size_t i = 0; i < t->n_columns; i++) {
        const struct chat_column *c = &t->columns[i];

        if (!is_text(c) || c->n_values == 0)
            continue;
        if (!best || c->n_values < best->n_values ||
            (c->n_values == best->n_values && strlen(c->values[0]) < strlen(best->values[0])))
            best = c;
    }
    return best;
}

static void add_examples(struct buf *b, const struct chat_table *t)
{
    const struct chat_column *text = t ? first_of(t, is_wordy, 0) : NULL;
    const struct chat_column *second = t ? first_of(t, is_wordy, 1) : NULL;
    const struct chat_column *number = t ? first_of(t, chat_column_is_number, 0) : NULL;
    const struct chat_column *date = t ? first_of(t, chat_column_is_date, 0) : NULL;
    const struct chat_column *valued = t ? with_values(t) : NULL;

    if (!t || t->n_columns == 0) {
        buf_adds(b,
            "- keep the rows where status is active\n- extract name and email without duplicates\n"
            "- uppercase name, then generate SQL for table clients\n- convert to Excel\n");
        return;
    }
    if (valued)
        buf_addf(b, "- keep the rows where \"%s\" is \"%s\"\n", valued->name, valued->values[0]);
    if (number)
        buf_addf(b, "- only rows where \"%s\" is over 100\n", number->name);
    if (date)
        buf_addf(b, "- rows with \"%s\" after March 2024\n", date->name);
    if (text && second)
        buf_addf(b, "- extract \"%s\" and \"%s\" without duplicates\n", text->name, second->name);
    if (text)
        buf_addf(b, "- uppercase \"%s\", then generate SQL for table clients\n", text->name);
    buf_addf(b, "- convert to %s\n", strcmp(t->format, "csv") == 0 ? "Excel" : "CSV");
}

/* ---- sentences ---- */

const char *reply_welcome(void)
{
    return "**Welcome to Sheetflow!** Upload an Excel or CSV file and tell me what you want from "
           "it: filter rows, pick columns, "
           "clean values, join two files, rename columns, or make Excel, CSV, JSON or SQL. Several "
           "wishes in one sentence are "
           "fine. I show you the steps first, and nothing runs before you say yes. Say *help* for "
           "examples.";
}

const char *reply_help(struct arena *arena, const struct chat_table *t)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, "Tell me in your own words what to do with the file. For example:\n\n");
    add_examples(&b, t);
    buf_adds(&b, "\nYou can join several wishes with *and* or *then*, and change a suggestion "
                 "before it runs: *also drop "
                 "duplicates*, *not the email*, *call it report*. **yes** runs it, **no** drops "
                 "it, **cancel** stops everything.");
    return finish(&b, arena);
}

const char *reply_uploaded(struct arena *arena, const struct chat_table *t)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, t->file); /* As it is: clients of the earlier service look for this sentence. */
    buf_addf(&b, " uploaded successfully. It has %zu column%s: ", t->n_columns,
        t->n_columns == 1 ? "" : "s");
    add_columns(&b, t);
    buf_adds(&b, ".\n\nWhat would you like to do? For example:\n\n");
    add_examples(&b, t);
    return finish(&b, arena);
}

const char *reply_uploaded_beside(struct arena *arena, const struct chat_table *t, const char *file)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_addf(&b, "%s uploaded successfully. It has %zu column%s: ", t->file, t->n_columns,
        t->n_columns == 1 ? "" : "s");
    add_columns(&b, t);
    buf_addc(&b, '.');
    if (file) {
        buf_adds(&b, "\n\nWhat is pending stays, for ");
        tell_name(&b, file);
        buf_adds(&b, ". Tell me to join both files, if that is what you want.");
    }
    return finish(&b, arena);
}

static void add_steps(struct buf *b, const struct json *steps)
{
    for (size_t i = 0; i < json_len(steps); i++)
        buf_addf(b, "%zu. %s\n", i + 1, json_get_string(json_at(steps, i), "description"));
}

const char *reply_suggestion(struct arena *arena, const struct json *steps, const char *first_line,
    const char *file, const char *remark)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    if (first_line)
        buf_addf(&b, "%s\n\n", first_line);
    buf_adds(&b, "**Suggested Workflow**");
    if (file) {
        buf_adds(&b, " for ");
        tell_name(&b, file);
    }
    buf_adds(&b, "\n\n");
    add_steps(&b, steps);
    if (remark)
        buf_addf(&b, "\n%s\n", remark);
    buf_adds(&b, "\nShall I run it? (**yes** / **no**, or tell me what to change)");
    return finish(&b, arena);
}

const char *reply_needs_file(void)
{
    return "I can do that. Please upload the file first; I will then show you the steps with its "
           "columns.";
}

const char *reply_question(
    struct arena *arena, const char *question, const struct chat_table *t, const char *missing)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, question);
    if (t && t->n_columns > 0 && strcmp(missing, "bind_file") != 0 &&
        strcmp(missing, "arguments") != 0) {
        buf_adds(&b, "\n\nThe columns are ");
        add_columns(&b, t);
        buf_addc(&b, '.');
    }
    return finish(&b, arena);
}

const char *reply_cannot(struct arena *arena, const char *reason, const struct chat_table *t)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_addf(&b, "I cannot %s. What I can do with this file, for example:\n\n", reason);
    add_examples(&b, t);
    return finish(&b, arena);
}

const char *reply_lost(struct arena *arena, const struct chat_table *t)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, "I did not understand that. You could say, for example:\n\n");
    add_examples(&b, t);
    return finish(&b, arena);
}

const char *reply_still_pending(struct arena *arena, const struct json *steps)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, "I did not understand that as a change. This is still waiting for your **yes** or "
                 "**no**:\n\n");
    add_steps(&b, steps);
    return finish(&b, arena);
}

const char *reply_too_long(struct arena *arena, int words_max)
{
    return arena_printf(arena,
        "That is more than I can read at once: %d words at most. Say it in parts, one wish after "
        "the other.",
        words_max);
}

const char *reply_nothing_pending(void)
{
    return "There is nothing to confirm at the moment. Tell me what you would like to do.";
}

const char *reply_declined(void)
{
    return "All right, nothing was run. What would you like to do instead?";
}

const char *reply_cancelled(bool was_running)
{
    return was_running ? "Stopped. What had been finished is kept; nothing else was changed."
                       : "Cancelled. Tell me when you would like to do something else.";
}

const char *reply_working(void)
{
    return "I am still working on it. Say **cancel** to stop, or wait for the result.";
}

const char *reply_started(struct arena *arena, size_t n_steps)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_addf(&b, "Working on it: %zu step%s. I will tell you when it is done.", n_steps,
        n_steps == 1 ? "" : "s");
    return finish(&b, arena);
}

static void add_dropped(struct buf *b, const struct json *dropped)
{
    bool first = true;

    for (const void *it = json_first(dropped); it; it = json_next(dropped, it)) {
        int64_t n = json_int(json_value(it), 0);

        if (n <= 0)
            continue;
        buf_addf(b, "%s%" PRId64 " %s", first ? " (" : ", ", n, json_key(it));
        first = false;
    }
    if (!first)
        buf_addc(b, ')');
}

/* What else the ledger tells: matches of a join, cells that were changed, statements. */
static void add_figures(struct buf *b, const struct json *result)
{
    const struct json *statistics = json_get(result, "statistics"),
                      *columns = json_get(json_get(result, "report"), "columns_processed");
    int64_t changed = 0, kept = 0;

    if (json_get(statistics, "matched_rows"))
        buf_addf(b, ", %" PRId64 " of %" PRId64 " matched",
            json_get_int(statistics, "matched_rows", 0),
            json_get_int(statistics, "source_rows", 0));
    for (size_t i = 0; i < json_len(columns); i++) {
        changed += json_get_int(json_at(columns, i), "changed", 0);
        kept += json_get_int(json_at(columns, i), "unconverted", 0);
    }
    if (json_len(columns))
        buf_addf(b, ", %" PRId64 " value%s changed", changed, changed == 1 ? "" : "s");
    if (kept)
        buf_addf(b, ", %" PRId64 " left as %s", kept, kept == 1 ? "it was" : "they were");
}

static void add_warnings(struct buf *b, const struct json *warnings)
{
    for (size_t i = 0; i < json_len(warnings) && i < WARNINGS_SHOWN; i++) {
        const struct json *one = json_at(warnings, i);
        const char *text = json_get_string(one, "message");

        if (!text)
            text = json_get_string(one, "text");
        if (!text)
            continue;
        buf_adds(b, "   - ");
        tell_plain(b, text);
        if (json_get_int(one, "count", 0) > 1)
            buf_addf(b, " (%" PRId64 " times)", json_get_int(one, "count", 0));
        buf_addc(b, '\n');
    }
}

static void add_result(struct buf *b, size_t i, const struct json *result, const struct json *step)
{
    const char *path = json_get_string(result, "output_file_path");
    const char *name = path ? strrchr(path, '/') : NULL;
    const char *description = json_get_string(step, "description");
    size_t n_warnings = json_len(json_get(result, "warnings"));

    buf_addf(b, "%zu. %s — %" PRId64 " rows in, %" PRId64 " out", i + 1,
        description ? description : json_get_string(result, "operation"),
        json_get_int(result, "rows_in", 0), json_get_int(result, "rows_out", 0));
    add_dropped(b, json_get(result, "dropped"));
    add_figures(b, result);
    if (name) {
        buf_addf(b, " → `%s`", name + 1);
    }
    if (n_warnings)
        buf_addf(b, ", with %zu warning%s:", n_warnings, n_warnings == 1 ? "" : "s");
    buf_addc(b, '\n');
    add_warnings(b, json_get(result, "warnings"));
}

const char *reply_done(struct arena *arena, const struct json *results, const struct json *steps)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, "**Done.**\n\n");
    for (size_t i = 0; i < json_len(results); i++)
        add_result(&b, i, json_at(results, i),
            json_len(steps) == json_len(results) ? json_at(steps, i) : NULL);
    buf_adds(&b, "\nThe files are ready to download. What next?");
    return finish(&b, arena);
}

const char *reply_failed(struct arena *arena, const char *error)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, "That did not work: ");
    tell_plain(&b, error);
    buf_adds(&b, ". Tell me what to change, or say it in another way.");
    return finish(&b, arena);
}

/* ---- asides ---- */

const char *reply_told(struct arena *arena, const char *told)
{
    return told
               ? arena_printf(arena, "This is what I did last:\n\n%s", told)
               : "I have done nothing with your files yet. Tell me what you would like, and I will "
                 "show you the steps first.";
}

const char *reply_where(struct arena *arena, const char *told)
{
    return told ? arena_printf(arena,
                      "Every file that a run wrote is in the list of files of this conversation, "
                      "ready to download. The last run:\n\n%s",
                      told)
                : "There is no result yet: nothing has been run in this conversation.";
}

const char *reply_columns(struct arena *arena, const struct chat_table *t)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    tell_name(&b, t->file);
    if (t->rows)
        buf_addf(&b, " has %" PRId64 " row%s and", t->rows, t->rows == 1 ? "" : "s");
    else
        buf_adds(&b, " has");
    buf_addf(&b, " %zu column%s:\n\n", t->n_columns, t->n_columns == 1 ? "" : "s");
    for (size_t i = 0; i < t->n_columns && i < COLUMNS_TOLD; i++) {
        const struct chat_column *c = &t->columns[i];

        buf_adds(&b, "- ");
        tell_name(&b, c->name);
        buf_addf(&b, " (%s)", c->type);
        for (size_t k = 0; k < c->n_values && k < VALUES_TOLD; k++) {
            buf_adds(&b, k ? ", " : ": ");
            tell_plain(&b, c->values[k]);
        }
        buf_adds(&b, c->n_values > VALUES_TOLD ? ", …\n" : "\n");
    }
    if (t->n_columns > COLUMNS_TOLD)
        buf_addf(&b, "\nand %zu more.", t->n_columns - COLUMNS_TOLD);
    return finish(&b, arena);
}

const char *reply_rows(struct arena *arena, const struct chat_table *t)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    tell_name(&b, t->file);
    buf_addf(&b, " has %" PRId64 " row%s.", t->rows, t->rows == 1 ? "" : "s");
    return finish(&b, arena);
}

const char *reply_works_on(struct arena *arena, const struct chat_table *t)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, "I work on ");
    tell_name(&b, t->file);
    buf_adds(&b, " now. Its columns are ");
    add_columns(&b, t);
    buf_addc(&b, '.');
    return finish(&b, arena);
}

const char *reply_greeting(struct arena *arena, const struct chat_table *t)
{
    struct buf b;

    if (!t)
        return "Hello! Upload an Excel or CSV file, and tell me what you want from it.";
    buf_init(&b, REPLY_MAX);
    buf_adds(&b, "Hello! What would you like to do with ");
    tell_name(&b, t->file);
    buf_adds(&b, "? For example:\n\n");
    add_examples(&b, t);
    return finish(&b, arena);
}

const char *reply_thanks(void)
{
    return "You are welcome. What next?";
}

const char *reply_who(void)
{
    return "I am the bot of Sheetflow, a program on this machine. I read what you write by fixed "
           "rules, propose steps for your tables, and run them when you say yes. Say **help** for "
           "examples.";
}

const char *reply_no_undo(void)
{
    return "There is nothing to undo: a run writes new files and leaves yours as they were. Tell "
           "me what to do instead.";
}
