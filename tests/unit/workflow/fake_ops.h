#ifndef TESTS_FAKE_OPS_H
#define TESTS_FAKE_OPS_H

/*
 * Operations that do on purpose what real ones do rarely, a scratch folder, and a record of events: for
 * the tests of the engine. Include after cmocka.h.
 */

#include "base/fs.h"
#include "ops/op.h"
#include "workflow/pipeline.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what a fake operation does ---- */

struct fake_args {
    int64_t fail_at;                     /* Row (from 1) at which push fails; 0: never. */
    int64_t scan_fail_at;                /* The same in scan. */
    int64_t keep;                        /* Of every `keep` rows one stays; 0: all. */
    bool fail_open, fail_finish, forget; /* forget: drops rows without saying so. */
    volatile int *cancel;                /* Set when fail_at is reached, instead of failing. */
    void (*wait)(void);                  /* Called in the first push. */
};

struct fake_state {
    const struct fake_args *args;
    const struct op_env *env;
    uint64_t scanned, pushed, written;
    bool scan_ended;
    struct batch *out;
};

static bool fake_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    struct fake_state *s = arena_calloc(env->arena, 1, sizeof *s);

    assert_non_null(s);
    s->args = args;
    s->env = env;
    if (s->args->fail_open)
        return err_set(err, ERR_COLUMN, "column 'x' does not exist");
    s->out = batch_new(env->arena, in->n_columns);
    s->out->rows = batch_new_rows(env->arena);
    *out = in;
    *state = s;
    return true;
}

static bool fake_scan(void *state, const struct batch *in, struct err *err)
{
    struct fake_state *s = state;

    assert_false(s->scan_ended);
    s->scanned += in->n_rows;
    if (s->args->scan_fail_at && s->scanned >= (uint64_t)s->args->scan_fail_at)
        return err_set(err, ERR_DATA, "the scan failed");
    return true;
}

static bool fake_scan_end(void *state, struct err *err)
{
    struct fake_state *s = state;

    (void)err;
    s->scan_ended = true;
    return true;
}

static bool fake_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct fake_state *s = state;
    uint32_t picks[BATCH_ROWS], n = 0;

    if (s->args->wait && s->pushed == 0)
        s->args->wait();
    for (uint32_t i = 0; i < in->n_rows; i++) {
        s->pushed++;
        if (s->args->fail_at && s->pushed == (uint64_t)s->args->fail_at) {
            if (!s->args->cancel)
                return err_set(err, ERR_DATA, "row %d is bad", (int)s->args->fail_at);
            *s->args->cancel = 1;
        }
        if (!s->args->keep || s->pushed % (uint64_t)s->args->keep == 0)
            picks[n++] = i;
        else if (!s->args->forget)
            s->env->dropped[DROP_FILTERED]++;
    }
    if (n == in->n_rows)
        return op_emit(emit, in, err);
    batch_gather(in, picks, n, s->out);
    return n == 0 || op_emit(emit, s->out, err);
}

static bool fake_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct fake_state *s = state;

    (void)emit;
    return s->args->fail_finish ? err_set(err, ERR_DATA, "the end is bad") : true;
}

static bool fake_result(void *state, struct json *result, struct err *err)
{
    struct fake_state *s = state;

    (void)err;
    return json_set_int(result, "scanned", (int64_t)s->scanned);
}

/* Text of its own: a line a row. */
static bool fake_text_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct fake_state *s = state;
    char scratch[CELL_SHOWN_MAX];

    (void)emit;
    for (uint32_t i = 0; i < in->n_rows; i++) {
        size_t n;
        const char *shown = cell_shown(&in->columns[0][i], scratch, &n);

        if (!fs_file_write(s->env->out, shown, n, err) || !fs_file_write(s->env->out, "\n", 1, err))
            return false;
    }
    return true;
}

static bool fake_look_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct fake_state *s = state;

    (void)in, (void)emit, (void)err;
    s->pushed += in->n_rows;
    return true;
}

static const struct arg fake_arg_list[] = { { 0 } };

