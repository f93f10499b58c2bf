/*
 * The cells of a worksheet part.
 *
 * Two ways lead through a cell. The quick one knows the shape that nearly all writers give it,
 *
 *   <c r="B7" s="2" t="s"><f>A1+1</f><v>12</v></c>
 *
 * reads it in one go and gives up, without a trace, at the first byte that is anything else: another
 * order, a prefix, blanks, comments, CDATA, or the end of the window. The slow way then reads the cell token
 * by token and knows all the rest. An element is taken for what its local name says; sheets use no other
 * vocabulary between their rows, but for alternate content, of which the fallback is read.
 */
#include "formats/xlsx_sheet.h"

#include "base/utf8.h"
#include "formats/xlsx_rich.h"

#include <inttypes.h>
#include <stdio.h>

/* What a look at one construct came to; after CUT the window slides and it is looked at again. */
enum look { LOOK_ROW, LOOK_CELL, LOOK_ON, LOOK_CUT, LOOK_END, LOOK_BAD };

static inline uint64_t load8(const char *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

static void set_row(struct sheet_scan *s, uint32_t row)
{
    char text[8] = { 0 };
    unsigned n = 0;

    for (uint32_t rest = row; rest > 0; rest /= 10)
        n++;
    text[n] = '"';
    for (uint32_t rest = row, i = n; i > 0; rest /= 10)
        text[--i] = (char)('0' + rest % 10);
    s->row = row;
    s->n_digits = n + 1;
    s->digits_mask = n == 7 ? UINT64_MAX : ((uint64_t)1 << (8 * (n + 1))) - 1;
    s->digits = load8(text);
    s->next_col = 0;
    s->row_hidden = false;
}

bool sheet_reference(const char *p, size_t n, uint32_t *col, uint32_t *row)
{
    const char *end = p + n;
    uint32_t c = 0, r = 0;
    int letters = 0, digits = 0;

    if (p < end && *p == '$')
        p++;
    for (; p < end && letters < 4; p++, letters++) {
        uint32_t d = (uint32_t)((*p & ~0x20) - 'A');

        if (d > 25)
            break;
        c = c * 26 + d + 1;
    }
    if (p < end && *p == '$')
        p++;
    for (; p < end && *p >= '0' && *p <= '9' && digits < 8; p++, digits++)
        r = r * 10 + (uint32_t)(*p - '0');
    if (p != end || letters == 0 || letters > 3 || c > XLSX_MAX_COLUMNS || r == 0 ||
        r > XLSX_MAX_ROWS)
        return false;
    *col = c - 1;
    *row = r;
    return true;
}

/* ---- The quick way ---------------------------------------------------------------------------- */

/*
 * A number of at most 15 digits or so, up to the '<' behind it: the value is a whole number below 2^53 over
 * an exact power of ten, so the division is rounded correctly. NULL: parse it another way.
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
    if (col >= XLSX_MAX_COLUMNS || (load8(p) & s->digits_mask) != s->digits)
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

        if (q && load8(q) == load8("</v></c>")) {
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
    return load8(p) == load8("</v></c>") ? p + 8 : NULL;
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
    set_row(s, row);
    s->row_hidden = hidden;
    return p + 1;
}

/* ---- The slow way ----------------------------------------------------------------------------- */

static bool parse_u32(struct str v, uint32_t *out)
{
    uint64_t n = 0;

    if (v.n == 0 || v.n > 10)
        return false;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(v.p[i] - '0');
    }
    if (n > UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

static enum look bad(const struct sheet_scan *s, const char *at, const char *what, struct err *err)
{
    xml_input_bad(&s->in, at, what, err);
    return LOOK_BAD;
}

static enum look bad_reference(
    const struct sheet_scan *s, const char *at, const char *what, struct str value, struct err *err)
{
    char text[128];

    snprintf(text, sizeof text, "%s '%.*s' is not one that a sheet has (A1 to XFD1048576)", what,
        value.n > 24 ? 24 : (int)value.n, value.p);
    return bad(s, at, text, err);
}

static enum sheet_type type_of(struct str v)
{
    static const struct {
        const char *name;
        enum sheet_type type;
    } types[] = { { "s", SHEET_SHARED }, { "n", SHEET_NUMBER }, { "b", SHEET_BOOL },
        { "e", SHEET_ERROR }, { "str", SHEET_STRING }, { "inlineStr", SHEET_INLINE },
        { "d", SHEET_DATE } };

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_is(v, types[i].name))
            return types[i].type;
    }
    return SHEET_STRING; /* Something new: its text is kept as it is. */
}

static bool cell_attrs(
    struct sheet_scan *s, const struct xml_token *t, struct sheet_cell *c, struct err *err)
{
    struct str rest = t->attrs, name, value;
    bool placed = false;

