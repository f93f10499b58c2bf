/* Values as they are said, and what the column has instead of them. */

#include "chat/rows.h"

#include "base/num.h"
#include "base/utf8.h"
#include "chat/tell.h"

#include <string.h>

enum { RUN_WORDS = 8, NEAR_MIN = 4, NEAR_LONG = 8, VALUES_TOLD = 5, REMARK_MAX = 2000 };

/* A number as it was written: whole ones stay whole. */
struct json *rows_number(const struct word *w)
{
    int64_t whole;

    if (num_parse_int(w->raw, strlen(w->raw), &whole))
        return json_new_int(whole);
    return number_json(w->number);
}

/* The value of the column nearest to the text; NULL: none is near. */
static const char *near_value(const struct rows *r, const struct chat_column *c, const char *text)
{
    const char *key = chat_key(r->m->arena, text), *found = NULL;
    unsigned best = key && strlen(key) >= NEAR_LONG ? 3 : 2;

    for (size_t i = 0; key && strlen(key) >= NEAR_MIN && i < c->n_values; i++) {
        unsigned d = utf8_distance(key, c->value_keys[i], best);

        if (d < best) {
            best = d;
            found = c->values[i];
        }
    }
    return found;
}

/* Few values for many rows, all of them known: kinds of rows, not names of things. */
static bool holds_kinds(const struct rows *r, const struct chat_column *c)
{
    return c->all_values && (int64_t)c->n_values * 2 <= r->m->table.rows;
}

/*
 * The text is none of the column's values. A slip in the name of a kind is put right, and that is said; "marie" may be
 * somebody else than maria, so she is looked for as written, and what there is instead is said.
 */
static const char *unknown_value(
    const struct rows *r, const struct chat_column *c, const char *text, bool quoted)
{
    const char *near = near_value(r, c, text);
    bool correct = near && !quoted && holds_kinds(r, c);
    struct buf b;

    if (c->n_values == 0 || (!near && !c->all_values))
        return text;
    buf_init(&b, REMARK_MAX);
    buf_adds(&b, correct ? "I read \"" : "There is no \"");
    tell_plain(&b, text);
    buf_adds(&b, correct ? "\" as " : c->all_values ? "\" in " : "\" among the first values of ");
    tell_name(&b, correct ? near : c->name);
    if (correct) {
        buf_addc(&b, '.');
    } else if (near) {
        buf_adds(&b, "; did you mean \"");
        tell_plain(&b, near);
        buf_adds(&b, "\"?");
    } else {
        buf_adds(&b, ", which has ");
        for (size_t i = 0; i < c->n_values && i < VALUES_TOLD; i++) {
            buf_adds(&b, i ? ", " : "");
            tell_plain(&b, c->values[i]);
        }
        buf_adds(&b, c->n_values > VALUES_TOLD ? " and others." : ".");
    }
    if (!b.failed)
        remark(r->m, arena_strdup(r->m->arena, buf_str(&b)));
    buf_deinit(&b);
    return correct ? near : text;
}

/* The spelling that the file has, for a value of a text column. */
static const char *known_spelling(
    const struct rows *r, const struct chat_column *c, const char *text)
{
    size_t column = (size_t)(c - r->m->table.columns);
    struct known_value v;
    struct words w;
    struct err err;

    if (chat_column_is_number(c) || chat_column_is_date(c) || chat_column_is_bool(c))
        return text;
    if (words_split(text, r->m->arena, &w, &err) && w.n > 0 &&
        chat_value(&w, 0, w.n, &r->m->table, column, r->m->arena, &v) && v.n_words == w.n)
        return v.text;
    return text;
}

/* May a run of plain words that is a value go on with this item? */
static bool goes_on(const struct rows *r, size_t i, size_t begun)
{
    const struct item *it = rows_item(r, i);

    if (i >= r->n || i - begun >= RUN_WORDS)
        return false;
    if (words_say(&r->m->words, it->from, it->to, "please") || begins_wish(r->m, it->from, it->to))
        return i == begun; /* What comes first is the value, whatever it looks like. */
    return it->kind == ITEM_WORD || it->kind == ITEM_VALUE || it->kind == ITEM_NUMBER ||
           (i == begun && it->kind != ITEM_COMMA && it->kind != ITEM_AND && it->kind != ITEM_OR);
}

/* Past articles, unless "a" is all there is: "starts with A or B". */
static size_t value_begin(const struct rows *r, size_t i)
{
    size_t at = rows_skip_articles(r, i);
    enum item_kind kind = rows_item(r, at)->kind;

    return at > i && (kind == ITEM_COMMA || kind == ITEM_AND || kind == ITEM_OR) ? at - 1 : at;
}

struct json *rows_value_at(
    const struct rows *r, size_t *i, const struct chat_column *c, struct when *when)
{
    const struct words *w = &r->m->words;
    size_t at = value_begin(r, *i), begun;
    const struct item *it = rows_item(r, at);
    const char *text;
    double number;

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
        return rows_number(&w->v[it->from]);
    if (it->kind == ITEM_WORD && (!c || chat_column_is_number(c)) &&
        words_number(&w->v[it->from], &number))
        return number_json(number);
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
    text = words_text(w, rows_item(r, begun)->from, rows_item(r, at - 1)->to, r->m->arena);
    return json_new_string(c ? known_spelling(r, c, text) : text);
}

struct json *rows_checked(
    const struct rows *r, const struct chat_column *c, struct json *value, bool quoted)
{
    const char *text = json_str(value), *meant;

    if (!text || chat_column_is_number(c) || chat_column_is_date(c) || chat_column_is_bool(c))
        return value;
    for (size_t i = 0; i < c->n_values; i++) {
        if (strcmp(c->values[i], text) == 0)
            return value;
    }
    meant = unknown_value(r, c, text, quoted);
    if (meant != text) {
        json_free(value);
        value = json_new_string(meant);
    }
    return value;
}
