#ifndef FORMATS_XLSX_MERGE_H
#define FORMATS_XLSX_MERGE_H

/*
 * Filling merged ranges while rows go by from the top: the value of the first cell into every blank
 * one.
 */

#include "formats/xlsx_cells.h"

struct xlsx_merge;

/* ranges[0..n), by top row and column, outlive it. Errors: ERR_NOMEM, ERR_BUDGET. */
bool xlsx_merge_new(const struct sheet_range *ranges, size_t n, uint32_t width,
    struct budget *budget, struct xlsx_merge **out, struct err *err) MUST_CHECK;
void xlsx_merge_free(struct xlsx_merge *m);
void xlsx_merge_rewind(struct xlsx_merge *m);

/*
 * Fill the cells columns[0..width)[i], which are those of `row`. Rows come in rising order, none
 * from row 1 to the last left out. Ranges that overlap another are passed over, with a warning.
 */
bool xlsx_merge_fill(struct xlsx_merge *m, struct xlsx_cells *x, uint32_t row,
    struct cell **columns, uint32_t i, struct err *err) MUST_CHECK;

#endif
