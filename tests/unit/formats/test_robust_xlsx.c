/*
 * XLSX workbooks in: what real files hold beside tables. docs/robustness.md says which of its cases
 * stand here.
 */
#include "book_make.h"
#include "read_table.h"

#define EMPTY_SHEET XML_HEAD "<worksheet xmlns=\"" MAIN_NS "\"><sheetData/></worksheet>"
#define STYLED_SHEET                                                  \
    XML_HEAD "<worksheet xmlns=\"" MAIN_NS                            \
             "\"><sheetData><row r=\"4\"><c r=\"B4\" s=\"1\"/></row>" \
             "</sheetData></worksheet>"
#define EMPTY_THEN_DATA                                                       \
    XML_HEAD "<workbook xmlns=\"" MAIN_NS "\" xmlns:r=\"" REL_NS              \
             "\"><sheets><sheet name=\"Blank\" sheetId=\"1\" r:id=\"rId1\"/>" \
             "<sheet name=\"Data\" sheetId=\"2\" r:id=\"rId2\"/></sheets></workbook>"
#define TWO_SHEETS                                             \
    XML_HEAD "<Relationships xmlns=\"" PKG_NS "\">"            \
             "<Relationship Id=\"rId1\" Type=\"" REL_NS        \
             "/worksheet\" Target=\"worksheets/sheet1.xml\"/>" \
             "<Relationship Id=\"rId2\" Type=\"" REL_NS        \
             "/worksheet\" Target=\"worksheets/sheet2.xml\"/></Relationships>"

/* Case 80: a sheet without values is refused by operations and shown by those who only look. */
static void empty_sheets(void **state)
{
    static const struct {
        const char *label, *sheet, *name;
        int64_t header_row;
        bool look;
        const char *want, *warnings;
    } cases[] = {
        { "an operation names the other sheets", EMPTY_SHEET, NULL, 1, false,
            "'book.xlsx': sheet 'Blank' is empty; it has no header row. The workbook's sheets: "
            "Blank, Data",
            "" },
        { "a look finds no columns", EMPTY_SHEET, NULL, 1, true, "\n", "empty_sheet=1" },
        { "nor where there are only styles", STYLED_SHEET, NULL, 1, true, "\n", "empty_sheet=1" },
        { "nor without a header", EMPTY_SHEET, NULL, 0, true, "\n", "empty_sheet=1" },
        { "a header row that is asked for must be there", EMPTY_SHEET, NULL, 3, true,
            "header_row 3: sheet 'Blank' of 'book.xlsx' has no values in that row or below", "" },
        { "the next sheet is there for the asking", EMPTY_SHEET, "Data", 1, true, "h\n2:1\n", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static const char data[] =
            XML_HEAD "<worksheet xmlns=\"" MAIN_NS "\"><sheetData>"
                     "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>h</v></c></row>"
                     "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row></sheetData></worksheet>";
        struct book book = {
            .sheet = cases[i].sheet, .workbook = EMPTY_THEN_DATA, .rels = TWO_SHEETS
        };
        struct read_how how = { .name = "book.xlsx",
            .args = { .header_row = cases[i].header_row, .sheet = cases[i].name },
            .allow_empty = cases[i].look };
        struct zip_make z = book_make(&book);
        struct read_table t;
        const char *got;

        zip_make_add(&z, "xl/worksheets/sheet2.xml", data, sizeof data - 1, 8);
        zip_make_end(&z);
        read_table(z.data, z.len, &how, &t);
        got = t.ok ? buf_str(&t.text) : t.err.text;
        if (strcmp(got, cases[i].want) != 0 || strcmp(buf_str(&t.warnings), cases[i].warnings) != 0)
            fail_msg("%s: got %s (%s)", cases[i].label, got, buf_str(&t.warnings));
        read_table_close(&t);
        zip_make_free(&z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_sheets),
    };

    return cmocka_run_group_tests_name("robust_xlsx", tests, NULL, NULL);
}
