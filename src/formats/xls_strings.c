/* Texts of old workbooks. */

#include "formats/xls_strings.h"

#include "base/utf8.h"
#include "formats/little_endian.h"

#include <stdlib.h>

enum {
    FLAG_WIDE = 1,
    FLAG_PHONETIC = 4,
    FLAG_RICH = 8,
    SST_HEAD = 8,     /* Two counts. */
    STRING_LEAST = 3, /* Bytes of an empty text. */
    RUN_BYTES = 4,
    REPLACEMENT = 0xFFFD
};

/* Characters on their way to UTF-8; a pair of surrogates may be cut by a CONTINUE. */
struct units {
    char *out;
    uint32_t high; /* A first surrogate that waits for its second; 0: none. */
};

static void put_unit(struct units *u, uint32_t unit)
{
    if (u->high) {
        uint32_t high = u->high;

        u->high = 0;
        if (unit >= 0xDC00 && unit <= 0xDFFF) {
            u->out += utf8_encode(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), u->out);
            return;
        }
        u->out += utf8_encode(REPLACEMENT, u->out);
    }
    if (unit < 0x80)
        *u->out++ = (char)unit;
    else if (unit >= 0xD800 && unit <= 0xDBFF)
        u->high = unit;
    else
        u->out += utf8_encode(unit, u->out);
}

static void put_narrow(struct units *u, const unsigned char *p, size_t n)
{
    size_t i = 0;

    if (u->high == 0) {
        for (; i < n && p[i] < 0x80; i++)
            *u->out++ = (char)p[i];
    }
    for (; i < n; i++)
        put_unit(u, p[i]);
}

static void put_wide(struct units *u, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_unit(u, le16(p + 2 * i));
}

/* `left` characters, through as many records as they take. */
static bool characters(struct xls_bytes *b, size_t left, bool wide, struct units *u)
{
    while (left > 0) {
        size_t have = (size_t)(b->end - b->p) / (wide ? 2 : 1);

        if (have > left)
            have = left;
        if (wide)
            put_wide(u, b->p, have);
        else
            put_narrow(u, b->p, have);
        b->p += have * (wide ? 2 : 1);
        left -= have;
        if (left > 0) {
            if (!xls_bytes_more(b) || b->p == b->end)
                return false;
            wide = *b->p++ & FLAG_WIDE;
        }
    }
    return true;
}

static bool string_8(struct xls_bytes *b, size_t length, char *out, size_t *n)
{
    unsigned char flags = 0, head[4];
    size_t runs = 0, phonetic = 0;
    struct units u = { .out = out };
    bool whole;

    *n = 0;
    if (!xls_bytes_take(b, &flags, 1))
        return length == 0; /* Some writers leave out the flags of an empty text. */
    if (flags & FLAG_RICH) {
        if (!xls_bytes_take(b, head, 2))
            return false;
        runs = le16(head);
    }
    if (flags & FLAG_PHONETIC) {
        if (!xls_bytes_take(b, head, 4))
            return false;
        phonetic = le32(head);
    }
    whole = characters(b, length, flags & FLAG_WIDE, &u);
    if (u.high)
        u.out += utf8_encode(REPLACEMENT, u.out);
    *n = (size_t)(u.out - out);
    return whole && xls_bytes_skip(b, runs * RUN_BYTES) && xls_bytes_skip(b, phonetic);
}

static bool string_5(
    struct xls_bytes *b, struct encoding_text *codepage, size_t length, char *out, size_t *n)
{
    /* The bytes stand at the end of the room, so that decoding never overtakes itself. */
    char *raw = out + XLS_STRING_MAX - length;
    struct units u = { .out = out };
    bool whole = xls_bytes_take(b, raw, length);

    *n = 0;
    if (!whole)
        return false;
    if (codepage)
        *n = encoding_text_decode(codepage, raw, length, out);
    else
        put_narrow(&u, (const unsigned char *)raw, length);
    if (!codepage)
        *n = (size_t)(u.out - out);
    return true;
}

bool xls_string(struct xls_bytes *b, const struct xls_charset *set, int width, char *out, size_t *n)
{
    unsigned char head[2] = { 0, 0 };

    *n = 0;
    if (!xls_bytes_take(b, head, (size_t)width))
        return false;
    return set->biff8 ? string_8(b, le16(head), out, n)
                      : string_5(b, set->codepage, le16(head), out, n);
}

/* Bytes of the record and of those that go on with it. */
static size_t whole_size(struct xls_bytes b)
{
    size_t n = (size_t)(b.end - b.p);

    while (xls_bytes_more(&b))
        n += (size_t)(b.end - b.p);
    return n;
}

static bool allocate(
    struct xlsx_strings *s, size_t bytes, size_t texts, const char *label, struct err *err)
{
    size_t held = bytes + (texts + 1) * sizeof *s->ends;

    if (!budget_take(s->budget, held)) {
        err_set(err, ERR_BUDGET,
            "'%s': its texts need more memory than the limit allows; split the workbook", label);
        return false;
    }
    s->held = held;
    s->bytes = malloc(bytes);
    s->ends = malloc((texts + 1) * sizeof *s->ends);
    if (!s->bytes || !s->ends) {
        free(s->ends);
        s->ends = NULL;
        err_nomem(err);
        return false;
    }
    *s->ends++ = 0; /* Before the first; see xlsx_strings_at(). */
    return true;
}

bool xls_strings_load(struct xlsx_strings *s, const struct xls_records *behind,
    const struct xls_record *r, struct err *err)
{
    static const struct xls_charset set = { .biff8 = true };
    struct xls_bytes b;
    size_t size, len = 0, n, texts;
    char *fitting;

    xls_bytes_init(&b, behind, r);
    size = whole_size(b);
    texts = size / STRING_LEAST + 1;
    /* A byte of the file becomes two at most (Latin letters), a pair of them three. */
    if (!allocate(s, 2 * size + XLS_STRING_MAX, texts, behind->label, err))
        return false;
    if (!xls_bytes_skip(&b, SST_HEAD))
        return true;
    while (s->n < texts && (b.p < b.end || xls_bytes_more(&b))) {
        if (b.p == b.end)
            continue;
        if (!xls_string(&b, &set, 2, s->bytes + len, &n))
            break;
        len += n;
        s->ends[s->n++] = (uint32_t)len;
    }
    fitting = realloc(s->bytes, len + 1);
    if (fitting) {
        s->bytes = fitting;
        budget_give(s->budget, 2 * size + XLS_STRING_MAX - (len + 1));
        s->held -= 2 * size + XLS_STRING_MAX - (len + 1);
    }
    return true;
}
