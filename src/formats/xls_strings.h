#ifndef FORMATS_XLS_STRINGS_H
#define FORMATS_XLS_STRINGS_H

/*
 * Texts of old workbooks. Since Excel 97 (BIFF8) they are UTF-16, with the upper bytes left out
 * where all are zero; before, bytes in the workbook's code page.
 *
 *   length  flags  [runs: n]  [phonetic: n]  characters  [runs]  [phonetic]
 *
 * Where a CONTINUE record cuts the characters it begins with new flags, and the characters behind
 * may be stored in the other way.
 */

#include "formats/encoding_text.h"
#include "formats/xls_records.h"
#include "formats/xlsx_strings.h"

enum { XLS_STRING_MAX = 65535 * ENCODING_TEXT_GROWTH }; /* Bytes of UTF-8 of any text. */

/* How texts are stored. */
struct xls_charset {
    bool biff8;
    struct encoding_text *codepage; /* NULL: every byte is a character. */
};

/*
 * The text at `b` whose length is given in `width` (1 or 2) bytes, into out, which has room for
 * XLS_STRING_MAX bytes; *n is set to its length. False when it is cut: *n tells of what there was.
 */
bool xls_string(
    struct xls_bytes *b, const struct xls_charset *set, int width, char *out, size_t *n);

/*
 * The shared strings of SST record `r`, whatever number it says that there are. A cut one ends
 * them. *s must be zeroed but for its budget. Errors: ERR_BUDGET, ERR_NOMEM.
 */
bool xls_strings_load(struct xlsx_strings *s, const struct xls_records *behind,
    const struct xls_record *r, struct err *err) MUST_CHECK;

#endif
