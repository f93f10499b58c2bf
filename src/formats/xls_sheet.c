/*
 * The cells of a sheet of an old workbook.
 *
 * Every cell is a record of its own (row, column, style, value), but for MULRK, which holds a run
 * of numbers. Of formulas only the result counts; a text result is in a STRING record behind. Blank
 * cells are passed over.
 */
#include "formats/xls_sheet.h"

#include "formats/little_endian.h"

#include <math.h>

enum {
    CELL_HEAD = 6,  /* Row, column, style. */
    MULRK_ITEM = 6, /* Style, number. */
    FORMULA_LEAST = 14,
    RESULT_TEXT = 0, /* What a formula without a number has as its result. */
    RESULT_BOOL = 1,
    RESULT_ERROR = 2,
    ROW_HIDDEN = 0x20,
    COLUMN_HIDDEN = 0x01,
    RANGE_BYTES = 8
};

static bool damaged(
    const struct xls_sheet *s, const struct xls_record *r, const char *what, struct err *err)
{
    return xls_records_damaged(&s->at, r->at, what, err);
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* 30 bits of a whole number or of a double, and whether it is to be divided by 100. */
static double rk_number(uint32_t rk)
{
    enum { CENTS = 1, WHOLE = 2 };
    double v;

    if (rk & WHOLE) {
        v = (double)((int32_t)rk >> 2);
    } else {
        uint64_t bits = (uint64_t)(rk & ~UINT32_C(3)) << 32;

        memcpy(&v, &bits, sizeof v);
    }
    return rk & CENTS ? v / 100 : v;
}

static void set_text(struct sheet_cell *c, enum sheet_type type, const char *text, size_t n)
{
    c->type = (uint8_t)type;
    c->text = text;
    c->n = n;
}

static void set_number(struct sheet_cell *c, double v)
{
    if (!isfinite(v)) {
        set_text(c, SHEET_ERROR, "#NUM!", 5);
        return;
    }
    c->type = SHEET_NUMBER;
    c->has_number = true;
    c->number = v;
}

static void set_bool(struct sheet_cell *c, bool v)
{
    set_text(c, SHEET_BOOL, v ? "1" : "0", 1);
}

static void set_error(struct sheet_cell *c, unsigned code)
{
    static const struct {
        unsigned code;
        const char *token;
    } errors[] = { { 0x00, "#NULL!" }, { 0x07, "#DIV/0!" }, { 0x0F, "#VALUE!" }, { 0x17, "#REF!" },
        { 0x1D, "#NAME?" }, { 0x24, "#NUM!" }, { 0x2A, "#N/A" }, { 0x2B, "#GETTING_DATA" } };
    const char *token = "#VALUE!";

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        if (errors[i].code == code)
            token = errors[i].token;
    }
    set_text(c, SHEET_ERROR, token, strlen(token));
}

/* A text that the record, or the one `b` stands in, holds from there on. */
static bool read_text(struct xls_sheet *s, struct xls_bytes *b, struct sheet_cell *c,
    const struct xls_record *r, struct err *err)
{
    size_t n;

    if (!xls_string(b, &s->book->set, 2, s->text, &n))
        return damaged(s, r, "the text of a cell is cut", err);
    set_text(c, SHEET_INLINE, s->text, n);
    return true;
}

/* The STRING record behind a formula, past those that belong to the formula. */
static bool formula_text(
    struct xls_sheet *s, struct sheet_cell *c, const struct xls_record *formula, struct err *err)
{
    struct xls_records behind = s->at;
    struct xls_record r;
    struct xls_bytes b;
    bool got;

    do {
        if (!xls_records_next(&behind, &r, &got, err))
            return false;
    } while (got && (r.id == XLS_SHRFMLA || r.id == XLS_ARRAY || r.id == XLS_TABLE ||
                        r.id == XLS_CONTINUE));
    if (!got || (r.id != XLS_STRING && r.id != (XLS_STRING & 0xFF)))
        return true; /* Without a value; the reader counts it. */
    xls_bytes_init(&b, &behind, &r);
    return read_text(s, &b, c, formula, err);
}

static bool formula_value(
    struct xls_sheet *s, const struct xls_record *r, struct sheet_cell *c, struct err *err)
{
    const unsigned char *result = r->p + CELL_HEAD;

