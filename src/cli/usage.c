/*
 * Help of the program and of its verbs, from their declarations.
 */

#include "cli/cli.h"

#include "describe/help.h"

#include <stdio.h>

enum { FLAG_COLUMN = 24, USAGE_MAX = 1 << 20 };

const struct cli_status cli_statuses[] = {
    { 0, "done" },
    { 2, "wrong use" },
    { 65, "bad data" },
    { 66, "no input" },
    { 70, "a fault of the program" },
    { 73, "cannot write" },
    { 74, "input or output error" },
    { 75, "try again" },
    { 78, "no key where other machines could come in" },
    { 130, "interrupted" },
    { 0, NULL },
};

static void add_statuses(struct buf *out)
{
    struct buf list;

    buf_init(&list, USAGE_MAX);
    buf_adds(&list, "Exit status:");
    for (const struct cli_status *s = cli_statuses; s->meaning; s++)
        buf_addf(&list, " %d %s%s", s->status, s->meaning, s[1].meaning ? "," : ".");
    help_fold(buf_str(&list), 0, 0, out);
    buf_deinit(&list);
}

void usage_program(void)
{
    struct buf out;

    buf_init(&out, USAGE_MAX);
    cli_print(
        "sheetflow - workflows on spreadsheets: extract, map, search, join, normalize, convert\n\n"
        "Usage: sheetflow VERB ...\n\n");
    for (const struct verb *const *v = verb_table; *v; v++) {
        if (!(*v)->hidden)
            cli_print("  %-10s %s\n", (*v)->name, (*v)->summary);
    }
    cli_print(
        "\n'sheetflow VERB --help' explains a verb, 'sheetflow op NAME --help' an operation.\n\n");
    add_statuses(&out);
    cli_print("%s", buf_str(&out));
    buf_deinit(&out);
}

static void add_flag(const struct cli_flag *f, struct buf *out)
{
    char left[64];
    int n;

    n = snprintf(
        left, sizeof left, "  --%s%s%s", f->name, f->value ? " " : "", f->value ? f->value : "");
    if (n >= FLAG_COLUMN - 1)
        buf_addf(out, "%s\n%*s", left, FLAG_COLUMN, "");
    else
        buf_addf(out, "%-*s", FLAG_COLUMN, left);
    help_fold(f->help, FLAG_COLUMN, FLAG_COLUMN, out);
    for (size_t i = 0; f->choices && f->choices[i]; i++)
        buf_addf(out, "%*s%s%s", i ? 0 : FLAG_COLUMN, "", i ? ", " : "One of: ", f->choices[i]);
    if (f->choices)
        buf_addc(out, '\n');
}

void usage_flags(const struct cli_flag *flags)
{
    struct buf out;

    buf_init(&out, USAGE_MAX);
    for (const struct cli_flag *f = flags; f && f->name; f++)
        add_flag(f, &out);
    buf_addf(&out, "  %-*s%s\n", FLAG_COLUMN - 2, "--help", "Show this help.");
    cli_print("%s", buf_str(&out));
    buf_deinit(&out);
}

void usage_operation(const struct op *op, const struct cli_flag *flags)
{
    struct buf out;

    buf_init(&out, USAGE_MAX);
    help_operation(op, &out);
    cli_print("%s\nOf the program:\n", buf_str(&out));
    buf_deinit(&out);
    usage_flags(flags);
}

void usage_verb(const struct verb *verb)
{
    cli_print("%s.\n\nUsage: sheetflow %s %s\n\n", verb->summary, verb->name, verb->usage);
    if (verb->details)
        cli_print("%s\n", verb->details);
    usage_flags(verb->flags);
}
