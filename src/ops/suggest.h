#ifndef OPS_SUGGEST_H
#define OPS_SUGGEST_H

/*
 * Which search operators fit a column, by what it holds.
 */

#include "base/json.h"

/* Names of operators for a type as users are told it ("integer"); ends with NULL. */
const char *const *suggest_operators(const char *type);

/* {column: {type, operators}} of {column: type}; NULL when memory ends. */
struct json *suggest_all(const struct json *types);

#endif