    if (r->n < FORMULA_LEAST)
        return damaged(s, r, "a formula is cut", err);
    c->formula = true;
    if (le16(result + 6) != 0xFFFF) {
        set_number(c, le_double(result));
        return true;
    }
    switch (result[0]) {
    case RESULT_TEXT:
        return formula_text(s, c, r, err);
    case RESULT_BOOL:
        set_bool(c, result[2] != 0);
        return true;
    case RESULT_ERROR:
        set_error(c, result[2]);
        return true;
    default: /* An empty text. */
        set_text(c, SHEET_INLINE, "", 0);
        return true;
    }
}

/* ---- Records --------------------------------------------------------------------------------- */

/* Bytes that a record of this id has at least; 0: it is no cell with a value. */
static size_t cell_least(unsigned id)
{
    switch (id) {
    case XLS_NUMBER:
        return CELL_HEAD + 8;
    case XLS_RK:
    case XLS_LABELSST:
        return CELL_HEAD + 4;
    case XLS_BOOLERR:
    case XLS_LABEL:
    case XLS_RSTRING:
        return CELL_HEAD + 2;
    case XLS_FORMULA:
    case XLS_FORMULA_3:
    case XLS_FORMULA_4:
        return FORMULA_LEAST;
    case XLS_MULRK:
        return 4 + MULRK_ITEM + 2;
    default:
        return 0;
    }
}

/* Is `r` a record of cells? They have all their fixed fields then. */
static bool is_cell(
    const struct xls_sheet *s, const struct xls_record *r, bool *cell, struct err *err)
{
    size_t least = cell_least(r->id);

    *cell = least > 0;
    if (least == 0)
        return true;
    if (r->n < least)
        return damaged(s, r, "a cell is cut", err);
    if (le16(r->p + 2) >= XLSX_MAX_COLUMNS)
        return damaged(s, r, "a cell lies beyond the last column", err);
    return true;
}

/* A cell of a record that is_cell() but not MULRK. */
static bool single_cell(
    struct xls_sheet *s, const struct xls_record *r, struct sheet_cell *c, struct err *err)
{
    struct xls_bytes b;

    *c = (struct sheet_cell){
        .row = le16(r->p) + 1U, .col = le16(r->p + 2), .style = le16(r->p + 4)
    };
    switch (r->id) {
    case XLS_NUMBER:
        set_number(c, le_double(r->p + CELL_HEAD));
        return true;
    case XLS_RK:
        set_number(c, rk_number(le32(r->p + CELL_HEAD)));
        return true;
    case XLS_LABELSST:
        c->type = SHEET_SHARED;
        c->has_number = true;
        c->number = le32(r->p + CELL_HEAD);
        return true;
    case XLS_BOOLERR:
        if (r->p[CELL_HEAD + 1])
            set_error(c, r->p[CELL_HEAD]);
        else
            set_bool(c, r->p[CELL_HEAD] != 0);
        return true;
    case XLS_LABEL:
    case XLS_RSTRING:
        xls_bytes_init(&b, &s->at, r);
        b.p += CELL_HEAD;
        return read_text(s, &b, c, r, err);
    default:
        return formula_value(s, r, c, err);
    }
}

/* The next cell of s->many; false when it has no more. */
static bool next_of_many(struct xls_sheet *s, struct sheet_cell *c)
{
    uint32_t items = (uint32_t)((s->many.n - 6) / MULRK_ITEM), i = s->many_next;
    uint32_t col = le16(s->many.p + 2) + i;
    const unsigned char *item = s->many.p + 4 + (size_t)i * MULRK_ITEM;

    if (i >= items || col >= XLSX_MAX_COLUMNS) {
        s->many.p = NULL;
        return false;
    }
    *c = (struct sheet_cell){ .row = le16(s->many.p) + 1U, .col = col, .style = le16(item) };
    set_number(c, rk_number(le32(item + 2)));
    s->many_next++;
    return true;
}

/*
 * The next record of the sheet itself, not of a chart in it; *got is false at its end. *cell tells
 * whether it is one with cells.
 */
static bool next_record(
    struct xls_sheet *s, struct xls_record *r, bool *got, bool *cell, struct err *err)
{
    for (;;) {
        if (!xls_records_next(&s->at, r, got, err))
            return false;
        if (!*got)
            return true;
        if (r->id == XLS_BOF) {
            s->depth++;
        } else if (r->id == XLS_EOF) {
            s->depth -= s->depth > 0;
            *got = s->depth > 0;
            if (!*got)
                return true;
        } else if (s->depth == 1) {
            return is_cell(s, r, cell, err);
        }
    }
}

