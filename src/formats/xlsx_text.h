#ifndef FORMATS_XLSX_TEXT_H
#define FORMATS_XLSX_TEXT_H

/*
 * Text on its way into a workbook: what Excel counts, what XML forbids, what a reader would take
 * for an escape (ECMA-376's ST_Xstring).
 *
 *   & < >                       &amp; &lt; &gt;
 *   controls, U+FFFE, U+FFFF    _x0001_   (XML cannot hold them)
 *   CR                          _x000D_   (XML would turn it into LF)
 *   a literal _x0041_           _x005F_x0041_
 */

#include "base/buf.h"

enum {
    XLSX_CELL_UNITS = 32767, /* Longest text of a cell, in UTF-16 units. */
    XLSX_TEXT_GROWTH = 7,    /* The most that one byte of text can become. */
    XLSX_TEXT_SLACK = 32     /* Bytes behind the written ones that xlsx_text_put() may touch. */
};

/*
 * Write valid UTF-8 text p[0..n) as character data.
 * Shape: out has n * XLSX_TEXT_GROWTH + XLSX_TEXT_SLACK bytes; returns the end of what was written.
 */
char *xlsx_text_put(char *out, const char *p, size_t n);

/*
 * A piece of a long text: from p towards end, stopping after at least `want` bytes of text or at
 * `end`. out has (want + 2) * XLSX_TEXT_GROWTH bytes. Returns where the next piece begins.
 */
const char *xlsx_text_piece(char **out, const char *p, const char *end, size_t want);

/* The same for an attribute value: quotes escaped too, tabs and line ends kept as references. */
void xlsx_text_attribute(struct buf *out, const char *p, size_t n);

/* Would a reader trim it: does it begin or end with white space (as XML has it)? */
static inline bool xlsx_text_needs_preserve(const char *p, size_t n)
{
    return (unsigned char)p[0] <= ' ' || (unsigned char)p[n - 1] <= ' ';
}

/* UTF-16 units of valid UTF-8. */
size_t xlsx_text_units(const char *p, size_t n);

/* Bytes of the longest prefix of p[0..n) that has at most `units` UTF-16 units and ends on a character. */
size_t xlsx_text_cut(const char *p, size_t n, size_t units);

/* About how many characters wide the longest line is, counted up to `max`; East Asian ones count two. */
uint32_t xlsx_text_width(const char *p, size_t n, uint32_t max);

#endif
