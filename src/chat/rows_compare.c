/* Values and comparisons, and the conditions they become. */

#include "chat/rows.h"

#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 100 };

const char *rows_opposite(const char *op)
{
    static const char *const pairs[][2] = { { "equals", "not_equals" },
        { "contains", "not_contains" }, { "is_empty", "is_not_empty" },
        { "greater_than", "less_than_or_equal" }, { "less_than", "greater_than_or_equal" },
        { "in", "not_in" } };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (strcmp(op, pairs[i][0]) == 0)
            return pairs[i][1];
        if (strcmp(op, pairs[i][1]) == 0)
            return pairs[i][0];
    }
    if (strcmp(op, "before") == 0)
        return "greater_than_or_equal";
    return strcmp(op, "after") == 0 ? "less_than_or_equal" : NULL;
}

bool said_already(const struct json *list, const struct json *one)
{
    for (size_t i = 0; i < json_len(list); i++) {
        if (same_json(json_at(list, i), one))
            return true;
    }
    return false;
}

void rows_emit(struct rows *r, const char *column, const char *op, bool negated, struct json *value)
{
    struct json *o = json_new_object();

    if (negated)
        op = rows_opposite(op);
    if (!op) {
        json_free(value);
        json_free(o);
        r->failed = true;
        return;
    }
    json_set_string(o, "column", column);
    json_set_string(o, "operator", op);
    if (value)
        json_set(o, "value", value);
    if (said_already(r->out, o)) /* "out of stock (stock = 0)" */
        json_free(o);
    else
        json_add(r->out, o);
    r->last_column = column;
}

const struct chat_column *rows_only_column(
    const struct rows *r, bool (*is)(const struct chat_column *))
{
    const struct chat_column *found = NULL;

    for (size_t i = 0; i < r->m->table.n_columns; i++) {
        if (!is(&r->m->table.columns[i]))
            continue;
        if (found)
            return NULL;
        found = &r->m->table.columns[i];
    }
    return found;
}

static bool is_amount(const struct chat_column *c)
{
    return chat_column_is_number(c) && !chat_column_is_identifier(c);
}

/* The column that a number alone may be compared with: numbers of things are not over 100. */
static const struct chat_column *amount_column(const struct rows *r)
{
    const struct chat_column *c = rows_only_column(r, is_amount);

    return c ? c : rows_only_column(r, chat_column_is_number);
}

const struct chat_column *rows_date_column(const struct rows *r)
{
    const struct chat_table *t = &r->m->table;
    const struct chat_column *only = rows_only_column(r, chat_column_is_date);
    size_t n = t->noun_singular ? strlen(t->noun_singular) : 0, named = 0, found = 0;

    if (only || n == 0 || !t->columns)
        return only;
    for (size_t i = 0; i < t->n_columns; i++) {
        const char *key = t->columns[i].key;

        if (chat_column_is_date(&t->columns[i]) && strncmp(key, t->noun_singular, n) == 0 &&
            (!key[n] || key[n] == ' ')) {
            named++;
            found = i;
        }
    }
    return named == 1 ? &t->columns[found] : NULL;
}

const struct chat_column *rows_column_about(const struct rows *r, const char *about)
{
    struct mention mention;
    struct words w;
    struct err err;

    if (about && words_split(about, r->m->arena, &w, &err) &&
        chat_mention(&w, 0, w.n, &r->m->table, r->m->arena, &mention))
        return &r->m->table.columns[mention.columns[0]];
    return NULL;
}

/* "3 pieces quantity": a unit at `at`, and the column of what is measured in it. */
static bool is_unit(const struct rows *r, size_t at)
{
    const struct item *next = rows_item(r, at + 1);

    return rows_is_foreign(r, rows_item(r, at)) && next->kind == ITEM_COLUMN &&
           next->column.strength == MENTION_EXACT && chat_column_is_number(rows_column(r, next));
}

