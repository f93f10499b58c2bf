/*
 * A run from the command line: check the steps, gather the files, run the worker, move the outputs into
 * place, tell the results.
 */

#include "cli/task.h"

#include "base/clock.h"
#include "workflow/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char task_progress_help[] = "How progress is shown on standard error: a bar on a terminal, "
                                  "plain lines, JSON lines, or not at all.";
const char task_json_help[] = "Print the results as one JSON object.";
const char task_config_help[] = "Settings file.";

/* The task at work. */
struct work {
    const struct task *task;
    struct plan *plan;
    struct staging staging;
    struct json *steps, *files, *spec; /* steps: with what settings add. */
    const char *input;
    char output[FS_PATH_MAX]; /* Exact path of the last step's file; "" for its own name. */
    int out_fd;               /* The last step's file goes here; -1: to a file. */
    bool close_fd;
    struct drive drive;
    struct json *results, *output_files;
};

enum progress_mode task_progress(const struct cli *cli)
{
    const char *mode = cli_value(cli, "progress");
    int i = 0;

    while (mode && progress_modes[i] && strcmp(progress_modes[i], mode) != 0)
        i++;
    return mode ? (enum progress_mode)i : PROGRESS_AUTO;
}

/* ---- where things go ---- */

/* Exists but is no regular file: a device or a pipe is written to, never replaced. */
static bool open_special(struct work *w, const char *path, struct err *err)
{
    w->out_fd = open(path, O_WRONLY | O_CLOEXEC);
    if (w->out_fd < 0)
        return err_set(err, ERR_CREATE, "'%.300s' cannot be written: %s", path, strerror(errno));
    w->close_fd = true;
    return true;
}

/* mkdir -p, with the modes that people's own folders have. */
static bool make_folders(const char *path, struct err *err)
{
    char part[FS_PATH_MAX];
    size_t n = strlen(path);

    for (size_t i = 1; i <= n && n < sizeof part; i++) {
        if ((path[i] != '/' && path[i] != '\0') || path[i - 1] == '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return err_set(
                err, ERR_CREATE, "the folder '%.300s' cannot be made: %s", part, strerror(errno));
    }
    return n < sizeof part ? true : err_set(err, ERR_CREATE, "the path of the folder is too long");
}

static bool choose_output(struct work *w, char *folder, struct err *err)
{
    const char *output = w->task->output;
    struct stat st;
    bool there;

    inputs_folder(w->input, folder);
    if (!output)
        return true;
    if (strcmp(output, TASK_STDOUT) == 0) {
        w->out_fd = STDOUT_FILENO;
        return true;
    }
    there = stat(output, &st) == 0;
    if (w->task->output_is_folder || (there && S_ISDIR(st.st_mode))) {
        snprintf(folder, FS_PATH_MAX, "%s", output);
        return there || make_folders(output, err);
    }
    if (there && !S_ISREG(st.st_mode))
        return open_special(w, output, err);
    if (there && !realpath(output, w->output)) /* The file behind a link is what is replaced. */
        return err_errno(err, errno, output);
    if (!there)
        snprintf(w->output, sizeof w->output, "%s", output);
    inputs_folder(w->output, folder);
    return true;
}

/* With nothing to leave behind but rejected rows, a folder that cannot be written is no hindrance. */
static bool open_staging(struct work *w, struct err *err)
{
    char folder[FS_PATH_MAX];
    const char *tmp = getenv("TMPDIR");

    if (!choose_output(w, folder, err))
        return false;
    if (staging_open(&w->staging, folder, err))
        return true;
    return w->out_fd >= 0 && staging_open(&w->staging, tmp && tmp[0] ? tmp : "/tmp", err);
}

/* ---- the specification ---- */

static const char *choose_input(const struct work *w)
{
    const struct task *t = w->task;

    if (t->input)
        return t->input;
    for (size_t i = t->n_inputs; i-- > 0;) {
        if (!inputs_is_named(w->plan, t->inputs[i]))
            return t->inputs[i];
    }
    return t->inputs[t->n_inputs - 1];
}

static bool gather_files(struct work *w, struct err *err)
{
    for (size_t i = 0; i < w->task->n_inputs; i++) {
        if (!inputs_add(w->files, w->task->inputs[i], &w->staging, err))
            return false;
    }
    return inputs_add_named(w->files, w->plan, &w->staging, err);
}

