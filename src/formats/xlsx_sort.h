#ifndef FORMATS_XLSX_SORT_H
#define FORMATS_XLSX_SORT_H

/*
 * Sheets whose rows do not stand in order: all cells held in memory and given row by row. Of
 * several cells at one place the last that holds a value counts.
 */

#include "formats/xlsx_cells.h"

struct xlsx_sorted;

/* Take all cells from `s`. Errors: the scanner's; ERR_BUDGET when they do not fit. */
bool xlsx_sorted_load(struct sheet_scan *s, const char *sheet, const struct xlsx_strings *strings,
    struct budget *budget, struct xlsx_sorted **out, struct err *err) MUST_CHECK;
void xlsx_sorted_free(struct xlsx_sorted *o);
void xlsx_sorted_rewind(struct xlsx_sorted *o);

/* As sheet_next(); *row is set at SHEET_ROW. */
enum sheet_event xlsx_sorted_next(struct xlsx_sorted *o, struct sheet_cell *c, uint32_t *row);
uint64_t xlsx_sorted_duplicates(const struct xlsx_sorted *o); /* Cells that lost their place. */

#endif
