/*
 * sheetflow inspect FILE: what is in it.
 */

#include "cli/inspect.h"

#include "cli/drive.h"
#include "cli/inputs.h"
#include "workflow/run.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* clang-format off */
#define COMMON_FLAGS \
    { .name = "sheet", .value = "NAME", .help = "Sheet to read, by name or by number from 1." }, \
    { .name = "header-row", .value = "N", \
        .help = "Row that holds the column names, from 1; 0 when there is none." }, \
    { .name = "delimiter", .value = "C", .help = "Character between the fields of a text file." }, \
    { .name = "quote", .value = "C", \
        .help = "Character around the fields of a text file, or none." }, \
    { .name = "encoding", .value = "NAME", .help = "Encoding of a text file." }, \
    { .name = "json", .help = "Print everything as one JSON object." }, \
    { .name = "config", .value = "FILE", .help = "Settings file." }
/* clang-format on */

const struct cli_flag inspect_flags[] = { COMMON_FLAGS, { 0 } };

static const struct cli_flag verb_flags[] = {
    COMMON_FLAGS,
    { .name = "count",
        .help =
            "Only count rows and columns, which is much quicker: columns are not looked into." },
    { 0 },
};

static const char *const reader_flags[] = { "sheet", "header-row", "delimiter", "quote",
    "encoding" };

static struct json *reader_json(const struct cli *cli)
{
    struct json *reader = json_new_object();

    for (size_t i = 0; i < ARRAY_LEN(reader_flags); i++) {
        const char *value = cli_value(cli, reader_flags[i]);

        if (value)
            json_set_string(reader,
                strcmp(reader_flags[i], "header-row") == 0 ? "header_row" : reader_flags[i], value);
    }
    return reader;
}

static struct json *spec_json(
    const struct cli *cli, const struct settings *settings, struct json *files, const char *tmp_dir)
{
    struct json *spec = json_new_object(), *inspect = json_new_object();
    bool ok;

    ok = json_set_string(inspect, "file", cli->words[0]);
    ok = json_set_bool(inspect, "details", true) && ok;
    ok = json_set_bool(inspect, "count", cli_has(cli, "count")) && ok;
    ok = json_set(inspect, "reader", reader_json(cli)) && ok;
    ok = json_set_string(spec, "job", "inspect") && ok;
    ok = json_set_int(spec, "now_ns", clock_wall_ns()) && ok;
    ok = json_set(spec, "files", json_ref(files)) && ok;
    ok = json_set_string(spec, "tmp_dir", tmp_dir) && ok;
    ok = json_set(spec, "settings", run_settings(settings)) && ok;
    ok = json_set(spec, "inspect", inspect) && ok;
    if (ok)
        return spec;
    json_free(spec);
    return NULL;
}

/* ---- for people ---- */

static void tell_sheets(const struct json *data)
{
    const struct json *sheets = json_get(data, "sheets");
    const char *read = json_get_string(data, "sheet");

    if (json_len(sheets) == 0)
        return;
    cli_print("Sheets:  ");
    for (size_t i = 0; i < json_len(sheets); i++) {
        const char *name = json_get_string(json_at(sheets, i), "name");
        const char *state = json_get_string(json_at(sheets, i), "state");

        cli_print("%s%s", i ? ", " : "", name);
        if (strcmp(state, "visible") != 0)
            cli_print(" (%s)", state);
        else if (read && strcmp(read, name) == 0 && json_len(sheets) > 1)
            cli_print(" (shown here)");
    }
    cli_print("\n");
}

static const char *delimiter_name(const char *delimiter)
{
    return !delimiter ? "none" : strcmp(delimiter, "\t") == 0 ? "tab" : delimiter;
}

static void tell_samples(const struct json *profile)
{
    const struct json *samples = json_get(profile, "samples");

    for (size_t i = 0; i < json_len(samples); i++)
        cli_print("%s%s", i ? ", " : "  ", json_str(json_at(samples, i)));
}

