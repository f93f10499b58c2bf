/* The store: transactions, preconditions, order, search, reopening. */

#include "store_fixture.h"

#include <poll.h>
#include <sys/inotify.h>

static void test_reads_back_what_was_written(void **state)
{
    struct scratch *s = *state;
    struct conversation c = new_conversation(s, "BlueWhale-4821"), got;
    struct message m = new_message("user", "Grüße ☀"), *messages;
    struct run r = new_run(&c), *runs;
    struct step st = new_step(&r, 0), *steps;
    struct stored_file f = { .name = "a.csv",
        .kind = STORED_UPLOAD,
        .base = "a",
        .format = "csv",
        .facts = "{\"rows\":3}",
        .size = 12,
        .created_ns = 9 },
                       *files;
    struct store_tx *tx = store_begin(s->store);
    size_t n;

    c.name = "Sales";
    c.metadata = "{\"a\":1}";
    strcpy(f.conversation, c.id);
    memset(f.sha256, 'a', 64);
    strcpy(f.run, r.id);
    st.rows_in = 10;
    st.result = "{\"x\":1}";
    store_add_conversation(tx, &c);
    store_add_message(tx, c.id, &m);
    store_add_run(tx, &r);
    store_add_step(tx, &st);
    store_add_file(tx, &f);
    OK(s, store_commit(tx, &s->err));

    OK(s, store_conversation_get(s->store, c.id, &s->arena, &got, &s->err));
    assert_string_equal(got.participant, "BlueWhale-4821");
    assert_string_equal(got.name, "Sales");
    assert_string_equal(got.metadata, "{\"a\":1}");
    assert_string_equal(got.partition, "2026/02");
    assert_int_equal(got.created_ns, c.created_ns);
    assert_int_equal(got.n_messages, 1);
    assert_int_equal(got.n_steps, 1);
    assert_int_equal(got.n_files, 1);
    OK(s, store_messages(s->store, c.id, 0, &s->arena, &messages, &n, &s->err));
    assert_int_equal(n, 1);
    assert_string_equal(messages[0].content, "Grüße ☀");
    OK(s, store_runs(s->store, c.id, false, &s->arena, &runs, &n, &s->err));
    assert_int_equal(n, 1);
    assert_string_equal(runs[0].steps, r.steps);
    assert_string_equal(runs[0].conversation, c.id);
    assert_null(runs[0].error);
    OK(s, store_steps(s->store, c.id, r.id, &s->arena, &steps, &n, &s->err));
    assert_int_equal(n, 1);
    assert_int_equal(steps[0].rows_in, 10);
    assert_string_equal(steps[0].result, "{\"x\":1}");
    assert_null(steps[0].output_file);
    OK(s, store_files(s->store, c.id, &s->arena, &files, &n, &s->err));
    assert_int_equal(n, 1);
    assert_string_equal(files[0].run, r.id);
    assert_int_equal(files[0].size, 12);
}

static void test_a_transaction_is_all_or_nothing(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821"), got;
    struct message m = new_message("user", "never seen");
    struct store_tx *tx = store_begin(s->store);

    store_add_message(tx, c.id, &m);
    store_delete_file(tx, c.id, "none.csv");
    FAILS(
        s, store_commit(tx, &s->err), ERR_NOT_FOUND, "the conversation has no file named none.csv");
    OK(s, store_conversation_get(s->store, c.id, &s->arena, &got, &s->err));
    assert_int_equal(got.n_messages, 0);
}

static void test_aborted_transactions_leave_nothing(void **state)
{
    struct scratch *s = *state;
    struct conversation c = new_conversation(s, "BlueWhale-4821"), got;
    struct store_tx *tx = store_begin(s->store);

    store_add_conversation(tx, &c);
    store_abort(tx);
    assert_false(store_conversation_get(s->store, c.id, &s->arena, &got, &s->err));
    assert_int_equal(s->err.code, ERR_NOT_FOUND);
}

#define UNKNOWN "00000000-0000-4000-8000-000000000000"

/* Each adds one change that must be refused; `c` exists, with the file a.csv and the completed run
 * `r`. */
