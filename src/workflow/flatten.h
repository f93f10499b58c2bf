#ifndef WORKFLOW_FLATTEN_H
#define WORKFLOW_FLATTEN_H

/*
 * Cells of any type as text: what `types: "text"` asks for.
 */

#include "table/batch.h"

struct flatten;

struct flatten *flatten_new(uint32_t n_columns, struct budget *budget); /* NULL when memory ends. */
void flatten_free(struct flatten *f);

/* *out has every cell of `in` as its shown text; valid until the next call and as long as `in`. */
bool flatten_batch(struct flatten *f, const struct batch *in, const struct batch **out,
    struct err *err) MUST_CHECK;

#endif
