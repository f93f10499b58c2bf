#ifndef FORMATS_SOURCE_VIEW_H
#define FORMATS_SOURCE_VIEW_H

/*
 * A table as the reader arguments want it seen, between a reader and whoever reads:
 *
 *   reader ── header of several rows ── rows and columns left out ── numbers as shown ──▶ batches
 *
 * It costs nothing where nothing of this is asked for: then there is none.
 */

#include "formats/source.h"

enum { VIEW_MAX_HEADER_ROWS = 5 };

/* What a workbook hides, and the row that sums up its table. */
struct source_gaps {
    uint32_t *rows; /* Hidden ones, from 1, rising. */
    size_t n_rows;
    bool *columns;      /* n_columns of them: hidden? NULL: none is. */
    uint32_t n_columns; /* Of `columns`. */
    uint32_t totals;    /* 0: none. */
};

struct source_view;

/*
 * A view of `reader`, which stands at its first data row; NULL in *out when none is needed. gaps (may be NULL) and
 * args' strings outlive it. The reader stays the caller's on failure and belongs to the view on success.
 * *schema is changed to the view's.
 */
bool source_view_open(const struct source_class *class, void *reader,
    const struct reader_args *args, const struct source_env *env, const struct source_gaps *gaps,
    struct source_view **out, const struct schema **schema, struct err *err) MUST_CHECK;
extern const struct source_class source_view_class;

/*
 * What the first rows of a table look like, for warnings that offer a better way to read them: titles above the
 * header, a second row of names, another table below.
 */
void source_view_offer(const struct schema *schema, const struct batch *first,
    const struct reader_args *args, struct warnings *warnings);

#endif
