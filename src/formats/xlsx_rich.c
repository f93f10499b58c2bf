/*
 * The text of string items: runs, escapes, and what is left out.
 */
#include "formats/xlsx_rich.h"

#include "base/num.h"
#include "base/utf8.h"

enum { ESCAPE = 7 }; /* _xHHHH_ */

/* The UTF-16 unit of an escape at p, or -1. */
static int32_t unit(const char *p, size_t n)
{
    int32_t code = 0;

    if (n < ESCAPE || p[0] != '_' || p[1] != 'x' || p[6] != '_')
        return -1;
    for (int i = 2; i < 6; i++) {
        int d = num_hex_digit(p[i]);

        if (d < 0)
            return -1;
        code = code * 16 + d;
    }
    return code;
}

size_t rich_unescape(char *p, size_t n)
{
    char *from = memchr(p, '_', n), *end = p + n, *out = from;

    if (!from)
        return n;
    while (from < end) {
        int32_t code = *from == '_' ? unit(from, (size_t)(end - from)) : -1;
        size_t used = ESCAPE;

        if (code >= 0xd800 && code < 0xdc00) {
            int32_t low = unit(from + ESCAPE, (size_t)(end - from) - ESCAPE);

            if (low >= 0xdc00 && low < 0xe000) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                used = 2 * (size_t)ESCAPE;
            }
        }
        /* Half of a pair is no character. It stays as it is written. */
        if (code < 0 || (code >= 0xd800 && code < 0xe000)) {
            *out++ = *from++;
            continue;
        }
        out += utf8_encode((uint32_t)code, out);
        from += used;
    }
    return (size_t)(out - p);
}

static const char not_utf8[] = "text that is not UTF-8";
static const char bad_reference[] = "an unknown entity in a text";

bool rich_run(
    const char *p, size_t n, unsigned flags, bool trim, char *out, size_t *out_n, const char **why)
{
    if (trim) {
        while (n > 0 && xml_space(*p)) {
            p++;
            n--;
        }
        while (n > 0 && xml_space(p[n - 1]))
            n--;
    }
    if (flags & XML_SPECIAL) {
        if (!xml_decode(p, n, out, &n)) {
            *why = bad_reference;
            return false;
        }
    } else if (n > 0) {
        memcpy(out, p, n);
    }
    if ((flags & XML_HIGH) && utf8_valid_prefix(out, n) != n) {
        *why = not_utf8;
        return false;
    }
    if (flags & XML_UNDERSCORE)
        n = rich_unescape(out, n);
    *out_n = n;
    return true;
}

static const char mismatch[] = "an end tag does not match its start tag";
static const char malformed[] = "a tag is malformed";
static const char doctype[] = "it holds a document type definition, which is never read";
static const char too_deep[] = "elements are nested too deep";

/* Tokens that end every loop: true when t is one of them. */
static bool stops(const struct xml_token *t, const char **why)
{
    *why = t->kind == XML_BAD ? malformed : t->kind == XML_DTD ? doctype : NULL;
    return t->kind == XML_MORE || t->kind == XML_BAD || t->kind == XML_DTD;
}

