#ifndef SERVER_SERVER_INT_H
#define SERVER_SERVER_INT_H

/*
 * What the files of the server share.
 *
 *   http (pool thread) ─▶ routes ─▶ api_*.c ─┬─▶ store, files          facts and bytes
 *                                            └─▶ dispatcher ─▶ run_driver ─▶ worker process
 *   events: every change that watchers see is committed and published by events_commit()
 */

#include "base/setting.h"
#include "net/http.h"
#include "server/audit.h"
#include "server/auth.h"
#include "store/dump.h"
#include "store/files.h"
#include "store/store.h"

#include <stdatomic.h>

struct dispatcher;
struct events;
struct slots;
struct idempotency;
struct idempotent;
struct metrics;
struct rate;
struct bot;
struct uploads;
struct uploader;

struct server {
    const struct settings
        *_Atomic settings; /* A reload puts others in its place; old ones live on. */
    struct store *store;
    struct data_dirs dirs;
    struct http_server *http;
    struct dispatcher *dispatcher;
    struct events *events;
    struct slots *slots;
    struct idempotency *idempotency;
    struct metrics *metrics;
    struct bot *bot;
    char *_Atomic description;  /* Of the API, once it was asked for (api_docs.c). */
    atomic_uint model_calls;    /* Under way (bot_model.c). */
    char prefix[64];            /* "/api/v1" */
    char sent_dir[FS_PATH_MAX]; /* file.upload_folder */
    struct auth *auth;
    struct rate *rate;
    struct uploads *uploads;
    struct audit *audit;       /* NULL: none is kept. */
    bool loopback_only;        /* No other machine can reach any port. */
    char control[FS_PATH_MAX]; /* Of the control socket. */
    int64_t started_ns;
    unsigned sandbox;     /* What workers can have of it: enum sandbox_part. */
    atomic_bool stopping; /* Set once, by the main thread. */
};

/* ---- one request being answered ---- */

enum { CALL_PARAMS = 3 };

/* Who asks, as it was found out before the body was read; in the exchange's arena. */
struct caller {
    struct principal who;
    struct err refused;         /* No valid key, or too often. */
    uint32_t wait_s;            /* Of ERR_RATE. */
    const char *limited;        /* Of ERR_RATE: what the limit is called ... */
    int64_t limit;              /* ... and how high it is. */
    struct uploader *upload;    /* Counted among those under way (uploads.h), else NULL. */
    char conversation[ID_LEN];  /* For the audit: what it was about. */
    char subject[STORE_KEY_ID]; /* A key. */
};

struct call {
    struct server *server;
    struct http_exchange *x;
    struct arena *arena;             /* The exchange's. */
    const char *params[CALL_PARAMS]; /* What stood for {..} in the route's path, decoded. */
    struct idempotent *idempotent;   /* NULL: no Idempotency-Key. */
    unsigned lost;         /* memory_lost() when this thread took the call up: see call_whole(). */
    const char *redo;      /* What idempotency_mark() was told by an earlier attempt, else NULL. */
    struct caller *caller; /* NULL only where nobody's request is refused. */
};

/* ---- replies (reply.c) ---- */

/* ERR_NOMEM when memory ended in what this thread has made for the call: members or texts may be missing from it. */
bool call_whole(const struct call *call, struct err *err) MUST_CHECK;

/* Takes `data` over. message is copied. */
void reply_data(struct call *call, int status, const char *message, struct json *data);
/* With the envelope's `total`. */
void reply_collection(struct call *call, const char *message, struct json *data, uint64_t total);
void reply_error(struct call *call, const struct err *err);
/* As reply_error(), with another status and members added to details (taken over; may be NULL). */
void reply_error_with(struct call *call, const struct err *err, int status, struct json *details);
struct embedded;
/* A file that is part of the program, with the headers of a page (reply_embedded.c). */
bool reply_embedded(struct call *call, const struct embedded *file, const char *cache_control,
    struct err *err) MUST_CHECK;