struct precondition {
    const char *name;
    void (*add)(struct store_tx *tx, const struct conversation *c, const struct run *r);
    enum err_code code;
    const char *sentence; /* %c: the conversation's id; %r: the run's id */
};

static void same_id(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    struct conversation again = *c;

    (void)r;
    again.participant = "OtherName-1234";
    store_add_conversation(tx, &again);
}

static void same_participant(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    struct conversation again = *c;

    (void)r;
    rand_uuid(again.id);
    store_add_conversation(tx, &again);
}

static void change_unknown(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    (void)c;
    (void)r;
    store_change_conversation(
        tx, UNKNOWN, &(struct conversation_change){ .status = -1, .status_if = -1 });
}

static void change_wrong_status(
    struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    (void)r;
    store_change_conversation(tx, c->id,
        &(struct conversation_change){
            .status = CONVERSATION_PROCESSING, .status_if = CONVERSATION_ACTIVE });
}

static void delete_unknown(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    (void)c;
    (void)r;
    store_delete_conversation(tx, UNKNOWN);
}

static void message_to_unknown(
    struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    struct message m = new_message("user", "x");

    (void)c;
    (void)r;
    store_add_message(tx, UNKNOWN, &m);
}

static void same_file(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    struct stored_file f = { .name = "a.csv", .kind = STORED_OUTPUT };

    (void)r;
    strcpy(f.conversation, c->id);
    store_add_file(tx, &f);
}

static void file_of_unknown_run(
    struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    struct stored_file f = { .name = "b.csv", .kind = STORED_OUTPUT };

    (void)r;
    strcpy(f.conversation, c->id);
    strcpy(f.run, UNKNOWN);
    store_add_file(tx, &f);
}

static void same_run(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    (void)c;
    store_add_run(tx, r);
}

static void finished_run(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    (void)c;
    store_change_run(tx, r->id, 1u << RUN_PENDING | 1u << RUN_RUNNING, RUN_CANCELLED, NULL, 0, 0);
}

static void unknown_run(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    (void)c;
    (void)r;
    store_change_run(tx, UNKNOWN, ~0u, RUN_CANCELLED, NULL, 0, 0);
}

static void same_step(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    struct step st = new_step(r, 0);

    (void)c;
    store_add_step(tx, &st);
}

static void unknown_step(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    struct step st = new_step(r, 0);

    (void)c;
    strcpy(st.id, UNKNOWN);
    store_change_step(tx, ~0u, &st);
}

static void step_of_unknown_run(
    struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    struct step st = new_step(r, 1);

    (void)c;
    strcpy(st.run, UNKNOWN);
    store_add_step(tx, &st);
}

static void event_of_unknown(struct store_tx *tx, const struct conversation *c, const struct run *r)
{
    (void)c;
    (void)r;
    store_add_event(tx, UNKNOWN, "message", json_new_object(), 0, NULL);
}

static const struct precondition preconditions[] = {
    { "an id that is taken", same_id, ERR_STATE, "the conversation %c exists already" },
    { "a participant that is taken", same_participant, ERR_STATE,
        "the participant name BlueWhale-4821 is taken" },
    { "a change of an unknown conversation", change_unknown, ERR_NOT_FOUND,
        "there is no conversation " UNKNOWN },
    { "a change from another status", change_wrong_status, ERR_STATE,
        "the conversation is created, not active" },
    { "deleting an unknown conversation", delete_unknown, ERR_NOT_FOUND,
        "there is no conversation " UNKNOWN },
    { "a message to an unknown conversation", message_to_unknown, ERR_NOT_FOUND,
        "there is no conversation " UNKNOWN },
    { "a file name that is taken", same_file, ERR_STATE,
        "the conversation already has a file named a.csv" },
    { "a file of an unknown run", file_of_unknown_run, ERR_NOT_FOUND,
        "there is no run " UNKNOWN " to which the file b.csv could belong" },
    { "a run id that is taken", same_run, ERR_STATE, "the run %r exists already" },
    { "cancelling a finished run", finished_run, ERR_STATE,
        "the run %r is completed and cannot become cancelled" },
    { "a change of an unknown run", unknown_run, ERR_NOT_FOUND, "there is no run " UNKNOWN },
    { "a step place that is taken", same_step, ERR_STATE, "step 1 of the run %r exists already" },
    { "a change of an unknown step", unknown_step, ERR_NOT_FOUND, "there is no step " UNKNOWN },
    { "a step of an unknown run", step_of_unknown_run, ERR_NOT_FOUND, "there is no run " UNKNOWN },
    { "an event of an unknown conversation", event_of_unknown, ERR_NOT_FOUND,
        "there is no conversation " UNKNOWN },
};

