/*
 * Answers of a language model from any bytes: once as the whole reply, once as what the model wrote in it. Steps that are
 * taken satisfy their declarations and are described; all else says why, in one line.
 */

#include "chat/model.h"
#include "ops/op.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char table[] =
    "{\"filename\":\"a.csv\",\"format\":\"csv\",\"columns\":[{\"name\":\"id\",\"type\":\"text\"},"
    "{\"name\":\"total\",\"type\":\"number\"}]}";

static void check(const char *text, size_t n, const struct chat_table *files, struct arena *arena)
{
    struct json *steps;
    struct err err = { 0 };

    if (!model_reply(text, n, files, 2, 50, arena, &steps, &err)) {
        if (!err.text[0] || strchr(err.text, '\n'))
            abort();
        return;
    }
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *step = json_at(steps, i);
        const struct op *op = op_find(json_get_string(step, "operation"));
        struct op_args bound;

        if (!op || !json_get_string(step, "description") ||
            !op_bind(op, json_get(step, "arguments"), arena, &bound, &err))
            abort();
    }
    json_free(steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *o, *reply = json_new_object(), *choices = json_new_array(),
                    *choice = json_new_object(), *message = json_new_object();
    struct chat_table files[2];
    struct arena arena;
    struct err err;
    char *text;

    arena_init(&arena, NULL);
    if (!json_parse(table, sizeof table - 1, &o, &err) ||
        !chat_table_read(o, &arena, &files[0], &err))
        abort();
    json_free(o);
    files[1] = files[0];
    json_set(message, "content", json_new_stringn((const char *)data, size));
    json_set(choice, "message", message);
    json_add(choices, choice);
    json_set(reply, "choices", choices);
    text = json_text(reply);
    json_free(reply);
    check((const char *)data, size, files, &arena);
    if (text)
        check(text, strlen(text), files, &arena);
    free(text);
    arena_deinit(&arena);
    return 0;
}
