/*
 * The engine, with operations that do on purpose what real ones do rarely.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_ops.h"

#include <pthread.h>

static void three_steps_stream(void **state)
{
    struct fake_run run = { .steps = { { &op_pick }, { &op_pick, { .keep = 2 } }, { &op_pick } } };

    (void)state;
    scratch_write_rows("people.csv", 10);
    fake_execute(&run);
    assert_true(run.ok);
    assert_events(&run, "started 0, 0 at 0%, 0 at 100%, completed 0, "
                        "started 1, 1 at 0%, 1 at 100%, completed 1, "
                        "started 2, 2 at 0%, 2 at 100%, completed 2");
    assert_rows(&run, 0, 10, 10, "{}");
    assert_rows(&run, 1, 10, 5, "{\"filtered\":5}");
    assert_rows(&run, 2, 5, 5, "{}");
    assert_folder(scratch.outputs, "people_picked_" STAMP "-3.csv");
    assert_folder(
        scratch.intermediate, "people_picked_" STAMP "-2.csv people_picked_" STAMP ".csv");
    assert_content(scratch.outputs, "people_picked_" STAMP "-3.csv",
        "n,name\n2,row 2\n4,row 4\n6,row 6\n8,row 8\n10,row 10\n");
    fake_free(&run);
}

static void facts_of_a_file(void **state)
{
    struct fake_run run = { .steps = { { &op_pick } } };
    const struct json *file;

    (void)state;
    scratch_write_rows("people.csv", 3);
    fake_execute(&run);
    assert_true(run.ok);
    file = json_at(json_get(fake_completed(&run, 0), "files"), 0);
    assert_string_equal(json_get_string(file, "name"), "people_picked_" STAMP ".csv");
    assert_string_equal(json_get_string(file, "folder"), "outputs");
    assert_string_equal(json_get_string(file, "role"), "output");
    assert_string_equal(json_get_string(file, "format"), "csv");
    assert_int_equal(json_get_int(file, "size", 0), 31);
    assert_int_equal(json_get_int(file, "rows", 0), 3);
    assert_int_equal(json_get_int(file, "columns", 0), 2);
    assert_int_equal(strlen(json_get_string(file, "sha256")), 64);
    fake_free(&run);
}

/* ---- failure ---- */

static const struct {
    const char *label;
    struct fake_step steps[4];
    size_t failed_step;
    const char *text;
    const char *outputs, *intermediate;
    int lines; /* Of the first intermediate file; 0: none. */
} failures[] = {
    { "the first step in mid-stream", { { &op_pick, { .fail_at = 5000 } }, { &op_pick } }, 0,
        "row 5000 is bad", "", "", 0 },
    { "the second in mid-stream: the first keeps all its rows",
        { { &op_pick }, { &op_type, { .fail_at = 5000 } }, { &op_pick } }, 1, "row 5000 is bad", "",
        "people_picked_" STAMP ".csv", 10001 },
    { "the last in mid-stream", { { &op_pick }, { &op_pick, { .fail_at = 1 } } }, 1, "row 1 is bad",
        "", "people_picked_" STAMP ".csv", 10001 },
    { "two fail: the earlier one counts",
        { { &op_pick, { .fail_at = 9000 } }, { &op_pick, { .fail_at = 10 } } }, 0,
        "row 9000 is bad", "", "", 0 },
    { "the second at its opening", { { &op_pick }, { &op_pick, { .fail_open = true } } }, 1,
        "column 'x' does not exist", "", "people_picked_" STAMP ".csv", 10001 },
    { "the second at its end",
        { { &op_pick }, { &op_pick, { .fail_finish = true } }, { &op_pick } }, 1, "the end is bad",
        "", "people_picked_" STAMP ".csv", 10001 },
    { "a scan of the first", { { &op_scan, { .scan_fail_at = 4000 } }, { &op_pick } }, 0,
        "the scan failed", "", "", 0 },
    { "a scan of the second", { { &op_pick }, { &op_scan, { .scan_fail_at = 4000 } } }, 1,
        "the scan failed", "", "people_picked_" STAMP ".csv", 10001 },
    { "behind a scan", { { &op_pick }, { &op_scan }, { &op_type, { .fail_at = 4000 } } }, 2,
        "row 4000 is bad", "", "people_picked_" STAMP ".csv people_scanned_" STAMP ".csv", 10001 },
    { "rows that do not add up", { { &op_pick }, { &op_type, { .keep = 2, .forget = true } } }, 1,
        "rows do not add up: 10000 in, 5000 out, 0 dropped", "", "people_picked_" STAMP ".csv",
        10001 },
};

