#include "http_app.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void route(void *arg, struct http_exchange *x)
{
    struct app *app = arg;
    const char *path = x->request.path;

    if (strcmp(path, "/echo") == 0) {
        x->plan.body = HTTP_BODY_JSON;
        x->plan.max_body = APP_BODY_MAX;
    } else if (strcmp(path, "/upload") == 0) {
        x->plan.body = HTTP_BODY_FORM_OR_JSON;
        x->plan.max_body = APP_UPLOAD_MAX;
        x->plan.upload_dir = app->dir;
    } else if (strcmp(path, "/quick") == 0) {
        x->plan.quick = true;
        x->plan.body = HTTP_BODY_JSON;
        x->plan.max_body = APP_BODY_MAX;
    } else if (strcmp(path, "/refused") == 0) {
        x->plan.refuse = 403;
    }
}

static void text(struct http_reply *reply, int status, const char *s)
{
    reply->status = status;
    reply->content_type = "text/plain";
    reply->body = strdup(s);
    reply->body_len = strlen(s);
}

static void reply_parts(struct http_exchange *x)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < x->request.n_parts; i++) {
        const struct http_part *p = &x->request.parts[i];

        if (p->filename)
            buf_addf(&out, "%s file %s %llu %.16s\n", p->name, p->filename,
                (unsigned long long)p->size, p->sha256);
        else
            buf_addf(&out, "%s = %.100s (%zu)\n", p->name, p->value, p->value_len);
    }
    if (x->request.body)
        buf_addf(&out, "body %zu\n", x->request.body_len);
    x->reply.status = 200;
    x->reply.body_len = out.len;
    x->reply.body = buf_take(&out);
}

static void reply_file(struct http_exchange *x, const char *dir)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/../file", dir);
    snprintf(path, sizeof path, "%s.file", dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    x->reply.status = 200;
    x->reply.fd = fd;
    x->reply.fd_len = APP_FILE_BYTES;
    http_reply_header(&x->reply, "ETag", "\"v1\"");
}

static void *complete(void *arg)
{
    struct http_exchange *x = arg;

    text(&x->reply, 200, "later");
    http_complete(x);
    return NULL;
}

static void wait_released(struct app *app)
{
    pthread_mutex_lock(&app->lock);
    app->slow++;
    pthread_cond_broadcast(&app->changed);
    while (!app->released)
        pthread_cond_wait(&app->changed, &app->lock);
    app->slow--;
    pthread_mutex_unlock(&app->lock);
}

static void handle(void *arg, struct http_exchange *x)
{
    struct app *app = arg;
    const char *path = x->request.path, *name;

    pthread_mutex_lock(&app->lock);
    app->handled++;
    pthread_mutex_unlock(&app->lock);
    if (x->body_error.code != ERR_NONE) {
        text(&x->reply, x->plan.refuse ? x->plan.refuse : err_http_status(x->body_error.code),
            x->body_error.text);
    } else if (x->plan.refuse) {
        text(&x->reply, x->plan.refuse, "refused");
    } else if (strcmp(path, "/hello") == 0) {
        name = http_query(&x->request, "name");
        text(&x->reply, 200, name ? name : "hello");
    } else if (strcmp(path, "/echo") == 0 || strcmp(path, "/quick") == 0) {
        text(&x->reply, 200, x->request.body ? x->request.body : "");
    } else if (strcmp(path, "/upload") == 0) {
        reply_parts(x);
    } else if (strcmp(path, "/file") == 0) {
        reply_file(x, app->dir);
    } else if (strcmp(path, "/slow") == 0) {
        wait_released(app);
        text(&x->reply, 200, "slow");
    } else if (strcmp(path, "/later") == 0) {
        http_defer(x);
        app->later_started = pthread_create(&app->later, NULL, complete, x) == 0;
        assert_true(app->later_started);
    } else if (strncmp(path, "/events/", 8) == 0) {
        const char *since = http_query(&x->request, "since");

        x->reply.status = 200;
        x->reply.events = path + 8;
        x->reply.since = since ? strtoull(since, NULL, 10) : 0;
        http_reply_header(&x->reply, "X-Test", "stream");
    } else {
        text(&x->reply, 404, path);
    }
}

static void ws_open(void *arg, const char *path, const char *query, const char *origin,
    const char *host, struct ws_decision *out)
{
    (void)arg;
    (void)host;
    if (origin && strcmp(origin, "http://evil") == 0) {
        out->close_code = 1008;
        strcpy(out->error_message, "this origin may not connect");
    } else if (strncmp(path, "/keyed/", 7) == 0) {
        out->needs_key = true;
        snprintf(out->conversation, sizeof out->conversation, "%s", path + 7);
    } else if (strncmp(path, "/chat/", 6) != 0 || strcmp(path + 6, "none") == 0) {
        out->close_code = 4404;
        strcpy(out->error_message, "there is no such conversation");
    } else {
        snprintf(out->conversation, sizeof out->conversation, "%s", path + 6);
        out->replay = strncmp(query, "since=", 6) == 0;
        if (out->replay)
            out->since = strtoull(query + 6, NULL, 10);
    }
}

