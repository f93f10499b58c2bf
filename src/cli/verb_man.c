/*
 * sheetflow man PAGE: the manual pages, from the declarations. For those who build the program.
 *
 *   sheetflow.1        the program and its verbs
 *   sheetflow-op.1     the operations
 *   sheetflow.yaml.5   the settings
 */

#include "cli/cli.h"
#include "cli/roff.h"

#include "describe/help.h"
#include "ops/op.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE_MAX = 8 << 20, MAX_SHARED = 64 };

static const char manual[] = "Sheetflow manual";

static void name(const char *page, const char *what, struct buf *out)
{
    roff_section("NAME", out);
    buf_addf(out, "%s \\- %s\n", page, what);
}

/* "; one of: a, b." */
static void add_choices(const char *const *choices, struct buf *out)
{
    struct buf list;

    if (!choices)
        return;
    buf_init(&list, 64 << 10);
    for (size_t i = 0; choices[i]; i++)
        buf_addf(&list, "%s%s", i ? ", " : "One of: ", choices[i]);
    buf_addc(&list, '.');
    roff_text(buf_str(&list), out);
    buf_deinit(&list);
}

/* ---- sheetflow.1 ---- */

static void add_verb_flags(const struct verb *verb, struct buf *out)
{
    for (const struct cli_flag *f = verb->flags; f && f->name; f++) {
        char flag[72];

        snprintf(flag, sizeof flag, "--%.60s", f->name);
        roff_term(flag, f->value, out);
        roff_text(f->help, out);
        add_choices(f->choices, out);
        if (f->setting) {
            buf_adds(out, "Setting \\fI");
            roff_inline(f->setting, out);
            buf_adds(out, "\\fR.\n");
        }
    }
}

static void add_verb(const struct verb *verb, struct buf *out)
{
    char title[256];

    snprintf(title, sizeof title, "sheetflow %s %s", verb->name, verb->usage);
    roff_subsection(title, out);
    roff_inline(verb->summary, out);
    buf_adds(out, ".\n");
    if (verb->details) {
        buf_adds(out, ".PP\n");
        roff_text(verb->details, out);
    }
    add_verb_flags(verb, out);
}

static void add_statuses(struct buf *out)
{
    char number[8];

    roff_section("EXIT STATUS", out);
    for (const struct cli_status *s = cli_statuses; s->meaning; s++) {
        snprintf(number, sizeof number, "%d", s->status);
        roff_term(number, NULL, out);
        roff_text(s->meaning, out);
    }
}

static void program_page(struct buf *out)
{
    roff_title("SHEETFLOW", 1, manual, out);
    name("sheetflow", "workflows on spreadsheets", out);
    roff_section("SYNOPSIS", out);
    buf_adds(out, "\\fBsheetflow\\fR \\fIVERB\\fR [\\fIflags\\fR] [\\fIwords\\fR]\n.br\n"
                  "\\fBsheetflow\\fR \\fIVERB\\fR \\-\\-help\n");
    roff_section("DESCRIPTION", out);
    roff_text(
        "Sheetflow runs chains of steps over XLSX and CSV files: extract and map columns, search, "
        "join on keys, normalize, convert, generate SQL and JSON. It is a server (HTTP and "
        "WebSocket) and the same steps on the command line.\n\n"
        "Results go to standard output, progress and errors to standard error. A flag's value "
        "is the next word or follows '='; - as a file is standard input or output; -- ends the "
        "flags.",
        out);
    roff_section("VERBS", out);
    for (const struct verb *const *v = verb_table; *v; v++) {
        if (!(*v)->hidden)
            add_verb(*v, out);
    }
    add_statuses(out);
    roff_section("ENVIRONMENT", out);
    roff_term("SHEETFLOW_...", NULL, out);
    roff_text("Any setting: its path in upper case with _ for the dots, as SHEETFLOW_APP_PORT for "
              "app.port.",
        out);
    roff_term("TMPDIR", NULL, out);
    roff_text("Where temporary files go that have no place beside an output.", out);
    roff_term("SOURCE_DATE_EPOCH", NULL, out);
    roff_text(
        "Seconds since 1970 to take for the current time, for output that can be reproduced.", out);
    roff_section("EXAMPLES", out);
    roff_block("sheetflow serve --data /srv/sheetflow --port 8080\n"
               "sheetflow op csv/search --conditions '[{\"column\": \"status\", \"operator\": "
               "\"equals\", \"value\": \"active\"}]' in.csv out.xlsx\n"
               "sheetflow run --steps steps.json --input customers.xlsx --output results\n"
               "sheetflow verify --data /srv/sheetflow --dumps\n",
        out);
    roff_section("SEE ALSO", out);
    buf_adds(out, "\\fBsheetflow\\-op\\fR(1), \\fBsheetflow.yaml\\fR(5)\n");
}

