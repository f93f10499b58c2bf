/*
 * Who a request comes from, and whether it comes too often.
 *
 *   control socket ............................. an administrator: its file says who may write to it
 *   no key was ever made ....................... everybody whom the address lets in, as administrator
 *   a key (Authorization, or a signed link) .... its role and owner; a wrong one is never overlooked
 *   none, from this machine .................... an administrator, while access.local_without_key holds and
 *                                                the server listens on loopback alone; not through a proxy
 */

#include "server/server_int.h"

#include "base/clock.h"
#include "net/rate.h"
#include "server/uploads.h"

#include <stdio.h>
#include <strings.h>

enum { UPLOAD_WAIT_S = 2 };

#define BEARER "Bearer "
#define PROTOCOL_BEARER "bearer."
#define PROTOCOL "sheetflow"

bool access_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

/* Whoever stands behind a proxy on this machine is not on this machine. */
static bool came_by_proxy(const struct http_request *r)
{
    static const char *const headers[] = { "X-Forwarded-For", "Forwarded", "X-Real-IP", "Via" };

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        if (http_header(r, headers[i]))
            return true;
    }
    return false;
}

/* r NULL: for a watcher that was let in before. */
static bool needs_no_key(const struct server *server, const struct http_request *r, bool has_keys)
{
    const struct settings *s = server->settings;

    if (r && r->control)
        return true;
    if (server->loopback_only)
        return settings_bool(s, "access.local_without_key") &&
               (!has_keys || !r || !came_by_proxy(r));
    return !has_keys && settings_bool(s, "app.allow_public");
}

static void let_in(struct principal *out, const struct http_request *r)
{
    *out = (struct principal){ .role = ROLE_ADMIN };
    if (r->control)
        snprintf(out->key, sizeof out->key, "%s", ACCESS_CONTROL);
}

static bool no_key(struct err *err)
{
    return err_set(
        err, ERR_UNAUTHORIZED, "a key is required: send it as 'Authorization: Bearer sf_...'");
}

static bool bad_key(struct err *err)
{
    return err_set(
        err, ERR_UNAUTHORIZED, "the key is not valid: it is unknown, has expired or was revoked");
}

/* The key in an Authorization header; NULL when the header is of another kind. */
static const char *bearer(const char *header)
{
    if (strncasecmp(header, BEARER, sizeof BEARER - 1) != 0)
        return NULL;
    return header + sizeof BEARER - 1 + strspn(header + sizeof BEARER - 1, " ");
}

static bool by_link(struct server *server, const struct http_request *r, const char *signature,
    struct principal *out, struct err *err)
{
    const char *key_id = http_query(r, "key_id"), *expires = http_query(r, "expires");

    if (key_id && expires && auth_signed(server->auth, r->path, key_id, expires, signature, out))
        return true; /* A link is welcome where something is read only. */
    return err_set(
        err, ERR_UNAUTHORIZED, "this link is not valid, or not any more; ask for a new one");
}

bool access_who(struct server *server, const struct http_request *r, bool link_welcome,
    struct principal *out, struct err *err)
{
    const char *header = http_header(r, "Authorization"), *signature, *text;
    bool has_keys = auth_has_keys(server->auth);
    unsigned lost = memory_lost();

    *out = (struct principal){ 0 };
    if (r->control || (!has_keys && needs_no_key(server, r, false))) {
        let_in(out, r);
        return true;
    }
    if (header) {
        text = bearer(header);
        if (text && auth_key(server->auth, text, strlen(text), out))
            return true;
        return memory_lost() != lost ? err_nomem(err) : bad_key(err);
    }
    signature = link_welcome ? http_query(r, "signature") : NULL;
    if (signature && by_link(server, r, signature, out, err))
        return true;
    if (memory_lost() !=
        lost) /* Whether there is a signature, and whether it is right, is not known. */
        return err_nomem(err);
    if (signature)
        return false;
    if (!needs_no_key(server, r, has_keys))
        return no_key(err);
    let_in(out, r);
    return true;
}

bool access_rate(struct server *server, const struct http_request *r, const struct principal *who,
    uint32_t *wait_s)
{
    uint32_t limit = (uint32_t)settings_int(server->settings, "api.rate_limit");
    char name[RATE_NAME_MAX];

    if (!limit || r->control)
        return true;
    snprintf(name, sizeof name, "%s %s", who->key[0] ? "key" : "address",
        who->key[0] ? who->key : r->client);
    return rate_take(server->rate, name, limit, clock_mono_ns(), wait_s);
}

