/*
 * normalization/apply: rules on columns, in the order they are given.
 *
 *   entry    one normalization: column, rule, parameters
 *   chain    the entries of one column; each works on what the one before it has made
 *
 * A rule that needs all of its column first (mean, quartiles, the order of dates) gets a first pass over
 * what the rules before it make. Where a chain has several such rules, its column is set aside during
 * the first pass and gone through once more for each of them:
 *
 *   scan:      input ─▶ rules before the first scanning one ─▶ its scan, and the spill
 *   scan_end:  spill ─▶ rules up to the next scanning one ─▶ its scan      ... for each
 */

#include "ops/columns.h"
#include "ops/rules/rule.h"
#include "ops/values.h"

#include "base/clock.h"
#include "base/date.h"
#include "table/profile.h"
#include "table/spill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_SPILL_MEMORY = 4 << 20, MAX_NORMALIZATIONS = 500 };

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

/* One normalization at work. */
struct entry {
    const struct entry_args *args;
    struct rule_run run;
    bool scans;
    uint64_t changed, unconverted;
    uint64_t places[WARN_PLACES]; /* Rows of the first that were not converted. */
};

struct chain {
    uint32_t column;
    struct entry *entries;
    size_t n;
    size_t n_scans;
    struct cell *cells; /* The column as it becomes. */
    int32_t backup;     /* Column of the output that keeps the original, or -1. */
    struct profile *
        *profiles; /* [n + 1]: before the first entry, and after each; NULL without report. */
    struct spill *spill;
};

struct normalize {
    const struct normalize_args *args;
    const struct op_env *env;
    struct chain *chains;
    size_t n_chains;
    struct arena text; /* Of the batch at hand. */
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

static const char *const normalize_says[] = { "normalize", "normalise", "clean", "uppercase",
    "lowercase", "title case", "trim", "round", "fill blanks", "fill missing", "format dates",
    NULL };

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
    for (size_t c = 0; c < x->n_chains; c++) {
        struct chain *chain = &x->chains[c];

        for (size_t i = 0; i < chain->n; i++) {
            struct rule_run *r = &chain->entries[i].run;

            if (r->rule && r->rule->close)
                r->rule->close(r);
        }
        for (size_t i = 0; chain->profiles && i <= chain->n; i++)
            profile_free(chain->profiles[i]);
        spill_free(chain->spill);
    }
    arena_deinit(&x->text);
}

static bool open_entry(struct normalize *x, struct chain *chain, const struct entry_args *args,
    const char *column, struct err *err)
{
    struct entry *e = &chain->entries[chain->n];
    const struct rule *rule = rule_table[args->type];
    struct rule_run *r = &e->run;

    e->args = args;
    r->params = args->params;
    r->arena = x->env->arena;
    r->text = &x->text;
    r->budget = x->env->budget;
    r->warnings = x->env->warnings;
    r->column = column;
    r->state = arena_calloc(x->env->arena, 1, rule->state_size ? rule->state_size : 1);
    if (!r->state)
        return err_nomem(err);
    r->rule = rule; /* From here on it is closed. */
    chain->n++;
    e->scans = rule_scans(rule, r->params);
    chain->n_scans += e->scans;
    return !rule->open || rule->open(r, err);
}

static struct chain *find_chain(struct normalize *x, uint32_t column)
{
    for (size_t c = 0; c < x->n_chains; c++) {
        if (x->chains[c].column == column)
            return &x->chains[c];
    }
    return NULL;
}

/* Room for all entries that name the column; the chain is new. */
static struct chain *add_chain(struct normalize *x, uint32_t column)
{
    struct chain *chain = &x->chains[x->n_chains];

    chain->entries = arena_calloc(x->env->arena, x->args->normalizations.n, sizeof *chain->entries);
    chain->cells = arena_calloc(x->env->arena, BATCH_ROWS, sizeof *chain->cells);
    if (!chain->entries || !chain->cells)
        return NULL;
    chain->column = column;
    chain->backup = -1;
    x->n_chains++;
    return chain;
}

