/* Columns to keep, to leave out, without duplicates, and under other names. */

#include "chat/grammar.h"

#include <string.h>

static const char extract_op[] = "excel/extract-columns-to-file";
static const char map_op[] = "excel/map-columns";

bool says_distinct(const struct mind *m, const struct clause *c)
{
    static const char *const distinct[] = { "duplicate", "duplicates", "dedupe", "deduplicate",
        "de-duplicate", "unique", "distinct", "different", "repeated", "repeats", "each once",
        "do we have", "are there", "there are", NULL };

    return says_any(m, c, distinct);
}

/* A format of tables that the clause asks for; NULL: none. */
static const char *given_format(const struct mind *m, const struct clause *c)
{
    static const struct {
        const char *word, *format;
    } formats[] = { { "csv", "csv" }, { "excel", "xlsx" }, { "xlsx", "xlsx" },
        { "workbook", "xlsx" }, { "jsonl", "jsonl" }, { "ndjson", "jsonl" }, { "json", "json" } };

    for (size_t k = 0; k < ARRAY_LEN(formats); k++) {
        if (says(m, c, formats[k].word))
            return formats[k].format;
    }
    return NULL;
}

bool extract_columns(
    struct mind *m, const struct clause *c, const char *const *names, size_t n, bool once)
{
    const char *format = given_format(m, c);
    struct json *arguments = json_new_object(), *kept;

    if (n > 0)
        json_set(arguments, "columns", names_json(names, n));
    if (once)
        json_set_bool(arguments, "remove_duplicates", true);
    if (format)
        json_set_string(arguments, "output_format", format);
    name_result(m, c, extract_op, arguments);
    kept = n > 0 ? names_json(names, n) : NULL;
    if (!add_step(m, extract_op, arguments) || (kept && !narrow_columns(m, kept))) {
        json_free(kept);
        return false;
    }
    json_free(kept);
    return true;
}

/* "move supplier to the front": where the columns that are named shall be. */
static int moves(const struct mind *m, const struct clause *c)
{
    static const char *const begins[] = { "move", "put", "bring", "place", NULL };
    static const char *const fronts[] = { "to the front", "to the beginning", "to the start",
        "at the front", "at the beginning", "at the start", "first", "in front", NULL };
    static const char *const ends[] = { "to the end", "at the end", "to the back", "last", NULL };

    if (!words_say_any(&m->words, c->from, c->to, begins))
        return 0;
    if (says_any(m, c, fronts))
        return -1;
    return says_any(m, c, ends) ? 1 : 0;
}

bool moves_columns(const struct mind *m, const struct clause *c)
{
    return moves(m, c) != 0;
}

static bool move_columns(struct mind *m, const struct clause *c, const char *const *names, size_t n)
{
    const char *all[NAMES_MAX];
    size_t k;

    if (moves(m, c) < 0) {
        memcpy(all, names, n * sizeof *all);
        k = n + other_columns(m, names, n, all + n, NAMES_MAX - n);
    } else {
        k = other_columns(m, names, n, all, NAMES_MAX - n);
        memcpy(all + k, names, n * sizeof *all);
        k += n;
    }
    return extract_columns(m, c, all, k, false);
}

bool read_columns(struct mind *m, const struct clause *c)
{
    static const char *const excepts[] = { "except", "except for", "but", "apart from",
        "aside from", "besides", "other than", "everything but", "all but", "all except",
        "excluding", "without", "but not", NULL };
    static const char *const removers[] = { "remove", "drop", "delete", "exclude", "discard",
        "omit", "get rid of", "leave out", NULL };
    const char *names[NAMES_MAX], *others[NAMES_MAX];
    bool once = says_distinct(m, c), leave;
    size_t n, k, except = words_find(&m->words, c->from, c->to, excepts);

    if (once) { /* "without duplicates" is no exception. */
        n = named_columns(m, c->from, c->to, names, NAMES_MAX);
        leave = false;
    } else if (except < c->to && named_columns(m, c->from, except, names, NAMES_MAX) == 0) {
        n = named_columns(m, except, c->to, names, NAMES_MAX);
        leave = true;
    } else {
        n = named_columns(m, c->from, c->to, names, NAMES_MAX);
        leave = words_say_any(&m->words, c->from, c->to, removers) > 0;
    }
    if (n == 0)
        return ask(m, "columns", "Which columns do you want?");
    if (moves(m, c) && !leave && !once)
        return move_columns(m, c, names, n);
    if (says_unread(m, c))
        return ask(m, "conditions",
            "I see columns there, and more that I did not get. Which rows do you want?");
    if (!leave)
        return extract_columns(m, c, names, n, once);
    k = other_columns(m, names, n, others, NAMES_MAX);
    if (k == 0)
        return ask(m, "columns", "That would leave no column. Which ones should stay?");
    return extract_columns(m, c, others, k, once);
}

