/*
 * OpenAPI 3.1 from the table of routes, the declarations of operations and openapi_base.json.
 */

#include "describe/openapi.h"

#include "describe/embedded.h"
#include "describe/schema.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define FORM_TYPE "multipart/form-data"

enum { NAME_MAX_LEN = 200 };

/* An object with one member, which is most of OpenAPI. */
static struct json *with(const char *key, struct json *value)
{
    struct json *o = json_new_object();

    json_set(o, key, value);
    return o;
}

static struct json *reference(const char *kind, const char *name)
{
    char text[NAME_MAX_LEN + 64];
    struct json *o = json_new_object();

    snprintf(text, sizeof text, "#/components/%s/%s", kind, name);
    json_set_string(o, "$ref", text);
    return o;
}

/* "excel/extract-columns" as the name of a component. */
static void component_name(const struct op *op, char out[NAME_MAX_LEN])
{
    snprintf(out, NAME_MAX_LEN, "%s", op->name);
    for (char *p = out; *p; p++) {
        if (*p == '/')
            *p = '.';
    }
}

/* ---- forms ---- */

static struct json *binary(const char *help)
{
    struct json *s = json_new_object();

    json_set_string(s, "type", "string");
    json_set_string(s, "contentMediaType", "application/octet-stream");
    json_set_string(s, "description", help);
    return s;
}

/* The parts of a form that are JSON text: lists, objects and values of any kind. */
static struct json *form_encoding(const struct json *properties)
{
    struct json *encoding = json_new_object();

    for (const void *it = json_first(properties); it; it = json_next(properties, it)) {
        const char *type = json_get_string(json_value(it), "type");
        struct json *one;

        if (type && strcmp(type, "array") != 0 && strcmp(type, "object") != 0)
            continue;
        one = json_new_object();
        json_set_string(one, "contentType", JSON_TYPE);
        json_set(encoding, json_key(it), one);
    }
    return encoding;
}

static struct json *form_content(struct json *schema, struct json *examples)
{
    struct json *media = with("schema", schema);
    struct json *encoding = form_encoding(json_get(schema, "properties"));

    if (json_len(encoding))
        json_set(media, "encoding", encoding);
    else
        json_free(encoding);
    if (examples)
        json_set(media, "examples", examples);
    return media;
}

static struct json *request_body(struct json *content, bool required)
{
    struct json *body = json_new_object();

    json_set_bool(body, "required", required);
    json_set(body, "content", content);
    return body;
}

/* What an operation takes as a form: files, then arguments. `input` is the field of the file that is read. */
static struct json *operation_form(const struct op *op, const char *input, const struct json *more)
{
    struct json *properties = json_new_object(), *required = json_new_array();
    struct json *schema = json_new_object();
    const struct arg *a;

    json_set(properties, input, binary("The file to work on."));
    json_add(required, json_new_string(input));
    for (size_t i = 0; (a = op_arg(op, i)); i++) {
        json_set(properties, a->name, a->type == ARG_FILE ? binary(a->help) : schema_argument(a));
        if (a->required)
            json_add(required, json_new_string(a->name));
    }
    for (const void *it = json_first(more); it; it = json_next(more, it))
        json_set(properties, json_key(it), json_ref(json_value(it)));
    json_set_string(schema, "type", "object");
    json_set(schema, "properties", properties);
    json_set(schema, "required", required);
    return schema;
}

/* The declared examples as forms: the files are there as text. */
static struct json *operation_examples(const struct op *op)
{
    struct json *all = json_new_object();
    char key[24];
    int n = 0;

    for (const struct op_example *e = op->examples; e->title; e++) {
        struct json *value = json_new_object(), *one = json_new_object(), *arguments = NULL;
        struct err ignored;

        json_set_string(value, "file", e->in);
        if (json_parse(e->args, strlen(e->args), &arguments, &ignored)) {
            for (const void *it = json_first(arguments); it; it = json_next(arguments, it))
                json_set(value, json_key(it), json_ref(json_value(it)));
        }
        json_free(arguments);
        if (e->bind)
            json_set_string(value, "bind_file", e->bind);
        json_set_string(one, "summary", e->title);
        json_set(one, "value", value);
        snprintf(key, sizeof key, "example%d", ++n);
        json_set(all, key, one);
    }
    return all;
}

