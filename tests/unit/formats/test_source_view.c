/*
 * Tables seen as the reader arguments want: header rows joined, hidden rows and columns and rows of totals left
 * out, numbers as shown, blank lines as rows; and what is offered when a table looks like that.
 */
#include "book_make.h"
#include "read_table.h"

#define T(text) text, sizeof(text) - 1

struct view_case {
    const char *label, *in;
    size_t n;
    const char *want, *warnings;
    struct reader_args args;
};

static void check(
    const struct view_case *c, const void *p, size_t n, const char *name, int *mistakes)
{
    struct read_how how = { .args = c->args, .name = name };
    struct read_table t;
    const char *got;

    read_table(p, n, &how, &t);
    got = t.ok ? buf_str(&t.text) : t.err.text;
    if (strcmp(got, c->want) != 0 || strcmp(buf_str(&t.warnings), c->warnings) != 0) {
        print_error("%s: got %s (%s)\n", c->label, got, buf_str(&t.warnings));
        ++*mistakes;
    }
    read_table_close(&t);
}

#define GROUPS "name,2023,,2024,\n,Q1,Q2,Q1,Q2\nx,1,2,3,4\n"

static const struct view_case texts[] = {
    { "two rows of names", T(GROUPS), "name|2023 Q1|2023 Q2|2024 Q1|2024 Q2\n3:x|1|2|3|4\n",
        "header_repaired=2", { .header_row = 1, .header_rows = 2 } },
    { "two rows of names are offered", T(GROUPS "y,1,2,3,4\n"),
        "name|2023|column_3|2024|column_5\n2:|Q1|Q2|Q1|Q2\n3:x|1|2|3|4\n4:y|1|2|3|4\n",
        "header_repaired=2 second_header=1", { .header_row = 1 } },
    { "three rows, the first of them not the file's",
        T("Report\n\na,,b,\nc,,d,e\nf,g,h,i\n1,2,3,4\n"), "a c f|a c g|b d h|b e i\n6:1|2|3|4\n",
        "header_repaired=2", { .header_row = 3, .header_rows = 3, .delimiter = "," } },
    { "a name does not reach over the group above", T("a,,b,\nx,,,y\n1,2,3,4\n"),
        "a x|column_2|b|b y\n3:1|2|3|4\n", "header_repaired=2",
        { .header_row = 1, .header_rows = 2 } },
    { "names that are alike in the end", T("a,b\nx,x\n1,2\n"), "a x|b x\n3:1|2\n", "",
        { .header_row = 1, .header_rows = 2 } },
    { "the same name twice is said once", T("a,b\na,c\n1,2\n"), "a|b c\n3:1|2\n", "",
        { .header_row = 1, .header_rows = 2 } },
    { "names reach into columns that only the second row has", T("a,g\nb,c,d\n1,2,3\n"),
        "a b|g c|g d\n3:1|2|3\n", "long_rows=2", { .header_row = 1, .header_rows = 2 } },
    { "more rows of names than there are", T("a,b\n1,2\n"),
        "header_rows 4: there are only 2 rows from the header on", "",
        { .header_row = 1, .header_rows = 4 } },
    { "names without rows", T("a,b\nc,d\n"), "a c|b d\n", "",
        { .header_row = 1, .header_rows = 2 } },
    { "without a header there are no rows of names", T("a,b\n1,2\n"), "A|B\n1:a|b\n2:1|2\n", "",
        { .header_rows = 3 } },
    { "blank lines are left out", T("a,b\n1,2\n\n3,4\n\n"), "a|b\n2:1|2\n4:3|4\n", "",
        { .header_row = 1 } },
    { "blank lines are rows, but not at the end", T("a,b\n1,2\n\n3,4\n\n"),
        "a|b\n2:1|2\n3:|\n4:3|4\n", "", { .header_row = 1, .blank_lines = BLANK_LINES_ROW } },
    { "a second table is offered", T("a,b\n1,2\n\nc,d\n3,4\n"), "a|b\n2:1|2\n4:c|d\n5:3|4\n",
        "second_table=1", { .header_row = 1 } },
    { "a blank line between rows of texts is no second table", T("a,b\nx,y\n\nc,d\ne,f\n"),
        "a|b\n2:x|y\n4:c|d\n5:e|f\n", "", { .header_row = 1 } },
};

static void of_texts(void **state)
{
    int mistakes = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check(&texts[i], texts[i].in, texts[i].n, "t.csv", &mistakes);
    assert_int_equal(mistakes, 0);
}

