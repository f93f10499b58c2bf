/*
 * The cells of a worksheet part.
 *
 * Two ways lead through a cell. The quick one knows the shape that nearly all writers give it,
 *
 *   <c r="B7" s="2" t="s"><f>A1+1</f><v>12</v></c>
 *
 * reads it in one go and gives up, without a trace, at the first byte that is anything else:
 * another order, a prefix, blanks, comments, CDATA, or the end of the window. The slow way
 * (xlsx_sheet_slow.c) then reads the cell token by token and knows all the rest.
 */
#include "formats/xlsx_sheet_int.h"

#include "base/utf8.h"

/*
 * A number of at most 15 digits or so, up to the '<' behind it: the value is a whole number below
 * 2^53 over an exact power of ten, so the division is rounded correctly. NULL: parse it another
 * way.
 */
static inline const char *quick_number(const char *p, double *out)
{
    static const double pow10[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16 };
    bool minus = *p == '-';
    uint64_t m = 0;
    const char *from, *point = NULL;
    size_t digits, decimals = 0;
    double v;

    p += minus;
    from = p;
    while ((unsigned char)(*p - '0') <= 9)
        m = m * 10 + (uint64_t)(*p++ - '0');
    digits = (size_t)(p - from);
    if (digits == 0)
        return NULL;
    if (*p == '.') {
        point = ++p;
        while ((unsigned char)(*p - '0') <= 9)
            m = m * 10 + (uint64_t)(*p++ - '0');
        decimals = (size_t)(p - point);
        digits += decimals;
        if (decimals == 0)
            return NULL;
    }
    if (*p != '<' || digits > 16 || m > (uint64_t)1 << 53)
        return NULL;
    v = (double)m;
    if (decimals)
        v /= pow10[decimals];
    *out = minus ? -v : v;
    return p;
}

/* The t="..." at p, behind the '='; NULL when it is none that is known here. */
static inline const char *quick_type(const char *p, uint8_t *type)
{
    switch (p[1]) {
    case 's':
        if (p[2] == '"') {
            *type = SHEET_SHARED;
            return p + 3;
        }
        *type = SHEET_STRING;
        return p[2] == 't' && p[3] == 'r' && p[4] == '"' ? p + 5 : NULL;
    case 'n':
        *type = SHEET_NUMBER;
        break;
    case 'b':
        *type = SHEET_BOOL;
        break;
    case 'e':
        *type = SHEET_ERROR;
        break;
    case 'd':
        *type = SHEET_DATE;
        break;
    case 'i':
        *type = SHEET_INLINE;
        return memcmp(p + 1, "inlineStr\"", 10) == 0 ? p + 11 : NULL;
    default:
        return NULL;
    }
    return p[2] == '"' ? p + 3 : NULL;
}

/* Behind an <f ...> that begins at p, or NULL. */
static const char *quick_formula(const char *p, const char *end)
{
    unsigned flags;

    p += 2;
    while (*p != '>') {
        if (*p == '"') {
            p = memchr(p + 1, '"', (size_t)(end - p - 1));
            if (!p)
                return NULL;
        } else if (*p == '\0' || *p == '\'' || *p == '<') {
            return NULL;
        }
        p++;
    }
    if (p[-1] == '/')
        return p + 1;
    p = xml_text_end(p + 1, end, &flags);
    return memcmp(p, "</f>", 4) == 0 ? p + 4 : NULL;
}

/* <is><t>text</t></is></c> without anything to decode or trim. */
static const char *quick_inline(const char *p, const char *end, struct sheet_cell *c)
{
    static const char preserve[] = "<is><t xml:space=\"preserve\">";
    bool trim = true;
    unsigned flags;

    if (memcmp(p, "<is><t>", 7) == 0) {
        p += 7;
    } else if (memcmp(p, preserve, sizeof preserve - 1) == 0) {
        p += sizeof preserve - 1;
        trim = false;
    } else {
        return NULL;
    }
    c->text = p;
    p = xml_text_end(p, end, &flags);
    c->n = (size_t)(p - c->text);
    if ((flags & (XML_SPECIAL | XML_UNDERSCORE)) || memcmp(p, "</t></is></c>", 13) != 0)
        return NULL;
    if (trim && c->n > 0 && (xml_space(c->text[0]) || xml_space(p[-1])))
        return NULL;
    if ((flags & XML_HIGH) && utf8_valid_prefix(c->text, c->n) != c->n)
        return NULL;
    return p + 13;
}

/* What stands in the tag behind the reference; *p moves to its '>' or "/>". */
static inline bool quick_attrs(const char **p, struct sheet_cell *c)
{
    const char *q = *p;

    while (*q == ' ') {
        if (q[1] == 's' && q[2] == '=' && q[3] == '"') {
            uint32_t style = 0;

            q += 4;
            if ((unsigned char)(*q - '0') > 9)
                return false;
            while ((unsigned char)(*q - '0') <= 9 && style < 1000000)
                style = style * 10 + (uint32_t)(*q++ - '0');
            if (*q++ != '"')
                return false;
            c->style = style;
        } else if (q[1] == 't' && q[2] == '=' && q[3] == '"') {
            q = quick_type(q + 3, &c->type);
            if (!q)
                return false;
        } else {
            return false;
        }
    }
    *p = q;
    return true;
}

