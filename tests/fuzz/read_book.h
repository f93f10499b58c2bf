/*
 * A workbook read to its end, and again after a rewind, as the targets of workbooks do it: every cell is shown, and in
 * the end no byte of the budget may be in use.
 */
#ifndef FUZZ_READ_BOOK_H
#define FUZZ_READ_BOOK_H

#include "formats/source.h"

#include <stdlib.h>
#include <unistd.h>

enum { READ_BOOK_CELLS = 1 << 22 };

static void read_book_drain(struct source *s)
{
    struct batch *b = NULL;
    struct err err;
    uint64_t cells = 0;

    while (source_next(s, &b, &err) && b && cells < READ_BOOK_CELLS) {
        cells += (uint64_t)b->n_rows * b->n_columns;
        for (uint32_t col = 0; col < b->n_columns; col++) {
            char scratch[CELL_SHOWN_MAX];
            size_t n;

            for (uint32_t i = 0; i < b->n_rows; i++)
                (void)cell_shown(&b->columns[col][i], scratch, &n);
        }
    }
}

/* Takes fd over. */
static void read_book(int fd, const char *name, const struct reader_args *args)
{
    struct budget budget = { .limit = 64 << 20 };
    struct source_env env = {
        .formats = formats_new(), .warnings = warn_new(), .budget = &budget, .tmp_dir = "/tmp"
    };
    struct source *s;
    struct err err;

    if (fd >= 0 && source_open(fd, name, args, &env, &s, &err)) {
        read_book_drain(s);
        if (source_rewind(s, &err))
            read_book_drain(s);
        source_close(s);
    } else if (fd >= 0) {
        close(fd);
    }
    formats_free(env.formats);
    warn_free(env.warnings);
    if (budget.used != 0)
        abort();
}

/* The first sheet with its merged ranges filled, and the second; fd stays the caller's. */
static inline void read_book_sheets(int fd, const char *name)
{
    read_book(dup(fd), name, &(struct reader_args){ .header_row = 1, .merged = MERGED_FILL });
    read_book(dup(fd), name,
        &(struct reader_args){ .sheet = "2", .header_row = 1, .merged = MERGED_TOP_LEFT });
}

#endif
