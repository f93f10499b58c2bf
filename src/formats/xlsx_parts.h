#ifndef FORMATS_XLSX_PARTS_H
#define FORMATS_XLSX_PARTS_H

/*
 * The small parts of a workbook: which sheets there are, where the parts lie, what cell styles
 * mean.
 *
 *   [Content_Types].xml, _rels/.rels ──▶ workbook.xml ── workbook.xml.rels ──┬▶ worksheets
 *                                                                            ├▶ sharedStrings
 *                                                                            └▶ styles
 *
 * Parts are found by following relationships, never by their usual names alone.
 */

#include "base/date.h"
#include "formats/source.h"
#include "formats/zip_read.h"

enum {
    XLSX_MAX_SHEETS = 1024,
    XLSX_MAX_RELS = 65536, /* Of one part. */
    XLSX_MAX_STYLES = 65536,
    XLSX_PART_MAX = 64 << 20 /* Bytes of a part that is read whole; sheets and strings are not. */
};

enum xlsx_sheet_kind { XLSX_WORKSHEET, XLSX_CHARTSHEET, XLSX_OTHER_SHEET, XLSX_LOST_SHEET };

struct xlsx_tab {
    const char *name, *state; /* As in struct source_sheet. */
    enum xlsx_sheet_kind kind;
    const char *part; /* NULL for XLSX_LOST_SHEET: nothing stands behind the name. */
};

/* What the cells of one style show. */
struct xlsx_style {
    uint16_t format; /* In env->formats. */
    bool date;
    uint8_t kind; /* enum date_kind, when date. */
};

struct xlsx_book {
    struct arena *arena;
    struct zip_reader *zip;
    const char *label;
    bool date1904;
    bool links;          /* To other files. */
    uint32_t totals_row; /* Of the table that is read, when it is left out; 0: none. */
    struct xlsx_tab *tabs;
    uint32_t n_tabs;
    const char *strings_part, *styles_part; /* NULL: none. */
    struct xlsx_style *styles;
    uint32_t n_styles;
};

/*
 * Read workbook, relationships and styles into *book; all of it lives in `arena`.
 * Errors: ERR_FORMAT (no Excel workbook in the package), ERR_DATA, ERR_BUDGET, ERR_NOMEM, ERR_IO.
 */
bool xlsx_parts_load(struct xlsx_book *book, struct arena *arena, struct zip_reader *zip,
    const char *label, struct formats *formats, struct err *err) MUST_CHECK;

/*
 * Which tab args->sheet asks for: by name, else without heeding case, else by number from 1 over
 * all tabs; NULL is the first visible worksheet.
 * Errors: ERR_ARG with the available names and the nearest.
 */
bool xlsx_parts_choose(
    const struct xlsx_book *book, const char *sheet, uint32_t *tab, struct err *err) MUST_CHECK;

/*
 * What cells of number format `id` show; code is the workbook's own code for it, NULL when there is
 * none.
 */
struct xlsx_style xlsx_style_of(unsigned id, const char *code, struct formats *formats);

/* "A, B, C" in out[0..size), cut with "..." where it is too long; and into err->available. */
void xlsx_parts_list(const struct xlsx_book *book, char *out, size_t size);
void xlsx_parts_available(const struct xlsx_book *book, struct err *err);

#endif
