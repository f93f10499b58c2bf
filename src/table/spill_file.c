/*
 * Unnamed temporary files.
 */

#include "table/spill_file.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHARE = 8, RESERVE = 4 }; /* Parts of a budget. */

/* A file without a name; where the file system has none of those, one that loses it at once. */
bool spill_file_open(const char *dir, int *fd, struct err *err)
{
    struct buf path;

    *fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return true;
    buf_init(&path, PATH_MAX);
    buf_addf(&path, "%s/spill-XXXXXX", dir);
    errno = ENAMETOOLONG;
    *fd = path.failed ? -1 : mkostemp(path.data, O_CLOEXEC);
    if (*fd >= 0)
        unlink(path.data);
    else if (errno == ENOENT)
        err_set(err, ERR_CREATE, "the folder for temporary data does not exist");
    else
        err_errno(err, errno, SPILL_FILE_LABEL);
    buf_deinit(&path);
    return *fd >= 0;
}

bool spill_file_write(int fd, const void *data, size_t n, uint64_t offset, struct err *err)
{
    const char *p = data;

    while (n > 0) {
        ssize_t got = pwrite(fd, p, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, SPILL_FILE_LABEL);
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

bool spill_file_read(int fd, void *data, size_t n, uint64_t offset, struct err *err)
{
    char *p = data;

    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, SPILL_FILE_LABEL);
        if (got == 0)
            return err_set(err, ERR_IO, "%s ends too early", SPILL_FILE_LABEL);
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

size_t spill_file_memory(const struct budget *budget)
{
    size_t share = budget && budget->limit ? budget->limit / SHARE : SPILL_MEMORY_MAX;

    if (share > SPILL_MEMORY_MAX)
        return SPILL_MEMORY_MAX;
    return share < SPILL_MEMORY_MIN ? SPILL_MEMORY_MIN : share;
}

bool spill_file_wanted(const struct budget *budget)
{
    return budget && budget->limit && budget->used > budget->limit - budget->limit / RESERVE;
}

bool spill_file_take(struct budget *budget, size_t n)
{
    if (!budget_take(budget, n))
        return false;
    if (!spill_file_wanted(budget))
        return true;
    budget_give(budget, n);
    return false;
}

void *spill_file_grow(struct budget *budget, void *list, size_t *room, size_t first, size_t size)
{
    size_t wanted = *room ? *room * 2 : first, more = (wanted - *room) * size;
    void *grown;

    if (!spill_file_take(budget, more))
        return NULL;
    grown = reallocarray(list, wanted, size);
    if (!grown) {
        budget_give(budget, more);
        return NULL;
    }
    *room = wanted;
    return grown;
}
