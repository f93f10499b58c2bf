/*
 * Text rules: case, blanks, special characters, telephone numbers, regular expressions.
 */

#include "base/utf8.h"
#include "ops/regex.h"
#include "ops/rules/rule.h"
#include "ops/values.h"

#include <stdio.h>
#include <string.h>

struct no_params {
    struct rule_params common;
};
static const struct arg no_params[] = { { 0 } };

/* ---- case and blanks ---- */

typedef const char *case_fn(struct arena *arena, const char *p, size_t n, size_t *out_n);

static enum rule_outcome apply_case(
    struct rule_run *r, struct cell *cell, bool trim, case_fn *fn, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    const char *shown, *p, *q;
    size_t m, n;

    /* Numbers and dates have no case; an error token is no text. */
    if (cell->type != CELL_TEXT && cell->type != CELL_BOOL)
        return RULE_DONE;
    shown = cell_shown(cell, scratch, &m);
    p = shown;
    n = m;
    if (trim)
        utf8_trim(&p, &n);
    q = fn ? fn(r->text, p, n, &n) : p;
    if (!q)
        return rule_nomem(err);
    if (q == scratch) /* Unchanged text of a boolean. */
        return RULE_DONE;
    rule_set_text(cell, shown, m, q, n);
    return RULE_DONE;
}

static enum rule_outcome apply_upper(struct rule_run *r, struct cell *cell, struct err *err)
{
    return apply_case(r, cell, false, utf8_upper, err);
}

static enum rule_outcome apply_lower(struct rule_run *r, struct cell *cell, struct err *err)
{
    return apply_case(r, cell, false, utf8_lower, err);
}

static enum rule_outcome apply_title(struct rule_run *r, struct cell *cell, struct err *err)
{
    return apply_case(r, cell, false, utf8_title, err);
}

static enum rule_outcome apply_trim(struct rule_run *r, struct cell *cell, struct err *err)
{
    return apply_case(r, cell, true, NULL, err);
}

static enum rule_outcome apply_email(struct rule_run *r, struct cell *cell, struct err *err)
{
    return apply_case(r, cell, true, utf8_lower, err);
}

static enum rule_outcome apply_name(struct rule_run *r, struct cell *cell, struct err *err)
{
    return apply_case(r, cell, true, utf8_title, err);
}

#define CASE_RULE(rule_name, fn, text)                         \
    const struct rule rule_##rule_name = { .name = #rule_name, \
        .description = text,                                   \
        .params = no_params,                                   \
        .params_size = sizeof(struct no_params),               \
        .apply = fn }

CASE_RULE(uppercase, apply_upper, "All letters in upper case");
CASE_RULE(lowercase, apply_lower, "All letters in lower case");
CASE_RULE(title_case, apply_title,
    "The first letter of every word in upper case, the others in lower case");
CASE_RULE(trim_whitespace, apply_trim, "No blanks at the beginning and end");
CASE_RULE(email_format, apply_email, "Mail addresses without blanks around them and in lower case");
CASE_RULE(name_format, apply_name, "Names without blanks around them and in title case");

/* ---- telephone numbers ---- */

struct phone_params {
    struct rule_params common;
};

static const struct arg phone_params[] = { RULE_ON_ERROR(struct phone_params), { 0 } };

enum { PHONE_DIGITS = 11 };

/* The digits of p[0..n) when nothing but digits and their usual separators is there; 0 when it is no number. */
static size_t phone_digits(const char *p, size_t n, char digits[PHONE_DIGITS])
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] >= '0' && p[i] <= '9') {
            if (found == PHONE_DIGITS)
                return 0;
            digits[found++] = p[i];
        } else if (!p[i] || !strchr(" ()-./+", p[i])) {
            return 0;
        }
    }
    return found;
}

static enum rule_outcome apply_phone(struct rule_run *r, struct cell *cell, struct err *err)
{
    char scratch[CELL_SHOWN_MAX], d[PHONE_DIGITS];
    const char *shown, *p;
    size_t m, n, found;
    char *out;

    shown = cell_shown(cell, scratch, &m);
    p = shown;
    n = m;
    utf8_trim(&p, &n);
    found = phone_digits(p, n, d);
    if (found != 10 && !(found == 11 && d[0] == '1'))
        return RULE_UNCONVERTED;
    out = found == 10 ? arena_printf(r->text, "(%.3s) %.3s-%.4s", d, d + 3, d + 6)
                      : arena_printf(r->text, "+1 (%.3s) %.3s-%.4s", d + 1, d + 4, d + 7);
    if (!out)
        return rule_nomem(err);
    rule_set_text(cell, shown, m, out, strlen(out));
    return RULE_DONE;
}

