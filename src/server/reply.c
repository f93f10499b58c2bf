/*
 * The envelope of every JSON reply, errors included, and the headers of every reply.
 */

#include "server/server_int.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPLY_MAX = 512 << 20 };

static const char *const own_hosts[] = { "127.0.0.1", "localhost", "[::1]" };

/* The host part of "host:port", as a length. */
static size_t host_len(const char *host)
{
    const char *end = host[0] == '[' ? strchr(host, ']') : NULL;

    return end ? (size_t)(end + 1 - host) : strcspn(host, ":");
}

static bool host_is(const char *host, size_t n, const char *name)
{
    return strlen(name) == n && strncasecmp(host, name, n) == 0;
}

/* An address in numbers is no name that somebody's DNS could turn on us. */
static bool is_address(const char *host, size_t n)
{
    unsigned char bytes[16];
    char text[64];

    if (n >= sizeof text)
        return false;
    if (host[0] == '[' && n > 2) {
        snprintf(text, sizeof text, "%.*s", (int)n - 2, host + 1);
        return inet_pton(AF_INET6, text, bytes) == 1;
    }
    snprintf(text, sizeof text, "%.*s", (int)n, host);
    return inet_pton(AF_INET, text, bytes) == 1;
}

/* A page of another site may make a browser ask us under its own name: names we do not serve are refused. */
bool host_allowed(const struct server *server, const char *host)
{
    const struct settings *s = server->settings;
    size_t n;

    if (!host || !*host)
        return false;
    n = host_len(host);
    if (n == 0) /* ":80" names nothing, and neither does a setting that is empty. */
        return false;
    for (size_t i = 0; i < ARRAY_LEN(own_hosts); i++) {
        if (host_is(host, n, own_hosts[i]))
            return true;
    }
    if (host_is(host, n, settings_string(s, "app.host")) ||
        host_is(host, n, settings_string(s, "chat_workflows.websocket.host")) ||
        (!server->loopback_only && is_address(host, n)))
        return true;
    for (size_t i = 0; i < settings_list_len(s, "app.allowed_hosts"); i++) {
        if (host_is(host, n, settings_list_at(s, "app.allowed_hosts", i)))
            return true;
    }
    return settings_bool(s, "app.allow_public");
}

bool origin_allowed(const struct server *server, const char *origin, const char *host)
{
    const struct settings *s = server->settings;
    const char *own;

    if (!origin)
        return true;
    own = strstr(origin, "://");
    if (own && host && strcasecmp(own + 3, host) == 0)
        return true;
    for (size_t i = 0; i < settings_list_len(s, "api.cors_origins"); i++) {
        if (strcasecmp(settings_list_at(s, "api.cors_origins", i), origin) == 0)
            return true;
    }
    return false;
}

void reply_headers(struct call *call)
{
    const struct http_request *r = &call->x->request;
    struct http_reply *reply = &call->x->reply;

    http_reply_header(reply, "X-Request-Id", r->id);
    http_reply_header(reply, "X-Content-Type-Options", "nosniff");
    http_reply_header(reply, "Vary", "Origin");
    if (r->origin && origin_allowed(call->server, r->origin, r->host)) {
        http_reply_header(reply, "Access-Control-Allow-Origin", r->origin);
        http_reply_header(reply, "Access-Control-Expose-Headers",
            "Content-Disposition, Content-Range, ETag, X-Request-Id, Retry-After, "
            "Idempotency-Replayed");
    }
}

bool call_whole(const struct call *call, struct err *err)
{
    return memory_lost() == call->lost ? true : err_nomem(err);
}

/* When even an error's envelope has no room. */
static const char nomem_text[] =
    "{\"data\":{\"error_type\":\"OutOfMemory\",\"details\":{}},\"message\":\"not enough memory\","
    "\"status_code\":503,\"total\":0}";

static void send_nomem(struct call *call)
{
    struct http_reply *reply = &call->x->reply;

    free(reply->body);
    reply->status = 503;
    reply->content_type = "application/json; charset=utf-8";
    reply->body = strdup(nomem_text);
    reply->body_len = reply->body ? sizeof nomem_text - 1 : 0;
    http_reply_header(reply, "Retry-After", "5");
}

static void send_envelope(
    struct call *call, int status, const char *message, struct json *data, uint64_t total)
{
    struct json *envelope = json_new_object(), *meta = json_new_object();
    struct http_reply *reply = &call->x->reply;
    struct buf text;

    json_set_string(meta, "api_version", "v1");
    json_set_string(meta, "locale", settings_string(call->server->settings, "api.locale"));
    json_set_string(meta, "request_id", call->x->request.id);
    view_time(meta, "requested_time", call->x->request.started_ns);
    json_set(envelope, "data", data ? data : json_new_null());
    json_set_string(envelope, "message", message);
    json_set(envelope, "meta", meta);
    json_set_int(envelope, "status_code", status);
    json_set_int(envelope, "total", (int64_t)total);
    buf_init(&text, REPLY_MAX);
    json_write(envelope, false, &text);
    json_free(envelope);
    reply->status = status;
    reply->content_type = "application/json; charset=utf-8";
    reply->body_len = text.len;
    reply->body = buf_take(&text);
    if (!reply->body || memory_lost() != call->lost)
        send_nomem(call);
    http_reply_header(reply, "Cache-Control", "no-store");
    idempotency_end(call);
}

void reply_data(struct call *call, int status, const char *message, struct json *data)
{
    send_envelope(call, status, message, data, 0);
}

void reply_collection(struct call *call, const char *message, struct json *data, uint64_t total)
{
    send_envelope(call, 200, message, data, total);
}

void reply_error_with(struct call *call, const struct err *err, int status, struct json *details)
{
    struct json *data = json_new_object(), *all = json_err_details(err);
    const char *wait = NULL;

    if (call->caller && call->caller->wait_s) {
        wait = arena_printf(call->arena, "%u", call->caller->wait_s);
        json_set_int(all, "retry_after_seconds", call->caller->wait_s);
        json_set_int(all, call->caller->limited, call->caller->limit);
    }

    for (const void *it = json_first(details); it; it = json_next(details, it))
        json_set(all, json_key(it), json_ref(json_value(it)));
    json_free(details);
    json_set_string(data, "error_type", err_type(err->code));
    json_set(data, "details", all);
    if (status == 429 || status == 503 || status == 507)
        http_reply_header(&call->x->reply, "Retry-After", wait ? wait : "5");
    send_envelope(call, status, err->text, data, 0);
}

void reply_error(struct call *call, const struct err *err)
{
    reply_error_with(call, err, err_http_status(err->code), NULL);
}