void reply_page_headers(struct call *call, const char *cache_control);
/* CORS and security headers for every reply. */
void reply_headers(struct call *call);
bool origin_allowed(const struct server *server, const char *origin, const char *host);
bool host_allowed(const struct server *server, const char *host);

/* ---- who may ask (auth_request.c) ---- */

#define ACCESS_CONTROL "control" /* In place of a key's id: came in through the control socket. */
enum { ACCESS_NO_KEY = 4401, ACCESS_TOO_OFTEN = 1013, ACCESS_TRY_AGAIN = 1013 };
bool access_loopback(const char *host);
/* ERR_UNAUTHORIZED otherwise. link_welcome: a signed link will do. */
bool access_who(struct server *server, const struct http_request *r, bool link_welcome,
    struct principal *out, struct err *err) MUST_CHECK;
/* Not too often? Otherwise *wait_s says when to come back. */
bool access_rate(struct server *server, const struct http_request *r, const struct principal *who,
    uint32_t *wait_s) MUST_CHECK;
/*
 * What a form's sender has under way counts from here to access_upload_over(). False: it is one too many; what
 * follows is as for access_rate().
 */
bool access_upload(
    struct server *server, const struct http_request *r, struct caller *caller) MUST_CHECK;
void access_upload_over(struct server *server, struct caller *caller);
/* r may be NULL, for a key that came as a message from `client`. */
void access_audit_failure(struct server *server, const struct http_request *r, const char *client);
/* A WebSocket's handshake: fills in what concerns keys. False: it is to be closed. */
bool access_ws(struct server *server, struct ws_decision *out, struct principal *who) MUST_CHECK;
bool access_ws_key(
    struct server *server, const char *key, const char *client, char who[64]) MUST_CHECK;
/* Who watches as `who`; false: not any more. */
bool access_watcher(struct server *server, const char *who, struct principal *out) MUST_CHECK;
/* ERR_NOT_FOUND where the conversation is not one that the caller sees. */
bool call_sees(const struct call *call, const char *conversation, struct err *err) MUST_CHECK;
/* What the settings allow the owner of conversations. */
struct store_quota server_quota(const struct server *server);
bool auth_owner_check(const char *owner, struct err *err) MUST_CHECK; /* keys.c */

/* ---- routes (routes.c) ---- */

struct route;
struct openapi_route;
bool routes_describe(size_t i, struct openapi_route *out); /* False past the end. */
/* Where the route of a planned exchange stands in metrics.h's order. */
size_t routes_index(const struct http_exchange *x);
/* Is this path, as it stands in a URL, one of those that links may be signed for? *decoded: as routes see it. */
bool routes_link(
    const struct server *server, const char *path, struct arena *arena, const char **decoded);
void routes_plan(void *server, struct http_exchange *x);
void routes_handle(void *server, struct http_exchange *x);

/* The request's body as a JSON object: parsed, or made of the form's fields (JSON text or plain). NULL body: {}. */
bool call_body(struct call *call, struct json **out, struct err *err) MUST_CHECK;
/* A query parameter as a whole number in [min, max]; ERR_ARG otherwise. */
bool call_query_int(struct call *call, const char *name, int64_t fallback, int64_t min, int64_t max,
    int64_t *out, struct err *err) MUST_CHECK;
/* Refuse members of `object` that are not in names[] (NULL-terminated), with the nearest. */
bool call_only(const struct json *object, const char *const *names, struct err *err) MUST_CHECK;

/*
 * End a run as cancelled, and wait for that (api_runs.c). ERR_STATE: it has ended already; ERR_BUSY: its end cannot be
 * recorded.
 */
bool run_cancel(
    struct call *call, const char *conversation, const char *id, struct err *err) MUST_CHECK;
