/*
 * Reading a template's braces: plain text, and slots with name, type and default resolved.
 *
 *   a {{ b {name:int|0}   ─▶   plain text "a { b ", and a slot at its byte 6
 *
 * What a name is depends on the columns there are, so a body is tried in all its readings, the one
 * with the longest name first: {a:b|c} may be the column "a:b|c", or "a:b" with the default c, or ...
 */

#include "ops/template_int.h"

#include "base/date.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    WILDCARDS_MAX = 4, /* At each end. */
    DEFAULTS_MAX = 8,  /* Readings of `|`. */
    LISTED_MAX = 60    /* Names in a sentence. */
};

struct name {
    const char *name;
    uint32_t column;
    bool alias; /* Goes before a column of that name. */
};

static const struct {
    const char *name;
    enum slot_type type;
} types[] = {
    { "int", SLOT_INT },
    { "float", SLOT_FLOAT },
    { "bool", SLOT_BOOL },
    { "datetime", SLOT_DATETIME },
    { "string", SLOT_STRING },
    { "integer", SLOT_INT },
    { "number", SLOT_FLOAT },
    { "boolean", SLOT_BOOL },
    { "text", SLOT_STRING },
    { "str", SLOT_STRING },
};
enum { TYPES_SHOWN = 5 };

struct span {
    const char *p;
    size_t n;
};

static struct span trim(struct span s)
{
    utf8_trim(&s.p, &s.n);
    return s;
}

/* ---- names ---- */

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (int)y->alias - (int)x->alias;
}

bool parser_init(struct parser *ps, const struct template_options *options, bool wildcards,
    struct arena *arena, struct err *err)
{
    const struct schema *schema = options->schema;

    *ps = (struct parser){ .options = options,
        .arena = arena,
        .argument = options->argument ? options->argument : "template",
        .wildcards = wildcards };
    ps->names =
        arena_calloc(arena, (size_t)schema->n_columns + options->n_aliases + 1, sizeof *ps->names);
    if (!ps->names)
        return err_nomem(err);
    for (size_t i = 0; i < options->n_aliases; i++) {
        const struct template_alias *a = &options->aliases[i];
        char where[128];
        uint32_t column;

        snprintf(where, sizeof where, "column_mapping.%s", a->placeholder);
        if (!schema_get(schema, a->column, where, &column, err))
            return false;
        ps->names[ps->n_names++] = (struct name){ a->placeholder, column, true };
    }
    for (uint32_t i = 0; i < schema->n_columns; i++)
        ps->names[ps->n_names++] = (struct name){ schema->columns[i].name, i, false };
    qsort(ps->names, ps->n_names, sizeof *ps->names, compare_names);
    return true;
}

static bool is_word(struct span s, const char *word)
{
    return word && strlen(word) == s.n && memcmp(word, s.p, s.n) == 0;
}

/* The alias or column called exactly so; NULL. */
static const struct name *find_name(const struct parser *ps, struct span s)
{
    size_t from = 0, to = ps->n_names;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        const char *name = ps->names[mid].name;
        int order = strncmp(name, s.p, s.n);

        if (order == 0 && name[s.n])
            order = 1;
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from < ps->n_names && is_word(s, ps->names[from].name) ? &ps->names[from] : NULL;
}

static bool find_builtin(struct span s, struct slot *slot)
{
    static const struct {
        const char *name;
        enum slot_source source;
    } builtins[] = {
        { "auto_id", SLOT_COUNTER },
        { "current_timestamp", SLOT_TIMESTAMP },
        { "current_date", SLOT_DATE },
    };

    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        if (strlen(builtins[i].name) == s.n && strncasecmp(builtins[i].name, s.p, s.n) == 0) {
            slot->source = builtins[i].source;
            slot->column_name = builtins[i].name;
            return true;
        }
    }
    return false;
}

static bool resolve_exact(const struct parser *ps, struct span s, struct slot *slot)
{
    const char *counter = ps->options->counter.name;
    const struct name *found;

    if (s.n == 0 || memchr(s.p, '\0', s.n))
        return false;
    found = find_name(ps, s);
    if ((!found || !found->alias) && counter && (is_word(s, counter) || is_word(s, "auto_id"))) {
        slot->source = SLOT_COUNTER;
        slot->column_name = counter;
        return true;
    }
    if (!found)
        return find_builtin(s, slot);
    slot->source = SLOT_COLUMN;
    slot->column = found->column;
    slot->column_name = ps->options->schema->columns[found->column].name;
    return true;
}

static bool is_wildcard(char c)
{
    return c == '%' || c == '_';
}

