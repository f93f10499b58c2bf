/*
 * Compiling search conditions.
 */

#include "ops/condition_int.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const condition_op_names[] = { "equals", "not_equals", "contains", "not_contains",
    "starts_with", "ends_with", "is_empty", "is_not_empty", "greater_than", "greater_than_or_equal",
    "less_than", "less_than_or_equal", "between", "before", "after", "in", "not_in", "matches",
    NULL };

static const char *const op_aliases[] = { "eq", "equals", "=", "equals", "==", "equals", "equal",
    "equals", "is", "equals", "ne", "not_equals", "!=", "not_equals", "<>", "not_equals",
    "not_equal", "not_equals", "gt", "greater_than", ">", "greater_than", "gte",
    "greater_than_or_equal", ">=", "greater_than_or_equal", "ge", "greater_than_or_equal", "lt",
    "less_than", "<", "less_than", "lte", "less_than_or_equal", "<=", "less_than_or_equal", "le",
    "less_than_or_equal", "regex", "matches", "empty", "is_empty", "not_empty", "is_not_empty",
    NULL };

const struct arg condition_fields[] = {
    { ARG(struct condition_args, column, STR), .required = true, .is_column = true, .min = 1,
        .max = 32767, .help = "Column to look at.", .ask = "Which column should I search in?" },
    { ARG_NAMED(struct condition_args, op, "operator", CHOICE), .required = true,
        .choices = condition_op_names, .choice_aliases = op_aliases, .help = "How to compare.",
        .ask = "How should the values be compared: equals, contains, greater_than, ...?" },
    { ARG(struct condition_args, value, JSON),
        .help = "Value to compare with: text, a number, a date, [low, high] for between, a list "
                "for in and not_in." },
    { ARG(struct condition_args, case_sensitive, MAYBE),
        .help = "Whether case counts; by default it does, except for contains and not_contains." },
    { 0 },
};

