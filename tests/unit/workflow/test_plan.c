/*
 * What is refused before a run begins, and what a plan looks like.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "workflow/plan.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 3 };

static bool make(const char *text, struct plan **plan, struct err *err)
{
    struct json *steps;
    bool ok;

    if (!json_parse(text, strlen(text), &steps, err))
        fail_msg("%s", err->text);
    ok = plan_new(steps, MAX_STEPS, plan, err);
    json_free(steps);
    return ok;
}

static const struct {
    const char *label, *steps, *text, *argument;
} refused[] = {
    { "not a list", "{\"operation\": \"excel/search\"}", "steps must be a list of steps", "steps" },
    { "nothing to do", "[]", "steps is empty: a workflow needs at least one step", "steps" },
    { "too many", "[{}, {}, {}, {}]", "the workflow has 4 steps; at most 3 are allowed", "steps" },
    { "no object", "[7]",
        "step 1 of 1: a step must be an object with an operation and its arguments", "steps[0]" },
    { "no operation", "[{\"arguments\": {}}]",
        "step 1 of 1: operation is required: the name of what the step does",
        "steps[0].operation" },
    { "an unknown operation", "[{\"operation\": \"excel/serch\"}]",
        "step 1 of 1 (excel/serch): there is no operation 'excel/serch'; did you mean "
        "'excel/search'?",
        "steps[0].operation" },
    { "an unknown key", "[{\"operation\": \"csv/convert-to-excel\", \"argments\": {}}]",
        "step 1 of 1 (csv/convert-to-excel): a step has no 'argments'; did you mean 'arguments'?",
        "steps[0].argments" },
    { "arguments of another kind", "[{\"operation\": \"csv/convert-to-excel\", \"arguments\": []}]",
        "step 1 of 1 (csv/convert-to-excel): arguments must be an object", "steps[0].arguments" },
    { "a file that is no name", "[{\"operation\": \"csv/convert-to-excel\", \"input_file\": 3}]",
        "step 1 of 1 (csv/convert-to-excel): input_file must be the name of a file",
        "steps[0].input_file" },
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct plan *plan = NULL;
        struct err err;

        print_message("# %s\n", refused[i].label);
        assert_false(make(refused[i].steps, &plan, &err));
        assert_int_equal(err.code, ERR_ARG);
        assert_string_equal(err.text, refused[i].text);
        assert_string_equal(err.argument, refused[i].argument);
    }
}

static void the_argument_is_named_from_the_steps(void **state)
{
    struct plan *plan = NULL;
    struct err err;

    (void)state;
    assert_false(
        make("[{\"operation\": \"csv/convert-to-excel\"}, {\"operation\": \"excel/search\", "
             "\"arguments\": {\"conditions\": [{\"column\": \"a\", \"operator\": \"equalz\", "
             "\"value\": 1}]}}]",
            &plan, &err));
    assert_int_equal(strncmp(err.text, "step 2 of 2 (excel/search): ", 28), 0);
    assert_string_equal(err.argument, "steps[1].arguments.conditions[0].operator");
}

static void a_plan(void **state)
{
    struct plan *plan = NULL;
    struct err err;

    (void)state;
    if (!make("[{\"operation\": \"/csv/convert-to-excel/\", \"step_id\": \"x\", \"input_file\": "
              "null},"
              " {\"operation\": \"excel/convert-to-csv\", \"arguments\": {\"sheet\": \"S\"},"
              " \"input_file\": \"b.xlsx\"}]",
            &plan, &err))
        fail_msg("%s", err.text);
    assert_int_equal(plan->n_steps, 2);
    assert_string_equal(plan->steps[0].args.op->name, "csv/convert-to-excel");
    assert_null(plan->steps[0].input_file);
    assert_string_equal(plan->steps[1].input_file, "b.xlsx");
    assert_string_equal(plan->steps[1].args.reader.sheet, "S");
    plan_free(plan);
}

static void settings_decide_what_steps_leave_open(void **state)
{
    static const char text[] =
        "[{\"operation\": \"sql/generate\", \"arguments\": {\"batch_size\": 5}},"
        " {\"operation\": \"normalization/apply\", \"arguments\": {\"normalizations\": "
        "[{\"column\": \"a\", \"type\": \"uppercase\"}]}},"
        " {\"operation\": \"sql/generate\"}, {\"operation\": \"no/such\"}, 7]";
    static const char want[] =
        "[{\"operation\":\"sql/"
        "generate\",\"arguments\":{\"batch_size\":5,\"database_type\":\"mysql\"}},"
        "{\"operation\":\"normalization/apply\",\"arguments\":{\"normalizations\":"
        "[{\"column\":\"a\",\"type\":\"uppercase\",\"backup_original\":true}]}},"
        "{\"operation\":\"sql/"
        "generate\",\"arguments\":{\"database_type\":\"mysql\",\"batch_size\":7}},"
        "{\"operation\":\"no/such\"},7]";
    const struct setting_flag flags[] = { { "sql.default_database", "mysql" },
        { "sql.default_batch_size", "7" }, { "normalization.backup_original", "yes" }, { 0 } };
    struct settings *settings;
    struct json *steps;
    struct err err;
    char *got;

    (void)state;
    assert_true(settings_load(NULL, NULL, flags, &settings, &err));
    assert_true(json_parse(text, strlen(text), &steps, &err));
    assert_true(plan_apply_settings(steps, settings, &err));
    got = json_text(steps);
    assert_string_equal(got, want);
    free(got);
    json_free(steps);
    settings_free(settings);
}

static void settings_switch_things_off(void **state)
{
    static const struct {
        const char *step, *path, *value, *text, *argument;
    } cases[] = {
        { "{\"operation\": \"normalization/apply\"}", "normalization.enabled", "no",
            "step 1 of 1 (normalization/apply): this operation is switched off here "
            "(normalization.enabled)",
            "steps[0]" },
        { "{\"operation\": \"sql/generate\", \"arguments\": {\"dialect\": \"MySQL\"}}",
            "sql.supported_databases", "postgresql,mysql", NULL, NULL },
        { "{\"operation\": \"sql/generate\"}", "sql.supported_databases", "mysql",
            "step 1 of 1 (sql/generate): database_type: 'postgresql' is switched off here "
            "(sql.supported_databases)",
            "steps[0].arguments.database_type" },
        { "{\"operation\": \"csv/search\", \"arguments\": {\"encoding\": \"koi8-r\"}}",
            "file.supported_encodings", "utf-8,windows-1252",
            "step 1 of 1 (csv/search): encoding: 'koi8-r' is switched off here "
            "(file.supported_encodings)",
            "steps[0].arguments.encoding" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct setting_flag flags[] = { { cases[i].path, cases[i].value }, { 0 } };
        struct json *steps = json_new_array(), *step;
        struct settings *settings;
        struct err err = { 0 };
        bool ok;

        assert_true(settings_load(NULL, NULL, flags, &settings, &err));
        assert_true(json_parse(cases[i].step, strlen(cases[i].step), &step, &err));
        json_add(steps, step);
        ok = plan_apply_settings(steps, settings, &err);
        assert_int_equal(ok, cases[i].text == NULL);
        if (!ok) {
            assert_string_equal(err.text, cases[i].text);
            assert_string_equal(err.argument, cases[i].argument);
        }
        json_free(steps);
        settings_free(settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(the_argument_is_named_from_the_steps),
        cmocka_unit_test(a_plan),
        cmocka_unit_test(settings_decide_what_steps_leave_open),
        cmocka_unit_test(settings_switch_things_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