static bool make_spec(struct work *w, struct err *err)
{
    char outputs[FS_PATH_MAX], intermediate[FS_PATH_MAX];
    bool keep = w->out_fd < 0 && settings_bool(w->task->settings,
                                     "chat_workflows.execution.save_intermediate_files");
    struct json *spec = w->spec = json_new_object();
    bool ok;

    if (!staging_path(&w->staging, "outputs", outputs, err) ||
        !staging_path(&w->staging, "intermediate", intermediate, err))
        return false;
    ok = json_set_string(spec, "job", "run");
    ok = json_set_int(spec, "now_ns", clock_wall_ns()) && ok;
    ok = json_set(spec, "steps", json_ref(w->steps)) && ok;
    ok = json_set_string(spec, "input", w->input) && ok;
    ok = json_set(spec, "files", json_ref(w->files)) && ok;
    ok = json_set_string(spec, "outputs_dir", outputs) && ok;
    ok = json_set_string(spec, "intermediate_dir", intermediate) && ok;
    ok = json_set_string(spec, "tmp_dir", w->staging.path) && ok;
    ok = json_set_bool(spec, "durable", false) && ok;
    ok = json_set_bool(spec, "hash", w->task->json) && ok;
    ok = json_set_bool(spec, "keep_intermediate", keep) && ok;
    if (w->output[0])
        ok = json_set_string(spec, "output_name", inputs_name(w->output)) && ok;
    if (w->out_fd >= 0)
        ok = json_set_int(spec, "to_stdout", 3) && ok; /* What worker_start() makes of it. */
    ok = json_set(spec, "settings", run_settings(w->task->settings)) && ok;
    return ok ? true : err_nomem(err);
}

/* ---- what came of it ---- */

/* Put one file of a completed step into its place and its path into the result. */
static bool place_file(
    struct work *w, const struct json *file, bool last, struct json *result, struct err *err)
{
    const char *name = json_get_string(file, "name"), *folder = json_get_string(file, "folder");
    const char *role = json_get_string(file, "role");
    bool output = role && strcmp(role, "output") == 0;
    char path[FS_PATH_MAX];
    const char *shown;
    struct json *entry;

    if (output && last && w->out_fd >= 0)
        return true;
    if (output && last && w->output[0]) {
        snprintf(path, sizeof path, "%s", w->task->output);
        if (!staging_replace(&w->staging, name, w->output, err))
            return false;
    } else if (!staging_keep(&w->staging, folder, name, path, err)) {
        return false;
    }
    shown = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    json_set_string(result, output ? "output_file_path" : "rejected_file_path", shown);
    entry = json_clone(file);
    json_remove(entry, "name");
    json_remove(entry, "folder");
    json_set_string(entry, "file_path", shown);
    return json_add(w->output_files, entry) ? true : err_nomem(err);
}

static bool place_step(struct work *w, const struct json *event, struct err *err)
{
    const struct json *files = json_get(event, "files");
    bool last = (size_t)json_get_int(event, "step", 0) + 1 == w->plan->n_steps;
    struct json *result = json_clone(json_get(event, "result"));

    if (!result || !json_set(result, "output_file_path", json_new_null()) ||
        !json_add(w->results, json_ref(result))) {
        json_free(result);
        return err_nomem(err);
    }
    for (size_t i = 0; i < json_len(files); i++) {
        if (!place_file(w, json_at(files, i), last, result, err)) {
            json_free(result);
            return false;
        }
    }
    json_free(result);
    return true;
}

/* Also after a failure: the steps before it keep their files. */
static bool place_all(struct work *w, struct err *err)
{
    for (size_t i = 0; i < json_len(w->drive.completed); i++) {
        if (!place_step(w, json_at(w->drive.completed, i), err))
            return false;
    }
    return true;
}

static void tell_warnings(const struct json *result)
{
    const struct json *warnings = json_get(result, "warnings");

    for (size_t i = 0; i < json_len(warnings); i++) {
        const struct json *w = json_at(warnings, i), *places = json_get(w, "places");
        int64_t count = json_get_int(w, "count", 1);

        fprintf(stderr, "warning: %s", json_get_string(w, "message"));
        if (count > 1)
            fprintf(stderr, " (%lld times)", (long long)count);
        for (size_t k = 0; k < json_len(places); k++)
            fprintf(stderr, "%s%s", k ? ", " : ": ", json_str(json_at(places, k)));
        if (json_len(places) > 0 && (size_t)count > json_len(places))
            fprintf(stderr, ", ...");
        fputc('\n', stderr);
    }
}

