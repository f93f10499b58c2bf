/*
 * What the values of search conditions mean.
 */

#include "ops/condition_int.h"

#include "base/utf8.h"
#include "ops/values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXACT_INTEGER 9007199254740992.0 /* 2^53: beyond it doubles skip whole numbers. */

static void number_operand(double v, struct operand *o)
{
    o->kind = OPERAND_NUMBER;
    o->number = v;
    o->whole = v == floor(v) && fabs(v) < EXACT_INTEGER;
    o->integer = o->whole ? (int64_t)v : 0;
}

static void text_operand(const char *p, size_t n, struct operand *o)
{
    char shown[NUM_TEXT_MAX];
    double v;

    *o = (struct operand){ .kind = OPERAND_TEXT, .text = p, .len = n };
    if (n < NUM_TEXT_MAX && num_parse(p, n, &v) && num_format(v, shown) == n &&
        memcmp(shown, p, n) == 0) {
        o->has_shown = true;
        o->number = v;
    }
}

/* Text as a number, a date or a time. */
static bool ordered_operand(const char *p, size_t n, bool dates_only, const char *argument,
    struct operand *o, struct err *err)
{
    struct date_reading r;
    double v;

    utf8_trim(&p, &n);
    *o = (struct operand){ .text = p, .len = n };
    if (!dates_only && num_parse(p, n, &v)) {
        number_operand(v, o);
        o->whole = num_parse_int(p, n, &o->integer) || o->whole;
        return true;
    }
    if (date_read(p, n, ORDER_AUTO, false, &r)) {
        o->kind = OPERAND_DATE;
        o->day = !r.has_time;
        o->ms = date_ms(&r.date);
        return true;
    }
    if (date_read_time(p, n, &o->ms)) {
        o->kind = OPERAND_TIME;
        return true;
    }
    return value_fail(err, argument, "'%.*s' is %s", n > 60 ? 60 : (int)n, p,
        dates_only ? "no date, such as 2024-01-31"
                   : "neither a number nor a date, such as 2024-01-31");
}

bool condition_operand(const struct json *value, bool ordering, bool dates_only,
    const char *argument, struct operand *out, struct err *err)
{
    struct operand o = { 0 };

    switch (json_kind(value)) {
    case JSON_KIND_INT:
    case JSON_KIND_REAL:
        if (dates_only)
            return value_fail(err, argument, "a number is no date, such as 2024-01-31");
        number_operand(json_num(value, 0), &o);
        if (json_kind(value) == JSON_KIND_INT) {
            o.whole = true;
            o.integer = json_int(value, 0);
        }
        break;
    case JSON_KIND_STRING:
        if (ordering)
            return ordered_operand(
                json_str(value), json_str_len(value), dates_only, argument, out, err);
        text_operand(json_str(value), json_str_len(value), &o);
        break;
    case JSON_KIND_BOOL:
        if (ordering)
            return value_fail(err, argument, "true and false have no order");
        text_operand(
            json_bool(value, false) ? "true" : "false", json_bool(value, false) ? 4 : 5, &o);
        o.kind = OPERAND_BOOL;
        o.number = json_bool(value, false);
        break;
    case JSON_KIND_NULL:
        return value_fail(
            err, argument, "a value is needed; blank cells are found by is_empty and is_not_empty");
    default:
        return value_fail(err, argument, "one value is needed, not a list");
    }
    *out = o;
    return true;
}

static bool fail_range(struct err *err, const char *argument)
{
    return value_fail(err, argument, "between needs two values, the lower one first: [10, 20]");
}

bool condition_range(const struct json *value, const char *argument, struct operand *low,
    struct operand *high, struct err *err)
{
    bool reversed;

    *low = *high = (struct operand){ 0 };
    if (json_kind(value) == JSON_KIND_ARRAY && json_len(value) == 2) {
        if (!condition_operand(json_at(value, 0), true, false, argument, low, err) ||
            !condition_operand(json_at(value, 1), true, false, argument, high, err))
            return false;
    } else if (json_kind(value) == JSON_KIND_STRING && strchr(json_str(value), ',')) {
        const char *p = json_str(value), *comma = strchr(p, ',');

        if (strchr(comma + 1, ','))
            return fail_range(err, argument);
        if (!ordered_operand(p, (size_t)(comma - p), false, argument, low, err) ||
            !ordered_operand(comma + 1, strlen(comma + 1), false, argument, high, err))
            return false;
    } else {
        return fail_range(err, argument);
    }
    if (low->kind != high->kind)
        return value_fail(err, argument, "between needs two numbers or two dates");
    reversed = low->kind == OPERAND_NUMBER ? low->number > high->number : low->ms > high->ms;
    return reversed ? fail_range(err, argument) : true;
}

bool condition_is_number(const struct operand *o, const struct cell *cell)
{
    double v;
    int64_t whole;

    /* Whole numbers of any int64 size are compared digit by digit. */
    if (o->whole && cell->type == CELL_TEXT && cell->len > CONDITION_EXACT_DIGITS &&
        num_parse_int(cell->text, cell->len, &whole))
        return whole == o->integer;
    return cell_to_number(cell, &v) && v == o->number;
}

static bool is_ordering(enum condition_op op)
{
    return op >= COND_GREATER_THAN && op <= COND_AFTER;
}

static bool check_list(const struct json *value, const char *argument, struct err *err)
{
    struct operand o;

    if (json_kind(value) != JSON_KIND_ARRAY)
        return json_kind(value) == JSON_KIND_OBJECT
                   ? value_fail(err, argument, "a list of values is needed, not an object")
                   : condition_operand(value, false, false, argument, &o, err);
    if (json_len(value) == 0 || json_len(value) > CONDITION_MAX_LIST)
        return value_fail(err, argument, "a list of 1 to %d values is needed", CONDITION_MAX_LIST);
    for (size_t i = 0; i < json_len(value); i++) {
        char where[128];

        snprintf(where, sizeof where, "%s[%zu]", argument, i);
        if (!condition_operand(json_at(value, i), false, false, where, &o, err))
            return false;
    }
    return true;
}

static bool check_one(const struct condition_args *c, const char *where, struct err *err)
{
    struct operand a, b;
    struct regex *re = NULL;

    switch ((enum condition_op)c->op) {
    case COND_IS_EMPTY:
    case COND_IS_NOT_EMPTY:
        return true;
    case COND_BETWEEN:
        return condition_range(c->value, where, &a, &b, err);
    case COND_IN:
    case COND_NOT_IN:
        return check_list(c->value, where, err);
    case COND_MATCHES:
        if (!json_str(c->value))
            return value_fail(err, where, "a regular expression is needed");
        if (!regex_new(json_str(c->value), c->case_sensitive == 0, where, &re, err))
            return false;
        regex_free(re);
        return true;
    default:
        return condition_operand(c->value, is_ordering((enum condition_op)c->op),
            c->op == COND_BEFORE || c->op == COND_AFTER, where, &a, err);
    }
}

bool condition_check(const struct items *conditions, const char *argument, struct err *err)
{
    const struct condition_args *c = conditions->v;

    for (size_t i = 0; i < conditions->n; i++) {
        char where[128];

        snprintf(where, sizeof where, "%s[%zu].value", argument, i);
        if (!check_one(&c[i], where, err))
            return false;
    }
    return true;
}
