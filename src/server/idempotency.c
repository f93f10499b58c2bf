/*
 * Idempotency-Key: a client that did not hear the answer may send the same request again and gets the same
 * answer, without the work being done twice.
 *
 *   key new ................................. the request goes on; its answer is kept for IDEMPOTENCY_HOURS
 *   key known, work done, not answered ...... the answer is made of what is there (call->redo)
 *   key known, same request ................. the kept answer, with Idempotency-Replayed: true
 *   key known, another request .............. 422
 *   same key and still being answered ....... 409
 *
 * Kept are answers that stay true: successes and 422. A key belongs to its owner, method and path. That the work is
 * done is noted in the transaction that does it, so there is no moment at which a crash leaves work that a second request does again.
 */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_MAX = 255, ANSWER_MAX = 16 << 20, STATUS_TOO_LARGE = 0 };

/* A request under way; lives in the arena of its exchange. */
struct idempotent {
    struct idempotent *next;
    const char *scope, *key;
    char request[65];
    bool release; /* The work came to nothing. */
};

struct idempotency {
    pthread_mutex_t lock;
    struct idempotent *under_way;
};

bool idempotency_new(struct idempotency **out, struct err *err)
{
    struct idempotency *all = calloc(1, sizeof *all);

    if (!all)
        return err_nomem(err);
    pthread_mutex_init(&all->lock, NULL);
    *out = all;
    return true;
}

void idempotency_free(struct idempotency *all)
{
    if (!all)
        return;
    pthread_mutex_destroy(&all->lock);
    free(all);
}

static bool key_error(struct err *err, enum err_code code, const char *sentence)
{
    return err_argument(err, code, "Idempotency-Key", "%s", sentence);
}

static bool check_key(const char *key, struct err *err)
{
    size_t n = strlen(key);

    for (size_t i = 0; i < n; i++) {
        if (key[i] < ' ' || key[i] > '~')
            n = 0;
    }
    if (n == 0 || n > KEY_MAX)
        return key_error(
            err, ERR_ARG, "Idempotency-Key: 1 to 255 printable ASCII characters are expected");
    return true;
}

static void add_text(struct fs_sha256 *hash, const char *p, size_t n)
{
    uint64_t len = n;

    fs_sha256_add(hash, &len, sizeof len); /* So that no two lists of texts look the same. */
    fs_sha256_add(hash, p, n);
}

/* Of a form its parts count, as the line between them differs each time. */
static bool hash_request(const struct http_request *r, char out[65], struct err *err)
{
    struct fs_sha256 *hash = fs_sha256_new();

    if (!hash)
        return err_nomem(err);
    if (r->query && *r->query)
        add_text(hash, r->query, strlen(r->query));
    if (r->body)
        add_text(hash, r->body, r->body_len);
    for (size_t i = 0; i < r->n_parts; i++) {
        const struct http_part *part = &r->parts[i];

        add_text(hash, part->name, strlen(part->name));
        if (part->filename) {
            add_text(hash, part->filename, strlen(part->filename));
            add_text(hash, part->sha256, strlen(part->sha256));
        } else {
            add_text(hash, part->value, part->value_len);
        }
    }
    fs_sha256_end(hash, out);
    return true;
}

static bool enter(struct idempotency *all, struct idempotent *mine, struct err *err)
{
    struct idempotent *other;

    pthread_mutex_lock(&all->lock);
    for (other = all->under_way; other; other = other->next) {
        if (strcmp(other->key, mine->key) == 0 && strcmp(other->scope, mine->scope) == 0)
            break;
    }
    if (!other) {
        mine->next = all->under_way;
        all->under_way = mine;
    }
    pthread_mutex_unlock(&all->lock);
    return other ? key_error(err, ERR_STATE,
                       "a request with this Idempotency-Key is still being answered; ask again "
                       "in a moment")
                 : true;
}

static void leave(struct idempotency *all, const struct idempotent *mine)
{
    struct idempotent **at;

    pthread_mutex_lock(&all->lock);
    for (at = &all->under_way; *at != mine; at = &(*at)->next)
        ;
    *at = mine->next;
    pthread_mutex_unlock(&all->lock);
}

static bool replay(struct call *call, const struct idempotent *mine, const struct store_reply *kept,
    struct err *err)
{
    struct http_reply *reply = &call->x->reply;

