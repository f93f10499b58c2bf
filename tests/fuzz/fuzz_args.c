/*
 * Arguments of every operation from any bytes: JSON that parses is bound by each declaration. Whatever binds
 * is valid; whatever does not says why.
 */

#include "ops/op.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (const struct op *const *op = op_table; *op; op++) {
        struct budget budget = { .limit = 64 << 20 };
        struct json *arguments = NULL;
        struct op_args bound;
        struct arena arena;
        struct err err = { 0 };

        if (!json_parse((const char *)data, size, &arguments, &err))
            return 0;
        arena_init(&arena, &budget);
        if (!op_bind(*op, arguments, &arena, &bound, &err) &&
            (err.code == ERR_NONE || !err.text[0] || strchr(err.text, '\n')))
            abort();
        arena_deinit(&arena);
        json_free(arguments);
    }
    return 0;
}
