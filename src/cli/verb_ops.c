/*
 * sheetflow ops: what there is to do.
 */

#include "cli/cli.h"
#include "describe/help.h"
#include "describe/schema.h"
#include "ops/op.h"

#include <stdlib.h>

static const struct cli_flag ops_flags[] = {
    { .name = "json", .help = "Print the JSON Schema of the arguments." },
    { 0 },
};

static int list(void)
{
    int width = 0;

    for (const struct op *const *op = op_table; *op; op++) {
        int n = (int)strlen((*op)->name);

        width = n > width ? n : width;
    }
    for (const struct op *const *op = op_table; *op; op++)
        cli_print("%-*s  %s\n", width, (*op)->name, (*op)->summary);
    return EXIT_SUCCESS;
}

static int run_ops(struct cli *cli)
{
    (void)cli;
    return list();
}

const struct verb verb_ops = {
    .name = "ops",
    .usage = "[NAME]",
    .summary = "List the operations, or explain one",
    .flags = ops_flags,
    .max_words = 1,
    .run = run_ops,
};
