#ifndef FORMATS_XLSX_WRITE_INT_H
#define FORMATS_XLSX_WRITE_INT_H

/*
 * What the files of the XLSX writer share.
 *
 *   xlsx_write.c         the sink: sheets, column widths, continuation          <- sink.h
 *   xlsx_write_cells.c   batches into rows of XML; the inner loop
 *   xlsx_write_info.c    the Info sheet
 *   xlsx_write_parts.c   the fixed parts: styles, workbook, properties, content types
 *
 *   _rels/.rels                   docProps/core.xml
 *   xl/worksheets/sheet1.xml ...  while the rows come, one after the other, Info last
 *   xl/styles.xml  xl/workbook.xml  xl/_rels/workbook.xml.rels
 *   docProps/app.xml              [Content_Types].xml
 *
 * The sheets come before the parts that list them, because their number and the formats they use are
 * known only at the end of the data.
 */

#include "formats/sink.h"
#include "formats/xlsx_names.h"
#include "formats/zip_write.h"

enum {
    XLSX_MAX_ROWS = 1048576,
    XLSX_WIDTH_ROWS = 1000, /* Rows that column widths are fitted to, header aside. */
    XLSX_HEAD_MAX =
        16 * 1024 * 1024,   /* Bytes of XML held back for that; then fitted to what came. */
    XLSX_MAX_STYLES = 65000 /* Excel gives up at 65,490. */
};

/* Cell styles (indexes into cellXfs): 0 is General, 1 the header's, then one for each format in use. */
enum { XLSX_STYLE_HEADER = 1, XLSX_STYLE_FIRST = 2 };

struct xlsx_column {
    char open[16];  /* <c r="AB */
    char style[16]; /*  s="12" for cells of style_format. */
    uint8_t open_len, style_len;
    uint16_t style_format; /* 0: none yet. */
    uint32_t width;        /* Characters of the widest value so far. */
};

struct xlsx_writer {
    struct sink_args args; /* Strings inside are copies in `arena`. */
    const struct schema *schema;
    struct arena arena;
    struct zip_writer *zip;
    struct xlsx_column *columns;
    char data_name[XLSX_NAME_MAX], info_name[XLSX_NAME_MAX];

    unsigned n_sheets; /* Data sheets begun. */
    uint32_t row;      /* Last row of the sheet, from 1. */
    uint64_t rows;     /* Data rows in all. */

    /*
     * XML being formatted: start..p is written, p..end is free. Until the widths are settled it lies in
     * `head`, for they stand before the rows; from then on in the zip's block.
     */
    char *start, *p, *end;
    char *head;
    size_t head_size;
    bool settled;
    uint32_t measured; /* Rows looked at for the widths. */

    uint16_t *style_of;     /* By format; 0: not in use yet. */
    uint16_t *style_format; /* By style, from XLSX_STYLE_FIRST. */
    unsigned n_styles;
    bool too_many_styles;
};

/* xlsx_write.c: at least `need` (<= ZIP_ROOM_MAX) bytes between p and end. */
bool xlsx_write_more(struct xlsx_writer *w, size_t need, struct err *err) MUST_CHECK;
/* What stands before the rows of a sheet; widths may be NULL. */
bool xlsx_write_sheet_begin(struct xlsx_writer *w, unsigned number, const uint32_t *widths,
    uint32_t n_widths, struct err *err) MUST_CHECK;

/* xlsx_write_cells.c */
bool xlsx_write_header(struct xlsx_writer *w, struct err *err) MUST_CHECK;
/* Rows [from, to) of the batch; they fit the sheet. */
bool xlsx_write_rows(struct xlsx_writer *w, const struct batch *b, uint32_t from, uint32_t to,
    struct err *err) MUST_CHECK;
/* Fit the columns' widths to rows [0, n) of the batch. */
void xlsx_write_measure(struct xlsx_writer *w, const struct batch *b, uint32_t n);

/* xlsx_write_info.c */
bool xlsx_write_info(struct xlsx_writer *w, unsigned number, struct err *err) MUST_CHECK;

/* xlsx_write_parts.c */
bool xlsx_write_first_parts(struct xlsx_writer *w, struct err *err) MUST_CHECK;
/* n_sheets in all, the last being Info where there is one. */
bool xlsx_write_last_parts(struct xlsx_writer *w, struct err *err) MUST_CHECK;
unsigned xlsx_write_style(
    struct xlsx_writer *w, uint16_t format); /* For cells of `format` (not 0). */
/* "2026-02-06T12:00:00Z" */
void xlsx_write_created(const struct xlsx_writer *w, char out[DATE_TEXT_MAX]);

#endif