/* A switch of a body, which may have come from a form as text; false when absent (api_runs.c). */
bool body_switch(const struct json *body, const char *key, bool *out, struct err *err) MUST_CHECK;

/*
 * Carry steps out in a folder that is thrown away, and reply with their results. sample: rows to read at most, of which as
 * many are shown; 0: all, none (dry_run.c).
 */
bool dry_run(struct call *call, const struct conversation *c, const struct json *steps,
    const char *input, int64_t sample, struct err *err) MUST_CHECK;

/* ---- Idempotency-Key (idempotency.c) ---- */

enum { IDEMPOTENCY_HOURS = 24 };
bool idempotency_new(struct idempotency **out, struct err *err) MUST_CHECK;
void idempotency_free(struct idempotency *all); /* NULL is fine. */
/* Before the handler: *answered when the kept answer was given. Else the reply is kept when it is made. */
bool idempotency_begin(struct call *call, bool *answered, struct err *err) MUST_CHECK;
/*
 * Note in the transaction that does the work that it is done. When the server dies before the answer is kept, the next
 * request with the key finds call->redo: it makes the answer of what is there, and does nothing a second time.
 */
void idempotency_mark(struct call *call, struct store_tx *tx, const char *redo);
/* The work came to nothing: the key may be used for another attempt. */
void idempotency_release(struct call *call);
void idempotency_end(struct call *call); /* After the reply; for reply.c. */
void idempotency_sweep(struct server *server);

/* {name, version, environment} (api_meta.c). */
struct json *server_facts(const struct server *server);

/* Is more room than chat_workflows.storage.reserve_mb left on the data folder's disk? (ready.c) */
bool server_room(const struct server *server, uint64_t *free_bytes);
const char *sandbox_state(unsigned parts); /* "full", "partial", "none" */

/* ---- handlers (api_*.c): reply and return true, or fill err ---- */

typedef bool handler_fn(struct call *call, struct err *err);
handler_fn api_chat_create, api_chat_list, api_chat_get, api_chat_patch, api_chat_delete;
handler_fn api_upload, api_file_get, api_preview, api_profile, api_events;
handler_fn api_execute, api_runs, api_run_get, api_run_cancel;
handler_fn api_dump, api_restore, api_dump_get, api_backup;
handler_fn api_bot_create, api_bot_message, api_bot_upload, api_bot_confirm, api_bot_history;
handler_fn api_bot_status, api_bot_operations;
handler_fn api_health, api_ready, api_metrics, api_operations, api_root;
handler_fn api_key_create, api_key_list, api_key_revoke, api_link;
handler_fn api_openapi, api_docs, api_docs_part;
handler_fn api_page, api_page_part;
handler_fn api_operate, api_bind_rows, api_bind_preview, api_result_get;
handler_fn api_info, api_suggest_operators, api_normalization_types, api_sql_databases;

/* ---- operations without a conversation ---- */

/* Threads for requests that need a worker (slots.c). n 0: one for each processor. */
bool slots_start(uint32_t n, struct slots **out, struct err *err) MUST_CHECK;
/* Answer what waits with 503, let the others end, which they do soon after server->stopping is set. NULL is fine. */
void slots_stop(struct slots *slots);
struct slots_load {
    uint64_t waiting, running;
};
void slots_load(struct slots *slots, struct slots_load *out);
/* Defer the exchange and let a slot run the handler; ERR_BUSY when too many wait. */
bool slots_run(
    struct slots *slots, const struct call *call, handler_fn *handler, struct err *err) MUST_CHECK;

/* A file that a request brings, in the field of that name (sent.c). */
enum { SENT_FILES = 2 };
#define SENT_FILE_HELP "The file to work on, in a form (multipart/form-data)."
struct sent_file {
    const char *field;
    const char *help; /* What it is, as a sentence. */
    const struct http_part *part;
    const char *name, *base; /* Safe as a file name; without its suffix. */
};
/* Fill in files[0..n), whose fields are set: each is required, and no other file is allowed. */
bool sent_open(struct server *server, struct err *err) MUST_CHECK; /* At start. */
bool sent_files(struct call *call, struct sent_file *files, size_t n, struct err *err) MUST_CHECK;
/* The other fields as an object of texts; or the JSON body. */
bool sent_arguments(struct call *call, struct json **out, struct err *err) MUST_CHECK;

