/*
 * XLSX workbooks in: files made to break readers. Each is refused with a sentence or read in
 * bounded time and memory.
 */
#include "book_make.h"
#include "read_table.h"

#define HEAD "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>h</v></c></row>"
enum { SHEET_ROWS = 1048576 };

#define DTD "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
#define XXE "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
#define DAMAGED(what, byte, part) \
    "'book.xlsx' is damaged: " what " (byte " byte " of its part " part ")"
#define SHEET1 "xl/worksheets/sheet1.xml"
#define NO_DTD "it holds a document type definition, which is never read"

static int mistakes;

static void expect_error(
    const char *label, const struct book *book, size_t budget, enum err_code code, const char *want)
{
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 }, .budget = budget };
    struct read_table t;

    read_table_from(book_file(book), &how, &t);
    if (t.ok || t.err.code != code || strcmp(t.err.text, want) != 0) {
        print_error("%s: got %s %s\n", label, t.ok ? "a table" : err_name(t.err.code), t.err.text);
        mistakes++;
    }
    read_table_close(&t);
}

static const struct {
    const char *label;
    struct book book;
    const char *want;
} refusals[] = {
    { "entities that explode, in the sheet", { .sheet = DTD "<worksheet><sheetData/></worksheet>" },
        DAMAGED(NO_DTD, "0", SHEET1) },
    { "entities that explode, in the shared texts",
        { .rows = HEAD, .strings = "<?xml version=\"1.0\"?>" DTD "<sst/>" },
        DAMAGED(NO_DTD, "21", "xl/sharedStrings.xml") },
    { "entities that explode, in the workbook", { .rows = HEAD, .workbook = DTD "<workbook/>" },
        DAMAGED(NO_DTD, "0", "xl/workbook.xml") },
    { "an external entity, in the relationships", { .rows = HEAD, .rels = XXE "<Relationships/>" },
        DAMAGED(NO_DTD, "0", "xl/_rels/workbook.xml.rels") },
    { "an external entity, in the relationships of the package",
        { .rows = HEAD, .root_rels = XXE "<Relationships/>" },
        DAMAGED(NO_DTD, "0", "_rels/.rels") },
    { "a document type between cells",
        { .sheet = "<worksheet><sheetData>" HEAD XXE "</sheetData></worksheet>" },
        DAMAGED(NO_DTD, "69", SHEET1) },
    { "an entity nobody declared, in a text", { .rows = HEAD, .strings = "<si><t>&x;</t></si>" },
        DAMAGED("an unknown entity in a text", "134", "xl/sharedStrings.xml") },
    { "an entity nobody declared, in a cell",
        { .sheet = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>&x;</v></c></row>"
                   "</sheetData></worksheet>" },
        "'book.xlsx': cell A1 of sheet 'Data' is damaged: an unknown entity in a text" },
    { "a reference to NUL",
        { .sheet = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>&#0;</v></c></row>"
                   "</sheetData></worksheet>" },
        "'book.xlsx': cell A1 of sheet 'Data' is damaged: an unknown entity in a text" },
    { "a NUL in a tag", { .sheet = "<worksheet><sheetData><row r=\"1\"\0></row>", .sheet_len = 40 },
        DAMAGED("a tag is malformed", "22", SHEET1) },
    { "a part that ends among the cells",
        { .sheet = "<worksheet><sheetData>" HEAD "<row r=\"2\"><c r=\"A2\"><v>1" },
        DAMAGED("it ends in the middle of the cells", "80", SHEET1) },
    { "a part that ends between rows", { .sheet = "<worksheet><sheetData>" HEAD },
        DAMAGED("it ends in the middle of the cells", "69", SHEET1) },
    { "a part that ends behind the rows", { .sheet = "<worksheet><sheetData>" HEAD "</sheetData>" },
        DAMAGED("it ends before its last tag", "81", SHEET1) },
    { "a part that ends in a tag", { .sheet = "<worksheet><sheetData>" HEAD "</sheetData><x" },
        DAMAGED("the part ends in the middle of a tag", "81", SHEET1) },
    { "a part that is empty", { .sheet = " " }, DAMAGED("it is empty", "1", SHEET1) },
    { "a part that is something else", { .sheet = "<html></html>" },
        DAMAGED("it is not a worksheet", "1", SHEET1) },
    { "tags that do not match", { .sheet = "<worksheet><sheetViews></sheetView><sheetData/></x>" },
        DAMAGED("an end tag does not match its start tag", "25", SHEET1) },
    { "tags that do not match, around a row",
        { .sheet = "<worksheet><sheetData><row r=\"1\"></sheetData></worksheet>" },
        DAMAGED("an end tag does not match its start tag", "35", SHEET1) },
    { "tags that do not match, around a cell",
        { .sheet = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1</c></v></row>" },
        DAMAGED("an end tag does not match its start tag", "43", SHEET1) },
    { "something behind the end", { .sheet = "<worksheet><sheetData/></worksheet><worksheet/>" },
        DAMAGED("there is something behind its end", "47", SHEET1) },
    { "text between cells", { .sheet = "<worksheet><sheetData>x</sheetData></worksheet>" },
        DAMAGED("there is text between its cells", "22", SHEET1) },
    { "two tables of cells", { .rows = HEAD, .after = "<sheetData/>" },
        DAMAGED("it holds two tables of cells", "303", SHEET1) },
    { "attributes that are malformed",
        { .sheet = "<worksheet><sheetData><row r=\"1\"><c r=A1/></row></sheetData></worksheet>" },
        DAMAGED("a cell's attributes are malformed", "34", SHEET1) },
    { "a row far away", { .rows = HEAD "<row r=\"1000000000\"><c r=\"A1\"><v>1</v></c></row>" },
        DAMAGED("the row number '1000000000' is not one that a sheet has (A1 to XFD1048576)", "291",
            SHEET1) },
    { "row 0", { .rows = "<row r=\"0\"/>" },
        DAMAGED(
            "the row number '0' is not one that a sheet has (A1 to XFD1048576)", "244", SHEET1) },
    { "row -1", { .rows = "<row r=\"-1\"/>" },
        DAMAGED(
            "the row number '-1' is not one that a sheet has (A1 to XFD1048576)", "244", SHEET1) },
    { "cell A0", { .rows = "<row r=\"1\"><c r=\"A0\"/></row>" },
        DAMAGED("the cell reference 'A0' is not one that a sheet has (A1 to XFD1048576)", "255",
            SHEET1) },
    { "cell 1A", { .rows = "<row r=\"1\"><c r=\"1A\"/></row>" },
        DAMAGED("the cell reference '1A' is not one that a sheet has (A1 to XFD1048576)", "255",
            SHEET1) },
    { "cell XFE1", { .rows = "<row r=\"1\"><c r=\"XFE1\"/></row>" },
        DAMAGED("the cell reference 'XFE1' is not one that a sheet has (A1 to XFD1048576)", "255",
            SHEET1) },
    { "cell AAAA1", { .rows = "<row r=\"1\"><c r=\"AAAA1\"/></row>" },
        DAMAGED("the cell reference 'AAAA1' is not one that a sheet has (A1 to XFD1048576)", "255",
            SHEET1) },
    { "cell A1048577", { .rows = "<row r=\"1\"><c r=\"A1048577\"/></row>" },
        DAMAGED("the cell reference 'A1048577' is not one that a sheet has (A1 to XFD1048576)",
            "255", SHEET1) },
    { "a reference of many digits",
        { .rows = "<row r=\"1\"><c r=\"A99999999999999999999999999999999\"/></row>" },
        DAMAGED("the cell reference 'A99999999999999999999999' is not one that a sheet has (A1 to "
                "XFD1048576)",
            "255", SHEET1) },
    { "shared texts that are none", { .rows = HEAD, .strings = "<?xml version=\"1.0\"?><html/>" },
        DAMAGED("it holds no shared strings", "28", "xl/sharedStrings.xml") },
    { "shared texts that are cut",
        { .rows = HEAD, .strings = "<?xml version=\"1.0\"?><sst><si><t>a" },
        DAMAGED("a text is cut", "26", "xl/sharedStrings.xml") },
    { "shared texts whose tags do not match",
        { .rows = HEAD, .strings = "<?xml version=\"1.0\"?><sst><si><t>a</si></t></sst>" },
        DAMAGED("an end tag does not match its start tag", "26", "xl/sharedStrings.xml") },
};

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        expect_error(refusals[i].label, &refusals[i].book, 0, ERR_DATA, refusals[i].want);
    assert_int_equal(mistakes, 0);
}

