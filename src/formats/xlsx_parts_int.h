#ifndef FORMATS_XLSX_PARTS_INT_H
#define FORMATS_XLSX_PARTS_INT_H

/* What xlsx_parts.c, xlsx_styles.c and xlsx_notes.c share. */

#include "formats/xlsx_parts.h"
#include "formats/xlsx_xml.h"

bool xlsx_parts_parse(struct xlsx_book *book, const struct zip_entry *entry, void *ctx,
    bool (*start)(void *, const char *, const char **, struct err *),
    bool (*end)(void *, const char *, struct err *), struct err *err) MUST_CHECK;

/* Call `each` for the target of every relationship of `part` whose type ends with `type`. */
bool xlsx_parts_related(struct xlsx_book *book, const char *part, const char *type,
    bool (*each)(void *arg, const char *target, struct err *err), void *arg,
    struct err *err) MUST_CHECK;

/* Fill book->styles from book->styles_part, if there is one. */
bool xlsx_styles_load(struct xlsx_book *book, struct formats *formats, struct err *err) MUST_CHECK;

#endif
