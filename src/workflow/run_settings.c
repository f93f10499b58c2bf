/*
 * The settings that shape a run: as its specification carries them, and as defaults of arguments that a
 * step does not give.
 */

#include "workflow/job.h"

#include "ops/op.h"

/* Members of the specification's settings. */
static const struct {
    const char *key, *path;
} members[] = {
    { "info_sheet_name", "excel.info_sheet_name" },
    { "include_info_sheet", "excel.include_info_sheet" },
    { "default_sheet_name", "excel.default_sheet_name" },
    { "max_column_width", "excel.max_column_width" },
    { "auto_adjust_columns", "excel.auto_adjust_columns" },
    { "memory_limit_mb", "chat_workflows.execution.memory_limit_mb" },
};

/* Settings that are the default of an argument, wherever an operation has one of that name. */
static const struct {
    const char *argument, *path;
} arguments[] = {
    { "sheet_name", "excel.default_sheet_name" },
    { "database_type", "sql.default_database" },
    { "batch_size", "sql.default_batch_size" },
    { "include_transaction", "sql.include_transaction" },
    { "return_report", "normalization.generate_report" },
};

static struct json *value_of(const struct settings *settings, const char *path)
{
    const struct setting *s = setting_table;

    while (s->path && strcmp(s->path, path) != 0)
        s++;
    if (s->path && s->type == SETTING_BOOL)
        return json_new_bool(settings_bool(settings, path));
    if (s->path && s->type == SETTING_INT)
        return json_new_int(settings_int(settings, path));
    return json_new_string(settings_text(settings, path));
}

struct json *run_settings(const struct settings *settings)
{
    struct json *o = json_new_object(), *defaults = json_new_object();
    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        ok = json_set(o, members[i].key, value_of(settings, members[i].path)) && ok;
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
        ok = json_set(defaults, arguments[i].argument, value_of(settings, arguments[i].path)) && ok;
    ok = json_set(o, "arguments", defaults) && ok;
    if (ok)
        return o;
    json_free(o);
    return NULL;
}

/* Was the argument given, under its name or an old one? */
static bool is_given(const struct arg *arg, const struct json *given)
{
    if (json_get(given, arg->name))
        return true;
    for (size_t i = 0; arg->aliases && arg->aliases[i]; i++) {
        if (json_get(given, arg->aliases[i]))
            return true;
    }
    return false;
}

static const struct arg *find_arg(const struct op *op, const char *name)
{
    const struct arg *a;

    for (size_t i = 0; (a = op_arg(op, i)); i++) {
        if (strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

/* The step with the defaults it lacks; NULL when memory ends. */
static struct json *complete_step(const struct json *step, const struct json *defaults)
{
    const char *operation = json_get_string(step, "operation");
    const struct op *op = operation ? op_find(operation) : NULL;
    struct json *copy = json_clone(step), *given;
    bool ok = copy != NULL;

    if (!op || !copy ||
        (json_get(step, "arguments") && json_kind(json_get(step, "arguments")) != JSON_KIND_OBJECT))
        return copy;
    given =
        json_get(step, "arguments") ? json_clone(json_get(step, "arguments")) : json_new_object();
    for (const void *it = json_first(defaults); ok && it; it = json_next(defaults, it)) {
        const struct arg *arg = find_arg(op, json_key(it));

        if (arg && !is_given(arg, given))
            ok = json_set(given, arg->name, json_ref(json_value(it)));
    }
    ok = json_set(copy, "arguments", given) && ok;
    if (ok)
        return copy;
    json_free(copy);
    return NULL;
}

struct json *job_steps(const struct json *spec)
{
    const struct json *steps = json_get(spec, "steps");
    const struct json *defaults = json_get(json_get(spec, "settings"), "arguments");
    struct json *out;

    if (json_kind(steps) != JSON_KIND_ARRAY || json_len(defaults) == 0)
        return json_ref(steps);
    out = json_new_array();
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *step = json_at(steps, i);
        struct json *completed =
            json_kind(step) == JSON_KIND_OBJECT ? complete_step(step, defaults) : json_ref(step);

        if (!json_add(out, completed)) {
            json_free(out);
            return NULL;
        }
    }
    return out;
}
