#ifndef TESTS_CHAT_TABLES_H
#define TESTS_CHAT_TABLES_H

/* The files that the tests talk about, tests/chat/tables.json, and the memory of one test. Include after cmocka.h. */

#include "base/arena.h"
#include "base/fs.h"
#include "base/json.h"
#include "chat/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4 << 20 };

static struct json *tables;
static struct arena arena;

/* A file of tests/chat as it is; to be freed. */
static inline char *chat_text(const char *name)
{
    char path[512], *text;
    struct err err;
    size_t n;

    snprintf(path, sizeof path, "%s/tests/chat/%s", TEST_SOURCE, name);
    if (!fs_load(path, TEXT_MAX, &text, &n, &err))
        fail_msg("%s: %s", name, err.text);
    return text;
}

/* name[0..n) as it was uploaded. */
static inline void chat_table(const char *name, size_t n, struct chat_table *out)
{
    struct err err;

    for (size_t i = 0; i < json_len(tables); i++) {
        const char *file = json_get_string(json_at(tables, i), "filename");

        if (strlen(file) == n && memcmp(file, name, n) == 0) {
            assert_true(chat_table_read(json_at(tables, i), &arena, out, &err));
            return;
        }
    }
    fail_msg("no table %.*s", (int)n, name);
}

static inline int load_tables(void **state)
{
    char *text = chat_text("tables.json");
    struct err err;
    bool ok = json_parse(text, strlen(text), &tables, &err);

    (void)state;
    free(text);
    arena_init(&arena, NULL);
    return ok ? 0 : -1;
}

static inline int free_tables(void **state)
{
    (void)state;
    json_free(tables);
    arena_deinit(&arena);
    return 0;
}

#endif
