/*
 * What rules of several parts share, at its edges. The rules themselves have golden cases in tests/ops.
 */

#include "op_fixture.h"

#include "ops/rules/frequent.h"
#include "ops/rules/numbers.h"
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
        static const double at[] = { 0.25, 0.5, 0.75 };
        struct spill_place place = { .dir = "/tmp" };
        struct numbers list;
        struct err err;
        double q[3];

        numbers_init(&list, &place);
        for (size_t k = 0; k < cases[i].n; k++)
            assert_true(numbers_add(&list, cases[i].v[k], &err));
        assert_true(numbers_quantiles(&list, at, 3, q, &err));
        assert_true(q[0] == cases[i].q1 && q[1] == cases[i].median && q[2] == cases[i].q3);
    }
}

/* Numbers of every size and sign, whether memory holds them, some of them, or hardly any. */
static void numbers_beyond_memory(void **state)
{
    static const size_t limits[] = { 0, 1 << 20, 64 << 10, 20000, 1 };
    static const double at[] = { 0, 0.25, 0.25, 0.5, 0.75, 0.999, 1 };
    enum { N = 40000, QUANTILES = ARRAY_LEN(at) };
    double plain[QUANTILES], got[QUANTILES];
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct budget budget = { .limit = limits[i] };
        struct spill_place place = { &budget, "/tmp", SPILL_MEMORY_MIN };
        struct numbers list;

        numbers_init(&list, &place);
        for (uint32_t n = 0; n < N; n++) {
            uint32_t mixed = n * 2654435761u;

            assert_true(numbers_add(&list,
                ldexp((double)mixed - 2147483648.0, (int)(mixed % 600) - 300) * (n % 3), &err));
        }
        assert_int_equal(numbers_len(&list), N);
        assert_int_equal(list.disk != NULL, i >= 2);
        assert_true(numbers_quantiles(&list, at, QUANTILES, i ? got : plain, &err));
        if (i > 0)
            assert_memory_equal(got, plain, sizeof plain);
        assert_int_equal(budget.used, 0);
    }
}

/* As many of two values: the first one, whichever of them memory holds. */
static void frequent_values(void **state)
{
    static const struct {
        const char *name;
        uint32_t early, late; /* How often each of two values comes, among many that come once. */
        const char *most;
    } cases[] = {
        { "the one in memory", 30, 20, "early" },
        { "the one on disk", 20, 30, "late" },
        { "the first of two", 25, 25, "early" },
        { "the first of all", 1, 1, "value 0" },
    };
    static const size_t limits[] = { 0, 200 << 10, 40 << 10, 1 };
    enum { N = 9000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(limits); i++) {
        const uint32_t early = cases[i / ARRAY_LEN(limits)].early,
                       late = cases[i / ARRAY_LEN(limits)].late;
        struct budget budget = { .limit = limits[i % ARRAY_LEN(limits)] };
        struct spill_place place = { &budget, "/tmp", SPILL_MEMORY_MIN };
        struct frequent *f = frequent_new(&place);
        struct arena arena;
        struct cell most;
        struct err err;
        char text[32];

        arena_init(&arena, NULL);
        assert_non_null(f);
        for (uint32_t n = 0; n < N; n++) {
            struct cell cell;

            snprintf(text, sizeof text, "value %u", n);
            if (n % 200 == 1 && n / 200 < early)
                strcpy(text, "early");
            else if (n >= N / 2 && n % 100 == 2 && (n - N / 2) / 100 < late)
                strcpy(text, "late");
            cell = cell_text(text, strlen(text));
            assert_true(frequent_add(f, &cell, &err));
        }
        assert_true(frequent_end(f, &arena, &most, &err));
        if (most.len != strlen(cases[i / ARRAY_LEN(limits)].most) ||
            memcmp(most.text, cases[i / ARRAY_LEN(limits)].most, most.len) != 0)
            fail_msg("%s in %zu bytes: '%.*s'", cases[i / ARRAY_LEN(limits)].name,
                limits[i % ARRAY_LEN(limits)], (int)most.len, most.text);
        assert_int_equal(budget.used, 0);
        frequent_free(f);
        arena_deinit(&arena);
    }
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
        cmocka_unit_test(numbers_beyond_memory),
        cmocka_unit_test(frequent_values),
        cmocka_unit_test(texts_that_stay),
        cmocka_unit_test(typed_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