/* The column of a comparison that stands before its column: "over 1000 in unit price"; *i past it. */
static const struct chat_column *column_behind(const struct rows *r, size_t *i)
{
    static const char *const links[] = { "in", "of", "for", "in the", "of the", "on", NULL };
    size_t at = *i;

    if (is_unit(r, at) ||
        (rows_item(r, at)->kind == ITEM_WORD &&
            words_say_any(&r->m->words, rows_item(r, at)->from, rows_item(r, at)->to, links)))
        at++;
    at = rows_skip_articles(r, at);
    if (rows_item(r, at)->kind != ITEM_COLUMN || rows_item(r, at + 1)->kind == ITEM_COMPARE ||
        rows_item(r, at + 1)->kind == ITEM_IS)
        return NULL;
    *i = at + 1;
    return rows_column(r, rows_item(r, at));
}

static const char *day_text(const char *op, const struct when *when)
{
    return strcmp(op, "after") == 0 || strcmp(op, "less_than_or_equal") == 0 ||
                   strcmp(op, "greater_than") == 0
               ? when->last
               : when->first;
}

static const char *day_op(const char *op)
{
    return strcmp(op, "greater_than") == 0 ? "after" : strcmp(op, "less_than") == 0 ? "before" : op;
}

static struct json *pair(struct json *low, struct json *high)
{
    struct json *list = json_new_array();

    json_add(list, low);
    json_add(list, high);
    return list;
}

static bool is_order(const char *op)
{
    return strstr(op, "than") || strcmp(op, "before") == 0 || strcmp(op, "after") == 0;
}

/* The value of a comparison. Texts may be numbers ("4.20"), and only numbers have an order. */
static struct json *compared_value(
    const struct rows *r, size_t *i, const struct chat_column *c, const char *op, struct when *when)
{
    size_t at = rows_skip_articles(r, *i);
    const struct item *it = rows_item(r, at);

    if (!is_order(op) || !c || chat_column_is_date(c) || it->kind != ITEM_NUMBER)
        return rows_value_at(r, i, c, when);
    when->n_words = 0;
    *i = at + 1;
    return rows_number(&r->m->words.v[it->from]);
}

/* "between 5 and 10", "from 2024-01-01 to 2024-02-28"; *i behind the word "between". */
static bool read_between(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    static const char *const tos[] = { "to", "until", "till", "and", "-", "through", NULL };
    struct when first, last = { 0 };
    size_t at = *i;
    struct json *low = compared_value(r, &at, c, "than", &first), *high = NULL;

    if (low &&
        (rows_item(r, at)->kind == ITEM_AND || rows_item(r, at)->kind == ITEM_COMPARE ||
            words_say_any(&r->m->words, rows_item(r, at)->from, rows_item(r, at)->to, tos))) {
        at++;
        high = compared_value(r, &at, c, "than", &last);
    }
    if (!high || json_kind(low) == JSON_KIND_BOOL || (first.n_words > 0) != (last.n_words > 0)) {
        json_free(low);
        json_free(high);
        return false;
    }
    if (!c)
        c = column_behind(r, &at);
    if (!c)
        c = first.n_words ? rows_date_column(r) : amount_column(r);
    if (!c || (!first.n_words && json_kind(low) == JSON_KIND_STRING)) {
        json_free(low);
        json_free(high);
        return false;
    }
    if (first.n_words) {
        json_free(high);
        high = json_new_string(last.last);
    }
    rows_emit(r, c->name, "between", negated, pair(low, high));
    *i = at;
    return true;
}

/* A day said without its month or year, which the later one has: "2 March", "March 2", "March", "2". */
static bool part_of_day(const struct rows *r, size_t *i, struct when_part *out)
{
    const struct words *w = &r->m->words;
    const struct item *it = rows_item(r, *i);
    size_t n = *i < r->n ? chat_when_part(w, it->from, w->n, out) : 0, end = it->from + n;

    if (n == 0)
        return false;
    while (*i < r->n && rows_item(r, *i)->from < end)
        *i += 1;
    return true;
}

