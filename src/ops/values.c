/*
 * Values that arguments carry, as cells.
 */

#include "ops/values.h"

#include "base/num.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool value_fail(struct err *err, const char *argument, const char *fmt, ...)
{
    char text[sizeof err->text], where[sizeof err->argument];
    va_list ap;

    snprintf(where, sizeof where, "%s", argument);
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(err, ERR_ARG, "%s: %s", where, text);
    memcpy(err->argument, where, sizeof where);
    return false;
}

bool value_number_text(struct arena *arena, const char *text, size_t n, struct cell *out)
{
    double v;
    char *copy;

    if (num_parse_safe(text, n, &v)) {
        *out = cell_number(v);
        return true;
    }
    copy = arena_dup(arena, text, n);
    if (copy)
        *out = cell_text(copy, n);
    return copy != NULL;
}

bool value_cell(const struct json *value, const char *argument, struct arena *arena,
    struct cell *out, struct err *err)
{
    char digits[NUM_TEXT_MAX];
    size_t n;

    switch (json_kind(value)) {
    case JSON_KIND_NULL:
        *out = cell_blank();
        return true;
    case JSON_KIND_BOOL:
        *out = cell_bool(json_bool(value, false));
        return true;
    case JSON_KIND_REAL:
        *out = cell_number(json_num(value, 0));
        return true;
    case JSON_KIND_INT:
        n = num_format_int(json_int(value, 0), digits);
        return value_number_text(arena, digits, n, out) || err_nomem(err);
    case JSON_KIND_STRING: {
        char *copy = arena_dup(arena, json_str(value), json_str_len(value));

        if (!copy)
            return err_nomem(err);
        *out = cell_text(copy, json_str_len(value));
        return true;
    }
    default:
        return value_fail(err, argument, "a list or an object cannot stand in a cell");
    }
}