static void failures_keep_what_came_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        struct fake_run run = { 0 };

        print_message("# %s\n", failures[i].label);
        memcpy(run.steps, failures[i].steps, sizeof failures[i].steps);
        scratch_teardown(NULL);
        scratch_setup(NULL);
        scratch_write_rows("people.csv", 10000);
        fake_execute(&run);
        assert_false(run.ok);
        assert_int_equal(run.failed_step, failures[i].failed_step);
        assert_string_equal(run.err.text, failures[i].text);
        assert_folder(scratch.outputs, failures[i].outputs);
        assert_folder(scratch.intermediate, failures[i].intermediate);
        if (failures[i].lines)
            assert_lines(scratch.intermediate, "people_picked_" STAMP ".csv", failures[i].lines);
        assert_int_equal(
            run.err.code == ERR_INTERNAL, strncmp(failures[i].text, "rows do not", 11) == 0);
        fake_free(&run);
    }
}

static void cancelling_leaves_nothing(void **state)
{
    struct fake_run run = { .steps = { { &op_pick }, { &op_pick, { .fail_at = 5000 } } } };

    (void)state;
    run.steps[1].args.cancel = &run.cancelled;
    scratch_write_rows("people.csv", 100000);
    fake_execute(&run);
    assert_false(run.ok);
    assert_int_equal(run.err.code, ERR_CANCELLED);
    assert_folder(scratch.outputs, "");
    assert_folder(scratch.intermediate, "");
    assert_int_equal(run.n_events, 0);
    fake_free(&run);
}

static void a_listener_that_is_gone_undoes_the_step(void **state)
{
    /* started, 0, 100, completed: the fourth cannot be told. */
    struct fake_run run = { .steps = { { &op_pick }, { &op_pick } }, .deaf_at = 4 };

    (void)state;
    scratch_write_rows("people.csv", 10);
    fake_execute(&run);
    assert_false(run.ok);
    assert_string_equal(run.err.text, "nobody listens");
    assert_folder(scratch.outputs, "");
    assert_folder(scratch.intermediate, "");
    fake_free(&run);
}

/* ---- two passes ---- */

static void scans_see_all_rows_first(void **state)
{
    struct fake_run run = { .steps = { { &op_scan, { .keep = 2 } }, { &op_pick },
                                { &op_scan, { .keep = 5 } }, { &op_scan }, { &op_pick } } };

    (void)state;
    scratch_write_rows("people.csv", 10000);
    fake_execute(&run);
    assert_true(run.ok);
    assert_rows(&run, 0, 10000, 5000, "{\"filtered\":5000}");
    assert_rows(&run, 2, 5000, 1000, "{\"filtered\":4000}");
    assert_rows(&run, 4, 1000, 1000, "{}");
    assert_int_equal(
        json_get_int(json_get(fake_completed(&run, 0), "result"), "scanned", 0), 10000);
    assert_int_equal(json_get_int(json_get(fake_completed(&run, 2), "result"), "scanned", 0), 5000);
    assert_int_equal(json_get_int(json_get(fake_completed(&run, 3), "result"), "scanned", 0), 1000);
    assert_lines(scratch.outputs, "people_picked_" STAMP "-2.csv", 1001);
    fake_free(&run);
}

/* ---- files ---- */

static void text_and_results_pass_the_table_on(void **state)
{
    struct fake_run run = {
        .steps = { { &op_text }, { &op_look }, { &op_pick } },
    };

    (void)state;
    scratch_write_rows("people.csv", 3);
    fake_execute(&run);
    assert_true(run.ok);
    assert_content(scratch.intermediate, "people_text_" STAMP ".sql", "1\n2\n3\n");
    assert_content(
        scratch.outputs, "people_picked_" STAMP ".csv", "n,name\n1,row 1\n2,row 2\n3,row 3\n");
    assert_rows(&run, 1, 3, 3, "{}");
    assert_int_equal(json_len(json_get(fake_completed(&run, 1), "files")), 0);
    fake_free(&run);
}

static void intermediate_files_are_not_always_wanted(void **state)
{
    struct fake_run run = {
        .steps = { { &op_pick }, { &op_text }, { &op_pick } },
        .extra = "\"keep_intermediate\": false",
    };

    (void)state;
    scratch_write_rows("people.csv", 3);
    fake_execute(&run);
    assert_true(run.ok);
    assert_folder(scratch.intermediate, "");
    assert_folder(scratch.outputs, "people_picked_" STAMP ".csv");
    fake_free(&run);
}

static const struct {
    const char *label;
    struct fake_step step;
    const char *extra, *name;
} names[] = {
    { "the usual name", { &op_pick }, NULL, "people_picked_" STAMP ".csv" },
    { "in another format", { &op_pick, .output = { .format = FILE_JSON } }, NULL,
        "people_picked_" STAMP ".json" },
    { "asked for", { &op_pick, .output = { .output_filename = "mine.csv" } }, NULL, "mine.csv" },
    { "asked for without a suffix", { &op_pick, .output = { .output_filename = "mine" } }, NULL,
        "mine.csv" },
    { "a suffix that chooses the format", { &op_pick, .output = { .output_filename = "mine.tsv" } },
        NULL, "mine.tsv" },
    { "a suffix that contradicts the format",
        { &op_pick, .output = { .format = FILE_TSV, .output_filename = "mine.csv" } }, NULL,
        "mine.csv.tsv" },
    { "dots in the name", { &op_pick, .output = { .output_filename = "v1.2" } }, NULL, "v1.2.csv" },
    { "the job's", { &op_pick, .output = { .output_filename = "mine" } },
        "\"output_name\": \"exactly\"", "exactly" },
};

