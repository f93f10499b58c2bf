#ifndef CHAT_WORDS_H
#define CHAT_WORDS_H

/*
 * A sentence as words: what people type, cut where the grammar needs it.
 *
 *   credit>=1,500 for "New York", please   ─▶   credit  >=  1500  for  "New York"  ,  please
 */

#include "base/arena.h"

enum word_kind {
    WORD_PLAIN,
    WORD_NUMBER, /* 100, 1,500.50, $20, 10k, 15%; its text is kept: 007 is also one. */
    WORD_QUOTED, /* What was in quotes, without them. */
    WORD_SIGN,   /* = != < <= > >= -> : */
    WORD_STOP    /* , ; . ! ? and line ends */
};

struct word {
    enum word_kind kind;
    const char *raw; /* As typed, NUL-terminated; quotes off. */
    const char *key; /* For comparing: without case, apostrophes as '. */
    double number;   /* WORD_NUMBER */
};

struct words {
    struct word *v;
    size_t n;
    struct word_memo *
        *memo; /* What was found out about them already (table.c); *memo NULL: nothing. */
};

/* So many are understood within a tenth of a second whatever the columns are; a wish has twenty. */
enum { WORDS_MAX = 600 };

/* Strings live in `arena`. Errors: ERR_ARG when there are too many words, ERR_NOMEM. */
bool words_split(
    const char *text, struct arena *arena, struct words *out, struct err *err) MUST_CHECK;

/*
 * How many words from `at` on (before `end`) say `phrase`, words with single blanks between them; 0 when they do not.
 * Words in quotes say nothing.
 */
size_t words_say(const struct words *w, size_t at, size_t end, const char *phrase);
/* The longest of the phrases (NULL-terminated) that is said at `at`, as words; 0 when none is. */
size_t words_say_any(const struct words *w, size_t at, size_t end, const char *const *phrases);
/* Where one of the phrases is first said in [at, end); `end` when none is. */
size_t words_find(const struct words *w, size_t at, size_t end, const char *const *phrases);

/* The words [from, to) as they were typed, with single blanks; in `arena`. */
const char *words_text(const struct words *w, size_t from, size_t to, struct arena *arena);

/* "5" or "five": a number that is said. */
bool words_number(const struct word *w, double *out);

/* The folded text with letters of Latin scripts without their accents: "malmö" is "malmo". NULL when memory ends. */
const char *words_plain(struct arena *arena, const char *key, size_t n);

#endif
