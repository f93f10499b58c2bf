/*
 * excel/bind-single-key and excel/bind-multi-key: columns of another file are added to the rows whose
 * keys match (a left join). No row is lost and the order stays.
 *
 *   ┌ input ────────┐  ┌ bind_file ┐
 *   key ... columns    key columns          one implementation; the two differ in how keys are named
 */

#include "ops/join.h"
#include "ops/values.h"

#include <stdio.h>
#include <string.h>

enum { LENT_MAX = 4 << 20 }; /* Bytes of bound cells read from disk, for one batch. */

struct bind_args {
    const char *bind_file;
    const char *comparison_column;       /* single */
    const char *bind_comparison_column;  /* single */
    struct strs comparison_columns;      /* Both: op->check fills it for single. */
    struct strs bind_comparison_columns; /* Names in the bind file; empty: the same. */
    struct strs bind_columns;
    struct join_options options;
    int conflict; /* enum conflict */
};

enum conflict { CONFLICT_ERROR, CONFLICT_SUFFIX };

struct bind {
    const struct bind_args *args;
    struct join join;
    struct columns keys; /* Of the input. */
    uint32_t n_in;
    struct batch *out;      /* Columns of the input, lent, and the bound ones, of our own. */
    struct cell **bound;    /* [n_values] of BATCH_ROWS cells. */
    struct batch *repeated; /* JOIN_ALL: rows of the input can repeat. */
    uint64_t *repeated_rows;
    uint64_t rows_in, rows_out, matched;
    uint64_t near[NEAR_COUNT];
};

static const char *const duplicate_choices[] = { "first", "last", "error", "all", NULL };
static const char *const conflict_choices[] = { "error", "suffix", NULL };

static const char *const key_column_aliases[] = { "key_column", NULL };
static const char *const key_columns_aliases[] = { "key_columns", "comparison_column", "key_column",
    NULL };
static const char *const bind_key_aliases[] = { "bind_key_column", NULL };
static const char *const bind_keys_aliases[] = { "bind_key_columns", NULL };
static const char *const source_columns_aliases[] = { "source_columns", NULL };

/* clang-format off */
#define BIND_FILE_ARG                                                                              \
    { ARG(struct bind_args, bind_file, FILE), .required = true,                                    \
        .help = "File that holds the columns to add, by name.",                                    \
        .ask = "Which file holds the columns to add?" }
#define BIND_SHARED_ARGS                                                                           \
    { ARG(struct bind_args, bind_columns, STRS), .required = true, .min = 1, .max = 16384,         \
        .aliases = source_columns_aliases,                                                         \
        .help = "Columns of the bind file to add, in this order.",                                 \
        .ask = "Which columns should I add?" },                                                    \
    { ARG_NAMED(struct bind_args, options.on_duplicate, "on_duplicate", CHOICE),                   \
        .fallback = "\"first\"", .choices = duplicate_choices,                                     \
        .help = "When the bind file has a key several times: take the first row, the last, "       \
                "fail, or repeat the row for all of them." },                                      \
    { ARG(struct bind_args, conflict, CHOICE), .fallback = "\"error\"", .choices = conflict_choices, \
        .help = "When a column to add exists already: fail, or add it as name_2." },               \
    { ARG_NAMED(struct bind_args, options.trim, "trim", BOOL), .fallback = "false",                \
        .help = "Compare keys without blanks around them." },                                      \
    { ARG_NAMED(struct bind_args, options.ignore_case, "ignore_case", BOOL), .fallback = "false",  \
        .help = "Compare keys without regard to case." },                                          \
    { ARG_NAMED(struct bind_args, options.match_blank, "match_blank", BOOL), .fallback = "false",  \
        .help = "Let a blank key match a blank key." }

