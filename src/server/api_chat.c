/* Conversations: create, list, show, change, delete. */

#include "server/folder.h"
#include "server/server_int.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "chat/names.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_CHARS = 200, LIST_DEFAULT = 100, LIST_MAX = 1000, CREATE_TRIES = 5 };

static bool participant_taken(void *arg, const char *name, bool *yes, struct err *err)
{
    struct server *server = arg;

    return store_participant_taken(server->store, name, yes, err);
}

/* Members that create and change share: `name` and `metadata`. Texts go to the arena; NULL when absent. */
static bool common_members(struct call *call, const struct json *body, const char **name,
    const char **metadata, struct err *err)
{
    const struct json *n = json_get(body, "name"), *m = json_get(body, "metadata");

    *name = *metadata = NULL;
    if (!json_isnull(n)) {
        if (!json_str(n) || utf8_count(json_str(n), json_str_len(n)) > NAME_MAX_CHARS ||
            strlen(json_str(n)) != json_str_len(n))
            return err_argument(err, ERR_ARG, "name",
                "name: a text of at most %d characters is expected", NAME_MAX_CHARS);
        *name = arena_strdup(call->arena, json_str(n));
    }
    if (!json_isnull(m)) {
        char *text;

        if (json_kind(m) != JSON_KIND_OBJECT)
            return err_argument(err, ERR_ARG, "metadata", "metadata: an object is expected");
        text = json_text(m);
        if (!text)
            return err_nomem(err);
        *metadata = arena_strdup(call->arena, text);
        free(text);
    }
    return true;
}

/* A name may be taken between the look and the commit by another request: try another one then. */
bool conversation_create(struct call *call, struct conversation *c, bool own_id, struct err *err)
{
    struct server *server = call->server;
    char *participant = arena_alloc(call->arena, 64), *partition = arena_alloc(call->arena, 64);

    if (!participant || !partition)
        return err_nomem(err);
    struct store_quota quota = server_quota(server);

    c->participant = participant;
    c->partition = partition;
    c->owner = principal_owner(&call->caller->who);
    for (int tries = 0;; tries++) {
        struct store_tx *tx;

        if (!own_id)
            rand_uuid(c->id);
        if (!names_make(participant_taken, server, participant, err) ||
            !partition_make(folder_partition(server->settings),
                settings_string(server->settings, "chat_workflows.partition.subfolder_format"),
                c->id, c->created_ns, partition, err) ||
            !conversation_dirs_make(&server->dirs, c, err))
            return false;
        tx = store_begin(server->store);
        if (!tx)
            return err_nomem(err);
        store_add_conversation(tx, c);
        store_check_quota(tx, c->owner, &quota);
        idempotency_mark(call, tx, c->id);
        if (store_commit(tx, err))
            return true;
        if (!conversation_dirs_remove(&server->dirs, partition, c->id, &(struct err){ 0 }) ||
            err->code != ERR_STATE || tries == CREATE_TRIES ||
            (own_id && strstr(err->text, "exists")))
            return false;
    }
}

bool api_chat_create(struct call *call, struct err *err)
{
    static const char *const members[] = { "metadata", "name", NULL };
    struct conversation c = { .status = CONVERSATION_CREATED };
    struct json *body, *data;
    bool ok;

    if (!call_body(call, &body, err))
        return false;
    c.created_ns = c.updated_ns = clock_wall_ns();
    ok = call_only(body, members, err) && common_members(call, body, &c.name, &c.metadata, err);
    json_free(body);
    if (!ok)
        return false;
    if (!c.metadata)
        c.metadata = "{}";
    if (call->redo)
        snprintf(c.id, sizeof c.id, "%s", call->redo);
    if ((!call->redo && !conversation_create(call, &c, false, err)) ||
        !view_conversation(call->server, call->arena, view_base_url(call), c.id, 0, &data, err))
        return false;
    memcpy(call->caller->conversation, c.id, sizeof c.id);
    reply_data(call, 201, "Conversation created", data);
    return true;
}

