/*
 * What a request to an operation brings: files in fields of known names, and arguments in the other fields.
 */

#include "server/server_int.h"

#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define SENT_PREFIX "upload-" /* As net/multipart.c names them. */

enum { MIB = 1 << 20 };

/* The folder is another one than that of uploads, so it may lie on another disk; nothing in it outlives its request. */
bool sent_open(struct server *server, struct err *err)
{
    const char *folder = settings_string(server->settings, "file.upload_folder");
    char path[FS_PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    if (!*folder) {
        snprintf(server->sent_dir, sizeof server->sent_dir, "%s", server->dirs.tmp);
        return true;
    }
    if (!(folder[0] == '/' ? fs_join(server->sent_dir, "/", folder + 1, err)
                           : fs_join(server->sent_dir, server->dirs.root, folder, err)) ||
        !fs_make_dirs(server->sent_dir, err))
        return err_wrap(err, "file.upload_folder");
    dir = opendir(server->sent_dir);
    if (!dir)
        return err_errno(err, errno, "file.upload_folder");
    while ((entry = readdir(dir)) != NULL) { /* What a crash has left. */
        if (strncmp(entry->d_name, SENT_PREFIX, sizeof SENT_PREFIX - 1) == 0 &&
            strcmp(fs_suffix(entry->d_name), FS_TMP_SUFFIX) == 0 &&
            fs_join(path, server->sent_dir, entry->d_name, err))
            unlink(path);
    }
    closedir(dir);
    return true;
}

static bool unknown_field(
    const struct sent_file *files, size_t n, const char *field, struct err *err)
{
    const char *names[SENT_FILES], *near;

    for (size_t i = 0; i < n; i++)
        names[i] = files[i].field;
    near = utf8_nearest(field, names, n);
    err_argument(err, ERR_ARG, field, "there is no file field '%.64s'%s%s%s", field,
        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    for (size_t i = 0; i < n; i++)
        err_list_add(err->available, sizeof err->available, names[i]);
    return false;
}

static bool take_part(
    struct call *call, struct sent_file *file, const struct http_part *part, struct err *err)
{
    int64_t limit = settings_int(call->server->settings, "file.max_file_size_mb");
    char name[FS_NAME_MAX + 1];

    if (file->part)
        return err_argument(err, ERR_ARG, file->field,
            "field '%s' is there twice; one file is expected", file->field);
    if (!fs_safe_name(part->filename, strlen(part->filename), name, err))
        return false;
    file->name = arena_strdup(call->arena, name);
    file->base = file_base_name(call->arena, name);
    if (!file->name || !file->base)
        return err_nomem(err);
    if (!file_suffix_allowed(call->server->settings, "file.allowed_extensions", name, err))
        return false;
    if (part->size > (uint64_t)limit * MIB)
        return err_set(err, ERR_TOO_LARGE,
            "%s is larger than the limit of %lld MiB (file.max_file_size_mb)", name,
            (long long)limit);
    file->part = part;
    return true;
}

bool sent_files(struct call *call, struct sent_file *files, size_t n, struct err *err)
{
    const struct http_request *r = &call->x->request;

    if (r->body_len && r->content_type && strncasecmp(r->content_type, "application/json", 16) != 0)
        return err_set(err, ERR_FORMAT,
            "a body of type %.60s is not accepted; send the file as multipart/form-data in field "
            "'%s'",
            r->content_type, files[0].field);
    for (size_t p = 0; p < r->n_parts; p++) {
        const struct http_part *part = &r->parts[p];
        size_t i = 0;

        if (!part->filename || !*part->filename) /* A field, or a file that was not chosen. */
            continue;
        while (i < n && strcmp(files[i].field, part->name) != 0)
            i++;
        if (i == n)
            return unknown_field(files, n, part->name, err);
        if (!take_part(call, &files[i], part, err))
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!files[i].part)
            return err_argument(
                err, ERR_ARG, files[i].field, "%s is required. %s", files[i].field, files[i].help);
    }
    return true;
}

/* A field that is there again makes a list. */
static bool add_field(struct json *object, const char *name, struct json *value)
{
    const struct json *old = json_get(object, name);
    struct json *list;

    if (!old)
        return json_set(object, name, value);
    list = json_new_array();
    for (size_t i = 0; json_kind(old) == JSON_KIND_ARRAY && i < json_len(old); i++)
        json_add(list, json_ref(json_at(old, i)));
    if (json_kind(old) != JSON_KIND_ARRAY)
        json_add(list, json_ref(old));
    return json_add(list, value) && json_set(object, name, list);
}

bool sent_arguments(struct call *call, struct json **out, struct err *err)
{
    const struct http_request *r = &call->x->request;
    struct json *o;

    if (!r->n_parts)
        return call_body(call, out, err);
    o = json_new_object();
    for (size_t i = 0; i < r->n_parts; i++) {
        const struct http_part *part = &r->parts[i];

        /* Text as it is: what becomes of it is the declaration's business. Forms send what is left open as "". */
        if (part->filename || part->value_len == 0)
            continue;
        if (!add_field(o, part->name, json_new_stringn(part->value, part->value_len))) {
            json_free(o);
            return err_nomem(err);
        }
    }
    if (!call_whole(call, err)) {
        json_free(o);
        return false;
    }
    *out = o;
    return true;
}
