/* WebSockets and event streams over real sockets. */

#include "http_app.h"
#include "http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

static struct app app;

static int start(void **state)
{
    (void)state;
    app_start(&app, (struct http_config){ .ws_port_any = true });
    return 0;
}

static int start_small(void **state)
{
    (void)state;
    app_start(&app, (struct http_config){ .max_watchers = 2,
                        .ping_interval_s = 1,
                        .ping_timeout_s = 1,
                        .heartbeat_ms = 300,
                        .key_ms = 200 });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    app_stop(&app);
    return 0;
}

static void hello(struct client *c, const char *path)
{
    memset(c, 0, sizeof *c);
    assert_int_equal(ws_hello(c, http_port(app.server), path), 101);
}

/* --- Conversation --- */

static void test_small_talk(void **state)
{
    struct client c;

    (void)state;
    hello(&c, "/chat/c1");
    ws_expect_text(&c, "{\"type\":\"connected\",\"chat_id\":\"c1\",\"seq\":0,\"timestamp\":\"2");
    ws_says(&c, "ping");
    ws_expect_text(&c, "{\"type\":\"pong\",\"timestamp\":");
    ws_says(&c, "{\"type\": \"ping\"}");
    ws_expect_text(&c, "\"pong\"");
    ws_says(&c, "{\"type\":\"what\",\"x\":[1,2]}");
    ws_expect_text(
        &c, "{\"type\":\"ack\",\"original\":{\"type\":\"what\",\"x\":[1,2]},\"timestamp\":");
    ws_says(&c, "[1]");
    ws_expect_text(&c, "\"original\":[1]");
    ws_says(&c, "nonsense");
    ws_expect_text(
        &c, "{\"type\":\"error\",\"message\":\"the message is not JSON\",\"timestamp\":");
    ws_send_frame(&c, 0x82, "ping", 4);
    ws_expect_text(&c, "\"pong\"");
    client_close(&c);
}

static void test_close_by_the_client(void **state)
{
    struct client c;

    (void)state;
    hello(&c, "/chat/c1");
    ws_expect_text(&c, "connected");
    ws_send_frame(&c, 0x88, "\x03\xe8", 2);
    assert_int_equal(ws_expect_close(&c), 1000);
    assert_true(client_is_closed(&c));
    client_close(&c);
}

static void test_both_ports(void **state)
{
    struct client c = { 0 }, old = { 0 };
    struct response r;

    (void)state;
    assert_int_not_equal(http_ws_port(app.server), 0);
    assert_int_equal(ws_hello(&old, http_ws_port(app.server), "/chat/c1"), 101);
    hello(&c, "/chat/c1");
    ws_expect_text(&old, "connected");
    ws_expect_text(&c, "connected");
    app_event(&app, 0);
    ws_expect_text(&old, "\"seq\":1");
    ws_expect_text(&c, "\"seq\":1");
    assert_int_equal(
        client_ask(http_ws_port(app.server), "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", &r), 426);
    response_free(&r);
    client_close(&c);
    client_close(&old);
}

static void test_unknown_conversation(void **state)
{
    struct client c;

    (void)state;
    hello(&c, "/chat/none");
    ws_expect_text(&c, "\"message\":\"there is no such conversation\"");
    assert_int_equal(ws_expect_close(&c), 4404);
    client_close(&c);
}

static void test_subscribe(void **state)
{
    struct client c;

    (void)state;
    hello(&c, "/chat/other");
    ws_expect_text(&c, "\"chat_id\":\"other\"");
    app_event(&app, 0);
    ws_says(&c, "{\"type\":\"subscribe\",\"chat_id\":\"none\"}");
    ws_expect_text(&c, "\"error\",\"message\":\"there is no such conversation\"");
    ws_says(&c, "{\"type\":\"subscribe\"}");
    ws_expect_text(&c, "\"error\",\"message\":\"subscribe needs a chat_id\"");
    ws_says(&c, "{\"type\":\"subscribe\",\"chat_id\":\"c1\"}");
    ws_expect_text(&c, "{\"type\":\"connected\",\"chat_id\":\"c1\",\"seq\":1");
    app_event(&app, 0);
    ws_expect_text(&c, "\"seq\":2");
    ws_says(&c, "{\"type\":\"subscribe\",\"chat_id\":\"c1\",\"since\":0}");
    ws_expect_text(&c, "\"connected\"");
    ws_expect_text(&c, "\"seq\":1");
    ws_expect_text(&c, "\"seq\":2");
    client_close(&c);
}

