/*
 * The shared strings of a workbook.
 *
 * Nearly every item is <si><t>text</t></si>, which is recognised as it stands and copied straight
 * into the table; any other goes through rich_item().
 */
#include "formats/xlsx_strings.h"

#include "formats/xlsx_rich.h"

#include <stdlib.h>

enum { FIRST_BYTES = 64 << 10, FIRST_ITEMS = 4096 };

struct loader {
    struct xlsx_strings *s;
    struct xml_input in;
    struct buf item; /* The text of one rich item. */
    size_t len, cap; /* Of bytes. */
    size_t room;     /* Of ends, the one before the first not counted. */
};

static bool too_big(const struct loader *l, struct err *err)
{
    return err_set(err, ERR_BUDGET,
        "'%s': its texts (%s) need more memory than the limit allows; split the workbook",
        l->in.label, l->in.part);
}

/*
 * `p` of `old` bytes grown to `size`; NULL with *err set. The budget is taken for the difference.
 */
static void *grow(struct loader *l, void *p, size_t old, size_t size, struct err *err)
{
    void *more;

    if (!budget_take(l->s->budget, size - old)) {
        too_big(l, err);
        return NULL;
    }
    l->s->held += size - old;
    more = realloc(p, size);
    if (!more)
        err_nomem(err);
    return more;
}

static char *reserve(struct loader *l, size_t n, struct err *err)
{
    if (!l->s->bytes || n > l->cap - l->len) {
        size_t cap = l->cap ? l->cap : FIRST_BYTES;
        char *more;

        while (cap - l->len < n && cap < XLSX_STRINGS_MAX)
            cap *= 2;
        if (cap - l->len < n) {
            too_big(l, err);
            return NULL;
        }
        more = grow(l, l->s->bytes, l->cap, cap, err);
        if (!more)
            return NULL;
        l->s->bytes = more;
        l->cap = cap;
    }
    return l->s->bytes + l->len;
}

/* The text that reserve() gave room for is n bytes long. */
static bool add(struct loader *l, size_t n, struct err *err)
{
    struct xlsx_strings *s = l->s;

    if (s->n == l->room) {
        size_t room = l->room ? l->room * 2 : FIRST_ITEMS;
        uint32_t *base = s->ends ? s->ends - 1 : NULL;

        base =
            grow(l, base, base ? (l->room + 1) * sizeof *base : 0, (room + 1) * sizeof *base, err);
        if (!base)
            return false;
        base[0] = 0;
        s->ends = base + 1;
        l->room = room;
    }
    l->len += n;
    s->ends[s->n++] = (uint32_t)l->len;
    return true;
}

enum outcome { TAKEN, NOT_PLAIN, FAILED };

/* The item at *p when it is plain and whole; *p is moved behind it. */
static enum outcome plain_item(struct loader *l, const char **p, struct err *err)
{
    static const char open[] = "<si><t>", preserve[] = "<si><t xml:space=\"preserve\">";
    static const char close[] = "</t></si>";
    const char *from = *p, *to, *why;
    bool trim = true;
    unsigned flags;
    char *out;
    size_t n;

    if (memcmp(from, open, sizeof open - 1) == 0) {
        from += sizeof open - 1;
    } else if (memcmp(from, preserve, sizeof preserve - 1) == 0) {
        from += sizeof preserve - 1;
        trim = false;
    } else {
        return NOT_PLAIN;
    }
    if (from >= l->in.end)
        return NOT_PLAIN;
    to = xml_text_end(from, l->in.end, &flags);
    if (memcmp(to, close, sizeof close - 1) != 0)
        return NOT_PLAIN;
    n = (size_t)(to - from);
    out = reserve(l, n, err);
    if (!out)
        return FAILED;
    if (!rich_run(from, n, flags, trim, out, &n, &why)) {
        xml_input_bad(&l->in, from, why, err);
        return FAILED;
    }
    *p = to + sizeof close - 1;
    return add(l, n, err) ? TAKEN : FAILED;
}

/* Any item: t is its start tag, to which in.p still points. */
static bool rich(struct loader *l, struct xml_token *t, struct err *err)
{
    const char *next, *why;
    char *out;

    for (;;) {
        buf_reset(&l->item);
        next = rich_item(t->next, l->in.end, t->name, &l->item, &why);
        if (next)
            break;
        if (why)
            return xml_input_bad(&l->in, l->in.p, why, err);
        if (l->in.eof)
            return xml_input_bad(&l->in, l->in.p, "a text is cut", err);
        if (!xml_input_more(&l->in, err))
            return false;
        xml_token(l->in.p, l->in.end, t); /* The window moved. */
    }
    if (!buf_ok(&l->item, "a text", err))
        return false;
    out = reserve(l, l->item.len, err);
    if (!out)
        return false;
    if (l->item.len)
        memcpy(out, l->item.data, l->item.len);
    l->in.p = next;
    return add(l, l->item.len, err);
}

