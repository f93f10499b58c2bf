/*
 * From clauses to steps, one after the other: what the first one leaves is what the second one is about.
 */

#include "chat/understand.h"

#include "base/fs.h"
#include "base/utf8.h"
#include "chat/grammar.h"
#include "chat/tell.h"
#include "ops/op.h"

#include <stdlib.h>
#include <string.h>

#define SURE 0.95
#define LIKELY 0.8
#define UNSURE 0.4

static const struct {
    enum want want;
    const char *intent;
    read_fn *read;
    const char *operations[3];
} wants[WANT_COUNT] = {
    [WANT_CANNOT] = { WANT_CANNOT, NULL, read_cannot, { NULL } },
    [WANT_COLUMNS] = { WANT_COLUMNS, "extract_columns", read_columns,
        { "excel/extract-columns", "excel/extract-columns-to-file" } },
    [WANT_DISTINCT] = { WANT_DISTINCT, "extract_columns", read_distinct, { NULL } },
    [WANT_EXCEL] = { WANT_EXCEL, "convert_format", read_excel,
        { "csv/convert-to-excel", "excel/convert-to-csv" } },
    [WANT_CSV] = { WANT_CSV, "convert_format", read_csv, { NULL } },
    [WANT_RULES] = { WANT_RULES, "normalize_data", read_rules, { "normalization/apply" } },
    [WANT_SQL] = { WANT_SQL, "generate_sql", read_sql,
        { "sql/generate", "sql/generate-to-text", "sql/generate-custom-to-text" } },
    [WANT_JSON] = { WANT_JSON, "generate_json", read_json,
        { "json/generate", "json/generate-with-template" } },
    [WANT_ROWS] = { WANT_ROWS, "search_filter", read_rows, { "excel/search", "csv/search" } },
    [WANT_JOIN] = { WANT_JOIN, "bind_data", read_join,
        { "excel/bind-single-key", "excel/bind-multi-key" } },
    [WANT_RENAME] = { WANT_RENAME, "map_columns", read_rename, { "excel/map-columns" } },
};

struct json *understand_intents(void)
{
    struct json *all = json_new_object();

    for (size_t i = 0; i < WANT_COUNT; i++) {
        struct json *list;

        if (!wants[i].operations[0])
            continue;
        list = json_new_array();
        for (size_t k = 0; k < ARRAY_LEN(wants[i].operations) && wants[i].operations[k]; k++)
            json_add(list, json_new_string(wants[i].operations[k]));
        json_set(all, wants[i].intent, list);
    }
    return all;
}

/* ---- steps ---- */

static struct json *last_step(const struct mind *m)
{
    size_t n = json_len(m->steps);

    return n ? (struct json *)(uintptr_t)json_at(m->steps, n - 1) : NULL;
}

struct json *last_arguments(const struct mind *m, const char *operation)
{
    struct json *step = last_step(m);

    if (!step || strcmp(json_get_string(step, "operation"), operation) != 0)
        return NULL;
    return (struct json *)(uintptr_t)json_get(step, "arguments");
}

void describe_last(struct mind *m, const char *description)
{
    struct json *step = last_step(m);
    struct arena *a = m->arena;

    if (!step)
        return;
    json_set_string(step, "description",
        description
            ? description
            : tell_step(a, json_get_string(step, "operation"), json_get(step, "arguments")));
}

/* What the grammar makes must satisfy the declaration; if it does not, it was misunderstood. */
static bool would_run(struct mind *m, const char *operation, const struct json *arguments)
{
    const struct op *op = op_find(operation);
    struct op_args bound;
    struct err why;

    return op && op_bind(op, arguments, m->arena, &bound, &why);
}

bool add_step(
    struct mind *m, const char *operation, struct json *arguments, const char *description)
{
    struct json *step;

    if (!would_run(m, operation, arguments)) {
        json_free(arguments);
        return ask(m, "arguments", "I did not get all of that. Could you say it in another way?");
    }
    step = json_new_object();
    json_set_string(step, "operation", operation);
    if (!json_set(step, "arguments", arguments) || !json_add(m->steps, step))
        return err_nomem(m->err);
    describe_last(m, description);
    return true;
}

bool ask(struct mind *m, const char *argument, const char *question)
{
    if (m->out->what == UNDERSTOOD_CANNOT)
        return true;
    m->out->what = UNDERSTOOD_ASK;
    if (!m->out->missing) {
        m->out->missing = argument;
        m->out->question = question;
    }
    return true;
}

bool cannot(struct mind *m, const char *reason)
{
    m->out->what = UNDERSTOOD_CANNOT;
    m->out->reason = reason;
    return true;
}

