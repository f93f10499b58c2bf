/*
 * The survey of a large sheet, several times faster than reading it: from one <c or <row to the
 * next, over all that is between.
 *
 *   <row r="7"><c r="A7"><v>1</v></c><c r="B7" t="s"><v>2</v></c></row>
 *   ^          ^ has a value?        ^ beyond the width so far? then: has a value?
 *
 * Text cannot hold '<', so the marks are never found inside one; CDATA and comments, where they
 * could be, are marks too and end the skimming, as does any cell that is not of the usual shape.
 */
#include "formats/xlsx_survey.h"

enum { LOOK_AHEAD = XML_PAD }; /* Enough for a mark and the reference behind it. */

/*
 * Bit i: p[i] is the '<' of <c, <r, <!, <? or </s; np bytes of prefix stand before the letter. Reads
 * np + 18 bytes.
 */
static inline unsigned marks(const char *p, unsigned np)
{
#ifdef __SSE2__
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(p + 1 + np));
    __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(p + 2 + np));
    __m128i element =
        _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('c')), _mm_cmpeq_epi8(c, _mm_set1_epi8('r')));
    __m128i other =
        _mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8('!')), _mm_cmpeq_epi8(b, _mm_set1_epi8('?')));
    __m128i close =
        _mm_and_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8('/')), _mm_cmpeq_epi8(d, _mm_set1_epi8('s')));

    return (unsigned)_mm_movemask_epi8(_mm_and_si128(
        _mm_cmpeq_epi8(a, _mm_set1_epi8('<')), _mm_or_si128(element, _mm_or_si128(other, close))));
#else
    unsigned found = 0;

    for (unsigned i = 0; i < 16; i++) {
        char b = p[i + 1], c = p[i + 1 + np];

        if (p[i] == '<' &&
            (c == 'c' || c == 'r' || b == '!' || b == '?' || (b == '/' && p[i + 2 + np] == 's')))
            found |= 1u << i;
    }
    return found;
#endif
}

/* The column of the reference at p, or UINT32_MAX when it is not of the usual shape. */
static inline uint32_t column(const struct sheet_scan *s, const char *p)
{
    uint32_t col, d;
    uint64_t digits;

    if (memcmp(p, " r=\"", 4) != 0)
        return UINT32_MAX;
    p += 4;
    col = (uint32_t)(*p++ - 'A');
    if (col > 25)
        return UINT32_MAX;
    while ((d = (uint32_t)(*p - 'A')) <= 25 && col < XLSX_MAX_COLUMNS) {
        col = (col + 1) * 26 + d;
        p++;
    }
    memcpy(&digits, p, sizeof digits);
    return col < XLSX_MAX_COLUMNS && (digits & s->digits_mask) == s->digits ? col : UINT32_MAX;
}

struct skim {
    struct sheet_scan *s;
    const struct xlsx_strings *strings;
    uint32_t from;
    uint32_t row;      /* The last one seen. */
    bool counts, full; /* It is not above `from`; a value was found in it. */
    struct xlsx_survey *out;
};

/* Let the scanner take the element at p, which is one that the state says. */
static bool scan_at(struct skim *k, const char *p, bool cell, struct sheet_cell *c,
    enum sheet_event *event, struct err *err)
{
    k->s->in.p = p;
    k->s->state = cell ? SHEET_INSIDE : SHEET_BETWEEN;
    return sheet_next(k->s, c, event, err);
}

enum step { STEP_ON, STEP_SCANNED, STEP_END, STEP_IRREGULAR, STEP_FAILED };

/* The <c at p; `behind` is what follows its name. */
static inline enum step cell_mark(
    struct skim *k, const char *p, const char *behind, struct err *err)
{
    struct sheet_cell c;
    enum sheet_event event;
    uint32_t col;

    if (*behind >= 'a' && *behind <= 'z')
        return STEP_ON; /* <color>, <charset> of an inline text. */
    col = column(k->s, behind);
    if (col == UINT32_MAX || k->row == 0)
        return STEP_IRREGULAR;
    if (!k->counts || (k->full && col < k->out->width))
        return STEP_ON;
    if (!scan_at(k, p, true, &c, &event, err))
        return STEP_FAILED;
    if (event != SHEET_CELL)
        return STEP_IRREGULAR;
    if (!xlsx_cells_blank(k->strings, &c)) {
        k->full = true;
        xlsx_survey_value(k->out, &c);
    }
    return STEP_SCANNED;
}

static enum step row_mark(struct skim *k, const char *p, struct err *err)
{
    struct sheet_cell c;
    enum sheet_event event;

    if (!scan_at(k, p, false, &c, &event, err))
        return STEP_FAILED;
    if (event != SHEET_ROW)
        return STEP_IRREGULAR;
    if (k->s->row <= k->row)
        k->out->ordered = false;
    k->row = k->s->row;
    k->counts = k->row >= k->from;
    k->full = false;
    return STEP_SCANNED;
}

/*
 * The mark at p. After STEP_SCANNED the scanner stands behind it; after STEP_ON it is only passed
 * over.
 */
static inline enum step mark(struct skim *k, const char *p, struct err *err)
{
    unsigned np = k->s->n_prefix;
    const char *name = p + 1 + np;

    if (p[1] == '/') {
        if (memcmp(p + 2, k->s->names, np) != 0 || memcmp(p + 2 + np, "sheetData", 9) != 0)
            return STEP_ON;
        return STEP_END;
    }
    if (p[1] == '!' || p[1] == '?' || memcmp(p + 1, k->s->names, np) != 0)
        return STEP_IRREGULAR;
    if (*name == 'c')
        return cell_mark(k, p, name + 1, err);
    /* Else <r>, <rPr>, <rPh> of an inline text. */
    return memcmp(name, "row", 3) == 0 ? row_mark(k, p, err) : STEP_ON;
}

bool xlsx_skim(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from,
    struct xlsx_survey *out, struct err *err)
{
    struct skim k = { .s = s, .strings = strings, .from = from, .out = out };
    const char *p = s->in.p;

    if (s->state != SHEET_BETWEEN)
        return true;
    if (s->n_prefix > SHEET_QUICK_PREFIX) {
        out->irregular = true;
        return true;
    }
    for (;;) {
        unsigned found;
        enum step step = STEP_ON;

        if (s->in.end - p < LOOK_AHEAD) {
            s->in.p = p;
            if (!s->in.eof) {
                if (!xml_input_more(&s->in, err))
                    return false;
                p = s->in.p;
                continue;
            }
            if (p >= s->in.end)
                return xml_input_bad(&s->in, s->in.end, "it ends in the middle of the cells", err);
        }
        for (found = marks(p, s->n_prefix); found && step == STEP_ON; found &= found - 1) {
            const char *at = p + __builtin_ctz(found);

            if (at >= s->in.end)
                break;
            if (s->in.end - at < LOOK_AHEAD && !s->in.eof) {
                p = at; /* Cut; the window slides first. */
                break;
            }
            step = mark(&k, at, err);
            if (step == STEP_END) {
                s->in.p = at;
                s->state = SHEET_BETWEEN;
                return true;
            }
        }
        switch (step) {
        case STEP_ON:
            if (!found)
                p += 16;
            break;
        case STEP_SCANNED:
            p = s->in.p;
            break;
        case STEP_IRREGULAR:
            out->irregular = true;
            return true;
        default:
            return false;
        }
    }
}
