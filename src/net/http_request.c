/*
 * Requests: what HTTP/1.1 forbids, and what the rest means.
 *
 * The library is lenient where two parties could disagree on where a request ends (bare LF, a
 * length given twice, folded lines ...). All of this is refused here with 400 and the connection closed, so that
 * behind a proxy nobody can smuggle one request inside another.
 */

#include "net/http_int.h"

#include "base/num.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "net/ws_handshake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS = 18 };

/* One walk over the header lines. */
struct scan {
    struct http_x *x;
    const char *next; /* Where the next line must begin; NULL: not known. */
    bool broken;      /* A line is not as it should be. */
    const char *length, *coding, *expect;
    unsigned hosts, lengths, codings;
};

void http_refuse(struct http_x *x, int status, enum err_code code, const char *fmt, ...)
{
    char text[sizeof x->pub.body_error.text];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    x->pub.plan.refuse = status;
    err_set(&x->pub.body_error, code, "%s", text);
}

static bool is_token(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i];

        if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
            (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return n > 0;
}

static bool is_field_text(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool name_is(const char *key, size_t n, const char *name)
{
    return strlen(name) == n && strncasecmp(key, name, n) == 0;
}

/*
 * Version 0.9.75 of the library leaves the header block where it was received and puts a NUL on each
 * byte of a line's end. So the end of one line and the start of the next lie two bytes apart exactly when CRLF
 * stood between them, and a NUL, bare CR, bare LF or folded line shows as another distance.
 */
static bool layout_is_known(void)
{
    return strcmp(MHD_get_version(), "0.9.75") == 0;
}

static enum MHD_Result scan_header(void *arg, enum MHD_ValueKind kind, const char *key,
    size_t key_len, const char *value, size_t value_len)
{
    struct scan *scan = arg;
    struct http_request *r = &scan->x->pub.request;

    (void)kind;
    if (!value) {
        value = "";
        value_len = 0;
    }
    if (!is_token(key, key_len) || !is_field_text(value, value_len))
        scan->broken = true;
    if (scan->next) {
        if (key != scan->next || value < key + key_len + 1)
            scan->broken = true;
        scan->next = value + value_len + 2;
    }
    if (name_is(key, key_len, "host")) {
        scan->hosts++;
        r->host = value;
    } else if (name_is(key, key_len, "content-length")) {
        scan->lengths++;
        scan->length = value;
    } else if (name_is(key, key_len, "transfer-encoding")) {
        scan->codings++;
        scan->coding = value;
    } else if (name_is(key, key_len, "expect")) {
        scan->expect = value;
    } else if (name_is(key, key_len, "origin")) {
        r->origin = value;
    } else if (name_is(key, key_len, "content-type")) {
        r->content_type = value;
    }
    return MHD_YES;
}

/* Is the header block, line for line, what we think it is? */
static bool block_is_sound(
    struct scan *scan, const char *url, const char *method, const char *version, size_t target_len)
{
    struct http_x *x = scan->x;
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(x->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (size && size->header_size > HTTP_HEADERS_MAX) {
        http_refuse(x, 431, ERR_MALFORMED, "the request's headers are larger than %d KB",
            HTTP_HEADERS_MAX >> 10);
        return false;
    }
    if (layout_is_known()) {
        if (url != method + strlen(method) + 1 || version != url + target_len + 1)
            scan->broken = true;
        scan->next = version + strlen(version) + 2;
    }
    MHD_get_connection_values_n(x->conn->mhd, MHD_HEADER_KIND, scan_header, scan);
    if (scan->next && size && scan->next + 2 != method + size->header_size)
        scan->broken = true;
    if (scan->broken)
        http_refuse(x, 400, ERR_MALFORMED, "the request's headers are malformed");
    return !scan->broken;
}

static bool read_framing(struct scan *scan, bool http_1_1)
{
    struct http_x *x = scan->x;

    if (scan->lengths > 1 || scan->codings > 1 || (scan->lengths > 0 && scan->codings > 0)) {
        http_refuse(x, 400, ERR_MALFORMED, "the request says more than once how long it is");
        return false;
    }
    if (scan->codings > 0) {
        if (!http_1_1 || strcasecmp(scan->coding, "chunked") != 0) {
            http_refuse(x, 400, ERR_MALFORMED, "the only Transfer-Encoding known is chunked");
            return false;
        }
        x->chunked = x->has_body = true;
    }
    if (scan->lengths > 0) {
        size_t n = strlen(scan->length);

        if (n == 0 || n > LENGTH_DIGITS || strspn(scan->length, "0123456789") != n) {
            http_refuse(x, 400, ERR_MALFORMED, "the request's Content-Length is not a number");
            return false;
        }
        for (size_t i = 0; i < n; i++)
            x->content_length = x->content_length * 10 + (unsigned)(scan->length[i] - '0');
        x->has_body = x->content_length > 0;
    }
    if (scan->expect) {
        x->expects = true;
        if (strcasecmp(scan->expect, "100-continue") != 0) {
            http_refuse(x, 417, ERR_MALFORMED, "the only expectation known is 100-continue");
            return false;
        }
    }
    return true;
}

static bool host_is_sound(const char *host)
{
    for (; *host; host++) {
        char c = *host;

        if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
            !strchr(".-_:[]", c))
            return false;
    }
    return true;
}

/* Decode a path; NULL for a bad escape, NUL, an encoded slash, bad UTF-8 or a dot segment, and when memory ends. */
const char *http_path_decode(struct arena *arena, const char *p, size_t n)
{
    char *out = arena_alloc(arena, n + 1), *seg;
    size_t len = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];

        if (c == '%') {
            int byte = i + 2 < n ? num_hex_byte(p + i + 1) : -1;

            c = (char)byte;
            if (byte <= 0 || c == '/')
                return NULL;
            i += 2;
        } else if ((unsigned char)c <= ' ' || c == '#' || c == 0x7f) {
            return NULL;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    if (utf8_valid_prefix(out, len) != len)
        return NULL;
    for (seg = out; (seg = strchr(seg, '/')); seg++) {
        size_t seg_len = strcspn(seg + 1, "/");

        if (seg[1] == '.' && (seg_len == 1 || (seg_len == 2 && seg[2] == '.')))
            return NULL;
    }
    return out;
}

/* Split the target into path and query. */
static bool read_target(struct http_x *x)
{
    struct http_request *r = &x->pub.request;
    const char *target = r->raw_path, *end;
    unsigned lost = memory_lost();
    size_t n;

    if (strlen(target) > HTTP_TARGET_MAX) {
        http_refuse(x, 414, ERR_MALFORMED, "the request's address is longer than %d KB",
            HTTP_TARGET_MAX >> 10);
        return false;
    }
    if (strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0) {
        const char *host = strchr(target, '/') + 2; /* As a proxy is asked. */

        n = strcspn(host, "/?");
        if (!r->host || strlen(r->host) != n || strncasecmp(r->host, host, n) != 0) {
            http_refuse(x, 400, ERR_MALFORMED, "the request names two different hosts");
            return false;
        }
        target = host[n] ? host + n : "/";
    }
    end = strchr(target, '?');
    n = end ? (size_t)(end - target) : strlen(target);
    r->query = x->query = end ? end + 1 : "";
    r->raw_path = arena_dup(&x->arena, target, n);
    r->path = http_path_decode(&x->arena, target, n);
    if (memory_lost() != lost) {
        http_refuse(x, 503, ERR_NOMEM, "not enough memory");
        return false;
    }
    if (!r->raw_path || !r->path || strchr(x->query, '#') ||
        (target[0] != '/' && strcmp(target, "*") != 0)) {
        http_refuse(x, 400, ERR_MALFORMED, "the request's address is malformed");
        return false;
    }
    return true;
}

/* 32 hex digits; one system call for all of them. */
static void new_id(char *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];

    rand_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * sizeof bytes] = '\0';
}

