/*
 * Columns and number formats.
 */

#include "table/schema.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_HEADERS = 8 };

static struct str str(const char *s)
{
    return (struct str){ s, strlen(s) };
}

static void headers(void **state)
{
    static const struct {
        const char *headers[MAX_HEADERS], *names[MAX_HEADERS];
        uint32_t repaired;
    } cases[] = {
        { { "a", "b" }, { "a", "b" }, 0 },
        { { "a", "a", "a" }, { "a", "a_2", "a_3" }, 2 },
        { { "", "x", "  " }, { "column_1", "x", "column_3" }, 2 },
        { { "\xc2\xa0", "\xe2\x80\x8b" }, { "column_1", "column_2" }, 2 },
        { { " padded ", "A", "a" }, { " padded ", "A", "a" }, 0 },
        /* A header that stands in the file keeps its name. */
        { { "a", "a", "a_2" }, { "a", "a_3", "a_2" }, 1 },
        { { "", "column_1" }, { "column_1_2", "column_1" }, 1 },
        { { "", "column_1", "column_1" }, { "column_1_2", "column_1", "column_1_3" }, 2 },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str texts[MAX_HEADERS];
        uint32_t n = 0, repaired = 99;
        struct schema *s;

        for (; n < MAX_HEADERS && cases[i].headers[n]; n++)
            texts[n] = str(cases[i].headers[n]);
        s = schema_from_headers(&arena, texts, n, &repaired);
        assert_non_null(s);
        assert_int_equal(repaired, cases[i].repaired);
        for (uint32_t k = 0; k < n; k++) {
            assert_string_equal(s->columns[k].name, cases[i].names[k]);
            assert_string_equal(s->columns[k].header, cases[i].headers[k]);
        }
    }
    arena_deinit(&arena);
}

static void odd_headers(void **state)
{
    struct str texts[] = { { NULL, 0 }, { "a\0b", 3 }, { "\0", 1 } };
    struct arena arena;
    struct schema *s;
    uint32_t repaired;

    (void)state;
    arena_init(&arena, NULL);
    s = schema_from_headers(&arena, texts, 3, &repaired);
    assert_non_null(s);
    assert_string_equal(s->columns[0].name, "column_1");
    assert_string_equal(s->columns[1].name, "ab");
    assert_string_equal(s->columns[2].name, "column_3");
    assert_int_equal(repaired, 3);
    s = schema_from_headers(&arena, texts, 0, &repaired);
    assert_non_null(s);
    assert_int_equal(s->n_columns, 0);
    arena_deinit(&arena);
}

static void many_equal_headers(void **state)
{
    static struct str texts[SCHEMA_MAX_COLUMNS];
    struct budget small = { .limit = 1 << 16 };
    struct arena arena;
    struct schema *s;
    uint32_t repaired;

    (void)state;
    for (size_t i = 0; i < SCHEMA_MAX_COLUMNS; i++)
        texts[i] = str("same");
    arena_init(&arena, NULL);
    s = schema_from_headers(&arena, texts, SCHEMA_MAX_COLUMNS, &repaired);
    assert_non_null(s);
    assert_string_equal(s->columns[SCHEMA_MAX_COLUMNS - 1].name, "same_16384");
    arena_deinit(&arena);
    arena_init(&arena, &small);
    assert_null(schema_from_headers(&arena, texts, SCHEMA_MAX_COLUMNS, &repaired));
    arena_deinit(&arena);
    assert_int_equal(small.used, 0);
}

static void letters(void **state)
{
    static const struct {
        uint32_t index;
        const char *want;
    } cases[] = { { 0, "A" }, { 25, "Z" }, { 26, "AA" }, { 51, "AZ" }, { 52, "BA" }, { 701, "ZZ" },
        { 702, "AAA" }, { 16383, "XFD" } };
    struct arena arena;
    struct schema *s;
    char out[4];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        schema_letter(cases[i].index, out);
        assert_string_equal(out, cases[i].want);
    }
    arena_init(&arena, NULL);
    s = schema_from_letters(&arena, 28);
    assert_non_null(s);
    assert_string_equal(s->columns[27].name, "AB");
    arena_deinit(&arena);
}

static struct schema *schema_of(struct arena *arena, const char *const *names, uint32_t n)
{
    struct schema *s = schema_new(arena, n);

    assert_non_null(s);
    for (uint32_t i = 0; i < n; i++)
        s->columns[i].name = s->columns[i].header = names[i];
    return s;
}

/* Names that look the same as what is asked for, when only one does. */
static void finding_alike(void **state)
{
    static const char *const names[] = { "unit\r\n price", "a\u00A0b", "x ", "x", "y ", " y",
        "\xEF\xBB\xBFid" };
    static const struct {
        const char *name;
        int32_t want;
    } cases[] = { { "unit price", 0 }, { "unitprice", -1 }, { "a b", 1 }, { "a  b", 1 },
        { "ab", -1 }, { "x", 3 }, { "x ", 2 }, { " x", -1 }, { "y", -1 }, { "id", 6 }, { "id ", 6 },
        { "", -1 } };
    struct arena arena;
    struct schema *s;

    (void)state;
    arena_init(&arena, NULL);
    s = schema_of(&arena, names, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };
        uint32_t index = 99;

        if (schema_get(s, cases[i].name, NULL, &index, &err) != (cases[i].want >= 0) ||
            (cases[i].want >= 0 && index != (uint32_t)cases[i].want))
            fail_msg("'%s': %u", cases[i].name, index);
    }
    arena_deinit(&arena);
}