/* Arguments for reading a file, which all operations share. */
static struct json *reader_form(void)
{
    static const char *const names[] = { "sheet", "header_row", "delimiter", "quote", "encoding",
        "merged", "errors", "header_rows", "hidden", "totals", "values", "blank_lines" };
    const struct op *any = op_find("excel/extract-columns");
    struct json *properties = json_new_object(), *required = json_new_array();
    struct json *schema = json_new_object();
    const struct arg *a;

    json_set(properties, "file", binary("The file to look at."));
    json_add(required, json_new_string("file"));
    for (size_t i = 0; any && (a = op_arg(any, i)); i++) {
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            if (strcmp(a->name, names[k]) == 0)
                json_set(properties, a->name, schema_argument(a));
        }
    }
    json_set_string(schema, "type", "object");
    json_set(schema, "properties", properties);
    json_set(schema, "required", required);
    return schema;
}

/* ---- replies ---- */

static struct json *enveloped(const struct json *data)
{
    struct json *all = json_new_array(), *object = json_new_object();

    json_set_string(object, "type", "object");
    json_set(object, "properties", with("data", json_clone(data)));
    json_add(all, reference("schemas", "Envelope"));
    json_add(all, object);
    return with("allOf", all);
}

static struct json *reply_of(const char *description, const char *media_type, struct json *schema)
{
    struct json *reply = json_new_object();

    json_set_string(reply, "description", description);
    json_set(reply, "content", with(media_type, with("schema", schema)));
    return reply;
}

static struct json *replies_of(const struct json *details)
{
    struct json *replies = json_new_object();
    const char *produces = json_get_string(details, "produces");
    const struct json *data = json_get(details, "data");
    char status[24];

    snprintf(status, sizeof status, "%lld", (long long)json_get_int(details, "status", 200));
    if (produces)
        json_set(replies, status, reply_of("Done.", produces, json_new_object()));
    else
        json_set(replies, status, reply_of("Done.", JSON_TYPE, enveloped(data)));
    if (json_get_bool(details, "accepted", false))
        json_set(
            replies, "202", reply_of("Accepted; it is being done.", JSON_TYPE, enveloped(data)));
    json_set(replies, "default", reference("responses", "Error"));
    return replies;
}

/* ---- one route ---- */

static void add_parameters(
    struct json *op, const char *path, const struct json *details, const struct json *base)
{
    const struct json *query = json_get(details, "parameters");
    struct json *list = json_new_array();

    for (const char *p = strchr(path, '{'); p; p = strchr(p + 1, '{')) {
        char name[NAME_MAX_LEN];
        struct json *one = json_new_object();

        snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1, "}"), p + 1);
        json_set_string(one, "name", name);
        json_set_string(one, "in", "path");
        json_set_bool(one, "required", true);
        json_set(one, "schema", json_clone(json_get(json_get(base, "path_parameters"), name)));
        json_add(list, one);
    }
    for (size_t i = 0; i < json_len(query); i++)
        json_add(list, json_clone(json_at(query, i)));
    if (json_get_bool(details, "keyed", false))
        json_add(list, reference("parameters", "IdempotencyKey"));
    if (json_len(list))
        json_set(op, "parameters", list);
    else
        json_free(list);
}

/* "post_chat_workflows_id_execute" */
static void set_operation_id(struct json *op, const char *method, const char *path)
{
    char id[NAME_MAX_LEN];
    size_t n = 0;

    for (; *method; method++)
        id[n++] = (char)tolower((unsigned char)*method);
    for (; *path && n + 2 < sizeof id; path++) {
        bool plain = isalnum((unsigned char)*path);

        if (plain)
            id[n++] = *path;
        else if (*path != '}' && n > 0 && id[n - 1] != '_')
            id[n++] = '_';
    }
    while (n && id[n - 1] == '_')
        n--;
    id[n] = '\0';
    json_set_string(op, "operationId", id);
}

