/*
 * Old workbooks made to order for tests: records put one behind the other, then a workbook of them in
 * a compound file.
 */
#ifndef TESTS_BIFF_MAKE_H
#define TESTS_BIFF_MAKE_H

#include "cfb_make.h"

#include "formats/xls_records.h"

enum { BIFF_SHEETS = 4, BIFF_5 = 0x0500, BIFF_8 = 0x0600, BIFF_WORKSHEET = 0x10 };

struct biff_sheet {
    const char *name; /* NULL: no more sheets. ASCII, or bytes of the code page. */
    unsigned state;   /* 0 visible, 1 hidden, 2 very hidden. */
    unsigned tab;     /* 0 sheet, 1 macro, 2 chart. */
    struct buf rows;  /* Records between BOF and EOF. */
};

struct biff {
    unsigned version;
    struct buf globals; /* Records between BOF and BOUNDSHEET. */
    struct biff_sheet sheets[BIFF_SHEETS];
};

static inline void biff_init(struct biff *b, unsigned version)
{
    memset(b, 0, sizeof *b);
    b->version = version;
    b->sheets[0].name = "Sheet1";
    buf_init(&b->globals, 1 << 24);
    for (size_t i = 0; i < BIFF_SHEETS; i++)
        buf_init(&b->sheets[i].rows, 1 << 24);
}

static inline void biff_deinit(struct biff *b)
{
    buf_deinit(&b->globals);
    for (size_t i = 0; i < BIFF_SHEETS; i++)
        buf_deinit(&b->sheets[i].rows);
}

static inline void biff_record(struct buf *out, unsigned id, const void *p, size_t n)
{
    cfb_make_16(out, id);
    cfb_make_16(out, (unsigned)n);
    buf_add(out, p, n);
}

static inline void biff_bof(struct buf *out, unsigned version, unsigned kind)
{
    cfb_make_16(out, XLS_BOF);
    cfb_make_16(out, 8);
    cfb_make_16(out, version);
    cfb_make_16(out, kind);
    cfb_make_32(out, 0);
}

/* The head of a cell's record with `n` bytes behind it. */
static inline void biff_cell(
    struct buf *out, unsigned id, unsigned row, unsigned col, unsigned style, size_t n)
{
    cfb_make_16(out, id);
    cfb_make_16(out, (unsigned)(6 + n));
    cfb_make_16(out, row);
    cfb_make_16(out, col);
    cfb_make_16(out, style);
}

static inline void biff_number(
    struct buf *out, unsigned row, unsigned col, unsigned style, double v)
{
    biff_cell(out, XLS_NUMBER, row, col, style, sizeof v);
    buf_add(out, &v, sizeof v);
}

/* A formula whose stored result is these eight bytes. */
static inline void biff_formula(struct buf *out, unsigned row, unsigned col, const char *result)
{
    biff_cell(out, XLS_FORMULA, row, col, 0, 16);
    buf_add(out, result, 8);
    buf_add(out, "\0\0\0\0\0\0\0\0", 8);
}

/* A text of narrow characters behind a two-byte length. */
static inline void biff_string(struct buf *out, unsigned version, const char *s)
{
    cfb_make_16(out, (unsigned)strlen(s));
    if (version == BIFF_8)
        buf_addc(out, 0);
    buf_adds(out, s);
}

static inline void biff_label(
    struct buf *out, unsigned version, unsigned row, unsigned col, const char *s)
{
    biff_cell(out, XLS_LABEL, row, col, 0, strlen(s) + (version == BIFF_8 ? 3 : 2));
    biff_string(out, version, s);
}

static inline void biff_shared(struct buf *out, unsigned row, unsigned col, uint32_t i)
{
    biff_cell(out, XLS_LABELSST, row, col, 0, 4);
    cfb_make_32(out, i);
}

/* The workbook stream. */
static inline void biff_stream(const struct biff *b, struct buf *out)
{
    size_t head = b->version == BIFF_8 ? 8 : 7, at = 12 + b->globals.len + 4;

    for (size_t i = 0; i < BIFF_SHEETS && b->sheets[i].name; i++)
        at += 4 + head + strlen(b->sheets[i].name);
    biff_bof(out, b->version, 5);
    buf_add(out, b->globals.data, b->globals.len);
    for (size_t i = 0; i < BIFF_SHEETS && b->sheets[i].name; i++) {
        size_t n = strlen(b->sheets[i].name);

        cfb_make_16(out, XLS_BOUNDSHEET);
        cfb_make_16(out, (unsigned)(head + n));
        cfb_make_32(out, (uint32_t)at);
        buf_addc(out, (char)b->sheets[i].state);
        buf_addc(out, (char)b->sheets[i].tab);
        buf_addc(out, (char)n);
        if (b->version == BIFF_8)
            buf_addc(out, 0);
        buf_adds(out, b->sheets[i].name);
        at += 12 + b->sheets[i].rows.len + 4;
    }
    biff_record(out, XLS_EOF, "", 0);
    for (size_t i = 0; i < BIFF_SHEETS && b->sheets[i].name; i++) {
        biff_bof(out, b->version, b->sheets[i].tab == 2 ? 0x20 : BIFF_WORKSHEET);
        buf_add(out, b->sheets[i].rows.data, b->sheets[i].rows.len);
        biff_record(out, XLS_EOF, "", 0);
    }
}

/* The whole file. */
static inline void biff_file(const struct biff *b, struct buf *out)
{
    struct cfb_make_stream streams[] = { { b->version == BIFF_8 ? "Workbook" : "Book", NULL, 0 },
        { NULL, NULL, 0 } };
    struct buf stream;

    buf_init(&stream, 1 << 26);
    biff_stream(b, &stream);
    streams[0].p = stream.data;
    streams[0].n = stream.len;
    cfb_make(out, streams, 9);
    buf_deinit(&stream);
}

#endif
