/* The handshake's arithmetic: base64 of the SHA-1 of the key and a fixed GUID, by libcrypto. */

#include "net/ws_handshake.h"

#include "base/err.h"

/* libcrypto's headers claim a name for a type that is one of our error codes. */
#define ERR_STATE crypto_err_state
#include <openssl/evp.h>
#undef ERR_STATE
#include <string.h>
#include <strings.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
enum { KEY_LEN = 24, KEY_BYTES = 16, DIGEST = 20 };

/* Is `token` in the comma-separated list? Without case. */
static bool has_token(const char *list, const char *token)
{
    size_t n = strlen(token);

    while (list && *list) {
        size_t len;

        list += strspn(list, " \t,");
        len = strcspn(list, " \t,");
        if (len == n && strncasecmp(list, token, n) == 0)
            return true;
        list += len;
    }
    return false;
}

bool ws_handshake_asked(const struct ws_handshake *h)
{
    return has_token(h->upgrade, "websocket");
}

bool ws_handshake_answer(const struct ws_handshake *h, char accept[32])
{
    unsigned char text[KEY_LEN + sizeof guid - 1], raw[KEY_LEN], digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (!has_token(h->connection, "upgrade") || !h->version || strcmp(h->version, "13") != 0 ||
        !h->key || strlen(h->key) != KEY_LEN)
        return false;
    memcpy(text, h->key, KEY_LEN);
    /* 16 bytes are 22 letters and two fillers. */
    if (text[KEY_LEN - 1] != '=' || text[KEY_LEN - 2] != '=' ||
        EVP_DecodeBlock(raw, text, KEY_LEN) != KEY_BYTES + 2)
        return false;
    memcpy(text + KEY_LEN, guid, sizeof guid - 1);
    if (EVP_Digest(text, sizeof text, digest, &n, EVP_sha1(), NULL) != 1 || n != DIGEST) {
        memory_note_lost(); /* It fails for nothing else. */
        return false;
    }
    EVP_EncodeBlock((unsigned char *)accept, digest, DIGEST); /* 28 letters and a NUL. */
    return true;
}
