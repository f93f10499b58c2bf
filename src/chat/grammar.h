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
    struct arena *arena;
    struct json *steps;
    const char *columns[MENTION_MAX]; /* Named last, for "them". */
    size_t n_columns;
    struct understanding *out;
    struct err *err;
};

/* ---- divide.c ---- */

enum { CLAUSES_MAX = 64 };
/* Cut the sentence into clauses that want one thing each; returns how many. */
size_t divide(const struct mind *m, struct clause out[CLAUSES_MAX]);
enum want classify(const struct mind *m, const struct clause *c);
/* Does a new wish begin at `at`? */
bool begins_wish(const struct mind *m, size_t at, size_t end);

/* ---- readers: add steps, or ask, or say that it cannot be done; false only when memory ends ---- */

typedef bool read_fn(struct mind *m, const struct clause *c);
read_fn read_rows, read_columns, read_distinct, read_rename, read_rules, read_sql, read_json;
read_fn read_excel, read_csv, read_join, read_cannot;

/* "... and add the city" behind a join: the columns it is to add. */
bool read_added(struct mind *m, const struct clause *c, bool *done);
/* Words a letter off those of the grammar, put right. */
void correct_words(struct mind *m);

/* Conditions said in the clause, as an array; *logic_or when any of them suffices. NULL: none. */
struct json *read_conditions(struct mind *m, const struct clause *c, bool *logic_or);

/* ---- what they share (understand.c) ---- */

/* Take `arguments` over. The step is checked against its operation's declaration. */
bool add_step(
    struct mind *m, const char *operation, struct json *arguments, const char *description);
/* The last step's arguments, when it is of that operation; else NULL. */
struct json *last_arguments(const struct mind *m, const char *operation);
void describe_last(struct mind *m, const char *description);
bool ask(struct mind *m, const char *argument, const char *question);
bool cannot(struct mind *m, const char *reason);

/* Columns named in [from, to), in that order, each once; returns how many. */
size_t named_columns(struct mind *m, size_t from, size_t to, const char **out, size_t max);
/* All columns but those. */
size_t other_columns(
    const struct mind *m, const char *const *but, size_t n, const char **out, size_t max);
/* "a", "b" and "c", each in bold; in the arena. */
const char *list_text(struct mind *m, const char *const *names, size_t n);
struct json *names_json(const char *const *names, size_t n);
/* A file name that the clause gives its result ("call it report"); NULL: none. */
const char *given_name(const struct mind *m, size_t from, size_t to);
/* The table after a step that leaves these columns (json array of names). */
bool keep_columns(struct mind *m, const struct json *names);

enum { NAMES_MAX = 512 };

#endif
