/* The Info sheet: what the workbook holds, as rows of Property and Value. */

#include "formats/xlsx_write_int.h"

#include "base/utf8.h"
#include "formats/xlsx_text.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    PADDING = 2,
    LABEL_MAX = 4096, /* Bytes of a file name. */
    VALUE_MAX = XLSX_CELL_UNITS * 3,
    ROW_MAX = VALUE_MAX * XLSX_TEXT_GROWTH + 4096
};

struct info {
    struct xlsx_writer *w;
    struct buf row;
    uint32_t n_rows;
};

static void add_text_cell(
    struct buf *xml, char column, uint32_t row, bool header, const char *text, size_t n)
{
    char *room;

    if (n == 0)
        return;
    buf_addf(xml, "<c r=\"%c%" PRIu32 "\"%s t=\"inlineStr\"><is><t%s>", column, row,
        header ? " s=\"1\"" : "",
        xlsx_text_needs_preserve(text, n) ? " xml:space=\"preserve\"" : "");
    room = buf_reserve(xml, n * XLSX_TEXT_GROWTH + XLSX_TEXT_SLACK);
    if (room) {
        xml->len = (size_t)(xlsx_text_put(room, text, n) - xml->data);
        xml->data[xml->len] = '\0';
    }
    buf_adds(xml, "</t></is></c>");
}

static bool end_row(struct info *info, struct err *err)
{
    buf_adds(&info->row, "</row>");
    return buf_ok(&info->row, "a row of the Info sheet", err) &&
           zip_write_data(info->w->zip, info->row.data, info->row.len, err);
}

static void begin_row(struct info *info, const char *property)
{
    info->n_rows++;
    buf_reset(&info->row);
    buf_addf(&info->row, "<row r=\"%" PRIu32 "\">", info->n_rows);
    add_text_cell(&info->row, 'A', info->n_rows, info->n_rows == 1, property, strlen(property));
}

static bool text_row(
    struct info *info, const char *property, const char *value, size_t n, struct err *err)
{
    begin_row(info, property);
    add_text_cell(&info->row, 'B', info->n_rows, info->n_rows == 1, value, n);
    return end_row(info, err);
}

static bool count_row(struct info *info, const char *property, uint64_t value, struct err *err)
{
    begin_row(info, property);
    buf_addf(&info->row, "<c r=\"B%" PRIu32 "\"><v>%" PRIu64 "</v></c>", info->n_rows, value);
    return end_row(info, err);
}

static bool label_row(struct info *info, struct err *err)
{
    const char *label = info->w->args.file_label;
    struct buf clean;
    bool ok;

    buf_init(&clean, LABEL_MAX * 3);
    utf8_sanitize(label, strnlen(label, LABEL_MAX), &clean);
    ok = text_row(info, "File", buf_str(&clean), clean.len, err);
    buf_deinit(&clean);
    return ok;
}

/* "a, b, c"; where a cell cannot hold all of it, "Column Names (2)" goes on with the next name. */
static bool names_rows(struct info *info, struct err *err)
{
    const struct schema *schema = info->w->schema;
    char property[32] = "Column Names";
    struct buf value;
    size_t units = 0;
    bool ok = true;

    buf_init(&value, VALUE_MAX);
    for (uint32_t j = 0, part = 1; ok && j < schema->n_columns; j++) {
        const char *name = schema->columns[j].name;
        size_t more = xlsx_text_units(name, strlen(name));

        if (value.len > 0 && units + 2 + more > XLSX_CELL_UNITS) {
            ok = text_row(info, property, value.data, value.len, err);
            snprintf(property, sizeof property, "Column Names (%" PRIu32 ")", ++part);
            buf_reset(&value);
            units = 0;
        }
        if (value.len > 0) {
            buf_adds(&value, ", ");
            units += 2;
        }
        buf_adds(&value, name);
        units += more;
    }
    ok = ok && buf_ok(&value, "the column names", err) &&
         text_row(info, property, buf_str(&value), value.len, err);
    buf_deinit(&value);
    return ok;
}

static uint32_t names_width(const struct xlsx_writer *w)
{
    uint32_t width = 0;

    for (uint32_t j = 0; j < w->schema->n_columns && width < w->args.max_width; j++) {
        const char *name = w->schema->columns[j].name;

        width += PADDING + xlsx_text_width(name, strlen(name), w->args.max_width);
    }
    return width;
}

static void fit_widths(const struct xlsx_writer *w, const char *created, uint32_t widths[2])
{
    uint32_t max = w->args.max_width, values[] = { names_width(w), (uint32_t)strlen(created),
        xlsx_text_width(w->args.file_label, strlen(w->args.file_label), max) };

    widths[0] = (uint32_t)strlen("Column Names") + PADDING;
    widths[1] = 0;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (values[i] > widths[1])
            widths[1] = values[i];
    }
    widths[1] += PADDING;
    for (size_t i = 0; i < 2; i++)
        widths[i] = widths[i] < max ? widths[i] : max;
}

bool xlsx_write_info(struct xlsx_writer *w, unsigned number, struct err *err)
{
    static const char tail[] = "</sheetData><pageMargins left=\"0.7\" right=\"0.7\" top=\"0.75\" "
                               "bottom=\"0.75\" header=\"0.3\" footer=\"0.3\"/></worksheet>";
    struct info info = { .w = w };
    char created[DATE_TEXT_MAX];
    uint32_t widths[2];
    bool ok;

    xlsx_write_created(w, created);
    fit_widths(w, created, widths);
    buf_init(&info.row, ROW_MAX);
    ok = xlsx_write_sheet_begin(w, number, w->args.auto_width ? widths : NULL, 2, err) &&
         text_row(&info, "Property", "Value", strlen("Value"), err) && label_row(&info, err) &&
         text_row(&info, "Created", created, strlen(created), err) &&
         count_row(&info, "Rows", w->rows, err) &&
         count_row(&info, "Columns", w->schema->n_columns, err) && names_rows(&info, err) &&
         zip_write_data(w->zip, tail, sizeof tail - 1, err) && zip_write_end(w->zip, err);
    buf_deinit(&info.row);
    return ok;
}
