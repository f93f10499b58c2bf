#ifndef FORMATS_CSV_INT_H
#define FORMATS_CSV_INT_H

/*
 * Insides of the CSV reader, for csv_*.c and their tests.
 *
 *   encoding ──UTF-8──▶ csv_input ──block──▶ csv_scan ──marks──▶ csv_parse ──rows──▶ csv_read
 *
 * csv_scan finds every delimiter, quote and line end of a stretch of text, many bytes at a time,
 * and knows nothing of their meaning. csv_parse walks from mark to mark and makes records of them.
 * csv_input keeps the record that a block cut in two, so a record is always whole in memory and
 * cells are views into the block. A record that does not end in the block is parsed again from its
 * start once more text is there: no state lives across blocks, so no boundary can change a result.
 */

#include "formats/csv.h"
#include "formats/encoding.h"

enum {
    CSV_BLOCK_MIN = 4096,
    CSV_BLOCK = 1 << 20,    /* Bytes read at a time. */
    CSV_WINDOW = 16 * 1024, /* Bytes scanned for marks at a time. */
    CSV_WINDOW_FIRST = 512, /* The first time, as only one record may be wanted. */
    CSV_SCAN_SLACK = 64,    /* Entries csv_scan may write beyond those it reports. */
    CSV_RAW_MAX = 64 * 1024 /* Of a rejected row's text. */
};

/* ---- csv_scan.c ---- */

/* Characters to look for besides CR and LF; -1: none. */
struct csv_marks {
    int delimiter, quote, escape;
};

/*
 * Positions (base added) of all marks in p[0..n), rising, in out: room for n + CSV_SCAN_SLACK
 * entries. Returns how many.
 */
size_t csv_scan(
    const char *p, size_t n, uint32_t base, const struct csv_marks *marks, uint32_t *out);

/* ---- csv_parse.c ---- */

/* What a record turned out to be. */
enum csv_outcome {
    CSV_ROW,   /* A record with at least one field. */
    CSV_BLANK, /* A line with nothing on it. */
    CSV_BAD,   /* A quote never closed: only its first line was taken. */
    CSV_MORE,  /* The text ends inside the record and the file goes on. */
    CSV_END,   /* Nothing left. */
    CSV_HUGE,  /* A field is longer than CSV_MAX_FIELD. */
    CSV_NOMEM  /* The arena is at its budget. */
};

enum csv_row_flags {
    CSV_TEXT_AFTER_QUOTE = 1 << 0,  /* "a"b */
    CSV_SPACE_BEFORE_QUOTE = 1 << 1 /* a, "b" */
};

struct csv_row {
    /* Set by the caller: fields 0..n_columns-1 go to columns[field][row]. */
    struct cell **columns;
    uint32_t row, n_columns;

    /* Set by csv_parse(). */
    uint32_t n_fields;
    uint32_t n_filled;  /* Fields up to the last not empty one, if that is beyond n_columns. */
    uint32_t flags;     /* enum csv_row_flags */
    uint64_t line;      /* Where it begins, from 1. */
    uint64_t open_line; /* CSV_BAD, CSV_HUGE: where the quote opens. */
    size_t begin, end;  /* Its text, without the line end. */
};

struct csv_parser {
    const char *data; /* Text that may be looked at: data[pos..limit). */
    size_t pos, limit;
    bool eof; /* The file ends at limit. */
    struct csv_marks marks;
    struct arena *arena; /* For what is not in the text as it stands; NULL: left as it is. */
    uint64_t line;       /* Of data[pos], from 1. */
    size_t scanned;      /* Marks before this are in index. */
    size_t window;       /* Bytes to scan next. */
    uint32_t at, n;      /* index[at..n) are still to come. */
    uint32_t index[CSV_WINDOW + CSV_SCAN_SLACK];
};

void csv_parser_init(struct csv_parser *p, const struct csv_dialect *dialect, struct arena *arena);
/* Look at this text from now on, the next record at `pos`. */
void csv_parser_feed(struct csv_parser *p, const char *data, size_t pos, size_t limit, bool eof);
/*
 * Take the next record. On CSV_MORE, CSV_END, CSV_HUGE and CSV_NOMEM nothing is taken. Cells are
 * views into p->data or live in p->arena.
 */
enum csv_outcome csv_parse(struct csv_parser *p, struct csv_row *row);

/* ---- csv_input.c ---- */

struct csv_input {
    struct encoding_reader *in;
    struct budget *budget;
    size_t first_cap;
    char *data;
    size_t cap, end; /* data[0..end) holds text. */
    size_t limit;    /* What may be looked at; `end` but in tests. */
    size_t step;     /* Test hook: limit grows by so much; 0: to end. */
    uint64_t base;   /* Offset of data[0] in the decoded text. */
    bool drained;    /* The file holds nothing beyond end. */
    bool left;       /* Somebody else has read on from end. */
};

void csv_input_init(struct csv_input *in, struct encoding_reader *reader, uint64_t file_size,
    struct budget *budget);
void csv_input_deinit(struct csv_input *in);
/*
 * Make more text visible, dropping what comes before data[*pos]; *pos then says where that text is
 * now. Errors: ERR_IO, ERR_BUDGET (a line over CSV_MAX_LINE), ERR_NOMEM.
 */
bool csv_input_fill(struct csv_input *in, size_t *pos, struct err *err) MUST_CHECK;
bool csv_input_eof(const struct csv_input *in);
/* Somebody else reads on; what is in memory is no longer wanted. */
void csv_input_leave(struct csv_input *in);
/*
 * text[0..n), which stands at `base` of the decoded text, was read by somebody else and is what comes next; `drained`:
 * and the last there is. Errors: ERR_BUDGET, ERR_NOMEM.
 */
