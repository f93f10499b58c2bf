/* Text put in place of other text: "replace UK with United Kingdom in country", "remove the dashes from phone". */

#include "chat/grammar.h"

#include <ctype.h>
#include <string.h>

static const char *const froms[] = { "in", "for", "of", "from", NULL };

/* The text as a pattern that matches it, or as a replacement that says it. */
static const char *escaped(struct mind *m, const char *text, const char *special)
{
    struct buf b;
    const char *out;

    buf_init(&b, 1 << 16);
    for (; *text; text++) {
        if (strchr(special, *text))
            buf_addc(&b, strcmp(special, "$\\") == 0 ? *text : '\\');
        buf_addc(&b, *text);
    }
    out = b.failed ? NULL : arena_strdup(m->arena, buf_str(&b));
    buf_deinit(&b);
    return out ? out : "";
}

static void as_pattern(
    struct mind *m, const char *text, const char *instead, struct json *parameters)
{
    const char *pattern = escaped(m, text, "\\^$.|?*+()[]{}"),
               *replacement = escaped(m, instead, "$\\");

    json_remove(parameters, "mapping"); /* It may own both texts. */
    json_set_string(parameters, "pattern", pattern);
    json_set_string(parameters, "replacement", replacement);
}

/* Is the text only part of what the columns hold, or nothing but marks? */
static bool is_part(const struct mind *m, const char *const *names, size_t n, const char *text)
{
    bool marks = true, part = false;

    for (const char *p = text; *p; p++)
        marks = marks && !isalnum((unsigned char)*p) && !((unsigned char)*p & 0x80);
    for (size_t i = 0; i < n; i++) {
        const struct chat_column *c = chat_table_column(&m->table, names[i]);

        for (size_t k = 0; c && k < c->n_values; k++) {
            if (strcasecmp(c->values[k], text) == 0)
                return false;
            part = part || strstr(c->values[k], text);
        }
    }
    return part || marks;
}

/* "replace UK with United Kingdom in country", "UK -> GB" */
bool replace_parameters(
    struct mind *m, const struct clause *c, size_t at, struct json *parameters, size_t *used)
{
    static const char *const withs[] = { "with", "by", "->", "→", NULL };
    static const char *const ands[] = { "and", ",", "&", NULL };
    const struct words *w = &m->words;
    size_t first = words_find(w, at, c->to, withs),
           end = first < c->to ? words_find(w, first + 1, c->to, froms) : first;
    struct json *mapping = json_new_object();

    *used = end;
    while (at < end) {
        size_t with = words_find(w, at, end, withs), next = words_find(w, with, end, ands);

        if (with == end || with == at || words_find(w, next, end, withs) == end)
            next = end; /* "with fish and chips" is one text. */
        if (with == end || with == at || with + 1 == next)
            break;
        json_set_string(
            mapping, words_text(w, at, with, m->arena), words_text(w, with + 1, next, m->arena));
        at = next + (next < end);
        at += at < end && words_say(w, at, end, "and");
    }
    if (json_len(mapping) == 0 || at < end) {
        json_free(mapping);
        return false;
    }
    json_set(parameters, "mapping", mapping);
    return true;
}

const char *replace_rule(
    struct mind *m, const char *const *names, size_t n, struct json *parameters)
{
    const struct json *mapping = json_get(parameters, "mapping");
    const void *it = json_first(mapping);

    if (!it || json_len(mapping) > 1 || !is_part(m, names, n, json_key(it)))
        return "categorical_mapping";
    as_pattern(m, json_key(it), json_str(json_value(it)), parameters);
    return "regex_replace";
}

/* What is to go, as text; NULL when it is none. `*next` is behind it. */
static const char *gone(const struct mind *m, size_t at, size_t end, size_t *next)
{
    static const char *const marks[][2] = { { "dashes", "-" }, { "hyphens", "-" }, { "dash", "-" },
        { "commas", "," }, { "comma", "," }, { "dots", "." }, { "full stops", "." },
        { "slashes", "/" }, { "underscores", "_" }, { "hashes", "#" }, { "quotes", "\"" },
        { "asterisks", "*" }, { "colons", ":" }, { "semicolons", ";" } };
    static const char *const fillers[] = { "the", "all", "any", "all the", "text", "word",
        "the text", "the word", NULL };
    const struct words *w = &m->words;

    at += words_say_any(w, at, end, fillers);
    if (at < end && w->v[at].kind == WORD_QUOTED) {
        *next = at + 1;
        return w->v[at].raw;
    }
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        size_t n = words_say(w, at, end, marks[i][0]);

        *next = at + n;
        if (n)
            return marks[i][1];
    }
    return NULL;
}

/* `remove "-" from phone`: where the columns begin; c->to when it is none of that. */
static size_t says_gone(const struct mind *m, const struct clause *c, const char **text)
{
    static const char *const removers[] = { "remove", "strip", "delete", "drop", "take out",
        "get rid of", "cut", NULL };
    static const char *const links[] = { "from", "in", "out of", "of", NULL };
    size_t at = c->from + words_say_any(&m->words, c->from, c->to, removers), next = at;
    struct mention mention;

    *text = at > c->from ? gone(m, at, c->to, &next) : NULL;
    if (!*text || !**text || !words_say_any(&m->words, next, c->to, links))
        return c->to;
    next += words_say_any(&m->words, next, c->to, links);
    for (at = next; at < c->to; at++) {
        if (chat_mention(&m->words, at, c->to, &m->table, m->arena, &mention))
            return next;
    }
    return c->to;
}

bool says_removal(const struct mind *m, const struct clause *c)
{
    const char *text;

    return says_gone(m, c, &text) < c->to;
}

size_t removal_parameters(struct mind *m, const struct clause *c, struct json *parameters)
{
    const char *text;
    size_t at = says_gone(m, c, &text);

    if (at < c->to)
        as_pattern(m, text, "", parameters);
    return at;
}
