/* The server over real sockets: requests, bodies, files, limits, stopping. */

#include "http_app.h"
#include "http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct app app;

static int start(void **state)
{
    (void)state;
    app_start(&app, (struct http_config){ 0 });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    app_release(&app);
    app_stop(&app);
    return 0;
}

static uint16_t port(void)
{
    return http_port(app.server);
}

/* What goes in, and the status and a part of head or body that come out. */
static const struct {
    const char *label, *request;
    int status;
    const char *holds;
} asks[] = {
    { "a plain get", "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 200, "hello" },
    { "a query is decoded", "GET /hello?x=1&name=a+b%C3%A4 HTTP/1.1\r\nHost: a\r\n\r\n", 200,
        "a bä" },
    { "an unknown path", "GET /what%20is HTTP/1.1\r\nHost: a\r\n\r\n", 404, "/what is" },
    { "head has no body", "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n", 200, "Content-Length: 5\r\n" },
    { "a request id is kept", "GET /hello HTTP/1.1\r\nHost: a\r\nX-Request-Id: ab.c-1\r\n\r\n", 200,
        "X-Request-Id: ab.c-1\r\n" },
    { "HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", 200, "hello" },
    { "an absolute address", "GET http://a:1/hello HTTP/1.1\r\nHost: a:1\r\n\r\n", 200, "hello" },
    { "a body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", 200, "abcd" },
    { "a chunked body",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n",
        200, "abcde" },
    { "a quick handler", "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n", 200, "Content-Length: 0\r\n" },
    { "a quick handler with a body",
        "POST /quick HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", 200, "abcd" },
    { "an expected body",
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        200, "ab" },
    { "an urlencoded form",
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: 12\r\n\r\na=1&b=%22x+y",
        200, "a = 1 (1)\nb = \"x y (4)\n" },
    { "a route that refuses", "GET /refused HTTP/1.1\r\nHost: a\r\n\r\n", 403, "refused" },
    { "a small body that nobody wants",
        "GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxx", 200, "hello" },
    { "a small body that is refused",
        "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxx", 403, "refused" },
    { "a form without a boundary",
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data\r\nContent-Length: "
        "2\r\n\r\nxx",
        400, "the form's Content-Type has no boundary of 1 to 70 characters" },
    { "a form that ends early",
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        "Content-Length: 3\r\n\r\n--b",
        400, "the form is malformed: it ends before its closing boundary" },
    { "a declared body over the limit",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", 413,
        "the request is larger than the limit of 1 MB" },
    { "a declared body over the limit, before 100 Continue",
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n",
        413, "Connection: close\r\n" },
    { "another expectation", "GET /hello HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n", 417,
        "the only expectation known is 100-continue" },
};

static void test_asks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        struct response r;
        int status = client_ask(port(), asks[i].request, &r);

        if (status != asks[i].status ||
            (!strstr(r.head, asks[i].holds) && !strstr(r.body, asks[i].holds)))
            fail_msg("%s: got %d\n%s%s", asks[i].label, status, r.head, r.body);
        response_free(&r);
    }
}

