/*
 * The XLSX sink: batches in, one sheet after the other out, in constant memory.
 *
 * Column widths stand before the rows in a sheet and are fitted to its first rows. A first batch of
 * XLSX_WIDTH_ROWS or more settles them at once; smaller ones are formatted into `head` until
 * enough rows came. All else goes straight into the zip's block.
 */

#include "formats/xlsx_write_int.h"

#include "formats/xlsx_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_HEAD = 256 * 1024,
    DEFAULT_MAX_WIDTH = 50,
    WIDTH_PADDING = 2, /* Characters beside the text. */
    PREFIX_MAX = 4 * 1024 * 1024
};

static void close_writer(void *self)
{
    struct xlsx_writer *w = self;

    if (!w)
        return;
    zip_write_close(w->zip);
    budget_give(w->args.budget, w->head_size);
    free(w->head);
    free(w->style_of);
    free(w->style_format);
    arena_deinit(&w->arena);
    free(w);
}

/* ---- Opening ---- */

static void repair_name(struct xlsx_writer *w, const char *raw, const char *fallback, char *out)
{
    const char *done = xlsx_name_repair(raw, fallback, out);

    if (done)
        warn_add(w->args.warnings, "sheet_name_repaired",
            "a sheet name that Excel does not accept was changed", "'%s': %s", out, done);
}

static bool check_columns(const struct schema *schema, struct err *err)
{
    if (schema->n_columns > SCHEMA_MAX_COLUMNS)
        return err_set(err, ERR_BUDGET,
            "the table has %" PRIu32 " columns, and a sheet of a workbook holds at most %d; choose "
            "fewer columns or write the result as CSV",
            schema->n_columns, SCHEMA_MAX_COLUMNS);
    for (uint32_t j = 0; j < schema->n_columns; j++) {
        const char *name = schema->columns[j].name;
        size_t units = xlsx_text_units(name, strlen(name));

        if (units > XLSX_CELL_UNITS) {
            err_set(err, ERR_DATA,
                "the name of column %" PRIu32 " (row 1) has %zu characters, and a cell of a "
                "workbook holds at most %d; rename the column or write the result as CSV",
                j + 1, units, XLSX_CELL_UNITS);
            err->at.row = 1;
            err->at.col = j + 1;
            return false;
        }
    }
    return true;
}

static bool init_columns(struct xlsx_writer *w)
{
    uint32_t n = w->schema->n_columns;

    w->columns = arena_calloc(&w->arena, n ? n : 1, sizeof *w->columns);
    if (!w->columns)
        return false;
    for (uint32_t j = 0; j < n; j++) {
        struct xlsx_column *column = &w->columns[j];
        const char *name = w->schema->columns[j].name;
        char letters[4];
        uint32_t width;

        schema_letter(j, letters);
        column->open_len =
            (uint8_t)snprintf(column->open, sizeof column->open, "<c r=\"%s", letters);
        width = xlsx_text_width(name, strlen(name), w->args.max_width);
        column->width = width + width / 8; /* Bold. */
    }
    return true;
}

static bool keep_args(struct xlsx_writer *w, const struct sink_args *args)
{
    w->args = *args;
    if (!args->max_width)
        w->args.max_width = DEFAULT_MAX_WIDTH;
    w->args.file_label = arena_strdup(&w->arena, args->file_label ? args->file_label : "");
    repair_name(w, args->sheet_name, "Sheet1", w->data_name);
    if (args->info_sheet_name)
        repair_name(w, args->info_sheet_name, "Info", w->info_name);
    return w->args.file_label != NULL;
}

static bool settle(struct xlsx_writer *w, struct err *err);

bool xlsx_write_open(const struct sink_args *args, const struct schema *schema,
    struct fs_file *file, void **self, struct err *err)
{
    struct xlsx_writer *w;

