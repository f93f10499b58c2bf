#ifndef TABLE_ROW_FILE_H
#define TABLE_ROW_FILE_H

/*
 * Rows on disk, each behind a key of any bytes, fetched by where they stand.
 *
 *   row   size of the rest (4 bytes), key length (varint), key, cell, cell, ...
 */

#include "table/cell.h"

struct row_file;

/* For rows of n_cells cells. NULL with the err set: ERR_NO_SPACE, ERR_CREATE, ERR_NOMEM. */
struct row_file *row_file_new(const char *dir, uint32_t n_cells, struct err *err);
void row_file_free(struct row_file *f);
/* *at is where the row will be found. Errors: ERR_NO_SPACE, ERR_IO, ERR_BUDGET (a row over 1 GiB). */
bool row_file_add(struct row_file *f, const void *key, size_t n, const struct cell *const *cells,
    uint64_t *at, struct err *err) MUST_CHECK;
/* No more rows come. */
bool row_file_end(struct row_file *f, struct err *err) MUST_CHECK;

/* Fetch the row at `at`; what is lent of it stays until the next one is fetched. */
bool row_file_fetch(struct row_file *f, uint64_t at, struct err *err) MUST_CHECK;
/* Fetch the first row, or the one behind the row that was fetched last; *more is false at the end. */
bool row_file_first(struct row_file *f, bool *more, struct err *err) MUST_CHECK;
bool row_file_next(struct row_file *f, bool *more, struct err *err) MUST_CHECK;
uint64_t row_file_at(const struct row_file *f);
const char *row_file_key(const struct row_file *f, size_t *n);
/* Its cells, text lent. */
bool row_file_cells(const struct row_file *f, struct cell *cells, struct err *err) MUST_CHECK;

#endif
