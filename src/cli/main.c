/*
 * sheetflow: the program. One line a verb.
 */

#include "cli/cli.h"

#include "base/utf8.h"
#include "workflow/worker.h"
#include "workflow/zygote.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct verb *const verb_table[] = {
    &verb_serve,
    &verb_run,
    &verb_op,
    &verb_ops,
    &verb_inspect,
    &verb_dump,
    &verb_restore,
    &verb_backup,
    &verb_verify,
    &verb_keys,
    &verb_doctor,
    &verb_config,
    &verb_completion,
    &verb_version,
    &verb_help,
    &verb_man,
    &verb_reference,
    &verb_worker,
    &verb_zygote,
    NULL,
};

/* ---- what the verbs share ---- */

int cli_fail(const struct err *err)
{
    fprintf(stderr, "sheetflow: %s\n", err->text);
    return err_exit_status(err->code);
}

int cli_fail_usage(const struct cli *cli, const struct err *err)
{
    int status = cli_fail(err);

    fprintf(stderr, "Try: sheetflow %s --help\n", cli->verb->name);
    return status;
}

void cli_print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
}

void cli_print_json(const struct json *value)
{
    struct buf text;

    buf_init(&text, SIZE_MAX / 2);
    json_write(value, true, &text);
    buf_addc(&text, '\n');
    fwrite(buf_str(&text), 1, text.len, stdout);
    buf_deinit(&text);
}

int cli_end(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    fprintf(stderr, "sheetflow: cannot write to standard output: %s\n", strerror(errno));
    return err_exit_status(ERR_IO);
}

const char *cli_count(uint64_t n, char *out)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), put = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[put++] = ',';
        out[put++] = digits[i];
    }
    out[put] = '\0';
    return out;
}

/* ---- the verbs that are too small for a file ---- */

static int run_version(struct cli *cli)
{
    (void)cli;
    cli_print("sheetflow %s\n", SHEETFLOW_VERSION);
    return EXIT_SUCCESS;
}

const struct verb verb_version = {
    .name = "version",
    .usage = "",
    .summary = "Print the version",
    .run = run_version,
};

static int run_worker(struct cli *cli)
{
    (void)cli;
    return worker_main();
}

const struct verb verb_worker = {
    .name = "worker",
    .usage = "",
    .summary = "Do one job from standard input (used by the program itself)",
    .hidden = true,
    .run = run_worker,
};

/* Before anything of the program has begun: every worker starts out as this process is. */
static int prepare_zygote(struct cli *cli, int argc, char **argv)
{
    (void)cli;
    (void)argc;
    return zygote_main(worker_main, argv[-1]);
}

const struct verb verb_zygote = {
    .name = "zygote",
    .usage = "",
    .summary = "Fork workers (used by the program itself)",
    .hidden = true,
    .prepare = prepare_zygote,
};

static const struct verb *find_verb(const char *name)
{
    for (const struct verb *const *v = verb_table; *v; v++) {
        if (strcmp((*v)->name, name) == 0)
            return *v;
    }
    return NULL;
}

static int unknown_verb(const char *name)
{
    const char *names[ARRAY_LEN(verb_table)], *near;
    size_t n = 0;

    for (const struct verb *const *v = verb_table; *v; v++) {
        if (!(*v)->hidden)
            names[n++] = (*v)->name;
    }
    near = utf8_nearest(name, names, n);
    if (near)
        fprintf(stderr, "sheetflow: there is no verb '%.60s'; did you mean '%s'?\n", name, near);
    else
        fprintf(stderr, "sheetflow: there is no verb '%.60s'\n", name);
    fprintf(stderr, "Try: sheetflow --help\n");
    return EXIT_USAGE;
}

static int run_help(struct cli *cli)
{
    const struct verb *verb;

    if (cli->n_words == 0) {
        usage_program();
        return EXIT_SUCCESS;
    }
    verb = find_verb(cli->words[0]);
    if (!verb)
        return unknown_verb(cli->words[0]);
    usage_verb(verb);
    return EXIT_SUCCESS;
}

const struct verb verb_help = {
    .name = "help",
    .usage = "[VERB]",
    .summary = "Explain the program or one verb",
    .max_words = 1,
    .run = run_help,
};

/* ---- dispatch ---- */

static bool asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
    struct cli cli = { .verb = verb };
    struct err err;
    int status;

    arena_init(&cli.arena, NULL);
    if (verb->prepare) {
        status = verb->prepare(&cli, argc, argv);
    } else if (asks_help(argc, argv)) {
        usage_verb(verb);
        status = EXIT_SUCCESS;
    } else if (!cli_parse(&cli, argc, argv, NULL, NULL, &err)) {
        status = cli_fail_usage(&cli, &err);
    } else {
        status = verb->run(&cli);
    }
    status = cli_end(status);
    arena_deinit(&cli.arena);
    return status;
}

int main(int argc, char **argv)
{
    const struct verb *verb;

    if (argc < 2) {
        fprintf(stderr, "sheetflow: say what to do: sheetflow VERB ...\nTry: sheetflow --help\n");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        verb = &verb_help;
    else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        verb = &verb_version;
    else
        verb = find_verb(argv[1]);
    if (!verb)
        return unknown_verb(argv[1]);
    if (verb != &verb_worker)
        signal(SIGPIPE, SIG_IGN);
    return run_verb(verb, argc - 2, argv + 2);
}