#define TEXT(ref, text) "<c r=\"" ref "\" t=\"str\"><v>" text "</v></c>"
#define NUMBER(ref, style, v) "<c r=\"" ref "\" s=\"" style "\"><v>" v "</v></c>"
#define SHEET(before, rows)                                                \
    XML_HEAD "<worksheet xmlns=\"" MAIN_NS "\">" before "<sheetData>" rows \
             "</sheetData></worksheet>"
#define HIDDEN                                                                                    \
    SHEET(                                                                                        \
        "<cols><col min=\"2\" max=\"2\" hidden=\"1\"/><col min=\"4\" max=\"9\" hidden=\"true\"/>" \
        "</cols>",                                                                                \
        "<row r=\"1\">" TEXT("A1", "a") TEXT("B1", "b") TEXT("C1", "c")                           \
            TEXT("D1", "d") "</row>"                                                              \
                            "<row r=\"2\" hidden=\"1\">" TEXT("A2",                               \
                                "x") "</row>"                                                     \
                                     "<row r=\"3\">" TEXT("A3", "y") TEXT("B3", "z") TEXT("C3",   \
                                         "w") "</row>"                                            \
                                              "<row hidden=\"true\">" TEXT("A4", "v") "</row>")
#define DISORDER                                                                       \
    SHEET("", "<row r=\"1\">" TEXT("A1", "a") "</row><row r=\"4\" hidden=\"1\">" TEXT( \
                  "A4", "x") "</row><row r=\"2\" hidden=\"1\">" TEXT("A2",             \
                  "y") "</row><row r=\"3\">" TEXT("A3", "z") "</row>")
#define SHOWN                                                                                     \
    SHEET("", "<row r=\"1\">" TEXT("A1", "a") TEXT("B1", "b") "</row><row r=\"2\">" NUMBER(       \
                  "A2", "1", "123") NUMBER("B2", "2", "0.125") "</row><row r=\"3\">" NUMBER("A3", \
                  "0", "0.30000000000000004") NUMBER("B3", "3", "45000") "</row>")
#define TITLES                                                                                    \
    SHEET("", "<row r=\"1\">" TEXT("A1", "Sales 2024") "</row><row r=\"3\">" TEXT("A3", "region") \
                  TEXT("B3", "units") "</row><row r=\"4\">" TEXT("A4", "n")                       \
                      NUMBER("B4", "0", "1") "</row><row r=\"5\">" TEXT("A5", "s")                \
                          NUMBER("B5", "0", "2") "</row><row r=\"6\">" TEXT("A6", "w")            \
                              NUMBER("B6", "0", "3") "</row>")
#define MERGED                                                                                  \
    SHEET("", "<row r=\"1\">" TEXT("A1", "name") TEXT("B1", "2024") "</row><row r=\"2\">" TEXT( \
                  "B2", "Q1") TEXT("C2", "Q2") "</row><row r=\"3\">" TEXT("A3", "x")            \
                  NUMBER("B3", "0", "1") NUMBER("C3", "0", "2") "</row>")

#define LATE                                                                                  \
    SHEET("<cols><col min=\"1\" max=\"2\" hidden=\"1\"/></cols>",                             \
        "<row r=\"1\">" TEXT("A1", "a") "</row><row r=\"2\">" TEXT(                           \
            "A2", "x") "</row><row r=\"3\">" TEXT("A3", "1") "</row><row r=\"4\">" TEXT("A4", \
            "2") "</row><row r=\"5\">" TEXT("A5",                                             \
            "3") "</row><row r=\"6\" hidden=\"1\">" TEXT("C6", "late") "</row><row "          \
                                                                       "r=\"7\">" TEXT(       \
                                                                           "A7", "4") "</row>")

static const struct view_case books[] = {
    { "joined names, and a column that only a late row has", T(LATE),
        "a x|column_2|column_3\n3:1||\n4:2||\n5:3||\n6:||late\n7:4||\n",
        "header_repaired=2 hidden_rows=1", { .header_row = 1, .header_rows = 2 } },
    { "only a late row has a column that is not hidden", T(LATE), "column_3\n2:\n3:\n4:\n5:\n7:\n",
        "header_repaired=2 hidden_columns=2 skipped_hidden_rows=1",
        { .header_row = 1, .hidden = HIDDEN_SKIP } },
    { "hidden rows and columns are read", T(HIDDEN), "a|b|c|d\n2:x|||\n3:y|z|w|\n4:v|||\n",
        "hidden_rows=2", { .header_row = 1 } },
    { "hidden rows and columns are left out", T(HIDDEN), "a|c\n3:y|w\n",
        "hidden_columns=2 skipped_hidden_rows=2", { .header_row = 1, .hidden = HIDDEN_SKIP } },
    { "hidden rows in no order", T(DISORDER), "a\n3:z\n", "unordered_rows=1 skipped_hidden_rows=2",
        { .header_row = 1, .hidden = HIDDEN_SKIP } },
    { "numbers as such", T(SHOWN), "a|b\n2:123|0.125\n3:0.30000000000000004|2023-03-15\n", "",
        { .header_row = 1 } },
    { "numbers as shown", T(SHOWN), "a|b\n2:00123|12.50%\n3:0.3|15/03/2023\n", "",
        { .header_row = 1, .values = VALUES_SHOWN } },
    { "titles are pointed out", T(TITLES),
        "Sales 2024|column_2\n2:|\n3:region|units\n4:n|1\n5:s|2\n6:w|3\n",
        "header_repaired=1 title_rows=1", { .header_row = 1 } },
    { "and left out when the header is named", T(TITLES), "region|units\n4:n|1\n5:s|2\n6:w|3\n", "",
        { .header_row = 3 } },
    { "two rows of names", T(MERGED), "name|2024 Q1|2024 Q2\n3:x|1|2\n", "header_repaired=1",
        { .header_row = 1, .header_rows = 2 } },
};

