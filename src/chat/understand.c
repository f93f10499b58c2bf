/*
 * From clauses to steps, one after the other: what the first one leaves is what the second one is about.
 */

#include "chat/understand.h"

#include "chat/grammar.h"
#include "chat/tell.h"
#include "ops/op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SURE 0.95
#define UNSURE 0.4

#define WHOLE_MAX 9e15 /* Beyond it a double holds no whole number exactly. */

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

const char *understand_intent_of(const char *operation)
{
    for (size_t i = 0; i < WANT_COUNT; i++) {
        for (size_t k = 0; k < ARRAY_LEN(wants[i].operations) && wants[i].operations[k]; k++) {
            if (strcmp(wants[i].operations[k], operation) == 0)
                return wants[i].intent;
        }
    }
    return NULL;
}

/* ---- steps ---- */

static bool makes_table(const char *operation)
{
    const struct op *op = operation ? op_find(operation) : NULL;

    return op && op->flags & OP_TABLE;
}

/*
 * Where a step goes: what makes a table belongs before the SQL and JSON that were there before the
 * sentence, so that "also drop duplicates" changes them too.
 */
static size_t place_of(const struct mind *m, const char *operation)
{
    size_t n = json_len(m->steps);

    return makes_table(operation) && m->n_tail <= n ? n - m->n_tail : n;
}

static struct json *last_step(const struct mind *m, const char *operation)
{
    size_t n = place_of(m, operation);

    return n ? (struct json *)(uintptr_t)json_at(m->steps, n - 1) : NULL;
}

static bool insert_step(struct mind *m, const char *operation, struct json *step)
{
    size_t at = place_of(m, operation), n = json_len(m->steps);
    struct json *steps;

    if (at == n) {
        m->n_tail = makes_table(operation) ? m->n_tail : 0;
        return json_add(m->steps, step);
    }
    steps = json_new_array();
    for (size_t i = 0; i <= n; i++)
        json_add(steps, i == at ? step : json_ref(json_at(m->steps, i < at ? i : i - 1)));
    json_free(m->steps);
    m->steps = steps;
    return json_len(steps) == n + 1;
}

struct json *last_arguments(const struct mind *m, const char *operation)
{
    struct json *step = last_step(m, operation);

    if (!step || strcmp(json_get_string(step, "operation"), operation) != 0)
        return NULL;
    return (struct json *)(uintptr_t)json_get(step, "arguments");
}

static const char not_got[] = "I did not get all of that. Could you say it in another way?";

/* What the grammar makes must satisfy the declaration; if it does not, it was misunderstood. */
static bool would_run(struct mind *m, const char *operation, const struct json *arguments)
{
    const struct op *op = op_find(operation);
    struct op_args bound;
    struct err why;

    return op && op_bind(op, arguments, m->arena, &bound, &why);
}

bool add_step(struct mind *m, const char *operation, struct json *arguments)
{
    struct json *step;

    if (!would_run(m, operation, arguments)) {
        json_free(arguments);
        return ask(m, "arguments", not_got);
    }
    step = json_new_object();
    json_set_string(step, "operation", operation);
    json_set(step, "arguments", arguments);
    if (!insert_step(m, operation, step))
        return err_nomem(m->err);
    return true;
}

/* All of them, told in words; one that would not run any more after a change was misunderstood. */
static bool finish_steps(struct mind *m)
{
    for (size_t i = 0; i < json_len(m->steps); i++) {
        struct json *step = (struct json *)(uintptr_t)json_at(m->steps, i);
        const char *operation = json_get_string(step, "operation");
        const struct json *arguments = json_get(step, "arguments");

        if (!operation || !would_run(m, operation, arguments))
            return ask(m, "arguments", not_got);
        json_set_string(step, "description", tell_step(m->arena, operation, arguments));
    }
    return true;
}