static void expand(const char *sentence, const char *c, const char *r, char *out, size_t size)
{
    size_t n = 0;

    for (; *sentence && n + 64 < size; sentence++) {
        if (*sentence == '%')
            n += (size_t)snprintf(out + n, size - n, "%s", *++sentence == 'c' ? c : r);
        else
            out[n++] = *sentence;
    }
    out[n] = '\0';
}

static void test_preconditions(void **state)
{
    struct scratch *s = *state;
    struct conversation c = new_conversation(s, "BlueWhale-4821");
    struct run r = new_run(&c);
    struct step st = new_step(&r, 0);
    struct stored_file f = { .name = "a.csv", .kind = STORED_UPLOAD };
    struct store_tx *tx = store_begin(s->store);

    strcpy(f.conversation, c.id);
    r.status = RUN_COMPLETED;
    store_add_conversation(tx, &c);
    store_add_run(tx, &r);
    store_add_step(tx, &st);
    store_add_file(tx, &f);
    OK(s, store_commit(tx, &s->err));
    for (size_t i = 0; i < ARRAY_LEN(preconditions); i++) {
        const struct precondition *p = &preconditions[i];
        struct message before = new_message("user", "before"), *messages;
        char wanted[512];
        size_t n;

        expand(p->sentence, c.id, r.id, wanted, sizeof wanted);
        tx = store_begin(s->store);
        store_add_message(tx, c.id, &before);
        p->add(tx, &c, &r);
        if (store_commit(tx, &s->err) || strcmp(s->err.text, wanted) != 0 || s->err.code != p->code)
            fail_msg("%s: '%s', not '%s'", p->name, s->err.text, wanted);
        OK(s, store_messages(s->store, c.id, 0, &s->arena, &messages, &n, &s->err));
        if (n != 0)
            fail_msg("%s: part of the transaction stayed", p->name);
    }
}

static void test_changes(void **state)
{
    struct scratch *s = *state;
    struct conversation c = new_conversation(s, "BlueWhale-4821"), got;
    struct run r = new_run(&c), run;
    struct step st = new_step(&r, 0), *steps;
    struct store_tx *tx = store_begin(s->store);
    size_t n;

    c.name = "kept";
    store_add_conversation(tx, &c);
    store_add_run(tx, &r);
    store_add_step(tx, &st);
    store_change_conversation(tx, c.id,
        &(struct conversation_change){ .metadata = "{\"b\":2}",
            .status = CONVERSATION_PROCESSING,
            .status_if = CONVERSATION_CREATED,
            .updated_ns = 11 });
    store_change_run(tx, r.id, 1u << RUN_PENDING, RUN_RUNNING, NULL, 100, 0);
    st.status = STEP_RUNNING;
    st.progress = 40;
    store_change_step(tx, 1u << STEP_PENDING, &st);
    st.status = STEP_COMPLETED;
    st.progress = 100;
    st.output_file = "workflows/x/a.csv";
    st.rows_out = 5;
    store_change_step(tx, 1u << STEP_RUNNING, &st);
    store_change_run(tx, r.id, 1u << RUN_RUNNING, RUN_FAILED, "{\"code\":\"DATA\"}", 0, 200);
    OK(s, store_commit(tx, &s->err));

    OK(s, store_conversation_get(s->store, c.id, &s->arena, &got, &s->err));
    assert_string_equal(got.name, "kept");
    assert_string_equal(got.metadata, "{\"b\":2}");
    assert_int_equal(got.status, CONVERSATION_PROCESSING);
    assert_int_equal(got.updated_ns, 11);
    OK(s, store_run_get(s->store, c.id, r.id, &s->arena, &run, &s->err));
    assert_int_equal(run.status, RUN_FAILED);
    assert_int_equal(run.started_ns, 100);
    assert_int_equal(run.completed_ns, 200);
    assert_int_equal(run.attempt, 1);
    assert_string_equal(run.error, "{\"code\":\"DATA\"}");
    OK(s, store_steps(s->store, c.id, NULL, &s->arena, &steps, &n, &s->err));
    assert_int_equal(n, 1);
    assert_int_equal(steps[0].status, STEP_COMPLETED);
    assert_int_equal(steps[0].rows_out, 5);
    assert_string_equal(steps[0].output_file, "workflows/x/a.csv");
}

