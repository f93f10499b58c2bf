/* Dumps of our own: everything comes back, as it was, replaced or as a copy. */

#include "store_fixture.h"

#include "store/dump.h"
#include "store/rows_json.h"

#define NOW 1770379200000000000 /* 2026-02-06T12:00:00Z */
#define LIMIT (64u << 20)

/* A conversation with a row of every kind, and texts that name ids and paths. */
static struct conversation fill(struct scratch *s)
{
    struct conversation c = new_conversation(s, "BlueWhale-4821");
    struct run r = new_run(&c);
    struct step st = new_step(&r, 0), skipped = new_step(&r, 1);
    struct message m = new_message("file_upload", "Umsätze 😀.csv uploaded");
    struct stored_file up, out;
    struct store_tx *tx = store_begin(s->store);
    struct json *body = json_new_object();
    char text[512], path[512];

    c.name = "Quartal \"1\"\nzweite Zeile";
    c.status = CONVERSATION_COMPLETED;
    c.metadata = "{\"state\":\"idle\",\"n\":1.50}";
    r.status = RUN_COMPLETED;
    r.attempt = 2;
    snprintf(path, sizeof path, "workflows/2026/02/%s/outputs/a_search.xlsx", c.id);
    snprintf(text, sizeof text, "{\"output_file_path\":\"%s\",\"step_id\":\"%s\"}", path, st.id);
    st.status = STEP_COMPLETED;
    st.progress = 100;
    st.output_file = path;
    st.result = text;
    st.rows_in = 10;
    st.rows_out = 4;
    st.warnings = "[{\"kind\":\"ragged_rows\"}]";
    skipped.status = STEP_SKIPPED;
    json_set_string(body, "run_id", r.id);
    json_set_string(body, "chat_id", c.id);
    OK(s, conversation_dirs_make(&s->dirs, &c, &s->err));
    up = put_file(s, &c, STORED_UPLOAD, "Umsätze 😀.csv", "id,name\n1,Ada\n");
    out = put_file(s, &c, STORED_OUTPUT, "a_search.xlsx", "not really a workbook");
    strcpy(out.run, r.id);
    store_add_conversation(tx, &c);
    store_add_run(tx, &r);
    store_add_step(tx, &st);
    store_add_step(tx, &skipped);
    store_add_file(tx, &up);
    store_add_file(tx, &out);
    store_add_message(tx, c.id, &m);
    store_add_event(tx, c.id, "workflow_started", json_ref(body), NOW, NULL);
    store_replace_event(tx, c.id, "progress", "s", NULL, NOW, NULL);
    store_replace_event(tx, c.id, "progress", "s", NULL, NOW, NULL);
    store_add_event(tx, c.id, "workflow_completed", body, NOW, NULL);
    OK(s, store_commit(tx, &s->err));
    c.name = NULL; /* Its text was ours to lend. */
    return c;
}

static void dump(
    struct scratch *s, const char *id, enum dump_compression how, char *path, char sha256[65])
{
    struct json *object = json_new_object();
    char name[FS_NAME_MAX + 1];
    uint64_t size;

    json_set_string(object, "chat_id", id);
    OK(s, dump_write_as(s->store, &s->dirs, id, object, how, NOW, name, &size, sha256, &s->err));
    OK(s, fs_join(path, s->dirs.dumps, name, &s->err));
    json_free(object);
}

static bool restore(struct scratch *s, const char *path, enum restore_mode mode, char id[ID_LEN])
{
    return dump_restore(
        s->store, &s->dirs, path, mode, PARTITION_TIME, "%Y/%m", LIMIT, NOW + 5, NULL, id, &s->err);
}

static void remove_conversation(struct scratch *s, const struct conversation *c)
{
    struct store_tx *tx = store_begin(s->store);

    store_delete_conversation(tx, c->id);
    OK(s, store_commit(tx, &s->err));
    OK(s, conversation_dirs_remove(&s->dirs, c->partition, c->id, &s->err));
}