static const struct arg single_arg_list[] = {
    BIND_FILE_ARG,
    { ARG(struct bind_args, comparison_column, STR), .required = true, .is_column = true,
        .aliases = key_column_aliases, .help = "Column whose values are looked up in the bind file.",
        .ask = "Which column do the two files have in common?" },
    { ARG(struct bind_args, bind_comparison_column, STR), .aliases = bind_key_aliases,
        .help = "What that column is called in the bind file; the same by default." },
    BIND_SHARED_ARGS,
    { 0 },
};

static const struct arg multi_arg_list[] = {
    BIND_FILE_ARG,
    { ARG(struct bind_args, comparison_columns, STRS), .required = true, .min = 1, .max = 64,
        .is_column = true, .aliases = key_columns_aliases,
        .help = "Columns that must all match in the bind file.",
        .ask = "Which columns do the two files have in common?" },
    { ARG(struct bind_args, bind_comparison_columns, STRS), .aliases = bind_keys_aliases,
        .help = "What those columns are called in the bind file; the same by default." },
    BIND_SHARED_ARGS,
    { 0 },
};
/* clang-format on */

static const char *const single_says[] = { "bind", "join", "look up", "lookup", "vlookup", "merge",
    "combine with", "enrich with", "add columns from", "match with", NULL };
static const char *const multi_says[] = { "bind on several columns", "join on several columns",
    "bind by multiple keys", "match on both columns", NULL };

static const struct op_example single_examples[] = {
    { .title = "Add the city of each customer",
        .args = "{\"bind_file\": \"bind.csv\", \"comparison_column\": \"id\", "
                "\"bind_columns\": [\"city\"], \"output_format\": \"csv\"}",
        .in = "id,name\n007,Ada\n7,Alan\n9,Joan\n",
        .bind = "id,city\n7,Wilmslow\n007,London\n",
        .out = "id,name,city\n007,Ada,London\n7,Alan,Wilmslow\n9,Joan,\n" },
    { 0 },
};

static const struct op_example multi_examples[] = {
    { .title = "Prices by product and year",
        .args = "{\"bind_file\": \"bind.csv\", \"comparison_columns\": [\"product\", \"year\"], "
                "\"bind_columns\": [\"price\"], \"output_format\": \"csv\"}",
        .in = "product,year,sold\ntea,2023,5\ntea,2024,7\n",
        .bind = "year,product,price\n2024,tea,3.5\n2023,tea,3\n",
        .out = "product,year,sold,price\ntea,2023,5,3\ntea,2024,7,3.5\n" },
    { 0 },
};

static bool bind_check(void *args, struct arena *arena, struct err *err)
{
    struct bind_args *a = args;

    if (a->comparison_column) { /* One key is a list of one. */
        a->comparison_columns = (struct strs){ arena_calloc(arena, 1, sizeof(char *)), 1 };
        if (!a->comparison_columns.v)
            return err_nomem(err);
        a->comparison_columns.v[0] = a->comparison_column;
    }
    if (a->bind_comparison_column) {
        a->bind_comparison_columns = (struct strs){ arena_calloc(arena, 1, sizeof(char *)), 1 };
        if (!a->bind_comparison_columns.v)
            return err_nomem(err);
        a->bind_comparison_columns.v[0] = a->bind_comparison_column;
    }
    if (a->bind_comparison_columns.n && a->bind_comparison_columns.n != a->comparison_columns.n)
        return value_fail(err, "bind_comparison_columns",
            "%zu names for %zu comparison columns; give one for each", a->bind_comparison_columns.n,
            a->comparison_columns.n);
    return true;
}

/* The key columns of either file; paths in errors follow the spelling of the operation. */
static bool choose_keys(const struct bind_args *a, const struct schema *schema,
    const struct strs *names, struct arena *arena, struct columns *keys, struct err *err)
{
    if (!a->comparison_column)
        return columns_choose(schema, names, "comparison_columns", arena, keys, err);
    keys->n = 1;
    keys->at = arena_calloc(arena, 1, sizeof *keys->at);
    if (!keys->at)
        return err_nomem(err);
    return schema_get(schema, names->v[0], "comparison_column", &keys->at[0], err);
}