static void test_unfinished_runs(void **state)
{
    struct scratch *s = *state;
    struct conversation a = add_conversation(s, "BlueWhale-4821");
    struct conversation b = add_conversation(s, "RedPanda-1000");
    struct store_tx *tx = store_begin(s->store);
    struct run done = new_run(&a), waiting = new_run(&b), running = new_run(&a), *runs;
    size_t n;

    done.status = RUN_COMPLETED;
    running.status = RUN_RUNNING;
    store_add_run(tx, &done);
    store_add_run(tx, &waiting);
    store_add_run(tx, &running);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_runs(s->store, NULL, true, &s->arena, &runs, &n, &s->err));
    assert_int_equal(n, 2);
    assert_string_equal(runs[0].id, waiting.id);
    assert_string_equal(runs[0].conversation, b.id);
    assert_string_equal(runs[1].id, running.id);
    OK(s, store_runs(s->store, a.id, true, &s->arena, &runs, &n, &s->err));
    assert_int_equal(n, 1);
    assert_false(store_run_get(s->store, a.id, waiting.id, &s->arena, &done, &s->err));
    assert_int_equal(s->err.code, ERR_NOT_FOUND);
}

static void test_last_messages_in_order(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821");
    struct store_tx *tx = store_begin(s->store);
    struct message *messages;
    char text[16];
    size_t n;

    for (int i = 0; i < 5; i++) {
        struct message m;

        snprintf(text, sizeof text, "m%d", i);
        m = new_message("user", text);
        store_add_message(tx, c.id, &m);
    }
    OK(s, store_commit(tx, &s->err));
    OK(s, store_messages(s->store, c.id, 2, &s->arena, &messages, &n, &s->err));
    assert_int_equal(n, 2);
    assert_string_equal(messages[0].content, "m3");
    assert_string_equal(messages[1].content, "m4");
    FAILS(s, store_messages(s->store, UNKNOWN, 0, &s->arena, &messages, &n, &s->err), ERR_NOT_FOUND,
        "there is no conversation " UNKNOWN);
}

static void test_deleting_takes_everything_along(void **state)
{
    struct scratch *s = *state;
    struct conversation c = new_conversation(s, "BlueWhale-4821");
    struct run r = new_run(&c), *runs;
    struct step st = new_step(&r, 0);
    struct message m = new_message("user", "x");
    struct stored_file f = { .name = "a.csv", .kind = STORED_UPLOAD };
    struct store_tx *tx = store_begin(s->store);
    bool taken;
    size_t n;

    strcpy(f.conversation, c.id);
    strcpy(f.run, r.id);
    store_add_conversation(tx, &c);
    store_add_run(tx, &r);
    store_add_step(tx, &st);
    store_add_message(tx, c.id, &m);
    store_add_file(tx, &f);
    store_add_event(tx, c.id, "message", NULL, 0, NULL);
    OK(s, store_commit(tx, &s->err));
    tx = store_begin(s->store);
    store_delete_conversation(tx, c.id);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_runs(s->store, NULL, false, &s->arena, &runs, &n, &s->err));
    assert_int_equal(n, 0);
    OK(s, store_participant_taken(s->store, "BlueWhale-4821", &taken, &s->err));
    assert_false(taken);
    tx = store_begin(s->store); /* Every id is free again. */
    store_add_conversation(tx, &c);
    store_add_run(tx, &r);
    store_add_step(tx, &st);
    store_add_message(tx, c.id, &m);
    store_add_file(tx, &f);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_check(s->store, &s->err));
}

