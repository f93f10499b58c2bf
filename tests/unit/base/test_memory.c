/* Errors, arenas with budgets, capped buffers, warnings: what holds when room runs out. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/warn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void wrapping_keeps_code_and_places(void **state)
{
    struct err err;

    (void)state;
    assert_false(err_set(&err, ERR_COLUMN, "column '%s' does not exist", "x"));
    err.at.row = 7;
    assert_false(err_wrap(&err, "step %d of %d", 2, 3));
    assert_string_equal(err.text, "step 2 of 3: column 'x' does not exist");
    assert_int_equal(err.code, ERR_COLUMN);
    assert_int_equal(err.at.row, 7);
}

static void a_sentence_may_be_built_from_itself(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_DATA, "inner");
    err_set(&err, ERR_DATA, "outer: %s", err.text);
    assert_string_equal(err.text, "outer: inner");
}

static void long_sentences_are_cut_not_overrun(void **state)
{
    char big[2000];
    struct err err;

    (void)state;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    err_set(&err, ERR_DATA, "%s", big);
    err_wrap(&err, "%s", big);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void name_lists_take_whole_names_only(void **state)
{
    char list[16] = "";

    (void)state;
    assert_true(err_list_add(list, sizeof list, "name"));
    assert_true(err_list_add(list, sizeof list, "city"));
    assert_false(err_list_add(list, sizeof list, "something"));
    assert_true(err_list_add(list, sizeof list, "zip"));
    assert_string_equal(list, "name\x1f"
                              "city\x1f"
                              "zip");
}

static void every_code_has_both_statuses(void **state)
{
    (void)state;
    for (int i = 1; i < ERR_COUNT; i++) {
        enum err_code code = (enum err_code)i;

        assert_in_range(err_http_status(code), 400, 599);
        assert_in_range(err_exit_status(code), 2, 130);
        assert_int_equal(err_from_name(err_name(code)), code);
    }
    assert_int_equal(err_from_name("no such"), ERR_INTERNAL);
}

static void arenas_refuse_over_the_budget_and_give_back(void **state)
{
    struct budget budget = { .limit = 256 * 1024 };
    struct arena a, b;

    (void)state;
    arena_init(&a, &budget);
    arena_init(&b, &budget);
    assert_non_null(arena_alloc(&a, 100 * 1024));
    assert_null(arena_alloc(&b, 200 * 1024));
    assert_non_null(arena_alloc(&b, 50 * 1024));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    assert_null(arena_calloc(&a, SIZE_MAX / 2, 4));
    arena_deinit(&a);
    arena_deinit(&b);
    assert_int_equal(budget.used, 0);
    assert_true(budget.peak <= budget.limit);
}

static void a_reset_arena_is_used_again(void **state)
{
    struct arena a;
    size_t size;

    (void)state;
    arena_init(&a, NULL);
    for (int i = 0; i < 1000; i++)
        assert_non_null(arena_alloc(&a, 1000));
    arena_reset(&a);
    size = arena_size(&a);
    for (int i = 0; i < 100; i++)
        assert_string_equal(arena_printf(&a, "%d-%s", i, "x") ? "x" : "", "x");
    assert_int_equal(arena_size(&a), size);
    assert_int_equal((uintptr_t)arena_alloc(&a, 1) % _Alignof(max_align_t), 0);
    arena_deinit(&a);
}

static void a_buffer_over_its_cap_stays_failed(void **state)
{
    struct err err = { 0 };
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    buf_adds(&b, "12345678");
    assert_true(buf_ok(&b, "it", &err));
    assert_string_equal(buf_str(&b), "12345678");
    buf_addc(&b, '9');
    buf_reset(&(struct buf){ 0 });
    assert_false(buf_ok(&b, "the reply", &err));
    assert_int_equal(err.code, ERR_BUDGET);
    assert_non_null(strstr(err.text, "the reply is larger than 8 bytes"));
    assert_null(buf_take(&b));
}

static void warnings_are_counted_with_first_places(void **state)
{
    struct warnings *w = warn_new();
    struct json *j;

    (void)state;
    for (int i = 1; i <= 7; i++)
        warn_add(w, "short_rows", "padded", "row %d", i);
    warn_addn(w, "bad_bytes", "replaced", 3, NULL);
    assert_int_equal(warn_count(w, "short_rows"), 7);
    assert_int_equal(warn_total(w), 10);
    j = warn_json(w);
    assert_int_equal(json_len(j), 2);
    assert_int_equal(json_len(json_get(json_at(j, 0), "places")), WARN_PLACES);
    assert_string_equal(json_str(json_at(json_get(json_at(j, 0), "places"), 4)), "row 5");
    assert_int_equal(json_get_int(json_at(j, 1), "count", 0), 3);
    json_free(j);
    warn_free(w);
}

static void kinds_past_the_last_are_still_counted(void **state)
{
    struct warnings *w = warn_new();

    (void)state;
    for (int i = 0; i < 2 * WARN_KINDS; i++) {
        char kind[16];

        snprintf(kind, sizeof kind, "kind%d", i);
        warn_add(w, kind, "m", NULL);
    }
    assert_int_equal(warn_total(w), 2 * WARN_KINDS);
    assert_int_equal(warn_count(w, "other"), WARN_KINDS + 1);
    warn_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrapping_keeps_code_and_places),
        cmocka_unit_test(a_sentence_may_be_built_from_itself),
        cmocka_unit_test(long_sentences_are_cut_not_overrun),
        cmocka_unit_test(name_lists_take_whole_names_only),
        cmocka_unit_test(every_code_has_both_statuses),
        cmocka_unit_test(arenas_refuse_over_the_budget_and_give_back),
        cmocka_unit_test(a_reset_arena_is_used_again),
        cmocka_unit_test(a_buffer_over_its_cap_stays_failed),
        cmocka_unit_test(warnings_are_counted_with_first_places),
        cmocka_unit_test(kinds_past_the_last_are_still_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