#define FAKE_OP(id, label, what, kind, file)     \
    static const struct op id = { .name = label, \
        .summary = "Fake",                       \
        .flags = (what),                         \
        .suffix = kind,                          \
        .format = file,                          \
        .args_size = sizeof(struct fake_args),   \
        .args = fake_arg_list,                   \
        .open = fake_open,                       \
        .finish = fake_finish,                   \
        .result = fake_result,

FAKE_OP(op_pick, "fake/pick", OP_TABLE | OP_MAPS_ROWS, "picked", FILE_CSV).push = fake_push
}
;
FAKE_OP(op_type, "fake/type", OP_TABLE | OP_MAPS_ROWS, "typed", FILE_JSONL).push = fake_push
}
;
FAKE_OP(op_scan, "fake/scan", OP_TABLE | OP_MAPS_ROWS, "scanned", FILE_CSV).push = fake_push,
                                                                  .scan = fake_scan,
                                                                  .scan_end = fake_scan_end
}
;
FAKE_OP(op_text, "fake/text", OP_TEXT, "text", FILE_SQL).push = fake_text_push
}
;
FAKE_OP(op_look, "fake/look", OP_RESULT, NULL, FILE_UNKNOWN).push = fake_look_push
}
;

/* ---- a scratch folder ---- */

struct scratch {
    char dir[64], outputs[96], intermediate[96];
};

static struct scratch scratch;

static int scratch_setup(void **state)
{
    (void)state;
    strcpy(scratch.dir, "/tmp/test-workflow-XXXXXX");
    assert_non_null(mkdtemp(scratch.dir));
    snprintf(scratch.outputs, sizeof scratch.outputs, "%s/outputs", scratch.dir);
    snprintf(scratch.intermediate, sizeof scratch.intermediate, "%s/intermediate", scratch.dir);
    struct err err;
    assert_true(fs_make_dirs(scratch.outputs, &err));
    assert_true(fs_make_dirs(scratch.intermediate, &err));
    return 0;
}

static int scratch_teardown(void **state)
{
    struct err err;

    (void)state;
    assert_true(fs_remove_tree(scratch.dir, &err));
    return 0;
}

static void scratch_write(const char *name, const char *text)
{
    char path[FS_PATH_MAX];
    struct err err;

    assert_true(fs_join(path, scratch.dir, name, &err));
    assert_true(fs_save(path, text, strlen(text), &err));
}

/* "n\n1\n2\n...": rows lines below the header `n`. */
static void scratch_write_rows(const char *name, int rows)
{
    struct buf text;

    buf_init(&text, 64 << 20);
    buf_adds(&text, "n,name\n");
    for (int i = 1; i <= rows; i++)
        buf_addf(&text, "%d,row %d\n", i, i);
    scratch_write(name, buf_str(&text));
    buf_deinit(&text);
}

/* Names in a folder, sorted, separated by blanks; the caller's to free. */
static char *scratch_list(const char *dir)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, alphasort);
    struct buf names;

    assert_true(n >= 0);
    buf_init(&names, 1 << 16);
    for (int i = 0; i < n; i++) {
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0)
            buf_addf(&names, "%s%s", names.len ? " " : "", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return names.len ? buf_take(&names) : strdup("");
}

static void assert_folder(const char *dir, const char *names)
{
    char *there = scratch_list(dir);

    assert_string_equal(there, names);
    free(there);
}

static void assert_lines(const char *dir, const char *name, int lines)
{
    char path[FS_PATH_MAX], *data;
    struct err err;
    size_t n;
    int count = 0;

    assert_true(fs_join(path, dir, name, &err));
    assert_true(fs_load(path, 64 << 20, &data, &n, &err));
    for (size_t i = 0; i < n; i++)
        count += data[i] == '\n';
    free(data);
    assert_int_equal(count, lines);
}

static void assert_content(const char *dir, const char *name, const char *text)
{
    char path[FS_PATH_MAX], *data;
    struct err err;
    size_t n;

    assert_true(fs_join(path, dir, name, &err));
    assert_true(fs_load(path, 1 << 20, &data, &n, &err));
    assert_string_equal(data, text);
    free(data);
}

/* ---- a run of fake steps ---- */

enum { MAX_EVENTS = 256, MAX_STEPS = 8 };
#define NOW_NS (INT64_C(1770379200) * 1000000000) /* 2026-02-06T12:00:00Z */
#define STAMP "20260206_120000"

struct fake_step {
    const struct op *op;
    struct fake_args args;
    struct output_args output;
    const char *input_file;
};

struct fake_run {
    struct fake_step steps[MAX_STEPS];
    const char
        *extra; /* JSON members added to the specification: "\"keep_intermediate\": false". */
    volatile int cancelled;
    int deaf_at; /* The event (from 1) that cannot be delivered; 0: none. */

    /* What came of it. */
    struct json *events[MAX_EVENTS];
    size_t n_events;
    bool ok;
    struct err err;
    size_t failed_step;
};

