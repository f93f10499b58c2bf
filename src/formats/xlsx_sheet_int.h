#ifndef FORMATS_XLSX_SHEET_INT_H
#define FORMATS_XLSX_SHEET_INT_H

/* What xlsx_sheet.c and xlsx_sheet_slow.c share. */

#include "formats/xlsx_number.h"
#include "formats/xlsx_sheet.h"

/* What a look at one construct came to. After CUT the window slides and it is looked at again. */
enum look { LOOK_ROW, LOOK_CELL, LOOK_ON, LOOK_CUT, LOOK_END, LOOK_BAD };

/* Row `row` has begun. */
void sheet_set_row(struct sheet_scan *s, uint32_t row);

/* The same, where its digits and the '"' behind them stand at `digits`, with seven bytes to follow. */
static inline void sheet_set_row_text(struct sheet_scan *s, uint32_t row, const char *digits)
{
    uint64_t text = xlsx_load8(digits);
    unsigned n = 1;

    while (n < 8 && digits[n] != '"')
        n++;
    if (n == 8) { /* Zeros before it. */
        sheet_set_row(s, row);
        return;
    }
    s->row = row;
    s->n_digits = n + 1;
    s->digits_mask = UINT64_MAX >> (8 * (7 - n));
    s->digits = text & s->digits_mask;
    s->next_col = 0;
    s->row_hidden = false;
}

/* Take the construct at s->in.p, whatever it is. */
enum look sheet_look(struct sheet_scan *s, struct sheet_cell *c, struct err *err);

#endif