/* The path of each file, and what a step has to say beyond its counts. */
static void tell_plain(const struct work *w)
{
    for (size_t i = 0; i < json_len(w->results); i++) {
        const struct json *r = json_at(w->results, i);
        const struct json *told = json_get(r, "data");
        bool wrote = !json_isnull(json_get(r, "output_file_path"));

        if (w->task->progress != PROGRESS_NONE && w->task->progress != PROGRESS_JSON)
            tell_warnings(r);
        if (told && !wrote && w->out_fd != STDOUT_FILENO)
            cli_print_json(told);
    }
    for (size_t i = 0; i < json_len(w->output_files) && w->out_fd != STDOUT_FILENO; i++)
        cli_print("%s\n", json_get_string(json_at(w->output_files, i), "file_path"));
}

static struct json *error_json(const struct err *err)
{
    struct json *e = json_new_object();

    json_set_string(e, "error_type", err_type(err->code));
    json_set_string(e, "message", err->text);
    json_set(e, "details", json_err_details(err));
    return e;
}

static void tell_json(const struct work *w, const struct err *err)
{
    struct json *o;

    if (w->task->one_step && !err && json_len(w->results) == 1) {
        cli_print_json(json_at(w->results, 0));
        return;
    }
    o = json_new_object();
    json_set_string(o, "status",
        !err                         ? "completed"
        : err->code == ERR_CANCELLED ? "cancelled"
                                     : "failed");
    json_set(o, "results", json_ref(w->results));
    json_set(o, "output_files", json_ref(w->output_files));
    if (err)
        json_set(o, "error", error_json(err));
    cli_print_json(o);
    json_free(o);
}

/* ---- all of it ---- */

static bool check_steps(struct work *w, struct err *err)
{
    int64_t max = settings_int(w->task->settings, "chat_workflows.execution.max_steps");

    w->steps = json_clone(w->task->steps);
    if (!w->steps) {
        err_nomem(err);
        return false;
    }
    return plan_apply_settings(w->steps, w->task->settings, err) &&
           plan_new(w->steps, (size_t)max, &w->plan, err);
}

static bool prepare(struct work *w, struct err *err)
{
    w->files = json_new_array();
    w->results = json_new_array();
    w->output_files = json_new_array();
    if (!w->files || !w->results || !w->output_files)
        return err_nomem(err);
    w->input = choose_input(w);
    return open_staging(w, err) && gather_files(w, err) && make_spec(w, err);
}

static bool run(struct work *w, struct err *err)
{
    const char **names = calloc(w->plan->n_steps, sizeof *names);
    struct err placing;
    bool ok;

    if (!names)
        return err_nomem(err);
    for (size_t i = 0; i < w->plan->n_steps; i++)
        names[i] = w->plan->steps[i].args.op->name;
    w->drive.bar = progress_bar_new(w->task->progress, names, w->plan->n_steps);
    ok = drive_run(&w->drive, w->spec, w->task->settings, w->out_fd, err);
    progress_bar_free(w->drive.bar);
    if (!ok && !w->task->one_step && w->drive.failed_step < w->plan->n_steps)
        plan_err(w->drive.failed_step, w->plan->n_steps, names[w->drive.failed_step], err);
    free(names);
    if (!place_all(w, &placing) && ok) {
        *err = placing;
        ok = false;
    }
    return ok;
}

static void finish(struct work *w)
{
    staging_close(&w->staging);
    drive_deinit(&w->drive);
    plan_free(w->plan);
    json_free(w->steps);
    json_free(w->spec);
    json_free(w->files);
    json_free(w->results);
    json_free(w->output_files);
    if (w->close_fd)
        close(w->out_fd);
}

/* Whoever read our stdout has had enough: no error, the program ends as any other would. */
static bool reader_is_gone(const struct work *w)
{
    struct pollfd out = { .fd = w->out_fd };

    return w->out_fd == STDOUT_FILENO && poll(&out, 1, 0) == 1 &&
           (out.revents & (POLLERR | POLLHUP));
}

int task_run(const struct task *task)
{
    struct work w = { .task = task, .out_fd = -1 };
    struct err err = { 0 };
    int status = EXIT_SUCCESS;
    bool ok;

    drive_interrupted(); /* From here on Ctrl-C leaves nothing behind. */
    ok = check_steps(&w, &err) && prepare(&w, &err) && run(&w, &err);
    if (!ok && reader_is_gone(&w)) {
        finish(&w);
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    if (!ok)
        status = cli_fail(&err);
    if (task->json)
        tell_json(&w, ok ? NULL : &err);
    else
        tell_plain(&w);
    finish(&w);
    return status;
}
