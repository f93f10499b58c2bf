/* The small talk of a watcher's connection. */

#include "net/ws_message.h"

#include "base/clock.h"
#include "base/date.h"

#include <string.h>

void ws_message_read(const char *p, size_t n, struct ws_message *out)
{
    const char *type;
    struct err err;
    int64_t since;

    *out = (struct ws_message){ .said = WS_SAID_OTHER };
    if (n == 4 && memcmp(p, "ping", 4) == 0) { /* Clients of old say it so. */
        out->said = WS_SAID_PING;
        return;
    }
    if (!json_parse(p, n, &out->json, &err)) {
        out->said = WS_SAID_NONSENSE;
        return;
    }
    type = json_get_string(out->json, "type");
    if (type && strcmp(type, "ping") == 0) {
        out->said = WS_SAID_PING;
    } else if (type && strcmp(type, "authenticate") == 0) {
        out->said = WS_SAID_AUTHENTICATE;
        out->key = json_get_string(out->json, "key");
    } else if (type && strcmp(type, "subscribe") == 0) {
        out->said = WS_SAID_SUBSCRIBE;
        out->chat_id = json_get_string(out->json, "chat_id");
        since = json_get_int(out->json, "since", -1);
        out->has_since = since >= 0;
        out->since = out->has_since ? (uint64_t)since : 0;
    }
}

void ws_message_free(struct ws_message *message)
{
    json_free(message->json);
}

/* Takes over `object`, adds what all texts end with. */
static char *finish(struct json *object)
{
    char stamp[DATE_TEXT_MAX], *text = NULL;

    date_format_utc(clock_wall_ns(), stamp);
    if (json_set_string(object, "timestamp", stamp))
        text = json_text(object);
    json_free(object);
    return text;
}

char *ws_text_connected(const char *chat_id, uint64_t seq)
{
    struct json *o = json_new_object();

    json_set_string(o, "type", "connected");
    json_set_string(o, "chat_id", chat_id);
    json_set_int(o, "seq", (int64_t)(seq > INT64_MAX ? INT64_MAX : seq));
    return finish(o);
}

char *ws_text_pong(void)
{
    struct json *o = json_new_object();

    json_set_string(o, "type", "pong");
    return finish(o);
}

char *ws_text_authenticated(void)
{
    struct json *o = json_new_object();

    json_set_string(o, "type", "authenticated");
    return finish(o);
}

char *ws_text_ack(const struct json *original)
{
    struct json *o = json_new_object();

    json_set_string(o, "type", "ack");
    json_set(o, "original", json_ref(original));
    return finish(o);
}

char *ws_text_error(const char *message)
{
    struct json *o = json_new_object();

    json_set_string(o, "type", "error");
    json_set_string(o, "message", message);
    return finish(o);
}
