#ifndef FORMATS_DETECT_H
#define FORMATS_DETECT_H

/* What a file is, told by its content. */

#include "base/err.h"

enum file_format {
    FILE_UNKNOWN,
    FILE_CSV, /* Any delimited text, in any encoding. */
    FILE_XLSX,
    FILE_XLS,
    FILE_GZIP, /* To be unpacked and looked at again. */
    FILE_TSV,  /* Only as an output format. */
    FILE_JSON,
    FILE_JSONL,
    FILE_SQL,
    FILE_FORMAT_COUNT
};

enum { DETECT_BYTES = 4096 }; /* Of the start of the file; all of it when it is shorter. */

const char *file_format_name(enum file_format f);   /* "xlsx" */
const char *file_format_suffix(enum file_format f); /* ".xlsx" */
const char *file_format_media_type(enum file_format f);
/* By name ("xlsx", "CSV") or suffix (".xlsx"); FILE_UNKNOWN when neither. */
enum file_format file_format_find(const char *name_or_suffix);

/*
 * Decide from the first bytes head[0..n) of a file of `size` bytes called `name` (for the
 * sentence). Refused with ERR_FORMAT and the reason in the sentence: password-protected workbook,
 * HTML, SpreadsheetML, ODS, Numbers, PDF, images and other binaries. ERR_DATA for an empty file is
 * left to the reader.
 */
bool detect_format(const char *name, const void *head, size_t n, uint64_t size,
    enum file_format *out, struct err *err) MUST_CHECK;

/*
 * An OLE compound file says what it is in its directory, which may lie behind the head: where (0:
 * not told), and the decision from its bytes, as above.
 */
uint64_t detect_ole_offset(const void *head, size_t n);
bool detect_ole(const char *name, const void *directory, size_t n, enum file_format *out,
    struct err *err) MUST_CHECK;

#endif
