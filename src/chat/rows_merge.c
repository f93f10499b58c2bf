/* Conditions said after others, in one sentence or as a change of a proposal. */

#include "chat/rows.h"

#include <string.h>

static bool is_operator(const struct json *condition, const char *op)
{
    const char *own = json_get_string(condition, "operator");

    return own && strcmp(own, op) == 0;
}

static bool is_about(const struct json *condition, const struct json *list, const char *op)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *other = json_at(list, i);

        if (same_json(json_get(condition, "column"), json_get(other, "column")) &&
            (!op || is_operator(other, op)))
            return true;
    }
    return false;
}

static bool goes_same_way(const struct json *a, const struct json *b)
{
    const char *x = json_get_string(a, "operator"), *y = json_get_string(b, "operator");

    return x && y && strstr(x, "than") && strncmp(x, y, 4) == 0;
}

/* "over 100", then "at least 100": the same end of the same numbers, said again. */
static bool is_said_again(const struct json *one, const struct json *more)
{
    for (size_t i = 0; i < json_len(more); i++) {
        if (same_json(json_get(one, "column"), json_get(json_at(more, i), "column")) &&
            goes_same_way(one, json_at(more, i)))
            return true;
    }
    return false;
}

static bool is_equal(const struct json *condition)
{
    return is_operator(condition, "equals") || is_operator(condition, "in");
}

/* The condition among them that the column must have one of some values; NULL: none. */
static const struct json *equal_to(const struct json *list, const struct json *column)
{
    for (size_t i = 0; i < json_len(list); i++) {
        if (is_equal(json_at(list, i)) && same_json(json_get(json_at(list, i), "column"), column))
            return json_at(list, i);
    }
    return NULL;
}

/* Does one of them say that the column must not have that value? */
static bool denies(const struct json *list, const struct json *one)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *other = json_at(list, i);

        if (is_operator(other, "not_equals") &&
            same_json(json_get(other, "column"), json_get(one, "column")) &&
            same_json(json_get(other, "value"), json_get(one, "value")))
            return true;
    }
    return false;
}

static void add_values(struct json *list, const struct json *value)
{
    bool many = json_kind(value) == JSON_KIND_ARRAY;

    for (size_t i = 0; i < (many ? json_len(value) : 1); i++) {
        const struct json *one = many ? json_at(value, i) : value;

        if (!said_already(list, one))
            json_add(list, json_ref(one));
    }
}

/* London, and also Paris: either of them. */
static struct json *either(const struct json *a, const struct json *b)
{
    struct json *o = json_new_object(), *values = json_new_array();

    add_values(values, json_get(a, "value"));
    add_values(values, json_get(b, "value"));
    json_set(o, "column", json_ref(json_get(a, "column")));
    json_set_string(o, "operator", "in");
    json_set(o, "value", values);
    return o;
}

/* How the conditions of a sentence go with those that are there. */
enum merging {
    MERGE_BOTH,    /* All must hold. */
    MERGE_ALSO,    /* Of a column that must have a value, another one does as well. */
    MERGE_INSTEAD, /* Those on the same columns give way. */
};

static enum merging merging_of(const struct mind *m)
{
    static const char *const insteads[] = { "actually", "instead", "rather", "i meant", "i mean",
        NULL };
    static const char *const alsos[] = { "also", "too", "as well", "plus", "and", "additionally",
        NULL };
    static const char *const onlys[] = { "only", "just", NULL };
    const struct clause all = { 0, m->words.n };

    if (says_any(m, &all, insteads))
        return MERGE_INSTEAD;
    return says_any(m, &all, alsos) && !says_any(m, &all, onlys) ? MERGE_ALSO : MERGE_BOTH;
}

struct json *rows_merged(const struct mind *m, const struct json *all, const struct json *more)
{
    enum merging how = merging_of(m);
    struct json *out = json_new_array();

    for (size_t i = 0; i < json_len(all); i++) {
        const struct json *one = json_at(all, i), *other = NULL;
        bool drop = (how == MERGE_INSTEAD && is_about(one, more, NULL)) ||
                    is_said_again(one, more) ||
                    (is_operator(one, "not_equals") && is_about(one, more, "equals"));

        if (is_operator(one, "equals") && denies(more, one)) /* "not France" after "France". */
            continue;
        if (is_equal(one))
            other = equal_to(more, json_get(one, "column"));
        if (other && how == MERGE_ALSO && !same_json(one, other))
            json_add(out, either(one, other));
        else if (!drop && !other)
            json_add(out, json_ref(one));
    }
    for (size_t i = 0; i < json_len(more); i++) {
        const struct json *one = json_at(more, i),
                          *taken = is_equal(one) && how == MERGE_ALSO
                                       ? equal_to(out, json_get(one, "column"))
                                       : NULL;

        if (!taken && !said_already(out, one))
            json_add(out, json_ref(one));
    }
    return out;
}
