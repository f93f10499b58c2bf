/* Making, revoking and showing keys: the same for HTTP and the command line. */

#include "server/auth.h"
#include "server/server_int.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_PER_S INT64_C(1000000000)
#define PREFIX "sf_"
enum { RANDOM = 32, EXPIRES_MAX_DAYS = 36500, DAY = 86400, HOUR = 3600, MINUTE = 60 };

bool key_hash(const char *text, size_t n, char hex[65])
{
    struct fs_sha256 *sum = fs_sha256_new();

    if (!sum)
        return false;
    fs_sha256_add(sum, text, n);
    fs_sha256_end(sum, hex);
    return true;
}

/* base64url without fillers (RFC 4648, 5): 43 letters for 32 bytes. */
static void make_text(char out[AUTH_KEY_TEXT])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[RANDOM + 1] = { 0 };
    char *p = out + sizeof PREFIX - 1;

    memcpy(out, PREFIX, sizeof PREFIX - 1);
    rand_bytes(bytes, RANDOM);
    for (size_t i = 0; i <= RANDOM; i += 3) {
        unsigned three = (unsigned)bytes[i] << 16 | (i + 1 < RANDOM ? bytes[i + 1] : 0u) << 8 |
                         (i + 2 < RANDOM ? bytes[i + 2] : 0u);

        for (int shift = 18; shift >= 0 && p < out + AUTH_KEY_TEXT - 1; shift -= 6)
            *p++ = letters[three >> shift & 63];
    }
    *p = '\0';
    explicit_bzero(bytes, sizeof bytes);
}

static bool owner_ok(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n <= AUTH_OWNER_MAX &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-") == n;
}

bool auth_owner_check(const char *owner, struct err *err)
{
    return owner_ok(owner) ||
           err_argument(err, ERR_ARG, "owner",
               "owner: 1 to 64 letters, digits, dots, underscores, hyphens and @ are expected");
}

/* "90d": when that is. */
static bool expires_at(const char *text, int64_t now_ns, int64_t *out, struct err *err)
{
    char *end;
    long n = strtol(text, &end, 10);
    long unit = *end == 'd' ? DAY : *end == 'h' ? HOUR : *end == 'm' ? MINUTE : 0;

    if (!(*text >= '0' && *text <= '9') || n < 1 || !unit || end[1] ||
        n > (long)EXPIRES_MAX_DAYS * DAY / unit)
        return err_argument(err, ERR_ARG, "expires",
            "expires: a time from now is expected: 90d for days, 12h for hours or 30m for minutes");
    *out = now_ns + (int64_t)n * unit * NS_PER_S;
    return true;
}

static bool read_wanted(
    const struct json *wanted, struct store_key *key, struct arena *arena, struct err *err)
{
    static const char *const members[] = { "name", "role", "owner", "expires", NULL };
    const char *name = json_get_string(wanted, "name"), *role = json_get_string(wanted, "role");
    const char *owner = json_get_string(wanted, "owner");
    const char *expires = json_get_string(wanted, "expires");
    enum role known;

    if (!call_only(wanted, members, err))
        return false;
    if (!name || !*name || utf8_count(name, strlen(name)) > AUTH_NAME_MAX)
        return err_argument(
            err, ERR_ARG, "name", "name: a text of 1 to 100 characters is required");
    if (!role || !role_find(role, &known)) {
        err_argument(err, ERR_ARG, "role", "role: one of admin, writer and reader is required");
        for (int i = ROLE_READER; i <= ROLE_ADMIN; i++)
            err_list_add(err->available, sizeof err->available, role_name((enum role)i));
        return false;
    }
    if (!owner && json_isnull(json_get(wanted, "owner")) && !owner_ok(name))
        return err_argument(err, ERR_ARG, "owner",
            "owner: is required where the name is not 1 to 64 letters, digits, dots, underscores, "
            "hyphens and @");
    if (!owner)
        owner = name;
    if (!auth_owner_check(owner, err))
        return false;
    if (!json_isnull(json_get(wanted, "expires")) &&
        !expires_at(expires ? expires : "", key->created_ns, &key->expires_ns, err))
        return false;
    key->name = arena_strdup(arena, name);
    key->role = role_name(known);
    key->owner = arena_strdup(arena, owner);
    return key->name && key->owner ? true : err_nomem(err);
}

bool key_create(struct store *store, const struct json *wanted, struct store_key *key,
    struct arena *arena, char text[AUTH_KEY_TEXT], struct err *err)
{
    struct store_tx *tx;

    *key = (struct store_key){ .created_ns = clock_wall_ns() };
    if (!read_wanted(wanted, key, arena, err))
        return false;
    rand_hex(key->id, STORE_KEY_ID - 1);
    make_text(text);
    if (!key_hash(text, AUTH_KEY_TEXT - 1, key->sha256))
        return err_nomem(err);
    tx = store_begin(store);
    store_add_key(tx, key);
    return store_commit(tx, err);
}

bool key_revoke(struct store *store, const char *id, struct err *err)
{
    struct store_tx *tx;

    if (strlen(id) != STORE_KEY_ID - 1)
        return err_set(err, ERR_NOT_FOUND, "there is no key %.40s", id);
    tx = store_begin(store);
    store_revoke_key(tx, id, clock_wall_ns());
    return store_commit(tx, err);
}

struct json *key_view(const struct store_key *key)
{
    struct json *o = json_new_object();

    json_set_string(o, "key_id", key->id);
    json_set_string(o, "name", key->name);
    json_set_string(o, "role", key->role);
    json_set_string(o, "owner", key->owner);
    json_set_string(o, "status",
        key->revoked_ns                                         ? "revoked"
        : key->expires_ns && key->expires_ns <= clock_wall_ns() ? "expired"
                                                                : "active");
    view_time(o, "created_at", key->created_ns);
    view_time(o, "expires_at", key->expires_ns);
    view_time(o, "last_used_at", key->last_used_ns);
    view_time(o, "revoked_at", key->revoked_ns);
    return o;
}
