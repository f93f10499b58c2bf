/*
 * A run of cells, straight from the XML into the table.
 *
 * sheet_next() gives one cell of any shape, and xlsx_cells_put() what it means. Most cells of a large
 * sheet need neither: they have one of these shapes, and mean what they say.
 *
 *   <c r="B7"><v>12.5</v></c>                          s="3" may stand before the type or the '>'
 *   <c r="B7" t="s"><v>12</v></c>                      also t="n", t="b"
 *   <c r="B7" t="inlineStr"><is><t>text</t></is></c>
 *   <c r="B7" s="3"/>
 *
 * Each is recognised in a few steps and put where it belongs at once. At the first byte that is
 * anything else the run ends before the cell, without a trace, and the long way takes it: formulas,
 * texts with entities or outer blanks, dates that are not whole days, cells out of order or beyond
 * the width, and all that is damaged.
 */
#include "formats/xlsx_run.h"

#include "base/utf8.h"
#include "formats/xlsx_number.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* Bytes that the window must have: tags, a number or a brief text, and what is read behind them. */
enum { RUN_ROOM = 160 };

enum {
    BRIEF = 32,      /* Texts shorter than this are taken in one go. */
    WHOLE_DAYS = 61, /* From this serial on, days are those of everybody's calendar. */
    STYLE_DIGITS = 5
};

INLINE uint32_t load4(const char *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}

/* Behind the </v></c> at p, or NULL. */
INLINE const char *value_end(const char *p)
{
    return xlsx_load8(p) == xlsx_load8("</v></c>") ? p + 8 : NULL;
}

/* Behind <c r="B7", or NULL when it is no cell of the row at hand. */
INLINE const char *reference(const struct sheet_scan *s, const char *p, uint32_t *out)
{
    uint32_t col, d;

    if (load4(p) != load4("<c r") || p[4] != '=' || p[5] != '"')
        return NULL;
    col = (uint32_t)(p[6] - 'A');
    p += 7;
    if (col > 25)
        return NULL;
    while ((d = (uint32_t)(*p - 'A')) <= 25 && col < XLSX_MAX_COLUMNS) {
        col = (col + 1) * 26 + d;
        p++;
    }
    if ((xlsx_load8(p) & s->digits_mask) != s->digits)
        return NULL;
    *out = col;
    return p + s->n_digits;
}

/* The digits of a style and the '"' behind them; NULL when there are none, or too many. */
INLINE const char *style_number(const char *p, uint32_t *out)
{
    uint32_t style = (uint32_t)(*p++ - '0'), d;

    if (style > 9)
        return NULL;
    for (int n = 1; n < STYLE_DIGITS && (d = (uint32_t)(*p - '0')) <= 9; n++, p++)
        style = style * 10 + d;
    *out = style;
    return *p == '"' ? p + 1 : NULL;
}

/* A number's format; false when its style makes it more than a number or a whole day. */
INLINE bool put_style(const struct xlsx_book *book, uint32_t style, struct cell *out)
{
    const struct xlsx_style *is;
    double v = out->number;

    if (style >= book->n_styles)
        return true;
    is = &book->styles[style];
    out->format = is->format;
    if (!is->date)
        return true;
    if (is->kind != DATE_DATE || book->date1904 || !(v >= WHOLE_DAYS && v <= DATE_SERIAL_MAX) ||
        v != (int32_t)v)
        return false;
    out->type = CELL_DATE;
    out->kind = DATE_DATE;
    return true;
}

/*
 * What 32 bytes of text hold: bit i is p[i]. The loop is compiled twice, for processors that look at
 * 32 bytes at once and for others.
 */
struct bits {
    uint32_t end;  /* '<' */
    uint32_t high; /* Beyond ASCII. */
    uint32_t odd;  /* '&', controls, "_x": to be decoded or refused. */
};

/* Of those beyond ASCII, by what follows a first byte. */
struct utf8_bits {
    uint32_t behind; /* 80..BF, what follows. */
    uint32_t two;    /* C2..DF, begins two bytes. */
    uint32_t three;  /* E1..EC, EE, EF, begins three of any kind. Others begin what is rarer. */
};

struct looks {
    struct bits (*text)(const char *p);
    struct utf8_bits (*utf8)(const char *p);
};

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define BITS16(v) ((uint32_t)_mm_movemask_epi8(v))
#define BITS32(v) ((uint32_t)_mm256_movemask_epi8(v))

