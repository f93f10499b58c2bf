/* What a file holds and how it can be searched; and what the operations offer to choose from. */

#include "server/server_int.h"

#include "ops/rules/rule.h"
#include "ops/suggest.h"

#define INPUT_NAME "input"

/* Ask a worker what is in the file that was sent; the other fields are reader arguments. */
static bool inspect(struct call *call, bool details, struct json **data, struct err *err)
{
    struct sent_file file = { .field = "file", .help = SENT_FILE_HELP };
    struct json *spec, *what, *files, *reader;
    struct work work;

    if (!sent_files(call, &file, 1, err) || !sent_arguments(call, &reader, err))
        return false;
    spec = json_new_object();
    what = json_new_object();
    files = json_new_array();
    work_add_file(files, INPUT_NAME, &file);
    json_set_string(spec, "job", "inspect");
    json_set_string(what, "file", INPUT_NAME);
    json_set_bool(what, "details", details);
    json_set(what, "reader", reader);
    json_set(spec, "inspect", what);
    json_set(spec, "files", files);
    if (!work_do(call->server, spec, &work, err))
        return false;
    *data = json_ref(work.data);
    work_free(&work);
    return true;
}

bool api_info(struct call *call, struct err *err)
{
    struct json *data;

    if (!inspect(call, true, &data, err))
        return false;
    reply_data(call, 200, "File information", data);
    return true;
}

bool api_suggest_operators(struct call *call, struct err *err)
{
    struct json *facts, *data;

    if (!inspect(call, false, &facts, err))
        return false;
    data = suggest_all(json_get(facts, "data_types"));
    json_free(facts);
    if (!data)
        return err_nomem(err);
    reply_collection(call, "Suggested operators", data, json_len(data));
    return true;
}

bool api_normalization_types(struct call *call, struct err *err)
{
    struct json *data = json_new_object();

    (void)err;
    for (const struct rule *const *rule = rule_table; *rule; rule++)
        json_set_string(data, (*rule)->name, (*rule)->description);
    reply_collection(call, "Normalization types", data, json_len(data));
    return true;
}

static const struct arg *find_arg(const struct op *op, const char *name)
{
    const struct arg *arg;

    for (size_t i = 0; (arg = op_arg(op, i)); i++) {
        if (strcmp(arg->name, name) == 0)
            return arg;
    }
    return NULL;
}

static bool database_allowed(const struct settings *s, const char *name)
{
    size_t n = settings_list_len(s, "sql.supported_databases");
    bool allowed = n == 0;

    for (size_t i = 0; i < n && !allowed; i++)
        allowed = strcasecmp(settings_list_at(s, "sql.supported_databases", i), name) == 0;
    return allowed;
}

bool api_sql_databases(struct call *call, struct err *err)
{
    const struct arg *arg = find_arg(op_find("sql/generate"), "database_type");
    struct json *data = json_new_object(), *list = json_new_array();

    (void)err;
    for (const char *const *name = arg ? arg->choices : NULL; name && *name; name++) {
        if (database_allowed(call->server->settings, *name))
            json_add(list, json_new_string(*name));
    }
    json_set(data, "databases", list);
    json_set_string(
        data, "default", settings_string(call->server->settings, "sql.default_database"));
    reply_collection(call, "Databases", data, json_len(list));
    return true;
}
