/* Files of a conversation: upload, download, preview; and its events as a stream. */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/utf8.h"
#include "formats/detect.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PREVIEW_DEFAULT = 50, PREVIEW_MAX = 1000, DISPOSITION_MAX = 1200 };

/* ---- upload ---- */

bool file_suffix_allowed(
    const struct settings *s, const char *path, const char *name, struct err *err)
{
    const char *suffix = fs_suffix(name);

    /* A gzipped table is named by what is inside: sales.csv.gz. */
    if (strcasecmp(suffix, ".gz") == 0 || strcasecmp(suffix, ".txt") == 0)
        return true;
    for (size_t i = 0; i < settings_list_len(s, path); i++) {
        if (strcasecmp(settings_list_at(s, path, i), suffix) == 0)
            return true;
    }
    err_set(err, ERR_FORMAT, "%s: files of type '%s' are not accepted", name, suffix);
    for (size_t i = 0; i < settings_list_len(s, path); i++)
        err_list_add(err->available, sizeof err->available, settings_list_at(s, path, i));
    return false;
}

/* What inspect told, cut down to what is kept with the file. */
static struct json *facts_of(const struct json *inspected)
{
    static const char *const kept[] = { "rows", "columns", "column_names", "delimiter",
        "encoding" };
    const struct json *sheets = json_get(inspected, "sheets");
    struct json *facts = json_new_object(), *names = json_new_array();

    for (size_t i = 0; i < json_len(sheets); i++)
        json_add(names, json_ref(json_get(json_at(sheets, i), "name")));
    json_set(facts, "sheets", names);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (json_get(inspected, kept[i]))
            json_set(facts, kept[i], json_ref(json_get(inspected, kept[i])));
    }
    if (json_len(json_get(inspected, "warnings")))
        json_set(facts, "warnings", json_ref(json_get(inspected, "warnings")));
    return facts;
}

static bool inspect(struct call *call, const struct http_part *part, const char *name,
    struct json **facts, const char **format, struct err *err)
{
    struct json *job, *what, *data;

    if (strcasecmp(fs_suffix(name), ".json") == 0) {
        *facts = json_new_object();
        *format = "json";
        return true;
    }
    job = json_new_object();
    what = json_new_object();
    json_set_string(job, "job", "inspect");
    json_set_string(what, "file", name);
    json_set_bool(what, "details", false);
    json_set(job, "inspect", what);
    if (!file_ask(call->server, job, name, part->path, &data, err))
        return false;
    *facts = facts_of(data);
    *format = arena_strdup(
        call->arena, json_get_string(data, "format") ? json_get_string(data, "format") : "csv");
    json_free(data);
    return *facts && *format ? true : err_nomem(err);
}

const char *file_base_name(struct arena *arena, const char *name)
{
    const char *suffix = fs_suffix(name);
    const char *base = arena_dup(arena, name, (size_t)(suffix - name));

    if (base && strcasecmp(suffix, ".gz") == 0) {
        suffix = fs_suffix(base);
        base = arena_dup(arena, base, (size_t)(suffix - base));
    }
    return base;
}

static bool record(
    struct call *call, const struct conversation *c, const struct stored_file *f, struct err *err)
{
    struct conversation_change became = {
        .status = CONVERSATION_ACTIVE, .status_if = -1, .updated_ns = f->created_ns
    };
    struct change *change = change_begin(call->server, c->id);
    struct json *meta;

    if (!change)
        return err_nomem(err);
    if (c->status != CONVERSATION_CREATED) /* Later states stay. */
        became.status = -1;
    store_add_file(change_tx(change), f);
    store_change_conversation(change_tx(change), c->id, &became);
    meta = view_file(call->server, call->arena, view_base_url(call), c, f);
    change_message(change, "file_upload",
        arena_printf(call->arena, "%s uploaded successfully", f->name), meta);
    return change_commit(change, err);
}

static bool store_part(struct call *call, const struct conversation *c,
    const struct http_part *part, struct json **out, struct err *err)
{
    struct server *server = call->server;
    int64_t limit = settings_int(server->settings, "chat_workflows.file.max_upload_size_mb");
    char name[FS_NAME_MAX + 1], stored[FS_NAME_MAX + 1];
    struct stored_file f = { .kind = STORED_UPLOAD, .created_ns = clock_wall_ns() };
    struct json *facts;
    char *text;
    bool ok;

    fs_safe_name(part->filename, strlen(part->filename), name);
    if (!file_suffix_allowed(server->settings, "chat_workflows.file.allowed_extensions", name, err))
        return false;
    if (part->size > (uint64_t)limit << 20)
        return err_set(err, ERR_TOO_LARGE,
            "%s is larger than the limit of %lld MiB (chat_workflows.file.max_upload_size_mb)",
            name, (long long)limit);
    if (!inspect(call, part, name, &facts, &f.format, err))
        return false;
    text = json_text(facts);
    json_free(facts);
    f.facts = text;
    ok = text ? upload_publish(&server->dirs, c, part->path, name, stored, err) : err_nomem(err);
    if (ok) {
        snprintf(f.conversation, sizeof f.conversation, "%s", c->id);
        f.name = stored;
        f.base = file_base_name(call->arena, stored);
        f.size = part->size;
        memcpy(f.sha256, part->sha256, sizeof f.sha256);
        ok = record(call, c, &f, err);
    }
    if (ok)
        *out = view_file(server, call->arena, view_base_url(call), c, &f);
    free(text);
    return ok;
}

static bool no_file(struct call *call, struct err *err)
{
    err_set(err, ERR_ARG, "field 'file' with a file is required");
    snprintf(err->argument, sizeof err->argument, "file");
    (void)call;
    return false;
}

