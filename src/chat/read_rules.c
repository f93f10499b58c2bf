/*
 * Rules of normalization: "uppercase the names", "round credit to two decimals", "fill empty emails with none".
 *
 * Which rule a phrase means stands with the rules' declarations; here is what its parameters and columns are called.
 */

#include "chat/grammar.h"

#include "ops/op.h"
#include "ops/rules/rule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char rules_op[] = "normalization/apply";

struct wish {
    const struct rule *rule;
    size_t at, n_words; /* Where it is said. */
};

/* The rule whose phrase is said first in [from, to), the longest one there. */
static bool find_rule(const struct mind *m, size_t from, size_t to, struct wish *out)
{
    for (size_t at = from; at < to; at++) {
        out->n_words = 0;
        for (const struct rule *const *r = rule_table; *r; r++) {
            size_t n = words_say_any(&m->words, at, to, rule_says(*r));

            if (n > out->n_words)
                *out = (struct wish){ *r, at, n };
        }
        if (out->n_words > 0)
            return true;
    }
    return false;
}

static bool is_rule(const struct wish *w, const char *name)
{
    return strcmp(w->rule->name, name) == 0;
}

static bool said(const struct mind *m, const struct clause *c, const char *phrase)
{
    const char *const phrases[] = { phrase, NULL };

    return words_find(&m->words, c->from, c->to, phrases) < c->to;
}

/* ---- parameters ---- */

static const char *const small_numbers[] = { "zero", "one", "two", "three", "four", "five", "six",
    "seven", "eight", "nine", "ten" };

static bool number_said(const struct mind *m, const struct clause *c, int64_t *out)
{
    for (size_t i = c->from; i < c->to; i++) {
        const struct word *w = &m->words.v[i];

        if (w->kind == WORD_NUMBER && w->number >= 0 && w->number <= 30) {
            *out = (int64_t)w->number;
            return true;
        }
        for (size_t k = 0; k < ARRAY_LEN(small_numbers); k++) {
            if (w->kind == WORD_PLAIN && strcmp(w->key, small_numbers[k]) == 0) {
                *out = (int64_t)k;
                return true;
            }
        }
    }
    return false;
}

static void round_parameters(const struct mind *m, const struct clause *c, struct json *parameters)
{
    int64_t decimals;

    if (number_said(m, c, &decimals))
        json_set_int(parameters, "decimals", decimals);
    else if (said(m, c, "whole") || said(m, c, "integer") || said(m, c, "integers"))
        json_set_int(parameters, "decimals", 0);
}

/* What stands behind "with" or "by": the value, or how to find one. */
static bool fill_parameters(struct mind *m, const struct clause *c, struct json *parameters)
{
    static const char *const withs[] = { "with", "by", "using", "as", "to", NULL };
    static const struct {
        const char *phrase, *method;
    } methods[] = { { "mean", "mean" }, { "average", "mean" }, { "median", "median" },
        { "mode", "mode" }, { "most frequent", "mode" }, { "most common", "mode" },
        { "previous", "forward" }, { "value above", "forward" }, { "last value", "forward" } };
    size_t at = words_find(&m->words, c->from, c->to, withs), n;

    if (at == c->to)
        return false;
    at += words_say_any(&m->words, at, c->to, withs);
    at += words_say(&m->words, at, c->to, "the");
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (words_say(&m->words, at, c->to, methods[i].phrase)) {
            json_set_string(parameters, "method", methods[i].method);
            return true;
        }
    }
    for (n = at; n < c->to && m->words.v[n].kind != WORD_STOP &&
                 !words_say(&m->words, n, c->to, "please") && !words_say(&m->words, n, c->to, "in");
         n++)
        ;
    if (n == at)
        return false;
    json_set_string(parameters, "value", words_text(&m->words, at, n, m->arena));
    return true;
}

