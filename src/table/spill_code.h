#ifndef TABLE_SPILL_CODE_H
#define TABLE_SPILL_CODE_H

/*
 * Cells as bytes, for files that nobody but their writer reads:
 *
 *   cell     tag [format] and, by type:
 *              blank          how many more blanks follow (the caller writes it)
 *              text, error    length, bytes
 *              number, date   8 bytes, or a varint where the tag says it is whole
 *              boolean        nothing, the tag says it
 *   tag      bits 0-2 type, 3-4 kind, 5 a format follows, 6 whole or true
 *
 * Integers are varints, 7 bits a byte, low bits first. Inline, as every cell of a spill passes here.
 */

#include "table/cell.h"

#include <math.h>

enum {
    SPILL_TAG_TYPE = 7,
    SPILL_TAG_KIND_SHIFT = 3,
    SPILL_TAG_FORMAT = 1 << 5,
    SPILL_TAG_WHOLE = 1 << 6,
    SPILL_VARINT_MAX = 10,
    /* Tag, format, and the content of anything but text. */
    SPILL_CELL_MAX = 1 + 3 + SPILL_VARINT_MAX
};
#define SPILL_WHOLE_LIMIT 9007199254740992.0 /* 2^53 */

static inline uint8_t *spill_put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

/* Small numbers of either sign become small ones without. */
static inline uint64_t spill_zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t spill_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline uint8_t *spill_put_number(uint8_t *p, uint8_t *tag, double v)
{
    if (fabs(v) < SPILL_WHOLE_LIMIT && v == (double)(int64_t)v && !(v == 0 && signbit(v))) {
        *tag |= SPILL_TAG_WHOLE;
        return spill_put_varint(p, spill_zigzag((int64_t)v));
    }
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static inline uint8_t *spill_put_cell(uint8_t *p, const struct cell *c)
{
    uint8_t *tag = p++;

    *tag = (uint8_t)(c->type | c->kind << SPILL_TAG_KIND_SHIFT);
    if (c->format) {
        *tag |= SPILL_TAG_FORMAT;
        p = spill_put_varint(p, c->format);
    }
    switch ((enum cell_type)c->type) {
    case CELL_TEXT:
    case CELL_ERROR:
        p = spill_put_varint(p, c->len);
        memcpy(p, c->text, c->len);
        return p + c->len;
    case CELL_NUMBER:
    case CELL_DATE:
        return spill_put_number(p, tag, c->number);
    case CELL_BOOL:
        if (c->number != 0)
            *tag |= SPILL_TAG_WHOLE;
        return p;
    case CELL_BLANK:
        break;
    }
    return p;
}

/* What is still to be decoded; p is NULL once something did not fit. */
struct spill_cursor {
    const uint8_t *p, *end;
};

static inline uint64_t spill_get_varint(struct spill_cursor *in)
{
    uint64_t v = 0;

    for (unsigned shift = 0; in->p && in->p < in->end && shift < 64; shift += 7) {
        uint8_t byte = *in->p++;

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    in->p = NULL;
    return 0;
}

static inline const void *spill_get_bytes(struct spill_cursor *in, size_t n)
{
    const uint8_t *p = in->p;

    if (!p || (size_t)(in->end - p) < n) {
        in->p = NULL;
        return NULL;
    }
    in->p += n;
    return p;
}

static inline void spill_get_number(struct spill_cursor *in, bool whole, double *out)
{
    const void *bytes;

    if (whole) {
        *out = (double)spill_unzigzag(spill_get_varint(in));
        return;
    }
    bytes = spill_get_bytes(in, sizeof *out);
    if (bytes)
        memcpy(out, bytes, sizeof *out);
}

/* One cell, and how many blanks like it follow. */
static inline uint32_t spill_get_cell(struct spill_cursor *in, struct cell *c)
{
    const uint8_t *tag = spill_get_bytes(in, 1);

    *c = cell_blank();
    if (!tag)
        return 0;
    c->type = *tag & SPILL_TAG_TYPE;
    c->kind = *tag >> SPILL_TAG_KIND_SHIFT & 3;
    if (*tag & SPILL_TAG_FORMAT)
        c->format = (uint16_t)spill_get_varint(in);
    switch ((enum cell_type)c->type) {
    case CELL_TEXT:
    case CELL_ERROR:
        c->len = (uint32_t)spill_get_varint(in);
        c->text = spill_get_bytes(in, c->len);
        return 0;
    case CELL_NUMBER:
    case CELL_DATE:
        spill_get_number(in, *tag & SPILL_TAG_WHOLE, &c->number);
        return 0;
    case CELL_BOOL:
        c->number = (*tag & SPILL_TAG_WHOLE) != 0;
        return 0;
    case CELL_BLANK:
        return (uint32_t)spill_get_varint(in);
    }
    in->p = NULL; /* No such type. */
    return 0;
}

#endif