static void test_everything_survives_reopening(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821"), got;
    struct store_tx *tx = store_begin(s->store);
    uint64_t seq;

    store_add_event(tx, c.id, "connected", NULL, 0, NULL);
    OK(s, store_commit(tx, &s->err));
    scratch_reopen(s);
    OK(s, store_conversation_get(s->store, c.id, &s->arena, &got, &s->err));
    OK(s, store_last_seq(s->store, c.id, &seq, &s->err));
    assert_int_equal(seq, 1);
    OK(s, store_healthy(s->store, &s->err));
    assert_true(strncmp(store_version(), "SQLite 3.", 9) == 0);
}

/* ---- the list ---- */

struct search {
    const char *name, *query, *status;
    const char *found; /* Names of the conversations, newest first. */
};

static const struct search searches[] = {
    { "all, newest first", NULL, NULL, "delta gamma beta alpha " },
    { "by status", NULL, "active", "gamma alpha " },
    { "a participant, any case", "bluewhale", NULL, "alpha " },
    { "a name", "AMM", NULL, "gamma " },
    { "a file name", "umsätze", NULL, "beta " },
    { "a message", "STRASSE", NULL, "delta " },
    { "a message, folded the other way", "straße", NULL, "delta " },
    { "a percent sign is itself", "50%", NULL, "delta " },
    { "an underscore is itself", "a_b", NULL, "" },
    { "a quote is itself", "it's", NULL, "delta " },
    { "with a status", "a", "active", "gamma alpha " },
    { "nothing", "nowhere", NULL, "" },
};

static void fill_list(struct scratch *s)
{
    static const struct {
        const char *participant, *name, *file, *message;
        enum conversation_status status;
    } rows[] = {
        { "BlueWhale-4821", "alpha", "x.csv", "hello", CONVERSATION_ACTIVE },
        { "RedPanda-1000", "beta", "UMSÄTZE 2026.xlsx", "hi", CONVERSATION_CREATED },
        { "SilverMoon-2222", "gamma", "y.csv", "hey", CONVERSATION_ACTIVE },
        { "CoralReef-3333", "delta", "z.csv", "Hauptstraße, 50% off, it's axb",
            CONVERSATION_FAILED },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conversation c = new_conversation(s, rows[i].participant);
        struct message m = new_message("user", rows[i].message);
        struct stored_file f = { .name = rows[i].file, .kind = STORED_UPLOAD };
        struct store_tx *tx = store_begin(s->store);

        c.name = rows[i].name;
        c.status = rows[i].status;
        c.created_ns += (int64_t)i;
        strcpy(f.conversation, c.id);
        store_add_conversation(tx, &c);
        store_add_message(tx, c.id, &m);
        store_add_file(tx, &f);
        OK(s, store_commit(tx, &s->err));
    }
}

static void test_list_and_search(void **state)
{
    struct scratch *s = *state;
    struct conversation *list;
    uint64_t total;
    size_t n;

    fill_list(s);
    for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
        struct conversation_filter f = {
            .query = searches[i].query, .status = searches[i].status, .limit = 100
        };
        char found[256] = "";
        uint64_t words = 0;

        OK(s, store_conversation_list(s->store, &f, &s->arena, &list, &n, &total, &s->err));
        for (size_t k = 0; k < n; k++) {
            strcat(found, list[k].name);
            strcat(found, " ");
            words++;
        }
        if (strcmp(found, searches[i].found) != 0 || total != words)
            fail_msg("%s: found '%s'", searches[i].name, found);
    }
}

static void test_pages_count_all(void **state)
{
    struct scratch *s = *state;
    static const char *const queries[] = { NULL, "a" };
    struct conversation *list;
    uint64_t total;
    size_t n;

    fill_list(s);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct conversation_filter f = { .query = queries[i], .limit = 2, .offset = 1 };

        OK(s, store_conversation_list(s->store, &f, &s->arena, &list, &n, &total, &s->err));
        assert_int_equal(n, 2);
        assert_int_equal(total, 4);
        assert_string_equal(list[0].name, "gamma");
        assert_string_equal(list[1].name, "beta");
        f.offset = 9;
        OK(s, store_conversation_list(s->store, &f, &s->arena, &list, &n, &total, &s->err));
        assert_int_equal(n, 0);
        assert_int_equal(total, 4);
    }
}

