/*
 * Completion for zsh: _arguments of every place.
 */

#include "cli/completion.h"

/* Inside the brackets and actions of _arguments. */
static void add_escaped(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            buf_addc(out, '\\');
        buf_addc(out, *text);
    }
}

static void add_flag(const struct completion_flag *f, struct buf *out)
{
    struct buf spec;

    buf_init(&spec, 16 << 10);
    buf_addf(&spec, "*%s[", f->name);
    add_escaped(f->help, &spec);
    buf_addc(&spec, ']');
    if (f->value)
        buf_addf(&spec, ":%s:", f->value);
    switch (f->kind) {
    case COMPLETE_FILE:
        buf_adds(&spec, "_files");
        break;
    case COMPLETE_DIR:
        buf_adds(&spec, "_files -/");
        break;
    case COMPLETE_WORDS:
        buf_addc(&spec, '(');
        for (size_t k = 0; f->choices[k]; k++) {
            buf_adds(&spec, k ? " " : "");
            add_escaped(f->choices[k], &spec);
        }
        buf_addc(&spec, ')');
        break;
    default:
        break;
    }
    buf_adds(out, " \\\n            ");
    completion_quote(buf_str(&spec), out);
    buf_deinit(&spec);
}

static void add_words(const struct verb *verb, const struct op *op, struct buf *out)
{
    buf_adds(out, " \\\n            ");
    switch (op ? WORD_FILE : completion_word(verb)) {
    case WORD_FILE:
        buf_adds(out, "'*:file:_files'");
        break;
    case WORD_OPERATION:
        buf_adds(out, "'1:operation:_sheetflow_operations'");
        break;
    case WORD_VERB:
        buf_adds(out, "'1:verb:_sheetflow_verbs'");
        break;
    case WORD_CHOICE:
        buf_adds(out, "'1:word:(");
        completion_choices(verb, out);
        buf_adds(out, ")'");
        break;
    case WORD_NONE:
        buf_adds(out, "'*: :'");
        break;
    }
    buf_adds(out, "\n");
}

static void add_place(const struct verb *verb, const struct op *op, struct buf *out)
{
    struct completion_flag f;

    buf_addf(
        out, "    '%s%s%s')\n        _arguments -S", verb->name, op ? " " : "", op ? op->name : "");
    for (size_t i = 0; completion_flag(verb, op, i, &f); i++)
        add_flag(&f, out);
    add_words(verb, op, out);
    buf_adds(out, "        ;;\n");
}

static void add_described(const char *name, const char *summary, struct buf *out)
{
    struct buf entry;

    buf_init(&entry, 1024);
    add_escaped(name, &entry);
    buf_addc(&entry, ':');
    buf_adds(&entry, summary);
    buf_adds(out, "        ");
    completion_quote(buf_str(&entry), out);
    buf_addc(out, '\n');
    buf_deinit(&entry);
}

void completion_zsh(struct buf *out)
{
    buf_adds(out, "#compdef sheetflow\n"
                  "# Completion of sheetflow for zsh, written by 'sheetflow completion zsh'.\n\n"
                  "_sheetflow_verbs() {\n    local -a verbs=(\n");
    for (const struct verb *const *v = verb_table; *v; v++) {
        if (!(*v)->hidden)
            add_described((*v)->name, (*v)->summary, out);
    }
    buf_adds(out, "    )\n    _describe verb verbs\n}\n\n"
                  "_sheetflow_operations() {\n    local -a operations=(\n");
    for (const struct op *const *op = op_table; *op; op++)
        add_described((*op)->name, (*op)->summary, out);
    buf_adds(out, "    )\n    _describe operation operations\n}\n\n"
                  "_sheetflow() {\n"
                  "    local place=$words[2]\n"
                  "    if ((CURRENT == 2)); then\n"
                  "        _sheetflow_verbs\n"
                  "        return\n"
                  "    fi\n"
                  "    shift words\n"
                  "    ((CURRENT--))\n"
                  "    if [[ $place == op ]] && ((CURRENT > 2)); then\n"
                  "        place=\"op $words[2]\"\n"
                  "        shift words\n"
                  "        ((CURRENT--))\n"
                  "    fi\n"
                  "    case $place in\n");
    for (const struct verb *const *v = verb_table; *v; v++) {
        if ((*v)->hidden)
            continue;
        add_place(*v, NULL, out);
        for (const struct op *const *op = op_table; (*v)->own_flags && *op; op++)
            add_place(*v, *op, out);
    }
    buf_adds(out, "    esac\n}\n\n"
                  "if [[ $funcstack[1] == _sheetflow ]]; then\n"
                  "    _sheetflow \"$@\"\n"
                  "else\n"
                  "    compdef _sheetflow sheetflow\n"
                  "fi\n");
}
