/*
 * JSON Schema from declarations.
 */

#include "describe/schema.h"

#include <string.h>

static struct json *schema_fields(const struct arg *fields);

static struct json *typed(const char *type)
{
    struct json *s = json_new_object();

    json_set_string(s, "type", type);
    return s;
}

static void set_strings(struct json *object, const char *key, const char *const *list)
{
    struct json *array = json_new_array();

    for (; list && *list; list++)
        json_add(array, json_new_string(*list));
    json_set(object, key, array);
}

/* Bounds under the two names that their kind has; whole ones without a point. */
static void set_bounds(struct json *s, const struct arg *a, const char *low, const char *high)
{
    if (a->min == 0 && a->max == 0)
        return;
    if (a->type == ARG_NUMBER) {
        json_set_real(s, low, a->min);
        json_set_real(s, high, a->max);
    } else {
        json_set_int(s, low, (int64_t)a->min);
        json_set_int(s, high, (int64_t)a->max);
    }
}

/* A nested object, or a plain value for the field that `shorthand` names. */
static struct json *schema_struct(const struct arg *a)
{
    struct json *object = schema_fields(a->fields), *either, *list;
    const struct arg *f = a->fields;

    if (!a->shorthand)
        return object;
    while (f->name && strcmp(f->name, a->shorthand) != 0)
        f++;
    /* An object with only that field needs no second form. */
    list = json_new_array();
    if (f->name) {
        struct json *plain = schema_argument(f);

        if (f->type == ARG_JSON) /* An object is the other form. */
            json_set(plain, "not", typed("object"));
        json_add(list, plain);
    }
    json_add(list, object);
    either = json_new_object();
    json_set(either, "anyOf", list);
    return either;
}

static struct json *schema_type(const struct arg *a)
{
    struct json *s;

    switch (a->type) {
    case ARG_BOOL:
    case ARG_MAYBE:
        return typed("boolean");
    case ARG_INT:
        s = typed("integer");
        set_bounds(s, a, "minimum", "maximum");
        return s;
    case ARG_NUMBER:
        s = typed("number");
        set_bounds(s, a, "minimum", "maximum");
        return s;
    case ARG_STR:
    case ARG_FILE:
        s = typed("string");
        set_bounds(s, a, "minLength", "maxLength");
        return s;
    case ARG_CHOICE:
        s = typed("string");
        set_strings(s, "enum", a->choices);
        return s;
    case ARG_STRS:
        s = typed("array");
        json_set(s, "items", typed("string"));
        set_bounds(s, a, "minItems", "maxItems");
        return s;
    case ARG_OBJECTS:
        s = typed("array");
        json_set(s, "items", schema_struct(a));
        set_bounds(s, a, "minItems", "maxItems");
        return s;
    case ARG_MAP:
        s = typed("object");
        json_set(s, "additionalProperties", schema_struct(a));
        set_bounds(s, a, "minProperties", "maxProperties");
        return s;
    case ARG_OBJECT:
        return schema_struct(a);
    case ARG_JSON:
        return a->fields_of ? typed("object") : json_new_object();
    }
    return json_new_object();
}

struct json *schema_argument(const struct arg *a)
{
    struct json *s = schema_type(a), *fallback;
    struct err ignored;

    if (a->help)
        json_set_string(s, "description", a->help);
    if (a->fallback && json_parse(a->fallback, strlen(a->fallback), &fallback, &ignored))
        json_set(s, "default", fallback);
    if (a->is_column)
        json_set_bool(s, "x-column", true);
    if (a->type == ARG_FILE)
        json_set_bool(s, "x-file", true);
    if (a->aliases)
        set_strings(s, "x-aliases", a->aliases);
    if (a->ask)
        json_set_string(s, "x-ask", a->ask);
    if (a->hidden)
        json_set_bool(s, "deprecated", true);
    return s;
}

/* {if the choice is this, then the object has these fields}, for each choice that has any. */
static struct json *schema_variants(const struct arg *fields, const struct arg *a)
{
    struct json *all = json_new_array();
    const struct arg *choice = fields;