static void test_deleted_conversation(void **state)
{
    struct client c, other;

    (void)state;
    hello(&c, "/chat/c1");
    hello(&other, "/chat/c2");
    ws_expect_text(&c, "connected");
    ws_expect_text(&other, "connected");
    http_drop_watchers(app.server, "c1");
    ws_expect_text(&c, "the conversation has been deleted");
    assert_int_equal(ws_expect_close(&c), 4404);
    ws_says(&other, "ping");
    ws_expect_text(&other, "pong");
    client_close(&c);
    client_close(&other);
}

/* --- Keys --- */

static void test_a_key_as_the_first_message(void **state)
{
    struct client c, stranger;

    (void)state;
    hello(&c, "/keyed/c1");
    ws_says(&c, "ping"); /* Small talk needs none, ... */
    ws_expect_text(&c, "pong");
    app_event(&app, 0); /* ... but nothing else is heard. */
    ws_says(&c, "{\"type\":\"authenticate\",\"key\":\"good\"}");
    ws_expect_text(&c, "{\"type\":\"authenticated\",\"timestamp\":");
    ws_expect_text(&c, "{\"type\":\"connected\",\"chat_id\":\"c1\",\"seq\":1,");
    app_event(&app, 0);
    ws_expect_text(&c, "\"seq\":2");
    ws_says(&c, "{\"type\":\"authenticate\",\"key\":\"good\"}");
    ws_expect_text(&c, "nothing is to be authenticated here");

    hello(&stranger, "/chat/c1");
    ws_expect_text(&stranger, "connected");
    app_ban(&app);
    ws_expect_text(&c, "the key is not valid any more");
    assert_int_equal(ws_expect_close(&c), 4401);
    ws_says(&stranger, "ping");
    ws_expect_text(&stranger, "pong");
    client_close(&c);
    client_close(&stranger);
}

static void test_keys_that_do_not_open(void **state)
{
    static const char *const said[] = {
        "{\"type\":\"authenticate\",\"key\":\"bad\"}",
        "{\"type\":\"authenticate\",\"key\":7}",
        "{\"type\":\"authenticate\"}",
        ("{\"type\":\"authenticate\",\"key\":\"good good good good good good good good good good "
         "good good good good good good good good good good good good good good good good good\"}"),
    };
    struct client c;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        hello(&c, "/keyed/c1");
        ws_says(&c, said[i]);
        ws_expect_text(&c, "the key is not valid");
        assert_int_equal(ws_expect_close(&c), 4401);
        client_close(&c);
    }
    hello(&c, "/keyed/none");
    ws_says(&c, said[0]);
    ws_expect_text(&c, "the key is not valid");
    client_close(&c);
    hello(&c, "/keyed/none");
    ws_says(&c, "{\"type\":\"authenticate\",\"key\":\"good\"}");
    ws_expect_text(&c, "authenticated");
    ws_expect_text(&c, "there is no such conversation");
    assert_int_equal(ws_expect_close(&c), 4404);
    client_close(&c);
}

static void test_no_key_in_time(void **state)
{
    struct client c;

    (void)state;
    hello(&c, "/keyed/c1");
    ws_says(&c, "{\"type\":\"subscribe\",\"chat_id\":\"c1\"}");
    ws_expect_text(&c, "no key was sent");
    assert_int_equal(ws_expect_close(&c), 4401);
    client_close(&c);
}

/* --- The protocol --- */

