/*
 * sheetflow reference: docs/reference.md, from the declarations. For those who build the program.
 */

#include "cli/cli.h"
#include "describe/reference.h"

#include <stdlib.h>

enum { REFERENCE_MAX = 16 << 20 };

static int run_reference(struct cli *cli)
{
    struct buf text;

    (void)cli;
    buf_init(&text, REFERENCE_MAX);
    reference_write(&text);
    cli_print("%s", buf_str(&text));
    buf_deinit(&text);
    return EXIT_SUCCESS;
}

const struct verb verb_reference = {
    .name = "reference",
    .usage = "",
    .summary = "Print the reference page, as docs/reference.md has it",
    .hidden = true,
    .run = run_reference,
};
