/* Dumps of conversations, their return, and backups of the database. */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/date.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESTORE_RATIO = 64, MIB = 1 << 20 };

static const struct dump_form {
    const char *name, *suffix, *media_type;
    enum dump_compression compression;
} forms[] = {
    { "gzip", ".tar.gz", "application/gzip", DUMP_GZIP },
    { "zip", ".zip", "application/zip", DUMP_ZIP },
    { "tar", ".tar", "application/x-tar", DUMP_TAR },
};

static enum dump_compression compression(const struct server *server)
{
    const char *name = settings_string(server->settings, "chat_workflows.dump.compression");
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(forms) && strcmp(forms[i].name, name) != 0)
        i++;
    return forms[i].compression;
}

static const char *media_type(const char *file)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].suffix, fs_suffix(file)) == 0)
            return forms[i].media_type;
    }
    return "application/octet-stream";
}

bool api_dump(struct call *call, struct err *err)
{
    struct server *server = call->server;
    char name[FS_NAME_MAX + 1], sha256[65];
    struct json *object, *data;
    uint64_t size;
    bool ok;

    if (!view_conversation(server, call->arena, view_base_url(call), call->params[0], &object, err))
        return false;
    ok = dump_write_as(server->store, &server->dirs, call->params[0], object, compression(server),
        clock_wall_ns(), name, &size, sha256, err);
    json_free(object);
    if (!ok)
        return false;
    data = json_new_object();
    json_set_string(data, "chat_id", call->params[0]);
    json_set_string(data, "dump_file", name);
    json_set_string(data, "download_url",
        arena_printf(
            call->arena, "%s%s/chat/downloads/%s", view_base_url(call), server->prefix, name));
    json_set_int(data, "size", (int64_t)size);
    json_set_string(data, "sha256", sha256);
    reply_data(call, 201, "Conversation dumped", data);
    return true;
}

bool api_dump_get(struct call *call, struct err *err)
{
    const char *name = call->params[0];
    char etag[64];
    struct stat st;
    uint64_t size;
    int fd;

    if (!fs_is_bare_name(name))
        return err_set(err, ERR_NOT_FOUND, "there is no such dump");
    if (!fs_open_beneath(call->server->dirs.dumps, name, &fd, &size, err))
        return false;
    if (fstat(fd, &st) != 0)
        st.st_mtim = (struct timespec){ 0 };
    snprintf(etag, sizeof etag, "%llx-%llx", (unsigned long long)size,
        (unsigned long long)st.st_mtim.tv_sec * 1000000000ull +
            (unsigned long long)st.st_mtim.tv_nsec);
    reply_file(call, fd, size, name, media_type(name), etag);
    return true;
}

static bool restore_mode(struct call *call, enum restore_mode *out, struct err *err)
{
    static const struct {
        const char *name;
        enum restore_mode mode;
    } modes[] = { { "refuse", RESTORE_REFUSE }, { "replace", RESTORE_REPLACE },
        { "copy", RESTORE_COPY } };
    const struct http_part *part = http_part_find(&call->x->request, "mode");
    const char *given = part && part->value ? part->value : http_query(&call->x->request, "mode");

    *out = RESTORE_REFUSE;
    if (!given)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (strcasecmp(modes[i].name, given) == 0) {
            *out = modes[i].mode;
            return true;
        }
    }
    err_set(err, ERR_ARG, "mode: '%.40s' is not one of refuse, replace, copy", given);
    snprintf(err->argument, sizeof err->argument, "mode");
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        err_list_add(err->available, sizeof err->available, modes[i].name);
    return false;
}

bool api_restore(struct call *call, struct err *err)
{
    struct server *server = call->server;
    const struct http_part *part = http_part_find(&call->x->request, "dump_file");
    uint64_t max =
        (uint64_t)settings_int(server->settings, "chat_workflows.file.max_upload_size_mb") * MIB *
        RESTORE_RATIO;
    enum restore_mode mode;
    char id[ID_LEN];
    struct json *data;

    if (!part)
        part = http_part_find(&call->x->request, "file");
    if (!part || !part->filename) {
        err_set(err, ERR_ARG, "field 'dump_file' with a dump is required");
        snprintf(err->argument, sizeof err->argument, "dump_file");
        return false;
    }
    if (!restore_mode(call, &mode, err) ||
        !dump_restore(server->store, &server->dirs, part->path, mode, server_partition(server),
            settings_string(server->settings, "chat_workflows.partition.subfolder_format"), max,
            clock_wall_ns(), id, err) ||
        !view_conversation(server, call->arena, view_base_url(call), id, &data, err))
        return false;
    reply_data(call, 201, "Conversation restored", data);
    return true;
}

bool server_backup(struct server *server, char *name, char *path, struct err *err)
{
    char stamp[DATE_TEXT_MAX];

    date_format_stamp(clock_wall_ns(), stamp);
    for (int k = 1;; k++) {
        char again[16] = "";

        if (k > 1)
            snprintf(again, sizeof again, "-%d", k);
        snprintf(name, FS_NAME_MAX + 1, "chat_backup_%s%s.db", stamp, again);
        if (!fs_join(path, server->dirs.snapshots, name, err))
            return false;
        if (access(path, F_OK) != 0)
            return store_backup(server->store, path, err);
    }
}

bool api_backup(struct call *call, struct err *err)
{
    struct server *server = call->server;
    char name[FS_NAME_MAX + 1], path[FS_PATH_MAX], sha256[65];
    size_t root = strlen(server->dirs.root);
    struct json *data;
    struct stat st;
    int fd;
    bool ok;

    if (!server_backup(server, name, path, err))
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ok = fd >= 0 && fstat(fd, &st) == 0 && fs_sha256_fd(fd, sha256, err);
    if (fd >= 0)
        close(fd);
    if (!ok)
        return err_set(err, ERR_IO, "the backup cannot be read back");
    data = json_new_object();
    json_set_string(data, "backup_file", name);
    json_set_string(
        data, "path", strncmp(path, server->dirs.root, root) == 0 ? path + root + 1 : name);
    json_set_int(data, "size", st.st_size);
    json_set_string(data, "sha256", sha256);
    json_set_string(data, "integrity", "ok");
    reply_data(call, 201, "Database backed up", data);
    return true;
}
