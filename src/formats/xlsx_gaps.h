#ifndef FORMATS_XLSX_GAPS_H
#define FORMATS_XLSX_GAPS_H

/* What is left out of a sheet's table when it is asked for: hidden rows and columns, and the row of totals. */

#include "formats/source_view.h"
#include "formats/xlsx.h"

/*
 * Fill *out, which lives as long as the reader. hidden: look for hidden rows and columns, which takes a pass over
 * the sheet. Errors: ERR_DATA, ERR_BUDGET, ERR_IO.
 */
bool xlsx_gaps_load(
    struct xlsx_reader *r, bool hidden, struct source_gaps *out, struct err *err) MUST_CHECK;

#endif
