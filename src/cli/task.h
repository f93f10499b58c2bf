#ifndef CLI_TASK_H
#define CLI_TASK_H

/*
 * A run from the command line: what `run` and `op` have in common.
 */

#include "cli/cli.h"
#include "cli/drive.h"
#include "cli/inputs.h"

#define TASK_STDOUT "-"

struct task {
    const struct settings *settings;
    const struct json *steps;
    const char *const *inputs; /* Paths as typed. */
    size_t n_inputs;
    const char *input;     /* The one the first step reads; NULL: the last that no step names. */
    const char *output;    /* A folder, a file (`op` only), "-"; NULL: beside the input. */
    bool output_is_folder; /* `run`: output is never a file. */
    bool one_step;         /* `op`: results and errors speak of the operation, not of steps. */
    bool json;             /* Results on stdout as one object. */
    enum progress_mode progress;
};

/* Carry it out and tell its results; returns the exit status. */
int task_run(const struct task *task);

/* What --progress says. */
enum progress_mode task_progress(const struct cli *cli);

/* Flags that both have. */
extern const char task_progress_help[], task_json_help[], task_config_help[];

#endif
