#ifndef TABLE_TYPING_H
#define TABLE_TYPING_H

/*
 * Safe typing of text columns: decided over the whole column, then applied.
 *
 *   scan:  typing_scan() every batch of the file; columns fall out at the first value that does
 *          not fit
 *   apply: typing_apply() turns text cells of decided columns into number, boolean or date cells,
 *          each printing back to the same bytes
 */

#include "table/batch.h"

struct typing;

struct typing *typing_new(uint32_t n_columns); /* NULL when memory ends. */
void typing_free(struct typing *t);
void typing_scan(struct typing *t, const struct batch *b);
bool typing_all_text(const struct typing *t); /* Nothing left to decide: a scan may stop. */
/* TEXT, NUMBER, BOOLEAN, DATE, DATETIME or EMPTY. */
enum column_type typing_column(const struct typing *t, uint32_t column);
/* Is it a NUMBER column without a fraction in it? */
bool typing_whole(const struct typing *t, uint32_t column);
/* In place, for the owner of the batch. */
void typing_apply(const struct typing *t, struct batch *b);

#endif
