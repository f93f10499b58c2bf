/* Files of a conversation: upload, download, preview; and its events as a stream. */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/fault.h"
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

/* A file on its way into the conversation. */
struct arrival {
    const struct http_part *part;
    struct stored_file f;
    char stored[FS_NAME_MAX + 1]; /* Its name once it lies there; "" before. */
};

/* Look at a part and say what its row will be. */
static bool examine(
    struct call *call, const struct conversation *c, struct arrival *a, struct err *err)
{
    const struct settings *s = call->server->settings;
    int64_t limit = settings_int(s, "chat_workflows.file.max_upload_size_mb");
    const struct http_part *part = a->part;
    char name[FS_NAME_MAX + 1];
    struct json *facts;
    char *text;

    if (!fs_safe_name(part->filename, strlen(part->filename), name, err) ||
        !file_suffix_allowed(s, "chat_workflows.file.allowed_extensions", name, err))
        return false;
    if (part->size > (uint64_t)limit << 20)
        return err_set(err, ERR_TOO_LARGE,
            "%s is larger than the limit of %lld MiB (chat_workflows.file.max_upload_size_mb)",
            name, (long long)limit);
    if (!inspect(call, part, name, &facts, &a->f.format, err))
        return false;
    text = json_text(facts);
    json_free(facts);
    a->f.facts = text ? arena_strdup(call->arena, text) : NULL;
    free(text);
    a->f.name = arena_strdup(call->arena, name);
    snprintf(a->f.conversation, sizeof a->f.conversation, "%s", c->id);
    a->f.kind = STORED_UPLOAD;
    a->f.size = part->size;
    memcpy(a->f.sha256, part->sha256, sizeof a->f.sha256);
    return a->f.facts && a->f.name ? true : err_nomem(err);
}

static bool publish(
    struct call *call, const struct conversation *c, struct arrival *a, struct err *err)
{
    if (!upload_publish(&call->server->dirs, c, a->part->path, a->f.name, a->stored, err)) {
        a->stored[0] = '\0';
        return false;
    }
    a->f.name = a->stored;
    a->f.base = file_base_name(call->arena, a->stored);
    a->f.created_ns = clock_wall_ns();
    return a->f.base ? true : err_nomem(err);
}

/* The rows of all files together, so that an upload is there as a whole or not at all. */
static bool record(struct call *call, const struct conversation *c, const struct arrival *all,
    size_t n, struct err *err)
{
    struct conversation_change became = {
        .status = CONVERSATION_ACTIVE, .status_if = -1, .updated_ns = clock_wall_ns()
    };
    struct change *change = change_begin(call->server, c->id);
    struct store_quota quota = server_quota(call->server);
    struct json *names = json_new_array();
    char *redo;

    for (size_t i = 0; i < n; i++)
        json_add(names, json_new_string(all[i].f.name));
    redo = json_text(names);
    json_free(names);
    if (!change || !redo) {
        change_abort(change);
        free(redo);
        return err_nomem(err);
    }
    if (c->status != CONVERSATION_CREATED) /* Later states stay. */
        became.status = -1;
    for (size_t i = 0; i < n; i++) {
        store_add_file(change_tx(change), &all[i].f);
        change_message(change, "file_upload",
            arena_printf(call->arena, "%s uploaded successfully", all[i].f.name),
            view_file(call->server, call->arena, view_base_url(call), c, &all[i].f));
    }
    quota.conversations = 0;
    store_check_quota(change_tx(change), c->owner, &quota);
    store_change_conversation(change_tx(change), c->id, &became);
    idempotency_mark(call, change_tx(change), redo);
    free(redo);
    return change_commit(change, err);
}

/*
 * Take files back whose rows were refused. Not after a fault of the disk: the rows may have reached it all the same, and
 * the next start finds out.
 */
static void withdraw(struct call *call, const struct conversation *c, const struct arrival *all,
    size_t n, const struct err *why)
{
    for (size_t i = 0; i < n && why->code != ERR_IO; i++) {
        if (all[i].stored[0])
            upload_withdraw(&call->server->dirs, c, all[i].stored);
    }
}

static bool store_parts(
    struct call *call, const struct conversation *c, struct arrival *all, size_t n, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; ok && i < n; i++)
        ok = examine(call, c, &all[i], err);
    if (fault_is("row-before-file")) {
        all[0].f.base = "people";
        return ok && record(call, c, all, n, err) && publish(call, c, &all[0], err);
    }
    ok = ok && call_whole(call, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = publish(call, c, &all[i], err);
    ok = ok && call_whole(call, err) && record(call, c, all, n, err);
    if (!ok)
        withdraw(call, c, all, n, err);
    return ok;
}

static void reply_upload(struct call *call, const struct conversation *c,
    const struct stored_file *const *files, size_t n)
{
    struct json *all = json_new_array(), *first = NULL;

    for (size_t i = 0; i < n; i++) {
        struct json *one = view_file(call->server, call->arena, view_base_url(call), c, files[i]);

        if (i == 0)
            first = json_clone(one);
        json_add(all, one);
    }
    if (n > 1)
        json_set(first, "files", json_ref(all));
    json_free(all);
    reply_data(call, 200, "File uploaded successfully", first);
}

