/*
 * SQL text: identifiers, literals and comments that mean in the database what they meant in the
 * table.
 *
 * Nothing that comes from a file or a request may end the literal, identifier or comment it is put
 * into.
 */
#include "formats/sql_write.h"

#include "base/utf8.h"
#include "formats/sql_reserved.h"
#include "formats/text_copy.h"

#include <stdio.h>

enum { LIST_NAME_MAX = 80 };

static const struct {
    const char *name, *begin, *label;
    char quote;       /* Around identifiers. */
    size_t max_bytes; /* Of an identifier; 0: no limit. */
    size_t max_chars;
    bool folds;     /* Bare identifiers lose their case. */
    bool backslash; /* Is an escape in literals. */
    const char *truth[2];
} dialects[SQL_DIALECT_COUNT] = {
    [SQL_POSTGRESQL] = { "postgresql", "BEGIN;", "PostgreSQL", '"', 63, 0, true, false,
        { "FALSE", "TRUE" } },
    [SQL_MYSQL] = { "mysql", "START TRANSACTION;", "MySQL", '`', 0, 64, false, true,
        { "FALSE", "TRUE" } },
    [SQL_SQLITE] = { "sqlite", "BEGIN TRANSACTION;", "SQLite", '"', 0, 0, false, false,
        { "0", "1" } },
};

const char *sql_dialect_name(enum sql_dialect d)
{
    return dialects[d].name;
}

const char *sql_begin(enum sql_dialect d)
{
    return dialects[d].begin;
}

static bool refuse_name(
    enum sql_dialect d, const char *p, size_t n, const char *why, struct err *err)
{
    return err_set(err, ERR_ARG, "'%.*s%s' cannot be a name in %s: %s",
        (int)(n < LIST_NAME_MAX ? n : LIST_NAME_MAX), p, n > LIST_NAME_MAX ? "..." : "",
        dialects[d].label, why);
}

static bool check_name(enum sql_dialect d, const char *p, size_t n, struct err *err)
{
    char why[64];

    if (n == 0)
        return err_set(err, ERR_ARG, "a table or column name for %s is empty", dialects[d].label);
    if (dialects[d].max_bytes && n > dialects[d].max_bytes) {
        snprintf(
            why, sizeof why, "it has %zu bytes, at most %zu are allowed", n, dialects[d].max_bytes);
        return refuse_name(d, p, n, why, err);
    }
    if (dialects[d].max_chars && utf8_count(p, n) > dialects[d].max_chars) {
        snprintf(why, sizeof why, "it has %zu characters, at most %zu are allowed",
            utf8_count(p, n), dialects[d].max_chars);
        return refuse_name(d, p, n, why, err);
    }
    if (d == SQL_MYSQL && p[n - 1] == ' ')
        return refuse_name(d, p, n, "it ends with a blank", err);
    for (size_t i = 0; d == SQL_MYSQL && i < n; i++) {
        if ((unsigned char)p[i] >= 0xF0)
            return refuse_name(
                d, p, n, "it has a character beyond the basic plane, such as an emoji", err);
    }
    return true;
}

/* Does the word stand for itself without quotes? */
static bool is_bare(enum sql_dialect d, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool letter = (p[i] >= 'a' && p[i] <= 'z') || p[i] == '_' ||
                      (!dialects[d].folds && p[i] >= 'A' && p[i] <= 'Z');

        if (!letter && !(i > 0 && p[i] >= '0' && p[i] <= '9'))
            return false;
    }
    return !sql_is_reserved(d, p, n);
}

static bool add_part(enum sql_dialect d, const char *p, size_t n, struct buf *out, struct err *err)
{
    if (!check_name(d, p, n, err))
        return false;
    if (is_bare(d, p, n)) {
        buf_add(out, p, n);
        return true;
    }
    buf_addc(out, dialects[d].quote);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == dialects[d].quote)
            buf_addc(out, p[i]);
        buf_addc(out, p[i]);
    }
    buf_addc(out, dialects[d].quote);
    return true;
}

bool sql_identifier(
    enum sql_dialect d, const char *name, bool dotted, struct buf *out, struct err *err)
{
    const char *dot;

