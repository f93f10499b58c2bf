#ifndef CHAT_MODEL_H
#define CHAT_MODEL_H

/*
 * A language model's part in the bot: what it is asked, and what its answer is worth. No network here: the server
 * carries the text. What comes back is data from outside; it becomes steps only where it is exactly of the form
 * asked for, names columns that are there, and satisfies the operations' declarations. Steps are described by our own words.
 */

#include "chat/table.h"

enum { MODEL_REQUEST_MAX = 256 << 10, MODEL_COLUMNS_MAX = 1000, MODEL_VALUES_MAX = 20 };

struct model_ask {
    const char *model;              /* Its name, as the endpoint knows it. */
    const char *message;            /* What the person wrote. */
    const struct chat_table *files; /* files[0] is worked on. */
    size_t n_files;
    bool
        send_values; /* Known values and names of files as well, not only columns and their types. */
};

/*
 * The body of a request for /chat/completions; on the heap for the caller to free.
 * Errors: ERR_TOO_LARGE (too many columns, or too long a text), ERR_NOMEM.
 */
bool model_request(const struct model_ask *ask, char **body, struct err *err) MUST_CHECK;

/*
 * The steps [{operation, arguments, description}] of a reply to it: at least one, at most max_steps.
 * Errors: ERR_DATA, with a sentence that quotes nothing of the reply; ERR_NOMEM.
 * Owns:   *steps is the caller's, freed with json_free().
 */
bool model_reply(const char *text, size_t n, const struct chat_table *files, size_t n_files,
    size_t max_steps, struct arena *arena, struct json **steps, struct err *err) MUST_CHECK;

/* ---- what the two share (model_offer.c) ---- */

/* An operation that may be proposed, and its arguments that may be given. */
struct model_offer {
    const char *operation;
    const char *arguments[6]; /* Besides output_format and output_filename; ends with NULL. */
};
extern const struct model_offer model_offers[];                    /* Ends with a NULL operation. */
const struct model_offer *model_offer_find(const char *operation); /* NULL: not offered. */
bool model_offer_has(const struct model_offer *offer, const char *argument);

#endif
