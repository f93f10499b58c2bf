#include "chat/reply.h"

#include "chat/tell.h"

#include <inttypes.h>
#include <string.h>

enum { REPLY_MAX = 16384, COLUMNS_SHOWN = 12 };

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
    const struct chat_column *text = t ? first_of(t, is_text, 0) : NULL;
    const struct chat_column *second = t ? first_of(t, is_text, 1) : NULL;
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

static void add_steps(struct buf *b, const struct json *steps)
{
    for (size_t i = 0; i < json_len(steps); i++)
        buf_addf(b, "%zu. %s\n", i + 1, json_get_string(json_at(steps, i), "description"));
}

const char *reply_suggestion(struct arena *arena, const struct json *steps, const char *first_line)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    if (first_line)
        buf_addf(&b, "%s\n\n", first_line);
    buf_adds(&b, "**Suggested Workflow**\n\n");
    add_steps(&b, steps);
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

static void add_result(struct buf *b, size_t i, const struct json *result)
{
    const char *path = json_get_string(result, "output_file_path");
    const char *name = path ? strrchr(path, '/') : NULL;
    size_t n_warnings = json_len(json_get(result, "warnings"));

    buf_addf(b, "%zu. %s: %" PRId64 " rows in, %" PRId64 " out", i + 1,
        json_get_string(result, "operation"), json_get_int(result, "rows_in", 0),
        json_get_int(result, "rows_out", 0));
    add_dropped(b, json_get(result, "dropped"));
    if (name) {
        buf_addf(b, " → `%s`", name + 1);
    }
    if (n_warnings)
        buf_addf(b, ", with %zu warning%s", n_warnings, n_warnings == 1 ? "" : "s");
    buf_addc(b, '\n');
}

const char *reply_done(struct arena *arena, const struct json *results)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    buf_adds(&b, "**Done.**\n\n");
    for (size_t i = 0; i < json_len(results); i++)
        add_result(&b, i, json_at(results, i));
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