static size_t wildcards_before(struct span s)
{
    size_t n = 0;

    while (n < s.n && n < WILDCARDS_MAX && is_wildcard(s.p[n]))
        n++;
    return n;
}

static size_t wildcards_after(struct span s)
{
    size_t n = 0;

    while (n < s.n && n < WILDCARDS_MAX && is_wildcard(s.p[s.n - 1 - n]))
        n++;
    return n;
}

/* A reading of a body: which bytes are wildcards, and the rest. */
struct reading {
    struct span before, name, after;
    struct span type;     /* p NULL: none. */
    struct span fallback; /* p NULL: none. */
};

static bool resolve_name(const struct parser *ps, struct reading *r, bool strip, struct slot *slot)
{
    struct span raw = r->name, s = trim(raw);
    size_t most_before = strip ? wildcards_before(s) : 0;
    size_t most_after = strip ? wildcards_after(s) : 0;

    if (resolve_exact(ps, raw, slot))
        return true;
    for (size_t i = 0; i <= most_before; i++) {
        for (size_t j = 0; j <= most_after && i + j < s.n; j++) {
            struct span inner = trim((struct span){ s.p + i, s.n - i - j });

            if (!resolve_exact(ps, inner, slot))
                continue;
            r->name = inner;
            r->before = (struct span){ s.p, i };
            if (j)
                r->after = (struct span){ s.p + s.n - j, j };
            return true;
        }
    }
    return false;
}

static bool find_type(struct span s, enum slot_type *type)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strlen(types[i].name) == s.n && strncasecmp(types[i].name, s.p, s.n) == 0) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

/* name:type, split at the last colon; false when there is none or no such type. */
static bool split_type(struct reading *r, bool strip, enum slot_type *type)
{
    const char *colon = memrchr(r->name.p, ':', r->name.n);
    struct span tail;
    size_t n;

    if (!colon)
        return false;
    tail = trim((struct span){ colon + 1, (size_t)(r->name.p + r->name.n - colon - 1) });
    n = strip ? wildcards_after(tail) : 0;
    r->type = trim((struct span){ tail.p, tail.n - n });
    r->after = (struct span){ r->type.p + r->type.n, n };
    if (n)
        r->after.p = tail.p + tail.n - n;
    r->name.n = (size_t)(colon - r->name.p);
    return find_type(r->type, type);
}

/* Does the text before the default name something, with or without a type? */
static bool resolve_head(const struct parser *ps, struct reading *r, bool strip, struct slot *slot)
{
    struct reading typed = *r;
    enum slot_type type;

    slot->type = SLOT_ANY;
    if (resolve_name(ps, r, strip, slot))
        return true;
    if (!split_type(&typed, strip, &type) || !resolve_name(ps, &typed, strip, slot))
        return false;
    slot->type = type;
    *r = typed;
    return true;
}

static bool resolve_body(
    const struct parser *ps, struct span body, bool strip, struct reading *out, struct slot *slot)
{
    size_t end = body.n;

    for (int tries = 0; tries <= DEFAULTS_MAX; tries++) {
        struct reading r = { .name = { body.p, end } };
        const char *bar;

        if (end < body.n)
            r.fallback = trim((struct span){ body.p + end + 1, body.n - end - 1 });
        if (resolve_head(ps, &r, strip, slot)) {
            *out = r;
            return true;
        }
        bar = memrchr(body.p, '|', end);
        if (!bar)
            return false;
        end = (size_t)(bar - body.p);
    }
    return false;
}

/* ---- sentences ---- */

bool parser_fail(const struct parser *ps, const struct parsed *p, size_t at, enum err_code code,
    struct err *err, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (p->path) {
        err_set(err, code, "%s%s%s: %s", ps->argument, *p->path ? ", at " : "", p->path, text);
    } else {
        const char *line = p->source;
        size_t number = 1;

        for (const char *nl; (nl = memchr(line, '\n', (size_t)(p->source + at - line))); number++)
            line = nl + 1;
        err_set(err, code, "%s, line %zu, character %zu: %s", ps->argument, number,
            utf8_count(line, (size_t)(p->source + at - line)) + 1, text);
    }
    err->at.byte = p->path ? 0 : at;
    snprintf(err->argument, sizeof err->argument, "%s", ps->argument);
    return false;
}

int template_cut(const char *p, size_t n)
{
    size_t cut = n < TEMPLATE_QUOTED ? n : TEMPLATE_QUOTED;

    while (cut < n && cut > 0 && ((unsigned char)p[cut] & 0xC0) == 0x80)
        cut--;
    return (int)cut;
}

static int quoted(struct span s)
{
    return template_cut(s.p, s.n);
}