static void of_books(void **state)
{
    static const char formats[] =
        "<numFmts><numFmt numFmtId=\"164\" formatCode=\"00000\"/><numFmt numFmtId=\"165\" "
        "formatCode=\"dd/mm/yyyy\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/>"
        "<xf numFmtId=\"10\"/><xf numFmtId=\"165\"/></cellXfs>";
    int mistakes = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(books); i++) {
        struct view_case c = books[i];
        struct book book = { .sheet = c.in, .sheet_len = c.n, .formats = formats };
        struct zip_make z = book_make(&book);

        zip_make_end(&z);
        check(&c, z.data, z.len, "book.xlsx", &mistakes);
        zip_make_free(&z);
    }
    assert_int_equal(mistakes, 0);
}

/* Case 81: the row of totals of the table that is read is left out; of another table it is only pointed out. */
static void totals(void **state)
{
    static const char rels[] =
        XML_HEAD "<Relationships xmlns=\"" PKG_NS "\"><Relationship Id=\"rId1\" Type=\"" REL_NS
                 "/table\" Target=\"../tables/table1.xml\"/></Relationships>";
    static const char sheet[] =
        SHEET("", "<row r=\"1\">" TEXT("A1", "a") TEXT("B1", "b") "</row><row r=\"2\">" TEXT(
                      "A2", "x") "</row>"
                                 "<row r=\"3\">" TEXT("A3", "sum") "</row><row r=\"4\">" TEXT(
                                     "A4", "note") "</row>");
    static const struct {
        const char *label, *table;
        struct reader_args args;
        const char *want, *warnings;
    } cases[] = {
        { "left out", "<table ref=\"A1:B3\" totalsRowCount=\"1\"/>", { .header_row = 1 },
            "a|b\n2:x|\n4:note|\n", "totals_row=1" },
        { "read when asked for", "<table ref=\"A1:B3\" totalsRowCount=\"1\"/>",
            { .header_row = 1, .totals = TOTALS_KEEP }, "a|b\n2:x|\n3:sum|\n4:note|\n",
            "totals_row=1" },
        { "the table is only part of what is read", "<table ref=\"A1:A3\" totalsRowCount=\"1\"/>",
            { .header_row = 1 }, "a|b\n2:x|\n3:sum|\n4:note|\n", "totals_row=1" },
        { "the table begins in another row", "<table ref=\"A2:B3\" totalsRowCount=\"1\"/>",
            { .header_row = 1 }, "a|b\n2:x|\n3:sum|\n4:note|\n", "totals_row=1" },
        { "no header is read", "<table ref=\"A1:B3\" totalsRowCount=\"1\"/>", { .header_row = 0 },
            "A|B\n1:a|b\n2:x|\n3:sum|\n4:note|\n", "totals_row=1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct view_case c = { cases[i].label, NULL, 0, cases[i].want, cases[i].warnings,
            cases[i].args };
        struct book book = { .sheet = sheet };
        struct zip_make z = book_make(&book);
        int mistakes = 0;

        zip_make_add(&z, "xl/worksheets/_rels/sheet1.xml.rels", rels, sizeof rels - 1, 8);
        zip_make_add(&z, "xl/tables/table1.xml", cases[i].table, strlen(cases[i].table), 0);
        zip_make_end(&z);
        check(&c, z.data, z.len, "book.xlsx", &mistakes);
        zip_make_free(&z);
        assert_int_equal(mistakes, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_texts),
        cmocka_unit_test(of_books),
        cmocka_unit_test(totals),
    };

    return cmocka_run_group_tests_name("source_view", tests, NULL, NULL);
}
