/*
 * excel/extract-columns: the values of columns as data, with counts and statistics. No file; the
 * table passes on unchanged.
 *
 * Results travel in a reply, so the values listed are bounded; counts and statistics are always of the whole column.
 * Different values are told by a set for each column. A column whose set may not grow any more hands the hashes
 * that are not in it to a sort on disk, which counts them at the end; while its values are all listed they are few,
 * and its set may grow whatever the budget says.
 */

#include "ops/columns.h"

#include "base/date.h"
#include "table/hash_sort.h"
#include "table/profile.h"
#include "table/spill_file.h"

#include <math.h>
#include <string.h>

enum {
    VALUES_MAX = 100000,       /* Of all columns together. */
    VALUES_TEXT_MAX = 8 << 20, /* Bytes of text, likewise. */
    SAMPLES = 5
};

struct extract_args {
    struct strs columns;
    bool remove_duplicates;
    bool include_statistics;
};

struct extract_column {
    struct json *values;
    struct hash_set *seen; /* remove_duplicates */
    bool unbound;          /* It grows whatever the budget says. */
    bool full;             /* It is as large as it gets. */
    uint64_t count;        /* Values, listed or not; but for those in `later`. */
};

struct extract {
    const struct extract_args *args;
    const struct schema *schema;
    struct columns columns;
    struct extract_column *list;
    struct hash_sort *later; /* Hashes of columns that are full, with the number of their column. */
    struct profile *profile;
    struct batch *view;
    int64_t now_ns;
    uint64_t rows;
    size_t room, room_text; /* What may still be listed. */
    struct warnings *warnings;
    struct budget *budget;
    const char *tmp_dir;
};

static const struct arg extract_arg_list[] = {
    { ARG(struct extract_args, columns, STRS), .is_column = true,
        .help = "Columns to list; all of them by default.",
        .ask = "Which columns should I extract?" },
    { ARG(struct extract_args, remove_duplicates, BOOL), .fallback = "false",
        .help = "List each value of a column once." },
    { ARG(struct extract_args, include_statistics, BOOL), .fallback = "true",
        .help = "Add mean, median, least, greatest and standard deviation of numbers." },
    { 0 },
};

static const char *const extract_says[] = { "list the values", "list values", "show the values",
    "statistics of", "what is in the column", "summarize", "summarise", NULL };

static const struct op_example extract_examples[] = {
    { .title = "The different cities",
        .args = "{\"columns\": [\"city\"], \"remove_duplicates\": true}",
        .in = "name,city\nAda,London\nAlan,Wilmslow\nJoan,London\n" },
    { 0 },
};

static void extract_close(void *state)
{
    struct extract *x = state;

    for (uint32_t i = 0; x->list && i < x->columns.n; i++) {
        json_free(x->list[i].values);
        hash_set_free(x->list[i].seen);
    }
    hash_sort_free(x->later);
    profile_free(x->profile);
}

static bool extract_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    struct extract *x = arena_calloc(env->arena, 1, sizeof *x);

    if (!x)
        return err_nomem(err);
    x->args = args;
    if (!columns_choose(in, &x->args->columns, "columns", env->arena, &x->columns, err))
        return false;
    x->schema = columns_schema(in, &x->columns, env->arena);
    x->list = arena_calloc(env->arena, x->columns.n ? x->columns.n : 1, sizeof *x->list);
    x->view = columns_view_new(env->arena, x->columns.n);
    x->profile =
        x->schema && x->list && x->view ? profile_new(x->columns.n, true, env->budget) : NULL;
    if (!x->profile)
        goto nomem;
    for (uint32_t i = 0; i < x->columns.n; i++) {
        x->list[i].values = json_new_array();
        if (!x->list[i].values)
            goto nomem;
        if (!x->args->remove_duplicates)
            continue;
        x->list[i].seen = hash_set_new(env->budget);
        if (!x->list[i].seen)
            goto nomem;
    }
    x->now_ns = env->now_ns;
    x->warnings = env->warnings;
    x->budget = env->budget;
    x->tmp_dir = env->tmp_dir;
    x->room = VALUES_MAX;
    x->room_text = VALUES_TEXT_MAX;
    *out = in;
    *state = x;
    return true;
