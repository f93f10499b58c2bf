#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

/*
 * Who asks: keys as the server knows them, in memory, and what they stand for.
 *
 *   sheetflow keys, POST /keys ─▶ store ─auth_load()─▶ here ─auth_key()─▶ struct principal ─▶ routes, watchers
 *
 * A key is looked up by its SHA-256; its text is nowhere kept. While no key was ever made, nobody is asked for one.
 */

#include "base/setting.h"
#include "store/store.h"

/* In order: who may do something may do all before it. */
enum role { ROLE_OPEN, ROLE_READER, ROLE_WRITER, ROLE_ADMIN };
const char *role_name(enum role role);            /* "open", "reader", "writer", "admin" */
bool role_find(const char *name, enum role *out); /* Those that a key can have. */

enum {
    AUTH_OWNER_MAX = 64,
    AUTH_NAME_MAX = 100,
    AUTH_KEY_TEXT = 47
}; /* sf_ and 43 letters, NUL. */

struct principal {
    enum role role;
    char key[STORE_KEY_ID];         /* "": without a key. */
    char owner[AUTH_OWNER_MAX + 1]; /* "": nobody's. */
};
/* Whose conversations it sees, as the store wants it: NULL for all. */
const char *principal_sees(const struct principal *p);
/* Whose a new conversation is; NULL: nobody's. */
const char *principal_owner(const struct principal *p);

struct auth;

/* All of the following are thread-safe and quick; those with an err use the store. */
bool auth_new(struct store *store, struct auth **out, struct err *err) MUST_CHECK;
void auth_free(struct auth *auth); /* NULL is fine. */
/* After a change of keys in the store. */
bool auth_load(struct auth *auth, struct err *err) MUST_CHECK;
bool auth_has_keys(struct auth *auth);   /* Was any ever made? */
bool auth_has_usable(struct auth *auth); /* Is there one that works now? */
/* Whose key is this? False: unknown, expired or revoked. Notes the use. */
bool auth_key(struct auth *auth, const char *text, size_t n, struct principal *out);
/* The same by its id, which is no secret: for those who have shown the key before. */
bool auth_key_id(struct auth *auth, const char *id, struct principal *out);
void auth_write_uses(
    struct auth *auth); /* Last uses to the store; once a minute, and at the end. */

/*
 * A link that works without a key until expires_s (seconds since the epoch), as 64 hex digits: of a path and whose key
 * it was made with. The secret is this process's own, so a restart ends all links.
 */
void auth_sign(
    struct auth *auth, const char *path, const char *key_id, int64_t expires_s, char out[65]);
bool auth_signed(struct auth *auth, const char *path, const char *key_id, const char *expires,
    const char *signature, struct principal *out);

/* ---- making keys (keys.c) ---- */

/*
 * Make a key of {name, role, owner?, expires?} and store it. expires: "90d", "12h" or "30m" from now. text: shown
 * once. Errors: ERR_ARG naming the member.
 */
bool key_create(struct store *store, const struct json *wanted, struct store_key *key,
    struct arena *arena, char text[AUTH_KEY_TEXT], struct err *err) MUST_CHECK;
bool key_revoke(struct store *store, const char *id, struct err *err) MUST_CHECK;
/* As clients see it. */
struct json *key_view(const struct store_key *key);

/* SHA-256 of a text as hex. False when memory ends. */
bool key_hash(const char *text, size_t n, char hex[65]);

#endif