/* The files are there since an earlier attempt of this request. */
static bool upload_again(struct call *call, const struct conversation *c, struct err *err)
{
    const struct stored_file **files;
    struct json *names;
    size_t n;
    bool ok;

    if (!json_parse(call->redo, strlen(call->redo), &names, err))
        return false;
    n = json_len(names);
    files = arena_calloc(call->arena, n + 1, sizeof *files);
    ok = files != NULL;
    if (!ok)
        err_nomem(err);
    for (size_t i = 0; ok && i < n; i++) {
        struct stored_file *f = arena_calloc(call->arena, 1, sizeof *f);

        files[i] = f;
        ok = f ? store_file_get(
                     call->server->store, c->id, json_str(json_at(names, i)), call->arena, f, err)
               : err_nomem(err);
    }
    json_free(names);
    if (ok)
        reply_upload(call, c, files, n);
    return ok;
}

bool upload_files(struct call *call, const struct conversation *c, const struct stored_file ***out,
    size_t *n_files, struct err *err)
{
    const struct http_request *r = &call->x->request;
    const struct stored_file **files;
    struct arrival *all;
    size_t n = 0;

    all = arena_calloc(call->arena, r->n_parts + 1, sizeof *all);
    files = arena_calloc(call->arena, r->n_parts + 1, sizeof *files);
    if (!all || !files)
        return err_nomem(err);
    for (size_t i = 0; i < r->n_parts; i++) {
        if (!r->parts[i].filename ||
            (strcmp(r->parts[i].name, "file") != 0 && strcmp(r->parts[i].name, "files") != 0))
            continue;
        files[n] = &all[n].f;
        all[n++].part = &r->parts[i];
    }
    if (n == 0)
        return err_argument(err, ERR_ARG, "file", "field 'file' with a file is required");
    if (!store_parts(call, c, all, n, err))
        return false;
    *out = files;
    *n_files = n;
    return true;
}

bool api_upload(struct call *call, struct err *err)
{
    const struct stored_file **files = NULL;
    struct conversation c;
    size_t n = 0;

    if (!store_conversation_get(call->server->store, call->params[0], call->arena, &c, err))
        return false;
    if (call->redo)
        return upload_again(call, &c, err);
    if (!upload_files(call, &c, &files, &n, err))
        return false;
    reply_upload(call, &c, files, n);
    return true;
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

/* Have a worker look at the file of the path; takes the job, whose `what` gets the file's name. */
static bool look_at(struct call *call, const char *job_name, struct json *what,
    const struct stored_file *f, const struct conversation *c, struct json **data, struct err *err)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct json *job = json_new_object();

    json_set_string(job, "job", job_name);
    json_set_string(what, "file", f->name);
    json_set(job, job_name, what);
    if (!conversation_file_dir(&call->server->dirs, c->partition, c->id, f->kind, dir, err) ||
        !fs_join(path, dir, f->name, err)) {
        json_free(job);
        return false;
    }
    return file_ask(call->server, job, f->name, path, data, err);
}

bool api_preview(struct call *call, struct err *err)
{
    const char *sheet = http_query(&call->x->request, "sheet");
    struct json *what, *data;
    struct conversation c;
    struct stored_file f;
    int64_t offset, limit, rows_only;

    if (!call_query_int(call, "offset", 0, 0, INT64_MAX / 2, &offset, err) ||
        !call_query_int(call, "limit", PREVIEW_DEFAULT, 0, PREVIEW_MAX, &limit, err) ||
        !call_query_int(call, "rows_only", 0, 0, 1, &rows_only, err) ||
        !find_file(call, &c, &f, err))
        return false;
    what = json_new_object();
    json_set_int(what, "offset", offset);
    json_set_int(what, "limit", limit);
    json_set_bool(what, "rows_only", rows_only == 1);
    if (sheet && *sheet)
        json_set_string(what, "sheet", sheet);
    if (!look_at(call, "preview", what, &f, &c, &data, err))
        return false;
    reply_data(call, 200, "Preview", data);
    return true;
}

bool api_profile(struct call *call, struct err *err)
{
    const char *sheet = http_query(&call->x->request, "sheet");
    struct json *what, *data;
    struct conversation c;
    struct stored_file f;

    if (!find_file(call, &c, &f, err))
        return false;
    what = json_new_object();
    json_set_bool(what, "details", true);
    json_set_bool(what, "typed", true);
    if (sheet && *sheet) {
        struct json *reader = json_new_object();

        json_set_string(reader, "sheet", sheet);
        json_set(what, "reader", reader);
    }
    if (!look_at(call, "inspect", what, &f, &c, &data, err))
        return false;
    reply_data(call, 200, "Profile", data);
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
    call->x->reply.who = call->caller->who.key;
    call->x->reply.since = (uint64_t)since;
    return true;
}
