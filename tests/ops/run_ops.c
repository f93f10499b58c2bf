/*
 * Golden cases of operations, through the real engine.
 *
 *   tests/ops/<operation with - for />/<the case as a sentence>/
 *       args.json             arguments (default: none)
 *       in.csv | in.xlsx ...  the file the step reads
 *       bind.csv              a second file that arguments may name
 *       expected.csv ...      the whole output file; a workbook is read back and compared as CSV
 *       expected_result.json  what the step's result must contain
 *       expected_error.txt    the sentence it must fail with
 *
 * Then every operation's own examples are run the same way. Prints TAP. Arguments: the folder of the
 * cases, and optionally a part of the names to run.
 */

#include "base/fs.h"
#include "formats/sink.h"
#include "formats/source.h"
#include "ops/op.h"
#include "workflow/run.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_NS 1770379200000000000 /* 2026-02-06T12:00:00Z */

enum { MAX_TEXT = 64 << 20, PATH = 1024 };

static const char *only;
static int n_run, n_failed;

/* What a case is made of; NULL: not there. Paths are absolute. */
struct golden {
    const struct op *op;
    char name[PATH];
    char *args;
    char in[PATH], in_name[64], bind[PATH];
    char *want_file, *want_result, *want_error;
    char why[8192]; /* Of the failure. */
};

/* What a run has told. */
struct told {
    struct json *result;
    char *error;
    char output[PATH];
};

