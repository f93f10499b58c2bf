#ifndef FORMATS_XLSX_SHEET_H
#define FORMATS_XLSX_SHEET_H

/*
 * The cells of a worksheet part as they stand in it, one after the other.
 *
 *   <worksheet> ... <sheetData>
 *     <row r="7"> <c r="A7" s="2" t="s"><v>12</v></c> ... </row>     SHEET_ROW, SHEET_CELL ...
 *   </sheetData> ... <mergeCells> ... </worksheet>                   SHEET_END
 *
 * Nothing is interpreted here but positions: styles, string numbers and texts are handed on. Rows
 * and cells come in the order of the file, whatever it is.
 */

#include "formats/xml_scan.h"

enum {
    XLSX_MAX_ROWS = 1048576,
    XLSX_MAX_COLUMNS = 16384,
    XLSX_MAX_MERGES = 1 << 20,
    SHEET_QUICK_PREFIX = 24 /* Longer prefixes are read the slow way. */
};

enum sheet_type {
    SHEET_NUMBER,
    SHEET_SHARED, /* Number of a shared string. */
    SHEET_BOOL,
    SHEET_ERROR,
    SHEET_STRING, /* Of a formula: raw text of <v>. */
    SHEET_INLINE, /* Text, already decoded. */
    SHEET_DATE    /* ISO 8601 */
};

struct sheet_cell {
    uint32_t row;   /* From 1. */
    uint32_t col;   /* From 0. */
    uint32_t style; /* UINT32_MAX: none that can be used. */
    uint8_t type;   /* enum sheet_type */
    bool formula;
    bool has_number; /* number is the value (SHEET_NUMBER, SHEET_SHARED); text is not set. */
    bool padded;     /* XML_PAD bytes behind text may be read too. */
    uint8_t flags;   /* XML_HIGH... of text, which is raw unless the type is SHEET_INLINE. */
    double number;
    const char *text; /* n is 0 when there is no value. Valid until the next call. */
    size_t n;
};

enum sheet_event { SHEET_END, SHEET_ROW, SHEET_CELL };

struct sheet_range {
    uint32_t row1, row2; /* From 1, inclusive. */
    uint32_t col1, col2; /* From 0, inclusive. */
};

struct sheet_scan {
    struct xml_input in;
    enum {
        SHEET_BETWEEN,
        SHEET_INSIDE,
        SHEET_BEHIND,
        SHEET_DONE
    } state;                   /* Rows; a row; the data; the part. */
    char names[128];           /* The root element's name. */
    unsigned n_root, n_prefix; /* Of it; its prefix with the colon, 0 usually. */
    uint32_t row;              /* The last SHEET_ROW; 0 before the first. */
    bool row_hidden;           /* Of that row. */
    uint64_t digits;           /* Its number and a '"' as the bytes of a reference... */
    uint64_t digits_mask;      /* ...and which of the eight bytes count. */
    unsigned n_digits;         /* With the '"'. */
    uint32_t next_col;         /* For cells without a reference. */
    bool repositioned;         /* A cell said that it stands in another row than its <row>. */
    unsigned fallback;         /* Elements of alternate content that are open around the cells. */
    struct buf text;           /* A text that had to be decoded. */
};

/* Start on a worksheet part; `in` is taken over (moved) on success and on failure. */
bool sheet_open(struct sheet_scan *s, struct xml_input *in, struct err *err) MUST_CHECK;
void sheet_close(struct sheet_scan *s);

/*
 * The next row or cell. At SHEET_ROW s->row is its number (rows without cells come too); at
 * SHEET_END the scanner stands behind </sheetData>.
 * Errors: ERR_DATA (XML or references that cannot be right, with the byte), ERR_BUDGET, ERR_IO.
 */
bool sheet_next(struct sheet_scan *s, struct sheet_cell *c, enum sheet_event *event,
    struct err *err) MUST_CHECK;

/*
 * After SHEET_END: read what is left of the part, to its very end, and check it. `merged` is called
 * for each merged range; NULL when they are of no interest.
 */
typedef bool sheet_merged_fn(void *arg, const struct sheet_range *range, struct err *err);
bool sheet_finish(
    struct sheet_scan *s, sheet_merged_fn *merged, void *arg, struct err *err) MUST_CHECK;

/*
 * "B7" in p[0..n): column from 0, row from 1; a '$' may stand before each. False when it is none or
 * beyond XFD1048576.
 */
bool sheet_reference(const char *p, size_t n, uint32_t *col, uint32_t *row);

#endif
