#ifndef FORMATS_XLS_SHEET_H
#define FORMATS_XLS_SHEET_H

/*
 * The cells of a sheet of an old workbook, as the XLSX reader takes them.
 */

#include "formats/xls_book.h"
#include "formats/xlsx_read_int.h"

enum { XLS_MAX_ROWS = 65536, XLS_MAX_COLUMNS = 256 };

struct xls_sheet {
    struct xlsx_feed feed; /* First: the feed is the sheet. Its close() is the caller's. */
    const struct xls_book *book;
    struct arena *arena;
    size_t begin, end; /* Of its records; end is known after the survey. */
    struct xls_records at;
    unsigned depth; /* Streams that the records stand in: charts lie inside sheets. */

    /* A record of several cells that is not given to its end. */
    struct xls_record many;
    uint32_t many_next;

    struct sheet_cell held; /* A cell that waits for its row to be told. */
    bool holds;

    /* Rows in no order: (row << 32 | record's place), sorted. NULL: in order. */
    uint64_t *order;
    size_t n_order, next_order;

    char *text;                             /* Of the cell given last. */
    unsigned char hidden[XLS_MAX_ROWS / 8]; /* A bit for each row. */
    bool hidden_columns[XLS_MAX_COLUMNS];
};

/*
 * Stand before the cells of the sheet that begins at byte `at` of the workbook. *s must be zeroed;
 * it and what it needs live in `arena`. Errors: ERR_NOMEM.
 */
bool xls_sheet_open(struct xls_sheet *s, const struct xls_book *book, size_t at,
    struct arena *arena, struct err *err) MUST_CHECK;

/*
 * Go through the sheet: size of the table from row `from` on, hidden rows, merged ranges when
 * `merges`. Rows in no order are sorted. Errors: ERR_DATA, ERR_BUDGET.
 */
bool xls_sheet_survey(struct xls_sheet *s, const struct xlsx_strings *strings, uint32_t from,
    bool merges, struct xlsx_survey *out, struct err *err) MUST_CHECK;

#endif
