/*
 * The routes: one table says method, path, what body is welcome and how large it may be, and who answers.
 * Everything about a request that can be refused without its body is refused before the body is read.
 */

#include "server/server_int.h"

#include "base/num.h"
#include "base/utf8.h"
#include "describe/openapi.h"
#include "ops/op.h"
#include "server/metrics.h"

#include <stdio.h>
#include <stdlib.h>

enum { MIB = 1 << 20, FORM_SLACK = 64 * 1024, ARGUMENTS_SLACK = 1 << 20 };

/* Where the limit of a route's body comes from. */
enum body_limit { LIMIT_JSON, LIMIT_UPLOAD, LIMIT_DUMP, LIMIT_FILE, LIMIT_TWO_FILES };

enum route_flags {
    ROUTE_TOP = 1 << 0,       /* Answers without the prefix as well. */
    ROUTE_KEYED = 1 << 1,     /* Honours Idempotency-Key. */
    ROUTE_SLOT = 1 << 2,      /* Waits for a worker: answered by a slot (slots.c). */
    ROUTE_ROOM = 1 << 3,      /* Writes files: needs room on the disk. */
    ROUTE_LINK = 1 << 4,      /* Answers signed links. */
    ROUTE_UNLIMITED = 1 << 5, /* Whatever api.rate_limit says. */
    OPERATION = ROUTE_SLOT | ROUTE_KEYED | ROUTE_ROOM
};

struct route { /* NOLINT(clang-analyzer-optin.performance.Padding): ordered as the table reads. */
    const char *method,
        *path;      /* Below the prefix; {id} and {run} are UUIDs, {name} and {key} any one part. */
    enum role role; /* The least that may. */
    enum http_body body;
    enum body_limit limit;
    handler_fn *handler;
    unsigned flags;
};

