/*
 * The bot's question to a language model, where the grammar did not understand and the settings name one. Whatever
 * goes wrong here, the bot answers as it does without: a line in the log says why, and quotes nothing.
 */

#include "server/bot.h"

#include "base/log.h"
#include "chat/model.h"
#include "net/model_client.h"
#include "workflow/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 4096, URL_MAX = 2048 };

/* ---- the key ---- */

static bool key_whole(const char *key)
{
    for (const char *p = key; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
            return false;
    }
    return *key != '\0';
}

/* Read each time, so that a new key needs no restart. */
static bool read_key(const struct settings *s, char key[KEY_MAX], struct err *err)
{
    const char *file = settings_string(s, "model.key_file");
    struct err why;
    char *text;
    size_t n;
    bool ok;

    if (!*file)
        return (size_t)snprintf(key, KEY_MAX, "%s", settings_string(s, "model.key")) < KEY_MAX ||
               err_set(err, ERR_ARG, "model.key is too long");
    if (!fs_load(file, KEY_MAX - 1, &text, &n, &why))
        return err_set(err, ERR_STATE, "the file of model.key_file cannot be read");
    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        text[--n] = '\0';
    snprintf(key, KEY_MAX, "%s", text);
    ok = strlen(text) == n && key_whole(key);
    explicit_bzero(text, n);
    free(text);
    return ok || err_set(err, ERR_STATE,
                     "the file of model.key_file holds no key: one line of printable ASCII "
                     "characters is expected");
}

/* ---- at start ---- */

bool bot_model_on(const struct server *server)
{
    return *settings_string(server->settings, "model.endpoint") != '\0';
}

bool bot_model_open(const struct server *server, struct err *err)
{
    const struct settings *s = server->settings;
    const char *endpoint = settings_string(s, "model.endpoint");
    char key[KEY_MAX] = "";
    bool ok;

    if (!bot_model_on(server))
        return true;
    if (!*settings_string(s, "model.name"))
        return err_set(err, ERR_ARG,
            "model.endpoint is set and model.name is not: name the model that is to be asked");
    ok = read_key(s, key, err) && model_client_open(err);
    if (ok && *key && strncmp(endpoint, "http://", 7) == 0 && !access_loopback(endpoint + 7) &&
        strncmp(endpoint + 7, "localhost", 9) != 0 && strncmp(endpoint + 7, "[::1]", 5) != 0)
        log_write(LOG_WARNING, "the language model's key goes over the network unencrypted", "note",
            "use an https endpoint", NULL);
    explicit_bzero(key, sizeof key);
    return ok;
}

/* ---- a question ---- */

static void log_unused(const struct call *call, const struct err *why)
{
    log_write(LOG_WARNING, "the language model was of no use", "chat_id", call->params[0], "reason",
        why->text, NULL);
}

/* Not so many at once that no thread is left for others. */
static bool enter(struct server *server)
{
    unsigned most = (unsigned)settings_int(server->settings, "app.threads") / 2;

    if (atomic_fetch_add(&server->model_calls, 1) < (most ? most : 1))
        return true;
    atomic_fetch_sub(&server->model_calls, 1);
    return false;
}

static bool post(struct server *server, const char *body, struct buf *reply, struct err *err)
{
    const struct settings *s = server->settings;
    const char *endpoint = settings_string(s, "model.endpoint");
    size_t n = strlen(endpoint);
    char url[URL_MAX], key[KEY_MAX] = "";
    struct model_call call = { .url = url,
        .key = key,
        .ca_file = settings_string(s, "model.ca_file"),
        .body = body,
        .timeout_ms = (uint32_t)settings_int(s, "model.timeout_seconds") * 1000,
        .stop = &server->stopping };
    bool ok;

    while (n > 0 && endpoint[n - 1] == '/')
        n--;
    if ((size_t)snprintf(url, sizeof url, "%.*s/chat/completions", (int)n, endpoint) >= sizeof url)
        return err_set(err, ERR_ARG, "model.endpoint is too long");
    ok = read_key(s, key, err) && model_client_post(&call, reply, err);
    explicit_bzero(key, sizeof key);
    return ok;
}

bool bot_model_ask(struct call *call, const char *message, const struct chat_table *files,
    size_t n_files, struct buf *reply)
{
    struct server *server = call->server;
    const struct settings *s = server->settings;
    struct model_ask ask = { .model = settings_string(s, "model.name"),
        .message = message,
        .files = files,
        .n_files = n_files,
        .send_values = settings_bool(s, "model.send_values") };
    char *body = NULL;
    struct err why;
    bool ok;

    buf_init(reply, (size_t)settings_int(s, "model.max_reply_kb") << 10);
    if (!enter(server)) {
        err_set(&why, ERR_BUSY, "as many questions as are allowed are under way");
        log_unused(call, &why);
        return false;
    }
    ok = model_request(&ask, &body, &why) && post(server, body, reply, &why);
    atomic_fetch_sub(&server->model_calls, 1);
    free(body);
    if (!ok)
        log_unused(call, &why);
    return ok;
}

/* Does a setting switch off what the steps need? */
static bool switched_on(struct server *server, const struct json *steps, struct err *err)
{
    struct json *bare = json_clone(steps);
    struct err why;
    bool ok;

    for (size_t i = 0; i < json_len(bare); i++)
        json_remove((struct json *)(uintptr_t)json_at(bare, i), "description");
    ok = bare && plan_apply_settings(bare, server->settings, &why);
    json_free(bare);
    return ok || err_set(err, ERR_DATA, "a setting refuses what the answer holds");
}

bool bot_model_steps(struct call *call, struct buf *reply, const struct chat_table *files,
    size_t n_files, struct json **steps)
{
    size_t max = (size_t)settings_int(call->server->settings, "chat_workflows.execution.max_steps");
    struct err why;

    if (!model_reply(buf_str(reply), reply->len, files, n_files, max, call->arena, steps, &why)) {
        log_unused(call, &why);
        return false;
    }
    if (switched_on(call->server, *steps, &why))
        return true;
    log_unused(call, &why);
    json_free(*steps);
    return false;
}
