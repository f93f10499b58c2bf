/*
 * Rows of a sheet as XML:
 *
 *   <row r="2"><c r="A2" t="inlineStr"><is><t>text</t></is></c><c r="B2" s="3"><v>45000</v></c></row>
 *
 * Text is always an inline string. A shared-string table would have to be remembered until the last
 * row, so memory would grow with the data; repeated text is what deflate takes out anyway; and a reader
 * of our files, ourselves in the next step included, needs no table either.
 *
 * The inner loop copies in fixed sizes (a store or two each) and moves on by the true length; before
 * every cell there is room for the largest it can become.
 */

#include "formats/xlsx_write_int.h"

#include "formats/xlsx_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum {
    MARKUP_ROOM = 256,    /* All of a cell but its text, and the end of the row. */
    PIECE = 1024,         /* Bytes of text escaped at once. */
    DIGITS = 8,           /* A row number and some. */
    FORMATTED_WIDTH = 24, /* A long format code says little about the width. */
    BOOL_WIDTH = 5
};

/* Copy a literal and move behind it. */
#define PUT(p, literal) (memcpy((p), literal, sizeof(literal) - 1), (p) + sizeof(literal) - 1)

static char *need_room(struct xlsx_writer *w, char *p, size_t need, struct err *err)
{
    if (__builtin_expect((size_t)(w->end - p) >= need, 1))
        return p;
    w->p = p;
    return xlsx_write_more(w, need, err) ? w->p : NULL;
}

/* The format a cell is written with; a date without one would show as its serial. */
static uint16_t cell_format(const struct cell *cell)
{
    if (cell->format != FORMAT_GENERAL || cell->type != CELL_DATE)
        return cell->format;
    return (uint16_t)(FORMAT_DATE + cell->kind);
}

/* Keep ` s="12"` for the format; columns seldom have two of them. */
static void restyle(struct xlsx_writer *w, struct xlsx_column *column, uint16_t format)
{
    column->style_format = format;
    column->style_len = (uint8_t)snprintf(
        column->style, sizeof column->style, " s=\"%u\"", xlsx_write_style(w, format));
}

static char *put_open(
    char *p, const struct xlsx_column *column, const char *digits, size_t n_digits)
{
    memcpy(p, column->open, sizeof column->open);
    p += column->open_len;
    memcpy(p, digits, DIGITS);
    p += n_digits;
    *p = '"';
    return p + 1;
}

static bool too_long(const struct xlsx_writer *w, const struct batch *b, uint32_t i, uint32_t j,
    size_t units, struct err *err)
{
    const char *name = w->schema->columns[j].name;
    uint64_t row = batch_row(b, i);

    err_set(err, ERR_DATA,
        "the text in row %" PRIu64 ", column '%.*s' has %zu characters, and a cell of a workbook "
        "holds at most %d; write the result as CSV or JSON, or shorten the text first",
        row, (int)xlsx_text_cut(name, strlen(name), 60), name, units, XLSX_CELL_UNITS);
    err->at.row = row;
    err->at.col = j + 1;
    snprintf(err->column, sizeof err->column, "%s", name);
    return false;
}

static char *put_long_text(
    struct xlsx_writer *w, char *p, const char *text, size_t n, struct err *err)
{
    const char *end = text + n;

    while (text < end) {
        p = need_room(w, p, (PIECE + 2) * XLSX_TEXT_GROWTH + MARKUP_ROOM, err);
        if (!p)
            return NULL;
        text = xlsx_text_piece(&p, text, end, PIECE);
    }
    return p;
}

/* The text cell from behind its reference on. There is room for up to PIECE bytes of text. */
static char *put_text(struct xlsx_writer *w, char *p, const char *text, size_t n, struct err *err)
{
    if (xlsx_text_needs_preserve(text, n))
        p = PUT(p, " t=\"inlineStr\"><is><t xml:space=\"preserve\">");
    else
        p = PUT(p, " t=\"inlineStr\"><is><t>");
    if (n <= PIECE) {
        p = xlsx_text_put(p, text, n);
    } else {
        p = put_long_text(w, p, text, n, err);
        if (!p)
            return NULL;
    }
    return PUT(p, "</t></is></c>");
}

static char *put_number(char *p, double v)
{
    if (__builtin_expect(!isfinite(v), 0))
        return PUT(p, " t=\"e\"><v>#NUM!</v></c>");
    p = PUT(p, "><v>");
    p += num_format(v, p);
    return PUT(p, "</v></c>");
}

/* The errors that a file may hold; what newer Excels show (#SPILL!) is stored in another way. */
static bool is_file_error(const struct cell *cell)
{
    static const char *const tokens[] = { "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?",
        "#NUM!", "#N/A", "#GETTING_DATA" };

    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        if (strlen(tokens[i]) == cell->len && memcmp(tokens[i], cell->text, cell->len) == 0)
            return true;
    }
    return false;
}

static char *put_error(
    struct xlsx_writer *w, char *p, const struct cell *cell, uint64_t row, struct err *err)
{
    if (!is_file_error(cell)) {
        warn_add(w->args.warnings, "error_as_text",
            "errors that workbooks do not store as such were written as text", "row %" PRIu64, row);
        return put_text(w, p, cell->text, cell->len, err);
    }
    p = PUT(p, " t=\"e\"><v>");
    memcpy(p, cell->text, cell->len);
    return PUT(p + cell->len, "</v></c>");
}

