/* Archives written by zip_write, read back by hand and zlib. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/zip_write.h"

#include "formats/deflate_blocks.h"
#include "zip_parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/zip_write_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct err err;

    (void)state;
    return fs_remove_tree(folder, &err) ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

enum fill { ZEROS, WORDS, NOISE };

/* Data of a kind, the same every time. */
static char *make_data(enum fill fill, size_t n)
{
    char *data = malloc(n + 1);
    uint64_t x = 88172645463325252u;

    assert_non_null(data);
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        data[i] = fill == ZEROS ? 0 : fill == NOISE ? (char)x : "<c r=\"A1\"><v>"[x % 13];
    }
    return data;
}

static const struct {
    const char *name;
    enum fill fill;
    size_t n;
} shapes[] = {
    { "empty", WORDS, 0 },
    { "one byte", WORDS, 1 },
    { "a block less one", WORDS, DEFLATE_BLOCK - 1 },
    { "a block", NOISE, DEFLATE_BLOCK },
    { "a block and one", WORDS, DEFLATE_BLOCK + 1 },
    { "incompressible", NOISE, 5 * DEFLATE_BLOCK + 77 },
    { "many blocks, on the other thread", WORDS, 30 * DEFLATE_BLOCK + 5 },
    { "zeros", ZEROS, 9 * DEFLATE_BLOCK },
    { "small again", WORDS, 1000 },
};

/* All shapes as parts of one archive; `portion` bytes at a time. */
static void write_shapes(struct fs_file *file, size_t portion)
{
    struct zip_writer *z;
    struct err err;

    assert_true(zip_write_open(file, &z, &err));
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        char *data = make_data(shapes[i].fill, shapes[i].n);

        assert_true(zip_write_begin(z, shapes[i].name, &err));
        for (size_t at = 0; at < shapes[i].n; at += portion) {
            size_t left = shapes[i].n - at;

            assert_true(zip_write_data(z, data + at, left < portion ? left : portion, &err));
        }
        assert_true(zip_write_end(z, &err));
        free(data);
    }
    assert_true(zip_write_finish(z, &err));
    zip_write_close(z);
}

static void check_shapes(const char *path, unsigned flags)
{
    struct zip_parts zip;

    zip_parts_load(&zip, path);
    assert_int_equal(zip.n, ARRAY_LEN(shapes));
    for (size_t i = 0; i < zip.n; i++) {
        char *data = make_data(shapes[i].fill, shapes[i].n);

        assert_string_equal(zip.parts[i].name, shapes[i].name);
        assert_int_equal(zip.parts[i].flags, flags);
        assert_int_equal(zip.parts[i].extra_id, flags ? 0 : 0xa220);
        assert_int_equal(zip.parts[i].n, shapes[i].n);
        assert_memory_equal(zip.parts[i].data, data, shapes[i].n);
        free(data);
    }
    zip_parts_free(&zip);
}

static void write_file(const char *name, size_t portion)
{
    struct fs_file *file;
    struct err err;

    assert_true(fs_file_create(folder, name, name, &file, &err));
    write_shapes(file, portion);
    assert_true(fs_file_commit(file, false, NULL, &err));
}

static void test_parts_read_back(void **state)
{
    (void)state;
    write_file("a.zip", 100000);
    check_shapes(path_of("a.zip"), 0);
}

