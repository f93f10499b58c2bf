#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

/*
 * Looking at a file without an operation.
 */

#include "cli/cli.h"

extern const struct cli_flag inspect_flags[];

/* What the worker's inspect job says of the file that is the first word. Owns: *data is the caller's. */
bool inspect_file(struct cli *cli, struct json **data, struct err *err) MUST_CHECK;

/* `sheetflow op csv/info FILE` and its like, which are no operations; NULL when `name` is none of them (op_look.c). */
const struct verb *op_look_find(const char *name);

#endif
