/* Files appear whole or not at all, under names that are safe, and paths stay below their root. */

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct scratch {
    char dir[64];
};

static int make_scratch(void **state)
{
    struct scratch *s = malloc(sizeof *s);

    strcpy(s->dir, "/tmp/sheetflow-fs-XXXXXX");
    *state = s;
    return mkdtemp(s->dir) ? 0 : -1;
}

static int remove_scratch(void **state)
{
    struct scratch *s = *state;
    struct err err;
    bool ok = fs_remove_tree(s->dir, &err);

    free(s);
    return ok ? 0 : -1;
}

static bool count_file(void *arg, const char *relative, uint64_t size, struct err *err)
{
    (void)relative;
    (void)size;
    (void)err;
    ++*(int *)arg;
    return true;
}

static int files_in(const char *dir)
{
    struct err err;
    int n = 0;

    assert_true(fs_walk(dir, count_file, &n, &err));
    return n;
}

static void a_file_appears_at_its_commit(void **state)
{
    const struct scratch *s = *state;
    char name[FS_NAME_MAX + 1], path[FS_PATH_MAX], *data;
    struct fs_file *f;
    struct err err;
    size_t n;

    assert_true(fs_file_create(s->dir, "out.csv", "out.csv", &f, &err));
    assert_true(fs_file_write(f, "hello", 5, &err));
    assert_true(fs_file_patch(f, 0, "j", 1, &err));
    assert_int_equal(fs_file_size(f), 5);
    assert_true(fs_join(path, s->dir, "out.csv", &err));
    assert_int_equal(access(path, F_OK), -1);
    assert_true(fs_file_commit(f, true, name, &err));
    assert_string_equal(name, "out.csv");
    assert_true(fs_load(path, 5, &data, &n, &err));
    assert_string_equal(data, "jello");
    free(data);
    assert_false(fs_load(path, 4, &data, &n, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(files_in(s->dir), 1);
}

static void a_taken_name_is_never_overwritten(void **state)
{
    static const char *const want[] = { "a.csv", "a-2.csv", "a-3.csv" };
    const struct scratch *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        char name[FS_NAME_MAX + 1];
        struct fs_file *f;
        struct err err;

        assert_true(fs_file_create(s->dir, "a.csv", "a.csv", &f, &err));
        assert_true(fs_file_commit(f, false, name, &err));
        assert_string_equal(name, want[i]);
    }
}

static void an_aborted_file_leaves_nothing(void **state)
{
    const struct scratch *s = *state;
    struct fs_file *f;
    struct err err;

    assert_true(fs_file_create(s->dir, "a.csv", "a.csv", &f, &err));
    assert_true(fs_file_write(f, "x", 1, &err));
    fs_file_abort(f);
    fs_file_abort(NULL);
    assert_int_equal(files_in(s->dir), 0);
}

static void a_folder_that_is_gone_is_told_without_its_path(void **state)
{
    struct fs_file *f;
    struct err err;

    (void)state;
    assert_false(fs_file_create("/nonexistent/secret", "a.csv", "the report", &f, &err));
    assert_int_equal(err.code, ERR_CREATE);
    assert_null(strstr(err.text, "secret"));
    assert_non_null(strstr(err.text, "the report"));
}

static void a_file_over_the_system_limit_fails_cleanly(void **state)
{
    const struct scratch *s = *state;
    struct rlimit old, small = { 4096, RLIM_INFINITY };
    char *chunk = calloc(1, 300000);
    struct fs_file *f;
    struct err err;
    bool ok;

    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    ok = fs_file_create(s->dir, "a.csv", "a.csv", &f, &err);
    if (ok) {
        assert_false(fs_file_write(f, chunk, 300000, &err));
        fs_file_abort(f);
    }
    setrlimit(RLIMIT_FSIZE, &old);
    free(chunk);
    assert_true(ok);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(files_in(s->dir), 0);
}

static void paths_stay_below_their_root(void **state)
{
    static const char *const outside[] = { "../x", "/etc/passwd", "sub/../../x", "link",
        "sub/link/x", "sub", "" };
    const struct scratch *s = *state;
    char path[FS_PATH_MAX];
    struct err err;
    uint64_t size;
    int fd;

    assert_true(fs_join(path, s->dir, "sub/deep", &err));
    assert_true(fs_make_dirs(path, &err));
    assert_true(fs_make_dirs(path, &err));
    assert_true(fs_join(path, s->dir, "link", &err));
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_true(fs_join(path, s->dir, "sub/link", &err));
    assert_int_equal(symlink("/etc", path), 0);
    assert_true(fs_join(path, s->dir, "sub/deep/ok", &err));
    assert_true(fs_save(path, "12", 2, &err));
    assert_true(fs_open_beneath(s->dir, "sub/deep/ok", &fd, &size, &err));
    assert_int_equal(size, 2);
    close(fd);
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        if (fs_open_beneath(s->dir, outside[i], &fd, &size, &err))
            fail_msg("opened %s", outside[i]);
        assert_int_equal(err.code, ERR_NOT_FOUND);
    }
}

