/*
 * Binding one JSON value to one field, by the kind its argument is declared as.
 *
 * Values come from JSON bodies, from multipart forms and from chat, so scalars are also taken from
 * text ("10", "yes") and structures from JSON text.
 */

#include "ops/bind_int.h"

#include "base/num.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WHOLE_MAX 9e15 /* Up to here a double that looks whole is the number that was meant. */

static bool same_word(const char *a, const char *b)
{
    for (;; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;

        if (x != y)
            return false;
        if (!x)
            return true;
    }
}

bool bind_bool_text(const char *s, bool *out)
{
    static const char *const words[2][7] = {
        { "false", "0", "no", "off", "n", "f", NULL },
        { "true", "1", "yes", "on", "y", "t", NULL },
    };

    for (int yes = 0; s && yes < 2; yes++) {
        for (const char *const *w = words[yes]; *w; w++) {
            if (same_word(*w, s)) {
                *out = yes;
                return true;
            }
        }
    }
    return false;
}

static bool fail_kind(
    const struct bind_path *path, const struct json *value, const char *want, struct err *err)
{
    char shown[BIND_SHOWN + 16];

    bind_show(value, shown, sizeof shown);
    return bind_fail(path, err, "%s is not %s", shown, want);
}

static bool value_bool(
    const struct bind_path *path, const struct json *value, bool *out, struct err *err)
{
    enum json_kind type = json_kind(value);

    if (type == JSON_KIND_BOOL) {
        *out = json_bool(value, false);
        return true;
    }
    if (type == JSON_KIND_INT && (json_int(value, -1) == 0 || json_int(value, -1) == 1)) {
        *out = json_int(value, 0) == 1;
        return true;
    }
    if (type == JSON_KIND_STRING && bind_bool_text(json_str(value), out))
        return true;
    return fail_kind(path, value, "yes or no", err);
}

/* Bounds as people write them: 1 and 100000, not 1.000000. */
static bool fail_bounds(
    const struct bind_path *path, const struct arg *arg, const char *shown, struct err *err)
{
    char low[NUM_TEXT_MAX], high[NUM_TEXT_MAX];

    num_format(arg->min, low);
    num_format(arg->max, high);
    return bind_fail(path, err, "%s is not between %s and %s", shown, low, high);
}

static bool is_bounded(const struct arg *arg)
{
    return arg->min != 0 || arg->max != 0;
}

static bool value_int(const struct bind_path *path, const struct arg *arg, const struct json *value,
    int64_t *out, struct err *err)
{
    char shown[BIND_SHOWN + 16];
    int64_t v = 0;
    bool ok = false;

    switch (json_kind(value)) {
    case JSON_KIND_INT:
        v = json_int(value, 0);
        ok = true;
        break;
    case JSON_KIND_REAL: {
        double d = json_num(value, NAN);

        ok = d == floor(d) && fabs(d) < WHOLE_MAX;
        v = ok ? (int64_t)d : 0;
        if (!ok && d == floor(d) && is_bounded(arg) && (d < arg->min || d > arg->max)) {
            bind_show(value, shown, sizeof shown);
            return fail_bounds(path, arg, shown, err);
        }
        break;
    }
    case JSON_KIND_STRING: {
        const char *p = json_str(value);
        size_t n = strlen(p);

        utf8_trim(&p, &n);
        ok = num_parse_int(p, n, &v);
        break;
    }
    default:
        break;
    }
    if (!ok)
        return fail_kind(path, value, "a whole number", err);
    if (is_bounded(arg) && ((double)v < arg->min || (double)v > arg->max)) {
        snprintf(shown, sizeof shown, "%lld", (long long)v);
        return fail_bounds(path, arg, shown, err);
    }
    *out = v;
    return true;
}

