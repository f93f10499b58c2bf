/*
 * sheetflow restore FILE: a conversation from its dump.
 */

#include "cli/data.h"
#include "cli/drive.h"
#include "cli/inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPOOLED "dump"

static const char *const modes[] = { "refuse", "replace", "copy", NULL };

static const struct cli_flag restore_flags[] = {
    { .name = "mode",
        .value = "MODE",
        .choices = modes,
        .help = "What to do when the conversation exists: refuse (the default), replace it, or "
                "make a copy with new ids." },
    { .name = "json", .help = "Print the result as one JSON object." },
    DATA_FLAGS,
    { 0 },
};

static bool check_archive(const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? err_set(err, ERR_NOT_FOUND, "there is no file '%.300s'", path)
                   : err_set(
                         err, ERR_NOT_FOUND, "'%.300s' cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(err, ERR_NOT_FOUND, "'%.300s' is a folder; a dump is one file", path);
    if (access(path, R_OK) != 0)
        return err_set(err, ERR_NOT_FOUND, "'%.300s' cannot be read: %s", path, strerror(errno));
    return true;
}

/* What comes through a pipe is put beside the data first. */
static bool restore(
    struct data *d, const char *file, enum restore_mode mode, char *id, struct err *err)
{
    struct staging staging = { 0 };
    char path[FS_PATH_MAX];
    bool ok;

    if (strcmp(file, INPUT_STDIN) != 0)
        return folder_restore(&d->folder, file, mode, NULL, id, err);
    ok = staging_open(&staging, d->dirs.tmp, err) &&
         staging_spool(&staging, STDIN_FILENO, SPOOLED, err) &&
         staging_path(&staging, SPOOLED, path, err) &&
         folder_restore(&d->folder, path, mode, NULL, id, err);
    staging_close(&staging);
    return ok;
}

static void tell(const struct cli *cli, const char *id)
{
    struct json *o;

    if (!cli_has(cli, "json")) {
        cli_print("%s\n", id);
        return;
    }
    o = json_new_object();
    json_set_string(o, "chat_id", id);
    cli_print_json(o);
    json_free(o);
}

static int run_restore(struct cli *cli)
{
    const char *file = cli->words[0], *given = cli_value(cli, "mode");
    enum restore_mode mode = RESTORE_REFUSE;
    struct data d = { 0 };
    char id[ID_LEN];
    struct err err;
    bool ok;

    if (given && !folder_restore_mode(given, &mode)) { /* The parser lets only those through. */
        err_set(&err, ERR_USAGE, "--mode: '%.60s' is no mode", given);
        return cli_fail_usage(cli, &err);
    }
    drive_interrupted(); /* Not in the midst of it. */
    ok = (strcmp(file, INPUT_STDIN) == 0 || check_archive(file, &err)) &&
         data_open(cli, FOLDER_CHANGE, &d, &err) && restore(&d, file, mode, id, &err);
    data_close(&d);
    if (!ok)
        return cli_fail(&err);
    tell(cli, id);
    return EXIT_SUCCESS;
}

const struct verb verb_restore = {
    .name = "restore",
    .usage = "FILE [--mode refuse|replace|copy] [--data DIR]",
    .summary = "Bring a conversation back from its dump",
    .details =
        "FILE is a dump, or - for standard input; those of the older service (without a "
        "manifest) work\n"
        "too. All or nothing: the archive is checked to the last byte first. The data folder "
        "is made\n"
        "where there is none, and may not be in use by a server. The conversation's id is "
        "printed.\n",
    .flags = restore_flags,
    .min_words = 1,
    .max_words = 1,
    .run = run_restore,
};
