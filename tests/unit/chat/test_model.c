/* What a language model is asked, and which of its answers become steps. tests/api/model.test.mjs has more, over HTTP. */

#include "chat/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct arena arena;
static struct chat_table files[2];

static const char *const tables[] = {
    "{\"filename\":\"orders.csv\",\"format\":\"csv\",\"columns\":[{\"name\":\"id\",\"type\":"
    "\"text\"},"
    "{\"name\":\"total\",\"type\":\"number\",\"values\":[\"12\"]}]}",
    "{\"filename\":\"people.csv\",\"format\":\"csv\",\"columns\":[{\"name\":\"id\",\"type\":"
    "\"text\"},"
    "{\"name\":\"city\",\"type\":\"text\",\"values\":[\"Malm\\u00f6\"]}]}",
};

static int set_up(void **state)
{
    struct json *o;
    struct err err;

    (void)state;
    arena_init(&arena, NULL);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (!json_parse(tables[i], strlen(tables[i]), &o, &err) ||
            !chat_table_read(o, &arena, &files[i], &err))
            return 1;
        json_free(o);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

#define STEP(operation, arguments) "{\"operation\":\"" operation "\",\"arguments\":" arguments "}"
#define SEARCH(column)                                                                             \
    STEP("excel/search", "{\"conditions\":[{\"column\":\"" column "\",\"operator\":\"is_empty\"}]" \
                         "}")
#define JOIN(file, columns)                                                                   \
    STEP("excel/bind-single-key", "{\"bind_file\":\"" file "\",\"comparison_column\":\"id\"," \
                                  "\"bind_columns\":[" columns "]}")

/* `why` NULL: it becomes that many steps, the last of which is described so. */
static const struct {
    const char *name, *steps, *why;
    size_t n;
    const char *last;
} answers[] = {
    { "a step", SEARCH("id"), NULL, 1, "Keep the rows where **id** is empty" },
    { "a step without arguments", "{\"operation\":\"csv/convert-to-excel\"}", NULL, 1, NULL },
    { "the other file by its number", JOIN("file 2", "\"city\""), NULL, 1,
        "Add **city** from **people.csv** by **id**" },
    { "a column of a join, in the next step", JOIN("people.csv", "\"city\"") "," SEARCH("city"),
        NULL, 2, NULL },
    { "a column of a join, before it", SEARCH("city") "," JOIN("people.csv", "\"city\""),
        "step 1: it names a column that is not there", 0, NULL },
    { "a column that was left out",
        STEP("excel/extract-columns-to-file", "{\"columns\":[\"id\"]}") "," SEARCH("total"),
        "step 2: it names a column that is not there", 0, NULL },
    { "columns kept by a mapping",
        STEP("excel/map-columns",
            "{\"mapping\":{\"sum\":\"total\"},\"keep_unmapped\":true}") "," SEARCH("id"),
        NULL, 2, NULL },
    { "the old name of a renamed column",
        STEP("excel/map-columns",
            "{\"mapping\":{\"sum\":\"total\"},\"keep_unmapped\":true}") "," SEARCH("total"),
        "step 2: it names a column that is not there", 0, NULL },
    { "a mapping of a column that is not there",
        STEP("excel/map-columns", "{\"mapping\":{\"sum\":{\"source\":\"totals\",\"default\":0}}}"),
        "step 1: it names a column that is not there", 0, NULL },
    { "the file that is worked on, as the other one", JOIN("file 1", "\"total\""),
        "step 1: it names a file that is not there", 0, NULL },
    { "parameters of a rule",
        STEP("normalization/apply",
            "{\"normalizations\":[{\"column_name\":\"total\",\"normalization_type\":"
            "\"round_decimal\",\"parameters\":{\"decimals\":1}}]}"),
        NULL, 1, NULL },
    { "parameters of another rule",
        STEP("normalization/apply",
            "{\"normalizations\":[{\"column_name\":\"total\",\"normalization_type\":"
            "\"round_decimal\",\"parameters\":{\"method\":\"mean\"}}]}"),
        "step 1: it has an argument that is not offered", 0, NULL },
    { "an argument of an older spelling",
        STEP("excel/map-columns", "{\"column_mapping\":{\"total\":\"sum\"}}"),
        "step 1: it has an argument that is not offered", 0, NULL },
    { "a NUL in a column's name", STEP("json/generate", "{\"columns\":[\"id\\u0000x\"]}"),
        "step 1: an argument is not the text it must be", 0, NULL },
    { "null for an argument", STEP("json/generate", "{\"columns\":null}"),
        "step 1: an argument is not the list it must be", 0, NULL },
    { "a step that is no object", "7", "step 1: it is not an object of operation and arguments", 0,
        NULL },
    { "more steps than allowed", SEARCH("id") "," SEARCH("id") "," SEARCH("id") "," SEARCH("id"),
        "the answer has 4 steps; 3 are allowed", 0, NULL },
};

static char *reply_of(const char *steps)
{
    struct json *reply = json_new_object(), *choices = json_new_array(),
                *choice = json_new_object(), *message = json_new_object();
    char *content, *text;

    assert_true(asprintf(&content, "{\"steps\":[%s]}", steps) > 0);
    json_set_string(message, "content", content);
    json_set(choice, "message", message);
    json_add(choices, choice);
    json_set(reply, "choices", choices);
    text = json_text(reply);
    json_free(reply);
    free(content);
    return text;
}

static void answers_become_steps_or_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        char *text = reply_of(answers[i].steps);
        struct json *steps = NULL;
        struct err err = { 0 };
        bool ok = model_reply(text, strlen(text), files, 2, 3, &arena, &steps, &err);

        if (ok != !answers[i].why)
            fail_msg("%s: %s", answers[i].name, ok ? "taken" : err.text);
        if (ok) {
            const struct json *last = json_at(steps, json_len(steps) - 1);

            assert_int_equal(json_len(steps), answers[i].n);
            assert_non_null(json_get_string(last, "description"));
            if (answers[i].last)
                assert_string_equal(json_get_string(last, "description"), answers[i].last);
        } else {
            assert_string_equal(err.text, answers[i].why);
        }
        json_free(steps);
        free(text);
    }
}

