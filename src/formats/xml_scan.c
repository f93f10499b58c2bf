/*
 * Tokens of XML in a window: tags, attributes, text, and what is stepped over.
 *
 * The scanner knows as much XML as a spreadsheet's part may hold. What it cannot read it calls
 * XML_BAD; it never guesses. Whether tags match is for its callers, who know the elements.
 */
#include "formats/xml_scan.h"

#include "base/num.h"
#include "base/utf8.h"

#include <inttypes.h>

static bool name_end(char c)
{
    return xml_space(c) || c == '/' || c == '>' || c == '=' || c == '<' || c == '"' || c == '\'' ||
           c == '\0';
}

/* The end of "-->", "?>" or "]]>" at or after p, or NULL. */
static const char *find_end(const char *p, const char *end, const char *mark, size_t n)
{
    while (p < end) {
        p = memchr(p, mark[0], (size_t)(end - p));
        if (!p || (size_t)(end - p) < n)
            return NULL;
        if (memcmp(p, mark, n) == 0)
            return p + n;
        p++;
    }
    return NULL;
}

/* <!-- -->, <![CDATA[ ]]>, <!DOCTYPE. */
static enum xml_kind declaration(const char *p, const char *end, struct xml_token *t)
{
    static const char cdata[] = "<![CDATA[", comment[] = "<!--", dtd[] = "<!DOCTYPE";
    size_t n = (size_t)(end - p);
    const char *q;

    if (n >= 4 && memcmp(p, comment, 4) == 0) {
        q = find_end(p + 4, end, "-->", 3);
        t->next = q;
        return q ? XML_OTHER : XML_MORE;
    }
    if (n >= 9 && memcmp(p, cdata, 9) == 0) {
        q = find_end(p + 9, end, "]]>", 3);
        if (!q)
            return XML_MORE;
        t->text = (struct str){ p + 9, (size_t)(q - 3 - (p + 9)) };
        t->next = q;
        return XML_CDATA;
    }
    if (n >= 9)
        return memcmp(p, dtd, 9) == 0 ? XML_DTD : XML_BAD;
    return memcmp(p, cdata, n) == 0 || memcmp(p, dtd, n) == 0 ||
                   (n < 4 && memcmp(p, comment, n) == 0)
               ? XML_MORE
               : XML_BAD;
}

static enum xml_kind close_tag(const char *p, const char *end, struct xml_token *t)
{
    const char *q = p + 2;

    while (!name_end(*q))
        q++;
    t->name = (struct str){ p + 2, (size_t)(q - (p + 2)) };
    while (xml_space(*q))
        q++;
    if (q >= end)
        return XML_MORE;
    if (*q != '>' || t->name.n == 0)
        return XML_BAD;
    t->next = q + 1;
    return XML_END;
}

static enum xml_kind open_tag(const char *p, const char *end, struct xml_token *t)
{
    const char *q = p + 1;

    while (!name_end(*q))
        q++;
    t->name = (struct str){ p + 1, (size_t)(q - (p + 1)) };
    if (q >= end)
        return XML_MORE;
    if (t->name.n == 0)
        return XML_BAD;
    t->attrs.p = q;
    for (;;) {
        switch (*q) {
        case '"':
        case '\'': {
            const char *close = memchr(q + 1, *q, (size_t)(end - (q + 1)));

            if (!close)
                return XML_MORE;
            q = close + 1;
            break;
        }
        case '>':
            t->next = q + 1;
            if (q > t->attrs.p && q[-1] == '/') {
                t->attrs.n = (size_t)(q - 1 - t->attrs.p);
                return XML_EMPTY;
            }
            t->attrs.n = (size_t)(q - t->attrs.p);
            return XML_START;
        case '\0':
            return q >= end ? XML_MORE : XML_BAD;
        case '<':
            return XML_BAD;
        default:
            q++;
        }
    }
}

enum xml_kind xml_token(const char *p, const char *end, struct xml_token *t)
{
    enum xml_kind kind;
    unsigned flags;

    if (p >= end) {
        kind = XML_MORE;
    } else if (*p != '<') {
        t->next = xml_text_end(p, end, &flags);
        t->text = (struct str){ p, (size_t)(t->next - p) };
        kind = XML_TEXT;
    } else if (p + 1 >= end) {
        kind = XML_MORE;
    } else if (p[1] == '/') {
        kind = close_tag(p, end, t);
    } else if (p[1] == '!') {
        kind = declaration(p, end, t);
    } else if (p[1] == '?') {
        t->next = find_end(p + 2, end, "?>", 2);
        kind = t->next ? XML_OTHER : XML_MORE;
    } else {
        kind = open_tag(p, end, t);
    }
    t->kind = kind;
    return kind;
}

