/*
 * Conditions: "credit over 100", "between 5 and 10", "signed up before March 2024", "without an email", "active customers".
 *
 * The clause becomes a row of items (columns, comparisons, values, small words); patterns of items become conditions.
 */

#include "chat/grammar.h"

#include "base/num.h"
#include "ops/op.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 400, VALUES_MAX = 100, RUN_WORDS = 8 };

enum item_kind {
    ITEM_WORD,
    ITEM_COLUMN,
    ITEM_COMPARE, /* "greater than" */
    ITEM_STATE,   /* "is empty" */
    ITEM_LACK,    /* "without", before a column */
    ITEM_HAVE,    /* "that have", before a column */
    ITEM_IS,      /* "is", "are", "=" */
    ITEM_NOT,
    ITEM_NUMBER,
    ITEM_WHEN,
    ITEM_QUOTED,
    ITEM_VALUE, /* A known value. */
    ITEM_YES,   /* true, yes */
    ITEM_NO,
    ITEM_AND,
    ITEM_OR,
    ITEM_COMMA
};

struct item {
    enum item_kind kind;
    size_t from, to;   /* Words. */
    const char *op;    /* ITEM_COMPARE, ITEM_STATE */
    const char *about; /* ITEM_COMPARE: a word for the column it implies ("cheaper than": price). */
    struct mention column;
    struct known_value value;
    struct when when;
    double number;
};

struct rows {
    struct mind *m;
    struct item items[ITEMS_MAX];
    size_t n;
    struct json *out;
    bool or_said, failed;
    const char *last_column; /* Of the last condition, for "or Rome". */
};

static const struct {
    const char *phrase, *op, *about;
} compares[] = {
    { "is greater than or equal to", "greater_than_or_equal", NULL },
    { "greater than or equal to", "greater_than_or_equal", NULL },
    { "more than or equal to", "greater_than_or_equal", NULL },
    { "less than or equal to", "less_than_or_equal", NULL },
    { "is less than or equal to", "less_than_or_equal", NULL },
    { "at least", "greater_than_or_equal", NULL },
    { "no less than", "greater_than_or_equal", NULL },
    { "not less than", "greater_than_or_equal", NULL },
    { "a minimum of", "greater_than_or_equal", NULL },
    { "or more", "greater_than_or_equal", NULL },
    { ">=", "greater_than_or_equal", NULL },
    { "≥", "greater_than_or_equal", NULL },
    { "at most", "less_than_or_equal", NULL },
    { "no more than", "less_than_or_equal", NULL },
    { "not more than", "less_than_or_equal", NULL },
    { "up to", "less_than_or_equal", NULL },
    { "a maximum of", "less_than_or_equal", NULL },
    { "<=", "less_than_or_equal", NULL },
    { "≤", "less_than_or_equal", NULL },
    { "greater than", "greater_than", NULL },
    { "more than", "greater_than", NULL },
    { "larger than", "greater_than", NULL },
    { "bigger than", "greater_than", NULL },
    { "higher than", "greater_than", NULL },
    { "exceeds", "greater_than", NULL },
    { "exceeding", "greater_than", NULL },
    { "over", "greater_than", NULL },
    { "above", "greater_than", NULL },
    { ">", "greater_than", NULL },
    { "more expensive than", "greater_than", "price" },
    { "costing more than", "greater_than", "price" },
    { "less than", "less_than", NULL },
    { "fewer than", "less_than", NULL },
    { "smaller than", "less_than", NULL },
    { "lower than", "less_than", NULL },
    { "under", "less_than", NULL },
    { "below", "less_than", NULL },
    { "<", "less_than", NULL },
    { "cheaper than", "less_than", "price" },
    { "costing less than", "less_than", "price" },
    { "between", "between", NULL },
    { "from", "between", NULL },
    { "before", "before", NULL },
    { "earlier than", "before", NULL },
    { "prior to", "before", NULL },
    { "older than", "before", NULL },
    { "after", "after", NULL },
    { "later than", "after", NULL },
    { "newer than", "after", NULL },
    { "since", "greater_than_or_equal", NULL },
    { "starting from", "greater_than_or_equal", NULL },
    { "until", "less_than_or_equal", NULL },
    { "during", "during", NULL },
    { "does not contain", "not_contains", NULL },
    { "doesn't contain", "not_contains", NULL },
    { "do not contain", "not_contains", NULL },
    { "not containing", "not_contains", NULL },
    { "contains", "contains", NULL },
    { "contain", "contains", NULL },
    { "containing", "contains", NULL },
    { "includes", "contains", NULL },
    { "including", "contains", NULL },
    { "has the word", "contains", NULL },
    { "starts with", "starts_with", NULL },
    { "start with", "starts_with", NULL },
    { "starting with", "starts_with", NULL },
    { "begins with", "starts_with", NULL },
    { "beginning with", "starts_with", NULL },
    { "begin with", "starts_with", NULL },
    { "ends with", "ends_with", NULL },
    { "end with", "ends_with", NULL },
    { "ending with", "ends_with", NULL },
    { "ending in", "ends_with", NULL },
    { "ends in", "ends_with", NULL },
    { "matches", "matches", NULL },
    { "is one of", "in", NULL },
    { "are one of", "in", NULL },
    { "one of", "in", NULL },
    { "is any of", "in", NULL },
    { "any of", "in", NULL },
    { "is none of", "not_in", NULL },
    { "none of", "not_in", NULL },
    { "not one of", "not_in", NULL },
    { "equals", "equals", NULL },
    { "equal to", "equals", NULL },
    { "is equal to", "equals", NULL },
    { "not equal to", "not_equals", NULL },
    { "is not equal to", "not_equals", NULL },
    { "does not equal", "not_equals", NULL },
    { "other than", "not_equals", NULL },
    { "is different from", "not_equals", NULL },
    { "different from", "not_equals", NULL },
    { "!=", "not_equals", NULL },
    { "<>", "not_equals", NULL },
    { "≠", "not_equals", NULL },
};

