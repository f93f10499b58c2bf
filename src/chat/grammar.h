#ifndef CHAT_GRAMMAR_H
#define CHAT_GRAMMAR_H

/*
 * What the files of the grammar share.
 *
 *   sentence ─ words_split ─▶ words ─ divide ─▶ clauses ─ classify ─▶ intent ─ read_*.c ─▶ steps
 *
 * The columns a clause may name are those that the steps before it leave.
 */

#include "chat/table.h"
#include "chat/understand.h"
#include "chat/when.h"

/* What a clause wants. */
enum want {
    WANT_NOTHING,
    WANT_CANNOT,
    WANT_SQL,
    WANT_JSON,
    WANT_RENAME,
    WANT_JOIN,
    WANT_RULES, /* Normalization. */
    WANT_EXCEL,
    WANT_CSV,
    WANT_DISTINCT,
    WANT_COLUMNS,
    WANT_ROWS,
    WANT_COUNT
};

struct clause {
    size_t from, to; /* Words. */
};

struct mind {
    struct words words;
    struct chat_table table; /* What the next step reads; its columns change as steps are added. */
    const struct chat_table *files; /* The conversation's files; files[0] is the input. */
    size_t n_files;
    struct chat_table wide; /* As it was before the last step that keeps some columns. */
    struct arena *arena;
    struct json *steps;
    size_t n_given; /* So many of them were there before the sentence. */
    size_t
        n_tail; /* So many of the last of them make no table: SQL and JSON that were there before. */
    const char *columns[MENTION_MAX]; /* Named last, for "them". */
    size_t n_columns;
    struct understanding *out;
    struct err *err;
};

/* ---- what a clause says (understand.c) ---- */

bool says(const struct mind *m, const struct clause *c, const char *phrase);
bool says_any(const struct mind *m, const struct clause *c, const char *const *phrases);

/* ---- divide.c ---- */

enum { CLAUSES_MAX = 64 };
/* Cut the sentence into clauses that want one thing each; returns how many. */
size_t divide(const struct mind *m, struct clause out[CLAUSES_MAX]);
enum want classify(const struct mind *m, const struct clause *c);
/* Does a new wish begin at `at`? */
bool begins_wish(const struct mind *m, size_t at, size_t end);

/* ---- impossible.c ---- */

/* What is asked for that no operation does, as "I cannot ..." goes on; NULL: nothing. */
const char *impossible_reason(const struct mind *m, const struct clause *c);

/* ---- readers: add steps, or ask, or say that it cannot be done; false only when memory ends ---- */

typedef bool read_fn(struct mind *m, const struct clause *c);
read_fn read_rows, read_columns, read_distinct, read_rename, read_rules, read_sql, read_json;
read_fn read_excel, read_csv, read_join, read_cannot;

/* "... and add the city" behind a join: the columns it is to add. */
bool read_added(struct mind *m, const struct clause *c, bool *done);
/* Words a letter off those of the grammar, put right. */
void correct_words(struct mind *m);

/* Does the clause hold conditions on rows? */
bool says_conditions(const struct mind *m, const struct clause *c);
/* Does the clause speak of duplicates, or of the different values of a column? */
bool says_distinct(const struct mind *m, const struct clause *c);
/* "SKU should be called item_no": a column, and a name for it? */
bool says_called(const struct mind *m, const struct clause *c);
/* "dd/mm/yyyy", or "like 20 January 2024": how dates shall look? */
bool says_date_shape(const struct mind *m, size_t from, size_t to);

/* Does the clause hold a number, a day or a comparison that is no part of a name? */
bool says_unread(struct mind *m, const struct clause *c);
/* Conditions said in the clause, as an array; *logic_or when any of them suffices. NULL: none. */
struct json *read_conditions(struct mind *m, const struct clause *c, bool *logic_or);

/* The same; *first is the word that the first of them begins with. */
struct json *read_conditions_at(
    struct mind *m, const struct clause *c, bool *logic_or, size_t *first);

/* ---- read_both.c ---- */

/*
 * The columns that the clause lists before its conditions, which begin at `first`: "name and email of the active
 * customers"; 0: none, or they are what the conditions are about.
 */
