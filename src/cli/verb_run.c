/*
 * sheetflow run: a workflow on files.
 */

#include "cli/at_file.h"
#include "cli/task.h"

#include <stdlib.h>

static const struct cli_flag run_flags[] = {
    { .name = "steps",
        .value = "FILE",
        .help = "The workflow as JSON: {\"steps\": [{\"operation\", "
                "\"arguments\", \"input_file\"}]}; - is standard input." },
    { .name = "input",
        .value = "FILE",
        .repeat = true,
        .help = "A file the steps may read, by name; the first step reads the last one that no "
                "step names. - is standard input." },
    { .name = "output",
        .value = "DIR",
        .help = "Folder for the results, made if needed; beside the "
                "input by default. - is standard output." },
    { .name = "json", .help = task_json_help },
    { .name = "progress", .value = "MODE", .choices = progress_modes, .help = task_progress_help },
    { .name = "config", .value = "FILE", .help = task_config_help },
    { 0 },
};

/* {"steps": [...], "input_file"?} or the bare list; *root owns what the others point to. */
static bool load_steps(struct cli *cli, const char *path, struct json **root,
    const struct json **steps, const char **input, struct err *err)
{
    const char *text;
    size_t n;

    *root = NULL;
    if (!at_file_load(&cli->arena, path, &text, &n, err))
        return false;
    if (!json_parse(text, n, root, err)) {
        err->code = ERR_DATA; /* A file that is no JSON is bad data, not a bad command line. */
        return err_wrap(err, "%.200s", strcmp(path, "-") == 0 ? "standard input" : path);
    }
    if (json_kind(*root) == JSON_KIND_ARRAY) {
        *steps = *root;
        return true;
    }
    *steps = json_get(*root, "steps");
    *input = json_get_string(*root, "input_file");
    if (!*steps)
        return err_set(err, ERR_ARG, "%.200s: there are no steps; a workflow is {\"steps\": [...]}",
            strcmp(path, "-") == 0 ? "standard input" : path);
    return true;
}

/* The values of --input, in order. */
static const char **inputs(struct cli *cli, size_t *n)
{
    const char **list = arena_calloc(&cli->arena, cli->n_given + 1, sizeof *list);

    *n = 0;
    for (size_t i = 0; list && i < cli->n_given; i++) {
        if (strcmp(cli->given[i].flag->name, "input") == 0)
            list[(*n)++] = cli->given[i].value;
    }
    return list;
}

static bool check_use(const struct cli *cli, size_t n_inputs, struct err *err)
{
    const char *output = cli_value(cli, "output"), *steps = cli_value(cli, "steps");
    bool stdin_twice = false;

    if (!steps)
        return err_set(err, ERR_USAGE, "--steps is required: a file with the workflow");
    if (n_inputs == 0)
        return err_set(err, ERR_USAGE, "--input is required: the file to work on");
    if (output && strcmp(output, TASK_STDOUT) == 0 && cli_has(cli, "json"))
        return err_set(err, ERR_USAGE, "--json and --output - would both go to standard output");
    for (size_t i = 0; i < cli->n_given; i++) {
        const struct cli_given *g = &cli->given[i];

        stdin_twice = stdin_twice ||
                      (strcmp(g->flag->name, "input") == 0 && strcmp(g->value, INPUT_STDIN) == 0);
    }
    if (stdin_twice && strcmp(steps, "-") == 0)
        return err_set(err, ERR_USAGE, "--steps - and --input - would both read standard input");
    return true;
}

static int run_run(struct cli *cli)
{
    struct settings *settings = NULL;
    const struct json *steps = NULL;
    struct json *root = NULL;
    const char **files, *input = NULL;
    struct err err;
    size_t n;
    int status;

    files = inputs(cli, &n);
    if (!files)
        err_nomem(&err);
    if (!files || !check_use(cli, n, &err)) {
        status = cli_fail_usage(cli, &err);
        goto out;
    }
    if (!load_steps(cli, cli_value(cli, "steps"), &root, &steps, &input, &err) ||
        !cli_settings(cli, &settings, &err)) {
        status = cli_fail(&err);
        goto out;
    }
    status = task_run(&(struct task){
        .settings = settings,
        .steps = steps,
        .inputs = files,
        .n_inputs = n,
        .input = input,
        .output = cli_value(cli, "output"),
        .output_is_folder = true,
        .json = cli_has(cli, "json"),
        .progress = task_progress(cli),
    });
out:
    settings_free(settings);
    json_free(root);
    return status;
}

const struct verb verb_run = {
    .name = "run",
    .usage = "--steps FILE --input FILE [--input FILE ...] [--output DIR]",
    .summary = "Run a workflow on files",
    .details = "The result of the last step goes to DIR, those of the steps before it to "
               "DIR/intermediate (setting\n"
               "chat_workflows.execution.save_intermediate_files); their paths are printed. When a "
               "step fails, the\n"
               "steps before it keep their results.\n",
    .flags = run_flags,
    .run = run_run,
};
