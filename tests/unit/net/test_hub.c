/* The hub over socket pairs: order, merging, caps, and the seam between replay and live. */

#include "net/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct hub *hub;

static int setup(void **state)
{
    (void)state;
    hub = hub_new();
    return hub ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    hub_free(hub);
    return 0;
}

/* What lies in a watcher's queue, as the texts of its WebSocket frames joined by blanks. */
static const char *queued(struct hub_watcher *w)
{
    static char out[65536];
    int fds[2], size = 1 << 22;
    static char raw[65536];
    size_t n = 0;
    ssize_t got;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    assert_int_equal(hub_flush(w, fds[0]), HUB_DRAINED);
    close(fds[0]);
    got = recv(fds[1], raw, sizeof raw, MSG_WAITALL);
    close(fds[1]);
    for (ssize_t i = 0; i < got;) {
        size_t len = (unsigned char)raw[i + 1];

        assert_int_equal((unsigned char)raw[i], 0x81);
        assert_true(len < 126);
        if (n)
            out[n++] = ' ';
        memcpy(out + n, raw + i + 2, len);
        n += len;
        i += 2 + (ssize_t)len;
    }
    out[n] = '\0';
    return out;
}

static struct hub_watcher *watch(const char *conversation, bool live)
{
    struct hub_watcher *w = calloc(1, sizeof *w);

    assert_non_null(w);
    assert_true(hub_join(hub, w, conversation));
    if (live)
        assert_true(hub_catch_up(hub, w));
    return w;
}

static void unwatch(struct hub_watcher *w)
{
    hub_deinit(hub, w);
    free(w);
}

static void test_each_gets_its_own(void **state)
{
    struct hub_watcher *a = watch("a", true), *b = watch("b", true), *b2 = watch("b", true);

    (void)state;
    hub_publish(hub, "a", 1, "a1", NULL);
    hub_publish(hub, "b", 1, "b1", NULL);
    hub_publish(hub, "c", 1, "c1", NULL);
    hub_publish(hub, "b", 2, "b2", NULL);
    assert_string_equal(queued(a), "a1");
    assert_string_equal(queued(b), "b1 b2");
    assert_string_equal(queued(b2), "b1 b2");
    unwatch(b);
    hub_publish(hub, "b", 3, "b3", NULL);
    assert_string_equal(queued(b2), "b3");
    unwatch(a);
    unwatch(b2);
}

static void test_merging(void **state)
{
    struct hub_watcher *w = watch("a", true);

    (void)state;
    hub_publish(hub, "a", 0, "p1", "run/1");
    hub_publish(hub, "a", 0, "q1", "run/2");
    hub_publish(hub, "a", 1, "one", NULL);
    hub_publish(hub, "a", 0, "p2", "run/1");
    hub_publish(hub, "a", 0, "p3", "run/1");
    hub_publish(hub, "a", 2, "two", NULL);
    assert_string_equal(queued(w), "q1 one p3 two");
    hub_publish(hub, "a", 0, "p4", "run/1");
    assert_string_equal(queued(w), "p4");
    unwatch(w);
}

static void test_doubles_are_dropped(void **state)
{
    struct hub_watcher *w = watch("a", true);

    (void)state;
    hub_publish(hub, "a", 1, "one", NULL);
    hub_publish(hub, "a", 2, "two", NULL);
    hub_publish(hub, "a", 2, "two", NULL);
    hub_publish(hub, "a", 1, "one", NULL);
    hub_publish(hub, "a", 3, "three", NULL);
    assert_string_equal(queued(w), "one two three");
    unwatch(w);
}

/* Events 1..5 are stored; some are published while the replay runs. */
static void test_replay_then_live(void **state)
{
    static const char *const texts[] = { "e1", "e2", "e3", "e4", "e5", "e6" };

    (void)state;
    for (uint64_t stored = 0; stored <= 6; stored++) {
        for (uint64_t first = 1; first <= 6;
             first++) { /* The first that is published after joining. */
            struct hub_watcher *w = watch("a", false);

            if (first > stored + 1)
                goto next; /* It would be neither stored nor published: against the rules. */
            for (uint64_t seq = first; seq <= 6; seq++) {
                hub_publish(hub, "a", 0, "p", "k");
                hub_publish(hub, "a", seq, texts[seq - 1], NULL);
            }
            for (uint64_t seq = 1; seq <= stored; seq++)
                hub_replayed(hub, w, seq, texts[seq - 1]);
            assert_true(hub_catch_up(hub, w));
            /* The one progress frame was published before e6: old news once e6 has been replayed. */
            assert_string_equal(
                queued(w), stored == 6 ? "e1 e2 e3 e4 e5 e6" : "e1 e2 e3 e4 e5 p e6");
        next:
            unwatch(w);
        }
    }
}

