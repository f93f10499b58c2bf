#ifndef FORMATS_XLS_H
#define FORMATS_XLS_H

/* Old workbooks (.xls) in: Excel 5 to 2003. */

#include "formats/xlsx.h"

/*
 * For source.c: as xlsx_read_open(). What comes out is the XLSX reader, fed from an old workbook;
 * its class is xlsx_read_class.
 */
bool xls_read_open(int fd, const char *name, const struct reader_args *args,
    const struct source_env *env, struct xlsx_reader **out, const struct schema **schema,
    struct source_info *info, struct err *err) MUST_CHECK;

#endif
