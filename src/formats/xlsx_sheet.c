/*
 * The cells of a worksheet part.
 *
 * Two ways lead through a cell. The quick one knows the shape that nearly all writers give it,
 *
 *   <c r="B7" s="2" t="s"><f>A1+1</f><v>12</v></c>
 *
 * reads it in one go and gives up, without a trace, at the first byte that is anything else:
 * another order, blanks, comments, CDATA, or the end of the window. The slow way
 * (xlsx_sheet_slow.c) then reads the cell token by token and knows all the rest.
 */
#include "formats/xlsx_sheet_int.h"

#include "base/utf8.h"

/*
 * The functions below are compiled twice, for sheets with and without a prefix before their elements:
 * np is its length, 0 in the usual case, where all that has to do with it falls away.
 */
#define QUICK static inline __attribute__((always_inline))

/* Step over `open` ("<" or "</"), the prefix and `rest`; false when something else stands at *p. */
QUICK bool take(const struct sheet_scan *s, unsigned np, const char **p, const char *open,
    size_t n_open, const char *rest, size_t n)
{
    const char *q = *p;

    if (memcmp(q, open, n_open) != 0 || memcmp(q + n_open, s->names, np) != 0 ||
        memcmp(q + n_open + np, rest, n) != 0)
        return false;
    *p = q + n_open + np + n;
    return true;
}

#define TAKE_OPEN(rest) take(s, np, &p, "<", 1, rest, sizeof(rest) - 1)
#define TAKE_CLOSE(rest) take(s, np, &p, "</", 2, rest, sizeof(rest) - 1)

/* Behind the </v></c> at p, or NULL. */
QUICK const char *value_end(const struct sheet_scan *s, unsigned np, const char *p)
{
    if (np == 0)
        return xlsx_load8(p) == xlsx_load8("</v></c>") ? p + 8 : NULL;
    return TAKE_CLOSE("v>") && TAKE_CLOSE("c>") ? p : NULL;
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

/* Behind an <f ...> of which p is behind the name, or NULL. */
QUICK const char *quick_formula(const struct sheet_scan *s, unsigned np, const char *p)
{
    const char *end = s->in.end;
    unsigned flags;

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
    return TAKE_CLOSE("f>") ? p : NULL;
}

/* text</t></is></c> without anything to decode or trim, behind the <t>. */
QUICK const char *quick_text(
    const struct sheet_scan *s, unsigned np, const char *p, bool trim, struct sheet_cell *c)
{
    unsigned flags;

    c->text = p;
    p = xml_text_end(p, s->in.end, &flags);
    c->n = (size_t)(p - c->text);
    c->padded = true;
    if (flags & (XML_SPECIAL | XML_UNDERSCORE))
        return NULL;
    if (np == 0) {
        if (memcmp(p, "</t></is></c>", 13) != 0)
            return NULL;
        p += 13;
    } else if (!TAKE_CLOSE("t>") || !TAKE_CLOSE("is>") || !TAKE_CLOSE("c>")) {
        return NULL;
    }
    if (trim && c->n > 0 && (xml_space(c->text[0]) || xml_space(c->text[c->n - 1])))
        return NULL;
    if ((flags & XML_HIGH) && utf8_valid_prefix(c->text, c->n) != c->n)
        return NULL;
    return p;
}

/* The same from the <is> on. */
QUICK const char *quick_inline(
    const struct sheet_scan *s, unsigned np, const char *p, struct sheet_cell *c)
{
    if (!TAKE_OPEN("is>"))
        return NULL;
    if (TAKE_OPEN("t>"))
        return quick_text(s, np, p, true, c);
    return TAKE_OPEN("t xml:space=\"preserve\">") ? quick_text(s, np, p, false, c) : NULL;
}

/* The value, behind the <v>. */
QUICK const char *quick_value(
    const struct sheet_scan *s, unsigned np, const char *p, struct sheet_cell *c)
{
    unsigned flags = 0;

    if (c->type <= SHEET_SHARED) {
        const char *q = xlsx_number(p, &c->number);

        if (q && (q = value_end(s, np, q))) {
            c->has_number = true;
            return q;
        }
    }
    c->text = p;
    p = xml_text_end(p, s->in.end, &flags);
    c->n = (size_t)(p - c->text);
    c->padded = true;
    c->flags = (uint8_t)flags;
    if (c->type == SHEET_INLINE)
        c->type = SHEET_STRING;
    return value_end(s, np, p);
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
        } else if (q[1] == '/' || q[1] == '>') {
            q++;
            break;
        } else {
            return false;
        }
    }
    *p = q;
    return true;
}