static size_t room_for(const struct cell *cell)
{
    if (!cell_has_text(*cell))
        return MARKUP_ROOM;
    return MARKUP_ROOM + XLSX_TEXT_GROWTH * (size_t)(cell->len < PIECE ? cell->len : PIECE);
}

static bool text_fits(const struct xlsx_writer *w, const struct batch *b, uint32_t i, uint32_t j,
    const struct cell *cell, struct err *err)
{
    size_t units;

    if (cell->len <= XLSX_CELL_UNITS)
        return true;
    units = xlsx_text_units(cell->text, cell->len);
    return units <= XLSX_CELL_UNITS || too_long(w, b, i, j, units, err);
}

static char *put_row(
    struct xlsx_writer *w, char *p, const struct batch *b, uint32_t i, struct err *err)
{
    char digits[NUM_TEXT_MAX] = { 0 };
    size_t n_digits = num_format_int(w->row, digits);

    p = need_room(w, p, MARKUP_ROOM, err);
    if (!p)
        return NULL;
    p = PUT(p, "<row r=\"");
    memcpy(p, digits, DIGITS);
    p = PUT(p + n_digits, "\">");
    for (uint32_t j = 0; j < b->n_columns; j++) {
        const struct cell *cell = &b->columns[j][i];
        struct xlsx_column *column = &w->columns[j];
        uint16_t format;

        if (cell->type == CELL_BLANK)
            continue;
        p = need_room(w, p, room_for(cell), err);
        if (!p)
            return NULL;
        p = put_open(p, column, digits, n_digits);
        format = cell_format(cell);
        if (format != FORMAT_GENERAL) {
            if (format != column->style_format)
                restyle(w, column, format);
            memcpy(p, column->style, sizeof column->style);
            p += column->style_len;
        }
        switch ((enum cell_type)cell->type) {
        case CELL_TEXT:
            if (!text_fits(w, b, i, j, cell, err))
                return NULL;
            p = put_text(w, p, cell->text, cell->len, err);
            break;
        case CELL_NUMBER:
        case CELL_DATE:
            p = put_number(p, cell->number);
            break;
        case CELL_BOOL:
            p = cell->number != 0 ? PUT(p, " t=\"b\"><v>1</v></c>")
                                  : PUT(p, " t=\"b\"><v>0</v></c>");
            break;
        case CELL_ERROR:
            p = text_fits(w, b, i, j, cell, err) ? put_error(w, p, cell, batch_row(b, i), err)
                                                 : NULL;
            break;
        case CELL_BLANK:
            break;
        }
        if (!p)
            return NULL;
    }
    return PUT(p, "</row>");
}

bool xlsx_write_rows(
    struct xlsx_writer *w, const struct batch *b, uint32_t from, uint32_t to, struct err *err)
{
    char *p = w->p;

    for (uint32_t i = from; i < to; i++) {
        w->row++;
        p = put_row(w, p, b, i, err);
        if (!p)
            return false;
    }
    w->p = p;
    return true;
}

bool xlsx_write_header(struct xlsx_writer *w, struct err *err)
{
    const struct schema *schema = w->schema;
    char *p;

    w->row = 1;
    p = need_room(w, w->p, MARKUP_ROOM, err);
    if (!p)
        return false;
    p = PUT(p, "<row r=\"1\">");
    for (uint32_t j = 0; j < schema->n_columns; j++) {
        const char *name = schema->columns[j].name;
        size_t n = strlen(name);

        p = need_room(w, p, MARKUP_ROOM + XLSX_TEXT_GROWTH * (n < PIECE ? n : PIECE), err);
        if (!p)
            return false;
        p = put_open(p, &w->columns[j], "1\0\0\0\0\0\0", 1);
        _Static_assert(XLSX_STYLE_HEADER == 1, "the header's style is written out here");
        p = PUT(p, " s=\"1\"");
        p = put_text(w, p, name, n, err);
        if (!p)
            return false;
    }
    w->p = PUT(p, "</row>");
    return true;
}

/* How wide a value is shown, about. Numbers grow by their format: separators, signs, currencies. */
static uint32_t cell_width(const struct xlsx_writer *w, const struct cell *cell)
{
    char scratch[CELL_SHOWN_MAX];
    uint16_t format;
    size_t n, n_code;

    if (cell_has_text(*cell))
        return xlsx_text_width(cell->text, cell->len, w->args.max_width);
    if (cell->type == CELL_BOOL)
        return BOOL_WIDTH;
    cell_shown(cell, scratch, &n);
    format = cell_format(cell);
    if (format > FORMAT_DURATION) {
        n_code = strlen(formats_code(w->args.formats, format));
        n += cell->type == CELL_NUMBER ? n / 3 : 0;
        n = n_code > n ? (n_code < FORMATTED_WIDTH ? n_code : FORMATTED_WIDTH) : n;
    }
    return (uint32_t)n;
}

void xlsx_write_measure(struct xlsx_writer *w, const struct batch *b, uint32_t n)
{
    for (uint32_t j = 0; j < b->n_columns; j++) {
        struct xlsx_column *column = &w->columns[j];

        for (uint32_t i = 0; i < n; i++) {
            const struct cell *cell = &b->columns[j][i];
            uint32_t width;

            if (cell->type == CELL_BLANK || column->width >= w->args.max_width)
                continue;
            width = cell_width(w, cell);
            if (width > column->width)
                column->width = width;
        }
    }
}
