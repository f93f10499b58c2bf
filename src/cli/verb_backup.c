/*
 * sheetflow backup: a checked copy of the database. Works beside a running server.
 */

#include "cli/data.h"
#include "cli/inputs.h"
#include "cli/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY "backup.db"

static const struct cli_flag backup_flags[] = {
    { .name = "output",
        .value = "FILE",
        .help = "Copy to write, replaced if there is one. By default a new name in the folder of "
                "backups." },
    { .name = "json", .help = "Print the result as one JSON object." },
    DATA_FLAGS,
    { 0 },
};

/* Write to a place of the user's own: whole or not at all. */
static bool backup_to(const struct data *d, const char *output, struct err *err)
{
    char folder[FS_PATH_MAX], path[FS_PATH_MAX];
    struct staging staging = { 0 };
    bool ok;

    inputs_folder(output, folder);
    ok = staging_open(&staging, folder, err) &&
         staging_path(&staging, "outputs/" COPY, path, err) &&
         store_backup(d->folder.store, path, err);
    if (ok && drive_interrupted())
        ok = err_set(err, ERR_CANCELLED, "stopped on request");
    ok = ok && staging_replace(&staging, COPY, output, err) && fs_sync_dir(folder, err);
    staging_close(&staging);
    return ok;
}

static bool tell(const struct cli *cli, const char *path, struct err *err)
{
    char sha256[65];
    struct json *o;
    struct stat st;
    bool ok;
    int fd;

    if (!cli_has(cli, "json")) {
        cli_print("%s\n", path);
        return true;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "the backup");
    ok = (fstat(fd, &st) == 0 || err_errno(err, errno, "the backup")) &&
         fs_sha256_fd(fd, sha256, err);
    close(fd);
    if (!ok)
        return false;
    o = json_new_object();
    json_set_string(o, "backup_file", inputs_name(path));
    json_set_string(o, "path", path);
    json_set_int(o, "size", st.st_size);
    json_set_string(o, "sha256", sha256);
    json_set_string(o, "integrity", "ok");
    cli_print_json(o);
    json_free(o);
    return true;
}

static int run_backup(struct cli *cli)
{
    char name[FS_NAME_MAX + 1], path[FS_PATH_MAX];
    const char *output = cli_value(cli, "output");
    struct data d = { 0 };
    struct err err;
    bool ok;

    drive_interrupted(); /* Nothing half-written stays behind. */
    ok = data_open(cli, FOLDER_READ, &d, &err);
    if (ok && output)
        ok = backup_to(&d, output, &err);
    else if (ok)
        ok = folder_backup(&d.folder, NULL, name, path, &err);
    data_close(&d);
    return ok && tell(cli, output ? output : path, &err) ? EXIT_SUCCESS : cli_fail(&err);
}

const struct verb verb_backup = {
    .name = "backup",
    .usage = "[--output FILE] [--data DIR]",
    .summary = "Write a checked copy of the database",
    .details =
        "The copy is of one moment and is read from end to end before it gets its name; a "
        "server may\n"
        "go on working meanwhile. It holds rows, not files: dumps hold both. The copy's path "
        "is\n"
        "printed. To go back to it, stop the server and put it in the place of "
        "sqlite/chat.db,\n"
        "without the files chat.db-wal and chat.db-shm.\n",
    .flags = backup_flags,
    .run = run_backup,
};
