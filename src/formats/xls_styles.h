#ifndef FORMATS_XLS_STYLES_H
#define FORMATS_XLS_STYLES_H

/*
 * What the numbers of an old workbook show.
 *
 *   cell's XF index ──▶ XF record: number format id ──▶ FORMAT record: code, or a built-in format
 */

#include "formats/xls_strings.h"
#include "formats/xlsx_parts.h"

enum { XLS_MAX_FORMATS = 4096 }; /* Of the workbook's own; Excel allows a few hundred. */

struct xls_styles {
    struct arena *arena;
    struct xls_own_format *own;
    size_t n_own, own_room;
    uint16_t *xfs; /* Format id of each. */
    size_t n_xfs, xfs_room;
};

/* FORMAT and XF records, in their order. Others are passed over. Errors: ERR_NOMEM. */
bool xls_styles_add(struct xls_styles *s, const struct xls_charset *set,
    const struct xls_records *behind, const struct xls_record *r, char *scratch,
    struct err *err) MUST_CHECK;

/* book->styles, when all records are there. */
bool xls_styles_finish(struct xls_styles *s, struct xlsx_book *book, struct formats *formats,
    struct err *err) MUST_CHECK;

#endif
