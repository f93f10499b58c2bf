/*
 * Escaping and measuring of xlsx_text.h.
 *
 * Nearly all text needs no escape, so xlsx_text_put() copies it 16 bytes at a time while it looks at
 * them; only from the first suspicious ones on is it written byte by byte. (Looking at the copy
 * instead cost three times as much: loads that span earlier stores wait for them.)
 */

#include "formats/xlsx_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { LANES = 16, ESCAPE_LEN = 7 /* _xHHHH_ */ };

/* What to do at a byte of text. */
enum action {
    PLAIN,
    ENTITY,    /* & < > */
    CONTROL,   /* Cannot stand in XML, or not unchanged (CR). */
    UNDERLINE, /* May begin what looks like an escape. */
    LEAD_EF    /* May begin U+FFFE or U+FFFF. */
};

static const uint8_t actions[256] = {
    /* clang-format off */
    [0x00] = CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL,
    [0x0b] = CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL,
    [0x16] = CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL,
    ['&'] = ENTITY, ['<'] = ENTITY, ['>'] = ENTITY,
    ['_'] = UNDERLINE,
    [0xef] = LEAD_EF
    /* clang-format on */
};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* U+FFFE and U+FFFF, which XML forbids. */
static bool is_nonchar(const char *p, const char *end)
{
    return end - p >= 3 && (unsigned char)p[0] == 0xef && (unsigned char)p[1] == 0xbf &&
           (unsigned char)p[2] >= 0xbe;
}

/*
 * At an underline: would a reader take it and what follows for _xHHHH_? The second underline may also
 * be the first byte of an escape that we are about to write.
 */
static bool looks_escaped(const char *p, const char *end)
{
    if (end - p < ESCAPE_LEN || p[1] != 'x' || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) ||
        !is_hex(p[5]))
        return false;
    return p[6] == '_' || actions[(unsigned char)p[6]] == CONTROL || is_nonchar(p + 6, end);
}

static char *put_escape(char *out, unsigned code)
{
    static const char digits[] = "0123456789ABCDEF";

    out[0] = '_';
    out[1] = 'x';
    out[2] = digits[code >> 12 & 15];
    out[3] = digits[code >> 8 & 15];
    out[4] = digits[code >> 4 & 15];
    out[5] = digits[code & 15];
    out[6] = '_';
    return out + ESCAPE_LEN;
}

static char *put_entity(char *out, char c)
{
    const char *name = c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;";

    while (*name)
        *out++ = *name++;
    return out;
}

const char *xlsx_text_piece(char **out, const char *p, const char *end, size_t want)
{
    const char *stop = (size_t)(end - p) > want ? p + want : end;
    char *o = *out;

    while (p < stop) {
        unsigned char c = (unsigned char)*p;

        switch ((enum action)actions[c]) {
        case ENTITY:
            o = put_entity(o, (char)c);
            p++;
            continue;
        case CONTROL:
            o = put_escape(o, c);
            p++;
            continue;
        case LEAD_EF:
            if (!is_nonchar(p, end))
                break;
            o = put_escape(o, 0xff00u | ((unsigned char)p[2] | 0xc0u));
            p += 3;
            continue;
        case UNDERLINE:
            if (!looks_escaped(p, end))
                break;
            o = put_escape(o, '_');
            p++;
            continue;
        case PLAIN:
            break;
        }
        *o++ = (char)c;
        p++;
    }
    *out = o;
    return p;
}

#ifdef __SSE2__
/*
 * Does any of 16 bytes need a closer look? An underline does only before an x, or where its successor is not
 * its neighbour: `seams` are those lanes.
 */
static bool suspicious(__m128i v, unsigned seams)
{
    __m128i bad = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    unsigned underlines, exes;

    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('&')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('<')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('>')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8((char)0xef)));
    underlines = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('_')));
    exes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('x')));
    return ((unsigned)_mm_movemask_epi8(bad) | (underlines & (exes >> 1 | seams))) != 0;
}

/* Copy p[0..16) unless it is suspicious. */
static bool copy16(char *out, const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)p);

    _mm_storeu_si128((__m128i *)out, v);
    return !suspicious(v, 1u << (LANES - 1));
}

/* Copy p[0..n) of 8 to 15 bytes, or of 4 to 7, as two halves that overlap; false when suspicious. */
static bool copy_halves(char *out, const char *p, size_t n)
{
    uint64_t first = 0, last = 0;

    if (n >= 8) {
        memcpy(&first, p, 8);
        memcpy(&last, p + n - 8, 8);
        memcpy(out, &first, 8);
        memcpy(out + n - 8, &last, 8);
        return !suspicious(_mm_set_epi64x((int64_t)last, (int64_t)first), 1u << 7 | 1u << 15);
    }
    memcpy(&first, p, 4);
    memcpy(&last, p + n - 4, 4);
    memcpy(out, &first, 4);
    memcpy(out + n - 4, &last, 4);
    first |= last << 32;
    return !suspicious(_mm_set_epi64x((int64_t)first, (int64_t)first), 0x8888);
}

/* Copy the bytes that certainly need no escape; returns how many they are. */
static size_t copy_plain(char *out, const char *p, size_t n)
{
    size_t i = 0;

    if (n < 4)
        return 0;
    if (n < LANES)
        return copy_halves(out, p, n) ? n : 0;
    for (; i + LANES <= n; i += LANES) {
        if (!copy16(out + i, p + i))
            return i;
    }
    return i == n || copy16(out + n - LANES, p + n - LANES) ? n : i;
}
#else
static size_t copy_plain(char *out, const char *p, size_t n)
{
    (void)out, (void)p, (void)n;
    return 0;
}
#endif

char *xlsx_text_put(char *out, const char *p, size_t n)
{
    size_t plain = copy_plain(out, p, n);

    out += plain;
    if (plain < n)
        xlsx_text_piece(&out, p + plain, p + n, n - plain);
    return out;
}

void xlsx_text_attribute(struct buf *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        char room[3 * XLSX_TEXT_GROWTH], *o = room;

        if (p[i] == '"' || p[i] == '\t' || p[i] == '\n') {
            buf_addf(out, "&#%d;", p[i++]);
            continue;
        }
        i = (size_t)(xlsx_text_piece(&o, p + i, p + n, 1) - p);
        buf_add(out, room, (size_t)(o - room));
    }
}

size_t xlsx_text_units(const char *p, size_t n)
{
    size_t units = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        units += (size_t)((c & 0xc0) != 0x80) + (size_t)(c >= 0xf0);
    }
    return units;
}

size_t xlsx_text_cut(const char *p, size_t n, size_t units)
{
    size_t i;

    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        size_t more = (size_t)((c & 0xc0) != 0x80) + (size_t)(c >= 0xf0);

        if (more > units)
            break;
        units -= more;
    }
    return i;
}

uint32_t xlsx_text_width(const char *p, size_t n, uint32_t max)
{
    uint32_t width = 0, widest = 0;

    for (size_t i = 0; i < n && width < max; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c == '\n' || c == '\r')
            width = 0;
        else if ((c & 0xc0) != 0x80)
            width += c >= 0xe3 ? 2 : 1;
        if (width > widest)
            widest = width;
    }
    return widest;
}
