#ifndef CLI_CLI_H
#define CLI_CLI_H

/*
 * The command line: `sheetflow VERB ...`.
 *
 * A verb is one file here, one `struct verb`, and one line in verb_table[] (main.c). Its flags are
 * declared in it: args.c parses from the declaration and help.c prints it.
 *
 * stdout carries results; stderr progress and errors. The exit status of an error is err_exit_status().
 */

#include "base/arena.h"
#include "base/json.h"
#include "base/setting.h"

enum {
    EXIT_USAGE = 2,
    CLI_MAX_WORDS = 4096, /* On one command line. */
    CLI_SETTING_FLAGS = 16
};

struct cli_flag {
    const char *name;  /* "output", typed as --output. */
    const char *value; /* What stands for the value in help ("DIR"); NULL: the flag takes none. */
    const char *const *choices; /* NULL-terminated; NULL: any value. */
    const char *setting;        /* Path of the setting it overrides, or NULL. */
    bool repeat;                /* May be given several times. */
    const char *help;           /* One sentence. */
};

struct cli;

struct verb {
    const char *name;
    const char *usage;   /* What follows "sheetflow NAME"; see completion.h for its first word. */
    const char *summary; /* One line, imperative, no full stop. */
    const char *details; /* Further help, may be NULL. */
    const struct cli_flag *flags; /* Ends with a NULL name. */
    size_t min_words, max_words;  /* Positional words. */
    bool own_flags; /* Flags that are not declared go to cli->own instead of being refused. */
    bool hidden;
    int (*run)(struct cli *cli); /* Returns the exit status. */
    /* Instead of run(), for a verb that looks at argv before it is parsed. */
    int (*prepare)(struct cli *cli, int argc, char **argv);
};

extern const struct verb *const verb_table[]; /* Ends with NULL. */
extern const struct verb verb_serve, verb_run, verb_op, verb_ops, verb_inspect, verb_config,
    verb_dump, verb_restore, verb_backup, verb_verify, verb_keys, verb_doctor, verb_version,
    verb_help, verb_reference, verb_completion, verb_man, verb_worker, verb_zygote;

/* A flag as typed. */
struct cli_given {
    const struct cli_flag *flag;
    const char *value; /* NULL where it takes none. */
};

struct cli {
    const struct verb *verb;
    struct arena arena; /* Lives as long as the program. */
    struct cli_given *given;
    size_t n_given;
    const char **words; /* Positional ones. */
    size_t n_words;
    struct cli_own {
        const char *name, *value;
    } * own; /* Flags that are not declared, where the verb takes such. */
    size_t n_own;
};

/* For own_flags: may the word `next` be the value of --name? */
typedef bool cli_takes_value_fn(void *arg, const char *name, const char *next);

/* Parse what follows the verb. Errors: ERR_USAGE with the nearest flag. --help is left to main.c. */
bool cli_parse(struct cli *cli, int argc, char **argv, cli_takes_value_fn *takes_value, void *arg,
    struct err *err) MUST_CHECK;
bool cli_has(const struct cli *cli, const char *flag);
const char *cli_value(
    const struct cli *cli, const char *flag); /* The last one; NULL when not given. */

/* Tell an error on stderr; returns its exit status. */
int cli_fail(const struct err *err);
/* As cli_fail(), pointing at the help of the verb. */
int cli_fail_usage(const struct cli *cli, const struct err *err);

/* Write to stdout; cli_end() tells when that has failed. */
void cli_print(const char *fmt, ...) PRINTF_LIKE(1, 2);
void cli_print_json(const struct json *value);
/* Flush stdout: `status`, or that of an output error. A reader that went away ends the program silently, by SIGPIPE. */
int cli_end(int status);

/* Settings from --config, the environment and the flags of the verb that stand for one. */
bool cli_settings(const struct cli *cli, struct settings **out, struct err *err) MUST_CHECK;

/* Help of the program, of one verb, of a verb's flags, of an operation (with the flags of `op`). */
void usage_program(void);
void usage_verb(const struct verb *verb);
void usage_flags(const struct cli_flag *flags);
struct op;
void usage_operation(const struct op *op, const struct cli_flag *flags);

/* What the exit statuses mean; ends with a NULL meaning. */
struct cli_status {
    int status;
    const char *meaning;
};
extern const struct cli_status cli_statuses[];

/* "1,234,567" in out (32 bytes). */
const char *cli_count(uint64_t n, char *out);

#endif
