#ifndef FORMATS_XLS_RECORDS_H
#define FORMATS_XLS_RECORDS_H

/*
 * The stream of an old workbook (BIFF): records of an id, a length and up to 8,224 bytes.
 *
 *   BOF ... BOUNDSHEET ... SST CONTINUE CONTINUE ... EOF     the workbook
 *   BOF ... ROW ROW NUMBER LABELSST ... EOF                  each sheet
 *
 * What is longer than a record goes on in CONTINUE records behind it.
 */

#include "base/err.h"

#include <string.h>

enum xls_id {
    XLS_EOF = 0x0A,
    XLS_DATEMODE = 0x22,
    XLS_FILEPASS = 0x2F,
    XLS_CONTINUE = 0x3C,
    XLS_CODEPAGE = 0x42,
    XLS_COLINFO = 0x7D,
    XLS_BOUNDSHEET = 0x85,
    XLS_MULRK = 0xBD,
    XLS_RSTRING = 0xD6,
    XLS_XF = 0xE0,
    XLS_MERGEDCELLS = 0xE5,
    XLS_SST = 0xFC,
    XLS_LABELSST = 0xFD,
    XLS_FORMULA = 0x06, /* Also with the version of the record in the upper byte. */
    XLS_FORMULA_3 = 0x206,
    XLS_FORMULA_4 = 0x406,
    XLS_NUMBER = 0x203,
    XLS_LABEL = 0x204,
    XLS_BOOLERR = 0x205,
    XLS_STRING = 0x207,
    XLS_ROW = 0x208,
    XLS_BOF_2 = 0x09,
    XLS_BOF_3 = 0x209,
    XLS_BOF_4 = 0x409,
    XLS_BOF = 0x809,
    XLS_ARRAY = 0x221,
    XLS_TABLE = 0x236,
    XLS_RK = 0x27E,
    XLS_FORMAT = 0x41E,
    XLS_SHRFMLA = 0x4BC
};

struct xls_record {
    unsigned id; /* enum xls_id, or another that is of no interest. */
    size_t at;   /* Where it begins. */
    const unsigned char *p;
    size_t n;
};

struct xls_records {
    const unsigned char *p;
    size_t n, at;
    const char *label; /* The file's name, for sentences. */
};

/* The next record; *got is false at the end of the stream. Errors: ERR_DATA (cut). */
bool xls_records_next(
    struct xls_records *s, struct xls_record *r, bool *got, struct err *err) MUST_CHECK;

/* ERR_DATA: the record that begins at byte `at` says what cannot be. Returns false. */
bool xls_records_damaged(const struct xls_records *s, size_t at, const char *what, struct err *err);

/* The bytes of a record and of the CONTINUE records behind it. */
struct xls_bytes {
    struct xls_records rest;
    const unsigned char *p, *end; /* Of the record it stands in. */
};

/* `behind` stands behind `r`, and is left there. */
void xls_bytes_init(
    struct xls_bytes *b, const struct xls_records *behind, const struct xls_record *r);
/* Step into the next record; false when none goes on with this one. */
bool xls_bytes_more(struct xls_bytes *b);
bool xls_bytes_take(struct xls_bytes *b, void *out, size_t n); /* False when they end before. */
bool xls_bytes_skip(struct xls_bytes *b, size_t n);

#endif
