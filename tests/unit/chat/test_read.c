/* Sentences cut into words, days as people say them, and how words refer to columns and values. */

#include "base/json.h"
#include "chat/table.h"
#include "chat/understand.h"
#include "chat/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct arena arena;

static struct words split(const char *text)
{
    struct words w;
    struct err err;

    assert_true(words_split(text, &arena, &w, &err));
    return w;
}

/* ---- words ---- */

static void test_words_are_cut_where_the_grammar_needs_it(void **state)
{
    static const struct {
        const char *text, *words; /* Raw, between bars. */
    } cases[] = {
        { "", "" },
        { " \t\r", "" },
        { "credit>=1,500 for \"New York\", please", "credit|>=|1,500|for|New York|,|please" },
        { "it's John's 'big city'.", "it's|John's|big city|." },
        { "a=\"\"", "a|=|" },
        { "''", "''" },
        { "“Köln” „Bonn“ «Trier»", "Köln|Bonn|Trier" },
        { "x -> y", "x|->|y" },
        { "customers.csv.", "customers.csv|." },
        { "price: 3.5!", "price|:|3.5|!" },
        { "\"unclosed", "unclosed" },
        { "名前 😀 is", "名前|😀|is" },
        { "a\nb", "a|\n|b" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct words w = split(cases[i].text);
        struct buf b;

        buf_init(&b, 1000);
        for (size_t k = 0; k < w.n; k++) {
            if (k > 0)
                buf_addc(&b, '|');
            buf_adds(&b, w.v[k].raw);
        }
        assert_string_equal(buf_str(&b), cases[i].words);
        buf_deinit(&b);
    }
}

static void test_numbers_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        double number;
    } cases[] = { { "100", 100 }, { "1,500.50", 1500.5 }, { "$20", 20 }, { "€1,000", 1000 },
        { "10k", 10000 }, { "2m", 2e6 }, { "15%", 15 }, { "007", 7 }, { "-5", -5 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct words w = split(cases[i].text);

        assert_int_equal(w.n, 1);
        assert_int_equal(w.v[0].kind, WORD_NUMBER);
        assert_true(w.v[0].number == cases[i].number);
    }
    assert_int_equal(split("A-100").v[0].kind, WORD_PLAIN);
    assert_int_equal(split("k").v[0].kind, WORD_PLAIN);
}

static void test_too_many_words_are_refused(void **state)
{
    char *text = malloc(2 * WORDS_MAX + 3);
    struct words w;
    struct err err;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i <= WORDS_MAX; i++)
        memcpy(text + 2 * i, "a ", 3);
    assert_false(words_split(text, &arena, &w, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_string_equal(err.text, "the message has more than 600 words");
    text[2 * WORDS_MAX - 1] = '\0';
    assert_true(words_split(text, &arena, &w, &err));
    assert_int_equal(w.n, WORDS_MAX);
    free(text);
}

/* ---- days ---- */

static void test_days_and_months(void **state)
{
    static const struct {
        const char *text;
        size_t n_words;
        const char *first, *last;
    } cases[] = {
        { "2024-03-01", 1, "2024-03-01", "2024-03-01" },
        { "1/20/2024", 1, "2024-01-20", "2024-01-20" },
        { "31.12.2024", 1, "2024-12-31", "2024-12-31" },
        { "15 March 2024", 3, "2024-03-15", "2024-03-15" },
        { "15th of march 2024", 4, "2024-03-15", "2024-03-15" },
        { "March 15th, 2024", 4, "2024-03-15", "2024-03-15" },
        { "Sept 3 2023", 3, "2023-09-03", "2023-09-03" },
        { "February 2024", 2, "2024-02-01", "2024-02-29" },
        { "feb 2023", 2, "2023-02-01", "2023-02-28" },
    };
    static const char *const none[] = { "2024", "March", "31 February 2024", "40 March 2024",
        "A-1-2", "555-000-1111", "march madness", "3.5" };
    struct when when;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct words w = split(cases[i].text);

        assert_true(chat_when(&w, 0, w.n, &when));
        assert_int_equal(when.n_words, cases[i].n_words);
        assert_string_equal(when.first, cases[i].first);
        assert_string_equal(when.last, cases[i].last);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct words w = split(none[i]);

        assert_false(chat_when(&w, 0, w.n, &when));
    }
    assert_true(chat_when_year(2024, &when));
    assert_string_equal(when.last, "2024-12-31");
    assert_false(chat_when_year(24, &when));
    assert_false(chat_when_year(2024.5, &when));
}

/* ---- columns and values ---- */

static struct chat_table table(const char *json)
{
    struct chat_table t;
    struct json *file;
    struct err err;

