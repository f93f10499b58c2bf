/*
 * A wish and the rows it is about, in one clause: "names and emails of the active customers", "SQL for those in London".
 * The rows come first, so that the rest is made of them.
 */

#include "chat/grammar.h"

#include <string.h>

static const char *const links[] = { "of", "for", "from", "where", "whose", "who", "that", "which",
    "with", "in", "if", "when", "only", "only for", NULL };

/* Does one of the conditions need the column? */
static bool is_in(const struct json *conditions, const char *name)
{
    for (size_t i = 0; i < json_len(conditions); i++) {
        if (strcmp(json_get_string(json_at(conditions, i), "column"), name) == 0)
            return true;
    }
    return false;
}

/* What stands last in a list of columns; its n_columns is 0 where there is none. */
struct last_column {
    struct mention mention;
    size_t end;
};

static struct last_column last_column(const struct mind *m, const struct clause *c)
{
    struct last_column last = { .end = c->from };
    struct mention mention;

    for (size_t at = c->from; at < c->to; at++) {
        if (!chat_mention(&m->words, at, c->to, &m->table, m->arena, &mention))
            continue;
        at += mention.n_words - 1;
        last = (struct last_column){ mention, at + 1 };
    }
    return last;
}

/*
 * Does a list end where the conditions begin, or in their first word ("city and status of inactive customers")? A
 * column alone is the word for the rows, as in "regions where ...", unless something is "of" them.
 */
static bool is_list(const struct mind *m, size_t n, const struct last_column *last, size_t first)
{
    static const char *const ands[] = { "and", "&", ",", NULL };
    const struct words *w = &m->words;
    size_t skip = words_say_any(w, last->end, w->n, ands);
    struct mention mention;

    if (n == 1)
        return last->mention.strength >= MENTION_SENSE && words_say(w, last->end, w->n, "of");
    if (words_find(w, last->end, first + 1, links) <= first)
        return true;
    return skip && last->end + skip == first &&
           chat_mention(w, first, w->n, &m->table, m->arena, &mention) &&
           words_say_any(w, first + mention.n_words, w->n, links);
}

size_t listed_before(struct mind *m, const struct clause *c, size_t first,
    const struct json *conditions, const char **out, size_t max)
{
    /* "search the name for Grace" is about a column to look at; what is removed is no list either. */
    static const char *const others[] = { "search", "filter", "look", "remove", "drop", "delete",
        "exclude", "discard", "omit", "get rid of", "leave out", "by", "per", NULL };
    struct clause before = { c->from, first };
    struct last_column last;
    struct mention mention;
    bool other = false;
    size_t n;

    if (words_find(&m->words, c->from, first, others) < first)
        return 0;
    last = last_column(m, &before);
    /* In "name and email of", the last one may be what a condition begins with. */
    if (last.mention.n_columns > 0 && first < c->to &&
        words_find(&m->words, last.end, first + 1, links) > first &&
        chat_mention(&m->words, first, c->to, &m->table, m->arena, &mention))
        before.to = first + mention.n_words;
    n = named_columns(m, before.from, before.to, out, max);
    if (n == 0 || !is_list(m, n, &last, first))
        return 0;
    for (size_t i = 0; i < n; i++)
        other = other || !is_in(conditions, out[i]);
    return other ? n : 0;
}

/* The words behind `at` that may tell rows: up to the name of a table. */
static struct clause behind_link(const struct mind *m, const struct clause *c, size_t at)
{
    static const char *const tables[] = { "table", "into", "in mysql", "in postgres", "as", "to",
        "named", "called", "call", NULL };
    struct clause rest = { at, words_find(&m->words, at, c->to, tables) };

    if (rest.to < c->to && words_say(&m->words, rest.to, c->to, "table") && rest.to > rest.from)
        rest.to = rest.from; /* "for the clients table" */
    return rest;
}

/* Do the words tell rows? What they would ask or say is forgotten. */
static bool are_rows(const struct mind *m, const struct clause *rows)
{
    struct understanding out = { 0 };
    struct mind trial = *m;
    struct json *found;
    bool logic_or, any;

    trial.out = &out;
    found = rows->from < rows->to ? read_conditions(&trial, rows, &logic_or) : NULL;
    any = found != NULL;
    json_free(found);
    return any;
}

bool read_rows_of(struct mind *m, const struct clause *c, struct clause *rest)
{
    *rest = *c;
    for (size_t at = c->from; at < c->to; at++) {
        size_t n = words_say_any(&m->words, at, c->to, links);
        struct clause rows = behind_link(m, c, at + n);

        if (n == 0 || !are_rows(m, &rows))
            continue;
        rest->to = at;
        return read_rows(m, &rows);
    }
    return true;
}

void tell_rules_rows(struct mind *m, const struct clause *c)
{
    static const char *const ofs[] = { "of", "where", "whose", "who", NULL };

    for (size_t at = c->from; at < c->to; at++) {
        size_t n = words_say_any(&m->words, at, c->to, ofs);
        struct clause rows = { at + n, c->to };

        if (n > 0 && are_rows(m, &rows)) {
            remark(m, "That is done in all rows; to go on with some of them, keep those first.");
            return;
        }
    }
}

/* ---- rows for steps that were proposed already ---- */

static const char extract_op[] = "excel/extract-columns-to-file";

/* The step that keeps some columns, where it is the last one that makes a table; SIZE_MAX: it is none. */
static size_t last_extract(const struct mind *m)
{
    size_t at = SIZE_MAX;

    for (size_t i = 0; last_arguments(m, extract_op) && i < json_len(m->steps); i++) {
        const char *operation = json_get_string(json_at(m->steps, i), "operation");

        if (operation && strcmp(operation, extract_op) == 0)
            at = i;
    }
    return at;
}

static struct json *part_of(const struct json *steps, size_t from, size_t to)
{
    struct json *part = json_new_array();

    for (size_t i = from; i < to; i++)
        json_add(part, json_ref(json_at(steps, i)));
    return part;
}

/* Does the clause tell rows and nothing else, of the table that `steps` leave? */
static bool tells_rows(const struct mind *m, const struct clause *c, struct json *steps)
{
    const char *names[NAMES_MAX];
    struct understanding out = { 0 };
    struct mind trial = *m;
    struct json *conditions;
    bool logic_or, rows;
    size_t first;

    trial.out = &out;
    trial.steps = steps;
    if (!follow_steps(&trial) || classify(&trial, c) != WANT_ROWS)
        return false;
    conditions = read_conditions_at(&trial, c, &logic_or, &first);
    rows = conditions && listed_before(&trial, c, first, conditions, names, NAMES_MAX) == 0;
    json_free(conditions);
    return rows;
}

bool edit_rows(struct mind *m, const struct clause *c, bool *done)
{
    size_t at = last_extract(m), n = json_len(m->steps);
    struct json *before, *rest;
    bool ok;

    if (m->n_given != n || at == SIZE_MAX)
        return true;
    before = part_of(m->steps, 0, at);
    if (!tells_rows(m, c, before)) {
        json_free(before);
        return true;
    }
    rest = part_of(m->steps, at, n);
    json_free(m->steps);
    m->steps = before;
    ok = follow_steps(m) && read_rows(m, c);
    for (size_t i = 0; i < json_len(rest); i++)
        json_add(m->steps, json_ref(json_at(rest, i)));
    json_free(rest);
    *done = true;
    return ok && follow_steps(m);
}
