/*
 * The reference page in Markdown, from the tables of operations, rules and settings.
 */

#include "describe/reference.h"

#include "base/setting.h"
#include "describe/help.h"
#include "ops/op.h"
#include "ops/rules/rule.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SHARED = 32 };

/* Text inside a table cell: no pipe may end it. */
static void add_cell(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_addc(out, '\\');
        buf_addc(out, *text == '\n' ? ' ' : *text);
    }
}

static const char *kind_of(const struct arg *a)
{
    switch (a->type) {
    case ARG_BOOL:
    case ARG_MAYBE:
        return "yes or no";
    case ARG_INT:
        return "whole number";
    case ARG_NUMBER:
        return "number";
    case ARG_STR:
        return a->is_column ? "column" : "text";
    case ARG_STRS:
        return a->is_column ? "columns" : "list of names";
    case ARG_CHOICE:
        return "word";
    case ARG_FILE:
        return "file";
    case ARG_JSON:
        return a->fields_of ? "object" : "value";
    case ARG_OBJECT:
        return "object";
    case ARG_OBJECTS:
        return "list of objects";
    case ARG_MAP:
        return "object of names";
    }
    return "";
}

static void add_default(const struct arg *a, struct buf *out)
{
    if (a->required)
        buf_adds(out, "required");
    else if (a->fallback) {
        buf_addc(out, '`');
        help_default(a->fallback, out);
        buf_addc(out, '`');
    }
}

static void add_row(const struct arg *a, const char *prefix, struct buf *out)
{
    buf_addf(out, "| `%s%s` | %s | ", prefix, a->name, kind_of(a));
    add_default(a, out);
    buf_adds(out, " | ");
    add_cell(a->help, out);
    for (size_t i = 0; a->choices && a->choices[i] && a->choices != rule_names; i++) {
        buf_addf(out, "%s`", i ? ", " : " One of ");
        add_cell(a->choices[i], out);
        buf_addc(out, '`');
    }
    if (a->choices)
        buf_adds(out, a->choices == rule_names ? " One of the normalizations below." : ".");
    for (size_t i = 0; a->aliases && a->aliases[i]; i++)
        buf_addf(out, "%s`%s`", i ? ", " : " Also: ", a->aliases[i]);
    if (a->aliases)
        buf_addc(out, '.');
    buf_adds(out, " |\n");
}

static void add_rows(const struct arg *fields, const char *prefix, struct buf *out)
{
    for (const struct arg *a = fields; a->name; a++) {
        char inner[128];

        if (a->hidden)
            continue;
        add_row(a, prefix, out);
        if (!a->fields)
            continue;
        snprintf(inner, sizeof inner, "%s%s%s", prefix, a->name,
            a->type == ARG_OBJECTS ? "[]."
            : a->type == ARG_MAP   ? ".*."
                                   : ".");
        add_rows(a->fields, inner, out);
    }
}

static const char table_head[] = "| argument | kind | default | meaning |\n|---|---|---|---|\n";

static void add_block(const char *title, const char *language, const char *text, struct buf *out)
{
    size_t n = strlen(text);

    buf_addf(out, "\n%s\n\n```%s\n%s%s```\n", title, language, text,
        n && text[n - 1] == '\n' ? "" : "\n");
}

static void add_example(const struct op_example *e, struct buf *out)
{
    buf_addf(out, "\n**%s.**\n", e->title);
    add_block("Arguments:", "json", e->args, out);
    add_block("Input:", "csv", e->in, out);
    if (e->bind)
        add_block("`bind.csv`:", "csv", e->bind, out);
    if (e->out)
        add_block("Output:", "", e->out, out);
}

