/*
 * excel/search and csv/search: the rows that match conditions. One implementation; the two differ in
 * their default output format.
 */

#include "ops/condition.h"

struct search_args {
    struct items conditions; /* struct condition_args */
    int logic;               /* enum logic */
    int match_all;           /* The older spelling of logic; -1: not given. */
};

enum logic { LOGIC_AND, LOGIC_OR };

struct search {
    struct conditions *conditions;
    size_t n_conditions;
    struct batch *found;
    uint64_t total, kept;
    uint64_t *dropped;
};

static const char *const logic_choices[] = { "AND", "OR", NULL };
static const char *const logic_aliases[] = { "all", "AND", "any", "OR", "&&", "AND", "||", "OR",
    NULL };

static const struct arg search_arg_list[] = {
    { ARG_LIST(struct search_args, conditions, OBJECTS, struct condition_args, condition_fields),
        .required = true, .min = 1, .max = 200,
        .help = "What to look for: [{\"column\": \"age\", \"operator\": \"greater_than\", "
                "\"value\": 30}].",
        .ask = "What should I look for, and in which column?" },
    { ARG(struct search_args, logic, CHOICE), .fallback = "\"AND\"", .choices = logic_choices,
        .choice_aliases = logic_aliases,
        .help = "Whether all conditions must hold (AND) or one is enough (OR); statistics.matched "
                "counts for each condition the rows on which it held by itself." },
    { ARG(struct search_args, match_all, MAYBE), .hidden = true,
        .help = "Older spelling of logic: true for AND, false for OR." },
    { 0 },
};

static const char *const search_says[] = {
    "search",
    "find rows",
    "filter",
    "only rows",
    "rows where",
    "show rows",
    "look for",
    NULL,
};

static const struct op_example excel_examples[] = {
    { .title = "People over 40 in London",
        .args = "{\"conditions\": [{\"column\": \"age\", \"operator\": \"greater_than\", "
                "\"value\": 40}, "
                "{\"column\": \"city\", \"operator\": \"equals\", \"value\": \"London\"}], "
                "\"output_format\": \"csv\"}",
        .in = "name,age,city\nAda,36,London\nAlan,41,Wilmslow\nJoan,52,London\n",
        .out = "name,age,city\nJoan,52,London\n" },
    { 0 },
};

static const struct op_example csv_examples[] = {
    { .title = "Either of two conditions",
        .args = "{\"conditions\": [{\"column\": \"name\", \"operator\": \"contains\", \"value\": "
                "\"AN\"}, "
                "{\"column\": \"email\", \"operator\": \"is_empty\"}], \"logic\": \"OR\"}",
        .in = "name,email\nAda,ada@example.org\nAlan,alan@example.org\nGrace,\n",
        .out = "name,email\nAlan,alan@example.org\nGrace,\n" },
    { 0 },
};

static bool search_check(void *args, struct arena *arena, struct err *err)
{
    struct search_args *a = args;

    (void)arena;
    if (a->match_all >= 0)
        a->logic = a->match_all ? LOGIC_AND : LOGIC_OR;
    return condition_check(&a->conditions, "conditions", err);
}

static bool search_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    const struct search_args *a = args;
    struct search *s = arena_calloc(env->arena, 1, sizeof *s);
    uint64_t *rows;

    if (!s)
        return err_nomem(err);
    s->found = batch_new(env->arena, in->n_columns);
    rows = batch_new_rows(env->arena);
    if (!s->found || !rows)
        return err_nomem(err);
    s->found->rows = rows;
    s->dropped = env->dropped;
    s->n_conditions = a->conditions.n;
    if (!condition_open(
            &a->conditions, a->logic == LOGIC_AND, "conditions", env, in, &s->conditions, err))
        return false;
    *out = in;
    *state = s;
    return true;
}

static bool search_wants_scan(const void *state)
{
    const struct search *s = state;

    return condition_wants_scan(s->conditions);
}

static bool search_scan(void *state, const struct batch *in, struct err *err)
{
    struct search *s = state;

    (void)err;
    condition_scan(s->conditions, in);
    return true;
}

static bool search_scan_end(void *state, struct err *err)
{
    struct search *s = state;

    (void)err;
    condition_scan_end(s->conditions);
    return true;
}

static bool search_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct search *s = state;
    uint32_t picks[BATCH_ROWS], n = 0;

    if (!condition_eval(s->conditions, in, picks, &n, err))
        return false;
    s->total += in->n_rows;
    s->kept += n;
    s->dropped[DROP_FILTERED] += in->n_rows - n;
    if (n == 0)
        return true;
    if (n == in->n_rows)
        return op_emit(emit, in, err);
    batch_gather(in, picks, n, s->found);
    return op_emit(emit, s->found, err);
}

static bool search_result(void *state, struct json *result, struct err *err)
{
    const struct search *s = state;
    struct json *statistics = json_new_object(), *matched = json_new_array();

    for (size_t i = 0; i < s->n_conditions; i++)
        json_add(matched, json_new_int((int64_t)condition_matched(s->conditions, i)));
    json_set_int(statistics, "total_rows", (int64_t)s->total);
    json_set_int(statistics, "filtered_rows", (int64_t)s->kept);
    json_set_int(statistics, "conditions_applied", (int64_t)s->n_conditions);
    json_set(statistics, "matched", matched);
    return json_set(result, "statistics", statistics) || err_nomem(err);
}

static void search_close(void *state)
{
    struct search *s = state;

    condition_close(s->conditions);
}

#define SEARCH_OP                                                                          \
    .flags = OP_TABLE | OP_MAPS_ROWS | OP_NO_INFO, .suffix = "search",                     \
    .args_size = sizeof(struct search_args), .args = search_arg_list, .says = search_says, \
    .check = search_check, .open = search_open, .wants_scan = search_wants_scan,           \
    .scan = search_scan, .scan_end = search_scan_end, .push = search_push,                 \
    .result = search_result, .close = search_close

const struct op op_excel_search = {
    .name = "excel/search",
    .summary = "Keep the rows that match conditions",
    .format = FILE_XLSX,
    .examples = excel_examples,
    SEARCH_OP,
};

const struct op op_csv_search = {
    .name = "csv/search",
    .summary = "Keep the rows of a text table that match conditions",
    .format = FILE_CSV,
    .examples = csv_examples,
    SEARCH_OP,
};
