/*
 * Command-line flags as the JSON object they stand for, so that the command line is bound and
 * checked by the very code that binds requests.
 */

#include "ops/bind_int.h"

#include "base/num.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* "--Header-Row" -> "header_row"; false when it is too long for any argument. */
static bool flag_key(const char *name, char *out, size_t size)
{
    size_t n = 0;

    while (*name == '-')
        name++;
    for (; name[n]; n++) {
        if (n + 1 >= size)
            return false;
        out[n] = name[n] == '-' ? '_' : name[n];
    }
    out[n] = '\0';
    return n > 0;
}

/* "header_row" -> "header-row" */
static void flag_name(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s", name);
    for (char *p = out; *p; p++) {
        if (*p == '_')
            *p = '-';
    }
}

static bool fail_unknown(
    const struct op *op, const struct arg *const *args, size_t n, const char *key, struct err *err)
{
    const char *near = arg_nearest(args, n, key);
    char typed[128], meant[128];

    flag_name(key, typed, sizeof typed);
    if (near) {
        flag_name(near, meant, sizeof meant);
        err_set(
            err, ERR_USAGE, "%s has no option --%s; did you mean --%s?", op->name, typed, meant);
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    } else {
        err_set(err, ERR_USAGE, "%s has no option --%s; see: sheetflow op %s --help", op->name,
            typed, op->name);
    }
    snprintf(err->argument, sizeof err->argument, "%s", key);
    return false;
}

static bool is_structure(enum arg_type type)
{
    return type == ARG_OBJECT || type == ARG_OBJECTS || type == ARG_MAP;
}

static bool parse_text(const char *flag, const char *text, struct json **out, struct err *err)
{
    struct err why;

    if (json_parse(text, strlen(text), out, &why))
        return true;
    if (why.code == ERR_NOMEM)
        return err_nomem(err);
    return err_set(err, ERR_USAGE, "--%s: the JSON text cannot be read: %s", flag, why.text);
}

/* A number, true, null, [..] or {..} as JSON, anything else as text. */
static struct json *text_or_json(const char *text)
{
    struct json *value = NULL;
    struct err ignored;

    if (json_parse(text, strlen(text), &value, &ignored))
        return value;
    return json_new_string(text);
}

static bool flag_value(
    const struct arg *arg, const char *flag, const char *text, struct json **out, struct err *err)
{
    const char *p;
    int64_t whole;

    if (!text) {
        if (arg->type != ARG_BOOL && arg->type != ARG_MAYBE)
            return err_set(err, ERR_USAGE, "--%s needs a value", flag);
        *out = json_new_bool(true);
        return *out || err_nomem(err);
    }
    p = text + strspn(text, " \t\r\n");
    if (is_structure(arg->type) && (!arg->shorthand || *p == '{' || *p == '['))
        return parse_text(flag, text, out, err);
    if (arg->type == ARG_STRS && *p == '[') {
        /* Not JSON: a column may be called [x]. */
        *out = text_or_json(text);
    } else if (arg->type == ARG_JSON || is_structure(arg->type)) {
        *out = text_or_json(text);
    } else if (arg->type == ARG_INT && num_parse_int(text, strlen(text), &whole)) {
        *out = json_new_int(whole);
    } else {
        *out = json_new_string(text);
    }
    return *out || err_nomem(err);
}

/* The same flag again: lists grow, anything else is an error. Takes over `value`. */
static bool add_again(const struct arg *arg, const char *flag, struct json *object, const char *key,
    struct json *value, struct err *err)
{
    const struct json *old = json_get(object, key);
    struct json *list = NULL;
    bool ok = true;

    if (arg->type != ARG_STRS && arg->type != ARG_OBJECTS) {
        json_free(value);
        return err_set(err, ERR_USAGE, "--%s is given twice", flag);
    }
    list = json_new_array();
    for (int turn = 0; ok && turn < 2; turn++) {
        const struct json *part = turn ? value : old;

        if (json_kind(part) == JSON_KIND_ARRAY) {
            for (size_t i = 0; ok && i < json_len(part); i++)
                ok = json_add(list, json_ref(json_at(part, i)));
        } else {
            ok = json_add(list, json_ref(part));
        }
    }
    json_free(value);
    if (!ok) {
        json_free(list);
        return err_nomem(err);
    }
    return json_set(object, key, list) || err_nomem(err);
}

/* Which argument a flag means. `--no-x` of a yes-or-no argument x gives *no. */
static int find_flag(const struct arg *const *args, size_t n, const char *key, bool *no)
{
    int i = arg_find(args, n, key);

    *no = false;
    if (i < 0 && strncmp(key, "no_", 3) == 0) {
        i = arg_find(args, n, key + 3);
        if (i >= 0 && args[i]->type != ARG_BOOL && args[i]->type != ARG_MAYBE)
            i = -1;
        *no = i >= 0;
    }
    return i;
}

static bool add_flag(const struct op *op, const struct arg *const *args, size_t n_args,
    const struct flag *flag, struct json *object, struct err *err)
{
    char key[128] = "", shown[128];
    struct json *value = NULL;
    bool no;
    int i = -1;

    if (flag_key(flag->name, key, sizeof key))
        i = find_flag(args, n_args, key, &no);
    if (i < 0)
        return fail_unknown(op, args, n_args, key, err);
    flag_name(key, shown, sizeof shown);
    if (no) {
        if (flag->value)
            return err_set(err, ERR_USAGE, "--%s takes no value", shown);
        value = json_new_bool(false);
        if (!value)
            return err_nomem(err);
    } else if (!flag_value(args[i], shown, flag->value, &value, err)) {
        snprintf(err->argument, sizeof err->argument, "%s", args[i]->name);
        return false;
    }
    if (json_get(object, args[i]->name))
        return add_again(args[i], shown, object, args[i]->name, value, err);
    return json_set(object, args[i]->name, value) || err_nomem(err);
}

bool args_from_flags(
    const struct op *op, const struct flag *flags, size_t n, struct json **out, struct err *err)
{
    const struct arg *args[BIND_MAX_FIELDS];
    size_t n_args = op_args_all(op, args);
    struct json *object = json_new_object();

    if (!object)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        if (!add_flag(op, args, n_args, &flags[i], object, err)) {
            json_free(object);
            return false;
        }
    }
    *out = object;
    return true;
}