AVX2 INLINE struct bits look_avx2(const char *p)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i next = _mm256_loadu_si256((const __m256i *)(const void *)(p + 1));
    __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
    __m256i escape = _mm256_and_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('_')),
        _mm256_cmpeq_epi8(next, _mm256_set1_epi8('x')));
    __m256i odd = _mm256_or_si256(
        _mm256_or_si256(control, escape), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('&')));

    return (
        struct bits){ BITS32(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('<'))), BITS32(v), BITS32(odd) };
}

/* Bytes are compared as signed ones: 80..FF are -128..-1. */
AVX2 INLINE struct utf8_bits look_utf8_avx2(const char *p)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i below_c0 = _mm256_cmpgt_epi8(_mm256_set1_epi8(-64), v);
    __m256i below_c2 = _mm256_cmpgt_epi8(_mm256_set1_epi8(-62), v);
    __m256i below_e0 = _mm256_cmpgt_epi8(_mm256_set1_epi8(-32), v);
    __m256i below_e1 = _mm256_cmpgt_epi8(_mm256_set1_epi8(-31), v);
    __m256i below_f0 = _mm256_cmpgt_epi8(_mm256_set1_epi8(-16), v);
    __m256i ed = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(-19));

    return (struct utf8_bits){ BITS32(below_c0), BITS32(_mm256_andnot_si256(below_c2, below_e0)),
        BITS32(_mm256_andnot_si256(_mm256_or_si256(below_e1, ed), below_f0)) };
}

INLINE struct bits look16(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i escape = _mm_and_si128(
        _mm_cmpeq_epi8(v, _mm_set1_epi8('_')), _mm_cmpeq_epi8(next, _mm_set1_epi8('x')));
    __m128i odd =
        _mm_or_si128(_mm_or_si128(control, escape), _mm_cmpeq_epi8(v, _mm_set1_epi8('&')));

    return (struct bits){ BITS16(_mm_cmpeq_epi8(v, _mm_set1_epi8('<'))), BITS16(v), BITS16(odd) };
}

INLINE struct bits look_any(const char *p)
{
    struct bits a = look16(p), b = look16(p + 16);

    return (struct bits){ a.end | b.end << 16, a.high | b.high << 16, a.odd | b.odd << 16 };
}

#else

INLINE struct bits look_any(const char *p)
{
    struct bits bits = { 0 };

    for (unsigned i = 0; i < BRIEF; i++) {
        unsigned char c = (unsigned char)p[i];

        bits.end |= (uint32_t)(c == '<') << i;
        bits.high |= (uint32_t)(c >> 7) << i;
        bits.odd |= (uint32_t)(c == '&' || c < 0x20 || (c == '_' && p[i + 1] == 'x')) << i;
    }
    return bits;
}

#endif

/*
 * Are the bytes p[0..n) UTF-8, `high` of which are beyond ASCII? With `utf8` to look at them all at
 * once, where each character has two bytes, or three of the usual ones.
 */
INLINE bool is_utf8(const char *p, size_t n, uint32_t high, struct utf8_bits (*utf8)(const char *))
{
    if (utf8) {
        struct utf8_bits u = utf8(p);

        u.behind &= high;
        u.two &= high;
        u.three &= high;
        if (u.behind == ((u.two | u.three) << 1 | u.three << 2) &&
            high == (u.behind | u.two | u.three))
            return true;
    }
    return utf8_valid_prefix(p, n) == n;
}

/* Does the text begin or end with a blank? Other white space is odd already. */
INLINE bool outer_blanks(const char *p, size_t n)
{
    return p[0] == ' ' || p[n - 1] == ' ';
}

/* text</t></is></c> of less than BRIEF bytes, into x->room. NULL: not that, or no room. */
INLINE const char *put_text(
    struct xlsx_cells *x, const char *p, struct cell *out, struct looks looks)
{
    struct bits bits = looks.text(p);
    uint32_t inside = (bits.end & -bits.end) - 1; /* The bits before the '<'. */
    size_t n;

    if (bits.end == 0 || (bits.odd & inside) || x->left < BRIEF)
        return NULL;
    n = (size_t)__builtin_ctz(bits.end);
    if (n == 0 || outer_blanks(p, n) || memcmp(p + n, "</t></is></c>", 13) != 0)
        return NULL;
    if ((bits.high & inside) && !is_utf8(p, n, bits.high & inside, looks.utf8))
        return NULL;
    memcpy(x->room, p, BRIEF);
    *out = (struct cell){ .text = x->room, .len = (uint32_t)n, .type = CELL_TEXT };
    x->room += n;
    x->left -= n;
    return p + n + 13;
}

/* The same of a text of any length. */
static const char *put_long_text(
    struct xlsx_cells *x, const char *p, const char *end, struct cell *out)
{
    unsigned flags;
    const char *to = xml_text_end(p, end, &flags);
    size_t n = (size_t)(to - p);

