/*
 * For tests: rows of cells written through a sink, and the bytes that come out.
 */
#ifndef TESTS_WRITE_TABLE_H
#define TESTS_WRITE_TABLE_H

#include "base/buf.h"
#include "formats/sink.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT(s) ((struct cell){ .text = (s), .len = sizeof(s) - 1, .type = CELL_TEXT })
#define NUMBER(v) ((struct cell){ .number = (v), .type = CELL_NUMBER })
#define TRUTH(v) ((struct cell){ .number = (v), .type = CELL_BOOL })
#define DATE_OF(v, k) ((struct cell){ .number = (v), .type = CELL_DATE, .kind = (k) })
#define ERROR_OF(s) ((struct cell){ .text = (s), .len = sizeof(s) - 1, .type = CELL_ERROR })
#define BLANK ((struct cell){ .type = CELL_BLANK })

/*
 * Write n_rows rows of n_columns cells under the given names. False when the sink refuses; *out is
 * then empty. The bytes are NUL-terminated.
 */
static inline bool write_table(const struct sink_args *args, const char *const *names,
    uint32_t n_columns, const struct cell *cells, uint32_t n_rows, struct buf *out, struct err *err)
{
    struct column *columns = calloc(n_columns ? n_columns : 1, sizeof *columns);
    struct schema schema = { .n_columns = n_columns, .columns = columns };
    struct fs_file *file;
    struct sink *sink;
    struct arena arena;
    struct batch *b;
    int fd = memfd_create("out", 0);
    size_t n;
    bool ok;

    assert_non_null(columns);
    assert_true(fd >= 0);
    for (uint32_t c = 0; c < n_columns; c++)
        columns[c].name = columns[c].header = names[c];
    arena_init(&arena, NULL);
    b = batch_new(&arena, n_columns);
    assert_non_null(b);
    buf_init(out, 64 << 20);
    assert_true(fs_file_from_fd(fd, "out", &file, err));
    ok = sink_open(args, &schema, file, &sink, err);
    if (ok) {
        for (uint32_t row = 0; row < n_rows;) {
            for (b->n_rows = 0; b->n_rows < BATCH_ROWS && row < n_rows; b->n_rows++, row++) {
                for (uint32_t c = 0; c < n_columns; c++)
                    b->columns[c][b->n_rows] = cells[(size_t)row * n_columns + c];
            }
            ok = ok && sink_write(sink, b, err);
        }
        ok = ok && sink_finish(sink, err);
        if (ok)
            assert_int_equal(sink_rows(sink), n_rows);
        sink_close(sink);
    }
    n = (size_t)fs_file_size(file);
    assert_true(fs_file_commit(file, false, NULL, err));
    if (ok) {
        char *room = buf_reserve(out, n);

        assert_non_null(room);
        assert_int_equal(pread(fd, room, n, 0), n);
        out->len = n;
        room[n] = '\0';
    }
    close(fd);
    arena_deinit(&arena);
    free(columns);
    return ok;
}

#endif
