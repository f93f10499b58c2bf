/*
 * sheetflow config: every setting with its value, source and meaning.
 */

#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_flag config_flags[] = {
    { .name = "config", .value = "FILE", .help = "Settings file to show with the rest." },
    { .name = "check", .value = "FILE", .help = "Only say whether this settings file is right." },
    { .name = "sample", .help = "Print a settings file that has every setting at its default." },
    { .name = "json", .help = "Print the settings as one JSON object." },
    { 0 },
};

static int check(const char *file)
{
    struct settings *settings;
    struct err err;

    if (!settings_load(file, NULL, NULL, &settings, &err))
        return cli_fail(&err);
    settings_free(settings);
    cli_print("%s: correct\n", file);
    return EXIT_SUCCESS;
}

static void tell(const struct settings *settings)
{
    for (const struct setting *s = setting_table; s->path; s++) {
        const char *value = settings_shown(settings, s->path);

        cli_print("%s = %s\n    %s", s->path, value[0] ? value : "\"\"", s->help);
        if (s->type == SETTING_INT)
            cli_print(" %lld to %lld.", (long long)s->min, (long long)s->max);
        for (size_t i = 0; s->choices && s->choices[i]; i++)
            cli_print("%s%s", i ? ", " : " One of ", s->choices[i]);
        cli_print("%s\n    From: %s.%s\n", s->choices ? "." : "",
            settings_source(settings, s->path), s->reload ? " SIGHUP takes a new value." : "");
    }
}

static void tell_json(const struct settings *settings)
{
    struct json *o = json_new_object();

    for (const struct setting *s = setting_table; s->path; s++) {
        struct json *entry = json_new_object();

        json_set_string(entry, "value", settings_shown(settings, s->path));
        json_set_string(entry, "source", settings_source(settings, s->path));
        json_set_string(entry, "default", s->fallback);
        json_set_bool(entry, "reload", s->reload);
        json_set_string(entry, "help", s->help);
        json_set(o, s->path, entry);
    }
    cli_print_json(o);
    json_free(o);
}

/* The part of `path` up to the dot after its first `n` parts are those of `before`. */
static size_t same_parts(const char *path, const char *before)
{
    size_t same = 0;

    for (size_t i = 0; before && path[i] && path[i] == before[i]; i++) {
        if (path[i] == '.')
            same = i + 1;
    }
    return same;
}

/* The maps that a setting lies in, where the one before it did not. */
static void open_maps(const char *path, const char *before)
{
    size_t from = same_parts(path, before), depth = 0;
    const char *dot;

    for (size_t i = 0; i < from; i++)
        depth += path[i] == '.';
    for (const char *part = path + from; (dot = strchr(part, '.')) != NULL; part = dot + 1)
        cli_print("%s%*s%.*s:\n", depth == 0 && before ? "\n" : "", (int)(2 * depth), "",
            (int)(dot - part), part),
            depth++;
}

static void sample_value(const struct setting *s)
{
    const char *p = s->fallback, *end;

    if (s->type == SETTING_LIST) {
        cli_print("[");
        for (; *p; p = *end ? end + 1 : end) {
            end = p + strcspn(p, ",");
            cli_print("%s\"%.*s\"", p == s->fallback ? "" : ", ", (int)(end - p), p);
        }
        cli_print("]\n");
    } else if (s->type == SETTING_STRING) {
        cli_print("\"%s\"\n", p);
    } else {
        cli_print("%s\n", p);
    }
}

/* Every setting as a comment, so that a later version's defaults hold where nothing was chosen. */
static void sample(void)
{
    const char *before = NULL;

    cli_print("# Settings of Sheetflow. What is a comment has its default; see sheetflow.yaml(5).\n"
              "# Later wins: defaults, this file, environment (SHEETFLOW_APP_PORT for app.port), "
              "flags.\n\n");
    for (const struct setting *s = setting_table; s->path; before = s->path, s++) {
        int depth = 0;

        for (const char *p = s->path; *p; p++)
            depth += *p == '.';
        open_maps(s->path, before);
        cli_print("%*s# %s", 2 * depth, "", s->help);
        for (size_t i = 0; s->choices && s->choices[i]; i++)
            cli_print("%s%s", i ? ", " : " One of ", s->choices[i]);
        cli_print("%s\n%*s# %s: ", s->choices ? "." : "", 2 * depth, "", strrchr(s->path, '.') + 1);
        sample_value(s);
    }
}

static int run_config(struct cli *cli)
{
    struct settings *settings;
    struct err err;

    if (cli_has(cli, "check"))
        return check(cli_value(cli, "check"));
    if (cli_has(cli, "sample")) {
        sample();
        return EXIT_SUCCESS;
    }
    if (!cli_settings(cli, &settings, &err))
        return cli_fail(&err);
    if (cli_has(cli, "json"))
        tell_json(settings);
    else
        tell(settings);
    settings_free(settings);
    return EXIT_SUCCESS;
}

const struct verb verb_config = {
    .name = "config",
    .usage = "[--check FILE | --sample]",
    .summary = "Show every setting with its value, source and meaning",
    .details = "Later wins: defaults, settings file, environment (SHEETFLOW_APP_PORT for "
               "app.port), flags.\n",
    .flags = config_flags,
    .run = run_config,
};
