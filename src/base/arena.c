#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 64 * 1024, ALIGN = _Alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t size, used; /* Of data[]. */
    _Alignas(max_align_t) char data[];
};

bool budget_take(struct budget *budget, size_t n)
{
    if (!budget)
        return true;
    if (budget->limit && (n > budget->limit || budget->used > budget->limit - n))
        return false;
    budget->used += n;
    if (budget->used > budget->peak)
        budget->peak = budget->used;
    return true;
}

void budget_give(struct budget *budget, size_t n)
{
    if (budget)
        budget->used -= n;
}

void arena_init(struct arena *arena, struct budget *budget)
{
    *arena = (struct arena){ .budget = budget };
}

static void free_block(struct arena *arena, struct arena_block *b)
{
    budget_give(arena->budget, sizeof *b + b->size);
    free(b);
}

void arena_deinit(struct arena *arena)
{
    while (arena->head) {
        struct arena_block *b = arena->head;

        arena->head = b->next;
        free_block(arena, b);
    }
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = NULL, *next;

    for (struct arena_block *b = arena->head; b; b = next) {
        next = b->next;
        if (!keep || b->size > keep->size) {
            if (keep)
                free_block(arena, keep);
            keep = b;
        } else {
            free_block(arena, b);
        }
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    arena->head = keep;
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    /* Doubling keeps the number of blocks, and so the cost of a reset, small. */
    size_t room =
        arena->head && arena->head->size < SIZE_MAX / 4 ? arena->head->size * 2 : BLOCK_MIN;
    struct arena_block *b;

    if (room > (size_t)16 << 20)
        room = (size_t)16 << 20;
    if (room < size)
        room = size;
    if (room > SIZE_MAX - sizeof *b || !budget_take(arena->budget, sizeof *b + room))
        return NULL;
    b = malloc(sizeof *b + room);
    if (!b) {
        memory_note_lost();
        budget_give(arena->budget, sizeof *b + room);
        return NULL;
    }
    b->size = room;
    b->used = 0;
    b->next = arena->head;
    arena->head = b;
    return b;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *b = arena->head;
    void *p;

    if (size > SIZE_MAX - ALIGN)
        return NULL;
    size = (size + ALIGN - 1) & ~((size_t)ALIGN - 1);
    if (!b || b->size - b->used < size) {
        b = add_block(arena, size);
        if (!b)
            return NULL;
    }
    p = b->data + b->used;
    b->used += size;
    return p;
}

void *arena_calloc(struct arena *arena, size_t n, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    p = arena_alloc(arena, total);
    if (p)
        memset(p, 0, total);
    return p;
}

char *arena_dup(struct arena *arena, const char *p, size_t n)
{
    char *copy = n < SIZE_MAX ? arena_alloc(arena, n + 1) : NULL;

    if (copy) {
        if (n)
            memcpy(copy, p, n);
        copy[n] = '\0';
    }
    return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return arena_dup(arena, s, strlen(s));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap;
    char *out;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return NULL;
    out = arena_alloc(arena, (size_t)n + 1);
    if (!out)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(out, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return out;
}

size_t arena_size(const struct arena *arena)
{
    size_t total = 0;

    for (const struct arena_block *b = arena->head; b; b = b->next)
        total += sizeof *b + b->size;
    return total;
}
