/*
 * `sheetflow serve`, from settings to a clean end.
 *
 *   settings ─▶ data folder (locked) ─▶ store ─▶ reconcile ─▶ http ─▶ dispatcher ─▶ recover ─▶ wait for a signal
 *   and back: stop taking runs and end those under way, let requests finish, close the store (checkpoint)
 */

#include "server/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "net/model_client.h"
#include "net/rate.h"
#include "server/folder.h"
#include "server/metrics.h"
#include "server/notify.h"
#include "server/uploads.h"
#include "workflow/sandbox.h"
#include "workflow/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_GRACE_MS = 5000, PUBLIC_WITHOUT_KEY_EXIT = 78 };

static enum log_level level_of(const char *name)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0)
            return (enum log_level)i;
    }
    return LOG_INFO;
}

/* ---- callbacks of the network layer ---- */

/* "/chat/{id}?since=N" */
static void read_watch(const char *path, const char *query, struct ws_decision *out)
{
    const char *id = strncmp(path, "/chat/", 6) == 0 ? path + 6 : "";

    snprintf(out->conversation, sizeof out->conversation, "%.63s", id);
    for (const char *p = query; p && *p; p++) {
        if (strncmp(p, "since=", 6) == 0 && (p == query || p[-1] == '&')) {
            out->since = strtoull(p + 6, NULL, 10);
            out->replay = true;
        }
    }
}

static bool sees(
    struct server *server, const struct principal *who, const char *id, struct err *err)
{
    struct conversation c;
    struct arena arena;
    bool found;

    arena_init(&arena, NULL);
    found = store_conversation_get_of(server->store, id, principal_sees(who), &arena, &c, err);
    arena_deinit(&arena);
    return found;
}

static void ws_open(void *arg, const char *path, const char *query, const char *origin,
    const char *host, struct ws_decision *out)
{
    struct server *server = arg;
    bool on = settings_bool(server->settings, "chat_workflows.enabled");
    struct principal who;
    struct err err;

    *out = (struct ws_decision){ .request = out->request };
    if (!host_allowed(server, host) || !origin_allowed(server, origin, host)) {
        out->close_code = 4403;
        snprintf(out->error_message, sizeof out->error_message,
            "pages of that origin may not connect; add it to api.cors_origins");
        return;
    }
    if (!access_ws(server, out, &who))
        return;
    read_watch(on ? path : "", query, out);
    if (out->needs_key || sees(server, &who, out->conversation, &err))
        return;
    if (err.code == ERR_NOT_FOUND) {
        out->close_code = 4404;
        snprintf(out->error_message, sizeof out->error_message, "there is no conversation %s",
            out->conversation);
    } else { /* It may be there. */
        out->close_code = ACCESS_TRY_AGAIN;
        snprintf(out->error_message, sizeof out->error_message, "%s", err.text);
    }
}

static bool ws_may_watch(void *arg, const char *watcher, const char *id)
{
    struct server *server = arg;
    struct principal who;
    struct err err;

    return access_watcher(server, watcher, &who) && sees(server, &who, id, &err);
}

static bool ws_authenticate(void *arg, const char *key, const char *client, char who[64])
{
    return access_ws_key(arg, key, client, who);
}

static bool may_stay(void *arg, const char *watcher)
{
    struct principal who;

    return access_watcher(arg, watcher, &who);
}

static bool replay(void *arg, const char *id, uint64_t since, uint32_t max, struct arena *arena,
    struct http_event **out, size_t *n)
{
    struct server *server = arg;
    struct event *events;
    struct http_event *list;

    if (!store_events(server->store, id, since, max, arena, &events, n, &(struct err){ 0 }) ||
        *n == 0)
        return false;
    list = arena_calloc(arena, *n, sizeof *list);
    for (size_t i = 0; list && i < *n; i++)
        list[i] = (struct http_event){ events[i].seq, events[i].body };
    *out = list;
    return list != NULL;
}

static uint64_t last_seq(void *arg, const char *id)
{
    struct server *server = arg;
    uint64_t seq = 0;

    return store_last_seq(server->store, id, &seq, &(struct err){ 0 }) ? seq : 0;
}

