/*
 * Cells: what they show, stand for, and when they are the same.
 */

#include "table/cell.h"

#include "table/schema.h"

struct cell cell_date(double serial, enum date_kind kind)
{
    static const uint16_t formats[] = {
        [DATE_DATE] = FORMAT_DATE,
        [DATE_DATETIME] = FORMAT_DATETIME,
        [DATE_TIME] = FORMAT_TIME,
        [DATE_DURATION] = FORMAT_DURATION,
    };

    return (struct cell){
        .number = serial, .type = CELL_DATE, .kind = (uint8_t)kind, .format = formats[kind]
    };
}

const char *cell_shown(const struct cell *cell, char *scratch, size_t *n)
{
    switch ((enum cell_type)cell->type) {
    case CELL_TEXT:
    case CELL_ERROR:
        *n = cell->len;
        return cell->text;
    case CELL_NUMBER:
        *n = num_format(cell->number, scratch);
        return scratch;
    case CELL_BOOL:
        *n = cell->number != 0 ? 4 : 5;
        return cell->number != 0 ? "true" : "false";
    case CELL_DATE:
        *n = date_format(cell->number, (enum date_kind)cell->kind, scratch);
        return scratch;
    case CELL_BLANK:
        break;
    }
    *n = 0;
    return "";
}

bool cell_to_number(const struct cell *cell, double *out)
{
    if (cell->type == CELL_TEXT)
        return num_parse(cell->text, cell->len, out);
    if (cell->type != CELL_NUMBER)
        return false;
    *out = cell->number;
    return true;
}

/* Numbers are the same only if they print the same: -0 is not 0. */
static uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

bool cell_same(const struct cell *a, const struct cell *b)
{
    if (a->type != b->type)
        return false;
    switch ((enum cell_type)a->type) {
    case CELL_TEXT:
    case CELL_ERROR:
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    case CELL_DATE:
        if (a->kind != b->kind)
            return false;
        break;
    case CELL_NUMBER:
    case CELL_BOOL:
        break;
    case CELL_BLANK:
        return true;
    }
    return bits_of(a->number) == bits_of(b->number);
}

bool cell_keep(struct arena *arena, const struct cell *cell, struct cell *out)
{
    struct cell kept = *cell;

    if (cell_has_text(*cell)) {
        kept.text = arena_dup(arena, cell->text, cell->len);
        if (!kept.text)
            return false;
    }
    *out = kept;
    return true;
}