static bool next_cell_record(struct xls_sheet *s, struct xls_record *r, bool *got, struct err *err)
{
    bool cell = false;

    if (s->order) {
        *got = s->next_order < s->n_order;
        if (!*got)
            return true;
        s->at.at = (size_t)(s->order[s->next_order++] & UINT32_MAX);
        return xls_records_next(&s->at, r, got, err);
    }
    do {
        if (!next_record(s, r, got, &cell, err))
            return false;
    } while (*got && !cell);
    return true;
}

/* The next cell, whatever its row. */
static bool next_cell(struct xls_sheet *s, struct sheet_cell *c, bool *got, struct err *err)
{
    struct xls_record r;

    *got = true;
    for (;;) {
        if (s->many.p && next_of_many(s, c))
            return true;
        if (!next_cell_record(s, &r, got, err))
            return false;
        if (!*got)
            return true;
        if (r.id != XLS_MULRK)
            return single_cell(s, &r, c, err);
        s->many = r;
        s->many_next = 0;
    }
}

/* ---- The feed -------------------------------------------------------------------------------- */

static bool is_hidden(const struct xls_sheet *s, uint32_t row)
{
    return s->hidden[(row - 1) / 8] >> (row - 1) % 8 & 1;
}

static bool feed_next(
    struct xlsx_feed *f, struct sheet_cell *c, enum sheet_event *event, struct err *err)
{
    struct xls_sheet *s = (struct xls_sheet *)(void *)f;
    bool got = true;

    if (s->holds) {
        *c = s->held;
        s->holds = false;
        *event = SHEET_CELL;
        return true;
    }
    if (!next_cell(s, c, &got, err))
        return false;
    *event = got ? SHEET_CELL : SHEET_END;
    if (!got || c->row == f->row)
        return true;
    s->held = *c;
    s->holds = true;
    f->row = c->row;
    f->row_hidden = is_hidden(s, c->row);
    *event = SHEET_ROW;
    return true;
}

static void feed_rewind(struct xlsx_feed *f)
{
    struct xls_sheet *s = (struct xls_sheet *)(void *)f;

    f->row = 0;
    f->row_hidden = false;
    s->at = s->book->records;
    s->at.at = s->begin;
    s->depth = 0;
    s->many.p = NULL;
    s->holds = false;
    s->next_order = 0;
}

bool xls_sheet_open(struct xls_sheet *s, const struct xls_book *book, size_t at,
    struct arena *arena, struct err *err)
{
    s->feed.next = feed_next;
    s->feed.rewind = feed_rewind;
    s->book = book;
    s->arena = arena;
    s->begin = at;
    s->text = arena_alloc(arena, XLS_STRING_MAX);
    if (!s->text)
        return err_nomem(err);
    feed_rewind(&s->feed);
    return true;
}

/* ---- The survey ------------------------------------------------------------------------------ */

/* What the first walk over the records finds out. */
struct walk {
    bool merges, ordered;
    size_t n_cells;  /* Records. */
    size_t n_ranges; /* An upper bound. */
};

static bool add_ranges(
    struct xls_sheet *s, const struct xls_record *r, struct xlsx_survey *out, struct err *err)
{
    size_t n = r->n >= 2 ? le16(r->p) : 0;

    if (n > 0 && n > (r->n - 2) / RANGE_BYTES)
        return damaged(s, r, "a list of merged cells is cut", err);
    for (size_t i = 0; i < n; i++) {
        const unsigned char *p = r->p + 2 + i * RANGE_BYTES;
        struct sheet_range range = { le16(p) + 1U, le16(p + 2) + 1U, le16(p + 4), le16(p + 6) };

        if (range.row2 < range.row1 || range.col2 < range.col1 ||
            (range.row1 == range.row2 && range.col1 == range.col2))
            continue;
        /* Whole columns and rows of 256 or 65,536 cells do not make the table that large. */
        if (range.row1 == 1 && range.row2 == XLS_MAX_ROWS)
            range.row2 = XLSX_MAX_ROWS;
        if (range.col1 == 0 && range.col2 == 255)
            range.col2 = XLSX_MAX_COLUMNS - 1;
        out->merges[out->n_merges++] = range;
    }
    return true;
}