/* Refused with 400, closed, and never seen as a second request. */
static const struct {
    const char *label, *request;
} smuggled[] = {
    { "length and chunked", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: "
                            "5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "two lengths",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nabcde" },
    { "two equal lengths",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na" },
    { "a list of lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5,5\r\n\r\nabcde" },
    { "a signed length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde" },
    { "a hexadecimal length",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nabcde" },
    { "an unknown coding",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
    { "two codings",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" },
    { "coding twice", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                      "chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "0\r\n\r\n" },
    { "chunked in HTTP/1.0",
        "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "a folded line", "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n" },
    { "a bare LF between headers", "GET /hello HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n" },
    { "a bare LF behind the request line", "GET /hello HTTP/1.1\nHost: a\r\n\r\n" },
    { "a bare LF at the end", "GET /hello HTTP/1.1\r\nHost: a\r\n\n" },
    { "a bare CR in a value", "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: b\rc: d\r\n\r\n" },
    { "a blank before the colon", "GET /hello HTTP/1.1\r\nHost : a\r\n\r\n" },
    { "a blank before a name", "GET /hello HTTP/1.1\r\n Host: a\r\n\r\n" },
    { "an empty name", "GET /hello HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n" },
    { "a name that is no token", "GET /hello HTTP/1.1\r\nHost: a\r\nX[]: b\r\n\r\n" },
    { "a control character", "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: b\x01\r\n\r\n" },
    { "no host", "GET /hello HTTP/1.1\r\nX-A: b\r\n\r\n" },
    { "two hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" },
    { "a bad host", "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n" },
    { "two hosts in one request", "GET http://b/hello HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "another version", "GET /hello HTTP/1.32\r\nHost: a\r\n\r\n" },
    { "two blanks", "GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "a method that is no token", "G(T /hello HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "a fragment", "GET /hello#x HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "an encoded NUL", "GET /hello%00 HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "overlong UTF-8", "GET /%c0%af HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "dots", "GET /a/../hello HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "encoded dots", "GET /a/..%2fhello HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "a broken escape", "GET /hello%2 HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "no slash", "GET hello HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "a chunk size with an underscore", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                         "chunked\r\n\r\n0_2\r\nab\r\n0\r\n\r\n" },
    { "a chunk size with a prefix", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                    "chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n" },
    { "a chunk without its end",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n" },
};

static void test_smuggling(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(smuggled); i++) {
        struct client c;
        struct response r;
        const char *second = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";

        client_open(&c, port());
        client_says(&c, smuggled[i].request);
        (void)client_try_send(&c, second, strlen(second));
        client_response(&c, &r, false);
        if (r.status != 400)
            fail_msg("%s: got %d\n%s%s", smuggled[i].label, r.status, r.head, r.body);
        while (!client_is_closed(&c)) { /* The library says some of its own refusals twice. */
            if (strstr(c.in + c.at, "/second") || strstr(c.in + c.at, " 404 "))
                fail_msg("%s: answered twice: %s", smuggled[i].label, c.in + c.at);
            c.at = c.len;
        }
        response_free(&r);
        client_close(&c);
    }
}

static void test_nul_in_headers(void **state)
{
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n";
    struct client c;
    struct response r;

    (void)state;
    client_open(&c, port());
    client_send(&c, request, sizeof request - 1);
    client_response(&c, &r, false);
    assert_int_equal(r.status, 400);
    response_free(&r);
    client_close(&c);
}

static void test_large_headers(void **state)
{
    static const struct {
        int target, header, status;
    } cases[] = { { 8000, 0, 404 }, { 9000, 0, 414 }, { 10, 15000, 404 }, { 10, 17000, 431 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *request = malloc(32768), *p = request;
        struct response r;

        assert_non_null(request);
        p += sprintf(p, "GET /");
        memset(p, 'a', (size_t)cases[i].target);
        p += cases[i].target;
        p += sprintf(p, " HTTP/1.1\r\nHost: a\r\nX: ");
        memset(p, 'b', (size_t)cases[i].header);
        p += cases[i].header;
        strcpy(p, "\r\n\r\n");
        assert_int_equal(client_ask(port(), request, &r), cases[i].status);
        response_free(&r);
        free(request);
    }
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        struct client c;
        struct response r;
        bool open = true;

        client_open(&c, port());
        for (const char *p = asks[i].request; *p && open; p++)
            open = client_try_send(&c, p, 1);
        client_response(&c, &r, strncmp(asks[i].request, "HEAD", 4) == 0);
        if (r.status != asks[i].status)
            fail_msg("%s: got %d\n%s%s", asks[i].label, r.status, r.head, r.body);
        response_free(&r);
        client_close(&c);
    }
}

static void test_pipelining(void **state)
{
    struct client c;
    struct response r;
    char text[128];

    (void)state;
    client_open(&c, port());
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text,
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04d", i);
        client_says(&c, text);
    }
    for (int i = 0; i < 100; i++) {
        client_response(&c, &r, false);
        snprintf(text, sizeof text, "%04d", i);
        assert_string_equal(r.body, text);
        response_free(&r);
    }
    client_close(&c);
}

static void test_connection_stays_after_refusals(void **state)
{
    struct client c;
    struct response r;

    (void)state;
    client_open(&c, port());
    client_says(&c, "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxx");
    client_response(&c, &r, false);
    assert_int_equal(r.status, 403);
    response_free(&r);
    client_says(&c, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    client_response(&c, &r, false);
    assert_int_equal(r.status, 200);
    response_free(&r);
    client_close(&c);
}

/* --- Uploads --- */

static long resident_kb(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long total, pages = 0;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &total, &pages), 2);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Send a form with a field and a file of `n` bytes. False when the server stopped reading. */
static bool send_form(struct client *c, size_t n, bool chunked)
{
    static const char head[] =
        "--xyz\r\nContent-Disposition: form-data; name=\"mode\"\r\n\r\nfast\r\n"
        "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"gr\xc3\xb6\xc3\x9f"
        "e.csv\"\r\n"
        "Content-Type: text/csv\r\n\r\n";
    static const char tail[] = "\r\n--xyz--\r\n";
    static char block[65536];
    size_t total = sizeof head - 1 + n + sizeof tail - 1, left = n;
    char text[256];
    bool ok;

    memset(block, '\r', sizeof block);
    snprintf(text, sizeof text,
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=xyz\r\n");
    client_says(c, text);
    if (chunked)
        snprintf(text, sizeof text, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", sizeof head - 1);
    else
        snprintf(text, sizeof text, "Content-Length: %zu\r\n\r\n", total);
    client_says(c, text);
    ok = client_try_send(c, head, sizeof head - 1);
    while (ok && left > 0) {
        size_t part = left < sizeof block ? left : sizeof block;

        if (chunked) {
            snprintf(text, sizeof text, "\r\n%zx\r\n", part);
            ok = client_try_send(c, text, strlen(text));
        }
        ok = ok && client_try_send(c, block, part);
        left -= part;
    }
    if (ok && chunked) {
        snprintf(text, sizeof text, "\r\n%zx\r\n", sizeof tail - 1);
        ok = client_try_send(c, text, strlen(text));
    }
    ok = ok && client_try_send(c, tail, sizeof tail - 1);
    return ok && (!chunked || client_try_send(c, "\r\n0\r\n\r\n", 7));
}

static void test_uploads(void **state)
{
    struct client c;
    struct response r;
    char want[128];

    (void)state;
    for (int chunked = 0; chunked < 2; chunked++) {
        long before = resident_kb();

        client_open(&c, port());
        assert_true(send_form(&c, APP_UPLOAD_MAX - 4, chunked));
        client_response(&c, &r, false);
        snprintf(want, sizeof want, "mode = fast (4)\nfile file größe.csv %d ", APP_UPLOAD_MAX - 4);
        if (r.status != 200 || strncmp(r.body, want, strlen(want)) != 0)
            fail_msg("got %d %s", r.status, r.body);
        assert_int_equal(app_files(&app), 0);
        response_free(&r);
        client_close(&c);
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) /* They keep books of their own. */
        assert_true(resident_kb() - before < 4096);
#else
        (void)before;
#endif
    }
}

static void test_uploads_over_the_limit(void **state)
{
    static const size_t sizes[] = { APP_UPLOAD_MAX - 3, APP_UPLOAD_MAX + (70 << 10),
        4 * APP_UPLOAD_MAX };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        struct client c;
        struct response r;

        client_open(&c, port());
        (void)send_form(&c, sizes[i / 2], i % 2);
        client_response(&c, &r, false);
        if (r.status != 413)
            fail_msg("%zu bytes: got %d %s", sizes[i / 2], r.status, r.body);
        response_free(&r);
        client_close(&c);
    }
}

static void test_endless_body(void **state)
{
    static char chunk[65536 + 9];
    struct client c;
    struct response r;
    struct timeval limit = { .tv_sec = 1 };
    bool open = true;

    (void)state;
    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, 'x', 65536);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    client_open(&c, port());
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    client_says(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 200 && open; i++)
        open = client_try_send(&c, chunk, sizeof chunk);
    client_response(&c, &r, false);
    assert_int_equal(r.status, 413);
    response_free(&r);
    client_close(&c);
}

/* Wherever the client stops, what it sent is removed soon. */
static void test_uploads_that_break_off(void **state)
{
    static const char head[] =
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n"
        "Content-Type: multipart/form-data; boundary=xyz\r\n\r\n"
        "--xyz\r\nContent-Disposition: form-data; name=f; filename=a.csv\r\n\r\n";
    char *block = calloc(1, 1 << 20);

    (void)state;
    assert_non_null(block);
    for (size_t n = 100; n <= 1 << 20; n = n * 3 / 2) {
        struct client c;

        client_open(&c, port());
        client_says(&c, head);
        client_send(&c, block, n);
        client_close(&c);
    }
    for (int i = 0; i < 200000 && app_files(&app) > 0; i++) {
        struct response r;

        client_ask(port(), "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", &r);
        response_free(&r);
    }
    assert_int_equal(app_files(&app), 0);
    free(block);
}

/* --- Files --- */

static void test_ranges(void **state)
{
    static const struct {
        const char *label, *headers;
        int status;
        size_t len;
        char first;
        const char *range;
    } cases[] = {
        { "all of it", "", 200, APP_FILE_BYTES, 'a', NULL },
        { "the first bytes", "Range: bytes=0-9\r\n", 206, 10, 'a', "bytes 0-9/10000" },
        { "from the middle", "Range: bytes=9990-\r\n", 206, 10, 'a' + 9990 % 26,
            "bytes 9990-9999/10000" },
        { "the last bytes", "Range: bytes=-5\r\n", 206, 5, 'a' + 9995 % 26,
            "bytes 9995-9999/10000" },
        { "over the end", "Range: bytes=9999-20000\r\n", 206, 1, 'a' + 9999 % 26,
            "bytes 9999-9999/10000" },
        { "outside", "Range: bytes=10000-\r\n", 416, 48, 't', "bytes */10000" },
        { "two ranges", "Range: bytes=0-1,5-6\r\n", 200, APP_FILE_BYTES, 'a', NULL },
        { "the same version", "Range: bytes=0-9\r\nIf-Range: \"v1\"\r\n", 206, 10, 'a',
            "bytes 0-9/10000" },
        { "another version", "Range: bytes=0-9\r\nIf-Range: \"v2\"\r\n", 200, APP_FILE_BYTES, 'a',
            NULL },
        { "not changed", "If-None-Match: \"v0\", W/\"v1\"\r\n", 304, 0, '\0', NULL },
        { "changed", "If-None-Match: \"v0\"\r\n", 200, APP_FILE_BYTES, 'a', NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char request[256];
        struct response r;
        const char *range;

        snprintf(
            request, sizeof request, "GET /file HTTP/1.1\r\nHost: a\r\n%s\r\n", cases[i].headers);
        client_ask(port(), request, &r);
        range = response_header(&r, "Content-Range");
        if (r.status != cases[i].status || r.len != cases[i].len || r.body[0] != cases[i].first ||
            (range != NULL) != (cases[i].range != NULL) ||
            (range && strcmp(range, cases[i].range) != 0))
            fail_msg("%s: %s%s", cases[i].label, r.head, r.body);
        if (r.status == 200 || r.status == 206)
            assert_string_equal(response_header(&r, "Accept-Ranges"), "bytes");
        response_free(&r);
    }
}

static void test_head_of_a_file(void **state)
{
    struct response r;

    (void)state;
    assert_int_equal(
        client_ask(port(), "HEAD /file HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n", &r), 200);
    assert_string_equal(response_header(&r, "Content-Length"), "10000");
    assert_string_equal(response_header(&r, "ETag"), "\"v1\"");
    response_free(&r);
}

/* --- Handlers that wait --- */

static void test_blocked_handlers_do_not_block_others(void **state)
{
    struct client slow[6];
    struct response r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) { /* More than there are threads. */
        client_open(&slow[i], port());
        client_says(&slow[i], "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    app_wait_slow(&app, (int)ARRAY_LEN(slow));
    assert_int_equal(client_ask(port(), "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", &r), 200);
    response_free(&r);
    app_release(&app);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        client_response(&slow[i], &r, false);
        assert_string_equal(r.body, "slow");
        response_free(&r);
        client_close(&slow[i]);
    }
}

static void test_deferred_reply(void **state)
{
    struct response r;

    (void)state;
    assert_int_equal(client_ask(port(), "GET /later HTTP/1.1\r\nHost: a\r\n\r\n", &r), 200);
    assert_string_equal(r.body, "later");
    response_free(&r);
}

/* --- Deadlines and limits --- */

static int start_hasty(void **state)
{
    (void)state;
    app_start(&app, (struct http_config){ .headers_ms = 300,
                        .body_grace_ms = 300,
                        .timeout_s = 1,
                        .max_per_address = 3,
                        .limit_loopback = true });
    return 0;
}

static void test_slow_clients_are_cut_off(void **state)
{
    static const char *const says[] = {
        "",
        "GET /hello HT",
        "GET /hello HTTP/1.1\r\nHost: a\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(says); i++) {
        struct client c;

        client_open(&c, port());
        client_says(&c, says[i]);
        assert_true(client_is_closed(&c)); /* Waits for it. */
        client_close(&c);
    }
}

static void test_idle_connections_are_closed(void **state)
{
    struct client c;
    struct response r;

    (void)state;
    client_open(&c, port());
    client_says(&c, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    client_response(&c, &r, false);
    response_free(&r);
    assert_true(client_is_closed(&c));
    client_close(&c);
}

static void test_connections_from_one_address(void **state)
{
    struct client c[4];
    struct response r;

    (void)state;
    for (int i = 0; i < 3; i++) {
        client_open(&c[i], port());
        client_says(&c[i], "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        client_response(&c[i], &r, false);
        assert_int_equal(r.status, 200);
        response_free(&r);
    }
    client_open(&c[3], port());
    assert_true(client_is_closed(&c[3]));
    for (int i = 0; i < 4; i++)
        client_close(&c[i]);
}

/* --- Stopping --- */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *stop_thread(void *arg)
{
    http_stop(arg, 3000);
    return NULL;
}

static void test_stop_lets_exchanges_finish(void **state)
{
    struct app mine;
    struct client slow, idle;
    struct response r;
    pthread_t thread;
    int64_t begun;

    (void)state;
    app_start(&mine, (struct http_config){ 0 });
    client_open(&idle, http_port(mine.server));
    client_says(&idle, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    client_response(&idle, &r, false);
    response_free(&r);
    client_open(&slow, http_port(mine.server));
    client_says(&slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    app_wait_slow(&mine, 1);
    begun = now_ms();
    assert_int_equal(pthread_create(&thread, NULL, stop_thread, mine.server), 0);
    assert_true(client_is_closed(&idle));
    app_release(&mine);
    client_response(&slow, &r, false);
    assert_string_equal(r.body, "slow");
    assert_string_equal(response_header(&r, "Connection"), "close");
    response_free(&r);
    pthread_join(thread, NULL);
    assert_true(now_ms() - begun < 3000);
    client_close(&slow);
    client_close(&idle);
    mine.server = NULL;
    app_stop(&mine);
}

static void test_stop_cuts_off_after_grace(void **state)
{
    struct app mine;
    struct client half;
    int64_t begun;

    (void)state;
    app_start(&mine, (struct http_config){ 0 });
    client_open(&half, http_port(mine.server));
    client_says(&half, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab");
    begun = now_ms();
    http_stop(mine.server, 200);
    assert_true(now_ms() - begun < 2000);
    assert_true(client_is_closed(&half));
    client_close(&half);
    mine.server = NULL;
    app_stop(&mine);
}

static void test_taken_port(void **state)
{
    struct http_config config = { .host = "127.0.0.1", .port = port() };
    struct http_app none = { 0 };
    struct http_server *s = NULL;
    struct err err = { 0 };
    char want[128];

    (void)state;
    assert_false(http_start(&config, &none, &s, &err));
    snprintf(want, sizeof want, "cannot listen on 127.0.0.1:%u: another program is using this port",
        port());
    assert_string_equal(err.text, want);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, start, stop)
#define HASTY(test) cmocka_unit_test_setup_teardown(test, start_hasty, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_asks),
        WITH(test_smuggling),
        WITH(test_nul_in_headers),
        WITH(test_large_headers),
        WITH(test_byte_by_byte),
        WITH(test_pipelining),
        WITH(test_connection_stays_after_refusals),
        WITH(test_uploads),
        WITH(test_uploads_over_the_limit),
        WITH(test_endless_body),
        WITH(test_uploads_that_break_off),
        WITH(test_ranges),
        WITH(test_head_of_a_file),
        WITH(test_blocked_handlers_do_not_block_others),
        WITH(test_deferred_reply),
        HASTY(test_slow_clients_are_cut_off),
        HASTY(test_idle_connections_are_closed),
        HASTY(test_connections_from_one_address),
        WITH(test_taken_port),
        cmocka_unit_test(test_stop_lets_exchanges_finish),
        cmocka_unit_test(test_stop_cuts_off_after_grace),
    };

    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
