/* The database file itself: migration, refusal, backup. */

#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* Offsets in the header of a database file (big-endian words). */
enum { USER_VERSION_AT = 60, APPLICATION_ID_AT = 68 };

static void poke(const char *path, off_t at, uint32_t v)
{
    unsigned char bytes[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16),
        (unsigned char)(v >> 8), (unsigned char)v };
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, 4, at), 4);
    assert_int_equal(close(fd), 0);
}

static void copy_file(struct scratch *s, const char *from, const char *to)
{
    char *data;
    size_t n;

    OK(s, fs_load(from, 64 << 20, &data, &n, &s->err));
    OK(s, fs_save(to, data, n, &s->err));
    free(data);
}

static bool reopen(struct scratch *s)
{
    store_close(s->store);
    s->store = NULL;
    return store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err);
}

/* Beside the process that writes: it sees each commit, and can change nothing. */
static void test_read_only(void **state)
{
    struct scratch *s = *state;
    struct conversation c = new_conversation(s, "BlueWhale-4821"), found;
    struct store_config config = { .path = s->db, .read_only = true };
    struct store *reader;
    struct store_tx *tx;

    OK(s, store_open(&config, &reader, &s->err));
    assert_int_equal(store_id(reader), store_id(s->store));
    tx = store_begin(s->store);
    store_add_conversation(tx, &c);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_conversation_get(reader, c.id, &s->arena, &found, &s->err));
    OK(s, store_check(reader, &s->err));
    tx = store_begin(reader);
    store_delete_conversation(tx, c.id);
    FAILS(s, store_commit(tx, &s->err), ERR_STATE, "the database is open for reading only");
    store_close(reader);
    OK(s, store_conversation_get(s->store, c.id, &s->arena, &found, &s->err));
}

static void test_read_only_needs_a_database_of_this_schema(void **state)
{
    struct scratch *s = *state;
    struct store_config config = { .path = s->db, .read_only = true };
    struct store *reader;

    store_close(s->store);
    s->store = NULL;
    assert_int_equal(unlink(s->db), 0);
    FAILS(s, store_open(&config, &reader, &s->err), ERR_NOT_FOUND,
        "the database file does not exist");
    copy_file(s, SOURCE_DIR "/version_1.db", s->db);
    FAILS(s, store_open(&config, &reader, &s->err), ERR_STATE,
        "the database was written by an older Sheetflow (schema 1; this one knows 4); start the "
        "server once, which brings it up to date");
}

/* tests/unit/store/version_1.db was written by the first schema. */
static void test_version_1_is_migrated(void **state)
{
    struct scratch *s = *state;
    struct conversation *list;
    struct store_reply reply = { "s", "k", "r", 200, "{}", 1 };
    struct store_key key = { .id = "0123456789abcdef", .name = "k", .role = "admin", .owner = "k" };
    struct store_tx *tx;
    struct message *messages;
    struct step *steps;
    struct event *events;
    uint64_t total;
    size_t n;

    store_close(s->store);
    s->store = NULL;
    copy_file(s, SOURCE_DIR "/version_1.db", s->db);
    OK(s, store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err));
    OK(s, store_conversation_list(s->store, &(struct conversation_filter){ .limit = 10 }, &s->arena,
              &list, &n, &total, &s->err));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].participant, "BlueWhale-4821");
    OK(s, store_messages(s->store, list[0].id, 0, &s->arena, &messages, &n, &s->err));
    assert_int_equal(n, 1);
    assert_string_equal(messages[0].content, "written by version 1");
    OK(s, store_steps(s->store, list[0].id, NULL, &s->arena, &steps, &n, &s->err));
    assert_int_equal(n, 1);
    OK(s, store_events(s->store, list[0].id, 0, 9, &s->arena, &events, &n, &s->err));
    assert_int_equal(n, 1);
    tx = store_begin(s->store); /* What version 2 brought. */
    store_add_reply(tx, &reply);
    store_add_key(tx, &key); /* What version 3 brought. */
    OK(s, store_commit(tx, &s->err));
    assert_null(list[0].owner);
    OK(s, store_check(s->store, &s->err));
    assert_true(reopen(s));
}

static void test_a_newer_schema_is_refused(void **state)
{
    struct scratch *s = *state;
    char *before, *after;
    size_t n, m;

    store_close(s->store);
    s->store = NULL;
    poke(s->db, USER_VERSION_AT, 99);
    OK(s, fs_load(s->db, 64 << 20, &before, &n, &s->err));
    FAILS(s, store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err), ERR_STATE,
        "the database was written by a newer Sheetflow (schema 99; this one knows up to 4); "
        "use that version or restore an older backup");
    OK(s, fs_load(s->db, 64 << 20, &after, &m, &s->err));
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n); /* It was not touched. */
    free(before);
    free(after);
}