/* What a worker has told (work.c). */
struct work {
    struct json *result, *files; /* Of the last step. */
    struct json *data;           /* Of inspect and preview. */
};
/*
 * Let a worker do `spec` (taken over; time, tmp_dir and settings are added) and wait for the end, at most one
 * step's time.
 */
bool work_do(
    struct server *server, struct json *spec, struct work *out, struct err *err) MUST_CHECK;
void work_free(struct work *w);
/* Add a file to a specification's `files`. */
void work_add_file(struct json *files, const char *name, const struct sent_file *file);

/* Where results lie until they expire (results.c). */
enum { RESULT_TOKEN = 32 };
struct result_folder {
    char token[RESULT_TOKEN + 1];
    char path[FS_PATH_MAX];
};
bool results_open(struct server *server, struct err *err) MUST_CHECK; /* At start. */
bool results_begin(struct server *server, const char *owner, struct result_folder *out,
    struct err *err) MUST_CHECK;
bool results_publish(
    struct server *server, struct result_folder *folder, struct err *err) MUST_CHECK;
void results_abort(struct result_folder *folder); /* Zeroed is fine. */
/* Absolute URL of a file in a published folder. */
const char *results_url(struct call *call, const struct result_folder *folder, const char *name);
void results_sweep(struct server *server);

/* Is its suffix among those of the setting at `path`? ERR_FORMAT otherwise (api_files.c). */
bool file_suffix_allowed(
    const struct settings *s, const char *path, const char *name, struct err *err) MUST_CHECK;
/* Base of output names: the name without its suffix; in `arena` (api_files.c). */
const char *file_base_name(struct arena *arena, const char *name);

/* ---- views (view.c): rows as clients see them ---- */

/* Percent-encode all but unreserved characters; in `arena`. */
const char *view_url_escape(struct arena *arena, const char *s);
/* "http://host" of this request. */
const char *view_base_url(struct call *call);
/* Absolute URL of a file; in `arena`. */
const char *view_file_url(const struct server *server, struct arena *arena, const char *base_url,
    const char *conversation, const char *name);
struct json *view_file(const struct server *server, struct arena *arena, const char *base_url,
    const struct conversation *c, const struct stored_file *f);
struct json *view_message(const struct message *m);
struct json *view_step(const struct step *s);
struct json *view_run(const struct server *server, struct arena *arena, const char *base_url,
    const struct conversation *c, const struct run *r, const struct step *steps, size_t n_steps);
/* The full conversation object (docs/http-api.md). last 0: with all its messages; else the last `last` ones. */
bool view_conversation(struct server *server, struct arena *arena, const char *base_url,
    const char *id, uint32_t last, struct json **out, struct err *err) MUST_CHECK;
struct json *view_summary(const struct conversation *c);
/* {file_path, download_url} of all outputs. */
bool view_outputs(struct server *server, struct arena *arena, const char *base_url,
    const struct conversation *c, struct json **out, struct err *err) MUST_CHECK;
void view_time(struct json *object, const char *key, int64_t ns); /* null for 0 */

/* Reply with an open file (closed by the server); etag without quotes, or NULL (api_files.c). */
void reply_file(
    struct call *call, int fd, uint64_t size, const char *name, const char *type, const char *etag);

/* ---- events (events.c) ---- */

/*
 * A transaction whose events are published, in the order of their numbers, once it is durable. All changes that
 * watchers of one conversation see go through here, so that frames never overtake each other.
 */