/* clang-format off */
static const struct route routes[] = {
    { "POST",   "/chat/workflows",                            ROLE_WRITER, HTTP_BODY_FORM_OR_JSON, LIMIT_JSON,      api_chat_create,         ROUTE_KEYED },
    { "GET",    "/chat/workflows",                            ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_chat_list,           0 },
    { "POST",   "/chat/workflows/restore",                    ROLE_ADMIN,  HTTP_BODY_FORM,         LIMIT_DUMP,      api_restore,             ROUTE_KEYED | ROUTE_ROOM },
    { "GET",    "/chat/workflows/{id}",                       ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_chat_get,            0 },
    { "PATCH",  "/chat/workflows/{id}",                       ROLE_WRITER, HTTP_BODY_JSON,         LIMIT_JSON,      api_chat_patch,          0 },
    { "DELETE", "/chat/workflows/{id}",                       ROLE_WRITER, HTTP_BODY_NONE,         LIMIT_JSON,      api_chat_delete,         0 },
    { "POST",   "/chat/workflows/{id}/upload",                ROLE_WRITER, HTTP_BODY_FORM,         LIMIT_UPLOAD,    api_upload,              ROUTE_KEYED | ROUTE_ROOM },
    { "POST",   "/chat/workflows/{id}/execute",               ROLE_WRITER, HTTP_BODY_FORM_OR_JSON, LIMIT_JSON,      api_execute,             ROUTE_KEYED | ROUTE_ROOM },
    { "GET",    "/chat/workflows/{id}/runs",                  ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_runs,                0 },
    { "GET",    "/chat/workflows/{id}/runs/{run}",            ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_run_get,             0 },
    { "POST",   "/chat/workflows/{id}/runs/{run}/cancel",     ROLE_WRITER, HTTP_BODY_NONE,         LIMIT_JSON,      api_run_cancel,          0 },
    { "GET",    "/chat/workflows/{id}/files/{name}",          ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_file_get,            ROUTE_LINK },
    { "GET",    "/chat/workflows/{id}/files/{name}/preview",  ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_preview,             0 },
    { "GET",    "/chat/workflows/{id}/files/{name}/profile",  ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_profile,             0 },
    { "GET",    "/chat/workflows/{id}/events",                ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_events,              0 },
    { "POST",   "/chat/workflows/{id}/dump",                  ROLE_WRITER, HTTP_BODY_NONE,         LIMIT_JSON,      api_dump,                ROUTE_KEYED | ROUTE_ROOM },
    { "POST",   "/chat/bot/conversations",                    ROLE_WRITER, HTTP_BODY_FORM_OR_JSON, LIMIT_JSON,      api_bot_create,          0 },
    { "POST",   "/chat/bot/conversations/{id}/message",       ROLE_WRITER, HTTP_BODY_JSON,         LIMIT_JSON,      api_bot_message,         0 },
    { "POST",   "/chat/bot/conversations/{id}/upload",        ROLE_WRITER, HTTP_BODY_FORM,         LIMIT_UPLOAD,    api_bot_upload,          ROUTE_ROOM },
    { "POST",   "/chat/bot/conversations/{id}/confirm",       ROLE_WRITER, HTTP_BODY_JSON,         LIMIT_JSON,      api_bot_confirm,         ROUTE_ROOM },
    { "GET",    "/chat/bot/conversations/{id}/history",       ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_bot_history,         0 },
    { "GET",    "/chat/bot/conversations/{id}/workflow/status/{run}", ROLE_READER, HTTP_BODY_NONE, LIMIT_JSON,      api_bot_status,          0 },
    { "DELETE", "/chat/bot/conversations/{id}",               ROLE_WRITER, HTTP_BODY_NONE,         LIMIT_JSON,      api_chat_delete,         0 },
    { "GET",    "/chat/bot/operations",                       ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_bot_operations,      0 },
    { "GET",    "/chat/downloads/{name}",                     ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_dump_get,            ROUTE_LINK },
    { "POST",   "/chat/sqlite/backup",                        ROLE_ADMIN,  HTTP_BODY_NONE,         LIMIT_JSON,      api_backup,              ROUTE_KEYED | ROUTE_ROOM },
    { "POST",   "/excel/info",                                ROLE_READER, HTTP_BODY_FORM_OR_JSON, LIMIT_FILE,      api_info,                ROUTE_SLOT },
    { "POST",   "/csv/info",                                  ROLE_READER, HTTP_BODY_FORM_OR_JSON, LIMIT_FILE,      api_info,                ROUTE_SLOT },
    { "POST",   "/excel/search/suggest-operators",            ROLE_READER, HTTP_BODY_FORM_OR_JSON, LIMIT_FILE,      api_suggest_operators,   ROUTE_SLOT },
    { "POST",   "/csv/search/suggest-operators",              ROLE_READER, HTTP_BODY_FORM_OR_JSON, LIMIT_FILE,      api_suggest_operators,   ROUTE_SLOT },
    { "POST",   "/files/bind",                                ROLE_WRITER, HTTP_BODY_FORM_OR_JSON, LIMIT_TWO_FILES, api_bind_rows,           OPERATION },
    { "POST",   "/files/bind/preview",                        ROLE_READER, HTTP_BODY_FORM_OR_JSON, LIMIT_TWO_FILES, api_bind_preview,        ROUTE_SLOT },
    { "GET",    "/files/downloads/{name}",                    ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_result_get,          ROUTE_LINK },
    { "POST",   "/links",                                     ROLE_READER, HTTP_BODY_JSON,         LIMIT_JSON,      api_link,                0 },
    { "POST",   "/keys",                                      ROLE_ADMIN,  HTTP_BODY_JSON,         LIMIT_JSON,      api_key_create,          0 },
    { "GET",    "/keys",                                      ROLE_ADMIN,  HTTP_BODY_NONE,         LIMIT_JSON,      api_key_list,            0 },
    { "DELETE", "/keys/{key}",                                ROLE_ADMIN,  HTTP_BODY_NONE,         LIMIT_JSON,      api_key_revoke,          0 },
    { "GET",    "/normalization/types",                       ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_normalization_types, 0 },
    { "GET",    "/sql/databases",                             ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_sql_databases,       0 },
    { "GET",    "/operations",                                ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_operations,          0 },
    { "GET",    "/openapi.json",                              ROLE_OPEN,   HTTP_BODY_NONE,         LIMIT_JSON,      api_openapi,             ROUTE_TOP },
    { "GET",    "/docs",                                      ROLE_OPEN,   HTTP_BODY_NONE,         LIMIT_JSON,      api_docs,                ROUTE_TOP },
    { "GET",    "/docs/{name}",                               ROLE_OPEN,   HTTP_BODY_NONE,         LIMIT_JSON,      api_docs_part,           ROUTE_TOP },
    { "GET",    "/health",                                    ROLE_OPEN,   HTTP_BODY_NONE,         LIMIT_JSON,      api_health,              ROUTE_TOP | ROUTE_UNLIMITED },
    { "GET",    "/health/ready",                              ROLE_OPEN,   HTTP_BODY_NONE,         LIMIT_JSON,      api_ready,               ROUTE_TOP | ROUTE_UNLIMITED },
    { "GET",    "/metrics",                                   ROLE_READER, HTTP_BODY_NONE,         LIMIT_JSON,      api_metrics,             ROUTE_TOP },
    { "GET",    "/assets/{name}",                             ROLE_OPEN,   HTTP_BODY_NONE,         LIMIT_JSON,      api_page_part,           ROUTE_TOP },
    { "GET",    "/",                                          ROLE_OPEN,   HTTP_BODY_NONE,         LIMIT_JSON,      api_page,                ROUTE_TOP },
};

