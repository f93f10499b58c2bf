#ifndef CHAT_REPLY_H
#define CHAT_REPLY_H

/* Every sentence the bot says. All are markdown, in the arena, and never NULL. */

#include "chat/table.h"

const char *reply_welcome(void);
const char *reply_help(struct arena *arena, const struct chat_table *t); /* t NULL: no file yet. */
const char *reply_uploaded(struct arena *arena, const struct chat_table *t);
/* While something is pending that is about another file; `file` NULL: it was the only one. */
const char *reply_uploaded_beside(
    struct arena *arena, const struct chat_table *t, const char *file);
/* The steps; what they are about where there are several files, and what was not quite as it was said: NULL, if nothing. */
const char *reply_suggestion(struct arena *arena, const struct json *steps, const char *first_line,
    const char *file, const char *remark);
const char *reply_needs_file(void);
const char *reply_question(
    struct arena *arena, const char *question, const struct chat_table *t, const char *missing);
const char *reply_cannot(struct arena *arena, const char *reason, const struct chat_table *t);
const char *reply_lost(struct arena *arena, const struct chat_table *t); /* Not understood. */
const char *reply_still_pending(struct arena *arena, const struct json *steps);
const char *reply_too_long(struct arena *arena, int words_max);
const char *reply_nothing_pending(void);
const char *reply_declined(void);
const char *reply_cancelled(bool was_running);
const char *reply_working(void);
const char *reply_started(struct arena *arena, size_t n_steps);
/* What a run did: results as clients get them (view of the steps), and the steps as they were proposed. */
const char *reply_done(struct arena *arena, const struct json *results, const struct json *steps);
/* ---- asides ---- */
const char *reply_told(struct arena *arena, const char *told); /* NULL: nothing was done yet. */
const char *reply_where(struct arena *arena, const char *told);
const char *reply_columns(struct arena *arena, const struct chat_table *t);
const char *reply_rows(struct arena *arena, const struct chat_table *t);
const char *reply_works_on(struct arena *arena, const struct chat_table *t);
const char *reply_greeting(struct arena *arena, const struct chat_table *t); /* t NULL: no file. */
const char *reply_thanks(void);
const char *reply_who(void);
const char *reply_no_undo(void);

const char *reply_failed(struct arena *arena, const char *error);

#endif
