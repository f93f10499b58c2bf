/*
 * A plan: the steps of a run, checked as far as they can be without reading a file. What passes here
 * may still fail for what the file holds; what does not pass here never becomes a run.
 */

#include "workflow/plan.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const step_keys[] = { "operation", "arguments", "input_file", "step_id" };

static bool bad_key(const char *key, struct err *err)
{
    const char *near = utf8_nearest(key, step_keys, ARRAY_LEN(step_keys) - 1);

    if (near)
        err_set(err, ERR_ARG, "a step has no '%s'; did you mean '%s'?", key, near);
    else
        err_set(
            err, ERR_ARG, "a step has no '%s'; it takes operation, arguments and input_file", key);
    snprintf(err->argument, sizeof err->argument, "%s", key);
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    for (size_t i = 0; i + 1 < ARRAY_LEN(step_keys); i++)
        err_list_add(err->available, sizeof err->available, step_keys[i]);
    return false;
}

static bool check_keys(const struct json *step, struct err *err)
{
    for (const void *it = json_first(step); it; it = json_next(step, it)) {
        const char *key = json_key(it);
        bool known = false;

        for (size_t i = 0; i < ARRAY_LEN(step_keys); i++)
            known = known || strcmp(key, step_keys[i]) == 0;
        if (!known)
            return bad_key(key, err);
    }
    return true;
}

/* The path of the argument seen from the list of steps. */
static void lift_argument(size_t index, bool inside_arguments, struct err *err)
{
    char inner[sizeof err->argument];

    memcpy(inner, err->argument, sizeof inner);
    snprintf(err->argument, sizeof err->argument, "steps[%zu]%s%s%.80s", index,
        inside_arguments ? ".arguments" : "", inner[0] ? "." : "", inner);
}

static bool find_op(const char *name, bool unlisted, const struct op **out, struct err *err)
{
    const struct op *op = unlisted ? op_find_unlisted(name) : NULL;

    if (!op)
        return op_get(name, out, err);
    *out = op;
    return true;
}

static bool read_step(struct plan *plan, const struct json *step, size_t i, bool unlisted,
    struct plan_step *out, struct err *err)
{
    const char *operation = json_get_string(step, "operation");
    const struct json *arguments = json_get(step, "arguments");
    const struct json *input = json_get(step, "input_file");
    const struct op *op = NULL;
    bool inside = false;

    if (json_kind(step) != JSON_KIND_OBJECT) {
        err_argument(
            err, ERR_ARG, "", "a step must be an object with an operation and its arguments");
        goto fail;
    }
    if (!check_keys(step, err))
        goto fail;
    if (!operation) {
        err_argument(
            err, ERR_ARG, "operation", "operation is required: the name of what the step does");
        goto fail;
    }
    if (!find_op(operation, unlisted, &op, err)) {
        snprintf(err->argument, sizeof err->argument, "operation");
        goto fail;
    }
    if (!json_isnull(input) && (!json_str(input) || !json_str(input)[0])) {
        err_argument(err, ERR_ARG, "input_file", "input_file must be the name of a file");
        goto fail;
    }
    if (arguments && !json_isnull(arguments) && json_kind(arguments) != JSON_KIND_OBJECT) {
        err_argument(err, ERR_ARG, "arguments", "arguments must be an object");
        goto fail;
    }
    if (json_isnull(arguments))
        arguments = NULL;
    inside = true;
    if (!op_bind(op, arguments, &plan->arena, &out->args, err))
        goto fail;
    out->arguments = arguments;
    out->input_file = json_str(input);
    return true;
fail:
    lift_argument(i, inside, err);
    plan_err(i, plan->n_steps, op ? op->name : operation, err);
    return false;
}

void plan_err(size_t step, size_t n_steps, const char *operation, struct err *err)
{
    if (operation)
        err_wrap(err, "step %zu of %zu (%.60s)", step + 1, n_steps, operation);
    else
        err_wrap(err, "step %zu of %zu", step + 1, n_steps);
}

