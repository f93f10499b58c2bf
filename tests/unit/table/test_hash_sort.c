/*
 * Sorting hashes, finding them on disk, rows on disk, and removing repeated rows: whatever the memory.
 */

#include "table/hash_index.h"
#include "table/row_file.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

struct scratch {
    char dir[32];
    struct arena arena;
    uint64_t random;
};

static int setup(void **state)
{
    struct scratch *s = calloc(1, sizeof *s);

    assert_non_null(s);
    strcpy(s->dir, "/tmp/test_hash_sort_XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    arena_init(&s->arena, NULL);
    s->random = 88172645463325252u;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scratch *s = *state;

    assert_int_equal(rmdir(s->dir), 0); /* Nothing was left in it. */
    arena_deinit(&s->arena);
    free(s);
    return 0;
}

static uint32_t below(struct scratch *s, uint32_t n)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (uint32_t)((s->random >> 32) * n >> 32);
}

/* Few hashes, so that many are the same; some differ in one half only. */
static struct hash128 some_hash(struct scratch *s, uint32_t range)
{
    uint32_t i = below(s, range);
    struct hash128 h = hash_bytes(&i, sizeof i);

    if (i % 7 == 0)
        h.hi = 5;
    else if (i % 11 == 0)
        h.lo = 5;
    return h;
}

static struct hash_sort *filled(
    struct scratch *s, size_t memory, size_t n, uint32_t range, struct hash_entry *want)
{
    struct hash_sort *sort = hash_sort_new(s->dir, memory);
    struct err err;

    assert_non_null(sort);
    for (size_t i = 0; i < n; i++) {
        want[i] = (struct hash_entry){ some_hash(s, range), i };
        assert_true(hash_sort_add(sort, want[i].hash, i, &err));
    }
    assert_int_equal(hash_sort_len(sort), n);
    return sort;
}

static int compare(const void *a, const void *b)
{
    return hash_entry_compare(a, b);
}

/* How many, and with how much memory: none, all in memory, few runs, and several passes of merging. */
static const struct {
    size_t n, memory;
    uint32_t range;
} sizes[] = {
    { 0, 0, 1 },
    { 1, 0, 1 },
    { 300, 1 << 20, 100 },
    { 300, 0, 100 },
    { 1000, 0, 1 },
    { 5000, 0, 100000 },
    { 5000, 0, 600 },
    { 60000, 0, 20000 },
    { 60000, 200 << 10, 20000 },
};

static void sorted(void **state)
{
    struct scratch *s = *state;

    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        struct hash_entry *want = calloc(sizes[k].n + 1, sizeof *want), got;
        struct hash_sort *sort = filled(s, sizes[k].memory, sizes[k].n, sizes[k].range, want);
        struct err err;
        bool more;

        qsort(want, sizes[k].n, sizeof *want, compare);
        assert_true(hash_sort_end(sort, &err));
        for (size_t i = 0; i < sizes[k].n; i++) {
            assert_true(hash_sort_next(sort, &got, &more, &err));
            assert_true(more);
            assert_memory_equal(&got, &want[i], sizeof got);
        }
        assert_true(hash_sort_next(sort, &got, &more, &err));
        assert_false(more);
        hash_sort_free(sort);
        free(want);
    }
}

static void check_hash(
    struct hash_index *x, struct hash128 hash, const struct hash_entry *want, size_t n)
{
    struct hash_cursor cursor;
    struct err err;
    uint64_t value;
    bool found;

    hash_index_find(x, hash, &cursor);
    for (size_t i = 0; i < n; i++) {
        if (!hash_same(want[i].hash, hash))
            continue;
        assert_true(hash_index_next(x, &cursor, &value, &found, &err));
        assert_true(found);
        assert_int_equal(value, want[i].value);
    }
    assert_true(hash_index_next(x, &cursor, &value, &found, &err));
    assert_false(found);
}

static void indexed(void **state)
{
    struct scratch *s = *state;

    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        size_t n = sizes[k].n, hashes = 0;
        struct hash_entry *want = calloc(n + 1, sizeof *want);
        struct hash_sort *sort = filled(s, sizes[k].memory, n, sizes[k].range, want);
        uint64_t repeat = UINT64_MAX;
        struct hash_index *x;
        struct err err;

        assert_true(hash_index_build(sort, s->dir, k % 2 ? 64 : 1 << 20, &x, &err));
        hash_sort_free(sort);
        qsort(want, n, sizeof *want, compare);
        for (size_t i = 0; i < n; i++) {
            if (i == 0 || !hash_same(want[i - 1].hash, want[i].hash))
                hashes++;
            else if (want[i].value < repeat)
                repeat = want[i].value;
        }
        assert_int_equal(hash_index_len(x), n);
        assert_int_equal(hash_index_hashes(x), hashes);
        assert_int_equal(hash_index_first_repeat(x), repeat);
        for (size_t i = 0; i < 50; i++) {
            if (n > 0)
                check_hash(x, want[below(s, (uint32_t)n)].hash, want, n);
            check_hash(x, some_hash(s, 1 << 30), want, n);
        }
        hash_index_free(x);
        free(want);
    }
}