nomem:
    extract_close(x);
    return err_nomem(err);
}

static struct json *cell_json(const struct cell *cell)
{
    char scratch[CELL_SHOWN_MAX];
    const char *p;
    size_t n;

    switch (cell->type) {
    case CELL_BLANK:
        return json_new_null();
    case CELL_BOOL:
        return json_new_bool(cell->number != 0);
    case CELL_NUMBER:
        /* Whole numbers without a point; beyond 2^53 as text, as no reader would keep them. */
        if (cell->number == floor(cell->number) && fabs(cell->number) <= 9007199254740992.0)
            return json_new_int((int64_t)cell->number);
        if (fabs(cell->number) <= 9007199254740992.0)
            return json_new_real(cell->number);
        break;
    default:
        break;
    }
    p = cell_shown(cell, scratch, &n);
    return json_new_stringn(p, n);
}

/* Once something was left out of a column, all behind it is. */
static bool lists_all(const struct extract_column *c)
{
    return json_len(c->values) == c->count;
}

/* From now on the column's set stays as it is. */
static bool stop_set(struct extract *x, struct extract_column *c, struct err *err)
{
    c->full = true;
    if (!x->later)
        x->later = hash_sort_new(x->tmp_dir, spill_file_memory(x->budget));
    return x->later || err_nomem(err);
}

/* A column's set cannot take one more, for the reason `full`. */
static bool set_full(
    struct extract *x, struct extract_column *c, const struct err *full, struct err *err)
{
    if (full->code != ERR_BUDGET && full->code != ERR_NOMEM) {
        *err = *full;
        return false;
    }
    if (!lists_all(c))
        return stop_set(x, c, err);
    hash_set_unbind(c->seen);
    c->unbound = true;
    return true;
}

/* Is the value new, as far as is known now? */
static bool add_hash(struct extract *x, uint32_t i, struct hash128 h, bool *added, struct err *err)
{
    struct extract_column *c = &x->list[i];
    struct {
        struct hash128 value;
        uint64_t column;
    } key = { h, i };
    struct err full;

    if (!c->full) {
        if (hash_set_add(c->seen, h, added, &full))
            return true;
        if (!set_full(x, c, &full, err))
            return false;
        if (!c->full)
            return hash_set_add(c->seen, h, added, err);
    }
    *added = false;
    return hash_set_has(c->seen, h) ||
           hash_sort_add(x->later, hash_bytes(&key, sizeof key), i, err);
}

static bool add_value(struct extract *x, uint32_t i, uint32_t row, struct err *err)
{
    struct extract_column *c = &x->list[i];
    const struct cell *cell = &x->view->columns[i][row];
    size_t text = cell_has_text(*cell) ? cell->len : 0;
    bool added = true;

    if (c->seen && !add_hash(x, i, hash_row(x->view, row, &i, 1), &added, err))
        return false;
    if (!added)
        return true;
    c->count++;
    if (json_len(c->values) + 1 != c->count)
        return true;
    if (x->room == 0 || text > x->room_text) {
        warn_add(x->warnings, "values_left_out",
            "The result lists only the first values of the data; extract to a file to have them "
            "all",
            "column %s", x->schema->columns[i].name);
        return !c->unbound || stop_set(x, c, err);
    }
    x->room--;
    x->room_text -= text;
    return json_add(c->values, cell_json(cell)) || err_nomem(err);
}

static bool extract_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct extract *x = state;

    (void)emit; /* The engine passes the table on. */
    columns_view(in, &x->columns, x->view);
    if (!profile_add(x->profile, x->view, err))
        return false;
    for (uint32_t row = 0; row < in->n_rows; row++) {
        for (uint32_t i = 0; i < x->columns.n; i++) {
            if (!add_value(x, i, row, err))
                return false;
        }
    }
    x->rows += in->n_rows;
    return true;
}

