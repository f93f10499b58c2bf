/*
 * fill_null_values: what to put into blank cells.
 */

#include "ops/rules/frequent.h"
#include "ops/rules/numbers.h"
#include "ops/rules/rule.h"
#include "ops/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fill_params {
    struct rule_params common;
    const struct json *value;
    int method; /* enum fill_method */
};

enum fill_method { FILL_VALUE, FILL_MEAN, FILL_MEDIAN, FILL_MODE, FILL_FORWARD };

struct fill_state {
    struct cell fill; /* Blank: nothing to fill with. */
    /* mean: a sum that keeps what each addition loses */
    double sum, lost;
    uint64_t n;
    struct numbers numbers;    /* median */
    struct frequent *frequent; /* mode */
    /* forward */
    char *kept; /* Text of the last cell that was not blank: it outlives its batch. */
    size_t kept_size;
    uint64_t filled;
};

static const char *const method_choices[] = { "value", "mean", "median", "mode", "forward", NULL };
static const char *const method_aliases[] = { "constant", "value", "average", "mean", "ffill",
    "forward", "forward_fill", "forward", "most_frequent", "mode", NULL };
static const char *const value_aliases[] = { "fill_value", NULL };

static const struct arg fill_params[] = {
    { ARG(struct fill_params, value, JSON), .aliases = value_aliases,
        .help = "Text, number or boolean to put into blank cells (method value)." },
    { ARG(struct fill_params, method, CHOICE), .fallback = "\"value\"", .choices = method_choices,
        .choice_aliases = method_aliases,
        .help = "Fill with the value, the mean, median or most frequent value of the column, or "
                "the last "
                "value above." },
    { 0 },
};

static bool check_fill(void *params, const char *path, struct arena *arena, struct err *err)
{
    const struct fill_params *p = params;
    struct cell cell;
    char where[128];

    snprintf(where, sizeof where, "%s.value", path);
    return value_cell(p->value, where, arena, &cell, err);
}

static bool open_fill(struct rule_run *r, struct err *err)
{
    const struct fill_params *p = r->params;
    struct fill_state *s = r->state;

    numbers_init(&s->numbers, &r->place);
    if (p->method == FILL_VALUE)
        return value_cell(p->value, "value", r->arena, &s->fill, err);
    if (p->method == FILL_MODE) {
        s->frequent = frequent_new(&r->place);
        return s->frequent || err_nomem(err);
    }
    return true;
}

static void close_fill(struct rule_run *r)
{
    struct fill_state *s = r->state;

    numbers_free(&s->numbers);
    frequent_free(s->frequent);
    free(s->kept);
}

static bool wants_fill_scan(const void *params)
{
    const struct fill_params *p = params;

    return p->method == FILL_MEAN || p->method == FILL_MEDIAN || p->method == FILL_MODE;
}

/* Neumaier's sum: the mean of 0.1 taken a million times is 0.1. */
static void add_to_sum(struct fill_state *s, double v)
{
    double t = s->sum + v;

    s->lost += fabs(s->sum) >= fabs(v) ? (s->sum - t) + v : (v - t) + s->sum;
    s->sum = t;
    s->n++;
}

static bool scan_fill(struct rule_run *r, const struct cell *cell, struct err *err)
{
    const struct fill_params *p = r->params;
    struct fill_state *s = r->state;
    double v;

    if (p->method == FILL_MODE)
        return cell_is_blank(*cell) || frequent_add(s->frequent, cell, err);
    if (!cell_to_number(cell, &v))
        return true;
    if (p->method == FILL_MEDIAN)
        return numbers_add(&s->numbers, v, err);
    add_to_sum(s, v);
    return true;
}

static bool scan_fill_end(struct rule_run *r, struct err *err)
{
    const struct fill_params *p = r->params;
    struct fill_state *s = r->state;
    const double half = 0.5;
    double median;

    if (p->method == FILL_MEAN && s->n) {
        double mean = (s->sum + s->lost) / (double)s->n;

        if (isfinite(mean))
            s->fill = cell_number(mean);
    } else if (p->method == FILL_MEDIAN && numbers_len(&s->numbers)) {
        if (!numbers_quantiles(&s->numbers, &half, 1, &median, err))
            return false;
        s->fill = cell_number(median);
    } else if (p->method == FILL_MODE) {
        if (!frequent_end(s->frequent, r->arena, &s->fill, err))
            return false;
        frequent_free(s->frequent);
        s->frequent = NULL;
    }
    if (cell_is_blank(s->fill))
        warn_add(r->warnings, "nothing_to_fill_with",
            p->method == FILL_MODE
                ? "A column has only blanks, and they were left"
                : "A column has no numbers to fill its blanks with, and they were left",
            "column %s", r->column);
    return true;
}

static void begin_fill(struct rule_run *r)
{
    const struct fill_params *p = r->params;
    struct fill_state *s = r->state;

    s->filled = 0;
    if (p->method == FILL_FORWARD)
        s->fill = cell_blank();
}

static enum rule_outcome keep_last(struct fill_state *s, const struct cell *cell, struct err *err)
{
    s->fill = *cell;
    if (!cell_has_text(*cell))
        return RULE_DONE;
    if (cell->len > s->kept_size) {
        char *grown = realloc(s->kept, cell->len);

        if (!grown)
            return rule_nomem(err);
        s->kept = grown;
        s->kept_size = cell->len;
    }
    memcpy(s->kept, cell->text, cell->len);
    s->fill.text = s->kept;
    return RULE_DONE;
}

static enum rule_outcome apply_fill(struct rule_run *r, struct cell *cell, struct err *err)
{
    const struct fill_params *p = r->params;
    struct fill_state *s = r->state;

    if (!cell_is_blank(*cell))
        return p->method == FILL_FORWARD ? keep_last(s, cell, err) : RULE_DONE;
    if (cell_is_blank(s->fill))
        return RULE_DONE;
    *cell = s->fill;
    /* The last value changes while the batch is still in use: the batch gets a copy. */
    if (p->method == FILL_FORWARD && cell_has_text(*cell) && !cell_keep(r->text, &s->fill, cell))
        return rule_nomem(err);
    s->filled++;
    return RULE_DONE;
}

static void report_fill(const struct rule_run *r, struct json *entry)
{
    const struct fill_state *s = r->state;

    json_set_int(entry, "filled", (int64_t)s->filled);
}

const struct rule rule_fill_null_values = {
    .name = "fill_null_values",
    .description = "Blank cells filled with a value, the mean, median or most frequent value, or "
                   "the value above",
    .params = fill_params,
    .params_size = sizeof(struct fill_params),
    .state_size = sizeof(struct fill_state),
    .sees_blanks = true,
    .check = check_fill,
    .open = open_fill,
    .wants_scan = wants_fill_scan,
    .scan = scan_fill,
    .scan_end = scan_fill_end,
    .begin = begin_fill,
    .apply = apply_fill,
    .report = report_fill,
    .close = close_fill,
};