static bool open_entries(struct normalize *x, const struct schema *in, struct err *err)
{
    const struct entry_args *e = x->args->normalizations.v;

    x->chains = arena_calloc(x->env->arena, x->args->normalizations.n, sizeof *x->chains);
    if (!x->chains)
        return err_nomem(err);
    for (size_t i = 0; i < x->args->normalizations.n; i++) {
        char where[64];
        uint32_t column = 0;
        struct chain *chain;

        snprintf(where, sizeof where, "normalizations[%zu].column_name", i);
        if (!schema_get(in, e[i].column, where, &column, err))
            return false;
        chain = find_chain(x, column);
        if (!chain)
            chain = add_chain(x, column);
        if (!chain)
            return err_nomem(err);
        if (!open_entry(x, chain, &e[i], in->columns[column].name, err))
            return false;
        if (e[i].backup_original && chain->backup < 0)
            chain->backup = 0;
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
        n += x->chains[c].backup >= 0;
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

        if (x->chains[c].backup < 0)
            continue;
        name = arena_printf(x->env->arena, "%s_original", in->columns[x->chains[c].column].name);
        name = name ? columns_free_name(s, n, name, x->env->arena) : NULL;
        if (!name)
            return err_nomem(err);
        x->chains[c].backup = (int32_t)n;
        s->columns[n++] = (struct column){ name, name };
    }
    *out = s;
    return true;
}

static bool open_second_passes(struct normalize *x, struct err *err)
{
    for (size_t c = 0; c < x->n_chains; c++) {
        struct chain *chain = &x->chains[c];

        if (chain->n_scans > 1) {
            chain->spill = spill_new(x->env->tmp_dir, 1, CHAIN_SPILL_MEMORY);
            if (!chain->spill)
                return err_nomem(err);
        }
        if (!x->args->return_report)
            continue;
        chain->profiles = arena_calloc(x->env->arena, chain->n + 1, sizeof(*chain->profiles));
        if (!chain->profiles)
            return err_nomem(err);
        for (size_t i = 0; i <= chain->n; i++) {
            chain->profiles[i] = profile_new(1, true, x->env->budget);
            if (!chain->profiles[i])
                return err_nomem(err);
        }
    }
    return true;
}

/* ---- passes ---- */

static void begin_chain(struct chain *chain)
{
    for (size_t i = 0; i < chain->n; i++) {
        struct entry *e = &chain->entries[i];

        e->changed = e->unconverted = 0;
        if (e->run.rule->begin)
            e->run.rule->begin(&e->run);
    }
}

static bool normalize_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    struct normalize *x = arena_calloc(env->arena, 1, sizeof *x);

    if (!x)
        return err_nomem(err);
    x->args = args;
    x->env = env;
    arena_init(&x->text, env->budget);
    if (!open_entries(x, in, err) || !out_schema(x, in, out, err) || !open_second_passes(x, err)) {
        close_chains(x);
        return false;
    }
    for (size_t c = 0; c < x->n_chains; c++)
        begin_chain(&x->chains[c]);
    *state = x;
    return true;
}

static bool fail_value(const struct entry *e, const struct cell *cell, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *p = cell_shown(cell, scratch, &n);

    err_set(err, ERR_DATA, "row %llu, column '%.64s': %s cannot convert '%.*s'",
        (unsigned long long)e->run.row, e->run.column, e->run.rule->name, n > 60 ? 60 : (int)n, p);
    err->at.row = e->run.row;
    snprintf(err->column, sizeof err->column, "%s", e->run.column);
    return false;
}

/* Does the cell show something else now? Text 12 that has become the number 12 does not. */
static bool has_changed(const struct cell *before, const struct cell *after)
{
    char a[CELL_SHOWN_MAX], b[CELL_SHOWN_MAX];
    const char *p, *q;
    size_t n, m;

    if (before->type == after->type)
        return !cell_same(before, after);
    p = cell_shown(before, a, &n);
    q = cell_shown(after, b, &m);
    return n != m || memcmp(p, q, n) != 0;
}