    while (choice->name && strcmp(choice->name, a->depends) != 0)
        choice++;
    for (int i = 0; choice->name && choice->choices[i]; i++) {
        struct json *one = json_new_object(), *is = json_new_object(), *then = json_new_object();
        struct json *constant = json_new_object(), *object = json_new_object();

        json_set_string(constant, "const", choice->choices[i]);
        json_set(is, choice->name, constant);
        json_set(object, "properties", is);
        json_set(one, "if", object);
        object = json_new_object();
        json_set(object, a->name, schema_fields(a->fields_of(i)));
        json_set(then, "properties", object);
        json_set(one, "then", then);
        json_add(all, one);
    }
    return all;
}

static void add_property(struct json *properties, struct json *required, const struct arg *a)
{
    json_set(properties, a->name, schema_argument(a));
    if (a->required)
        json_add(required, json_new_string(a->name));
}

static struct json *object_schema(struct json *properties, struct json *required)
{
    struct json *s = typed("object");

    json_set(s, "properties", properties);
    if (json_len(required))
        json_set(s, "required", required);
    else
        json_free(required);
    json_set_bool(s, "additionalProperties", false);
    return s;
}

static struct json *schema_fields(const struct arg *fields)
{
    struct json *properties = json_new_object(), *required = json_new_array(), *s;

    for (const struct arg *a = fields; a->name; a++)
        add_property(properties, required, a);
    s = object_schema(properties, required);
    for (const struct arg *a = fields; a->name; a++) {
        if (a->fields_of)
            json_set(s, "allOf", schema_variants(fields, a));
    }
    return s;
}

struct json *schema_arguments(const struct op *op)
{
    struct json *properties = json_new_object(), *required = json_new_array(), *s;
    const struct arg *a;

    for (size_t i = 0; (a = op_arg(op, i)); i++) {
        if (strcmp(a->name, "output_format") != 0) {
            add_property(properties, required, a);
            continue;
        }
        s = schema_argument(a);
        json_set_string(s, "default", file_format_name(op->format)); /* The operation's own. */
        json_set(properties, a->name, s);
    }
    s = object_schema(properties, required);
    json_set_string(s, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_set_string(s, "title", op->name);
    json_set_string(s, "description", op->summary);
    return s;
}

static const char *kind_of(const struct op *op)
{
    return op->flags & OP_TABLE ? "table" : op->flags & OP_TEXT ? "text" : "result";
}

static struct json *examples_of(const struct op *op)
{
    struct json *list = json_new_array();

    for (const struct op_example *e = op->examples; e->title; e++) {
        struct json *one = json_new_object(), *arguments = NULL;
        struct err ignored;

        json_set_string(one, "title", e->title);
        if (json_parse(e->args, strlen(e->args), &arguments, &ignored))
            json_set(one, "arguments", arguments);
        json_set_string(one, "input", e->in);
        if (e->bind)
            json_set_string(one, "bind", e->bind);
        if (e->out)
            json_set_string(one, "output", e->out);
        json_add(list, one);
    }
    return list;
}

struct json *schema_operation(const struct op *op)
{
    struct json *o = json_new_object(), *formats = json_new_array();

    json_set_string(o, "name", op->name);
    json_set_string(o, "summary", op->summary);
    json_set_string(o, "kind", kind_of(op));
    for (int f = FILE_UNKNOWN + 1; f < FILE_FORMAT_COUNT; f++) {
        if (op_takes_format(op, (enum file_format)f))
            json_add(formats, json_new_string(file_format_name((enum file_format)f)));
    }
    json_set(o, "formats", formats);
    json_set_string(
        o, "default_format", op->flags & OP_RESULT ? NULL : file_format_name(op->format));
    json_set_string(o, "suffix", op->suffix);
    set_strings(o, "says", op->says);
    json_set(o, "examples", examples_of(op));
    json_set(o, "schema", schema_arguments(op));
    return o;
}
