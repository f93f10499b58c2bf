/* The API's description: openapi.json, and a page that shows it. The viewer's files are part of the program. */

#include "server/server_int.h"

#include "describe/embedded.h"
#include "describe/openapi.h"

#include <stdlib.h>

enum { ROUTES_MAX = 256, DOCUMENT_MAX = 16 << 20 };

/* The same as long as the server runs; a NUL ends it. NULL with the err. */
static char *describe(const struct server *server, struct err *err)
{
    struct openapi_route routes[ROUTES_MAX];
    unsigned lost = memory_lost();
    struct json *document;
    struct buf text;
    size_t n = 0;

    while (n < ROUTES_MAX && routes_describe(n, &routes[n]))
        n++;
    if (!openapi_document(settings_string(server->settings, "app.name"), SHEETFLOW_VERSION,
            server->prefix, routes, n, &document, err))
        return NULL;
    buf_init(&text, DOCUMENT_MAX);
    json_write(document, false, &text);
    json_free(document);
    if (memory_lost() == lost ? buf_ok(&text, "the description", err) : err_nomem(err))
        return buf_take(&text);
    buf_deinit(&text);
    return NULL;
}

/* Made for the first who asks: it takes some 10 ms, and anybody may ask. */
static const char *description(struct server *server, struct err *err)
{
    char *have = server->description, *made;

    if (have)
        return have;
    made = describe(server, err);
    if (!made || atomic_compare_exchange_strong(&server->description, &have, made))
        return made;
    free(made); /* Somebody else was quicker. */
    return have;
}

bool api_openapi(struct call *call, struct err *err)
{
    struct http_reply *reply = &call->x->reply;
    const char *text = description(call->server, err);

    if (!text)
        return false;
    reply->body = strdup(text);
    if (!reply->body)
        return err_nomem(err);
    reply->status = 200;
    reply->content_type = "application/json; charset=utf-8";
    reply->body_len = strlen(text);
    http_reply_header(reply, "Cache-Control", "no-cache");
    return true;
}

static bool reply_part(struct call *call, const char *name, struct err *err)
{
    const struct embedded *file = embedded_find(name);

    if (!file || strcmp(fs_suffix(name), ".json") == 0)
        return err_set(err, ERR_NOT_FOUND, "there is nothing at this path");
    return reply_embedded(call, file, "no-cache", err);
}

bool api_docs(struct call *call, struct err *err)
{
    const char *path = call->x->request.raw_path;
    size_t n = strlen(path);

    if (n && path[n - 1] == '/') { /* The page names its parts relative to itself. */
        call->x->reply.status = 308;
        http_reply_header(&call->x->reply, "Location", arena_dup(call->arena, path, n - 1));
        return true;
    }
    return reply_part(call, "docs.html", err);
}

bool api_docs_part(struct call *call, struct err *err)
{
    return reply_part(call, call->params[0], err);
}