static bool fail(struct golden *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool fail(struct golden *g, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(g->why, sizeof g->why, fmt, ap);
    va_end(ap);
    return false;
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text;
    size_t n;

    if (!f)
        return NULL;
    text = malloc(MAX_TEXT);
    n = text ? fread(text, 1, MAX_TEXT - 1, f) : 0;
    fclose(f);
    if (!text)
        return NULL;
    text[n] = '\0';
    return realloc(text, n + 1);
}

static bool spit(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    bool ok;

    if (!f)
        return false;
    ok = fwrite(text, 1, strlen(text), f) == strlen(text);
    return fclose(f) == 0 && ok;
}

/* ---- the engine ---- */

static bool on_event(void *arg, const struct json *event, struct err *err)
{
    const char *kind = json_get_string(event, "event");
    struct told *told = arg;

    (void)err;
    if (strcmp(kind, "failed") == 0)
        told->error = strdup(json_get_string(json_get(event, "error"), "text"));
    if (strcmp(kind, "step_completed") == 0) {
        const struct json *files = json_get(event, "files");

        told->result = json_clone(json_get(event, "result"));
        for (size_t i = 0; i < json_len(files); i++) {
            if (strcmp(json_get_string(json_at(files, i), "role"), "output") == 0)
                snprintf(told->output, sizeof told->output, "%s",
                    json_get_string(json_at(files, i), "name"));
        }
    }
    return true;
}

static void add_file(struct json *files, const char *name, const char *path)
{
    struct json *file = json_new_object();

    json_set_string(file, "name", name);
    json_set_string(file, "path", path);
    json_set_string(file, "base", "in");
    json_add(files, file);
}

static struct json *make_spec(const struct golden *g, struct json *arguments, const char *dir)
{
    struct json *spec = json_new_object(), *steps = json_new_array(), *step = json_new_object();
    struct json *files = json_new_array();

    json_set_string(step, "operation", g->op->name);
    json_set(step, "arguments", arguments);
    json_add(steps, step);
    add_file(files, g->in_name, g->in);
    if (g->bind[0])
        add_file(files, "bind.csv", g->bind);
    json_set_string(spec, "job", "run");
    json_set_int(spec, "now_ns", NOW_NS);
    json_set(spec, "steps", steps);
    json_set_string(spec, "input", g->in_name);
    json_set(spec, "files", files);
    json_set_string(spec, "outputs_dir", dir);
    json_set_string(spec, "intermediate_dir", dir);
    json_set_string(spec, "tmp_dir", dir);
    json_set_bool(spec, "durable", false);
    json_set_bool(spec, "hash", false);
    return spec;
}

/* A workbook as the CSV of its first sheet. */
static char *workbook_text(struct golden *g, const char *path, const char *dir)
{
    struct formats *formats = formats_new();
    struct warnings *warnings = warn_new();
    struct source_env env = { .formats = formats, .warnings = warnings, .tmp_dir = dir };
    struct sink_args args = {
        .format = FILE_CSV, .formats = formats, .warnings = warnings, .tmp_dir = dir
    };
    struct source *source = NULL;
    struct fs_file *file = NULL;
    struct sink *sink = NULL;
    struct batch *b;
    struct err err;
    char back[PATH], *text = NULL;
    int fd = open(path, O_RDONLY);
    bool ok;

    ok = fd >= 0 && source_open(fd, "output.xlsx", &reader_args_default, &env, &source, &err) &&
         fs_file_create(dir, "back.csv", "back.csv", &file, &err) &&
         sink_open(&args, source_schema(source), file, &sink, &err);
    while (ok && (ok = source_next(source, &b, &err)) && b)
        ok = sink_write(sink, b, &err);
    ok = ok && sink_finish(sink, &err);
    sink_close(sink);
    ok = ok && fs_file_commit(file, false, NULL, &err);
    if (ok) {
        snprintf(back, sizeof back, "%s/back.csv", dir);
        text = slurp(back);
    } else {
        fail(g, "the workbook cannot be read back: %s", err.text);
    }
    if (source)
        source_close(source);
    warn_free(warnings);
    formats_free(formats);
    return text;
}

/* ---- comparing ---- */

/* Is all of `want` in `got`? Objects may have more keys; lists have the same length. */
static bool contains(
    struct golden *g, const char *path, const struct json *want, const struct json *got)
{
    char *a, *b, at[PATH];

    if (json_kind(want) == JSON_KIND_OBJECT && json_kind(got) == JSON_KIND_OBJECT) {
        for (const void *it = json_first(want); it; it = json_next(want, it)) {
            snprintf(at, sizeof at, "%s.%s", path, json_key(it));
            if (!json_get(got, json_key(it)))
                return fail(g, "the result has no %s", at);
            if (!contains(g, at, json_value(it), json_get(got, json_key(it))))
                return false;
        }
        return true;
    }
    if (json_kind(want) == JSON_KIND_ARRAY && json_kind(got) == JSON_KIND_ARRAY &&
        json_len(want) == json_len(got)) {
        for (size_t i = 0; i < json_len(want); i++) {
            snprintf(at, sizeof at, "%s[%zu]", path, i);
            if (!contains(g, at, json_at(want, i), json_at(got, i)))
                return false;
        }
        return true;
    }
    a = json_text(want);
    b = json_text(got);
    bool same = a && b && strcmp(a, b) == 0;

    if (!same)
        fail(g, "result%s: want %.2000s, got %.2000s", path, a, b);
    free(a);
    free(b);
    return same;
}

static bool check_file(struct golden *g, const struct told *told, const char *dir)
{
    char path[PATH * 2], *got;
    bool ok;

    if (!told->output[0])
        return fail(g, "there is no output file");
    snprintf(path, sizeof path, "%s/%s", dir, told->output);
    got = strcmp(fs_suffix(told->output), ".xlsx") == 0 ? workbook_text(g, path, dir) : slurp(path);
    if (!got)
        return g->why[0] ? false : fail(g, "the output file cannot be read");
    ok = strcmp(got, g->want_file) == 0;
    if (!ok)
        fail(g, "the output differs:\n--- want\n%.3000s--- got\n%.3000s---", g->want_file, got);
    free(got);
    return ok;
}

static bool check_result(struct golden *g, const struct told *told)
{
    struct json *want;
    struct err err;
    bool ok;

    if (!json_parse(g->want_result, strlen(g->want_result), &want, &err))
        return fail(g, "expected_result.json: %s", err.text);
    ok = contains(g, "", want, told->result);
    json_free(want);
    return ok;
}

static bool check_told(struct golden *g, const struct told *told, const char *dir)
{
    if (g->want_error) {
        size_t n = strcspn(g->want_error, "\n");
        const char *got = told->error ? told->error : "";
        char prefix[160];

        g->want_error[n] = '\0';
        snprintf(prefix, sizeof prefix, "step 1 of 1 (%s): ", g->op->name);
        if (strncmp(got, prefix, strlen(prefix)) == 0)
            got += strlen(prefix);
        return strcmp(got, g->want_error) == 0 || fail(g, "want the error\n  %s\ngot\n  %s",
                                                      g->want_error, told->error ? got : "none");
    }
    if (told->error || !told->result)
        return fail(g, "it failed: %s", told->error ? told->error : "without a sentence");
    if (g->want_file && !check_file(g, told, dir))
        return false;
    return !g->want_result || check_result(g, told);
}

static bool run_golden(struct golden *g)
{
    char dir[] = "/tmp/sheetflow-ops-XXXXXX";
    struct told told = { 0 };
    struct json *arguments = NULL, *spec;
    struct err err;
    bool ok;

    if (g->args && !json_parse(g->args, strlen(g->args), &arguments, &err))
        return fail(g, "args.json: %s", err.text);
    if (!mkdtemp(dir)) {
        json_free(arguments);
        return fail(g, "no scratch folder");
    }
    spec = make_spec(g, arguments ? arguments : json_new_object(), dir);
    (void)!run_execute(spec, on_event, &told, NULL, &err);
    ok = check_told(g, &told, dir);
    json_free(spec);
    json_free(told.result);
    free(told.error);
    if (!fs_remove_tree(dir, &err))
        ok = fail(g, "%s", err.text);
    return ok;
}

/* ---- cases ---- */

static void report(struct golden *g)
{
    if (!only || strstr(g->name, only)) {
        bool ok = run_golden(g);

        n_run++;
        n_failed += !ok;
        printf("%sok %d - %s\n", ok ? "" : "not ", n_run, g->name);
        for (char *line = ok ? NULL : strtok(g->why, "\n"); line; line = strtok(NULL, "\n"))
            printf("# %s\n", line);
        fflush(stdout);
    }
    free(g->args);
    free(g->want_file);
    free(g->want_result);
    free(g->want_error);
}

static char *part(const char *dir, const char *name)
{
    char path[PATH];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return slurp(path);
}

static bool find_part(const char *dir, const char *stem, char *path, char *name)
{
    static const char *const suffixes[] = { ".csv", ".xlsx", ".xls", ".tsv", ".json", ".jsonl",
        ".sql", ".csv.gz" };

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(path, PATH, "%s/%s%s", dir, stem, suffixes[i]);
        if (access(path, R_OK) == 0) {
            snprintf(name, 64, "%s%s", stem, suffixes[i]);
            return true;
        }
    }
    path[0] = '\0';
    return false;
}