void remark(struct mind *m, const char *text)
{
    const char *before = m->out->remark;

    if (text && (!before || !strstr(before, text)))
        m->out->remark = before ? arena_printf(m->arena, "%s %s", before, text) : text;
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

/* ---- words ---- */

bool says_any(const struct mind *m, const struct clause *c, const char *const *phrases)
{
    return words_find(&m->words, c->from, c->to, phrases) < c->to;
}

bool says(const struct mind *m, const struct clause *c, const char *phrase)
{
    return says_any(m, c, (const char *const[]){ phrase, NULL });
}

/* ---- columns ---- */

/* "company names": the names in the column Company, not those in First name. */
static size_t says_its_names(const struct mind *m, size_t at, size_t to)
{
    static const char *const names[] = { "name", "names", NULL };
    struct mention mention;

    return chat_mention(&m->words, at, to, &m->table, m->arena, &mention) &&
                   mention.strength == MENTION_EXACT
               ? 0
               : words_say_any(&m->words, at, to, names);
}

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
        if (mention.strength == MENTION_EXACT && mention.n_columns == 1)
            at += says_its_names(m, at, to);
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

struct json *number_json(double v)
{
    return fabs(v) < WHOLE_MAX && v == (double)(int64_t)v ? json_new_int((int64_t)v)
                                                          : json_new_real(v);
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

        if (same) {
            columns[i] = *same;
            continue;
        }
        if (!chat_column_make(name, m->arena, &columns[i]))
            return err_nomem(m->err);
    }
    m->table.columns = columns;
    m->table.n_columns = n;
    return true;
}

bool rename_columns(struct mind *m, const struct json *mapping)
{
    struct json *names = json_new_array();
    bool ok;

    for (size_t i = 0; i < m->table.n_columns; i++) {
        const char *name = m->table.columns[i].name;

        for (const void *it = json_first(mapping); it; it = json_next(mapping, it)) {
            const char *old = json_str(json_value(it));

            if (old && strcmp(old, m->table.columns[i].name) == 0)
                name = json_key(it);
        }
        json_add(names, json_new_string(name));
    }
    ok = keep_columns(m, names);
    json_free(names);
    return ok;
}

/* How many steps at the end make no table. */
static size_t count_tail(const struct json *steps)
{
    size_t n = json_len(steps), tail = 0;

    while (tail < n && !makes_table(json_get_string(json_at(steps, n - 1 - tail), "operation")))
        tail++;
    return tail;
}

/* What a join adds, where its file is known. */
static bool follow_join(struct mind *m, const struct json *arguments)
{
    const char *file = json_get_string(arguments, "bind_file");

    for (size_t i = 1; file && i < m->n_files; i++) {
        if (strcmp(m->files[i].file, file) == 0)
            return widen_columns(m, json_get(arguments, "bind_columns"), &m->files[i]);
    }
    return true;
}

static bool follow_step(struct mind *m, const char *operation, const struct json *arguments)
{
    const struct json *columns = json_get(arguments, "columns"),
                      *mapping = json_get(arguments, "mapping"),
                      *rules = json_get(arguments, "normalizations");

    for (size_t i = 0; i < json_len(rules); i++)
        forget_values(m, json_get_string(json_at(rules, i), "column_name"));
    if (strcmp(operation, "excel/extract-columns-to-file") == 0 && json_len(columns) > 0)
        return narrow_columns(m, columns);
    if (strcmp(operation, "excel/map-columns") == 0 && json_len(mapping) > 0)
        return rename_columns(m, mapping);
    return strcmp(operation, "excel/bind-single-key") != 0 || follow_join(m, arguments);
}

bool follow_steps(struct mind *m)
{
    m->table = m->n_files ? m->files[0] : m->table;
    m->wide = m->table;
    m->n_tail = count_tail(m->steps);
    for (size_t i = 0; i < json_len(m->steps); i++) {
        const struct json *step = json_at(m->steps, i);
        const char *operation = json_get_string(step, "operation");

        if (operation && !follow_step(m, operation, json_get(step, "arguments")))
            return false;
    }
    return true;
}

bool same_json(const struct json *a, const struct json *b)
{
    char *x = json_text(a), *y = json_text(b);
    bool same = x && y && strcmp(x, y) == 0;

    free(x);
    free(y);
    return same;
}

bool narrow_columns(struct mind *m, const struct json *names)
{
    m->wide = m->table;
    return keep_columns(m, names);
}

/* ---- the sentence ---- */

