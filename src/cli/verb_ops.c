/*
 * sheetflow ops: what there is to do.
 */

#include "cli/cli.h"
#include "describe/help.h"
#include "describe/schema.h"

#include <stdio.h>
#include <stdlib.h>

static const struct cli_flag ops_flags[] = {
    { .name = "json", .help = "Print the declaration as JSON, the arguments as a JSON Schema." },
    { 0 },
};

static void list(void)
{
    int width = 0;

    for (const struct op *const *op = op_table; *op; op++) {
        int n = (int)strlen((*op)->name);

        width = n > width ? n : width;
    }
    for (const struct op *const *op = op_table; *op; op++)
        cli_print("%-*s  %s\n", width, (*op)->name, (*op)->summary);
}

static void list_json(void)
{
    struct json *all = json_new_array();

    for (const struct op *const *op = op_table; *op; op++)
        json_add(all, schema_operation(*op));
    cli_print_json(all);
    json_free(all);
}

static void explain(const struct op *op)
{
    struct buf text;

    buf_init(&text, JSON_MAX_BYTES);
    help_operation(op, &text);
    cli_print("%s", buf_str(&text));
    buf_deinit(&text);
}

static void explain_json(const struct op *op)
{
    struct json *schema = schema_operation(op);

    cli_print_json(schema);
    json_free(schema);
}

static int run_ops(struct cli *cli)
{
    bool json = cli_has(cli, "json");
    const struct op *op;
    struct err err;

    if (cli->n_words == 0) {
        if (json)
            list_json();
        else
            list();
        return EXIT_SUCCESS;
    }
    if (!op_get(cli->words[0], &op, &err)) {
        int status = cli_fail(&err);

        fprintf(stderr, "Try: sheetflow ops\n");
        return status;
    }
    if (json)
        explain_json(op);
    else
        explain(op);
    return EXIT_SUCCESS;
}

const struct verb verb_ops = {
    .name = "ops",
    .usage = "[NAME]",
    .summary = "List the operations, or explain one",
    .flags = ops_flags,
    .max_words = 1,
    .run = run_ops,
};