static bool value_number(const struct bind_path *path, const struct arg *arg,
    const struct json *value, double *out, struct err *err)
{
    char shown[BIND_SHOWN + 16];
    enum json_kind type = json_kind(value);
    double v = 0;

    if (type == JSON_KIND_INT || type == JSON_KIND_REAL) {
        v = json_num(value, 0);
    } else {
        const char *p = type == JSON_KIND_STRING ? json_str(value) : "";
        size_t n = strlen(p);

        utf8_trim(&p, &n);
        if (!num_parse(p, n, &v))
            return fail_kind(path, value, "a number", err);
    }
    if (is_bounded(arg) && (v < arg->min || v > arg->max)) {
        bind_show(value, shown, sizeof shown);
        return fail_bounds(path, arg, shown, err);
    }
    *out = v;
    return true;
}

/* The text of a string or number in the arena. */
static bool value_text(const struct bind_ctx *ctx, const struct bind_path *path,
    const struct json *value, const char **out, struct err *err)
{
    char number[NUM_TEXT_MAX];
    const char *s = NULL;

    switch (json_kind(value)) {
    case JSON_KIND_STRING:
        s = json_str(value);
        if (strlen(s) != json_str_len(value))
            return bind_fail(path, err, "the text holds a NUL character");
        break;
    case JSON_KIND_INT:
        num_format_int(json_int(value, 0), number);
        s = number;
        break;
    case JSON_KIND_REAL:
        num_format(json_num(value, 0), number);
        s = number;
        break;
    default:
        return fail_kind(path, value, "text", err);
    }
    s = arena_strdup(ctx->arena, s);
    if (!s)
        return err_nomem(err);
    *out = s;
    return true;
}

static bool value_str(const struct bind_ctx *ctx, const struct bind_path *path,
    const struct arg *arg, const struct json *value, const char **out, struct err *err)
{
    size_t n;

    if (!value_text(ctx, path, value, out, err))
        return false;
    n = utf8_count(*out, strlen(*out));
    if (is_bounded(arg) && (double)n < arg->min)
        return n ? bind_fail(path, err, "the text is shorter than %.0f characters", arg->min)
                 : bind_fail(path, err, "the text is empty");
    if (is_bounded(arg) && (double)n > arg->max)
        return bind_fail(path, err, "the text is longer than %.0f characters", arg->max);
    return true;
}

static bool check_count(const struct bind_path *path, const struct arg *arg, size_t n,
    const char *what, struct err *err)
{
    if (n > BIND_MAX_ITEMS)
        return bind_fail(path, err, "more than %d %s", BIND_MAX_ITEMS, what);
    if (!is_bounded(arg))
        return true;
    if ((double)n < arg->min)
        return n ? bind_fail(path, err, "at least %.0f %s are needed", arg->min, what)
                 : bind_fail(path, err, "the list is empty");
    if ((double)n > arg->max)
        return bind_fail(path, err, "more than %.0f %s", arg->max, what);
    return true;
}

/* "a, b" at its commas; empty parts do not count. */
static bool split_text(const struct bind_ctx *ctx, const char *s, struct strs *out, struct err *err)
{
    size_t n = 1;

    for (const char *p = s; *p; p++)
        n += *p == ',';
    out->v = arena_calloc(ctx->arena, n, sizeof *out->v);
    if (!out->v)
        return err_nomem(err);
    out->n = 0;
    while (*s) {
        size_t len = strcspn(s, ",");
        const char *p = s;
        size_t m = len;

        utf8_trim(&p, &m);
        if (m) {
            out->v[out->n] = arena_dup(ctx->arena, p, m);
            if (!out->v[out->n++])
                return err_nomem(err);
        }
        s += len + (s[len] == ',');
    }
    return true;
}

