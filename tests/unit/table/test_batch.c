/*
 * Batches: shape, memory, gathering rows.
 */

#include "table/batch.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void shape(void **state)
{
    struct arena arena;
    struct batch *b;

    (void)state;
    arena_init(&arena, NULL);
    b = batch_new(&arena, 3);
    assert_non_null(b);
    assert_int_equal(b->n_columns, 3);
    assert_int_equal(b->n_rows, 0);
    assert_null(b->rows);
    for (uint32_t c = 0; c < 3; c++) {
        for (uint32_t i = 0; i < BATCH_ROWS; i++)
            b->columns[c][i] = cell_number(c * BATCH_ROWS + i);
    }
    assert_true(b->columns[1][0].number == BATCH_ROWS); /* Columns do not overlap. */
    assert_true(b->columns[2][BATCH_ROWS - 1].number == 3 * BATCH_ROWS - 1);
    b = batch_new(&arena, 0);
    assert_non_null(b);
    arena_deinit(&arena);
}

static void memory_ends(void **state)
{
    struct budget budget = { .limit = 1 << 20 };
    struct arena arena;

    (void)state;
    arena_init(&arena, &budget);
    assert_null(batch_new(&arena, SCHEMA_MAX_COLUMNS));
    assert_non_null(batch_new(&arena, 4));
    arena_deinit(&arena);
    assert_int_equal(budget.used, 0);
}

static void gathering(void **state)
{
    static const uint32_t picks[] = { 0, 3, 4, 9 };
    struct batch *in, *out;
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL);
    in = batch_new(&arena, 2);
    out = batch_new(&arena, 2);
    out->rows = batch_new_rows(&arena);
    in->n_rows = 10;
    in->first_row = 100;
    for (uint32_t i = 0; i < 10; i++) {
        in->columns[0][i] = cell_number(i);
        in->columns[1][i] = cell_text("text", 1 + i % 4);
    }
    batch_gather(in, picks, ARRAY_LEN(picks), out);
    assert_int_equal(out->n_rows, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(out->columns[0][i].number == picks[i]);
        assert_ptr_equal(out->columns[1][i].text, in->columns[1][picks[i]].text);
        assert_int_equal(batch_row(out, i), 100 + picks[i]);
    }
    in->rows = batch_new_rows(&arena);
    batch_gather(out, picks, 2, in); /* Row numbers are carried on. */
    assert_int_equal(batch_row(in, 1), 109);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape),
        cmocka_unit_test(memory_ends),
        cmocka_unit_test(gathering),
    };

    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