size_t listed_before(struct mind *m, const struct clause *c, size_t first,
    const struct json *conditions, const char **out, size_t max);
/* "JSON of the active customers": a step for the rows, where the clause tells some; *rest is what stands before them. */
bool read_rows_of(struct mind *m, const struct clause *c, struct clause *rest);
/* "uppercase the names of the active customers": a rule is for all rows, which is said. */
void tell_rules_rows(struct mind *m, const struct clause *c);
/*
 * "make it the paid ones", of a proposal that ends with some columns: the rows that they are of, which columns that are
 * not kept may tell.
 */
bool edit_rows(struct mind *m, const struct clause *c, bool *done);

/* ---- read_columns.c ---- */

/* "move supplier to the front"? */
bool moves_columns(const struct mind *m, const struct clause *c);

/* A step that keeps these columns; the clause may name the result and its format. */
bool extract_columns(
    struct mind *m, const struct clause *c, const char *const *names, size_t n, bool once);

/* ---- edit.c: changes to the steps so far ---- */

bool edit_steps(struct mind *m, const struct clause *c, bool *done);

/* ---- read_make.c ---- */

/* Another table name, dialect or sheet name for a step that has one. */
bool edit_names(struct mind *m, const struct clause *c, bool *done);
/* The name that the clause gives the result ("call it report", "save as x.csv"), and the format it implies. */
void name_result(
    struct mind *m, const struct clause *c, const char *operation, struct json *arguments);
/* The same for the last step; or what the name is for, where there is no step that makes it. */
enum want name_last(struct mind *m, const struct clause *c);

/* ---- read_rules.c ---- */

/* Are the n words at `at` the name of a column, or a part of one? */
bool is_column_name(const struct mind *m, size_t at, size_t n);

/* Take those columns out of the rules just said for many, unless nothing would be left. */
void spare_columns(struct mind *m, const char *const *names, size_t n);

/* ---- read_replace.c ---- */

/* What the file holds is not what the column holds from now on. */
void forget_values(struct mind *m, const char *name);
/* "UK with United Kingdom in country", from `at` on; *used is behind it. */
bool replace_parameters(
    struct mind *m, const struct clause *c, size_t at, struct json *parameters, size_t *used);
/* The rule for them: one for whole values, or one for parts, which `parameters` then are for. */
const char *replace_rule(
    struct mind *m, const char *const *names, size_t n, struct json *parameters);
/* `remove "-" from phone`? */
bool says_removal(const struct mind *m, const struct clause *c);
/* Its parameters; returns where its columns begin. */
size_t removal_parameters(struct mind *m, const struct clause *c, struct json *parameters);

/* ---- what they share (understand.c) ---- */

/* Take `arguments` over. The step is checked against its operation's declaration. */
bool add_step(struct mind *m, const char *operation, struct json *arguments);
/* The last step's arguments, when it is of that operation; else NULL. */
struct json *last_arguments(const struct mind *m, const char *operation);
/* Say something beside the steps, once. */
void remark(struct mind *m, const char *text);
bool ask(struct mind *m, const char *argument, const char *question);
bool cannot(struct mind *m, const char *reason);

/* Columns named in [from, to), in that order, each once; returns how many. */
size_t named_columns(struct mind *m, size_t from, size_t to, const char **out, size_t max);
/* All columns but those. */
size_t other_columns(
    const struct mind *m, const char *const *but, size_t n, const char **out, size_t max);
struct json *names_json(const char *const *names, size_t n);
/* The table after a step that leaves these columns (json array of names). */
bool keep_columns(struct mind *m, const struct json *names);
/* The same, by a step that keeps some of them. */
bool narrow_columns(struct mind *m, const struct json *names);
/* The table after columns were renamed: `mapping` has the old names by the new ones. */
bool rename_columns(struct mind *m, const struct json *mapping);
/* The table with those columns of the other one. */
bool widen_columns(struct mind *m, const struct json *added, const struct chat_table *other);
/* The table after all steps. */
bool follow_steps(struct mind *m);
bool same_json(const struct json *a, const struct json *b);
/* Whole numbers as such. */
struct json *number_json(double v);

enum { NAMES_MAX = 512 };

#endif
