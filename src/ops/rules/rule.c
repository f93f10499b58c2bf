/*
 * The table of normalization rules, and what several of them need.
 */

#include "ops/rules/rule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DECLARE(name) extern const struct rule rule_##name;
RULES(DECLARE)
#undef DECLARE

const struct rule *const rule_table[] = {
#define ENTRY(name) &rule_##name,
    RULES(ENTRY)
#undef ENTRY
        NULL,
};

const char *const rule_names[] = {
#define ENTRY(name) #name,
    RULES(ENTRY)
#undef ENTRY
        NULL,
};

const char *const rule_aliases[] = { "upper", "uppercase", "upper_case", "uppercase", "lower",
    "lowercase", "lower_case", "lowercase", "title", "title_case", "titlecase", "title_case",
    "trim", "trim_whitespace", "strip", "trim_whitespace", "round", "round_decimal", "integer",
    "integer_convert", "currency", "currency_format", "phone", "phone_format", "email",
    "email_format", "date", "date_format", "datetime", "datetime_format", "boolean",
    "boolean_convert", "yes_no", "yes_no_convert", "regex", "regex_replace", "fill_null",
    "fill_null_values", "fill_nulls", "fill_null_values", "fill_missing", "fill_null_values",
    "zscore", "z_score", "minmax", "min_max_scale", "min_max", "min_max_scale", NULL };

const char *const rule_on_error_choices[] = { "keep", "blank", "fail", NULL };

bool rule_scans(const struct rule *rule, const void *params)
{
    return rule->scan && (!rule->wants_scan || rule->wants_scan(params));
}

void rule_set_text(struct cell *cell, const char *shown, size_t m, const char *p, size_t n)
{
    if (n != m || memcmp(p, shown, n) != 0)
        *cell = cell_text(p, n);
}

enum rule_outcome rule_nomem(struct err *err)
{
    err_nomem(err);
    return RULE_FAILED;
}

bool numbers_add(struct numbers *list, double v, struct err *err)
{
    if (list->n == list->room) {
        size_t room = list->room ? list->room * 2 : 1024,
               more = (room - list->room) * sizeof *list->v;
        double *grown;

        if (!budget_take(list->budget, more))
            return err_set(err, ERR_BUDGET,
                "the column has too many numbers to find their median or quartiles in memory");
        grown = realloc(list->v, room * sizeof *list->v);
        if (!grown) {
            budget_give(list->budget, more);
            return err_nomem(err);
        }
        list->v = grown;
        list->room = room;
    }
    list->v[list->n++] = v;
    return true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void numbers_sort(struct numbers *list)
{
    if (list->n > 1)
        qsort(list->v, list->n, sizeof *list->v, compare);
}

double numbers_quantile(const struct numbers *list, double q)
{
    double at = q * (double)(list->n - 1), low = floor(at);
    size_t i = (size_t)low;

    if (i + 1 >= list->n)
        return list->v[list->n - 1];
    /* Weighted rather than low + difference: the difference of two large numbers may overflow. */
    return list->v[i] * (1 - (at - low)) + list->v[i + 1] * (at - low);
}

void numbers_free(struct numbers *list)
{
    budget_give(list->budget, list->room * sizeof *list->v);
    free(list->v);
    *list = (struct numbers){ .budget = list->budget };
}
