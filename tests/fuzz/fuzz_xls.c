/*
 * Old workbooks: whole compound files, and bare workbook streams, around which a good compound file
 * is made so that the records behind it are reached. The first sheet and the second are read.
 */
#include "../unit/formats/cfb_make.h"

#include "formats/source.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(struct source *s)
{
    struct batch *b = NULL;
    struct err err;
    uint64_t cells = 0;

    while (source_next(s, &b, &err) && b && cells < 1 << 22) {
        cells += (uint64_t)b->n_rows * b->n_columns;
        for (uint32_t col = 0; col < b->n_columns; col++) {
            char scratch[CELL_SHOWN_MAX];
            size_t n;

            for (uint32_t i = 0; i < b->n_rows; i++)
                (void)cell_shown(&b->columns[col][i], scratch, &n);
        }
    }
}

static void read_sheet(int fd, const char *sheet, int merged)
{
    struct budget budget = { .limit = 64 << 20 };
    struct reader_args args = { .sheet = sheet, .header_row = 1, .merged = merged };
    struct source_env env = {
        .formats = formats_new(), .warnings = warn_new(), .budget = &budget, .tmp_dir = "/tmp"
    };
    struct source *s;
    struct err err;
    int copy = dup(fd);

    if (copy >= 0 && source_open(copy, "fuzz.xls", &args, &env, &s, &err)) {
        drain(s);
        if (source_rewind(s, &err))
            drain(s);
        source_close(s);
    } else if (copy >= 0) {
        close(copy);
    }
    formats_free(env.formats);
    warn_free(env.warnings);
    if (budget.used != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf made;
    bool whole = size >= 2 && data[0] == 0xD0 && data[1] == 0xCF;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    buf_init(&made, 64 << 20);
    if (!whole && size < 1 << 20) {
        struct cfb_make_stream streams[] = { { "Workbook", data, size }, { NULL, NULL, 0 } };

        cfb_make(&made, streams, 9);
        data = (const uint8_t *)made.data;
        size = made.len;
    }
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    buf_deinit(&made);
    read_sheet(fd, NULL, MERGED_FILL);
    read_sheet(fd, "2", MERGED_TOP_LEFT);
    close(fd);
    return 0;
}
