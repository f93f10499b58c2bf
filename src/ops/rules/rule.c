/*
 * The table of normalization rules, and what several of them need.
 */

#include "ops/rules/rule.h"

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
