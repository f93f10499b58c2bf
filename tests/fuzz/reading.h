/* A table read to its end, in short, so that two readings can be compared. */
#ifndef FUZZ_READING_H
#define FUZZ_READING_H

#include "formats/source.h"
#include "table/hash.h"

#include <stdlib.h>
#include <string.h>

/* How it ended, and a hash of every name and cell. */
struct reading {
    enum err_code code;
    uint64_t rows, rejected, quarantined;
    struct hash128 hash;
};

static inline void reading_mix(struct reading *o, const void *p, size_t n)
{
    struct hash128 h = hash_bytes(p, n);
    uint64_t parts[] = { o->hash.lo, o->hash.hi, h.lo, h.hi, n };

    o->hash = hash_bytes(parts, sizeof parts);
}

/* From where s stands to its end, or until there were so many cells. */
static inline struct reading reading_of(struct source *s, uint64_t cells)
{
    const struct schema *schema = source_schema(s);
    struct reading o = { 0 };
    struct err err = { 0 };
    struct batch *b;

    for (uint32_t c = 0; c < schema->n_columns; c++)
        reading_mix(&o, schema->columns[c].name, strlen(schema->columns[c].name));
    while (o.rows * schema->n_columns < cells && source_next(s, &b, &err) && b) {
        o.rows += b->n_rows;
        for (uint32_t i = 0; i < b->n_rows; i++) {
            uint64_t row = batch_row(b, i);

            reading_mix(&o, &row, sizeof row);
            for (uint32_t c = 0; c < b->n_columns; c++) {
                char scratch[CELL_SHOWN_MAX];
                size_t n;
                const char *p = cell_shown(&b->columns[c][i], scratch, &n);

                reading_mix(&o, &b->columns[c][i].type, 1);
                reading_mix(&o, p, n);
            }
        }
    }
    o.code = err.code;
    o.quarantined = source_quarantined(s);
    return o;
}

static inline bool reading_same(const struct reading *a, const struct reading *b)
{
    return a->code == b->code && a->rows == b->rows && a->hash.lo == b->hash.lo &&
           a->hash.hi == b->hash.hi;
}

/*
 * What s holds, read once, and once more after going back from the end and from the middle, which must give the same: how
 * many rows come before an error, though, is chance.
 */
static inline struct reading reading_twice(struct source *s, uint64_t cells)
{
    struct reading first = reading_of(s, cells), second;
    struct batch *b;
    struct err err;

    if (first.code != ERR_NONE)
        return first;
    if (!source_rewind(s, &err) || !source_next(s, &b, &err) || (b && !source_next(s, &b, &err)) ||
        !source_rewind(s, &err))
        abort();
    second = reading_of(s, cells);
    if (!reading_same(&first, &second))
        abort();
    return first;
}

#endif