bool api_chat_list(struct call *call, struct err *err)
{
    struct conversation_filter filter = { .owner = principal_sees(&call->caller->who),
        .status = http_query(&call->x->request, "status"),
        .query = http_query(&call->x->request, "q") };
    enum conversation_status status;
    struct conversation *list;
    struct json *data, *items;
    int64_t limit, offset;
    uint64_t total;
    size_t n;

    if (filter.status && !*filter.status)
        filter.status = NULL;
    if (filter.status && !conversation_status_find(filter.status, &status)) {
        err_argument(err, ERR_ARG, "status", "status: '%.40s' is not a status", filter.status);
        for (int i = 0; i < CONVERSATION_STATUS_COUNT; i++)
            err_list_add(err->available, sizeof err->available,
                conversation_status_name((enum conversation_status)i));
        return false;
    }
    if (!call_query_int(call, "limit", LIST_DEFAULT, 1, LIST_MAX, &limit, err) ||
        !call_query_int(call, "offset", 0, 0, INT32_MAX, &offset, err))
        return false;
    filter.limit = (uint32_t)limit;
    filter.offset = (uint32_t)offset;
    if (!store_conversation_list(call->server->store, &filter, call->arena, &list, &n, &total, err))
        return false;
    data = json_new_object();
    items = json_new_array();
    for (size_t i = 0; i < n; i++)
        json_add(items, view_summary(&list[i]));
    json_set(data, "conversations", items);
    json_set_int(data, "count", (int64_t)n);
    reply_collection(call, "Conversations", data, total);
    return true;
}

bool api_chat_get(struct call *call, struct err *err)
{
    struct json *data;

    if (!view_conversation(
            call->server, call->arena, view_base_url(call), call->params[0], 0, &data, err))
        return false;
    reply_data(call, 200, "Conversation", data);
    return true;
}

/* To give it to somebody else is an administrator's to do; null makes it nobody's. */
static bool new_owner(
    struct call *call, const struct json *given, const char **owner, struct err *err)
{
    *owner = NULL;
    if (!given)
        return true;
    if (call->caller->who.role < ROLE_ADMIN)
        return err_set(err, ERR_FORBIDDEN, "only an administrator may change the owner");
    if (!json_isnull(given) && !json_str(given))
        return err_set(err, ERR_ARG, "owner: a text or null is expected");
    *owner = json_isnull(given) ? "" : arena_strdup(call->arena, json_str(given));
    return json_isnull(given) || (*owner ? auth_owner_check(*owner, err) : err_nomem(err));
}

bool api_chat_patch(struct call *call, struct err *err)
{
    static const char *const members[] = { "metadata", "name", "status", "owner", NULL };
    struct conversation_change change = { .status = -1, .status_if = -1 };
    enum conversation_status status;
    struct store_tx *tx;
    struct json *body, *data;
    const char *text;
    bool ok;

    if (!call_body(call, &body, err))
        return false;
    ok = call_only(body, members, err) &&
         common_members(call, body, &change.name, &change.metadata, err);
    text = json_get_string(body, "status");
    if (ok && json_get(body, "status")) {
        ok = text && conversation_status_find(text, &status) &&
             (status == CONVERSATION_ARCHIVED || status == CONVERSATION_ACTIVE);
        if (ok)
            change.status = (int)status;
        else
            err_set(err, ERR_ARG, "status: only 'archived' and 'active' can be set");
    }
    ok = ok && new_owner(call, json_get(body, "owner"), &change.owner, err);
    json_free(body);
    if (!ok)
        return false;
    tx = store_begin(call->server->store);
    if (!tx)
        return err_nomem(err);
    change.updated_ns = clock_wall_ns();
    store_change_conversation(tx, call->params[0], &change);
    if (!store_commit(tx, err) || !view_conversation(call->server, call->arena, view_base_url(call),
                                      call->params[0], 0, &data, err))
        return false;
    if (change.owner) /* Who watches comes back if it still may. */
        http_drop_watchers(call->server->http, call->params[0]);
    reply_data(call, 200, "Conversation changed", data);
    return true;
}

bool server_delete_conversation(
    struct server *server, const struct conversation *c, struct err *err)
{
    struct store_tx *tx;

    dispatcher_cancel_conversation(server->dispatcher, c->id);
    if (fault_is("files-gone-first") &&
        !conversation_dirs_remove(&server->dirs, c->partition, c->id, err))
        return false;
    tx = store_begin(server->store);
    if (!tx)
        return err_nomem(err);
    store_delete_conversation(tx, c->id);
    /* Rows first: files without rows are swept at the next start, rows without files would be a lie. */
    if (!store_commit(tx, err) ||
        !conversation_dirs_remove(&server->dirs, c->partition, c->id, err))
        return false;
    http_drop_watchers(server->http, c->id);
    return true;
}

bool api_chat_delete(struct call *call, struct err *err)
{
    struct conversation c;
    struct json *data;

    if (!store_conversation_get(call->server->store, call->params[0], call->arena, &c, err) ||
        !server_delete_conversation(call->server, &c, err))
        return false;
    data = json_new_object();
    json_set_string(data, "chat_id", c.id);
    reply_data(call, 200, "Conversation deleted", data);
    return true;
}