    *c = (struct sheet_cell){ .row = s->row, .style = UINT32_MAX };
    while (xml_attr(&rest, &name, &value)) {
        if (str_is(name, "r")) {
            if (!sheet_reference(value.p, value.n, &c->col, &c->row)) {
                bad_reference(s, t->name.p, "the cell reference", value, err);
                return false;
            }
            placed = true;
        } else if (str_is(name, "s")) {
            if (!parse_u32(value, &c->style))
                c->style = UINT32_MAX;
        } else if (str_is(name, "t")) {
            c->type = (uint8_t)type_of(value);
        }
    }
    if (!rest.p)
        return xml_input_bad(&s->in, t->name.p, "a cell's attributes are malformed", err);
    if (!placed)
        c->col = s->next_col;
    if (c->col >= XLSX_MAX_COLUMNS)
        return xml_input_bad(&s->in, t->name.p, "a row has more than 16,384 cells", err);
    if (c->row != s->row)
        s->repositioned = true;
    return true;
}

/* The text of <v>, behind its start tag, decoded and appended to s->text. */
static const char *slow_value(
    struct sheet_scan *s, const char *p, struct str name, bool text, const char **why)
{
    struct xml_token t;
    size_t n;
    char *room;

    *why = NULL;
    for (;; p = t.next) {
        switch (xml_token(p, s->in.end, &t)) {
        case XML_TEXT:
        case XML_CDATA:
            room = buf_reserve(&s->text, t.text.n + 1);
            if (!room)
                break;
            n = t.text.n;
            if (t.kind == XML_CDATA) {
                memcpy(room, t.text.p, n);
            } else if (!xml_decode(t.text.p, n, room, &n)) {
                *why = "an unknown entity in a cell";
                return NULL;
            }
            s->text.len += n;
            break;
        case XML_START:
            t.next = rich_skip(t.next, s->in.end, t.name, why);
            if (!t.next)
                return NULL;
            break;
        case XML_END:
            if (t.name.n != name.n || memcmp(t.name.p, name.p, name.n) != 0) {
                *why = "an end tag does not match its start tag";
                return NULL;
            }
            if (utf8_valid_prefix(s->text.data, s->text.len) != s->text.len) {
                *why = "text that is not UTF-8";
                return NULL;
            }
            if (text && s->text.len > 0)
                s->text.len = rich_unescape(s->text.data, s->text.len);
            return t.next;
        case XML_MORE:
            return NULL;
        case XML_BAD:
        case XML_DTD:
            *why = "a tag is malformed";
            return NULL;
        default:
            break;
        }
    }
}

static bool is_text_type(uint8_t type)
{
    return type == SHEET_STRING || type == SHEET_INLINE;
}

/* One child element of a cell; returns behind it. */
static const char *slow_child(
    struct sheet_scan *s, const struct xml_token *t, struct sheet_cell *c, const char **why)
{
    struct str local = xml_local(t->name);
    const char *end = s->in.end;

    *why = NULL;
    if (str_is(local, "f"))
        c->formula = true;
    if (t->kind == XML_EMPTY)
        return t->next;
    if (str_is(local, "v") && !(c->type == SHEET_INLINE && s->text.len > 0)) {
        buf_reset(&s->text);
        return slow_value(s, t->next, t->name, is_text_type(c->type), why);
    }
    if (str_is(local, "is") && (is_text_type(c->type) || c->type == SHEET_NUMBER)) {
        c->type = SHEET_INLINE;
        buf_reset(&s->text);
        return rich_item(t->next, end, t->name, &s->text, why);
    }
    return rich_skip(t->next, end, t->name, why);
}

/* The cell whose start tag is t, token by token. */
static enum look slow_cell(
    struct sheet_scan *s, const struct xml_token *start, struct sheet_cell *c, struct err *err)
{
    const char *p = start->next, *why = NULL;
    struct xml_token t;
    bool open = start->kind == XML_START;

    if (!cell_attrs(s, start, c, err))
        return LOOK_BAD;
    buf_reset(&s->text);
    while (open) {
        switch (xml_token(p, s->in.end, &t)) {
        case XML_START:
        case XML_EMPTY:
            t.next = slow_child(s, &t, c, &why);
            if (!t.next)
                return why ? bad(s, p, why, err) : LOOK_CUT;
            break;
        case XML_END:
            if (t.name.n != start->name.n || memcmp(t.name.p, start->name.p, t.name.n) != 0)
                return bad(s, p, "an end tag does not match its start tag", err);
            open = false;
            break;
        case XML_MORE:
            return LOOK_CUT;
        case XML_BAD:
        case XML_DTD:
            return bad(s, p, "a tag is malformed", err);
        default:
            break;
        }
        p = t.next;
    }
    if (!buf_ok(&s->text, "the text of a cell", err))
        return LOOK_BAD;
    if (is_text_type(c->type))
        c->type = SHEET_INLINE; /* Decoded now, wherever it stood. */
    c->text = s->text.len ? s->text.data : "";
    c->n = s->text.len;
    s->next_col = c->col + 1;
    s->in.p = p;
    return LOOK_CELL;
}

