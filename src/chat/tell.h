#ifndef CHAT_TELL_H
#define CHAT_TELL_H

/* Steps in words, as the bot shows them: markdown, names in bold. */

#include "base/arena.h"
#include "base/json.h"

/* Text from outside, with what would be markup escaped; and in bold. */
void tell_plain(struct buf *b, const char *s);
void tell_name(struct buf *b, const char *s);
/* "Keep the rows where **status** is **active**". In the arena; never NULL. */
const char *tell_step(struct arena *arena, const char *operation, const struct json *arguments);

#endif
