#ifndef STORE_STORE_H
#define STORE_STORE_H

/*
 * Facts about conversations, kept durably. Bytes of files lie on disk (store/files.h); here are
 * their rows.
 *
 * Writes are collected in a `struct store_tx` and take effect together or not at all;
 * store_commit() returns when they are on disk. One thread does all writing and checkpointing, many
 * transactions in one commit. Reads see the last commit, may run on any thread at the same time,
 * and put their strings into the caller's arena. Events get the next number of their conversation
 * in the same transaction as the facts they tell.
 *
 * Nothing here is specific to SQLite: a second home (PostgreSQL) is to implement the same header.
 */

#include "base/arena.h"
#include "base/json.h"

struct store;

struct store_config {
    const char *path; /* Of the database file; its folder exists. */
    uint32_t readers; /* Reading connections; 0: 4. */
    bool read_only;   /* Only look: writes fail, the file must exist and be of this schema. */
};

/*
 * Open or create, migrating an older schema. A read-only store neither writes nor checkpoints, so
 * it may be opened while another process has the file open for writing.
 * Errors: ERR_STATE when a newer program wrote it, ERR_IO, ERR_DATA (corrupt); read-only also
 *         ERR_NOT_FOUND, and ERR_STATE for an older schema.
 */
bool store_open(const struct store_config *config, struct store **out, struct err *err) MUST_CHECK;
void store_close(struct store *s);  /* Finishes pending commits, checkpoints. */
bool store_broken(struct store *s); /* Takes no more writes until it is opened anew. */
bool store_healthy(struct store *s, struct err *err) MUST_CHECK; /* Can it read and write now? */
struct store_size {
    uint64_t bytes, log_bytes; /* On disk; of changes that are not in the database file yet. */
};
void store_size(const struct store *s, struct store_size *out);
const char *store_version(void); /* "SQLite 3.40.1" */
int64_t store_id(struct store
        *s); /* A random number given to the database when it was made; backups share it. */

enum { ID_LEN = 37 }; /* UUID text with its NUL. */

enum conversation_status {
    CONVERSATION_CREATED,
    CONVERSATION_ACTIVE,
    CONVERSATION_PROCESSING,
    CONVERSATION_COMPLETED,
    CONVERSATION_FAILED,
    CONVERSATION_ARCHIVED,
    CONVERSATION_STATUS_COUNT
};
const char *conversation_status_name(enum conversation_status s);
bool conversation_status_find(const char *name, enum conversation_status *out);

struct conversation {
    char id[ID_LEN];
    const char *participant; /* "BlueWhale-4821", unique among live ones. */
    const char *name;        /* Given by the user, or NULL. */
    const char *owner;       /* Whose it is; NULL: nobody's, for administrators alone. */
    const char *dialog;      /* Where its dialog with the bot stands: JSON object text, or NULL. */
    enum conversation_status status;
    const char *partition; /* "2026/02": its folder below workflows/, without the id; may be "". */
    const char *metadata;  /* JSON object text. */
    int64_t created_ns, updated_ns;
    uint64_t n_messages, n_steps, n_files; /* Filled by reads. */
};

struct message {
    char id[ID_LEN];
    const char *type; /* user, system, file_upload, step_result, error, progress */
    const char *content;
    const char *metadata; /* JSON object text. */
    int64_t created_ns;
};

enum run_status {
    RUN_PENDING,
    RUN_RUNNING,
    RUN_COMPLETED,
    RUN_FAILED,
    RUN_CANCELLED,
    RUN_STATUS_COUNT
};
const char *run_status_name(enum run_status s);
bool run_status_find(const char *name, enum run_status *out);

struct run {
    char id[ID_LEN];
    char conversation[ID_LEN];
    enum run_status status;
    const char *steps;   /* JSON array text as given: the pinned definition. */
    const char *input;   /* File name the first step reads. */
    const char *options; /* JSON object text: async, resume_of, ... */
    const char *error;   /* JSON of the err, or NULL. */
    int64_t created_ns, started_ns, completed_ns; /* 0: not yet. */
    uint32_t attempt;                             /* How often it has begun to run. */
};

enum step_status {
    STEP_PENDING,
    STEP_RUNNING,
    STEP_COMPLETED,
    STEP_FAILED,
    STEP_SKIPPED,
    STEP_CANCELLED,
    STEP_STATUS_COUNT
};
const char *step_status_name(enum step_status s);
bool step_status_find(const char *name, enum step_status *out);

struct step {
    char id[ID_LEN];
    char run[ID_LEN];
    uint32_t index; /* From 0. */
    const char *operation;
    const char *arguments;                /* JSON object text. */
    const char *input_file, *output_file; /* Relative paths, or NULL. */
    enum step_status status;
    uint32_t progress;  /* 0..100 */
    const char *error;  /* Sentence, or NULL. */
    const char *result; /* JSON of the step's result as clients get it, or NULL. */
    uint64_t rows_in, rows_out;
    const char *warnings; /* JSON array text. */
    int64_t started_ns, completed_ns;
};