/* DD/MM/YYYY, yyyy-mm-dd, %d.%m.%Y; NULL when it is none. */
static const char *date_pattern(struct mind *m, const char *raw)
{
    static const struct {
        const char *letters, *code;
    } parts[] = { { "yyyy", "%Y" }, { "yy", "%y" }, { "mmmm", "%B" }, { "mmm", "%b" },
        { "mm", "%m" }, { "dd", "%d" } };
    struct buf b;
    const char *out = NULL;
    size_t n_parts = 0;

    if (strchr(raw, '%'))
        return raw;
    buf_init(&b, 256);
    while (*raw) {
        size_t i = 0;

        while (i < ARRAY_LEN(parts) &&
               strncasecmp(raw, parts[i].letters, strlen(parts[i].letters)) != 0)
            i++;
        if (i < ARRAY_LEN(parts)) {
            buf_adds(&b, parts[i].code);
            raw += strlen(parts[i].letters);
            n_parts++;
        } else if (strchr("-/. _", *raw)) {
            buf_addc(&b, *raw++);
        } else {
            break;
        }
    }
    if (!*raw && n_parts >= 2)
        out = arena_strdup(m->arena, buf_str(&b));
    buf_deinit(&b);
    return out;
}

static void date_parameters(struct mind *m, const struct clause *c, struct json *parameters)
{
    for (size_t i = c->from; i < c->to; i++) {
        const char *pattern = date_pattern(m, m->words.v[i].raw);

        if (pattern) {
            json_set_string(parameters, "format", pattern);
            return;
        }
    }
    if (said(m, c, "european"))
        json_set_string(parameters, "format", "%d/%m/%Y");
    else if (said(m, c, "us") || said(m, c, "american"))
        json_set_string(parameters, "format", "%m/%d/%Y");
}

/* "replace UK with United Kingdom in country", "UK to GB" */
static bool map_parameters(
    struct mind *m, const struct clause *c, size_t at, struct json *parameters, size_t *used)
{
    static const char *const withs[] = { "with", "by", "->", "→", NULL };
    static const char *const ends[] = { "in", "for", "of", NULL };
    const struct words *w = &m->words;
    size_t with = words_find(w, at, c->to, withs), end;
    struct json *mapping;

    if (with == c->to || with == at)
        return false;
    end = words_find(w, with + 1, c->to, ends);
    if (end == with + 1)
        return false;
    mapping = json_new_object();
    json_set_string(
        mapping, words_text(w, at, with, m->arena), words_text(w, with + 1, end, m->arena));
    json_set(parameters, "mapping", mapping);
    *used = end;
    return true;
}

/* ---- columns ---- */

/* "all columns", "everything": those that hold text. */
static size_t all_text_columns(const struct mind *m, const struct clause *c, const char **out)
{
    static const char *const alls[] = { "all columns", "every column", "everything", "all text",
        "all the columns", "each column", "all texts", "all fields", NULL };
    size_t n = 0;

    if (words_find(&m->words, c->from, c->to, alls) == c->to)
        return 0;
    for (size_t i = 0; i < m->table.n_columns && n < NAMES_MAX; i++) {
        const struct chat_column *column = &m->table.columns[i];

        if (!chat_column_is_number(column) && !chat_column_is_date(column) &&
            !chat_column_is_bool(column))
            out[n++] = column->name;
    }
    return n;
}

static size_t columns_of(struct mind *m, const struct clause *c, size_t from, const char **out)
{
    static const char *const pronouns[] = { "them", "these", "those", "it", "that", NULL };
    size_t n = named_columns(m, from, c->to, out, NAMES_MAX);

    if (n == 0 && from > c->from)
        n = named_columns(m, c->from, from, out, NAMES_MAX);
    if (n == 0)
        n = all_text_columns(m, c, out);
    if (n == 0 && words_find(&m->words, c->from, c->to, pronouns) < c->to) {
        for (; n < m->n_columns; n++)
            out[n] = m->columns[n];
    }
    return n;
}

static bool is_email(const struct chat_column *c)
{
    return strstr(c->key, "mail") != NULL;
}

/* "clean up the email addresses", "normalize email": what fits the column. */
static const char *fitting_rule(const struct mind *m, const char *name)
{
    const struct chat_column *c = chat_table_column(&m->table, name);

    if (!c)
        return "trim_whitespace";
    if (is_email(c))
        return "email_format";
    if (strstr(c->key, "phone") || strstr(c->key, "mobile") || strstr(c->key, "telephone"))
        return "phone_format";
    if (chat_column_is_date(c) || strstr(c->key, "date"))
        return "date_format";
    return strstr(c->key, "name") ? "name_format" : "trim_whitespace";
}