/* POST /<operation>, for each one of op_table[]; by the number of files it reads. */
static const struct route operation_routes[] = {
    { "POST", NULL, ROLE_WRITER, HTTP_BODY_FORM_OR_JSON, LIMIT_FILE,      api_operate, OPERATION },
    { "POST", NULL, ROLE_WRITER, HTTP_BODY_FORM_OR_JSON, LIMIT_TWO_FILES, api_operate, OPERATION },
};
/* clang-format on */

/* For the description of the API; false past the end. */
bool routes_describe(size_t i, struct openapi_route *out)
{
    static const enum openapi_body bodies[] = {
        [HTTP_BODY_NONE] = OPENAPI_NONE,
        [HTTP_BODY_JSON] = OPENAPI_JSON,
        [HTTP_BODY_FORM] = OPENAPI_FORM,
        [HTTP_BODY_FORM_OR_JSON] = OPENAPI_FORM_OR_JSON,
    };

    if (i >= ARRAY_LEN(routes))
        return false;
    *out = (struct openapi_route){ routes[i].method, routes[i].path, bodies[routes[i].body],
        role_name(routes[i].role) };
    return true;
}

size_t routes_index(const struct http_exchange *x)
{
    const struct route *route = x->plan.route;

    if (!route)
        return ARRAY_LEN(routes) + METRICS_NO_ROUTE;
    return route >= routes && route < routes + ARRAY_LEN(routes)
               ? (size_t)(route - routes)
               : ARRAY_LEN(routes) + METRICS_OPERATION;
}

static bool is_uuid(const char *s, size_t n)
{
    if (n != ID_LEN - 1)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
            return false;
    }
    return true;
}

/* Match one path against a pattern; params point into `path` parts copied to the arena. */
static bool match_path(
    const char *pattern, const char *path, struct arena *arena, const char *params[CALL_PARAMS])
{
    size_t n_params = 0;

    for (; *pattern; pattern++) {
        if (*pattern != '{') {
            if (*path++ != *pattern)
                return false;
            continue;
        }
        size_t n = strcspn(path, "/");

        if (n == 0 || n_params == CALL_PARAMS ||
            (strncmp(pattern, "{name}", 6) != 0 && strncmp(pattern, "{key}", 5) != 0 &&
                !is_uuid(path, n)))
            return false;
        params[n_params++] = arena_dup(arena, path, n);
        path += n;
        pattern = strchr(pattern, '}');
    }
    return *path == '\0' || (path[0] == '/' && path[1] == '\0');
}

