/*
 * What rules of several parts share, at its edges. The rules themselves have golden cases in tests/ops.
 */

#include "op_fixture.h"

#include "ops/rules/rule.h"

#include <math.h>

static void quantiles(void **state)
{
    static const struct {
        double v[6];
        size_t n;
        double q1, median, q3;
    } cases[] = {
        { { 5 }, 1, 5, 5, 5 },
        { { 1, 2 }, 2, 1.25, 1.5, 1.75 },
        { { 4, 1, 3, 2 }, 4, 1.75, 2.5, 3.25 },
        { { 1, 2, 3, 4, 5 }, 5, 2, 3, 4 },
        { { -1e308, 1e308 }, 2, -5e307, 0, 5e307 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct numbers list = { 0 };
        struct err err;

        for (size_t k = 0; k < cases[i].n; k++)
            assert_true(numbers_add(&list, cases[i].v[k], &err));
        numbers_sort(&list);
        assert_true(numbers_quantile(&list, 0.25) == cases[i].q1);
        assert_true(numbers_quantile(&list, 0.5) == cases[i].median);
        assert_true(numbers_quantile(&list, 0.75) == cases[i].q3);
        numbers_free(&list);
    }
}

static void numbers_keep_to_their_budget(void **state)
{
    struct budget budget = { .limit = 20000 };
    struct numbers list = { .budget = &budget };
    struct err err;
    size_t n = 0;

    (void)state;
    while (numbers_add(&list, 1, &err))
        n++;
    assert_int_equal(err.code, ERR_BUDGET);
    assert_true(n >= 1024 && n * sizeof(double) <= 20000);
    numbers_free(&list);
    assert_int_equal(budget.used, 0);
}

static void texts_that_stay(void **state)
{
    struct cell cell = cell_number(12);

    (void)state;
    rule_set_text(&cell, "12", 2, "12", 2);
    assert_int_equal(cell.type, CELL_NUMBER);
    rule_set_text(&cell, "12", 2, "x", 1);
    assert_int_equal(cell.type, CELL_TEXT);
    rule_set_text(&cell, "x", 1, "", 0);
    assert_int_equal(cell.type, CELL_BLANK);
}

/* One rule on one cell. */
static enum rule_outcome apply(
    const char *name, const char *params, struct cell *cell, struct arena *arena)
{
    struct json *json = json_quoted(params);
    struct rule_run r = { .arena = arena, .text = arena, .column = "c", .row = 2 };
    const struct rule *rule = NULL;
    enum rule_outcome outcome;
    void *bound;
    struct err err;

    for (size_t i = 0; rule_table[i]; i++) {
        if (strcmp(rule_table[i]->name, name) == 0)
            rule = rule_table[i];
    }
    assert_non_null(rule);
    bound = arena_calloc(arena, 1, rule->params_size);
    if (!arg_bind(rule->params, name, "p", json, arena, bound, &err) ||
        (rule->check && !rule->check(bound, "p", arena, &err)))
        fail_msg("%s", err.text);
    r.rule = rule;
    r.params = bound;
    r.state = arena_calloc(arena, 1, rule->state_size + 1);
    if (rule->open && !rule->open(&r, &err))
        fail_msg("%s", err.text);
    outcome = rule->apply(&r, cell, &err);
    if (rule->close)
        rule->close(&r);
    json_free(json);
    return outcome;
}

/* Typed cells, which CSV cannot bring. */
static void typed_cells(void **state)
{
    static const struct {
        const char *rule, *params;
        struct cell cell;
        enum rule_outcome outcome;
        enum cell_type type;
        const char *shown;
    } cases[] = {
        { "uppercase", "{}", { .number = 1e-7, .type = CELL_NUMBER }, RULE_DONE, CELL_NUMBER,
            "1e-07" },
        { "uppercase", "{}", { .number = 1, .type = CELL_BOOL }, RULE_DONE, CELL_TEXT, "TRUE" },
        { "lowercase", "{}", { .number = 1, .type = CELL_BOOL }, RULE_DONE, CELL_BOOL, "true" },
        { "uppercase", "{}", { .text = "#n/a", .len = 4, .type = CELL_ERROR }, RULE_DONE,
            CELL_ERROR, "#n/a" },
        { "round_decimal", "{}", { .number = 2.675, .type = CELL_NUMBER }, RULE_DONE, CELL_NUMBER,
            "2.68" },
        { "round_decimal", "{}", { .number = 1e20, .type = CELL_NUMBER }, RULE_DONE, CELL_NUMBER,
            "1e+20" },
        { "round_decimal", "{}", { .number = 1, .type = CELL_BOOL }, RULE_UNCONVERTED, CELL_BOOL,
            "true" },
        { "round_decimal", "{}", { .number = 5, .type = CELL_DATE, .kind = DATE_DATE },
            RULE_UNCONVERTED, CELL_DATE, "1900-01-05" },
        { "integer_convert", "{}", { .number = -0.9, .type = CELL_NUMBER }, RULE_DONE, CELL_NUMBER,
            "0" },
        { "integer_convert", "{}", { .number = 1e300, .type = CELL_NUMBER }, RULE_DONE, CELL_NUMBER,
            "1e+300" },
        { "integer_convert", "{}", { .number = 1.5e-7, .type = CELL_NUMBER }, RULE_DONE,
            CELL_NUMBER, "0" },
        { "currency_format", "{}", { .number = 5.5, .type = CELL_NUMBER }, RULE_DONE, CELL_NUMBER,
            "5.5" },
        { "date_format", "{'format': '%d.%m.%Y'}",
            { .number = 45322.5, .type = CELL_DATE, .kind = DATE_DATETIME }, RULE_DONE, CELL_TEXT,
            "31.01.2024" },
        { "date_format", "{}", { .number = 0.5, .type = CELL_DATE, .kind = DATE_TIME },
            RULE_UNCONVERTED, CELL_DATE, "12:00:00" },
        { "date_extract_year", "{}", { .number = 45322, .type = CELL_DATE, .kind = DATE_DATE },
            RULE_DONE, CELL_NUMBER, "2024" },
        { "boolean_convert", "{}", { .number = 1, .type = CELL_NUMBER }, RULE_DONE, CELL_BOOL,
            "true" },
        { "yes_no_convert", "{}", { .number = 0, .type = CELL_BOOL }, RULE_DONE, CELL_TEXT, "No" },
        { "categorical_mapping", "{'mapping': {'2024-01-31': 1}}",
            { .number = 45322, .type = CELL_DATE, .kind = DATE_DATE }, RULE_DONE, CELL_NUMBER,
            "1" },
        { "phone_format", "{}", { .number = 5551234567, .type = CELL_NUMBER }, RULE_DONE, CELL_TEXT,
            "(555) 123-4567" },
        { "remove_special_chars", "{}", { .text = "#N/A", .len = 4, .type = CELL_ERROR }, RULE_DONE,
            CELL_ERROR, "#N/A" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cell cell = cases[i].cell;
        char scratch[CELL_SHOWN_MAX];
        struct arena arena;
        const char *shown;
        size_t n;

        arena_init(&arena, NULL);
        assert_int_equal(apply(cases[i].rule, cases[i].params, &cell, &arena), cases[i].outcome);
        shown = cell_shown(&cell, scratch, &n);
        if (cell.type != cases[i].type || n != strlen(cases[i].shown) ||
            memcmp(shown, cases[i].shown, n) != 0)
            fail_msg("%s of %s: got %.*s, type %d", cases[i].rule, cases[i].shown, (int)n, shown,
                cell.type);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles),
        cmocka_unit_test(numbers_keep_to_their_budget),
        cmocka_unit_test(texts_that_stay),
        cmocka_unit_test(typed_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
