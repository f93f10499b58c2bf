#ifndef FORMATS_XLS_H
#define FORMATS_XLS_H

/* Old workbooks (.xls) in: Excel 5 to 2003. */

#include "formats/xlsx.h"

/* For xlsx_read_open(): a new reader's workbook, sheet, survey and table, of an old workbook that it is fed from. */
bool xls_read_load(struct xlsx_reader *r, int fd, const struct reader_args *args,
    struct source_info *info, struct err *err) MUST_CHECK;

#endif
