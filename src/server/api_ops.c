/*
 * Operations over HTTP: POST <prefix>/<operation> with the file, and the result to be fetched at download_url.
 *
 *   form ─▶ arguments ─▶ op_bind ─▶ worker, in a folder of its own ─▶ results ─▶ reply
 *
 * Nothing here knows a single operation, but for the table of what old clients expect of this door alone.
 */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/date.h"
#include "workflow/plan.h"

#include <stdio.h>

#define MADE_NAME "made"

static const struct door {
    const char *operation;
    const char *stem;   /* The result is STEM_<stamp>.txt. */
    bool return_file;   /* Takes `return_file`: the file without the sample of statements. */
    const char *silent; /* An argument that is false where it is not given. */
} doors[] = {
    { "normalization/apply", NULL, false, "return_report" },
    { "sql/generate", NULL, true, NULL },
    { "sql/generate-to-text", "sql_statements", false, NULL },
    { "sql/generate-custom-to-text", "custom_sql", false, NULL },
};

/* One request to an operation. */
struct operation {
    const struct op *op;
    const char *input_field; /* The file field of the rows that pass. */
    struct sent_file files[SENT_FILES];
    size_t n_files;
    struct json *arguments;
    const char *file_name; /* NULL: as the operation names it. */
    bool file_only;        /* return_file */
    struct result_folder folder;
    struct work work;
};

static const struct door *door_of(const struct op *op)
{
    static const struct door none = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        if (strcmp(doors[i].operation, op->name) == 0)
            return &doors[i];
    }
    return &none;
}

/* ---- the request ---- */

/* The input's field, and one for each file that arguments name. */
static void file_fields(struct operation *o)
{
    const struct arg *arg;

    o->files[o->n_files++] = (struct sent_file){ .field = o->input_field, .help = SENT_FILE_HELP };
    for (size_t i = 0; (arg = op_arg(o->op, i)) && o->n_files < SENT_FILES; i++) {
        if (arg->type == ARG_FILE)
            o->files[o->n_files++] = (struct sent_file){ .field = arg->name, .help = arg->help };
    }
}

/* Sentences call a file by its name, so the worker does, too; where two have the same, the other by its field. */
static const char *name_of(const struct operation *o, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(o->files[k].name, o->files[i].name) == 0)
            return o->files[i].field;
    }
    return o->files[i].name;
}

/* Under any of its spellings. */
static bool is_given(const struct operation *o, const char *name)
{
    const struct arg *arg;

    for (size_t i = 0; (arg = op_arg(o->op, i)); i++) {
        if (strcmp(arg->name, name) == 0)
            return arg_given(o->arguments, arg) != NULL;
    }
    return false;
}

static bool take_arguments(struct call *call, struct operation *o, struct err *err)
{
    const struct door *door = door_of(o->op);

    for (size_t i = 1; i < o->n_files; i++) {
        if (!json_set_string(o->arguments, o->files[i].field, name_of(o, i)))
            return err_nomem(err);
    }
    if (door->silent && !is_given(o, door->silent) &&
        !json_set_bool(o->arguments, door->silent, false))
        return err_nomem(err);
    if (door->return_file) {
        if (!body_switch(o->arguments, "return_file", &o->file_only, err))
            return false;
        json_remove(o->arguments, "return_file");
    }
    if (door->stem && !is_given(o, "output_filename")) {
        char stamp[DATE_TEXT_MAX];

        date_format_stamp(clock_wall_ns(), stamp);
        o->file_name = arena_printf(call->arena, "%s_%s.txt", door->stem, stamp);
    }
    return true;
}

/* Settings where arguments leave them open; then all is checked that needs no file. */
static bool check_arguments(
    struct call *call, struct operation *o, struct json *steps, struct err *err)
{
    struct json *step = json_new_object();
    struct op_args bound;

    json_set_string(step, "operation", o->op->name);
    json_set(step, "arguments", json_ref(o->arguments));
    if (!json_add(steps, step))
        return err_nomem(err);
    return plan_apply_settings_to(step, o->op, call->server->settings, err) &&
           op_bind(o->op, o->arguments, call->arena, &bound, err);
}

static struct json *make_spec(const struct operation *o, struct json *steps)
{
    struct json *spec = json_new_object(), *files = json_new_array();

    for (size_t i = 0; i < o->n_files; i++)
        work_add_file(files, name_of(o, i), &o->files[i]);
    json_set_string(spec, "job", "run");
    json_set(spec, "steps", steps);
    json_set_bool(spec, "unlisted", true);
    json_set_string(spec, "input", name_of(o, 0));
    json_set(spec, "files", files);
    json_set_string(spec, "outputs_dir", o->folder.path);
    json_set_string(spec, "intermediate_dir", o->folder.path);
    json_set_bool(spec, "hash", false);
    if (o->file_name)
        json_set_string(spec, "output_name", o->file_name);
    return spec;
}

/* Read the request and carry it out; the files lie in o->folder, which is not published yet. */
static bool carry_out(struct call *call, struct operation *o, struct err *err)
{
    struct json *steps;

    file_fields(o);
    if (!sent_files(call, o->files, o->n_files, err) ||
        (!o->arguments && !sent_arguments(call, &o->arguments, err)))
        return false;
    steps = json_new_array();
    if (!take_arguments(call, o, err) || !check_arguments(call, o, steps, err) ||
        !results_begin(call->server, call->caller->who.owner, &o->folder, err)) {
        json_free(steps);
        return false;
    }
    return work_do(call->server, make_spec(o, steps), &o->work, err);
}

