#ifndef NET_WS_MESSAGE_H
#define NET_WS_MESSAGE_H

/*
 * What watchers and server say to each other besides events: the JSON texts of the protocol.
 * Texts returned are the caller's to free; NULL when memory ends.
 */

#include "base/json.h"

enum ws_said {
    WS_SAID_PING,
    WS_SAID_SUBSCRIBE,
    WS_SAID_AUTHENTICATE,
    WS_SAID_OTHER,
    WS_SAID_NONSENSE
};

struct ws_message {
    enum ws_said said;
    const char *chat_id; /* SUBSCRIBE; NULL when it is not a text. In `json`. */
    const char *key;     /* AUTHENTICATE; NULL when it is not a text. In `json`. */
    bool has_since;
    uint64_t since;
    struct json *json;
};

void ws_message_read(const char *p, size_t n, struct ws_message *out);
void ws_message_free(struct ws_message *message);

char *ws_text_connected(const char *chat_id, uint64_t seq);
char *ws_text_pong(void);
char *ws_text_authenticated(void);
char *ws_text_ack(const struct json *original);
char *ws_text_error(const char *message);

#endif