/* The path below the prefix, or NULL; `top` paths are matched as they are. */
static const char *below_prefix(const struct server *server, const char *path)
{
    size_t n = strlen(server->prefix);

    return strncmp(path, server->prefix, n) == 0 && (path[n] == '/' || path[n] == '\0') ? path + n
                                                                                        : NULL;
}

static const struct route *operation_route(
    const char *path, struct arena *arena, const char *params[CALL_PARAMS])
{
    const struct op *op = op_find(path);
    const struct arg *arg;

    if (!op)
        return NULL;
    params[0] = arena_strdup(arena, op->name);
    for (size_t i = 0; (arg = op_arg(op, i)); i++) {
        if (arg->type == ARG_FILE)
            return &operation_routes[1];
    }
    return &operation_routes[0];
}

static void add_method(char allow[64], const char *method)
{
    if (!strstr(allow, method))
        snprintf(allow + strlen(allow), 64 - strlen(allow), "%s%s", allow[0] ? ", " : "", method);
}

static const struct route *find_route(const struct server *server, const struct http_request *r,
    const char *params[CALL_PARAMS], char allow[64])
{
    const char *below = below_prefix(server, r->path);
    const struct route *found = NULL;

    allow[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(routes) && !found; i++) {
        const char *names[CALL_PARAMS] = { 0 };

        if (!(below && match_path(routes[i].path, below, r->arena, names)) &&
            !((routes[i].flags & ROUTE_TOP) &&
                match_path(routes[i].path, r->path, r->arena, names)))
            continue;
        if (strcmp(routes[i].method, r->method) == 0) {
            found = &routes[i];
            memcpy(params, names, sizeof names);
        }
        add_method(allow, routes[i].method);
    }
    if (!allow[0] && below) {
        const struct route *operation = operation_route(below, r->arena, params);

        if (operation)
            add_method(allow, operation->method);
        if (operation && strcmp(operation->method, r->method) == 0)
            found = operation;
    }
    return found;
}

static uint64_t limit_of(const struct server *server, enum body_limit limit)
{
    const struct settings *s = server->settings;
    uint64_t upload = (uint64_t)settings_int(s, "chat_workflows.file.max_upload_size_mb") * MIB;
    uint64_t file = (uint64_t)settings_int(s, "file.max_file_size_mb") * MIB;

    switch (limit) {
    case LIMIT_UPLOAD:
        return upload + FORM_SLACK;
    case LIMIT_DUMP: /* A dump holds every file of a conversation. */
        return upload * 64 + FORM_SLACK;
    case LIMIT_FILE:
        return file + ARGUMENTS_SLACK;
    case LIMIT_TWO_FILES:
        return file * 2 + ARGUMENTS_SLACK;
    case LIMIT_JSON:
        break;
    }
    return JSON_MAX_BYTES;
}

/* chat_workflows.enabled takes all of /chat away. */
static bool is_served(const struct server *server, const struct route *route)
{
    return !route->path || strncmp(route->path, "/chat/", 6) != 0 ||
           settings_bool(server->settings, "chat_workflows.enabled");
}

static bool has_room(const struct server *server, const struct route *route)
{
    uint64_t room;

    return !(route->flags & ROUTE_ROOM) || server_room(server, &room);
}

/* Who asks? Whoever that is, a refusal is found before the body is read. NULL when memory ends. */
static struct caller *find_caller(
    struct server *server, struct http_exchange *x, const struct route *route)
{
    struct caller *caller = arena_calloc(x->request.arena, 1, sizeof *caller);
    enum role least = route ? route->role : ROLE_READER;
    unsigned flags = route ? route->flags : 0;
    struct err err;