static void log_request(const struct server *server, const struct http_exchange *x)
{
    const char *which = settings_string(server->settings, "logging.requests");
    int status = x->reply.status;
    char number[16], ms[32];

    if (strcmp(which, "all") != 0 && !(status >= 400 && strcmp(which, "errors") == 0))
        return;
    snprintf(number, sizeof number, "%d", status);
    snprintf(ms, sizeof ms, "%.1f", (double)(clock_wall_ns() - x->request.started_ns) / 1e6);
    log_write(status >= 500 ? LOG_ERROR : LOG_INFO, "request", "request_id", x->request.id,
        "client", x->request.client, "method", x->request.method ? x->request.method : "", "path",
        x->request.raw_path, "status", number, "ms", ms, NULL);
}

static void audit_request(struct server *server, const struct http_exchange *x)
{
    const struct http_request *r = &x->request;
    const struct caller *caller = x->plan.caller;

    if (!caller)
        return;
    if (caller->refused.code == ERR_UNAUTHORIZED)
        access_audit_failure(server, r, NULL);
    else if (strcmp(r->method, "GET") != 0)
        audit_write(server->audit, &(struct audit_line){ .event = "request",
                                       .key_id = caller->who.key,
                                       .owner = caller->who.owner,
                                       .address = r->client,
                                       .method = r->method,
                                       .path = r->path,
                                       .conversation = caller->conversation,
                                       .subject = caller->subject,
                                       .status = x->reply.status,
                                       .request_id = r->id });
}

static void answered(void *arg, const struct http_exchange *x)
{
    struct server *server = arg;

    metrics_request(server->metrics, routes_index(x), x);
    log_request(server, x);
    audit_request(server, x);
    access_upload_over(server, x->plan.caller);
}

static void ended(void *arg, const struct http_exchange *x)
{
    access_upload_over(arg, x->plan.caller); /* It broke off. */
}

/* ---- start and stop ---- */

static bool open_data(struct server *server, int *lock, struct err *err)
{
    struct folder folder = { .settings = server->settings, .dirs = &server->dirs };

    if (!folder_open(&folder, FOLDER_SERVE, err))
        return false;
    server->store = folder.store;
    *lock = folder.lock;
    return true;
}

/* Where the separate WebSocket port listens. */
static const char *ws_host(const struct settings *s)
{
    const char *host = settings_string(s, "chat_workflows.websocket.host");

    return *host ? host : settings_string(s, "app.host");
}

static bool has_tls(const struct settings *s)
{
    return *settings_string(s, "tls.certificate") || *settings_string(s, "tls.key");
}

static bool start_http(struct server *server, struct err *err)
{
    const struct settings *s = server->settings;
    char *control = server->control;
    struct http_app app = { .arg = server,
        .route = routes_plan,
        .handle = routes_handle,
        .answered = answered,
        .ended = ended,
        .ws_open = ws_open,
        .ws_may_watch = ws_may_watch,
        .ws_authenticate = ws_authenticate,
        .may_stay = may_stay,
        .replay = replay,
        .last_seq = last_seq };
    struct http_config config = { .host = settings_string(s, "app.host"),
        .port = (uint16_t)settings_int(s, "app.port"),
        .ws_port = (uint16_t)settings_int(s, "chat_workflows.websocket.port"),
        .ws_host = ws_host(s),
        .max_watchers = (uint32_t)settings_int(s, "chat_workflows.max_connections"),
        .max_connections = (uint32_t)settings_int(s, "chat_workflows.max_connections") + 1000,
        .timeout_s = (uint32_t)settings_int(s, "api.timeout"),
        .ping_interval_s = (uint32_t)settings_int(s, "chat_workflows.websocket.ping_interval"),
        .ping_timeout_s = (uint32_t)settings_int(s, "chat_workflows.websocket.ping_timeout"),
        .threads = (uint32_t)settings_int(s, "app.threads"),
        .tmp_dir = server->dirs.tmp,
        .max_per_address = (uint32_t)settings_int(s, "access.max_connections_per_address"),
        .control = control };

    if (!fs_join(control, server->dirs.root, CONTROL_SOCKET, err))
        return false;
    if (has_tls(s)) {
        config.tls_certificate = settings_string(s, "tls.certificate");
        config.tls_key = settings_string(s, "tls.key");
    }
    return http_start(&config, &app, &server->http, err);
}