    while (dotted && (dot = strchr(name, '.'))) {
        if (!add_part(d, name, (size_t)(dot - name), out, err))
            return false;
        buf_addc(out, '.');
        name = dot + 1;
    }
    return add_part(d, name, strlen(name), out, err) && buf_ok(out, "the SQL text", err);
}

/* What stands for the byte c inside '...'; NULL: itself. */
static inline const char *escape_of(enum sql_dialect d, char c)
{
    switch (c) {
    case '\'':
        return "''";
    case '\\':
        return dialects[d].backslash ? "\\\\" : NULL;
    case '\0':
        return dialects[d].backslash ? "\\0"
                                     : "'||char(0)||'"; /* SQLite ends a statement at NUL. */
    case '\r': /* The command lines of SQLite and MySQL drop a CR at the end of a line. */
        return d == SQL_POSTGRESQL ? NULL : dialects[d].backslash ? "\\r" : "'||char(13)||'";
    default:
        return NULL;
    }
}

static bool escape_slowly(
    enum sql_dialect d, const char *p, size_t n, struct buf *out, struct err *err)
{
    size_t run = 0;

    if (d == SQL_POSTGRESQL && memchr(p, '\0', n))
        return err_set(
            err, ERR_DATA, "a text holds the character U+0000, which PostgreSQL cannot store");
    for (size_t i = 0; i < n; i++) {
        const char *escape = escape_of(d, p[i]);

        if (!escape)
            continue;
        buf_add(out, p + run, i - run);
        buf_adds(out, escape);
        run = i + 1;
    }
    buf_add(out, p + run, n - run);
    return buf_ok(out, "the SQL text", err);
}

/* Nearly every text goes out as it stands. */
bool sql_escape(enum sql_dialect d, const char *p, size_t n, struct buf *out, struct err *err)
{
    char *room = n > 0 ? buf_reserve(out, n) : NULL;

    if (!room || text_copy(room, p, n, (struct text_set){ '\'', '\\', '\0', '\r', false }))
        return escape_slowly(d, p, n, out, err);
    out->len += n;
    out->data[out->len] = '\0';
    return true;
}

bool sql_quote(enum sql_dialect d, const char *p, size_t n, struct buf *out, struct err *err)
{
    buf_addc(out, '\'');
    if (!sql_escape(d, p, n, out, err))
        return false;
    buf_addc(out, '\'');
    return buf_ok(out, "the SQL text", err);
}

bool sql_literal(enum sql_dialect d, const struct cell *cell, enum sql_empty empty, struct buf *out,
    struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    const char *shown;
    size_t n;

    switch ((enum cell_type)cell->type) {
    case CELL_BLANK:
        buf_adds(out, empty == SQL_EMPTY_NULL ? "NULL" : "''");
        break;
    case CELL_NUMBER:
        shown = cell_shown(cell, scratch, &n);
        buf_add(out, shown, n);
        break;
    case CELL_BOOL:
        buf_adds(out, dialects[d].truth[cell->number != 0]);
        break;
    case CELL_TEXT:
    case CELL_DATE:
    case CELL_ERROR:
        shown = cell_shown(cell, scratch, &n);
        return sql_quote(d, shown, n, out, err);
    }
    return buf_ok(out, "the SQL text", err);
}

void sql_comment_text(const char *p, size_t n, struct buf *out)
{
    /* NEL, LINE SEPARATOR and PARAGRAPH SEPARATOR end a line for some. */
    static const char *const breaks[] = { "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9" };

    for (size_t i = 0; i < n;) {
        size_t skip = (p[i] >= '\n' && p[i] <= '\r') || p[i] == '\0';

        for (size_t b = 0; b < ARRAY_LEN(breaks) && skip == 0; b++) {
            size_t len = strlen(breaks[b]);

            if (n - i >= len && memcmp(p + i, breaks[b], len) == 0)
                skip = len;
        }
        if (skip)
            buf_addc(out, ' ');
        else
            buf_addc(out, p[i]);
        i += skip ? skip : 1;
    }
}
