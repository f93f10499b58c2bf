/*
 * json/generate: the rows as JSON objects, in one array or one a line.
 */

#include "ops/columns.h"
#include "ops/values.h"

#include <stdio.h>
#include <string.h>

/* {column: key} */
struct key_entry {
    const char *column;
    const char *key;
};

struct generate_args {
    struct strs columns;
    struct items column_mapping; /* struct key_entry */
    bool pretty_print;
    int null_handling; /* enum null_handling */
    bool array_wrapper;
};

struct generate {
    struct columns columns;
    struct batch *view;
    const char **keys;
    struct fs_file *file;
    struct sink *sink;
    uint64_t size;
};

static const char *const null_choices[] = { "include", "exclude", "default", NULL };

static const struct arg key_fields[] = {
    { ARG(struct key_entry, key, STR), .required = true, .min = 1, .max = 255,
        .help = "Key in the JSON." },
    { 0 },
};

static const struct arg generate_arg_list[] = {
    { ARG(struct generate_args, columns, STRS), .is_column = true,
        .help = "Columns to write, in this order; all of them by default.",
        .ask = "Which columns should the JSON have?" },
    { ARG_LIST(struct generate_args, column_mapping, MAP, struct key_entry, key_fields),
        .shorthand = "key",
        .help = "Columns and the key each gets: {\"Full name\": \"name\"}. Without `columns`, only "
                "these are "
                "written." },
    { ARG(struct generate_args, pretty_print, BOOL), .fallback = "true",
        .help = "Indent the JSON over several lines." },
    { ARG(struct generate_args, null_handling, CHOICE), .fallback = "\"include\"",
        .choices = null_choices, .help = "Blank cells as null, left out, or as empty text." },
    { ARG(struct generate_args, array_wrapper, BOOL), .fallback = "true",
        .help = "Put the records into one array." },
    { 0 },
};

static const char *const generate_says[] = { "generate json", "make json", "convert to json",
    "to json", "as json", "export json", NULL };

static const struct op_example generate_examples[] = {
    { .title = "Typed values, and 007 stays text",
        .args =
            "{\"pretty_print\": false, \"column_mapping\": {\"id\": \"id\", \"age\": \"years\"}}",
        .in = "id,age,city\n007,44,London\n008,,Paris\n",
        .out = "[{\"id\":\"007\",\"years\":44},{\"id\":\"008\",\"years\":null}]\n" },
    { 0 },
};

/* The columns that are written: `columns`, else those of the mapping, else all. */
static bool choose(struct generate *x, const struct generate_args *a, const struct schema *in,
    struct arena *arena, struct err *err)
{
    const struct key_entry *e = a->column_mapping.v;
    struct strs names = a->columns;

    for (size_t i = 0; i < a->column_mapping.n; i++) {
        char where[160];
        uint32_t ignored;

        snprintf(where, sizeof where, "column_mapping.%s", e[i].column);
        if (!schema_get(in, e[i].column, where, &ignored, err))
            return false;
    }
    if (!names.n && a->column_mapping.n) {
        names.v = arena_calloc(arena, a->column_mapping.n, sizeof *names.v);
        if (!names.v)
            return err_nomem(err);
        for (; names.n < a->column_mapping.n; names.n++)
            names.v[names.n] = e[names.n].column;
    }
    return columns_choose(in, &names, "columns", arena, &x->columns, err);
}

/* The key of each column that is written. */
static bool name_keys(struct generate *x, const struct generate_args *a,
    const struct schema *schema, struct arena *arena, struct err *err)
{
    const struct key_entry *e = a->column_mapping.v;

    x->keys = arena_calloc(arena, schema->n_columns ? schema->n_columns : 1, sizeof *x->keys);
    if (!x->keys)
        return err_nomem(err);
    for (uint32_t c = 0; c < schema->n_columns; c++) {
        x->keys[c] = schema->columns[c].name;
        for (size_t i = 0; i < a->column_mapping.n; i++) {
            if (strcmp(e[i].column, schema->columns[c].name) == 0)
                x->keys[c] = e[i].key;
        }
        for (uint32_t k = 0; k < c; k++) {
            if (strcmp(x->keys[k], x->keys[c]) == 0)
                return value_fail(err, "column_mapping",
                    "columns '%.64s' and '%.64s' would both have the key '%.64s'",
                    schema->columns[k].name, schema->columns[c].name, x->keys[c]);
        }
    }
    return true;
}

static bool generate_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    const struct generate_args *a = args;
    struct generate *x = arena_calloc(env->arena, 1, sizeof *x);
    struct sink_args sink = {
        .format = env->output->format == FILE_JSONL ? FILE_JSONL : FILE_JSON,
        .file_label = env->file_label,
        .created_ns = env->now_ns,
        .formats = env->formats,
        .warnings = env->warnings,
        .budget = env->budget,
        .tmp_dir = env->tmp_dir,
        .null_handling = a->null_handling,
        .pretty = a->pretty_print,
        .single_object_unwrapped = !a->array_wrapper,
    };
    struct schema *schema;

    if (!x)
        return err_nomem(err);
    if (!choose(x, a, in, env->arena, err))
        return false;
    schema = columns_schema(in, &x->columns, env->arena);
    x->view = columns_view_new(env->arena, x->columns.n);
    if (!schema || !x->view)
        return err_nomem(err);
    if (!name_keys(x, a, schema, env->arena, err))
        return false;
    sink.keys = x->keys;
    x->file = env->out;
    if (!sink_open(&sink, schema, env->out, &x->sink, err))
        return false;
    *out = in;
    *state = x;
    return true;
}

static bool generate_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct generate *x = state;

    (void)emit; /* The engine passes the table on. */
    columns_view(in, &x->columns, x->view);
    return sink_write(x->sink, x->view, err);
}

static bool generate_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct generate *x = state;

    (void)emit;
    if (!sink_finish(x->sink, err))
        return false;
    x->size = fs_file_size(x->file);
    return true;
}

static bool generate_result(void *state, struct json *result, struct err *err)
{
    const struct generate *x = state;
    struct json *data = json_new_object();

    json_set_int(data, "total_records", (int64_t)sink_rows(x->sink));
    json_set_int(data, "file_size", (int64_t)x->size);
    return json_set(result, "data", data) || err_nomem(err);
}

static void generate_close(void *state)
{
    struct generate *x = state;

    sink_close(x->sink);
}

const struct op op_json_generate = {
    .name = "json/generate",
    .summary = "Write the rows as JSON",
    .flags = OP_TEXT | OP_JSON_TEXT,
    .suffix = "json",
    .format = FILE_JSON,
    .args_size = sizeof(struct generate_args),
    .args = generate_arg_list,
    .says = generate_says,
    .examples = generate_examples,
    .open = generate_open,
    .push = generate_push,
    .finish = generate_finish,
    .result = generate_result,
    .close = generate_close,
};