static bool value_strs(const struct bind_ctx *ctx, const struct bind_path *path,
    const struct arg *arg, const struct json *value, struct strs *out, struct err *err)
{
    struct strs list = { 0 };

    if (json_kind(value) == JSON_KIND_ARRAY) {
        size_t n = json_len(value);

        if (!check_count(path, arg, n, "names", err))
            return false;
        list.v = arena_calloc(ctx->arena, n ? n : 1, sizeof *list.v);
        if (!list.v)
            return err_nomem(err);
        for (; list.n < n; list.n++) {
            const struct bind_path at = { path, NULL, list.n };

            if (!value_text(ctx, &at, json_at(value, list.n), &list.v[list.n], err))
                return false;
            if (!list.v[list.n][0])
                return bind_fail(&at, err, "the text is empty");
        }
    } else {
        const char *text = "";

        if (json_kind(value) == JSON_KIND_OBJECT || json_kind(value) == JSON_KIND_BOOL)
            return fail_kind(path, value, "a list of names", err);
        if (!value_text(ctx, path, value, &text, err) || !split_text(ctx, text, &list, err) ||
            !check_count(path, arg, list.n, "names", err))
            return false;
    }
    *out = list;
    return true;
}

static bool value_choice(const struct bind_path *path, const struct arg *arg,
    const struct json *value, int *out, struct err *err)
{
    char shown[BIND_SHOWN + 16], list[BIND_LISTED];
    const char *text = json_str(value), *near, *word = text;
    size_t n = 0;

    for (const char *const *a = arg->choice_aliases; word && a && *a; a += 2) {
        if (same_word(a[0], text) || arg_name_is(a[0], text))
            word = a[1];
    }
    for (; arg->choices[n]; n++) {
        if (word && (same_word(arg->choices[n], word) || arg_name_is(arg->choices[n], word))) {
            *out = (int)n;
            return true;
        }
    }
    bind_show(value, shown, sizeof shown);
    bind_enumerate(arg->choices, n, list, sizeof list);
    near = text ? utf8_nearest(text, arg->choices, n) : NULL;
    if (near)
        bind_fail(path, err, "%s is not one of its choices; did you mean '%s'? It takes: %s", shown,
            near, list);
    else
        bind_fail(path, err, "%s is not one of its choices. It takes: %s", shown, list);
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    for (size_t i = 0; i < n; i++)
        err_list_add(err->available, sizeof err->available, arg->choices[i]);
    return false;
}

/* A nested struct from an object, or from the plain value that stands for its shorthand field. */
static bool value_struct(const struct bind_ctx *ctx, const struct bind_path *path,
    const struct arg *arg, const struct json *value, void *dst, struct err *err)
{
    struct bind_slot slots[BIND_MAX_FIELDS];
    size_t n = bind_slots(arg->fields, dst, slots);
    struct json *object = (struct json *)(uintptr_t)value;

    if (json_kind(value) != JSON_KIND_OBJECT && arg->shorthand) {
        for (size_t i = 0; i < n; i++) {
            const struct arg *field = slots[i].arg;

            if (strcmp(field->name, arg->shorthand) != 0)
                continue;
            slots[i] = slots[--n]; /* The others get their defaults. */
            return bind_object(ctx, path, slots, n, NULL, err) &&
                   bind_value(
                       ctx, path, field, NULL, NULL, value, (char *)dst + field->offset, err);
        }
    }
    return bind_object(ctx, path, slots, n, object, err);
}

static bool value_objects(const struct bind_ctx *ctx, const struct bind_path *path,
    const struct arg *arg, const struct json *value, struct items *out, struct err *err)
{
    bool single = json_kind(value) == JSON_KIND_OBJECT;
    size_t n = single ? 1 : json_len(value);
    char *v;

    if (!single && json_kind(value) != JSON_KIND_ARRAY)
        return fail_kind(path, value, "a list of objects", err);
    if (!check_count(path, arg, n, "entries", err))
        return false;
    v = arena_calloc(ctx->arena, n ? n : 1, arg->size);
    if (!v)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        const struct bind_path at = { path, NULL, i };

        if (!value_struct(
                ctx, &at, arg, single ? value : json_at(value, i), v + i * arg->size, err))
            return false;
    }
    *out = (struct items){ v, n };
    return true;
}

