#ifndef TABLE_SPILL_FILE_H
#define TABLE_SPILL_FILE_H

/*
 * What all that spills has in common: temporary files without a name, so that nothing is left behind
 * whatever happens, and how much of a budget is memory for spilling.
 *
 *   |<------------ what is remembered ------------>|<- reserve, 1/4 ->|
 *   0                                              spill_file_wanted  limit
 *
 * What is remembered goes to disk before the budget has ended: reading and writing go on beside it. The memory
 * of the spilling itself is not taken from the budget, so that it cannot be refused; it is an eighth of it.
 */

#include "base/arena.h"

#define SPILL_FILE_LABEL "the temporary data"

enum { SPILL_MEMORY_MIN = 16 << 10, SPILL_MEMORY_MAX = 64 << 20 };

/* Open one in `dir`. Errors: ERR_CREATE (no such folder), ERR_NO_SPACE, ERR_IO. */
bool spill_file_open(const char *dir, int *fd, struct err *err) MUST_CHECK;
/* All n bytes at `offset`. Errors: ERR_NO_SPACE, ERR_IO. */
bool spill_file_write(
    int fd, const void *data, size_t n, uint64_t offset, struct err *err) MUST_CHECK;
bool spill_file_read(int fd, void *data, size_t n, uint64_t offset, struct err *err) MUST_CHECK;

/* Where something is remembered: in memory as far as the budget goes, then on disk. */
struct spill_place {
    struct budget *budget;
    const char *dir;
    size_t memory; /* Of its sorting on disk, beside the budget. */
};

/* Bytes that one sort may use beside the budget. */
size_t spill_file_memory(const struct budget *budget);
/* Is so much of the budget used that whoever remembers should go on on disk? */
bool spill_file_wanted(const struct budget *budget);
/* Take n bytes of the budget, but none of its reserve. */
bool spill_file_take(struct budget *budget, size_t n) MUST_CHECK;
/*
 * A list of *room items of `size` bytes with twice the room (first: `first` items), taken from the budget likewise; NULL
 * when there is no memory for that: the list is as it was.
 */
void *spill_file_grow(
    struct budget *budget, void *list, size_t *room, size_t first, size_t size) MUST_CHECK;

#endif
