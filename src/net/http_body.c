/*
 * Bodies. The loop only copies: parsing, hashing and writing are the pool's, a window at a time, so
 * that no upload and no slow disk holds up other connections.
 */

#include "net/http_int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool type_is(const char *content_type, const char *type)
{
    size_t n = strlen(type);

    return content_type && strncasecmp(content_type, type, n) == 0 &&
           strchr("; \t", content_type[n]) != NULL;
}

static void refuse_size(struct http_x *x)
{
    uint64_t max = x->pub.plan.max_body;

    if (max >= 1 << 20)
        err_set(&x->pub.body_error, ERR_TOO_LARGE,
            "the request is larger than the limit of %.4g MB", (double)max / (1 << 20));
    else
        err_set(&x->pub.body_error, ERR_TOO_LARGE,
            "the request is larger than the limit of %llu bytes", (unsigned long long)max);
}

/* What the route takes and the client sends. */
static void choose(struct http_x *x)
{
    const char *type = x->pub.request.content_type;
    enum http_body wants = x->pub.plan.body;
    bool form = wants == HTTP_BODY_FORM || wants == HTTP_BODY_FORM_OR_JSON;

    if (wants == HTTP_BODY_NONE || !x->has_body) {
        x->body = XB_DROP;
    } else if (form && type_is(type, "multipart/form-data")) {
        x->body = XB_MULTIPART;
    } else if (form && type_is(type, "application/x-www-form-urlencoded")) {
        x->body = XB_URLENCODED;
    } else if (wants == HTTP_BODY_FORM) {
        err_set(&x->pub.body_error, ERR_MALFORMED,
            "the request's Content-Type must be multipart/form-data");
    } else if (type_is(type, "multipart/form-data")) {
        err_set(&x->pub.body_error, ERR_MALFORMED,
            "the request's Content-Type must be application/json");
    } else {
        x->body = XB_MEMORY;
    }
}

void http_body_begin(struct http_x *x)
{
    struct http_plan *plan = &x->pub.plan;
    uint64_t overhead = 0;

    choose(x);
    if (x->pub.body_error.code != ERR_NONE)
        return;
    if (x->body == XB_DROP && plan->max_body < HTTP_DISCARD_MAX)
        plan->max_body = HTTP_DISCARD_MAX;
    if (x->body == XB_MEMORY && plan->max_body == 0)
        plan->max_body = JSON_MAX_BYTES;
    if (x->body == XB_URLENCODED && (plan->max_body == 0 || plan->max_body > MULTIPART_FIELDS_MAX))
        plan->max_body = MULTIPART_FIELDS_MAX;
    if (x->body == XB_MULTIPART)
        overhead = HTTP_FORM_OVERHEAD;
    x->limit = plan->max_body < UINT64_MAX - overhead ? plan->max_body + overhead : UINT64_MAX;
    if (x->content_length > x->limit) {
        refuse_size(x);
        return;
    }
    if (x->body == XB_MULTIPART) {
        const char *dir = plan->upload_dir ? plan->upload_dir : x->conn->server->config.tmp_dir;

        buf_init(&x->in, HTTP_WINDOW);
        if (!multipart_new(x->pub.request.content_type, dir, plan->max_body, &x->arena, &x->form,
                &x->pub.body_error))
            return;
        if (plan->upload_chunk)
            multipart_gather(x->form, plan->upload_chunk);
    } else if (x->body != XB_DROP) {
        buf_init(&x->in, (size_t)x->limit);
    }
}

void http_body_add(struct http_x *x, const char *p, size_t *n)
{
    size_t take = *n;

    if (take > x->limit - x->received) {
        refuse_size(x);
        return;
    }
    if (x->body == XB_MULTIPART && take > HTTP_WINDOW - x->in.len)
        take = HTTP_WINDOW - x->in.len;
    if (x->body != XB_DROP) {
        buf_add(&x->in, p, take);
        if (x->in.failed)
            err_nomem(&x->pub.body_error);
    }
    *n -= take;
}

void http_body_digest(struct http_x *x)
{
    if (!multipart_feed(x->form, x->in.data, x->in.len, &x->pub.body_error))
        return;
    buf_reset(&x->in);
}

static bool read_urlencoded(struct http_x *x)
{
    struct http_request *r = &x->pub.request;
    const char *p = buf_str(&x->in), *end = p + x->in.len, *name, *value;
    struct http_part *part;
    size_t n = 0, len;

    for (size_t i = 0; i < x->in.len; i++)
        n += p[i] == '&';
    if (n >= MULTIPART_PARTS_MAX)
        return err_set(&x->pub.body_error, ERR_MALFORMED, "the form has more than %d parts",
            MULTIPART_PARTS_MAX);
    r->parts = arena_calloc(&x->arena, n + 1, sizeof *r->parts);
    if (!r->parts)
        return err_nomem(&x->pub.body_error);
    for (;;) {
        if (!http_query_next(&p, end, &x->arena, &name, &value, &len))
            return err_nomem(&x->pub.body_error);
        if (!name)
            return true;
        part = &r->parts[r->n_parts++];
        part->name = name;
        part->value = value;
        part->value_len = part->size = len;
    }
}

void http_body_finish(struct http_x *x)
{
    struct http_request *r = &x->pub.request;

    switch (x->body) {
    case XB_DROP:
        break;
    case XB_MEMORY:
        if (x->in.len > 0) {
            r->body = x->in.data;
            r->body_len = x->in.len;
        }
        break;
    case XB_URLENCODED:
        (void)read_urlencoded(x); /* Its error is the exchange's. */
        break;
    case XB_MULTIPART:
        if (multipart_feed(x->form, buf_str(&x->in), x->in.len, &x->pub.body_error) &&
            multipart_finish(x->form, &x->pub.body_error))
            r->parts = multipart_parts(x->form, &r->n_parts);
        buf_deinit(&x->in);
        break;
    }
}
