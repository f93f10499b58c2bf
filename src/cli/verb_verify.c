/*
 * sheetflow verify: do database and files agree, to the last byte?
 */

#include "cli/data.h"
#include "cli/drive.h"
#include "store/verify.h"

#include "base/clock.h"

#include <stdlib.h>

static const struct cli_flag verify_flags[] = {
    { .name = "dumps", .help = "Check the archives in the folder of dumps, too." },
    { .name = "json", .help = "Print the findings as one JSON object." },
    DATA_FLAGS,
    { 0 },
};

static void tell(void *arg, enum verify_kind kind, const char *where, const char *what)
{
    cli_print("%s: %s%s\n", where, what,
        kind == VERIFY_LEFTOVER ? " (left by a crash; the next start removes it)" : "");
    (void)arg;
}

static void note(void *arg, enum verify_kind kind, const char *where, const char *what)
{
    struct json *finding = json_new_object();

    json_set_string(finding, "kind", kind == VERIFY_FAULT ? "fault" : "leftover");
    json_set_string(finding, "where", where);
    json_set_string(finding, "what", what);
    json_add(arg, finding);
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void sum_up(const struct verify_report *r, bool dumps)
{
    char conversations[32], files[32], bytes[32], faults[32], archives[32];

    cli_print("%s conversation%s, %s file%s", cli_count(r->conversations, conversations),
        plural(r->conversations), cli_count(r->files, files), plural(r->files));
    if (dumps)
        cli_print(", %s dump%s", cli_count(r->dumps, archives), plural(r->dumps));
    cli_print(", %s bytes read: ", cli_count(r->bytes, bytes));
    if (r->faults)
        cli_print("%s fault%s\n", cli_count(r->faults, faults), plural(r->faults));
    else
        cli_print("all is well\n");
}

static void sum_up_json(const struct verify_report *r, struct json *findings)
{
    struct json *o = json_new_object();

    json_set_bool(o, "ok", r->faults == 0);
    json_set_int(o, "conversations", (int64_t)r->conversations);
    json_set_int(o, "files", (int64_t)r->files);
    json_set_int(o, "dumps", (int64_t)r->dumps);
    json_set_int(o, "bytes", (int64_t)r->bytes);
    json_set(o, "findings", json_ref(findings));
    cli_print_json(o);
    json_free(o);
}

static int run_verify(struct cli *cli)
{
    struct json *findings = cli_has(cli, "json") ? json_new_array() : NULL;
    struct verify_options options = { .dumps = cli_has(cli, "dumps"),
        .now_ns = clock_wall_ns(),
        .tell = findings ? note : tell,
        .arg = findings,
        .stop = drive_interrupted };
    struct verify_report report;
    struct data d = { 0 };
    struct err err;
    bool ok;

    drive_interrupted();
    ok = data_open(cli, FOLDER_STILL, &d, &err);
    if (ok) {
        options.max_bytes = folder_restore_max(d.settings);
        ok = store_verify(d.folder.store, &d.dirs, &options, &report, &err);
    }
    if (ok && findings)
        sum_up_json(&report, findings);
    else if (ok)
        sum_up(&report, options.dumps);
    data_close(&d);
    json_free(findings);
    if (!ok)
        return cli_fail(&err);
    return report.faults ? err_exit_status(ERR_DATA) : EXIT_SUCCESS;
}

const struct verb verb_verify = {
    .name = "verify",
    .usage = "[--dumps] [--data DIR]",
    .summary = "Check that database and files agree, to the last byte",
    .details =
        "Every page of the database, every stored file with its size and SHA-256, and that "
        "there is no\n"
        "file without a row; with --dumps, every archive against its manifest. Nothing is "
        "changed.\n"
        "What is wrong is printed with its place, and the exit status is 65. No server may be "
        "working\n"
        "on the data folder.\n",
    .flags = verify_flags,
    .run = run_verify,
};