    if (strcmp(kept->request, mine->request) != 0)
        return key_error(err, ERR_ARG, "this Idempotency-Key was used for another request");
    if (kept->status == STATUS_TOO_LARGE)
        return key_error(err, ERR_STATE,
            "the request with this Idempotency-Key has been answered, and its answer was too "
            "large to be kept");
    reply->body = strdup(kept->body);
    if (!reply->body)
        return err_nomem(err);
    reply->body_len = strlen(reply->body);
    reply->status = kept->status;
    reply->content_type = "application/json; charset=utf-8";
    http_reply_header(reply, "Cache-Control", "no-store");
    http_reply_header(reply, "Idempotency-Replayed", "true");
    return true;
}

bool idempotency_begin(struct call *call, bool *answered, struct err *err)
{
    const struct http_request *r = &call->x->request;
    const char *key = http_header(r, "Idempotency-Key");
    struct idempotent *mine;
    struct store_reply kept;
    bool found = false;

    *answered = false;
    if (!key)
        return true;
    mine = arena_calloc(call->arena, 1, sizeof *mine);
    if (!mine)
        return err_nomem(err);
    mine->key = key;
    mine->scope = arena_printf(call->arena, "%s%s%s %s", call->caller->who.owner,
        call->caller->who.owner[0] ? " " : "", r->method, r->path);
    if (!mine->scope)
        return err_nomem(err);
    if (!check_key(key, err) || !hash_request(r, mine->request, err) ||
        !enter(call->server->idempotency, mine, err))
        return false;
    if (!store_reply_find(call->server->store, mine->scope, key, call->arena, &kept, &found, err))
        goto fail;
    if (found && kept.status == STORE_REPLY_DUE && strcmp(kept.request, mine->request) == 0) {
        call->redo = kept.body;
        found = false;
    }
    if (found && !replay(call, mine, &kept, err))
        goto fail;
    *answered = found;
    if (found)
        leave(call->server->idempotency, mine);
    else
        call->idempotent = mine;
    return true;
fail:
    leave(call->server->idempotency, mine);
    return false;
}

void idempotency_mark(struct call *call, struct store_tx *tx, const char *redo)
{
    const struct idempotent *mine = call->idempotent;

    if (mine && !fault_is("key-later"))
        store_add_reply(tx, &(struct store_reply){ .scope = mine->scope,
                                .key = mine->key,
                                .request = mine->request,
                                .status = STORE_REPLY_DUE,
                                .body = redo,
                                .created_ns = clock_wall_ns() });
}

void idempotency_release(struct call *call)
{
    if (call->idempotent)
        call->idempotent->release = true;
}

void idempotency_end(struct call *call)
{
    const struct http_reply *reply = &call->x->reply;
    const struct idempotent *mine = call->idempotent;
    bool fits = reply->body_len <= ANSWER_MAX, stays;
    struct store_reply kept;
    struct store_tx *tx;
    struct err err;

    if (!mine)
        return;
    stays = reply->body && ((reply->status >= 200 && reply->status < 300) || reply->status == 422);
    call->idempotent = NULL;
    kept = (struct store_reply){ .scope = mine->scope,
        .key = mine->key,
        .request = mine->request,
        .status = fits ? reply->status : STATUS_TOO_LARGE,
        .body = fits ? reply->body : "",
        .created_ns = clock_wall_ns() };
    if (stays || mine->release) {
        tx = store_begin(call->server->store);
        if (stays)
            store_add_reply(tx, &kept);
        else
            store_delete_reply(tx, mine->scope, mine->key);
        if (!store_commit(tx, &err))
            log_write(LOG_WARNING, "an answer could not be kept for its Idempotency-Key", "error",
                err.text, NULL);
    }
    leave(call->server->idempotency, mine);
}

void idempotency_sweep(struct server *server)
{
    struct store_tx *tx = store_begin(server->store);
    struct err err;

    store_forget_replies(tx, clock_wall_ns() - (int64_t)IDEMPOTENCY_HOURS * 3600 * 1000000000);
    if (!store_commit(tx, &err))
        log_write(LOG_WARNING, "old answers cannot be forgotten", "error", err.text, NULL);
}
