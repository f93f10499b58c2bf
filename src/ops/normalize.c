/*
 * normalization/apply: rules on columns, in the order they are given.
 *
 *   entry    one normalization: column, rule, parameters
 *   chain    the entries of one column; each works on what the one before it has made
 */

#include "ops/columns.h"
#include "ops/rules/chain.h"

#include "base/clock.h"
#include "base/date.h"

#include <stdio.h>
#include <string.h>

enum { MAX_NORMALIZATIONS = 500 };

struct entry_args {
    const char *column;
    int type; /* Index into rule_table. */
    const struct json *parameters;
    bool backup_original;
    int on_error; /* enum rule_on_error; RULE_KEEP: as the parameters say. */
    void *params; /* Bound by normalize_check(). */
};

struct normalize_args {
    struct items normalizations; /* struct entry_args */
    bool return_report;
};

struct normalize {
    const struct normalize_args *args;
    const struct op_env *env;
    struct chain *chains;
    int32_t *backups; /* Of each chain: the column of the output that keeps the original, or -1. */
    size_t n_chains;
    size_t sort_memory; /* Of each rule that sees its column first. */
    struct arena text;  /* Of the batch at hand. */
    struct batch *out;
    uint32_t n_in;
    uint64_t rows;
};

/* ---- declaration ---- */

static const char *const column_aliases[] = { "column", NULL };
static const char *const type_aliases[] = { "type", NULL };
static const char *const parameter_aliases[] = { "params", NULL };
static const char *const on_error_choices[] = { "keep", "blank", "fail", NULL };

static const struct arg *parameters_of(int type)
{
    return rule_table[type]->params;
}

static const struct arg entry_fields[] = {
    { ARG_NAMED(struct entry_args, column, "column_name", STR), .required = true, .is_column = true,
        .min = 1, .max = 32767, .aliases = column_aliases, .help = "Column to work on.",
        .ask = "Which column should be normalized?" },
    { ARG_NAMED(struct entry_args, type, "normalization_type", CHOICE), .required = true,
        .choices = rule_names, .choice_aliases = rule_aliases, .aliases = type_aliases,
        .help = "What to do with its values.", .ask = "How should it be normalized?" },
    { ARG(struct entry_args, parameters, JSON), .aliases = parameter_aliases,
        .depends = "normalization_type", .fields_of = parameters_of,
        .help = "Parameters of that type, such as {\"decimals\": 2}." },
    { ARG(struct entry_args, backup_original, BOOL), .fallback = "false",
        .setting = "normalization.backup_original",
        .help = "Keep the values as they were in a column NAME_original." },
    { ARG(struct entry_args, on_error, CHOICE), .choices = on_error_choices,
        .help = "What to do with values that cannot be converted: keep them, make them blank, or "
                "fail." },
    { 0 },
};

static const struct arg normalize_arg_list[] = {
    { ARG_LIST(struct normalize_args, normalizations, OBJECTS, struct entry_args, entry_fields),
        .required = true, .min = 1, .max = MAX_NORMALIZATIONS,
        .help = "What to do, in this order: "
                "[{\"column_name\": \"email\", \"normalization_type\": \"lowercase\"}].",
        .ask = "Which columns should be normalized, and how?" },
    { ARG(struct normalize_args, return_report, BOOL), .fallback = "true",
        .setting = "normalization.generate_report",
        .help = "Tell what each normalization found and changed." },
    { 0 },
};

static const char *const normalize_says[] = { "normalize", "normalise", "clean", "clean up", "tidy",
    "tidy up", "fix", "fix up", "sort out", "sanitize", "sanitise", "standardize", "standardise",
    "correct", "uppercase", "lowercase", "title case", "trim", "round", "fill blanks",
    "fill missing", "format dates", NULL };

static const struct op_example normalize_examples[] = {
    { .title = "Tidy names and fill blanks with the mean",
        .args = "{\"normalizations\": [{\"column_name\": \"name\", \"normalization_type\": "
                "\"name_format\"}, "
                "{\"column_name\": \"price\", \"normalization_type\": \"fill_null_values\", "
                "\"parameters\": {\"method\": \"mean\"}}], \"output_format\": \"csv\"}",
        .in = "name,price\n  ada LOVELACE,1.5\nalan turing ,\ngrace hopper,2.5\n",
        .out = "name,price\nAda Lovelace,1.5\nAlan Turing,2\nGrace Hopper,2.5\n" },
    { 0 },
};

/* ---- check ---- */

static bool check_entry(struct entry_args *e, size_t i, struct arena *arena, struct err *err)
{
    const struct rule *rule = rule_table[e->type];
    char path[64];

    snprintf(path, sizeof path, "normalizations[%zu].parameters", i);
    e->params = arena_calloc(arena, 1, rule->params_size);
    if (!e->params)
        return err_nomem(err);
    if (!arg_bind(rule->params, rule->name, path, e->parameters, arena, e->params, err))
        return false;
    if (e->on_error != RULE_KEEP)
        ((struct rule_params *)e->params)->on_error = e->on_error;
    return !rule->check || rule->check(e->params, path, arena, err);
}

