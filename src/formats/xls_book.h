#ifndef FORMATS_XLS_BOOK_H
#define FORMATS_XLS_BOOK_H

/*
 * What an old workbook says of itself before its sheets: version, code page, date system, sheets,
 * number formats, shared strings.
 */

#include "formats/xls_styles.h"

enum { XLS_STREAM_MAX = 256 << 20 }; /* Bytes of a workbook. */

struct xls_book {
    struct xls_records records; /* The whole stream. */
    struct xls_charset set;
    size_t *sheets; /* Where each tab of the xlsx_book begins. */
};

/*
 * Read the globals of the stream p[0..n). Tabs, styles and date system go to *book (whose arena and
 * label are set), texts to *strings, which must be zeroed but for its budget. *b must be zeroed.
 * Errors: ERR_FORMAT (too old, or protected), ERR_DATA, ERR_BUDGET, ERR_NOMEM.
 */
bool xls_book_load(struct xls_book *b, const unsigned char *p, size_t n, struct xlsx_book *book,
    struct xlsx_strings *strings, struct formats *formats, struct warnings *warnings,
    struct err *err) MUST_CHECK;
void xls_book_deinit(struct xls_book *b);

#endif