static void output_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct fake_run run = { .steps = { names[i].step }, .extra = names[i].extra };

        print_message("# %s\n", names[i].label);
        scratch_teardown(NULL);
        scratch_setup(NULL);
        scratch_write_rows("people.csv", 3);
        fake_execute(&run);
        assert_true(run.ok);
        assert_folder(scratch.outputs, names[i].name);
        fake_free(&run);
    }
}

static void a_step_may_read_another_file(void **state)
{
    struct fake_run run = {
        .steps = { { &op_pick }, { &op_pick, .input_file = "c/uploads/other.csv" }, { &op_pick } },
    };

    (void)state;
    scratch_write_rows("people.csv", 3);
    scratch_write_rows("other.csv", 7);
    fake_execute(&run);
    assert_true(run.ok);
    assert_rows(&run, 0, 3, 3, "{}");
    assert_rows(&run, 1, 7, 7, "{}");
    assert_rows(&run, 2, 7, 7, "{}");
    assert_folder(scratch.intermediate, "other_picked_" STAMP ".csv people_picked_" STAMP ".csv");
    assert_folder(scratch.outputs, "other_picked_" STAMP "-2.csv");
    fake_free(&run);
}

static void a_file_that_is_not_there(void **state)
{
    struct fake_run run = { .steps = { { &op_pick, .input_file = "poeple.csv" } } };

    (void)state;
    fake_execute(&run);
    assert_false(run.ok);
    assert_int_equal(run.err.code, ERR_ARG);
    assert_string_equal(run.err.text, "there is no file 'poeple.csv'; did you mean 'people.csv'?");
    assert_string_equal(run.err.argument, "input_file");
    fake_free(&run);
}

/* The second step reads what the first has made: text. */
static void text_where_typed_cells_were_asked_for(void **state)
{
    struct fake_run run = {
        .steps = { { &op_type }, { &op_type, .output = { .types = TYPES_TEXT } }, { &op_type } },
    };

    (void)state;
    scratch_write("people.csv", "n,id\n1,007\n2,008\n");
    fake_execute(&run);
    assert_true(run.ok);
    assert_content(scratch.intermediate, "people_typed_" STAMP ".jsonl",
        "{\"n\":1,\"id\":\"007\"}\n{\"n\":2,\"id\":\"008\"}\n");
    assert_content(scratch.intermediate, "people_typed_" STAMP "-2.jsonl",
        "{\"n\":\"1\",\"id\":\"007\"}\n{\"n\":\"2\",\"id\":\"008\"}\n");
    assert_content(scratch.outputs, "people_typed_" STAMP "-3.jsonl",
        "{\"n\":\"1\",\"id\":\"007\"}\n{\"n\":\"2\",\"id\":\"008\"}\n");
    fake_free(&run);
}

/* ---- progress ---- */

static pthread_mutex_t frames_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t frames_seen = PTHREAD_COND_INITIALIZER;
static int frames;

static bool count_frames(void *arg, const struct json *event, struct err *err)
{
    (void)arg, (void)err;
    pthread_mutex_lock(&frames_lock);
    frames += strcmp(json_get_string(event, "event"), "progress") == 0;
    pthread_cond_broadcast(&frames_seen);
    pthread_mutex_unlock(&frames_lock);
    return true;
}

static void wait_for_frames(int n)
{
    pthread_mutex_lock(&frames_lock);
    while (frames < n)
        pthread_cond_wait(&frames_seen, &frames_lock);
    pthread_mutex_unlock(&frames_lock);
}

static void progress_goes_on_while_the_engine_is_busy(void **state)
{
    struct progress_state half = { .rows_in = 5, .rows_out = 5, .share = 0.5 };
    struct json *completed = json_new_object();
    struct progress *p;
    struct err err;

    (void)state;
    json_set_string(completed, "event", "step_completed");
    assert_true(progress_new(2, count_frames, NULL, &p, &err));
    progress_begin(p, 0);
    progress_set(p, 0, &half);
    progress_begin(p, 1);
    wait_for_frames(
        6); /* Nothing is called meanwhile: the ticker tells both steps, again and again. */
    progress_drop(p, 1);
    assert_true(progress_complete(p, 0, &half, completed, &err));
    progress_free(p);
    json_free(completed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(three_steps_stream, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(facts_of_a_file, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(
            failures_keep_what_came_before, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(cancelling_leaves_nothing, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(
            a_listener_that_is_gone_undoes_the_step, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(scans_see_all_rows_first, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(
            text_and_results_pass_the_table_on, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(
            intermediate_files_are_not_always_wanted, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(output_names, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(
            a_step_may_read_another_file, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(
            text_where_typed_cells_were_asked_for, scratch_setup, scratch_teardown),
        cmocka_unit_test(progress_goes_on_while_the_engine_is_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