struct change;
struct change *change_begin(struct server *server, const char *conversation);
struct store_tx *change_tx(struct change *change);
/* body is taken over; chat_id is put in front. merge: see http_publish(); NULL in general. */
void change_event(struct change *change, const char *type, struct json *body, const char *merge);
/* Add a message row and its `message` event. metadata is taken over; may be NULL. */
void change_message(
    struct change *change, const char *type, const char *content, struct json *metadata);
bool change_commit(
    struct change *change, struct err *err) MUST_CHECK; /* Frees, whatever the outcome. */
void change_abort(struct change *change);               /* NULL is fine. */
/* Are there so many events in it that it is better committed now? */
bool change_full(const struct change *change);

bool events_new(struct events **out, struct err *err) MUST_CHECK;
void events_free(struct events *e);

/* ---- runs (dispatcher.c, run_driver.c) ---- */

/* A run whose rows are stored, to be carried out when a slot is free. Texts are copied. */
struct job_spec {
    const char *conversation, *run;
    const char *owner; /* Whose quota.max_runs counts it; NULL: nobody's. */
    const char *base_url;
    /* Called once, from any thread, when the run has ended or the server stops first (the run's row tells). May be NULL. */
    void (*done)(void *arg);
    void *arg;
};

bool dispatcher_start(
    struct server *server, uint32_t slots, struct dispatcher **out, struct err *err) MUST_CHECK;
/* Take no more runs, stop the ones under way and wait for them; who waits for one is told. Then dispatcher_stop(). */
void dispatcher_halt(struct dispatcher *d);
/* Running work is stopped; its runs stay unfinished in the store and are resumed at the next start. */
void dispatcher_stop(struct dispatcher *d);
struct dispatcher_load {
    uint64_t queued, running, slots;
};
void dispatcher_load(struct dispatcher *d, struct dispatcher_load *out);
/* How many of a conversation's runs are being carried out. */
unsigned dispatcher_running(struct dispatcher *d, const char *conversation);
/* How many of an owner's runs wait or are being carried out. */
unsigned dispatcher_runs_of(struct dispatcher *d, const char *owner);
/* What a run needs to be queued, taken before its rows are stored: a run that is stored must not fail to be queued. */
struct job;
bool dispatcher_prepare(const struct job_spec *spec, struct job **out, struct err *err) MUST_CHECK;
void dispatcher_drop(struct job *job); /* Instead of queueing it; NULL is fine. */
/* Queue a run; takes the job over. False when the server stops. */
bool dispatcher_submit(struct dispatcher *d, struct job *job, struct err *err) MUST_CHECK;
/* Have done(arg) called at the end of a run, as in its job_spec; false when it is not here or already waited for. */
bool dispatcher_join(struct dispatcher *d, const char *run, void (*done)(void *arg), void *arg);
/* Ask a queued or running run to stop, and wait until it has or is set aside; false when it is not here. See run_cancel(). */
bool dispatcher_cancel(struct dispatcher *d, const char *run);
/* Cancel all of a conversation's runs and wait until they have ended. */
void dispatcher_cancel_conversation(struct dispatcher *d, const char *conversation);
/*
 * What an earlier process left unfinished (recover.c): looked up before anybody can ask for a new run; then queued, or
 * failed, as execution.recover says.
 */
struct unfinished;
bool runs_unfinished(struct server *server, struct unfinished **out, struct err *err) MUST_CHECK;
bool runs_recover(struct server *server, struct unfinished *u, struct err *err) MUST_CHECK;
void runs_unfinished_free(struct unfinished *u); /* NULL is fine. */
/*
 * Where a run can go on: the number of steps that are done and stay so, and the name of the file the next one
 * reads (in `arena`). 0 and the run's own input when what they made cannot be read again.
 */
uint32_t run_resume_point(const struct run *run, const struct step *steps, size_t n,
    struct arena *arena, const char **input);