static bool same(struct str a, struct str b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

const char *rich_skip(const char *p, const char *end, struct str name, const char **why)
{
    struct str open[XML_MAX_DEPTH];
    size_t depth = 0;
    struct xml_token t;

    open[depth++] = name;
    while (depth > 0) {
        xml_token(p, end, &t);
        if (stops(&t, why))
            return NULL;
        if (t.kind == XML_START) {
            if (depth == XML_MAX_DEPTH) {
                *why = too_deep;
                return NULL;
            }
            open[depth++] = t.name;
        } else if (t.kind == XML_END && !same(open[--depth], t.name)) {
            *why = mismatch;
            return NULL;
        }
        p = t.next;
    }
    return p;
}

/*
 * An item while its runs are put together. Blanks at the outer ends of the item go unless the run
 * they stand in preserves them; blanks between two runs separate words and stay.
 */
struct item {
    struct buf *out;
    size_t start; /* Where it begins in the output. */
    size_t keep;  /* Where it ends should no further run follow. */
};

static bool add_piece(const struct xml_token *t, bool trim, struct item *item, const char **why)
{
    struct buf *out = item->out;
    const char *p = t->text.p;
    size_t n = t->text.n, got, blanks = 0;
    char *room;

    if (trim && t->kind == XML_TEXT) {
        while (n > 0 && out->len == item->start && xml_space(*p)) {
            p++;
            n--;
        }
        while (blanks < n && xml_space(p[n - 1 - blanks]))
            blanks++;
    }
    room = buf_reserve(out, n + 1);
    if (!room)
        return true; /* The caller checks the buffer. */
    if (t->kind == XML_CDATA) {
        memcpy(room, p, n);
        out->len += n;
        item->keep = out->len;
        return true;
    }
    if (!xml_decode(p, n - blanks, room, &got)) {
        *why = bad_reference;
        return false;
    }
    out->len += got;
    if (n > blanks || !trim)
        item->keep = out->len;
    if (!xml_decode(p + n - blanks, blanks, room + got, &got))
        return false; /* Cannot be: they are only blanks. */
    out->len += got;
    return true;
}

/* The content of <t>, behind its start tag. */
static const char *text_run(const char *p, const char *end, const struct xml_token *start,
    struct item *item, const char **why)
{
    struct str space, name = start->name;
    bool trim = !xml_attr_find(start->attrs, "space", &space) || !str_is(space, "preserve");
    struct xml_token t;

    for (;; p = t.next) {
        xml_token(p, end, &t);
        if (stops(&t, why))
            return NULL;
        switch (t.kind) {
        case XML_TEXT:
        case XML_CDATA:
            if (t.kind == XML_TEXT && t.next == end)
                return NULL; /* It may go on, and half a reference is none. */
            if (!add_piece(&t, trim, item, why))
                return NULL;
            break;
        case XML_START:
            t.next = rich_skip(t.next, end, t.name, why);
            if (!t.next)
                return NULL;
            break;
        case XML_END:
            if (!same(t.name, name)) {
                *why = mismatch;
                return NULL;
            }
            return t.next;
        default:
            break;
        }
    }
}

/* The text of an item that has been put together. */
static bool finish(struct item *item, const char **why)
{
    struct buf *out = item->out;
    size_t n = item->keep - item->start;
    char *text;

    if (out->failed)
        return true;
    out->len = item->keep;
    if (n == 0)
        return true;
    text = out->data + item->start;
    if (utf8_valid_prefix(text, n) != n) {
        *why = not_utf8;
        return false;
    }
    out->len = item->start + rich_unescape(text, n);
    return true;
}

const char *rich_item(
    const char *p, const char *end, struct str name, struct buf *out, const char **why)
{
    struct item item = { .out = out, .start = out->len, .keep = out->len };
    struct str open[XML_MAX_DEPTH], local;
    size_t depth = 0;
    struct xml_token t;

    open[depth++] = name;
    while (depth > 0) {
        xml_token(p, end, &t);
        if (stops(&t, why))
            return NULL;
        p = t.next;
        if (t.kind == XML_END) {
            if (!same(open[--depth], t.name)) {
                *why = mismatch;
                return NULL;
            }
        } else if (t.kind == XML_START) {
            local = xml_local(t.name);
            if (str_is(local, "t")) {
                p = text_run(p, end, &t, &item, why);
            } else if (str_is(local, "r") && depth < XML_MAX_DEPTH) {
                open[depth++] = t.name;
            } else {
                p = rich_skip(p, end, t.name, why);
            }
            if (!p)
                return NULL;
        }
    }
    return finish(&item, why) ? p : NULL;
}
