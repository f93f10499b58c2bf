#ifndef CHAT_WHEN_H
#define CHAT_WHEN_H

/* Days and months as people say them: 2024-03-01, 1/3/2024, 15 March 2024, March 2024. */

#include "chat/words.h"

enum { WHEN_TEXT = 16 };

struct when {
    size_t n_words;
    char first[WHEN_TEXT], last[WHEN_TEXT]; /* The days it means, both included, as YYYY-MM-DD. */
};

bool chat_when(const struct words *w, size_t at, size_t end, struct when *out);
/* A whole year; false where `year` is none that a date would have. */
bool chat_when_year(double year, struct when *out);

/* A day whose month or year is said with another one: "2" in "between 2 and 5 March 2024". */
struct when_part {
    int month, day; /* 0: not said. */
};
/* How many words at `at` are one; 0: none. */
size_t chat_when_part(const struct words *w, size_t at, size_t end, struct when_part *out);
/* With what `last` says of it; false where there is no such day. */
bool chat_when_complete(const struct when_part *part, const struct when *last, struct when *out);

#endif
