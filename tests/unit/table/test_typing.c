/*
 * Safe typing: what a column of texts becomes, and that it prints back to the same bytes.
 */

#include "table/typing.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_VALUES = 6 };

static struct batch *batch_of(struct arena *arena, const char *const *values)
{
    struct batch *b = batch_new(arena, 1);

    assert_non_null(b);
    for (; b->n_rows < MAX_VALUES && values[b->n_rows]; b->n_rows++)
        b->columns[0][b->n_rows] = cell_text(values[b->n_rows], strlen(values[b->n_rows]));
    return b;
}

static void check_prints_back(const struct typing *t, struct batch *b, const char *const *values)
{
    typing_apply(t, b);
    for (uint32_t i = 0; i < b->n_rows; i++) {
        char scratch[CELL_SHOWN_MAX];
        size_t n;
        const char *shown = cell_shown(&b->columns[0][i], scratch, &n);

        assert_int_equal(n, strlen(values[i]));
        assert_memory_equal(shown, values[i], n);
    }
}

static void columns(void **state)
{
    static const struct {
        const char *values[MAX_VALUES];
        enum column_type want;
        bool whole;
    } cases[] = {
        { { NULL }, COLUMN_EMPTY, false },
        { { "", "" }, COLUMN_EMPTY, false },
        { { "1", "", "-20" }, COLUMN_NUMBER, true },
        { { "1", "2.5" }, COLUMN_NUMBER, false },
        { { "1", "007" }, COLUMN_TEXT, false },
        { { "1", "+2" }, COLUMN_TEXT, false },
        { { "1.50" }, COLUMN_TEXT, false },
        { { "1E5" }, COLUMN_TEXT, false },
        { { "1234567890123456789" }, COLUMN_TEXT, false },
        { { "true", "false", "" }, COLUMN_BOOLEAN, false },
        { { "TRUE" }, COLUMN_TEXT, false },
        { { "true", "yes" }, COLUMN_TEXT, false },
        { { "true", "1" }, COLUMN_TEXT, false },
        { { "2024-02-29", "1900-01-01" }, COLUMN_DATE, false },
        { { "2024-02-29", "2023-02-29" }, COLUMN_TEXT, false },
        { { "1900-02-29" }, COLUMN_TEXT, false },
        { { "2024-02-29", "2024-02-29 10:00:00" }, COLUMN_TEXT, false },
        { { "2024-02-29 10:00:00", "", "1999-12-31 23:59:59" }, COLUMN_DATETIME, false },
        { { "2024-02-29 10:00" }, COLUMN_TEXT, false },
        { { "3-4" }, COLUMN_TEXT, false },
        { { "abc", "1" }, COLUMN_TEXT, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena;
        struct typing *t = typing_new(1);
        struct batch *b;

        assert_non_null(t);
        arena_init(&arena, NULL);
        b = batch_of(&arena, cases[i].values);
        typing_scan(t, b);
        if (typing_column(t, 0) != cases[i].want)
            fail_msg(
                "%s... is taken for %s", cases[i].values[0], column_type_name(typing_column(t, 0)));
        assert_int_equal(typing_whole(t, 0), cases[i].whole);
        assert_int_equal(typing_all_text(t), cases[i].want == COLUMN_TEXT);
        check_prints_back(t, b, cases[i].values);
        typing_free(t);
        arena_deinit(&arena);
    }
}

static void typed_cells(void **state)
{
    static const struct {
        const char *text;
        uint8_t type, kind;
        double value;
    } cases[] = {
        { "7", CELL_NUMBER, 0, 7 },
        { "true", CELL_BOOL, 0, 1 },
        { "false", CELL_BOOL, 0, 0 },
        { "2023-03-15", CELL_DATE, DATE_DATE, 45000 },
        { "2023-03-15 12:00:00", CELL_DATE, DATE_DATETIME, 45000.5 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const values[MAX_VALUES] = { cases[i].text };
        struct typing *t = typing_new(1);
        struct arena arena;
        struct batch *b;

        arena_init(&arena, NULL);
        b = batch_of(&arena, values);
        typing_scan(t, b);
        typing_apply(t, b);
        assert_int_equal(b->columns[0][0].type, cases[i].type);
        assert_int_equal(b->columns[0][0].kind, cases[i].kind);
        assert_true(b->columns[0][0].number == cases[i].value);
        typing_free(t);
        arena_deinit(&arena);
    }
}

/* A column that has types already stays as it is, texts in it included. */
static void typed_columns_are_left(void **state)
{
    struct typing *t = typing_new(1);
    struct arena arena;
    struct batch *b;

    (void)state;
    arena_init(&arena, NULL);
    b = batch_of(&arena, (const char *const[MAX_VALUES]){ "1", "2" });
    b->columns[0][1] = cell_number(2);
    typing_scan(t, b);
    assert_int_equal(typing_column(t, 0), COLUMN_TEXT);
    typing_apply(t, b);
    assert_int_equal(b->columns[0][0].type, CELL_TEXT);
    typing_free(t);
    arena_deinit(&arena);
}

static void several_batches_and_columns(void **state)
{
    struct typing *t = typing_new(3);
    struct arena arena;
    struct batch *b;

    (void)state;
    arena_init(&arena, NULL);
    b = batch_new(&arena, 3);
    b->n_rows = 1;
    b->columns[0][0] = cell_text("1", 1);
    b->columns[1][0] = cell_text("1", 1);
    b->columns[2][0] = cell_text("x", 1);
    typing_scan(t, b);
    assert_false(typing_all_text(t));
    b->columns[1][0] = cell_text("01", 2); /* The second batch breaks the second column. */
    typing_scan(t, b);
    assert_int_equal(typing_column(t, 0), COLUMN_NUMBER);
    assert_int_equal(typing_column(t, 1), COLUMN_TEXT);
    assert_int_equal(typing_column(t, 2), COLUMN_TEXT);
    assert_int_equal(typing_column(t, 3), COLUMN_TEXT); /* Not one of ours. */
    b->columns[0][0] = cell_text("01", 2);
    typing_scan(t, b);
    assert_true(typing_all_text(t));
    typing_free(t);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns),
        cmocka_unit_test(typed_cells),
        cmocka_unit_test(typed_columns_are_left),
        cmocka_unit_test(several_batches_and_columns),
    };

    return cmocka_run_group_tests_name("typing", tests, NULL, NULL);
}
