/*
 * Jobs as their specification gives them, with real operations.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fs.h"
#include "workflow/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_EVENTS = 64 };

static char dir[64];

struct told {
    struct json *events[MAX_EVENTS];
    size_t n;
    struct err err;
    bool ok;
};

static int setup(void **state)
{
    struct err err;
    char path[128];

    (void)state;
    strcpy(dir, "/tmp/test-run-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/out", dir);
    assert_true(fs_make_dirs(path, &err));
    return 0;
}

static int teardown(void **state)
{
    struct err err;

    (void)state;
    assert_true(fs_remove_tree(dir, &err));
    return 0;
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    struct err err;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_true(fs_save(path, text, strlen(text), &err));
}

static void assert_output(const char *name, const char *text)
{
    char path[256], *data;
    struct err err;
    size_t n;

    snprintf(path, sizeof path, "%s/out/%s", dir, name);
    if (!fs_load(path, 1 << 20, &data, &n, &err))
        fail_msg("%s", err.text);
    assert_string_equal(data, text);
    free(data);
}

static bool record(void *arg, const struct json *event, struct err *err)
{
    struct told *told = arg;

    (void)err;
    assert_true(told->n < MAX_EVENTS);
    told->events[told->n++] = json_clone(event);
    return true;
}

/* Do the job {people.csv, other.csv, folders, ...members}. */
static void execute(const char *members, struct told *told)
{
    struct json *spec;
    struct buf text;

    *told = (struct told){ 0 };
    buf_init(&text, 1 << 16);
    buf_addf(&text,
        "{\"now_ns\": 1770379200000000000, \"outputs_dir\": \"%s/out\", \"intermediate_dir\": "
        "\"%s/out\", \"tmp_dir\": \"%s\", \"durable\": false, \"hash\": false, \"files\": ["
        "{\"name\": \"people.csv\", \"path\": \"%s/people.csv\", \"base\": \"people\"},"
        "{\"name\": \"other.csv\", \"path\": \"%s/other.csv\", \"base\": \"people\"}], %s}",
        dir, dir, dir, dir, dir, members);
    if (!json_parse(buf_str(&text), text.len, &spec, &told->err))
        fail_msg("%s", told->err.text);
    told->ok = run_execute(spec, record, told, NULL, &told->err);
    json_free(spec);
    buf_deinit(&text);
}

static void forget(struct told *told)
{
    for (size_t i = 0; i < told->n; i++)
        json_free(told->events[i]);
}

static const struct json *last(const struct told *told, const char *event)
{
    assert_true(told->n > 0);
    assert_string_equal(json_get_string(told->events[told->n - 1], "event"), event);
    return told->events[told->n - 1];
}

static void assert_json(const struct json *value, const char *text)
{
    char *written = json_text(value);

    assert_string_equal(written, text);
    free(written);
}

/* ---- run ---- */

#define SEARCH                                                         \
    "{\"operation\": \"csv/search\", \"arguments\": {\"conditions\": " \
    "[{\"column\": \"n\", \"operator\": \"gt\", \"value\": 1}]}}"
#define RENAME                                                             \
    "{\"operation\": \"excel/map-columns\", \"arguments\": {\"mapping\": " \
    "{\"number\": \"n\"}, \"output_format\": \"csv\"}}"

static void a_run_ends_with_done(void **state)
{
    struct told told;

    (void)state;
    write_file("people.csv", "n,name\n1,a\n2,b\n3,c\n");
    execute(
        "\"job\": \"run\", \"input\": \"people.csv\", \"steps\": [" SEARCH ", " RENAME "]", &told);
    assert_true(told.ok);
    last(&told, "done");
    assert_output("people_search_20260206_120000.csv", "n,name\n2,b\n3,c\n");
    assert_output("people_mapped_20260206_120000.csv", "number\n2\n3\n");
    forget(&told);
}

static void a_run_goes_on_from_a_step(void **state)
{
    struct told told;

    (void)state;
    write_file("other.csv", "n,name\n2,b\n3,c\n");
    execute("\"job\": \"run\", \"input\": \"other.csv\", \"first_step\": 1, "
            "\"steps\": [" SEARCH ", " RENAME "]",
        &told);
    assert_true(told.ok);
    assert_int_equal(json_get_int(told.events[0], "step", -1), 1);
    assert_output("people_mapped_20260206_120000.csv", "number\n2\n3\n");
    forget(&told);
}