static const struct {
    const char *label;
    int first_byte;
    const char *payload;
    size_t n;
    int close;
} broken[] = {
    { "bad UTF-8", 0x81, "\xff\xfe", 2, 1007 },
    { "half a character", 0x81, "\xe2\x82", 2, 1007 },
    { "a reserved bit", 0xc1, "x", 1, 1002 },
    { "a reserved opcode", 0x83, "x", 1, 1002 },
    { "a continuation of nothing", 0x80, "x", 1, 1002 },
    { "a fragmented ping", 0x09, "x", 1, 1002 },
    { "a bad close code", 0x88, "\x03\xec", 2, 1002 },
    { "half a close code", 0x88, "\x03", 1, 1002 },
};

static void test_protocol_errors(void **state)
{
    static char large[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct client c;
        int code;

        hello(&c, "/chat/c1");
        ws_expect_text(&c, "connected");
        ws_send_frame(&c, broken[i].first_byte, broken[i].payload, broken[i].n);
        code = ws_expect_close(&c);
        if (code != broken[i].close)
            fail_msg("%s: closed %d", broken[i].label, code);
        client_close(&c);
    }
    for (int i = 0; i < 2; i++) { /* Not masked; a control frame that is too long. */
        struct client c;

        hello(&c, "/chat/c1");
        ws_expect_text(&c, "connected");
        if (i == 0)
            client_send(&c, "\x81\x01x", 3);
        else
            ws_send_frame(&c, 0x89, large, sizeof large);
        assert_int_equal(ws_expect_close(&c), 1002);
        client_close(&c);
    }
}

static void test_fragments(void **state)
{
    struct client c;
    struct frame f;

    (void)state;
    hello(&c, "/chat/c1");
    ws_expect_text(&c, "connected");
    ws_send_frame(&c, 0x01, "{\"type\":\"\xc3", 10); /* Cut within a character. */
    ws_send_frame(&c, 0x89, "between", 7);
    ws_send_frame(&c, 0x00, "", 0);
    ws_send_frame(&c, 0x80, "\xa4\"}", 3);
    assert_true(ws_read_frame(&c, &f));
    assert_int_equal(f.opcode, 10);
    assert_string_equal(f.data, "between");
    free(f.data);
    ws_expect_text(&c, "\"original\":{\"type\":\"ä\"}");
    client_close(&c);
}

static void test_message_size(void **state)
{
    enum { MOST = 64 << 10 };
    struct client c;
    char *text = malloc(MOST + 2);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', MOST + 1);
    text[0] = '"';
    text[MOST - 1] = '"';
    hello(&c, "/chat/c1");
    ws_expect_text(&c, "connected");
    ws_send_frame(&c, 0x81, text, MOST);
    ws_expect_text(&c, "\"original\":\"xxx");
    ws_send_frame(&c, 0x81, text, MOST + 1);
    assert_int_equal(ws_expect_close(&c), 1009);
    client_close(&c);
    hello(&c, "/chat/c1");
    ws_expect_text(&c, "connected");
    ws_send_frame(&c, 0x01, text, MOST / 2); /* The same in fragments. */
    ws_send_frame(&c, 0x00, text, MOST / 2);
    ws_send_frame(&c, 0x80, text, 1);
    assert_int_equal(ws_expect_close(&c), 1009);
    client_close(&c);
    free(text);
}

static void test_frames_byte_by_byte(void **state)
{
    static const unsigned char ping[] = { 0x81, 0x84, 1, 2, 3, 4, 'p' ^ 1, 'i' ^ 2, 'n' ^ 3,
        'g' ^ 4 };
    struct client c;

    (void)state;
    hello(&c, "/chat/c1");
    ws_expect_text(&c, "connected");
    for (size_t i = 0; i < sizeof ping; i++)
        client_send(&c, ping + i, 1);
    ws_expect_text(&c, "pong");
    for (int i = 0; i < 50; i++) /* And many at once. */
        client_send(&c, ping, sizeof ping);
    for (int i = 0; i < 50; i++)
        ws_expect_text(&c, "pong");
    client_close(&c);
}