/* Other machines are let near only where a key keeps them out, or where somebody says that he knows. */
static bool check_host(const struct server *server, struct err *err)
{
    const struct settings *s = server->settings;

    if (server->loopback_only || settings_bool(s, "app.allow_public") ||
        auth_has_usable(server->auth))
        return true;
    return err_set(err, ERR_USAGE,
        "other machines could reach %s and there is no key that they would need; make one: "
        "'sheetflow keys create --name admin --role admin --data %.200s'; or use a loopback "
        "address; or, behind a proxy that asks for a key itself, start with "
        "--i-accept-no-auth-on-public-address (app.allow_public: true)",
        access_loopback(settings_string(s, "app.host")) ? ws_host(s)
                                                        : settings_string(s, "app.host"),
        settings_string(s, "chat_workflows.storage.data_path"));
}

static bool open_access(struct server *server, struct err *err)
{
    const struct settings *s = server->settings;

    server->loopback_only =
        access_loopback(settings_string(s, "app.host")) &&
        (access_loopback(ws_host(s)) || settings_int(s, "chat_workflows.websocket.port") == 0);
    server->rate = rate_new();
    return (server->rate || err_nomem(err)) && auth_new(server->store, &server->auth, err) &&
           audit_open(server->settings, &server->audit, err) && check_host(server, err);
}

static bool check_sandbox(struct server *server, struct err *err)
{
    const char *state;

    if (!sandbox_probe(&server->sandbox))
        return err_errno(err, errno, "a process cannot be started");
    state = sandbox_state(server->sandbox);
    if (strcmp(state, "full") == 0)
        return true;
    if (strcmp(settings_string(server->settings, "chat_workflows.execution.sandbox"), "require") ==
        0)
        return err_set(err, ERR_STATE,
            "this system's sandbox for workers is not whole (%s), and "
            "chat_workflows.execution.sandbox requires it",
            state);
    log_write(LOG_WARNING, "workers run without a whole sandbox", "sandbox", state, NULL);
    return true;
}

/* In one piece: who waits for the line must not read half a port. */
static void announce(const struct server *server)
{
    const char *host = settings_string(server->settings, "app.host");
    const char *open = strchr(host, ':') ? "[" : "", *close = strchr(host, ':') ? "]" : "";
    char also[64] = "";

    if (http_ws_port(server->http))
        snprintf(also, sizeof also, " (WebSocket also on port %u)", http_ws_port(server->http));
    fprintf(stderr, "Sheetflow %s listens on %s://%s%s%s:%u%s; data in %s\n", SHEETFLOW_VERSION,
        has_tls(server->settings) ? "https" : "http", open, host, close, http_port(server->http),
        also, server->dirs.root);
}

/* Settings that a reload has replaced; requests under way may still read them. */
struct reloads {
    settings_again_fn *again;
    void *arg;
    struct settings **taken;
    size_t n;
};

static bool reload(struct server *server, struct reloads *r, size_t *n_kept, struct err *err)
{
    struct settings **grown = realloc(r->taken, (r->n + 1) * sizeof(struct settings *));
    struct settings *fresh;

    if (!grown)
        return err_nomem(err);
    r->taken = grown;
    if (!r->again(r->arg, &fresh, err))
        return false;
    if (!settings_keep(fresh, server->settings, n_kept, err)) {
        settings_free(fresh);
        return false;
    }
    r->taken[r->n++] = fresh;
    server->settings = fresh;
    log_set_level(level_of(settings_string(fresh, "logging.level")));
    log_set_rotation(settings_string(fresh, "logging.rotation"));
    audit_configure(server->audit, fresh);
    if (!log_reopen(err)) /* The file that is open goes on. */
        log_write(LOG_ERROR, "the log is not opened anew", "error", err->text, NULL);
    return true;
}