    if (!caller)
        return NULL;
    if (!access_who(server, &x->request, (flags & ROUTE_LINK) != 0, &caller->who, &err) &&
        least > ROLE_OPEN)
        caller->refused = err;
    else if (caller->who.role < least)
        err_set(&caller->refused, ERR_FORBIDDEN,
            "this takes a key with the role %s; the role of yours is %s", role_name(least),
            role_name(caller->who.role));
    if (!(flags & ROUTE_UNLIMITED) &&
        !access_rate(server, &x->request, &caller->who, &caller->wait_s)) {
        caller->limited = "requests_a_minute";
        caller->limit = settings_int(server->settings, "api.rate_limit");
        err_set(&caller->refused, ERR_RATE,
            "too many requests: %lld a minute are allowed (api.rate_limit); come back in %u s",
            (long long)caller->limit, caller->wait_s);
    }
    return caller;
}

bool routes_link(
    const struct server *server, const char *path, struct arena *arena, const char **decoded)
{
    struct http_request r = { .method = "GET", .arena = arena };
    const char *params[CALL_PARAMS] = { 0 };
    const struct route *route;
    char allow[64];

    r.path = http_path_decode(arena, path, strlen(path));
    if (!r.path)
        return false;
    *decoded = r.path;
    route = find_route(server, &r, params, allow);
    return route && (route->flags & ROUTE_LINK);
}

void routes_plan(void *arg, struct http_exchange *x)
{
    struct server *server = arg;
    unsigned lost = memory_lost();
    const char *params[CALL_PARAMS] = { 0 };
    char allow[64];
    const struct route *route = find_route(server, &x->request, params, allow);
    struct caller *caller = NULL;

    /* A preflight carries no key; it is answered before anyone asks for one. */
    if (strcmp(x->request.method, "OPTIONS") != 0)
        caller = find_caller(server, x, route);
    if (caller && memory_lost() != lost)
        err_nomem(&caller->refused);
    x->plan.caller = caller;
    x->plan.route = (void *)(uintptr_t)route;
    x->plan.upload_dir = server->dirs.tmp;
    x->plan.upload_chunk =
        (size_t)settings_int(server->settings, "chat_workflows.file.chunk_size_bytes");
    x->plan.max_body = JSON_MAX_BYTES;
    if (!route || server->stopping || !host_allowed(server, x->request.host) ||
        !is_served(server, route) || !has_room(server, route) || !caller ||
        caller->refused.code != ERR_NONE) {
        x->plan.refuse = 1;
        return;
    }
    if (route->body >= HTTP_BODY_FORM && !access_upload(server, &x->request, caller)) {
        x->plan.refuse = 1;
        return;
    }
    x->plan.body = route->body;
    x->plan.max_body = limit_of(server, route->limit);
    if (route->limit == LIMIT_FILE || route->limit == LIMIT_TWO_FILES)
        x->plan.upload_dir = server->sent_dir;
}

static bool state_changing(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "OPTIONS") != 0;
}

static void preflight(struct call *call, const char *allow)
{
    struct http_reply *reply = &call->x->reply;
    const char *asked = http_header(&call->x->request, "Access-Control-Request-Headers");

    reply->status = 204;
    http_reply_header(reply, "Allow", allow);
    if (call->x->request.origin &&
        origin_allowed(call->server, call->x->request.origin, call->x->request.host)) {
        http_reply_header(reply, "Access-Control-Allow-Methods", allow);
        http_reply_header(reply, "Access-Control-Allow-Headers",
            asked ? asked : "Content-Type, Authorization, Idempotency-Key, X-Request-Id");
        http_reply_header(reply, "Access-Control-Max-Age", "600");
    }
}

