/*
 * Search conditions on cells of every type, and what wrong values say.
 */

#include "op_fixture.h"

#include "ops/condition.h"

enum { CELLS = 12 };

/* One column of everything. The letters in `want` below name its rows. */
static struct cell everything[CELLS];
static const char names[CELLS + 1] = "abcdefghijkl";

static void fill(void)
{
    everything[0] = cell_blank();
    everything[1] = text_cell("Ada");
    everything[2] = text_cell("STRASSE");
    everything[3] = text_cell("straße");
    everything[4] = text_cell("7");
    everything[5] = text_cell("07.0");
    everything[6] = cell_number(7);
    everything[7] = cell_number(-0.5);
    everything[8] = cell_bool(true);
    everything[9] = cell_date(45322, DATE_DATE);        /* 2024-01-31 */
    everything[10] = cell_date(45322.5, DATE_DATETIME); /* 2024-01-31 12:00:00 */
    everything[11] = cell_date(0.5, DATE_TIME);         /* 12:00:00 */
}

static const struct {
    const char *condition, *want;
} cases[] = {
    { "{'operator': 'is_empty'}", "a" },
    { "{'operator': 'is_not_empty'}", "bcdefghijkl" },
    { "{'operator': 'equals', 'value': '7'}", "eg" },
    { "{'operator': 'equals', 'value': 7}", "efg" },
    { "{'operator': 'equals', 'value': 7.0}", "efg" },
    { "{'operator': 'equals', 'value': '07.0'}", "f" },
    { "{'operator': 'equals', 'value': '-0.5'}", "h" },
    { "{'operator': 'equals', 'value': true}", "i" },
    { "{'operator': 'equals', 'value': 'true'}", "i" },
    { "{'operator': 'equals', 'value': 'TRUE'}", "" },
    { "{'operator': 'equals', 'value': 'TRUE', 'case_sensitive': false}", "i" },
    { "{'operator': 'equals', 'value': 'Strasse', 'case_sensitive': false}", "cd" },
    { "{'operator': 'equals', 'value': '2024-01-31'}", "j" },
    { "{'operator': 'equals', 'value': '2024-01-31 12:00:00'}", "k" },
    { "{'operator': 'equals', 'value': '12:00:00'}", "l" },
    { "{'operator': 'equals', 'value': ''}", "" },
    { "{'operator': 'not_equals', 'value': 7}", "abcdhijkl" },
    { "{'operator': 'contains', 'value': 'ASS'}", "cd" },
    { "{'operator': 'contains', 'value': 'ß'}", "cd" },
    { "{'operator': 'contains', 'value': 'ß', 'case_sensitive': true}", "d" },
    { "{'operator': 'contains', 'value': 7}", "efg" },
    { "{'operator': 'contains', 'value': '12:'}", "kl" },
    { "{'operator': 'not_contains', 'value': '7'}", "abcdhijkl" },
    { "{'operator': 'starts_with', 'value': 'A'}", "b" },
    { "{'operator': 'starts_with', 'value': 'a'}", "" },
    { "{'operator': 'ends_with', 'value': 'E'}", "c" },
    { "{'operator': 'ends_with', 'value': 'e', 'case_sensitive': false}", "cdi" },
    { "{'operator': 'greater_than', 'value': 0}", "efg" },
    { "{'operator': 'lt', 'value': '7'}", "h" },
    { "{'operator': 'lte', 'value': 7}", "efgh" },
    { "{'operator': 'between', 'value': [-1, 7]}", "efgh" },
    { "{'operator': 'between', 'value': '-1, 0'}", "h" },
    { "{'operator': 'after', 'value': '2024-01-30'}", "jk" },
    { "{'operator': 'after', 'value': '2024-01-31'}", "" },
    { "{'operator': 'after', 'value': '2024-01-31 11:59'}", "k" },
    { "{'operator': 'before', 'value': '31.1.2024 12:00:01'}", "jk" },
    { "{'operator': 'gte', 'value': '2024-01-31'}", "jk" },
    { "{'operator': 'greater_than', 'value': '11:00'}", "l" },
    { "{'operator': 'in', 'value': [7, 'Ada']}", "befg" },
    { "{'operator': 'in', 'value': 'Ada, straße'}", "bd" },
    { "{'operator': 'in', 'value': ['STRAßE'], 'case_sensitive': false}", "cd" },
    { "{'operator': 'not_in', 'value': [7, true]}", "abcdhjkl" },
    { "{'operator': 'matches', 'value': '^[A-Z]'}", "bc" },
    { "{'operator': 'matches', 'value': '^ada$', 'case_sensitive': 'no'}", "b" },
    { "{'operator': 'matches', 'value': '^2024'}", "jk" },
};