static void rows_by_place(void **state)
{
    enum { ROWS = 4000 };
    struct scratch *s = *state;
    struct cell a = cell_text("text", 4), b = cell_number(-1.5), blank = cell_blank(), got[3];
    const struct cell *cells[] = { &a, &blank, &b };
    char *lengthy = malloc(400000), key[32];
    uint64_t at[ROWS], n_rows = 0;
    struct row_file *f;
    struct err err;
    bool more;

    memset(lengthy, 'x', 400000);
    f = row_file_new(s->dir, 3, &err);
    assert_non_null(f);
    for (uint32_t i = 0; i < ROWS; i++) {
        size_t n = (size_t)snprintf(key, sizeof key, "key %u", i);

        a = i % 1000 == 7 ? cell_text(lengthy, 400000) : cell_text(lengthy, i % 60);
        b.number = i;
        assert_true(row_file_add(f, key, i % 9 ? n : 0, cells, &at[i], &err));
    }
    assert_true(row_file_end(f, &err));
    for (uint32_t k = 0; k < 2 * ROWS; k++) {
        uint32_t i = k < ROWS ? below(s, ROWS) : k - ROWS;
        size_t n, n_key = (size_t)snprintf(key, sizeof key, "key %u", i);

        assert_true(row_file_fetch(f, at[i], &err));
        assert_memory_equal(row_file_key(f, &n), key, i % 9 ? n_key : 0);
        assert_int_equal(n, i % 9 ? n_key : 0);
        assert_true(row_file_cells(f, got, &err));
        assert_int_equal(got[0].len, i % 1000 == 7 ? 400000 : i % 60);
        assert_true(cell_is_blank(got[1]));
        assert_true(got[2].number == (double)i);
    }
    for (bool ok = row_file_first(f, &more, &err); more; ok = row_file_next(f, &more, &err)) {
        assert_true(ok);
        assert_int_equal(row_file_at(f), at[n_rows]);
        n_rows++;
    }
    assert_int_equal(n_rows, ROWS);
    assert_false(row_file_fetch(f, at[ROWS - 1] + 100000000, &err));
    assert_int_equal(err.code, ERR_IO);
    row_file_free(f);
    free(lengthy);
}

static void folder_missing(void **state)
{
    struct hash_sort *sort = hash_sort_new("/nonexistent", 0);
    struct err err;
    bool ok = true;

    (void)state;
    assert_null(row_file_new("/nonexistent", 1, &err));
    assert_int_equal(err.code, ERR_CREATE);
    for (uint64_t i = 0; ok && i < 1000; i++)
        ok = hash_sort_add(sort, hash_bytes(&i, sizeof i), i, &err);
    assert_false(ok);
    assert_int_equal(err.code, ERR_CREATE);
    assert_string_equal(err.text, "the folder for temporary data does not exist");
    hash_sort_free(sort);
}

/* All that spills, on a disk of 64 KiB. */
static void disk_full(void **state)
{
    struct scratch *s = *state;
    struct cell text = cell_text("some text that takes room on the disk", 37);
    const struct cell *cells[] = { &text };
    struct hash_sort *sort;
    struct row_file *f;
    uint64_t at;
    struct err err;
    bool ok = true;

    if (mount("tmpfs", s->dir, "tmpfs", 0, "size=65536") != 0)
        skip(); /* Only root may. */
    sort = hash_sort_new(s->dir, 0);
    for (uint64_t i = 0; ok && i < 100000; i++)
        ok = hash_sort_add(sort, hash_bytes(&i, sizeof i), i, &err);
    assert_false(ok);
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_int_equal(err_http_status(err.code), 507);
    hash_sort_free(sort);
    f = row_file_new(s->dir, 1, &err);
    assert_non_null(f);
    ok = true;
    for (uint64_t i = 0; ok && i < 100000; i++)
        ok = row_file_add(f, &i, sizeof i, cells, &at, &err);
    assert_false(ok);
    assert_int_equal(err.code, ERR_NO_SPACE);
    row_file_free(f);
    assert_int_equal(umount(s->dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sorted, setup, teardown),
        cmocka_unit_test_setup_teardown(indexed, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_by_place, setup, teardown),
        cmocka_unit_test_setup_teardown(folder_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_full, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
