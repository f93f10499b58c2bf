#ifndef CHAT_ROWS_H
#define CHAT_ROWS_H

/*
 * Conditions on rows, as the files that read them share it.
 *
 *   clause ─ rows_items.c ─▶ items ─ read_rows.c ─▶ patterns ─ rows_compare.c, rows_values.c ─▶ conditions
 */

#include "chat/grammar.h"

enum { ITEMS_MAX = 400 };

enum item_kind {
    ITEM_WORD,
    ITEM_COLUMN,
    ITEM_COMPARE, /* "greater than" */
    ITEM_BEHIND,  /* "or more", behind a value */
    ITEM_STATE,   /* "is empty" */
    ITEM_LACK,    /* "without", before a column */
    ITEM_HAVE,    /* "that have", before a column */
    ITEM_IS,      /* "is", "are", "=" */
    ITEM_NOT,
    ITEM_EXCEPT, /* "except": what follows is turned round. */
    ITEM_NUMBER,
    ITEM_WHEN,
    ITEM_QUOTED,
    ITEM_VALUE, /* A known value. */
    ITEM_YES,   /* true, yes */
    ITEM_NO,
    ITEM_AND,
    ITEM_OR,
    ITEM_COMMA
};

struct item {
    enum item_kind kind;
    size_t from, to;   /* Words. */
    const char *op;    /* ITEM_COMPARE, ITEM_STATE */
    const char *about; /* ITEM_COMPARE: a word for the column it implies ("cheaper than": price). */
    struct mention column;
    struct known_value value;
    struct when when;
    double number;
    bool lacks;   /* ITEM_COLUMN: "unpaid" for Paid. */
    bool is_read; /* It became a part of a condition. */
    bool unknown; /* ITEM_WORD: it should tell the rows, and is nowhere in the file. */
    const struct chat_column
        *part_of; /* ITEM_WORD: a word of this column's values: "Acme" of "Acme Ltd". */
};

struct rows {
    struct mind *m;
    struct item items[ITEMS_MAX];
    size_t n;
    struct json *out;
    bool or_said, failed;
    const char *last_column; /* Of the last condition, for "or Rome". */
    const char *last_op; /* Of the last comparison, for "contains cable but not usb"; or NULL. */
};

/* ---- rows_items.c ---- */

void rows_collect(struct rows *r, const struct clause *c);
/* The i-th item; past the last one, a comma. */
const struct item *rows_item(const struct rows *r, size_t i);
bool rows_is_article(const struct rows *r, const struct item *it);
/* Does the item say one of the phrases? */
bool rows_say(const struct rows *r, size_t i, const char *const *phrases);
/* A plain word that has no meaning of its own here: none of the language's common ones, and it begins no wish. */
bool rows_is_foreign(const struct rows *r, const struct item *it);
/* Past articles and such. */
size_t rows_skip_articles(const struct rows *r, size_t i);
const struct chat_column *rows_column(const struct rows *r, const struct item *it);

/* ---- rows_values.c ---- */

/* A number as it was written: whole ones stay whole. */
struct json *rows_number(const struct word *w);
/*
 * The value at *i for a column (NULL: any), and *i past it; NULL when there is none. *when tells a span of days.
 */
struct json *rows_value_at(
    const struct rows *r, size_t *i, const struct chat_column *c, struct when *when);
/*
 * The value that a column of text is to be equal to. One that it does not have is remarked on, or, where a slip is
 * plain and it is not quoted, put right. `value` is taken over.
 */
struct json *rows_checked(
    const struct rows *r, const struct chat_column *c, struct json *value, bool quoted);

/* ---- rows_compare.c ---- */

/* NULL when it has none. */
const char *rows_opposite(const char *op);
/* Is it in the list? */
bool said_already(const struct json *list, const struct json *one);
/* Add a condition. value is taken over; NULL for is_empty and is_not_empty. */
void rows_emit(
    struct rows *r, const char *column, const char *op, bool negated, struct json *value);
/* The column a word is about, for comparisons that imply one; NULL: none. */
const struct chat_column *rows_column_about(const struct rows *r, const char *about);
/* The only column of a kind, for comparisons that name none. */
const struct chat_column *rows_only_column(
    const struct rows *r, bool (*is)(const struct chat_column *));
/* The only column of dates, or the only one called as the rows are: "Invoice Date" in invoices.csv; else NULL. */
const struct chat_column *rows_date_column(const struct rows *r);
/* One value at *i, or several of which one must be equal. `listed`: as a list even if it is one. */
bool rows_read_equal(
    struct rows *r, size_t *i, const struct chat_column *c, bool negated, bool listed);
/* The comparison at *i, for column c (NULL: it comes behind, or is the only one that fits). */
bool rows_read_compare(struct rows *r, size_t *i, const struct chat_column *c, bool negated);

/* ---- rows_about.c ---- */

/* "in 2024", "on 1 March 2024": a small word at `at`, and days behind it? */
bool rows_is_span(const struct rows *r, size_t at);
/* "negative temperatures", "credit is positive" */
bool rows_read_sign(struct rows *r, const struct item *it, const struct chat_column *c);
/* What is said of the column before *i, which goes past it. */
bool rows_read_about(struct rows *r, size_t *i, const struct chat_column *c);

/* ---- rows_merge.c ---- */

/*
 * The conditions of a step with more of them, each once. Nothing needs to be unlike one value where it must be
 * another, and what is to equal two values equals the later one.
 */
struct json *rows_merged(const struct mind *m, const struct json *all, const struct json *more);

#endif
