/*
 * Rendering: the pieces of a template with the values of one row between them.
 */

#include "ops/template_int.h"

#include "base/date.h"
#include "base/num.h"
#include "base/rand.h"

#include <inttypes.h>
#include <stdio.h>

/* A row being rendered. */
struct row {
    const struct batch *in;
    uint32_t at;
    char uuid[37]; /* One for all places of the row; empty: not made yet. */
};

static const char *uuid_of_row(struct row *r)
{
    if (!r->uuid[0])
        rand_uuid(r->uuid);
    return r->uuid;
}

static void counter_value(
    const struct template *t, const struct slot *s, struct row *r, struct value *v)
{
    if (t->expression && s->context == SQL_BARE && !t->is_json) {
        value_text(v, t->expression, strlen(t->expression));
        v->kind = VALUE_SQL;
    } else if (t->counting == TEMPLATE_UUID) {
        value_text(v, uuid_of_row(r), sizeof r->uuid - 1);
    } else {
        value_text(v, v->scratch, num_format_int(t->counter, v->scratch));
        v->kind = s->type == SLOT_STRING ? VALUE_TEXT : VALUE_NUMBER;
    }
}

static void now_value(const struct template *t, const struct slot *s, struct value *v)
{
    bool day = s->source == SLOT_DATE,
         bare = !t->is_json && s->context == SQL_BARE && !*s->before && !*s->after;
    const char *text = bare  ? (day ? "CURRENT_DATE" : "CURRENT_TIMESTAMP")
                       : day ? t->day
                             : t->stamp;

    value_text(v, text, strlen(text));
    if (bare)
        v->kind = VALUE_SQL;
}

static bool fail_fit(const struct slot *s, const struct cell *cell, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *p = cell_shown(cell, scratch, &n);
    int cut = template_cut(p, n);

    return err_set(err, ERR_DATA,
        "'%.*s%s' is not %s, as %.80s asks; a default behind a | or on_error null would let it "
        "pass",
        cut, p, (size_t)cut < n ? "..." : "", value_wanted(s->type), s->label);
}

/* The row and column in front of the sentence, and in the err. */
static bool place(const struct slot *s, const struct row *r, struct err *err)
{
    uint64_t row = batch_row(r->in, r->at);

    if (err->code != ERR_DATA)
        return false;
    if (s->source == SLOT_COLUMN) {
        err_wrap(err, "row %" PRIu64 ", column '%.64s'", row, s->column_name);
        snprintf(err->column, sizeof err->column, "%.120s", s->column_name);
        err->at.col = s->column + 1;
    } else {
        err_wrap(err, "row %" PRIu64, row);
    }
    err->at.row = row;
    return false;
}

/* The value of slot `s`: *v, made in `own` unless it is the default. */
static bool find_value(struct template *t, const struct slot *s, struct row *r, struct value *own,
    const struct value **v, struct err *err)
{
    const struct cell *cell;

    *v = own;
    if (s->source == SLOT_COUNTER) {
        counter_value(t, s, r, own);
        return true;
    }
    if (s->source != SLOT_COLUMN) {
        now_value(t, s, own);
        return true;
    }
    cell = &r->in->columns[s->column][r->at];
    if (value_from_cell(cell, s->type, own, &t->guessed)) {
        if (own->kind == VALUE_NULL && s->has_default)
            *v = s->fallback;
        return true;
    }
    if (s->has_default) {
        *v = s->fallback;
        return true;
    }
    if (t->on_error == TEMPLATE_FAIL)
        return fail_fit(s, cell, err) || place(s, r, err);
    t->misfits++;
    own->kind = VALUE_NULL;
    own->p = "";
    own->n = 0;
    return true;
}

/* Does out hold the tag from byte `from` on? */
static bool holds_tag(const struct buf *out, size_t from, const struct piece *p, size_t *at)
{
    const char *found = memmem(out->data + from, out->len - from, p->tag, p->tag_n);

    if (found)
        *at = (size_t)(found - out->data);
    return found;
}

static bool fail_tag(const struct piece *p, struct err *err)
{
    return err_set(err, ERR_DATA,
        "the value would end the quoted text, as %.*s is in it; use another tag, or '...'",
        template_cut(p->tag, p->tag_n), p->tag);
}

/* A slot in $tag$...$tag$ whose text began at `body`: it must not complete a tag. */
static bool check_tag(
    const struct piece *p, size_t body, size_t before, const struct buf *out, struct err *err)
{
    size_t from = before - body < p->tag_n - 1 ? body : before - (p->tag_n - 1), at;

    return !holds_tag(out, from, p, &at) || fail_tag(p, err);
}

/* The tag that ends the text must be the first in it: a value may have begun one. */
static bool check_close(const struct piece *p, size_t body, const struct buf *out, struct err *err)
{
    size_t at = out->len - p->tag_n;

    return !holds_tag(out, body, p, &at) || at == out->len - p->tag_n || fail_tag(p, err);
}

bool template_render(
    struct template *t, const struct batch *in, uint32_t row, struct buf *out, struct err *err)
{
    struct row r = { .in = in, .at = row };
    const struct slot *last = NULL;
    size_t start = out->len, body = 0;
    struct value own;
    const struct value *v;

    for (const struct piece *p = t->first; p; p = p->next) {
        size_t before;

        buf_add(out, p->text, p->n);
        if (p->opens)
            body = out->len;
        if (p->closes && !out->failed && !check_close(p, body, out, err)) {
            if (last)
                place(last, &r, err);
            goto fail;
        }
        if (!p->slot)
            continue;
        last = p->slot;
        if (!find_value(t, p->slot, &r, &own, &v, err))
            goto fail;
        before = out->len;
        if (t->is_json) {
            template_json_put(p->slot, v, out);
        } else if (!template_sql_put(t, p->slot, v, out, err) ||
                   (p->tag && !out->failed && !check_tag(p, body, before, out, err))) {
            place(p->slot, &r, err);
            goto fail;
        }
    }
    if (!buf_ok(out, "one row of the template's text", err))
        goto fail;
    t->counter++;
    return true;
fail:
    if (!out->failed && out->len > start) {
        out->len = start;
        out->data[start] = '\0';
    }
    return false;
}

uint64_t template_misfits(const struct template *t)
{
    return t->misfits;
}

uint64_t template_guessed(const struct template *t)
{
    return t->guessed;
}
