/*
 * Parsing of a verb's flags from its declaration. `--output DIR` and `--output=DIR` are the same, `_` and `-`
 * are the same in names, `--` ends the flags, and `-` is a word: stdin or stdout.
 */

#include "cli/cli.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FLAGS = 32 };

static bool same_name(const char *declared, const char *typed, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = typed[i] == '_' ? '-' : typed[i];

        if (!declared[i] || declared[i] != c)
            return false;
    }
    return declared[n] == '\0';
}

static const struct cli_flag *find_flag(const struct verb *verb, const char *typed, size_t n)
{
    for (const struct cli_flag *f = verb->flags; f && f->name; f++) {
        if (same_name(f->name, typed, n))
            return f;
    }
    return NULL;
}

static bool unknown_flag(const struct cli *cli, const char *typed, size_t n, struct err *err)
{
    const char *names[MAX_FLAGS], *near;
    char name[64];
    size_t count = 0;

    snprintf(name, sizeof name, "%.*s", (int)n, typed);
    for (const struct cli_flag *f = cli->verb->flags; f && f->name && count < MAX_FLAGS; f++)
        names[count++] = f->name;
    near = utf8_nearest(name, names, count);
    if (near)
        return err_set(err, ERR_USAGE, "sheetflow %s has no flag --%s; did you mean --%s?",
            cli->verb->name, name, near);
    return err_set(err, ERR_USAGE, "sheetflow %s has no flag --%s", cli->verb->name, name);
}

static bool check_choice(const struct cli_flag *f, const char *value, struct err *err)
{
    char list[256] = "";
    const char *near;
    size_t n = 0;

    if (!f->choices)
        return true;
    for (; f->choices[n]; n++) {
        if (strcmp(f->choices[n], value) == 0)
            return true;
        snprintf(
            list + strlen(list), sizeof list - strlen(list), "%s%s", n ? ", " : "", f->choices[n]);
    }
    near = utf8_nearest(value, f->choices, n);
    if (near)
        return err_set(err, ERR_USAGE, "--%s: '%.60s' is not one of %s; did you mean %s?", f->name,
            value, list, near);
    return err_set(err, ERR_USAGE, "--%s: '%.60s' is not one of %s", f->name, value, list);
}

static bool add_given(struct cli *cli, const struct cli_flag *f, const char *value, struct err *err)
{
    if (!f->repeat && cli_has(cli, f->name))
        return err_set(err, ERR_USAGE, "--%s is given twice", f->name);
    if (value && !check_choice(f, value, err))
        return false;
    cli->given[cli->n_given++] = (struct cli_given){ f, value };
    return true;
}

/* What one argv word turned out to be worth. */
struct flag_text {
    const char *name;
    size_t n;
    const char *value; /* After "=", or NULL. */
};

static struct flag_text split(const char *word)
{
    const char *name = word + 2, *equals = strchr(name, '=');

    return (struct flag_text){ name, equals ? (size_t)(equals - name) : strlen(name),
        equals ? equals + 1 : NULL };
}

static bool add_own(struct cli *cli, const struct flag_text *t, const char *value, struct err *err)
{
    char *name = arena_dup(&cli->arena, t->name, t->n);

    if (!name)
        return err_nomem(err);
    cli->own[cli->n_own++] = (struct cli_own){ name, value };
    return true;
}

static bool allocate(struct cli *cli, int argc, struct err *err)
{
    size_t n = (size_t)argc + 1;

    if (argc > CLI_MAX_WORDS)
        return err_set(err, ERR_USAGE, "the command line has more than %d words", CLI_MAX_WORDS);
    cli->given = arena_calloc(&cli->arena, n, sizeof *cli->given);
    cli->words = arena_calloc(&cli->arena, n, sizeof *cli->words);
    cli->own = arena_calloc(&cli->arena, n, sizeof *cli->own);
    return cli->given && cli->words && cli->own ? true : err_nomem(err);
}

static bool check_words(const struct cli *cli, struct err *err)
{
    if (cli->n_words < cli->verb->min_words)
        return err_set(err, ERR_USAGE, "something is missing; usage: sheetflow %s %s",
            cli->verb->name, cli->verb->usage);
    if (cli->n_words > cli->verb->max_words)
        return err_set(err, ERR_USAGE, "'%.100s' is too much; usage: sheetflow %s %s",
            cli->words[cli->verb->max_words], cli->verb->name, cli->verb->usage);
    return true;
}

bool cli_parse(struct cli *cli, int argc, char **argv, cli_takes_value_fn *takes_value, void *arg,
    struct err *err)
{
    bool flags = true;

    if (!allocate(cli, argc, err))
        return false;
    for (int i = 0; i < argc && argv[i]; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        const struct cli_flag *f;
        struct flag_text t;

        if (!flags || word[0] != '-' || word[1] == '\0') {
            cli->words[cli->n_words++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            flags = false;
            continue;
        }
        if (word[1] != '-')
            return err_set(err, ERR_USAGE,
                "'%.60s' is no flag; flags are written --name, and a file of that name as ./%.60s",
                word, word);
        t = split(word);
        f = find_flag(cli->verb, t.name, t.n);
        if (!f && !cli->verb->own_flags)
            return unknown_flag(cli, t.name, t.n, err);
        if (f && !f->value && t.value)
            return err_set(err, ERR_USAGE, "--%s takes no value", f->name);
        if (!t.value && next && (f ? f->value != NULL : takes_value(arg, word + 2, next))) {
            t.value = next;
            i++;
        }
        if (f && f->value && !t.value)
            return err_set(err, ERR_USAGE, "--%s needs a value: %s", f->name, f->value);
        if (f ? !add_given(cli, f, t.value, err) : !add_own(cli, &t, t.value, err))
            return false;
    }
    return check_words(cli, err);
}

bool cli_has(const struct cli *cli, const char *flag)
{
    for (size_t i = 0; i < cli->n_given; i++) {
        if (strcmp(cli->given[i].flag->name, flag) == 0)
            return true;
    }
    return false;
}

const char *cli_value(const struct cli *cli, const char *flag)
{
    const char *value = NULL;

    for (size_t i = 0; i < cli->n_given; i++) {
        if (strcmp(cli->given[i].flag->name, flag) == 0)
            value = cli->given[i].value;
    }
    return value;
}

bool cli_settings(const struct cli *cli, struct settings **out, struct err *err)
{
    struct setting_flag flags[CLI_SETTING_FLAGS + 1] = { { 0 } };
    size_t n = 0;

    for (size_t i = 0; i < cli->n_given && n < CLI_SETTING_FLAGS; i++) {
        const struct cli_given *g = &cli->given[i];

        if (g->flag->setting)
            flags[n++] = (struct setting_flag){ g->flag->setting, g->value ? g->value : "true" };
    }
    return settings_load(cli_value(cli, "config"), environ, flags, out, err);
}