static const struct {
    const char *phrase, *op;
} states[] = {
    { "is empty", "is_empty" },
    { "are empty", "is_empty" },
    { "is blank", "is_empty" },
    { "are blank", "is_empty" },
    { "is missing", "is_empty" },
    { "are missing", "is_empty" },
    { "is null", "is_empty" },
    { "has no value", "is_empty" },
    { "is not given", "is_empty" },
    { "is not empty", "is_not_empty" },
    { "isn't empty", "is_not_empty" },
    { "is not blank", "is_not_empty" },
    { "isn't blank", "is_not_empty" },
    { "are not empty", "is_not_empty" },
    { "is not missing", "is_not_empty" },
    { "is present", "is_not_empty" },
    { "is filled", "is_not_empty" },
    { "is filled in", "is_not_empty" },
    { "is not null", "is_not_empty" },
    { "has a value", "is_not_empty" },
    { "exists", "is_not_empty" },
    { "is given", "is_not_empty" },
    { "empty", "is_empty" },
    { "blank", "is_empty" },
};

static const char *const lacks[] = { "without", "with no", "with empty", "with a missing",
    "with missing", "has no", "have no", "having no", "no", "missing", "lacking", "lack", "lacks",
    "that have no", "don't have", "doesn't have", "do not have", "does not have", "an empty",
    "with an empty", "with blank", "with a blank", NULL };
static const char *const haves[] = { "that have", "who have", "which have", "that has", "who has",
    "which has", "with", "having", "have", "has", NULL };
static const char *const ises[] = { "is", "are", "was", "were", "=", "==", "being", "equal", ":",
    NULL };