static void test_the_stale_ones(void **state)
{
    struct scratch *s = *state;
    struct conversation a = new_conversation(s, "BlueWhale-4821"), *list;
    struct conversation b = new_conversation(s, "RedPanda-1000");
    struct store_tx *tx = store_begin(s->store);
    size_t n;

    a.updated_ns = 20;
    b.updated_ns = 10;
    store_add_conversation(tx, &a);
    store_add_conversation(tx, &b);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_conversations_before(s->store, 20, 9, &s->arena, &list, &n, &s->err));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].id, b.id);
    OK(s, store_conversations_before(s->store, 21, 1, &s->arena, &list, &n, &s->err));
    assert_int_equal(n, 1);
    OK(s, store_conversations_before(s->store, 21, 9, &s->arena, &list, &n, &s->err));
    assert_int_equal(n, 2);
}

static void test_replies_are_kept_once(void **state)
{
    struct scratch *s = *state;
    struct store_reply r = { "POST /x", "k1", "hash", 201, "{\"a\":1}", 50 }, got;
    struct store_tx *tx = store_begin(s->store);
    bool found;

    store_add_reply(tx, &r);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_reply_find(s->store, "POST /x", "k1", &s->arena, &got, &found, &s->err));
    assert_true(found);
    assert_int_equal(got.status, 201);
    assert_string_equal(got.request, "hash");
    assert_string_equal(got.body, "{\"a\":1}");
    OK(s, store_reply_find(s->store, "POST /y", "k1", &s->arena, &got, &found, &s->err));
    assert_false(found);
    tx = store_begin(s->store);
    store_add_reply(tx, &r);
    FAILS(s, store_commit(tx, &s->err), ERR_STATE,
        "a request with this Idempotency-Key has been answered already");
    tx = store_begin(s->store);
    store_forget_replies(tx, 51);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_reply_find(s->store, "POST /x", "k1", &s->arena, &got, &found, &s->err));
    assert_false(found);
}

/* Wait until the file is at most `size` bytes; each change of it wakes us. */
static void wait_for_size(struct scratch *s, int changes, uint64_t size)
{
    struct pollfd look = { .fd = changes, .events = POLLIN };
    struct store_size now;
    char events[4096];

    for (store_size(s->store, &now); now.bytes > size; store_size(s->store, &now)) {
        if (poll(&look, 1, 30000) != 1)
            fail_msg("the database has %llu bytes still", (unsigned long long)now.bytes);
        assert_true(read(changes, events, sizeof events) > 0);
    }
}

static void test_the_file_shrinks_after_deletions(void **state)
{
    enum { MESSAGES = 300, BYTES = 40000 };
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821");
    struct store_tx *tx = store_begin(s->store);
    char *text = malloc(BYTES + 1);
    struct store_size full;
    int changes = inotify_init1(IN_CLOEXEC);

    assert_non_null(text);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (int i = 0; i < MESSAGES; i++) {
        struct message m = new_message("user", text);

        store_add_message(tx, c.id, &m);
    }
    OK(s, store_commit(tx, &s->err));
    free(text);
    scratch_reopen(s); /* All of it is in the file now. */
    store_size(s->store, &full);
    assert_true(full.bytes > (uint64_t)MESSAGES * BYTES);
    assert_true(changes >= 0 && inotify_add_watch(changes, s->db, IN_MODIFY) >= 0);
    tx = store_begin(s->store);
    store_delete_conversation(tx, c.id);
    OK(s, store_commit(tx, &s->err));
    wait_for_size(s, changes, full.bytes / 5);
    close(changes);
    OK(s, store_check(s->store, &s->err));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_reads_back_what_was_written),
        CASE(test_a_transaction_is_all_or_nothing),
        CASE(test_aborted_transactions_leave_nothing),
        CASE(test_preconditions),
        CASE(test_changes),
        CASE(test_unfinished_runs),
        CASE(test_last_messages_in_order),
        CASE(test_deleting_takes_everything_along),
        CASE(test_everything_survives_reopening),
        CASE(test_list_and_search),
        CASE(test_pages_count_all),
        CASE(test_the_stale_ones),
        CASE(test_replies_are_kept_once),
        CASE(test_the_file_shrinks_after_deletions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
