#ifndef TABLE_SCHEMA_H
#define TABLE_SCHEMA_H

/*
 * The columns of a table, and the number formats its cells use.
 */

#include "base/arena.h"

/* Number format codes of a run, shared by all its tables: cells can go from file to file. */
struct formats;
enum {
    FORMAT_GENERAL = 0,
    FORMAT_DATE = 1,     /* yyyy-mm-dd */
    FORMAT_DATETIME = 2, /* yyyy-mm-dd hh:mm:ss */
    FORMAT_TIME = 3,     /* hh:mm:ss */
    FORMAT_DURATION = 4, /* [h]:mm:ss */
    FORMAT_MAX = 65535
};

struct formats *formats_new(void); /* With the five above; NULL when memory ends. */
void formats_free(struct formats *f);
/* The index of `code`, added when new; FORMAT_GENERAL when the table is full or memory ends. */
uint16_t formats_intern(struct formats *f, const char *code);
const char *formats_code(const struct formats *f, uint16_t index);
size_t formats_count(const struct formats *f);

/* What a column holds, as users are told. */
enum column_type {
    COLUMN_EMPTY,
    COLUMN_TEXT,
    COLUMN_INTEGER,
    COLUMN_NUMBER,
    COLUMN_BOOLEAN,
    COLUMN_DATE,
    COLUMN_DATETIME,
    COLUMN_TIME,
    COLUMN_MIXED
};
const char *column_type_name(enum column_type type); /* "integer" */

struct column {
    const char *name;   /* Unique in the schema, valid UTF-8, no NUL inside, not empty. */
    const char *header; /* As the file had it, before repair. */
};

struct schema {
    uint32_t n_columns;
    struct column *columns;
};

enum { SCHEMA_MAX_COLUMNS = 16384 };

/* A schema of n columns in `arena`, names to be filled in; NULL when memory ends. */
struct schema *schema_new(struct arena *arena, uint32_t n);

/*
 * A schema from header texts: blanks trimmed at the ends only for the emptiness test, duplicates
 * become name_2 (a number that no other header has), blank ones column_N, NULs are dropped;
 * *repaired counts the changed ones. headers[i].n may be 0. NULL when memory ends.
 */
struct str {
    const char *p;
    size_t n;
};
struct schema *schema_from_headers(
    struct arena *arena, const struct str *headers, uint32_t n, uint32_t *repaired);
/* Columns A, B, ... Z, AA, ... */
struct schema *schema_from_letters(struct arena *arena, uint32_t n);
/* "A" for 0, "XFD" for 16383; out has 4 bytes. */
void schema_letter(uint32_t index, char out[4]);

/* Index of the column with exactly this name, or -1. */
int32_t schema_find(const struct schema *s, const char *name);

/*
 * As schema_find(), or else the only column whose name looks the same (blanks, line ends and what has no width
 * aside). Fails with ERR_COLUMN: column, available, suggestions and `argument` (its
 * path, may be NULL) are filled and the sentence reads: column 'emial' does not exist; did you
 * mean 'email'? Available: ...
 */
bool schema_get(const struct schema *s, const char *name, const char *argument, uint32_t *index,
    struct err *err) MUST_CHECK;

#endif