static void run_case(const struct op *op, const char *dir, const char *sentence)
{
    struct golden g = { .op = op };
    char path[PATH], name[64];

    snprintf(g.name, sizeof g.name, "%s: %s", op->name, sentence);
    g.args = part(dir, "args.json");
    g.want_result = part(dir, "expected_result.json");
    g.want_error = part(dir, "expected_error.txt");
    if (find_part(dir, "expected", path, name))
        g.want_file = slurp(path);
    if (!find_part(dir, "in", g.in, g.in_name))
        printf("# %s has no input\n", g.name);
    snprintf(g.bind, sizeof g.bind, "%s/bind.csv", dir);
    if (access(g.bind, R_OK) != 0)
        g.bind[0] = '\0';
    report(&g);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_folder(const struct op *op, const char *root)
{
    char dir[PATH], sub[PATH * 2];
    struct dirent **list;
    size_t n = (size_t)snprintf(dir, sizeof dir, "%s/", root);
    int count;

    for (const char *p = op->name; *p && n + 1 < sizeof dir; p++)
        dir[n++] = *p == '/' ? '-' : *p;
    dir[n] = '\0';
    count = scandir(dir, &list, NULL, by_name);
    for (int i = 0; i < count; i++) {
        if (list[i]->d_name[0] != '.') {
            snprintf(sub, sizeof sub, "%s/%s", dir, list[i]->d_name);
            run_case(op, sub, list[i]->d_name);
        }
        free(list[i]);
    }
    if (count >= 0)
        free(list);
}

/* An example of the declaration, on files of its own. */
static void run_example(const struct op *op, const struct op_example *e)
{
    char dir[] = "/tmp/sheetflow-example-XXXXXX";
    struct golden g = { .op = op };
    struct err err;

    if (!mkdtemp(dir))
        return;
    snprintf(g.name, sizeof g.name, "%s: example: %s", op->name, e->title);
    snprintf(g.in, sizeof g.in, "%s/in.csv", dir);
    snprintf(g.in_name, sizeof g.in_name, "in.csv");
    g.args = strdup(e->args);
    g.want_file = e->out ? strdup(e->out) : NULL;
    if (e->bind) {
        snprintf(g.bind, sizeof g.bind, "%s/bind.csv", dir);
        if (!spit(g.bind, e->bind))
            printf("# cannot write %s\n", g.bind);
    }
    if (!spit(g.in, e->in))
        printf("# cannot write %s\n", g.in);
    report(&g);
    if (!fs_remove_tree(dir, &err))
        printf("# %s\n", err.text);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: run_ops FOLDER [PART OF A NAME]\n");
        return 2;
    }
    only = argc > 2 ? argv[2] : NULL;
    setenv("SOURCE_DATE_EPOCH", "1770379200", 1);
    for (const struct op *const *op = op_table; *op; op++) {
        run_folder(*op, argv[1]);
        for (const struct op_example *e = (*op)->examples; e->title; e++)
            run_example(*op, e);
    }
    printf("1..%d\n", n_run);
    return n_failed > 0;
}
