#ifndef FORMATS_XLSX_NAMES_H
#define FORMATS_XLSX_NAMES_H

/* Names of sheets, as Excel accepts them. */

#include "base/buf.h"

enum {
    XLSX_NAME_UNITS = 31,                   /* UTF-16 units. */
    XLSX_NAME_MAX = XLSX_NAME_UNITS * 3 + 1 /* Bytes, NUL included. */
};

/*
 * Make `raw` (NULL or "": `fallback`) a name that Excel accepts: at most 31 units, none of []:*?/\ nor
 * controls (each becomes _), no apostrophe at the ends, not "History". Returns what was done, as a
 * half sentence in static storage, or NULL when nothing was.
 */
const char *xlsx_name_repair(const char *raw, const char *fallback, char out[XLSX_NAME_MAX]);

/* "name (k)", the name cut where both do not fit. */
void xlsx_name_number(const char *name, unsigned k, char out[XLSX_NAME_MAX]);

/* Excel's notion of the same name: without case. False too when memory ends. */
bool xlsx_name_same(const char *a, const char *b);

#endif
