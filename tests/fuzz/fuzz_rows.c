/*
 * Any bytes as the rows of a dump: what is accepted must survive being written and read once more;
 * and as a text to relocate.
 */
#include "base/fs.h"
#include "store/files.h"
#include "store/relocate.h"
#include "store/rows_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OLD "3f2b8c1e-1111-4000-8000-00000000000a"
#define NEW "3f2b8c1e-2222-4000-8000-00000000000b"

static void check_again(const struct conversation_rows *rows, struct arena *arena)
{
    struct conversation_rows again;
    struct buf first, second;
    struct err err;

    buf_init(&first, 64 << 20);
    buf_init(&second, 64 << 20);
    if (!rows_json_write(rows, &first, &err) ||
        !rows_json_read(first.data, first.len, arena, &again, &err) ||
        !rows_json_write(&again, &second, &err) || first.len != second.len ||
        memcmp(first.data, second.data, first.len) != 0)
        abort();
    buf_deinit(&first);
    buf_deinit(&second);
}

/* A text that does not name the old id stays where and as it is. */
static void check_relocated(const uint8_t *data, size_t size, struct arena *arena)
{
    const char *before = arena_dup(arena, (const char *)data, size), *after = before;
    struct relocate r;
    struct err err;

    relocate_init(&r, arena, OLD, "workflows/2026/02/");
    if (!before || !relocate_add(&r, OLD, NEW, &err) || !relocate_ready(&r, &err) ||
        !relocate_text(&r, &after, &err))
        abort();
    if (!strstr(before, OLD) && after != before)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conversation_rows rows;
    struct arena arena;
    struct err err;

    arena_init(&arena, NULL);
    if (rows_json_read((const char *)data, size, &arena, &rows, &err))
        check_again(&rows, &arena);
    check_relocated(data, size, &arena);
    arena_deinit(&arena);
    return 0;
}
