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

#define ROWS                                                                \
    "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>h</v></c></row><row r=\"2\"><c " \
    "r=\"A2\"><v>1</v></c></row>"
#define RELATED(type, target)                                  \
    XML_HEAD "<Relationships xmlns=\"" PKG_NS "\">"            \
             "<Relationship Id=\"rId1\" Type=\"" REL_NS        \
             "/worksheet\" Target=\"worksheets/sheet1.xml\"/>" \
             "<Relationship Id=\"rId2\" Type=\"" type "\" Target=\"" target "\"/></Relationships>"

/* Cases 14, 23 and 24: what else lies in the package does no harm and is not looked at. */
static void other_parts(void **state)
{
    enum { LARGE = 8 << 20 };
    static const struct {
        const char *label, *file, *rels, *part;
        size_t n;
        const char *warnings;
    } cases[] = {
        { "a picture that packs well", "book.xlsx", RELATED(REL_NS "/image", "media/image1.emf"),
            "xl/media/image1.emf", LARGE },
        { "styles of blanks", "book.xlsx", RELATED(REL_NS "/styles", "styles.xml"), "xl/styles.xml",
            LARGE },
        { "macros", "book.xlsm",
            RELATED("http://schemas.microsoft.com/office/2006/relationships/vbaProject",
                "vbaProject.bin"),
            "xl/vbaProject.bin", 1000 },
        { "links to other files", "book.xlsx",
            RELATED(REL_NS "/externalLink", "externalLinks/externalLink1.xml"),
            "xl/externalLinks/externalLink1.xml", 1000, "external_links=1" },
        { "data connections", "book.xlsx", RELATED(REL_NS "/connections", "connections.xml"),
            "xl/connections.xml", 1000 },
    };
    static const char head[] = "<styleSheet>", tail[] = "</styleSheet>";
    char *bytes = malloc(LARGE);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, ' ', LARGE);
    memcpy(bytes, head, sizeof head - 1);
    memcpy(bytes + LARGE - (sizeof tail - 1), tail, sizeof tail - 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct book book = { .rows = ROWS, .rels = cases[i].rels };
        struct read_how how = { .name = cases[i].file, .args = { .header_row = 1 } };
        struct zip_make z = book_make(&book);
        struct read_table t;

        zip_make_add(&z, cases[i].part, bytes, cases[i].n, 8);
        zip_make_end(&z);
        read_table(z.data, z.len, &how, &t);
        if (!t.ok || strcmp(buf_str(&t.text), "h\n2:1\n") != 0 ||
            strcmp(buf_str(&t.warnings), cases[i].warnings ? cases[i].warnings : "") != 0)
            fail_msg("%s: got %s (%s)", cases[i].label, t.ok ? buf_str(&t.text) : t.err.text,
                buf_str(&t.warnings));
        read_table_close(&t);
        zip_make_free(&z);
    }
    free(bytes);
}

/* Case 81: a row of totals among the data is pointed out. */
static void totals(void **state)
{
    static const struct {
        const char *label, *table;
        int64_t header_row;
        const char *warnings, *places;
    } cases[] = {
        { "a row of totals", "<table ref=\"A1:A3\" totalsRowCount=\"1\"/>", 1, "totals_row=1",
            "totals_row: row 3" },
        { "none", "<table ref=\"A1:A3\" totalsRowShown=\"1\"/>", 1, "", "" },
        { "outside the data", "<table ref=\"A1:A9\" totalsRowCount=\"1\"/>", 1, "", "" },
        { "above the header", "<table ref=\"A1:A2\" totalsRowCount=\"1\"/>", 2, "", "" },
        { "a range that is none", "<table ref=\"A1:\" totalsRowCount=\"1\"/>", 1, "", "" },
        { "a part that is no XML", "<table ref=\"A1:A3\" totalsRowCount=\"1\"", 1, "", "" },
        { "a part with a document type", "<!DOCTYPE t><table/>", 1, "", "" },
    };
    static const char rels[] =
        XML_HEAD "<Relationships xmlns=\"" PKG_NS "\"><Relationship Id=\"rId1\" Type=\"" REL_NS
                 "/table\" Target=\"../tables/table1.xml\"/></Relationships>";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct book book = { .rows = ROWS "<row r=\"3\"><c r=\"A3\"><v>1</v></c></row>" };
        struct read_how how = { .name = "book.xlsx",
            .args = { .header_row = cases[i].header_row } };
        struct zip_make z = book_make(&book);
        struct read_table t;

        zip_make_add(&z, "xl/worksheets/_rels/sheet1.xml.rels", rels, sizeof rels - 1, 8);
        zip_make_add(&z, "xl/tables/table1.xml", cases[i].table, strlen(cases[i].table), 0);
        zip_make_end(&z);
        read_table(z.data, z.len, &how, &t);
        if (!t.ok || strcmp(buf_str(&t.warnings), cases[i].warnings) != 0 ||
            strcmp(buf_str(&t.places), cases[i].places) != 0)
            fail_msg("%s: got %s (%s)", cases[i].label, t.ok ? buf_str(&t.text) : t.err.text,
                buf_str(&t.places));
        read_table_close(&t);
        zip_make_free(&z);
    }
}

/* Case 74: many merged ranges cost little more than the cells. */
static void many_merges(void **state)
{
    enum { MERGES = 50000 };
    struct read_how how = { .name = "book.xlsx",
        .args = { .header_row = 1, .merged = MERGED_FILL } };
    struct buf rows, after;
    struct book book = { .deflate = true };
    struct read_table t;

    (void)state;
    buf_init(&rows, 32 << 20);
    buf_init(&after, 32 << 20);
    buf_adds(&rows, "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><v>2</v></c></row>");
    buf_adds(&after, "<mergeCells>");
    for (int i = 1; i <= MERGES; i++) {
        buf_addf(&rows, "<row r=\"%d\"><c r=\"A%d\"><v>%d</v></c></row>", 2 * i, 2 * i, i);
        buf_addf(&after, "<mergeCell ref=\"A%d:B%d\"/>", 2 * i, 2 * i + 1);
    }
    buf_adds(&after, "</mergeCells>");
    book.rows = buf_str(&rows);
    book.after = buf_str(&after);
    read_table_from(book_file(&book), &how, &t);
    if (!t.ok)
        fail_msg("%s", t.err.text);
    assert_int_equal(t.rows, 2 * MERGES);
    assert_non_null(strstr(buf_str(&t.text), "\n100000:50000|50000\n100001:50000|50000\n"));
    read_table_close(&t);
    buf_deinit(&rows);
    buf_deinit(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_sheets),
        cmocka_unit_test(other_parts),
        cmocka_unit_test(totals),
        cmocka_unit_test(many_merges),
    };

    return cmocka_run_group_tests_name("robust_xlsx", tests, NULL, NULL);
}