static void wait_for_signal(
    struct server *server, struct reloads *r, struct janitor *janitor, const sigset_t *set)
{
    struct err err;
    size_t n_kept = 0;
    int got = 0;

    while (sigwait(set, &got) != 0 || (got != SIGTERM && got != SIGINT)) {
        if (got != SIGHUP)
            continue;
        audit_reopen(server->audit);
        if (!http_tls_reload(server->http, &err))
            log_write(LOG_ERROR, "the certificate stays as it is", "error", err.text, NULL);
        if (!reload(server, r, &n_kept, &err))
            log_write(LOG_ERROR, "the settings stay as they are", "error", err.text, NULL);
        else
            log_write(LOG_INFO, "settings reloaded", "note",
                n_kept ? "some changes need a restart" : "", NULL);
        janitor_wake(janitor);
    }
}

int server_main(const struct settings *settings, settings_again_fn *again, void *arg)
{
    struct reloads reloads = { .again = again, .arg = arg };
    struct server server = { .settings = settings, .started_ns = clock_wall_ns() };
    struct unfinished *unfinished = NULL;
    struct janitor *janitor = NULL;
    struct err err = { 0 };
    sigset_t signals;
    int lock = -1;
    bool ok;

    /* Before any thread starts, so that all of them leave the signals to this one. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    setvbuf(stderr, NULL, _IOLBF, 0);
    snprintf(server.prefix, sizeof server.prefix, "%s", settings_string(settings, "api.prefix"));
    log_set_rotation(settings_string(settings, "logging.rotation"));
    ok = log_open(level_of(settings_string(settings, "logging.level")),
             strcmp(settings_string(settings, "logging.format"), "json") == 0,
             settings_string(settings, "logging.file"), &err) &&
         bot_model_open(&server, &err) && check_sandbox(&server, &err) &&
         open_data(&server, &lock, &err) && open_access(&server, &err) &&
         metrics_new(&server.metrics, &err) && bot_new(&server.bot, &err) &&
         events_new(&server.events, &err) && idempotency_new(&server.idempotency, &err) &&
         uploads_new(&server.uploads, &err) && results_open(&server, &err) &&
         sent_open(&server, &err) &&
         slots_start((uint32_t)settings_int(settings, "chat_workflows.execution.workers"),
             &server.slots, &err) &&
         dispatcher_start(&server,
             (uint32_t)settings_int(settings, "chat_workflows.execution.workers"),
             &server.dispatcher, &err) &&
         runs_unfinished(&server, &unfinished, &err) && start_http(&server, &err) &&
         runs_recover(&server, unfinished, &err) && janitor_start(&server, &janitor, &err);
    runs_unfinished_free(unfinished);
    if (ok) {
        worker_keep_spare(true);
        announce(&server);
        notify_manager("READY=1");
        wait_for_signal(&server, &reloads, janitor, &signals);
        notify_manager("STOPPING=1");
        fprintf(stderr, "Sheetflow stops\n");
    } else {
        fprintf(stderr, "sheetflow: %s\n", err.text);
    }
    server.stopping = true;
    janitor_stop(janitor);
    if (server.dispatcher)
        dispatcher_halt(server.dispatcher);
    slots_stop(server.slots);
    if (server.http)
        http_stop(server.http, STOP_GRACE_MS);
    server.http = NULL;
    dispatcher_stop(server.dispatcher);
    worker_keep_spare(false);
    if (server.auth)
        auth_write_uses(server.auth);
    auth_free(server.auth);
    rate_free(server.rate);
    uploads_free(server.uploads);
    audit_close(server.audit);
    if (server.store)
        store_close(server.store);
    events_free(server.events);
    idempotency_free(server.idempotency);
    metrics_free(server.metrics);
    free(server.description);
    bot_free(server.bot);
    model_client_close();
    if (lock >= 0)
        close(lock);
    for (size_t i = 0; i < reloads.n; i++)
        settings_free(reloads.taken[i]);
    free(reloads.taken);
    log_close();
    return ok ? 0 : err.code == ERR_USAGE ? PUBLIC_WITHOUT_KEY_EXIT : err_exit_status(err.code);
}