static void tell_columns(const struct json *data)
{
    const struct json *names = json_get(data, "column_names"),
                      *types = json_get(data, "data_types");
    int width = (int)strlen("Column");
    char blanks[32];

    for (size_t i = 0; i < json_len(names); i++) {
        int n = (int)json_str_len(json_at(names, i));

        width = n > width && n <= 40 ? n : width;
    }
    cli_print("\n%-*s  %-8s  %10s  %s\n", width, "Column", "Type", "Blank", " Samples");
    for (size_t i = 0; i < json_len(names); i++) {
        const char *name = json_str(json_at(names, i));
        const struct json *profile = json_get(json_get(data, "profile"), name);
        int64_t blank = json_get_int(profile, "blanks", 0);

        cli_print("%-*s  %-8s  %10s", width, name, json_get_string(types, name),
            cli_count((uint64_t)blank, blanks));
        tell_samples(profile);
        cli_print("\n");
    }
}

static void tell(const struct cli *cli, const struct json *data)
{
    const struct json *warnings = json_get(data, "warnings");
    const char *encoding = json_get_string(data, "encoding");
    char rows[32], columns[32], size[32];

    cli_print("%s: %s, %s bytes\n", cli->words[0], json_get_string(data, "format"),
        cli_count((uint64_t)json_get_int(data, "file_size", 0), size));
    if (encoding)
        cli_print("Text:    %s, delimiter %s\n", encoding,
            delimiter_name(json_get_string(data, "delimiter")));
    tell_sheets(data);
    cli_print("Table:   %s rows, %s columns\n",
        cli_count((uint64_t)json_get_int(data, "rows", 0), rows),
        cli_count((uint64_t)json_get_int(data, "columns", 0), columns));
    for (size_t i = 0; i < json_len(warnings); i++)
        cli_print("Warning: %s (%lld)\n", json_get_string(json_at(warnings, i), "message"),
            (long long)json_get_int(json_at(warnings, i), "count", 1));
    tell_columns(data);
}

bool inspect_file(struct cli *cli, struct json **data, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    struct json *files = json_new_array(), *spec = NULL;
    struct settings *settings = NULL;
    struct staging staging = { 0 };
    struct drive drive = { 0 };
    bool ok = false;

    drive_interrupted();
    if (!cli_settings(cli, &settings, err) ||
        !staging_open(&staging, tmp && tmp[0] ? tmp : "/tmp", err) ||
        !inputs_add(files, cli->words[0], &staging, err))
        goto out;
    spec = spec_json(cli, settings, files, staging.path);
    ok = spec ? drive_run(&drive, spec, settings, -1, err) : err_nomem(err);
    if (ok)
        *data = json_ref(drive.data);
out:
    drive_deinit(&drive);
    staging_close(&staging);
    settings_free(settings);
    json_free(spec);
    json_free(files);
    return ok;
}

/* Warnings apart, so that a script may read the line. */
static void tell_counts(const struct json *data)
{
    const struct json *warnings = json_get(data, "warnings");

    for (size_t i = 0; i < json_len(warnings); i++)
        fprintf(stderr, "warning: %s\n", json_get_string(json_at(warnings, i), "message"));
    cli_print("%lld rows, %lld columns\n", (long long)json_get_int(data, "rows", 0),
        (long long)json_get_int(data, "columns", 0));
}

static int run_inspect(struct cli *cli)
{
    struct json *data;
    struct err err;

    if (!inspect_file(cli, &data, &err))
        return cli_fail(&err);
    if (cli_has(cli, "json"))
        cli_print_json(data);
    else if (cli_has(cli, "count"))
        tell_counts(data);
    else
        tell(cli, data);
    json_free(data);
    return EXIT_SUCCESS;
}

const struct verb verb_inspect = {
    .name = "inspect",
    .usage = "FILE",
    .summary = "Show what a file holds: sheets, columns, types, samples, warnings",
    .flags = verb_flags,
    .min_words = 1,
    .max_words = 1,
    .run = run_inspect,
};
