/*
 * Choosing columns of a table.
 */

#include "ops/columns.h"

#include <stdio.h>
#include <string.h>

static bool choose_all(
    const struct schema *in, struct arena *arena, struct columns *out, struct err *err)
{
    out->at = arena_calloc(arena, in->n_columns ? in->n_columns : 1, sizeof *out->at);
    if (!out->at)
        return err_nomem(err);
    for (uint32_t c = 0; c < in->n_columns; c++)
        out->at[c] = c;
    out->n = in->n_columns;
    return true;
}

bool columns_choose(const struct schema *in, const struct strs *names, const char *argument,
    struct arena *arena, struct columns *out, struct err *err)
{
    struct columns chosen = { 0 };
    bool *taken;

    if (names->n == 0)
        return choose_all(in, arena, out, err);
    chosen.at = arena_calloc(arena, names->n, sizeof *chosen.at);
    taken = arena_calloc(arena, in->n_columns ? in->n_columns : 1, sizeof *taken);
    if (!chosen.at || !taken)
        return err_nomem(err);
    for (size_t i = 0; i < names->n; i++) {
        char where[sizeof err->argument];
        uint32_t c = 0;

        snprintf(where, sizeof where, "%s[%zu]", argument, i);
        if (!schema_get(in, names->v[i], where, &c, err))
            return false;
        if (taken[c]) {
            err_set(err, ERR_ARG, "%s: column '%.128s' is named twice", where, names->v[i]);
            memcpy(err->argument, where, sizeof where);
            return false;
        }
        taken[c] = true;
        chosen.at[chosen.n++] = c;
    }
    *out = chosen;
    return true;
}

struct schema *columns_schema(const struct schema *in, const struct columns *c, struct arena *arena)
{
    struct schema *s = schema_new(arena, c->n);

    for (uint32_t i = 0; s && i < c->n; i++)
        s->columns[i] = in->columns[c->at[i]];
    return s;
}

void columns_view(const struct batch *in, const struct columns *c, struct batch *view)
{
    for (uint32_t i = 0; i < c->n; i++)
        view->columns[i] = in->columns[c->at[i]];
    view->n_columns = c->n;
    view->n_rows = in->n_rows;
    view->rows = in->rows;
    view->first_row = in->first_row;
}

struct batch *columns_view_new(struct arena *arena, uint32_t n)
{
    struct batch *b = arena_calloc(arena, 1, sizeof *b);

    if (b)
        b->columns = arena_calloc(arena, n ? n : 1, sizeof(*b->columns));
    return b && b->columns ? b : NULL;
}

int32_t columns_find(const struct schema *s, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(s->columns[i].name, name) == 0)
            return (int32_t)i;
    }
    return -1;
}

const char *columns_free_name(
    const struct schema *s, uint32_t n, const char *name, struct arena *arena)
{
    const char *free_name = name;

    for (uint32_t i = 2; free_name && columns_find(s, n, free_name) >= 0; i++)
        free_name = arena_printf(arena, "%s_%u", name, i);
    return free_name;
}