static bool normalize_check(void *args, struct arena *arena, struct err *err)
{
    struct normalize_args *a = args;
    struct entry_args *e = a->normalizations.v;

    for (size_t i = 0; i < a->normalizations.n; i++) {
        if (!check_entry(&e[i], i, arena, err))
            return false;
    }
    return true;
}

/* ---- open ---- */

static void close_chains(struct normalize *x)
{
    for (size_t c = 0; c < x->n_chains; c++)
        chain_close(&x->chains[c]);
    arena_deinit(&x->text);
}

/* The chain of a column, begun where there is none; NULL when memory ends. */
static struct chain *chain_of(struct normalize *x, uint32_t column, const char *name)
{
    struct chain *chain = x->chains;

    for (; chain < x->chains + x->n_chains; chain++) {
        if (chain->column == column)
            return chain;
    }
    if (!chain_init(
            chain, column, name, x->args->normalizations.n, x->env, x->sort_memory, &x->text))
        return NULL;
    x->backups[x->n_chains++] = -1;
    return chain;
}

/* The rules that remember do so at one time: they share what one sort may use. */
static size_t sort_memory(const struct normalize *x)
{
    const struct entry_args *e = x->args->normalizations.v;
    size_t n = 0;

    for (size_t i = 0; i < x->args->normalizations.n; i++)
        n += rule_scans(rule_table[e[i].type], e[i].params);
    return spill_file_memory(x->env->budget) / (n ? n : 1);
}

static bool open_entries(struct normalize *x, const struct schema *in, struct err *err)
{
    const struct entry_args *e = x->args->normalizations.v;
    size_t n = x->args->normalizations.n;

    x->chains = arena_calloc(x->env->arena, n, sizeof *x->chains);
    x->backups = arena_calloc(x->env->arena, n, sizeof *x->backups);
    if (!x->chains || !x->backups)
        return err_nomem(err);
    x->sort_memory = sort_memory(x);
    for (size_t i = 0; i < n; i++) {
        char where[64];
        uint32_t column = 0;
        struct chain *chain;

        snprintf(where, sizeof where, "normalizations[%zu].column_name", i);
        if (!schema_get(in, e[i].column, where, &column, err))
            return false;
        chain = chain_of(x, column, in->columns[column].name);
        if (!chain)
            return err_nomem(err);
        if (!chain_add(chain, rule_table[e[i].type], e[i].params, i, err))
            return false;
        if (e[i].backup_original)
            x->backups[chain - x->chains] = 0;
    }
    for (size_t c = 0; c < x->n_chains; c++) {
        if (!chain_start(&x->chains[c], x->args->return_report, err))
            return false;
    }
    return true;
}

/* The input's columns, and one behind them for each original that is kept. */
static bool out_schema(
    struct normalize *x, const struct schema *in, const struct schema **out, struct err *err)
{
    uint32_t n = in->n_columns;
    struct schema *s;

    for (size_t c = 0; c < x->n_chains; c++)
        n += x->backups[c] >= 0;
    s = schema_new(x->env->arena, n);
    x->out = columns_view_new(x->env->arena, n);
    if (!s || !x->out)
        return err_nomem(err);
    memcpy(s->columns, in->columns, in->n_columns * sizeof *s->columns);
    x->n_in = in->n_columns;
    x->out->n_columns = n;
    n = in->n_columns;
    for (size_t c = 0; c < x->n_chains; c++) {
        const char *name;

        if (x->backups[c] < 0)
            continue;
        name = arena_printf(x->env->arena, "%s_original", in->columns[x->chains[c].column].name);
        name = name ? columns_free_name(s, n, name, x->env->arena) : NULL;
        if (!name)
            return err_nomem(err);
        x->backups[c] = (int32_t)n;
        s->columns[n++] = (struct column){ name, name };
    }
    *out = s;
    return true;
}

/* ---- passes ---- */

static bool normalize_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    struct normalize *x = arena_calloc(env->arena, 1, sizeof *x);

    if (!x)
        return err_nomem(err);
    x->args = args;
    x->env = env;
    arena_init(&x->text, env->budget);
    if (!open_entries(x, in, err) || !out_schema(x, in, out, err)) {
        close_chains(x);
        return false;
    }
    *state = x;
    return true;
}

static bool normalize_wants_scan(const void *state)
{
    const struct normalize *x = state;

    for (size_t c = 0; c < x->n_chains; c++) {
        if (x->chains[c].n_scans)
            return true;
    }
    return false;
}

static bool normalize_scan(void *state, const struct batch *in, struct err *err)
{
    struct normalize *x = state;

    arena_reset(&x->text);
    for (size_t c = 0; c < x->n_chains; c++) {
        if (x->chains[c].n_scans && !chain_scan(&x->chains[c], in, err))
            return false;
    }
    return true;
}

static bool normalize_scan_end(void *state, struct err *err)
{
    struct normalize *x = state;

    for (size_t c = 0; c < x->n_chains; c++) {
        if (x->chains[c].n_scans && !chain_scan_end(&x->chains[c], err))
            return false;
    }
    return true;
}

