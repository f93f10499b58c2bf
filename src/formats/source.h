#ifndef FORMATS_SOURCE_H
#define FORMATS_SOURCE_H

/*
 * A table being read from a file, whatever its format: batches in row order.
 *
 *   source_open ── detect ──┬─ csv_read   (text, gzip)
 *                           └─ xlsx_read ◀── xls_read
 */

#include "base/warn.h"
#include "formats/detect.h"
#include "table/batch.h"

enum merged_mode { MERGED_TOP_LEFT, MERGED_FILL };
enum errors_mode { ERRORS_KEEP, ERRORS_BLANK, ERRORS_FAIL };
enum hidden_mode { HIDDEN_KEEP, HIDDEN_SKIP };
enum totals_mode { TOTALS_SKIP, TOTALS_KEEP };
enum values_mode { VALUES_RAW, VALUES_SHOWN };
enum blank_lines_mode { BLANK_LINES_SKIP, BLANK_LINES_ROW };

/* The reader arguments that every operation takes. Zeroed means defaults. */
struct reader_args {
    const char *sheet;     /* Name or 1-based number; NULL: first visible. */
    int64_t header_row;    /* From 1; 0: no header, columns A, B, ... */
    const char *delimiter; /* NULL: sniffed. One character, or "tab". */
    const char *quote;     /* NULL: sniffed, usually '"'; "" or "none": no quoting. */
    const char *encoding;  /* NULL: detected. An IANA name. */
    int merged;            /* enum merged_mode */
    int errors;            /* enum errors_mode */
    int64_t header_rows;   /* Of names, one below the other; 0: one. */
    int hidden;            /* enum hidden_mode: hidden rows and columns of a workbook. */
    int totals;            /* enum totals_mode: the row of totals of a workbook's table. */
    int values;            /* enum values_mode: numbers of a workbook as such, or as shown. */
    int blank_lines;       /* enum blank_lines_mode: of a text. */
};
extern const struct reader_args reader_args_default; /* header_row 1. */

/* A row that could not be parsed. `raw` is its text as it stood, cut at 64 KiB. */
typedef bool source_reject_fn(
    void *arg, uint64_t line, const char *reason, const char *raw, size_t n, struct err *err);

struct source_env {
    struct formats *formats;
    struct warnings *warnings; /* Repairs are counted here. */
    struct budget *budget;     /* May be NULL. */
    const char *tmp_dir;       /* For spooling what cannot be rewound. */
    source_reject_fn *reject;  /* NULL: a row that cannot be parsed fails the read with ERR_DATA. */
    void *reject_arg;
    bool typed;      /* Apply safe typing to text formats (costs one more pass). */
    bool may_reopen; /* The caller can begin again when source_outgrown(): then one pass may do. */
    bool
        *outgrown; /* May be NULL. Set where source_open() failed and may not without may_reopen. */
    bool allow_empty; /* A sheet without cells is a table without columns, and a warning. */
};

struct source;

/*
 * Open `fd` (a regular file, or a pipe, which is spooled; closed by source_close() on success, left
 * alone on failure). `name` is the file's name for sentences and suffix warnings. env and what it points to
 * outlive the source; args' strings too.
 *
 * Errors: ERR_FORMAT, ERR_DATA (broken, empty unless allowed, no such sheet: ERR_ARG with the
 * available ones), ERR_BUDGET, ERR_IO.
 */
bool source_open(int fd, const char *name, const struct reader_args *args,
    const struct source_env *env, struct source **out, struct err *err) MUST_CHECK;
void source_close(struct source *s);

const struct schema *source_schema(const struct source *s); /* As long as the source. */

/* Next batch; *out is NULL at the end. It belongs to the source, is valid until the next call, and may be
 * written into by the caller (typing does). Cells beyond n_rows are undefined. */
bool source_next(struct source *s, struct batch **out, struct err *err) MUST_CHECK;

/*
 * After source_next() failed: only because the table is not what its top had promised (wider, or
 * out of order). Opened without may_reopen the file can be read.
 */
bool source_outgrown(const struct source *s);

/*
 * Are the columns those of the table's top only, so far? Whoever misses one may find it when the
 * file is opened without may_reopen.
 */
bool source_provisional(const struct source *s);

/* Start again at the first data row. Warnings and rejects are not repeated. */
bool source_rewind(struct source *s, struct err *err) MUST_CHECK;

/* How far the reader is, for progress: bytes of the file (or sheet part) consumed, and in all. */
void source_position(const struct source *s, uint64_t *done, uint64_t *total);
uint64_t source_quarantined(const struct source *s); /* Rows rejected so far. */

/* How many rows there are in all, rejected ones aside, where opening the file has told; false: read them to know. */
bool source_count(const struct source *s, uint64_t *rows);

/* Facts for inspect and info. */
struct source_sheet {
    const char *name;
    const char *state; /* "visible", "hidden", "veryHidden" */
};
struct source_info {
    enum file_format format;
    const char *encoding; /* Text formats: "UTF-8"; else NULL. */
    char delimiter;       /* Text formats; else 0. */
    char quote;           /* 0: none. */
    uint32_t n_sheets;    /* 0 for text formats. */
    const struct source_sheet *sheets;
    uint32_t sheet; /* Which one is read, from 0. */
};
const struct source_info *source_info(const struct source *s);

/* What a format implements; source.c only dispatches, and it is source.c that closes the descriptor. */
struct source_class {
    bool (*next)(void *self, struct batch **out, struct err *err);
    bool (*rewind)(void *self, struct err *err);
    void (*position)(const void *self, uint64_t *done, uint64_t *total);
    uint64_t (*quarantined)(const void *self);
    bool (*count)(const void *self, uint64_t *rows); /* NULL: never knows before the end. */
    bool (*outgrown)(const void *self);              /* NULL: never. */
    bool (*provisional)(const void *self);           /* NULL: never. */
    void (*close)(void *self);
};

#endif
