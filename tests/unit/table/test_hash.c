/*
 * Hashes of rows, the set and the map, their budgets.
 */

#include "table/hash.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 100000 };

static bool equal(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

static struct hash128 hash_of(struct cell a, struct cell b)
{
    static const uint32_t columns[] = { 0, 1 };
    struct cell *cells[] = { &a, &b };
    struct batch batch = { .n_rows = 1, .n_columns = 2, .columns = cells };

    return hash_row(&batch, 0, columns, 2);
}

static void rows_hash_by_type_and_value(void **state)
{
    struct cell one = cell_number(1), text_one = cell_text("1", 1), blank = cell_blank(),
                error = cell_text("1", 1);
    struct cell formatted = one;
    struct hash128 seen[16];
    size_t n = 0;

    (void)state;
    error.type = CELL_ERROR;
    formatted.format = 7;
    assert_true(equal(hash_of(one, blank), hash_of(formatted, blank)));
    seen[n++] = hash_of(one, blank);
    seen[n++] = hash_of(text_one, blank);
    seen[n++] = hash_of(blank, text_one);
    seen[n++] = hash_of(blank, blank);
    seen[n++] = hash_of(error, blank);
    seen[n++] = hash_of(cell_bool(true), blank);
    seen[n++] = hash_of(cell_date(1, DATE_DATE), blank);
    seen[n++] = hash_of(cell_date(1, DATE_TIME), blank);
    seen[n++] = hash_of(cell_text("ab", 2), cell_text("c", 1));
    seen[n++] = hash_of(cell_text("a", 1), cell_text("bc", 2));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            assert_false(equal(seen[i], seen[k]));
    }
}

/* Rows longer than what is hashed in one go, and texts longer than what enters as it is. */
static void long_rows(void **state)
{
    enum { COLUMNS = 40, TEXT = 1000 };
    static char text[TEXT];
    static const size_t lengths[] = { 1, 100, 255, 256, 257, TEXT };
    struct cell cells[COLUMNS], *columns[COLUMNS];
    uint32_t picks[COLUMNS];
    struct batch b = { .n_rows = 1, .n_columns = COLUMNS, .columns = columns };

    (void)state;
    memset(text, 'x', sizeof text);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        columns[c] = &cells[c];
        picks[c] = c;
    }
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct hash128 before, after;

        for (uint32_t c = 0; c < COLUMNS; c++)
            cells[c] = cell_text(text, lengths[i]);
        before = hash_row(&b, 0, picks, COLUMNS);
        assert_true(equal(before, hash_row(&b, 0, picks, COLUMNS)));
        for (uint32_t c = 0; c < COLUMNS; c++) { /* Every column counts. */
            cells[c] = cell_number(1);
            after = hash_row(&b, 0, picks, COLUMNS);
            assert_false(equal(before, after));
            cells[c] = cell_text(text, lengths[i]);
        }
    }
}

static void set_of_many(void **state)
{
    struct budget budget = { 0 };
    struct hash_set *s = hash_set_new(&budget);
    struct err err;
    bool added;

    (void)state;
    assert_non_null(s);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            struct hash128 h = hash_bytes(&i, sizeof i);

            hash_set_prefetch(s, h);
            assert_true(hash_set_add(s, h, &added, &err));
            assert_int_equal(added, round == 0);
        }
    }
    assert_int_equal(hash_set_len(s), MANY);
    assert_true(hash_set_add(s, (struct hash128){ 0, 0 }, &added, &err));
    assert_true(added);
    assert_true(hash_set_add(s, (struct hash128){ 0, 0 }, &added, &err));
    assert_false(added);
    assert_true(hash_set_add(s, (struct hash128){ 0, 1 }, &added, &err));
    assert_true(added);
    assert_int_equal(hash_set_len(s), MANY + 2);
    assert_true(budget.used >= MANY * sizeof(struct hash128));
    hash_set_free(s);
    assert_int_equal(budget.used, 0);
    hash_set_free(NULL);
}

static void set_over_budget(void **state)
{
    struct budget budget = { .limit = 1 << 20 };
    struct hash_set *s = hash_set_new(&budget);
    struct err err = { 0 };
    bool added, ok = true;
    int i = 0;

    (void)state;
    for (; i < MANY && ok; i++)
        ok = hash_set_add(s, hash_bytes(&i, sizeof i), &added, &err);
    assert_false(ok);
    assert_int_equal(err.code, ERR_BUDGET);
    assert_string_equal(err.text, "the keys to remember do not fit into the memory limit of 1 MB");
    assert_true(budget.peak <= budget.limit);
    i = 0;
    assert_true(
        hash_set_add(s, hash_bytes(&i, sizeof i), &added, &err)); /* What is in it still is. */
    assert_false(added);
    hash_set_free(s);
    assert_int_equal(budget.used, 0);
    budget.limit = 10;
    assert_null(hash_set_new(&budget));
    assert_null(hash_map_new(&budget));
}

static void map_of_many(void **state)
{
    struct budget budget = { 0 };
    struct hash_map *m = hash_map_new(&budget);
    uint64_t *value, *first;
    struct err err;
    bool added;
    char key[32];

    (void)state;
    assert_non_null(m);
    assert_true(hash_map_put(m, "", 0, &first, &added, &err));
    assert_true(added);
    assert_int_equal(*first, 0);
    *first = 4711;
    for (int i = 0; i < MANY; i++) {
        int n = snprintf(key, sizeof key, "key %d", i);

        assert_null(hash_map_find(m, key, (size_t)n));
        assert_true(hash_map_put(m, key, (size_t)n, &value, &added, &err));
        assert_true(added);
        *value = (uint64_t)i;
    }
    assert_int_equal(*first, 4711); /* Growing moves no value. */
    assert_ptr_equal(hash_map_find(m, "", 0), first);
    assert_ptr_equal(hash_map_find(m, NULL, 0), first);
    for (int i = 0; i < MANY; i++) {
        int n = snprintf(key, sizeof key, "key %d", i);
        const uint64_t *found = hash_map_find(m, key, (size_t)n);

        assert_non_null(found);
        assert_int_equal(*found, i);
        assert_true(hash_map_put(m, key, (size_t)n, &value, &added, &err));
        assert_false(added);
        assert_ptr_equal(value, found);
    }
    assert_null(hash_map_find(m, "key", 3));
    assert_null(hash_map_find(m, "key 1\0", 6)); /* The length belongs to the key. */
    assert_int_equal(hash_map_len(m), MANY + 1);
    hash_map_free(m);
    assert_int_equal(budget.used, 0);
    hash_map_free(NULL);
}

static void map_over_budget(void **state)
{
    struct budget budget = { .limit = 1 << 20 };
    struct hash_map *m = hash_map_new(&budget);
    struct err err = { 0 };
    uint64_t *value;
    bool added, ok = true;

    (void)state;
    for (int i = 0; i < MANY && ok; i++)
        ok = hash_map_put(m, &i, sizeof i, &value, &added, &err);
    assert_false(ok);
    assert_int_equal(err.code, ERR_BUDGET);
    assert_true(budget.peak <= budget.limit);
    hash_map_free(m);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_hash_by_type_and_value),
        cmocka_unit_test(long_rows),
        cmocka_unit_test(set_of_many),
        cmocka_unit_test(set_over_budget),
        cmocka_unit_test(map_of_many),
        cmocka_unit_test(map_over_budget),
    };

    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
