/*
 * Conditions: "credit over 100", "between 5 and 10", "signed up before March 2024", "without an email", "active customers".
 *
 * The clause becomes a row of items (columns, comparisons, values, small words); patterns of items become conditions.
 */

#include "chat/rows.h"

#include <string.h>

static const char *const relatives[] = { "that", "which", "who", "whose", "must", "should", "be",
    "has", "have", "had", "value", "values", "column", "of", NULL };
static const char *const removers[] = { "remove", "drop", "delete", "exclude", "discard", "omit",
    "get rid of", "throw away", "filter out", "leave out", "skip", "ignore", "without the", NULL };

static bool negated_before(const struct rows *r, size_t i)
{
    for (size_t back = 1; back <= 2 && back <= i; back++) {
        if (rows_item(r, i - back)->kind == ITEM_NOT)
            return true;
        if (rows_item(r, i - back)->kind != ITEM_WORD && rows_item(r, i - back)->kind != ITEM_IS)
            return false;
    }
    return false;
}

/* "in 2024", "on 1 March 2024": a small word at `at`, and days behind it. */
static bool is_span_behind(const struct rows *r, size_t at)
{
    static const char *const links[] = { "in", "on", "dated", "of", "for", NULL };
    const struct item *next = rows_item(r, rows_skip_articles(r, at + 1));
    struct when when;

    return rows_item(r, at)->kind == ITEM_WORD && rows_say(r, at, links) &&
           (next->kind == ITEM_WHEN ||
               (next->kind == ITEM_NUMBER && chat_when_year(next->number, &when)));
}

/* "orders placed in February 2024": the only column of dates is meant. */
static bool read_span(struct rows *r, size_t *i)
{
    const struct chat_column *c = rows_only_column(r, chat_column_is_date);
    size_t at = *i + 1;

    if (!c || !is_span_behind(r, *i) || !rows_read_equal(r, &at, c, negated_before(r, *i), false))
        return false;
    *i = at;
    return true;
}

/* "negative temperatures", "credit is positive" */
static bool read_sign(struct rows *r, const struct item *it, const struct chat_column *c)
{
    const struct words *w = &r->m->words;
    bool negative = words_say(w, it->from, it->to, "negative") > 0;

    if (it->kind != ITEM_WORD || (!negative && !words_say(w, it->from, it->to, "positive")))
        return false;
    rows_emit(r, c->name, negative ? "less_than" : "greater_than", false, json_new_int(0));
    return true;
}

/* What may follow a column: a state, a comparison, "is" and a value, or a value at once. */
static bool read_about(struct rows *r, size_t *i, const struct chat_column *c)
{
    size_t at = *i;
    bool negated = false, is = false;

    for (;; at++) {
        const struct item *it = rows_item(r, at);

        if (at < r->n && it->kind == ITEM_WORD &&
            words_say_any(&r->m->words, it->from, it->to, relatives))
            continue;
        if (at < r->n && chat_column_is_date(c) && is_span_behind(r, at)) {
            is = true;
            continue;
        }
        if (at < r->n && it->kind == ITEM_NOT) {
            negated = !negated;
            is = true;
        } else if (at < r->n && it->kind == ITEM_IS) {
            is = true;
        } else {
            break;
        }
    }
    if (at >= r->n)
        return false;
    switch (rows_item(r, at)->kind) {
    case ITEM_STATE:
        rows_emit(r, c->name, rows_item(r, at)->op, negated, NULL);
        *i = at + 1;
        return true;
    case ITEM_COMPARE:
        if (!rows_read_compare(r, &at, c, negated))
            return false;
        *i = at;
        return true;
    case ITEM_NUMBER:
    case ITEM_QUOTED:
    case ITEM_WHEN:
        if (!is && rows_item(r, at)->kind == ITEM_WHEN)
            return false;
        break;
    case ITEM_VALUE:
        if (!is && rows_item(r, at)->value.column != (size_t)(c - r->m->table.columns))
            return false;
        break;
    default:
        if (!is)
            return false;
        if (!negated && chat_column_is_number(c) && read_sign(r, rows_item(r, at), c)) {
            *i = at + 1;
            return true;
        }
        break;
    }
    if (!rows_read_equal(r, &at, c, negated, false))
        return false;
    *i = at;
    return true;
}

/* Do the clause's words speak of rows, so that a column of yes and no alone is a condition? */
static bool speaks_of_rows(const struct rows *r, const struct clause *c)
{
    static const char *const rows[] = { "rows", "row", "records", "entries", "lines", "that", "who",
        "which", "where", "only", "those", "ones", "people", "everyone", "everybody", "items",
        NULL };

    for (size_t i = c->from; i < c->to; i++) {
        if (words_say_any(&r->m->words, i, c->to, rows) ||
            chat_is_noun(&r->m->table, r->m->words.v[i].key))
            return true;
    }
    return false;
}

