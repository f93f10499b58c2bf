/* A data folder: opened by its settings, dumped from, restored into, backed up. */

#include "server/folder.h"

#include "server/server_int.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/log.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESTORE_RATIO = 64, MIB = 1 << 20, OWNER_MAX = 1024, BACKUPS_A_SECOND = 100 };

static const char *or_null(const char *s)
{
    return *s ? s : NULL;
}

/* ---- opening ---- */

static bool make_parent(const char *path, struct err *err)
{
    char dir[FS_PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return true;
    snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    return fs_make_dirs(dir, err);
}

bool folder_database(const struct settings *settings, const char *root, char *out, struct err *err)
{
    const char *path = settings_string(settings, "chat_workflows.storage.sqlite_path");

    if (path[0] != '/')
        return fs_join(out, root, *path ? path : "sqlite/chat.db", err);
    if ((size_t)snprintf(out, FS_PATH_MAX, "%s", path) >= FS_PATH_MAX)
        return err_set(err, ERR_ARG, "the path of the database file is too long");
    return true;
}

/* What another user makes here, the server could not read. */
static bool check_owner(const char *root, struct err *err)
{
    char text[OWNER_MAX], number[24];
    struct passwd entry, *found = NULL;
    struct stat st;

    if (stat(root, &st) != 0 || st.st_uid == geteuid())
        return true;
    snprintf(number, sizeof number, "%u", st.st_uid);
    if (getpwuid_r(st.st_uid, &entry, text, sizeof text, &found) != 0)
        found = NULL;
    return err_set(err, ERR_USAGE,
        "the data folder '%.200s' belongs to the user %.60s; run this as that user (sudo -u "
        "%.60s ...)",
        root, found ? found->pw_name : number, found ? found->pw_name : number);
}

static bool check_exists(const struct settings *settings, const char *root, struct err *err)
{
    char database[FS_PATH_MAX];
    struct stat st;

    if (stat(root, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? err_set(err, ERR_NOT_FOUND,
                         "there is no data folder '%.300s'; say where with --data", root)
                   : err_errno(err, errno, "the data folder");
    if (!folder_database(settings, root, database, err))
        return false;
    if (stat(database, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(err, ERR_NOT_FOUND,
            "'%.300s' is no data folder: there is no database in it; say where with "
            "--data",
            root);
    return true;
}

/* Backups may have a folder of their own. */
static bool place_snapshots(
    const struct settings *settings, struct data_dirs *dirs, struct err *err)
{
    const char *path = settings_string(settings, "chat_workflows.backup.snapshot_path");
    char full[FS_PATH_MAX];

    if (!*path)
        return true;
    if (path[0] == '/')
        snprintf(full, sizeof full, "%s", path);
    else if (!fs_join(full, dirs->root, path, err))
        return false;
    if ((size_t)snprintf(dirs->snapshots, sizeof dirs->snapshots, "%s", full) >=
        sizeof dirs->snapshots)
        return err_set(err, ERR_ARG, "the path of the folder of backups is too long");
    return true;
}

bool folder_name(const struct settings *s, struct data_dirs *dirs, struct err *err)
{
    return data_dirs_name(settings_string(s, "chat_workflows.storage.data_path"),
               or_null(settings_string(s, "chat_workflows.storage.workflows_path")),
               or_null(settings_string(s, "chat_workflows.storage.dumps_path")), NULL, dirs, err) &&
           place_snapshots(s, dirs, err);
}

static bool lock_folder(struct folder *f, enum folder_use use, struct err *err)
{
    f->lock = -1;
    if (data_lock(f->dirs, &f->lock, err))
        return true;
    if (err->code != ERR_STATE || use == FOLDER_SERVE)
        return false;
    if (use == FOLDER_CHANGE)
        return err_set(err, ERR_STATE,
            "a running Sheetflow is using this data folder; stop it first, or let it do the work: "
            "POST %s/chat/workflows/restore",
            settings_string(f->settings, "api.prefix"));
    if (use == FOLDER_STILL)
        return err_set(err, ERR_STATE,
            "a running Sheetflow is using this data folder, and files come and go; stop it first");
    return true;
}

static bool reconcile(const struct folder *f, struct err *err)
{
    struct reconcile_report report;
    char counts[96];

    if (!store_reconcile(f->store, f->dirs, &report, err))
        return false;
    if (report.tmp_removed || report.orphans_removed || report.rows_missing) {
        snprintf(counts, sizeof counts, "%llu temporary, %llu without row, %llu rows without file",
            (unsigned long long)report.tmp_removed, (unsigned long long)report.orphans_removed,
            (unsigned long long)report.rows_missing);
        log_write(LOG_WARNING, "the data folder was put in order", "removed", counts, NULL);
    }
    return true;
}

bool folder_open(struct folder *f, enum folder_use use, struct err *err)
{
    const struct settings *s = f->settings;
    const char *root = settings_string(s, "chat_workflows.storage.data_path");
    bool writes = use == FOLDER_SERVE || use == FOLDER_CHANGE;
    char path[FS_PATH_MAX];
    struct store_config config = { .path = path, .read_only = !writes };

    f->store = NULL;
    f->lock = -1;
    if ((!writes && !check_exists(s, root, err)) ||
        (use != FOLDER_SERVE && !check_owner(root, err)))
        return false;
    if (data_dirs_open(root, or_null(settings_string(s, "chat_workflows.storage.workflows_path")),
            or_null(settings_string(s, "chat_workflows.storage.dumps_path")), NULL, f->dirs, err) &&
        place_snapshots(s, f->dirs, err) && fs_make_dirs(f->dirs->snapshots, err) &&
        lock_folder(f, use, err) && folder_database(s, f->dirs->root, path, err) &&
        make_parent(path, err) && store_open(&config, &f->store, err) &&
        (!writes || reconcile(f, err)))
        return true;
    folder_close(f);
    return false;
}

void folder_close(struct folder *f)
{
    store_close(f->store);
    f->store = NULL;
    if (f->lock >= 0)
        close(f->lock);
    f->lock = -1;
}

/* ---- dumps ---- */

static const struct {
    const char *name, *suffix;
    enum dump_compression compression;
} forms[] = {
    { "gzip", ".tar.gz", DUMP_GZIP },
    { "gzip", ".tgz", DUMP_GZIP },
    { "zip", ".zip", DUMP_ZIP },
    { "tar", ".tar", DUMP_TAR },
};

enum dump_compression folder_compression(const struct settings *settings)
{
    const char *name = settings_string(settings, "chat_workflows.dump.compression");
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(forms) && strcmp(forms[i].name, name) != 0)
        i++;
    return forms[i].compression;
}

bool folder_compression_of(const char *file, enum dump_compression *out)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcasecmp(forms[i].suffix, fs_suffix(file)) == 0) {
            *out = forms[i].compression;
            return true;
        }
    }
    return false;
}

bool folder_dump(const struct folder *f, const char *id, const char *base_url,
    enum dump_compression compression, const char *dir, const struct dump_note *note,
    struct folder_dump *out, struct err *err)
{
    struct server view = { .settings = f->settings, .store = f->store };
    struct data_dirs dirs = *f->dirs;
    struct json *object;
    struct arena arena;
    const struct dump_options options = {
        .compression = compression,
        .note = note,
        .no_metadata = !settings_bool(f->settings, "chat_workflows.dump.include_metadata"),
        .logs = settings_bool(f->settings, "chat_workflows.dump.include_logs"),
    };
    bool ok;

    if (dir && (size_t)snprintf(dirs.dumps, sizeof dirs.dumps, "%s", dir) >= sizeof dirs.dumps)
        return err_set(err, ERR_ARG, "the path of the dump's folder is too long");
    snprintf(view.prefix, sizeof view.prefix, "%s", settings_string(f->settings, "api.prefix"));
    arena_init(&arena, NULL);
    ok = view_conversation(&view, &arena, base_url, id, 0, &object, err);
    if (ok) {
        ok = dump_write_with(f->store, &dirs, id, object, &options, clock_wall_ns(), out->name,
            &out->size, out->sha256, err);
        json_free(object);
    }
    arena_deinit(&arena);
    return ok;
}

/* ---- restore ---- */

bool folder_restore_mode(const char *name, enum restore_mode *out)
{
    static const struct {
        const char *name;
        enum restore_mode mode;
    } modes[] = { { "refuse", RESTORE_REFUSE }, { "replace", RESTORE_REPLACE },
        { "copy", RESTORE_COPY } };

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (strcasecmp(modes[i].name, name) == 0) {
            *out = modes[i].mode;
            return true;
        }
    }
    return false;
}

