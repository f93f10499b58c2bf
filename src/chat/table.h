#ifndef CHAT_TABLE_H
#define CHAT_TABLE_H

/*
 * What the bot knows of a file: its columns, their types, and some of their values; and how people refer to a column.
 */

#include "base/json.h"
#include "chat/words.h"

#include <stdint.h>

enum { CHAT_MARKS = 16 };

struct chat_column {
    const char *name; /* As in the file. */
    const char *key;  /* utf8_name_key() of it. */
    const char *type; /* "text", "number", "integer", "date", ... */
    const char *const *values;
    size_t n_values;               /* Known values, as shown. */
    const char *singular;          /* Of the key. */
    bool all_values;               /* `values` are all there are, not the first ones. */
    bool decimals;                 /* Texts, all of those known like "99.00". */
    uint32_t hash, singular_hash;  /* Of both keys, without their blanks. */
    uint64_t letters;              /* Those that the key holds, a bit each. */
    const char *const *value_keys; /* chat_key() of each value. */
    uint64_t
        marks[CHAT_MARKS]; /* A bit for the hash of each of those: most words are none of them. */
};

struct chat_table {
    const char *file; /* "orders.csv" */
    const char *noun; /* Its name without suffix, folded: "orders". */
    const char *noun_singular;
    const char *numbered; /* By the first column: "invoice" for invoice_no; or NULL. */
    const char *format;   /* "csv" */
    struct chat_column *columns;
    size_t n_columns;
    int64_t rows; /* 0: not known. */
};

/*
 * Of {filename, format, rows?, columns: [{name, type, values: [...], distinct?}]}; strings are copied into `arena`.
 * Errors: ERR_NOMEM.
 */
bool chat_table_read(const struct json *file, struct arena *arena, struct chat_table *out,
    struct err *err) MUST_CHECK;
/* A column that no file has yet, of text; false: memory. */
bool chat_column_make(const char *name, struct arena *arena, struct chat_column *out);
/* The column of exactly that name, or NULL. */
const struct chat_column *chat_table_column(const struct chat_table *t, const char *name);
bool chat_column_is_number(const struct chat_column *c);
bool chat_column_is_date(const struct chat_column *c);
/* A number or text that tells one thing from others: order_id, Invoice No. */
bool chat_column_is_identifier(const struct chat_column *c);
bool chat_column_is_bool(const struct chat_column *c);
/*
 * Of a column that says yes or no, as booleans or as texts ("y" and "n"), the value that means it; NULL where the
 * column is no such one.
 */
struct json *chat_column_flag(const struct chat_column *c, bool yes);

enum mention_strength {
    MENTION_NONE,
    MENTION_TYPO,  /* A letter or two are off. */
    MENTION_PART,  /* Some of its words: salary for Annual Salary. */
    MENTION_SENSE, /* Another word for it: mail for email. */
    MENTION_EXACT
};

enum { MENTION_MAX = 8 };

struct mention {
    enum mention_strength strength;
    size_t n_words;
    size_t columns[MENTION_MAX], n_columns; /* More than one: names for First Name and Last Name. */
};

/*
 * Do the words from `at` on refer to columns? The words remember the last answer at each place: who changes a key says
 * so to chat_forget().
 */
bool chat_mention(const struct words *w, size_t at, size_t end, const struct chat_table *t,
    struct arena *arena, struct mention *out);

/* For comparing names: folded, marks between words as blanks, letters without their accents. NULL when memory ends. */
const char *chat_key(struct arena *arena, const char *name);

void chat_forget(const struct words *w);

/* Is it one of the words of the key? */
bool chat_has_word(const char *key, const char *word);
/* Is the word the rows' own name: "orders" or "order" for orders.csv, "orders" where order_id is the first column? */
bool chat_is_noun(const struct chat_table *t, const char *key);

struct known_value {
    size_t n_words;
    size_t column;
    const char *text; /* As in the file. */
    bool whole;       /* Said as it is, not as "laptops" for Laptop. */
};
/* Do the words from `at` on say a known value of a column (of `only`, unless SIZE_MAX)? */
bool chat_value(const struct words *w, size_t at, size_t end, const struct chat_table *t,
    size_t only, struct arena *arena, struct known_value *out);

/* ---- table_senses.c ---- */

/* A word of the language rather than of a column's name. */
bool chat_is_common(const char *key);
/* Another word that a column's name may have for `key`, from the *k-th on; NULL: no more. "birth" for "born". */
const char *chat_sense(const char *key, size_t *k);
/* Does the name have the word, in the singular, or as it is written in names: "no" for "number"? */
bool chat_has_such_word(const char *name, const char *word, const char *singular);
bool chat_has_other_form(const char *singular);
/* The value that a word stands for: "female" for "women", "gbp" for "pounds"; NULL: none. */
const char *chat_other_value(const char *key);

/* ---- */

/* Without the plural's ending, where it has one; in `arena`. */
const char *chat_singular(struct arena *arena, const char *key);

#endif
