/* Which search operators fit a column: numbers are ordered, dates lie before and after, text is looked into. */

#include "ops/suggest.h"

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

static struct json *suggest_one(const struct json *type)
{
    struct json *column = json_new_object(), *list = json_new_array();
    bool ok = true;

    for (const char *const *name = suggest_operators(json_str(type)); *name; name++)
        ok = json_add(list, json_new_string(*name)) && ok;
    ok = json_set(column, "type", json_ref(type)) && ok;
    ok = json_set(column, "operators", list) && ok;
    if (ok)
        return column;
    json_free(column);
    return NULL;
}

struct json *suggest_all(const struct json *types)
{
    struct json *all = json_new_object();
    bool ok = all != NULL;

    for (const void *it = json_first(types); ok && it; it = json_next(types, it))
        ok = json_set(all, json_key(it), suggest_one(json_value(it)));
    if (ok)
        return all;
    json_free(all);
    return NULL;
}