static void test_more_than_can_be_held(void **state)
{
    enum { EVENTS = 6000 };
    struct hub_watcher *w = watch("a", false);
    char text[128];
    uint64_t seq, last = 0;

    (void)state;
    for (seq = 1; seq <= EVENTS; seq++) {
        snprintf(text, sizeof text, "%0100llu", (unsigned long long)seq);
        hub_publish(hub, "a", seq, text, NULL);
    }
    assert_true(w->held.bytes <= HUB_HELD_MAX);
    assert_false(hub_catch_up(hub, w));
    assert_true(w->lost > 0 && w->lost < EVENTS);
    for (seq = 1; seq <= w->lost; seq++) {
        snprintf(text, sizeof text, "%0100llu", (unsigned long long)seq);
        hub_replayed(hub, w, seq, text);
        assert_string_equal(queued(w), text);
        last = seq;
    }
    assert_true(hub_catch_up(hub, w));
    assert_false(w->overflow);
    for (size_t i = 0; i < w->out.n; i++) { /* What was held follows without a gap. */
        struct hub_frame *frame = w->out.slots[(w->out.head + i) & (w->out.cap - 1)];

        assert_int_equal(frame->seq, ++last);
    }
    assert_int_equal(last, EVENTS);
    unwatch(w);
}

static void test_cap(void **state)
{
    struct hub_watcher *slow = watch("a", true), *quick = watch("a", true);
    size_t n = 100 << 10;
    char *text = malloc(n + 1);
    int fds[2];

    (void)state;
    assert_non_null(text);
    memset(text, 'x', n);
    text[n] = '\0';
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        hub_publish(hub, "a", seq, text, NULL);
        hub_drop_queued(quick);
    }
    assert_false(slow->overflow);
    assert_int_equal(hub_flush(slow, fds[0]), HUB_BLOCKED); /* Leaves a frame half sent. */
    for (uint64_t seq = 11; seq <= 14; seq++) {
        hub_publish(hub, "a", seq, text, NULL);
        hub_drop_queued(quick);
    }
    assert_true(slow->overflow);
    assert_false(quick->overflow);
    assert_true(slow->out.bytes <= HUB_OUT_MAX);
    hub_drop_queued(slow);
    assert_int_equal(slow->out.n, slow->sent > 0);
    hub_send(hub, slow, hub_frame_raw("bye", 3), false);
    assert_false(slow->overflow);
    assert_int_equal(slow->out.n, 1 + (slow->sent > 0));
    close(fds[0]);
    close(fds[1]);
    free(text);
    unwatch(slow);
    unwatch(quick);
}

static void test_one_large_frame(void **state)
{
    struct hub_watcher *w = watch("a", true);
    size_t n = 3 << 20;
    char *text = malloc(n + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', n);
    text[n] = '\0';
    hub_publish(hub, "a", 1, text, NULL);
    assert_false(w->overflow);
    assert_int_equal(w->out.bytes, n + 10);
    hub_publish(hub, "a", 2, "more", NULL);
    assert_true(w->overflow);
    free(text);
    unwatch(w);
}

static void test_control_frames_go_first(void **state)
{
    struct hub_watcher *w = watch("a", true);

    (void)state;
    hub_publish(hub, "a", 1, "one", NULL);
    hub_publish(hub, "a", 2, "two", NULL);
    hub_send(hub, w, hub_frame_new(HUB_WS, 0, "pong", NULL), true);
    assert_string_equal(queued(w), "pong one two");
    unwatch(w);
}

static void test_sse(void **state)
{
    struct hub_frame *f = hub_frame_new(HUB_SSE, 7, "{\"type\":\"progress\",\n\"n\":1}", NULL);

    (void)state;
    assert_non_null(f);
    assert_int_equal(f->len,
        strlen("id: 7\nevent: progress\ndata: {\"type\":\"progress\",\ndata: \"n\":1}\n\n"));
    assert_memory_equal(f->data,
        "id: 7\nevent: progress\ndata: {\"type\":\"progress\",\ndata: \"n\":1}\n\n", f->len);
    hub_frame_drop(f);
}

static void test_frame_lengths(void **state)
{
    static const struct {
        size_t n, head;
        unsigned char bytes[10];
    } cases[] = {
        { 0, 2, { 0x81, 0 } },
        { 125, 2, { 0x81, 125 } },
        { 126, 4, { 0x81, 126, 0, 126 } },
        { 65535, 4, { 0x81, 126, 0xff, 0xff } },
        { 65536, 10, { 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = malloc(cases[i].n + 1);
        struct hub_frame *f;

        assert_non_null(text);
        memset(text, 'x', cases[i].n);
        text[cases[i].n] = '\0';
        f = hub_frame_new(HUB_WS, 0, text, NULL);
        assert_non_null(f);
        assert_int_equal(f->len, cases[i].n + cases[i].head);
        assert_memory_equal(f->data, cases[i].bytes, cases[i].head);
        hub_frame_drop(f);
        free(text);
    }
}

static unsigned removed;

static void remove_one(void *arg, struct hub_watcher *w)
{
    (void)arg;
    removed++;
    unwatch(w);
}

static void test_removing_all(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        watch("a", i % 2);
    hub_publish(hub, "a", 1, "x", NULL);
    hub_each(hub, "a", remove_one, NULL);
    assert_int_equal(removed, 10);
    assert_null(hub_take_dirty(hub));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_each_gets_its_own),
        WITH(test_merging),
        WITH(test_doubles_are_dropped),
        WITH(test_replay_then_live),
        WITH(test_more_than_can_be_held),
        WITH(test_cap),
        WITH(test_one_large_frame),
        WITH(test_control_frames_go_first),
        WITH(test_sse),
        WITH(test_frame_lengths),
        WITH(test_removing_all),
    };

    return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
