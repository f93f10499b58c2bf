/*
 * excel/extract-columns-to-file: some columns, in the order asked for; whole rows that repeat an
 * earlier one can be dropped.
 */

#include "ops/columns.h"

#include "table/dedup.h"

struct extract_args {
    struct strs columns;
    bool remove_duplicates;
};

struct extract {
    struct columns columns;
    struct batch *view;  /* The chosen columns of the batch at hand. */
    struct dedup *dedup; /* NULL: all rows stay. */
    uint64_t *dropped;
};

static const struct arg extract_arg_list[] = {
    { ARG(struct extract_args, columns, STRS), .is_column = true,
        .help = "Columns to keep, in the order of the output; all of them by default.",
        .ask = "Which columns should I keep?" },
    { ARG(struct extract_args, remove_duplicates, BOOL), .fallback = "false",
        .help = "Keep only the first of several rows whose kept cells are all the same." },
    { 0 },
};

static const char *const extract_says[] = {
    "extract columns",
    "extract the columns",
    "keep only",
    "keep columns",
    "select columns",
    "get the columns",
    "only the columns",
    "remove duplicates",
    "drop duplicates",
    NULL,
};

static const struct op_example extract_examples[] = {
    { .title = "Keep two columns, reordered",
        .args = "{\"columns\": [\"city\", \"name\"], \"output_format\": \"csv\"}",
        .in = "name,age,city\nAda,36,London\nAlan,41,Wilmslow\n",
        .out = "city,name\nLondon,Ada\nWilmslow,Alan\n" },
    { .title = "One row for each city",
        .args =
            "{\"columns\": [\"city\"], \"remove_duplicates\": true, \"output_format\": \"csv\"}",
        .in = "name,city\nAda,London\nAlan,Wilmslow\nJoan,London\n",
        .out = "city\nLondon\nWilmslow\n" },
    { 0 },
};

static bool extract_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    const struct extract_args *a = args;
    struct extract *x = arena_calloc(env->arena, 1, sizeof *x);

    if (!x)
        return err_nomem(err);
    if (!columns_choose(in, &a->columns, "columns", env->arena, &x->columns, err))
        return false;
    x->view = columns_view_new(env->arena, x->columns.n);
    *out = columns_schema(in, &x->columns, env->arena);
    x->dropped = env->dropped;
    if (!x->view || !*out)
        return err_nomem(err);
    if (a->remove_duplicates) {
        x->dedup = dedup_new(env->tmp_dir, env->budget, env->arena, x->columns.n);
        if (!x->dedup)
            return err_nomem(err);
    }
    *state = x;
    return true;
}

static bool extract_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct extract *x = state;
    const struct batch *out;

    columns_view(in, &x->columns, x->view);
    if (!x->dedup)
        return op_emit(emit, x->view, err);
    if (!dedup_push(x->dedup, in, x->columns.at, x->columns.n, x->view, &out,
            &x->dropped[DROP_DUPLICATE], err))
        return false;
    return !out || op_emit(emit, out, err);
}

static bool extract_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct extract *x = state;
    const struct batch *out;

    while (x->dedup) {
        if (!dedup_next(x->dedup, &out, &x->dropped[DROP_DUPLICATE], err))
            return false;
        if (!out)
            break;
        if (!op_emit(emit, out, err))
            return false;
    }
    return true;
}

static void extract_close(void *state)
{
    struct extract *x = state;

    dedup_free(x->dedup);
}

const struct op op_extract_columns_to_file = {
    .name = "excel/extract-columns-to-file",
    .summary = "Keep some columns of a table, and drop repeated rows if asked",
    .flags = OP_TABLE | OP_MAPS_ROWS,
    .suffix = "extracted",
    .format = FILE_XLSX,
    .args_size = sizeof(struct extract_args),
    .args = extract_arg_list,
    .says = extract_says,
    .examples = extract_examples,
    .open = extract_open,
    .push = extract_push,
    .finish = extract_finish,
    .close = extract_close,
};
