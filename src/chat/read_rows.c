/*
 * Conditions: "credit over 100", "between 5 and 10", "signed up before March 2024", "without an email", "active customers".
 *
 * The clause becomes a row of items (columns, comparisons, values, small words); patterns of items become conditions.
 */

#include "chat/rows.h"

#include "chat/tell.h"

#include <string.h>

static const char *const removers[] = { "remove", "drop", "delete", "exclude", "discard", "omit",
    "get rid of", "throw away", "filter out", "leave out", "skip", "ignore", "without the", NULL };

enum { NEGATED_WORDS = 2, RELATIVE_WORDS = 5, UNREAD_MAX = 1000, UNKNOWN_MIN = 3 };

/* "not in London", "who didn't come from the website" */
static bool negated_before(const struct rows *r, size_t i)
{
    static const char *const from[] = { "from", NULL };

    for (size_t words = 0; i > 0 && words < NEGATED_WORDS; i--) {
        const struct item *it = rows_item(r, i - 1);

        if (it->kind == ITEM_NOT)
            return true;
        if (it->kind != ITEM_WORD && it->kind != ITEM_IS && !rows_say(r, i - 1, from))
            return false;
        words += !rows_is_article(r, it) && !rows_say(r, i - 1, from);
    }
    return i > 0 && rows_item(r, i - 1)->kind == ITEM_NOT;
}

/* "2024 invoices": a year, then the rows' own name. */
static bool is_year_of_rows(const struct rows *r, size_t at)
{
    const struct item *it = rows_item(r, at), *next = rows_item(r, at + 1);
    struct when when;

    return it->kind == ITEM_NUMBER && chat_when_year(it->number, &when) && at + 1 < r->n &&
           (next->kind == ITEM_WORD || next->kind == ITEM_COLUMN) &&
           chat_is_noun(&r->m->table, r->m->words.v[next->from].key);
}

/* "orders placed in February 2024": the only column of dates is meant. */
static bool read_span(struct rows *r, size_t *i)
{
    const struct chat_column *c = rows_date_column(r);
    size_t at = *i + 1;

    if (c && is_year_of_rows(r, *i))
        return rows_read_equal(r, i, c, negated_before(r, *i), false);
    if (!c || !rows_is_span(r, *i) || !rows_read_equal(r, &at, c, negated_before(r, *i), false))
        return false;
    *i = at;
    return true;
}

/* Is the word one for the rows: "invoices" of invoices.csv, "ones"? */
static bool is_row_word(const struct rows *r, size_t word)
{
    static const char *const rows[] = { "rows", "row", "records", "entries", "lines", "ones",
        "people", "items", NULL };

    return words_say_any(&r->m->words, word, r->m->words.n, rows) ||
           chat_is_noun(&r->m->table, r->m->words.v[word].key);
}

