/*
 * Any sentence about any small table: the first line holds the columns (name, type and values, between tabs and
 * commas), an optional second one steps as JSON that were proposed before, the rest is the sentence. Whatever is
 * proposed must be accepted by its operation, and the same words must give the same steps.
 */

#include "chat/understand.h"

#include "ops/op.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_HERE = 1 << 14, COLUMNS_MAX = 600 };

/* "name,type,value,value" */
static struct json *read_column(char *text)
{
    struct json *column = json_new_object(), *values = json_new_array();
    char *rest = text, *part = strsep(&rest, ",");

    json_set_string(column, "name", part);
    part = rest ? strsep(&rest, ",") : NULL;
    json_set_string(column, "type", part && *part ? part : "text");
    while (rest)
        json_add(values, json_new_string(strsep(&rest, ",")));
    json_set(column, "values", values);
    return column;
}

static struct json *read_file(char *line, const char *name)
{
    struct json *file = json_new_object(), *columns = json_new_array();

    for (char *rest = line; rest && json_len(columns) < COLUMNS_MAX;)
        json_add(columns, read_column(strsep(&rest, "\t")));
    json_set_string(file, "filename", name);
    json_set_string(file, "format", "csv");
    json_set(file, "columns", columns);
    return file;
}

static void check_steps(const struct json *steps, struct arena *arena)
{
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *step = json_at(steps, i);
        const char *operation = json_get_string(step, "operation");
        const struct op *op = operation ? op_find(operation) : NULL;
        struct op_args bound;
        struct err err;

        if (!op || !op_bind(op, json_get(step, "arguments"), arena, &bound, &err) ||
            !json_get_string(step, "description"))
            abort();
    }
}

/* The steps' text; NULL when the sentence was refused. */
static char *understand_once(const char *sentence, const struct chat_table *files,
    const struct json *before, struct arena *arena)
{
    struct understanding u;
    struct err err;
    char *text;

    if (!understand(sentence, files, 2, before, arena, &u, &err))
        return NULL;
    if (u.what == UNDERSTOOD_STEPS) {
        if (json_len(u.steps) == 0)
            abort();
        check_steps(u.steps, arena);
    }
    if ((u.what == UNDERSTOOD_ASK && (!u.missing || !u.question)) ||
        (u.what == UNDERSTOOD_CANNOT && !u.reason))
        abort();
    text = json_text(u.steps);
    json_free(u.steps);
    return text;
}

static void run(char *text)
{
    char other[] = "id,text,7\tcity,text,Paris,London\tprice,number,5", *rest = text;
    struct json *first = read_file(strsep(&rest, "\n"), "orders.csv"),
                *second = read_file(other, "customers.csv"), *before = NULL;
    struct chat_table files[2];
    struct arena arena;
    struct err err;

    arena_init(&arena, NULL);
    if (rest && *rest == '[') {
        char *steps = strsep(&rest, "\n");

        if (!json_parse(steps, strlen(steps), &before, &err))
            before = NULL;
    }
    if (chat_table_read(first, &arena, &files[0], &err) &&
        chat_table_read(second, &arena, &files[1], &err)) {
        char *a = understand_once(rest ? rest : "", files, before, &arena),
             *b = understand_once(rest ? rest : "", files, before, &arena);

        if ((a != NULL) != (b != NULL) || (a && strcmp(a, b) != 0))
            abort();
        free(a);
        free(b);
    }
    json_free(before);
    json_free(first);
    json_free(second);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size <= SIZE_MAX_HERE ? malloc(size + 1) : NULL;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    run(text);
    free(text);
    return 0;
}