static bool make_plan(
    const struct json *steps, size_t max_steps, bool unlisted, struct plan **out, struct err *err)
{
    struct plan *plan;
    size_t n = json_len(steps);

    if (json_kind(steps) != JSON_KIND_ARRAY)
        return err_argument(err, ERR_ARG, "steps", "steps must be a list of steps");
    if (n == 0)
        return err_argument(
            err, ERR_ARG, "steps", "steps is empty: a workflow needs at least one step");
    if (n > max_steps)
        return err_argument(err, ERR_ARG, "steps",
            "the workflow has %zu steps; at most %zu are allowed", n, max_steps);
    plan = calloc(1, sizeof *plan);
    if (!plan)
        return err_nomem(err);
    arena_init(&plan->arena, NULL);
    plan->steps_json = json_ref(steps);
    plan->n_steps = n;
    plan->steps = arena_calloc(&plan->arena, n, sizeof *plan->steps);
    if (!plan->steps) {
        plan_free(plan);
        return err_nomem(err);
    }
    for (size_t i = 0; i < n; i++) {
        if (!read_step(plan, json_at(steps, i), i, unlisted, &plan->steps[i], err)) {
            plan_free(plan);
            return false;
        }
    }
    *out = plan;
    return true;
}

bool plan_new(const struct json *steps, size_t max_steps, struct plan **out, struct err *err)
{
    return make_plan(steps, max_steps, false, out, err);
}

bool plan_new_unlisted(
    const struct json *steps, size_t max_steps, struct plan **out, struct err *err)
{
    return make_plan(steps, max_steps, true, out, err);
}

static const struct setting *setting_find(const char *path)
{
    const struct setting *t = setting_table;

    while (t->path && strcmp(t->path, path) != 0)
        t++;
    return t;
}

static struct json *setting_value(const struct settings *settings, const char *path)
{
    switch (setting_find(path)->type) {
    case SETTING_BOOL:
        return json_new_bool(settings_bool(settings, path));
    case SETTING_INT:
        return json_new_int(settings_int(settings, path));
    default:
        return json_new_string(settings_string(settings, path));
    }
}

/* JSON values are lent as const; these are the caller's own to change. */
static struct json *own(const struct json *value)
{
    return (struct json *)(uintptr_t)value;
}

static bool apply_to(
    struct json *object, const struct arg *args, const struct settings *settings, struct err *err);

/* Forms bring lists as JSON text: parsed in its place. What cannot be parsed is told when it is bound. */
static bool parse_in_place(struct json *object, const char *key, struct err *err)
{
    const char *text = json_get_string(object, key);
    struct json *parsed = NULL;
    struct err ignored;

    if (!text || !json_parse(text, strlen(text), &parsed, &ignored))
        return true;
    return json_set(object, key, parsed) || err_nomem(err);
}

/* The objects of a list, or one object alone. */
static bool apply_to_items(
    struct json *object, const struct arg *a, const struct settings *settings, struct err *err)
{
    const char *key = arg_given(object, a);
    struct json *list;

    if (!key)
        return true;
    if (!parse_in_place(object, key, err))
        return false;
    list = own(json_get(object, key));
    if (json_kind(list) == JSON_KIND_OBJECT)
        return apply_to(list, a->fields, settings, err);
    for (size_t i = 0; json_kind(list) == JSON_KIND_ARRAY && i < json_len(list); i++) {
        struct json *item = own(json_at(list, i));

        if (json_kind(item) == JSON_KIND_OBJECT && !apply_to(item, a->fields, settings, err))
            return false;
    }
    return true;
}

static bool has_settings(const struct arg *args)
{
    for (const struct arg *a = args; a && a->name; a++) {
        if (a->setting)
            return true;
    }
    return false;
}