/* What a restart would find to do: nothing. */
static void check_tidy(struct scratch *s)
{
    struct reconcile_report r;

    OK(s, store_reconcile(s->store, &s->dirs, &r, &s->err));
    assert_int_equal(r.tmp_removed + r.orphans_removed + r.rows_missing, 0);
    OK(s, store_check(s->store, &s->err));
}

static void test_name_size_and_hash(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s);
    char name[FS_NAME_MAX + 1], sha256[65], wanted[FS_NAME_MAX + 1], path[FS_PATH_MAX], actual[65];
    struct json *object = json_new_object();
    uint64_t size, on_disk;
    int fd;

    for (int i = 1; i <= 2; i++) {
        OK(s, dump_write(s->store, &s->dirs, c.id, object, NOW, name, &size, sha256, &s->err));
        snprintf(wanted, sizeof wanted, "%s_20260206_120000%s.tar.gz", c.id, i == 1 ? "" : "-2");
        assert_string_equal(name, wanted);
        OK(s, fs_open_beneath(s->dirs.dumps, name, &fd, &on_disk, &s->err));
        OK(s, fs_sha256_fd(fd, actual, &s->err));
        close(fd);
        assert_int_equal(size, on_disk);
        assert_string_equal(sha256, actual);
    }
    OK(s, fs_join(path, s->dirs.dumps, name, &s->err));
    json_free(object);
    FAILS(s,
        dump_write(s->store, &s->dirs, "00000000-0000-4000-8000-000000000000", NULL, NOW, name,
            &size, sha256, &s->err),
        ERR_NOT_FOUND, "there is no conversation 00000000-0000-4000-8000-000000000000");
}

/* The same bytes before and after: nothing was lost and nothing changed. */
static void test_round_trip(void **state)
{
    static const enum dump_compression hows[] = { DUMP_GZIP, DUMP_ZIP, DUMP_TAR };
    struct scratch *s = *state;
    struct conversation c = fill(s);

    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        char path[FS_PATH_MAX], again[FS_PATH_MAX], before[65], after[65], id[ID_LEN];

        dump(s, c.id, hows[i], path, before);
        remove_conversation(s, &c);
        OK(s, restore(s, path, RESTORE_REFUSE, id));
        assert_string_equal(id, c.id);
        dump(s, c.id, hows[i], again, after);
        assert_string_equal(before, after);
        check_tidy(s);
    }
}

static void test_events_go_on_after_the_last(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s);
    char path[FS_PATH_MAX], sha256[65], id[ID_LEN];
    uint64_t seq;

    dump(s, c.id, DUMP_GZIP, path, sha256);
    remove_conversation(s, &c);
    OK(s, restore(s, path, RESTORE_REFUSE, id));
    OK(s, store_last_seq(s->store, id, &seq, &s->err));
    assert_int_equal(seq, 4);
}

static void test_refuse_where_it_exists(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s);
    char path[FS_PATH_MAX], sha256[65], id[ID_LEN], wanted[256];

    dump(s, c.id, DUMP_GZIP, path, sha256);
    snprintf(wanted, sizeof wanted,
        "the conversation %s exists already: restore with mode replace or copy", c.id);
    FAILS(s, restore(s, path, RESTORE_REFUSE, id), ERR_STATE, wanted);
    check_tidy(s);
}

static void test_replace(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s), got;
    struct message later = new_message("user", "said after the dump");
    struct store_tx *tx;
    struct stored_file extra;
    char path[FS_PATH_MAX], again[FS_PATH_MAX], before[65], after[65], id[ID_LEN];

    dump(s, c.id, DUMP_GZIP, path, before);
    tx = store_begin(s->store);
    extra = put_file(s, &c, STORED_UPLOAD, "later.csv", "x");
    store_add_file(tx, &extra);
    store_add_message(tx, c.id, &later);
    OK(s, store_commit(tx, &s->err));
    OK(s, restore(s, path, RESTORE_REPLACE, id));
    assert_string_equal(id, c.id);
    OK(s, store_conversation_get(s->store, id, &s->arena, &got, &s->err));
    assert_int_equal(got.n_messages, 1);
    assert_int_equal(got.n_files, 2);
    dump(s, c.id, DUMP_GZIP, again, after);
    assert_string_equal(before, after);
    check_tidy(s);
    remove_conversation(s, &c); /* Replacing what is not there is restoring. */
    OK(s, restore(s, path, RESTORE_REPLACE, id));
    check_tidy(s);
}