    if (!check_columns(schema, err))
        return false;
    w = calloc(1, sizeof *w);
    if (!w)
        return err_nomem(err);
    w->schema = schema;
    w->n_styles = XLSX_STYLE_FIRST;
    arena_init(&w->arena, NULL);
    w->style_of = calloc(FORMAT_MAX + 1, sizeof *w->style_of);
    w->style_format = calloc(XLSX_MAX_STYLES, sizeof *w->style_format);
    if (!w->style_of || !w->style_format || !keep_args(w, args) || !init_columns(w)) {
        err_nomem(err);
        goto fail;
    }
    w->n_sheets = 1;
    if (!zip_write_open(file, &w->zip, err) || !xlsx_write_first_parts(w, err))
        goto fail;
    if (!w->args.auto_width && !settle(w, err))
        goto fail;
    if (!xlsx_write_header(w, err))
        goto fail;
    *self = w;
    return true;
fail:
    close_writer(w);
    return false;
}

/* ---- Sheets ---- */

static void add_widths(struct buf *xml, const uint32_t *widths, uint32_t n)
{
    uint32_t from = 0;

    if (n == 0)
        return;
    buf_adds(xml, "<cols>");
    for (uint32_t j = 1; j <= n; j++) { /* Neighbours of one width share an element. */
        if (j < n && widths[j] == widths[from])
            continue;
        buf_addf(xml,
            "<col min=\"%" PRIu32 "\" max=\"%" PRIu32 "\" width=\"%" PRIu32
            "\" customWidth=\"1\"/>",
            from + 1, j, widths[from]);
        from = j;
    }
    buf_adds(xml, "</cols>");
}

bool xlsx_write_sheet_begin(struct xlsx_writer *w, unsigned number, const uint32_t *widths,
    uint32_t n_widths, struct err *err)
{
    struct buf xml;
    char name[64];
    bool ok;

    buf_init(&xml, PREFIX_MAX);
    buf_adds(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
                   "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">"
                   "<sheetViews>");
    buf_addf(&xml, "<sheetView%s workbookViewId=\"0\">", number == 1 ? " tabSelected=\"1\"" : "");
    buf_adds(&xml,
        "<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>"
        "<selection pane=\"bottomLeft\" activeCell=\"A2\" sqref=\"A2\"/>"
        "</sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/>");
    add_widths(&xml, widths, widths ? n_widths : 0);
    buf_adds(&xml, "<sheetData>");
    snprintf(name, sizeof name, "xl/worksheets/sheet%u.xml", number);
    ok = buf_ok(&xml, "the head of a sheet", err) && zip_write_begin(w->zip, name, err) &&
         zip_write_data(w->zip, xml.data, xml.len, err);
    buf_deinit(&xml);
    return ok;
}

static bool begin_data_sheet(struct xlsx_writer *w, struct err *err)
{
    uint32_t n = w->schema->n_columns, *widths = NULL;
    bool ok;

    if (w->args.auto_width) {
        widths = calloc(n ? n : 1, sizeof *widths);
        if (!widths)
            return err_nomem(err);
        for (uint32_t j = 0; j < n; j++) {
            uint32_t width = w->columns[j].width + WIDTH_PADDING;

            widths[j] = width < w->args.max_width ? width : w->args.max_width;
        }
    }
    ok = xlsx_write_sheet_begin(w, w->n_sheets, widths, n, err);
    free(widths);
    return ok;
}

static bool take_block(struct xlsx_writer *w, size_t need, struct err *err)
{
    w->start = w->p = zip_write_room(w->zip, need, &w->end, err);
    return w->p != NULL;
}

/* The widths are known: write what stands before the rows, then the rows held back. */
static bool settle(struct xlsx_writer *w, struct err *err)
{
    bool ok;

    w->settled = true;
    ok = begin_data_sheet(w, err) &&
         zip_write_data(w->zip, w->start, (size_t)(w->p - w->start), err) && take_block(w, 0, err);
    free(w->head);
    w->head = NULL;
    budget_give(w->args.budget, w->head_size);
    w->head_size = 0;
    return ok;
}

