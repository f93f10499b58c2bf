/*
 * Rows of the store as clients see them. Every shape that the API shows is made here and nowhere else.
 */

#include "server/server_int.h"

#include "base/date.h"

#include <stdio.h>
#include <stdlib.h>

enum { URL_ESCAPED = 3 };

void view_time(struct json *object, const char *key, int64_t ns)
{
    char text[DATE_TEXT_MAX];

    if (ns == 0) {
        json_set(object, key, json_new_null());
        return;
    }
    date_format_utc(ns, text);
    json_set_string(object, key, text);
}

/* Text that was stored as JSON, or an empty object / null. */
static struct json *stored_json(const char *text, bool object)
{
    struct json *v = NULL;
    struct err err;

    if (text && json_parse_max(text, strlen(text), (size_t)64 << 20, &v, &err))
        return v;
    return object ? json_new_object() : json_new_null();
}

const char *view_base_url(struct call *call)
{
    const char *host = call->x->request.host;

    return arena_printf(
        call->arena, "%s://%s", call->x->request.tls ? "https" : "http", host ? host : "127.0.0.1");
}

const char *view_url_escape(struct arena *arena, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(arena, strlen(s) * URL_ESCAPED + 1), *p = out;

    if (!out)
        return "";
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c)) {
            *p++ = (char)c;
        } else {
            *p++ = '%';
            *p++ = digits[c >> 4];
            *p++ = digits[c & 15];
        }
    }
    *p = '\0';
    return out;
}

const char *view_file_url(const struct server *server, struct arena *arena, const char *base_url,
    const char *conversation, const char *name)
{
    return arena_printf(arena, "%s%s/chat/workflows/%s/files/%s", base_url, server->prefix,
        conversation, view_url_escape(arena, name));
}

struct json *view_file(const struct server *server, struct arena *arena, const char *base_url,
    const struct conversation *c, const struct stored_file *f)
{
    struct json *o = json_new_object(), *facts = stored_json(f->facts, true);
    char path[FS_PATH_MAX];
    struct err err;

    json_set_string(o, "file_path", file_public_path(c, f, path, &err) ? path : f->name);
    json_set_string(o, "download_url", view_file_url(server, arena, base_url, c->id, f->name));
    json_set_string(o, "filename", f->name);
    json_set_int(o, "size", (int64_t)f->size);
    json_set_string(o, "sha256", f->sha256);
    json_set_string(o, "format", f->format);
    for (const void *it = json_first(facts); it; it = json_next(facts, it))
        json_set(o, json_key(it), json_ref(json_value(it)));
    if (f->run[0])
        json_set_string(o, "run_id", f->run);
    view_time(o, "created_at", f->created_ns);
    json_free(facts);
    return o;
}

struct json *view_message(const struct message *m)
{
    struct json *o = json_new_object();

    json_set_string(o, "message_id", m->id);
    json_set_string(o, "message_type", m->type);
    json_set_string(o, "content", m->content);
    json_set(o, "metadata", stored_json(m->metadata, true));
    view_time(o, "created_at", m->created_ns);
    return o;
}

struct json *view_step(const struct step *s)
{
    struct json *o = json_new_object(), *warnings = stored_json(s->warnings, false);

    json_set_string(o, "step_id", s->id);
    json_set_string(o, "run_id", s->run);
    json_set_string(o, "operation", s->operation);
    json_set(o, "arguments", stored_json(s->arguments, true));
    json_set_string(o, "input_file", s->input_file);
    json_set_string(o, "output_file", s->output_file);
    json_set_string(o, "status", step_status_name(s->status));
    json_set_int(o, "progress", s->progress);
    json_set_string(o, "error_message", s->error);
    json_set_int(o, "rows_in", (int64_t)s->rows_in);
    json_set_int(o, "rows_out", (int64_t)s->rows_out);
    if (json_isnull(warnings)) {
        json_free(warnings);
        warnings = json_new_array();
    }
    json_set(o, "warnings", warnings);
    view_time(o, "started_at", s->started_ns);
    view_time(o, "completed_at", s->completed_ns);
    return o;
}

