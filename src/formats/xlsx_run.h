#ifndef FORMATS_XLSX_RUN_H
#define FORMATS_XLSX_RUN_H

/*
 * A run of cells of a row, straight from the XML into the table.
 */

#include "formats/xlsx_cells.h"

/*
 * The scanner stands inside a row; columns[0..width)[i] is where its cells go, filled up to column
 * `next`. Takes as many cells as are of the usual shapes, stand in order and lie whole in the window,
 * and returns the column behind the last one. The cell that follows, whatever it is, is as if nothing
 * had looked at it: sheet_next() takes it.
 *
 * Texts are those of xlsx_cells_put(), whose rules hold.
 */
uint32_t xlsx_run(struct sheet_scan *s, struct xlsx_cells *x, struct cell **columns, uint32_t width,
    uint32_t i, uint32_t next);

#endif