/* "but leave the town alone": it is no wish; in rules for many columns, those are not meant. */
static bool leaves_alone(struct mind *m, const struct clause *c)
{
    static const char *const begins[] = { "leave", "keep", "don't touch", "don't change",
        "do not touch", "do not change", NULL };
    static const char *const ends[] = { "alone", "as is", "as it is", "as they are", "unchanged",
        "untouched", "as it was", NULL };
    const char *names[NAMES_MAX];
    size_t begin = words_say_any(&m->words, c->from, c->to, begins), n;

    n = begin ? named_columns(m, c->from + begin, c->to, names, NAMES_MAX) : 0;
    if (n == 0 || says_conditions(m, c) ||
        !(says_any(m, c, ends) || words_say_any(&m->words, c->from, c->to, begins + 2)))
        return false;
    spare_columns(m, names, n);
    return true;
}

static bool read_clause(struct mind *m, const struct clause *c)
{
    struct clause rest;
    enum want want;
    bool done = false;

    if (!edit_steps(m, c, &done) || (!done && !read_added(m, c, &done)))
        return false;
    if (done)
        return true;
    if (leaves_alone(m, c))
        return true;
    want = classify(m, c);
    if (want == WANT_NOTHING)
        want = name_last(m, c);
    if (want == WANT_NOTHING)
        return true;
    if (!m->out->intent)
        m->out->intent = wants[want].intent;
    if (want == WANT_SQL || want == WANT_JSON) {
        if (!read_rows_of(m, c, &rest))
            return false;
        c = want == WANT_JSON ? &rest : c;
    }
    if (want == WANT_RULES)
        tell_rules_rows(m, c);
    return wants[want].read(m, c);
}

/*
 * "JSON please, but only the names", "SQL, without duplicates": a restriction is about what goes into it, unlike a
 * wish that begins with "then".
 */
static bool restricts(const struct mind *m, const struct clause *c)
{
    static const char *const onlys[] = { "only", "just", "without", "no", "but", "excluding",
        "except", NULL };
    static const char *const buts[] = { "but", "with", NULL };

    return words_say_any(&m->words, c->from, c->to, onlys) ||
           (c->from > 0 && words_say_any(&m->words, c->from - 1, c->from, buts));
}

/* Every clause, in turn. */
static bool read_sentence(struct mind *m, const char *sentence)
{
    struct clause clauses[CLAUSES_MAX];
    size_t n;

    if (!words_split(sentence, m->arena, &m->words, m->err) || !follow_steps(m))
        return false;
    correct_words(m);
    n = divide(m, clauses);
    for (size_t i = 0; i < n && m->out->what != UNDERSTOOD_CANNOT; i++) {
        if (restricts(m, &clauses[i]))
            m->n_tail = count_tail(m->steps);
        if (!read_clause(m, &clauses[i]))
            return false;
    }
    return true;
}

bool understand(const char *sentence, const struct chat_table *files, size_t n_files,
    const struct json *before, struct arena *arena, struct understanding *out, struct err *err)
{
    struct mind m = { .files = files, .n_files = n_files, .arena = arena, .out = out, .err = err };
    struct json *so_far;
    bool ok;

    *out = (struct understanding){ 0 };
    m.steps = json_kind(before) == JSON_KIND_ARRAY ? json_clone(before) : json_new_array();
    ok = m.steps ? finish_steps(&m) : err_nomem(err); /* What would not run cannot be changed. */
    so_far = ok ? json_clone(m.steps) : NULL;
    m.n_given = json_len(so_far);
    if (ok && out->what == UNDERSTOOD_NOTHING)
        ok = read_sentence(&m, sentence);
    if (ok && out->what == UNDERSTOOD_NOTHING && same_json(so_far, m.steps)) {
        json_free(m.steps); /* An edit that changed nothing was not understood. */
        m.steps = json_new_array();
    }
    json_free(so_far);
    if (!ok || !finish_steps(&m)) {
        json_free(m.steps);
        return false;
    }
    out->steps = m.steps;
    if (out->what == UNDERSTOOD_NOTHING && json_len(m.steps) > 0)
        out->what = UNDERSTOOD_STEPS;
    out->confidence = out->what == UNDERSTOOD_STEPS     ? SURE
                      : out->what == UNDERSTOOD_NOTHING ? 0
                                                        : UNSURE;
    return true;
}
