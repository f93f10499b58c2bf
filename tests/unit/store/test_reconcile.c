/* Start-up after whatever happened: disk and database agree, and the second time nothing
 * changes. */

#include "store_fixture.h"

#include "store/restore_marker.h"

static void path_of(struct scratch *s, const struct conversation *c, const char *rest, char *out)
{
    char dir[FS_PATH_MAX];

    OK(s, conversation_dir(&s->dirs, c->partition, c->id, dir, &s->err));
    OK(s, fs_join(out, dir, rest, &s->err));
}

static void save(struct scratch *s, const char *dir, const char *name, const char *content)
{
    char path[FS_PATH_MAX];

    OK(s, fs_make_dirs(dir, &s->err));
    OK(s, fs_join(path, dir, name, &s->err));
    OK(s, fs_save(path, content, strlen(content), &s->err));
}

static bool exists(const char *dir, const char *name)
{
    char path[FS_PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* Reconcile, and once more to see that nothing is left to do. */
static struct reconcile_report reconcile(struct scratch *s)
{
    struct reconcile_report first, second;

    OK(s, store_reconcile(s->store, &s->dirs, &first, &s->err));
    OK(s, store_reconcile(s->store, &s->dirs, &second, &s->err));
    assert_int_equal(second.tmp_removed + second.orphans_removed + second.rows_missing, 0);
    return first;
}

static struct conversation add_with_file(
    struct scratch *s, const char *participant, const char *name, const char *content)
{
    struct conversation c = add_conversation(s, participant);
    struct store_tx *tx = store_begin(s->store);
    struct stored_file f;

    OK(s, conversation_dirs_make(&s->dirs, &c, &s->err));
    f = put_file(s, &c, STORED_UPLOAD, name, content);
    store_add_file(tx, &f);
    OK(s, store_commit(tx, &s->err));
    return c;
}

static void test_nothing_to_do(void **state)
{
    struct scratch *s = *state;
    struct reconcile_report r;

    add_with_file(s, "BlueWhale-4821", "a.csv", "x");
    r = reconcile(s);
    assert_int_equal(r.tmp_removed + r.orphans_removed + r.rows_missing, 0);
}

static void test_temporary_files_go(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "x");
    char dir[FS_PATH_MAX];
    struct reconcile_report r;

    save(s, s->dirs.tmp, "upload-1", "half");
    OK(s, fs_join(dir, s->dirs.tmp, "restore-1/deep", &s->err));
    save(s, dir, "x", "half");
    save(s, s->dirs.dumps, ".0123.tmp", "half");
    save(s, s->dirs.dumps, "whole.tar.gz", "whole");
    save(s, s->dirs.snapshots, "b.db.tmp", "half");
    path_of(s, &c, "outputs", dir);
    save(s, dir, ".0123456789abcdef.tmp", "half");
    path_of(s, &c, ".", dir);
    save(s, dir, "metadata.json.tmp", "half");
    r = reconcile(s);
    assert_int_equal(r.tmp_removed, 6);
    assert_int_equal(r.orphans_removed, 0);
    assert_true(exists(s->dirs.dumps, "whole.tar.gz"));
    assert_false(exists(s->dirs.tmp, "upload-1"));
    assert_true(exists(dir, "metadata.json"));
}

static void test_files_without_row_go(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "x");
    char uploads[FS_PATH_MAX], outputs[FS_PATH_MAX];
    struct reconcile_report r;

    path_of(s, &c, "uploads", uploads);
    path_of(s, &c, "outputs", outputs);
    save(s, outputs, "b_extracted.xlsx", "x");
    save(s, outputs, "a.csv", "x"); /* The row is of an upload. */
    r = reconcile(s);
    assert_int_equal(r.orphans_removed, 2);
    assert_true(exists(uploads, "a.csv"));
    assert_false(exists(outputs, "a.csv"));
    assert_false(exists(outputs, "b_extracted.xlsx"));
}

static void test_rows_without_file_go(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "x");
    struct conversation d = add_with_file(s, "RedPanda-1000", "b.csv", "12345");
    struct stored_file *files;
    char dir[FS_PATH_MAX];
    struct reconcile_report r;
    size_t n;

    OK(s, conversation_dirs_remove(&s->dirs, c.partition, c.id, &s->err));
    path_of(s, &d, "uploads", dir);
    save(s, dir, "b.csv", "123"); /* Cut short. */
    r = reconcile(s);
    assert_int_equal(r.rows_missing, 2);
    OK(s, store_files(s->store, c.id, &s->arena, &files, &n, &s->err));
    assert_int_equal(n, 0);
    path_of(s, &c, "uploads", dir);
    assert_int_equal(access(dir, F_OK), 0); /* The conversation can go on. */
}

static void test_folders_without_conversation_go(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "x");
    struct conversation gone = new_conversation(s, "RedPanda-1000"), elsewhere = c;
    char dir[FS_PATH_MAX];
    struct reconcile_report r;

    reconcile(s);
    OK(s, conversation_dirs_make(&s->dirs, &gone, &s->err));
    put_file(s, &gone, STORED_UPLOAD, "x.csv", "x");
    elsewhere.partition = "2025/01"; /* The same id in another partition. */
    OK(s, conversation_dirs_make(&s->dirs, &elsewhere, &s->err));
    save(s, s->dirs.workflows, "README", "not ours, stays");
    r = reconcile(s);
    assert_int_equal(r.orphans_removed, 2);
    path_of(s, &gone, ".", dir);
    assert_int_equal(access(dir, F_OK), -1);
    path_of(s, &elsewhere, ".", dir);
    assert_int_equal(access(dir, F_OK), -1);
    path_of(s, &c, "uploads", dir);
    assert_true(exists(dir, "a.csv"));
    assert_true(exists(s->dirs.workflows, "README"));
}