/* <sst> and what stands before it; *name is kept in `keep`. False without an error: it is empty. */
static bool root(
    struct loader *l, char *keep, size_t size, struct str *name, bool *empty, struct err *err)
{
    struct xml_token t;

    do {
        if (!xml_input_next(&l->in, &t, err))
            return false;
        if (t.kind == XML_MORE)
            return xml_input_bad(&l->in, l->in.p, "it is empty", err);
    } while (t.kind != XML_START && t.kind != XML_EMPTY);
    if (!str_is(xml_local(t.name), "sst") || t.name.n > size)
        return xml_input_bad(&l->in, l->in.p, "it holds no shared strings", err);
    memcpy(keep, t.name.p, t.name.n);
    *name = (struct str){ keep, t.name.n };
    *empty = t.kind == XML_EMPTY;
    return true;
}

/* Only comments and blanks may follow the root element. */
static bool tail(struct loader *l, struct err *err)
{
    struct xml_token t;

    for (;;) {
        const char *p;

        if (!xml_input_next(&l->in, &t, err))
            return false;
        if (t.kind == XML_MORE)
            return true;
        p = t.text.p;
        if (t.kind == XML_TEXT)
            while (p < t.next && xml_space(*p))
                p++;
        if (t.kind != XML_OTHER && (t.kind != XML_TEXT || p < t.next))
            return xml_input_bad(&l->in, l->in.p, "there is something behind its end", err);
    }
}

/* An element that is no <si>. */
static bool skip(struct loader *l, struct xml_token *t, struct err *err)
{
    const char *next, *why;

    while (!(next = rich_skip(t->next, l->in.end, t->name, &why))) {
        if (why || l->in.eof)
            return xml_input_bad(&l->in, l->in.p, why ? why : "an element is cut", err);
        if (!xml_input_more(&l->in, err))
            return false;
        xml_token(l->in.p, l->in.end, t);
    }
    l->in.p = next;
    return true;
}

static bool load(struct loader *l, struct err *err)
{
    char keep[80];
    struct str name = { keep, 0 };
    struct xml_token t;
    bool empty = false;

    if (!root(l, keep, sizeof keep, &name, &empty, err))
        return false;
    if (empty)
        return tail(l, err);
    for (;;) {
        const char *p = l->in.p;

        while (xml_space(*p))
            p++;
        l->in.p = p;
        switch (plain_item(l, &l->in.p, err)) {
        case TAKEN:
            continue;
        case FAILED:
            return false;
        case NOT_PLAIN:
            break;
        }
        /* The token is looked at without being taken: an item is read as a whole. */
        switch (xml_token(p, l->in.end, &t)) {
        case XML_MORE:
            if (l->in.eof)
                return xml_input_bad(&l->in, p, "it ends too early", err);
            if (!xml_input_more(&l->in, err))
                return false;
            break;
        case XML_START:
            if (!(str_is(xml_local(t.name), "si") ? rich(l, &t, err) : skip(l, &t, err)))
                return false;
            break;
        case XML_EMPTY:
            l->in.p = t.next;
            if (str_is(xml_local(t.name), "si") && (!reserve(l, 0, err) || !add(l, 0, err)))
                return false;
            break;
        case XML_END:
            if (t.name.n != name.n || memcmp(t.name.p, name.p, name.n) != 0)
                return xml_input_bad(&l->in, p, "an end tag does not match its start tag", err);
            l->in.p = t.next;
            return tail(l, err);
        case XML_OTHER:
            l->in.p = t.next;
            break;
        case XML_DTD:
        case XML_BAD:
            return xml_input_next(&l->in, &t, err); /* Which fails and says why. */
        default:
            return xml_input_bad(&l->in, p, "there is text between its texts", err);
        }
    }
}

bool xlsx_strings_load(struct xlsx_strings *s, struct zip_stream *stream, const char *label,
    struct budget *budget, struct err *err)
{
    struct loader l = { .s = s };
    bool ok;

    *s = (struct xlsx_strings){ .budget = budget };
    if (!xml_input_open(&l.in, stream, label, budget, err))
        return false;
    buf_init(&l.item, XML_MAX_TOKEN);
    ok = load(&l, err);
    buf_deinit(&l.item);
    xml_input_close(&l.in);
    if (!ok)
        xlsx_strings_deinit(s);
    return ok;
}

void xlsx_strings_deinit(struct xlsx_strings *s)
{
    free(s->bytes);
    if (s->ends)
        free(s->ends - 1);
    budget_give(s->budget, s->held);
    *s = (struct xlsx_strings){ .bytes = NULL };
}