struct json *view_run(const struct server *server, struct arena *arena, const char *base_url,
    const struct conversation *c, const struct run *r, const struct step *steps, size_t n_steps)
{
    struct json *o = json_new_object(), *list = json_new_array(), *results = json_new_array();
    uint64_t progress = 0;

    (void)server;
    (void)arena;
    (void)base_url;
    for (size_t i = 0; i < n_steps; i++) {
        json_add(list, view_step(&steps[i]));
        if (steps[i].result)
            json_add(results, stored_json(steps[i].result, true));
        progress += steps[i].progress;
    }
    json_set_string(o, "run_id", r->id);
    json_set_string(o, "chat_id", c->id);
    json_set_string(o, "status", run_status_name(r->status));
    json_set_int(o, "progress", n_steps ? (int64_t)(progress / n_steps) : 0);
    json_set_string(o, "input_file", r->input);
    json_set(o, "steps", list);
    json_set(o, "results", results);
    json_set(o, "error", stored_json(r->error, false));
    view_time(o, "created_at", r->created_ns);
    view_time(o, "started_at", r->started_ns);
    view_time(o, "completed_at", r->completed_ns);
    return o;
}

struct json *view_summary(const struct conversation *c)
{
    struct json *o = json_new_object();

    json_set_string(o, "chat_id", c->id);
    json_set_string(o, "participant_name", c->participant);
    json_set_string(o, "name", c->name);
    if (c->owner)
        json_set_string(o, "owner", c->owner);
    json_set_string(o, "status", conversation_status_name(c->status));
    json_set_string(o, "partition_key", c->partition);
    json_set(o, "metadata", stored_json(c->metadata, true));
    view_time(o, "created_at", c->created_ns);
    view_time(o, "updated_at", c->updated_ns);
    json_set_int(o, "message_count", (int64_t)c->n_messages);
    json_set_int(o, "step_count", (int64_t)c->n_steps);
    json_set_int(o, "file_count", (int64_t)c->n_files);
    return o;
}

static bool add_files(struct server *server, struct arena *arena, const char *base_url,
    const struct conversation *c, struct json *uploads, struct json *outputs, struct err *err)
{
    struct stored_file *files;
    size_t n;

    if (!store_files(server->store, c->id, arena, &files, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct json *list = files[i].kind == STORED_UPLOAD   ? uploads
                            : files[i].kind == STORED_OUTPUT ? outputs
                                                             : NULL;

        if (list)
            json_add(list, view_file(server, arena, base_url, c, &files[i]));
    }
    return true;
}

bool view_outputs(struct server *server, struct arena *arena, const char *base_url,
    const struct conversation *c, struct json **out, struct err *err)
{
    struct json *outputs = json_new_array();

    if (!add_files(server, arena, base_url, c, NULL, outputs, err)) {
        json_free(outputs);
        return false;
    }
    *out = outputs;
    return true;
}

bool view_conversation(struct server *server, struct arena *arena, const char *base_url,
    const char *id, uint32_t last, struct json **out, struct err *err)
{
    struct json *o = NULL, *list, *uploads = json_new_array(), *outputs = json_new_array();
    struct conversation c;
    struct message *messages;
    struct step *steps;
    size_t n_messages, n_steps;

    if (!store_conversation_get(server->store, id, arena, &c, err) ||
        !store_messages(server->store, id, last, arena, &messages, &n_messages, err) ||
        !store_steps(server->store, id, NULL, arena, &steps, &n_steps, err) ||
        !add_files(server, arena, base_url, &c, uploads, outputs, err)) {
        json_free(uploads);
        json_free(outputs);
        return false;
    }
    o = json_new_object();
    json_set_string(o, "chat_id", c.id);
    json_set_string(o, "participant_name", c.participant);
    json_set_string(o, "name", c.name);
    if (c.owner)
        json_set_string(o, "owner", c.owner);
    json_set_string(o, "status", conversation_status_name(c.status));
    list = json_new_array();
    for (size_t i = 0; i < n_messages; i++)
        json_add(list, view_message(&messages[i]));
    json_set(o, "messages", list);
    list = json_new_array();
    for (size_t i = 0; i < n_steps; i++)
        json_add(list, view_step(&steps[i]));
    json_set(o, "workflow_steps", list);
    json_set(o, "uploaded_files", uploads);
    json_set(o, "output_files", outputs);
    json_set(o, "metadata", stored_json(c.metadata, true));
    view_time(o, "created_at", c.created_ns);
    view_time(o, "updated_at", c.updated_ns);
    json_set_string(o, "partition_key", c.partition);
    *out = o;
    return true;
}