/* The operand's text with its case folded away. */
static bool fold_operand(struct operand *o, struct arena *arena, struct err *err)
{
    size_t n;
    const char *folded = utf8_fold(arena, o->text, o->len, &n);

    if (!folded)
        return err_nomem(err);
    o->text = folded;
    o->len = n;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* One value of in or not_in: numbers go into a list, to be sorted later, all else into the hash. */
static bool list_add(
    struct condition *c, struct operand *o, const struct op_env *env, struct err *err)
{
    const int64_t exact = 1LL << 53;
    char digits[NUM_TEXT_MAX];
    uint64_t *slot;
    bool added;

    if (o->kind == OPERAND_NUMBER) {
        if (!o->whole || (o->integer <= exact && o->integer >= -exact)) {
            c->numbers[c->n_numbers++] = o->number;
            return true;
        }
        return hash_map_put(
            c->texts, digits, num_format_int(o->integer, digits), &slot, &added, err);
    }
    if (c->ignore_case && !fold_operand(o, env->arena, err))
        return false;
    return hash_map_put(c->texts, o->text, o->len, &slot, &added, err);
}

/* Text stands for the texts between its commas. */
static bool list_split(
    struct condition *c, const char *text, const struct op_env *env, struct err *err)
{
    while (*text) {
        size_t len = strcspn(text, ","), n = len;
        struct operand o = { .kind = OPERAND_TEXT, .text = text };

        utf8_trim(&o.text, &n);
        o.len = n;
        if (n && !list_add(c, &o, env, err))
            return false;
        text += len + (text[len] == ',');
    }
    return true;
}

/* The values of in and not_in. */
static bool compile_list(struct condition *c, const struct json *value, const char *where,
    const struct op_env *env, struct err *err)
{
    bool single = json_kind(value) != JSON_KIND_ARRAY;
    size_t n = single ? 1 : json_len(value);

    c->texts = hash_map_new(env->budget);
    c->numbers = arena_calloc(env->arena, n ? n : 1, sizeof *c->numbers);
    if (!c->texts || !c->numbers)
        return err_nomem(err);
    if (single && json_str(value))
        return list_split(c, json_str(value), env, err);
    for (size_t i = 0; i < n; i++) {
        struct operand o = { 0 };

        if (!condition_operand(single ? value : json_at(value, i), false, false, where, &o, err) ||
            !list_add(c, &o, env, err))
            return false;
    }
    qsort(c->numbers, c->n_numbers, sizeof *c->numbers, compare_numbers);
    return true;
}

static bool compile_value(struct condition *c, const struct condition_args *a, const char *where,
    const struct op_env *env, struct err *err)
{
    switch (c->op) {
    case COND_IS_EMPTY:
    case COND_IS_NOT_EMPTY:
        return true;
    case COND_BETWEEN:
        return condition_range(a->value, where, &c->a, &c->b, err);
    case COND_IN:
    case COND_NOT_IN:
        return compile_list(c, a->value, where, env, err);
    case COND_MATCHES:
        return regex_new(json_str(a->value), c->ignore_case, where, &c->regex, err);
    default:
        break;
    }
    if (!condition_operand(a->value, c->op >= COND_GREATER_THAN && c->op <= COND_AFTER,
            c->op == COND_BEFORE || c->op == COND_AFTER, where, &c->a, err))
        return false;
    /* Text operators look at shown text, whatever kind of value they are given. */
    if (c->op >= COND_CONTAINS && c->op <= COND_ENDS_WITH && c->a.kind == OPERAND_NUMBER) {
        char shown[NUM_TEXT_MAX];
        size_t n =
            c->a.whole ? num_format_int(c->a.integer, shown) : num_format(c->a.number, shown);

        c->a.kind = OPERAND_TEXT;
        c->a.text = arena_dup(env->arena, shown, n);
        c->a.len = n;
        if (!c->a.text)
            return err_nomem(err);
    }
    if (c->ignore_case && c->a.text && !fold_operand(&c->a, env->arena, err))
        return false;
    return true;
}

static bool compile(struct condition *c, const struct condition_args *a, const char *argument,
    size_t i, const struct op_env *env, const struct schema *in, struct err *err)
{
    char where[128];

    c->op = (enum condition_op)a->op;
    snprintf(where, sizeof where, "%s[%zu].column", argument, i);
    if (!schema_get(in, a->column, where, &c->column, err))
        return false;
    c->column_name = in->columns[c->column].name;
    c->ignore_case = a->case_sensitive < 0 ? c->op == COND_CONTAINS || c->op == COND_NOT_CONTAINS
                                           : !a->case_sensitive;
    snprintf(where, sizeof where, "%s[%zu].value", argument, i);
    if (!compile_value(c, a, where, env, err))
        return false;
    c->reads_dates = c->a.kind == OPERAND_DATE;
    c->order = ORDER_MDY;
    return true;
}

bool condition_open(const struct items *conditions, bool all, const char *argument,
    const struct op_env *env, const struct schema *in, struct conditions **out, struct err *err)
{
    const struct condition_args *a = conditions->v;
    struct conditions *c = arena_calloc(env->arena, 1, sizeof *c);

    if (!c)
        return err_nomem(err);
    arena_init(&c->scratch, env->budget);
    c->all = all;
    c->warnings = env->warnings;
    c->v = arena_calloc(env->arena, conditions->n ? conditions->n : 1, sizeof *c->v);
    if (!c->v)
        return err_nomem(err);
    for (; c->n < conditions->n; c->n++) {
        if (!compile(&c->v[c->n], &a[c->n], argument, c->n, env, in, err)) {
            c->n++; /* What it has built so far is closed too. */
            condition_close(c);
            return false;
        }
    }
    *out = c;
    return true;
}

void condition_close(struct conditions *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++) {
        regex_free(c->v[i].regex);
        hash_map_free(c->v[i].texts);
    }
    arena_deinit(&c->scratch);
}

bool condition_wants_scan(const struct conditions *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->v[i].reads_dates)
            return true;
    }
    return false;
}

void condition_scan(struct conditions *c, const struct batch *b)
{
    for (size_t i = 0; i < c->n; i++) {
        struct condition *one = &c->v[i];
        const struct cell *cells = b->columns[one->column];

        for (uint32_t row = 0; one->reads_dates && row < b->n_rows; row++) {
            struct date_reading r;

            if (cells[row].type == CELL_TEXT && date_read_cell(&cells[row], ORDER_AUTO, false, &r))
                date_votes_add(&one->votes, &r);
        }
    }
}

void condition_scan_end(struct conditions *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct condition *one = &c->v[i];
        uint64_t guessed = date_votes_guessed(&one->votes);
        char place[128];

        one->order = date_votes_order(&one->votes);
        if (!guessed)
            continue;
        snprintf(place, sizeof place, "column %s", one->column_name);
        warn_addn(c->warnings, "ambiguous_dates",
            "Dates such as 01/02/2024 were read month first; nothing in the column tells which is "
            "meant",
            guessed, place);
    }
}