enum file_kind { STORED_UPLOAD, STORED_INTERMEDIATE, STORED_OUTPUT, STORED_KIND_COUNT };
const char *file_kind_folder(enum file_kind k); /* "uploads", "intermediate", "outputs" */
bool file_kind_find(const char *folder, enum file_kind *out);

struct stored_file {
    char conversation[ID_LEN];
    const char *name; /* Unique in the conversation; also its name on disk. */
    enum file_kind kind;
    const char *base;   /* Base name of the upload it comes from. */
    const char *format; /* "csv" */
    const char *facts;  /* JSON object text: sheets, rows, columns, ... */
    uint64_t size;
    char sha256[65];
    char run[ID_LEN]; /* Empty for uploads. */
    int64_t created_ns;
};

struct event {
    uint64_t seq;
    const char *type;
    const char *body; /* JSON object text as sent, with timestamp and seq. */
};

/* ---- reading: strings live in `arena`; ERR_NOT_FOUND with a sentence ---- */

bool store_conversation_get(struct store *s, const char *id, struct arena *arena,
    struct conversation *out, struct err *err) MUST_CHECK;

/* The same if it is `owner`'s; what is not is not there. NULL: anybody's. */
bool store_conversation_get_of(struct store *s, const char *id, const char *owner,
    struct arena *arena, struct conversation *out, struct err *err) MUST_CHECK;

struct conversation_filter {
    const char *owner;  /* NULL: anybody's */
    const char *status; /* NULL: any */
    const char *query;  /* NULL: any; searched in names, files, messages without case */
    uint32_t limit, offset;
};
/* Newest first. *total counts all that match. */
bool store_conversation_list(struct store *s, const struct conversation_filter *filter,
    struct arena *arena, struct conversation **out, size_t *n, uint64_t *total,
    struct err *err) MUST_CHECK;

/* Those unchanged since before `before_ns`, oldest first, at most `limit`. */
bool store_conversations_before(struct store *s, int64_t before_ns, uint32_t limit,
    struct arena *arena, struct conversation **out, size_t *n, struct err *err) MUST_CHECK;

/* In order of creation. limit 0: all; else the last `limit` ones. */
bool store_messages(struct store *s, const char *conversation, uint32_t limit, struct arena *arena,
    struct message **out, size_t *n, struct err *err) MUST_CHECK;
bool store_files(struct store *s, const char *conversation, struct arena *arena,
    struct stored_file **out, size_t *n, struct err *err) MUST_CHECK;
bool store_file_get(struct store *s, const char *conversation, const char *name,
    struct arena *arena, struct stored_file *out, struct err *err) MUST_CHECK;
/* run NULL: steps of all runs, in order. */
bool store_steps(struct store *s, const char *conversation, const char *run, struct arena *arena,
    struct step **out, size_t *n, struct err *err) MUST_CHECK;
/* conversation NULL: of all (for start-up: unfinished_only). Oldest first. */
bool store_runs(struct store *s, const char *conversation, bool unfinished_only,
    struct arena *arena, struct run **out, size_t *n, struct err *err) MUST_CHECK;
bool store_run_get(struct store *s, const char *conversation, const char *run, struct arena *arena,
    struct run *out, struct err *err) MUST_CHECK;
/* Events with seq > since, at most max, in order. */
bool store_events(struct store *s, const char *conversation, uint64_t since, uint32_t max,
    struct arena *arena, struct event **out, size_t *n, struct err *err) MUST_CHECK;
bool store_last_seq(
    struct store *s, const char *conversation, uint64_t *seq, struct err *err) MUST_CHECK;
bool store_participant_taken(
    struct store *s, const char *participant, bool *taken, struct err *err) MUST_CHECK;

/* Everything about one conversation, as of one moment: what a dump holds. */
struct conversation_rows {
    struct conversation conversation;
    struct message *messages;
    struct stored_file *files;
    struct run *runs;
    struct step *steps;
    struct event *events;
    size_t n_messages, n_files, n_runs, n_steps, n_events;
};
bool store_snapshot(struct store *s, const char *conversation, struct arena *arena,
    struct conversation_rows *out, struct err *err) MUST_CHECK;

/*
 * What was answered to a request that carried an Idempotency-Key, so that the same request gets the
 * same answer. `scope` is who asked and what for ("POST /chat/workflows"); `request` a hash of the
 * body.
 */
enum {
    STORE_REPLY_DUE = -1
}; /* The work is done, the answer is still to be made: body says of what. */
struct store_reply {
    const char *scope, *key, *request;
    int status;
    const char *body;
    int64_t created_ns;
};
bool store_reply_find(struct store *s, const char *scope, const char *key, struct arena *arena,
    struct store_reply *out, bool *found, struct err *err) MUST_CHECK;

/*
 * Keys of clients. Of the key itself only its SHA-256 is known. A key that was revoked stays, so that what it did can
 * be read for ever.
 */
