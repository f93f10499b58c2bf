/* Folders of conversations, partitions, uploads, the lock. */

#include "store_fixture.h"

#include <sys/stat.h>

#define ID "3f2b8c1e-1111-4000-8000-00000000000a"
#define NOON 1770379200000000000 /* 2026-02-06T12:00:00Z */

static const struct {
    const char *name;
    enum partition_strategy strategy;
    const char *format;
    const char *partition; /* NULL: refused with the sentence */
    const char *sentence;
} partitions[] = {
    { "by month", PARTITION_TIME, "%Y/%m", "2026/02", NULL },
    { "by day, with words", PARTITION_TIME, "year-%Y/m_%m/%d", "year-2026/m_02/06", NULL },
    { "fixed", PARTITION_TIME, "all", "all", NULL },
    { "nothing", PARTITION_TIME, "", "", NULL },
    { "by id", PARTITION_HASH, NULL, "3f/2b", NULL },
    { "flat", PARTITION_FOLDER, NULL, "", NULL },
    { "an hour", PARTITION_TIME, "%Y/%H", NULL,
        "the subfolder format may hold %Y, %m, %d, letters, digits, '-', '_' and '/', not '%H'" },
    { "a percent sign at the end", PARTITION_TIME, "%Y/%", NULL,
        "the subfolder format may hold %Y, %m, %d, letters, digits, '-', '_' and '/', not '%'" },
    { "a way up", PARTITION_TIME, "../%Y", NULL,
        "the subfolder format may hold %Y, %m, %d, letters, digits, '-', '_' and '/', not '.'" },
    { "from the root", PARTITION_TIME, "/%Y", NULL,
        "the subfolder format gives '/2026', which is no folder name" },
    { "a slash at the end", PARTITION_TIME, "%Y/", NULL,
        "the subfolder format gives '2026/', which is no folder name" },
    { "an empty part", PARTITION_TIME, "%Y//%m", NULL,
        "the subfolder format gives '2026//02', which is no folder name" },
    { "too long", PARTITION_TIME,
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL,
        "the subfolder is larger than 63 bytes" },
};

static void test_partitions(void **state)
{
    struct scratch *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(partitions); i++) {
        char out[64] = "untouched";
        bool ok =
            partition_make(partitions[i].strategy, partitions[i].format, ID, NOON, out, &s->err);

        if (ok != (partitions[i].partition != NULL) ||
            strcmp(ok ? out : s->err.text, ok ? partitions[i].partition : partitions[i].sentence) !=
                0)
            fail_msg("%s: '%s'", partitions[i].name, ok ? out : s->err.text);
    }
}

static const struct {
    const char *id;
    bool ok;
} ids[] = {
    { ID, true },
    { "", false },
    { "3f2b8c1e-1111-4000-8000-00000000000", false },
    { "3f2b8c1e-1111-4000-8000-00000000000aa", false },
    { "3F2B8C1E-1111-4000-8000-00000000000A", false },
    { "3f2b8c1e11111-4000-8000-00000000000a", false },
    { "../../../../../../../../../../../etc", false },
};

static void test_ids(void **state)
{
    struct scratch *s = *state;
    char dir[FS_PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        assert_int_equal(conversation_id_ok(ids[i].id), ids[i].ok);
        assert_int_equal(conversation_dir(&s->dirs, "", ids[i].id, dir, &s->err), ids[i].ok);
    }
    FAILS(s, conversation_dir(&s->dirs, "../..", ID, dir, &s->err), ERR_NOT_FOUND,
        "there is no conversation " ID);
}

static void test_folders_of_a_conversation(void **state)
{
    struct scratch *s = *state;
    struct conversation c = new_conversation(s, "BlueWhale-4821");
    struct stored_file f = { .name = "a b.csv", .kind = STORED_OUTPUT };
    char dir[FS_PATH_MAX], path[FS_PATH_MAX], wanted[FS_PATH_MAX], *text;
    struct stat st;
    size_t n;

    OK(s, conversation_dirs_make(&s->dirs, &c, &s->err));
    OK(s, conversation_dirs_make(&s->dirs, &c, &s->err)); /* Twice is fine. */
    OK(s, conversation_file_dir(&s->dirs, c.partition, c.id, STORED_INTERMEDIATE, dir, &s->err));
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    OK(s, conversation_dir(&s->dirs, c.partition, c.id, dir, &s->err));
    OK(s, fs_join(path, dir, "metadata.json", &s->err));
    OK(s, fs_load(path, 4096, &text, &n, &s->err));
    assert_non_null(strstr(text, "\"partition_key\": \"2026/02\""));
    assert_non_null(strstr(text, c.id));
    free(text);
    OK(s, file_public_path(&c, &f, path, &s->err));
    snprintf(wanted, sizeof wanted, "workflows/2026/02/%s/outputs/a b.csv", c.id);
    assert_string_equal(path, wanted);
    c.partition = "";
    OK(s, file_public_path(&c, &f, path, &s->err));
    snprintf(wanted, sizeof wanted, "workflows/%s/outputs/a b.csv", c.id);
    assert_string_equal(path, wanted);
    c.partition = "2026/02";
    OK(s, conversation_dirs_remove(&s->dirs, c.partition, c.id, &s->err));
    assert_int_equal(access(dir, F_OK), -1);
    OK(s, conversation_dirs_remove(&s->dirs, c.partition, c.id, &s->err));
}

