#ifndef OPS_REGEX_H
#define OPS_REGEX_H

/*
 * Regular expressions over cells (PCRE2 with JIT), bounded so that no pattern can run away:
 * a match that takes more than REGEX_MATCH_LIMIT steps is an error that names the row.
 */

#include "base/arena.h"
#include "base/buf.h"

enum {
    REGEX_MAX_PATTERN = 1000,    /* Bytes. */
    REGEX_MAX_NESTING = 100,     /* Parentheses. */
    REGEX_MATCH_LIMIT = 1000000, /* Steps a cell; stops (a+)+$ within a few ms. */
    REGEX_HEAP_LIMIT_KIB = 64 << 10,
    REGEX_MAX_RESULT = 16 << 20 /* Bytes of one cell after replacing. */
};

struct regex;

/*
 * Compile a pattern (UTF-8, Unicode classes). Errors: ERR_ARG at `argument`, naming the place in the pattern.
 * Owns: *out is the caller's, for regex_free().
 */
bool regex_new(const char *pattern, bool ignore_case, const char *argument, struct regex **out,
    struct err *err) MUST_CHECK;
void regex_free(struct regex *re);

enum regex_found { REGEX_NO, REGEX_YES, REGEX_GAVE_UP /* It takes too many steps to tell. */ };

/* Is there a match anywhere in p[0..n)? `row` and `column` are for the sentence. Errors: ERR_DATA. */
bool regex_match(struct regex *re, const char *p, size_t n, uint64_t row, const char *column,
    enum regex_found *found, struct err *err) MUST_CHECK;
/* The error of having given up, where it matters. Returns false. */
bool regex_fail_steps(uint64_t row, const char *column, struct err *err);

/*
 * Check a replacement, in which $1, ${1}, ${name} and \1 stand for groups and $$ and \\ for themselves, and rewrite it into
 * the form that regex_replace() takes. Errors: ERR_ARG at `argument`.
 */
bool regex_replacement(const struct regex *re, const char *text, const char *argument,
    struct arena *arena, const char **out, struct err *err) MUST_CHECK;

/*
 * Replace every match. *out is p itself where there is none, else text of the regex's own that is valid until the next
 * call.
 */
bool regex_replace(struct regex *re, const char *replacement, const char *p, size_t n, uint64_t row,
    const char *column, const char **out, size_t *out_n, struct err *err) MUST_CHECK;

#endif