static const char *const nots[] = { "not", "isn't", "aren't", "wasn't", "weren't", "never", "non",
    "is not", "are not", "was not", "have not been", "has not been", "haven't been", "hasn't been",
    "not been", "not yet", NULL };
static const char *const ands[] = { "and", "&", "but", NULL };
static const char *const ors[] = { "or", NULL };
static const char *const yeses[] = { "true", "yes", NULL };
static const char *const noes[] = { "false", NULL };
static const char *const articles[] = { "a", "an", "the", "any", "some", "their", "its", "his",
    "her", NULL };
static const char *const relatives[] = { "that", "which", "who", "whose", "must", "should", "be",
    "has", "value", "values", "column", NULL };
static const char *const removers[] = { "remove", "drop", "delete", "exclude", "discard", "omit",
    "get rid of", "throw away", "filter out", "leave out", "skip", "ignore", "without the", NULL };

/* ---- items ---- */

static bool compare_at(const struct words *w, size_t at, size_t end, struct item *it)
{
    size_t best = 0;

    for (size_t i = 0; i < ARRAY_LEN(compares); i++) {
        size_t n = words_say(w, at, end, compares[i].phrase);

        if (n > best) {
            best = n;
            it->op = compares[i].op;
            it->about = compares[i].about;
        }
    }
    it->to = at + best;
    return best > 0;
}

static bool state_at(const struct words *w, size_t at, size_t end, struct item *it)
{
    size_t best = 0;

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        size_t n = words_say(w, at, end, states[i].phrase);

        if (n > best) {
            best = n;
            it->op = states[i].op;
        }
    }
    it->to = at + best;
    return best > 0;
}

static bool small_at(const struct words *w, size_t at, size_t end, struct item *it)
{
    static const struct {
        const char *const *phrases;
        enum item_kind kind;
    } small[] = { { lacks, ITEM_LACK }, { nots, ITEM_NOT }, { haves, ITEM_HAVE }, { ises, ITEM_IS },
        { ands, ITEM_AND }, { ors, ITEM_OR }, { yeses, ITEM_YES }, { noes, ITEM_NO } };
    size_t best = 0;

    for (size_t i = 0; i < ARRAY_LEN(small); i++) {
        size_t n = words_say_any(w, at, end, small[i].phrases);

        if (n > best) {
            best = n;
            it->kind = small[i].kind;
        }
    }
    it->to = at + best;
    return best > 0;
}

static struct item item_at(struct rows *r, size_t at, size_t end)
{
    const struct words *w = &r->m->words;
    const struct chat_table *t = &r->m->table;
    const struct word *word = &w->v[at];
    struct item it = { .kind = ITEM_WORD, .from = at, .to = at + 1 };
    struct item other = it;

    if (word->kind == WORD_STOP) {
        it.kind = ITEM_COMMA;
        return it;
    }
    if (word->kind == WORD_QUOTED) {
        it.kind = chat_mention(w, at, end, t, r->m->arena, &it.column) ? ITEM_COLUMN : ITEM_QUOTED;
        return it;
    }
    if (state_at(w, at, end, &it)) {
        it.kind = ITEM_STATE;
        return it;
    }
    small_at(w, at, end, &other);
    if (compare_at(w, at, end, &it) && it.to >= other.to) {
        it.kind = ITEM_COMPARE;
        return it;
    }
    it.to = at + 1;
    if (chat_mention(w, at, end, t, r->m->arena, &it.column) &&
        it.column.strength == MENTION_EXACT) {
        it.kind = ITEM_COLUMN;
        it.to = at + it.column.n_words;
        return it;
    }
    if (small_at(w, at, end, &it))
        return it;
    it.to = at + 1;
    if (chat_when(w, at, end, &it.when)) {
        it.kind = ITEM_WHEN;
        it.to = at + it.when.n_words;
        return it;
    }
    if (chat_value(w, at, end, t, SIZE_MAX, r->m->arena, &it.value)) {
        it.kind = ITEM_VALUE;
        it.to = at + it.value.n_words;
        return it;
    }
    if (word->kind == WORD_NUMBER) {
        it.kind = ITEM_NUMBER;
        it.number = word->number;
        return it;
    }
    if (it.column.n_columns > 0) {
        it.kind = ITEM_COLUMN;
        it.to = at + it.column.n_words;
    }
    return it;
}