    if ((flags & (XML_SPECIAL | XML_UNDERSCORE)) || n == 0 || n > x->left || outer_blanks(p, n) ||
        memcmp(to, "</t></is></c>", 13) != 0)
        return NULL;
    if ((flags & XML_HIGH) && utf8_valid_prefix(p, n) != n)
        return NULL;
    memcpy(x->room, p, n);
    *out = (struct cell){ .text = x->room, .len = (uint32_t)n, .type = CELL_TEXT };
    x->room += n;
    x->left -= n;
    return to + 13;
}

/* digits</v></c>: a shared text, to be looked up later. */
INLINE const char *put_shared(struct xlsx_cells *x, const char *p, struct cell *out)
{
    uint64_t i;
    unsigned n = xlsx_digits(p, &i);

    if (n == 0 || n == 8 || i >= x->strings->n)
        return NULL;
    p = value_end(p + n);
    if (!p)
        return NULL;
    __builtin_prefetch(x->strings->ends + i);
    *out = (struct cell){ .len = (uint32_t)i, .type = CELL_TEXT };
    x->late[x->n_late++] = out;
    return p;
}

/* number</v></c> */
INLINE const char *put_number(
    const struct xlsx_cells *x, const char *p, uint32_t style, struct cell *out)
{
    *out = (struct cell){ .type = CELL_NUMBER };
    p = xlsx_number(p, &out->number);
    if (!p || !put_style(x->book, style, out))
        return NULL;
    return value_end(p);
}

/* 0</v></c> or 1</v></c> */
INLINE const char *put_bool(const char *p, struct cell *out)
{
    if (*p != '0' && *p != '1')
        return NULL;
    *out = cell_bool(*p == '1');
    return value_end(p + 1);
}

/* What follows the reference, up to behind the </c>; NULL when it is for the long way. */
INLINE const char *content(
    struct xlsx_cells *x, const char *p, const char *end, struct cell *out, struct looks looks)
{
    static const char text[] = "r\"><is><t>";
    uint32_t style = UINT32_MAX;

    if (load4(p) == load4(" s=\"")) {
        p = style_number(p + 4, &style);
        if (!p)
            return NULL;
    }
    if (load4(p) == load4("><v>"))
        return put_number(x, p + 4, style, out);
    if (load4(p) == load4(" t=\"")) {
        if (xlsx_load8(p + 4) == xlsx_load8("inlineSt")) {
            const char *next;

            if (memcmp(p + 12, text, sizeof text - 1) != 0)
                return NULL;
            p += 12 + sizeof text - 1;
            next = put_text(x, p, out, looks);
            return next ? next : put_long_text(x, p, end, out);
        }
        if (p[5] != '"' || load4(p + 6) != load4("><v>"))
            return NULL;
        switch (p[4]) {
        case 's':
            return put_shared(x, p + 10, out);
        case 'n':
            return put_number(x, p + 10, style, out);
        case 'b':
            return put_bool(p + 10, out);
        default:
            return NULL;
        }
    }
    *out = cell_blank();
    return p[0] == '/' && p[1] == '>' ? p + 2 : NULL;
}

INLINE uint32_t run(struct sheet_scan *s, struct xlsx_cells *x, struct cell **columns,
    uint32_t width, uint32_t i, uint32_t next, struct looks looks)
{
    const char *p = s->in.p, *end = s->in.end;

    while (next < width && end - p >= RUN_ROOM) {
        uint32_t col;
        const char *q = reference(s, p, &col);

        if (!q || col < next || col >= width)
            break;
        q = content(x, q, end, &columns[col][i], looks);
        if (!q)
            break;
        while (next < col)
            columns[next++][i] = cell_blank();
        next++;
        p = q;
        if (x->n_late == XLSX_CELLS_LATE)
            xlsx_cells_settle(x);
    }
    if (p != s->in.p) {
        s->in.p = p;
        s->next_col = next;
    }
    return next;
}

#if defined(__x86_64__)
AVX2 static uint32_t run_avx2(struct sheet_scan *s, struct xlsx_cells *x, struct cell **columns,
    uint32_t width, uint32_t i, uint32_t next)
{
    return run(s, x, columns, width, i, next, (struct looks){ look_avx2, look_utf8_avx2 });
}
#endif

uint32_t xlsx_run(struct sheet_scan *s, struct xlsx_cells *x, struct cell **columns, uint32_t width,
    uint32_t i, uint32_t next)
{
    if (s->n_prefix)
        return next;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return run_avx2(s, x, columns, width, i, next);
#endif
    return run(s, x, columns, width, i, next, (struct looks){ look_any, NULL });
}
