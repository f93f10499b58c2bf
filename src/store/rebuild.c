/* Rows out of a conversation object: see the header. */

#include "store/rebuild.h"

#include "base/date.h"
#include "base/fs.h"
#include "base/rand.h"
#include "store/files.h"
#include "store/rows_json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rebuild {
    const struct json *object;
    const struct unpacked *unpacked;
    int64_t now_ns;
    struct arena *arena;
    struct conversation_rows rows;
};

/* ---- small pieces ---- */

static bool digits(const char *p, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)p[i]))
            return false;
        *out = *out * 10 + (p[i] - '0');
    }
    return true;
}

/* Nanoseconds of the fraction at *p, which moves behind it. */
static int64_t fraction(const char **p)
{
    int64_t ns = 0, unit = 100000000;

    if (**p != '.')
        return 0;
    for (++*p; isdigit((unsigned char)**p); ++*p, unit /= 10)
        ns += (**p - '0') * unit;
    return ns;
}

/* Seconds east of UTC; false when it is no zone. None means UTC. */
static bool zone(const char *p, int64_t *seconds)
{
    int h, m;

    *seconds = 0;
    if (!*p || strcmp(p, "Z") == 0)
        return true;
    if ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':' || !digits(p + 1, 2, &h) ||
        !digits(p + 4, 2, &m))
        return false;
    *seconds = (*p == '-' ? -1 : 1) * (h * 3600LL + m * 60LL);
    return true;
}

/* "2026-02-06T12:00:00.123456+00:00", the fraction and the zone being optional; `fallback` for
 * anything else. */
static int64_t time_of(const struct json *object, const char *key, int64_t fallback)
{
    const char *s = json_get_string(object, key);
    int year, month, day, hour, minute, second;
    int64_t ns, east;

    if (!s || strlen(s) < 19 || !digits(s, 4, &year) || s[4] != '-' || !digits(s + 5, 2, &month) ||
        s[7] != '-' || !digits(s + 8, 2, &day) || (s[10] != 'T' && s[10] != ' ') ||
        !digits(s + 11, 2, &hour) || s[13] != ':' || !digits(s + 14, 2, &minute) || s[16] != ':' ||
        !digits(s + 17, 2, &second) || !date_exists(year, month, day) || year < 1970 || year > 2200)
        return fallback;
    s += 19;
    ns = fraction(&s);
    if (!zone(s, &east))
        return fallback;
    ns += (date_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second -
              east) *
          1000000000;
    return ns > 0 ? ns : fallback;
}

static bool plain_text(const struct json *v)
{
    const char *s = json_str(v);

    return s && strlen(s) == json_str_len(v);
}

/* A string member, copied; NULL when absent or no plain text. */
static const char *text_of(struct rebuild *r, const struct json *o, const char *key)
{
    const struct json *v = json_get(o, key);

    return plain_text(v) ? arena_strdup(r->arena, json_str(v)) : NULL;
}

/* The text of a member that is an object (or array); NULL when absent, not one, or memory ends. */
static const char *json_of(
    struct rebuild *r, const struct json *o, const char *key, enum json_kind kind)
{
    const struct json *v = json_get(o, key);
    const char *copy;
    char *text;

    if (!v || json_kind(v) != kind)
        return NULL;
    text = json_text(v);
    copy = text ? arena_strdup(r->arena, text) : NULL;
    free(text);
    return copy;
}

static const char *or_else(const char *s, const char *fallback)
{
    return s ? s : fallback;
}