static bool walk(struct xls_sheet *s, struct walk *w, struct err *err)
{
    struct xls_record r;
    uint32_t row = 0;
    bool got, cell;

    feed_rewind(&s->feed);
    for (;;) {
        if (!next_record(s, &r, &got, &cell, err))
            return false;
        if (!got)
            break;
        if (cell) {
            w->ordered = w->ordered && le16(r.p) >= row;
            row = le16(r.p);
            w->n_cells++;
        } else if (r.id == XLS_ROW && r.n >= 14 && r.p[12] & ROW_HIDDEN) {
            s->hidden[le16(r.p) / 8] |= (unsigned char)(1U << le16(r.p) % 8);
        } else if (r.id == XLS_COLINFO && r.n >= 10 && r.p[8] & COLUMN_HIDDEN) {
            for (unsigned c = le16(r.p); c <= le16(r.p + 2) && c < XLS_MAX_COLUMNS; c++)
                s->hidden_columns[c] = true;
        } else if (r.id == XLS_MERGEDCELLS && w->merges) {
            w->n_ranges += r.n / RANGE_BYTES;
        }
    }
    s->end = s->at.at;
    return true;
}

static bool collect_merges(
    struct xls_sheet *s, const struct walk *w, struct xlsx_survey *out, struct err *err)
{
    struct xls_record r;
    bool got = true, cell;

    if (w->n_ranges > XLSX_MAX_MERGES)
        return err_set(err, ERR_BUDGET, "'%s': the sheet has more than %d merged ranges",
            s->at.label, XLSX_MAX_MERGES);
    out->merges = arena_calloc(s->arena, w->n_ranges + 1, sizeof *out->merges);
    if (!out->merges)
        return err_nomem(err);
    feed_rewind(&s->feed);
    while (got) {
        if (!next_record(s, &r, &got, &cell, err))
            return false;
        if (got && r.id == XLS_MERGEDCELLS && !add_ranges(s, &r, out, err))
            return false;
    }
    xlsx_survey_sort_merges(out);
    return true;
}

static int by_row(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Records of a row stay in the order of the file, so that of doubled cells the last one counts. */
static bool sort_rows(struct xls_sheet *s, size_t n, struct err *err)
{
    uint64_t *order = arena_calloc(s->arena, n, sizeof *order);
    struct xls_record r;
    size_t i = 0;
    bool got, cell;

    if (!order)
        return err_set(err, ERR_BUDGET,
            "'%s': the rows of the sheet are not in order, and sorting them needs more memory than "
            "the limit allows; open and save the file in Excel",
            s->at.label);
    feed_rewind(&s->feed);
    while (i < n) {
        if (!next_record(s, &r, &got, &cell, err))
            return false;
        if (!got)
            break;
        if (cell)
            order[i++] = (uint64_t)le16(r.p) << 32 | r.at;
    }
    qsort(order, i, sizeof *order, by_row);
    s->order = order;
    s->n_order = i;
    return true;
}

static bool look_at_values(struct xls_sheet *s, const struct xlsx_strings *strings, uint32_t from,
    bool second, struct xlsx_survey *out, struct err *err)
{
    enum sheet_event event;
    struct sheet_cell c;

    feed_rewind(&s->feed);
    for (;;) {
        if (!feed_next(&s->feed, &c, &event, err))
            return false;
        if (event == SHEET_END)
            return true;
        if (event != SHEET_CELL || xlsx_cells_blank(strings, &c))
            continue;
        if (second)
            xlsx_survey_merged(out, &c, from);
        else if (c.row >= from)
            xlsx_survey_value(out, &c);
    }
}

bool xls_sheet_survey(struct xls_sheet *s, const struct xlsx_strings *strings, uint32_t from,
    bool merges, struct xlsx_survey *out, struct err *err)
{
    struct walk w = { .merges = merges, .ordered = true };

    *out = (struct xlsx_survey){ .ordered = true };
    if (!walk(s, &w, err) || (!w.ordered && !sort_rows(s, w.n_cells, err)))
        return false;
    out->ordered = w.ordered;
    if (w.n_ranges && !collect_merges(s, &w, out, err))
        return false;
    return look_at_values(s, strings, from, false, out, err) &&
           (out->n_merges == 0 || look_at_values(s, strings, from, true, out, err));
}
