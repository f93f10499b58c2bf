#ifndef CHAT_UNDERSTAND_H
#define CHAT_UNDERSTAND_H

/*
 * From a sentence in English to steps that would run on the file at hand. Deterministic: the same words about the same
 * file give the same steps.
 */

#include "chat/table.h"

enum understood {
    UNDERSTOOD_NOTHING, /* No wish was recognised. */
    UNDERSTOOD_STEPS,
    UNDERSTOOD_ASK,    /* Something is missing: `missing` and `question`. */
    UNDERSTOOD_CANNOT, /* Recognised, but not offered: `reason`. */
};

struct understanding {
    enum understood what;
    struct json *steps; /* [{operation, arguments, description}]; the caller's to free. */
    const char *intent; /* Of the first wish: "search_filter"; NULL: none. */
    double confidence;  /* 0..1 */
    const char *missing, *question, *reason; /* In the arena. */
    const char
        *remark; /* What was not taken quite as it was said, or will find nothing; NULL: nothing. */
};

/*
 * files[0] is what the first step reads, the others are what a join may use. `before`: steps that come first and are
 * kept (their columns are what the sentence is about), or NULL.
 * Errors: ERR_ARG (too long a message), ERR_NOMEM.
 */
bool understand(const char *sentence, const struct chat_table *files, size_t n_files,
    const struct json *before, struct arena *arena, struct understanding *out,
    struct err *err) MUST_CHECK;

/* {intent: [operations]}, as GET /chat/bot/operations shows it. */
struct json *understand_intents(void);
/* The intent that an operation serves: "search_filter"; NULL: none. */
const char *understand_intent_of(const char *operation);

#endif
