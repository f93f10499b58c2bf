#ifndef FORMATS_XLSX_H
#define FORMATS_XLSX_H

/* Workbooks in: XLSX, and old ones, which are fed into the same reader. */

#include "formats/source.h"

struct xlsx_reader;

/* For source.c: same contract as source_open(). `fd` is seekable; format is FILE_XLSX or FILE_XLS. */
bool xlsx_read_open(int fd, const char *name, enum file_format format,
    const struct reader_args *args, const struct source_env *env, struct xlsx_reader **out,
    const struct schema **schema, struct source_info *info, struct err *err) MUST_CHECK;
extern const struct source_class xlsx_read_class;

#endif