/* ---- the step ---- */

/* What the file holds is not what the column holds from now on. */
static void forget_values(struct mind *m, const char *name)
{
    struct chat_column *columns = arena_calloc(m->arena, m->table.n_columns, sizeof *columns);

    if (!columns)
        return; /* Then a known spelling is offered that may not fit. */
    memcpy(columns, m->table.columns, m->table.n_columns * sizeof *columns);
    for (size_t i = 0; i < m->table.n_columns; i++) {
        if (strcmp(columns[i].name, name) == 0)
            columns[i].n_values = 0;
    }
    m->table.columns = columns;
}

static bool add_rules(
    struct mind *m, const char *const *names, size_t n, const char *rule, struct json *parameters)
{
    struct json *last = last_arguments(m, rules_op), *list, *arguments = NULL;

    if (last) {
        list = (struct json *)(uintptr_t)json_get(last, "normalizations");
    } else {
        arguments = json_new_object();
        list = json_new_array();
    }
    for (size_t i = 0; i < n; i++) {
        struct json *one = json_new_object();

        json_set_string(one, "column_name", names[i]);
        json_set_string(one, "normalization_type", rule ? rule : fitting_rule(m, names[i]));
        if (json_len(parameters) > 0)
            json_set(one, "parameters", json_ref(parameters));
        json_add(list, one);
        if (i < MENTION_MAX)
            m->columns[i] = names[i];
        forget_values(m, names[i]);
    }
    m->n_columns = n < MENTION_MAX ? n : MENTION_MAX;
    if (last) {
        describe_last(m, NULL);
        return true;
    }
    json_set(arguments, "normalizations", list);
    return add_step(m, rules_op, arguments, NULL);
}

static bool read_parameters(struct mind *m, const struct clause *c, const struct wish *wish,
    struct json *parameters, size_t *from, const char **question)
{
    *question = NULL;
    if (is_rule(wish, "round_decimal"))
        round_parameters(m, c, parameters);
    else if (is_rule(wish, "date_format") || is_rule(wish, "datetime_format"))
        date_parameters(m, c, parameters);
    else if (is_rule(wish, "fill_null_values") && !fill_parameters(m, c, parameters))
        *question = "What should the blanks be filled with? A value, or the mean, median or mode.";
    else if (is_rule(wish, "categorical_mapping") &&
             !map_parameters(m, c, wish->at + wish->n_words, parameters, from))
        *question = "What should be replaced with what?";
    return *question == NULL;
}

/* One rule and the columns said with it; what is left of the clause may hold another. */
static bool read_one(struct mind *m, const struct clause *c, const struct wish *wish)
{
    const char *names[NAMES_MAX], *question;
    struct json *parameters = json_new_object();
    size_t from = wish->at + wish->n_words, n;
    bool ok;

    if (!read_parameters(m, c, wish, parameters, &from, &question)) {
        json_free(parameters);
        return ask(m, "parameters", question);
    }
    n = columns_of(m, c, from, names);
    if (n == 0) {
        json_free(parameters);
        return ask(m, "column_name", "Which column?");
    }
    ok = add_rules(m, names, n, wish->rule->name, parameters);
    json_free(parameters);
    return ok;
}

bool read_rules(struct mind *m, const struct clause *c)
{
    const char *names[NAMES_MAX];
    struct wish wish, next;
    size_t n;

    if (!find_rule(m, c->from, c->to, &wish)) {
        n = columns_of(m, c, c->from, names);
        return n ? add_rules(m, names, n, NULL, NULL)
                 : ask(m, "normalizations",
                       "What should be done to which column? Like: uppercase name, or round price "
                       "to 2 decimals.");
    }
    /* "trim and uppercase the names": two rules, the same columns. */
    if (find_rule(m, wish.at + wish.n_words, c->to, &next) && next.rule != wish.rule &&
        named_columns(m, wish.at, next.at, names, NAMES_MAX) == 0) {
        struct clause rest = { next.at, c->to };

        n = columns_of(m, &rest, next.at, names);
        if (n > 0 && !add_rules(m, names, n, wish.rule->name, NULL))
            return false;
        return n > 0 ? read_rules(m, &rest) : ask(m, "column_name", "Which column?");
    }
    return read_one(m, c, &wish);
}
