/*
 * sheetflow completion SHELL: a script that completes this program's command lines, from its declarations.
 */

#include "cli/completion.h"

#include "describe/help.h"

#include <stdio.h>
#include <stdlib.h>

enum { SCRIPT_MAX = 4 << 20 };

static const struct {
    const char *name;
    void (*write)(struct buf *out);
} shells[] = {
    { "bash", completion_bash },
    { "zsh", completion_zsh },
    { "fish", completion_fish },
};

/* ---- the walk over the tables ---- */

/* The first sentence, without what would end a quotation or a bracket. */
static void make_phrase(const char *help, char *out, size_t size)
{
    const char *end = strstr(help, ". ");
    size_t n = end ? (size_t)(end - help) : strlen(help);

    if (n > 0 && help[n - 1] == '.')
        n--;
    if (n >= size) {
        n = size - 1;
        while (n > 0 && help[n] != ' ')
            n--;
    }
    memcpy(out, help, n);
    out[n] = '\0';
}

static enum completion_kind kind_of_value(const char *value, const char *const *choices)
{
    if (!value)
        return COMPLETE_NOTHING;
    if (choices)
        return COMPLETE_WORDS;
    if (strcmp(value, "FILE") == 0)
        return COMPLETE_FILE;
    return strcmp(value, "DIR") == 0 ? COMPLETE_DIR : COMPLETE_ANY;
}

static void from_verb(const struct cli_flag *f, struct completion_flag *out)
{
    *out = (struct completion_flag){ .value = f->value, .choices = f->choices };
    out->kind = kind_of_value(f->value, f->choices);
    snprintf(out->name, sizeof out->name, "--%.60s", f->name);
    make_phrase(f->help, out->help, sizeof out->help);
}

static void from_argument(const struct arg *a, struct completion_flag *out)
{
    const char *value = help_value(a);
    struct buf name;

    *out = (struct completion_flag){ .value = *value ? value : NULL, .choices = a->choices };
    out->kind = kind_of_value(out->value, out->choices);
    buf_init(&name, sizeof out->name - 1);
    help_flag(a->name, &name);
    snprintf(out->name, sizeof out->name, "%s", buf_str(&name));
    buf_deinit(&name);
    make_phrase(a->help, out->help, sizeof out->help);
}

bool completion_flag(
    const struct verb *verb, const struct op *op, size_t i, struct completion_flag *out)
{
    static const struct cli_flag help = { .name = "help", .help = "Show help." };
    const struct arg *a;

    for (size_t k = 0; op && (a = op_arg(op, k)); k++) {
        if (!a->hidden && i-- == 0) {
            from_argument(a, out);
            return true;
        }
    }
    for (const struct cli_flag *f = verb->flags; f && f->name; f++) {
        if (i-- == 0) {
            from_verb(f, out);
            return true;
        }
    }
    if (i == 0)
        from_verb(&help, out);
    return i == 0;
}

enum completion_word completion_word(const struct verb *verb)
{
    static const struct {
        const char *start;
        enum completion_word word;
    } starts[] = { { "FILE", WORD_FILE }, { "NAME", WORD_OPERATION }, { "[NAME", WORD_OPERATION },
        { "[VERB", WORD_VERB } };
    size_t n = strcspn(verb->usage, " ");

    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        if (strncmp(verb->usage, starts[i].start, strlen(starts[i].start)) == 0)
            return starts[i].word;
    }
    return memchr(verb->usage, '|', n) && verb->usage[0] != '[' ? WORD_CHOICE : WORD_NONE;
}

void completion_choices(const struct verb *verb, struct buf *out)
{
    for (const char *p = verb->usage; *p && *p != ' '; p++)
        buf_addc(out, *p == '|' ? ' ' : *p);
}

void completion_quote(const char *text, struct buf *out)
{
    buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_adds(out, "'\\''");
        else
            buf_addc(out, *text);
    }
    buf_addc(out, '\'');
}

/* ---- the verb ---- */

static int run_completion(struct cli *cli)
{
    struct buf text;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(shells[i].name, cli->words[0]) != 0)
            continue;
        buf_init(&text, SCRIPT_MAX);
        shells[i].write(&text);
        cli_print("%s", buf_str(&text));
        buf_deinit(&text);
        return EXIT_SUCCESS;
    }
    err_set(&err, ERR_USAGE, "there is no completion for '%.60s'; there is one for bash, zsh, fish",
        cli->words[0]);
    return cli_fail_usage(cli, &err);
}

const struct verb verb_completion = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "Print a script that completes command lines in a shell",
    .details = "'make install' and the Debian package put it in its place. For one session:\n"
               "  source <(sheetflow completion bash)\n",
    .min_words = 1,
    .max_words = 1,
    .run = run_completion,
};