/* ---- sheetflow-op.1 ---- */

static void add_meaning(const struct arg *a, const char *fallback, struct buf *out)
{
    struct buf text;

    roff_text(a->help, out);
    add_choices(a->choices, out);
    if (!a->required && !fallback)
        return;
    buf_init(&text, 64 << 10);
    if (a->required) {
        buf_adds(&text, "Required.");
    } else {
        buf_adds(&text, "Default: ");
        help_default(fallback, &text);
        buf_addc(&text, '.');
    }
    roff_text(buf_str(&text), out);
    buf_deinit(&text);
}

static void add_fields(const struct arg *fields, struct buf *out)
{
    buf_adds(out, ".RS\n");
    for (const struct arg *a = fields; a->name; a++) {
        if (a->hidden)
            continue;
        roff_term(a->name, NULL, out);
        add_meaning(a, a->fallback, out);
        if (a->fields)
            add_fields(a->fields, out);
    }
    buf_adds(out, ".RE\n");
}

static void add_argument(const struct arg *a, struct buf *out)
{
    struct buf flag;

    buf_init(&flag, 256);
    help_flag(a->name, &flag);
    roff_term(buf_str(&flag), help_value(a), out);
    buf_deinit(&flag);
    add_meaning(a, strcmp(a->name, "output_format") == 0 ? NULL : a->fallback, out);
    if (a->fields)
        add_fields(a->fields, out);
}

static size_t own_arguments(const struct op *op)
{
    size_t n = 0;

    while (op->args[n].name)
        n++;
    return n;
}

static void add_operation(const struct op *op, struct buf *out)
{
    size_t own = own_arguments(op);
    const struct arg *a;

    roff_subsection(op->name, out);
    roff_inline(op->summary, out);
    buf_adds(out, ".\n");
    for (size_t i = 0; i < own; i++) {
        if (!op->args[i].hidden)
            add_argument(&op->args[i], out);
    }
    buf_adds(out, ".PP\nAlso takes:");
    for (size_t i = own; (a = op_arg(op, i)); i++) {
        struct buf flag;

        buf_init(&flag, 256);
        help_flag(a->name, &flag);
        buf_adds(out, i > own ? ", " : "\n");
        roff_inline(buf_str(&flag), out);
        buf_deinit(&flag);
    }
    buf_adds(out, ".\n");
    for (const struct op_example *e = op->examples; e->title; e++) {
        buf_adds(out, ".PP\nExample: ");
        roff_inline(e->title, out);
        buf_adds(out, ". Arguments:\n");
        roff_block(e->args, out);
    }
}

/* The arguments that operations share, each once. */
static void add_shared(struct buf *out)
{
    const struct arg *seen[MAX_SHARED], *a;
    size_t n = 0;

    for (const struct op *const *op = op_table; *op; op++) {
        for (size_t i = own_arguments(*op); (a = op_arg(*op, i)); i++) {
            size_t k = 0;

            while (k < n && seen[k] != a)
                k++;
            if (k < n || n == MAX_SHARED || a->hidden)
                continue;
            seen[n++] = a;
            add_argument(a, out);
        }
    }
}

