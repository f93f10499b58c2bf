/*
 * excel/map-columns: new columns filled from old ones. A default stands in for blanks, and for a
 * column that the file lacks.
 */

#include "ops/columns.h"
#include "ops/values.h"

#include <stdio.h>
#include <string.h>

struct map_entry {
    const char *name; /* Of the new column; the key of the map. */
    const char *source;
    const struct json *fallback;
};

/* The older spelling, the other way round: {old: new}. */
struct rename_entry {
    const char *source;
    const char *name;
};

struct map_args {
    struct items mapping;        /* struct map_entry */
    struct items column_mapping; /* struct rename_entry */
    bool keep_unmapped;
};

/* One column of the output. */
struct map_column {
    int64_t source; /* Index in the input, -1: none. */
    bool fills;
    struct cell fallback;
    struct cell *cells; /* Room of its own where it fills blanks. */
};

struct map {
    struct map_column *columns;
    struct batch *out;
};

static const struct arg map_fields[] = {
    { ARG(struct map_entry, source, STR), .is_column = true, .help = "Column it is filled from." },
    { ARG_NAMED(struct map_entry, fallback, "default", JSON),
        .help = "Value for blank cells, and for all cells where there is no such column." },
    { 0 },
};

static const struct arg rename_fields[] = {
    { ARG_NAMED(struct rename_entry, name, "name", STR), .min = 1, .max = 255,
        .help = "New name of the column." },
    { 0 },
};

static const struct arg map_arg_list[] = {
    { ARG_LIST(struct map_args, mapping, MAP, struct map_entry, map_fields), .shorthand = "source",
        .is_column = true,
        .help = "New column names and the column each is filled from: "
                "{\"new\": \"old\"} or {\"new\": {\"source\": \"old\", \"default\": 0}}.",
        .ask = "Which columns should be renamed, and to what?" },
    { ARG_LIST(struct map_args, column_mapping, MAP, struct rename_entry, rename_fields),
        .shorthand = "name", .hidden = true, .help = "The other way round: {\"old\": \"new\"}." },
    { ARG(struct map_args, keep_unmapped, BOOL), .fallback = "false",
        .help = "Keep the columns that are not mapped, behind those that are." },
    { 0 },
};

static const char *const map_says[] = {
    "map columns",
    "rename column",
    "rename columns",
    "rename the column",
    "call the column",
    NULL,
};

static const struct op_example map_examples[] = {
    { .title = "Rename two columns and fill blanks in one of them",
        .args = "{\"mapping\": {\"Customer\": \"name\", \"Country\": {\"source\": \"land\", "
                "\"default\": \"unknown\"}}, \"output_format\": \"csv\"}",
        .in = "name,land\nAda,UK\nAlan,\n",
        .out = "Customer,Country\nAda,UK\nAlan,unknown\n" },
    { 0 },
};

static bool check_entries(const struct items *mapping, struct arena *arena, struct err *err)
{
    const struct map_entry *e = mapping->v;
    struct cell cell;
    char where[128];

    for (size_t i = 0; i < mapping->n; i++) {
        snprintf(where, sizeof where, "mapping.%.100s", e[i].name);
        if (!e[i].source && !e[i].fallback)
            return value_fail(err, where, "name the source column, a default, or both");
        snprintf(where, sizeof where, "mapping.%.100s.default", e[i].name);
        if (!value_cell(e[i].fallback, where, arena, &cell, err))
            return false;
    }
    return true;
}

static bool map_check(void *args, struct arena *arena, struct err *err)
{
    struct map_args *a = args;
    const struct rename_entry *old = a->column_mapping.v;
    struct map_entry *e;
    char where[128];

    if (a->mapping.n && a->column_mapping.n)
        return value_fail(err, "column_mapping",
            "mapping {new: old} and column_mapping {old: new} cannot both be given");
    if (a->mapping.n)
        return check_entries(&a->mapping, arena, err);
    if (!a->column_mapping.n) {
        err_set(err, ERR_ARG, "mapping is required. %s", map_arg_list[0].help);
        strcpy(err->argument, "mapping");
        return false;
    }
    e = arena_calloc(arena, a->column_mapping.n, sizeof *e);
    if (!e)
        return err_nomem(err);
    for (size_t i = 0; i < a->column_mapping.n; i++) {
        snprintf(where, sizeof where, "column_mapping.%.100s", old[i].source);
        if (!old[i].name)
            return value_fail(err, where, "the new name is missing");
        e[i] = (struct map_entry){ .name = old[i].name, .source = old[i].source };
        for (size_t k = 0; k < i; k++) {
            if (strcmp(e[k].name, e[i].name) == 0)
                return value_fail(err, where, "'%.64s' and '%.64s' would both be called '%.64s'",
                    old[k].source, old[i].source, e[i].name);
        }
    }
    a->mapping = (struct items){ e, a->column_mapping.n };
    return true;
}