bool xml_input_next(struct xml_input *in, struct xml_token *t, struct err *err)
{
    for (;;) {
        switch (xml_token(in->p, in->end, t)) {
        case XML_MORE:
            if (in->eof && in->p < in->end)
                return xml_input_bad(in, in->p, "the part ends in the middle of a tag", err);
            if (in->eof)
                return true;
            if (!xml_input_more(in, err))
                return false;
            break;
        case XML_BAD:
            return xml_input_bad(in, in->p, "a tag is malformed", err);
        case XML_DTD:
            return xml_input_bad(
                in, in->p, "it holds a document type definition, which is never read", err);
        default:
            in->p = t->next;
            return true;
        }
    }
}

bool xml_attr(struct str *rest, struct str *name, struct str *value)
{
    const char *p = rest->p, *end = p + rest->n, *from;
    char quote;

    while (p < end && xml_space(*p))
        p++;
    if (p >= end) {
        rest->n = 0;
        return false;
    }
    from = p;
    while (p < end && !name_end(*p))
        p++;
    *name = (struct str){ from, (size_t)(p - from) };
    while (p < end && xml_space(*p))
        p++;
    if (name->n == 0 || p >= end || *p != '=')
        goto malformed;
    p++;
    while (p < end && xml_space(*p))
        p++;
    if (p >= end || (*p != '"' && *p != '\''))
        goto malformed;
    quote = *p++;
    from = p;
    p = memchr(p, quote, (size_t)(end - p));
    if (!p)
        goto malformed;
    *value = (struct str){ from, (size_t)(p - from) };
    p++;
    *rest = (struct str){ p, (size_t)(end - p) };
    return true;
malformed:
    *rest = (struct str){ NULL, 0 };
    return false;
}

struct str xml_local(struct str name)
{
    const char *colon = memchr(name.p, ':', name.n);

    if (!colon)
        return name;
    return (struct str){ colon + 1, (size_t)(name.p + name.n - (colon + 1)) };
}

bool xml_attr_find(struct str attrs, const char *name, struct str *value)
{
    struct str n, v;

    while (xml_attr(&attrs, &n, &v)) {
        if (str_is(xml_local(n), name)) {
            *value = v;
            return true;
        }
    }
    return false;
}

/* "#10", "#xA", "amp": the code point, or UINT32_MAX. */
static uint32_t reference(const char *p, size_t n)
{
    static const struct {
        const char *name;
        char c;
    } named[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' } };
    uint32_t code = 0;

    if (n == 0)
        return UINT32_MAX;
    if (p[0] != '#') {
        for (size_t i = 0; i < ARRAY_LEN(named); i++) {
            if (str_is((struct str){ p, n }, named[i].name))
                return (uint32_t)named[i].c;
        }
        return UINT32_MAX;
    }
    p++;
    n--;
    if (n > 0 && p[0] == 'x') {
        for (size_t i = 1; i < n; i++) {
            int d = num_hex_digit(p[i]);

            if (d < 0 || code > 0x10ffff)
                return UINT32_MAX;
            code = code * 16 + (uint32_t)d;
        }
        n--;
    } else {
        for (size_t i = 0; i < n; i++) {
            if (p[i] < '0' || p[i] > '9' || code > 0x10ffff)
                return UINT32_MAX;
            code = code * 10 + (uint32_t)(p[i] - '0');
        }
    }
    if (n == 0 || code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return UINT32_MAX;
    return code;
}

bool xml_decode(const char *p, size_t n, char *out, size_t *out_n)
{
    const char *end = p + n;
    char *o = out;

    while (p < end) {
        if (*p == '&') {
            const char *semicolon = memchr(p, ';', (size_t)(end - p));
            uint32_t code =
                semicolon ? reference(p + 1, (size_t)(semicolon - (p + 1))) : UINT32_MAX;

            if (code == UINT32_MAX)
                return false;
            o += utf8_encode(code, o);
            p = semicolon + 1;
        } else if (*p == '\r') {
            *o++ = '\n';
            p += p + 1 < end && p[1] == '\n' ? 2 : 1;
        } else if (*p == '\0') {
            return false;
        } else {
            *o++ = *p++;
        }
    }
    *out_n = (size_t)(o - out);
    return true;
}
