/*
 * Command-line help of operations.
 */

#include "describe/help.h"

#include <string.h>

enum { VALUE_COLUMN = 26, NESTED_COLUMN = 30 };

const char *help_value(const struct arg *arg)
{
    switch (arg->type) {
    case ARG_BOOL:
    case ARG_MAYBE:
        return "";
    case ARG_INT:
    case ARG_NUMBER:
        return "N";
    case ARG_STR:
        return arg->is_column ? "COLUMN" : "TEXT";
    case ARG_STRS:
        return arg->is_column ? "COLUMNS" : "NAMES";
    case ARG_CHOICE:
        return "WORD";
    case ARG_FILE:
        return "FILE";
    default:
        return "JSON";
    }
}

static void add_blanks(struct buf *out, size_t n)
{
    while (n--)
        buf_addc(out, ' ');
}

void help_fold(const char *text, unsigned at, unsigned indent, struct buf *out)
{
    while (*text) {
        size_t room = at < HELP_WIDTH ? HELP_WIDTH - at : 1, n = strlen(text);

        if (n > room) {
            n = room + 1;
            while (n > 0 && text[n - 1] != ' ')
                n--;
            n = n > 1 ? n - 1 : strcspn(text, " ");
        }
        buf_add(out, text, n);
        buf_addc(out, '\n');
        text += n;
        text += strspn(text, " ");
        if (*text)
            add_blanks(out, indent);
        at = indent;
    }
}

void help_flag(const char *name, struct buf *out)
{
    buf_adds(out, "--");
    for (; *name; name++)
        buf_addc(out, *name == '_' ? '-' : *name);
}

void help_default(const char *fallback, struct buf *out)
{
    struct json *value = NULL;
    struct err ignored;

    if (json_parse(fallback, strlen(fallback), &value, &ignored) && json_str(value))
        buf_adds(out, json_str(value)[0] ? json_str(value) : "\"\"");
    else
        buf_adds(out, fallback);
    json_free(value);
}

/* The sentence, with what it is by default and what it can be. */
static void explain(const struct arg *a, const char *fallback, struct buf *text)
{
    buf_adds(text, a->help);
    for (size_t i = 0; a->choices && a->choices[i]; i++)
        buf_addf(text, "%s%s", i ? ", " : " One of: ", a->choices[i]);
    if (a->choices)
        buf_addc(text, '.');
    if (a->required)
        buf_adds(text, " Required.");
    else if (fallback) {
        buf_adds(text, " Default: ");
        help_default(fallback, text);
        buf_addc(text, '.');
    }
}

static void add_argument(const struct arg *a, const char *left, unsigned indent, unsigned column,
    const char *fallback, struct buf *out)
{
    size_t n = indent + strlen(left);
    struct buf text;

    buf_init(&text, 16 << 10);
    explain(a, fallback, &text);
    add_blanks(out, indent);
    buf_adds(out, left);
    if (n + 2 > column) {
        buf_addc(out, '\n');
        n = 0;
    }
    add_blanks(out, column - n);
    help_fold(buf_str(&text), column, column, out);
    buf_deinit(&text);
}

/* Fields of nested JSON, by their keys. */
static void add_fields(const struct arg *fields, unsigned indent, struct buf *out)
{
    for (const struct arg *a = fields; a->name; a++) {
        if (a->hidden)
            continue;
        add_argument(a, a->name, indent, NESTED_COLUMN, a->fallback, out);
        if (a->fields)
            add_fields(a->fields, indent + 2, out);
        if (!a->fields_of)
            continue;
        for (const struct arg *c = fields; c->name; c++) {
            for (int i = 0; strcmp(c->name, a->depends) == 0 && c->choices[i]; i++) {
                if (!a->fields_of(i)->name)
                    continue;
                add_blanks(out, indent + 2);
                buf_addf(out, "for %s:\n", c->choices[i]);
                add_fields(a->fields_of(i), indent + 4, out);
            }
        }
    }
}

static void add_flag(const struct op *op, const struct arg *a, struct buf *out)
{
    const char *fallback = a->fallback;
    struct buf left;

    if (strcmp(a->name, "output_format") == 0)
        fallback = file_format_name(op->format); /* No JSON, and shown as it stands. */
    buf_init(&left, 256);
    help_flag(a->name, &left);
    if (help_value(a)[0])
        buf_addf(&left, " %s", help_value(a));
    add_argument(a, buf_str(&left), 2, VALUE_COLUMN, fallback, out);
    if (a->fields)
        add_fields(a->fields, 6, out);
    buf_deinit(&left);
}

static size_t own_count(const struct op *op)
{
    size_t n = 0;

    while (op->args[n].name)
        n++;
    return n;
}

static void add_examples(const struct op *op, struct buf *out)
{
    for (const struct op_example *e = op->examples; e->title; e++) {
        buf_addf(out, "\nExample: %s\n  arguments  ", e->title);
        help_fold(e->args, 13, 13, out);
    }
}

void help_operation(const struct op *op, struct buf *out)
{
    size_t own = own_count(op);
    const struct arg *a;

    buf_addf(out, "%s - %s\n\nUsage: sheetflow op %s [--argument value ...] INPUT [OUTPUT]\n",
        op->name, op->summary, op->name);
    for (size_t i = 0; (a = op_arg(op, i)); i++) {
        if (i == 0 || i == own)
            buf_adds(out, i == own ? "\nReading and writing:\n" : "\nArguments:\n");
        if (!a->hidden)
            add_flag(op, a, out);
    }
    buf_adds(out,
        "\nLists are JSON or separated by commas; JSON can be @FILE; yes-or-no arguments are --x,\n"
        "--no-x or --x false.\n");
    add_examples(op, out);
}