static bool normalize_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct normalize *x = state;
    struct batch *out = x->out;

    arena_reset(&x->text);
    for (uint32_t c = 0; c < x->n_in; c++)
        out->columns[c] = in->columns[c];
    for (size_t c = 0; c < x->n_chains; c++) {
        struct chain *chain = &x->chains[c];

        if (!chain_push(chain, in, err))
            return false;
        out->columns[chain->column] = chain->cells;
        if (x->backups[c] >= 0)
            out->columns[x->backups[c]] = in->columns[chain->column];
    }
    out->n_rows = in->n_rows;
    out->rows = in->rows;
    out->first_row = in->first_row;
    x->rows += in->n_rows;
    return op_emit(emit, out, err);
}

/* ---- result ---- */

static bool normalize_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct normalize *x = state;

    (void)emit;
    (void)err;
    for (size_t c = 0; c < x->n_chains; c++)
        chain_warn(&x->chains[c]);
    return true;
}

static struct json *stats_json(const struct normalize *x, struct profile *profile)
{
    const struct column_profile *p = profile_column(profile, 0);
    struct json *stats = json_new_object();

    json_set_int(stats, "total_values", (int64_t)x->rows);
    json_set_int(stats, "null_count", (int64_t)p->blanks);
    json_set_int(stats, "unique_count", (int64_t)p->distinct);
    if (!p->distinct_exact) /* Past PROFILE_EXACT, or where memory is short. */
        json_set_bool(stats, "unique_count_exact", false);
    json_set_string(stats, "data_type", column_type_name(p->type));
    return stats;
}

static struct json *entry_json(const struct normalize *x, const struct chain *chain, size_t i)
{
    const struct entry_args *args = x->args->normalizations.v;
    const struct chain_entry *e = &chain->entries[i];
    const struct json *parameters = args[e->order].parameters;
    struct json *entry = json_new_object();

    json_set_string(entry, "column_name", e->run.column);
    json_set_string(entry, "normalization_type", e->run.rule->name);
    json_set(entry, "parameters", parameters ? json_ref(parameters) : json_new_object());
    json_set(entry, "before_stats", stats_json(x, chain->profiles[i]));
    json_set(entry, "after_stats", stats_json(x, chain->profiles[i + 1]));
    json_set_int(entry, "changed", (int64_t)e->changed);
    json_set_int(entry, "unconverted", (int64_t)e->unconverted);
    json_set_bool(entry, "success", true);
    if (e->run.rule->report)
        e->run.rule->report(&e->run, entry);
    return entry;
}

/* The entries in the order they were asked for. */
static struct json *entries_json(const struct normalize *x)
{
    struct json *list = json_new_array();

    for (size_t i = 0; i < x->args->normalizations.n; i++) {
        for (size_t c = 0; c < x->n_chains; c++) {
            for (size_t k = 0; k < x->chains[c].n; k++) {
                if (x->chains[c].entries[k].order == i)
                    json_add(list, entry_json(x, &x->chains[c], k));
            }
        }
    }
    return list;
}

static struct json *warnings_json(const struct normalize *x)
{
    struct json *all = warn_json(x->env->warnings), *list = json_new_array();

    for (size_t i = 0; i < json_len(all); i++)
        json_add(list, json_new_string(json_get_string(json_at(all, i), "message")));
    json_free(all);
    return list;
}

static bool normalize_result(void *state, struct json *result, struct err *err)
{
    const struct normalize *x = state;
    char started[DATE_TEXT_MAX], completed[DATE_TEXT_MAX];
    int64_t now = clock_wall_ns();
    struct json *report;

    if (!x->args->return_report)
        return true;
    date_format_utc(x->env->now_ns, started);
    date_format_utc(now > x->env->now_ns ? now : x->env->now_ns, completed);
    report = json_new_object();
    json_set_string(report, "started_at", started);
    json_set_string(report, "completed_at", completed);
    json_set_bool(report, "success", true);
    json_set_int(report, "total_rows", (int64_t)x->rows);
    json_set_int(report, "requested_normalizations", (int64_t)x->args->normalizations.n);
    json_set(report, "columns_processed", entries_json(x));
    json_set(report, "errors", json_new_array());
    json_set(report, "warnings", warnings_json(x));
    return json_set(result, "report", report) || err_nomem(err);
}

static void normalize_close(void *state)
{
    close_chains(state);
}

const struct op op_normalize = {
    .name = "normalization/apply",
    .summary = "Clean and convert the values of columns",
    .flags = OP_TABLE | OP_MAPS_ROWS,
    .suffix = "normalized",
    .format = FILE_XLSX,
    .enabled = "normalization.enabled",
    .args_size = sizeof(struct normalize_args),
    .args = normalize_arg_list,
    .says = normalize_says,
    .examples = normalize_examples,
    .check = normalize_check,
    .open = normalize_open,
    .wants_scan = normalize_wants_scan,
    .scan = normalize_scan,
    .scan_end = normalize_scan_end,
    .push = normalize_push,
    .finish = normalize_finish,
    .result = normalize_result,
    .close = normalize_close,
};
