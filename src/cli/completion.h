#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

/*
 * What can be typed where, for the completion of shells: one walk over the tables of verbs and operations, one
 * writer a shell.
 *
 * Places are named as they are typed: "run", or "op excel/search". What a positional word is, the first word of
 * verb->usage says: FILE, NAME (of an operation), VERB, or words with | between them.
 */

#include "base/buf.h"
#include "cli/cli.h"
#include "ops/op.h"

enum completion_kind {
    COMPLETE_NOTHING,
    COMPLETE_ANY,
    COMPLETE_FILE,
    COMPLETE_DIR,
    COMPLETE_WORDS
};

struct completion_flag {
    char name[72];             /* "--header-row" */
    const char *value;         /* "N"; NULL: it takes none. */
    enum completion_kind kind; /* Of the value; COMPLETE_NOTHING: it takes none. */
    const char *const *choices;
    char help[128]; /* One phrase, no full stop. */
};

/* The i-th flag of a verb (op NULL) or of `op OPERATION`; false past the end. */
bool completion_flag(
    const struct verb *verb, const struct op *op, size_t i, struct completion_flag *out);

enum completion_word { WORD_NONE, WORD_FILE, WORD_OPERATION, WORD_VERB, WORD_CHOICE };
enum completion_word completion_word(const struct verb *verb);
/* The words of WORD_CHOICE, with blanks between them. */
void completion_choices(const struct verb *verb, struct buf *out);

void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);
void completion_fish(struct buf *out);

/* Append `text` in single quotes, as all three shells read them. */
void completion_quote(const char *text, struct buf *out);

#endif
