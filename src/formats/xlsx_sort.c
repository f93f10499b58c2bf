/*
 * Sheets whose rows do not stand in order.
 */
#include "formats/xlsx_sort.h"

#include <stdlib.h>

struct place {
    uint64_t at; /* Row and column. */
    uint32_t i;  /* Index into cells: later ones win. */
};

struct xlsx_sorted {
    struct budget *budget;
    struct sheet_cell *cells; /* Blank ones are left out. */
    struct place *places;
    size_t n, room, held;
    size_t next;
    uint32_t row; /* The last one given. */
    uint64_t duplicates;
    struct arena text;
};

static bool too_big(const struct sheet_scan *s, const char *sheet, struct err *err)
{
    return err_set(err, ERR_BUDGET,
        "'%s': the rows of sheet '%s' are not in order, and sorting them needs more memory than "
        "the limit allows; open and save the file in Excel",
        s->in.label, sheet);
}

static bool grow(struct xlsx_sorted *o)
{
    size_t room = o->room ? o->room * 2 : 1024;
    size_t more = (room - o->room) * (sizeof *o->cells + sizeof *o->places);
    struct sheet_cell *cells;
    struct place *places;

    if (room > UINT32_MAX || !budget_take(o->budget, more))
        return false;
    o->held += more;
    cells = realloc(o->cells, room * sizeof *cells);
    if (!cells)
        return false;
    o->cells = cells;
    places = realloc(o->places, room * sizeof *places);
    if (!places)
        return false;
    o->places = places;
    o->room = room;
    return true;
}

static bool add(struct xlsx_sorted *o, const struct sheet_cell *c)
{
    struct sheet_cell copy = *c;

    if (o->n == o->room && !grow(o))
        return false;
    if (!c->has_number && c->n > 0) {
        copy.text = arena_dup(&o->text, c->text, c->n);
        if (!copy.text)
            return false;
    }
    o->cells[o->n] = copy;
    o->places[o->n] = (struct place){ (uint64_t)c->row << 32 | c->col, (uint32_t)o->n };
    o->n++;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

static void drop_duplicates(struct xlsx_sorted *o)
{
    size_t kept = 0;

    for (size_t i = 0; i < o->n; i++) {
        if (i + 1 < o->n && o->places[i].at == o->places[i + 1].at)
            o->duplicates++;
        else
            o->places[kept++] = o->places[i];
    }
    o->n = kept;
}

bool xlsx_sorted_load(struct sheet_scan *s, const char *sheet, const struct xlsx_strings *strings,
    struct budget *budget, struct xlsx_sorted **out, struct err *err)
{
    struct xlsx_sorted *o = malloc(sizeof *o);
    struct sheet_cell c;
    enum sheet_event event;

    if (!o)
        return err_nomem(err);
    *o = (struct xlsx_sorted){ .budget = budget };
    arena_init(&o->text, budget);
    for (;;) {
        if (!sheet_next(s, &c, &event, err))
            goto fail;
        if (event == SHEET_END)
            break;
        /* A formula without a value is still to be counted. */
        if (event == SHEET_ROW || (xlsx_cells_blank(strings, &c) && !c.formula))
            continue;
        if (!add(o, &c)) {
            too_big(s, sheet, err);
            goto fail;
        }
    }
    if (o->n)
        qsort(o->places, o->n, sizeof *o->places, by_place);
    drop_duplicates(o);
    *out = o;
    return true;
fail:
    xlsx_sorted_free(o);
    return false;
}

void xlsx_sorted_free(struct xlsx_sorted *o)
{
    if (!o)
        return;
    free(o->cells);
    free(o->places);
    budget_give(o->budget, o->held);
    arena_deinit(&o->text);
    free(o);
}

void xlsx_sorted_rewind(struct xlsx_sorted *o)
{
    o->next = 0;
    o->row = 0;
}

enum sheet_event xlsx_sorted_next(struct xlsx_sorted *o, struct sheet_cell *c, uint32_t *row)
{
    uint32_t at;

    if (o->next == o->n)
        return SHEET_END;
    at = (uint32_t)(o->places[o->next].at >> 32);
    if (at != o->row) {
        o->row = *row = at;
        return SHEET_ROW;
    }
    *c = o->cells[o->places[o->next++].i];
    return SHEET_CELL;
}

uint64_t xlsx_sorted_duplicates(const struct xlsx_sorted *o)
{
    return o->duplicates;
}
