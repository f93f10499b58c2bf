/*
 * Keys of a join: the shown texts of their cells, each behind its length.
 */

#include "ops/join_int.h"

#include "base/utf8.h"

enum { JOIN_BLANK = 0xffffffff }; /* Instead of a length. */

struct join_bend join_bend_of(const struct join_options *o, int near)
{
    return (struct join_bend){ .trim = o->trim || near == NEAR_TRIM,
        .ignore_case = o->ignore_case || near == NEAR_IGNORE_CASE,
        .number = near == NEAR_NUMBER_TEXT,
        .zeros = near == NEAR_LEADING_ZEROS };
}

/* "0012" -> "12"; only where all are digits. */
static void strip_zeros(const char **p, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9')
            return;
    }
    for (; *n > 1 && **p == '0'; (*n)--)
        (*p)++;
}

/* Append one part of a key: its length, then its text, bent. */
static bool add_part(const struct join_bend *bend, const char *p, size_t n, struct arena *scratch,
    struct buf *key, struct err *err)
{
    char shown[NUM_TEXT_MAX];
    uint32_t len;
    double v;

    if (bend->trim)
        utf8_trim(&p, &n);
    if (bend->ignore_case) {
        p = utf8_fold(scratch, p, n, &n);
        if (!p)
            return err_nomem(err);
    }
    if (bend->number && num_parse(p, n, &v)) {
        n = num_format(v, shown);
        p = shown;
    }
    if (bend->zeros)
        strip_zeros(&p, &n);
    len = (uint32_t)n;
    buf_add(key, &len, sizeof len);
    buf_add(key, p, n);
    return true;
}

bool join_make_key(const struct join_bend *bend, const struct batch *b, uint32_t row,
    const uint32_t *columns, uint32_t n_columns, struct arena *scratch, struct buf *key,
    bool *blank, struct err *err)
{
    static const uint32_t no_text = JOIN_BLANK;

    buf_reset(key);
    if (bend->ignore_case)
        arena_reset(scratch);
    *blank = false;
    for (uint32_t k = 0; k < n_columns; k++) {
        const struct cell *cell = &b->columns[columns[k]][row];
        char printed[CELL_SHOWN_MAX];
        const char *p;
        size_t n;

        if (cell_is_blank(*cell)) {
            *blank = true;
            buf_add(key, &no_text, sizeof no_text);
            continue;
        }
        p = cell_shown(cell, printed, &n);
        if (!add_part(bend, p, n, scratch, key, err))
            return false;
    }
    return buf_ok(key, "a key", err);
}

bool join_rebend_key(const struct join_bend *bend, const char *p, size_t n, struct arena *scratch,
    struct buf *key, struct err *err)
{
    const char *end = p + n;

    buf_reset(key);
    arena_reset(scratch);
    while (p < end) {
        uint32_t len;

        memcpy(&len, p, sizeof len);
        p += sizeof len;
        if (len == JOIN_BLANK) {
            buf_add(key, &len, sizeof len);
            continue;
        }
        if (!add_part(bend, p, len, scratch, key, err))
            return false;
        p += len;
    }
    return buf_ok(key, "a key", err);
}
