/*
 * CSV in: what real files hold beside tables. docs/robustness.md says which of its cases stand here.
 */
#include "read_table.h"

#define T(s) s, sizeof(s) - 1
#define ARGS            \
    {                   \
        .header_row = 1 \
    }

struct robust_case {
    const char *label, *in;
    size_t n;
    const char *want, *warnings; /* The table, or the error's sentence. */
    struct reader_args args;
};

static void run(const struct robust_case *cases, size_t n)
{
    int mistakes = 0;

    for (size_t i = 0; i < n; i++) {
        const struct robust_case *c = &cases[i];
        struct read_how how = { .args = c->args };
        struct read_table t;
        const char *got;

        read_table(c->in, c->n, &how, &t);
        got = t.ok ? buf_str(&t.text) : t.err.text;
        if (strcmp(got, c->want) != 0 ||
            strcmp(buf_str(&t.warnings), c->warnings ? c->warnings : "") != 0) {
            print_error("%s: got %s (%s)\n", c->label, got, buf_str(&t.warnings));
            mistakes++;
        }
        read_table_close(&t);
    }
    assert_int_equal(mistakes, 0);
}

/* Cases 91 to 95. */
static const struct robust_case encoding_cases[] = {
    { "UTF-16BE without a mark", T("\0\xEF\0,\0b\0\n\x04\x36\0,\0x\0\n"), "ï|b\n2:ж|x\n", NULL,
        ARGS },
    { "UTF-16LE with a mark and a sep line",
        T("\xFF\xFEs\0e\0p\0=\0;\0\n\0a\0;\0b\0\n\0\x31\0;\0,\0"), "a|b\n2:1|,\n", NULL, ARGS },
    { "Greek",
        T("\xFC\xED\xEF\xEC\xE1,\xF0\xFC\xEB\xE7\n\xCC\xE1\xF1\xDF\xE1,\xD0\xDC\xF4\xF1\xE1\n"),
        "όνομα|πόλη\n2:Μαρία|Πάτρα\n", "encoding_guessed=1", ARGS },
    { "Hebrew",
        T("\xF9\xED,\xF2\xE9\xF8\n\xE3\xE5\xE3,\xE7\xE9\xF4\xE4\n\xF8\xE5\xFA,"
          "\xE9\xF8\xE5\xF9\xEC\xE9\xED\n"),
        "שם|עיר\n2:דוד|חיפה\n3:רות|ירושלים\n", "encoding_guessed=1", ARGS },
    { "Chinese, asked for", T("\xD0\xD5,b\n\xD5\xC5,2\n"), "姓|b\n2:张|2\n", NULL,
        { .header_row = 1, .encoding = "gb18030" } },
    { "Polish, asked for", T("a,b\n\xA3\xF3\x64\x9F,2\n"), "a|b\n2:Łódź|2\n", NULL,
        { .header_row = 1, .encoding = "windows-1250" } },
    { "the euro sign of Windows-1252", T("a,b\n\x80 5,\x93q\x94\n"), "a|b\n2:€ 5|“q”\n",
        "encoding_guessed=1", ARGS },
    { "two marks",
        T("\xEF\xBB\xBF\xEF\xBB\xBF"
          "a,b\n1,2\n"),
        "a|b\n2:1|2\n", NULL, ARGS },
    { "only emoji", T("😀,😁\n😂,😃\n"), "😀|😁\n2:😂|😃\n", NULL, ARGS },
    { "line separators of Unicode are text", T("a,b\nx\xE2\x80\xA8y,\xC2\x85\n"),
        "a|b\n2:x\xE2\x80\xA8y|\xC2\x85\n", NULL, ARGS },
};

static void encodings(void **state)
{
    (void)state;
    run(encoding_cases, ARRAY_LEN(encoding_cases));
}