static bool open_entry(const struct map_entry *e, const struct op_env *env, const struct schema *in,
    struct map_column *column, struct err *err)
{
    char where[sizeof err->argument];
    uint32_t index;

    snprintf(where, sizeof where, "mapping.%s", e->name);
    column->source = -1;
    if (e->source && schema_get(in, e->source, where, &index, err))
        column->source = (int32_t)index;
    else if (!e->fallback)
        return false;
    else if (e->source)
        warn_add(env->warnings, "missing_column",
            "A column that is mapped does not exist, and its default was used", "%s", e->source);
    if (!e->fallback)
        return true;
    if (!value_cell(e->fallback, where, env->arena, &column->fallback, err))
        return false;
    column->fills = true;
    column->cells = arena_calloc(env->arena, BATCH_ROWS, sizeof *column->cells);
    return column->cells || err_nomem(err);
}

/* Behind the mapped columns, those nobody took. */
static bool open_rest(const struct map_args *a, const struct schema *in, struct schema *out,
    struct map *m, struct err *err)
{
    uint32_t n = (uint32_t)a->mapping.n;

    for (uint32_t c = 0; c < in->n_columns; c++) {
        bool taken = false;

        for (uint32_t i = 0; i < a->mapping.n && !taken; i++)
            taken = m->columns[i].source == c;
        if (taken)
            continue;
        if (columns_find(out, (uint32_t)a->mapping.n, in->columns[c].name) >= 0)
            return value_fail(err, "mapping",
                "there would be two columns '%.64s': the new one and the one that is kept; "
                "map the old one too, or leave keep_unmapped out",
                in->columns[c].name);
        m->columns[n] = (struct map_column){ .source = c };
        out->columns[n++] = in->columns[c];
    }
    out->n_columns = n;
    return true;
}

static bool map_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    const struct map_args *a = args;
    const struct map_entry *e = a->mapping.v;
    uint32_t n = (uint32_t)a->mapping.n, most = n + (a->keep_unmapped ? in->n_columns : 0);
    struct map *m = arena_calloc(env->arena, 1, sizeof *m);
    struct schema *schema;

    if (most > SCHEMA_MAX_COLUMNS)
        return err_set(err, ERR_BUDGET, "more than %d columns", SCHEMA_MAX_COLUMNS);
    schema = schema_new(env->arena, most);
    if (m) {
        m->columns = arena_calloc(env->arena, most, sizeof *m->columns);
        m->out = columns_view_new(env->arena, most);
    }
    if (!m || !schema || !m->columns || !m->out)
        return err_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        if (!open_entry(&e[i], env, in, &m->columns[i], err))
            return false;
        schema->columns[i] = (struct column){ e[i].name, e[i].name };
    }
    schema->n_columns = n;
    if (a->keep_unmapped && !open_rest(a, in, schema, m, err))
        return false;
    m->out->n_columns = schema->n_columns;
    *out = schema;
    *state = m;
    return true;
}

static void fill_column(struct map_column *c, const struct batch *in)
{
    const struct cell *from = c->source < 0 ? NULL : in->columns[c->source];

    for (uint32_t i = 0; i < in->n_rows; i++)
        c->cells[i] = from && from[i].type != CELL_BLANK ? from[i] : c->fallback;
}

static bool map_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct map *m = state;

    for (uint32_t i = 0; i < m->out->n_columns; i++) {
        struct map_column *c = &m->columns[i];

        if (c->fills)
            fill_column(c, in);
        m->out->columns[i] = c->fills ? c->cells : in->columns[c->source];
    }
    m->out->n_rows = in->n_rows;
    m->out->rows = in->rows;
    m->out->first_row = in->first_row;
    return op_emit(emit, m->out, err);
}

const struct op op_map_columns = {
    .name = "excel/map-columns",
    .summary = "Rename and rearrange columns, and fill blanks with defaults",
    .flags = OP_TABLE | OP_MAPS_ROWS,
    .suffix = "mapped",
    .format = FILE_XLSX,
    .args_size = sizeof(struct map_args),
    .args = map_arg_list,
    .says = map_says,
    .examples = map_examples,
    .check = map_check,
    .open = map_open,
    .push = map_push,
};
