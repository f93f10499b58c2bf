/*
 * A workbook read to its end, and again, as the targets of workbooks do it: both must be the same, and in the end no byte
 * of the budget may be in use.
 */
#ifndef FUZZ_READ_BOOK_H
#define FUZZ_READ_BOOK_H

#include "reading.h"

#include <unistd.h>

enum { READ_BOOK_CELLS = 1 << 22 };

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
        reading_twice(s, READ_BOOK_CELLS);
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
