/*
 * Columns: names made unique, found, and suggested when they are not found.
 */

#include "table/schema.h"

#include "base/utf8.h"
#include "table/hash.h"

#include <stdio.h>
#include <string.h>

enum {
    LETTERS = 26,
    SHOWN_NAME = 60, /* Bytes of a name in an error sentence. */
    SUGGESTIONS = 3,
    SUFFIX_ROOM = 16 /* "_4294967295" */
};

static const char *const type_names[] = {
    [COLUMN_EMPTY] = "empty",
    [COLUMN_TEXT] = "text",
    [COLUMN_INTEGER] = "integer",
    [COLUMN_NUMBER] = "number",
    [COLUMN_BOOLEAN] = "boolean",
    [COLUMN_DATE] = "date",
    [COLUMN_DATETIME] = "datetime",
    [COLUMN_TIME] = "time",
    [COLUMN_MIXED] = "mixed",
};

const char *column_type_name(enum column_type type)
{
    return type_names[type];
}

struct schema *schema_new(struct arena *arena, uint32_t n)
{
    struct schema *s = arena_alloc(arena, sizeof *s);

    if (!s)
        return NULL;
    s->n_columns = n;
    s->columns = arena_calloc(arena, n, sizeof *s->columns);
    return s->columns ? s : NULL;
}

void schema_letter(uint32_t index, char out[4])
{
    char text[4], *p = text + sizeof text;
    uint32_t rest = index + 1;

    *--p = '\0';
    for (; rest > 0 && p > text; rest = (rest - 1) / LETTERS)
        *--p = (char)('A' + (rest - 1) % LETTERS);
    memcpy(out, p, (size_t)(text + sizeof text - p));
}

struct schema *schema_from_letters(struct arena *arena, uint32_t n)
{
    struct schema *s = schema_new(arena, n);

    for (uint32_t i = 0; s && i < n; i++) {
        char letters[4];

        schema_letter(i, letters);
        s->columns[i].name = s->columns[i].header = arena_strdup(arena, letters);
        if (!s->columns[i].name)
            return NULL;
    }
    return s;
}

/* The text without its NULs, so that it can be a string. */
static char *header_string(struct arena *arena, struct str text)
{
    char *out = arena_dup(arena, text.p, text.n);
    size_t n = 0;

    for (size_t i = 0; out && i < text.n; i++) {
        if (text.p[i] != '\0')
            out[n++] = text.p[i];
    }
    if (out)
        out[n] = '\0';
    return out;
}

static bool is_text(const char *s, struct str text)
{
    return strlen(s) == text.n && (text.n == 0 || memcmp(s, text.p, text.n) == 0);
}

static bool is_blank_name(const char *name)
{
    size_t n = strlen(name);

    utf8_trim(&name, &n);
    return n == 0;
}

/*
 * `base` with the first of _2, _3, ... that no column has. The map's value of a taken name is
 * the number to go on from, so that a thousand equal headers cost a thousand steps.
 */
static const char *free_name(struct arena *arena, struct hash_map *taken, const char *base)
{
    size_t n = strlen(base);
    char *name = arena_alloc(arena, n + SUFFIX_ROOM);
    uint64_t *next, *value;
    struct err err;
    bool added = false;

    if (!name || !hash_map_put(taken, base, n, &next, &added, &err))
        return NULL;
    if (added)
        return base;
    if (*next == 0)
        *next = 2;
    memcpy(name, base, n + 1);
    do {
        int len = snprintf(name + n, SUFFIX_ROOM, "_%u", (unsigned)(*next)++);

        if (!hash_map_put(taken, name, n + (size_t)len, &value, &added, &err))
            return NULL;
    } while (!added);
    return name;
}

/* Columns whose header is a name of its own keep it, whatever the others need. */
static bool take_good_names(
    struct arena *arena, struct schema *s, const struct str *headers, struct hash_map *taken)
{
    for (uint32_t i = 0; i < s->n_columns; i++) {
        struct column *c = &s->columns[i];
        uint64_t *value;
        struct err err;
        bool added;

        c->header = header_string(arena, headers[i]);
        if (!c->header)
            return false;
        if (is_blank_name(c->header))
            continue;
        if (!hash_map_put(taken, c->header, strlen(c->header), &value, &added, &err))
            return false;
        if (added)
            c->name = c->header;
    }
    return true;
}

struct schema *schema_from_headers(
    struct arena *arena, const struct str *headers, uint32_t n, uint32_t *repaired)
{
    struct schema *s = schema_new(arena, n), *out = NULL;
    struct hash_map *taken = hash_map_new(arena->budget);
    uint32_t changed = 0;

    if (!s || !taken || !take_good_names(arena, s, headers, taken))
        goto out;
    for (uint32_t i = 0; i < n; i++) {
        struct column *c = &s->columns[i];

        if (!c->name) {
            const char *base = c->header;

            if (is_blank_name(base))
                base = arena_printf(arena, "column_%u", (unsigned)i + 1);
            c->name = base ? free_name(arena, taken, base) : NULL;
            if (!c->name)
                goto out;
        }
        changed += !is_text(c->name, headers[i]);
    }
    *repaired = changed;
    out = s;
out:
    hash_map_free(taken);
    return out;
}

int32_t schema_find(const struct schema *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_columns; i++) {
        if (strcmp(s->columns[i].name, name) == 0)
            return (int32_t)i;
    }
    return -1;
}

/* Bytes of s that fit into `room`, whole characters. */
static size_t fitting(const char *s, size_t room)
{
    size_t n = strlen(s);

    if (n <= room)
        return n;
    while (room > 0 && ((unsigned char)s[room] & 0xc0) == 0x80)
        room--;
    return room;
}

