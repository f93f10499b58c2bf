#ifndef OPS_RULES_RULE_H
#define OPS_RULES_RULE_H

/*
 * Normalization rules: what may be done to the cells of one column.
 *
 * A rule is a declaration in one of the files of this folder (a file a family) and one line in RULES below. It sees
 * cells one by one and never a blank one, unless it says so; normalize.c does the rest: order, counting,
 * on_error, statistics, first passes.
 *
 *   check ─▶ open ─▶ [scan cells ... ─▶ scan_end] ─▶ begin ─▶ apply cells ...  ─▶ close
 *
 * A text rule works on what a cell shows, so that a CSV column gives the same result whether it was
 * typed or not; where nothing changes, the cell stays what it was.
 */

#include "ops/op.h"
#include "table/spill_file.h"

/* X(name, the C name of its declaration) in the order the reference lists them. */
#define RULES(X)            \
    X(uppercase)            \
    X(lowercase)            \
    X(title_case)           \
    X(trim_whitespace)      \
    X(remove_special_chars) \
    X(phone_format)         \
    X(email_format)         \
    X(name_format)          \
    X(min_max_scale)        \
    X(z_score)              \
    X(round_decimal)        \
    X(integer_convert)      \
    X(currency_format)      \
    X(date_format)          \
    X(datetime_format)      \
    X(boolean_convert)      \
    X(yes_no_convert)       \
    X(regex_replace)        \
    X(fill_null_values)     \
    X(outlier_removal)      \
    X(date_extract_year)    \
    X(date_extract_month)   \
    X(date_extract_day)     \
    X(categorical_mapping)

enum rule_on_error { RULE_KEEP, RULE_BLANK, RULE_FAIL };

/* Every rule's parameters begin with this; those that convert declare it with RULE_ON_ERROR. */
struct rule_params {
    int on_error; /* enum rule_on_error */
};

extern const char *const rule_on_error_choices[];
#define RULE_ON_ERROR(T)                                                                     \
    {                                                                                        \
        ARG_NAMED(T, common.on_error, "on_error", CHOICE),                                   \
            .fallback = "\"keep\"", .choices = rule_on_error_choices,                        \
            .help = "What to do with values that cannot be converted: keep them, make them " \
                    "blank, or fail."                                                        \
    }

/* A rule at work on a column. */
struct rule_run {
    const struct rule *rule;
    const void *params;
    void *state;         /* rule->state_size zeroed bytes. */
    struct arena *arena; /* Lives until close. */
    struct arena *text;  /* For text of cells: lives as long as the batch. */
    struct budget *budget;
    struct spill_place place; /* For what it remembers of the column. */
    struct warnings *warnings;
    const char *column; /* Its name, for sentences. */
    uint64_t row;       /* Of the cell at hand. */
};

enum rule_outcome { RULE_DONE, RULE_UNCONVERTED, RULE_FAILED /* err is set */ };

struct rule {
    const char *name;
    const char *description; /* One line, as GET normalization/types shows it. */
    const struct arg *params;
    size_t params_size, state_size;
    bool sees_blanks;

    /* Checks of the parameters beyond their declaration; `path` leads to them. May be NULL. */
    bool (*check)(void *params, const char *path, struct arena *arena, struct err *err);
    bool (*open)(struct rule_run *r, struct err *err); /* May be NULL. */
    bool (*wants_scan)(const void *params);            /* NULL: always, where scan is set. */
    bool (*scan)(struct rule_run *r, const struct cell *cell, struct err *err);
    bool (*scan_end)(struct rule_run *r, struct err *err); /* May be NULL. */
    void (*begin)(struct rule_run *r); /* Before each pass of apply; may be NULL. */
    /* Change *cell in place. */
    enum rule_outcome (*apply)(struct rule_run *r, struct cell *cell, struct err *err);
    void (*report)(
        const struct rule_run *r, struct json *entry); /* Facts of its own; may be NULL. */
    void (*close)(struct rule_run *r);                 /* May be NULL. */
};

extern const struct rule *const rule_table[]; /* By index of rule_names; ends with NULL. */
extern const char *const rule_names[];        /* Ends with NULL. */
extern const char *const rule_aliases[];      /* Pairs, as arg.choice_aliases. */

/* What people call it (says.c): lower case, NULL-terminated. */
const char *const *rule_says(const struct rule *rule);

bool rule_scans(const struct rule *rule, const void *params);

/* Put text p[0..n) into the cell where it differs from what the cell shows (shown[0..m)); p must live in r->text. */
void rule_set_text(struct cell *cell, const char *shown, size_t m, const char *p, size_t n);

/* err_nomem() as an outcome. */
enum rule_outcome rule_nomem(struct err *err);

#endif