static void evaluate(const char *text, bool all, char *got)
{
    const char *column = "c";
    struct schema *schema;
    struct conditions *c = NULL;
    struct items list;
    struct json *json = json_quoted(text), *kept = json_new_array();
    struct cell *columns[1] = { everything };
    struct batch batch = { .n_rows = CELLS, .n_columns = 1, .columns = columns, .first_row = 2 };
    struct warnings *warnings = warn_new();
    struct arena arena;
    struct op_env env = { .arena = &arena, .warnings = warnings };
    uint32_t picks[BATCH_ROWS], n = 0;
    struct err err;
    size_t count = json_kind(json) == JSON_KIND_ARRAY ? json_len(json) : 1;

    arena_init(&arena, NULL);
    schema = schema_new(&arena, 1);
    schema->columns[0] = (struct column){ column, column };
    list.n = count;
    list.v = arena_calloc(&arena, count, sizeof(struct condition_args));
    for (size_t i = 0; i < count; i++) {
        struct json *one =
            json_kind(json) == JSON_KIND_ARRAY ? json_clone(json_at(json, i)) : json_clone(json);

        json_set_string(one, "column", column);
        if (!arg_bind(condition_fields, "test", "", one, &arena,
                (struct condition_args *)list.v + i, &err))
            fail_msg("%s: %s", text, err.text);
        json_add(kept, one); /* Values live in the tree. */
    }
    if (!condition_check(&list, "conditions", &err) ||
        !condition_open(&list, all, "conditions", &env, schema, &c, &err))
        fail_msg("%s: %s", text, err.text);
    if (condition_wants_scan(c)) {
        condition_scan(c, &batch);
        condition_scan_end(c);
    }
    if (!condition_eval(c, &batch, picks, &n, &err))
        fail_msg("%s: %s", text, err.text);
    for (uint32_t i = 0; i < n; i++)
        got[i] = names[picks[i]];
    got[n] = '\0';
    condition_close(c);
    json_free(json);
    json_free(kept);
    warn_free(warnings);
    arena_deinit(&arena);
}

static void operators(void **state)
{
    char got[CELLS + 1];

    (void)state;
    fill();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        evaluate(cases[i].condition, true, got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: want %s, got %s", cases[i].condition, cases[i].want, got);
    }
}

/* Each operator and its opposite share all rows between them. */
static void opposites(void **state)
{
    static const char *const pairs[][2] = {
        { "{'operator': 'equals', 'value': 7}", "{'operator': 'not_equals', 'value': 7}" },
        { "{'operator': 'contains', 'value': 's'}", "{'operator': 'not_contains', 'value': 's'}" },
        { "{'operator': 'in', 'value': [7, 'x']}", "{'operator': 'not_in', 'value': [7, 'x']}" },
        { "{'operator': 'is_empty'}", "{'operator': 'is_not_empty'}" },
    };
    char one[CELLS + 1], other[CELLS + 1];

    (void)state;
    fill();
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        evaluate(pairs[i][0], true, one);
        evaluate(pairs[i][1], true, other);
        assert_int_equal(strlen(one) + strlen(other), CELLS);
        assert_int_equal(strcspn(one, other), strlen(one));
    }
}

static void logic(void **state)
{
    static const char both[] = "[{'operator': 'greater_than', 'value': 0}, "
                               "{'operator': 'contains', 'value': '.'}]";
    char got[CELLS + 1];

    (void)state;
    fill();
    evaluate(both, true, got);
    assert_string_equal(got, "f");
    evaluate(both, false, got);
    assert_string_equal(got, "efgh");
}

static void bad_values(void **state)
{
    static const struct {
        const char *condition, *want;
    } bad[] = {
        { "{'operator': 'equals'}",
            "c[0].value: a value is needed; blank cells are found by is_empty and is_not_empty" },
        { "{'operator': 'equals', 'value': [1]}", "c[0].value: one value is needed, not a list" },
        { "{'operator': 'gt', 'value': true}", "c[0].value: true and false have no order" },
        { "{'operator': 'between', 'value': 5}",
            "c[0].value: between needs two values, the lower one first: [10, 20]" },
        { "{'operator': 'between', 'value': [1, '2024-01-01']}",
            "c[0].value: between needs two numbers or two dates" },
        { "{'operator': 'between', 'value': '1, 2, 3'}",
            "c[0].value: between needs two values, the lower one first: [10, 20]" },
        { "{'operator': 'before', 'value': 'soon'}",
            "c[0].value: 'soon' is no date, such as 2024-01-31" },
        { "{'operator': 'in', 'value': []}", "c[0].value: a list of 1 to 10000 values is needed" },
        { "{'operator': 'in', 'value': [1, [2]]}",
            "c[0].value[1]: one value is needed, not a list" },
        { "{'operator': 'in', 'value': {'a': 1}}",
            "c[0].value: a list of values is needed, not an object" },
        { "{'operator': 'matches', 'value': 5}", "c[0].value: a regular expression is needed" },
        { "{'operator': 'matches', 'value': '+'}",
            "c[0].value: the pattern is no regular expression: quantifier does not follow a "
            "repeatable item at character 1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct json *json = json_quoted(bad[i].condition);
        struct condition_args args = { 0 };
        struct items list = { &args, 1 };
        struct arena arena;
        struct err err;

        arena_init(&arena, NULL);
        json_set_string(json, "column", "c");
        assert_true(arg_bind(condition_fields, "test", "", json, &arena, &args, &err));
        if (condition_check(&list, "c", &err))
            fail_msg("%s was taken", bad[i].condition);
        assert_string_equal(err.text, bad[i].want);
        json_free(json);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators),
        cmocka_unit_test(opposites),
        cmocka_unit_test(logic),
        cmocka_unit_test(bad_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
