/*
 * Help of the program and of its verbs, from their declarations.
 */

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

enum { FLAG_COLUMN = 24, WIDTH = 80 };

/* Text folded at WIDTH, beginning at column `at`, further lines at column `indent`. */
static void fold(const char *text, int at, int indent)
{
    while (*text) {
        int room = WIDTH - at;
        size_t n = strlen(text);

        if (n > (size_t)room) {
            n = (size_t)room;
            while (n > 0 && text[n] != ' ')
                n--;
            if (n == 0)
                n = strcspn(text, " ");
        }
        cli_print("%.*s\n", (int)n, text);
        text += n;
        text += strspn(text, " ");
        if (*text)
            cli_print("%*s", indent, "");
        at = indent;
    }
}

void help_program(void)
{
    cli_print(
        "sheetflow - workflows on spreadsheets: extract, map, search, join, normalize, convert\n\n"
        "Usage: sheetflow VERB ...\n\n");
    for (const struct verb *const *v = verb_table; *v; v++) {
        if (!(*v)->hidden)
            cli_print("  %-10s %s\n", (*v)->name, (*v)->summary);
    }
    cli_print(
        "\n'sheetflow VERB --help' explains a verb, 'sheetflow op NAME --help' an operation.\n\n"
        "Exit status: 0 done, 2 wrong use, 65 bad data, 66 no input, 70 a fault of the program,\n"
        "73 cannot write, 74 input or output error, 75 try again, 130 interrupted.\n");
}

static void help_flag(const struct cli_flag *f)
{
    char left[64];
    int n;

    n = snprintf(
        left, sizeof left, "  --%s%s%s", f->name, f->value ? " " : "", f->value ? f->value : "");
    if (n >= FLAG_COLUMN - 1)
        cli_print("%s\n%*s", left, FLAG_COLUMN, "");
    else
        cli_print("%-*s", FLAG_COLUMN, left);
    fold(f->help, FLAG_COLUMN, FLAG_COLUMN);
    for (size_t i = 0; f->choices && f->choices[i]; i++)
        cli_print("%*s%s%s", i ? 0 : FLAG_COLUMN, "", i ? ", " : "One of: ", f->choices[i]);
    if (f->choices)
        cli_print("\n");
}

void help_flags(const struct cli_flag *flags)
{
    for (const struct cli_flag *f = flags; f && f->name; f++)
        help_flag(f);
    cli_print("  %-*s%s\n", FLAG_COLUMN - 2, "--help", "Show this help.");
}

void help_verb(const struct verb *verb)
{
    cli_print("%s.\n\nUsage: sheetflow %s %s\n\n", verb->summary, verb->name, verb->usage);
    if (verb->details)
        cli_print("%s\n", verb->details);
    help_flags(verb->flags);
}