bool api_upload(struct call *call, struct err *err)
{
    const struct http_request *r = &call->x->request;
    struct json *first = NULL, *all = json_new_array();
    struct conversation c;
    size_t n = 0;

    if (!store_conversation_get(call->server->store, call->params[0], call->arena, &c, err))
        goto fail;
    for (size_t i = 0; i < r->n_parts; i++) {
        struct json *one = NULL;

        if (!r->parts[i].filename ||
            (strcmp(r->parts[i].name, "file") != 0 && strcmp(r->parts[i].name, "files") != 0))
            continue;
        if (!store_part(call, &c, &r->parts[i], &one, err))
            goto fail;
        json_add(all, one);
        n++;
    }
    if (n == 0) {
        no_file(call, err);
        goto fail;
    }
    first = json_clone(json_at(all, 0));
    if (n > 1)
        json_set(first, "files", json_ref(all));
    json_free(all);
    reply_data(call, 200, "File uploaded successfully", first);
    return true;
fail:
    json_free(all);
    return false;
}

/* ---- download ---- */

/* RFC 6266: a plain name for old clients, the exact one in UTF-8. */
static const char *disposition(struct arena *arena, const char *name)
{
    static const char digits[] = "0123456789ABCDEF";
    char ascii[FS_NAME_MAX + 1], exact[3 * FS_NAME_MAX + 1];
    size_t a = 0, e = 0;

    for (const char *p = name; *p && a < FS_NAME_MAX; p++) {
        unsigned char ch = (unsigned char)*p;

        if ((ch & 0xc0) == 0x80)
            continue;
        ascii[a++] = ch < ' ' || ch > '~' || ch == '"' || ch == '\\' ? '_' : (char)ch;
    }
    ascii[a] = '\0';
    for (const char *p = name; *p && e + 3 < sizeof exact; p++) {
        unsigned char ch = (unsigned char)*p;

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
            strchr("-._~", ch)) {
            exact[e++] = (char)ch;
        } else {
            exact[e++] = '%';
            exact[e++] = digits[ch >> 4];
            exact[e++] = digits[ch & 15];
        }
    }
    exact[e] = '\0';
    return arena_printf(arena, "attachment; filename=\"%s\"; filename*=UTF-8''%s", ascii, exact);
}

void reply_file(
    struct call *call, int fd, uint64_t size, const char *name, const char *type, const char *etag)
{
    struct http_reply *reply = &call->x->reply;

    reply->status = 200;
    reply->content_type = type;
    reply->fd = fd;
    reply->fd_offset = 0;
    reply->fd_len = size;
    http_reply_header(reply, "Content-Disposition", disposition(call->arena, name));
    http_reply_header(reply, "Content-Security-Policy", "sandbox; default-src 'none'");
    http_reply_header(reply, "Cache-Control", "private, no-cache");
    if (etag && *etag)
        http_reply_header(reply, "ETag", arena_printf(call->arena, "\"%s\"", etag));
}

static bool find_file(
    struct call *call, struct conversation *c, struct stored_file *f, struct err *err)
{
    return store_conversation_get(call->server->store, call->params[0], call->arena, c, err) &&
           store_file_get(call->server->store, c->id, call->params[1], call->arena, f, err);
}

bool api_file_get(struct call *call, struct err *err)
{
    char dir[FS_PATH_MAX];
    struct conversation c;
    struct stored_file f;
    uint64_t size;
    int fd;

    if (!find_file(call, &c, &f, err) ||
        !conversation_file_dir(&call->server->dirs, c.partition, c.id, f.kind, dir, err) ||
        !fs_open_beneath(dir, f.name, &fd, &size, err))
        return false;
    reply_file(call, fd, size, f.name, file_format_media_type(file_format_find(fs_suffix(f.name))),
        f.sha256);
    return true;
}

/* ---- preview ---- */

bool api_preview(struct call *call, struct err *err)
{
    const char *sheet = http_query(&call->x->request, "sheet");
    struct json *job, *what, *data;
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct conversation c;
    struct stored_file f;
    int64_t offset, limit;

    if (!call_query_int(call, "offset", 0, 0, INT64_MAX / 2, &offset, err) ||
        !call_query_int(call, "limit", PREVIEW_DEFAULT, 0, PREVIEW_MAX, &limit, err) ||
        !find_file(call, &c, &f, err) ||
        !conversation_file_dir(&call->server->dirs, c.partition, c.id, f.kind, dir, err) ||
        !fs_join(path, dir, f.name, err))
        return false;
    job = json_new_object();
    what = json_new_object();
    json_set_string(job, "job", "preview");
    json_set_string(what, "file", f.name);
    json_set_int(what, "offset", offset);
    json_set_int(what, "limit", limit);
    if (sheet && *sheet)
        json_set_string(what, "sheet", sheet);
    json_set(job, "preview", what);
    if (!file_ask(call->server, job, f.name, path, &data, err))
        return false;
    reply_data(call, 200, "Preview", data);
    return true;
}

/* ---- events ---- */

bool api_events(struct call *call, struct err *err)
{
    const struct http_request *r = &call->x->request;
    const char *last = http_header(r, "Last-Event-ID");
    struct conversation c;
    int64_t since;

    if (!store_conversation_get(call->server->store, call->params[0], call->arena, &c, err) ||
        !call_query_int(call, "since", 0, 0, INT64_MAX, &since, err))
        return false;
    if (last && !num_parse_int(last, strlen(last), &since))
        return err_set(err, ERR_MALFORMED, "Last-Event-ID is not a number");
    call->x->reply.status = 200;
    call->x->reply.events = arena_strdup(call->arena, c.id);
    call->x->reply.since = (uint64_t)since;
    return true;
}