static void test_handshakes(void **state)
{
    static const struct {
        const char *label, *headers;
        int status;
    } cases[] = {
        { "no key", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
            426 },
        { "a short key",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: abc=\r\n",
            426 },
        { "a key that is no base64",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n",
            426 },
        { "another version",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            426 },
        { "no Connection: Upgrade",
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            426 },
        { "another upgrade", "Upgrade: h2c\r\nConnection: Upgrade\r\n", 404 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char request[512];
        struct response r;
        int status;

        snprintf(request, sizeof request, "GET /chat/c1 HTTP/1.1\r\nHost: a\r\n%s\r\n",
            cases[i].headers);
        status = client_ask(http_port(app.server), request, &r);
        if (status != cases[i].status)
            fail_msg("%s: got %d", cases[i].label, status);
        if (status == 426)
            assert_string_equal(response_header(&r, "Sec-WebSocket-Version"), "13");
        response_free(&r);
    }
}

static void test_handshake_in_pieces(void **state)
{
    static const char request[] =
        "GET /chat/c1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        "\x81\x84\1\2\3\4qkmc"; /* Not waiting for the answer. */
    struct client c;
    struct response r;

    (void)state;
    client_open(&c, http_port(app.server));
    for (size_t i = 0; i < sizeof request - 1; i++)
        client_send(&c, request + i, 1);
    client_response(&c, &r, false);
    assert_int_equal(r.status, 101);
    response_free(&r);
    for (int i = 0; i < 2; i++) { /* In either order. */
        struct frame f;

        assert_true(ws_read_frame(&c, &f));
        assert_true(strstr(f.data, "pong") || strstr(f.data, "connected"));
        free(f.data);
    }
    client_close(&c);
}

static void test_foreign_origin(void **state)
{
    struct client c;
    struct response r;

    (void)state;
    client_open(&c, http_port(app.server));
    client_says(&c,
        "GET /chat/c1 HTTP/1.1\r\nHost: a\r\nOrigin: http://evil\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    client_response(&c, &r, false);
    assert_int_equal(r.status, 101);
    response_free(&r);
    ws_expect_text(&c, "this origin may not connect");
    assert_int_equal(ws_expect_close(&c), 1008);
    client_close(&c);
}

/* --- Replay --- */

static void expect_seqs(struct client *c, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++) {
        char part[32];

        snprintf(part, sizeof part, "\"seq\":%llu,", (unsigned long long)seq);
        ws_expect_text(c, part);
    }
}

static void test_replay(void **state)
{
    struct client c;

    (void)state;
    for (int i = 0; i < 1000; i++)
        app_event(&app, 20);
    hello(&c, "/chat/c1?since=0");
    ws_expect_text(&c, "\"connected\",\"chat_id\":\"c1\",\"seq\":1000");
    expect_seqs(&c, 1, 1000);
    app_event(&app, 0);
    expect_seqs(&c, 1001, 1001);
    client_close(&c);
    hello(&c, "/chat/c1?since=998");
    ws_expect_text(&c, "connected");
    expect_seqs(&c, 999, 1001);
    client_close(&c);
    hello(&c, "/chat/c1?since=5000"); /* From before the store was restored. */
    ws_expect_text(&c, "connected");
    app_event(&app, 0);
    expect_seqs(&c, 1002, 1002);
    client_close(&c);
}

static void *publish_many(void *arg)
{
    for (int i = 0; i < *(int *)arg; i++)
        app_event(&app, 200);
    return NULL;
}

/* Watchers that come while events are published get each exactly once, in order. */
static void test_replay_meets_live(void **state)
{
    enum { BEFORE = 300, DURING = 5000, CLIENTS = 20 };
    struct client c[CLIENTS];
    pthread_t thread;
    int n = DURING;

    (void)state;
    for (int i = 0; i < BEFORE; i++)
        app_event(&app, 200);
    assert_int_equal(pthread_create(&thread, NULL, publish_many, &n), 0);
    for (int i = 0; i < CLIENTS; i++)
        hello(&c[i], "/chat/c1?since=0");
    for (int i = 0; i < CLIENTS; i++) {
        ws_expect_text(&c[i], "connected");
        expect_seqs(&c[i], 1, BEFORE + DURING);
        client_close(&c[i]);
    }
    pthread_join(thread, NULL);
}

/* More than the queue holds: the replay waits for the reader instead of dropping it. */
static void test_large_replay(void **state)
{
    struct client c = { 0 };

    (void)state;
    for (int i = 0; i < 3000; i++)
        app_event(&app, 4000);
    client_open_small(&c, http_port(app.server), 4096);
    assert_int_equal(ws_hello(&c, http_port(app.server), "/chat/c1?since=0"), 101);
    ws_expect_text(&c, "connected");
    expect_seqs(&c, 1, 1500);
    for (int i = 0; i < 500; i++) /* More than can be held meanwhile. */
        app_event(&app, 4000);
    expect_seqs(&c, 1501, 3500);
    app_event(&app, 0);
    expect_seqs(&c, 3501, 3501);
    client_close(&c);
}

/* --- Slow readers and many readers --- */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void test_slow_reader(void **state)
{
    struct client slow = { 0 }, quick;
    struct frame f;
    uint64_t seq = 0;
    int code = 0;

    (void)state;
    client_open_small(&slow, http_port(app.server), 4096);
    assert_int_equal(ws_hello(&slow, http_port(app.server), "/chat/c1"), 101);
    ws_expect_text(&slow, "connected");
    hello(&quick, "/chat/c1");
    ws_expect_text(&quick, "connected");
    for (int i = 0; i < 3000; i++) { /* 12 MB, and the quick one gets each at once. */
        seq = app_event(&app, 4000);
        expect_seqs(&quick, seq, seq);
    }
    seq = 0;
    while (
        code == 0 && ws_read_frame(&slow, &f)) { /* What it got has no gap, then comes the close. */
        if (f.opcode == 8) {
            code = (unsigned char)f.data[0] << 8 | (unsigned char)f.data[1];
        } else {
            char part[32];

            snprintf(part, sizeof part, "\"seq\":%llu,", (unsigned long long)++seq);
            if (!strstr(f.data, part))
                fail_msg("expected %s, got %.60s", part, f.data);
        }
        free(f.data);
    }
    assert_int_equal(code, 1013);
    assert_true(seq < 3000);
    client_close(&slow);
    client_close(&quick);
}

static void test_progress_is_merged(void **state)
{
    struct client slow = { 0 };
    struct frame f;
    int last = -1, n = 0;
    char *pad = malloc(10001);

    (void)state;
    assert_non_null(pad);
    memset(pad, 'x', 10000);
    pad[10000] = '\0';
    client_open_small(&slow, http_port(app.server), 4096);
    assert_int_equal(ws_hello(&slow, http_port(app.server), "/chat/c1"), 101);
    ws_expect_text(&slow, "connected");
    for (int i = 0; i < 2000; i++) { /* 20 MB if they were all kept. */
        char *text = malloc(10100);

        assert_non_null(text);
        sprintf(text, "{\"type\":\"progress\",\"n\":%d,\"pad\":\"%s\"}", i, pad);
        http_publish(app.server, "c1", 0, text, "run/1");
        free(text);
    }
    app_event(&app, 0);
    for (;;) {
        assert_true(ws_read_frame(&slow, &f));
        assert_int_equal(f.opcode, 1);
        if (strstr(f.data, "\"note\""))
            break;
        assert_true(atoi(strstr(f.data, "\"n\":") + 4) > last);
        last = atoi(strstr(f.data, "\"n\":") + 4);
        n++;
        free(f.data);
    }
    free(f.data);
    assert_int_equal(last, 1999);
    assert_true(n < 2000);
    client_close(&slow);
    free(pad);
}

static void test_many_watchers(void **state)
{
    enum { WATCHERS = 1000 };
    struct rlimit limit = { .rlim_cur = 4096, .rlim_max = 0 }, old;
    struct client *c = calloc(WATCHERS, sizeof *c);
    int64_t begun;

    (void)state;
    assert_non_null(c);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    limit.rlim_max = old.rlim_max;
    if (old.rlim_cur < limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        skip();
    begun = now_ms();
    for (int i = 0; i < WATCHERS; i++)
        hello(&c[i], "/chat/c1");
    for (int i = 0; i < WATCHERS; i++)
        ws_expect_text(&c[i], "connected");
    print_message("# %d watchers connected in %lld ms\n", WATCHERS, (long long)(now_ms() - begun));
    begun = now_ms();
    app_event(&app, 100);
    for (int i = 0; i < WATCHERS; i++)
        expect_seqs(&c[i], 1, 1);
    print_message("# an event reached them all in %lld ms\n", (long long)(now_ms() - begun));
    for (int i = 0; i < WATCHERS; i++)
        client_close(&c[i]);
    free(c);
}

/* --- Limits, pings, stopping --- */

static void test_limit_of_watchers(void **state)
{
    struct client a, b, c;
    struct response r;

    (void)state;
    hello(&a, "/chat/c1");
    hello(&b, "/chat/c2");
    ws_expect_text(&a, "connected");
    ws_expect_text(&b, "connected");
    hello(&c, "/chat/c1");
    ws_expect_text(&c, "\"error\",\"message\":\"the limit of 2 connections is reached\"");
    assert_int_equal(ws_expect_close(&c), 1013);
    client_close(&c);
    assert_int_equal(
        client_ask(http_port(app.server), "GET /events/c1 HTTP/1.1\r\nHost: a\r\n\r\n", &r), 503);
    assert_string_equal(r.body, "too many watchers are connected");
    response_free(&r);
    ws_send_frame(&a, 0x88, "", 0); /* A place becomes free. */
    assert_int_equal(ws_expect_close(&a), 1005);
    client_close(&a);
    for (;;) { /* It is given back when the server has seen our close. */
        struct frame f;
        bool connected;

        hello(&c, "/chat/c1");
        assert_true(ws_read_frame(&c, &f));
        connected = strstr(f.data, "connected") != NULL;
        free(f.data);
        client_close(&c);
        if (connected)
            break;
    }
    client_close(&b);
}

static void test_pings(void **state)
{
    struct client live, dead;
    struct frame f;

    (void)state;
    hello(&live, "/chat/c1");
    hello(&dead, "/chat/c1");
    ws_expect_text(&live, "connected");
    ws_expect_text(&dead, "connected");
    for (int i = 0; i < 3; i++) {
        assert_true(ws_read_frame(&live, &f));
        assert_int_equal(f.opcode, 9);
        ws_send_frame(&live, 0x8a, f.data, f.len);
        free(f.data);
    }
    assert_true(ws_read_frame(&dead, &f));
    assert_int_equal(f.opcode, 9);
    free(f.data);
    assert_false(ws_read_frame(&dead, &f)); /* Cut off long ago. */
    client_close(&live);
    client_close(&dead);
}

static void test_event_stream(void **state)
{
    struct client c;
    char line[512];
    bool beat = false;

    (void)state;
    app_event(&app, 0);
    app_event(&app, 0);
    client_open(&c, http_port(app.server));
    client_says(&c, "GET /events/c1?since=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(client_line(&c, line, sizeof line));
    assert_string_equal(line, "HTTP/1.1 200 OK\r");
    do {
        assert_true(client_line(&c, line, sizeof line));
        if (strncmp(line, "Content-Type", 12) == 0)
            assert_string_equal(line, "Content-Type: text/event-stream\r");
    } while (strcmp(line, "\r") != 0);
    assert_true(client_line(&c, line, sizeof line));
    assert_string_equal(line, "event: connected");
    assert_true(client_line(&c, line, sizeof line));
    assert_true(strncmp(line, "data: {\"type\":\"connected\"", 24) == 0);
    assert_true(client_line(&c, line, sizeof line));
    assert_string_equal(line, "");
    for (int seq = 2; seq <= 3; seq++) {
        char want[512];

        snprintf(want, sizeof want, "id: %d", seq);
        assert_true(client_line(&c, line, sizeof line));
        assert_string_equal(line, want);
        assert_true(client_line(&c, line, sizeof line));
        assert_string_equal(line, "event: note");
        snprintf(want, sizeof want, "data: {\"type\":\"note\",\"seq\":%d,\"pad\":\"\"}", seq);
        assert_true(client_line(&c, line, sizeof line));
        assert_string_equal(line, want);
        assert_true(client_line(&c, line, sizeof line));
        if (seq == 2)
            app_event(&app, 0);
    }
    while (!beat) {
        assert_true(client_line(&c, line, sizeof line));
        beat = strcmp(line, ":") == 0;
    }
    http_drop_watchers(app.server, "c1");
    while (client_line(&c, line, sizeof line)) /* It says why, then ends. */
        beat = beat && strcmp(line, "event: error") != 0;
    assert_false(beat);
    client_close(&c);
}

static void *stop_thread(void *arg)
{
    http_stop(arg, 3000);
    return NULL;
}

static void test_stop_tells_watchers(void **state)
{
    struct app mine;
    struct client c = { 0 }, stream;
    char line[512];
    pthread_t thread;
    int64_t begun;

    (void)state;
    app_start(&mine, (struct http_config){ 0 });
    assert_int_equal(ws_hello(&c, http_port(mine.server), "/chat/c1"), 101);
    ws_expect_text(&c, "connected");
    client_open(&stream, http_port(mine.server));
    client_says(&stream, "GET /events/c1 HTTP/1.1\r\nHost: a\r\n\r\n");
    do {
        assert_true(client_line(&stream, line, sizeof line));
    } while (strncmp(line, "data:", 5) != 0);
    begun = now_ms();
    assert_int_equal(pthread_create(&thread, NULL, stop_thread, mine.server), 0);
    assert_int_equal(ws_expect_close(&c), 1001);
    ws_send_frame(&c, 0x88, "\x03\xe9", 2);
    assert_true(client_is_closed(&c));
    while (client_line(&stream, line, sizeof line))
        ;
    client_close(&c);
    client_close(&stream);
    pthread_join(thread, NULL);
    assert_true(now_ms() - begun < 3000);
    mine.server = NULL;
    app_stop(&mine);
}

static void test_stop_with_silent_watchers(void **state)
{
    struct app mine;
    struct client c = { 0 };
    int64_t begun;

    (void)state;
    app_start(&mine, (struct http_config){ 0 });
    assert_int_equal(ws_hello(&c, http_port(mine.server), "/chat/c1"), 101);
    ws_expect_text(&c, "connected");
    begun = now_ms();
    http_stop(mine.server, 300); /* It never answers the close. */
    assert_true(now_ms() - begun < 2000);
    assert_int_equal(ws_expect_close(&c), 1001);
    client_close(&c);
    mine.server = NULL;
    app_stop(&mine);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, start, stop)
#define SMALL(test) cmocka_unit_test_setup_teardown(test, start_small, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_small_talk),
        WITH(test_close_by_the_client),
        WITH(test_both_ports),
        WITH(test_unknown_conversation),
        WITH(test_subscribe),
        WITH(test_deleted_conversation),
        WITH(test_a_key_as_the_first_message),
        WITH(test_keys_that_do_not_open),
        WITH(test_protocol_errors),
        WITH(test_fragments),
        WITH(test_message_size),
        WITH(test_frames_byte_by_byte),
        WITH(test_handshakes),
        WITH(test_handshake_in_pieces),
        WITH(test_foreign_origin),
        WITH(test_replay),
        WITH(test_replay_meets_live),
        WITH(test_large_replay),
        WITH(test_slow_reader),
        WITH(test_progress_is_merged),
        WITH(test_many_watchers),
        SMALL(test_no_key_in_time),
        SMALL(test_limit_of_watchers),
        SMALL(test_pings),
        SMALL(test_event_stream),
        cmocka_unit_test(test_stop_tells_watchers),
        cmocka_unit_test(test_stop_with_silent_watchers),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