static bool value_map(const struct bind_ctx *ctx, const struct bind_path *path,
    const struct arg *arg, const struct json *value, struct items *out, struct err *err)
{
    size_t n = json_len(value), i = 0;
    char *v;

    if (json_kind(value) != JSON_KIND_OBJECT)
        return fail_kind(path, value, "an object of names and values", err);
    if (!check_count(path, arg, n, "entries", err))
        return false;
    v = arena_calloc(ctx->arena, n ? n : 1, arg->size);
    if (!v)
        return err_nomem(err);
    for (const void *it = json_first(value); it; it = json_next(value, it), i++) {
        const struct bind_path at = { path, json_key(it), 0 };
        const char **key = (const char **)(void *)(v + i * arg->size);

        if (!json_key(it)[0])
            return bind_fail(path, err, "one of the names is empty");
        *key = arena_strdup(ctx->arena, json_key(it));
        if (!*key)
            return err_nomem(err);
        if (!value_struct(ctx, &at, arg, json_value(it), v + i * arg->size, err))
            return false;
    }
    *out = (struct items){ v, n };
    return true;
}

/*
 * JSON text where a structure is declared (forms have nothing else): parsed, and put into `holder` in
 * place of the text, so that it lives as long as the arguments. *value is the structure then. Only
 * a top-level ARG_JSON is read so: deeper, text is text.
 */
static bool take_json_text(const struct bind_path *path, const struct arg *arg, struct json *holder,
    const char *key, const struct json **value, struct err *err)
{
    bool nested = arg->type == ARG_STRS || arg->type == ARG_OBJECT || arg->type == ARG_OBJECTS ||
                  arg->type == ARG_MAP;
    const char *text = json_str(*value), *p;
    struct json *parsed = NULL;
    struct err why;

    if (!text || !holder || (!nested && (arg->type != ARG_JSON || path->up)))
        return true;
    p = text + strspn(text, " \t\r\n");
    if (*p != '[' && *p != '{')
        return true;
    if (!json_parse(text, json_str_len(*value), &parsed, &why)) {
        /* A name may begin with a bracket, and a shorthand text with a brace. */
        if (arg->type == ARG_STRS || arg->type == ARG_JSON || arg->shorthand)
            return true;
        return bind_fail(path, err, "the JSON text cannot be read: %s", why.text);
    }
    *value = parsed;
    return json_set(holder, key, parsed) || err_nomem(err);
}

bool bind_value(const struct bind_ctx *ctx, const struct bind_path *path, const struct arg *arg,
    struct json *holder, const char *key, const struct json *value, void *field, struct err *err)
{
    bool yes = false;

    if (!take_json_text(path, arg, holder, key, &value, err))
        return false;
    switch (arg->type) {
    case ARG_BOOL:
        return value_bool(path, value, field, err);
    case ARG_MAYBE:
        if (!value_bool(path, value, &yes, err))
            return false;
        *(int *)field = yes;
        return true;
    case ARG_INT:
        return value_int(path, arg, value, field, err);
    case ARG_NUMBER:
        return value_number(path, arg, value, field, err);
    case ARG_STR:
    case ARG_FILE:
        return value_str(ctx, path, arg, value, field, err);
    case ARG_STRS:
        return value_strs(ctx, path, arg, value, field, err);
    case ARG_CHOICE:
        return value_choice(path, arg, value, field, err);
    case ARG_JSON:
        *(const struct json **)field = value;
        return true;
    case ARG_OBJECT:
        return value_struct(ctx, path, arg, value, field, err);
    case ARG_OBJECTS:
        return value_objects(ctx, path, arg, value, field, err);
    case ARG_MAP:
        return value_map(ctx, path, arg, value, field, err);
    }
    return err_set(err, ERR_INTERNAL, "argument %s has no kind", arg->name);
}
