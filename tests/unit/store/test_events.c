/* Events: their text, their numbers, and many threads at once. */

#include "store_fixture.h"

#include <pthread.h>

enum { THREADS = 8, EACH = 200 };

static void test_text_of_an_event(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821");
    struct json *body = json_new_object(), *shared;
    struct store_tx *tx = store_begin(s->store);
    struct event *events;
    char *sent, *empty;
    size_t n;

    json_set_string(body, "chat_id", "x");
    json_set_string(body, "type", "not this one");
    json_set_int(body, "seq", 99);
    json_set_int(body, "rows", 3);
    shared = json_ref(body);
    store_add_event(tx, c.id, "message", body, 1770379200123456000, &sent);
    store_add_event(tx, c.id, "pong", NULL, 1770379200000000000, &empty);
    assert_null(sent);
    OK(s, store_commit(tx, &s->err));
    assert_string_equal(sent,
        "{\"type\":\"message\",\"timestamp\":\"2026-02-06T12:00:00.123456Z\",\"seq\":1,"
        "\"chat_id\":\"x\",\"rows\":3}");
    assert_string_equal(
        empty, "{\"type\":\"pong\",\"timestamp\":\"2026-02-06T12:00:00.000000Z\",\"seq\":2}");
    assert_int_equal(json_get_int(shared, "seq", 0), 99); /* Others' bodies stay as they are. */
    OK(s, store_events(s->store, c.id, 0, 10, &s->arena, &events, &n, &s->err));
    assert_int_equal(n, 2);
    assert_string_equal(events[0].body, sent);
    assert_string_equal(events[1].type, "pong");
    OK(s, store_events(s->store, c.id, 1, 10, &s->arena, &events, &n, &s->err));
    assert_int_equal(n, 1);
    assert_int_equal(events[0].seq, 2);
    json_free(shared);
    free(sent);
    free(empty);
}

static void test_failed_transactions_use_no_number(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821");
    struct store_tx *tx = store_begin(s->store);
    char *sent;
    uint64_t seq;

    store_add_event(tx, c.id, "message", NULL, 0, &sent);
    store_delete_file(tx, c.id, "none");
    assert_false(store_commit(tx, &s->err));
    assert_null(sent);
    OK(s, store_last_seq(s->store, c.id, &seq, &s->err));
    assert_int_equal(seq, 0);
    tx = store_begin(s->store);
    store_add_event(tx, c.id, "message", NULL, 0, NULL);
    store_abort(tx);
    OK(s, store_last_seq(s->store, c.id, &seq, &s->err));
    assert_int_equal(seq, 0);
}

static void test_only_the_latest_of_a_key_stays(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821");
    struct event *events;
    struct store_tx *tx;
    size_t n;

    for (int i = 0; i < 5; i++) {
        tx = store_begin(s->store);
        store_replace_event(tx, c.id, "progress", "step-a", NULL, 0, NULL);
        store_replace_event(tx, c.id, "progress", "step-b", NULL, 0, NULL);
        OK(s, store_commit(tx, &s->err));
    }
    OK(s, store_events(s->store, c.id, 0, 100, &s->arena, &events, &n, &s->err));
    assert_int_equal(n, 2);
    assert_int_equal(events[0].seq, 9);
    assert_int_equal(events[1].seq, 10);
}

static void test_restored_events_rise(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821");
    struct event first = { 3, "a", "{}" }, second = { 7, "b", "{}" };
    struct store_tx *tx = store_begin(s->store);
    uint64_t seq;

    store_restore_event(tx, c.id, &first);
    store_restore_event(tx, c.id, &second);
    store_add_event(tx, c.id, "c", NULL, 0, NULL);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_last_seq(s->store, c.id, &seq, &s->err));
    assert_int_equal(seq, 8);
    tx = store_begin(s->store);
    store_restore_event(tx, c.id, &second);
    FAILS(s, store_commit(tx, &s->err), ERR_STATE, "event 7 comes after a later one");
}

/* ---- many threads ---- */

struct worker {
    struct store *store;
    const char *shared; /* Conversation all write to. */
    int number;
    int failed, refused;
};

static void *add_many(void *arg)
{
    struct worker *w = arg;
    struct err err;

    for (int i = 0; i < EACH; i++) {
        struct message m = new_message("user", "from a thread");
        struct store_tx *tx = store_begin(w->store);
        char *sent = NULL;

        store_add_message(tx, w->shared, &m);
        store_add_event(tx, w->shared, "message", json_new_object(), 0, &sent);
        if (i % 10 == 9) /* One in ten fails, amid the others' commits. */
            store_delete_file(tx, w->shared, "none.csv");
        if (store_commit(tx, &err))
            w->failed += !sent;
        else
            w->refused += err.code == ERR_NOT_FOUND && !sent;
        free(sent);
    }
    return NULL;
}

static void *read_many(void *arg)
{
    struct worker *w = arg;
    struct arena arena;
    struct event *events;
    uint64_t since = 0;
    struct err err;
    size_t n;

    arena_init(&arena, NULL);
    for (int i = 0; i < EACH; i++) {
        arena_reset(&arena);
        if (!store_events(w->store, w->shared, since, 50, &arena, &events, &n, &err)) {
            w->failed++;
            continue;
        }
        for (size_t k = 0; k < n; k++, since++)
            w->failed += events[k].seq != since + 1; /* None missing, none twice. */
    }
    arena_deinit(&arena);
    return NULL;
}

static void test_many_threads_at_once(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821"), got;
    struct worker workers[THREADS + 2];
    pthread_t threads[THREADS + 2];
    struct event *events;
    size_t n;
    int refused = 0;

    for (int i = 0; i < THREADS + 2; i++) {
        workers[i] = (struct worker){ .store = s->store, .shared = c.id, .number = i };
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < THREADS ? add_many : read_many, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS + 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failed, 0);
        refused += workers[i].refused;
    }
    assert_int_equal(refused, THREADS * EACH / 10);
    OK(s, store_conversation_get(s->store, c.id, &s->arena, &got, &s->err));
    assert_int_equal(got.n_messages, THREADS * EACH * 9 / 10);
    OK(s, store_events(s->store, c.id, 0, UINT32_MAX, &s->arena, &events, &n, &s->err));
    assert_int_equal(n, THREADS * EACH * 9 / 10);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(events[i].seq, i + 1);
    OK(s, store_check(s->store, &s->err));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_text_of_an_event),
        CASE(test_failed_transactions_use_no_number),
        CASE(test_only_the_latest_of_a_key_stays),
        CASE(test_restored_events_rise),
        CASE(test_many_threads_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