/* "between 2 and 5 March 2024", "from January to March 2024"; *i behind the word "between". */
static bool read_days_between(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    static const char *const tos[] = { "to", "until", "till", "and", "-", "–", "through", NULL };
    struct when_part part;
    struct when first;
    size_t at = rows_skip_articles(r, *i);
    const struct item *last;

    c = c ? c : rows_date_column(r);
    if (!c || !chat_column_is_date(c) || !part_of_day(r, &at, &part) || !rows_say(r, at, tos))
        return false;
    at = rows_skip_articles(r, at + 1);
    last = rows_item(r, at);
    if (at >= r->n || last->kind != ITEM_WHEN || !chat_when_complete(&part, &last->when, &first))
        return false;
    rows_emit(r, c->name, "between", negated,
        pair(json_new_string(first.first), json_new_string(last->when.last)));
    *i = at + 1;
    return true;
}

static bool is_quoted(const struct rows *r, size_t i)
{
    return rows_item(r, rows_skip_articles(r, i))->kind == ITEM_QUOTED;
}

/* Further values behind "or" (and commas before it): "Paris, London or Rome"; *i past them. */
static void more_values(struct rows *r, size_t *i, const struct chat_column *c, struct json *list)
{
    for (size_t at = *i; json_len(list) < VALUES_MAX;) {
        enum item_kind link = rows_item(r, at)->kind;
        struct when when;
        struct json *value;
        bool quoted;

        if (link != ITEM_OR && link != ITEM_COMMA && link != ITEM_AND)
            return;
        at++;
        if (link == ITEM_COMMA && rows_item(r, at)->kind == ITEM_OR)
            at++;
        if (rows_item(r, at)->kind == ITEM_IS)
            at++;
        if (rows_item(r, at)->kind == ITEM_COLUMN || rows_item(r, at)->kind == ITEM_COMPARE ||
            at >= r->n)
            return;
        if (link != ITEM_OR && rows_item(r, at)->kind != ITEM_VALUE &&
            rows_item(r, at)->kind != ITEM_QUOTED && rows_item(r, at)->kind != ITEM_NUMBER)
            return;
        if (rows_item(r, at)->kind == ITEM_VALUE &&
            rows_item(r, at)->value.column != (size_t)(c - r->m->table.columns))
            return;
        quoted = is_quoted(r, at);
        value = rows_value_at(r, &at, c, &when);
        if (!value)
            return;
        json_add(list, rows_checked(r, c, value, quoted));
        *i = at;
    }
}

/* One value, or several of which one must be equal. */
bool rows_read_equal(
    struct rows *r, size_t *i, const struct chat_column *c, bool negated, bool listed)
{
    struct json *list = json_new_array(), *first;
    struct when when;
    size_t at = *i;

    first = rows_value_at(r, &at, c, &when);
    if (!first) {
        json_free(list);
        return false;
    }
    if (rows_item(r, at)->kind == ITEM_BEHIND &&
        (when.n_words || json_kind(first) != JSON_KIND_STRING)) { /* 3 or more */
        const char *op = rows_item(r, at)->op;

        json_free(list);
        if (when.n_words) {
            json_free(first);
            first = json_new_string(day_text(op, &when));
        }
        rows_emit(r, c->name, op, negated, first);
        *i = at + 1;
        return true;
    }
    if (when.n_words && strcmp(when.first, when.last) != 0) { /* In March: on any day of it. */
        json_free(list);
        rows_emit(r, c->name, "between", negated, pair(first, json_new_string(when.last)));
        *i = at;
        return true;
    }
    json_add(list, rows_checked(r, c, first, is_quoted(r, *i)));
    more_values(r, &at, c, list);
    if (json_len(list) > 1 || listed) {
        rows_emit(r, c->name, "in", negated, list);
    } else {
        rows_emit(r, c->name, "equals", negated, json_ref(json_at(list, 0)));
        json_free(list);
    }
    *i = at;
    return true;
}