static bool apply_to(
    struct json *object, const struct arg *args, const struct settings *settings, struct err *err)
{
    for (const struct arg *a = args; a && a->name; a++) {
        /* The table's own default is the declaration's as well and need not be spelled out. */
        if (a->setting && !arg_given(object, a) &&
            strcmp(settings_source(settings, a->setting), "default") != 0 &&
            !json_set(object, a->name, setting_value(settings, a->setting)))
            return err_nomem(err);
        if (a->type == ARG_OBJECTS && has_settings(a->fields) &&
            !apply_to_items(object, a, settings, err))
            return false;
    }
    return true;
}

/* The value an argument will have, as text: given, or its default. NULL when it is neither or no text. */
static const char *value_of(const struct json *object, const struct arg *arg, char out[64])
{
    const char *key = arg_given(object, arg);

    if (key)
        return json_get_string(object, key);
    if (!arg->fallback || arg->fallback[0] != '"')
        return NULL;
    snprintf(out, 64, "%s", arg->fallback + 1);
    out[strcspn(out, "\"")] = '\0';
    return out;
}

/* Is it one of the choices at all? What is none is told as such when it is bound. */
static bool is_choice(const struct arg *arg, const char *value)
{
    for (const char *const *c = arg->choices; c && *c; c++) {
        if (strcasecmp(*c, value) == 0)
            return true;
    }
    return !arg->choices;
}

/* A choice may come under another spelling of it. */
static const char *canonical(const struct arg *arg, const char *value)
{
    for (const char *const *p = arg->choice_aliases; p && *p; p += 2) {
        if (strcasecmp(p[0], value) == 0)
            return p[1];
    }
    return value;
}

static bool check_allowed(const struct json *object, const struct arg *arg,
    const struct settings *settings, struct err *err)
{
    size_t n = settings_list_len(settings, arg->allowed);
    char room[64];
    const char *value = value_of(object, arg, room);

    if (n == 0 || !value)
        return true;
    value = canonical(arg, value);
    if (!is_choice(arg, value))
        return true;
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(settings_list_at(settings, arg->allowed, i), value) == 0)
            return true;
    }
    err_argument(err, ERR_ARG, arg->name, "%s: '%.60s' is switched off here (%s)", arg->name, value,
        arg->allowed);
    for (size_t i = 0; i < n; i++)
        err_list_add(
            err->available, sizeof err->available, settings_list_at(settings, arg->allowed, i));
    return false;
}

bool plan_apply_settings_to(
    struct json *step, const struct op *op, const struct settings *settings, struct err *err)
{
    const struct arg *a;

    if (op->enabled && !settings_bool(settings, op->enabled))
        return err_set(err, ERR_STATE, "this operation is switched off here (%s)", op->enabled);
    if (!json_get(step, "arguments") && !json_set(step, "arguments", json_new_object()))
        return err_nomem(err);
    if (!apply_to(own(json_get(step, "arguments")), op->args, settings, err))
        return false;
    for (size_t i = 0; (a = op_arg(op, i)) != NULL; i++) {
        if (a->allowed && !check_allowed(json_get(step, "arguments"), a, settings, err))
            return false;
    }
    return true;
}

bool plan_apply_settings(struct json *steps, const struct settings *settings, struct err *err)
{
    size_t n = json_len(steps);

    for (size_t i = 0; i < n; i++) {
        struct json *step = own(json_at(steps, i));
        const char *name = json_get_string(step, "operation");
        const struct op *op = name ? op_find(name) : NULL;
        const struct json *arguments = json_get(step, "arguments");

        if (!op || (arguments && json_kind(arguments) != JSON_KIND_OBJECT))
            continue;
        if (!plan_apply_settings_to(step, op, settings, err)) {
            lift_argument(i, err->argument[0] != '\0', err);
            plan_err(i, n, op->name, err);
            return false;
        }
    }
    return true;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    json_free(plan->steps_json);
    arena_deinit(&plan->arena);
    free(plan);
}
