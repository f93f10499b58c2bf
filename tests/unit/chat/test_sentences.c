/*
 * Sentences and the steps they must become: tests/chat/sentences_*.jsonl about the files of tests/chat/tables.json.
 *
 * sentences_first.jsonl was written before there was a grammar, sentences_second.jsonl by somebody who had not seen it;
 * both are kept as they were. sentences_more.jsonl came with the grammar, sentences_fourth.jsonl and
 * sentences_fifth.jsonl were written by users about files that people really have. The pass rate of each is printed.
 */

#include "chat/understand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tables.h"

enum { FILES_MAX = 4 };

/* "orders.csv+customers.csv" */
static size_t read_files(const char *names, struct chat_table out[FILES_MAX])
{
    size_t n = 0;

    while (*names && n < FILES_MAX) {
        size_t len = strcspn(names, "+");

        chat_table(names, len, &out[n++]);
        names += len + (names[len] == '+');
    }
    return n;
}

/* {operation, arguments} of each step; csv/search is excel/search, and a description is nobody's business here. */
static char *bare(const struct json *steps)
{
    struct json *list = json_new_array();
    char *text;

    for (size_t i = 0; i < json_len(steps); i++) {
        struct json *one = json_new_object();
        const char *operation = json_get_string(json_at(steps, i), "operation");

        json_set_string(
            one, "operation", strcmp(operation, "excel/search") == 0 ? "csv/search" : operation);
        json_set(one, "arguments", json_ref(json_get(json_at(steps, i), "arguments")));
        json_add(list, one);
    }
    text = json_text(list);
    json_free(list);
    return text;
}

/* Words that nothing is done with are told: those of "unread", and no others. */
static bool tells_unread(const struct json *wanted, const char *remark)
{
    const char *unread = json_get_string(wanted, "unread");
    const char *told = remark ? strstr(remark, "I did nothing with \"") : NULL;

    if (!unread || !told)
        return !unread && !told;
    told = strchr(told, '"') + 1;
    return strncmp(told, unread, strlen(unread)) == 0 && told[strlen(unread)] == '"';
}

static bool as_wanted(const struct json *wanted, const struct understanding *got, char **why)
{
    const struct json *steps = json_get(wanted, "steps");
    const char *asks = json_get_string(wanted, "asks");
    char *want = bare(steps), *have = bare(got->steps);
    bool ok;

    if (json_get_bool(wanted, "cannot", false))
        ok = got->what == UNDERSTOOD_CANNOT;
    else if (asks)
        ok = got->what == UNDERSTOOD_ASK && strcmp(got->missing, asks) == 0 && got->question;
    else
        ok = got->what == UNDERSTOOD_STEPS && strcmp(want, have) == 0;
    ok = ok && tells_unread(wanted, got->remark);
    *why = NULL;
    if (!ok && asprintf(why, "outcome %d, asks %s\n#   want %s\n#   have %s\n#   says %s",
                   (int)got->what, got->missing ? got->missing : "-", asks ? asks : want, have,
                   got->remark ? got->remark : "-") < 0)
        *why = NULL;
    free(want);
    free(have);
    return ok;
}

static bool check(const char *line, size_t n)
{
    struct chat_table files[FILES_MAX];
    struct understanding got;
    struct json *wanted;
    struct err err;
    size_t n_files;
    char *why;
    bool ok;

    if (!json_parse(line, n, &wanted, &err))
        fail_msg("%.*s: %s", (int)n, line, err.text);
    n_files = read_files(json_get_string(wanted, "file"), files);
    if (!understand(json_get_string(wanted, "say"), files, n_files, json_get(wanted, "before"),
            &arena, &got, &err))
        fail_msg("%s: %s", json_get_string(wanted, "say"), err.text);
    ok = as_wanted(wanted, &got, &why);
    if (!ok)
        print_message("# %s: %s\n", json_get_string(wanted, "say"), why);
    free(why);
    json_free(got.steps);
    json_free(wanted);
    arena_reset(&arena);
    return ok;
}

/* Returns how many are not as wanted. */
static size_t check_file(const char *name, size_t least)
{
    char *text = chat_text(name);
    size_t all = 0, good = 0;

    for (char *p = text; *p;) {
        size_t len = strcspn(p, "\n");

        if (len > 0) {
            all++;
            good += check(p, len);
        }
        p += len + (p[len] == '\n');
    }
    free(text);
    print_message(
        "# %s: %zu of %zu (%.1f %%)\n", name, good, all, 100.0 * (double)good / (double)all);
    assert_true(all >= least);
    return all - good;
}

static void test_sentences_written_before_the_grammar(void **state)
{
    (void)state;
    assert_int_equal(check_file("sentences_first.jsonl", 150), 0);
}

static void test_sentences_written_without_sight_of_the_grammar(void **state)
{
    (void)state;
    assert_int_equal(check_file("sentences_second.jsonl", 160), 0);
}

static void test_sentences_written_with_the_grammar(void **state)
{
    (void)state;
    assert_int_equal(check_file("sentences_more.jsonl", 40), 0);
}

static void test_sentences_about_files_as_they_come(void **state)
{
    (void)state;
    assert_int_equal(check_file("sentences_fourth.jsonl", 120), 0);
}

static void test_sentences_of_five_offices(void **state)
{
    (void)state;
    assert_int_equal(check_file("sentences_fifth.jsonl", 70), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences_written_before_the_grammar),
        cmocka_unit_test(test_sentences_written_without_sight_of_the_grammar),
        cmocka_unit_test(test_sentences_written_with_the_grammar),
        cmocka_unit_test(test_sentences_about_files_as_they_come),
        cmocka_unit_test(test_sentences_of_five_offices),
    };

    return cmocka_run_group_tests(tests, load_tables, free_tables);
}