/* "from March 2024", "from 2024-03-01 on": on some day of it, or since then. */
static bool read_from(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    static const char *const on[] = { "on", "onwards", "onward", "and later", NULL };
    size_t at = *i, end;
    struct when when;
    struct json *value;

    c = c ? c : rows_date_column(r);
    if (!c || !chat_column_is_date(c) ||
        !rows_say(r, at - 1, (const char *const[]){ "from", NULL }))
        return false;
    value = rows_value_at(r, &at, c, &when);
    end = at;
    if (value && when.n_words && rows_say(r, at, on)) {
        rows_emit(r, c->name, "greater_than_or_equal", negated, value);
        *i = end + 1;
        return true;
    }
    json_free(value);
    return when.n_words && rows_read_equal(r, i, c, negated, false);
}

/* Which column a comparison is about that implies one, or that has none said with it. */
static const struct chat_column *implied_column(
    const struct rows *r, const struct item *it, const struct chat_column *c)
{
    const struct chat_column *about = rows_column_about(r, it->about);

    /* "orders cheaper than 5": what was taken for a column is the word for the rows. */
    return about && (!c || !chat_column_is_number(c)) ? about : c;
}

/* The column for a comparison that names none: the only one of that kind, or the one of years. */
static const struct chat_column *fitting_column(
    const struct rows *r, const char *op, const struct json *value, const struct when *when)
{
    bool day = when->n_words > 0, number = json_kind(value) != JSON_KIND_STRING;
    const struct chat_column *c = NULL;
    struct when year;

    if (number && (strcmp(op, "before") == 0 || strcmp(op, "after") == 0))
        day = chat_when_year(json_num(value, 0), &year);
    if (day)
        c = rows_date_column(r);
    if (!c && number)
        c = amount_column(r);
    if (!c && number && chat_when_year(json_num(value, 0), &year))
        c = rows_column_about(r, "year");
    return c;
}

/* "credit over 7 and below 9": the column that was just compared. */
static const struct chat_column *column_before(
    const struct rows *r, size_t i, const struct json *value, const struct when *when)
{
    const struct chat_column *c =
        r->last_column ? chat_table_column(&r->m->table, r->last_column) : NULL;

    if (!c || i == 0 || rows_item(r, i - 1)->kind != ITEM_AND)
        return NULL;
    if (when->n_words)
        return chat_column_is_date(c) ? c : NULL;
    return json_kind(value) != JSON_KIND_STRING && chat_column_is_number(c) ? c : NULL;
}

/* Numbers are not before or after; someone of 40 is older than 30, what is from 1990 than 2000. */
static const char *number_op(const struct item *it)
{
    bool age = it->about && strcmp(it->about, "age") == 0;

    if (strcmp(it->op, "before") == 0)
        return age ? "greater_than" : "less_than";
    if (strcmp(it->op, "after") == 0)
        return age ? "less_than" : "greater_than";
    return it->op;
}

static void emit_days(struct rows *r, const struct chat_column *c, const char *op, bool negated,
    const struct when *when)
{
    if (strcmp(op, "during") == 0)
        rows_emit(r, c->name, "between", negated,
            pair(json_new_string(when->first), json_new_string(when->last)));
    else
        rows_emit(r, c->name, day_op(op), negated, json_new_string(day_text(op, when)));
}

/* False, and the value freed, where the comparison is none for the column. */
static bool emit_compared(
    struct rows *r, const struct chat_column *c, const char *op, bool negated, struct json *value)
{
    bool text;

    op = strcmp(op, "like") == 0 ? "contains" : op;
    text = strstr(op, "with") || strstr(op, "contain") || strcmp(op, "matches") == 0;
    if (!text && !chat_column_is_number(c) && !is_order(op) &&
        json_kind(value) != JSON_KIND_STRING) {
        json_free(value);
        return false;
    }
    if (text && json_kind(value) != JSON_KIND_STRING) {
        char *shown = json_text(value);

        json_free(value);
        value = json_new_string(shown);
        free(shown);
    }
    rows_emit(r, c->name, op, negated, value);
    return true;
}

static bool is_text_op(const char *op)
{
    return strstr(op, "with") || strstr(op, "contain");
}

/* "starts with B or C": *i behind the first one, which was the n-th condition. */
static void more_texts(
    struct rows *r, size_t *i, const struct chat_column *c, const char *op, bool negated, size_t n)
{
    bool none = negated != (strncmp(op, "not_", 4) == 0);

