/*
 * Spilling: what goes in comes out, from memory and from the file, as often as one likes.
 */

#include "table/spill.h"

#include "table/schema.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { COLUMNS = 3, BATCHES = 7 };

static const double numbers[] = { 0, -0.0, 1, -1, 0.1, 1e300, -1e-300, 9007199254740991.0,
    9007199254740992.0, -9007199254740991.0, 123456789.25, 5e-324 };

/* Cell i of a column: every type, kind and length in turn. */
static struct cell sample(uint64_t i)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    static char lengthy[40000];
    struct cell c = cell_blank();

    if (!lengthy[0])
        memset(lengthy, 'z', sizeof lengthy);
    switch (i % 11) {
    case 0:
        return cell_text(letters, 1 + i % 26);
    case 1:
        return cell_number(numbers[i / 11 % ARRAY_LEN(numbers)]);
    case 2:
        return cell_bool(i % 2);
    case 3:
        return cell_date((double)(i % 50000) + 0.5, (enum date_kind)(i % 4));
    case 4:
        c = cell_text("#N/A", 4);
        c.type = CELL_ERROR;
        return c;
    case 5:
        c = cell_number(7);
        c.format = (uint16_t)(i % (FORMAT_MAX + 1));
        return c;
    case 6:
        c.format = FORMAT_DATE;
        return c;
    case 7:
        return i % 1000 == 7 ? cell_text(lengthy, sizeof lengthy) : cell_text(letters, 26);
    default:
        return c; /* Runs of blanks. */
    }
}

static void fill(struct batch *b, uint64_t *rows, uint32_t k)
{
    b->n_rows = k == 3 ? BATCH_ROWS : 1 + k * 100;
    b->rows = k % 2 ? rows : NULL;
    b->first_row = 1 + k * 10000;
    for (uint32_t i = 0; i < b->n_rows; i++) {
        rows[i] = k * 10000 + (i % 7 == 0 ? 5 : i * 3); /* Not even rising. */
        for (uint32_t c = 0; c < COLUMNS; c++)
            b->columns[c][i] = c == 2 ? cell_blank() : sample(i * 3 + c + k);
    }
}

static void check_equal(const struct batch *got, const struct batch *want)
{
    assert_int_equal(got->n_rows, want->n_rows);
    assert_int_equal(got->n_columns, want->n_columns);
    for (uint32_t i = 0; i < want->n_rows; i++) {
        assert_int_equal(batch_row(got, i), batch_row(want, i));
        for (uint32_t c = 0; c < want->n_columns; c++) {
            const struct cell *a = &got->columns[c][i], *b = &want->columns[c][i];

            if (!cell_same(a, b) || a->format != b->format || a->kind != b->kind)
                fail_msg("row %u, column %u came back as another", i, c);
        }
    }
}

struct scratch {
    char dir[32];
    struct arena arena;
    struct batch *batch;
    uint64_t *rows;
};

static int setup(void **state)
{
    struct scratch *s = calloc(1, sizeof *s);

    assert_non_null(s);
    strcpy(s->dir, "/tmp/test_spill_XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    arena_init(&s->arena, NULL);
    s->batch = batch_new(&s->arena, COLUMNS);
    s->rows = batch_new_rows(&s->arena);
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

static void goes_round(struct scratch *s, size_t memory)
{
    struct spill *spill = spill_new(s->dir, COLUMNS, memory);
    const struct batch *got;
    struct err err = { 0 };
    uint64_t rows = 0;

    assert_non_null(spill);
    for (uint32_t k = 0; k < BATCHES; k++) {
        fill(s->batch, s->rows, k);
        rows += s->batch->n_rows;
        assert_true(spill_write(spill, s->batch, &err));
    }
    assert_int_equal(spill_rows(spill), rows);
    for (int pass = 0; pass < 3; pass++) {
        assert_true(spill_rewind(spill, &err));
        for (uint32_t k = 0; k < BATCHES; k++) {
            fill(s->batch, s->rows, k);
            assert_true(spill_next(spill, &got, &err));
            assert_non_null(got);
            check_equal(got, s->batch);
            if (pass == 1 && k == 4)
                break; /* A pass may be cut short. */
        }
        if (pass != 1) {
            assert_true(spill_next(spill, &got, &err));
            assert_null(got);
        }
    }
    spill_free(spill);
}

static void from_memory(void **state)
{
    goes_round(*state, SIZE_MAX);
}

static void from_the_file(void **state)
{
    goes_round(*state, 0);
}

static void from_both(void **state)
{
    goes_round(*state, 40000);
}

static void nothing_in_it(void **state)
{
    struct scratch *s = *state;
    struct spill *spill = spill_new(s->dir, COLUMNS, 0);
    const struct batch *got;
    struct err err = { 0 };

    s->batch->n_rows = 0;
    assert_true(spill_write(spill, s->batch, &err));
    assert_true(spill_rewind(spill, &err));
    assert_true(spill_next(spill, &got, &err));
    assert_null(got);
    assert_int_equal(spill_rows(spill), 0);
    spill_free(spill);
    spill_free(NULL);
}

static void rows_without_columns(void **state)
{
    struct scratch *s = *state;
    struct spill *spill = spill_new(s->dir, 0, 0);
    struct batch none = { .n_rows = 5, .first_row = 2 };
    const struct batch *got;
    struct err err = { 0 };

    assert_true(spill_write(spill, &none, &err));
    assert_true(spill_rewind(spill, &err));
    assert_true(spill_next(spill, &got, &err));
    assert_non_null(got);
    assert_int_equal(got->n_rows, 5);
    assert_int_equal(batch_row(got, 4), 6);
    spill_free(spill);
}

static void refusals(void **state)
{
    struct scratch *s = *state;
    struct spill *spill = spill_new("/nowhere/at/all", COLUMNS, 0);
    struct err err = { 0 };

    fill(s->batch, s->rows, 1);
    assert_false(spill_write(spill, s->batch, &err));
    assert_int_equal(err.code, ERR_CREATE);
    assert_string_equal(err.text, "the folder for temporary data does not exist");
    spill_free(spill);
    spill = spill_new(s->dir, COLUMNS + 1, 0);
    assert_false(spill_write(spill, s->batch, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    spill_free(spill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(from_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(from_both, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_without_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
    };

    return cmocka_run_group_tests_name("spill", tests, NULL, NULL);
}