static bool apply_one(struct entry *e, struct cell *cell, struct err *err)
{
    const struct rule_params *common = e->run.params;
    struct cell before = *cell;

    switch (e->run.rule->apply(&e->run, cell, err)) {
    case RULE_FAILED:
        return false;
    case RULE_UNCONVERTED:
        if (common->on_error == RULE_FAIL)
            return fail_value(e, &before, err);
        if (e->unconverted < WARN_PLACES)
            e->places[e->unconverted] = e->run.row;
        e->unconverted++;
        *cell = common->on_error == RULE_BLANK ? cell_blank() : before;
        break;
    case RULE_DONE:
        break;
    }
    e->changed += has_changed(&before, cell);
    return true;
}

/* Entries [first, end) of the chain over its cells, which stood on rows of `b`. */
static bool apply_entries(
    struct chain *chain, size_t first, size_t end, const struct batch *b, struct err *err)
{
    for (size_t i = first; i < end; i++) {
        struct entry *e = &chain->entries[i];
        bool blanks = e->run.rule->sees_blanks;

        for (uint32_t row = 0; row < b->n_rows; row++) {
            if (cell_is_blank(chain->cells[row]) && !blanks)
                continue;
            e->run.row = batch_row(b, row);
            if (!apply_one(e, &chain->cells[row], err))
                return false;
        }
    }
    return true;
}

static bool scan_cells(
    struct entry *e, const struct cell *cells, const struct batch *b, struct err *err)
{
    for (uint32_t row = 0; row < b->n_rows; row++) {
        e->run.row = batch_row(b, row);
        if (!cell_is_blank(cells[row]) && !e->run.rule->scan(&e->run, &cells[row], err))
            return false;
    }
    return true;
}

static size_t next_scan(const struct chain *chain, size_t from)
{
    while (from < chain->n && !chain->entries[from].scans)
        from++;
    return from;
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
        struct chain *chain = &x->chains[c];
        size_t first = next_scan(chain, 0);
        struct batch one = *in;

        if (!chain->n_scans)
            continue;
        memcpy(chain->cells, in->columns[chain->column], in->n_rows * sizeof *chain->cells);
        if (!apply_entries(chain, 0, first, in, err) ||
            !scan_cells(&chain->entries[first], chain->cells, in, err))
            return false;
        one.n_columns = 1;
        one.columns = &chain->cells;
        if (chain->spill && !spill_write(chain->spill, &one, err))
            return false;
    }
    return true;
}

/* The scanning entry `to` gets its pass: the spill holds the column as it is before entry `from`. */
static bool scan_again(
    struct normalize *x, struct chain *chain, size_t from, size_t to, struct err *err)
{
    const struct batch *b;

    if (!spill_rewind(chain->spill, err))
        return false;
    for (;;) {
        arena_reset(&x->text);
        if (!spill_next(chain->spill, &b, err))
            return false;
        if (!b)
            return true;
        memcpy(chain->cells, b->columns[0], b->n_rows * sizeof *chain->cells);
        if (!apply_entries(chain, from, to, b, err) ||
            !scan_cells(&chain->entries[to], chain->cells, b, err))
            return false;
    }
}

static bool end_scans(struct normalize *x, struct chain *chain, struct err *err)
{
    size_t first = next_scan(chain, 0);

    for (size_t i = first; i < chain->n; i = next_scan(chain, i + 1)) {
        struct entry *e = &chain->entries[i];

        if (i > first) {
            begin_chain(chain);
            if (!scan_again(x, chain, first, i, err))
                return false;
        }
        if (e->run.rule->scan_end && !e->run.rule->scan_end(&e->run, err))
            return false;
    }
    spill_free(chain->spill);
    chain->spill = NULL;
    return true;
}