    for (size_t at = *i; is_text_op(op); *i = at) {
        enum item_kind link = rows_item(r, at)->kind;
        const struct item *next = rows_item(r, at + 1);
        struct json *value;
        struct when when;

        if (link != ITEM_OR || at + 1 >= r->n || chat_is_common(r->m->words.v[next->from].key) ||
            !(next->kind == ITEM_WORD || next->kind == ITEM_QUOTED || next->kind == ITEM_NUMBER ||
                (next->kind == ITEM_VALUE &&
                    next->value.column == (size_t)(c - r->m->table.columns))))
            return;
        at++;
        value = rows_value_at(r, &at, NULL, &when);
        if (!value || !emit_compared(r, c, op, negated, value))
            return;
        r->or_said = r->or_said || !none; /* Neither of them is both not. */
        r->failed = r->failed || (!none && n > 0);
    }
}

static bool is_equality(const char *op)
{
    static const char *const ops[] = { "equals", "not_equals", "in", "not_in", "during" };

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (strcmp(op, ops[i]) == 0)
            return true;
    }
    return false;
}

/* "between", "from": *i behind it. */
static bool read_span(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    return read_days_between(r, i, c, negated) || read_between(r, i, c, negated) ||
           read_from(r, i, c, negated);
}

static bool ask_column(struct rows *r, const char *op, const struct json *value)
{
    bool text = strstr(op, "s_with") || strcmp(op, "contains") == 0;

    if ((json_kind(value) != JSON_KIND_STRING || text) && !r->m->out->missing)
        ask(r->m, "column", "Which column do you mean?");
    return false;
}

/* "qty on hand below reorder level": what it is compared with is a column of that kind as well. */
static bool is_other_column(const struct rows *r, size_t at, const struct chat_column *c)
{
    const struct item *it = rows_item(r, rows_skip_articles(r, at));
    const struct chat_column *other = it->kind == ITEM_COLUMN ? rows_column(r, it) : NULL;

    return other && other != c && it->column.strength == MENTION_EXACT &&
           ((chat_column_is_number(c) && chat_column_is_number(other)) ||
               (chat_column_is_date(c) && chat_column_is_date(other)));
}

bool rows_read_compare(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    const struct item *it = rows_item(r, *i);
    const char *op = it->op;
    size_t at = *i + 1, n;
    struct when when = { .n_words = 0 };
    struct json *value;
    bool read, between = strcmp(op, "between") == 0;

    n = json_len(r->out);
    c = implied_column(r, it, c);
    if (c && is_order(op) && is_other_column(r, at, c))
        return !cannot(r->m, "compare one column with another; name a number or a day");
    if (between || (c && is_equality(op))) {
        bool listed = strcmp(op, "in") == 0 || strcmp(op, "not_in") == 0;

        read = between
                   ? read_span(r, &at, c, negated)
                   : rows_read_equal(r, &at, c, negated != (strncmp(op, "not_", 4) == 0), listed);
        *i = read ? at : *i;
        return read;
    }
    value = compared_value(r, &at, c, op, &when);
    if (!value || (strcmp(op, "like") == 0 && when.n_words)) { /* A form, not a day. */
        json_free(value);
        return false;
    }
    if (!c)
        c = column_behind(r, &at);
    if (!c)
        c = column_before(r, *i, value, &when);
    if (!c)
        c = fitting_column(r, op, value, &when);
    if (!c) {
        read = ask_column(r, op, value);
        json_free(value);
        return read;
    }
    if (!when.n_words && chat_column_is_date(c) && json_kind(value) == JSON_KIND_INT)
        (void)chat_when_year((double)json_int(value, 0), &when);
    if (when.n_words) {
        json_free(value);
        emit_days(r, c, op, negated, &when);
    } else if (!emit_compared(r, c, chat_column_is_date(c) ? op : number_op(it), negated, value)) {
        return false;
    } else {
        r->last_op = op;
        more_texts(r, &at, c, op, negated, n);
    }
    *i = at;
    return true;
}