/* From behind the reference on, with attributes of its own and perhaps a formula. */
QUICK const char *quick_content(
    const struct sheet_scan *s, unsigned np, const char *p, struct sheet_cell *c)
{
    if (!quick_attrs(&p, c))
        return NULL;
    if (p[0] == '/' && p[1] == '>')
        return p + 2;
    if (*p++ != '>')
        return NULL;
    if (TAKE_OPEN("f")) {
        c->formula = true;
        p = *p == '>' || *p == ' ' || *p == '/' ? quick_formula(s, np, p) : NULL;
        if (!p)
            return NULL;
    }
    if (TAKE_OPEN("v>"))
        return quick_value(s, np, p, c);
    if (TAKE_CLOSE("c>"))
        return p;
    return c->type == SHEET_INLINE ? quick_inline(s, np, p, c) : NULL;
}

/* The cell at p in one go; NULL when it has to go the slow way. */
QUICK const char *quick_cell(
    const struct sheet_scan *s, unsigned np, const char *p, struct sheet_cell *c)
{
    static const char number[] = "><v>", shared[] = " t=\"s\"><v>";
    static const char text[] = " t=\"inlineStr\"><is><t>";
    uint32_t col, d;

    if (!TAKE_OPEN("c r=\""))
        return NULL;
    col = (uint32_t)(*p++ - 'A');
    if (col > 25)
        return NULL;
    while ((d = (uint32_t)(*p - 'A')) <= 25 && col < XLSX_MAX_COLUMNS) {
        col = (col + 1) * 26 + d;
        p++;
    }
    if (col >= XLSX_MAX_COLUMNS || (xlsx_load8(p) & s->digits_mask) != s->digits)
        return NULL;
    p += s->n_digits;
    *c = (struct sheet_cell){ .row = s->row, .col = col, .style = UINT32_MAX };
    /* Cells without a style have one of three openings, each compared in one go. */
    if (np == 0 && memcmp(p, number, sizeof number - 1) == 0)
        return quick_value(s, np, p + sizeof number - 1, c);
    if (np == 0 && memcmp(p, shared, sizeof shared - 1) == 0) {
        c->type = SHEET_SHARED;
        return quick_value(s, np, p + sizeof shared - 1, c);
    }
    if (np == 0 && memcmp(p, text, sizeof text - 1) == 0) {
        c->type = SHEET_INLINE;
        return quick_text(s, np, p + sizeof text - 1, true, c);
    }
    return quick_content(s, np, p, c);
}

/* <row r="7" ...> in one go; NULL when it has to go the slow way. */
QUICK const char *quick_row(struct sheet_scan *s, unsigned np, const char *p)
{
    uint32_t row = 0;
    bool hidden = false;
    const char *digits;

    if (!TAKE_OPEN("row r=\""))
        return NULL;
    digits = p;
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
    sheet_set_row_text(s, row, digits);
    s->row_hidden = hidden;
    return p + 1;
}

/* A sheet with a prefix before its elements. */
static const char *quick_prefixed(struct sheet_scan *s, const char *p, struct sheet_cell *c)
{
    if (s->n_prefix > SHEET_QUICK_PREFIX)
        return NULL;
    if (s->state == SHEET_BETWEEN)
        return quick_row(s, s->n_prefix, p);
    return quick_cell(s, s->n_prefix, p, c);
}

/*
 * The next cell or row. A row's end is stepped over on the way to the next row: one that has to go
 * the slow way is then looked at from its start tag.
 */
static inline const char *quick(struct sheet_scan *s, const char *p, struct sheet_cell *c)
{
    static const char end[] = "</row>";
    const char *next;

    if (s->n_prefix)
        return quick_prefixed(s, p, c);
    if (s->state == SHEET_INSIDE) {
        next = quick_cell(s, 0, p, c);
        if (next || memcmp(p, end, sizeof end - 1) != 0)
            return next;
        s->state = SHEET_BETWEEN;
        p += sizeof end - 1;
        while (xml_space(*p))
            p++;
        s->in.p = p;
    }
    return quick_row(s, 0, p);
}

bool sheet_next(
    struct sheet_scan *s, struct sheet_cell *c, enum sheet_event *event, struct err *err)
{
    while (s->state < SHEET_BEHIND) {
        const char *p = s->in.p, *next;

        while (xml_space(*p))
            p++;
        s->in.p = p;
        next = quick(s, p, c);
        if (next) {
            s->in.p = next;
            if (s->state == SHEET_INSIDE) {
                s->next_col = c->col + 1;
                *event = SHEET_CELL;
            } else {
                s->state = SHEET_INSIDE;
                *event = SHEET_ROW;
            }
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
