#ifndef CHAT_DIALOG_H
#define CHAT_DIALOG_H

/*
 * A dialog: what was proposed, what is asked for, and what a message makes of it. No clock, no store, no files: the
 * server keeps the state and carries out what is decided here.
 *
 *   idle ──wish──▶ awaiting_confirmation ──yes──▶ processing ──▶ completed | failed
 *     │ wish, no file ▶ awaiting_file ──upload──▶ (the wish again)
 *     │ wish, something missing ▶ awaiting_parameters ──answer──▶ (the wish with it)
 *     └ cancel, no ▶ cancelled, idle
 */

#include "chat/understand.h"

enum dialog_state {
    DIALOG_IDLE,
    DIALOG_AWAITING_FILE,
    DIALOG_AWAITING_CONFIRMATION,
    DIALOG_AWAITING_PARAMETERS,
    DIALOG_PROCESSING,
    DIALOG_COMPLETED,
    DIALOG_FAILED,
    DIALOG_CANCELLED,
    DIALOG_STATE_COUNT
};
const char *dialog_state_name(enum dialog_state s); /* "awaiting_file" */

struct dialog {
    enum dialog_state state;
    struct json *steps;   /* Proposed, or carried out last; NULL: none. */
    const char *sentence; /* What is to be done once a file or an answer is there; NULL: nothing. */
    const char *missing;  /* The argument asked for. */
    const char *run;      /* The run under way or the last one; NULL: none. */
    const char *file;     /* The file that is worked on; NULL: the one that came last. */
    const char *remark;   /* What is said beside the steps that wait; NULL: nothing. */
    const char *told;     /* What was said of the last run, with its figures; NULL: nothing. */
};

/* From the text that dialog_write() made (NULL: a new one); strings live in `arena`, steps are the caller's. */
bool dialog_read(
    const char *text, struct arena *arena, struct dialog *out, struct err *err) MUST_CHECK;
/* On the heap for the caller to free; NULL when memory ends. */
char *dialog_write(const struct dialog *d);
void dialog_free(struct dialog *d); /* Its steps. */

enum dialog_action { ACTION_NONE, ACTION_EXECUTE, ACTION_CANCEL };

/* What comes of a message. Texts live in the arena. */
struct dialog_turn {
    const char *reply;  /* Markdown. */
    const char *intent; /* "search_filter", "confirm", "help", ...; NULL: not understood. */
    double confidence;
    bool suggests; /* d->steps are a new proposal. */
    bool requires_file;
    bool
        lost; /* A file is there, nothing is pending, and no wish was recognised in what was said. */
    enum dialog_action action; /* ACTION_EXECUTE: run d->steps, then set d->run. */
};

/* Which of the files is worked on. */
size_t dialog_file(const struct dialog *d, const struct chat_table *files, size_t n_files);

/* The file that came last is files[0]; n_files 0: none is there yet. */
bool dialog_say(struct dialog *d, const char *message, const struct chat_table *files,
    size_t n_files, struct arena *arena, struct dialog_turn *out, struct err *err) MUST_CHECK;
/*
 * After a turn that was lost: steps for what was said, as somebody else has understood it, become the proposal. They
 * have been checked, and are taken over.
 */
void dialog_propose(
    struct dialog *d, struct json *steps, struct arena *arena, struct dialog_turn *out);
/* A file has come; files[0] is it. */
bool dialog_uploaded(struct dialog *d, const struct chat_table *files, size_t n_files,
    struct arena *arena, struct dialog_turn *out, struct err *err) MUST_CHECK;

#endif
