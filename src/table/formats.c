/*
 * The number format codes of a run, each once.
 */

#include "table/schema.h"

#include "table/hash.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 16 };

struct formats {
    struct arena arena;     /* The codes. */
    struct hash_map *index; /* Code -> its index. */
    const char **codes;
    size_t n, room;
};

static const char *const usual[] = {
    [FORMAT_GENERAL] = "General",
    [FORMAT_DATE] = "yyyy-mm-dd",
    [FORMAT_DATETIME] = "yyyy-mm-dd hh:mm:ss",
    [FORMAT_TIME] = "hh:mm:ss",
    [FORMAT_DURATION] = "[h]:mm:ss",
};

struct formats *formats_new(void)
{
    struct formats *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    arena_init(&f->arena, NULL);
    f->index = hash_map_new(NULL);
    for (size_t i = 0; f->index && i < ARRAY_LEN(usual); i++)
        formats_intern(f, usual[i]);
    if (f->n == ARRAY_LEN(usual))
        return f;
    formats_free(f);
    return NULL;
}

void formats_free(struct formats *f)
{
    if (!f)
        return;
    hash_map_free(f->index);
    arena_deinit(&f->arena);
    free(f->codes);
    free(f);
}

static bool make_room(struct formats *f)
{
    size_t room = f->room ? f->room * 2 : FIRST_ROOM;
    const char **codes;

    if (f->n < f->room)
        return true;
    codes = reallocarray(f->codes, room, sizeof *codes);
    if (!codes)
        return false;
    f->codes = codes;
    f->room = room;
    return true;
}

uint16_t formats_intern(struct formats *f, const char *code)
{
    const uint64_t *known = hash_map_find(f->index, code, strlen(code));
    const char *kept;
    uint64_t *index;
    struct err err;
    bool added;

    if (known)
        return (uint16_t)*known;
    if (f->n > FORMAT_MAX || !make_room(f))
        return FORMAT_GENERAL;
    kept = arena_strdup(&f->arena, code);
    if (!kept || !hash_map_put(f->index, code, strlen(code), &index, &added, &err))
        return FORMAT_GENERAL;
    *index = f->n;
    f->codes[f->n] = kept;
    return (uint16_t)f->n++;
}

const char *formats_code(const struct formats *f, uint16_t index)
{
    return index < f->n ? f->codes[index] : f->codes[FORMAT_GENERAL];
}

size_t formats_count(const struct formats *f)
{
    return f->n;
}
