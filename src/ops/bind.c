/*
 * Binding an object of arguments to a struct, from the declaration alone: keys to
 * fields by name, alias or camelCase; what is missing, unknown or given twice.
 */

#include "ops/bind_int.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bind_path_render(const struct bind_path *path, char *out, size_t size)
{
    size_t n;

    if (!path) {
        out[0] = '\0';
        return;
    }
    bind_path_render(path->up, out, size);
    n = strlen(out);
    if (path->name)
        snprintf(out + n, size - n, "%s%s", n ? "." : "", path->name);
    else
        snprintf(out + n, size - n, "[%zu]", path->index);
}

bool bind_fail(const struct bind_path *path, struct err *err, const char *fmt, ...)
{
    char where[sizeof err->argument], text[sizeof err->text];
    va_list ap;

    bind_path_render(path, where, sizeof where);
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(err, ERR_ARG, "%s%s%s", where, where[0] ? ": " : "", text);
    memcpy(err->argument, where, sizeof where);
    return false;
}

void bind_show(const struct json *value, char *out, size_t size)
{
    char *text;

    switch (json_kind(value)) {
    case JSON_KIND_ARRAY:
        snprintf(out, size, "a list");
        return;
    case JSON_KIND_OBJECT:
        snprintf(out, size, "an object");
        return;
    case JSON_KIND_STRING: {
        const char *s = json_str(value);
        size_t n = strlen(s), cut = n > BIND_SHOWN ? BIND_SHOWN : n;

        while (cut > 0 && cut < n && ((unsigned char)s[cut] & 0xc0) == 0x80)
            cut--;
        snprintf(out, size, "'%.*s%s'", (int)cut, s, cut < n ? "..." : "");
        return;
    }
    default:
        text = json_text(value);
        snprintf(out, size, "%s", text ? text : "this value");
        free(text);
    }
}

/* key == name once every "_x" of the name is read as "X". */
static bool is_camel_case(const char *name, const char *key)
{
    bool differs = false;

    for (; *name; name++, key++) {
        char want = *name;

        if (want == '_' && name[1] >= 'a' && name[1] <= 'z') {
            want = (char)(*++name - 'a' + 'A');
            differs = true;
        }
        if (*key != want)
            return false;
    }
    return differs && !*key;
}

bool arg_name_is(const char *name, const char *key)
{
    return strcmp(name, key) == 0 || is_camel_case(name, key);
}

int arg_find(const struct arg *const *args, size_t n, const char *key)
{
    /* Real names first: one argument's alias may be another one's name. */
    for (size_t i = 0; i < n; i++) {
        if (arg_name_is(args[i]->name, key))
            return (int)i;
    }
    for (size_t i = 0; i < n; i++) {
        for (const char *const *a = args[i]->aliases; a && *a; a++) {
            if (arg_name_is(*a, key))
                return (int)i;
        }
    }
    return -1;
}

const char *arg_nearest(const struct arg *const *args, size_t n, const char *key)
{
    const char *words[BIND_MAX_WORDS] = { NULL }, *names[BIND_MAX_WORDS] = { NULL }, *near;
    size_t n_words = 0;

    /* Real names first, as one argument's alias may be another one's name. */
    for (size_t i = 0; i < n; i++) {
        if (args[i]->hidden)
            continue;
        words[n_words] = args[i]->name;
        names[n_words++] = args[i]->name;
    }
    for (size_t i = 0; i < n; i++) {
        for (const char *const *a = args[i]->aliases; a && *a && n_words < BIND_MAX_WORDS; a++) {
            words[n_words] = *a;
            names[n_words++] = args[i]->name;
        }
    }
    near = utf8_nearest(key, words, n_words);
    for (size_t i = 0; near && i < n_words; i++) {
        if (strcmp(words[i], near) == 0) /* The first: words may be there twice. */
            return names[i];
    }
    return NULL;
}

void bind_enumerate(const char *const *names, size_t n, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(names[i]) + (i ? 2 : 0);

        if (used + len + sizeof ", ..." > size) {
            snprintf(out + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names[i]);
    }
}

static bool fail_unknown(const struct bind_ctx *ctx, const struct bind_path *path,
    const struct arg *const *args, size_t n, const char *key, struct err *err)
{
    const struct bind_path at = { path, key, 0 };
    const char *names[BIND_MAX_FIELDS], *near = arg_nearest(args, n, key);
    char owner[sizeof err->argument], list[BIND_LISTED];
    size_t shown = 0;

    bind_path_render(path, owner, sizeof owner);
    if (!path)
        snprintf(owner, sizeof owner, "%s", ctx->owner);
    for (size_t i = 0; i < n; i++) {
        if (!args[i]->hidden)
            names[shown++] = args[i]->name;
    }
    bind_enumerate(names, shown, list, sizeof list);
    if (near)
        err_set(err, ERR_ARG, "%s has no argument '%.64s'; did you mean '%s'?", owner, key, near);
    else if (shown)
        err_set(err, ERR_ARG, "%s has no argument '%.64s'. It takes: %s", owner, key, list);
    else
        err_set(err, ERR_ARG, "%s has no argument '%.64s'; it takes none", owner, key);
    bind_path_render(&at, err->argument, sizeof err->argument);
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    for (size_t i = 0; i < shown; i++)
        err_list_add(err->available, sizeof err->available, names[i]);
    return false;
}