static void read_id(struct http_request *r)
{
    const char *id = http_header(r, "X-Request-Id");
    size_t n = id ? strlen(id) : 0;

    if (n >= 1 && n < sizeof r->id) {
        for (size_t i = 0; i < n; i++) {
            if (id[i] == '.' || id[i] == '_' || id[i] == '-' || (id[i] >= '0' && id[i] <= '9') ||
                (id[i] >= 'A' && id[i] <= 'Z') || (id[i] >= 'a' && id[i] <= 'z'))
                continue;
            n = 0;
        }
        memcpy(r->id, id, n);
    } else {
        n = 0;
    }
    if (n > 0)
        r->id[n] = '\0';
    else
        new_id(r->id);
}

/* A GET that asks to become a WebSocket. */
static void read_upgrade(struct http_x *x, bool http_1_1)
{
    struct http_request *r = &x->pub.request;
    struct ws_handshake handshake = {
        .upgrade = http_header(r, "Upgrade"),
        .connection = http_header(r, "Connection"),
        .version = http_header(r, "Sec-WebSocket-Version"),
        .key = http_header(r, "Sec-WebSocket-Key"),
    };
    unsigned lost = memory_lost();

    if (!ws_handshake_asked(&handshake)) {
        if (x->conn->port->ws_only)
            http_refuse(x, 426, ERR_MALFORMED, "this port answers WebSocket connections only");
        return;
    }
    if (!http_1_1 || strcmp(r->method, "GET") != 0 || r->head || x->has_body ||
        !ws_handshake_answer(&handshake, x->ws_accept)) {
        if (memory_lost() != lost)
            http_refuse(x, 503, ERR_NOMEM, "not enough memory");
        else
            http_refuse(x, 426, ERR_MALFORMED,
                "the WebSocket handshake is malformed; version 13 of the protocol is spoken here");
        return;
    }
    x->ws = calloc(1, sizeof *x->ws);
    if (!x->ws)
        http_refuse(x, 503, ERR_NOMEM, "not enough memory");
}

