/* Which search operators fit a column: numbers are ordered, dates lie before and after, text is looked into. */

#include "ops/suggest.h"

#include "base/err.h"

#include <string.h>

static const char *const for_numbers[] = { "equals", "not_equals", "greater_than",
    "greater_than_or_equal", "less_than", "less_than_or_equal", "between", NULL };
static const char *const for_dates[] = { "equals", "before", "after", "between", NULL };
static const char *const for_booleans[] = { "equals", "not_equals", NULL };
static const char *const for_text[] = { "equals", "not_equals", "contains", "not_contains",
    "starts_with", "ends_with", "is_empty", "is_not_empty", NULL };

/* What is not here is searched as text. */
static const struct {
    const char *type;
    const char *const *operators;
} by_type[] = {
    { "integer", for_numbers },
    { "number", for_numbers },
    { "date", for_dates },
    { "datetime", for_dates },
    { "time", for_dates },
    { "boolean", for_booleans },
};

const char *const *suggest_operators(const char *type)
{
    for (size_t i = 0; type && i < ARRAY_LEN(by_type); i++) {
        if (strcmp(by_type[i].type, type) == 0)
            return by_type[i].operators;
    }
    return for_text;
}