/* The bind file's own errors should say which file they are about. */
static bool load_right(struct bind *x, const struct op_env *env, const struct schema **right_schema,
    struct columns *values, struct err *err)
{
    const struct bind_args *a = x->args;
    const struct strs *names =
        a->bind_comparison_columns.n ? &a->bind_comparison_columns : &a->comparison_columns;
    struct source *right = NULL;
    struct columns keys;
    bool ok = false;

    if (!env->open_file(env, a->bind_file, env->output->types == TYPES_SAFE, &right, err))
        return false;
    if (!choose_keys(a, source_schema(right), names, env->arena, &keys, err) ||
        !columns_choose(
            source_schema(right), &a->bind_columns, "bind_columns", env->arena, values, err)) {
        err_wrap(err, "%.100s", a->bind_file);
        goto out;
    }
    *right_schema = columns_schema(source_schema(right), values, env->arena);
    /* Names live with the source, which is closed below. */
    for (uint32_t i = 0; *right_schema && i < values->n; i++) {
        struct column *c = &(*right_schema)->columns[i];

        c->name = arena_strdup(env->arena, c->name);
        c->header = c->name;
        if (!c->name)
            *right_schema = NULL;
    }
    if (!*right_schema) {
        err_nomem(err);
        goto out;
    }
    ok = join_load(&x->join, right, a->bind_file, &keys, values, env, err);
out:
    source_close(right);
    return ok;
}

static bool out_schema(struct bind *x, const struct op_env *env, const struct schema *in,
    const struct schema *right, const struct schema **out, struct err *err)
{
    uint32_t n = in->n_columns + right->n_columns;
    struct schema *s;

    if (n > SCHEMA_MAX_COLUMNS)
        return err_set(err, ERR_BUDGET, "more than %d columns", SCHEMA_MAX_COLUMNS);
    s = schema_new(env->arena, n);
    if (!s)
        return err_nomem(err);
    memcpy(s->columns, in->columns, in->n_columns * sizeof *s->columns);
    for (uint32_t i = 0; i < right->n_columns; i++) {
        uint32_t at = in->n_columns + i;
        const char *name = right->columns[i].name;
        char where[64];

        if (columns_find(s, at, name) >= 0 && x->args->conflict == CONFLICT_ERROR) {
            snprintf(where, sizeof where, "bind_columns[%u]", i);
            value_fail(err, where,
                "%.64s has a column '%.128s' already; choose another one, or conflict: suffix",
                env->file_label, name);
            snprintf(err->column, sizeof err->column, "%s", name);
            return false;
        }
        name = columns_free_name(s, at, name, env->arena);
        if (!name)
            return err_nomem(err);
        s->columns[at] = (struct column){ name, name };
    }
    *out = s;
    return true;
}

static bool make_batches(struct bind *x, const struct op_env *env, uint32_t n_in, uint32_t n_values)
{
    bool all = x->args->options.on_duplicate == JOIN_ALL;

    x->n_in = n_in;
    x->out = columns_view_new(env->arena, n_in + n_values);
    x->bound = arena_calloc(env->arena, n_values, sizeof *x->bound);
    if (!x->out || !x->bound)
        return false;
    x->out->n_columns = n_in + n_values;
    for (uint32_t v = 0; v < n_values; v++) {
        x->bound[v] = arena_alloc(env->arena, BATCH_ROWS * sizeof **x->bound);
        if (!x->bound[v])
            return false;
    }
    if (!all)
        return true;
    x->repeated = batch_new(env->arena, n_in + n_values);
    x->repeated_rows = batch_new_rows(env->arena);
    if (!x->repeated || !x->repeated_rows)
        return false;
    x->repeated->rows = x->repeated_rows;
    return true;
}