static void a_failure_names_its_step(void **state)
{
    struct told told;
    const struct json *failed, *error;

    (void)state;
    write_file("people.csv", "n,name\n1,a\n2,b\n");
    execute(
        "\"job\": \"run\", \"input\": \"people.csv\", \"steps\": [" SEARCH
        ", {\"operation\": \"excel/map-columns\", \"arguments\": {\"mapping\": {\"x\": \"nme\"}}}]",
        &told);
    assert_false(told.ok);
    failed = last(&told, "failed");
    error = json_get(failed, "error");
    assert_int_equal(json_get_int(failed, "step", -1), 1);
    assert_int_equal(json_get_int(failed, "steps", -1), 2);
    assert_string_equal(json_get_string(failed, "operation"), "excel/map-columns");
    assert_string_equal(json_get_string(error, "code"), "COLUMN");
    assert_string_equal(json_get_string(error, "column"), "nme");
    assert_json(json_get(error, "suggestions"), "[\"name\"]");
    assert_int_equal(told.err.code, ERR_COLUMN);
    assert_output("people_search_20260206_120000.csv", "n,name\n2,b\n");
    forget(&told);
}

static const struct {
    const char *label, *members, *text;
} broken[] = {
    { "no job", "\"x\": 1", "'' is no job" },
    { "no steps", "\"job\": \"run\"", "steps must be a list of steps" },
    { "no input", "\"job\": \"run\", \"steps\": [" SEARCH "]", "the job names no input" },
    { "behind the last step",
        "\"job\": \"run\", \"input\": \"people.csv\", \"first_step\": 1, \"steps\": [" SEARCH "]",
        "the job begins behind its last step" },
    { "a preview of nothing", "\"job\": \"preview\"", "the job names no file" },
    { "an inspection of nothing", "\"job\": \"inspect\"", "the job names no file" },
};

static void broken_specifications(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct told told;

        execute(broken[i].members, &told);
        assert_false(told.ok);
        assert_string_equal(told.err.text, broken[i].text);
        assert_true(json_isnull(json_get(last(&told, "failed"), "step")));
        forget(&told);
    }
}

/* ---- preview ---- */

static void a_preview_is_typed_by_the_whole_column(void **state)
{
    struct told told;
    const struct json *data;

    (void)state;
    write_file("people.csv",
        "n,id,when,ok,mixed\n1,007,2024-01-31,true,1\n2.5,8,2024-02-29,false,\n-3,9,,true,x\n");
    execute("\"job\": \"preview\", \"preview\": {\"file\": \"people.csv\", \"offset\": 1, "
            "\"limit\": 1}",
        &told);
    assert_true(told.ok);
    data = json_get(last(&told, "done"), "data");
    assert_json(json_get(data, "columns"),
        "[{\"name\":\"n\",\"type\":\"number\"},{\"name\":\"id\",\"type\":\"text\"},"
        "{\"name\":\"when\",\"type\":\"date\"},{\"name\":\"ok\",\"type\":\"boolean\"},"
        "{\"name\":\"mixed\",\"type\":\"text\"}]");
    assert_json(json_get(data, "rows"), "[[2.5,\"8\",\"2024-02-29\",false,null]]");
    assert_int_equal(json_get_int(data, "total_rows", 0), 3);
    assert_int_equal(json_get_int(data, "offset", 0), 1);
    forget(&told);
}

static void a_preview_past_the_end_is_empty(void **state)
{
    struct told told;
    const struct json *data;

    (void)state;
    write_file("people.csv", "n\n1\n2\n");
    execute(
        "\"job\": \"preview\", \"preview\": {\"file\": \"people.csv\", \"offset\": 100}", &told);
    assert_true(told.ok);
    data = json_get(last(&told, "done"), "data");
    assert_json(json_get(data, "rows"), "[]");
    assert_int_equal(json_get_int(data, "total_rows", 0), 2);
    forget(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_ends_with_done, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_goes_on_from_a_step, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_names_its_step, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_specifications, setup, teardown),
        cmocka_unit_test_setup_teardown(a_preview_is_typed_by_the_whole_column, setup, teardown),
        cmocka_unit_test_setup_teardown(a_preview_past_the_end_is_empty, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