/* An id of the object if it is one, else a new one. */
static void id_of(const struct json *o, const char *key, char out[ID_LEN])
{
    const char *s = json_get_string(o, key);

    if (s && conversation_id_ok(s))
        memcpy(out, s, ID_LEN);
    else
        rand_uuid(out);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* A path in the conversation's folder, as given; anything else is dropped. */
static const char *path_of(struct rebuild *r, const struct json *o, const char *key)
{
    const char *s = text_of(r, o, key);

    while (
        s && *s == '/') /* Absolute ones lead to the id too; relocating cuts what is before it. */
        s++;
    return s && rows_path_ok(s) ? s : NULL;
}

static uint64_t count_of(const struct json *o, const char *key)
{
    int64_t v = json_get_int(o, key, 0);

    return v > 0 ? (uint64_t)v : 0;
}

/* ---- the conversation ---- */

static bool rebuild_conversation(struct rebuild *r, struct err *err)
{
    struct conversation *c = &r->rows.conversation;
    const char *id = json_get_string(r->object, "chat_id");

    if (id && strcmp(id, r->unpacked->id) != 0)
        return err_set(err, ERR_DATA, "the conversation is not the one the archive is named for");
    memcpy(c->id, r->unpacked->id, ID_LEN);
    c->participant = or_else(text_of(r, r->object, "participant_name"), "");
    c->name = text_of(r, r->object, "name");
    if (!conversation_status_find(json_get_string(r->object, "status"), &c->status))
        c->status = CONVERSATION_ACTIVE;
    c->partition = "";
    c->metadata = or_else(json_of(r, r->object, "metadata", JSON_KIND_OBJECT), "{}");
    c->created_ns = time_of(r->object, "created_at", r->now_ns);
    c->updated_ns = time_of(r->object, "updated_at", c->created_ns);
    return true;
}

static bool rebuild_messages(struct rebuild *r, struct err *err)
{
    static const char *const types[] = { "user", "system", "file_upload", "step_result", "error",
        "progress" };
    const struct json *list = json_get(r->object, "messages");
    size_t n = json_kind(list) == JSON_KIND_ARRAY ? json_len(list) : 0;

    r->rows.messages = arena_calloc(r->arena, n ? n : 1, sizeof *r->rows.messages);
    if (!r->rows.messages)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        const struct json *o = json_at(list, i);
        struct message *m = &r->rows.messages[i];
        const char *type = json_get_string(o, "message_type");

        id_of(o, "message_id", m->id);
        m->type = "system";
        for (size_t k = 0; type && k < ARRAY_LEN(types); k++) {
            if (strcmp(type, types[k]) == 0)
                m->type = types[k];
        }
        m->content = or_else(text_of(r, o, "content"), "");
        m->metadata = or_else(json_of(r, o, "metadata", JSON_KIND_OBJECT), "{}");
        m->created_ns = time_of(o, "created_at", r->rows.conversation.created_ns);
    }
    r->rows.n_messages = n;
    return true;
}

/* ---- runs and steps ---- */

/* The run a step belongs to; a new one where there is none yet. Rows have room for as many as there
 * are steps. */
static struct run *run_for(struct rebuild *r, const char *id)
{
    struct run *run;

    for (size_t i = 0; i < r->rows.n_runs; i++) {
        if (!id || strcmp(r->rows.runs[i].id, id) == 0)
            return &r->rows.runs[i];
    }
    run = &r->rows.runs[r->rows.n_runs++];
    if (id)
        memcpy(run->id, id, ID_LEN);
    else
        rand_uuid(run->id);
    memcpy(run->conversation, r->unpacked->id, ID_LEN);
    run->status = RUN_COMPLETED;
    run->options = "{}";
    run->created_ns = r->rows.conversation.created_ns;
    run->attempt = 1;
    return run;
}

static void rebuild_step(
    struct rebuild *r, const struct json *o, const struct run *run, struct step *st)
{
    int64_t percent;

    id_of(o, "step_id", st->id);
    memcpy(st->run, run->id, ID_LEN);
    for (size_t i = 0; i < r->rows.n_steps; i++)
        st->index += strcmp(r->rows.steps[i].run, run->id) == 0;
    st->operation = or_else(text_of(r, o, "operation"), "");
    st->arguments = or_else(json_of(r, o, "arguments", JSON_KIND_OBJECT), "{}");
    st->input_file = path_of(r, o, "input_file");
    st->output_file = path_of(r, o, "output_file");
    if (!step_status_find(json_get_string(o, "status"), &st->status))
        st->status = STEP_CANCELLED;
    percent = json_get_int(o, "progress", st->status == STEP_COMPLETED ? 100 : 0);
    st->progress = percent < 0 ? 0 : percent > 100 ? 100 : (uint32_t)percent;
    st->error = text_of(r, o, "error_message");
    st->rows_in = count_of(o, "rows_in");
    st->rows_out = count_of(o, "rows_out");
    st->warnings = or_else(json_of(r, o, "warnings", JSON_KIND_ARRAY), "[]");
    st->started_ns = time_of(o, "started_at", 0);
    st->completed_ns = time_of(o, "completed_at", 0);
}