bool http_request_read(struct http_x *x, const char *url, const char *method, const char *version)
{
    struct http_request *r = &x->pub.request;
    struct scan scan = { .x = x };
    bool http_1_1 = strcmp(version, "HTTP/1.1") == 0;
    const char *target = r->raw_path;

    r->path = "";
    r->host = "";
    r->method = "";
    r->query = x->query = "";
    read_id(r); /* A refusal has an id too. */
    if (!target) {
        http_refuse(x, 503, ERR_NOMEM, "not enough memory");
        return false;
    }
    if (!block_is_sound(&scan, url, method, version, strlen(target)))
        return false;
    r->head = strcmp(method, "HEAD") == 0;
    r->method = r->head ? "GET" : method;
    if ((!http_1_1 && strcmp(version, "HTTP/1.0") != 0) || !is_token(method, strlen(method)) ||
        scan.hosts > 1 || (http_1_1 && scan.hosts == 0) || !host_is_sound(r->host)) {
        http_refuse(x, 400, ERR_MALFORMED, "the request is not a proper HTTP/1.1 request");
        return false;
    }
    if (!read_framing(&scan, http_1_1) || !read_target(x))
        return false;
    read_upgrade(x, http_1_1);
    return true;
}

/* --- What handlers ask --- */

const char *http_header(const struct http_request *r, const char *name)
{
    const struct http_x *x = r->impl;

    return MHD_lookup_connection_value(x->conn->mhd, MHD_HEADER_KIND, name);
}

/* Decode p[0..n) of a query or urlencoded form: + is a blank, a bad escape stands for itself. */
static char *decode_query(struct arena *arena, const char *p, size_t n, size_t *out_n)
{
    char *out = arena_alloc(arena, n + 1);
    size_t len = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        int byte = p[i] == '%' && i + 2 < n ? num_hex_byte(p + i + 1) : -1;

        if (byte >= 0) {
            out[len++] = (char)byte;
            i += 2;
        } else {
            out[len++] = p[i] == '+' ? ' ' : p[i];
        }
    }
    out[len] = '\0';
    *out_n = len;
    return out;
}

bool http_query_next(const char **p, const char *end, struct arena *arena, const char **name,
    const char **value, size_t *value_len)
{
    const char *start = *p, *stop, *equals;
    size_t name_len;

    while (start < end && *start == '&')
        start++;
    *name = NULL;
    *p = end;
    if (start == end)
        return true;
    stop = memchr(start, '&', (size_t)(end - start));
    if (!stop)
        stop = end;
    equals = memchr(start, '=', (size_t)(stop - start));
    if (!equals)
        equals = stop;
    *p = stop;
    *name = decode_query(arena, start, (size_t)(equals - start), &name_len);
    if (equals < stop)
        equals++;
    *value = decode_query(arena, equals, (size_t)(stop - equals), value_len);
    return *name && *value;
}

const char *http_query(const struct http_request *r, const char *name)
{
    const struct http_x *x = r->impl;
    const char *p = x->query, *end = p + strlen(p), *key, *value;
    size_t value_len;

    while (http_query_next(&p, end, r->arena, &key, &value, &value_len) && key) {
        if (strcmp(key, name) == 0)
            return value;
    }
    return NULL;
}

const struct http_part *http_part_find(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_parts; i++) {
        if (strcmp(r->parts[i].name, name) == 0)
            return &r->parts[i];
    }
    return NULL;
}
