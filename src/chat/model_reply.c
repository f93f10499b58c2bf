/*
 * What a language model's answer is worth: steps of exactly the form that was asked for, or nothing. Stricter than a
 * request of a person: no other spellings, no values of another kind than declared, no column that is not there at
 * that step. So what our words for it read is what the operation reads.
 */

#include "chat/model.h"

#include "chat/tell.h"
#include "ops/op.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_ITEMS_MAX = 1000 };

struct check {
    const struct chat_table *files;
    size_t n_files;
    struct arena *arena;
    const char **columns; /* What the step at hand reads. */
    size_t n_columns;
    size_t step; /* From 1. */
    struct err *err;
};

/* Sentences are for the log: they tell where, and quote nothing of what came. */
static bool refuse(struct check *c, const char *why)
{
    return err_set(c->err, ERR_DATA, "step %zu: %s", c->step, why);
}

static bool is_plain(const struct json *v)
{
    enum json_kind kind = json_kind(v);

    return kind == JSON_KIND_STRING || kind == JSON_KIND_INT || kind == JSON_KIND_REAL ||
           kind == JSON_KIND_BOOL;
}

/* A plain value or a list of them. */
static bool is_value(const struct json *v)
{
    if (json_kind(v) != JSON_KIND_ARRAY)
        return is_plain(v);
    for (size_t i = 0; i < json_len(v); i++) {
        if (!is_plain(json_at(v, i)))
            return false;
    }
    return json_len(v) <= VALUE_ITEMS_MAX;
}

/* Without NUL: what is bound is a C string. */
static bool is_text(const struct json *v)
{
    return json_str(v) && strlen(json_str(v)) == json_str_len(v);
}

static bool is_choice(const struct arg *a, const struct json *v)
{
    for (const char *const *choice = a->choices; is_text(v) && *choice; choice++) {
        if (strcmp(*choice, json_str(v)) == 0)
            return true;
    }
    return false;
}

static bool has_column(const struct check *c, const char *name)
{
    for (size_t i = 0; i < c->n_columns; i++) {
        if (strcmp(c->columns[i], name) == 0)
            return true;
    }
    return false;
}

static bool text_ok(struct check *c, const struct arg *a, const struct json *v)
{
    if (!is_text(v))
        return refuse(c, "an argument is not the text it must be");
    if (a->is_column && !has_column(c, json_str(v)))
        return refuse(c, "it names a column that is not there");
    return true;
}

static bool fields_ok(struct check *c, const struct arg *fields, const struct json *object);
static bool argument_ok(struct check *c, const struct arg *beside, const struct json *in,
    const struct arg *a, const struct json *v);

static bool list_ok(struct check *c, const struct arg *a, const struct json *v)
{
    if (json_kind(v) != JSON_KIND_ARRAY)
        return refuse(c, "an argument is not the list it must be");
    for (size_t i = 0; i < json_len(v); i++) {
        if (a->type == ARG_STRS ? !text_ok(c, a, json_at(v, i))
                                : !fields_ok(c, a->fields, json_at(v, i)))
            return false;
    }
    return true;
}

/* Keys with objects, or with plain values for the field that is meant by them. */
static bool map_ok(struct check *c, const struct arg *a, const struct json *v)
{
    const struct arg *plain = a->fields;

    if (json_kind(v) != JSON_KIND_OBJECT)
        return refuse(c, "an argument is not the object it must be");
    while (plain->name && (!a->shorthand || strcmp(plain->name, a->shorthand) != 0))
        plain++;
    for (const void *it = json_first(v); it; it = json_next(v, it)) {
        const struct json *value = json_value(it);
        bool object = json_kind(value) == JSON_KIND_OBJECT || !plain->name;

        if (object ? !fields_ok(c, a->fields, value)
                   : !argument_ok(c, a->fields, NULL, plain, value))
            return false;
    }
    return true;
}

/* The fields that a choice beside them decides. */
static bool variant_ok(struct check *c, const struct arg *beside, const struct json *in,
    const struct arg *a, const struct json *v)
{
    const struct arg *choice = beside;
    const char *chosen = json_get_string(in, a->depends);

    while (choice->name && strcmp(choice->name, a->depends) != 0)
        choice++;
    for (int i = 0; chosen && choice->name && choice->choices[i]; i++) {
        if (strcmp(choice->choices[i], chosen) == 0)
            return fields_ok(c, a->fields_of(i), v);
    }
    return refuse(c, "an argument belongs to a choice that is not made");
}