static void add_operation(const struct op *op, struct buf *out)
{
    size_t own = 0;
    const struct arg *a;

    buf_addf(out, "\n### %s\n\n%s.", op->name, op->summary);
    if (op->suffix)
        buf_addf(out, " Output: `<name>_%s_<time>%s`.", op->suffix, file_format_suffix(op->format));
    else
        buf_adds(out, " No file: the result is data.");
    buf_adds(out, "\n\n");
    while (op->args[own].name)
        own++;
    if (own) {
        buf_adds(out, table_head);
        add_rows(op->args, "", out);
        buf_addc(out, '\n');
    }
    buf_adds(out, "Also takes");
    for (size_t i = own; (a = op_arg(op, i)); i++)
        buf_addf(out, "%s `%s`", i > own ? "," : "", a->name);
    buf_adds(out, ".\n");
    for (const struct op_example *e = op->examples; e->title; e++)
        add_example(e, out);
}

/* The arguments that operations share, each once. */
static void add_shared(struct buf *out)
{
    const struct arg *seen[MAX_SHARED];
    size_t n = 0;

    buf_adds(out, "\n## Arguments of all operations\n\nFor reading the file and writing the "
                  "result; each operation "
                  "says which of them it takes.\n\n");
    buf_adds(out, table_head);
    for (const struct op *const *op = op_table; *op; op++) {
        const struct arg *a;
        size_t own = 0;

        while ((*op)->args[own].name)
            own++;
        for (size_t i = own; (a = op_arg(*op, i)); i++) {
            size_t k = 0;

            while (k < n && seen[k] != a)
                k++;
            if (k < n || n == MAX_SHARED)
                continue;
            seen[n++] = a;
            add_row(a, "", out);
        }
    }
}

static void add_rules(struct buf *out)
{
    buf_adds(
        out, "\n## Normalizations\n\nThe types of `normalization/apply` and their `parameters`.\n");
    for (const struct rule *const *r = rule_table; *r; r++) {
        buf_addf(out, "\n### %s\n\n%s.\n", (*r)->name, (*r)->description);
        if (!(*r)->params->name)
            continue;
        buf_addc(out, '\n');
        buf_adds(out, table_head);
        add_rows((*r)->params, "", out);
    }
}

static const char *setting_kind(enum setting_type type)
{
    static const char *const names[] = {
        [SETTING_BOOL] = "yes or no",
        [SETTING_INT] = "whole number",
        [SETTING_STRING] = "text",
        [SETTING_CHOICE] = "word",
        [SETTING_LIST] = "list",
    };

    return names[type];
}

static void add_settings(struct buf *out)
{
    buf_adds(out, "\n## Settings\n\nA YAML file, the environment (`SHEETFLOW_` and the path in "
                  "upper case with `_`), "
                  "flags; later wins. *Reload* tells which ones SIGHUP takes.\n\n"
                  "| setting | kind | default | reload | meaning |\n|---|---|---|---|---|\n");
    for (const struct setting *s = setting_table; s->path; s++) {
        buf_addf(out, "| `%s` | %s | ", s->path, setting_kind(s->type));
        if (s->fallback && s->fallback[0])
            buf_addf(out, "`%s`", s->fallback);
        buf_addf(out, " | %s | ", s->reload ? "yes" : "");
        add_cell(s->help, out);
        for (size_t i = 0; s->choices && s->choices[i]; i++)
            buf_addf(out, "%s`%s`", i ? ", " : " One of ", s->choices[i]);
        buf_adds(out, s->choices ? ". |\n" : " |\n");
    }
}

void reference_write(struct buf *out)
{
    buf_adds(out, "# Reference\n\nWritten by the program from its own declarations; do not "
                  "edit.\n\n## Operations\n");
    for (const struct op *const *op = op_table; *op; op++)
        add_operation(*op, out);
    buf_adds(out, "\n## Over HTTP alone\n\nNo steps of workflows: "
                  "[docs/http-api.md](http-api.md) has how they are called.\n");
    for (const struct op *const *op = op_unlisted; *op; op++)
        add_operation(*op, out);
    add_shared(out);
    add_rules(out);
    add_settings(out);
}
