/*
 * sheetflow doctor: is all that the server needs there, and well?
 */

#include "cli/doctor.h"

#include "base/log.h"
#include "server/folder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1024 };

static const struct cli_flag doctor_flags[] = {
    { .name = "json", .help = "Print the findings as one JSON object." },
    { .name = "data",
        .value = "DIR",
        .setting = "chat_workflows.storage.data_path",
        .help = "Data folder; by default that of the settings." },
    { .name = "config", .value = "FILE", .help = "Settings file, the one that the server reads." },
    { 0 },
};

static const char *const state_names[] = { "ok", "warning", "fault" };

void doctor_tell(struct doctor *d, enum doctor_state state, const char *check, const char *advice,
    const char *fmt, ...)
{
    char text[TEXT_MAX];
    struct json *finding;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    d->warnings += state == DOCTOR_WARNING;
    d->faults += state == DOCTOR_FAULT;
    if (!d->findings) {
        cli_print("%-8s %-9s %s\n", state_names[state], check, text);
        if (advice)
            cli_print("%-18s %s\n", "", advice);
        return;
    }
    finding = json_new_object();
    json_set_string(finding, "check", check);
    json_set_string(finding, "state", state_names[state]);
    json_set_string(finding, "text", text);
    json_set_string(finding, "advice", advice);
    json_add(d->findings, finding);
}

/* With wrong settings the rest is looked at with the default ones. */
static bool check_settings(struct doctor *d, struct err *err)
{
    const char *file = cli_value(d->cli, "config"), *data = cli_value(d->cli, "data");
    struct setting_flag flags[] = { { "chat_workflows.storage.data_path", data }, { 0 } };

    if (cli_settings(d->cli, &d->settings, err)) {
        if (file)
            doctor_tell(d, DOCTOR_OK, "settings", NULL, "%s is correct", file);
        else
            doctor_tell(
                d, DOCTOR_OK, "settings", NULL, "no settings file; defaults and environment");
    } else {
        doctor_tell(d, DOCTOR_FAULT, "settings",
            "Correct it; 'sheetflow config' explains every setting. The rest is checked with the "
            "defaults.",
            "%s", err->text);
        if (!settings_load(NULL, NULL, data ? flags : NULL, &d->settings, err))
            return false;
    }
    return folder_name(d->settings, &d->dirs, err);
}

static void check_program(struct doctor *d)
{
    doctor_tell(
        d, DOCTOR_OK, "program", NULL, "Sheetflow %s, %s", SHEETFLOW_VERSION, store_version());
}

static void sum_up(struct doctor *d)
{
    struct json *o;

    if (!d->findings) {
        cli_print("%u fault%s, %u warning%s\n", d->faults, d->faults == 1 ? "" : "s", d->warnings,
            d->warnings == 1 ? "" : "s");
        return;
    }
    o = json_new_object();
    json_set_bool(o, "ok", d->faults == 0);
    json_set_int(o, "faults", d->faults);
    json_set_int(o, "warnings", d->warnings);
    json_set(o, "findings", json_ref(d->findings));
    cli_print_json(o);
    json_free(o);
}

static int run_doctor(struct cli *cli)
{
    struct doctor d = { .cli = cli, .findings = cli_has(cli, "json") ? json_new_array() : NULL };
    struct err err;
    bool ok;

    ok = log_open(LOG_ERROR, false, NULL, &err) && check_settings(&d, &err);
    if (ok) {
        check_program(&d);
        doctor_folder(&d);
        doctor_disk(&d);
        doctor_lock(&d);
        doctor_sandbox(&d); /* Forks: before anything starts a thread. */
        doctor_worker(&d);
        doctor_ports(&d);
        doctor_database(&d);
        doctor_clock(&d);
        sum_up(&d);
    }
    settings_free(d.settings);
    json_free(d.findings);
    if (!ok)
        return cli_fail(&err);
    return d.faults ? err_exit_status(ERR_DATA) : EXIT_SUCCESS;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .usage = "[--config FILE] [--data DIR]",
    .summary = "Check that the program, its settings and its data folder are well",
    .details =
        "Settings, data folder and its permissions, disk space, lock, sandbox, worker, ports, "
        "database and\n"
        "clock: a line each, ok, warning or fault, with what to do about it. Nothing is "
        "changed; works\n"
        "beside a running server. The exit status is 65 when there is a fault.\n",
    .flags = doctor_flags,
    .run = run_doctor,
};