/* A row without a number of its own stands where its first cell says, else below the one before. */
static enum look guess_row(
    struct sheet_scan *s, const struct xml_token *start, uint32_t *row, struct err *err)
{
    const char *p = start->next;
    struct xml_token t;
    struct str ref;
    uint32_t col, found;

    *row = s->row + 1;
    if (start->kind == XML_EMPTY)
        return LOOK_ON;
    while (xml_space(*p))
        p++;
    switch (xml_token(p, s->in.end, &t)) {
    case XML_MORE:
        return s->in.eof ? bad(s, p, "it ends inside a row", err) : LOOK_CUT;
    case XML_START:
    case XML_EMPTY:
        if (str_is(xml_local(t.name), "c") && xml_attr_find(t.attrs, "r", &ref) &&
            sheet_reference(ref.p, ref.n, &col, &found))
            *row = found;
        return LOOK_ON;
    default:
        return LOOK_ON;
    }
}

static enum look slow_row(struct sheet_scan *s, const struct xml_token *t, struct err *err)
{
    struct str rest = t->attrs, name, value;
    bool hidden = false, placed = false;
    uint32_t row = 0;
    enum look look;

    while (xml_attr(&rest, &name, &value)) {
        if (str_is(name, "r")) {
            placed = true;
            if (!parse_u32(value, &row) || row == 0 || row > XLSX_MAX_ROWS)
                return bad_reference(s, t->name.p, "the row number", value, err);
        } else if (str_is(name, "hidden")) {
            hidden = str_is(value, "1") || str_is(value, "true");
        }
    }
    if (!rest.p)
        return bad(s, t->name.p, "a row's attributes are malformed", err);
    if (!placed) {
        look = guess_row(s, t, &row, err);
        if (look != LOOK_ON)
            return look;
        if (row > XLSX_MAX_ROWS)
            return bad(s, t->name.p, "it has more than 1,048,576 rows", err);
    }
    set_row(s, row);
    s->row_hidden = hidden;
    s->state = t->kind == XML_START ? SHEET_INSIDE : SHEET_BETWEEN;
    s->in.p = t->next;
    return LOOK_ROW;
}

/* A start tag where rows or cells may stand. */
static enum look slow_start(
    struct sheet_scan *s, const struct xml_token *t, struct sheet_cell *c, struct err *err)
{
    struct str local = xml_local(t->name);
    const char *next = t->next, *why = NULL;

    if (s->state == SHEET_BETWEEN && str_is(local, "row"))
        return slow_row(s, t, err);
    if (s->state == SHEET_INSIDE && str_is(local, "c"))
        return slow_cell(s, t, c, err);
    if (t->kind == XML_START && (str_is(local, "AlternateContent") || str_is(local, "Fallback"))) {
        if (++s->fallback > XML_MAX_DEPTH)
            return bad(s, t->name.p, "elements are nested too deep", err);
    } else if (t->kind == XML_START) {
        next = rich_skip(t->next, s->in.end, t->name, &why);
        if (!next)
            return why ? bad(s, t->name.p, why, err) : LOOK_CUT;
    }
    s->in.p = next;
    return LOOK_ON;
}

static enum look slow_end(struct sheet_scan *s, const struct xml_token *t, struct err *err)
{
    struct str local = xml_local(t->name);

    if (s->fallback > 0 && (str_is(local, "AlternateContent") || str_is(local, "Fallback"))) {
        s->fallback--;
    } else if (s->state == SHEET_INSIDE && str_is(local, "row")) {
        s->state = SHEET_BETWEEN;
    } else if (s->state == SHEET_BETWEEN && str_is(local, "sheetData") && s->fallback == 0) {
        s->state = SHEET_BEHIND;
        s->in.p = t->next;
        return LOOK_END;
    } else {
        return bad(s, t->name.p, "an end tag does not match its start tag", err);
    }
    s->in.p = t->next;
    return LOOK_ON;
}

static enum look slow_look(struct sheet_scan *s, struct sheet_cell *c, struct err *err)
{
    struct xml_token t;
    const char *p = s->in.p;

    switch (xml_token(p, s->in.end, &t)) {
    case XML_START:
    case XML_EMPTY:
        return slow_start(s, &t, c, err);
    case XML_END:
        return slow_end(s, &t, err);
    case XML_MORE:
        return LOOK_CUT;
    case XML_OTHER:
        s->in.p = t.next;
        return LOOK_ON;
    case XML_DTD:
        return bad(s, p, "it holds a document type definition, which is never read", err);
    case XML_TEXT:
        return bad(s, p, "there is text between its cells", err);
    default:
        return bad(s, p, "a tag is malformed", err);
    }
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
        switch (slow_look(s, c, err)) {
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
