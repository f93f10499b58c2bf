/*
 * sheetflow op NAME ...: one operation. Its flags come from its declaration.
 */

#include "cli/at_file.h"
#include "cli/inspect.h"
#include "cli/task.h"

#include <stdio.h>
#include <stdlib.h>

enum { FLAG_MAX = 128 };

static const struct cli_flag op_flags[] = {
    { .name = "json", .help = task_json_help },
    { .name = "progress", .value = "MODE", .choices = progress_modes, .help = task_progress_help },
    { .name = "config", .value = "FILE", .help = task_config_help },
    { 0 },
};

static bool same_flag(const char *name, const char *typed)
{
    size_t i = 0;

    for (; name[i] && typed[i]; i++) {
        if (name[i] != (typed[i] == '-' ? '_' : typed[i]))
            return false;
    }
    return name[i] == '\0' && typed[i] == '\0';
}

/* The argument that a flag means, by any of its names; NULL when there is none. */
static const struct arg *find_arg(const struct op *op, const char *typed)
{
    const struct arg *a;

    for (size_t i = 0; (a = op_arg(op, i)); i++) {
        if (same_flag(a->name, typed))
            return a;
        for (size_t k = 0; a->aliases && a->aliases[k]; k++) {
            if (same_flag(a->aliases[k], typed))
                return a;
        }
    }
    return NULL;
}