static bool fail_type(const struct parser *ps, const struct parsed *p, size_t at, struct span type,
    const char *label, struct err *err)
{
    const char *names[TYPES_SHOWN], *near;
    char text[TEMPLATE_QUOTED + 1];

    snprintf(text, sizeof text, "%.*s", quoted(type), type.p);
    for (size_t i = 0; i < TYPES_SHOWN; i++)
        names[i] = types[i].name;
    near = utf8_nearest(text, names, TYPES_SHOWN);
    parser_fail(ps, p, at, ERR_ARG, err,
        "%.80s asks for the type '%s', which there is not%s%s%s Types: int, float, bool, "
        "datetime, string",
        label, text, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : ".");
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    return false;
}

static bool fail_name(const struct parser *ps, const struct parsed *p, size_t at, struct span name,
    const char *label, struct err *err)
{
    char list[256] = "", *text = arena_dup(ps->arena, name.p, name.n);
    const char **names = arena_calloc(ps->arena, ps->n_names + 4, sizeof *names);
    const char *near;
    size_t n = 0, used = 0;
    bool more = false;

    if (!text || !names)
        return err_nomem(err);
    for (size_t i = 0; i < ps->options->n_aliases; i++)
        names[n++] = ps->options->aliases[i].placeholder;
    for (uint32_t i = 0; i < ps->options->schema->n_columns; i++)
        names[n++] = ps->options->schema->columns[i].name;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(names[i]);

        more = i >= LISTED_MAX || used + len + 3 > sizeof list;
        if (more)
            break;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    names[n] = "auto_id";
    names[n + 1] = "current_timestamp";
    names[n + 2] = "current_date";
    near = utf8_nearest(text, names, n + 3);
    parser_fail(ps, p, at, ERR_COLUMN, err,
        "there is no column '%.*s' for the placeholder %.70s%s%.64s%s%s%s%s", quoted(name), text,
        label, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : ".",
        n ? " Available: " : "", list, more ? ", ..." : "");
    snprintf(err->column, sizeof err->column, "%.*s", quoted(name), text);
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    for (size_t i = 0; i < n; i++) {
        if (!err_list_add(err->available, sizeof err->available, names[i]))
            break;
    }
    return false;
}

/* The body names nothing: was it the type, or the name? */
static bool fail_body(const struct parser *ps, const struct parsed *p, size_t at, struct span body,
    const char *label, struct err *err)
{
    const char *bar = memchr(body.p, '|', body.n);
    struct reading r = { .name = { body.p, bar ? (size_t)(bar - body.p) : body.n } };
    struct reading typed = r;
    struct slot ignored = { 0 };
    enum slot_type type;
    bool known = split_type(&typed, ps->wildcards, &type);

    if (memchr(body.p, '{', body.n))
        return parser_fail(ps, p, at, ERR_ARG, err,
            "a brace in a placeholder; a brace that is to stay is written {{ or }}");
    if (typed.type.p && !known && resolve_name(ps, &typed, ps->wildcards, &ignored))
        return fail_type(ps, p, at, typed.type, label, err);
    if (known)
        r = typed;
    r.name = trim(r.name);
    if (ps->wildcards) {
        size_t n = wildcards_before(r.name);

        if (n < r.name.n)
            r.name = (struct span){ r.name.p + n, r.name.n - n };
        n = wildcards_after(r.name);
        if (n < r.name.n)
            r.name.n -= n;
    }
    if (r.name.n == 0)
        return parser_fail(ps, p, at, ERR_ARG, err, "%.80s has no name", label);
    return fail_name(ps, p, at, r.name, label, err);
}

/* ---- reading ---- */

static bool set_default(const struct parser *ps, const struct parsed *p, struct span text,
    struct slot *slot, struct err *err)
{
    struct value *v;

    text.p = arena_dup(ps->arena, text.p, text.n);
    v = arena_alloc(ps->arena, sizeof *v);
    if (!text.p || !v)
        return err_nomem(err);
    if (!value_from_default(text.p, text.n, slot->type, v))
        return parser_fail(ps, p, slot->source_at, ERR_ARG, err,
            "the default '%.*s' of %.80s is not %s", quoted(text), text.p, slot->label,
            value_wanted(slot->type));
    slot->has_default = true;
    slot->fallback = v;
    return true;
}

static bool read_body(const struct parser *ps, const struct parsed *p, size_t at, struct span body,
    struct slot *slot, struct err *err)
{
    struct reading r = { 0 };