bool csv_input_put(struct csv_input *in, const char *text, size_t n, uint64_t base, bool drained,
    struct err *err) MUST_CHECK;
/* Start again from the beginning of the text. */
bool csv_input_rewind(struct csv_input *in, struct err *err) MUST_CHECK;

/* ---- csv_tally.c ---- */

struct csv_tally {
    uint32_t most; /* Records have at most so many fields, not counting empty ones at their end. */
    uint64_t records; /* Counted, blank lines included. */
    uint64_t blank;   /* Blank lines among them. */
    uint64_t lines;   /* They take up. */
    size_t taken;     /* Bytes they take up. */
};

/*
 * Count the records at the front of p[0..n), a record's start, up to the first that is not plain to
 * see (odd quotes or line ends, more than `most` fields, the last one of the text); that may be the
 * first.
 */
void csv_tally(
    const char *p, size_t n, const struct csv_marks *marks, uint32_t most, struct csv_tally *t);

/* ---- csv_survey.c ---- */

/* What one pass over the records tells before the first is delivered. */
struct csv_survey {
    uint32_t n_columns;   /* The most fields of a record, trailing empty ones not counted. */
    uint64_t widest_line; /* The line of that record. */
    uint64_t last_record; /* Number of the last record that is not a blank line; 0: none. */
    uint64_t rows;        /* Records that are rows: neither blank lines nor unreadable. */
    uint64_t inner_blank; /* Blank lines before the last record. */
};
/*
 * Survey the records from the parser's position to the end of the input, or, unless `whole`, of what is in memory now;
 * `records` come before them, and there are `n_columns` at least. The input is left where that ends.
 */
bool csv_survey(struct csv_parser *p, struct csv_input *in, uint64_t records, uint32_t n_columns,
    bool whole, struct csv_survey *out, struct err *err) MUST_CHECK;

/* ---- csv_sniff.c ---- */

/* As csv_sniff(), with the delimiter known; 0: not known. */
void csv_sniff_as(const char *text, size_t n, char delimiter, struct csv_dialect *out);
/* Length of a "sep=;" line with its line end, 0 when text does not begin with one. */
size_t csv_sep_line(const char *text, size_t n, char *delimiter);

/* ---- csv_open.c, csv_read.c ---- */

/* Repairs that are counted row by row. */
enum csv_repair {
    CSV_SHORT_ROWS,
    CSV_LONG_ROWS,
    CSV_QUOTE_TEXT,
    CSV_QUOTE_SPACE,
    CSV_REPAIR_COUNT
};

struct csv_ahead;

struct csv_reader {
    char *name;
    const struct source_env *env;
    struct arena meta; /* Schema and names: as long as the reader. */
    struct arena text; /* What the cells of one batch need beyond the block. */
    struct encoding_reader *encoding;
    struct csv_input input;
    struct csv_dialect dialect;
    struct csv_survey survey;
    bool partial;  /* It is one of the file's top only. */
    bool outgrown; /* A later row was not what it had promised. */
    struct schema *schema;
    uint32_t n_header; /* Columns the header names; those behind are _extra_N. */
    uint64_t header_record;
    struct batch *batch;
    uint32_t batch_rows; /* It has room for. */
    bool blank_rows;     /* Blank lines are rows. */
    uint64_t *rows;
    uint64_t file_size;

    /* The first data row, for rewinding. */
    uint64_t data_offset, data_line, data_records;

    uint64_t records; /* Taken so far, blank lines and the header included: numbers of rows. */
    uint64_t told;    /* Records up to which repairs and rejects have been reported. */
    uint64_t quarantined;
    struct {
        uint64_t places; /* Reported one by one. */
        uint64_t more;   /* Counted since the last report. */
    } repairs[CSV_REPAIR_COUNT];
    uint64_t bad_told; /* Bad bytes reported. */
    struct csv_parser parser;

    /* Chunks that are parsed ahead: csv_ahead.h. */
    struct csv_ahead *ahead; /* NULL: not yet. */
    bool going;              /* The text at hand is a chunk's; no bad bytes have been read. */
    bool no_ahead;           /* It is not worth it, for this pass. */
    unsigned in_vain; /* Times it went and did not get as far as a chunk, one after the other. */
    uint64_t chunk_offset; /* Bytes of the file up to the end of the chunk at hand. */
};

/* Arrays of `rows` cells for n columns, in `arena`; NULL when memory ends. */
struct cell **csv_columns_new(struct arena *arena, uint32_t n, uint32_t rows);
/* Look at the input as it is now, the next record at `pos` of it. */
void csv_reader_feed(struct csv_reader *r, size_t pos);
/* More text for the record at hand. */
bool csv_reader_fill(struct csv_reader *r, struct err *err) MUST_CHECK;
/* Say where reading on has failed. Returns false. */
bool csv_reader_stuck(const struct csv_reader *r, struct err *err);
/* To the first data row. */
bool csv_reader_to_data(struct csv_reader *r, struct err *err) MUST_CHECK;
/* What the parser refused: CSV_HUGE, CSV_NOMEM. Returns false. */
bool csv_reader_refuse(const struct csv_reader *r, enum csv_outcome outcome,
    const struct csv_row *row, struct err *err);

/*
 * Test hook: text becomes visible to the parser only so many bytes at a time. 0: as much as there
 * is.
 */
extern size_t csv_read_step;

#endif
