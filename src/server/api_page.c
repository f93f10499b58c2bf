/* The page at /, for those who ask for HTML; programs get the facts as JSON. Its files are part of the program. */

#include "server/server_int.h"

#include "describe/embedded.h"

#include <stdio.h>
#include <stdlib.h>

/* Nothing from elsewhere, no script or style in the page. Flags and other small pictures may be data: images. */
#define PAGE_POLICY                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
/* Stands in the page for the prefix of the API. */
#define PREFIX_MARK "{{api}}"

static void page_headers(struct http_reply *reply)
{
    http_reply_header(reply, "Content-Security-Policy", PAGE_POLICY);
    http_reply_header(reply, "Referrer-Policy", "no-referrer");
    http_reply_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
    http_reply_header(
        reply, "Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()");
}

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
    page_headers(reply);
    http_reply_header(reply, "Cache-Control", "no-cache");
    return true;
}

bool api_page(struct call *call, struct err *err)
{
    const struct embedded *page = embedded_page("index.html");

    http_reply_header(&call->x->reply, "Vary", "Accept");
    return page && wants_html(call) ? reply_page(call, page, err) : api_root(call, err);
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        { ".js", "text/javascript; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".svg", "image/svg+xml" },
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(fs_suffix(name), types[i].suffix) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* A part's name holds a hash of what is in it, so it may be kept for ever. */
bool api_page_part(struct call *call, struct err *err)
{
    const struct embedded *file = embedded_page(call->params[0]);
    struct http_reply *reply = &call->x->reply;

    if (!file || strcmp(call->params[0], "index.html") == 0)
        return err_set(err, ERR_NOT_FOUND, "there is nothing at this path");
    reply->body = malloc(file->size);
    if (!reply->body)
        return err_nomem(err);
    memcpy(reply->body, file->data, file->size);
    reply->body_len = file->size;
    reply->status = 200;
    reply->content_type = type_of(file->name);
    if (file->gzip)
        http_reply_header(reply, "Content-Encoding", "gzip");
    page_headers(reply);
    http_reply_header(reply, "Cache-Control", "public, max-age=31536000, immutable");
    return true;
}
