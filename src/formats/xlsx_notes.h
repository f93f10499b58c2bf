#ifndef FORMATS_XLSX_NOTES_H
#define FORMATS_XLSX_NOTES_H

#include "base/warn.h"
#include "formats/xlsx_parts.h"

/*
 * Warnings of what the reader of a table should know about its sheet: `part`, of which the rows
 * first..last are read as data. What cannot be read is passed over: the cells do not depend on it.
 */
void xlsx_notes_add(struct xlsx_book *book, const char *part, uint32_t first, uint32_t last,
    struct warnings *warnings);

/*
 * Set book->totals_row to the row of totals of the table whose header is `header_row` and that holds all named
 * columns; 0 when there is none.
 */
void xlsx_notes_totals(
    struct xlsx_book *book, const char *part, uint32_t header_row, const struct schema *schema);

#endif