/* What its steps say about a run. */
static void sum_up(struct run *run, const struct step *st)
{
    if (st->status == STEP_FAILED)
        run->status = RUN_FAILED;
    else if (st->status != STEP_COMPLETED && st->status != STEP_SKIPPED &&
             run->status != RUN_FAILED)
        run->status = RUN_CANCELLED;
    if (st->index == 0 && st->input_file)
        run->input = last_part(st->input_file);
    if (st->started_ns && (!run->started_ns || st->started_ns < run->started_ns))
        run->started_ns = st->started_ns;
    if (st->completed_ns > run->completed_ns)
        run->completed_ns = st->completed_ns;
}

/* The definition of a run, as it would have been asked for. */
static bool pin_steps(struct rebuild *r, struct run *run, struct err *err)
{
    struct json *list = json_new_array();
    bool ok = list != NULL;
    char *text;

    for (size_t i = 0; ok && i < r->rows.n_steps; i++) {
        const struct step *st = &r->rows.steps[i];
        struct json *o, *arguments;

        if (strcmp(st->run, run->id) != 0)
            continue;
        if (!json_parse_max(st->arguments, strlen(st->arguments), SIZE_MAX, &arguments, err)) {
            json_free(list);
            return false;
        }
        o = json_new_object();
        ok = json_set_string(o, "operation", st->operation);
        ok = json_set(o, "arguments", arguments) && ok;
        ok = json_add(list, o) && ok;
    }
    text = ok ? json_text(list) : NULL;
    run->steps = text ? arena_strdup(r->arena, text) : NULL;
    free(text);
    json_free(list);
    return run->steps ? true : err_nomem(err);
}

static bool rebuild_steps(struct rebuild *r, struct err *err)
{
    const struct json *list = json_get(r->object, "workflow_steps");
    size_t n = json_kind(list) == JSON_KIND_ARRAY ? json_len(list) : 0;

    r->rows.steps = arena_calloc(r->arena, n ? n : 1, sizeof *r->rows.steps);
    r->rows.runs = arena_calloc(r->arena, n ? n : 1, sizeof *r->rows.runs);
    if (!r->rows.steps || !r->rows.runs)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        const struct json *o = json_at(list, i);
        const char *id = json_get_string(o, "run_id");
        struct run *run = run_for(r, id && conversation_id_ok(id) ? id : NULL);

        rebuild_step(r, o, run, &r->rows.steps[i]);
        r->rows.n_steps = i + 1;
        sum_up(run, &r->rows.steps[i]);
    }
    for (size_t i = 0; i < r->rows.n_runs; i++) {
        if (!pin_steps(r, &r->rows.runs[i], err))
            return false;
    }
    return true;
}

/* ---- files ---- */