static void operations_page(struct buf *out)
{
    roff_title("SHEETFLOW\\-OP", 1, manual, out);
    name("sheetflow\\-op", "the operations of sheetflow", out);
    roff_section("SYNOPSIS", out);
    buf_adds(out, "\\fBsheetflow op\\fR ");
    roff_inline(verb_op.usage, out);
    buf_adds(out, "\n");
    roff_section("DESCRIPTION", out);
    roff_text(verb_op.details, out);
    roff_section("OPERATIONS", out);
    for (const struct op *const *op = op_table; *op; op++)
        add_operation(*op, out);
    roff_section("READING AND WRITING", out);
    add_shared(out);
    roff_section("SEE ALSO", out);
    buf_adds(out, "\\fBsheetflow\\fR(1), \\fBsheetflow.yaml\\fR(5)\n");
}

/* ---- sheetflow.yaml.5 ---- */

static void settings_page(struct buf *out)
{
    struct buf text;

    roff_title("SHEETFLOW.YAML", 5, manual, out);
    name("sheetflow.yaml", "settings of sheetflow", out);
    roff_section("DESCRIPTION", out);
    roff_text("A YAML file that is named with --config. Settings lie in maps by the parts of their "
              "paths:",
        out);
    roff_block(
        "app:\n  port: 8080\nchat_workflows:\n  storage:\n    data_path: /srv/sheetflow\n", out);
    buf_adds(out, ".PP\n");
    roff_text(
        "Later wins: defaults, file, environment (SHEETFLOW_APP_PORT for app.port), flags. "
        "An unknown setting is refused. 'sheetflow config --check FILE' says whether a file is "
        "right; 'sheetflow config --sample' prints one with every setting.",
        out);
    roff_section("SETTINGS", out);
    for (const struct setting *s = setting_table; s->path; s++) {
        roff_term(s->path, NULL, out);
        roff_text(s->help, out);
        add_choices(s->choices, out);
        buf_init(&text, 4096);
        if (s->type == SETTING_INT)
            buf_addf(&text, "%lld to %lld. ", (long long)s->min, (long long)s->max);
        if (s->fallback[0])
            buf_addf(&text, "Default: %s.", s->fallback);
        if (s->reload)
            buf_addf(&text, "%sSIGHUP takes a new value.", s->fallback[0] ? " " : "");
        roff_text(buf_str(&text), out);
        buf_deinit(&text);
    }
    roff_section("SEE ALSO", out);
    buf_adds(out, "\\fBsheetflow\\fR(1), \\fBsheetflow\\-op\\fR(1)\n");
}

/* ---- the verb ---- */

static const struct {
    const char *name;
    void (*write)(struct buf *out);
} pages[] = {
    { "sheetflow.1", program_page },
    { "sheetflow-op.1", operations_page },
    { "sheetflow.yaml.5", settings_page },
};

static int run_man(struct cli *cli)
{
    struct buf text;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        if (strcmp(pages[i].name, cli->words[0]) != 0)
            continue;
        buf_init(&text, PAGE_MAX);
        pages[i].write(&text);
        cli_print("%s", buf_str(&text));
        buf_deinit(&text);
        return EXIT_SUCCESS;
    }
    err_set(&err, ERR_USAGE,
        "there is no page '%.60s'; there are sheetflow.1, sheetflow-op.1, sheetflow.yaml.5",
        cli->words[0]);
    return cli_fail_usage(cli, &err);
}

const struct verb verb_man = {
    .name = "man",
    .usage = "PAGE",
    .summary = "Print a manual page: sheetflow.1, sheetflow-op.1 or sheetflow.yaml.5",
    .min_words = 1,
    .max_words = 1,
    .hidden = true,
    .run = run_man,
};
