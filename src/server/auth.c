/*
 * Keys in memory. Every request looks here, on the loop thread too, so nothing here waits for the disk but
 * auth_load() and auth_write_uses(), which hold no lock while they do.
 */

#include "server/auth.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/num.h"
#include "base/rand.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS INT64_C(60000000000)
#define NS_PER_S INT64_C(1000000000)
enum { HEX = 64, BLOCK = 64, SECRET = 32 };

struct entry {
    struct principal who;
    char sha256[HEX + 1];
    int64_t expires_ns, revoked_ns;
    _Atomic int64_t used_ns;
    int64_t written_ns; /* Of used_ns, in the store. */
};

struct auth {
    struct store *store;
    pthread_rwlock_t lock;
    struct entry *entries;
    size_t n;
    unsigned char secret[SECRET];
};

static const char *const role_names[] = { "open", "reader", "writer", "admin" };

const char *role_name(enum role role)
{
    return role_names[role];
}

bool role_find(const char *name, enum role *out)
{
    for (size_t i = ROLE_READER; i < ARRAY_LEN(role_names); i++) {
        if (strcmp(role_names[i], name) == 0) {
            *out = (enum role)i;
            return true;
        }
    }
    return false;
}

const char *principal_sees(const struct principal *p)
{
    return p->role == ROLE_ADMIN ? NULL : p->owner;
}

const char *principal_owner(const struct principal *p)
{
    return p->owner[0] ? p->owner : NULL;
}

/* ---- the list ---- */

bool auth_new(struct store *store, struct auth **out, struct err *err)
{
    struct auth *auth = calloc(1, sizeof *auth);

    if (!auth)
        return err_nomem(err);
    auth->store = store;
    pthread_rwlock_init(&auth->lock, NULL);
    rand_bytes(auth->secret, sizeof auth->secret);
    if (!auth_load(auth, err)) {
        auth_free(auth);
        return false;
    }
    *out = auth;
    return true;
}

void auth_free(struct auth *auth)
{
    if (!auth)
        return;
    pthread_rwlock_destroy(&auth->lock);
    free(auth->entries);
    explicit_bzero(auth->secret, sizeof auth->secret);
    free(auth);
}

static void take_key(struct entry *e, const struct store_key *key)
{
    memcpy(e->who.key, key->id, sizeof e->who.key);
    snprintf(e->who.owner, sizeof e->who.owner, "%s", key->owner);
    if (!role_find(key->role, &e->who.role))
        e->who.role = ROLE_OPEN; /* May nothing. */
    memcpy(e->sha256, key->sha256, sizeof e->sha256);
    e->expires_ns = key->expires_ns;
    e->revoked_ns = key->revoked_ns;
    e->used_ns = e->written_ns = key->last_used_ns;
}

/* A use that is not written yet outlives the reading of the list. Under the lock. */
static void keep_uses(const struct auth *auth, struct entry *fresh, size_t n)
{
    for (size_t i = 0; i < n && i < auth->n; i++) { /* Keys are never deleted, so places stay. */
        if (strcmp(fresh[i].who.key, auth->entries[i].who.key) == 0 &&
            auth->entries[i].used_ns > fresh[i].used_ns)
            fresh[i].used_ns = auth->entries[i].used_ns;
    }
}

bool auth_load(struct auth *auth, struct err *err)
{
    struct entry *fresh = NULL, *old;
    struct store_key *keys;
    struct arena arena;
    size_t n = 0;
    bool ok;

    arena_init(&arena, NULL);
    ok = store_keys(auth->store, &arena, &keys, &n, err);
    if (ok) {
        fresh = calloc(n ? n : 1, sizeof *fresh);
        if (!fresh)
            err_nomem(err);
    }
    for (size_t i = 0; fresh && i < n; i++)
        take_key(&fresh[i], &keys[i]);
    arena_deinit(&arena);
    if (!fresh)
        return false;
    pthread_rwlock_wrlock(&auth->lock);
    keep_uses(auth, fresh, n);
    old = auth->entries;
    auth->entries = fresh;
    auth->n = n;
    pthread_rwlock_unlock(&auth->lock);
    free(old);
    return true;
}

static bool usable(const struct entry *e, int64_t now_ns)
{
    return !e->revoked_ns && (!e->expires_ns || now_ns < e->expires_ns);
}

bool auth_has_keys(struct auth *auth)
{
    bool yes;

    pthread_rwlock_rdlock(&auth->lock);
    yes = auth->n > 0;
    pthread_rwlock_unlock(&auth->lock);
    return yes;
}

bool auth_has_usable(struct auth *auth)
{
    int64_t now_ns = clock_wall_ns();
    bool yes = false;

    pthread_rwlock_rdlock(&auth->lock);
    for (size_t i = 0; i < auth->n && !yes; i++)
        yes = usable(&auth->entries[i], now_ns);
    pthread_rwlock_unlock(&auth->lock);
    return yes;
}

/* ---- looking up ---- */