static void test_uploads_get_a_free_name(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821");
    static const struct {
        const char *name, *got;
    } uploads[] = {
        { "sales.csv", "sales.csv" }, { "sales.csv", "sales-2.csv" },
        { "sales.csv", "sales-3.csv" }, { "Umsätze 2026.xlsx", "Umsätze 2026.xlsx" },
        { "noext", "noext" }, { "noext", "noext-2" },
        { "made_extracted.csv", "made_extracted-2.csv" }, /* An output has this name. */
    };

    OK(s, conversation_dirs_make(&s->dirs, &c, &s->err));
    put_file(s, &c, STORED_OUTPUT, "made_extracted.csv", "x");
    for (size_t i = 0; i < ARRAY_LEN(uploads); i++) {
        char tmp[FS_PATH_MAX], got[FS_NAME_MAX + 1];

        OK(s, fs_join(tmp, s->dirs.tmp, "u.tmp", &s->err));
        OK(s, fs_save(tmp, "a\n", 2, &s->err));
        OK(s, upload_publish(&s->dirs, &c, tmp, uploads[i].name, got, &s->err));
        assert_string_equal(got, uploads[i].got);
        assert_int_equal(access(tmp, F_OK), -1);
    }
}

static void test_data_folder(void **state)
{
    struct scratch *s = *state;
    struct data_dirs d;
    char root[256], elsewhere[256], wanted[512];

    snprintf(root, sizeof root, "%s/deep/er", s->root);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", s->root);
    OK(s, data_dirs_open(root, "flows", "", elsewhere, &d, &s->err));
    snprintf(wanted, sizeof wanted, "%s/flows", root);
    assert_string_equal(d.workflows, wanted);
    snprintf(wanted, sizeof wanted, "%s/dumps", root);
    assert_string_equal(d.dumps, wanted);
    assert_string_equal(d.sqlite, elsewhere);
    assert_int_equal(access(elsewhere, F_OK), 0);
    snprintf(root, sizeof root, "%s/sqlite/chat.db", s->root);
    assert_false(data_dirs_open(root, NULL, NULL, NULL, &d, &s->err));
    assert_null(strstr(s->err.text, s->root)); /* No server paths in sentences. */
}

static void test_only_one_server(void **state)
{
    struct scratch *s = *state;
    int first, second;

    OK(s, data_lock(&s->dirs, &first, &s->err));
    FAILS(s, data_lock(&s->dirs, &second, &s->err), ERR_STATE,
        "another Sheetflow is using this data folder");
    close(first);
    OK(s, data_lock(&s->dirs, &second, &s->err));
    close(second);
}

static void test_words(void **state)
{
    enum conversation_status c;
    enum run_status r;
    enum step_status st;
    enum file_kind k;

    (void)state;
    for (int i = 0; i < CONVERSATION_STATUS_COUNT; i++) {
        assert_true(
            conversation_status_find(conversation_status_name((enum conversation_status)i), &c));
        assert_int_equal(c, i);
    }
    for (int i = 0; i < RUN_STATUS_COUNT; i++) {
        assert_true(run_status_find(run_status_name((enum run_status)i), &r));
        assert_int_equal(r, i);
    }
    for (int i = 0; i < STEP_STATUS_COUNT; i++) {
        assert_true(step_status_find(step_status_name((enum step_status)i), &st));
        assert_int_equal(st, i);
    }
    for (int i = 0; i < STORED_KIND_COUNT; i++) {
        assert_true(file_kind_find(file_kind_folder((enum file_kind)i), &k));
        assert_int_equal(k, i);
    }
    assert_false(conversation_status_find("Active", &c));
    assert_false(run_status_find(NULL, &r));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_partitions),
        CASE(test_ids),
        CASE(test_folders_of_a_conversation),
        CASE(test_uploads_get_a_free_name),
        CASE(test_data_folder),
        CASE(test_only_one_server),
        CASE(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