static void collect(struct rows *r, const struct clause *c)
{
    for (size_t at = c->from; at < c->to && r->n < ITEMS_MAX; at = r->items[r->n - 1].to)
        r->items[r->n++] = item_at(r, at, c->to);
}

static const struct item *item(const struct rows *r, size_t i)
{
    static const struct item none = { .kind = ITEM_COMMA };

    return i < r->n ? &r->items[i] : &none;
}

/* Past articles and such. */
static size_t skip_articles(const struct rows *r, size_t i)
{
    while (item(r, i)->kind == ITEM_WORD &&
           words_say_any(&r->m->words, item(r, i)->from, item(r, i)->to, articles))
        i++;
    return i;
}

static const struct chat_column *column_of(const struct rows *r, const struct item *it)
{
    return &r->m->table.columns[it->column.columns[0]];
}

/* ---- conditions ---- */

static const char *opposite(const char *op)
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

/* value is taken over; NULL for is_empty and is_not_empty. */
static void emit(
    struct rows *r, const char *column, const char *op, bool negated, struct json *value)
{
    struct json *o = json_new_object();

    if (negated)
        op = opposite(op);
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
    json_add(r->out, o);
    r->last_column = column;
}

/* A number as it was written: whole ones stay whole. */
static struct json *number_json(const struct word *w)
{
    int64_t whole;

    if (num_parse_int(w->raw, strlen(w->raw), &whole))
        return json_new_int(whole);
    return w->number == (double)(int64_t)w->number ? json_new_int((int64_t)w->number)
                                                   : json_new_real(w->number);
}

/* The spelling that the file has, for a value of a text column. */
static const char *known_spelling(
    const struct rows *r, const struct chat_column *c, const char *text)
{
    size_t column = (size_t)(c - r->m->table.columns);
    struct known_value v;
    struct words w;
    struct err err;

    if (words_split(text, r->m->arena, &w, &err) && w.n > 0 &&
        chat_value(&w, 0, w.n, &r->m->table, column, r->m->arena, &v) && v.n_words == w.n)
        return v.text;
    return text;
}

/* May a run of plain words that is a value go on with this item? */
static bool goes_on(const struct rows *r, size_t i, size_t begun)
{
    const struct item *it = item(r, i);

    if (i >= r->n || i - begun >= RUN_WORDS)
        return false;
    if (words_say(&r->m->words, it->from, it->to, "please") || begins_wish(r->m, it->from, it->to))
        return i == begun; /* What comes first is the value, whatever it looks like. */
    return it->kind == ITEM_WORD || it->kind == ITEM_VALUE || it->kind == ITEM_NUMBER ||
           (i == begun && it->kind != ITEM_COMMA && it->kind != ITEM_AND && it->kind != ITEM_OR);
}

/*
 * The value at *i for a column (NULL: any), and *i past it; NULL when there is none. *when tells a span of days.
 */