/* ---- columns ---- */

size_t named_columns(struct mind *m, size_t from, size_t to, const char **out, size_t max)
{
    size_t n = 0;

    for (size_t at = from; at < to;) {
        struct mention mention;

        if (!chat_mention(&m->words, at, to, &m->table, m->arena, &mention)) {
            at++;
            continue;
        }
        for (size_t i = 0; i < mention.n_columns && n < max; i++) {
            const char *name = m->table.columns[mention.columns[i]].name;
            bool twice = false;

            for (size_t k = 0; k < n; k++)
                twice = twice || strcmp(out[k], name) == 0;
            if (!twice)
                out[n++] = name;
        }
        at += mention.n_words;
    }
    return n;
}

size_t other_columns(
    const struct mind *m, const char *const *but, size_t n, const char **out, size_t max)
{
    size_t left = 0;

    for (size_t i = 0; i < m->table.n_columns && left < max; i++) {
        bool named = false;

        for (size_t k = 0; k < n; k++)
            named = named || strcmp(but[k], m->table.columns[i].name) == 0;
        if (!named)
            out[left++] = m->table.columns[i].name;
    }
    return left;
}

struct json *names_json(const char *const *names, size_t n)
{
    struct json *list = json_new_array();

    for (size_t i = 0; i < n; i++)
        json_add(list, json_new_string(names[i]));
    return list;
}

bool keep_columns(struct mind *m, const struct json *names)
{
    size_t n = json_len(names);
    struct chat_column *columns = arena_calloc(m->arena, n ? n : 1, sizeof *columns);
    const struct chat_table *before = &m->table;

    if (!columns)
        return err_nomem(m->err);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_str(json_at(names, i));
        const struct chat_column *same = chat_table_column(before, name);
        size_t key_n = 0;
        const char *key;

        if (same) {
            columns[i] = *same;
            continue;
        }
        columns[i] = (struct chat_column){ .name = arena_strdup(m->arena, name), .type = "text" };
        key = columns[i].name
                  ? utf8_name_key(m->arena, columns[i].name, strlen(columns[i].name), &key_n)
                  : NULL;
        columns[i].key = key ? arena_dup(m->arena, key, key_n) : NULL;
        if (!columns[i].key)
            return err_nomem(m->err);
    }
    m->table.columns = columns;
    m->table.n_columns = n;
    return true;
}

/* ---- names of files ---- */

const char *given_name(const struct mind *m, size_t from, size_t to)
{
    static const char *const calls[] = { "call it", "call the file", "call the result", "name it",
        "name the file", "named", "called", "file called", "file named", "save it as", "save as",
        "with the name", "filename", NULL };
    const struct words *w = &m->words;

    for (size_t at = from; at < to; at++) {
        size_t n = words_say_any(w, at, to, calls);
        const char *name;

        if (n == 0 || at + n >= to || w->v[at + n].kind == WORD_STOP)
            continue;
        if (at > from && words_say(w, at - 1, to, "table")) /* The table's name, not the file's. */
            continue;
        if (at > from && words_say(w, at - 1, to, "sheet"))
            continue;
        name = w->v[at + n].raw;
        if (strcasecmp(name, "excel") == 0 || strcasecmp(name, "csv") == 0 ||
            strcasecmp(name, "json") == 0 || strcasecmp(name, "xlsx") == 0 ||
            strcasecmp(name, "a") == 0 || strcasecmp(name, "an") == 0)
            continue;
        if (fs_is_bare_name(name))
            return arena_dup(m->arena, name, strlen(name) - strlen(fs_suffix(name)));
    }
    return NULL;
}

/* ---- the sentence ---- */

/* Changes that concern the steps so far: a name for the result, another format, a step less. */
static bool edit(struct mind *m, const struct clause *c, bool *done)
{
    const char *name = given_name(m, c->from, c->to);
    struct json *step = last_step(m);

    *done = false;
    if (name && step) {
        json_set_string(
            (struct json *)(uintptr_t)json_get(step, "arguments"), "output_filename", name);
        describe_last(m, NULL);
        *done = true;
    }
    return true;
}