/* The cell at p in one go; NULL when it has to go the slow way. */
static inline const char *quick_cell(struct sheet_scan *s, const char *p, struct sheet_cell *c)
{
    const char *end = s->in.end;
    uint32_t col, d;
    unsigned flags = 0;

    if (memcmp(p, "<c r=\"", 6) != 0)
        return NULL;
    p += 6;
    col = (uint32_t)(*p++ - 'A');
    if (col > 25)
        return NULL;
    while ((d = (uint32_t)(*p - 'A')) <= 25 && col < XLSX_MAX_COLUMNS) {
        col = (col + 1) * 26 + d;
        p++;
    }
    if (col >= XLSX_MAX_COLUMNS || (sheet_load8(p) & s->digits_mask) != s->digits)
        return NULL;
    p += s->n_digits;
    *c = (struct sheet_cell){ .row = s->row, .col = col, .style = UINT32_MAX };
    if (!quick_attrs(&p, c))
        return NULL;
    if (p[0] == '/' && p[1] == '>')
        return p + 2;
    if (*p++ != '>')
        return NULL;
    if (p[0] == '<' && p[1] == 'f' && (p[2] == '>' || p[2] == ' ' || p[2] == '/')) {
        c->formula = true;
        p = quick_formula(p, end);
        if (!p)
            return NULL;
    }
    if (p[0] != '<' || p[1] != 'v' || p[2] != '>') {
        if (memcmp(p, "</c>", 4) == 0)
            return p + 4;
        return c->type == SHEET_INLINE ? quick_inline(p, end, c) : NULL;
    }
    p += 3;
    if (c->type <= SHEET_SHARED) {
        const char *q = quick_number(p, &c->number);

        if (q && sheet_load8(q) == sheet_load8("</v></c>")) {
            c->has_number = true;
            return q + 8;
        }
    }
    c->text = p;
    p = xml_text_end(p, end, &flags);
    c->n = (size_t)(p - c->text);
    c->flags = (uint8_t)flags;
    if (c->type == SHEET_INLINE)
        c->type = SHEET_STRING;
    return sheet_load8(p) == sheet_load8("</v></c>") ? p + 8 : NULL;
}

/* <row r="7" ...> in one go; NULL when it has to go the slow way. */
static inline const char *quick_row(struct sheet_scan *s, const char *p)
{
    uint32_t row = 0;
    bool hidden = false;

    if (memcmp(p, "<row r=\"", 8) != 0)
        return NULL;
    p += 8;
    while ((unsigned char)(*p - '0') <= 9 && row <= XLSX_MAX_ROWS)
        row = row * 10 + (uint32_t)(*p++ - '0');
    if (row == 0 || row > XLSX_MAX_ROWS || *p != '"')
        return NULL;
    p++;
    while (*p != '>') {
        if (*p == 'h' && memcmp(p, "hidden=\"1\"", 10) == 0)
            hidden = true;
        if (*p == '/' || *p == '\0' || *p == '\'' || *p == '<')
            return NULL;
        if (*p == '"') {
            do
                p++;
            while (*p != '"' && *p != '\0');
            if (*p == '\0')
                return NULL;
        }
        p++;
    }
    sheet_set_row(s, row);
    s->row_hidden = hidden;
    return p + 1;
}

bool sheet_next(
    struct sheet_scan *s, struct sheet_cell *c, enum sheet_event *event, struct err *err)
{
    while (s->state < SHEET_BEHIND) {
        const char *p = s->in.p, *next;

        while (xml_space(*p))
            p++;
        s->in.p = p;
        if (s->state == SHEET_INSIDE) {
            next = quick_cell(s, p, c);
            if (next) {
                s->in.p = next;
                s->next_col = c->col + 1;
                *event = SHEET_CELL;
                return true;
            }
        } else if ((next = quick_row(s, p))) {
            s->in.p = next;
            s->state = SHEET_INSIDE;
            *event = SHEET_ROW;
            return true;
        }
        switch (sheet_look(s, c, err)) {
        case LOOK_ROW:
            *event = SHEET_ROW;
            return true;
        case LOOK_CELL:
            *event = SHEET_CELL;
            return true;
        case LOOK_CUT:
            if (s->in.eof)
                return xml_input_bad(&s->in, s->in.p, "it ends in the middle of the cells", err);
            if (!xml_input_more(&s->in, err))
                return false;
            break;
        case LOOK_BAD:
            return false;
        case LOOK_ON:
        case LOOK_END:
            break;
        }
    }
    *event = SHEET_END;
    return true;
}

void sheet_close(struct sheet_scan *s)
{
    xml_input_close(&s->in);
    buf_deinit(&s->text);
}
