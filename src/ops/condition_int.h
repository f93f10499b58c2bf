#ifndef OPS_CONDITION_INT_H
#define OPS_CONDITION_INT_H

/*
 * What condition.c (compiling), condition_value.c (values of arguments) and condition_eval.c share.
 */

#include "ops/condition.h"
#include "ops/date_read.h"
#include "ops/regex.h"
#include "table/hash.h"

/* What a value to compare with is: the cell's shown text, a number, a day, a time of day. */
enum operand_kind { OPERAND_TEXT, OPERAND_NUMBER, OPERAND_BOOL, OPERAND_DATE, OPERAND_TIME };

struct operand {
    enum operand_kind kind;
    const char *text; /* As it was given, for TEXT; folded where case does not count. */
    size_t len;
    double number;
    bool whole; /* NUMBER: `integer` is it exactly. */
    int64_t integer;
    bool has_shown; /* TEXT: `number` is a number whose shown text is just `text`. */
    int64_t ms;     /* DATE, TIME */
    bool day;       /* DATE without a time: cells are compared by their day. */
};

enum {
    CONDITION_MAX_LIST = 10000,
    CONDITION_EXACT_DIGITS = 15 /* A double holds whole numbers of so many digits. */
};

struct condition {
    enum condition_op op;
    uint32_t column;
    const char *column_name;
    bool ignore_case;
    struct operand a, b; /* b: the upper end of between. */
    struct regex *regex;
    /* in, not_in */
    struct hash_map *texts; /* Shown texts, folded where case does not count. */
    double *numbers;        /* Sorted. */
    size_t n_numbers;
    /* Dates in text */
    struct date_votes votes;
    enum date_order order;
    bool reads_dates;
    uint64_t matched; /* Rows it has held on so far. */
};

struct conditions {
    struct condition *v;
    size_t n;
    bool all;
    struct arena scratch; /* Folded text of one batch. */
    struct warnings *warnings;
};

/*
 * Read the JSON value of an argument as an operand. ordering: text must be a number, a date or a time then; dates_only: a
 * date. Errors: ERR_ARG at `argument`.
 */
bool condition_operand(const struct json *value, bool ordering, bool dates_only,
    const char *argument, struct operand *out, struct err *err) MUST_CHECK;

/* The lower and upper end of between: [low, high], or text "low, high". Same errors. */
bool condition_range(const struct json *value, const char *argument, struct operand *low,
    struct operand *high, struct err *err) MUST_CHECK;

/* Does `cell` stand for the number of the operand? */
bool condition_is_number(const struct operand *o, const struct cell *cell);

#endif
