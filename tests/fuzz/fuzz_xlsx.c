/*
 * Whole packages: zip, parts, texts, sheet. The first sheet and the second are read to their ends.
 */
#include "read_book.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd;

    if (size < 4 || data[0] != 'P' || data[1] != 'K')
        return 0;
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    read_book_sheets(fd, "fuzz.xlsx");
    close(fd);
    return 0;
}
