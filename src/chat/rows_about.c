/* What is said of a column behind it: a state, a comparison, a value, what it has in it. */

#include "chat/rows.h"

#include <string.h>

enum { HELD_WORDS = 5 };

static const char *const relatives[] = { "that", "which", "who", "whose", "must", "should", "be",
    "has", "have", "had", "value", "values", "column", "of", NULL };
static const char *const hases[] = { "has", "have", "having", "had", NULL };
static const char *const missing[] = { "missing", NULL };

bool rows_is_span(const struct rows *r, size_t at)
{
    static const char *const links[] = { "in", "on", "dated", "of", "for", NULL };
    const struct item *next = rows_item(r, rows_skip_articles(r, at + 1));
    struct when when;

    return rows_item(r, at)->kind == ITEM_WORD && rows_say(r, at, links) &&
           (next->kind == ITEM_WHEN ||
               (next->kind == ITEM_NUMBER && chat_when_year(next->number, &when)));
}

bool rows_read_sign(struct rows *r, const struct item *it, const struct chat_column *c)
{
    const struct words *w = &r->m->words;
    bool negative = words_say(w, it->from, it->to, "negative") > 0;

    if (it->kind != ITEM_WORD || (!negative && !words_say(w, it->from, it->to, "positive")))
        return false;
    rows_emit(r, c->name, negative ? "less_than" : "greater_than", false, json_new_int(0));
    return true;
}

/* "the fee is not paid", where a column Fee paid says yes or no: *i is at the word behind "is". */
static bool read_parted(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    const struct chat_table *t = &r->m->table;
    const struct item *it = rows_item(r, *i);
    const char *name = arena_printf(r->m->arena, "%s %s", c->key, r->m->words.v[it->from].key);

    for (size_t k = 0; name && *i < r->n && k < t->n_columns; k++) {
        struct json *flag = strcmp(t->columns[k].key, name) == 0
                                ? chat_column_flag(&t->columns[k], !negated)
                                : NULL;

        if (flag) {
            rows_emit(r, t->columns[k].name, "equals", false, flag);
            *i += 1;
            return true;
        }
    }
    return false;
}

/* "has manager in it": *i is at the value. */
static bool read_held(struct rows *r, size_t *i, const struct chat_column *c, bool negated)
{
    static const char *const its[] = { "in it", "in them", "inside", "somewhere", NULL };
    const struct words *w = &r->m->words;
    size_t from = rows_item(r, *i)->from, to = from;

    if (*i >= r->n || chat_column_is_number(c) || chat_column_is_date(c))
        return false;
    while (to < from + HELD_WORDS && to < w->n && w->v[to].kind != WORD_STOP &&
           !words_say_any(w, to, w->n, its))
        to++;
    if (to == from || !words_say_any(w, to, w->n, its))
        return false;
    rows_emit(
        r, c->name, "contains", negated, json_new_string(words_text(w, from, to, r->m->arena)));
    to += words_say_any(w, to, w->n, its);
    while (*i < r->n && rows_item(r, *i)->from < to)
        *i += 1;
    return true;
}

/* Where what is said begins, and how: past "that", "is", "not", "has". */
struct beginning {
    size_t at;
    bool negated, is, has;
};

static struct beginning beginning_of(const struct rows *r, size_t i, const struct chat_column *c)
{
    struct beginning b = { .at = i };

    for (; b.at < r->n; b.at++) {
        const struct item *it = rows_item(r, b.at);

        b.has = b.has || rows_say(r, b.at, hases);
        if (it->kind == ITEM_NOT) {
            b.negated = !b.negated;
            b.is = true;
        } else if (it->kind == ITEM_IS || (chat_column_is_date(c) && rows_is_span(r, b.at))) {
            b.is = true;
        } else if (!(it->kind == ITEM_HAVE && b.has) &&
                   !(it->kind == ITEM_WORD &&
                       words_say_any(&r->m->words, it->from, it->to, relatives))) {
            break;
        }
    }
    return b;
}

/* May the item be a value that is said of the column? */
static bool may_equal(
    const struct rows *r, const struct item *it, const struct chat_column *c, bool is)
{
    switch (it->kind) {
    case ITEM_NUMBER:
    case ITEM_QUOTED:
        return true;
    case ITEM_VALUE:
        return is || it->value.column == (size_t)(c - r->m->table.columns);
    default:
        return is;
    }
}

bool rows_read_about(struct rows *r, size_t *i, const struct chat_column *c)
{
    struct beginning b = beginning_of(r, *i, c);
    const struct item *it = rows_item(r, b.at);
    bool state = it->kind == ITEM_STATE ||
                 (rows_say(r, b.at, missing) && rows_item(r, b.at + 1)->kind != ITEM_COLUMN);
    size_t at = b.at;

    if (at >= r->n)
        return false;
    if (state) {
        rows_emit(r, c->name, it->kind == ITEM_STATE ? it->op : "is_empty", b.negated, NULL);
        *i = at + 1;
        return true;
    }
    if (b.is && !b.negated && chat_column_is_number(c) && rows_read_sign(r, it, c)) {
        *i = at + 1;
        return true;
    }
    if (!(b.has && read_held(r, &at, c, b.negated)) &&
        !(b.is && read_parted(r, &at, c, b.negated)) &&
        !(it->kind == ITEM_COMPARE
                ? rows_read_compare(r, &at, c, b.negated)
                : may_equal(r, it, c, b.is) && rows_read_equal(r, &at, c, b.negated, false)))
        return false;
    *i = at;
    return true;
}