/* Forms are what carries files. Of an owner all keys count together; an address stands for who has none. */
bool access_upload(struct server *server, const struct http_request *r, struct caller *caller)
{
    uint32_t limit = (uint32_t)settings_int(server->settings, "quota.max_uploads");
    const char *type = http_header(r, "Content-Type");
    const struct principal *who = &caller->who;
    char name[UPLOADS_NAME_MAX];

    if (r->control || !type || strncasecmp(type, "multipart/", 10) != 0)
        return true;
    snprintf(name, sizeof name, "%s %s",
        who->owner[0] ? "owner"
        : who->key[0] ? "key"
                      : "address",
        who->owner[0] ? who->owner
        : who->key[0] ? who->key
                      : r->client);
    if (uploads_begin(server->uploads, name, limit, &caller->upload, &caller->refused))
        return true;
    if (caller->refused.code == ERR_RATE) {
        caller->wait_s = UPLOAD_WAIT_S;
        caller->limited = "uploads_at_once";
        caller->limit = limit;
    }
    return false;
}

void access_upload_over(struct server *server, struct caller *caller)
{
    if (!caller || !caller->upload)
        return;
    uploads_end(server->uploads, caller->upload);
    caller->upload = NULL;
}

void access_audit_failure(struct server *server, const struct http_request *r, const char *client)
{
    struct audit_line line = { .event = "authentication", .address = client, .status = 401 };

    if (r) {
        line.address = r->client;
        line.method = r->method;
        line.path = r->path;
        line.request_id = r->id;
    }
    audit_write(server->audit, &line);
}

/* ---- WebSockets ---- */

/* The next of the protocols that the client offers. */
static bool next_protocol(const char **list, const char **name, size_t *n)
{
    *name = *list + strspn(*list, " \t,");
    *n = strcspn(*name, " \t,");
    *list = *name + *n;
    return *n > 0;
}

/*
 * Pages cannot send headers with a WebSocket, but protocols. One of those offered has to be chosen, or browsers hang up:
 * "sheetflow", so that the key is not sent back, where the client offers it as well.
 */
static bool by_protocol(struct server *server, const char *list, struct ws_decision *out,
    struct principal *who, bool *valid)
{
    const char *name;
    bool found = false;
    size_t n;

    while (next_protocol(&list, &name, &n)) {
        bool plain = n == sizeof PROTOCOL - 1 && strncasecmp(name, PROTOCOL, n) == 0;
        bool key = n > sizeof PROTOCOL_BEARER - 1 &&
                   strncasecmp(name, PROTOCOL_BEARER, sizeof PROTOCOL_BEARER - 1) == 0;

        if (key && !found) {
            found = true;
            *valid = auth_key(server->auth, name + sizeof PROTOCOL_BEARER - 1,
                n - (sizeof PROTOCOL_BEARER - 1), who);
        }
        if (n < sizeof out->protocol && (plain || (key && !out->protocol[0]))) {
            memcpy(out->protocol, name, n);
            out->protocol[n] = '\0';
        }
    }
    return found;
}

bool access_ws(struct server *server, struct ws_decision *out, struct principal *who)
{
    const struct http_request *r = out->request;
    const char *protocols = http_header(r, "Sec-WebSocket-Protocol");
    unsigned lost = memory_lost();
    bool valid = false, found;
    uint32_t wait_s;
    struct err err;

    *who = (struct principal){ 0 };
    found = protocols && by_protocol(server, protocols, out, who, &valid);
    if (!found || !auth_has_keys(server->auth)) {
        valid = access_who(server, r, false, who, &err);
        out->needs_key = !valid && !http_header(r, "Authorization");
        valid = valid || out->needs_key;
    }
    if (memory_lost() != lost) {
        valid = out->needs_key = false;
        out->close_code = ACCESS_TRY_AGAIN;
        snprintf(out->error_message, sizeof out->error_message, "not enough memory");
    } else if (!valid) {
        access_audit_failure(server, r, NULL);
        out->close_code = ACCESS_NO_KEY;
        snprintf(out->error_message, sizeof out->error_message, "the key is not valid");
    } else if (!access_rate(server, r, who, &wait_s)) {
        valid = false;
        out->close_code = ACCESS_TOO_OFTEN;
        snprintf(out->error_message, sizeof out->error_message,
            "too many requests; come back in %u s", wait_s);
    }
    snprintf(out->who, sizeof out->who, "%s", who->key);
    return valid;
}

bool access_ws_key(struct server *server, const char *key, const char *client, char who[64])
{
    unsigned lost = memory_lost();
    struct principal p;

    if (!auth_key(server->auth, key, strlen(key), &p)) {
        if (memory_lost() == lost)
            access_audit_failure(server, NULL, client);
        return false;
    }
    snprintf(who, 64, "%s", p.key);
    return true;
}

bool access_watcher(struct server *server, const char *who, struct principal *out)
{
    if (who[0] && strcmp(who, ACCESS_CONTROL) != 0)
        return auth_key_id(server->auth, who, out);
    *out = (struct principal){ .role = ROLE_ADMIN };
    return who[0] || needs_no_key(server, NULL, auth_has_keys(server->auth));
}

/* ---- quotas ---- */

struct store_quota server_quota(const struct server *server)
{
    const struct settings *s = server->settings;

    return (struct store_quota){
        .conversations = (uint64_t)settings_int(s, "quota.max_conversations"),
        .bytes = (uint64_t)settings_int(s, "quota.max_bytes_mb") << 20,
    };
}