/* Whatever is cut off or changed by a byte: steps or a sentence, and nothing read beyond the end. */
static void damaged_replies_are_refused(void **state)
{
    char *text = reply_of(SEARCH("id") "," JOIN("file 2", "\"city\""));
    size_t n = strlen(text);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct json *steps;
        struct err err;
        char *cut = malloc(i ? i : 1);

        assert_non_null(cut);
        memcpy(cut, text, i);
        assert_false(model_reply(cut, i, files, 2, 3, &arena, &steps, &err));
        assert_int_equal(err.code, ERR_DATA);
        free(cut);
    }
    free(text);
}

static char *asked(bool values)
{
    const struct model_ask ask = {
        .model = "m", .message = "say \"hi\"", .files = files, .n_files = 2, .send_values = values
    };
    struct err err;
    char *body;

    assert_true(model_request(&ask, &body, &err));
    return body;
}

static void values_and_names_of_files_need_leave(void **state)
{
    static const char *const private[] = { "Malm", "orders.csv", "people.csv" };
    char *closed = asked(false), *open = asked(true);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(private); i++) {
        assert_null(strstr(closed, private[i]));
        assert_non_null(strstr(open, private[i]));
    }
    free(closed);
    free(open);
}

static void too_wide_tables_are_not_sent(void **state)
{
    struct chat_table wide = files[0];
    const struct model_ask ask = { .model = "m", .message = "x", .files = &wide, .n_files = 1 };
    struct err err;
    char *body;

    (void)state;
    wide.n_columns = MODEL_COLUMNS_MAX + 1; /* Not looked at. */
    assert_false(model_request(&ask, &body, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_become_steps_or_nothing),
        cmocka_unit_test(damaged_replies_are_refused),
        cmocka_unit_test(values_and_names_of_files_need_leave),
        cmocka_unit_test(too_wide_tables_are_not_sent),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