/* Which slot each key belongs to. A null value counts as not given. */
static bool match_keys(const struct bind_ctx *ctx, const struct bind_path *path,
    struct bind_slot *slots, size_t n, const struct json *object, struct err *err)
{
    const struct arg *args[BIND_MAX_FIELDS];

    for (size_t i = 0; i < n; i++)
        args[i] = slots[i].arg;
    for (const void *it = json_first(object); it; it = json_next(object, it)) {
        const char *key = json_key(it);
        int i = arg_find(args, n, key);

        if (i < 0)
            return fail_unknown(ctx, path, args, n, key, err);
        if (json_isnull(json_value(it)))
            continue;
        if (slots[i].value) {
            const struct bind_path at = { path, key, 0 };

            return bind_fail(
                &at, err, "means the same argument as '%s'; give one of them", slots[i].key);
        }
        slots[i].value = json_value(it);
        slots[i].key = key;
    }
    return true;
}

static bool bind_fallback(const struct bind_ctx *ctx, const struct bind_path *at,
    const struct bind_slot *slot, struct err *err)
{
    const struct arg *arg = slot->arg;
    struct json *value = NULL;
    bool ok;

    if (arg->type == ARG_MAYBE)
        *(int *)(void *)(slot->base + arg->offset) = -1;
    if (!arg->fallback)
        return true;
    if (!json_parse(arg->fallback, strlen(arg->fallback), &value, err))
        return err_wrap(err, "default of %s", arg->name);
    ok = bind_value(ctx, at, arg, NULL, NULL, value, slot->base + arg->offset, err);
    json_free(value);
    return ok;
}

bool bind_object(const struct bind_ctx *ctx, const struct bind_path *path, struct bind_slot *slots,
    size_t n, struct json *object, struct err *err)
{
    if (object && json_kind(object) != JSON_KIND_OBJECT) {
        char shown[BIND_SHOWN + 16];

        bind_show(object, shown, sizeof shown);
        return bind_fail(path, err, "%s is not an object of arguments", shown);
    }
    if (object && !match_keys(ctx, path, slots, n, object, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct arg *arg = slots[i].arg;
        const struct bind_path at = { path, slots[i].value ? slots[i].key : arg->name, 0 };

        if (slots[i].value) {
            if (!bind_value(ctx, &at, arg, object, slots[i].key, slots[i].value,
                    slots[i].base + arg->offset, err))
                return false;
        } else if (arg->required) {
            char where[sizeof err->argument];

            bind_path_render(&at, where, sizeof where);
            err_set(err, ERR_ARG, "%s is required. %s", where, arg->help ? arg->help : "");
            memcpy(err->argument, where, sizeof where);
            return false;
        } else if (!bind_fallback(ctx, &at, &slots[i], err)) {
            return false;
        }
    }
    return true;
}

size_t bind_slots(const struct arg *fields, void *base, struct bind_slot *slots)
{
    size_t n = 0;

    for (; n < BIND_MAX_FIELDS && fields[n].name; n++)
        slots[n] = (struct bind_slot){ .arg = &fields[n], .base = base };
    return n;
}

bool op_bind(const struct op *op, const struct json *arguments, struct arena *arena,
    struct op_args *out, struct err *err)
{
    struct bind_slot slots[BIND_MAX_FIELDS];
    const struct bind_ctx ctx = { op->name, arena };
    struct op_args bound = { .op = op };
    struct shared_args shared;
    size_t n;

    bound.own = arena_calloc(arena, 1, op->args_size ? op->args_size : 1);
    if (!bound.own)
        return err_nomem(err);
    n = bind_slots(op->args, bound.own, slots);
    n += shared_slots(op, &shared, slots + n);
    /* JSON text found where a structure belongs is replaced by its value, which the caller's tree then keeps alive. */
    if (!bind_object(&ctx, NULL, slots, n, (struct json *)(uintptr_t)arguments, err) ||
        !shared_finish(op, &shared, &bound, err))
        return false;
    if (op->check && !op->check(bound.own, arena, err))
        return false;
    *out = bound;
    return true;
}

const char *arg_given(const struct json *object, const struct arg *arg)
{
    const struct arg *const args[] = { arg };

    for (const void *it = json_first(object); it; it = json_next(object, it)) {
        if (arg_find(args, 1, json_key(it)) == 0 && !json_isnull(json_value(it)))
            return json_key(it);
    }
    return NULL;
}

bool arg_bind(const struct arg *fields, const char *owner, const char *path,
    const struct json *object, struct arena *arena, void *dst, struct err *err)
{
    struct bind_slot slots[BIND_MAX_FIELDS];
    const struct bind_ctx ctx = { owner, arena };
    const struct bind_path root = { NULL, path, 0 };
    size_t n = bind_slots(fields, dst, slots);

    return bind_object(
        &ctx, path && path[0] ? &root : NULL, slots, n, (struct json *)(uintptr_t)object, err);
}
