#ifndef FORMATS_XLSX_SHEET_INT_H
#define FORMATS_XLSX_SHEET_INT_H

/* What xlsx_sheet.c and xlsx_sheet_slow.c share. */

#include "formats/xlsx_sheet.h"

/* What a look at one construct came to. After CUT the window slides and it is looked at again. */
enum look { LOOK_ROW, LOOK_CELL, LOOK_ON, LOOK_CUT, LOOK_END, LOOK_BAD };

static inline uint64_t sheet_load8(const char *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

/* Row `row` has begun. */
void sheet_set_row(struct sheet_scan *s, uint32_t row);

/* Take the construct at s->in.p, whatever it is. */
enum look sheet_look(struct sheet_scan *s, struct sheet_cell *c, struct err *err);

#endif
