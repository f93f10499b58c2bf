#ifndef TABLE_SHOWN_H
#define TABLE_SHOWN_H

/*
 * What a number looks like under a number format, as Excel shows it in US English.
 *
 *   1234.5   #,##0.00 "EUR"   1,234.50 EUR
 *   0.125    0.0%             12.5%
 *   123      00000            00123
 *   45000    d. mmm yyyy      15. Mar 2023
 *
 * Colours, the widths of blanks (_x) and fillings (*x) mean nothing in text: a blank, and nothing.
 */

#include <stdbool.h>
#include <stddef.h>

enum {
    SHOWN_MAX = 512
}; /* Bytes of a shown number; a format that asks for more is not followed. */

/*
 * Shape: writes to out (SHOWN_MAX bytes, not terminated); returns the length, 0 when the code cannot be followed or
 * shows nothing. A date's serial is that of the 1900 system.
 */
size_t shown_number(double v, const char *code, char *out);

#endif
