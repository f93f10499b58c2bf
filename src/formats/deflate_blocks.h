#ifndef FORMATS_DEFLATE_BLOCKS_H
#define FORMATS_DEFLATE_BLOCKS_H

/*
 * Raw deflate of a stream in blocks that do not look back at each other, so that one block is
 * compressed on another thread while the caller fills the next.
 *
 *   caller:   fill ─ push ─ fill ─ push ─ compress ─ fill ...   all of it for the first blocks,
 *   thread:            compress ─ compress ─ compress ...       together from the fifth on
 *
 * What comes out does not depend on which of the two compressed it.
 */

#include "base/err.h"

/*
 * 256 KiB stay in the second-level cache from formatting to deflate. Measured on sheet XML
 * (ISA-L, one core): level 1 932 MB/s at 5.00:1; level 0 1011 MB/s at 4.06:1; level 2 905 MB/s at
 * 5.01:1; level 3 315 MB/s at 4.86:1; zlib 6 56 MB/s at 5.53:1. Independent blocks instead of
 * one window cost level 1 half a percent of size.
 */
enum {
    DEFLATE_BLOCK = 256 * 1024,
    DEFLATE_SLACK = 16 * 1024 /* More room behind a block, for those who see its end late. */
};

struct deflate_blocks;

/* Takes the compressed bytes, in order, in the caller's thread. */
typedef bool deflate_out_fn(void *arg, const void *p, size_t n, struct err *err);

struct deflate_totals {
    uint32_t crc; /* CRC-32 of what went in. */
    uint64_t in, out;
};

/* NULL when memory ends. `out` is called from push and end. */
struct deflate_blocks *deflate_blocks_new(deflate_out_fn *out, void *arg);
void deflate_blocks_free(struct deflate_blocks *d); /* NULL is fine. */

/* The block to fill: DEFLATE_BLOCK + DEFLATE_SLACK bytes, the same ones until the next push. */
char *deflate_blocks_get(struct deflate_blocks *d);

/* The first n (<= DEFLATE_BLOCK) bytes of the block are the stream's next. What is behind them is lost. */
bool deflate_blocks_push(struct deflate_blocks *d, size_t n, struct err *err) MUST_CHECK;

/* End the stream: all its bytes have gone to `out`. The next push begins a new one. */
bool deflate_blocks_end(
    struct deflate_blocks *d, struct deflate_totals *totals, struct err *err) MUST_CHECK;

#endif
