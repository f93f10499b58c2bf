/* The page at /, for those who ask for HTML; programs get the facts as JSON. Its files are part of the program. */

#include "server/server_int.h"

#include "describe/embedded.h"

#include <stdlib.h>

/* Stands in the page for the prefix of the API. */
#define PREFIX_MARK "{{api}}"

static bool wants_html(const struct call *call)
{
    const char *accept = http_header(&call->x->request, "Accept");

    return accept && strstr(accept, "text/html") && strcmp(call->x->request.path, "/") == 0;
}

/* The page with the prefix of the API in its place. */
static bool reply_page(struct call *call, const struct embedded *page, struct err *err)
{
    struct http_reply *reply = &call->x->reply;
    const char *mark = memmem(page->data, page->size, PREFIX_MARK, strlen(PREFIX_MARK));
    size_t before = mark ? (size_t)(mark - page->data) : page->size;
    size_t prefix = mark ? strlen(call->server->prefix) : 0;
    size_t skip = mark ? strlen(PREFIX_MARK) : 0, after = page->size - before - skip;

    reply->body = malloc(before + prefix + after);
    if (!reply->body)
        return err_nomem(err);
    memcpy(reply->body, page->data, before);
    memcpy(reply->body + before, call->server->prefix, prefix);
    memcpy(reply->body + before + prefix, page->data + before + skip, after);
    reply->body_len = before + prefix + after;
    reply->status = 200;
    reply->content_type = "text/html; charset=utf-8";
    reply_page_headers(call, "no-cache");
    return true;
}

bool api_page(struct call *call, struct err *err)
{
    const struct embedded *page = embedded_page("index.html");

    http_reply_header(&call->x->reply, "Vary", "Accept");
    return page && wants_html(call) ? reply_page(call, page, err) : api_root(call, err);
}

/* A part's name holds a hash of what is in it, so it may be kept for ever. */
bool api_page_part(struct call *call, struct err *err)
{
    const struct embedded *file = embedded_page(call->params[0]);

    if (!file || strcmp(call->params[0], "index.html") == 0)
        return err_set(err, ERR_NOT_FOUND, "there is nothing at this path");
    return reply_embedded(call, file, "public, max-age=31536000, immutable", err);
}
