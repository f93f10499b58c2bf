#ifndef SERVER_BOT_H
#define SERVER_BOT_H

/* What bot.c and api_bot.c share. */

#include "chat/dialog.h"
#include "server/server_int.h"

/* One message of a conversation at a time. */
void bot_begin(struct bot *bot, const char *conversation);
void bot_end(struct bot *bot, const char *conversation);

/* What a file holds, in the call's arena. Looks at it where that is not known yet, which takes a worker. */
bool bot_table(struct call *call, const struct conversation *c, const struct stored_file *f,
    struct chat_table *out, struct err *err) MUST_CHECK;

/* ---- the language model, if the settings name one (bot_model.c) ---- */

bool bot_model_on(const struct server *server);
/*
 * Ask it what a message about these files means; takes as long as it takes, so not under bot_begin(). False: it was of
 * no use, as the log says. The caller frees *reply in either case.
 */
bool bot_model_ask(struct call *call, const char *message, const struct chat_table *files,
    size_t n_files, struct buf *reply) MUST_CHECK;
/* The steps of its reply, checked against the files as they are now; false: of no use. *steps is the caller's. */
bool bot_model_steps(struct call *call, struct buf *reply, const struct chat_table *files,
    size_t n_files, struct json **steps) MUST_CHECK;

/* A message of the bot; what it proposes goes along. */
void bot_says(struct change *change, const char *text, const struct dialog *d);
/* {steps, requires_confirmation} */
struct json *bot_suggestion(const struct dialog *d);
/* Where the dialog stands, into the conversation's row. */
bool bot_keep(struct change *change, const struct conversation *c, const struct dialog *d,
    struct err *err) MUST_CHECK;

#endif
