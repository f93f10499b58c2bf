/*
 * Regular expressions over cells: PCRE2 behind limits.
 */

#define PCRE2_CODE_UNIT_WIDTH 8

#include "ops/regex.h"

#include "ops/values.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    uint32_t groups;
    char *result; /* Of the last replacement. */
    size_t size;
};

enum { REGEX_FIRST_RESULT = 256 };

static bool set_limits(struct regex *re)
{
    re->limits = pcre2_match_context_create(NULL);
    re->match = pcre2_match_data_create_from_pattern(re->code, NULL);
    if (!re->limits || !re->match)
        return false;
    pcre2_set_match_limit(re->limits, REGEX_MATCH_LIMIT);
    pcre2_set_heap_limit(re->limits, REGEX_HEAP_LIMIT_KIB);
    /* Where the system allows no executable memory, the interpreter does the work. */
    (void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    return true;
}

bool regex_new(const char *pattern, bool ignore_case, const char *argument, struct regex **out,
    struct err *err)
{
    uint32_t options =
        PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | (ignore_case ? PCRE2_CASELESS : 0);
    pcre2_compile_context *context;
    size_t n = strlen(pattern);
    struct regex *re;
    PCRE2_SIZE at = 0;
    int code = 0;

    if (n == 0)
        return value_fail(err, argument, "the pattern is empty");
    if (n > REGEX_MAX_PATTERN)
        return value_fail(err, argument, "the pattern is longer than %d bytes", REGEX_MAX_PATTERN);
    re = calloc(1, sizeof *re);
    context = re ? pcre2_compile_context_create(NULL) : NULL;
    if (!context) {
        free(re);
        return err_nomem(err);
    }
    pcre2_set_parens_nest_limit(context, REGEX_MAX_NESTING);
    re->code = pcre2_compile((PCRE2_SPTR)pattern, n, options, &code, &at, context);
    pcre2_compile_context_free(context);
    if (!re->code) {
        PCRE2_UCHAR why[128];

        free(re);
        pcre2_get_error_message(code, why, sizeof why);
        return value_fail(err, argument,
            "the pattern is no regular expression: %s at character %zu", (const char *)why,
            (size_t)at + 1);
    }
    if (!set_limits(re)) {
        regex_free(re);
        return err_nomem(err);
    }
    *out = re;
    return true;
}

void regex_free(struct regex *re)
{
    if (!re)
        return;
    pcre2_match_data_free(re->match);
    pcre2_match_context_free(re->limits);
    pcre2_code_free(re->code);
    free(re->result);
    free(re);
}

static bool is_limit(int code)
{
    return code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT ||
           code == PCRE2_ERROR_HEAPLIMIT || code == PCRE2_ERROR_JIT_STACKLIMIT;
}

bool regex_fail_steps(uint64_t row, const char *column, struct err *err)
{
    err_set(err, ERR_DATA,
        "the pattern needs too many steps on row %llu of column '%.64s'; simplify it, "
        "above all repetitions inside repetitions",
        (unsigned long long)row, column);
    err->at.row = row;
    snprintf(err->column, sizeof err->column, "%s", column);
    return false;
}

static bool fail_match(int code, uint64_t row, const char *column, struct err *err)
{
    PCRE2_UCHAR why[128];

    if (code == PCRE2_ERROR_NOMEMORY)
        return err_nomem(err);
    if (is_limit(code))
        return regex_fail_steps(row, column, err);
    pcre2_get_error_message(code, why, sizeof why);
    err_set(err, ERR_DATA, "the pattern cannot be applied to row %llu of column '%.64s': %s",
        (unsigned long long)row, column, (const char *)why);
    err->at.row = row;
    snprintf(err->column, sizeof err->column, "%s", column);
    return false;
}

bool regex_match(struct regex *re, const char *p, size_t n, uint64_t row, const char *column,
    enum regex_found *found, struct err *err)
{
    /* Cells are valid UTF-8 already. */
    int code =
        pcre2_match(re->code, (PCRE2_SPTR)p, n, 0, PCRE2_NO_UTF_CHECK, re->match, re->limits);

    if (code < 0 && code != PCRE2_ERROR_NOMATCH && !is_limit(code))
        return fail_match(code, row, column, err);
    *found = code >= 0 ? REGEX_YES : is_limit(code) ? REGEX_GAVE_UP : REGEX_NO;
    return true;
}

/* One $ or \ reference at *p, rewritten; false when it is wrong. */
static bool rewrite_reference(const struct regex *re, const char **p, struct buf *out)
{
    char mark = *(*p)++;
    bool braces = mark == '$' && **p == '{';
    const char *name = braces ? *p + 1 : *p;
    size_t n = 0;

    if (**p == mark) { /* $$ and \\ */
        buf_adds(out, mark == '$' ? "$$" : "\\");
        (*p)++;
        return true;
    }
    while (name[n] >= '0' && name[n] <= '9' && n < 3)
        n++;
    if (n) {
        if ((uint32_t)strtoul(name, NULL, 10) > re->groups)
            return false;
    } else {
        while ((name[n] | 32) >= 'a' && (name[n] | 32) <= 'z')
            n++;
        if (!braces || !n)
            n = 0;
        else if (n < 33) {
            char copy[33];

            memcpy(copy, name, n);
            copy[n] = '\0';
            if (pcre2_substring_number_from_name(re->code, (PCRE2_SPTR)copy) < 0)
                return false;
        }
    }
    if (n == 0) { /* A mark that means nothing stands for itself. */
        buf_adds(out, mark == '$' ? "$$" : "\\");
        return !braces;
    }
    if (braces && name[n] != '}')
        return false;
    buf_adds(out, "${");
    buf_add(out, name, n);
    buf_addc(out, '}');
    *p = name + n + braces;
    return true;
}

bool regex_replacement(const struct regex *re, const char *text, const char *argument,
    struct arena *arena, const char **out, struct err *err)
{
    struct buf b;
    bool ok = true;

    buf_init(&b, REGEX_MAX_RESULT);
    for (const char *p = text; ok && *p;) {
        const char *start = p;

        if (*p != '$' && *p != '\\') {
            buf_addc(&b, *p++);
            continue;
        }
        ok = rewrite_reference(re, &p, &b);
        if (!ok)
            value_fail(err, argument, "'%.20s' names no group of the pattern, which has %u", start,
                re->groups);
    }
    ok = ok && buf_ok(&b, "the replacement", err);
    if (ok) {
        *out = arena_strdup(arena, buf_str(&b));
        ok = *out || err_nomem(err);
    }
    buf_deinit(&b);
    return ok;
}

bool regex_replace(struct regex *re, const char *replacement, const char *p, size_t n, uint64_t row,
    const char *column, const char **out, size_t *out_n, struct err *err)
{
    const uint32_t options = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY |
                             PCRE2_SUBSTITUTE_OVERFLOW_LENGTH | PCRE2_NO_UTF_CHECK;

    for (;;) {
        PCRE2_SIZE len = re->size;
        int code = re->size ? pcre2_substitute(re->code, (PCRE2_SPTR)p, n, 0, options, re->match,
                                  re->limits, (PCRE2_SPTR)replacement, PCRE2_ZERO_TERMINATED,
                                  (PCRE2_UCHAR *)re->result, &len)
                            : PCRE2_ERROR_NOMEMORY;

        if (code >= 0) {
            *out = code ? re->result : p;
            *out_n = code ? len : n;
            return true;
        }
        if (code != PCRE2_ERROR_NOMEMORY)
            return fail_match(code, row, column, err);
        /* The buffer was too small: len is what it takes. */
        if (!re->size)
            len = REGEX_FIRST_RESULT;
        if (len <= re->size || len > REGEX_MAX_RESULT) {
            err_set(err, ERR_BUDGET,
                "replacing on row %llu of column '%.64s' gives a text over %d MiB",
                (unsigned long long)row, column, REGEX_MAX_RESULT >> 20);
            err->at.row = row;
            return false;
        }
        char *grown = realloc(re->result, len);

        if (!grown)
            return err_nomem(err);
        re->result = grown;
        re->size = len;
    }
}