/* Count the values that were put off. */
static bool extract_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct extract *x = state;
    struct hash_entry e, last = { .value = UINT64_MAX };
    bool more;

    (void)emit;
    if (!x->later)
        return true;
    if (!hash_sort_end(x->later, err))
        return false;
    for (;;) {
        if (!hash_sort_next(x->later, &e, &more, err))
            return false;
        if (!more)
            return true;
        if (e.value != last.value || !hash_same(e.hash, last.hash))
            x->list[e.value].count++;
        last = e;
    }
}

static struct json *statistics_json(const struct column_profile *p)
{
    struct json *s = json_new_object();

    json_set_real(s, "mean", p->mean);
    json_set_real(s, "median", p->median);
    json_set_real(s, "min", p->min);
    json_set_real(s, "max", p->max);
    json_set_real(s, "std", p->std);
    return s;
}

static struct json *column_json(struct extract *x, uint32_t i)
{
    const struct extract_column *c = &x->list[i];
    const struct column_profile *p = profile_column(x->profile, i);
    struct json *o = json_new_object(), *samples = json_new_array();

    for (size_t k = 0; k < json_len(c->values) && json_len(samples) < SAMPLES; k++) {
        if (!json_isnull(json_at(c->values, k)))
            json_add(samples, json_ref(json_at(c->values, k)));
    }
    json_set(o, "values", json_ref(c->values));
    json_set_int(o, "value_count", (int64_t)c->count);
    json_set_int(o, "count", (int64_t)c->count);
    json_set(o, "sample_values", samples);
    json_set_int(o, "total_count", (int64_t)x->rows);
    json_set_int(o, "non_null_count", (int64_t)(x->rows - p->blanks));
    json_set_int(o, "null_count", (int64_t)p->blanks);
    json_set_int(o, "unique_count", (int64_t)p->distinct);
    if (!p->distinct_exact) /* Past PROFILE_EXACT, or where memory is short. */
        json_set_bool(o, "unique_count_exact", false);
    json_set_string(o, "data_type", column_type_name(p->type));
    if (x->args->include_statistics && (p->type == COLUMN_INTEGER || p->type == COLUMN_NUMBER))
        json_set(o, "statistics", statistics_json(p));
    if (json_len(c->values) < c->count)
        json_set_bool(o, "values_truncated", true);
    return o;
}

static bool extract_result(void *state, struct json *result, struct err *err)
{
    struct extract *x = state;
    struct json *data = json_new_object(), *info = json_new_object();
    struct json *names = json_new_array(), *columns = json_new_object();
    char stamp[DATE_TEXT_MAX];
    uint64_t extracted = 0;

    for (uint32_t i = 0; i < x->columns.n; i++) {
        json_add(names, json_new_string(x->schema->columns[i].name));
        json_set(columns, x->schema->columns[i].name, column_json(x, i));
        if (x->list[i].count > extracted)
            extracted = x->list[i].count;
    }
    date_format_utc(x->now_ns, stamp);
    json_set_int(info, "total_rows", (int64_t)x->rows);
    json_set(info, "extracted_columns", names);
    json_set_bool(info, "remove_duplicates", x->args->remove_duplicates);
    json_set_string(info, "timestamp", stamp);
    json_set(data, "extraction_info", info);
    json_set(data, "columns", columns);
    json_set_int(data, "total_rows", (int64_t)x->rows);
    json_set_int(data, "rows_extracted", (int64_t)extracted);
    return json_set(result, "data", data) || err_nomem(err);
}

const struct op op_extract_columns = {
    .name = "excel/extract-columns",
    .summary = "List the values of columns, with counts and statistics",
    .flags = OP_RESULT | OP_TYPED | OP_NO_TYPES,
    .args_size = sizeof(struct extract_args),
    .args = extract_arg_list,
    .says = extract_says,
    .examples = extract_examples,
    .open = extract_open,
    .push = extract_push,
    .finish = extract_finish,
    .result = extract_result,
    .close = extract_close,
};