static bool normalize_scan_end(void *state, struct err *err)
{
    struct normalize *x = state;

    for (size_t c = 0; c < x->n_chains; c++) {
        struct chain *chain = &x->chains[c];

        if (chain->n_scans && !end_scans(x, chain, err))
            return false;
        begin_chain(chain);
    }
    return true;
}

static bool profile_cells(
    struct profile *profile, struct cell *cells, const struct batch *b, struct err *err)
{
    struct batch one = *b;

    one.n_columns = 1;
    one.columns = &cells;
    return profile_add(profile, &one, err);
}

static bool push_chain(struct chain *chain, const struct batch *in, struct err *err)
{
    memcpy(chain->cells, in->columns[chain->column], in->n_rows * sizeof *chain->cells);
    if (!chain->profiles)
        return apply_entries(chain, 0, chain->n, in, err);
    if (!profile_cells(chain->profiles[0], chain->cells, in, err))
        return false;
    for (size_t i = 0; i < chain->n; i++) {
        if (!apply_entries(chain, i, i + 1, in, err) ||
            !profile_cells(chain->profiles[i + 1], chain->cells, in, err))
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

        if (!push_chain(chain, in, err))
            return false;
        out->columns[chain->column] = chain->cells;
        if (chain->backup >= 0)
            out->columns[chain->backup] = in->columns[chain->column];
    }
    out->n_rows = in->n_rows;
    out->rows = in->rows;
    out->first_row = in->first_row;
    x->rows += in->n_rows;
    return op_emit(emit, out, err);
}

/* ---- result ---- */

static void warn_entry(const struct normalize *x, const struct entry *e)
{
    const struct rule_params *common = e->run.params;
    const char *message = common->on_error == RULE_BLANK
                              ? "Values that could not be converted were made blank"
                              : "Values that could not be converted were kept as they were";
    uint64_t shown = e->unconverted < WARN_PLACES ? e->unconverted : WARN_PLACES;

    for (uint64_t i = 0; i < shown; i++)
        warn_add(x->env->warnings, "unconverted", message, "row %llu, column %s (%s)",
            (unsigned long long)e->places[i], e->run.column, e->run.rule->name);
    if (e->unconverted > shown)
        warn_addn(x->env->warnings, "unconverted", message, e->unconverted - shown, NULL);
}

static bool normalize_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct normalize *x = state;

    (void)emit;
    (void)err;
    for (size_t c = 0; c < x->n_chains; c++) {
        for (size_t i = 0; i < x->chains[c].n; i++)
            warn_entry(x, &x->chains[c].entries[i]);
    }
    return true;
}

static struct json *stats_json(const struct normalize *x, struct profile *profile)
{
    const struct column_profile *p = profile_column(profile, 0);
    struct json *stats = json_new_object();

    json_set_int(stats, "total_values", (int64_t)x->rows);
    json_set_int(stats, "null_count", (int64_t)p->blanks);
    json_set_int(stats, "unique_count", (int64_t)p->distinct);
    json_set_string(stats, "data_type", column_type_name(p->type));
    return stats;
}

static struct json *entry_json(const struct normalize *x, const struct chain *chain, size_t i)
{
    const struct entry *e = &chain->entries[i];
    struct json *entry = json_new_object();

    json_set_string(entry, "column_name", e->run.column);
    json_set_string(entry, "normalization_type", e->run.rule->name);
    json_set(entry, "parameters",
        e->args->parameters ? json_ref(e->args->parameters) : json_new_object());
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
    const struct entry_args *args = x->args->normalizations.v;
    struct json *list = json_new_array();

    for (size_t i = 0; i < x->args->normalizations.n; i++) {
        for (size_t c = 0; c < x->n_chains; c++) {
            for (size_t k = 0; k < x->chains[c].n; k++) {
                if (x->chains[c].entries[k].args == &args[i])
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
