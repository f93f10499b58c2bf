#ifndef FORMATS_XLSX_CELLS_H
#define FORMATS_XLSX_CELLS_H

/*
 * What a cell of a worksheet means: type, number format and text, with every repair counted.
 */

#include "formats/source.h"
#include "formats/xlsx_parts.h"
#include "formats/xlsx_sheet.h"
#include "formats/xlsx_strings.h"

enum { XLSX_CELLS_LATE = 256 };
enum { XLSX_CELLS_SLACK = 32 }; /* Bytes; at most XML_PAD. */

struct xlsx_cells {
    const struct xlsx_book *book;
    const struct xlsx_strings *strings;
    const char *label, *sheet;
    int errors;                /* enum errors_mode */
    struct warnings *warnings; /* May be NULL. */
    uint32_t warned_row;       /* Repairs in rows up to this one were counted in an earlier pass. */
    struct arena text;         /* Of the batch. */
    char *room;                /* What is left of the arena's last piece. */
    size_t left;
    struct cell
        *late[XLSX_CELLS_LATE]; /* Shared texts to be looked up: the number is in the cell. */
    unsigned n_late;
};

/* As xlsx_cells_shared(), for a number that was not read as one. */
bool xlsx_cells_shared_text(
    const struct xlsx_strings *strings, const struct sheet_cell *c, struct str *out);

/* The text that a cell of type SHEET_SHARED refers to; false when there is no such text. */
static inline bool xlsx_cells_shared(
    const struct xlsx_strings *strings, const struct sheet_cell *c, struct str *out)
{
    uint32_t i;

    if (!c->has_number)
        return xlsx_cells_shared_text(strings, c, out);
    if (!(c->number >= 0 && c->number < strings->n))
        return false;
    i = (uint32_t)c->number;
    if ((double)i != c->number)
        return false;
    *out = xlsx_strings_at(strings, i);
    return true;
}

/* Does the cell hold nothing that would be a value? */
static inline bool xlsx_cells_blank(const struct xlsx_strings *strings, const struct sheet_cell *c)
{
    struct str s;

    if (c->has_number)
        return c->type == SHEET_SHARED && xlsx_cells_shared(strings, c, &s) && s.n == 0;
    if (c->n == 0 || c->type == SHEET_STRING || c->type == SHEET_INLINE)
        return c->n == 0;
    for (size_t i = 0; i < c->n; i++) {
        if (!xml_space(c->text[i]))
            return c->type == SHEET_SHARED && xlsx_cells_shared(strings, c, &s) && s.n == 0;
    }
    return true;
}

/* As xlsx_cells_convert(), of any cell. */
bool xlsx_cells_convert_any(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err) MUST_CHECK;

/*
 * Look up the shared texts that xlsx_cells_put() has left. They lie anywhere in a table much larger
 * than the caches: many in a row are under way at once, where between cells each would be waited
 * for.
 */
void xlsx_cells_settle(struct xlsx_cells *x);

/* Copy p[0..n) in pieces that have a fixed size, so that no call is needed: both sides have room. */
static inline void xlsx_cells_copy(char *to, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i += XLSX_CELLS_SLACK)
        memcpy(to + i, p + i, XLSX_CELLS_SLACK);
}

/*
 * The cell as the table has it. Its text lives until xlsx_cells_reset() (shared strings: as long as
 * the table).
 * Errors: ERR_DATA (error values under ERRORS_FAIL, bad text), ERR_BUDGET.
 *
 * Plain numbers and texts without anything to decode are most of a sheet.
 */
static inline MUST_CHECK bool xlsx_cells_convert(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    if (c->has_number && c->type == SHEET_NUMBER && c->style >= x->book->n_styles) {
        *out = (struct cell){ .number = c->number, .type = CELL_NUMBER };
        return true;
    }
    if (c->padded && c->n > 0 && c->n + XLSX_CELLS_SLACK <= x->left &&
        (c->type == SHEET_INLINE || (c->type == SHEET_STRING && c->flags == 0))) {
        xlsx_cells_copy(x->room, c->text, c->n);
        *out = (struct cell){ .text = x->room, .len = (uint32_t)c->n, .type = CELL_TEXT };
        x->room += c->n;
        x->left -= c->n;
        return true;
    }
    return xlsx_cells_convert_any(x, c, out, err);
}

/*
 * The same, but *out may be undefined until xlsx_cells_settle(): it stays where it is and is not
 * looked at before.
 */
static inline MUST_CHECK bool xlsx_cells_put(
    struct xlsx_cells *x, const struct sheet_cell *c, struct cell *out, struct err *err)
{
    uint32_t i;

    if (!c->has_number || c->type != SHEET_SHARED ||
        !(c->number >= 0 && c->number < x->strings->n) ||
        (double)(i = (uint32_t)c->number) != c->number)
        return xlsx_cells_convert(x, c, out, err);
    __builtin_prefetch(x->strings->ends + i);
    *out = (struct cell){ .len = i, .type = CELL_TEXT };
    x->late[x->n_late++] = out;
    if (x->n_late == XLSX_CELLS_LATE)
        xlsx_cells_settle(x);
    return true;
}

void xlsx_cells_reset(struct xlsx_cells *x); /* Forget the texts given so far. */

/* Count a repair at a cell; place is its reference. */
void xlsx_cells_warn(
    struct xlsx_cells *x, const char *kind, const char *message, uint32_t row, uint32_t col);

#endif