static void operation_end(struct operation *o)
{
    json_free(o->arguments);
    work_free(&o->work);
}

/* ---- the reply ---- */

static void add_missing(struct json *to, const struct json *from)
{
    for (const void *it = json_first(from); it; it = json_next(from, it)) {
        if (!json_get(to, json_key(it)))
            json_set(to, json_key(it), json_ref(json_value(it)));
    }
}

static void add_files(struct call *call, const struct operation *o, struct json *data)
{
    for (size_t i = 0; i < json_len(o->work.files); i++) {
        const struct json *file = json_at(o->work.files, i);
        const char *name = json_get_string(file, "name"), *role = json_get_string(file, "role");
        const char *url = name ? results_url(call, &o->folder, name) : NULL;

        if (role && strcmp(role, "rejected") == 0) {
            json_set_string(data, "rejected_download_url", url);
            continue;
        }
        json_set_string(data, "filename", name);
        json_set_string(data, "download_url", url);
        json_set(data, "format", json_ref(json_get(file, "format")));
        json_set(data, "size", json_ref(json_get(file, "size")));
    }
}

/*
 * The result as a workflow has it, the step's number aside; and the members of its `data` and `statistics`
 * once more where clients of this door look for them.
 */
static struct json *reply_object(struct call *call, const struct operation *o)
{
    struct json *data = json_new_object();
    const struct json *own = json_get(o->work.result, "data");

    json_set_string(data, "operation", o->op->name);
    add_files(call, o, data);
    add_missing(data, o->work.result);
    json_remove(data, "step");
    add_missing(data, own);
    add_missing(data, json_get(data, "statistics"));
    if (o->file_only) {
        json_remove(data, "data");
        json_remove(data, "statements");
    }
    return data;
}

static bool operate(struct call *call, struct operation *o, struct err *err)
{
    bool ok = carry_out(call, o, err), kept;

    kept = ok && json_len(o->work.files);
    if (kept)
        kept = ok = results_publish(call->server, &o->folder, err);
    if (!kept)
        results_abort(&o->folder);
    if (ok)
        reply_data(call, 200, arena_printf(call->arena, "%s completed", o->op->name),
            reply_object(call, o));
    operation_end(o);
    return ok;
}

bool api_operate(struct call *call, struct err *err)
{
    struct operation o = { .op = op_find(call->params[0]), .input_field = "file" };

    return operate(call, &o, err);
}

/* ---- files/bind ---- */

bool api_bind_rows(struct call *call, struct err *err)
{
    struct operation o = { .op = op_find_unlisted("files/bind"), .input_field = "target_file" };

    return operate(call, &o, err);
}

/* The first rows of the file that has been made. */
static bool look_at(struct call *call, const struct operation *o, int64_t limit, struct json **data,
    struct err *err)
{
    const char *name = json_get_string(json_at(o->work.files, 0), "name");
    struct json *spec = json_new_object(), *what = json_new_object(), *files = json_new_array();
    struct http_part made = { 0 };
    struct work work;

    work_add_file(
        files, MADE_NAME, &(struct sent_file){ .part = &made, .name = name, .base = name });
    json_set_string(spec, "job", "preview");
    json_set_string(what, "file", MADE_NAME);
    json_set_int(what, "limit", limit);
    json_set(spec, "preview", what);
    json_set(spec, "files", files);
    if (!name || !fs_join(made.path, o->folder.path, name, err)) {
        json_free(spec);
        return name ? false : err_set(err, ERR_INTERNAL, "the worker told of no file");
    }
    json_set_string((struct json *)(uintptr_t)json_at(files, 0), "path", made.path);
    if (!work_do(call->server, spec, &work, err))
        return false;
    *data = json_ref(work.data);
    work_free(&work);
    return true;
}

/* The limit as its declaration reads it; that it can be read has been checked. */
static bool preview_limit(const struct operation *o, int64_t *out, struct err *err)
{
    struct arg fields[2] = { 0 };
    struct json *object = json_new_object();
    const struct arg *arg;
    struct arena arena;
    bool ok;

    for (size_t i = 0; (arg = op_arg(o->op, i)); i++) {
        if (strcmp(arg->name, "limit") != 0)
            continue;
        fields[0] = *arg;
        fields[0].offset = 0;
        if (json_get(o->arguments, arg->name))
            json_set(object, arg->name, json_ref(json_get(o->arguments, arg->name)));
    }
    arena_init(&arena, NULL);
    ok = arg_bind(fields, o->op->name, "", object, &arena, out, err);
    arena_deinit(&arena);
    json_free(object);
    return ok;
}

bool api_bind_preview(struct call *call, struct err *err)
{
    struct operation o = { .op = op_find_unlisted("files/bind/preview"),
        .input_field = "target_file" };
    struct json *data = NULL;
    int64_t limit = 0;
    bool ok;

    ok = carry_out(call, &o, err) && preview_limit(&o, &limit, err) &&
         look_at(call, &o, limit, &data, err);
    results_abort(&o.folder);
    if (ok) {
        json_set(data, "statistics", json_ref(json_get(o.work.result, "statistics")));
        json_set(data, "warnings", json_ref(json_get(o.work.result, "warnings")));
        reply_data(call, 200, "Preview", data);
    }
    operation_end(&o);
    return ok;
}