static bool is_truth(const char *word)
{
    static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "1", "0",
        NULL };

    for (size_t i = 0; words[i]; i++) {
        if (strcasecmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

/* A yes-or-no flag takes the next word only where it says yes or no; --no-x takes none. */
static bool takes_value(void *arg, const char *name, const char *next)
{
    const struct arg *a = find_arg(arg, name);

    if (!a)
        return false;
    return (a->type != ARG_BOOL && a->type != ARG_MAYBE) || is_truth(next);
}

static bool read_flags(
    struct cli *cli, const struct op *op, struct json **arguments, struct err *err)
{
    struct flag *flags = arena_calloc(&cli->arena, cli->n_own + 1, sizeof *flags);

    if (!flags)
        return err_nomem(err);
    for (size_t i = 0; i < cli->n_own; i++) {
        flags[i] = (struct flag){ cli->own[i].name, cli->own[i].value };
        if (flags[i].value &&
            !at_file_text(&cli->arena, flags[i].name, flags[i].value, &flags[i].value, err))
            return false;
    }
    return args_from_flags(op, flags, cli->n_own, arguments, err);
}

/* OUTPUT's suffix chooses the format where nothing else does. */
static bool choose_format(
    const struct op *op, const char *output, struct json *arguments, struct err *err)
{
    enum file_format f;

    if (!output || strcmp(output, TASK_STDOUT) == 0 || json_get(arguments, "output_format"))
        return true;
    f = file_format_find(fs_suffix(output));
    if (f == FILE_UNKNOWN || (f == op->format && !(op->flags & OP_TABLE)))
        return true;
    if (!op_takes_format(op, f))
        return err_set(
            err, ERR_USAGE, "%s cannot write %s ('%.200s')", op->name, file_format_name(f), output);
    if (f == op->format)
        return true;
    return json_set_string(arguments, "output_format", file_format_name(f)) ? true : err_nomem(err);
}

static struct json *one_step(const struct op *op, struct json *arguments)
{
    struct json *steps = json_new_array(), *step = json_new_object();
    bool ok;

    ok = json_set_string(step, "operation", op->name);
    ok = json_set(step, "arguments", json_ref(arguments)) && ok;
    ok = json_add(steps, step) && ok;
    if (ok)
        return steps;
    json_free(steps);
    return NULL;
}

static bool check_use(const struct cli *cli, const char *output, struct err *err)
{
    if (output && strcmp(output, TASK_STDOUT) == 0 && cli_has(cli, "json"))
        return err_set(
            err, ERR_USAGE, "--json and the output '-' would both go to standard output");
    return true;
}

static int run_op(struct cli *cli, const struct op *op)
{
    const char *output = cli->n_words > 1 ? cli->words[1] : NULL;
    struct json *arguments = NULL, *steps = NULL;
    struct settings *settings = NULL;
    struct op_args checked;
    struct err err;
    int status;

    if (!check_use(cli, output, &err) || !read_flags(cli, op, &arguments, &err) ||
        !choose_format(op, output, arguments, &err) ||
        !op_bind(op, arguments, &cli->arena, &checked, &err)) {
        status = cli_fail(&err);
        fprintf(stderr, "Try: sheetflow op %s --help\n", op->name);
        goto out;
    }
    steps = one_step(op, arguments);
    if (!steps || !cli_settings(cli, &settings, &err)) {
        if (!steps)
            err_nomem(&err);
        status = cli_fail(&err);
        goto out;
    }
    status = task_run(&(struct task){
        .settings = settings,
        .steps = steps,
        .inputs = cli->words,
        .n_inputs = 1,
        .input = cli->words[0],
        .output = output,
        .one_step = true,
        .json = cli_has(cli, "json"),
        .progress = task_progress(cli),
    });
out:
    settings_free(settings);
    json_free(steps);
    json_free(arguments);
    return status;
}

static int explain(const struct op *op)
{
    usage_operation(op, op_flags);
    return EXIT_SUCCESS;
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static int run_look(struct cli *cli, const struct verb *look, int argc, char **argv)
{
    struct err err;

    cli->verb = look;
    if (asks_help(argc, argv)) {
        usage_verb(look);
        return EXIT_SUCCESS;
    }
    if (!cli_parse(cli, argc, argv, NULL, NULL, &err))
        return cli_fail_usage(cli, &err);
    return look->run(cli);
}

/* The operation's name comes first, as the flags that follow are its own. */
static int prepare_op(struct cli *cli, int argc, char **argv)
{
    const struct op *op;
    struct err err;

    if (argc == 0 || argv[0][0] == '-') {
        bool help = argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);

        if (help) {
            usage_verb(cli->verb);
            return EXIT_SUCCESS;
        }
        err_set(&err, ERR_USAGE,
            "say which operation first: sheetflow op NAME ...; 'sheetflow ops' lists them");
        return cli_fail(&err);
    }
    if (op_look_find(argv[0]))
        return run_look(cli, op_look_find(argv[0]), argc - 1, argv + 1);
    if (!op_get(argv[0], &op, &err)) {
        int status = cli_fail(&err);

        fprintf(stderr, "Try: sheetflow ops\n");
        return status;
    }
    if (asks_help(argc - 1, argv + 1))
        return explain(op);
    if (!cli_parse(cli, argc - 1, argv + 1, takes_value, (void *)(uintptr_t)op, &err)) {
        int status = cli_fail(&err);

        fprintf(stderr, "Try: sheetflow op %s --help\n", op->name);
        return status;
    }
    return run_op(cli, op);
}

const struct verb verb_op = {
    .name = "op",
    .usage = "NAME [--argument VALUE ...] INPUT [OUTPUT]",
    .summary = "Carry out one operation on a file",
    .details =
        "INPUT is a file, or - for standard input. OUTPUT's suffix chooses the format (xlsx, csv, "
        "tsv,\n"
        "json, jsonl) where the operation can write several; - is standard output. Without OUTPUT "
        "the\n"
        "result goes beside the input, under a name made of the input's, the operation and the "
        "time.\n"
        "\n"
        "Arguments are written with - or _: lists as JSON or separated by commas, objects as JSON, "
        "or\n"
        "@FILE for what FILE holds; yes-or-no arguments as --name, --no-name or --name false.\n"
        "'sheetflow op NAME --help' explains one operation.\n",
    .flags = op_flags,
    .min_words = 1,
    .max_words = 2,
    .own_flags = true,
    .prepare = prepare_op,
};
