/*
 * Rules that need all numbers of a column first: scaling to 0..1, standard scores, outliers.
 * Text that is a number counts as one.
 */

#include "ops/rules/numbers.h"
#include "ops/rules/rule.h"

#include <math.h>

struct scale_params {
    struct rule_params common;
};

static const struct arg scale_params[] = { RULE_ON_ERROR(struct scale_params), { 0 } };

/* Mean and deviation by Welford's recurrence, which does not lose digits on long columns. */
struct scale_state {
    uint64_t n;
    double min, max, mean, m2;
    double deviation;
};

static bool scan_scale(struct rule_run *r, const struct cell *cell, struct err *err)
{
    struct scale_state *s = r->state;
    double v, delta;

    (void)err;
    if (!cell_to_number(cell, &v))
        return true;
    if (s->n == 0 || v < s->min)
        s->min = v;
    if (s->n == 0 || v > s->max)
        s->max = v;
    s->n++;
    delta = v - s->mean;
    s->mean += delta / (double)s->n;
    s->m2 += delta * (v - s->mean);
    return true;
}

static bool scan_scale_end(struct rule_run *r, struct err *err)
{
    struct scale_state *s = r->state;

    (void)err;
    /* A constant column has no deviation, whatever rounding left in m2. */
    s->deviation = s->n > 1 && s->max > s->min ? sqrt(s->m2 / (double)(s->n - 1)) : 0;
    return true;
}

static enum rule_outcome apply_min_max(struct rule_run *r, struct cell *cell, struct err *err)
{
    const struct scale_state *s = r->state;
    double v, span = s->max / 2 - s->min / 2;

    (void)err;
    if (!cell_to_number(cell, &v))
        return RULE_UNCONVERTED;
    /* Halved, so that the span of two huge numbers does not overflow. */
    *cell = cell_number(s->max > s->min ? (span < 1e300 ? (v - s->min) / (s->max - s->min)
                                                        : (v / 2 - s->min / 2) / span)
                                        : 0);
    return RULE_DONE;
}

static enum rule_outcome apply_z_score(struct rule_run *r, struct cell *cell, struct err *err)
{
    const struct scale_state *s = r->state;
    double v, z;

    (void)err;
    if (!cell_to_number(cell, &v))
        return RULE_UNCONVERTED;
    z = s->deviation > 0 ? (v - s->mean) / s->deviation : 0;
    if (!isfinite(z))
        return RULE_UNCONVERTED;
    *cell = cell_number(z);
    return RULE_DONE;
}

#define SCALE_RULE(rule_name, fn, text)                        \
    const struct rule rule_##rule_name = { .name = #rule_name, \
        .description = text,                                   \
        .params = scale_params,                                \
        .params_size = sizeof(struct scale_params),            \
        .state_size = sizeof(struct scale_state),              \
        .scan = scan_scale,                                    \
        .scan_end = scan_scale_end,                            \
        .apply = fn }

SCALE_RULE(min_max_scale, apply_min_max, "Numbers scaled to lie between 0 and 1");
SCALE_RULE(
    z_score, apply_z_score, "Numbers as standard scores: (value - mean) / standard deviation");

/* ---- outliers ---- */

struct outlier_params {
    struct rule_params common;
    double multiplier;
};

struct outlier_state {
    struct numbers numbers;
    double low, high;
    uint64_t removed;
};

static const struct arg outlier_params[] = {
    { ARG(struct outlier_params, multiplier, NUMBER), .fallback = "1.5", .min = 0, .max = 1000,
        .help = "How many quartile distances beyond the quartiles a number may lie." },
    RULE_ON_ERROR(struct outlier_params),
    { 0 },
};

static bool open_outlier(struct rule_run *r, struct err *err)
{
    struct outlier_state *s = r->state;

    (void)err;
    numbers_init(&s->numbers, &r->place);
    return true;
}

static bool scan_outlier(struct rule_run *r, const struct cell *cell, struct err *err)
{
    struct outlier_state *s = r->state;
    double v;

    return !cell_to_number(cell, &v) || numbers_add(&s->numbers, v, err);
}

static bool scan_outlier_end(struct rule_run *r, struct err *err)
{
    const struct outlier_params *p = r->params;
    struct outlier_state *s = r->state;
    static const double at[] = { 0.25, 0.75 };
    double q[2];

    if (numbers_len(&s->numbers) == 0)
        return true;
    if (!numbers_quantiles(&s->numbers, at, 2, q, err))
        return false;
    s->low = q[0] - p->multiplier * (q[1] - q[0]);
    s->high = q[1] + p->multiplier * (q[1] - q[0]);
    return true;
}

static void begin_outlier(struct rule_run *r)
{
    struct outlier_state *s = r->state;

    s->removed = 0;
}

static enum rule_outcome apply_outlier(struct rule_run *r, struct cell *cell, struct err *err)
{
    struct outlier_state *s = r->state;
    double v;

    (void)err;
    if (!cell_to_number(cell, &v))
        return RULE_UNCONVERTED;
    if (v < s->low || v > s->high) {
        *cell = cell_blank();
        s->removed++;
    }
    return RULE_DONE;
}

static void report_outlier(const struct rule_run *r, struct json *entry)
{
    const struct outlier_state *s = r->state;

    json_set_int(entry, "outliers_removed", (int64_t)s->removed);
    json_set_real(entry, "lower_bound", s->low);
    json_set_real(entry, "upper_bound", s->high);
}

static void close_outlier(struct rule_run *r)
{
    struct outlier_state *s = r->state;

    numbers_free(&s->numbers);
}

const struct rule rule_outlier_removal = {
    .name = "outlier_removal",
    .description = "Numbers far outside the quartiles made blank",
    .params = outlier_params,
    .params_size = sizeof(struct outlier_params),
    .state_size = sizeof(struct outlier_state),
    .open = open_outlier,
    .scan = scan_outlier,
    .scan_end = scan_outlier_end,
    .begin = begin_outlier,
    .apply = apply_outlier,
    .report = report_outlier,
    .close = close_outlier,
};