static bool bind_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    struct bind *x = arena_calloc(env->arena, 1, sizeof *x);
    const struct schema *right = NULL;
    struct columns values;

    if (!x)
        return err_nomem(err);
    x->args = args;
    x->join.options = x->args->options;
    if (!choose_keys(x->args, in, &x->args->comparison_columns, env->arena, &x->keys, err) ||
        !load_right(x, env, &right, &values, err))
        return false;
    if (!out_schema(x, env, in, right, out, err))
        goto fail;
    if (!make_batches(x, env, in->n_columns, right->n_columns)) {
        err_nomem(err);
        goto fail;
    }
    *state = x;
    return true;
fail:
    join_deinit(&x->join);
    return false;
}

static bool count_near(struct bind *x, const struct batch *in, uint32_t row, struct err *err)
{
    return join_count_near(&x->join, in, row, x->keys.at, x->near, err);
}

static bool set_bound(struct bind *x, uint32_t row, int64_t right, struct err *err)
{
    const struct cell *cells = right < 0 ? NULL : join_cells(&x->join, right, err);

    if (right >= 0 && !cells)
        return false;
    for (uint32_t v = 0; v < x->join.n_values; v++)
        x->bound[v][row] = cells ? cells[v] : cell_blank();
    return true;
}

/* Rows [from, to) of the input, with what is bound to them. */
static bool emit_rows(struct bind *x, const struct batch *in, uint32_t from, uint32_t to,
    const struct op_emit *emit, struct err *err)
{
    for (uint32_t c = 0; c < x->n_in; c++)
        x->out->columns[c] = in->columns[c] + from;
    for (uint32_t v = 0; v < x->join.n_values; v++)
        x->out->columns[x->n_in + v] = x->bound[v] + from;
    x->out->n_rows = to - from;
    x->out->rows = in->rows ? in->rows + from : NULL;
    x->out->first_row = in->first_row + from;
    x->rows_out += to - from;
    return op_emit(emit, x->out, err);
}

/* One row out for each row in. */
static bool push_once(
    struct bind *x, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    uint32_t from = 0;

    join_forget(&x->join);
    for (uint32_t row = 0; row < in->n_rows; row++) {
        int64_t right;

        if (x->join.lent > LENT_MAX) { /* Long texts from disk: the batch goes on in parts. */
            if (!emit_rows(x, in, from, row, emit, err))
                return false;
            from = row;
            join_forget(&x->join);
        }
        right = join_find(&x->join, in, row, x->keys.at, err);
        if (right < JOIN_NONE || (right == JOIN_NONE && !count_near(x, in, row, err)) ||
            !set_bound(x, row, right, err))
            return false;
        x->matched += right >= 0;
    }
    return emit_rows(x, in, from, in->n_rows, emit, err);
}

static bool flush_repeated(struct bind *x, const struct op_emit *emit, struct err *err)
{
    struct batch *r = x->repeated;

    if (r->n_rows > 0) {
        x->rows_out += r->n_rows;
        if (!op_emit(emit, r, err))
            return false;
        r->n_rows = 0;
    }
    join_forget(&x->join);
    return true;
}

static bool add_repeated(
    struct bind *x, const struct batch *in, uint32_t row, int64_t right, struct err *err)
{
    const struct cell *cells = right < 0 ? NULL : join_cells(&x->join, right, err);
    struct batch *r = x->repeated;
    uint32_t at = r->n_rows++;

    if (right >= 0 && !cells)
        return false;
    for (uint32_t c = 0; c < x->n_in; c++)
        r->columns[c][at] = in->columns[c][row];
    for (uint32_t v = 0; v < x->join.n_values; v++)
        r->columns[x->n_in + v][at] = cells ? cells[v] : cell_blank();
    x->repeated_rows[at] = batch_row(in, row);
    return true;
}