static struct json *value_at(
    const struct rows *r, size_t *i, const struct chat_column *c, struct when *when)
{
    const struct words *w = &r->m->words;
    size_t at = skip_articles(r, *i), begun;
    const struct item *it = item(r, at);
    const char *text;

    when->n_words = 0;
    if (at >= r->n)
        return NULL;
    *i = at + 1;
    if (it->kind == ITEM_WHEN && (!c || !chat_column_is_number(c))) {
        *when = it->when;
        return json_new_string(it->when.first);
    }
    if (it->kind == ITEM_NUMBER && c && chat_column_is_date(c) && chat_when_year(it->number, when))
        return json_new_string(when->first);
    if (it->kind == ITEM_NUMBER && (!c || chat_column_is_number(c)))
        return number_json(&w->v[it->from]);
    if (it->kind == ITEM_YES || it->kind == ITEM_NO) {
        if (!c || chat_column_is_bool(c))
            return json_new_bool(it->kind == ITEM_YES);
        return json_new_string(known_spelling(r, c, w->v[it->from].raw));
    }
    if (it->kind == ITEM_QUOTED)
        return json_new_string(w->v[it->from].raw);
    if (it->kind == ITEM_VALUE && (!c || it->value.column == (size_t)(c - r->m->table.columns)))
        return json_new_string(it->value.text);
    for (begun = at; goes_on(r, at, begun); at++)
        ;
    if (at == begun) {
        *i = begun;
        return NULL;
    }
    *i = at;
    text = words_text(w, item(r, begun)->from, item(r, at - 1)->to, r->m->arena);
    return json_new_string(c ? known_spelling(r, c, text) : text);
}

