/*
 * Cells of any type as text. Columns that hold only text are passed on as they are.
 */

#include "workflow/flatten.h"

#include <stdlib.h>

struct flatten {
    struct arena texts; /* Of the batch at hand. */
    struct arena arena;
    struct batch *own; /* Columns to write into. */
    struct batch lent; /* What is handed out: own columns and those of the input. */
    struct cell **columns;
};

struct flatten *flatten_new(uint32_t n_columns, struct budget *budget)
{
    struct flatten *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    arena_init(&f->texts, budget);
    arena_init(&f->arena, budget);
    f->own = batch_new(&f->arena, n_columns);
    f->columns = arena_calloc(&f->arena, n_columns + 1, sizeof *f->columns);
    if (!f->own || !f->columns) {
        flatten_free(f);
        return NULL;
    }
    return f;
}

void flatten_free(struct flatten *f)
{
    if (!f)
        return;
    arena_deinit(&f->texts);
    arena_deinit(&f->arena);
    free(f);
}

static bool is_text(const struct cell *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (cells[i].type != CELL_TEXT && cells[i].type != CELL_BLANK)
            return false;
    }
    return true;
}

static bool flatten_column(struct flatten *f, const struct cell *from, uint32_t n, struct cell *to)
{
    for (uint32_t i = 0; i < n; i++) {
        char scratch[CELL_SHOWN_MAX];
        const char *shown;
        size_t len;

        shown = cell_shown(&from[i], scratch, &len);
        if (shown == scratch && len > 0)
            shown = arena_dup(&f->texts, scratch, len);
        if (!shown)
            return false;
        to[i] = cell_text(shown, len);
    }
    return true;
}

bool flatten_batch(
    struct flatten *f, const struct batch *in, const struct batch **out, struct err *err)
{
    arena_reset(&f->texts);
    f->lent = *in;
    f->lent.columns = f->columns;
    for (uint32_t c = 0; c < in->n_columns; c++) {
        f->columns[c] = in->columns[c];
        if (is_text(in->columns[c], in->n_rows))
            continue;
        if (!flatten_column(f, in->columns[c], in->n_rows, f->own->columns[c]))
            return err_nomem(err);
        f->columns[c] = f->own->columns[c];
    }
    *out = &f->lent;
    return true;
}