static size_t count_columns(const struct rows *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += r->items[i].kind == ITEM_COLUMN;
    return n;
}

/* "find customer 0003": the rows' own name, then an identifier. */
static bool read_identifier(struct rows *r, size_t *i)
{
    const struct words *w = &r->m->words;
    const struct item *it = rows_item(r, *i), *next = rows_item(r, *i + 1);
    const char *key = w->v[it->from].key;
    struct arena *arena = r->m->arena;

    if (it->kind != ITEM_WORD || *i + 1 >= r->n || !chat_is_noun(&r->m->table, key) ||
        (next->kind != ITEM_NUMBER && next->kind != ITEM_VALUE && next->kind != ITEM_QUOTED))
        return false;
    for (size_t k = 0; k < r->m->table.n_columns; k++) {
        const struct chat_column *c = &r->m->table.columns[k];
        const char *name = arena_printf(arena, "%s id", chat_singular(arena, key));

        if (!name || (strcmp(c->key, name) != 0 && strcmp(c->key, "id") != 0))
            continue;
        *i += 1;
        return rows_read_equal(r, i, c, false, false);
    }
    return false;
}

/* A column that nothing is said about: a condition where it holds yes and no; with "with" or "without" before it. */
static bool read_bare(struct rows *r, const struct clause *c, size_t *i)
{
    static const char *const infos[] = { "info", "information", "value", "entry", "answer", NULL };
    size_t at = *i;
    const struct item *it = rows_item(r, at), *before = at > 0 ? rows_item(r, at - 1) : NULL;
    const struct chat_column *column = rows_column(r, it);

    while (before && before > r->items && before->kind == ITEM_WORD && rows_is_article(r, before))
        before--;
    if (before && chat_column_is_number(column) && read_sign(r, before, column)) {
        *i = at + 1;
        return true;
    }
    if (before && before->kind == ITEM_LACK) {
        if (chat_column_is_bool(column) && !rows_say(r, at + 1, infos))
            rows_emit(r, column->name, "equals", false, json_new_bool(false));
        else
            rows_emit(r, column->name, "is_empty", false, NULL);
    } else if (chat_column_is_bool(column) &&
               (negated_before(r, at) || (speaks_of_rows(r, c) && count_columns(r) == 1))) {
        rows_emit(r, column->name, "equals", false, json_new_bool(!negated_before(r, at)));
    } else if (before && before->kind == ITEM_HAVE && speaks_of_rows(r, c)) {
        rows_emit(r, column->name, "is_not_empty", false, NULL);
    } else {
        return false;
    }
    *i = at + 1;
    return true;
}

/* "out of stock" and "in stock", where there is a number for it. */
static bool read_stock(struct rows *r, size_t *i)
{
    static const char *const out[] = { "out of stock", "sold out", NULL };
    static const char *const in[] = { "in stock", "available", NULL };
    const struct words *w = &r->m->words;
    const struct chat_column *c = rows_column_about(r, "stock");
    size_t from = rows_item(r, *i)->from, n;
    bool none;

    if (!c || !chat_column_is_number(c) || *i >= r->n)
        return false;
    n = words_say_any(w, from, w->n, out);
    none = n > 0;
    if (!none && !(n = words_say_any(w, from, w->n, in)))
        return false;
    rows_emit(r, c->name, none ? "equals" : "greater_than", false, json_new_int(0));
    while (*i < r->n && rows_item(r, *i)->from < from + n)
        *i += 1;
    return true;
}

/* Is the word one of those in some values ("laptops": Laptop 15"), and no part of another word ("male": Female)? */
static bool is_kind(const struct rows *r, const struct item *it, const struct chat_column *c)
{
    const char *key = chat_singular(r->m->arena, r->m->words.v[it->from].key);
    bool kind = false;

    for (size_t i = 0; i < c->n_values; i++) {
        const char *value = c->value_keys[i], *p = strstr(value, key);

        if (p && p > value && p[-1] != ' ')
            return false;
        kind = kind || p;
    }
    return kind;
}

/* A known value alone: "active customers". Of several, "laptops", all that hold the word are meant. */
static bool read_value(struct rows *r, size_t *i)
{
    const struct item *it = rows_item(r, *i);
    const struct chat_column *c = &r->m->table.columns[it->value.column];

    if (it->to == it->from + 1 && !it->value.whole && is_kind(r, it, c)) {
        rows_emit(r, c->name, "contains", negated_before(r, *i),
            json_new_string(chat_singular(r->m->arena, r->m->words.v[it->from].key)));
        *i += 1;
        return true;
    }
    return rows_read_equal(r, i, c, negated_before(r, *i), false);
}