const struct rule rule_phone_format = {
    .name = "phone_format",
    .description = "Telephone numbers of 10 digits, or 11 with a leading 1, as (555) 123-4567",
    .params = phone_params,
    .params_size = sizeof(struct phone_params),
    .apply = apply_phone,
};

/* ---- patterns ---- */

struct pattern_params {
    struct rule_params common;
    const char *pattern;
    const char *replacement;
    bool ignore_case;
};

struct pattern_state {
    struct regex *regex;
    const char *replacement;
};

static const char *const pattern_aliases[] = { "regex", "find", NULL };
static const char *const replacement_aliases[] = { "replace", "replace_with", NULL };

static const struct arg special_params[] = {
    { ARG(struct pattern_params, pattern, STR), .fallback = "\"[^\\\\p{L}\\\\p{N}\\\\s]\"",
        .min = 1, .max = REGEX_MAX_PATTERN, .aliases = pattern_aliases,
        .help = "Regular expression of what to remove; all but letters, digits and blanks by "
                "default." },
    { ARG(struct pattern_params, replacement, STR), .fallback = "\"\"",
        .aliases = replacement_aliases, .help = "Text to put in its place; nothing by default." },
    { 0 },
};

static const struct arg replace_params[] = {
    { ARG(struct pattern_params, pattern, STR), .required = true, .min = 1,
        .max = REGEX_MAX_PATTERN, .aliases = pattern_aliases,
        .help = "Regular expression of what to replace.", .ask = "What should be replaced?" },
    { ARG(struct pattern_params, replacement, STR), .fallback = "\"\"",
        .aliases = replacement_aliases,
        .help =
            "Text to put in its place; $1 or \\1 stands for what the first group has matched." },
    { ARG(struct pattern_params, ignore_case, BOOL), .fallback = "false",
        .help = "Match without regard to case." },
    { 0 },
};

static bool check_pattern(void *params, const char *path, struct arena *arena, struct err *err)
{
    const struct pattern_params *p = params;
    const char *replacement;
    struct regex *re;
    char where[128];
    bool ok;

    snprintf(where, sizeof where, "%s.pattern", path);
    if (!regex_new(p->pattern, p->ignore_case, where, &re, err))
        return false;
    snprintf(where, sizeof where, "%s.replacement", path);
    ok = regex_replacement(re, p->replacement, where, arena, &replacement, err);
    regex_free(re);
    return ok;
}

static bool open_pattern(struct rule_run *r, struct err *err)
{
    const struct pattern_params *p = r->params;
    struct pattern_state *s = r->state;

    if (!regex_new(p->pattern, p->ignore_case, "pattern", &s->regex, err))
        return false;
    return regex_replacement(
        s->regex, p->replacement, "replacement", r->arena, &s->replacement, err);
}

static void close_pattern(struct rule_run *r)
{
    struct pattern_state *s = r->state;

    regex_free(s->regex);
}

static enum rule_outcome apply_pattern(struct rule_run *r, struct cell *cell, struct err *err)
{
    struct pattern_state *s = r->state;
    char scratch[CELL_SHOWN_MAX];
    const char *shown, *p;
    size_t m, n;

    if (cell->type == CELL_ERROR)
        return RULE_DONE;
    shown = cell_shown(cell, scratch, &m);
    if (!regex_replace(s->regex, s->replacement, shown, m, r->row, r->column, &p, &n, err))
        return RULE_FAILED;
    if (p == shown)
        return RULE_DONE;
    p = arena_dup(r->text, p, n);
    if (!p)
        return rule_nomem(err);
    rule_set_text(cell, shown, m, p, n);
    return RULE_DONE;
}

#define PATTERN_RULE(rule_name, list, text)                    \
    const struct rule rule_##rule_name = { .name = #rule_name, \
        .description = text,                                   \
        .params = list,                                        \
        .params_size = sizeof(struct pattern_params),          \
        .state_size = sizeof(struct pattern_state),            \
        .check = check_pattern,                                \
        .open = open_pattern,                                  \
        .apply = apply_pattern,                                \
        .close = close_pattern }

PATTERN_RULE(remove_special_chars, special_params, "No characters but letters, digits and blanks");
PATTERN_RULE(regex_replace, replace_params, "Text that matches a regular expression replaced");
