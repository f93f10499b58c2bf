/*
 * Completion for bash: two lookup functions made of the tables, and one that uses them.
 */

#include "cli/completion.h"

static const char head[] =
    "# Completion of sheetflow for bash, written by 'sheetflow completion bash'.\n"
    "\n";

static const char body[] =
    "\n"
    "_sheetflow() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local verb=${COMP_WORDS[1]} place kind\n"
    "    COMPREPLY=()\n"
    "    if [ \"$cur\" = = ]; then # --flag=\n"
    "        cur=\n"
    "    elif [ \"$prev\" = = ]; then # --flag=va\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        COMPREPLY=($(compgen -W \"$(_sheetflow_words VERB) --help --version\" -- \"$cur\"))\n"
    "        return\n"
    "    fi\n"
    "    place=$verb\n"
    "    if [ \"$verb\" = op ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
    "        place=\"op ${COMP_WORDS[2]}\"\n"
    "    fi\n"
    "    kind=$(_sheetflow_value \"$place $prev\")\n"
    "    if [ -z \"$kind\" ]; then\n"
    "        if [ \"${cur:0:1}\" = - ]; then\n"
    "            COMPREPLY=($(compgen -W \"$(_sheetflow_flags \"$place\")\" -- \"$cur\"))\n"
    "            return\n"
    "        fi\n"
    "        kind=$(_sheetflow_words \"$place\")\n"
    "    fi\n"
    "    case $kind in\n"
    "    @any | '') ;;\n"
    "    @file)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "        ;;\n"
    "    @dir)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
    "        ;;\n"
    "    *) COMPREPLY=($(compgen -W \"$kind\" -- \"$cur\")) ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _sheetflow sheetflow\n";

static void add_operations(struct buf *out)
{
    for (const struct op *const *op = op_table; *op; op++)
        buf_addf(out, "%s%s", op == op_table ? "" : " ", (*op)->name);
}

static void add_verbs(struct buf *out)
{
    bool first = true;

    for (const struct verb *const *v = verb_table; *v; v++) {
        if ((*v)->hidden)
            continue;
        buf_addf(out, "%s%s", first ? "" : " ", (*v)->name);
        first = false;
    }
}

static void add_flags(const struct verb *verb, const struct op *op, struct buf *out)
{
    struct completion_flag f;

    buf_addf(out, "    '%s%s%s') echo '", verb->name, op ? " " : "", op ? op->name : "");
    for (size_t i = 0; completion_flag(verb, op, i, &f); i++)
        buf_addf(out, "%s%s", i ? " " : "", f.name);
    buf_adds(out, "' ;;\n");
}

static void add_values(const struct verb *verb, const struct op *op, struct buf *out)
{
    static const char *const kinds[] = {
        [COMPLETE_ANY] = "@any", [COMPLETE_FILE] = "@file", [COMPLETE_DIR] = "@dir"
    };
    struct completion_flag f;

    for (size_t i = 0; completion_flag(verb, op, i, &f); i++) {
        if (f.kind == COMPLETE_NOTHING)
            continue;
        buf_addf(
            out, "    '%s%s%s %s') echo '", verb->name, op ? " " : "", op ? op->name : "", f.name);
        if (f.kind == COMPLETE_WORDS) {
            for (size_t k = 0; f.choices[k]; k++)
                buf_addf(out, "%s%s", k ? " " : "", f.choices[k]);
        } else {
            buf_adds(out, kinds[f.kind]);
        }
        buf_adds(out, "' ;;\n");
    }
}

static void add_words(const struct verb *verb, struct buf *out)
{
    enum completion_word word = completion_word(verb);

    if (word == WORD_NONE)
        return;
    buf_addf(out, "    '%s') echo '", verb->name);
    switch (word) {
    case WORD_OPERATION:
        add_operations(out);
        break;
    case WORD_VERB:
        add_verbs(out);
        break;
    case WORD_CHOICE:
        completion_choices(verb, out);
        break;
    default:
        buf_adds(out, "@file");
    }
    buf_adds(out, "' ;;\n");
}

typedef void add_fn(const struct verb *verb, const struct op *op, struct buf *out);

static void each_place(add_fn *add, struct buf *out)
{
    for (const struct verb *const *v = verb_table; *v; v++) {
        if ((*v)->hidden)
            continue;
        add(*v, NULL, out);
        for (const struct op *const *op = op_table; (*v)->own_flags && *op; op++)
            add(*v, *op, out);
    }
}

void completion_bash(struct buf *out)
{
    buf_adds(out, head);
    buf_adds(out, "_sheetflow_words() { # what the words are at a place\n    case $1 in\n");
    buf_adds(out, "    VERB) echo '");
    add_verbs(out);
    buf_adds(out, "' ;;\n");
    for (const struct verb *const *v = verb_table; *v; v++) {
        if (!(*v)->hidden)
            add_words(*v, out);
        if ((*v)->own_flags)
            buf_addf(out, "    '%s '*) echo '@file' ;;\n", (*v)->name);
    }
    buf_adds(out, "    esac\n}\n\n_sheetflow_flags() { # the flags at a place\n    case $1 in\n");
    each_place(add_flags, out);
    buf_adds(out,
        "    esac\n}\n\n_sheetflow_value() { # what a flag at a place takes\n    case $1 in\n");
    each_place(add_values, out);
    buf_adds(out, "    esac\n}\n");
    buf_adds(out, body);
}
