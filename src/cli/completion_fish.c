/*
 * Completion for fish: one line a flag, with the place where it holds.
 */

#include "cli/completion.h"

/* In fish a quote inside single quotes is \'. */
static void add_quoted(const char *text, struct buf *out)
{
    buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_addc(out, '\\');
        buf_addc(out, *text);
    }
    buf_addc(out, '\'');
}

static void begin(const struct verb *verb, const struct op *op, struct buf *out)
{
    buf_addf(out, "complete -c sheetflow -n '__sheetflow_at %s%s%s'", verb->name, op ? " " : "",
        op ? op->name : "");
}

static void add_flag(
    const struct verb *verb, const struct op *op, const struct completion_flag *f, struct buf *out)
{
    begin(verb, op, out);
    buf_addf(out, " -l %s", f->name + 2);
    switch (f->kind) {
    case COMPLETE_NOTHING:
        break;
    case COMPLETE_ANY:
        buf_adds(out, " -x");
        break;
    case COMPLETE_FILE:
        buf_adds(out, " -r -F");
        break;
    case COMPLETE_DIR:
        buf_adds(out, " -x -a '(__fish_complete_directories)'");
        break;
    case COMPLETE_WORDS:
        buf_adds(out, " -x -a '");
        for (size_t k = 0; f->choices[k]; k++)
            buf_addf(out, "%s%s", k ? " " : "", f->choices[k]);
        buf_addc(out, '\'');
        break;
    }
    buf_adds(out, " -d ");
    add_quoted(f->help, out);
    buf_addc(out, '\n');
}

static void add_operations(const char *verb, struct buf *out)
{
    for (const struct op *const *op = op_table; *op; op++) {
        buf_addf(
            out, "complete -c sheetflow -n '__sheetflow_first %s' -a %s -d ", verb, (*op)->name);
        add_quoted((*op)->summary, out);
        buf_addc(out, '\n');
    }
}

static void add_words(const struct verb *verb, struct buf *out)
{
    switch (completion_word(verb)) {
    case WORD_NONE:
        break;
    case WORD_FILE:
        begin(verb, NULL, out);
        buf_adds(out, " -F\n");
        break;
    case WORD_OPERATION:
        add_operations(verb->name, out);
        break;
    case WORD_VERB:
        for (const struct verb *const *v = verb_table; *v; v++) {
            if (!(*v)->hidden)
                buf_addf(out, "complete -c sheetflow -n '__sheetflow_first %s' -a %s\n", verb->name,
                    (*v)->name);
        }
        break;
    case WORD_CHOICE:
        begin(verb, NULL, out);
        buf_adds(out, " -a '");
        completion_choices(verb, out);
        buf_adds(out, "'\n");
        break;
    }
}

static void add_place(const struct verb *verb, const struct op *op, struct buf *out)
{
    struct completion_flag f;

    for (size_t i = 0; completion_flag(verb, op, i, &f); i++)
        add_flag(verb, op, &f, out);
    if (!op) {
        add_words(verb, out);
        return;
    }
    begin(verb, op, out);
    buf_adds(out, " -F\n");
}

static void add_operations_of(const struct verb *verb, struct buf *out)
{
    for (const struct op *const *op = op_table; *op; op++)
        add_place(verb, *op, out);
}

void completion_fish(struct buf *out)
{
    buf_adds(out, "# Completion of sheetflow for fish, written by 'sheetflow completion fish'.\n\n"
                  "function __sheetflow_at # VERB, or VERB OPERATION\n"
                  "    set -l typed (commandline -opc)\n"
                  "    test \"$typed[2]\" = \"$argv[1]\"; or return 1\n"
                  "    test (count $argv) -lt 2; or test \"$typed[3]\" = \"$argv[2]\"\n"
                  "end\n\n"
                  "function __sheetflow_first # the word after VERB\n"
                  "    __sheetflow_at $argv; and test (count (commandline -opc)) -eq 2\n"
                  "end\n\n"
                  "complete -c sheetflow -f\n");
    for (const struct verb *const *v = verb_table; *v; v++) {
        if ((*v)->hidden)
            continue;
        buf_addf(out, "complete -c sheetflow -n __fish_use_subcommand -a %s -d ", (*v)->name);
        add_quoted((*v)->summary, out);
        buf_addc(out, '\n');
    }
    for (const struct verb *const *v = verb_table; *v; v++) {
        const struct verb *verb = *v;

        if (verb->hidden)
            continue;
        add_place(verb, NULL, out);
        if (verb->own_flags)
            add_operations_of(verb, out);
    }
}
