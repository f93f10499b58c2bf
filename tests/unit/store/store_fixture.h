#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

/* A scratch data folder with an open store, and rows to fill it with. Included by the tests of
 * store/. */

#include "base/fs.h"
#include "base/rand.h"
#include "store/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct scratch {
    char root[64];
    char db[96];
    struct data_dirs dirs;
    struct store *store;
    struct arena arena;
    struct err err;
};

#define OK(s, call)                                   \
    do {                                              \
        if (!(call))                                  \
            fail_msg("%s: %s", #call, (s)->err.text); \
    } while (0)

#define FAILS(s, call, wanted, sentence)              \
    do {                                              \
        assert_false(call);                           \
        assert_string_equal((s)->err.text, sentence); \
        assert_int_equal((s)->err.code, wanted);      \
    } while (0)

static inline void scratch_reopen(struct scratch *s)
{
    store_close(s->store);
    s->store = NULL;
    OK(s, store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err));
}

static inline int scratch_setup(void **state)
{
    struct scratch *s = calloc(1, sizeof *s);

    assert_non_null(s);
    strcpy(s->root, "/tmp/sheetflow-store-XXXXXX");
    assert_non_null(mkdtemp(s->root));
    arena_init(&s->arena, NULL);
    OK(s, data_dirs_open(s->root, NULL, NULL, NULL, &s->dirs, &s->err));
    snprintf(s->db, sizeof s->db, "%s/sqlite/chat.db", s->root);
    OK(s, store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err));
    *state = s;
    return 0;
}

static inline int scratch_teardown(void **state)
{
    struct scratch *s = *state;

    store_close(s->store);
    arena_deinit(&s->arena);
    OK(s, fs_remove_tree(s->root, &s->err));
    free(s);
    return 0;
}

/* A conversation ready to be added; its name and id are its own. */
static inline struct conversation new_conversation(struct scratch *s, const char *participant)
{
    struct conversation c = { .participant = participant,
        .status = CONVERSATION_CREATED,
        .partition = "2026/02",
        .metadata = "{}",
        .created_ns = 1770379200000000000,
        .updated_ns = 1770379200000000000 };

    (void)s;
    rand_uuid(c.id);
    return c;
}

static inline struct conversation add_conversation(struct scratch *s, const char *participant)
{
    struct conversation c = new_conversation(s, participant);
    struct store_tx *tx = store_begin(s->store);

    store_add_conversation(tx, &c);
    OK(s, store_commit(tx, &s->err));
    return c;
}

static inline struct message new_message(const char *type, const char *content)
{
    struct message m = { .type = type, .content = content, .metadata = "{}", .created_ns = 5 };

    rand_uuid(m.id);
    return m;
}

static inline struct run new_run(const struct conversation *c)
{
    struct run r = { .status = RUN_PENDING,
        .steps = "[{\"operation\":\"excel/search\"}]",
        .input = "a.csv",
        .options = "{}",
        .created_ns = 7 };

    rand_uuid(r.id);
    strcpy(r.conversation, c->id);
    return r;
}

static inline struct step new_step(const struct run *r, uint32_t index)
{
    struct step st = { .index = index,
        .operation = "excel/search",
        .arguments = "{\"logic\":\"AND\"}",
        .warnings = "[]" };

    rand_uuid(st.id);
    strcpy(st.run, r->id);
    return st;
}

/* Put a file into the conversation's folder and describe it. */
static inline struct stored_file put_file(struct scratch *s, const struct conversation *c,
    enum file_kind kind, const char *name, const char *content)
{
    struct stored_file f = { .name = name,
        .kind = kind,
        .base = "a",
        .format = "csv",
        .facts = "{\"rows\":1}",
        .size = strlen(content),
        .created_ns = 6 };
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct fs_sha256 *sum = fs_sha256_new();

    strcpy(f.conversation, c->id);
    assert_non_null(sum);
    fs_sha256_add(sum, content, strlen(content));
    fs_sha256_end(sum, f.sha256);
    OK(s, conversation_file_dir(&s->dirs, c->partition, c->id, kind, dir, &s->err));
    OK(s, fs_make_dirs(dir, &s->err));
    OK(s, fs_join(path, dir, name, &s->err));
    OK(s, fs_save(path, content, strlen(content), &s->err));
    return f;
}

#endif