static void removing_a_tree_spares_what_links_point_to(void **state)
{
    const struct scratch *s = *state;
    char dir[FS_PATH_MAX], link[FS_PATH_MAX], kept[FS_PATH_MAX];
    struct err err;

    assert_true(fs_join(dir, s->dir, "tree", &err) && fs_make_dirs(dir, &err));
    assert_true(fs_join(kept, s->dir, "kept", &err) && fs_make_dirs(kept, &err));
    assert_true(fs_join(link, dir, "link", &err));
    assert_int_equal(symlink(kept, link), 0);
    assert_true(fs_remove_tree(dir, &err));
    assert_true(fs_remove_tree(dir, &err));
    assert_int_equal(access(dir, F_OK), -1);
    assert_int_equal(access(kept, F_OK), 0);
}

static void hashes_are_sha256(void **state)
{
    const struct scratch *s = *state;
    char path[FS_PATH_MAX], hex[65];
    struct err err;
    int fd;

    assert_true(fs_join(path, s->dir, "abc", &err) && fs_save(path, "abc", 3, &err));
    fd = open(path, O_RDONLY);
    assert_true(fs_sha256_fd(fd, hex, &err));
    close(fd);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void names_from_outside_become_safe(void **state)
{
    static const struct {
        const char *raw, *want;
    } cases[] = {
        { "sales.csv", "sales.csv" },
        { "../../etc/passwd", "passwd" },
        { "C:\\Users\\me\\Umsatz.xlsx", "Umsatz.xlsx" },
        { "..", "file" },
        { "", "file" },
        { ".hidden", "hidden" },
        { "a\r\nb.csv", "ab.csv" },
        { "name. ", "name" },
        { "\xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x98\x80.csv",
            "\xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x98\x80.csv" },
        { "a\xcc\x88.csv", "\xc3\xa4.csv" },
        { "bad\xff.csv", "bad\xef\xbf\xbd.csv" },
    };
    char out[FS_NAME_MAX + 1], longest[1000];
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(fs_safe_name(cases[i].raw, strlen(cases[i].raw), out, &err));
        assert_string_equal(out, cases[i].want);
    }
    for (size_t i = 0; i < sizeof longest; i += 2)
        memcpy(longest + i, "\xc3\xa4", 2);
    memcpy(longest + sizeof longest - 5, ".csv", 5);
    assert_true(fs_safe_name(longest, sizeof longest - 1, out, &err));
    assert_true(strlen(out) <= FS_NAME_MAX - 48);
    assert_string_equal(fs_suffix(out), ".csv");
    assert_true(fs_is_bare_name(out));
}

static void bare_names(void **state)
{
    static const char *const bad[] = { "", "a/b", "..", ".x", "a\\b", "a\nb", "bad\xff" };

    (void)state;
    assert_true(fs_is_bare_name("report 1.xlsx"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(fs_is_bare_name(bad[i]));
    assert_string_equal(fs_suffix("a.tar.gz"), ".tar.gz");
    assert_string_equal(fs_suffix("none"), "");
    assert_string_equal(fs_suffix(".bashrc"), "");
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, make_scratch, remove_scratch)
    const struct CMUnitTest tests[] = {
        CASE(a_file_appears_at_its_commit),
        CASE(a_taken_name_is_never_overwritten),
        CASE(an_aborted_file_leaves_nothing),
        CASE(a_folder_that_is_gone_is_told_without_its_path),
        CASE(a_file_over_the_system_limit_fails_cleanly),
        CASE(paths_stay_below_their_root),
        CASE(removing_a_tree_spares_what_links_point_to),
        CASE(hashes_are_sha256),
        CASE(names_from_outside_become_safe),
        CASE(bare_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
