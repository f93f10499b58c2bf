/* Dumps of conversations, their return, and backups of the database. */

#include "base/clock.h"
#include "server/folder.h"
#include "server/metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *media_type(const char *file)
{
    static const char *const types[] = {
        [DUMP_GZIP] = "application/gzip",
        [DUMP_ZIP] = "application/zip",
        [DUMP_TAR] = "application/x-tar",
    };
    enum dump_compression form;

    return folder_compression_of(file, &form) ? types[form] : "application/octet-stream";
}

static struct folder folder_of(struct server *server)
{
    return (struct folder){ server->settings, &server->dirs, server->store, -1 };
}

/* ---- Idempotency-Key: the name, or the id, of what is made is what a second attempt answers with ---- */

static bool note_name(void *arg, const char *name, struct err *err)
{
    struct call *call = arg;
    struct store_tx *tx;

    if (!call->idempotent)
        return true;
    tx = store_begin(call->server->store);
    idempotency_mark(call, tx, name);
    return store_commit(tx, err);
}

static void note_restored(void *arg, struct store_tx *tx, const char *id)
{
    idempotency_mark(arg, tx, id);
}

/* The dump that an earlier attempt of this request has made; false when it did not get so far. */
static bool made_before(struct call *call, struct folder_dump *out)
{
    struct err err;
    int fd;
    bool ok;

    if (!call->redo ||
        !fs_open_beneath(call->server->dirs.dumps, call->redo, &fd, &out->size, &err))
        return false;
    ok = fs_sha256_fd(fd, out->sha256, &err);
    close(fd);
    snprintf(out->name, sizeof out->name, "%s", call->redo);
    return ok;
}

bool api_dump(struct call *call, struct err *err)
{
    const struct dump_note note = { .arg = call, .named = note_name };
    struct server *server = call->server;
    struct folder folder = folder_of(server);
    struct folder_dump dump;
    struct json *data;

    if (!made_before(call, &dump) &&
        !folder_dump(&folder, call->params[0], view_base_url(call),
            folder_compression(server->settings), NULL, &note, &dump, err)) {
        idempotency_release(call);
        return false;
    }
    data = json_new_object();
    json_set_string(data, "chat_id", call->params[0]);
    json_set_string(data, "dump_file", dump.name);
    json_set_string(data, "download_url",
        arena_printf(
            call->arena, "%s%s/chat/downloads/%s", view_base_url(call), server->prefix, dump.name));
    json_set_int(data, "size", (int64_t)dump.size);
    json_set_string(data, "sha256", dump.sha256);
    reply_data(call, 200, "Conversation dumped", data);
    return true;
}

bool api_dump_get(struct call *call, struct err *err)
{
    const char *name = call->params[0];
    char etag[64], id[ID_LEN];
    struct stat st;
    uint64_t size;
    int fd;

    if (!fs_is_bare_name(name))
        return err_set(err, ERR_NOT_FOUND, "there is no such dump");
    snprintf(id, sizeof id, "%s", name); /* Its name begins with that of the conversation. */
    if (!call_sees(call, id, err))
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
    static const char *const names[] = { "refuse", "replace", "copy" };
    const struct http_part *part = http_part_find(&call->x->request, "mode");
    const char *given = part && part->value ? part->value : http_query(&call->x->request, "mode");

    *out = RESTORE_REFUSE;
    if (!call_whole(call, err))
        return false;
    if (!given || folder_restore_mode(given, out))
        return true;
    err_argument(err, ERR_ARG, "mode", "mode: '%.40s' is not one of refuse, replace, copy", given);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        err_list_add(err->available, sizeof err->available, names[i]);
    return false;
}

bool api_restore(struct call *call, struct err *err)
{
    const struct dump_note note = { .arg = call, .restored = note_restored };
    struct server *server = call->server;
    const struct http_part *part = http_part_find(&call->x->request, "dump_file");
    struct folder folder = folder_of(server);
    enum restore_mode mode;
    char id[ID_LEN];
    struct json *data;
    bool ok;

    if (!part)
        part = http_part_find(&call->x->request, "file");
    if (!part || !part->filename) {
        return err_argument(err, ERR_ARG, "dump_file", "field 'dump_file' with a dump is required");
    }
    ok = restore_mode(call, &mode, err);
    if (ok && call->redo)
        snprintf(id, sizeof id, "%s", call->redo);
    else if (ok)
        ok = folder_restore(&folder, part->path, mode, &note, id, err);
    if (!ok || !view_conversation(server, call->arena, view_base_url(call), id, 0, &data, err))
        return false;
    memcpy(call->caller->conversation, id, sizeof id);
    reply_data(call, 200, "Conversation restored", data);
    return true;
}

bool server_backup(
    struct server *server, const struct dump_note *note, char *name, char *path, struct err *err)
{
    struct folder folder = folder_of(server);

    if (!folder_backup(&folder, note, name, path, err))
        return false;
    metrics_backup(server->metrics, clock_wall_ns());
    return true;
}

/* name: FS_NAME_MAX + 1, path: FS_PATH_MAX. */
static bool backed_up_before(const struct call *call, char *name, char *path)
{
    struct err err;

    snprintf(name, FS_NAME_MAX + 1, "%s", call->redo ? call->redo : "");
    return *name && fs_join(path, call->server->dirs.snapshots, name, &err) &&
           access(path, F_OK) == 0;
}

bool api_backup(struct call *call, struct err *err)
{
    const struct dump_note note = { .arg = call, .named = note_name };
    struct server *server = call->server;
    char name[FS_NAME_MAX + 1], path[FS_PATH_MAX], sha256[65];
    size_t root = strlen(server->dirs.root);
    struct json *data;
    struct stat st;
    int fd;
    bool ok;

    if (!backed_up_before(call, name, path) && !server_backup(server, &note, name, path, err)) {
        idempotency_release(call);
        if (err->code == ERR_DATA) /* The data that is damaged is ours, not the caller's. */
            err->code = ERR_IO;
        return false;
    }
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
    reply_data(call, 200, "Database backed up", data);
    return true;
}
