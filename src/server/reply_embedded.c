/* Files that are part of the program, as replies, and the headers that all our pages have. */

#include "server/server_int.h"

#include "describe/embedded.h"

#include <stdlib.h>

/*
 * Nothing from elsewhere, no script in the page. Flags and other small pictures may be data: images; the viewer of
 * the API's description sets styles of its own, from its script.
 */
#define PAGE_POLICY                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

void reply_page_headers(struct call *call, const char *cache_control)
{
    struct http_reply *reply = &call->x->reply;

    http_reply_header(reply, "Content-Security-Policy", PAGE_POLICY);
    http_reply_header(reply, "Referrer-Policy", "no-referrer");
    http_reply_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
    http_reply_header(
        reply, "Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()");
    http_reply_header(reply, "Cache-Control", cache_control);
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        { ".html", "text/html; charset=utf-8" },
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

bool reply_embedded(
    struct call *call, const struct embedded *file, const char *cache_control, struct err *err)
{
    struct http_reply *reply = &call->x->reply;

    reply->body = malloc(file->size);
    if (!reply->body)
        return err_nomem(err);
    memcpy(reply->body, file->data, file->size);
    reply->body_len = file->size;
    reply->status = 200;
    reply->content_type = type_of(file->name);
    if (file->gzip)
        http_reply_header(reply, "Content-Encoding", "gzip");
    reply_page_headers(call, cache_control);
    return true;
}