/* The conditions from `from` on must not hold: the opposite of each, and any for all. */
static void turn_round(struct rows *r, size_t from)
{
    struct json *turned = json_new_array();
    size_t n = json_len(r->out) - from;

    if (n > 1 && from > 0) /* "x and not (y and z)" is none that the operation has. */
        r->failed = true;
    for (size_t i = 0; i < json_len(r->out); i++) {
        struct json *one = json_clone(json_at(r->out, i));
        const char *op = json_get_string(one, "operator");

        op = i < from ? op : rows_opposite(op);
        if (!op) {
            json_free(one);
            r->failed = true;
            continue;
        }
        json_set_string(one, "operator", op);
        json_add(turned, one);
    }
    json_free(r->out);
    r->out = turned;
    if (n > 1)
        r->or_said = !r->or_said;
}

/* "orders over 10": what looks like order_id is the word for the rows. */
static bool is_rows_word(const struct rows *r, size_t i)
{
    static const char *const links[] = { "of", "for", "that", "where", NULL };
    const struct item *it = rows_item(r, i), *next;
    const char *key = rows_column(r, it)->key;
    size_t n = strlen(key);

    i++;
    while (rows_item(r, i)->kind == ITEM_HAVE || rows_item(r, i)->kind == ITEM_IS ||
           (rows_item(r, i)->kind == ITEM_WORD && rows_say(r, i, links)))
        i++;
    next = rows_item(r, i);
    return it->column.strength == MENTION_PART && n > 3 && strcmp(key + n - 3, " id") == 0 &&
           next->kind == ITEM_COMPARE && strstr(next->op, "than");
}

static void read_all(struct rows *r, const struct clause *c)
{
    bool or_next = false;
    size_t except = SIZE_MAX;

    for (size_t i = 0; i < r->n;) {
        const struct item *it = rows_item(r, i);
        size_t n = json_len(r->out), at = i;
        bool read = false;

        if (it->kind == ITEM_OR)
            or_next = true;
        if (it->kind == ITEM_EXCEPT && except == SIZE_MAX)
            except = n;
        if (read_stock(r, &at)) {
            read = true;
        } else if (it->kind == ITEM_COLUMN && !is_rows_word(r, i)) {
            at = i + 1;
            read = it->column.n_columns == 1 && read_about(r, &at, rows_column(r, it));
            if (!read) {
                at = i;
                read = it->column.n_columns == 1 && read_bare(r, c, &at);
            }
        } else if (it->kind == ITEM_COMPARE) {
            read = rows_read_compare(r, &at, NULL, negated_before(r, i));
        } else if (it->kind == ITEM_VALUE) {
            read = read_value(r, &at);
        } else {
            read = read_span(r, &at) || read_identifier(r, &at);
        }
        if (read && or_next && n > 0)
            r->or_said = true;
        if (read)
            or_next = false;
        i = read ? at : i + 1;
    }
    if (except < json_len(r->out))
        turn_round(r, except);
}

struct json *read_conditions(struct mind *m, const struct clause *c, bool *logic_or)
{
    struct rows r = { .m = m, .out = json_new_array() };

    *logic_or = false;
    rows_collect(&r, c);
    read_all(&r, c);
    if (json_len(r.out) && words_say_any(&m->words, c->from, c->to, removers))
        turn_round(&r, 0);
    *logic_or = r.or_said;
    if (r.failed || json_len(r.out) == 0) {
        json_free(r.out);
        return NULL;
    }
    return r.out;
}

bool says_unread(struct mind *m, const struct clause *c)
{
    struct rows r = { .m = m };

    rows_collect(&r, c);
    for (size_t i = 0; i < r.n; i++) {
        enum item_kind kind = r.items[i].kind;

        if (kind == ITEM_WHEN || kind == ITEM_STATE ||
            (kind == ITEM_COMPARE && strstr(r.items[i].op, "than")) ||
            (kind == ITEM_NUMBER && i > 0 && r.items[i - 1].kind != ITEM_WORD))
            return true;
    }
    return false;
}

bool read_rows(struct mind *m, const struct clause *c)
{
    bool logic_or = false,
         csv = strcmp(m->table.format, "csv") == 0 || strcmp(m->table.format, "tsv") == 0;
    const char *name = csv ? "csv/search" : "excel/search";
    struct json *conditions = read_conditions(m, c, &logic_or), *arguments, *last;

    if (!conditions) {
        return m->out->missing ? true
                               : ask(m, "conditions",
                                     "Which rows do you want? Name a column and what it should be, "
                                     "like: status is active.");
    }
    last = last_arguments(m, "csv/search");
    if (!last)
        last = last_arguments(m, "excel/search");
    if (last && !logic_or && !json_get(last, "logic")) { /* "..., and credit over 100": both. */
        json_set(last, "conditions", rows_merged(m, json_get(last, "conditions"), conditions));
        json_free(conditions);
        name_result(m, c, name, last);
        return true;
    }
    arguments = json_new_object();
    json_set(arguments, "conditions", conditions);
    if (logic_or)
        json_set_string(arguments, "logic", "OR");
    name_result(m, c, name, arguments);
    return add_step(m, name, arguments);
}