bool read_distinct(struct mind *m, const struct clause *c)
{
    struct json *last = last_arguments(m, extract_op);

    if (last) { /* "extract the cities, no duplicates" */
        json_set_bool(last, "remove_duplicates", true);
        return true;
    }
    return extract_columns(m, c, NULL, 0, true);
}

/* ---- other names ---- */

/* Between a column and its new name. */
static const char *const calleds[] = { "should be called", "should be named",
    "should be renamed to", "must be called", "must be named", "will be called", "to be called",
    "is now called", "is called", "gets called", "becomes", "renamed to", NULL };

bool says_called(const struct mind *m, const struct clause *c)
{
    struct mention mention;

    for (size_t i = c->from; i < c->to; i++) {
        if (!chat_mention(&m->words, i, c->to, &m->table, m->arena, &mention))
            continue;
        i += mention.n_words;
        i += words_say(&m->words, i, c->to, "column");
        if (words_say_any(&m->words, i, c->to, calleds))
            return true;
        i--;
    }
    return false;
}

static bool is_link(const struct words *w, size_t at, size_t end, size_t *n)
{
    static const char *const links[] = { "to", "as", "into", "->", "=>", "→", "=", ":", "should be",
        "becomes", "to be", NULL };
    size_t called = words_say_any(w, at, end, calleds);

    *n = words_say_any(w, at, end, links);
    *n = called > *n ? called : *n;
    return *n > 0;
}

/* The words of a new name: up to "and", a comma or the end. */
static size_t name_end(const struct words *w, size_t at, size_t end)
{
    static const char *const ends[] = { "and", "please", NULL };

    if (at < end && w->v[at].kind == WORD_QUOTED)
        return at + 1;
    while (at < end && w->v[at].kind != WORD_STOP && !words_say_any(w, at, end, ends))
        at++;
    return at;
}

/* One "A to B" at *at; false when there is none. */
static bool read_pair(struct mind *m, size_t *at, size_t end, bool call, struct json *mapping)
{
    const struct words *w = &m->words;
    struct mention mention;
    size_t next, n = 0, to;
    const char *name;

    if (!chat_mention(w, *at, end, &m->table, m->arena, &mention) || mention.n_columns != 1)
        return false;
    next = *at + mention.n_words;
    next += words_say(w, next, end, "column") + words_say(w, next, end, "field");
    if (is_link(w, next, end, &n))
        next += n;
    else if (!call)
        return false;
    to = name_end(w, next, end);
    if (to == next)
        return false;
    name = words_text(w, next, to, m->arena);
    json_set_string(mapping, name, m->table.columns[mention.columns[0]].name);
    *at = to;
    return true;
}

bool read_rename(struct mind *m, const struct clause *c)
{
    struct json *mapping = json_new_object(), *arguments, *last;
    bool call = says(m, c, "call"), ok;

    for (size_t at = c->from; at < c->to;) {
        if (!read_pair(m, &at, c->to, call, mapping))
            at++;
    }
    if (json_len(mapping) == 0) {
        json_free(mapping);
        return ask(m, "mapping", "Which column should get which name? Like: rename city to town.");
    }
    last = last_arguments(m, map_op);
    if (last) {
        struct json *all = (struct json *)(uintptr_t)json_get(last, "mapping");

        for (const void *it = json_first(mapping); it; it = json_next(mapping, it))
            json_set(all, json_key(it), json_ref(json_value(it)));
        ok = rename_columns(m, mapping);
    } else {
        arguments = json_new_object();
        json_set(arguments, "mapping", json_ref(mapping));
        json_set_bool(arguments, "keep_unmapped", true);
        ok = add_step(m, map_op, arguments) && rename_columns(m, mapping);
    }
    json_free(mapping);
    return ok;
}
