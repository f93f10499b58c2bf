#ifndef DESCRIBE_SCHEMA_H
#define DESCRIBE_SCHEMA_H

/*
 * Operations as JSON Schema (draft 2020-12), from their declarations: for GET /operations, OpenAPI, forms and
 * `sheetflow ops --json`.
 *
 * Beyond the standard: "x-column" (its strings name columns), "x-file" (it names a file), "x-aliases" (other
 * spellings), "x-ask" (the question to ask for it). Arguments are in the order in which they should be shown.
 */

#include "ops/op.h"

/* {name, summary, kind, formats, default_format, suffix, says, examples, schema}; NULL when memory ends. */
struct json *schema_operation(const struct op *op);

/* The schema of an operation's arguments: an object. NULL when memory ends. */
struct json *schema_arguments(const struct op *op);

/* The schema of one argument's value. */
struct json *schema_argument(const struct arg *arg);

#endif
