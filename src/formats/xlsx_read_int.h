#ifndef FORMATS_XLSX_READ_INT_H
#define FORMATS_XLSX_READ_INT_H

/* What xlsx_read.c and xlsx_open.c share; xls_read.c feeds old workbooks into the same reader. */

#include "formats/xlsx.h"
#include "formats/xlsx_merge.h"
#include "formats/xlsx_sort.h"
#include "formats/xlsx_survey.h"

enum {
    XLSX_KEEP_BYTES = 4 << 20,  /* Sheets up to this size are kept unpacked. */
    XLSX_BATCH_BYTES = 4 << 20, /* Of cells in a batch; wide tables have fewer rows in one. */
    XLSX_BATCH_ROWS_MIN = 16,
    XLSX_EMPTY_CELLS = 1 << 28, /* A table of more cells than this... */
    XLSX_EMPTY_FACTOR = 64      /* ...and than this times the bytes of its sheet is mostly empty. */
};

/*
 * Cells from elsewhere than a sheet part: an old workbook. Events are those of sheet_next(), rows
 * in rising order. The reader then has no zip, entry, stream or scan.
 */
struct xlsx_feed {
    bool (*next)(
        struct xlsx_feed *f, struct sheet_cell *c, enum sheet_event *event, struct err *err);
    void (*rewind)(struct xlsx_feed *f);
    void (*close)(struct xlsx_feed *f);
    uint32_t row; /* The last SHEET_ROW; 0 before the first. */
    bool row_hidden;
};

struct xlsx_reader {
    const char *name;
    struct source_env env;
    struct arena arena; /* Parts, styles, schema, batch. */
    struct zip_reader *zip;
    struct xlsx_book book;
    struct xlsx_strings strings;
    const struct zip_entry *entry; /* The sheet's part. */
    uint64_t sheet_bytes;          /* Its size, unpacked. */
    struct zip_stream *stream;
    struct xml_input whole; /* The part unpacked, when kept. */
    bool kept;
    struct sheet_scan scan;
    bool scanning;              /* scan is open. */
    struct xlsx_sorted *sorted; /* NULL: rows stand in order and come from scan. */
    struct xlsx_feed *feed;     /* NULL: rows come from scan or sorted. */
    struct xlsx_merge *merge;   /* NULL: merged ranges are not filled. */
    struct xlsx_survey survey;
    struct xlsx_cells cells;

    bool skip_hidden;    /* Hidden rows are left out later, and counted there. */
    uint32_t header_row; /* 0: none. */
    uint32_t first_row;  /* Of the data. */
    uint32_t next_row;   /* The next one to give. */
    uint32_t row;        /* Where the scanner stands; past XLSX_MAX_ROWS: behind the last one. */
    bool holding;        /* `held` is the row's first value, which is still to be given. */
    struct sheet_cell held;
    bool checked;  /* The end was reached and found right. */
    bool outgrown; /* The sheet is not what the survey of its top had promised. */

    struct batch batch;
    uint32_t batch_rows; /* Room of its columns. */
    struct schema *schema;
};

/* Which of r->book's tabs is to be read; r->cells gets its name. */
bool xlsx_read_choose(
    struct xlsx_reader *r, const char *sheet, uint32_t *tab, struct err *err) MUST_CHECK;
/* The end of opening, when the survey is made: header row, batch, schema, facts. */
bool xlsx_read_make_table(struct xlsx_reader *r, uint32_t tab, const struct reader_args *args,
    struct source_info *info, struct err *err) MUST_CHECK;

/* Scan the sheet from its start, to its end or only its top. */
bool xlsx_read_begin_pass(struct xlsx_reader *r, bool whole, struct err *err) MUST_CHECK;
/* Would a table of that size be so much larger than its part that only stray cells explain it? */
bool xlsx_read_nearly_empty(const struct xlsx_reader *r, uint32_t rows, uint32_t width);
/* Stand before r->first_row, ready for xlsx_read_row(). */
bool xlsx_read_start(struct xlsx_reader *r, struct err *err) MUST_CHECK;
/*
 * Sheet row `row` into row i of the batch; rows are asked for in rising order. False with
 * r->outgrown when the sheet has to be surveyed to its end.
 */
bool xlsx_read_row(struct xlsx_reader *r, uint32_t row, uint32_t i, struct err *err) MUST_CHECK;

#endif
