#ifndef NET_WS_HANDSHAKE_H
#define NET_WS_HANDSHAKE_H

/* The opening handshake of a WebSocket (RFC 6455, chapter 4), as text. */

#include <stdbool.h>

struct ws_handshake { /* Header values; NULL where absent. */
    const char *upgrade, *connection, *version, *key;
};

/* Does the request ask for a WebSocket at all (Upgrade: websocket)? */
bool ws_handshake_asked(const struct ws_handshake *h);

/*
 * Sec-WebSocket-Accept for it; false when version or key or Connection do not hold what they must, or memory ends
 * (memory_lost()).
 */
bool ws_handshake_answer(const struct ws_handshake *h, char accept[32]);

#endif
