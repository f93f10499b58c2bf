/*
 * sheetflow dump CHAT_ID: a whole conversation as one archive. Works beside a running server.
 */

#include "cli/data.h"
#include "cli/inputs.h"
#include "cli/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct cli_flag dump_flags[] = {
    { .name = "output",
        .value = "FILE",
        .help = "Archive to write, replaced if there is one; .tar.gz, .tgz, .zip or .tar. - is "
                "standard output. By default a new name in the folder of dumps." },
    { .name = "json", .help = "Print the result as one JSON object." },
    DATA_FLAGS,
    { 0 },
};

static bool choose_form(
    const struct data *d, const char *output, enum dump_compression *out, struct err *err)
{
    *out = folder_compression(d->settings);
    if (!output || strcmp(output, TASK_STDOUT) == 0 || folder_compression_of(output, out))
        return true;
    return err_set(
        err, ERR_USAGE, "'%.300s': the name of a dump ends in .tar.gz, .tgz, .zip or .tar", output);
}

/* Give the finished dump in the staging folder to standard output. */
static bool pour_out(const char *folder, const char *name, struct err *err)
{
    struct fs_file *out = NULL;
    char chunk[1 << 16];
    uint64_t size;
    ssize_t n = 0;
    bool ok;
    int fd;

    if (!fs_open_beneath(folder, name, &fd, &size, err))
        return false;
    ok = fs_file_from_fd(STDOUT_FILENO, "standard output", &out, err);
    while (ok && (n = read(fd, chunk, sizeof chunk)) > 0)
        ok = fs_file_write(out, chunk, (size_t)n, err);
    close(fd);
    if (!ok || n < 0) {
        fs_file_abort(out);
        return ok ? err_set(err, ERR_IO, "the dump cannot be read back") : false;
    }
    return fs_file_commit(out, false, NULL, err);
}

/* Write to a place of the user's own: whole or not at all. */
static bool dump_to(struct cli *cli, const struct data *d, const char *output, const char *base_url,
    enum dump_compression form, struct folder_dump *dump, struct err *err)
{
    bool to_stdout = strcmp(output, TASK_STDOUT) == 0;
    char folder[FS_PATH_MAX], outputs[FS_PATH_MAX];
    struct staging staging = { 0 };
    bool ok;

    if (to_stdout)
        snprintf(folder, sizeof folder, "%s", d->dirs.tmp);
    else
        inputs_folder(output, folder);
    ok = staging_open(&staging, folder, err) && staging_path(&staging, "outputs", outputs, err) &&
         folder_dump(&d->folder, cli->words[0], base_url, form, outputs, NULL, dump, err);
    if (ok && drive_interrupted())
        ok = err_set(err, ERR_CANCELLED, "stopped on request");
    if (ok && to_stdout)
        ok = pour_out(outputs, dump->name, err);
    else if (ok)
        ok = staging_replace(&staging, dump->name, output, err) && fs_sync_dir(folder, err);
    staging_close(&staging);
    return ok;
}

static void tell(const struct cli *cli, const struct folder_dump *dump, const char *path)
{
    struct json *o;

    if (!cli_has(cli, "json")) {
        cli_print("%s\n", path);
        return;
    }
    o = json_new_object();
    json_set_string(o, "chat_id", cli->words[0]);
    json_set_string(o, "dump_file", inputs_name(path));
    json_set_string(o, "path", path);
    json_set_int(o, "size", (int64_t)dump->size);
    json_set_string(o, "sha256", dump->sha256);
    cli_print_json(o);
    json_free(o);
}

static int run_dump(struct cli *cli)
{
    const char *output = cli_value(cli, "output"), *base_url;
    bool to_stdout = output && strcmp(output, TASK_STDOUT) == 0;
    struct folder_dump dump;
    enum dump_compression form;
    char path[FS_PATH_MAX];
    struct data d = { 0 };
    struct err err;
    bool ok;

    if (to_stdout && cli_has(cli, "json")) {
        err_set(&err, ERR_USAGE, "--json and --output - would both go to standard output");
        return cli_fail_usage(cli, &err);
    }
    drive_interrupted(); /* Nothing half-written stays behind. */
    ok = data_open(cli, FOLDER_READ, &d, &err) && choose_form(&d, output, &form, &err) &&
         (base_url = data_base_url(cli, d.settings, &err)) != NULL;
    if (ok && output)
        ok = dump_to(cli, &d, output, base_url, form, &dump, &err);
    else if (ok)
        ok = folder_dump(&d.folder, cli->words[0], base_url, form, NULL, NULL, &dump, &err) &&
             fs_join(path, d.dirs.dumps, dump.name, &err);
    data_close(&d);
    if (!ok)
        return cli_fail(&err);
    if (!to_stdout)
        tell(cli, &dump, output ? output : path);
    return EXIT_SUCCESS;
}

const struct verb verb_dump = {
    .name = "dump",
    .usage = "CHAT_ID [--output FILE] [--data DIR]",
    .summary = "Write a whole conversation to an archive",
    .details =
        "Its files, rows, messages and events as of one moment; 'sheetflow restore' brings it "
        "back. A\n"
        "server may go on working on the data folder meanwhile. The archive's path is "
        "printed.\n",
    .flags = dump_flags,
    .min_words = 1,
    .max_words = 1,
    .run = run_dump,
};