uint64_t folder_restore_max(const struct settings *settings)
{
    return (uint64_t)settings_int(settings, "chat_workflows.file.max_upload_size_mb") * MIB *
           RESTORE_RATIO;
}

enum partition_strategy folder_partition(const struct settings *s)
{
    const char *name = settings_string(s, "chat_workflows.partition.strategy");

    if (!settings_bool(s, "chat_workflows.partition.enabled") || strcmp(name, "folder-based") == 0)
        return PARTITION_FOLDER;
    return strcmp(name, "hash-based") == 0 ? PARTITION_HASH : PARTITION_TIME;
}

bool folder_restore(const struct folder *f, const char *archive_path, enum restore_mode mode,
    const struct dump_note *note, char *id_out, struct err *err)
{
    const struct settings *s = f->settings;

    return dump_restore(f->store, f->dirs, archive_path, mode, folder_partition(s),
        settings_string(s, "chat_workflows.partition.subfolder_format"), folder_restore_max(s),
        clock_wall_ns(), note, id_out, err);
}

/* ---- backups ---- */

bool folder_backup(
    const struct folder *f, const struct dump_note *note, char *name, char *path, struct err *err)
{
    char stamp[DATE_TEXT_MAX];

    date_format_stamp(clock_wall_ns(), stamp);
    for (int k = 1;; k++) {
        char again[16] = "";

        if (k > 1)
            snprintf(again, sizeof again, "-%d", k);
        snprintf(name, FS_NAME_MAX + 1, "chat_backup_%s%s.db", stamp, again);
        if (!fs_join(path, f->dirs->snapshots, name, err))
            return false;
        if (access(path, F_OK) == 0)
            continue;
        if (note && !note->named(note->arg, name, err))
            return false;
        if (store_backup(f->store, path, err))
            return true;
        if (err->code != ERR_STATE ||
            k == BACKUPS_A_SECOND) /* Another one of this second took it. */
            return false;
    }
}