static const char *upper_limit_text(struct call *call, const struct route *route)
{
    static const struct {
        enum body_limit limit;
        const char *setting, *each;
    } named[] = {
        { LIMIT_UPLOAD, "chat_workflows.file.max_upload_size_mb", "" },
        { LIMIT_FILE, "file.max_file_size_mb", "" },
        { LIMIT_TWO_FILES, "file.max_file_size_mb", " for each file" },
    };

    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        if (route->limit == named[i].limit)
            return arena_printf(call->arena, "%lld MiB%s (%s)",
                (long long)settings_int(call->server->settings, named[i].setting), named[i].each,
                named[i].setting);
    }
    return arena_printf(call->arena, "%llu bytes", (unsigned long long)call->x->plan.max_body);
}

bool call_sees(const struct call *call, const char *conversation, struct err *err)
{
    const char *owner = principal_sees(&call->caller->who);
    struct conversation c;

    return !owner || store_conversation_get_of(
                         call->server->store, conversation, owner, call->arena, &c, err);
}

/*
 * A page elsewhere, by the browser's own word, which sends no Origin. Pages that are named in
 * api.cors_origins have one.
 */
static bool from_elsewhere(const struct http_request *r)
{
    const char *site = http_header(r, "Sec-Fetch-Site");

    return !r->origin && site && strcmp(site, "cross-site") == 0;
}

/* Everything that is decided before the handler; true when the request may go on. */
static bool check(struct call *call, const struct route *route, const char *allow, struct err *err)
{
    const struct http_request *r = &call->x->request;

    if (!host_allowed(call->server, r->host))
        return err_set(err, ERR_FORBIDDEN,
            "this server does not answer for that host name; add it to app.allowed_hosts");
    if (state_changing(r->method) &&
        (from_elsewhere(r) || !origin_allowed(call->server, r->origin, r->host)))
        return err_set(err, ERR_FORBIDDEN,
            "pages of that origin may not change anything here; add it to api.cors_origins");
    if (call->server->stopping)
        return err_set(err, ERR_BUSY, "the server is shutting down");
    if (!call->caller)
        return strcmp(r->method, "OPTIONS") == 0
                   ? err_set(err, ERR_NOT_FOUND, "there is nothing at this path")
                   : err_nomem(err);
    if (call->caller->refused.code != ERR_NONE) {
        *err = call->caller->refused;
        if (err->code == ERR_UNAUTHORIZED)
            http_reply_header(&call->x->reply, "WWW-Authenticate", "Bearer realm=\"Sheetflow\"");
        return false;
    }
    if (!route && allow[0]) {
        http_reply_header(&call->x->reply, "Allow", arena_strdup(call->arena, allow));
        return err_set(err, ERR_METHOD, "%s is not possible here; use %s", r->method, allow);
    }
    if (!route)
        return err_set(err, ERR_NOT_FOUND, "there is nothing at this path");
    if (!is_served(call->server, route))
        return err_set(
            err, ERR_NOT_FOUND, "conversations are switched off here (chat_workflows.enabled)");
    if (!has_room(call->server, route))
        return err_set(err, ERR_NO_SPACE,
            "the server's disk is nearly full; nothing more is taken in until there is room");
    if (route->path && strstr(route->path, "{id}")) { /* Always the first. */
        snprintf(
            call->caller->conversation, sizeof call->caller->conversation, "%s", call->params[0]);
        if (!call_sees(call, call->params[0], err))
            return false;
    }
    if (call->x->body_error.code == ERR_TOO_LARGE)
        return err_set(err, ERR_TOO_LARGE, "the request is larger than the limit of %s",
            upper_limit_text(call, route));
    if (call->x->body_error.code != ERR_NONE) {
        *err = call->x->body_error;
        return false;
    }
    return true;
}

static bool answer(struct call *call, const struct route *route, struct err *err)
{
    bool answered = false;

    if ((route->flags & ROUTE_KEYED) && !idempotency_begin(call, &answered, err))
        return false;
    if (answered)
        return true;
    return route->flags & ROUTE_SLOT ? slots_run(call->server->slots, call, route->handler, err)
                                     : route->handler(call, err);
}