static void set_method(struct json *paths, const char *path, const char *method, struct json *op)
{
    struct json *item = (struct json *)(uintptr_t)json_get(paths, path);
    char lower[16];
    size_t n = 0;

    for (; method[n] && n + 1 < sizeof lower; n++)
        lower[n] = (char)tolower((unsigned char)method[n]);
    lower[n] = '\0';
    if (!item) {
        item = json_new_object();
        json_set(paths, path, item);
    }
    json_set(item, lower, op);
}

static struct json *new_operation(
    const char *method, const char *path, const char *tag, const char *summary)
{
    struct json *op = json_new_object(), *tags = json_new_array();

    set_operation_id(op, method, path);
    json_add(tags, json_new_string(tag));
    json_set(op, "tags", tags);
    json_set_string(op, "summary", summary);
    return op;
}

static void add_body(struct json *op, const struct openapi_route *r, const struct json *details)
{
    const struct op *named = json_get_string(details, "operation")
                                 ? op_find_unlisted(json_get_string(details, "operation"))
                                 : NULL;
    const char *file = json_str(json_at(json_get(details, "files"), 0));
    struct json *content = json_new_object(), *schema;

    if (named)
        schema = operation_form(named, file, json_get(details, "properties"));
    else if (json_get_bool(details, "reader", false))
        schema = reader_form();
    else
        schema = json_clone(json_get(details, "body"));
    if (!schema)
        schema = with("type", json_new_string("object"));
    if (!file && (r->body == OPENAPI_JSON || r->body == OPENAPI_FORM_OR_JSON))
        json_set(content, JSON_TYPE, with("schema", json_ref(schema)));
    if (r->body != OPENAPI_JSON)
        json_set(content, FORM_TYPE, form_content(json_ref(schema), NULL));
    json_free(schema);
    json_set(op, "requestBody", request_body(content, !json_get_bool(details, "optional", false)));
}

/* Who may: nobody is asked for a key where the role is open. */
static void add_role(struct json *op, const char *role)
{
    if (strcmp(role, "open") == 0)
        json_set(op, "security", json_new_array());
    json_set_string(op, "x-role", role);
}

static void add_route(struct json *paths, const struct openapi_route *r, const struct json *base)
{
    char key[NAME_MAX_LEN];
    const struct json *details;
    const char *tag, *summary;
    struct json *op;

    snprintf(key, sizeof key, "%s %s", r->method, r->path);
    details = json_get(json_get(base, "routes"), key);
    tag = json_get_string(details, "tag");
    summary = json_get_string(details, "summary");
    op = new_operation(r->method, r->path, tag ? tag : "Service", summary ? summary : r->path);
    if (json_get(details, "description"))
        json_set(op, "description", json_ref(json_get(details, "description")));
    add_parameters(op, r->path, details, base);
    if (r->body != OPENAPI_NONE)
        add_body(op, r, details);
    json_set(op, "responses", replies_of(details));
    add_role(op, r->role);
    set_method(paths, r->path, r->method, op);
}

/* ---- operations ---- */

static void add_operation(struct json *paths, const struct op *op, const struct json *base)
{
    char path[NAME_MAX_LEN], key[NAME_MAX_LEN + 8];
    struct json *o, *replies, *content = json_new_object(), *parameters = json_new_array();
    const struct json *details;

    snprintf(path, sizeof path, "/%s", op->name);
    snprintf(key, sizeof key, "POST %s", path);
    details = json_get(json_get(base, "routes"), key);
    o = new_operation("POST", path, "Operations", op->summary);
    json_add(parameters, reference("parameters", "IdempotencyKey"));
    json_set(o, "parameters", parameters);
    json_set(content, FORM_TYPE,
        form_content(
            operation_form(op, "file", json_get(details, "properties")), operation_examples(op)));
    json_set(o, "requestBody", request_body(content, true));
    replies = json_new_object();
    parameters = reference("schemas", "OperationResult");
    json_set(replies, "200", reply_of("Done.", JSON_TYPE, enveloped(parameters)));
    json_free(parameters);
    json_set(replies, "default", reference("responses", "Error"));
    json_set(o, "responses", replies);
    add_role(o, "writer");
    set_method(paths, path, "POST", o);
}