static bool argument_ok(struct check *c, const struct arg *beside, const struct json *in,
    const struct arg *a, const struct json *v)
{
    enum json_kind kind = json_kind(v);

    switch (a->type) {
    case ARG_BOOL:
    case ARG_MAYBE:
        return kind == JSON_KIND_BOOL || refuse(c, "an argument is neither true nor false");
    case ARG_INT:
        return kind == JSON_KIND_INT || refuse(c, "an argument is not a whole number");
    case ARG_NUMBER:
        return kind == JSON_KIND_INT || kind == JSON_KIND_REAL ||
               refuse(c, "an argument is not a number");
    case ARG_CHOICE:
        return is_choice(a, v) || refuse(c, "an argument is none of its choices");
    case ARG_STR:
        return text_ok(c, a, v);
    case ARG_FILE: /* Checked with the columns of that file. */
        return is_text(v) || refuse(c, "an argument is not the name of a file");
    case ARG_STRS:
    case ARG_OBJECTS:
        return list_ok(c, a, v);
    case ARG_OBJECT:
        return fields_ok(c, a->fields, v);
    case ARG_MAP:
        return map_ok(c, a, v);
    case ARG_JSON:
        return a->fields_of ? variant_ok(c, beside, in, a, v)
                            : is_value(v) || refuse(c, "an argument is not a plain value");
    }
    return refuse(c, "an argument is of no known kind");
}

static bool fields_ok(struct check *c, const struct arg *fields, const struct json *object)
{
    if (json_kind(object) != JSON_KIND_OBJECT)
        return refuse(c, "an argument is not the object it must be");
    for (const void *it = json_first(object); it; it = json_next(object, it)) {
        const struct arg *a = fields;

        while (a->name && strcmp(a->name, json_key(it)) != 0)
            a++;
        if (!a->name || a->hidden)
            return refuse(c, "it has an argument that is not offered");
        if (!argument_ok(c, fields, object, a, json_value(it)))
            return false;
    }
    return true;
}

static bool arguments_ok(
    struct check *c, const struct op *op, const struct model_offer *offer, const struct json *given)
{
    for (const void *it = json_first(given); it; it = json_next(given, it)) {
        const struct arg *a;
        size_t i = 0;

        while ((a = op_arg(op, i)) != NULL && strcmp(a->name, json_key(it)) != 0)
            i++;
        if (!a || a->hidden || !model_offer_has(offer, a->name))
            return refuse(c, "it has an argument that is not offered");
        if (!argument_ok(c, op->args, given, a, json_value(it)))
            return false;
    }
    return true;
}

/* ---- the file of a join ---- */

/* "file 2", as it was called in the request, or its name. files[0] is what is joined to. */
static const struct chat_table *other_file(const struct check *c, const char *given)
{
    char label[32];

    for (size_t i = 1; i < c->n_files; i++) {
        snprintf(label, sizeof label, "file %zu", i + 1);
        if (strcmp(label, given) == 0 || strcmp(c->files[i].file, given) == 0)
            return &c->files[i];
    }
    return NULL;
}

static bool join_ok(struct check *c, struct json *given, const struct chat_table **out)
{
    const char *file = json_get_string(given, "bind_file");
    const char *key = json_get_string(given, "bind_comparison_column");
    const struct json *columns = json_get(given, "bind_columns");
    const struct chat_table *t = file ? other_file(c, file) : NULL;

    if (!t)
        return refuse(c, "it names a file that is not there");
    if (!key)
        key = json_get_string(given, "comparison_column");
    if (!key || !chat_table_column(t, key))
        return refuse(c, "the other file has no such column");
    for (size_t i = 0; i < json_len(columns); i++) {
        if (!chat_table_column(t, json_str(json_at(columns, i))))
            return refuse(c, "the other file has no such column");
    }
    *out = t;
    return json_set_string(given, "bind_file", t->file) || err_nomem(c->err);
}

/* ---- the columns that a step leaves ---- */

static bool columns_room(struct check *c, size_t n, const char ***out)
{
    *out = arena_calloc(c->arena, n ? n : 1, sizeof **out);
    return *out || err_nomem(c->err);
}

static bool add_columns(struct check *c, const struct json *names)
{
    const char **all;
    size_t n = c->n_columns;

    if (!columns_room(c, n + json_len(names), &all))
        return false;
    for (size_t i = 0; i < n; i++)
        all[i] = c->columns[i];
    for (size_t i = 0; i < json_len(names); i++)
        all[n++] = json_str(json_at(names, i));
    c->columns = all;
    c->n_columns = n;
    return true;
}

static bool keep_only(struct check *c, const struct json *names)
{
    if (json_len(names) == 0)
        return true;
    c->n_columns = 0;
    return add_columns(c, names);
}

/* Is the column the source of a mapped one? */
static bool is_mapped(const struct json *mapping, const char *column)
{
    for (const void *it = json_first(mapping); it; it = json_next(mapping, it)) {
        const struct json *v = json_value(it);
        const char *source = json_str(v) ? json_str(v) : json_get_string(v, "source");

        if (source && strcmp(source, column) == 0)
            return true;
    }
    return false;
}

static bool map_columns(struct check *c, const struct json *given)
{
    const struct json *mapping = json_get(given, "mapping");
    bool keep = json_get_bool(given, "keep_unmapped", false);
    const char **all;
    size_t n = 0;

    if (!columns_room(c, json_len(mapping) + c->n_columns, &all))
        return false;
    for (const void *it = json_first(mapping); it; it = json_next(mapping, it))
        all[n++] = json_key(it);
    for (size_t i = 0; keep && i < c->n_columns; i++) {
        if (!is_mapped(mapping, c->columns[i]))
            all[n++] = c->columns[i];
    }
    c->columns = all;
    c->n_columns = n;
    return true;
}

