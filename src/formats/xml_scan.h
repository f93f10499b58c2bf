#ifndef FORMATS_XML_SCAN_H
#define FORMATS_XML_SCAN_H

/*
 * The XML of large parts (sheets, shared strings), scanned in a window that slides over the part.
 *
 *   zip_stream ── [recoded to UTF-8] ── buf: ....p======unread======end\0\0\0\0
 *
 * The window always ends in XML_PAD NULs, so loops may look for a byte that NUL is not without
 * checking for the end each time; a NUL before `end` is a fault of the file. A construct that is
 * cut by the end of the window is looked at again from its start after xml_input_more().
 *
 * There are no entities but the five of XML and character references; a DOCTYPE is refused.
 */

#include "base/buf.h"
#include "formats/zip_read.h"
#include "table/schema.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    XML_WINDOW = 256 << 10,
    XML_PAD = 64,
    XML_MAX_TOKEN = 32 << 20, /* One tag, cell or text item. */
    XML_MAX_DEPTH = 64
};

struct xml_recode;

struct xml_input {
    struct zip_stream *stream; /* NULL: all there is stands in buf. */
    struct xml_recode *recode; /* NULL: it is UTF-8 already. */
    struct budget *budget;
    const char *label, *part; /* Of the file and in it, for sentences. */
    char *buf;                /* The window, or what the stream has lent. */
    char *window;             /* Its own; NULL: it never had one. */
    size_t cap;               /* Of the window. */
    const char *p, *end;      /* The unread bytes. */
    bool eof;                 /* Nothing comes after `end`. */
    bool borrowed;            /* buf is another's. */
    uint64_t base;            /* Offset of buf[0] in the part. */
};

/*
 * Start on a stream, which stays the caller's; the byte order mark is skipped and the encoding
 * decided. label and part are kept by pointer. On failure nothing is to be freed.
 * Errors: those of the stream; ERR_DATA for an encoding that is not known.
 */
bool xml_input_open(struct xml_input *in, struct zip_stream *stream, const char *label,
    struct budget *budget, struct err *err) MUST_CHECK;
/* On text[0..n) with XML_PAD NULs behind it, which outlives the input. */
void xml_input_open_text(
    struct xml_input *in, char *text, size_t n, const char *label, const char *part);
void xml_input_close(struct xml_input *in);

/*
 * Slide the window: p..end moves to its front and more is read behind it; both pointers change.
 * Nothing new at the end of the part: eof is set. Errors: the stream's; ERR_BUDGET when p..end is a
 * window full.
 */
bool xml_input_more(struct xml_input *in, struct err *err) MUST_CHECK;

/* ERR_DATA: "'f.xlsx' is damaged: WHAT (byte N of its part P)"; `at` lies in the window. */
bool xml_input_bad(const struct xml_input *in, const char *at, const char *what, struct err *err);

enum xml_kind {
    XML_MORE, /* Cut by the end of the window. */
    XML_BAD,
    XML_DTD,
    XML_TEXT, /* Up to the next '<' or the end of the window: may go on. */
    XML_CDATA,
    XML_START, /* <a> */
    XML_EMPTY, /* <a/> */
    XML_END,   /* </a> */
    XML_OTHER  /* Comment, processing instruction, declaration. */
};

struct xml_token {
    enum xml_kind kind;
    struct str name;  /* START, EMPTY, END: as written, with its prefix. */
    struct str attrs; /* START, EMPTY: between the name and the end of the tag. */
    struct str text;  /* TEXT, CDATA. */
    const char *next; /* Behind the token. */
};

/* The token at p, p <= end; end is followed by XML_PAD NULs. */
enum xml_kind xml_token(const char *p, const char *end, struct xml_token *t);

/*
 * The next token of the input, sliding the window as needed; in->p is moved behind it and t points
 * into the window. At the end of the part: kind XML_MORE. Errors: ERR_DATA and those of
 * xml_input_more().
 */
bool xml_input_next(struct xml_input *in, struct xml_token *t, struct err *err) MUST_CHECK;

/*
 * Step through the attributes: *rest is shortened. False at the end, or (*rest)->p NULL when they
 * are malformed.
 */
bool xml_attr(struct str *rest, struct str *name, struct str *value);
/* The value of the attribute, found by its local name; false when there is none. */
bool xml_attr_find(struct str attrs, const char *name, struct str *value);

/* The name without its prefix. */
struct str xml_local(struct str name);

static inline bool str_is(struct str s, const char *literal)
{
    size_t n = strlen(literal);

    return s.n == n && memcmp(s.p, literal, n) == 0;
}

static inline bool xml_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/*
 * Decode character data: entities, and line ends as XML has them. `out` has room for n bytes.
 * False when a reference is unknown or the text holds a NUL.
 */
bool xml_decode(const char *p, size_t n, char *out, size_t *out_n) MUST_CHECK;

/* What a run of text holds besides plain ASCII. */
enum {
    XML_HIGH = 1,    /* Bytes that must be checked to be UTF-8. */
    XML_SPECIAL = 2, /* '&' or a control character (line ends and tabs included). */
    XML_UNDERSCORE = 4
};

/*
 * The first '<' at or after p, or end; *flags says what stands before it. Reads up to 15 bytes past
 * end.
 */
static inline __attribute__((always_inline)) const char *xml_text_end(
    const char *p, const char *end, unsigned *flags)
{
    unsigned found = 0;

#ifdef __SSE2__
    const __m128i lt = _mm_set1_epi8('<'), amp = _mm_set1_epi8('&'), under = _mm_set1_epi8('_');
    const __m128i control = _mm_set1_epi8(0x1f);

    while (p < end) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i low =
            _mm_or_si128(_mm_cmpeq_epi8(v, amp), _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        __m128i line = _mm_cmpeq_epi8(v, under);
        unsigned stop = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, lt));
        unsigned odd = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, line), v));

        if (end - p < 16)
            stop |= 1u << (end - p);
        if (stop)
            odd &= (stop & -stop) - 1;
        if (odd) /* Few texts hold any of it. */
            found |= ((unsigned)_mm_movemask_epi8(v) & odd ? XML_HIGH : 0) |
                     ((unsigned)_mm_movemask_epi8(low) & odd ? XML_SPECIAL : 0) |
                     ((unsigned)_mm_movemask_epi8(line) & odd ? XML_UNDERSCORE : 0);
        if (stop) {
            p += __builtin_ctz(stop);
            break;
        }
        p += 16;
    }
#else
    while (p < end && *p != '<') {
        unsigned char c = (unsigned char)*p++;

        found |= (c >= 0x80 ? XML_HIGH : 0) | (c == '&' || c < 0x20 ? XML_SPECIAL : 0) |
                 (c == '_' ? XML_UNDERSCORE : 0);
    }
#endif
    *flags = found;
    return p;
}

#endif