static bool record_event(void *arg, const struct json *event, struct err *err)
{
    struct fake_run *run = arg;

    if (run->deaf_at && run->n_events + 1 >= (size_t)run->deaf_at)
        return err_set(err, ERR_IO, "nobody listens");
    assert_true(run->n_events < MAX_EVENTS);
    run->events[run->n_events++] = json_clone(event);
    return true;
}

static struct json *fake_spec(const struct fake_run *run)
{
    struct json *spec;
    struct buf text;
    struct err err;

    buf_init(&text, 1 << 16);
    buf_addf(&text,
        "{\"job\": \"run\", \"now_ns\": %lld, \"outputs_dir\": \"%s\", \"intermediate_dir\": "
        "\"%s\","
        "\"tmp_dir\": \"%s\", \"durable\": false, \"input\": \"people.csv\", \"files\": ["
        "{\"name\": \"people.csv\", \"path\": \"%s/people.csv\", \"base\": \"people\"},"
        "{\"name\": \"other.csv\", \"path\": \"%s/other.csv\", \"base\": \"other\","
        " \"public_path\": \"c/uploads/other.csv\"}]%s%s}",
        (long long)NOW_NS, scratch.outputs, scratch.intermediate, scratch.dir, scratch.dir,
        scratch.dir, run->extra ? ", " : "", run->extra ? run->extra : "");
    if (!json_parse(buf_str(&text), text.len, &spec, &err))
        fail_msg("%s", err.text);
    buf_deinit(&text);
    return spec;
}

/* Run the steps segment by segment, as run.c does, but with operations of our own. */
static void fake_execute(struct fake_run *run)
{
    struct plan_step steps[MAX_STEPS] = { 0 };
    struct plan plan = { .steps = steps };
    struct json *spec = fake_spec(run);
    struct segment g = { .plan = &plan };
    struct job job;

    while (plan.n_steps < MAX_STEPS && run->steps[plan.n_steps].op) {
        struct fake_step *f = &run->steps[plan.n_steps];

        steps[plan.n_steps++] = (struct plan_step){
            .args = { .op = f->op,
                .reader = reader_args_default,
                .output = f->output,
                .own = &f->args },
            .input_file = f->input_file,
        };
    }
    assert_true(job_init(&job, spec, record_event, run, &run->cancelled, &run->err));
    assert_true(progress_new(plan.n_steps, record_event, run, &g.progress, &run->err));
    g.job = &job;
    run->ok = true;
    while (run->ok && g.end < plan.n_steps) {
        g.first = g.end++;
        g.input = steps[g.first].input_file ? steps[g.first].input_file : "people.csv";
        while (g.end < plan.n_steps && !steps[g.end].input_file)
            g.end++;
        run->ok = pipeline_run(&g, &run->err);
    }
    run->failed_step = g.failed_step;
    progress_free(g.progress);
    job_deinit(&job);
    json_free(spec);
}

static void fake_free(struct fake_run *run)
{
    for (size_t i = 0; i < run->n_events; i++)
        json_free(run->events[i]);
}

/* The events in short: "started 0, 0 at 0%, 0 at 100%, completed 0". */
static void assert_events(const struct fake_run *run, const char *want)
{
    struct buf told;

    buf_init(&told, 1 << 16);
    for (size_t i = 0; i < run->n_events; i++) {
        const char *name = json_get_string(run->events[i], "event");
        int step = (int)json_get_int(run->events[i], "step", -1);

        if (i)
            buf_adds(&told, ", ");
        if (strcmp(name, "progress") == 0)
            buf_addf(&told, "%d at %d%%", step, (int)json_get_int(run->events[i], "percent", -1));
        else
            buf_addf(&told, "%s %d", strncmp(name, "step_", 5) == 0 ? name + 5 : name, step);
    }
    assert_string_equal(buf_str(&told), want);
    buf_deinit(&told);
}

/* The result of a completed step, NULL when it has none. */
static const struct json *fake_completed(const struct fake_run *run, int step)
{
    for (size_t i = 0; i < run->n_events; i++) {
        if (strcmp(json_get_string(run->events[i], "event"), "step_completed") == 0 &&
            json_get_int(run->events[i], "step", -1) == step)
            return run->events[i];
    }
    return NULL;
}

static void assert_rows(const struct fake_run *run, int step, int in, int out, const char *dropped)
{
    const struct json *result = json_get(fake_completed(run, step), "result");
    char *text = json_text(json_get(result, "dropped"));

    assert_int_equal(json_get_int(result, "rows_in", -1), in);
    assert_int_equal(json_get_int(result, "rows_out", -1), out);
    assert_string_equal(text, dropped);
    free(text);
}

#endif
