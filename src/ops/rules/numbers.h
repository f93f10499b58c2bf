#ifndef OPS_RULES_NUMBERS_H
#define OPS_RULES_NUMBERS_H

/*
 * All numbers of a column, for its median or quartiles: in memory, or sorted on disk where memory does
 * not hold them. Both give the same to the last bit.
 */

#include "table/spill_file.h"

struct hash_sort;

struct numbers {
    const struct spill_place *place;
    double *v;
    size_t n, room;
    struct hash_sort *disk; /* All of them, once it is there. */
};

void numbers_init(struct numbers *list, const struct spill_place *place);
void numbers_free(struct numbers *list);
/* v is finite. Errors: ERR_NO_SPACE, ERR_IO, ERR_NOMEM. */
bool numbers_add(struct numbers *list, double v, struct err *err) MUST_CHECK;
uint64_t numbers_len(const struct numbers *list);
/*
 * out[i] is the q[i]-quantile by linear interpolation; q in rising order, each 0..1. There is at least one number.
 * Forgets the numbers. Same errors.
 */
bool numbers_quantiles(
    struct numbers *list, const double *q, size_t n, double *out, struct err *err) MUST_CHECK;

#endif
