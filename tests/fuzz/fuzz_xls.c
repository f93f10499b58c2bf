/*
 * Old workbooks: whole compound files, and bare workbook streams, around which a good compound file
 * is made so that the records behind it are reached. The first sheet and the second are read.
 */
#include "../unit/formats/cfb_make.h"
#include "read_book.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    read_book_sheets(fd, "fuzz.xls");
    close(fd);
    return 0;
}