/* A step of a workflow: one of the operations with its arguments. */
static void add_steps(struct json *schemas)
{
    struct json *either = json_new_array(), *step;

    for (const struct op *const *op = op_table; *op; op++) {
        struct json *one = json_new_object(), *properties = json_new_object();
        struct json *arguments = schema_arguments(*op), *required = json_new_array();
        char name[NAME_MAX_LEN];

        component_name(*op, name);
        json_remove(arguments, "$schema");
        json_set(properties, "operation", with("const", json_new_string((*op)->name)));
        json_set(properties, "arguments", reference("schemas", name));
        json_set(properties, "input_file", with("type", json_new_string("string")));
        json_add(required, json_new_string("operation"));
        if (json_get(arguments, "required"))
            json_add(required, json_new_string("arguments"));
        json_set_string(one, "title", (*op)->name);
        json_set_string(one, "type", "object");
        json_set(one, "properties", properties);
        json_set(one, "required", required);
        json_set(schemas, name, arguments);
        json_add(either, one);
    }
    step = with("oneOf", either);
    json_set_string(step, "description",
        "One operation with its arguments. Other spellings that arguments go by are under "
        "x-aliases.");
    json_set(schemas, "Step", step);
}

static struct json *components_of(const struct json *base)
{
    struct json *components = json_new_object(), *key = json_new_object();
    struct json *schemas = json_clone(json_get(base, "schemas"));

    add_steps(schemas);
    json_set(components, "schemas", schemas);
    json_set_string(key, "name", "Idempotency-Key");
    json_set_string(key, "in", "header");
    json_set_string(key, "description",
        "The same key again gives the first reply again; nothing is done twice.");
    json_set(key, "schema", with("type", json_new_string("string")));
    json_set(components, "securitySchemes", json_ref(json_get(base, "security_schemes")));
    json_set(components, "parameters", with("IdempotencyKey", key));
    json_set(components, "responses",
        with("Error",
            reply_of("Not done; `message` says why.", JSON_TYPE, reference("schemas", "Error"))));
    return components;
}

bool openapi_document(const char *title, const char *version, const char *prefix,
    const struct openapi_route *routes, size_t n, struct json **out, struct err *err)
{
    const struct embedded *text = embedded_find("openapi_base.json");
    struct json *base, *document, *info, *paths, *servers;

    if (!text)
        return err_set(err, ERR_INTERNAL, "openapi_base.json is not part of the program");
    if (!json_parse(text->data, text->size, &base, err))
        return false;
    document = json_new_object();
    info = json_new_object();
    paths = json_new_object();
    servers = json_new_array();
    json_set_string(document, "openapi", "3.1.0");
    json_set_string(info, "title", title);
    json_set_string(info, "version", version);
    json_set(info, "description", json_ref(json_get(base, "description")));
    json_set(document, "info", info);
    json_add(servers, with("url", json_new_string(*prefix ? prefix : "/")));
    json_set(document, "servers", servers);
    json_set(document, "tags", json_ref(json_get(base, "tags")));
    for (size_t i = 0; i < n; i++)
        add_route(paths, &routes[i], base);
    for (const struct op *const *op = op_table; *op; op++)
        add_operation(paths, *op, base);
    json_set(document, "paths", paths);
    json_set(document, "components", components_of(base));
    json_set(document, "security", json_ref(json_get(base, "security")));
    json_free(base);
    if (!document)
        return err_nomem(err);
    *out = document;
    return true;
}
