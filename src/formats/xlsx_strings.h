#ifndef FORMATS_XLSX_STRINGS_H
#define FORMATS_XLSX_STRINGS_H

/*
 * The shared strings of a workbook: all texts in one block of bytes, found by their ends.
 *
 *   bytes  R e d G r e e n B l u e
 *   ends         3         8       12        text i is bytes[ends[i - 1] .. ends[i])
 */

#include "formats/xml_scan.h"

enum { XLSX_STRINGS_MAX = 1 << 30 }; /* Bytes of text. */

struct xlsx_strings {
    char *bytes;
    uint32_t *ends; /* ends[-1] is 0. */
    uint32_t n;
    size_t held; /* Of the budget. */
    struct budget *budget;
};

/*
 * Load the part that `stream` gives. *s must be zeroed or deinitialised.
 * Errors: ERR_DATA (damaged), ERR_BUDGET (more text than memory may hold), ERR_NOMEM, ERR_IO.
 */
bool xlsx_strings_load(struct xlsx_strings *s, struct zip_stream *stream, const char *label,
    struct budget *budget, struct err *err) MUST_CHECK;
void xlsx_strings_deinit(struct xlsx_strings *s);

/* Text i < s->n. */
static inline struct str xlsx_strings_at(const struct xlsx_strings *s, uint32_t i)
{
    uint32_t from = s->ends[(ptrdiff_t)i - 1];

    return (struct str){ s->bytes + from, s->ends[i] - from };
}

#endif