/* Follow what changes columns; what only adds some that nobody asked for may be left out. */
static bool follow(struct check *c, const char *operation, struct json *given)
{
    const struct chat_table *other;

    if (strcmp(operation, "excel/extract-columns-to-file") == 0)
        return keep_only(c, json_get(given, "columns"));
    if (strcmp(operation, "excel/map-columns") == 0)
        return map_columns(c, given);
    if (strcmp(operation, "excel/bind-single-key") == 0)
        return join_ok(c, given, &other) && add_columns(c, json_get(given, "bind_columns"));
    return true;
}

/* ---- steps ---- */

static bool only_members(const struct json *object, const char *first, const char *second)
{
    for (const void *it = json_first(object); it; it = json_next(object, it)) {
        if (strcmp(json_key(it), first) != 0 && strcmp(json_key(it), second) != 0)
            return false;
    }
    return json_kind(object) == JSON_KIND_OBJECT;
}

static bool step_ok(struct check *c, const struct json *said, struct json *steps)
{
    const char *operation = json_get_string(said, "operation");
    const struct model_offer *offer = operation ? model_offer_find(operation) : NULL;
    const struct op *op = offer ? op_find(offer->operation) : NULL;
    struct json *given, *step;
    struct op_args bound;
    struct err why;

    if (!only_members(said, "operation", "arguments"))
        return refuse(c, "it is not an object of operation and arguments");
    if (!op)
        return refuse(c, "its operation is not offered");
    given =
        json_get(said, "arguments") ? json_clone(json_get(said, "arguments")) : json_new_object();
    step = json_new_object();
    json_set_string(step, "operation", op->name);
    /* From here on `given` belongs to the step, and the step to the list. */
    if (!json_set(step, "arguments", given) || !json_add(steps, step))
        return err_nomem(c->err);
    if (json_kind(given) != JSON_KIND_OBJECT)
        return refuse(c, "its arguments are no object");
    if (!arguments_ok(c, op, offer, given) || !follow(c, op->name, given))
        return false;
    if (!op_bind(op, given, c->arena, &bound, &why))
        return refuse(c, "its arguments are not what the operation takes");
    return json_set_string(step, "description", tell_step(c->arena, op->name, given)) ||
           err_nomem(c->err);
}

/* The text that the model wrote, out of the envelope around it. */
static const char *content_of(const struct json *reply, size_t *n)
{
    const struct json *choices = json_get(reply, "choices"), *content;

    content = json_get(json_get(json_at(choices, 0), "message"), "content");
    *n = json_str_len(content);
    return json_str(content);
}

static bool read_steps(
    struct check *c, const struct json *answer, size_t max_steps, struct json *out)
{
    const struct json *list = json_get(answer, "steps");
    const struct chat_table *input = &c->files[0];
    size_t n = json_len(list);

    if (!only_members(answer, "steps", "steps") || json_kind(list) != JSON_KIND_ARRAY)
        return err_set(c->err, ERR_DATA, "the answer is not an object of steps");
    if (n == 0)
        return err_set(c->err, ERR_DATA, "the answer has no steps");
    if (n > max_steps)
        return err_set(c->err, ERR_DATA, "the answer has %zu steps; %zu are allowed", n, max_steps);
    if (!columns_room(c, input->n_columns, &c->columns))
        return false;
    for (size_t i = 0; i < input->n_columns; i++)
        c->columns[c->n_columns++] = input->columns[i].name;
    for (size_t i = 0; i < n; i++) {
        c->step = i + 1;
        if (!step_ok(c, json_at(list, i), out))
            return false;
    }
    return true;
}

bool model_reply(const char *text, size_t n, const struct chat_table *files, size_t n_files,
    size_t max_steps, struct arena *arena, struct json **steps, struct err *err)
{
    struct check c = { .files = files, .n_files = n_files, .arena = arena, .err = err };
    struct json *reply = NULL, *answer = NULL, *list = json_new_array();
    unsigned lost = memory_lost();
    const char *content;
    struct err why;
    bool ok = false;
    size_t len;

    if (n_files == 0)
        err_set(err, ERR_DATA, "there is no file");
    else if (!json_parse(text, n, &reply, &why))
        err_set(err, ERR_DATA, "the reply is not JSON");
    else if (!(content = content_of(reply, &len)))
        err_set(err, ERR_DATA, "the reply holds no message");
    else if (!json_parse(content, len, &answer, &why))
        err_set(err, ERR_DATA, "the answer is not JSON");
    else
        ok = read_steps(&c, answer, max_steps, list);
    /* The arena's names point into the answer only as long as this function runs; steps are copies. */
    json_free(reply);
    json_free(answer);
    if (ok && memory_lost() != lost)
        ok = err_nomem(err);
    if (ok)
        *steps = list;
    else
        json_free(list);
    return ok;
}
