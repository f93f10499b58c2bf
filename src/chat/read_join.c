/* Columns of another file of the conversation, by a key: "add the city from customers by customer_id". */

#include "chat/grammar.h"

#include <string.h>

static bool is_file(const struct chat_table *t, const struct word *w)
{
    return strcmp(w->key, t->file) == 0 || (w->kind != WORD_STOP && chat_is_noun(t, w->key));
}

/* The other file that is named, or the only other one. */
static const struct chat_table *other_file(const struct mind *m, const struct clause *c)
{
    for (size_t i = c->from; i < c->to; i++) {
        for (size_t k = 1; k < m->n_files; k++) {
            if (is_file(&m->files[k], &m->words.v[i]))
                return &m->files[k];
        }
    }
    return m->n_files == 2 ? &m->files[1] : NULL;
}

/* A column that both files have, by its name's key; NULL unless there is just one. */
static const char *shared_column(const struct mind *m, const struct chat_table *other)
{
    const char *found = NULL;

    for (size_t i = 0; i < m->table.n_columns; i++) {
        for (size_t k = 0; k < other->n_columns; k++) {
            if (strcmp(m->table.columns[i].name, other->columns[k].name) != 0)
                continue;
            if (found)
                return NULL;
            found = m->table.columns[i].name;
        }
    }
    return found;
}

/* The key: what stands behind "on", "by" or "using". */
static const char *said_key(struct mind *m, const struct clause *c, size_t *from)
{
    static const char *const links[] = { "on", "by", "using", "via", "where", "matching",
        "with the key", "key", NULL };

    for (size_t at = c->from; at < c->to; at++) {
        size_t n = words_say_any(&m->words, at, c->to, links);
        const char *names[NAMES_MAX];
        struct mention mention;
        size_t to = at + n;

        if (n == 0)
            continue;
        to += words_say(&m->words, to, c->to, "the");
        if (!chat_mention(&m->words, to, c->to, &m->table, m->arena, &mention))
            continue;
        if (named_columns(m, to, to + mention.n_words, names, NAMES_MAX) == 0)
            continue;
        *from = at;
        return names[0];
    }
    *from = c->to;
    return NULL;
}

/* Columns of the other file that are named outside the key's part. */
static struct json *said_columns(struct mind *m, const struct clause *c, size_t key_at,
    const char *key, const struct chat_table *other)
{
    struct mind theirs = *m;
    struct json *list = json_new_array();
    const char *names[NAMES_MAX];
    size_t n, end = c->to;

    theirs.table = *other;
    /* "by customer_id and add the city": what follows the key counts as well, the key itself does not. */
    for (int part = 0; part < 2; part++) {
        size_t from = part ? key_at : c->from, to = part ? end : key_at;

        n = from < to ? named_columns(&theirs, from, to, names, NAMES_MAX) : 0;
        for (size_t i = 0; i < n; i++) {
            bool twice = strcmp(names[i], key) == 0;

            for (size_t k = 0; k < json_len(list); k++)
                twice = twice || strcmp(json_str(json_at(list, k)), names[i]) == 0;
            if (!twice)
                json_add(list, json_new_string(names[i]));
        }
    }
    return list;
}

bool widen_columns(struct mind *m, const struct json *added, const struct chat_table *other)
{
    size_t n = m->table.n_columns, more = json_len(added);
    struct chat_column *columns = arena_calloc(m->arena, n + more + 1, sizeof *columns);

    if (!columns)
        return err_nomem(m->err);
    if (n > 0)
        memcpy(columns, m->table.columns, n * sizeof *columns);
    for (size_t i = 0; i < more; i++) {
        const struct chat_column *theirs = chat_table_column(other, json_str(json_at(added, i)));

        if (theirs)
            columns[n++] = *theirs;
    }
    m->table.columns = columns;
    m->table.n_columns = n;
    return true;
}

