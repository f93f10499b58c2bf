#ifndef FORMATS_CSV_AHEAD_H
#define FORMATS_CSV_AHEAD_H

/*
 * CSV text parsed ahead, by several threads.
 *
 * The text is cut into chunks of whole records. Where a record ends can be told without parsing
 * only as long as quotes are used as they should be, which csv_tally() judges; where it will not
 * judge, the chunks stop and the text goes to the caller, who parses it and may let them go on
 * behind it.
 *
 *   encoding ──text──▶ [ chunk │ chunk │ chunk ] ──▶ caller
 *                 read one    parsed by any thread,     in their order
 *                 by one      the caller too
 */

#include "formats/csv_int.h"
#include "table/batch.h"

struct csv_ahead;

enum csv_chunk_kind {
    CSV_CHUNK_ROWS, /* A batch of rows, each with the header's fields and nothing to tell. */
    CSV_CHUNK_TEXT, /* Whole records that are to be parsed by the caller: something is to be told. */
    CSV_CHUNK_REST  /* The chunks have stopped: the encoding reader is the caller's, and this is
                       what was read beyond the last chunk. */
};

struct csv_chunk {
    enum csv_chunk_kind kind;
    struct batch *batch; /* Of rows. first_row is not set. */
    const char *text;    /* text[0..n), of the other kinds; begins with a record. */
    size_t n;
    uint64_t lines;  /* Rows and text: the lines they take up. */
    uint64_t base;   /* Rest: where it stands in the decoded text. */
    uint64_t offset; /* Bytes of the file up to the end of the chunk, or a little beyond. */
    bool drained;    /* Rest: the file holds nothing beyond. */
};

/*
 * For rows of n_header fields, in batches of n_columns. `encoding`, the dialect and `budget` outlive it.
 * NULL when there is one processor only, when the table is too wide, or when memory does not allow it.
 */
struct csv_ahead *csv_ahead_new(struct encoding_reader *encoding, const struct csv_dialect *dialect,
    uint32_t n_header, uint32_t n_columns, struct budget *budget);
void csv_ahead_free(struct csv_ahead *a); /* NULL is fine. */

/*
 * Go on with text[0..n), what was read beyond the last record: its first byte stands at `base` of the
 * decoded text. From now on the encoding reader is not the caller's. False when that is not possible
 * (a record too long for it, no threads to be had): nothing has changed then.
 */
bool csv_ahead_go(struct csv_ahead *a, const char *text, size_t n, uint64_t base);
/* The next chunk, valid until the next call. Errors: ERR_IO; as a rest, then, the chunks have stopped. */
bool csv_ahead_next(struct csv_ahead *a, struct csv_chunk *out, struct err *err) MUST_CHECK;
/* Stop where it is: the encoding reader is the caller's, at a place nobody knows. */
void csv_ahead_halt(struct csv_ahead *a);

/* Test hook: files with so many bytes to come are parsed ahead, in chunks of at most so many. */
extern struct csv_ahead_limits {
    uint64_t worth;
    size_t chunk;
    unsigned threads; /* 0: by the number of processors. */
} csv_ahead_limits;

#endif