static void test_other_files_are_refused(void **state)
{
    struct scratch *s = *state;

    store_close(s->store);
    s->store = NULL;
    poke(s->db, APPLICATION_ID_AT, 1);
    FAILS(s, store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err), ERR_DATA,
        "the database file belongs to another program");
    OK(s, fs_save(s->db, "id,name\n1,not a database at all, but long enough to look at\n", 58,
              &s->err));
    FAILS(s, store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err), ERR_DATA,
        "the database file is not a database");
}

static void test_damage_is_found_after_a_crash(void **state)
{
    struct scratch *s = *state;
    char crashed[128];
    struct stat st;
    off_t at;

    /* The copy of an open database is what a crash leaves: not marked as cleanly closed. */
    for (int i = 0; i < 50; i++) {
        char name[32];

        snprintf(name, sizeof name, "BlueWhale-%d", 1000 + i);
        add_conversation(s, name);
    }
    scratch_reopen(s);
    snprintf(crashed, sizeof crashed, "%s/sqlite/crashed.db", s->root);
    copy_file(s, s->db, crashed);
    store_close(s->store);
    s->store = NULL;
    strcpy(s->db, crashed);
    assert_int_equal(stat(s->db, &st), 0);
    for (at = 2 * 4096; at + 64 < st.st_size; at += 4096)
        poke(s->db, at + 3, 0xffffffff);
    assert_false(store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err));
    assert_int_equal(s->err.code, ERR_DATA);
    assert_non_null(strstr(s->err.text, "the database is damaged"));
}

/* ---- backups ---- */

struct writing {
    struct store *store;
    const char *conversation;
    atomic_bool stop;
    atomic_int written, failed;
};

static void *keep_writing(void *arg)
{
    struct writing *w = arg;
    struct err err;

    while (!atomic_load(&w->stop)) {
        struct message m = new_message("user", "while the backup is made");
        struct store_tx *tx = store_begin(w->store);

        store_add_message(tx, w->conversation, &m);
        store_add_event(tx, w->conversation, "message", NULL, 0, NULL);
        if (store_commit(tx, &err))
            atomic_fetch_add(&w->written, 1);
        else
            atomic_fetch_add(&w->failed, 1);
    }
    return NULL;
}

static void fill(struct scratch *s, const char *conversation)
{
    char text[4096];
    struct store_tx *tx = store_begin(s->store);

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 2000; i++) {
        struct message m = new_message("user", text);

        store_add_message(tx, conversation, &m);
    }
    OK(s, store_commit(tx, &s->err));
}

static void test_backup_while_writing(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821"), got;
    struct writing w = { .store = s->store, .conversation = c.id };
    struct store *copy;
    pthread_t thread;
    char path[FS_PATH_MAX], log[FS_PATH_MAX + 8];
    uint64_t seq;

    fill(s, c.id);
    assert_int_equal(pthread_create(&thread, NULL, keep_writing, &w), 0);
    while (atomic_load(&w.written) < 20)
        sched_yield();
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/chat_backup_%d.db", s->dirs.snapshots, i);
        OK(s, store_backup(s->store, path, &s->err));
        snprintf(log, sizeof log, "%s-wal", path);
        assert_int_equal(access(log, F_OK), -1); /* A single file. */
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&w.failed), 0);

    OK(s, store_open(&(struct store_config){ .path = path }, &copy, &s->err));
    OK(s, store_check(copy, &s->err));
    assert_int_equal(store_id(copy), store_id(s->store));
    OK(s, store_conversation_get(copy, c.id, &s->arena, &got, &s->err));
    OK(s, store_last_seq(copy, c.id, &seq, &s->err));
    assert_int_equal(got.n_messages, 2000 + seq); /* One moment, not two. */
    assert_true(seq >= 20);
    store_close(copy);
}

static void test_backups_do_not_replace(void **state)
{
    struct scratch *s = *state;
    char path[FS_PATH_MAX];

    snprintf(path, sizeof path, "%s/b.db", s->dirs.snapshots);
    OK(s, store_backup(s->store, path, &s->err));
    FAILS(
        s, store_backup(s->store, path, &s->err), ERR_STATE, "a backup named b.db exists already");
    snprintf(path, sizeof path, "%s/none/b.db", s->dirs.snapshots);
    FAILS(s, store_backup(s->store, path, &s->err), ERR_NOT_FOUND,
        "the folder for backups does not exist");
}

static void test_files_are_for_the_owner_only(void **state)
{
    struct scratch *s = *state;
    struct stat st;
    char path[FS_PATH_MAX];

    assert_int_equal(stat(s->db, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s-wal", s->db);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    store_close(s->store);
    s->store = NULL;
    assert_int_equal(stat(path, &st), -1); /* Closing saves the log and removes it. */
    assert_int_equal(errno, ENOENT);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_read_only),
        CASE(test_read_only_needs_a_database_of_this_schema),
        CASE(test_version_1_is_migrated),
        CASE(test_a_newer_schema_is_refused),
        CASE(test_other_files_are_refused),
        CASE(test_damage_is_found_after_a_crash),
        CASE(test_backup_while_writing),
        CASE(test_backups_do_not_replace),
        CASE(test_files_are_for_the_owner_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