/* For run_driver.c: the state of one job. */
struct job_control {
    const char *conversation, *run, *base_url;
    const atomic_bool *cancelled; /* The user wants it to stop. */
    const atomic_bool *stopping;  /* The server stops; leave the run as it is. */
};
void run_drive(struct server *server, const struct job_control *control);

/*
 * What a worker leaves that could not tell or remove it (run_sweep.c). The folders are held open from the run's
 * beginning, so that those that a restore puts in their place are not touched.
 */
struct run_folders {
    int fds[2]; /* -1: none. */
};
void run_folders_open(
    const struct server *server, const struct conversation *c, struct run_folders *out);
void run_folders_close(struct run_folders *folders);
/* Remove temporary files, and files without a row, while no worker writes there. */
void run_sweep(
    struct server *server, const struct conversation *c, const struct run_folders *folders);

/* The specification for a worker (run_spec.c); see workflow/run.h. */
struct json *run_spec_settings(const struct server *server);
bool run_spec_files(struct server *server, struct arena *arena, const struct conversation *c,
    struct json **out, struct err *err) MUST_CHECK;
/* The file of the conversation that `given` (a name or a path as clients see it) means. */
bool file_resolve(const struct conversation *c, const struct stored_file *files, size_t n,
    const char *given, const char *argument, const struct stored_file **out,
    struct err *err) MUST_CHECK;
size_t run_memory_limit(const struct server *server);

/* A run of a conversation's file, into a change that the caller commits; then dispatcher_submit() (api_runs.c). */
struct run_order {
    const char *run; /* Its id, which the caller has made. */
    const struct conversation *c;
    struct stored_file *files; /* The conversation's. */
    size_t n_files;
    const struct json *steps;
    const char *input;   /* File name. */
    const char *options; /* JSON object text. */
};
bool run_add(struct call *call, struct change *change, const struct run_order *order,
    struct err *err) MUST_CHECK;

/* Folders and row of a new conversation (api_chat.c); own_id: c->id is given, and taken ids are refused. */
bool conversation_create(
    struct call *call, struct conversation *c, bool own_id, struct err *err) MUST_CHECK;
/* The files of an upload, stored: files[0..*n) (api_files.c). */
bool upload_files(struct call *call, const struct conversation *c,
    const struct stored_file ***files, size_t *n, struct err *err) MUST_CHECK;

/* ---- the bot (bot.c, api_bot.c) ---- */

struct bot;
bool bot_new(struct bot **out, struct err *err) MUST_CHECK;
void bot_free(struct bot *bot); /* NULL is fine. */
/* At start, before there are threads: is what a language model needs there, if the settings name one? (bot_model.c) */
bool bot_model_open(const struct server *server, struct err *err) MUST_CHECK;
/* A run has ended: what the bot says of it, into the change that tells so. No bot's run: nothing. */
void bot_run_ended(struct change *change, const struct conversation *c, const struct run *run,
    const struct step *steps, size_t n, const char *error);

/* ---- upkeep (janitor.c) ---- */

struct janitor;
bool janitor_start(struct server *server, struct janitor **out, struct err *err) MUST_CHECK;
/* Look at once rather than within a minute; it is logged when that is done. */
void janitor_wake(struct janitor *j);
void janitor_stop(struct janitor *j); /* NULL is fine. */
/* Back the database up under a new name (api_dump.c). name: FS_NAME_MAX + 1, path: FS_PATH_MAX. */
bool server_backup(struct server *server, const struct dump_note *note, char *name, char *path,
    struct err *err) MUST_CHECK;
/* Cancel its runs, delete its rows, then its files, and close its watchers (api_chat.c). */
bool server_delete_conversation(
    struct server *server, const struct conversation *c, struct err *err) MUST_CHECK;

/* Ask a worker about one file (inspect, preview). `job` becomes a full specification; taken over. */
bool file_ask(struct server *server, struct json *job, const char *name, const char *path,
    struct json **data, struct err *err) MUST_CHECK;

#endif