/* on_duplicate all: as many rows out as there are matches. */
static bool push_all(
    struct bind *x, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    x->repeated->n_rows = 0;
    for (uint32_t row = 0; row < in->n_rows; row++) {
        int64_t right = join_find(&x->join, in, row, x->keys.at, err);

        if (right < JOIN_NONE || (right == JOIN_NONE && !count_near(x, in, row, err)))
            return false;
        x->matched += right >= 0;
        do {
            if ((x->repeated->n_rows == BATCH_ROWS || x->join.lent > LENT_MAX) &&
                !flush_repeated(x, emit, err))
                return false;
            if (!add_repeated(x, in, row, right, err))
                return false;
            if (right >= 0)
                right = join_next(&x->join, right, err);
            if (right < JOIN_NONE)
                return false;
        } while (right >= 0);
    }
    return flush_repeated(x, emit, err);
}

static bool bind_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct bind *x = state;

    x->rows_in += in->n_rows;
    return x->repeated ? push_all(x, in, emit, err) : push_once(x, in, emit, err);
}

static struct json *names_json(const struct strs *names)
{
    struct json *list = json_new_array();

    for (size_t i = 0; i < names->n; i++)
        json_add(list, json_new_string(names->v[i]));
    return list;
}

static struct json *near_json(const struct bind *x)
{
    static const char *const names[NEAR_COUNT] = {
        [NEAR_TRIM] = "trim",
        [NEAR_IGNORE_CASE] = "ignore_case",
        [NEAR_NUMBER_TEXT] = "number_text",
        [NEAR_LEADING_ZEROS] = "leading_zeros",
    };
    struct json *near = json_new_object();

    for (int i = 0; i < NEAR_COUNT; i++)
        json_set_int(near, names[i], (int64_t)x->near[i]);
    return near;
}

static bool bind_result(void *state, struct json *result, struct err *err)
{
    const struct bind *x = state;
    struct json *s = json_new_object();
    double share = x->rows_in ? 100.0 * (double)x->matched / (double)x->rows_in : 0;
    char rounded[NUM_TEXT_MAX], text[NUM_TEXT_MAX];
    size_t n = num_format(share, text);

    n = num_round_text(text, n, 2, rounded, sizeof rounded);
    if (!n || !num_parse(rounded, n, &share))
        share = 0;
    json_set_int(s, "source_rows", (int64_t)x->rows_in);
    json_set_int(s, "bind_rows", (int64_t)x->join.rows);
    json_set_int(s, "matched_rows", (int64_t)x->matched);
    json_set_int(s, "unmatched_rows", (int64_t)(x->rows_in - x->matched));
    json_set_real(s, "match_percentage", share);
    json_set_int(s, "unique_keys_in_bind", (int64_t)x->join.unique);
    json_set_int(s, "duplicate_keys_removed",
        x->args->options.on_duplicate == JOIN_ALL ? 0 : (int64_t)x->join.duplicates);
    json_set_int(s, "duplicate_keys", (int64_t)x->join.duplicates);
    json_set(s, "comparison_columns", names_json(&x->args->comparison_columns));
    json_set(s, "bind_columns", names_json(&x->args->bind_columns));
    json_set(s, "near_misses", near_json(x));
    return json_set(result, "statistics", s) || err_nomem(err);
}

static void bind_close(void *state)
{
    struct bind *x = state;

    join_deinit(&x->join);
}

/* on_duplicate all makes more rows than there were, so the engine cannot check the ledger. */
#define BIND_OP                                                                    \
    .flags = OP_TABLE, .suffix = "bound", .format = FILE_XLSX,                     \
    .args_size = sizeof(struct bind_args), .check = bind_check, .open = bind_open, \
    .push = bind_push, .result = bind_result, .close = bind_close

const struct op op_bind_single_key = {
    .name = "excel/bind-single-key",
    .summary = "Add columns of another file where a key column matches",
    .args = single_arg_list,
    .says = single_says,
    .examples = single_examples,
    BIND_OP,
};

const struct op op_bind_multi_key = {
    .name = "excel/bind-multi-key",
    .summary = "Add columns of another file where several key columns match",
    .args = multi_arg_list,
    .says = multi_says,
    .examples = multi_examples,
    BIND_OP,
};
