/*
 * Templates of JSON: the template is walked once and flattened into JSON text with places for values. A row
 * is then text after text, and nothing of the tree is left.
 *
 *   {"id": "{id:int}", "hi": "Hello {name}"}   ─▶   `{"id": ` value `, "hi": "Hello ` text `"}`
 */

#include "ops/template_int.h"

#include "base/num.h"

#include <math.h>
#include <stdio.h>

#define SAFE_INTEGER 9007199254740992 /* 2^53: more cannot be told apart by most readers. */

enum { INDENT = 2, PATH_MAX_BYTES = 120 };

struct flattener {
    struct parser ps;
    struct template *t;
    struct arena *arena;
    struct buf text; /* Not in a piece yet. */
    struct buf path; /* items[0].name */
    bool pretty;
    unsigned depth; /* Of indentation. */
    unsigned level; /* Of nesting. */
};

/* p[0..n) for the inside of a JSON string. */
static void put_text(const char *p, size_t n, struct buf *out)
{
    static const char short_forms[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
    };
    size_t run = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        buf_add(out, p + run, i - run);
        run = i + 1;
        if (c >= ' ' || (c < sizeof short_forms && short_forms[c])) {
            buf_addc(out, '\\');
            buf_addc(out, c >= ' ' ? (char)c : short_forms[c]);
        } else {
            buf_addf(out, "\\u%04x", c);
        }
    }
    buf_add(out, p + run, n - run);
}

static bool is_beyond(const struct value *v)
{
    int64_t whole;
    double number;

    if (num_parse_int(v->p, v->n, &whole))
        return whole > SAFE_INTEGER || whole < -SAFE_INTEGER;
    return !num_parse(v->p, v->n, &number) || fabs(number) >= (double)SAFE_INTEGER;
}

void template_json_put(const struct slot *s, const struct value *v, struct buf *out)
{
    bool bare = s->whole && (v->kind == VALUE_NULL || v->kind == VALUE_BOOL ||
                                (v->kind == VALUE_NUMBER && !is_beyond(v)));

    if (!s->whole) {
        put_text(v->p, v->n, out);
    } else if (v->kind == VALUE_NULL) {
        buf_add(out, "null", 4);
    } else if (bare) {
        buf_add(out, v->p, v->n);
    } else {
        buf_addc(out, '"');
        put_text(v->p, v->n, out);
        buf_addc(out, '"');
    }
}

/* Make what has gathered a piece, with the slot behind it. */
static bool flush(struct flattener *f, struct slot *slot, struct err *err)
{
    char *text;

    if (!buf_ok(&f->text, "the template", err))
        return false;
    text = arena_dup(f->arena, f->text.len ? f->text.data : "", f->text.len);
    if (!text || !template_add(f->t, text, f->text.len, slot))
        return err_nomem(err);
    buf_reset(&f->text);
    return true;
}

static void new_line(struct flattener *f)
{
    if (!f->pretty)
        return;
    buf_addc(&f->text, '\n');
    for (unsigned i = 0; i < f->depth * INDENT; i++)
        buf_addc(&f->text, ' ');
}

static bool put_string(struct flattener *f, const struct json *value, struct err *err)
{
    struct parsed p = {
        .source = json_str(value), .source_n = json_str_len(value), .path = buf_str(&f->path)
    };
    size_t from = 0;

    if (!parser_read(&f->ps, &p, err))
        return false;
    if (p.n_slots == 1 && p.n == 0) {
        p.slots[0].whole = true;
        return flush(f, &p.slots[0], err);
    }
    buf_addc(&f->text, '"');
    for (size_t i = 0; i < p.n_slots; i++) {
        put_text(p.text + from, p.slots[i].at - from, &f->text);
        from = p.slots[i].at;
        if (!flush(f, &p.slots[i], err))
            return false;
    }
    put_text(p.text + from, p.n - from, &f->text);
    buf_addc(&f->text, '"');
    return true;
}

static bool put_value(struct flattener *f, const struct json *value, struct err *err);

/* The path goes on with a key or an index, cut where it grows too long for a sentence. */
static bool put_member(
    struct flattener *f, const char *key, size_t index, const struct json *value, struct err *err)
{
    size_t len = f->path.len;
    bool ok;