/* False when the head may not grow any more. */
static bool grow_head(struct xlsx_writer *w, size_t need)
{
    size_t used = (size_t)(w->p - w->start), size = w->head_size ? w->head_size : FIRST_HEAD;
    char *grown;

    while (size - used < need)
        size *= 2;
    if (size > XLSX_HEAD_MAX || !budget_take(w->args.budget, size - w->head_size))
        return false;
    grown = realloc(w->head, size);
    if (!grown) {
        budget_give(w->args.budget, size - w->head_size);
        return false;
    }
    w->head = w->start = grown;
    w->head_size = size;
    w->p = grown + used;
    w->end = grown + size;
    return true;
}

bool xlsx_write_more(struct xlsx_writer *w, size_t need, struct err *err)
{
    if (!w->settled) {
        if (grow_head(w, need))
            return true;
        if (!settle(w, err))
            return false;
    }
    zip_write_wrote(w->zip, (size_t)(w->p - w->start));
    return take_block(w, need, err);
}

static bool end_data_sheet(struct xlsx_writer *w, struct err *err)
{
    uint32_t n = w->schema->n_columns;
    char tail[512], letters[4];
    int len;

    zip_write_wrote(w->zip, (size_t)(w->p - w->start));
    w->start = w->p = w->end = NULL;
    len = snprintf(tail, sizeof tail,
        "</sheetData><pageMargins left=\"0.7\" right=\"0.7\" top=\"0.75\" bottom=\"0.75\" "
        "header=\"0.3\" footer=\"0.3\"/>");
    if (n > 0) { /* No green corners on ids such as 007. */
        schema_letter(n - 1, letters);
        len += snprintf(tail + len, sizeof tail - (size_t)len,
            "<ignoredErrors><ignoredError sqref=\"A1:%s%" PRIu32
            "\" numberStoredAsText=\"1\"/></ignoredErrors>",
            letters, w->row);
    }
    len += snprintf(tail + len, sizeof tail - (size_t)len, "</worksheet>");
    return zip_write_data(w->zip, tail, (size_t)len, err) && zip_write_end(w->zip, err);
}

/* The sheet is full: go on in another, under the same header. */
static bool next_sheet(struct xlsx_writer *w, struct err *err)
{
    if (!end_data_sheet(w, err))
        return false;
    w->n_sheets++;
    return begin_data_sheet(w, err) && take_block(w, 0, err) && xlsx_write_header(w, err);
}

/* ---- The sink ---- */

static bool write_batch(void *self, const struct batch *b, struct err *err)
{
    struct xlsx_writer *w = self;
    uint32_t from = 0;

    if (b->n_columns != w->schema->n_columns)
        return err_set(err, ERR_INTERNAL, "a batch with other columns than its table");
    if (!w->settled) {
        uint32_t left = XLSX_WIDTH_ROWS - w->measured, n = b->n_rows < left ? b->n_rows : left;

        xlsx_write_measure(w, b, n);
        w->measured += n;
        if (w->measured == XLSX_WIDTH_ROWS && !settle(w, err))
            return false;
    }
    while (from < b->n_rows) {
        uint32_t room = XLSX_MAX_ROWS - w->row;
        uint32_t n = b->n_rows - from < room ? b->n_rows - from : room;

        if (n == 0) {
            if (!next_sheet(w, err))
                return false;
            continue;
        }
        if (!xlsx_write_rows(w, b, from, from + n, err))
            return false;
        from += n;
        w->rows += n;
    }
    return true;
}

static bool finish(void *self, struct err *err)
{
    struct xlsx_writer *w = self;

    if (!w->settled && !settle(w, err))
        return false;
    if (!end_data_sheet(w, err))
        return false;
    if (w->args.info_sheet_name && !xlsx_write_info(w, w->n_sheets + 1, err))
        return false;
    return xlsx_write_last_parts(w, err) && zip_write_finish(w->zip, err);
}

const struct sink_class xlsx_write_class = { write_batch, finish, close_writer };