static bool authenticate(void *arg, const char *key, const char *client, char who[64])
{
    (void)arg;
    assert_string_equal(client, "127.0.0.1");
    strcpy(who, "guest");
    return strcmp(key, "good") == 0;
}

static bool may_stay(void *arg, const char *who)
{
    struct app *app = arg;

    return strcmp(who, "guest") != 0 || !app->banned;
}

static bool may_watch(void *arg, const char *who, const char *id)
{
    (void)arg;
    (void)who;
    return strcmp(id, "none") != 0;
}

static bool replay(void *arg, const char *id, uint64_t since, uint32_t max, struct arena *arena,
    struct http_event **out, size_t *n)
{
    struct app *app = arg;
    size_t first = (size_t)since;

    *n = 0;
    if (strcmp(id, "c1") != 0)
        return true;
    pthread_mutex_lock(&app->lock);
    app->replays++;
    *out = arena_calloc(arena, max, sizeof **out);
    assert_non_null(*out);
    while (*n < max && first < app->n_events) {
        (*out)[*n].seq = first + 1;
        (*out)[(*n)++].text = arena_strdup(arena, app->events[first++].text);
    }
    pthread_mutex_unlock(&app->lock);
    return true;
}

static uint64_t last_seq(void *arg, const char *id)
{
    struct app *app = arg;
    uint64_t n;

    pthread_mutex_lock(&app->lock);
    n = strcmp(id, "c1") == 0 ? app->n_events : 0;
    pthread_mutex_unlock(&app->lock);
    return n;
}

void app_start(struct app *app, struct http_config config)
{
    struct http_app callbacks = { .arg = app,
        .route = route,
        .handle = handle,
        .ws_open = ws_open,
        .ws_may_watch = may_watch,
        .ws_authenticate = authenticate,
        .may_stay = may_stay,
        .replay = replay,
        .last_seq = last_seq };
    struct err err = { 0 };
    char path[128];
    FILE *f;

    memset(app, 0, sizeof *app);
    strcpy(app->dir, "/tmp/sheetflow-net-XXXXXX");
    assert_non_null(mkdtemp(app->dir));
    snprintf(path, sizeof path, "%s.file", app->dir);
    f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < APP_FILE_BYTES; i++)
        fputc('a' + i % 26, f);
    fclose(f);
    pthread_mutex_init(&app->lock, NULL);
    pthread_cond_init(&app->changed, NULL);
    config.host = "127.0.0.1";
    if (!config.max_watchers)
        config.max_watchers = 2000;
    if (!config.threads)
        config.threads = 2;
    config.tmp_dir = app->dir;
    if (!http_start(&config, &callbacks, &app->server, &err))
        fail_msg("%s", err.text);
}

void app_stop(struct app *app)
{
    char path[128];

    http_stop(app->server, 5000);
    if (app->later_started)
        pthread_join(app->later, NULL);
    assert_int_equal(app_files(app), 0);
    snprintf(path, sizeof path, "%s.file", app->dir);
    unlink(path);
    rmdir(app->dir);
    for (size_t i = 0; i < app->n_events; i++)
        free((char *)app->events[i].text);
    free(app->events);
    pthread_mutex_destroy(&app->lock);
    pthread_cond_destroy(&app->changed);
}

void app_release(struct app *app)
{
    pthread_mutex_lock(&app->lock);
    app->released = true;
    pthread_cond_broadcast(&app->changed);
    pthread_mutex_unlock(&app->lock);
}

void app_ban(struct app *app)
{
    app->banned = true;
    http_recheck(app->server);
}

void app_wait_slow(struct app *app, int n)
{
    pthread_mutex_lock(&app->lock);
    while (app->slow < n)
        pthread_cond_wait(&app->changed, &app->lock);
    pthread_mutex_unlock(&app->lock);
}

uint64_t app_event(struct app *app, size_t pad)
{
    char *s = malloc(pad + 64);
    uint64_t seq;
    int n;

    assert_non_null(s);
    pthread_mutex_lock(&app->lock);
    if (app->n_events == app->cap_events) {
        app->cap_events = app->cap_events * 2 + 64;
        app->events = realloc(app->events, app->cap_events * sizeof *app->events);
        assert_non_null(app->events);
    }
    seq = app->n_events + 1;
    n = sprintf(s, "{\"type\":\"note\",\"seq\":%llu,\"pad\":\"", (unsigned long long)seq);
    memset(s + n, 'x', pad);
    strcpy(s + n + pad, "\"}");
    app->events[app->n_events++] = (struct http_event){ seq, s };
    /* Under the lock, so that the order of numbers is that of publication. */
    http_publish(app->server, "c1", seq, s, NULL);
    pthread_mutex_unlock(&app->lock);
    return seq;
}

size_t app_files(struct app *app)
{
    DIR *dir = opendir(app->dir);
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}