    assert_true(json_parse(json, strlen(json), &file, &err));
    assert_true(chat_table_read(file, &arena, &t, &err));
    json_free(file);
    return t;
}

static const char staff[] =
    "{\"filename\":\"staff.csv\",\"format\":\"csv\",\"columns\":["
    "{\"name\":\"First Name\",\"type\":\"text\",\"values\":[\"Ada\"]},"
    "{\"name\":\"Last Name\",\"type\":\"text\",\"values\":[\"O'Brien\"]},"
    "{\"name\":\"Email Address\",\"type\":\"text\",\"values\":[]},"
    "{\"name\":\"date\",\"type\":\"date\",\"values\":[\"2024-01-01\"]},"
    "{\"name\":\"filter\",\"type\":\"text\",\"values\":[\"New York\",\"on\"]}]}";

static void test_columns_are_found_as_people_call_them(void **state)
{
    static const struct {
        const char *text, *column; /* NULL: none. */
        enum mention_strength strength;
        size_t n_words, n_columns;
    } cases[] = {
        { "first name", "First Name", MENTION_EXACT, 2, 1 },
        { "FIRST_NAMES", "First Name", MENTION_EXACT, 1, 1 },
        { "firstname", "First Name", MENTION_EXACT, 1, 1 },
        { "first and last names", "First Name", MENTION_EXACT, 1, 1 },
        { "names", "First Name", MENTION_PART, 1, 2 },
        { "mail", "Email Address", MENTION_SENSE, 1, 1 },
        { "emial adress", "Email Address", MENTION_TYPO, 2, 1 },
        { "\"Last Name\"", "Last Name", MENTION_EXACT, 1, 1 },
        { "filter", "filter", MENTION_EXACT, 1, 1 },
        { "dates", "date", MENTION_EXACT, 1, 1 },
        { "\"mail\"", NULL, MENTION_NONE, 0, 0 },
        { "the", NULL, MENTION_NONE, 0, 0 },
        { "staff", NULL, MENTION_NONE, 0, 0 },
        { "salary", NULL, MENTION_NONE, 0, 0 },
    };
    struct chat_table t = table(staff);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct words w = split(cases[i].text);
        struct mention m;

        assert_int_equal(chat_mention(&w, 0, w.n, &t, &arena, &m), cases[i].column != NULL);
        if (!cases[i].column)
            continue;
        assert_string_equal(t.columns[m.columns[0]].name, cases[i].column);
        assert_int_equal(m.strength, cases[i].strength);
        assert_int_equal(m.n_words, cases[i].n_words);
        assert_int_equal(m.n_columns, cases[i].n_columns);
    }
}

static void test_values_have_the_spelling_of_the_file(void **state)
{
    struct chat_table t = table(staff);
    struct words w = split("new york or o’brien");
    struct known_value v;

    (void)state;
    assert_true(chat_value(&w, 0, w.n, &t, SIZE_MAX, &arena, &v));
    assert_string_equal(v.text, "New York");
    assert_int_equal(v.n_words, 2);
    assert_false(chat_value(&w, 0, w.n, &t, 0, &arena, &v));
    w = split("ada");
    assert_true(chat_value(&w, 0, w.n, &t, SIZE_MAX, &arena, &v));
    assert_string_equal(v.text, "Ada");
    w = split("2024-01-01"); /* Dates are compared, not spelt. */
    assert_false(chat_value(&w, 0, w.n, &t, SIZE_MAX, &arena, &v));
}

/* ---- sentences that are none ---- */

static void test_odd_sentences_end_well(void **state)
{
    static const char *const odd[] = { "", "   ", "\n\n", "?!.,;", "\"\"", "😀😀😀", "\x01\x02\x7f",
        "\xff\xfe", "and or not and", "'; DROP TABLE staff; --", "**bold** _it_ `code` <b>",
        "asdf qwer zxcv", "是的", "filter filter filter", "0", "= = =", "not" };
    struct chat_table t = table(staff);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct understanding u;
        struct err err;

        assert_true(understand(odd[i], &t, 1, NULL, &arena, &u, &err));
        assert_true(u.what != UNDERSTOOD_STEPS || json_len(u.steps) > 0);
        assert_true(u.what != UNDERSTOOD_ASK || (u.missing && u.question));
        json_free(u.steps);
    }
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_cut_where_the_grammar_needs_it),
        cmocka_unit_test(test_numbers_are_read_as_people_write_them),
        cmocka_unit_test(test_too_many_words_are_refused),
        cmocka_unit_test(test_days_and_months),
        cmocka_unit_test(test_columns_are_found_as_people_call_them),
        cmocka_unit_test(test_values_have_the_spelling_of_the_file),
        cmocka_unit_test(test_odd_sentences_end_well),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