void routes_handle(void *arg, struct http_exchange *x)
{
    struct call call = { .server = arg,
        .x = x,
        .arena = x->request.arena,
        .caller = x->plan.caller,
        .lost = memory_lost() };
    struct err err = { 0 };
    const struct route *route;
    char allow[64];

    x->reply.fd = -1;
    reply_headers(&call);
    if (x->plan.refuse > 1) { /* Not HTTP as it should be: method or path may be missing. */
        reply_error_with(&call, &x->body_error, x->plan.refuse, NULL);
        return;
    }
    /* Routed again rather than kept: the parts belong to this exchange's arena. */
    route = find_route(arg, &x->request, call.params, allow);
    if (!call_whole(&call, &err)) { /* Parameters may be missing. */
        reply_error(&call, &err);
        return;
    }
    if (strcmp(x->request.method, "OPTIONS") == 0 && allow[0] &&
        host_allowed(arg, x->request.host)) {
        preflight(&call, arena_strdup(call.arena, allow));
        return;
    }
    if (!check(&call, route, allow, &err) || !answer(&call, route, &err))
        reply_error(&call, &err);
}

/* ---- what handlers need of a request ---- */

/* Form fields become members: JSON text where it parses as an array or object, else the text. */
static bool form_object(const struct http_request *r, struct json **out, struct err *err)
{
    struct json *o = json_new_object();

    for (size_t i = 0; i < r->n_parts; i++) {
        const struct http_part *part = &r->parts[i];
        struct json *v = NULL;

        if (part->filename)
            continue;
        if (part->value_len && strchr("[{", part->value[0]) &&
            !json_parse(part->value, part->value_len, &v, err)) {
            err_wrap(err, "field '%s'", part->name);
            json_free(o);
            return false;
        }
        json_set(o, part->name, v ? v : json_new_stringn(part->value, part->value_len));
    }
    *out = o;
    return true;
}

bool call_body(struct call *call, struct json **out, struct err *err)
{
    const struct http_request *r = &call->x->request;
    struct json *v;

    if (r->n_parts) {
        if (!form_object(r, &v, err))
            return false;
        if (!call_whole(call, err)) {
            json_free(v);
            return false;
        }
        *out = v;
        return true;
    }
    if (!r->body || r->body_len == 0) {
        *out = json_new_object();
        return *out ? true : err_nomem(err);
    }
    if (!json_parse(r->body, r->body_len, &v, err))
        return false;
    if (json_kind(v) != JSON_KIND_OBJECT) {
        json_free(v);
        return err_set(err, ERR_MALFORMED, "the body must be a JSON object");
    }
    *out = v;
    return true;
}

bool call_query_int(struct call *call, const char *name, int64_t fallback, int64_t min, int64_t max,
    int64_t *out, struct err *err)
{
    const char *text = http_query(&call->x->request, name);
    int64_t v = fallback;

    if (!call_whole(call, err))
        return false;
    if (text && (!num_parse_int(text, strlen(text), &v) || v < min || v > max)) {
        return err_argument(err, ERR_ARG, name,
            "%s: '%.40s' is not a whole number between %lld and %lld", name, text, (long long)min,
            (long long)max);
    }
    *out = v;
    return true;
}

bool call_only(const struct json *object, const char *const *names, struct err *err)
{
    for (const void *it = json_first(object); it; it = json_next(object, it)) {
        const char *near;
        size_t n = 0;
        bool known = false;

        for (; names[n]; n++)
            known = known || strcmp(names[n], json_key(it)) == 0;
        if (known)
            continue;
        near = utf8_nearest(json_key(it), names, n);
        err_argument(err, ERR_ARG, json_key(it), "there is no '%.64s' here%s%s%s", json_key(it),
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        if (near)
            err_list_add(err->suggestions, sizeof err->suggestions, near);
        for (size_t i = 0; i < n; i++)
            err_list_add(err->available, sizeof err->available, names[i]);
        return false;
    }
    return true;
}
