#ifndef TABLE_SHOWN_INT_H
#define TABLE_SHOWN_INT_H

/* What shown.c, shown_code.c and shown_date.c share. */

#include "table/shown.h"

#include <string.h>

/* What is shown so far. */
struct shown_text {
    char *p;
    size_t n;
    bool full;
};

static inline void shown_put(struct shown_text *t, const char *p, size_t n)
{
    if (n > SHOWN_MAX - t->n) {
        t->full = true;
        return;
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static inline void shown_put_char(struct shown_text *t, char c)
{
    shown_put(t, &c, 1);
}

/* ---- shown_code.c ---- */

enum { SHOWN_SECTIONS = 4 };

/* Of a code: positive;negative;zero;text. */
struct shown_section {
    const char *p, *end;
    char compare; /* '<', 'l' (<=), '>', 'g' (>=), '=', 'n' (<>); 0: no condition. */
    double than;
};

/* The sections of a code, at least one; returns how many. */
unsigned shown_split(const char *code, struct shown_section out[SHOWN_SECTIONS]);
/* The section for v, which loses its sign where the section shows that itself; NULL: none holds. */
const struct shown_section *shown_choose(const struct shown_section *s, unsigned n, double *v);
/*
 * The piece of code at p: how many bytes, and in *text what it shows when it is a literal. p[0] is the letter of
 * the piece otherwise.
 */
size_t shown_piece(const char *p, const char *end, const char **text, size_t *n);
/* Does the code go on with that, in either case? */
bool shown_starts(const char *p, const char *end, const char *with);

/* ---- shown_date.c ---- */

void shown_date(struct shown_text *t, const struct shown_section *s, double v);

#endif
