/*
 * files/bind: columns of one file put beside the rows of another, row by row in the order in which they
 * stand. It is not a step of workflows (op_unlisted): where rows belong together only by their place,
 * both files have to be looked at together, as the HTTP API has them.
 *
 *   source_file   s1 s2 s3 ...          column_mapping {target: source}
 *                 │  │  │
 *   input         t1 t2 t3 ...          a target that exists is replaced, another one is added at the end
 *
 * The input's rows are the result's: rows of the source beyond them are counted in a warning, and where the
 * source has ended the input keeps what it has.
 */

#include "ops/columns.h"

#include <stdio.h>

struct pair {
    const char *target;
    const char *source;
};

struct bind_rows_args {
    const char *source_file;
    struct items column_mapping; /* struct pair */
    int64_t limit; /* files/bind/preview: rows that are shown; the server's business. */
};

struct bound_column {
    uint32_t from, to; /* Index in the source, and in the result. */
    bool replaces;     /* The input has it too. */
    struct cell *cells;
};

struct bind_rows {
    const struct op_env *env;
    struct source *source;
    struct batch *from; /* Of the source; NULL once it has ended. */
    uint32_t at;        /* Its next row. */
    bool ended;
    struct bound_column *columns;
    size_t n;
    struct batch *out; /* Columns of the input, lent, and the bound ones, of our own. */
    struct arena text; /* Of the bound cells of one batch. */
    uint64_t rows, bound, unused;
};

static const struct arg pair_fields[] = {
    { ARG(struct pair, source, STR), .required = true, .is_column = true, .min = 1, .max = 32767,
        .help = "Column of the source file." },
    { 0 },
};

static const char *const mapping_aliases[] = { "mapping", NULL };

#define SOURCE_ARG                                                           \
    {                                                                        \
        ARG(struct bind_rows_args, source_file, FILE),                       \
            .required = true, .help = "File that holds the columns to take." \
    }

#define MAPPING_ARG                                                                                \
    {                                                                                              \
        ARG_LIST(struct bind_rows_args, column_mapping, MAP, struct pair, pair_fields),            \
            .required = true, .min = 1, .max = SCHEMA_MAX_COLUMNS, .shorthand = "source",          \
            .aliases = mapping_aliases,                                                            \
            .help = "Columns of the result and the column of the source file each is taken from: " \
                    "{\"target\": \"source\"}."                                                    \
    }

static const struct arg bind_rows_arg_list[] = {
    SOURCE_ARG,
    MAPPING_ARG,
    { 0 },
};

static const struct arg preview_arg_list[] = {
    SOURCE_ARG,
    MAPPING_ARG,
    { ARG(struct bind_rows_args, limit, INT), .fallback = "10", .min = 1, .max = 1000,
        .help = "Rows to show." },
    { 0 },
};

static const char *const no_says[] = { NULL };
static const struct op_example no_examples[] = { { 0 } };

static bool add_columns(const struct items *mapping, const struct schema *in, struct bind_rows *x,
    struct schema *out, struct err *err)
{
    const struct pair *pairs = mapping->v;

    for (uint32_t c = 0; c < in->n_columns; c++)
        out->columns[c] = in->columns[c];
    out->n_columns = in->n_columns;
    for (size_t i = 0; i < mapping->n; i++) {
        struct bound_column *column = &x->columns[i];
        int32_t to = schema_find(in, pairs[i].target);
        char where[sizeof err->argument];

        snprintf(where, sizeof where, "column_mapping.%s", pairs[i].target);
        if (!schema_get(source_schema(x->source), pairs[i].source, where, &column->from, err))
            return false;
        column->replaces = to >= 0;
        column->to = to >= 0 ? (uint32_t)to : out->n_columns;
        if (to < 0)
            out->columns[out->n_columns++] = (struct column){ pairs[i].target, pairs[i].target };
        column->cells = arena_calloc(x->env->arena, BATCH_ROWS, sizeof *column->cells);
        if (!column->cells)
            return err_nomem(err);
    }
    return true;
}