    if (len < PATH_MAX_BYTES && key)
        buf_addf(&f->path, "%s%.*s", len ? "." : "", template_cut(key, strlen(key)), key);
    else if (len < PATH_MAX_BYTES)
        buf_addf(&f->path, "[%zu]", index);
    ok = put_value(f, value, err);
    if (!f->path.failed && f->path.len > len) {
        f->path.len = len;
        f->path.data[len] = '\0';
    }
    return ok;
}

static bool put_object(struct flattener *f, const struct json *value, struct err *err)
{
    bool first = true;

    buf_addc(&f->text, '{');
    f->depth++;
    for (const void *it = json_first(value); it; it = json_next(value, it)) {
        if (!first)
            buf_addc(&f->text, ',');
        first = false;
        new_line(f);
        buf_addc(&f->text, '"');
        put_text(json_key(it), strlen(json_key(it)), &f->text);
        buf_adds(&f->text, f->pretty ? "\": " : "\":");
        if (!put_member(f, json_key(it), 0, json_value(it), err))
            return false;
    }
    f->depth--;
    if (!first)
        new_line(f);
    buf_addc(&f->text, '}');
    return true;
}

static bool put_array(struct flattener *f, const struct json *value, struct err *err)
{
    size_t n = json_len(value);

    buf_addc(&f->text, '[');
    f->depth++;
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(&f->text, ',');
        new_line(f);
        if (!put_member(f, NULL, i, json_at(value, i), err))
            return false;
    }
    f->depth--;
    if (n)
        new_line(f);
    buf_addc(&f->text, ']');
    return true;
}

static bool put_value(struct flattener *f, const struct json *value, struct err *err)
{
    enum json_kind kind = json_kind(value);
    bool ok = true;

    if (kind == JSON_KIND_STRING)
        return put_string(f, value, err);
    if (kind != JSON_KIND_OBJECT && kind != JSON_KIND_ARRAY) {
        json_write(value, false, &f->text);
        return true;
    }
    if (f->level == JSON_MAX_DEPTH) {
        return err_argument(err, ERR_ARG, f->ps.argument, "%s is more than %d levels deep",
            f->ps.argument, JSON_MAX_DEPTH);
    }
    f->level++;
    ok = kind == JSON_KIND_OBJECT ? put_object(f, value, err) : put_array(f, value, err);
    f->level--;
    return ok;
}

/* A template given as JSON text. */
static bool parse_text(
    const struct flattener *f, const struct json *text, struct json **out, struct err *err)
{
    if (json_parse_max(json_str(text), json_str_len(text), TEMPLATE_MAX_BYTES, out, err))
        return true;
    if (err->code == ERR_NOMEM)
        return false;
    err_wrap(err,
        "%s: the JSON text cannot be read (placeholders stand in quotes, as in \"{name}\")",
        f->ps.argument);
    err->code = ERR_ARG;
    snprintf(err->argument, sizeof err->argument, "%s", f->ps.argument);
    return false;
}

bool template_json_compile(const struct json *value, bool pretty, unsigned depth,
    const struct template_options *options, struct arena *arena, struct template **out,
    struct err *err)
{
    struct flattener f = { .arena = arena, .pretty = pretty, .depth = depth };
    struct json *parsed = NULL;
    bool ok;

    buf_init(&f.text, (size_t)8 * TEMPLATE_MAX_BYTES);
    buf_init(&f.path, (size_t)4 * PATH_MAX_BYTES);
    ok = parser_init(&f.ps, options, false, arena, err);
    if (ok && json_kind(value) == JSON_KIND_STRING) {
        ok = parse_text(&f, value, &parsed, err);
        value = parsed;
    }
    if (!ok)
        goto out;
    f.t = template_new(options, arena);
    if (f.t)
        f.t->is_json = true;
    ok = (f.t && template_set_now(f.t, options->now_ns)) || err_nomem(err);
    ok = ok && put_value(&f, value, err) && flush(&f, NULL, err);
    if (ok)
        *out = f.t;
out:
    json_free(parsed);
    buf_deinit(&f.text);
    buf_deinit(&f.path);
    return ok;
}