/* Cases 96 to 109 and 112 to 118. */
static const struct robust_case shape_cases[] = {
    { "LF CR", T("a,b\n\r1,2\n\r3,4\n\r"), "a|b\n3:1|2\n5:3|4\n", NULL, ARGS },
    { "form feed and vertical tab are text", T("a,b\n1,2\f\n3,4\v\n"), "a|b\n2:1|2\f\n3:3|4\v\n",
        NULL, ARGS },
    { "Ctrl-Z in the middle is text",
        T("a,b\n1,2\n\x1A"
          "3,4\n"),
        "a|b\n2:1|2\n3:\x1A"
        "3|4\n",
        NULL, ARGS },
    { "a delimiter of two bars makes columns without a name", T("a||b\n1||2\n3||4\n"),
        "a|column_2|b\n2:1||2\n3:3||4\n", "header_repaired=1", ARGS },
    { "a caret is no delimiter unless asked for", T("a^b\n1^2\n"), "a^b\n2:1^2\n", NULL, ARGS },
    { "a caret asked for", T("a^b\n1^2\n"), "a|b\n2:1|2\n", NULL,
        { .header_row = 1, .delimiter = "^" } },
    { "blanks that line up are one column", T("id   name\n1    Bob\n2    Ann\n"),
        "id   name\n2:1    Bob\n3:2    Ann\n", NULL, ARGS },
    { "two tables in one file are one, with all cells", T("a,b\n1,2\n\nx,y,z\n7,8,9\n"),
        "a|b|_extra_1\n2:1|2|\n4:x|y|z\n5:7|8|9\n", "long_rows=2 second_table=1", ARGS },
    { "a header of two rows is one row and one record",
        T(",2023,,2024,\nname,q1,q2,q1,q2\nx,1,2,3,4\n"),
        "column_1|2023|column_3|2024|column_5\n2:name|q1|q2|q1|q2\n3:x|1|2|3|4\n",
        "header_repaired=3", ARGS },
    { "names that differ by case are three", T("Name,name,NAME\n1,2,3\n"),
        "Name|name|NAME\n2:1|2|3\n", NULL, ARGS },
    { "blanks that do not show stay in names",
        T("a\xC2\xA0,\xE2\x80\x8B"
          "b\n1,2\n"),
        "a\xC2\xA0|\xE2\x80\x8B"
        "b\n2:1|2\n",
        NULL, ARGS },
    { "JSON in cells", T("id,data\n1,\"{\"\"a\"\": [1,2]}\"\n2,\"{}\"\n"),
        "id|data\n2:1|{\"a\": [1,2]}\n3:2|{}\n", NULL, ARGS },
    { "a table in bars for people", T("| a | b |\n|---|---|\n| 1 | 2 |\n"),
        "column_1| a | b |column_4\n2:|---|---|\n3:| 1 | 2 |\n", "header_repaired=2", ARGS },
    { "only a header and its line end is missing", T("a;b;c"), "a|b|c\n", NULL, ARGS },
    { "a title of two lines", T("Report\nof Monday\n\nid,name,city\n1,x,Oslo\n2,y,Bonn\n"),
        "id|name|city\n5:1|x|Oslo\n6:2|y|Bonn\n", "preamble_skipped=3", ARGS },
};

static void shapes(void **state)
{
    (void)state;
    run(shape_cases, ARRAY_LEN(shape_cases));
}

/* Case 114: names of any number and length take time in proportion. */
static void many_equal_names(void **state)
{
    struct read_how how = { .args = ARGS };
    struct read_table t;
    struct buf in;

    (void)state;
    buf_init(&in, 1 << 20);
    for (int i = 0; i < SCHEMA_MAX_COLUMNS; i++)
        buf_adds(&in, i ? ",a" : "a");
    buf_addc(&in, '\n');
    read_table(in.data, in.len, &how, &t);
    assert_true(t.ok);
    assert_non_null(strstr(buf_str(&t.text), "a|a_2|a_3|"));
    assert_string_equal(buf_str(&t.warnings), "header_repaired=16383");
    read_table_close(&t);
    in.len = 0;
    for (int i = 0; i < 100000; i++)
        buf_addc(&in, 'x');
    buf_adds(&in, ",b\n1,2\n");
    read_table(in.data, in.len, &how, &t);
    assert_true(t.ok);
    assert_int_equal(t.text.len, 100000 + strlen("|b\n2:1|2\n"));
    read_table_close(&t);
    buf_deinit(&in);
}

/* Case 122: noise is no table, whatever its name says. */
static void noise(void **state)
{
    struct read_how how = { .args = ARGS };
    uint64_t x = 88172645463325252;
    struct read_table t;
    char bytes[5000];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (char)x;
    }
    read_table(bytes, sizeof bytes, &how, &t);
    assert_false(t.ok);
    assert_int_equal(t.err.code, ERR_FORMAT);
    assert_string_equal(t.err.text,
        "t.csv is a binary file of an unknown kind; an Excel workbook or "
        "a text table (CSV, TSV) is needed");
    read_table_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings),
        cmocka_unit_test(shapes),
        cmocka_unit_test(many_equal_names),
        cmocka_unit_test(noise),
    };

    return cmocka_run_group_tests_name("robust_csv", tests, NULL, NULL);
}
