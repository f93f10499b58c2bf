/*
 * Rules of normalization: "uppercase the names", "round credit to two decimals", "fill empty emails with none".
 *
 * Which rule a phrase means stands with the rules' declarations; here is what its parameters and columns are called.
 */

#include "chat/grammar.h"

#include "base/num.h"
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

/* A column may be called as a rule is: "currency". */
bool is_column_name(const struct mind *m, size_t at, size_t n)
{
    struct mention mention;

    return chat_mention(&m->words, at, m->words.n, &m->table, m->arena, &mention) &&
           mention.strength == MENTION_EXACT && mention.n_words >= n;
}

/* The rule whose phrase is said first in [from, to), the longest one there. */
static bool find_rule(const struct mind *m, size_t from, size_t to, struct wish *out)
{
    for (size_t at = from; at < to; at++) {
        out->n_words = 0;
        for (const struct rule *const *r = rule_table; *r; r++) {
            size_t n = words_say_any(&m->words, at, to, rule_says(*r));

            if (n > out->n_words && !is_column_name(m, at, n))
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

/* "replace signed_up with just the year": what stands behind "with" is a rule, not a value. */
static void replaced_by_rule(const struct mind *m, const struct clause *c, struct wish *wish)
{
    static const char *const withs[] = { "with", "by", NULL };
    size_t at = words_find(&m->words, wish->at + wish->n_words, c->to, withs);
    struct mention mention;
    struct wish behind;

    if (is_rule(wish, "categorical_mapping") && at + 1 < c->to &&
        find_rule(m, at + 1, c->to, &behind) && behind.at == at + 1 &&
        behind.at + behind.n_words == c->to &&
        chat_mention(&m->words, at - 1, at, &m->table, m->arena, &mention))
        *wish = behind;
}

/* ---- parameters ---- */

static bool number_said(const struct mind *m, const struct clause *c, int64_t *out)
{
    for (size_t i = c->from; i < c->to; i++) {
        double number;

        if (words_number(&m->words.v[i], &number) && number >= 0 && number <= 30) {
            *out = (int64_t)number;
            return true;
        }
    }
    return false;
}

static void round_parameters(const struct mind *m, const struct clause *c, struct json *parameters)
{
    int64_t decimals;

    if (number_said(m, c, &decimals))
        json_set_int(parameters, "decimals", decimals);
    else if (says(m, c, "whole") || says(m, c, "integer") || says(m, c, "integers"))
        json_set_int(parameters, "decimals", 0);
}

/* What stands behind "with" or "by": the value, or how to find one. */
static bool fill_parameters(struct mind *m, const struct clause *c, struct json *parameters)
{
    static const char *const withs[] = { "with", "by", "using", "as", "to", NULL };
    static const char *const ends[] = { "please", "in", "where", "wherever", "when", "if", NULL };
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
    for (n = at;
         n < c->to && m->words.v[n].kind != WORD_STOP && !words_say_any(&m->words, n, c->to, ends);
         n++)
        ;
    if (n == at)
        return false;
    json_set_string(parameters, "value", words_text(&m->words, at, n, m->arena));
    return true;
}

/* DD/MM/YYYY, yyyy-mm-dd, %d.%m.%Y; NULL when it is none. */
static const char *date_pattern(const struct mind *m, const char *raw)
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

/* "%d.%m.%Y" for "31.12.2024"; NULL where day and month could be either. */
static const char *number_pattern(const struct mind *m, const char *raw)
{
    static const char *const orders[][3] = { { "%Y", "%m", "%d" }, { "%d", "%m", "%Y" },
        { "%m", "%d", "%Y" } };
    int part[3] = { 0 };
    char mark = 0;
    size_t digits = strspn(raw, "0123456789"), order;

    if (sscanf(raw, "%4d%c%2d%*c%4d", &part[0], &mark, &part[1], &part[2]) != 4)
        return NULL;
    if (digits == 4)
        order = 0;
    else if (part[0] > 12)
        order = 1;
    else if (part[1] > 12)
        order = 2;
    else
        return NULL;
    return arena_printf(
        m->arena, "%s%c%s%c%s", orders[order][0], mark, orders[order][1], mark, orders[order][2]);
}

/* "%d %B %Y" for "20 January 2024", "%b %d, %Y" for "Jan 20, 2024". */
static const char *example_pattern(const struct mind *m, size_t at, size_t end)
{
    const struct word *w = m->words.v;
    struct when when;
    struct buf b;
    const char *out;

    if (!chat_when(&m->words, at, end, &when) || strcmp(when.first, when.last) != 0)
        return NULL;
    if (when.n_words == 1)
        return number_pattern(m, w[at].raw);
    buf_init(&b, 256);
    for (size_t i = at; i < at + when.n_words; i++) {
        bool mark = w[i].kind == WORD_STOP;
        size_t n = strlen(w[i].key);

        if (i > at && !mark)
            buf_addc(&b, ' ');
        if (mark || strcmp(w[i].key, "of") == 0)
            buf_adds(&b, w[i].raw);
        else if (isdigit((unsigned char)w[i].key[0]))
            buf_adds(&b, n == 4 && w[i].kind == WORD_NUMBER ? "%Y" : "%d");
        else
            buf_adds(&b, n > 4 || (n == 4 && w[i].key[3] != 't') || strcmp(w[i].key, "may") == 0
                             ? "%B"
                             : "%b");
    }
    out = arena_strdup(m->arena, buf_str(&b));
    buf_deinit(&b);
    return out;
}

/* Where an example of a date begins: behind "like"; `to` when there is none. */
static size_t example_at(const struct mind *m, size_t from, size_t to)
{
    static const char *const likes[] = { "like", "such as", "in the form", "in the style of",
        "formatted like", "written like", "in the format", "as", NULL };
    size_t at = words_find(&m->words, from, to, likes);

    while (at < to) {
        size_t behind = at + words_say_any(&m->words, at, to, likes);

        if (example_pattern(m, behind, to))
            return behind;
        at = words_find(&m->words, at + 1, to, likes);
    }
    return to;
}

bool says_date_shape(const struct mind *m, size_t from, size_t to)
{
    size_t at = example_at(m, from, to);

    for (size_t i = from; i < to; i++) {
        if (m->words.v[i].kind != WORD_NUMBER && date_pattern(m, m->words.v[i].raw))
            return true;
    }
    return at < to && example_pattern(m, at, to);
}

static void date_parameters(struct mind *m, const struct clause *c, struct json *parameters)
{
    size_t at = example_at(m, c->from, c->to);
    const char *example = at < c->to ? example_pattern(m, at, c->to) : NULL;

    if (example) {
        json_set_string(parameters, "format", example);
        return;
    }
    for (size_t i = c->from; i < c->to; i++) {
        const char *pattern = date_pattern(m, m->words.v[i].raw);

        if (pattern) {
            json_set_string(parameters, "format", pattern);
            return;
        }
    }
    if (says(m, c, "european"))
        json_set_string(parameters, "format", "%d/%m/%Y");
    else if (says(m, c, "us") || says(m, c, "american"))
        json_set_string(parameters, "format", "%m/%d/%Y");
}

/* ---- columns ---- */

/* "all columns", "everything": those that hold text. */
static size_t all_text_columns(const struct mind *m, const struct clause *c, const char **out)
{
    static const char *const alls[] = { "all columns", "every column", "everything", "all text",
        "all the columns", "each column", "all texts", "all fields", NULL };
    size_t n = 0;

    if (!says_any(m, c, alls))
        return 0;
    for (size_t i = 0; i < m->table.n_columns && n < NAMES_MAX; i++) {
        const struct chat_column *column = &m->table.columns[i];

        if (!chat_column_is_number(column) && !chat_column_is_date(column) &&
            !chat_column_is_bool(column))
            out[n++] = column->name;
    }
    return n;
}

/* "..., but not the name": those columns are none of them. Returns how many are left. */
static size_t leave_out(
    struct mind *m, const struct clause *c, size_t from, const char **names, size_t n)
{
    const char *others[NAMES_MAX];
    size_t n_others = named_columns(m, from, c->to, others, NAMES_MAX), left = 0;

    for (size_t i = 0; i < n; i++) {
        bool out = false;

        for (size_t k = 0; k < n_others; k++)
            out = out || strcmp(names[i], others[k]) == 0;
        if (!out)
            names[left++] = names[i];
    }
    return left;
}

static size_t columns_of(struct mind *m, const struct clause *all, size_t from, const char **out)
{
    static const char *const pronouns[] = { "them", "these", "those", "it", "that", NULL };
    static const char *const excepts[] = { "but not", "not", "except", "except for", "excluding",
        "apart from", NULL };
    const struct clause part = { all->from, words_find(&m->words, from, all->to, excepts) },
                        *c = &part;
    size_t n = named_columns(m, from, c->to, out, NAMES_MAX);

    if (n == 0 && from > c->from)
        n = named_columns(m, c->from, from, out, NAMES_MAX);
    if (n == 0)
        n = all_text_columns(m, c, out);
    if (n == 0 && says_any(m, c, pronouns)) {
        for (; n < m->n_columns; n++)
            out[n] = m->columns[n];
    }
    if (c->to < all->to)
        n = leave_out(m, all, c->to, out, n);
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

void forget_values(struct mind *m, const char *name)
{
    struct chat_column *columns = arena_calloc(m->arena, m->table.n_columns, sizeof *columns);

    if (!columns)
        return; /* Then a known spelling is offered that may not fit. */
    memcpy(columns, m->table.columns, m->table.n_columns * sizeof *columns);
    for (size_t i = 0; i < m->table.n_columns; i++) {
        if (name && strcmp(columns[i].name, name) == 0)
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
        return true;
    }
    json_set(arguments, "normalizations", list);
    return add_step(m, rules_op, arguments);
}

void spare_columns(struct mind *m, const char *const *names, size_t n)
{
    struct json *last = last_arguments(m, rules_op), *kept = json_new_array();
    const struct json *list = json_get(last, "normalizations");

    for (size_t i = 0; i < json_len(list); i++) {
        const char *column = json_get_string(json_at(list, i), "column_name");
        bool spared = false;

        for (size_t k = 0; k < n; k++)
            spared = spared || strcmp(column, names[k]) == 0;
        if (!spared)
            json_add(kept, json_ref(json_at(list, i)));
    }
    if (json_len(kept) > 0)
        json_set(last, "normalizations", json_ref(kept));
    json_free(kept);
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
             !replace_parameters(m, c, wish->at + wish->n_words, parameters, from))
        *question = "What should be replaced with what?";
    return *question == NULL;
}

/* A number that fills columns of numbers is one. */
static void fill_as_number(
    const struct mind *m, const char *const *names, size_t n, struct json *parameters)
{
    const char *text = json_get_string(parameters, "value");
    int64_t whole;
    double number;

    for (size_t i = 0; i < n; i++) {
        const struct chat_column *c = chat_table_column(&m->table, names[i]);

        if (!c || !chat_column_is_number(c))
            return;
    }
    if (text && num_parse_int(text, strlen(text), &whole))
        json_set_int(parameters, "value", whole);
    else if (text && num_parse(text, strlen(text), &number))
        json_set_real(parameters, "value", number);
}

/* "replace offen with open": the column that has the value. */
static size_t column_of_value(struct mind *m, size_t at, size_t end, const char **out)
{
    struct known_value value;

    if (!chat_value(&m->words, at, end, &m->table, SIZE_MAX, m->arena, &value))
        return 0;
    out[0] = m->table.columns[value.column].name;
    return 1;
}

static bool says_format_only(const struct mind *m, const struct wish *wish)
{
    return is_rule(wish, "date_format") &&
           words_say(&m->words, wish->at, wish->at + wish->n_words, "format");
}

/* Do any of them look like dates? Texts of a column called "date" do. */
static bool has_date(const struct mind *m, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(fitting_rule(m, names[i]), "date_format") == 0)
            return true;
    }
    return false;
}

/* One rule and the columns said with it; what is left of the clause may hold another. */
static bool read_one(struct mind *m, const struct clause *c, const struct wish *wish)
{
    const char *names[NAMES_MAX], *question, *rule = wish->rule->name;
    struct json *parameters = json_new_object();
    size_t from = wish->at + wish->n_words, n;
    bool ok;

    if (!read_parameters(m, c, wish, parameters, &from, &question)) {
        json_free(parameters);
        return ask(m, "parameters", question);
    }
    n = columns_of(m, c, from, names);
    if (n == 0 && is_rule(wish, "categorical_mapping"))
        n = column_of_value(m, wish->at + wish->n_words, c->to, names);
    if (n == 0) {
        json_free(parameters);
        return ask(m, "column_name", "Which column?");
    }
    if (wish->n_words == 1 && says_format_only(m, wish) && json_len(parameters) == 0 &&
        !has_date(m, names, n))
        rule = NULL;
    if (is_rule(wish, "fill_null_values"))
        fill_as_number(m, names, n, parameters);
    else if (is_rule(wish, "categorical_mapping"))
        rule = replace_rule(m, names, n, parameters);
    ok = add_rules(m, names, n, rule, parameters);
    json_free(parameters);
    return ok;
}

/* `remove "-" from phone` */
static bool read_removal(struct mind *m, const struct clause *c)
{
    const char *names[NAMES_MAX];
    struct json *parameters = json_new_object();
    size_t at = removal_parameters(m, c, parameters),
           n = named_columns(m, at, c->to, names, NAMES_MAX);
    bool ok = add_rules(m, names, n, "regex_replace", parameters);

    json_free(parameters);
    return ok;
}

/* What the clause says of no rule by name: a shape for dates, or "clean up" and a column. */
static bool read_unnamed(struct mind *m, const struct clause *c)
{
    const char *names[NAMES_MAX];
    size_t n = columns_of(m, c, c->from, names);

    if (n > 0 && says_date_shape(m, c->from, c->to)) {
        struct json *parameters = json_new_object();
        bool ok;

        date_parameters(m, c, parameters);
        ok = add_rules(m, names, n, "date_format", parameters);
        json_free(parameters);
        return ok;
    }
    return n ? add_rules(m, names, n, NULL, NULL)
             : ask(m, "normalizations",
                   "What should be done to which column? Like: uppercase name, or round price "
                   "to 2 decimals.");
}

bool read_rules(struct mind *m, const struct clause *c)
{
    const char *names[NAMES_MAX];
    struct wish wish, next;
    size_t n;

    if (says_removal(m, c))
        return read_removal(m, c);
    if (!find_rule(m, c->from, c->to, &wish))
        return read_unnamed(m, c);
    replaced_by_rule(m, c, &wish);
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
