/*
 * Cells: shown text, numbers they stand for, sameness, keeping.
 */

#include "table/cell.h"

#include "table/schema.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct cell text(const char *s)
{
    return cell_text(s, strlen(s));
}

static struct cell error(const char *s)
{
    struct cell c = text(s);

    c.type = CELL_ERROR;
    return c;
}

static void shown(void **state)
{
    const struct {
        struct cell cell;
        const char *want;
    } cases[] = {
        { cell_blank(), "" },
        { text(""), "" },
        { text("007"), "007" },
        { error("#N/A"), "#N/A" },
        { cell_number(7), "7" },
        { cell_number(1.5), "1.5" },
        { cell_number(1e-7), "1e-07" },
        { cell_number(-1.7976931348623157e308), "-1.7976931348623157e+308" },
        { cell_bool(true), "true" },
        { cell_bool(false), "false" },
        { cell_date(45000, DATE_DATE), "2023-03-15" },
        { cell_date(45000.5, DATE_DATETIME), "2023-03-15 12:00:00" },
        { cell_date(0.5, DATE_TIME), "12:00:00" },
        { cell_date(30.0 / 24 + 5.0 / 1440, DATE_DURATION), "30:05:00" },
        { cell_date(-1.7976931348623157e308, DATE_DURATION), "-1.7976931348623157e+308" },
    };
    char scratch[CELL_SHOWN_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = 99;
        const char *got = cell_shown(&cases[i].cell, scratch, &n);

        assert_int_equal(n, strlen(cases[i].want));
        assert_memory_equal(got, cases[i].want, n);
    }
}

static void date_formats(void **state)
{
    (void)state;
    assert_int_equal(cell_date(1, DATE_DATE).format, FORMAT_DATE);
    assert_int_equal(cell_date(1, DATE_DATETIME).format, FORMAT_DATETIME);
    assert_int_equal(cell_date(1, DATE_TIME).format, FORMAT_TIME);
    assert_int_equal(cell_date(1, DATE_DURATION).format, FORMAT_DURATION);
    assert_int_equal(cell_date(1, DATE_TIME).kind, DATE_TIME);
}

static void numbers(void **state)
{
    const struct {
        struct cell cell;
        bool ok;
        double want;
    } cases[] = {
        { cell_number(2.5), true, 2.5 },
        { text("2.50"), true, 2.5 },
        { text("007"), true, 7 },
        { text("x"), false, 0 },
        { cell_blank(), false, 0 },
        { cell_bool(true), false, 0 },
        { cell_date(3, DATE_DATE), false, 0 },
        { error("#N/A"), false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double v = 0;

        assert_int_equal(cell_to_number(&cases[i].cell, &v), cases[i].ok);
        assert_true(v == cases[i].want);
    }
}

static void sameness(void **state)
{
    struct cell formatted = cell_number(1);
    const struct {
        struct cell a, b;
        bool same;
    } cases[] = {
        { cell_blank(), cell_blank(), true },
        { text("a"), text("a"), true },
        { text("a"), text("A"), false },
        { text("a"), text("ab"), false },
        { text("1"), cell_number(1), false },
        { text("#N/A"), error("#N/A"), false },
        { cell_number(1), cell_number(1), true },
        { cell_number(1), cell_bool(true), false },
        { cell_number(0), cell_number(-0.0), false },
        { cell_date(1, DATE_DATE), cell_date(1, DATE_DATE), true },
        { cell_date(1, DATE_DATE), cell_date(1, DATE_DATETIME), false },
        { cell_date(1, DATE_DATE), cell_number(1), false },
        { error("#N/A"), error("#REF!"), false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(cell_same(&cases[i].a, &cases[i].b), cases[i].same);
        assert_int_equal(cell_same(&cases[i].b, &cases[i].a), cases[i].same);
    }
    formatted.format = 9;
    assert_true(cell_same(&formatted, &(struct cell){ .number = 1, .type = CELL_NUMBER }));
}

static void keeping(void **state)
{
    struct budget none = { .limit = 1 };
    struct arena arena, empty;
    char bytes[] = "text";
    struct cell from = text(bytes), to;

    (void)state;
    arena_init(&arena, NULL);
    arena_init(&empty, &none);
    assert_true(cell_keep(&arena, &from, &to));
    bytes[0] = 'n';
    assert_memory_equal(to.text, "text", 4);
    assert_false(cell_keep(&empty, &from, &to));
    from = cell_date(5, DATE_TIME);
    assert_true(cell_keep(&empty, &from, &to)); /* Needs no memory. */
    assert_true(cell_same(&from, &to));
    arena_deinit(&arena);
    arena_deinit(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown),
        cmocka_unit_test(date_formats),
        cmocka_unit_test(numbers),
        cmocka_unit_test(sameness),
        cmocka_unit_test(keeping),
    };

    return cmocka_run_group_tests_name("cell", tests, NULL, NULL);
}
