/*
 * json/generate-with-template: what a template makes of each row.
 *
 *   array    [ ..., ... ]
 *   single   the object itself where there is one row, else the array
 *   nested   {"items": [ ..., ... ], "count": 2}
 *   jsonl    a line each
 */

#include "ops/columns.h"
#include "ops/template.h"
#include "ops/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_MAX = 64 << 20 }; /* Bytes of one row. */

struct template_args {
    const struct json *template;
    struct items column_mapping; /* struct template_alias */
    int aggregation_mode;        /* enum mode */
    bool pretty_print;
    int on_error; /* enum template_on_error */
};

enum mode { MODE_ARRAY, MODE_SINGLE, MODE_NESTED };

struct writer {
    const struct template_args *args;
    const struct op_env *env;
    bool lines, pretty;
    struct template *template; /* Of a record inside its array. */
    struct template *alone;    /* MODE_SINGLE: of a record that is all there is. */
    struct buf record, first;  /* `first` is held back until there is a second, or the end. */
    uint64_t records;
};

static const char *const mode_choices[] = { "array", "single", "nested", NULL };
static const char *const on_error_choices[] = { "fail", "null", NULL };

static const struct arg alias_fields[] = {
    { ARG(struct template_alias, column, STR), .required = true, .is_column = true, .min = 1,
        .max = 32767, .help = "Column of the file." },
    { 0 },
};

static const struct arg template_arg_list[] = {
    { ARG(struct template_args, template, JSON), .required = true,
        .help = "What to write for each row, with {column} for values: "
                "{\"name\": \"{name}\", \"age\": \"{age:int}\"}.",
        .ask = "What should the JSON of a row look like?" },
    { ARG_LIST(struct template_args, column_mapping, MAP, struct template_alias, alias_fields),
        .shorthand = "column", .is_column = true,
        .help = "Placeholders and the column of the file each is filled from; columns of that name "
                "by default." },
    { ARG(struct template_args, aggregation_mode, CHOICE), .fallback = "\"array\"",
        .choices = mode_choices,
        .help = "All records in an array, a single one without it, or as {\"items\", \"count\"}." },
    { ARG(struct template_args, pretty_print, BOOL), .fallback = "true",
        .help = "Indent the JSON over several lines." },
    { ARG(struct template_args, on_error, CHOICE), .fallback = "\"fail\"",
        .choices = on_error_choices,
        .help = "When a value does not fit its type in the template and has no default: fail, or "
                "write null." },
    { 0 },
};

static const char *const template_says[] = { "json template", "json from a template",
    "json like this", "custom json", NULL };

static const struct op_example template_examples[] = {
    { .title = "Nested objects",
        .args = "{\"template\": {\"id\": \"{id}\", \"address\": {\"city\": \"{city}\"}, "
                "\"label\": \"{name} ({age:int|0})\"}, \"pretty_print\": false}",
        .in = "id,name,city,age\n007,Ada,London,36\n008,Alan,,\n",
        .out = "[{\"id\":\"007\",\"address\":{\"city\":\"London\"},\"label\":\"Ada (36)\"},"
               "{\"id\":\"008\",\"address\":{\"city\":null},\"label\":\"Alan (0)\"}]\n" },
    { 0 },
};

/* Text is a template of its own ("{name}"), unless it was meant as JSON and is broken. */
static bool check_text(const char *text, size_t n, struct err *err)
{
    const char *p = text + strspn(text, " \t\r\n");
    struct json *parsed = NULL;
    struct err why;

    if (*p != '[' && !(*p == '{' && p[1] && strchr(" \t\r\n\"}", p[1])))
        return true;
    if (!json_parse(text, n, &parsed, &why))
        return value_fail(err, "template", "the JSON text cannot be read: %s", why.text);
    json_free(parsed);
    return true;
}

static bool template_check(void *args, struct arena *arena, struct err *err)
{
    const struct json *template = ((struct template_args *)args)->template;

    (void)arena;
    switch (json_kind(template)) {
    case JSON_KIND_OBJECT:
    case JSON_KIND_ARRAY:
        return true;
    case JSON_KIND_STRING:
        return check_text(json_str(template), json_str_len(template), err);
    default:
        return value_fail(err, "template",
            "an object, a list or text with {column} for values is needed, such as "
            "{\"name\": \"{name}\"}");
    }
}

static bool compile(struct writer *x, const struct schema *in, unsigned depth,
    struct template **out, struct err *err)
{
    const struct template_args *a = x->args;
    const struct template_options options = {
        .schema = in,
        .aliases = a->column_mapping.v,
        .n_aliases = a->column_mapping.n,
        .on_error = (enum template_on_error)a->on_error,
        .now_ns = x->env->now_ns,
        .counter.start = 1,
    };

    return template_json_compile(a->template, x->pretty, depth, &options, x->env->arena, out, err);
}

static void writer_close(void *state)
{
    struct writer *x = state;

    buf_deinit(&x->record);
    buf_deinit(&x->first);
}