enum { STORE_KEY_ID = 17 }; /* 16 hex digits and a NUL. */
struct store_key {
    char id[STORE_KEY_ID];
    const char *name, *role, *owner;
    char sha256[65];
    int64_t created_ns;
    int64_t expires_ns, last_used_ns, revoked_ns; /* 0: never. */
};
/* All, oldest first. */
bool store_keys(struct store *s, struct arena *arena, struct store_key **out, size_t *n,
    struct err *err) MUST_CHECK;

/* ---- writing ---- */

struct store_tx;

struct store_tx *store_begin(
    struct store *s); /* NULL when memory ends; everything below then fails at commit. */
void store_abort(struct store_tx *tx);

/* Everything is copied. Preconditions are checked at commit and fail the whole transaction. */
void store_add_conversation(
    struct store_tx *tx, const struct conversation *c); /* id or participant taken: ERR_STATE */
/* NULL members stay; status -1 stays. updated_ns is always set. Unknown id: ERR_NOT_FOUND. */
struct conversation_change {
    const char *name, *metadata;
    const char *owner;  /* "" makes it nobody's. */
    const char *dialog; /* JSON object text. */
    int status;
    int status_if; /* Only when the status is this one now, -1: always; else ERR_STATE. */
    int64_t updated_ns;
};
void store_change_conversation(
    struct store_tx *tx, const char *id, const struct conversation_change *change);
void store_delete_conversation(struct store_tx *tx, const char *id); /* With all its rows. */
void store_add_message(struct store_tx *tx, const char *conversation, const struct message *m);
/* Name taken in the conversation: ERR_STATE. */
void store_add_file(struct store_tx *tx, const struct stored_file *f);
void store_delete_file(
    struct store_tx *tx, const char *conversation, const char *name); /* Unknown: ERR_NOT_FOUND. */
void store_add_run(struct store_tx *tx, const struct run *r);
/* from: bit set of 1 << status it must be in now, else ERR_STATE. error NULL stays. Times 0 stay.
 * A change to RUN_RUNNING counts one more attempt. */
void store_change_run(struct store_tx *tx, const char *run, unsigned from, enum run_status to,
    const char *error, int64_t started_ns, int64_t completed_ns);
void store_add_step(struct store_tx *tx, const struct step *st);
/* Writes all mutable fields (output_file, status, progress, error, result, rows, warnings, times)
 * where the status now is in `from`, else ERR_STATE. input_file too, unless NULL. */
void store_change_step(struct store_tx *tx, unsigned from, const struct step *st);
/*
 * Append an event: `body` (taken over) gets "type", "timestamp" and "seq" put first; *sent (may be
 * NULL) is set at commit to the text as stored, on the heap, for the caller to publish and free.
 */
void store_add_event(struct store_tx *tx, const char *conversation, const char *type,
    struct json *body, int64_t now_ns, char **sent);

/*
 * As store_add_event(), and the conversation's earlier event with the same key goes: of progress
 * only the latest is kept. key NULL: the same as store_add_event().
 */
void store_replace_event(struct store_tx *tx, const char *conversation, const char *type,
    const char *key, struct json *body, int64_t now_ns, char **sent);
/* An event as it once was sent, for restore: its seq must be higher than the last one, else
 * ERR_STATE. */
void store_restore_event(struct store_tx *tx, const char *conversation, const struct event *event);
/* Takes the place of a STORE_REPLY_DUE of the same request; else scope and key taken: ERR_STATE. */
void store_add_reply(struct store_tx *tx, const struct store_reply *reply);
void store_delete_reply(struct store_tx *tx, const char *scope, const char *key);
void store_forget_replies(struct store_tx *tx, int64_t before_ns);
/* id or hash taken: ERR_STATE. */
void store_add_key(struct store_tx *tx, const struct store_key *key);
void store_revoke_key(
    struct store_tx *tx, const char *id, int64_t now_ns); /* Unknown: ERR_NOT_FOUND. */
void store_touch_key(struct store_tx *tx, const char *id, int64_t used_ns); /* Only ever later. */
/*
 * With what the transaction has changed so far, `owner` may have this much (0: no limit), else ERR_QUOTA. Owner NULL
 * is not limited.
 */
struct store_quota {
    uint64_t conversations, bytes; /* Of all files. */
};
void store_check_quota(struct store_tx *tx, const char *owner, const struct store_quota *quota);

/* Waits until durable. Frees tx whatever the outcome. */
bool store_commit(struct store_tx *tx, struct err *err) MUST_CHECK;

/* ---- the whole ---- */

/* A consistent copy as a single file at `path` (must not exist), integrity-checked before it gets
 * its name. */
bool store_backup(struct store *s, const char *path, struct err *err) MUST_CHECK;
/* Check every page, index and reference; ERR_DATA tells the first fault. Takes about 1.5 s a
 * GiB. */
bool store_check(struct store *s, struct err *err) MUST_CHECK;

#endif
