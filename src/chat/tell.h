#ifndef CHAT_TELL_H
#define CHAT_TELL_H

/* Steps in words, as the bot shows them: markdown, names in bold. */

#include "base/arena.h"
#include "base/json.h"

/* "Keep the rows where **status** is **active**". In the arena; never NULL. */
const char *tell_step(struct arena *arena, const char *operation, const struct json *arguments);

#endif
