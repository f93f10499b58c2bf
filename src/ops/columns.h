#ifndef OPS_COLUMNS_H
#define OPS_COLUMNS_H

/*
 * Choosing columns of a table: what `columns` arguments mean, in one place.
 */

#include "ops/op.h"

struct columns {
    uint32_t *at; /* Index in the input of each chosen column. */
    uint32_t n;
};

/*
 * The columns called `names`, in that order; all of them where names->n is 0.
 *
 * Errors: ERR_COLUMN for an unknown one, ERR_ARG for one named twice; err->argument is "ARGUMENT[i]".
 * Owns:   memory of `arena`.
 */
bool columns_choose(const struct schema *in, const struct strs *names, const char *argument,
    struct arena *arena, struct columns *out, struct err *err) MUST_CHECK;

/* The schema of the chosen columns; NULL when memory ends. */
struct schema *columns_schema(
    const struct schema *in, const struct columns *c, struct arena *arena);

/* Point `view` (view->columns has room for c->n pointers) at the chosen columns of `in`: nothing is copied. */
void columns_view(const struct batch *in, const struct columns *c, struct batch *view);

/* As batch_new(), but with the pointers alone, for columns_view(). */
struct batch *columns_view_new(struct arena *arena, uint32_t n);

/* `name`, or name_2, name_3, ... where schema->columns[0..n) have it already. NULL when memory ends. */
const char *columns_free_name(
    const struct schema *s, uint32_t n, const char *name, struct arena *arena);

/* Index among the first n columns of the one called `name`; -1 when there is none. */
int32_t columns_find(const struct schema *s, uint32_t n, const char *name);

#endif