static bool writer_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    struct writer *x = arena_calloc(env->arena, 1, sizeof *x);
    unsigned depth;

    if (!x)
        return err_nomem(err);
    x->args = args;
    x->env = env;
    x->lines = env->output->format == FILE_JSONL;
    x->pretty = x->args->pretty_print && !x->lines;
    if (x->lines && x->args->aggregation_mode == MODE_NESTED)
        return value_fail(
            err, "aggregation_mode", "nested records are one document, not one a line");
    depth = x->lines ? 0 : x->args->aggregation_mode == MODE_NESTED ? 2 : 1;
    if (!compile(x, in, depth, &x->template, err) ||
        (x->args->aggregation_mode == MODE_SINGLE && !compile(x, in, 0, &x->alone, err)))
        return false;
    buf_init(&x->record, RECORD_MAX);
    buf_init(&x->first, RECORD_MAX);
    *out = in;
    *state = x;
    return true;
}

/* ---- records ---- */

static bool put(struct writer *x, const char *text, struct err *err)
{
    return fs_file_write(x->env->out, text, strlen(text), err);
}

/* What stands before the first record, and between two. */
static const char *opening(const struct writer *x)
{
    if (x->lines)
        return "";
    if (x->args->aggregation_mode == MODE_NESTED)
        return x->pretty ? "{\n  \"items\": [\n    " : "{\"items\":[";
    return x->pretty ? "[\n  " : "[";
}

static const char *separator(const struct writer *x)
{
    if (x->lines || !x->pretty)
        return x->lines ? "" : ",";
    return x->args->aggregation_mode == MODE_NESTED ? ",\n    " : ",\n  ";
}

static bool put_record(struct writer *x, const struct buf *record, bool first, struct err *err)
{
    return put(x, first ? opening(x) : separator(x), err) &&
           fs_file_write(x->env->out, record->data, record->len, err) &&
           (!x->lines || put(x, "\n", err));
}

/* MODE_SINGLE: the first record waits in both of its forms. */
static bool hold_first(struct writer *x, const struct batch *in, uint32_t row, struct err *err)
{
    return template_render(x->alone, in, row, &x->first, err) &&
           buf_ok(&x->first, "one record", err);
}

static bool add_record(struct writer *x, const struct batch *in, uint32_t row, struct err *err)
{
    bool waits = x->args->aggregation_mode == MODE_SINGLE && !x->lines;

    if (waits && x->records == 0 && !hold_first(x, in, row, err))
        return false;
    /* It waited in `record`: now it is the first of several. */
    if (waits && x->records == 1 && !put_record(x, &x->record, true, err))
        return false;
    buf_reset(&x->record);
    if (!template_render(x->template, in, row, &x->record, err) ||
        !buf_ok(&x->record, "one record", err))
        return false;
    x->records++;
    return (waits && x->records == 1) || put_record(x, &x->record, x->records == 1, err);
}

static bool writer_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct writer *x = state;

    (void)emit; /* The engine passes the table on. */
    for (uint32_t row = 0; row < in->n_rows; row++) {
        if (!add_record(x, in, row, err))
            return false;
    }
    return true;
}

static bool put_end(struct writer *x, struct err *err)
{
    char count[64];

    if (x->lines)
        return true;
    if (x->args->aggregation_mode == MODE_SINGLE && x->records == 1)
        return fs_file_write(x->env->out, x->first.data, x->first.len, err) && put(x, "\n", err);
    if (x->args->aggregation_mode != MODE_NESTED)
        return put(x, x->records == 0 ? "[]\n" : x->pretty ? "\n]\n" : "]\n", err);
    snprintf(count, sizeof count,
        x->pretty ? "\"count\": %" PRIu64 "\n}\n" : "\"count\":%" PRIu64 "}\n", x->records);
    if (x->records == 0)
        return put(x, x->pretty ? "{\n  \"items\": [],\n  " : "{\"items\":[],", err) &&
               put(x, count, err);
    return put(x, x->pretty ? "\n  ],\n  " : "],", err) && put(x, count, err);
}

static bool writer_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct writer *x = state;
    uint64_t misfits = template_misfits(x->template), guessed = template_guessed(x->template);

    (void)emit;
    if (misfits)
        warn_addn(x->env->warnings, "unfit_values",
            "Values that do not fit their type in the template were written as null", misfits,
            NULL);
    if (guessed)
        warn_addn(x->env->warnings, "ambiguous_dates",
            "Dates such as 01/02/2024 were read month first", guessed, NULL);
    return put_end(x, err);
}

static bool writer_result(void *state, struct json *result, struct err *err)
{
    const struct writer *x = state;
    struct json *data = json_new_object();

    json_set_int(data, "total_records", (int64_t)x->records);
    json_set_int(data, "file_size", (int64_t)fs_file_size(x->env->out));
    return json_set(result, "data", data) || err_nomem(err);
}

const struct op op_json_with_template = {
    .name = "json/generate-with-template",
    .summary = "Write the rows as JSON by a template",
    .flags = OP_TEXT | OP_JSON_TEXT,
    .suffix = "json_template",
    .format = FILE_JSON,
    .args_size = sizeof(struct template_args),
    .args = template_arg_list,
    .says = template_says,
    .examples = template_examples,
    .check = template_check,
    .open = writer_open,
    .push = writer_push,
    .finish = writer_finish,
    .result = writer_result,
    .close = writer_close,
};