/* A name as a sentence shows it: long ones are cut. */
struct short_name {
    char text[SHOWN_NAME + 4];
};

static struct short_name shorten(const char *name)
{
    struct short_name out;
    size_t n = fitting(name, SHOWN_NAME);

    memcpy(out.text, name, n);
    memcpy(out.text + n, name[n] ? "..." : "", name[n] ? 4 : 1);
    return out;
}

/* Fill err->suggestions with the nearest names, best first. */
static void suggest(const struct schema *s, const char *name, struct err *err)
{
    const char *names[SCHEMA_MAX_COLUMNS];
    size_t n = 0;

    for (uint32_t i = 0; i < s->n_columns && i < SCHEMA_MAX_COLUMNS; i++)
        names[n++] = s->columns[i].name;
    for (int k = 0; k < SUGGESTIONS; k++) {
        const char *best = utf8_nearest(name, names, n);

        if (!best || !err_list_add(err->suggestions, sizeof err->suggestions, best))
            return;
        for (size_t i = 0; i < n; i++) {
            if (names[i] == best)
                memmove(&names[i], &names[i + 1], (--n - i) * sizeof *names);
        }
    }
}

/* "Available: a, b, c and 4 more" behind what err->text holds, whole names only. */
static void append_available(const struct schema *s, struct err *err)
{
    char *text = err->text;
    size_t len = strlen(text), size = sizeof err->text - sizeof " and 4294967295 more";
    uint32_t shown = 0;

    if (s->n_columns == 0) {
        snprintf(text + len, sizeof err->text - len, " The table has no columns");
        return;
    }
    for (; shown < s->n_columns; shown++) {
        struct short_name name = shorten(s->columns[shown].name);
        const char *lead = shown == 0 ? " Available: " : ", ";

        if (len + strlen(lead) + strlen(name.text) >= size)
            break;
        snprintf(text + len, sizeof err->text - len, "%s%s", lead, name.text);
        len += strlen(text + len);
    }
    if (shown < s->n_columns)
        snprintf(text + len, sizeof err->text - len, " and %u more", s->n_columns - shown);
}

/* Copy as much of s as fits, whole characters. */
static void copy_cut(char *out, size_t size, const char *s)
{
    size_t n = fitting(s, size - 1);

    memcpy(out, s, n);
    out[n] = '\0';
}

static bool column_not_found(
    const struct schema *s, const char *name, const char *argument, struct err *err)
{
    char best[sizeof err->suggestions];
    size_t len;

    err_set(err, ERR_COLUMN, "column '%s' does not exist", shorten(name).text);
    copy_cut(err->column, sizeof err->column, name);
    copy_cut(err->argument, sizeof err->argument, argument ? argument : "");
    for (uint32_t i = 0; i < s->n_columns; i++) {
        if (!err_list_add(err->available, sizeof err->available, s->columns[i].name))
            break;
    }
    suggest(s, name, err);
    len = strlen(err->text);
    if (err->suggestions[0]) {
        memcpy(best, err->suggestions, sizeof best);
        best[strcspn(best, (char[]){ ERR_LIST_SEP, '\0' })] = '\0';
        snprintf(
            err->text + len, sizeof err->text - len, "; did you mean '%s'?", shorten(best).text);
    } else {
        snprintf(err->text + len, sizeof err->text - len, ".");
    }
    append_available(s, err);
    return false;
}

/*
 * The next character of a name as it looks: all blanks and line ends in a row are one, none stand at the ends, and
 * what has no width is not there. 0 at the end.
 */
static unsigned visible(const char **p, bool first)
{
    static const char *const blanks[] = { " ", "\t", "\n", "\r", "\xC2\xA0", "\xE2\x80\xAF",
        "\xE3\x80\x80" };
    static const char *const nothing[] = { "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D",
        "\xE2\x81\xA0", "\xEF\xBB\xBF", "\xC2\xAD" };
    bool blank = false;

    for (;;) {
        size_t step = 0;

        for (size_t i = 0; i < ARRAY_LEN(nothing) && !step; i++)
            step = strncmp(*p, nothing[i], strlen(nothing[i])) == 0 ? strlen(nothing[i]) : 0;
        for (size_t i = 0; i < ARRAY_LEN(blanks) && !step; i++) {
            step = strncmp(*p, blanks[i], strlen(blanks[i])) == 0 ? strlen(blanks[i]) : 0;
            blank |= step > 0;
        }
        if (!step)
            break;
        *p += step;
    }
    if (**p == '\0' || (blank && !first))
        return **p == '\0' ? 0 : ' ';
    return (unsigned char)*(*p)++;
}

static bool look_alike(const char *a, const char *b)
{
    unsigned x, y;
    bool first = true;

    do {
        x = visible(&a, first);
        y = visible(&b, first);
        first = false;
    } while (x == y && x);
    return x == y;
}

/* The only column whose name looks like this; -1: none, or several. */
static int32_t find_alike(const struct schema *s, const char *name)
{
    int32_t found = -1;

    for (uint32_t i = 0; i < s->n_columns; i++) {
        if (!look_alike(s->columns[i].name, name))
            continue;
        if (found >= 0)
            return -1;
        found = (int32_t)i;
    }
    return found;
}

bool schema_get(const struct schema *s, const char *name, const char *argument, uint32_t *index,
    struct err *err)
{
    int32_t found = schema_find(s, name);

    if (found < 0)
        found = find_alike(s, name);
    if (found < 0)
        return column_not_found(s, name, argument, err);
    *index = (uint32_t)found;
    return true;
}