static void remove_database(struct scratch *s)
{
    store_close(s->store);
    s->store = NULL;
    OK(s, fs_remove_tree(s->db, &s->err));
    scratch_reopen(s);
}

static void test_a_lost_database_takes_no_files_along(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "x");
    char dir[FS_PATH_MAX];

    reconcile(s);
    remove_database(s);
    assert_int_equal(reconcile(s).orphans_removed, 0);
    add_conversation(s, "RedPanda-1000"); /* Neither now nor later. */
    assert_int_equal(reconcile(s).orphans_removed, 0);
    path_of(s, &c, "uploads", dir);
    assert_true(exists(dir, "a.csv"));
}

static void test_a_database_lost_before_the_first_start(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "x");
    char dir[FS_PATH_MAX];

    remove_database(s);
    assert_int_equal(reconcile(s).orphans_removed, 0);
    path_of(s, &c, "uploads", dir);
    assert_true(exists(dir, "a.csv"));
}

/* ---- restores that were cut off ---- */

static void stage(
    struct scratch *s, const struct conversation *c, const char *content, char *staged)
{
    char dir[FS_PATH_MAX], uploads[FS_PATH_MAX];

    OK(s, fs_join(dir, s->dirs.tmp, "restore-1", &s->err));
    OK(s, fs_join(staged, dir, c->id, &s->err));
    OK(s, fs_join(uploads, staged, "uploads", &s->err));
    save(s, uploads, "a.csv", content);
    OK(s, restore_mark(staged, "restore-1", &s->err));
}

static void check_content(struct scratch *s, const char *uploads, const char *wanted)
{
    char path[FS_PATH_MAX], *data;
    size_t n;

    OK(s, fs_join(path, uploads, "a.csv", &s->err));
    OK(s, fs_load(path, 100, &data, &n, &s->err));
    assert_string_equal(data, wanted);
    free(data);
}

static void test_a_new_folder_without_rows_goes(void **state)
{
    struct scratch *s = *state;
    struct conversation c = new_conversation(s, "BlueWhale-4821");
    char staged[FS_PATH_MAX], live[FS_PATH_MAX];

    stage(s, &c, "new", staged);
    OK(s, conversation_dir(&s->dirs, c.partition, c.id, live, &s->err));
    OK(s, restore_move_in(staged, live, &s->err));
    assert_int_equal(reconcile(s).orphans_removed, 1); /* Even while the database is empty. */
    assert_int_equal(access(live, F_OK), -1);
}

static void test_cut_off_before_the_commit(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "old");
    char staged[FS_PATH_MAX], live[FS_PATH_MAX], uploads[FS_PATH_MAX];

    stage(s, &c, "new", staged);
    OK(s, conversation_dir(&s->dirs, c.partition, c.id, live, &s->err));
    OK(s, restore_move_in(staged, live, &s->err));
    assert_int_equal(reconcile(s).rows_missing, 0);
    OK(s, fs_join(uploads, live, "uploads", &s->err));
    check_content(s, uploads, "old");
    assert_false(exists(live, RESTORE_MARKER));
}

static void test_cut_off_after_the_commit(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "old");
    struct store_tx *tx = store_begin(s->store);
    char staged[FS_PATH_MAX], live[FS_PATH_MAX], uploads[FS_PATH_MAX];
    struct stored_file f;

    stage(s, &c, "newer", staged);
    OK(s, conversation_dir(&s->dirs, c.partition, c.id, live, &s->err));
    OK(s, restore_move_in(staged, live, &s->err));
    f = put_file(s, &c, STORED_UPLOAD, "a.csv", "newer");
    store_delete_file(tx, c.id, "a.csv");
    store_add_file(tx, &f);
    OK(s, store_commit(tx, &s->err));
    assert_int_equal(reconcile(s).rows_missing, 0);
    OK(s, fs_join(uploads, live, "uploads", &s->err));
    check_content(s, uploads, "newer");
    assert_false(exists(live, RESTORE_MARKER));
    assert_int_equal(access(staged, F_OK), -1);
}

static void test_moving_out_again(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_with_file(s, "BlueWhale-4821", "a.csv", "old");
    char staged[FS_PATH_MAX], live[FS_PATH_MAX], uploads[FS_PATH_MAX];

    stage(s, &c, "new", staged);
    OK(s, conversation_dir(&s->dirs, c.partition, c.id, live, &s->err));
    OK(s, fs_join(uploads, live, "uploads", &s->err));
    OK(s, restore_move_in(staged, live, &s->err));
    check_content(s, uploads, "new");
    OK(s, restore_move_out(staged, live, &s->err));
    check_content(s, uploads, "old");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_nothing_to_do),
        CASE(test_temporary_files_go),
        CASE(test_files_without_row_go),
        CASE(test_rows_without_file_go),
        CASE(test_folders_without_conversation_go),
        CASE(test_a_lost_database_takes_no_files_along),
        CASE(test_a_database_lost_before_the_first_start),
        CASE(test_a_new_folder_without_rows_goes),
        CASE(test_cut_off_before_the_commit),
        CASE(test_cut_off_after_the_commit),
        CASE(test_moving_out_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
