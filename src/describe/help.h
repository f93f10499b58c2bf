#ifndef DESCRIBE_HELP_H
#define DESCRIBE_HELP_H

/*
 * What `sheetflow op NAME --help` prints, from the operation's declaration.
 */

#include "base/buf.h"
#include "ops/op.h"

enum { HELP_WIDTH = 80 };

/* Append the help of one operation, in lines of at most HELP_WIDTH where words allow. */
void help_operation(const struct op *op, struct buf *out);

/* What stands for an argument's value in usage: NAMES, FILE, N, JSON, ...; "" for yes or no. */
const char *help_value(const struct arg *arg);

/* Append `text` folded at HELP_WIDTH: it begins at column `at`, further lines at `indent`; ends with a line end. */
void help_fold(const char *text, unsigned at, unsigned indent, struct buf *out);

/* Append an argument's default as people write it: text without quotes. */
void help_default(const char *fallback, struct buf *out);

/* Append --header-row for header_row. */
void help_flag(const char *name, struct buf *out);

#endif