/* "not the email": a column less, in the last step that lists columns. */
static bool take_out(struct mind *m, const struct clause *c, bool *done)
{
    static const char *const nots[] = { "not the", "not", "without the", "without", "but not the",
        "except the", NULL };
    const char *names[NAMES_MAX];
    struct json *step = last_step(m), *arguments, *left;
    const struct json *columns;
    size_t n;

    *done = false;
    if (!step || !words_say_any(&m->words, c->from, c->to, nots))
        return true;
    arguments = (struct json *)(uintptr_t)json_get(step, "arguments");
    columns = json_get(arguments, "columns");
    n = named_columns(m, c->from, c->to, names, NAMES_MAX);
    if (json_len(columns) == 0 || n == 0)
        return true;
    left = json_new_array();
    for (size_t i = 0; i < json_len(columns); i++) {
        bool out = false;

        for (size_t k = 0; k < n; k++)
            out = out || strcmp(json_str(json_at(columns, i)), names[k]) == 0;
        if (!out)
            json_add(left, json_ref(json_at(columns, i)));
    }
    if (json_len(left) == 0 || json_len(left) == json_len(columns)) {
        json_free(left);
        return true;
    }
    json_set(arguments, "columns", json_ref(left));
    *done = keep_columns(m, left);
    json_free(left);
    describe_last(m, NULL);
    return *done;
}

static bool read_clause(struct mind *m, const struct clause *c, enum want *want)
{
    bool done = false;

    *want = WANT_NOTHING;
    if (json_len(m->steps) > 0 && !take_out(m, c, &done))
        return false;
    if (!done && !read_added(m, c, &done))
        return false;
    if (done)
        return true;
    *want = classify(m, c);
    if (*want == WANT_NOTHING)
        return edit(m, c, &done);
    if (!m->out->intent)
        m->out->intent = wants[*want].intent;
    return wants[*want].read(m, c);
}

/* The columns that steps leave, as far as they change them. */
static bool follow(struct mind *m, const struct json *steps)
{
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *step = json_at(steps, i), *arguments = json_get(step, "arguments");
        const char *operation = json_get_string(step, "operation");
        const struct json *columns = json_get(arguments, "columns"),
                          *mapping = json_get(arguments, "mapping");
        struct json *names;

        if (!operation)
            continue;
        if (strcmp(operation, "excel/extract-columns-to-file") == 0 && json_len(columns) > 0 &&
            !keep_columns(m, columns))
            return false;
        if (strcmp(operation, "excel/map-columns") != 0 || json_len(mapping) == 0)
            continue;
        names = json_new_array();
        for (size_t k = 0; k < m->table.n_columns; k++) {
            const char *name = m->table.columns[k].name;

            for (const void *it = json_first(mapping); it; it = json_next(mapping, it)) {
                const char *old = json_str(json_value(it));

                if (old && strcmp(old, m->table.columns[k].name) == 0)
                    name = json_key(it);
            }
            json_add(names, json_new_string(name));
        }
        if (!keep_columns(m, names)) {
            json_free(names);
            return false;
        }
        json_free(names);
    }
    return true;
}

static void conclude(struct mind *m, size_t n_before, bool typo)
{
    struct understanding *out = m->out;

    if (out->what == UNDERSTOOD_NOTHING && json_len(m->steps) > 0)
        out->what = UNDERSTOOD_STEPS;
    out->confidence = out->what == UNDERSTOOD_STEPS     ? (typo ? LIKELY : SURE)
                      : out->what == UNDERSTOOD_NOTHING ? 0
                                                        : UNSURE;
    (void)n_before;
}

bool understand(const char *sentence, const struct chat_table *files, size_t n_files,
    const struct json *before, struct arena *arena, struct understanding *out, struct err *err)
{
    struct mind m = { .files = files, .n_files = n_files, .arena = arena, .out = out, .err = err };
    struct clause clauses[CLAUSES_MAX];
    size_t n, n_before = json_len(before);
    char *text_before = NULL, *text_after = NULL;
    bool ok;

    *out = (struct understanding){ 0 };
    if (n_files > 0)
        m.table = files[0];
    m.steps = before ? json_clone(before) : json_new_array();
    if (!m.steps)
        return err_nomem(err);
    ok = words_split(sentence, arena, &m.words, err) && follow(&m, before);
    if (ok)
        correct_words(&m);
    n = ok ? divide(&m, clauses) : 0;
    for (size_t i = 0; ok && i < n && out->what != UNDERSTOOD_CANNOT; i++) {
        enum want want;

        ok = read_clause(&m, &clauses[i], &want);
    }
    if (!ok) {
        json_free(m.steps);
        return false;
    }
    /* An edit that changed nothing was not understood. */
    text_before = before ? json_text(before) : NULL;
    text_after = json_text(m.steps);
    if (out->what == UNDERSTOOD_NOTHING && text_before && text_after &&
        strcmp(text_before, text_after) == 0) {
        json_free(m.steps);
        m.steps = json_new_array();
    }
    free(text_before);
    free(text_after);
    out->steps = m.steps;
    conclude(&m, n_before, false);
    return true;
}