/* "csv" of "a.CSV.gz": what the name says, as nothing else is known. */
static const char *format_of(struct rebuild *r, const char *name)
{
    char *copy = arena_strdup(r->arena, name), *suffix;

    if (!copy)
        return NULL;
    suffix = copy + (fs_suffix(copy) - copy);
    if (strcmp(suffix, ".gz") == 0) {
        *suffix = '\0';
        suffix = copy + (fs_suffix(copy) - copy);
    }
    for (char *p = suffix; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return *suffix == '.' ? suffix + 1 : suffix;
}

/* The stem of the upload that an output's name begins with, else its own stem. */
static const char *base_of(struct rebuild *r, const struct stored_file *f)
{
    const char *own = arena_dup(r->arena, f->name, (size_t)(fs_suffix(f->name) - f->name));

    for (size_t i = 0; own && f->kind != STORED_UPLOAD && i < r->rows.n_files; i++) {
        const struct stored_file *up = &r->rows.files[i];
        size_t n = (size_t)(fs_suffix(up->name) - up->name);

        if (up->kind == STORED_UPLOAD && strncmp(up->name, own, n) == 0 && own[n] == '_')
            return arena_dup(r->arena, up->name, n);
    }
    return own;
}

/* The conversation object's word about an upload: a path, or an object with file_path or
 * filename. */
static const char *listed_name(const struct json *v)
{
    const char *s = json_str(v);

    if (!s)
        s = json_get_string(v, "file_path");
    if (!s)
        s = json_get_string(v, "filename");
    return s ? last_part(s) : NULL;
}

/* Place in the list of uploads, as the last one is what a run reads; those not listed come
 * first. */
static size_t upload_place(const struct rebuild *r, const char *name)
{
    const struct json *list = json_get(r->object, "uploaded_files");
    size_t place = 0;

    for (size_t i = 0; i < json_len(list); i++) {
        const char *listed = listed_name(json_at(list, i));

        if (listed && strcmp(listed, name) == 0)
            place = i + 1;
    }
    return place;
}

static void find_run(struct rebuild *r, struct stored_file *f)
{
    for (size_t i = 0; i < r->rows.n_steps; i++) {
        const struct step *st = &r->rows.steps[i];

        if (st->output_file && strcmp(last_part(st->output_file), f->name) == 0)
            memcpy(f->run, st->run, ID_LEN);
    }
}

/* Names are unique in a conversation here; they were unique only in a folder there. */
static bool check_names(const struct conversation_rows *rows, struct err *err)
{
    for (size_t i = 0; i < rows->n_files; i++) {
        for (size_t k = i + 1; k < rows->n_files; k++) {
            if (strcmp(rows->files[i].name, rows->files[k].name) == 0)
                return err_set(err, ERR_DATA,
                    "the archive holds two files named %s, in %s and %s: rename one of them",
                    rows->files[i].name, file_kind_folder(rows->files[i].kind),
                    file_kind_folder(rows->files[k].kind));
        }
    }
    return true;
}

struct placed {
    struct stored_file file;
    size_t place;
};

static int compare(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    if (x->file.kind != y->file.kind)
        return (int)x->file.kind - (int)y->file.kind;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return strcmp(x->file.name, y->file.name);
}

static bool collect_files(struct rebuild *r, struct placed *placed, size_t *n, struct err *err)
{
    for (size_t i = 0; i < r->unpacked->n; i++) {
        const struct member *m = &r->unpacked->members[i];
        const char *slash = strchr(m->path, '/');
        char folder[16];
        struct stored_file *f = &placed[*n].file;

        if (!m->extracted || !slash)
            continue;
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - m->path), m->path);
        if (!file_kind_find(folder, &f->kind))
            return err_set(err, ERR_INTERNAL, "a file was unpacked into no known folder");
        memcpy(f->conversation, r->unpacked->id, ID_LEN);
        f->name = slash + 1;
        f->size = m->size;
        memcpy(f->sha256, m->sha256, sizeof f->sha256);
        f->facts = "{}";
        f->created_ns = r->rows.conversation.created_ns;
        placed[*n].place = f->kind == STORED_UPLOAD ? upload_place(r, f->name) : 0;
        ++*n;
    }
    return true;
}

static bool rebuild_files(struct rebuild *r, struct err *err)
{
    size_t room = r->unpacked->n ? r->unpacked->n : 1, n = 0;
    struct placed *placed = arena_calloc(r->arena, room, sizeof *placed);

    r->rows.files = arena_calloc(r->arena, room, sizeof *r->rows.files);
    if (!placed || !r->rows.files)
        return err_nomem(err);
    if (!collect_files(r, placed, &n, err))
        return false;
    if (n > 1)
        qsort(placed, n, sizeof *placed, compare);
    for (size_t i = 0; i < n; i++) {
        struct stored_file *f = &r->rows.files[i];

        *f = placed[i].file;
        r->rows.n_files = i + 1;
        f->base = base_of(r, f);
        f->format = format_of(r, f->name);
        if (!f->base || !f->format)
            return err_nomem(err);
        if (f->kind != STORED_UPLOAD)
            find_run(r, f);
    }
    return check_names(&r->rows, err);
}

bool rebuild_rows(const struct json *object, const struct unpacked *unpacked, int64_t now_ns,
    struct arena *arena, struct conversation_rows *out, struct err *err)
{
    struct rebuild r = { .object = object, .unpacked = unpacked, .now_ns = now_ns, .arena = arena };

    if (json_kind(object) != JSON_KIND_OBJECT)
        return err_set(err, ERR_DATA, "conversation_metadata.json is not a JSON object");
    if (!rebuild_conversation(&r, err) || !rebuild_messages(&r, err) || !rebuild_steps(&r, err) ||
        !rebuild_files(&r, err))
        return false;
    *out = r.rows;
    return true;
}
