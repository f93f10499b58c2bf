#ifndef CHAT_ASIDE_H
#define CHAT_ASIDE_H

/* What people say that is no wish: questions about the file and about what was done, and courtesies. */

#include "chat/dialog.h"
#include "chat/words.h"

/* The answer, in the arena; *intent says what it was. NULL: it is a wish, or nothing known. `file` NULL: none is there yet. */
const char *aside_answer(const struct words *w, const struct dialog *d,
    const struct chat_table *file, struct arena *arena, const char **intent);

#endif
