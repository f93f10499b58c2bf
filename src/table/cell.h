#ifndef TABLE_CELL_H
#define TABLE_CELL_H

/*
 * Cells: 16 bytes each, typed; text is a view into memory that belongs to the batch.
 */

#include "base/date.h"
#include "base/num.h"
#include "base/arena.h"

#include <string.h>

enum cell_type {
    CELL_BLANK,  /* Absent, empty cell and empty field are all this. */
    CELL_TEXT,   /* text[0..len), valid UTF-8, not NUL-terminated, len > 0. */
    CELL_NUMBER, /* Finite. */
    CELL_BOOL,   /* number 0 or 1. */
    CELL_DATE,   /* number is an Excel serial (1900 system); kind says what to show. */
    CELL_ERROR   /* text is the token: #N/A. */
};

struct cell {
    union {
        const char *text;
        double number;
    };
    uint32_t len;    /* Of text. */
    uint8_t type;    /* enum cell_type */
    uint8_t kind;    /* enum date_kind */
    uint16_t format; /* Index into struct formats; 0 is General. */
};

_Static_assert(sizeof(struct cell) == 16, "a cell is two words");

static inline struct cell cell_blank(void)
{
    return (struct cell){ .type = CELL_BLANK };
}

/* Empty text is blank. */
static inline struct cell cell_text(const char *p, size_t n)
{
    return n ? (struct cell){ .text = p, .len = (uint32_t)n, .type = CELL_TEXT } : cell_blank();
}

static inline struct cell cell_number(double v)
{
    return (struct cell){ .number = v, .type = CELL_NUMBER };
}

static inline struct cell cell_bool(bool v)
{
    return (struct cell){ .number = v, .type = CELL_BOOL };
}

struct cell cell_date(double serial, enum date_kind kind); /* With the kind's usual format. */

static inline bool cell_is_blank(struct cell c)
{
    return c.type == CELL_BLANK;
}

static inline bool cell_has_text(struct cell c)
{
    return c.type == CELL_TEXT || c.type == CELL_ERROR;
}

enum { CELL_SHOWN_MAX = 48 }; /* Room for the shown text of anything but text. */

/*
 * The shown text of any cell: numbers shortest, true/false, ISO dates, error tokens.
 * Shape: text cells give their own bytes; others are printed into scratch (CELL_SHOWN_MAX bytes).
 *        Blank gives length 0. Not NUL-terminated in general.
 */
const char *cell_shown(const struct cell *cell, char *scratch, size_t *n);

/*
 * Does the cell stand for a number: a number cell, or text that num_parse() accepts?
 */
bool cell_to_number(const struct cell *cell, double *out);

/*
 * Same type and same value: text byte by byte; the kind of dates counts, 0 and -0 differ; formats
 * are not compared.
 */
bool cell_same(const struct cell *a, const struct cell *b);

/* A copy whose text lives in `arena`; false when memory ends. */
bool cell_keep(struct arena *arena, const struct cell *cell, struct cell *out) MUST_CHECK;

#endif