static bool bind_rows_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    const struct bind_rows_args *a = args;
    struct bind_rows *x = arena_calloc(env->arena, 1, sizeof *x);
    uint32_t most = in->n_columns + (uint32_t)a->column_mapping.n;
    struct schema *schema;

    if (most > SCHEMA_MAX_COLUMNS)
        return err_set(err, ERR_BUDGET, "more than %d columns", SCHEMA_MAX_COLUMNS);
    schema = schema_new(env->arena, most);
    if (!x || !schema)
        return err_nomem(err);
    x->env = env;
    x->n = a->column_mapping.n;
    x->columns = arena_calloc(env->arena, x->n, sizeof *x->columns);
    x->out = columns_view_new(env->arena, most);
    if (!x->columns || !x->out)
        return err_nomem(err);
    if (!env->open_file(env, a->source_file, env->output->types == TYPES_SAFE, &x->source, err))
        return false;
    arena_init(&x->text, env->budget);
    if (!add_columns(&a->column_mapping, in, x, schema, err)) {
        source_close(x->source);
        arena_deinit(&x->text);
        return false;
    }
    x->out->n_columns = schema->n_columns;
    *out = schema;
    *state = x;
    return true;
}

/* Is there a row of the source at x->from, x->at? */
static bool next_row(struct bind_rows *x, bool *yes, struct err *err)
{
    while (!x->ended && (!x->from || x->at == x->from->n_rows)) {
        x->at = 0;
        if (!source_next(x->source, &x->from, err))
            return false;
        x->ended = !x->from;
    }
    *yes = !x->ended;
    return true;
}

static bool fill_row(struct bind_rows *x, const struct batch *in, uint32_t row, struct err *err)
{
    bool found;

    if (!next_row(x, &found, err))
        return false;
    for (size_t i = 0; i < x->n; i++) {
        struct bound_column *c = &x->columns[i];

        if (!found)
            c->cells[row] = c->replaces ? in->columns[c->to][row] : cell_blank();
        /* The source's next batch may come before this one is full, so text is copied. */
        else if (!cell_keep(&x->text, &x->from->columns[c->from][x->at], &c->cells[row]))
            return err_nomem(err);
    }
    x->at += found;
    x->bound += found;
    return true;
}

static bool bind_rows_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct bind_rows *x = state;

    arena_reset(&x->text);
    for (uint32_t row = 0; row < in->n_rows; row++) {
        if (!fill_row(x, in, row, err))
            return false;
    }
    for (uint32_t c = 0; c < in->n_columns; c++)
        x->out->columns[c] = in->columns[c];
    for (size_t i = 0; i < x->n; i++)
        x->out->columns[x->columns[i].to] = x->columns[i].cells;
    x->rows += in->n_rows;
    x->out->n_rows = in->n_rows;
    x->out->rows = in->rows;
    x->out->first_row = in->first_row;
    return op_emit(emit, x->out, err);
}

static bool bind_rows_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct bind_rows *x = state;
    bool found;

    (void)emit;
    for (;;) {
        if (!next_row(x, &found, err))
            return false;
        if (!found)
            break;
        x->unused += x->from->n_rows - x->at;
        x->at = x->from->n_rows;
    }
    if (x->unused)
        warn_addn(x->env->warnings, "unused_source_rows",
            "The source file has more rows than the target; those beyond its end were not used",
            x->unused, NULL);
    if (x->bound < x->rows)
        warn_addn(x->env->warnings, "rows_without_source",
            "The source file has fewer rows than the target; those beyond its end stay as they are",
            x->rows - x->bound, NULL);
    return true;
}

static bool bind_rows_result(void *state, struct json *result, struct err *err)
{
    const struct bind_rows *x = state;
    struct json *statistics = json_new_object();

    json_set_int(statistics, "target_rows", (int64_t)x->rows);
    json_set_int(statistics, "source_rows", (int64_t)(x->bound + x->unused));
    json_set_int(statistics, "bound_rows", (int64_t)x->bound);
    return json_set(result, "statistics", statistics) || err_nomem(err);
}

static void bind_rows_close(void *state)
{
    struct bind_rows *x = state;

    source_close(x->source);
    arena_deinit(&x->text);
}

#define BIND_ROWS_OP                                                                      \
    .flags = OP_TABLE | OP_MAPS_ROWS, .suffix = "bound", .format = FILE_XLSX,             \
    .args_size = sizeof(struct bind_rows_args), .says = no_says, .examples = no_examples, \
    .open = bind_rows_open, .push = bind_rows_push, .finish = bind_rows_finish,           \
    .result = bind_rows_result, .close = bind_rows_close

const struct op op_bind_rows = {
    .name = "files/bind",
    .summary = "Put columns of another file beside the rows, row by row",
    .args = bind_rows_arg_list,
    BIND_ROWS_OP,
};

const struct op op_bind_rows_preview = {
    .name = "files/bind/preview",
    .summary = "See the first rows that files/bind would write",
    .args = preview_arg_list,
    BIND_ROWS_OP,
};
