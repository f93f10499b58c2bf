#ifndef OPS_SUGGEST_H
#define OPS_SUGGEST_H

/*
 * Which search operators fit a column, by what it holds.
 */

/* Names of operators for a type as users are told it ("integer"); ends with NULL. */
const char *const *suggest_operators(const char *type);

#endif