/* Do the clause's words speak of rows, so that a column of yes and no alone is a condition? */
static bool speaks_of_rows(const struct rows *r, const struct clause *c)
{
    static const char *const others[] = { "that", "who", "which", "where", "only", "those",
        "everyone", "everybody", NULL };

    for (size_t i = c->from; i < c->to; i++) {
        if (is_row_word(r, i) || words_say_any(&r->m->words, i, c->to, others))
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

/* "who want the newsletter", "that are shipped": only small words between, so that it is said of the rows. */
static bool is_relative(const struct rows *r, size_t i)
{
    static const char *const whos[] = { "who", "that", "which", NULL };

    for (size_t back = 1; back <= RELATIVE_WORDS && back <= i; back++) {
        const struct item *it = rows_item(r, i - back);

        if (it->kind != ITEM_WORD && it->kind != ITEM_IS && it->kind != ITEM_HAVE)
            return false;
        if (rows_say(r, i - back, whos))
            return true;
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
    struct json *flag;
    bool no, had;

    while (before && before > r->items && before->kind == ITEM_WORD && rows_is_article(r, before))
        before--;
    if (before && chat_column_is_number(column) && rows_read_sign(r, before, column)) {
        *i = at + 1;
        return true;
    }
    no = negated_before(r, at) || (before && before->kind == ITEM_LACK) || it->lacks;
    flag = before && before->kind == ITEM_LACK && rows_say(r, at + 1, infos)
               ? NULL
               : chat_column_flag(column, !no);
    had = before && before->kind == ITEM_HAVE && (speaks_of_rows(r, c) || json_len(r->out) > 0);
    if (flag && (no || is_relative(r, at) || (had && !rows_say(r, at + 1, infos)) ||
                    (speaks_of_rows(r, c) && count_columns(r) == 1))) {
        rows_emit(r, column->name, "equals", false, flag);
        flag = NULL;
    } else if (before && before->kind == ITEM_LACK) {
        rows_emit(r, column->name, "is_empty", false, NULL);
    } else if (had) {
        rows_emit(r, column->name, "is_not_empty", false, NULL);
    } else {
        json_free(flag);
        return false;
    }
    json_free(flag);
    *i = at + 1;
    return true;
}

/* What tells how many there are. */
static const struct chat_column *stock_column(const struct rows *r)
{
    static const char *const names[] = { "stock", "hand", "inventory", NULL };
    const struct chat_column *c = NULL;

    for (const char *const *name = names; *name && !c; name++)
        c = rows_column_about(r, *name);
    return c;
}

/* "out of stock" and "in stock", where there is a number for it. */
static bool read_stock(struct rows *r, size_t *i)
{
    static const char *const out[] = { "out of stock", "sold out", NULL };
    static const char *const in[] = { "in stock", "available", NULL };
    const struct words *w = &r->m->words;
    const struct chat_column *c = stock_column(r);
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

/* "contains cable but not usb": the text behind "but not" is about the same column. */
static bool read_other_text(struct rows *r, size_t *i)
{
    const struct item *it = rows_item(r, *i), *before = *i > 0 ? rows_item(r, *i - 1) : NULL;

    if (!before || before->kind != ITEM_EXCEPT || !r->last_op ||
        strcmp(r->last_op, "contains") != 0 || (it->kind != ITEM_WORD && it->kind != ITEM_QUOTED) ||
        rows_is_article(r, it))
        return false;
    rows_emit(r, r->last_column, "contains", false,
        json_new_string(words_text(&r->m->words, it->from, it->to, r->m->arena)));
    *i += 1;
    return true;
}

/* What begins at *i, whatever it is. */
static bool read_at(struct rows *r, size_t *i, const struct clause *c)
{
    const struct item *it = rows_item(r, *i);
    size_t at = *i + 1;

    if (read_stock(r, i))
        return true;
    if (it->kind == ITEM_COLUMN && !is_rows_word(r, *i)) {
        if (it->column.n_columns != 1)
            return false;
        if (!rows_read_about(r, &at, rows_column(r, it)))
            return read_bare(r, c, i);
        *i = at;
        return true;
    }
    if (it->kind == ITEM_COMPARE)
        return rows_read_compare(r, i, NULL, negated_before(r, *i));
    if (it->kind == ITEM_VALUE)
        return read_value(r, i);
    if (read_span(r, i) || read_identifier(r, i) || read_other_text(r, i))
        return true;
    if (!it->part_of)
        return false;
    rows_emit(r, it->part_of->name, "contains", negated_before(r, *i),
        json_new_string(r->m->words.v[it->from].raw));
    *i += 1;
    return true;
}

static bool is_state(const struct json *condition)
{
    const char *op = json_get_string(condition, "operator");

    return op && strstr(op, "empty");
}

/*
 * "email or phone is missing", "name or city contains son": what is said of the last column, which was read just now as
 * the n-th condition, is said of the one at `first` as well.
 */
static void share(struct rows *r, size_t first, size_t n)
{
    enum item_kind link = rows_item(r, first + 1)->kind;
    const struct json *said = json_at(r->out, n);
    struct json *one = json_clone(said), *all = json_new_array();

    json_set_string(one, "column", rows_column(r, rows_item(r, first))->name);
    for (size_t i = 0; i <= n; i++) {
        if (i == n)
            json_add(all, json_ref(one));
        json_add(all, json_ref(json_at(r->out, i)));
    }
    json_free(one);
    json_free(r->out);
    r->out = all;
    r->items[first].is_read = true;
    if (link == ITEM_OR) {
        r->or_said = true;
        r->failed = r->failed || n > 0; /* "x and (y or z)" is none that the operation has. */
    }
}

/* Is the column at i, of which nothing was said, named together with the one behind it? */
static bool is_shared(const struct rows *r, size_t i)
{
    const struct item *it = rows_item(r, i), *link = rows_item(r, i + 1);

    return it->kind == ITEM_COLUMN && it->column.n_columns == 1 && i + 2 < r->n &&
           (link->kind == ITEM_OR || link->kind == ITEM_AND) &&
           rows_item(r, rows_skip_articles(r, i + 2))->kind == ITEM_COLUMN;
}

/* The rows themselves, also as those of many files are called. */
static bool is_rows(const struct rows *r, size_t i)
{
    static const char *const usual[] = { "customers", NULL };
    const struct item *it = rows_item(r, i);

    return it->kind == ITEM_WORD && (is_row_word(r, it->from) || rows_say(r, i, usual));
}

static bool may_tell_rows(const struct rows *r, size_t i)
{
    const struct item *it = rows_item(r, i);

    return !it->is_read && rows_is_foreign(r, it) && !rows_is_article(r, it) && !is_rows(r, i) &&
           strlen(r->m->words.v[it->from].key) >= UNKNOWN_MIN;
}

/* "overdue invoices", "from Germany": unknown words before the rows, or behind a place that nothing was read at. */
static void find_unknown(struct rows *r)
{
    static const char *const places[] = { "from", "in", "at", "by", "for", NULL };

    for (size_t i = r->n; i-- > 0;) {
        bool placed = i > 0 && !rows_item(r, i - 1)->is_read && rows_say(r, i - 1, places);

        r->items[i].unknown =
            (placed || is_rows(r, i + 1) || rows_item(r, i + 1)->unknown) && may_tell_rows(r, i);
    }
}

/* Does the item want something that no condition says? */
static bool is_unread(const struct rows *r, size_t i)
{
    const struct item *it = rows_item(r, i);
    size_t next = rows_skip_articles(r, i + 1);

    if (it->is_read)
        return false;
    switch (it->kind) {
    case ITEM_NOT:
    case ITEM_LACK:                                 /* What they stand before was read with them. */
        if (rows_item(r, next)->kind == ITEM_COMMA) /* "no, I meant Paris" */
            return false;
        while (!rows_item(r, next)->is_read &&
               (rows_item(r, next)->kind == ITEM_WORD || rows_item(r, next)->kind == ITEM_COMPARE))
            next++;
        return !rows_item(r, next)->is_read;
    case ITEM_COMPARE:
        return strstr(it->op, "than") || strstr(it->op, "with") || strstr(it->op, "contain");
    case ITEM_STATE:
    case ITEM_BEHIND:
    case ITEM_NUMBER:
    case ITEM_WHEN:
    case ITEM_QUOTED:
    case ITEM_VALUE:
        return true;
    case ITEM_WORD:
        return it->unknown;
    default:
        return false;
    }
}

/* The last item of what is unread from i on. */
static size_t unread_end(const struct rows *r, size_t i)
{
    bool word = rows_item(r, i)->unknown;
    const struct item *next;

    for (;; i++) {
        next = rows_item(r, i + 1);
        if (word ? !next->unknown
                 : next->is_read || next->kind == ITEM_COMMA || next->kind == ITEM_AND ||
                       next->kind == ITEM_OR)
            return i;
    }
}

/* Rather than to drop what was not understood, say so. */
static void tell_unread(struct rows *r)
{
    const struct words *w = &r->m->words;

    find_unknown(r);
    for (size_t i = 0; i < r->n; i++) {
        size_t last;
        struct buf b;

        if (!is_unread(r, i))
            continue;
        last = unread_end(r, i);
        buf_init(&b, UNREAD_MAX);
        buf_adds(&b, "I did nothing with \"");
        tell_plain(&b, words_text(w, rows_item(r, i)->from, rows_item(r, last)->to, r->m->arena));
        buf_adds(&b, "\".");
        if (!b.failed)
            remark(r->m, arena_strdup(r->m->arena, buf_str(&b)));
        buf_deinit(&b);
        i = last;
    }
}

/* Returns the word that the first condition begins with. */
static size_t read_all(struct rows *r, const struct clause *c)
{
    bool or_next = false;
    size_t except = SIZE_MAX, first = c->to, shared = SIZE_MAX;

    for (size_t i = 0; i < r->n;) {
        enum item_kind kind = rows_item(r, i)->kind;
        size_t n = json_len(r->out), at = i, from = rows_item(r, i)->from;
        bool read;

        if (kind == ITEM_OR)
            or_next = shared == SIZE_MAX;
        if (kind == ITEM_EXCEPT && except == SIZE_MAX)
            except = n;
        read = read_at(r, &at, c);
        if (!read && is_shared(r, i))
            shared = i;
        if (!read) {
            i++;
            continue;
        }
        if (shared < i && kind == ITEM_COLUMN && json_len(r->out) == n + 1 &&
            (rows_item(r, shared + 1)->kind == ITEM_OR || is_state(json_at(r->out, n)))) {
            from = rows_item(r, shared)->from;
            share(r, shared, n);
        }
        shared = SIZE_MAX;
        if (or_next && n > 0)
            r->or_said = true;
        if (n == 0)
            first = from;
        or_next = false;
        for (; i < at; i++)
            r->items[i].is_read = true;
    }
    if (except < json_len(r->out))
        turn_round(r, except);
    return first;
}

struct json *read_conditions(struct mind *m, const struct clause *c, bool *logic_or)
{
    size_t first;

    return read_conditions_at(m, c, logic_or, &first);
}

struct json *read_conditions_at(
    struct mind *m, const struct clause *c, bool *logic_or, size_t *first)
{
    struct rows r = { .m = m, .out = json_new_array() };

    *logic_or = false;
    rows_collect(&r, c);
    *first = read_all(&r, c);
    if (json_len(r.out) > 0)
        tell_unread(&r);
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

/* A step for the conditions, or more of them for the last one. `conditions` is taken over. */
static bool add_conditions(
    struct mind *m, const struct clause *c, struct json *conditions, bool logic_or, bool named)
{
    bool csv = strcmp(m->table.format, "csv") == 0 || strcmp(m->table.format, "tsv") == 0;
    const char *name = csv ? "csv/search" : "excel/search";
    struct json *arguments, *last = last_arguments(m, "csv/search");

    if (!last)
        last = last_arguments(m, "excel/search");
    if (last && !logic_or && !json_get(last, "logic")) { /* "..., and credit over 100": both. */
        json_set(last, "conditions", rows_merged(m, json_get(last, "conditions"), conditions));
        json_free(conditions);
        if (named)
            name_result(m, c, name, last);
        return true;
    }
    arguments = json_new_object();
    json_set(arguments, "conditions", conditions);
    if (logic_or)
        json_set_string(arguments, "logic", "OR");
    if (named)
        name_result(m, c, name, arguments);
    return add_step(m, name, arguments);
}

bool read_rows(struct mind *m, const struct clause *c)
{
    const char *names[NAMES_MAX];
    bool logic_or = false;
    size_t first, n;
    struct json *conditions = read_conditions_at(m, c, &logic_or, &first);

    if (!conditions) {
        return m->out->missing ? true
                               : ask(m, "conditions",
                                     "Which rows do you want? Name a column and what it should be, "
                                     "like: status is active.");
    }
    n = listed_before(m, c, first, conditions, names, NAMES_MAX);
    return add_conditions(m, c, conditions, logic_or, n == 0) &&
           (n == 0 || extract_columns(m, c, names, n, says_distinct(m, c)));
}
