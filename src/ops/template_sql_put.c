/*
 * Writing a value into SQL so that it stays in its place.
 */

#include "ops/template_int.h"

static const char *const database_names[SQL_DIALECT_COUNT] = {
    [SQL_POSTGRESQL] = "PostgreSQL",
    [SQL_MYSQL] = "MySQL",
    [SQL_SQLITE] = "SQLite",
};

static bool fail_nul(const struct template *t, struct err *err)
{
    return err_set(err, ERR_DATA, "the text holds the character U+0000, which %s cannot take here",
        database_names[t->dialect]);
}

/* p[0..n) with every `quote` doubled, and every backslash where it escapes. */
static void put_doubled(const char *p, size_t n, char quote, bool backslash, struct buf *out)
{
    size_t run = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] != quote && !(backslash && p[i] == '\\'))
            continue;
        buf_add(out, p + run, i + 1 - run);
        run = i; /* Once more with the next run. */
    }
    buf_add(out, p + run, n - run);
}

/* MySQL's text in double quotes may hold any character; its command line drops a CR at the end of a line. */
static void put_mysql_double(const char *p, size_t n, struct buf *out)
{
    size_t run = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] != '\0' && p[i] != '\r')
            continue;
        put_doubled(p + run, i - run, '"', true, out);
        buf_adds(out, p[i] ? "\\r" : "\\0");
        run = i + 1;
    }
    put_doubled(p + run, n - run, '"', true, out);
}

static bool is_sign(char c)
{
    return c == '*' || c == '/';
}

/* No two of * and / that belong together are left so. */
static void put_block(const char *p, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        char last = out->len > 0 ? out->data[out->len - 1] : '\0';

        if (is_sign(p[i]) && is_sign(last) && p[i] != last)
            buf_addc(out, ' ');
        buf_addc(out, p[i] ? p[i] : ' ');
    }
}

static bool put_bracket(const char *p, size_t n, struct buf *out, struct err *err)
{
    if (memchr(p, ']', n))
        return err_set(err, ERR_DATA,
            "the value holds a ], which would end the name [...]; write the name in \"...\" "
            "instead");
    buf_add(out, p, n);
    return true;
}

/* Part of a value, for the inside of what it stands in. */
static bool put_inside(const struct template *t, enum sql_context context, const char *p, size_t n,
    struct buf *out, struct err *err)
{
    bool nul = n > 0 && memchr(p, '\0', n);

    switch (context) {
    case SQL_STRING:
        return sql_escape(t->dialect, p, n, out, err);
    case SQL_LINE:
        sql_comment_text(p, n, out);
        return true;
    case SQL_BLOCK:
        put_block(p, n, out);
        return true;
    case SQL_DOUBLE_TEXT:
        if (t->dialect == SQL_MYSQL) {
            put_mysql_double(p, n, out);
            return true;
        }
        break;
    case SQL_BARE:
    case SQL_ESCAPED:
    case SQL_DOUBLE:
    case SQL_BACKTICK:
    case SQL_BRACKET:
    case SQL_DOLLAR:
        break;
    }
    if (nul)
        return fail_nul(t, err);
    if (context == SQL_ESCAPED)
        put_doubled(p, n, '\'', true, out);
    else if (context == SQL_DOUBLE || context == SQL_DOUBLE_TEXT)
        put_doubled(p, n, '"', context == SQL_DOUBLE_TEXT, out);
    else if (context == SQL_BACKTICK)
        put_doubled(p, n, '`', false, out);
    else if (context == SQL_BRACKET)
        return put_bracket(p, n, out, err);
    else
        buf_add(out, p, n);
    return true;
}

static bool put_parts(const struct template *t, const struct slot *s, enum sql_context context,
    const struct value *v, struct buf *out, struct err *err)
{
    return put_inside(t, context, s->before, strlen(s->before), out, err) &&
           put_inside(t, context, v->p, v->n, out, err) &&
           put_inside(t, context, s->after, strlen(s->after), out, err);
}

static bool all_digits(const struct value *v)
{
    for (size_t i = 0; i < v->n; i++) {
        if (v->p[i] < '0' || v->p[i] > '9')
            return false;
    }
    return v->n > 0;
}

static bool put_glued(const struct slot *s, const struct value *v, struct buf *out, struct err *err)
{
    if (v->kind != VALUE_NUMBER || !all_digits(v) || *s->before || *s->after)
        return err_set(err, ERR_DATA,
            "%.80s touches the text beside it in the template, so its value can only be digits, "
            "and not '%.*s'; "
            "put a blank between, or quotes around both",
            s->label, template_cut(v->p, v->n), v->p);
    buf_add(out, v->p, v->n);
    return true;
}

/* Outside: a token of its own. */
static bool put_bare(const struct template *t, const struct slot *s, const struct value *v,
    struct buf *out, struct err *err)
{
    bool wild = (*s->before || *s->after) && v->kind != VALUE_NULL && v->kind != VALUE_SQL;
    enum sql_context inside = s->flags & SLOT_AFTER_ESCAPED ? SQL_ESCAPED : SQL_STRING;

    if (s->flags & SLOT_GLUED)
        return put_glued(s, v, out, err);
    if ((s->flags & SLOT_BLANK_BEFORE) ||
        ((s->flags & SLOT_BLANK_MINUS) && v->kind == VALUE_NUMBER && *v->p == '-' && !wild))
        buf_addc(out, ' ');
    if (v->kind == VALUE_TEXT || wild) {
        buf_addc(out, '\'');
        if (!put_parts(t, s, inside, v, out, err))
            return false;
        buf_addc(out, '\'');
    } else if (v->kind == VALUE_NULL) {
        buf_add(out, "NULL", 4);
    } else if (v->kind == VALUE_BOOL) {
        buf_adds(out, *v->p == 't' ? "TRUE" : "FALSE");
    } else {
        buf_add(out, v->p, v->n);
    }
    if (s->flags & SLOT_BLANK_AFTER)
        buf_addc(out, ' ');
    return true;
}

bool template_sql_put(const struct template *t, const struct slot *s, const struct value *v,
    struct buf *out, struct err *err)
{
    if (s->context == SQL_BARE)
        return put_bare(t, s, v, out, err);
    if (s->flags & SLOT_BLANK_BEFORE)
        buf_addc(out, ' ');
    if (v->kind != VALUE_NULL && !put_parts(t, s, s->context, v, out, err))
        return false;
    if ((s->flags & SLOT_SIGN_AFTER) && out->len > 0 && is_sign(out->data[out->len - 1]))
        buf_addc(out, ' '); /* Even when the value is blank. */
    return true;
}