static void check_copied_texts(
    struct scratch *s, const struct conversation_rows *copy, const struct conversation_rows *old)
{
    struct buf text;
    char wanted[512];

    buf_init(&text, 1 << 20);
    OK(s, rows_json_write(copy, &text, &s->err));
    assert_null(strstr(buf_str(&text), old->conversation.id));
    assert_null(strstr(buf_str(&text), old->runs[0].id));
    assert_null(strstr(buf_str(&text), old->steps[0].id));
    assert_null(strstr(buf_str(&text), old->messages[0].id));
    buf_deinit(&text);
    snprintf(
        wanted, sizeof wanted, "workflows/2026/02/%s/outputs/a_search.xlsx", copy->conversation.id);
    assert_string_equal(copy->steps[0].output_file, wanted);
    assert_non_null(strstr(copy->steps[0].result, wanted));
    assert_non_null(strstr(copy->steps[0].result, copy->steps[0].id));
    assert_non_null(strstr(copy->events[0].body, copy->runs[0].id));
    assert_string_equal(copy->files[1].run, copy->runs[0].id);
}

static void test_copy(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s);
    struct conversation_rows old, copy;
    char path[FS_PATH_MAX], sha256[65], id[ID_LEN], second[ID_LEN];

    dump(s, c.id, DUMP_GZIP, path, sha256);
    OK(s, restore(s, path, RESTORE_COPY, id));
    assert_string_not_equal(id, c.id);
    OK(s, store_snapshot(s->store, c.id, &s->arena, &old, &s->err));
    OK(s, store_snapshot(s->store, id, &s->arena, &copy, &s->err));
    assert_int_equal(copy.n_messages, old.n_messages);
    assert_int_equal(copy.n_events, old.n_events);
    assert_int_equal(copy.n_steps, 2);
    assert_int_equal(copy.n_files, 2);
    assert_string_equal(copy.conversation.name, "Quartal \"1\"\nzweite Zeile");
    assert_string_not_equal(copy.conversation.participant, "BlueWhale-4821");
    assert_memory_equal(copy.conversation.participant, "BlueWhale-", 10);
    assert_string_equal(copy.files[0].sha256, old.files[0].sha256);
    check_copied_texts(s, &copy, &old);
    OK(s, restore(s, path, RESTORE_COPY, second));
    assert_string_not_equal(second, id);
    check_tidy(s);
}

static void test_another_partition(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s), got;
    struct step *steps;
    char path[FS_PATH_MAX], sha256[65], id[ID_LEN], wanted[512];
    size_t n;

    dump(s, c.id, DUMP_GZIP, path, sha256);
    remove_conversation(s, &c);
    OK(s, dump_restore(s->store, &s->dirs, path, RESTORE_REFUSE, PARTITION_HASH, NULL, LIMIT, NOW,
              NULL, id, &s->err));
    OK(s, store_conversation_get(s->store, id, &s->arena, &got, &s->err));
    snprintf(wanted, sizeof wanted, "%.2s/%.2s", id, id + 2);
    assert_string_equal(got.partition, wanted);
    OK(s, store_steps(s->store, id, NULL, &s->arena, &steps, &n, &s->err));
    snprintf(wanted, sizeof wanted, "workflows/%s/%s/outputs/a_search.xlsx", got.partition, id);
    assert_string_equal(steps[0].output_file, wanted);
    check_tidy(s);
}