static void finding(void **state)
{
    static const char *const names[] = { "id", "email", "Total" };
    struct err err = { 0 };
    uint32_t index = 99;
    struct arena arena;
    struct schema *s;

    (void)state;
    arena_init(&arena, NULL);
    s = schema_of(&arena, names, 3);
    assert_int_equal(schema_find(s, "email"), 1);
    assert_int_equal(schema_find(s, "Email"), -1);
    assert_true(schema_get(s, "Total", "columns[0]", &index, &err));
    assert_int_equal(index, 2);
    assert_true(schema_get(s, " \xE2\x80\x8BTotal\xC2\xA0\n", NULL, &index, &err));
    assert_int_equal(index, 2);
    assert_false(schema_get(s, "To tal", NULL, &index, &err));
    assert_false(schema_get(s, "total", NULL, &index, &err));
    assert_false(schema_get(s, "emial", "columns[1]", &index, &err));
    assert_int_equal(err.code, ERR_COLUMN);
    assert_string_equal(err.text,
        "column 'emial' does not exist; did you mean 'email'? Available: id, email, Total");
    assert_string_equal(err.column, "emial");
    assert_string_equal(err.argument, "columns[1]");
    assert_string_equal(err.suggestions, "email");
    assert_string_equal(err.available, "id\x1f"
                                       "email\x1fTotal");
    assert_false(schema_get(s, "phone", NULL, &index, &err));
    assert_string_equal(err.text, "column 'phone' does not exist. Available: id, email, Total");
    assert_string_equal(err.argument, "");
    assert_false(schema_get(schema_of(&arena, names, 0), "a", NULL, &index, &err));
    assert_string_equal(err.text, "column 'a' does not exist. The table has no columns");
    assert_int_equal(index, 2);
    arena_deinit(&arena);
}

static void many_and_long_names(void **state)
{
    struct err err = { 0 };
    struct arena arena;
    struct schema *s;
    uint32_t index;
    char name[1001];
    const char *end;

    (void)state;
    arena_init(&arena, NULL);
    s = schema_new(&arena, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        s->columns[i].name = arena_printf(&arena, "a_rather_long_column_name_%u", i);
    for (size_t i = 0; i < 500; i++)
        memcpy(name + 2 * i, "\xc3\xa9", 2);
    name[1000] = '\0';
    assert_false(schema_get(s, name, name, &index, &err));
    assert_true(strlen(err.text) < sizeof err.text);
    end = strstr(err.text, " and ");
    assert_non_null(end);
    assert_non_null(strstr(end, " more"));
    assert_int_equal(strlen(err.column), 126); /* Whole characters only. */
    assert_int_equal(strlen(err.argument), 126);
    assert_true(strlen(err.available) > 1000);
    assert_false(schema_get(s, "a rather long column name 500", NULL, &index, &err));
    assert_non_null(strstr(err.text, "did you mean 'a_rather_long_column_name_500'?"));
    assert_memory_equal(err.suggestions, "a_rather_long_column_name_500\x1f", 30);
    arena_deinit(&arena);
}

static void type_names(void **state)
{
    static const char *const want[] = { "empty", "text", "integer", "number", "boolean", "date",
        "datetime", "time", "mixed" };

    (void)state;
    for (int i = 0; i <= COLUMN_MIXED; i++)
        assert_string_equal(column_type_name((enum column_type)i), want[i]);
}

static void number_formats(void **state)
{
    struct formats *f = formats_new();
    uint16_t money;
    char code[32];

    (void)state;
    assert_non_null(f);
    assert_int_equal(formats_count(f), 5);
    assert_int_equal(formats_intern(f, "General"), FORMAT_GENERAL);
    assert_int_equal(formats_intern(f, "yyyy-mm-dd"), FORMAT_DATE);
    assert_int_equal(formats_intern(f, "yyyy-mm-dd hh:mm:ss"), FORMAT_DATETIME);
    assert_int_equal(formats_intern(f, "hh:mm:ss"), FORMAT_TIME);
    assert_int_equal(formats_intern(f, "[h]:mm:ss"), FORMAT_DURATION);
    money = formats_intern(f, "#,##0.00");
    assert_int_equal(money, 5);
    assert_int_equal(formats_intern(f, "#,##0.00"), money);
    assert_string_equal(formats_code(f, money), "#,##0.00");
    assert_string_equal(formats_code(f, 999), "General");
    for (int i = 6; i <= FORMAT_MAX; i++) {
        snprintf(code, sizeof code, "0.%d", i);
        assert_int_equal(formats_intern(f, code), i);
    }
    assert_int_equal(formats_count(f), FORMAT_MAX + 1);
    assert_int_equal(formats_intern(f, "one too many"), FORMAT_GENERAL);
    assert_int_equal(formats_intern(f, "0.65535"), FORMAT_MAX);
    assert_string_equal(formats_code(f, FORMAT_MAX), "0.65535");
    formats_free(f);
    formats_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(odd_headers),
        cmocka_unit_test(many_equal_headers),
        cmocka_unit_test(letters),
        cmocka_unit_test(finding),
        cmocka_unit_test(finding_alike),
        cmocka_unit_test(many_and_long_names),
        cmocka_unit_test(type_names),
        cmocka_unit_test(number_formats),
    };

    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
