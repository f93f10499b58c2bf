/* Escapes, lengths and sheet names: what a workbook can say and how. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/xlsx_names.h"
#include "formats/xlsx_text.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    const char *text;
    size_t n; /* 0: strlen. */
    const char *want;
} escapes[] = {
    { "plain", "hello", 0, "hello" },
    { "markup", "a<b>&c\"d'", 0, "a&lt;b&gt;&amp;c\"d'" },
    { "end of CDATA", "]]>", 0, "]]&gt;" },
    { "tab and newline stay", "a\tb\nc", 0, "a\tb\nc" },
    { "CR would become LF", "a\r\nb", 0, "a_x000D_\nb" },
    { "NUL", "a\0b", 3, "a_x0000_b" },
    { "controls", "\x01\x1f\x7f", 0, "_x0001__x001F_\x7f" },
    { "U+FFFE and U+FFFF", "\xef\xbf\xbe\xef\xbf\xbf", 0, "_xFFFE__xFFFF_" },
    { "U+FFFD and full width", "\xef\xbf\xbd\xef\xbc\xa1", 0, "\xef\xbf\xbd\xef\xbc\xa1" },
    { "an escape that is text", "_x0041_", 0, "_x005F_x0041_" },
    { "lower-case hex is one too", "_x00fF_", 0, "_x005F_x00fF_" },
    { "two sharing an underline", "_x0041_x0042_", 0, "_x005F_x0041_x005F_x0042_" },
    { "made whole by our own escape", "_x0041\x01", 0, "_x005F_x0041_x0001_" },
    { "made whole by an escaped nonchar", "_x0041\xef\xbf\xbf", 0, "_x005F_x0041_xFFFF_" },
    { "made whole by a protected underline", "_x0041_x0041_", 0, "_x005F_x0041_x005F_x0041_" },
    { "not one: capital X", "_X0041_", 0, "_X0041_" },
    { "not one: no hex", "_x00G1_", 0, "_x00G1_" },
    { "not one: cut off", "_x0041", 0, "_x0041" },
    { "not one: three digits", "_x041_", 0, "_x041_" },
    { "underlines", "__init__ snake_case_x", 0, "__init__ snake_case_x" },
    { "in the 16th place", "123456789012345_x0041_", 0, "123456789012345_x005F_x0041_" },
    { "in the 17th place", "1234567890123456&", 0, "1234567890123456&amp;" },
    { "far behind", "0123456789abcdef0123456789abcdef0123456789<", 0,
        "0123456789abcdef0123456789abcdef0123456789&lt;" },
    { "emoji and CJK", "😀 東京", 0, "😀 東京" },
    { "a formula is text", "=1+1", 0, "=1+1" },
};

static void test_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        size_t n = escapes[i].n ? escapes[i].n : strlen(escapes[i].text);
        char *out = malloc(n * XLSX_TEXT_GROWTH + XLSX_TEXT_SLACK), *text = malloc(n), *piece;
        const char *p = text;

        assert_non_null(out);
        memcpy(text, escapes[i].text, n); /* No byte behind it to be read. */
        *xlsx_text_put(out, text, n) = '\0';
        if (strcmp(out, escapes[i].want) != 0)
            fail_msg("%s: got %s", escapes[i].name, out);
        piece = out;
        while (p < text + n)
            p = xlsx_text_piece(&piece, p, text + n, 1);
        *piece = '\0';
        if (strcmp(out, escapes[i].want) != 0)
            fail_msg("%s, in pieces: got %s", escapes[i].name, out);
        free(text);
        free(out);
    }
}

static void test_attributes(void **state)
{
    struct buf out;
    const char *text = "\"a\"\t<b>\n&_x0041_ é\r";

    (void)state;
    buf_init(&out, 1000);
    xlsx_text_attribute(&out, text, strlen(text));
    assert_string_equal(buf_str(&out), "&#34;a&#34;&#9;&lt;b&gt;&#10;&amp;_x005F_x0041_ é_x000D_");
    buf_deinit(&out);
}

static void test_lengths(void **state)
{
    static const struct {
        const char *text;
        size_t units;
        uint32_t width;
    } cases[] = {
        { "", 0, 0 },
        { "abc", 3, 3 },
        { "héé", 3, 3 },
        { "東京", 2, 4 },
        { "😀a", 3, 3 },
        { "short\na longer line\nx", 21, 13 },
        { "0123456789012345678901234567890123456789012345678901234567890", 61, 50 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = strlen(cases[i].text);

        assert_int_equal(xlsx_text_units(cases[i].text, n), cases[i].units);
        assert_int_equal(xlsx_text_width(cases[i].text, n, 50), cases[i].width);
        assert_int_equal(xlsx_text_cut(cases[i].text, n, cases[i].units), n);
    }
    assert_int_equal(xlsx_text_cut("a😀b", 6, 2), 1); /* No half of a pair. */
    assert_int_equal(xlsx_text_cut("a😀b", 6, 3), 5);
}

static const struct {
    const char *name;
    const char *raw;
    const char *want;
    bool repaired;
} names[] = {
    { "none", NULL, "Sheet1", false },
    { "empty", "", "Sheet1", false },
    { "fine", "Sales 2024", "Sales 2024", false },
    { "Unicode is fine", "東京 – Übersicht 😀", "東京 – Übersicht 😀", false },
    { "31 characters", "1234567890123456789012345678901", "1234567890123456789012345678901",
        false },
    { "32 characters", "12345678901234567890123456789012", "1234567890123456789012345678901",
        true },
    { "units count, not characters", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", true },
    { "forbidden", "a[b]:c*d?e/f\\g", "a_b__c_d_e_f_g", true },
    { "controls", "a\nb\x7f", "a_b_", true },
    { "apostrophe inside", "it's", "it's", false },
    { "apostrophes at the ends", "''x'", "x", true },
    { "only apostrophes", "'''", "Sheet1", true },
    { "apostrophe left at the end by the cut", "123456789012345678901234567890'x",
        "123456789012345678901234567890", true },
    { "kept by Excel", "history", "history_", true },
    { "no UTF-8", "a\xff", "a\xef\xbf\xbd", true },
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char out[XLSX_NAME_MAX];
        const char *done = xlsx_name_repair(names[i].raw, "Sheet1", out);

        if (strcmp(out, names[i].want) != 0 || (done != NULL) != names[i].repaired)
            fail_msg("%s: got '%s' (%s)", names[i].name, out, done ? done : "not repaired");
    }
}

static void test_numbered_names(void **state)
{
    char out[XLSX_NAME_MAX];

    (void)state;
    xlsx_name_number("Sheet1", 2, out);
    assert_string_equal(out, "Sheet1 (2)");
    xlsx_name_number("1234567890123456789012345678901", 12, out);
    assert_string_equal(out, "12345678901234567890123456 (12)");
    xlsx_name_number("東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東", 2, out);
    assert_string_equal(out, "東京東京東京東京東京東京東京東京東京東京東京東京東京東 (2)");
    assert_true(xlsx_name_same("Info", "INFO"));
    assert_true(xlsx_name_same("Äpfel", "äPFEL"));
    assert_false(xlsx_name_same("Info", "Info2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbered_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