/* The only column of a kind, for comparisons that name none. */
static const struct chat_column *only_column(
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

static const struct chat_column *column_about(const struct rows *r, const char *about)
{
    struct mention mention;
    struct words w;
    struct err err;

    if (about && words_split(about, r->m->arena, &w, &err) &&
        chat_mention(&w, 0, w.n, &r->m->table, r->m->arena, &mention))
        return &r->m->table.columns[mention.columns[0]];
    return NULL;
}

/* The column of a comparison that stands before its column: "over 1000 in unit price"; *i past it. */
static const struct chat_column *column_behind(const struct rows *r, size_t *i)
{
    static const char *const links[] = { "in", "of", "for", "in the", "of the", "on", NULL };
    size_t at = *i;

    if (item(r, at)->kind == ITEM_WORD &&
        words_say_any(&r->m->words, item(r, at)->from, item(r, at)->to, links))
        at++;
    at = skip_articles(r, at);
    if (item(r, at)->kind != ITEM_COLUMN || item(r, at + 1)->kind == ITEM_COMPARE ||
        item(r, at + 1)->kind == ITEM_IS)
        return NULL;
    *i = at + 1;
    return column_of(r, item(r, at));
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

/* "between 5 and 10", "from 2024-01-01 to 2024-02-28"; *i behind the word "between". */
static bool read_between(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    static const char *const tos[] = { "to", "until", "till", "and", "-", "through", NULL };
    struct when first, last;
    size_t at = *i;
    struct json *low = value_at(r, &at, c, &first), *high = NULL;

    if (low && (item(r, at)->kind == ITEM_AND || item(r, at)->kind == ITEM_COMPARE ||
                   words_say_any(&r->m->words, item(r, at)->from, item(r, at)->to, tos))) {
        at++;
        high = value_at(r, &at, c, &last);
    }
    if (!high || json_kind(low) == JSON_KIND_BOOL || (first.n_words > 0) != (last.n_words > 0)) {
        json_free(low);
        json_free(high);
        return false;
    }
    if (!c)
        c = column_behind(r, &at);
    if (!c)
        c = only_column(r, first.n_words ? chat_column_is_date : chat_column_is_number);
    if (!c || (!first.n_words && json_kind(low) == JSON_KIND_STRING)) {
        json_free(low);
        json_free(high);
        return false;
    }
    if (first.n_words) {
        json_free(high);
        high = json_new_string(last.last);
    }
    emit(r, c->name, "between", negated, pair(low, high));
    *i = at;
    return true;
}

/* Further values behind "or" (and commas before it): "Paris, London or Rome"; *i past them. */
static void more_values(struct rows *r, size_t *i, const struct chat_column *c, struct json *list)
{
    for (size_t at = *i; json_len(list) < VALUES_MAX;) {
        enum item_kind link = item(r, at)->kind;
        struct when when;
        struct json *value;

        if (link != ITEM_OR && link != ITEM_COMMA && link != ITEM_AND)
            return;
        at++;
        if (link == ITEM_COMMA && item(r, at)->kind == ITEM_OR)
            at++;
        if (item(r, at)->kind == ITEM_IS)
            at++;
        if (item(r, at)->kind == ITEM_COLUMN || item(r, at)->kind == ITEM_COMPARE || at >= r->n)
            return;
        if (link != ITEM_OR && item(r, at)->kind != ITEM_VALUE &&
            item(r, at)->kind != ITEM_QUOTED && item(r, at)->kind != ITEM_NUMBER)
            return;
        if (item(r, at)->kind == ITEM_VALUE &&
            item(r, at)->value.column != (size_t)(c - r->m->table.columns))
            return;
        value = value_at(r, &at, c, &when);
        if (!value)
            return;
        json_add(list, value);
        *i = at;
    }
}

/* One value, or several of which one must be equal. */
static bool read_equal(
    struct rows *r, size_t *i, const struct chat_column *c, bool negated, bool listed)
{
    struct json *list = json_new_array(), *first;
    struct when when;
    size_t at = *i;

    first = value_at(r, &at, c, &when);
    if (!first) {
        json_free(list);
        return false;
    }
    if (when.n_words && strcmp(when.first, when.last) != 0) { /* In March: on any day of it. */
        json_free(list);
        emit(r, c->name, "between", negated, pair(first, json_new_string(when.last)));
        *i = at;
        return true;
    }
    json_add(list, first);
    more_values(r, &at, c, list);
    if (json_len(list) > 1 || listed) {
        emit(r, c->name, "in", negated, list);
    } else {
        emit(r, c->name, "equals", negated, json_ref(first));
        json_free(list);
    }
    *i = at;
    return true;
}

/* The comparison at *i, for column c (NULL: it comes behind, or is the only one that fits). */
static bool read_compare(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    const struct item *it = item(r, *i);
    const char *op = it->op;
    size_t at = *i + 1;
    struct when when;
    struct json *value;

    if (!c)
        c = column_about(r, it->about);
    if (strcmp(op, "between") == 0) {
        if (!read_between(r, &at, c, negated))
            return false;
        *i = at;
        return true;
    }
    if (c && (strcmp(op, "equals") == 0 || strcmp(op, "not_equals") == 0 || strcmp(op, "in") == 0 ||
                 strcmp(op, "not_in") == 0 || strcmp(op, "during") == 0)) {
        if (!read_equal(r, &at, c, negated != (strncmp(op, "not_", 4) == 0),
                strstr(op, "in") != NULL && op[0] != 'd'))
            return false;
        *i = at;
        return true;
    }
    value = value_at(r, &at, c, &when);
    if (!value)
        return false;
    if (!c)
        c = column_behind(r, &at);
    if (!c && (when.n_words || json_kind(value) != JSON_KIND_STRING))
        c = only_column(r, when.n_words ? chat_column_is_date : chat_column_is_number);
    if (c && !when.n_words && chat_column_is_date(c) && json_kind(value) == JSON_KIND_INT &&
        chat_when_year((double)json_int(value, 0), &when)) {
        json_free(value);
        value = json_new_string(when.first);
    }
    if (!c) {
        bool number = json_kind(value) != JSON_KIND_STRING;

        json_free(value);
        if (number && !r->m->out->missing)
            ask(r->m, "column", "Which column do you mean?");
        return false;
    }
    if (when.n_words) {
        json_free(value);
        if (strcmp(op, "during") == 0)
            emit(r, c->name, "between", negated,
                pair(json_new_string(when.first), json_new_string(when.last)));
        else
            emit(r, c->name, day_op(op), negated, json_new_string(day_text(op, &when)));
    } else if (chat_column_is_number(c) || json_kind(value) == JSON_KIND_STRING ||
               strstr(op, "with") || strstr(op, "contain") || strstr(op, "than")) {
        bool text = strstr(op, "with") || strstr(op, "contain") || strcmp(op, "matches") == 0;

        if (text && json_kind(value) != JSON_KIND_STRING) {
            char *shown = json_text(value);

            json_free(value);
            value = json_new_string(shown);
            free(shown);
        }
        emit(r, c->name, op, negated, value);
    } else {
        json_free(value);
        return false;
    }
    *i = at;
    return true;
}

/* What may follow a column: a state, a comparison, "is" and a value, or a value at once. */
static bool read_about(struct rows *r, size_t *i, const struct chat_column *c)
{
    size_t at = *i;
    bool negated = false, is = false;

    for (;; at++) {
        const struct item *it = item(r, at);

        if (at < r->n && it->kind == ITEM_WORD &&
            words_say_any(&r->m->words, it->from, it->to, relatives))
            continue;
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
    switch (item(r, at)->kind) {
    case ITEM_STATE:
        emit(r, c->name, item(r, at)->op, negated, NULL);
        *i = at + 1;
        return true;
    case ITEM_COMPARE:
        if (!read_compare(r, &at, c, negated))
            return false;
        *i = at;
        return true;
    case ITEM_NUMBER:
    case ITEM_QUOTED:
    case ITEM_WHEN:
        if (!is && item(r, at)->kind == ITEM_WHEN)
            return false;
        break;
    case ITEM_VALUE:
        if (!is && item(r, at)->value.column != (size_t)(c - r->m->table.columns))
            return false;
        break;
    default:
        if (!is)
            return false;
        break;
    }
    if (!read_equal(r, &at, c, negated, false))
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
    const struct item *it = item(r, *i), *next = item(r, *i + 1);
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
        return read_equal(r, i, c, false, false);
    }
    return false;
}

static bool negated_before(const struct rows *r, size_t i)
{
    for (size_t back = 1; back <= 2 && back <= i; back++) {
        if (item(r, i - back)->kind == ITEM_NOT)
            return true;
        if (item(r, i - back)->kind != ITEM_WORD && item(r, i - back)->kind != ITEM_IS)
            return false;
    }
    return false;
}

/* A column that nothing is said about: a condition where it holds yes and no; with "with" or "without" before it. */
static bool read_bare(struct rows *r, const struct clause *c, size_t *i)
{
    size_t at = *i;
    const struct item *it = item(r, at), *before = at > 0 ? item(r, at - 1) : NULL;
    const struct chat_column *column = column_of(r, it);

    while (before && before > r->items && before->kind == ITEM_WORD &&
           words_say_any(&r->m->words, before->from, before->to, articles))
        before--;
    if (before && before->kind == ITEM_LACK) {
        if (chat_column_is_bool(column))
            emit(r, column->name, "equals", false, json_new_bool(false));
        else
            emit(r, column->name, "is_empty", false, NULL);
    } else if (chat_column_is_bool(column) &&
               (negated_before(r, at) || (speaks_of_rows(r, c) && count_columns(r) == 1))) {
        emit(r, column->name, "equals", false, json_new_bool(!negated_before(r, at)));
    } else if (before && before->kind == ITEM_HAVE && speaks_of_rows(r, c)) {
        emit(r, column->name, "is_not_empty", false, NULL);
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
    const struct chat_column *c = column_about(r, "stock");
    size_t from = item(r, *i)->from, n;
    bool none;

    if (!c || !chat_column_is_number(c) || *i >= r->n)
        return false;
    n = words_say_any(w, from, w->n, out);
    none = n > 0;
    if (!none && !(n = words_say_any(w, from, w->n, in)))
        return false;
    emit(r, c->name, none ? "equals" : "greater_than", false, json_new_int(0));
    while (*i < r->n && item(r, *i)->from < from + n)
        *i += 1;
    return true;
}

/* A known value alone: "active customers". Of several, "laptops", all that hold the word are meant. */
static bool read_value(struct rows *r, size_t *i)
{
    const struct item *it = item(r, *i);
    const struct chat_column *c = &r->m->table.columns[it->value.column];
    const char *said = words_text(&r->m->words, it->from, it->to, r->m->arena);

    if (it->to == it->from + 1 && strcasecmp(said, it->value.text) != 0) {
        emit(r, c->name, "contains", negated_before(r, *i),
            json_new_string(chat_singular(r->m->arena, r->m->words.v[it->from].key)));
        *i += 1;
        return true;
    }
    return read_equal(r, i, c, negated_before(r, *i), false);
}

static void read_all(struct rows *r, const struct clause *c)
{
    bool or_next = false;

    for (size_t i = 0; i < r->n;) {
        const struct item *it = item(r, i);
        size_t n = json_len(r->out), at = i;
        bool read = false;

        if (it->kind == ITEM_OR)
            or_next = true;
        if (read_stock(r, &at)) {
            read = true;
        } else if (it->kind == ITEM_COLUMN) {
            at = i + 1;
            read = it->column.n_columns == 1 && read_about(r, &at, column_of(r, it));
            if (!read) {
                at = i;
                read = it->column.n_columns == 1 && read_bare(r, c, &at);
            }
        } else if (it->kind == ITEM_COMPARE) {
            read = read_compare(r, &at, NULL, negated_before(r, i));
        } else if (it->kind == ITEM_VALUE) {
            read = read_value(r, &at);
        } else {
            read = read_identifier(r, &at);
        }
        if (read && or_next && n > 0)
            r->or_said = true;
        if (read)
            or_next = false;
        i = read ? at : i + 1;
    }
}

/* Remove what holds: the opposite of each, and any for all. */
static void turn_round(struct rows *r)
{
    struct json *turned = json_new_array();

    for (size_t i = 0; i < json_len(r->out); i++) {
        struct json *one = json_clone(json_at(r->out, i));
        const char *op = opposite(json_get_string(one, "operator"));

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
    r->or_said = json_len(turned) > 1 && !r->or_said;
}

struct json *read_conditions(struct mind *m, const struct clause *c, bool *logic_or)
{
    struct rows r = { .m = m, .out = json_new_array() };

    *logic_or = false;
    collect(&r, c);
    read_all(&r, c);
    if (json_len(r.out) && words_say_any(&m->words, c->from, c->to, removers))
        turn_round(&r);
    *logic_or = r.or_said;
    if (r.failed || json_len(r.out) == 0) {
        json_free(r.out);
        return NULL;
    }
    return r.out;
}

bool read_rows(struct mind *m, const struct clause *c)
{
    bool logic_or = false,
         csv = strcmp(m->table.format, "csv") == 0 || strcmp(m->table.format, "tsv") == 0;
    const char *name = csv ? "csv/search" : "excel/search", *file = given_name(m, c->from, c->to);
    struct json *conditions = read_conditions(m, c, &logic_or), *arguments, *last;

    if (!conditions) {
        return m->out->missing ? true
                               : ask(m, "conditions",
                                     "Which rows do you want? Name a column and what it should be, "
                                     "like: status is active.");
    }
    last = last_arguments(m, name);
    if (last && !logic_or &&
        !json_get(last, "logic")) { /* "..., and credit over 100": all of them. */
        struct json *all = (struct json *)(uintptr_t)json_get(last, "conditions");

        for (size_t i = 0; i < json_len(conditions); i++)
            json_add(all, json_ref(json_at(conditions, i)));
        json_free(conditions);
        describe_last(m, NULL);
        return true;
    }
    arguments = json_new_object();
    json_set(arguments, "conditions", conditions);
    if (logic_or)
        json_set_string(arguments, "logic", "OR");
    if (file)
        json_set_string(arguments, "output_filename", file);
    return add_step(m, name, arguments, NULL);
}