static void test_descriptors_where_the_file_cannot_be_patched(void **state)
{
    struct fs_file *file;
    struct err err;
    int fd = open(path_of("fd.zip"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    (void)state;
    assert_true(fd >= 0);
    assert_true(fs_file_from_fd(fd, "stdout", &file, &err));
    write_shapes(file, 100000);
    assert_true(fs_file_commit(file, false, NULL, &err));
    close(fd);
    check_shapes(path_of("fd.zip"), 8);
}

static void test_bytes_do_not_depend_on_portions(void **state)
{
    static const size_t portions[] = { 1000, 4096, 777777 };
    char *first, *other;
    size_t n_first, n_other;
    struct err err;

    (void)state;
    write_file("p.zip", 100000);
    assert_true(fs_load(path_of("p.zip"), 1 << 30, &first, &n_first, &err));
    for (size_t i = 0; i < ARRAY_LEN(portions); i++) {
        char name[32];

        snprintf(name, sizeof name, "p%zu.zip", i);
        write_file(name, portions[i]);
        assert_true(fs_load(path_of(name), 1 << 30, &other, &n_other, &err));
        assert_int_equal(n_first, n_other);
        assert_memory_equal(first, other, n_first);
        free(other);
    }
    free(first);
}

static void test_room_runs_over_the_block(void **state)
{
    struct fs_file *file;
    struct zip_writer *z;
    struct zip_parts zip;
    struct err err;
    size_t total = 0;

    (void)state;
    assert_true(fs_file_create(folder, "room.zip", "room.zip", &file, &err));
    assert_true(zip_write_open(file, &z, &err));
    assert_true(zip_write_begin(z, "x", &err));
    for (unsigned i = 0; i < 200; i++) {
        char *end, *room = zip_write_room(z, ZIP_ROOM_MAX, &end, &err);
        size_t n = 9973;

        assert_non_null(room);
        assert_true((size_t)(end - room) >= ZIP_ROOM_MAX);
        for (size_t k = 0; k < n; k++)
            room[k] = (char)('a' + (total + k) % 23);
        zip_write_wrote(z, n);
        total += n;
    }
    assert_true(zip_write_end(z, &err));
    assert_true(zip_write_finish(z, &err));
    zip_write_close(z);
    assert_true(fs_file_commit(file, false, NULL, &err));
    zip_parts_load(&zip, path_of("room.zip"));
    assert_int_equal(zip.parts[0].n, total);
    for (size_t k = 0; k < total; k++)
        assert_int_equal(zip.parts[0].data[k], 'a' + k % 23);
    zip_parts_free(&zip);
}

static void test_more_parts_than_the_old_end_record_counts(void **state)
{
    enum { PARTS = 65536 };
    struct zip_writer *z;
    struct zip_parts zip;
    struct fs_file *file;
    struct err err;
    int fd = open(path_of("many.zip"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    (void)state;
    assert_true(fs_file_from_fd(fd, "many", &file, &err));
    assert_true(zip_write_open(file, &z, &err));
    for (unsigned i = 0; i < PARTS; i++) {
        char name[16];

        snprintf(name, sizeof name, "%u", i);
        assert_true(zip_write_part(z, name, "x", 1, &err));
    }
    assert_true(zip_write_finish(z, &err));
    zip_write_close(z);
    assert_true(fs_file_commit(file, false, NULL, &err));
    close(fd);
    zip_parts_load(&zip, path_of("many.zip"));
    assert_true(zip.zip64);
    assert_int_equal(zip.n, PARTS);
    assert_string_equal(zip.parts[PARTS - 1].name, "65535");
    zip_parts_free(&zip);
}

static void test_a_full_disk_is_reported(void **state)
{
    struct zip_writer *z;
    struct fs_file *file;
    struct err err = { 0 };
    char *data = make_data(NOISE, DEFLATE_BLOCK);
    int fd = open("/dev/full", O_WRONLY);
    bool ok = true;

    (void)state;
    assert_true(fd >= 0);
    assert_true(fs_file_from_fd(fd, "the output", &file, &err));
    assert_true(zip_write_open(file, &z, &err));
    assert_true(zip_write_begin(z, "x", &err));
    for (unsigned i = 0; ok && i < 20; i++)
        ok = zip_write_data(z, data, DEFLATE_BLOCK, &err);
    assert_false(ok);
    assert_int_equal(err.code, ERR_NO_SPACE);
    zip_write_close(z);
    fs_file_abort(file);
    close(fd);
    free(data);
}

static void test_misuse_is_refused(void **state)
{
    struct zip_writer *z;
    struct fs_file *file;
    struct err err;
    char *end;

    (void)state;
    assert_true(fs_file_create(folder, "bad.zip", "bad.zip", &file, &err));
    assert_true(zip_write_open(file, &z, &err));
    assert_null(zip_write_room(z, 1, &end, &err));
    assert_false(zip_write_end(z, &err));
    assert_true(zip_write_begin(z, "x", &err));
    assert_false(zip_write_begin(z, "y", &err));
    assert_null(zip_write_room(z, ZIP_ROOM_MAX + 1, &end, &err));
    zip_write_close(z);
    fs_file_abort(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_read_back),
        cmocka_unit_test(test_descriptors_where_the_file_cannot_be_patched),
        cmocka_unit_test(test_bytes_do_not_depend_on_portions),
        cmocka_unit_test(test_room_runs_over_the_block),
        cmocka_unit_test(test_more_parts_than_the_old_end_record_counts),
        cmocka_unit_test(test_a_full_disk_is_reported),
        cmocka_unit_test(test_misuse_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
