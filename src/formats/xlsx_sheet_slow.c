/*
 * The cells of a worksheet part, token by token.
 *
 * An element is taken for what its local name says: sheets use no other vocabulary between their
 * rows, but for alternate content, of which the fallback is read.
 */
#include "formats/xlsx_sheet_int.h"

#include "base/utf8.h"
#include "formats/xlsx_rich.h"

#include <inttypes.h>
#include <stdio.h>

void sheet_set_row(struct sheet_scan *s, uint32_t row)
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
    s->digits = xlsx_load8(text);
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
            if (t.kind == XML_TEXT && t.next == s->in.end)
                return NULL; /* It may go on, and half a reference is none. */
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
    sheet_set_row(s, row);
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

enum look sheet_look(struct sheet_scan *s, struct sheet_cell *c, struct err *err)
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
