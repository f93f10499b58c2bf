#ifndef OPS_RULES_FREQUENT_H
#define OPS_RULES_FREQUENT_H

/*
 * The most frequent value of a column; of several that are as frequent, the one that came first.
 */

#include "table/cell.h"
#include "table/hash.h"
#include "table/spill_file.h"

struct frequent;

struct frequent *frequent_new(const struct spill_place *place); /* NULL when memory ends. */
void frequent_free(struct frequent *f);
/* Not a blank one. Errors: ERR_NO_SPACE, ERR_IO, ERR_NOMEM. */
bool frequent_add(struct frequent *f, const struct cell *cell, struct err *err) MUST_CHECK;
/* *out is blank where no cell was added; its text lives in `arena`. Nothing may be added any more. */
bool frequent_end(
    struct frequent *f, struct arena *arena, struct cell *out, struct err *err) MUST_CHECK;

#endif