static void test_unfinished_runs_come_back_cancelled(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s), got;
    struct run r = new_run(&c), *runs;
    struct step running = new_step(&r, 0), pending = new_step(&r, 1), *steps;
    struct store_tx *tx = store_begin(s->store);
    char path[FS_PATH_MAX], sha256[65], id[ID_LEN];
    size_t n;

    r.status = RUN_RUNNING;
    running.status = STEP_RUNNING;
    store_add_run(tx, &r);
    store_add_step(tx, &running);
    store_add_step(tx, &pending);
    store_change_conversation(tx, c.id,
        &(struct conversation_change){ .status = CONVERSATION_PROCESSING, .status_if = -1 });
    OK(s, store_commit(tx, &s->err));
    dump(s, c.id, DUMP_GZIP, path, sha256);
    remove_conversation(s, &c);
    OK(s, restore(s, path, RESTORE_REFUSE, id));
    OK(s, store_runs(s->store, id, false, &s->arena, &runs, &n, &s->err));
    assert_int_equal(n, 2);
    assert_int_equal(runs[1].status, RUN_CANCELLED);
    assert_int_equal(runs[1].completed_ns, NOW + 5);
    OK(s, store_steps(s->store, id, r.id, &s->arena, &steps, &n, &s->err));
    assert_int_equal(steps[0].status, STEP_CANCELLED);
    assert_int_equal(steps[1].status, STEP_SKIPPED);
    OK(s, store_conversation_get(s->store, id, &s->arena, &got, &s->err));
    assert_int_equal(got.status, CONVERSATION_ACTIVE);
}

static void test_changed_files_are_not_dumped(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s);
    char name[FS_NAME_MAX + 1], sha256[65];
    uint64_t size;

    put_file(s, &c, STORED_UPLOAD, "Umsätze 😀.csv", "id,name\n1,Bob\n");
    FAILS(s, dump_write(s->store, &s->dirs, c.id, NULL, NOW, name, &size, sha256, &s->err),
        ERR_DATA, "the file Umsätze 😀.csv has changed since it was stored");
    put_file(s, &c, STORED_UPLOAD, "Umsätze 😀.csv", "short");
    FAILS(s, dump_write(s->store, &s->dirs, c.id, NULL, NOW, name, &size, sha256, &s->err),
        ERR_DATA, "the file Umsätze 😀.csv has 5 bytes instead of 14");
}

static void test_a_failed_commit_puts_the_old_folder_back(void **state)
{
    struct scratch *s = *state;
    struct conversation c = fill(s), thief = add_conversation(s, "RedPanda-1000");
    struct conversation_rows old;
    struct store_tx *tx;
    char path[FS_PATH_MAX], again[FS_PATH_MAX], before[65], after[65], id[ID_LEN],
        other[FS_PATH_MAX];

    dump(s, c.id, DUMP_GZIP, path, before);
    OK(s, store_snapshot(s->store, c.id, &s->arena, &old, &s->err));
    OK(s, conversation_dirs_make(&s->dirs, &thief, &s->err));
    remove_conversation(s, &c);
    tx = store_begin(s->store); /* Another conversation has the id of one of the messages. */
    store_add_message(tx, thief.id, &old.messages[0]);
    store_add_conversation(tx, &c);
    OK(s, store_commit(tx, &s->err));
    OK(s, conversation_dirs_make(&s->dirs, &c, &s->err));
    dump(s, c.id, DUMP_GZIP, again, before);
    assert_false(restore(s, path, RESTORE_REPLACE, id));
    assert_int_equal(s->err.code, ERR_STATE);
    dump(s, c.id, DUMP_GZIP, other, after);
    assert_string_equal(before, after);
    check_tidy(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_name_size_and_hash),
        CASE(test_round_trip),
        CASE(test_events_go_on_after_the_last),
        CASE(test_refuse_where_it_exists),
        CASE(test_replace),
        CASE(test_copy),
        CASE(test_another_partition),
        CASE(test_unfinished_runs_come_back_cancelled),
        CASE(test_changed_files_are_not_dumped),
        CASE(test_a_failed_commit_puts_the_old_folder_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