/* `n` times `unit` between `head` and `tail`. */
static char *many(const char *head, const char *unit, size_t n, const char *tail)
{
    size_t h = strlen(head), u = strlen(unit), t = strlen(tail);
    char *out = malloc(h + n * u + t + 1), *p = out;

    assert_non_null(out);
    memcpy(p, head, h);
    p += h;
    for (size_t i = 0; i < n; i++, p += u)
        memcpy(p, unit, u);
    memcpy(p, tail, t + 1);
    return out;
}

static void deep_nesting(void **state)
{
    static const struct {
        const char *label, *head;
        bool strings;
        const char *want;
    } cases[] = {
        { "before the cells", "<worksheet>", false,
            DAMAGED("elements are nested too deep", "201", SHEET1) },
        { "in a cell", "<worksheet><sheetData><row r=\"1\"><c r=\"A1\">", false,
            DAMAGED("elements are nested too deep", "43", SHEET1) },
        { "in a shared text", "<?xml version=\"1.0\"?><sst><si>", true,
            DAMAGED("elements are nested too deep", "26", "xl/sharedStrings.xml") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = many(cases[i].head, "<q>", 100000, "");
        struct book book = { .deflate = true };

        if (cases[i].strings) {
            book.rows = HEAD;
            book.strings = text;
        } else {
            book.sheet = text;
        }
        expect_error(cases[i].label, &book, 0, ERR_DATA, cases[i].want);
        free(text);
    }
    assert_int_equal(mistakes, 0);
}

static void deep_nesting_in_small_parts(void **state)
{
    char *text = many("<workbook>", "<q>", 100000, "");
    struct book book = { .rows = HEAD, .workbook = text, .deflate = true };

    (void)state;
    expect_error("the workbook", &book, 0, ERR_DATA,
        DAMAGED("elements are nested too deep", "0", "xl/workbook.xml"));
    free(text);
    assert_int_equal(mistakes, 0);
}

static void huge_things(void **state)
{
    static const struct {
        const char *label, *head, *tail;
    } cases[] = {
        { "an attribute", "<worksheet><sheetData><row r=\"1\"><c x=\"", "\"/></row>" },
        { "a text", "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>",
            "</v></c></row>" },
        { "a comment", "<worksheet><!--", "--><sheetData/></worksheet>" },
        { "a name", "<worksheet><", "/><sheetData/></worksheet>" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = many(cases[i].head, "0123456789abcdef", (40 << 20) / 16, cases[i].tail);
        struct book book = { .sheet = text, .deflate = true };

        expect_error(cases[i].label, &book, 0, ERR_BUDGET,
            "'book.xlsx': a single element of its part xl/worksheets/sheet1.xml is over 32 MiB "
            "long");
        free(text);
    }
    assert_int_equal(mistakes, 0);
}

/* A text of more than 32,767 characters is not Excel's, but it is read whole. */
static void long_text(void **state)
{
    char *text = many("<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>",
        "0123456789abcdef", 100000, "</v></c></row></sheetData></worksheet>");
    struct book book = { .sheet = text, .deflate = true };
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
    struct read_table t;

    (void)state;
    read_table_from(book_file(&book), &how, &t);
    assert_true(t.ok);
    assert_int_equal(t.text.len, 1600000 + 1);
    read_table_close(&t);
    free(text);
}

static void a_bomb(void **state)
{
    char *text = many("<worksheet><sheetData>", "<row/>          ", (192 << 20) / 16, "");
    struct book book = { .sheet = text, .deflate = true };
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
    struct read_table t;

    (void)state;
    read_table_from(book_file(&book), &how, &t);
    assert_false(t.ok);
    assert_int_equal(t.err.code, ERR_TOO_LARGE);
    assert_non_null(strstr(t.err.text, "its part xl/worksheets/sheet1.xml would unpack from"));
    read_table_close(&t);
    free(text);
}

static void memory_limits(void **state)
{
    char *strings =
        many("<?xml version=\"1.0\"?><sst>", "<si><t>0123456789</t></si>", 200000, "</sst>");
    char *rows = many(HEAD "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row>",
        "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>", 200000, "");
    struct book big_strings = { .rows = HEAD, .strings = strings, .deflate = true };
    struct book unordered = { .rows = rows, .deflate = true };
    struct book small = { .rows = HEAD };

    (void)state;
    expect_error("many texts", &big_strings, 2 << 20, ERR_BUDGET,
        "'book.xlsx': its texts (xl/sharedStrings.xml) need more memory than the limit allows; "
        "split the workbook");
    expect_error("rows to sort", &unordered, 4 << 20, ERR_BUDGET,
        "'book.xlsx': the rows of sheet 'Data' are not in order, and sorting them needs more "
        "memory "
        "than the limit allows; open and save the file in Excel");
    expect_error("hardly any memory", &small, 300 << 10, ERR_BUDGET,
        "'book.xlsx': the memory limit is too low to read _rels/.rels");
    free(strings);
    free(rows);
    assert_int_equal(mistakes, 0);
}

/* A million styled rows without a value cost a scan and nothing else. */
static void styled_rows(void **state)
{
    size_t room = (size_t)48 * SHEET_ROWS, len = 0;
    char *rows = malloc(room);
    struct book book = { .rows = rows, .deflate = true };
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 }, .budget = 16 << 20 };
    struct read_table t;

    (void)state;
    assert_non_null(rows);
    len += (size_t)snprintf(rows, room, HEAD);
    for (int r = 2; r <= SHEET_ROWS; r++)
        len += (size_t)snprintf(
            rows + len, room - len, "<row r=\"%d\"><c r=\"A%d\" s=\"1\"/></row>", r, r);
    read_table_from(book_file(&book), &how, &t);
    if (!t.ok)
        fail_msg("%s", t.err.text);
    assert_string_equal(buf_str(&t.text), "h\n");
    read_table_close(&t);
    free(rows);
}

