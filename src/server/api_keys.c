/* Keys over HTTP, for administrators; and links that work without one. */

#include "server/server_int.h"

#include "base/clock.h"

#include <stdio.h>

#define NS_PER_S INT64_C(1000000000)
enum { LINK_SECONDS = 300, LINK_SECONDS_MAX = 86400 };

/* What is in the store is true from now on, for those who are connected, too. */
static bool took_effect(struct server *server, struct err *err)
{
    if (!auth_load(server->auth, err))
        return false;
    http_recheck(server->http);
    return true;
}

bool api_key_create(struct call *call, struct err *err)
{
    char text[AUTH_KEY_TEXT];
    struct store_key key;
    struct json *body, *data;
    bool ok;

    if (!call_body(call, &body, err))
        return false;
    ok = key_create(call->server->store, body, &key, call->arena, text, err);
    json_free(body);
    if (!ok || !took_effect(call->server, err))
        return false;
    memcpy(call->caller->subject, key.id, sizeof call->caller->subject);
    data = key_view(&key);
    json_set_string(data, "key", text);
    explicit_bzero(text, sizeof text);
    reply_data(call, 201, "Key created; it is shown this once", data);
    return true;
}

bool api_key_list(struct call *call, struct err *err)
{
    struct json *data, *list;
    struct store_key *keys;
    size_t n;

    auth_write_uses(call->server->auth);
    if (!store_keys(call->server->store, call->arena, &keys, &n, err))
        return false;
    data = json_new_object();
    list = json_new_array();
    for (size_t i = 0; i < n; i++)
        json_add(list, key_view(&keys[i]));
    json_set(data, "keys", list);
    json_set_int(data, "count", (int64_t)n);
    reply_collection(call, "Keys", data, n);
    return true;
}

bool api_key_revoke(struct call *call, struct err *err)
{
    struct json *data;

    if (!key_revoke(call->server->store, call->params[0], err) || !took_effect(call->server, err))
        return false;
    snprintf(call->caller->subject, sizeof call->caller->subject, "%s", call->params[0]);
    data = json_new_object();
    json_set_string(data, "key_id", call->params[0]);
    reply_data(call, 200, "Key revoked", data);
    return true;
}

/* The path of an absolute URL of ours, or the path itself. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? strchr(host + 3, '/') : url;
}

bool api_link(struct call *call, struct err *err)
{
    static const char *const members[] = { "url", "seconds", NULL };
    const char *url, *path, *decoded = NULL;
    char signature[65];
    struct json *body, *data;
    int64_t seconds, expires_s;
    bool ok;

    if (!call_body(call, &body, err))
        return false;
    url =
        arena_strdup(call->arena, json_get_string(body, "url") ? json_get_string(body, "url") : "");
    seconds = json_get_int(body, "seconds", LINK_SECONDS);
    ok = call_only(body, members, err);
    json_free(body);
    if (!ok)
        return false;
    path = url ? path_of(url) : NULL;
    if (!path || strpbrk(path, "?#") || !routes_link(call->server, path, call->arena, &decoded)) {
        return err_argument(err, ERR_ARG, "url", "url: the download_url of a file is expected");
    }
    if (seconds < 1 || seconds > LINK_SECONDS_MAX) {
        return err_argument(
            err, ERR_ARG, "seconds", "seconds: 1 to %d are expected", LINK_SECONDS_MAX);
    }
    expires_s = clock_wall_ns() / NS_PER_S + seconds;
    auth_sign(call->server->auth, decoded, call->caller->who.key, expires_s, signature);
    data = json_new_object();
    json_set_string(data, "url",
        arena_printf(call->arena, "%s%s?key_id=%s&expires=%lld&signature=%s", view_base_url(call),
            path, call->caller->who.key, (long long)expires_s, signature));
    view_time(data, "expires_at", expires_s * NS_PER_S);
    reply_data(call, 200, "Link", data);
    return true;
}