/* In a time that does not tell how much of them is equal. */
static bool same_hex(const char *a, const char *b)
{
    unsigned char differs = 0;

    for (size_t i = 0; i < HEX; i++)
        differs = (unsigned char)(differs | (a[i] ^ b[i]));
    return differs == 0;
}

bool auth_key(struct auth *auth, const char *text, size_t n, struct principal *out)
{
    int64_t now_ns = clock_wall_ns();
    struct entry *found = NULL;
    char hash[HEX + 1];

    if (n != AUTH_KEY_TEXT - 1 || !key_hash(text, n, hash))
        return false;
    pthread_rwlock_rdlock(&auth->lock);
    for (size_t i = 0; i < auth->n; i++) {
        if (same_hex(auth->entries[i].sha256, hash))
            found = &auth->entries[i];
    }
    if (found && !usable(found, now_ns))
        found = NULL;
    if (found) {
        atomic_store(&found->used_ns, now_ns);
        *out = found->who;
    }
    pthread_rwlock_unlock(&auth->lock);
    return found != NULL;
}

bool auth_key_id(struct auth *auth, const char *id, struct principal *out)
{
    int64_t now_ns = clock_wall_ns();
    bool found = false;

    pthread_rwlock_rdlock(&auth->lock);
    for (size_t i = 0; i < auth->n && !found; i++) {
        found = strcmp(auth->entries[i].who.key, id) == 0 && usable(&auth->entries[i], now_ns);
        if (found)
            *out = auth->entries[i].who;
    }
    pthread_rwlock_unlock(&auth->lock);
    return found;
}

/* The transaction of all uses that are not written yet; NULL when there are none. Under the lock. */
static struct store_tx *collect_uses(struct auth *auth)
{
    struct store_tx *tx = NULL;

    for (size_t i = 0; i < auth->n; i++) {
        struct entry *e = &auth->entries[i];
        int64_t used_ns = atomic_load(&e->used_ns);

        if (used_ns <= e->written_ns)
            continue;
        if (!tx)
            tx = store_begin(auth->store);
        store_touch_key(tx, e->who.key, used_ns);
        e->written_ns = used_ns;
    }
    return tx;
}

void auth_write_uses(struct auth *auth)
{
    struct store_tx *tx;
    struct err err;

    pthread_rwlock_wrlock(&auth->lock);
    tx = collect_uses(auth);
    pthread_rwlock_unlock(&auth->lock);
    if (tx && !store_commit(tx, &err))
        log_write(LOG_WARNING, "the last uses of keys cannot be written", "error", err.text, NULL);
}

/* ---- links ---- */

/* HMAC-SHA-256 (RFC 2104) of a text; the hash is at hand as hex only, which serves as well within. */
static bool hmac(const unsigned char secret[SECRET], const char *text, char out[HEX + 1])
{
    unsigned char inner[BLOCK] = { 0 }, outer[BLOCK] = { 0 };
    struct fs_sha256 *sum = fs_sha256_new();
    char hex[HEX + 1];

    for (size_t i = 0; i < BLOCK; i++) {
        unsigned char byte = i < SECRET ? secret[i] : 0;

        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5c;
    }
    if (!sum)
        return false;
    fs_sha256_add(sum, inner, BLOCK);
    fs_sha256_add(sum, text, strlen(text));
    fs_sha256_end(sum, hex);
    sum = fs_sha256_new();
    if (!sum)
        return false;
    fs_sha256_add(sum, outer, BLOCK);
    fs_sha256_add(sum, hex, HEX);
    fs_sha256_end(sum, out);
    return true;
}

static bool sign(const struct auth *auth, const char *path, const char *key_id, int64_t expires_s,
    char out[HEX + 1])
{
    struct buf text;
    bool ok;

    buf_init(&text, 64 << 10);
    buf_addf(&text, "%s\n%lld\n%s", key_id, (long long)expires_s, path);
    ok = !text.failed && hmac(auth->secret, buf_str(&text), out);
    buf_deinit(&text);
    return ok;
}

void auth_sign(
    struct auth *auth, const char *path, const char *key_id, int64_t expires_s, char out[HEX + 1])
{
    if (!sign(auth, path, key_id, expires_s, out))
        out[0] = '\0'; /* Memory has ended: a link that does not work. */
}

bool auth_signed(struct auth *auth, const char *path, const char *key_id, const char *expires,
    const char *signature, struct principal *out)
{
    char expected[HEX + 1];
    int64_t expires_s;

    if (strlen(signature) != HEX || strlen(key_id) >= STORE_KEY_ID ||
        !num_parse_int(expires, strlen(expires), &expires_s) ||
        clock_wall_ns() / NS_PER_S >= expires_s || !sign(auth, path, key_id, expires_s, expected) ||
        !same_hex(expected, signature))
        return false;
    if (key_id[0])
        return auth_key_id(auth, key_id, out);
    *out = (struct principal){ .role = ROLE_ADMIN }; /* Made by one who needed no key. */
    return true;
}
