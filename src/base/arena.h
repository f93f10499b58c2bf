#ifndef BASE_ARENA_H
#define BASE_ARENA_H

/*
 * Arenas: memory that dies together, with a budget.
 *
 * A budget counts what several arenas and tables of one run hold and refuses
 * what goes over; whoever is refused either spills or fails with ERR_BUDGET.
 * An arena is used by one thread at a time.
 */

#include "base/err.h"

struct budget {
    size_t limit; /* Bytes; 0: no limit. */
    size_t used, peak;
};

/* Take `n` bytes of the budget (NULL: always granted); false when over its limit. */
bool budget_take(struct budget *budget, size_t n) MUST_CHECK;
void budget_give(struct budget *budget, size_t n);

struct arena_block;

struct arena {
    struct arena_block *head;
    struct budget *budget; /* May be NULL. */
};

void arena_init(struct arena *arena, struct budget *budget);
void arena_deinit(struct arena *arena);

/* Forget all allocations but keep the largest block for the next round. */
void arena_reset(struct arena *arena);

/* `size` bytes, aligned for any type, that live as long as the arena; NULL past its budget. */
void *arena_alloc(struct arena *arena, size_t size);

/* `n * size` zeroed bytes; NULL on overflow or past the budget. */
void *arena_calloc(struct arena *arena, size_t n, size_t size);

/* A copy of p[0..n) with a NUL behind it; NULL past the budget. */
char *arena_dup(struct arena *arena, const char *p, size_t n);
char *arena_strdup(struct arena *arena, const char *s);
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Bytes held from the system. */
size_t arena_size(const struct arena *arena);

#endif