    slot->source_at = at;
    slot->label = arena_printf(ps->arena, "{%.*s}", quoted(body), body.p);
    if (!slot->label)
        return err_nomem(err);
    if (body.n > TEMPLATE_MAX_NAME)
        return parser_fail(ps, p, at, ERR_ARG, err,
            "a placeholder of %zu bytes; at most %d are allowed (a brace that is to stay is "
            "written {{)",
            body.n, TEMPLATE_MAX_NAME);
    if (!resolve_body(ps, body, false, &r, slot) &&
        !(ps->wildcards && resolve_body(ps, body, true, &r, slot)))
        return fail_body(ps, p, at, body, slot->label, err);
    if (r.before.n && !r.after.n && r.fallback.n > 1) {
        size_t n = wildcards_after(r.fallback);

        /* {%name|none%}: the ends of the placeholder belong together. */
        if (n < r.fallback.n) {
            r.after = (struct span){ r.fallback.p + r.fallback.n - n, n };
            r.fallback = trim((struct span){ r.fallback.p, r.fallback.n - n });
        }
    }
    slot->before = arena_dup(ps->arena, r.before.n ? r.before.p : "", r.before.n);
    slot->after = arena_dup(ps->arena, r.after.n ? r.after.p : "", r.after.n);
    if (!slot->before || !slot->after)
        return err_nomem(err);
    return !r.fallback.p || set_default(ps, p, r.fallback, slot, err);
}

static size_t count_braces(const struct parsed *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->source_n; i++)
        n += p->source[i] == '{';
    return n < TEMPLATE_MAX_SLOTS ? n : TEMPLATE_MAX_SLOTS;
}

/* The placeholder that opens at byte i; *next is the byte behind it. */
static bool read_slot(struct parser *ps, struct parsed *p, size_t i, size_t *next, struct err *err)
{
    const char *open = p->source + i;
    const char *close = memchr(open, '}', p->source_n - i);

    if (!close)
        return parser_fail(ps, p, i, ERR_ARG, err,
            "the brace is not closed; a brace that is to stay is written {{");
    if (ps->n_slots == TEMPLATE_MAX_SLOTS)
        return parser_fail(ps, p, i, ERR_ARG, err, "more than %d placeholders", TEMPLATE_MAX_SLOTS);
    ps->n_slots++;
    p->slots[p->n_slots].at = p->n;
    if (!read_body(ps, p, i, (struct span){ open + 1, (size_t)(close - open - 1) },
            &p->slots[p->n_slots], err))
        return false;
    p->n_slots++;
    *next = (size_t)(close + 1 - p->source);
    return true;
}

bool parser_read(struct parser *ps, struct parsed *p, struct err *err)
{
    const char *s = p->source;

    p->n = p->n_slots = 0;
    p->text = arena_alloc(ps->arena, p->source_n + 1);
    p->slots = arena_calloc(ps->arena, count_braces(p) + 1, sizeof *p->slots);
    if (!p->text || !p->slots)
        return err_nomem(err);
    for (size_t i = 0; i < p->source_n;) {
        char next = i + 1 < p->source_n ? s[i + 1] : '\0';

        if ((s[i] == '{' || s[i] == '}') && next == s[i]) {
            p->text[p->n++] = s[i];
            i += 2;
        } else if (s[i] == '{' && next == '}') {
            p->text[p->n++] = '{'; /* An empty JSON object or PostgreSQL array. */
            p->text[p->n++] = '}';
            i += 2;
        } else if (s[i] == '{') {
            if (!read_slot(ps, p, i, &i, err))
                return false;
        } else {
            p->text[p->n++] = s[i++];
        }
    }
    return true;
}

/* ---- what is compiled ---- */

struct template *template_new(const struct template_options *o, struct arena *arena)
{
    struct template *t = arena_calloc(arena, 1, sizeof *t);

    if (!t)
        return NULL;
    t->schema = o->schema;
    t->arena = arena;
    t->last = &t->first;
    t->on_error = o->on_error;
    t->counting = o->counter.counting;
    t->counter = o->counter.start;
    t->expression = o->counter.expression;
    return t;
}

struct piece *template_add(struct template *t, const char *text, size_t n, struct slot *slot)
{
    struct piece *piece = arena_calloc(t->arena, 1, sizeof *piece);

    if (!piece)
        return NULL;
    piece->text = text;
    piece->n = n;
    piece->slot = slot;
    *t->last = piece;
    t->last = &piece->next;
    return piece;
}

bool template_set_now(struct template *t, int64_t now_ns)
{
    char utc[DATE_TEXT_MAX];

    date_format_utc(now_ns, utc);
    t->day = arena_dup(t->arena, utc, 10);
    t->stamp = t->is_json ? arena_strdup(t->arena, utc)
                          : arena_printf(t->arena, "%.10s %.8s", utc, utc + 11);
    return t->day && t->stamp;
}