/* Whatever byte of a sheet or its texts is changed, the reader answers. */
static void any_byte_changed(void **state)
{
    static const char base[] =
        "<worksheet><sheetData><row r=\"1\" hidden=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c>"
        "<c r=\"B1\" s=\"1\" t=\"inlineStr\"><is><r><t>&lt;x</t></r></is></c></row><!-- c -->"
        "<row r=\"2\"><c r=\"A2\"><f>1</f><v>2.5</v></c><c t=\"str\"><v><![CDATA[y]]></v></c></row>"
        "</sheetData><mergeCells><mergeCell ref=\"A1:B2\"/></mergeCells></worksheet>";
    static const char texts[] =
        "<?xml version=\"1.0\"?><sst><si><t>a_x000D_</t></si><si><r><rPr/><t "
        "xml:space=\"preserve\"> b</t></r><rPh><t>c</t></rPh></si></sst>";
    static const char odd[] = "<>&/=\"' \0?!-[]x1A;:\xff";
    char sheet[sizeof base], strings[sizeof texts];

    (void)state;
    for (int part = 0; part < 2; part++) {
        size_t n = part ? sizeof texts - 1 : sizeof base - 1;

        for (size_t at = 0; at < n; at++) {
            for (size_t k = 0; k < sizeof odd; k++) {
                struct book book = { .sheet = sheet,
                    .sheet_len = sizeof base - 1,
                    .strings = strings,
                    .strings_len = sizeof texts - 1 };
                struct read_how how = { .name = "book.xlsx",
                    .args = { .header_row = 1, .merged = k & 1 ? MERGED_FILL : MERGED_TOP_LEFT } };
                struct read_table t;

                memcpy(sheet, base, sizeof base);
                memcpy(strings, texts, sizeof texts);
                (part ? strings : sheet)[at] = odd[k];
                read_table_from(book_file(&book), &how, &t);
                assert_true(t.ok || t.err.text[0]);
                read_table_close(&t);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(deep_nesting_in_small_parts),
        cmocka_unit_test(huge_things),
        cmocka_unit_test(long_text),
        cmocka_unit_test(a_bomb),
        cmocka_unit_test(memory_limits),
        cmocka_unit_test(styled_rows),
        cmocka_unit_test(any_byte_changed),
    };

    return cmocka_run_group_tests_name("xlsx_hostile", tests, NULL, NULL);
}