/* Does the join add all there is, since no columns were named? */
static bool adds_all(const struct mind *m, const struct json *join, const struct chat_table *other)
{
    size_t n = json_len(json_get(join, "bind_columns"));

    return n > 1 && n + 1 >= other->n_columns && m->table.n_columns > n;
}

/* Columns that the other file does not have: then it is not about what to add. */
static bool names_own_columns(
    struct mind *m, const struct clause *c, const struct chat_table *other)
{
    const char *names[NAMES_MAX];
    size_t n = named_columns(m, c->from, c->to, names, NAMES_MAX);

    for (size_t i = 0; i < n; i++) {
        if (!chat_table_column(other, names[i]))
            return true;
    }
    return false;
}

bool read_added(struct mind *m, const struct clause *c, bool *done)
{
    static const char *const adds[] = { "add", "bring", "take", "get", "with", "append", "include",
        NULL };
    static const char *const onlys[] = { "only", "just", "only the", "just the", NULL };
    struct json *last = last_arguments(m, "excel/bind-single-key"), *columns;
    const char *file = json_get_string(last, "bind_file"),
               *key = json_get_string(last, "comparison_column");
    const struct chat_table *other = NULL;

    *done = false;
    for (size_t i = 1; file && i < m->n_files; i++) {
        if (strcmp(m->files[i].file, file) == 0)
            other = &m->files[i];
    }
    if (!other || !key ||
        (!words_say_any(&m->words, c->from, c->to, adds) &&
            !(words_say_any(&m->words, c->from, c->to, onlys) && adds_all(m, last, other))))
        return true;
    columns = said_columns(m, c, c->to, key, other);
    if (json_len(columns) == 0 ||
        (words_say_any(&m->words, c->from, c->to, onlys) && names_own_columns(m, c, other))) {
        json_free(columns);
        return true;
    }
    *done = true;
    json_set(last, "bind_columns", columns);
    return widen_columns(m, columns, other);
}

bool read_join(struct mind *m, const struct clause *c)
{
    static const char *const any_case[] = { "ignoring case", "ignore case", "case insensitive",
        "case insensitively", "case-insensitive", "case-insensitively", "regardless of case",
        "whatever the case", NULL };
    static const char *const any_blanks[] = { "ignoring spaces", "ignore spaces", "ignoring blanks",
        "ignoring extra spaces", "trimmed", NULL };
    const struct chat_table *other = other_file(m, c);
    struct json *arguments, *columns;
    const char *key;
    size_t key_at;
    bool ok;

    if (!other)
        return ask(
            m, "bind_file", "Which file should be joined? Upload it, then tell me its name.");
    key = said_key(m, c, &key_at);
    if (!key) {
        key = shared_column(m, other);
        key_at = c->to;
    }
    if (!key)
        return ask(m, "comparison_column", "Which column do both files share?");
    columns = said_columns(m, c, key_at, key, other);
    if (json_len(columns) == 0) { /* All of them, then. */
        for (size_t i = 0; i < other->n_columns; i++) {
            if (strcmp(other->columns[i].name, key) != 0 &&
                !chat_table_column(&m->table, other->columns[i].name))
                json_add(columns, json_new_string(other->columns[i].name));
        }
    }
    if (json_len(columns) == 0) {
        json_free(columns);
        return ask(m, "bind_columns",
            "Which columns should be added? All of that file's are in the table already.");
    }
    arguments = json_new_object();
    json_set_string(arguments, "bind_file", other->file);
    json_set_string(arguments, "comparison_column", key);
    json_set(arguments, "bind_columns", json_ref(columns));
    if (says_any(m, c, any_case))
        json_set_bool(arguments, "ignore_case", true);
    if (says_any(m, c, any_blanks))
        json_set_bool(arguments, "trim", true);
    ok = add_step(m, "excel/bind-single-key", arguments) && widen_columns(m, columns, other);
    json_free(columns);
    return ok;
}
