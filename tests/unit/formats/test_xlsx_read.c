/*
 * XLSX workbooks in: shapes of sheets that writers give, and what becomes of each.
 */
#include "book_make.h"
#include "read_table.h"

static const char ab[] = "<si><t>a</t></si><si><t>b</t></si>"; /* Texts 0 and 1. */

/* Styles: 0 General, 1 built-in 14, 2 datetime, 3 time, 4 [h]:mm:ss, 5 0.00%, 6 "days", 7 00000 */
static const char styles[] =
    "<numFmts count=\"5\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/>"
    "<numFmt numFmtId=\"165\" formatCode=\"h:mm\"/>"
    "<numFmt numFmtId=\"166\" formatCode=\"[h]:mm:ss\"/>"
    "<numFmt numFmtId=\"167\" formatCode=\"0 &quot;days&quot;\"/>"
    "<numFmt numFmtId=\"168\" formatCode=\"00000\"/></numFmts>"
    "<cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>"
    "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/>"
    "<xf numFmtId=\"165\"/><xf numFmtId=\"166\"/><xf numFmtId=\"10\"/><xf numFmtId=\"167\"/>"
    "<xf numFmtId=\"168\"/></cellXfs>"
    "<dxfs><dxf><numFmt numFmtId=\"0\" formatCode=\"yyyy\"/></dxf></dxfs>";

#define HEAD_AB \
    "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c></row>"
#define CELL(ref, inside) "<c r=\"" ref "\">" inside "</c>"
#define STR(ref, text) "<c r=\"" ref "\" t=\"str\"><v>" text "</v></c>"
#define ROW(r, cells) "<row r=\"" r "\">" cells "</row>"

struct read_case {
    const char *label;
    struct book book;
    const char *want; /* The table, or the sentence of the error. */
    const char *warnings;
    struct reader_args args; /* header_row -1 stands for 0, 0 for the default of 1. */
    bool fails, texts;       /* texts: without types. */
};

static void run_case(const struct read_case *c)
{
    struct read_how how = { .name = "book.xlsx", .args = c->args, .types = !c->texts };
    struct read_table t;
    const char *got;

    how.args.header_row = c->args.header_row == 0  ? 1
                          : c->args.header_row < 0 ? 0
                                                   : c->args.header_row;
    read_table_from(book_file(&c->book), &how, &t);
    got = t.ok ? buf_str(&t.text) : t.err.text;
    if (t.ok == c->fails || strcmp(got, c->want) != 0)
        fail_msg("%s: got\n%s\nnot\n%s", c->label, got, c->want);
    if (strcmp(buf_str(&t.warnings), c->warnings ? c->warnings : "") != 0)
        fail_msg("%s: warnings are '%s'", c->label, buf_str(&t.warnings));
    read_table_close(&t);
}

static void run_cases(const struct read_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        run_case(&cases[i]);
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static const struct read_case cell_cases[] = {
    { "numbers as they stand",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v>1</v>") CELL("B2", "<v>-2.50</v>"))
                ROW("3", CELL("A3", "<v>1E+20</v>") CELL("B3", "<v>1.23E-7</v>"))
                    ROW("4", CELL("A4", "<v>-0</v>") CELL("B4", "<v>0.30000000000000004</v>")),
            .strings = ab },
        "a|b\n2:n:1|n:-2.5\n3:n:1e+20|n:1.23e-07\n4:n:-0|n:0.30000000000000004\n", NULL },
    { "numbers with blanks, with a comma, in exponents and too long",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v> 7 </v>") CELL("B2", "<v>1,5</v>"))
                ROW("3", CELL("A3", "<v>123456789012345678</v>") CELL("B3", "<v>NaN</v>"))
                    ROW("4", CELL("A4", "<v>9007199254740992</v>") CELL("B4", "<v>1e999</v>")),
            .strings = ab },
        "a|b\n2:n:7|t:1,5\n3:n:1.2345678901234568e+17|t:NaN\n4:n:9007199254740992|t:1e999\n",
        "not_a_number=3 long_number=1" },
    { "booleans in both spellings",
        { .rows = HEAD_AB ROW(
              "2", "<c r=\"A2\" t=\"b\"><v>1</v></c><c r=\"B2\" t=\"b\"><v>0</v></c>")
                ROW("3", "<c r=\"A3\" t=\"b\"><v>true</v></c><c r=\"B3\" t=\"b\"><v>maybe</v></c>"),
            .strings = ab },
        "a|b\n2:b:true|b:false\n3:b:true|t:maybe\n", "not_a_boolean=1" },
    { "error values are kept",
        { .rows = HEAD_AB ROW(
              "2", "<c r=\"A2\" t=\"e\"><v>#N/A</v></c><c r=\"B2\" t=\"e\"><v>#SPILL!</v></c>"),
            .strings = ab },
        "a|b\n2:e:#N/A|e:#SPILL!\n", NULL },
    { "error values become blank",
        { .rows = HEAD_AB ROW("2", "<c r=\"A2\" t=\"e\"><v>#N/A</v></c>" CELL("B2", "<v>1</v>")),
            .strings = ab },
        "a|b\n2:_:|n:1\n", NULL, { .errors = ERRORS_BLANK } },
    { "error values stop the reading",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v>1</v>") "<c r=\"B2\" t=\"e\"><v>#DIV/0!</v></c>"),
            .strings = ab },
        "'book.xlsx': cell B2 of sheet 'Data' holds the error #DIV/0!", NULL,
        { .errors = ERRORS_FAIL }, true },
    { "inline text, shared text and text of formulas are one",
        { .rows = HEAD_AB ROW(
              "2", "<c r=\"A2\" t=\"inlineStr\"><is><t>x</t></is></c>" STR("B2", "x"))
                ROW("3", "<c r=\"A3\" t=\"s\"><v>0</v></c><c r=\"B3\" t=\"str\"><f>A1&amp;\"\"</f>"
                         "<v>a</v></c>"),
            .strings = ab },
        "a|b\n2:t:x|t:x\n3:t:a|t:a\n", NULL },
    { "text that looks like numbers stays text",
        { .rows = HEAD_AB ROW("2", STR("A2", "007") STR("B2", "1E5"))
                ROW("3", STR("A3", "TRUE") STR("B3", "3-4")),
            .strings = ab },
        "a|b\n2:t:007|t:1E5\n3:t:TRUE|t:3-4\n", NULL },
    { "formulas of all kinds, with their stored results",
        { .rows = HEAD_AB ROW("2",
              "<c r=\"A2\"><f t=\"shared\" ref=\"A2:A3\" si=\"0\">B2&lt;1</f>"
              "<v>3</v></c><c r=\"B2\"><f t=\"array\" ref=\"B2\">SUM(A1)</f><v>4</v></c>")
                ROW("3", "<c r=\"A3\"><f t=\"shared\" si=\"0\"/><v>5</v></c>"
                         "<c r=\"B3\" t=\"str\"><f>1</f><v></v></c>"),
            .strings = ab },
        "a|b\n2:n:3|n:4\n3:n:5|_:\n", NULL },
    { "formulas without a stored result",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<f>1+1</f>") CELL("B2", "<v>1</v>"))
                ROW("3", CELL("A3", "<f>A2</f><v></v>") CELL("B3", "<v>2</v>")),
            .strings = ab },
        "a|b\n2:_:|n:1\n3:_:|n:2\n", "formulas_without_value=2" },
    { "empty cells, empty texts, empty shared texts are blank",
        { .rows = HEAD_AB ROW("2", CELL("A2", "") "<c r=\"B2\" t=\"s\"><v>2</v></c>")
                ROW("3", "<c r=\"A3\" t=\"inlineStr\"><is><t/></is></c>" CELL("B3", "<v>1</v>")),
            .strings = "<si><t>a</t></si><si><t>b</t></si><si/><si><t></t></si>" },
        "a|b\n2:_:|_:\n3:_:|n:1\n", NULL },
    { "shared texts that are not there",
        { .rows = HEAD_AB ROW(
              "2", "<c r=\"A2\" t=\"s\"><v>2</v></c><c r=\"B2\" t=\"s\"><v>-1</v></c>")
                ROW("3", "<c r=\"A3\" t=\"s\"><v>1.5</v></c><c r=\"B3\" t=\"s\"><v>x</v></c>")
                    ROW("4", "<c r=\"A4\" t=\"s\"><v> 1 </v></c><c r=\"B4\" "
                             "t=\"s\"><v>99999999999999999999</v></c>"),
            .strings = ab },
        "a|b\n2:e:#REF!|e:#REF!\n3:e:#REF!|e:#REF!\n4:t:b|e:#REF!\n", "broken_text_reference=5" },
    { "styles that cannot be used are General",
        { .rows = HEAD_AB ROW(
              "2", "<c r=\"A2\" s=\"\"><v>1</v></c><c r=\"B2\" s=\"99\"><v>2</v></c>") ROW("3",
              "<c r=\"A3\" s=\"-1\"><v>40000</v></c><c r=\"B3\" s=\"1\"><v>40000</v></c>"),
            .strings = ab,
            .formats = styles },
        "a|b\n2:n:1|n:2\n3:n:40000|d:2009-07-06\n", NULL },
    { "a type of cell that is not known keeps its text",
        { .rows = HEAD_AB ROW("2", "<c r=\"A2\" t=\"future\"><v>1</v></c>" CELL("B2", "<v>1</v>")),
            .strings = ab },
        "a|b\n2:t:1|n:1\n", NULL },
};

static void cells(void **state)
{
    (void)state;
    run_cases(cell_cases, ARRAY_LEN(cell_cases));
}

#define S(style, ref, value) "<c r=\"" ref "\" s=\"" style "\"><v>" value "</v></c>"
#define D(ref, value) "<c r=\"" ref "\" t=\"d\"><v>" value "</v></c>"

static const struct read_case date_cases[] = {
    { "what each format shows",
        { .rows = HEAD_AB ROW("2", S("1", "A2", "45351") S("2", "B2", "45351.5"))
                ROW("3", S("3", "A3", "0.25") S("4", "B3", "1.25"))
                    ROW("4", S("5", "A4", "0.5") S("6", "B4", "3"))
                        ROW("5", S("7", "A5", "123") S("0", "B5", "45351")),
            .strings = ab,
            .formats = styles },
        "a|b\n2:d:2024-02-29|d:2024-02-29 12:00:00\n3:d:06:00:00|d:30:00:00\n4:n:0.5|n:3\n"
        "5:n:123|n:45351\n",
        NULL },
    { "no part of a value is hidden by its format",
        { .rows = HEAD_AB ROW("2", S("1", "A2", "45351.75") S("3", "B2", "45351.75"))
                ROW("3", S("1", "A3", "0.75") S("2", "B3", "45351"))
                    ROW("4", S("1", "A4", "45350.99999999999") S("3", "B4", "0.9999999999")),
            .strings = ab,
            .formats = styles },
        "a|b\n2:d:2024-02-29 18:00:00|d:2024-02-29 18:00:00\n3:d:18:00:00|d:2024-02-29 00:00:00\n"
        "4:d:2024-02-29|d:00:00:00\n",
        NULL },
    { "the ends of Excel's calendar",
        { .rows = HEAD_AB ROW("2", S("1", "A2", "60") S("1", "B2", "61"))
                ROW("3", S("1", "A3", "59") S("1", "B3", "1"))
                    ROW("4", S("1", "A4", "-1") S("1", "B4", "2958466"))
                        ROW("5", S("1", "A5", "2958465") S("4", "B5", "-0.5")),
            .strings = ab,
            .formats = styles },
        "a|b\n2:d:1900-02-29|d:1900-03-01\n3:d:1900-02-28|d:1900-01-01\n4:n:-1|n:2958466\n"
        "5:d:9999-12-31|n:-0.5\n",
        "fictitious_date=1 date_out_of_range=3" },
    { "ISO dates in cells",
        { .rows = HEAD_AB ROW("2", D("A2", "2021-01-31") D("B2", "2021-01-31T10:20:30.5")) ROW(
              "3", D("A3", "10:20:30") D("B3", "2021-02-31")) ROW("4",
              "<c r=\"A4\" s=\"1\" t=\"d\"><v>2021-01-31T00:00:00</v></c>" D("B4", "yesterday")),
            .strings = ab,
            .formats = styles },
        "a|b\n2:d:2021-01-31|d:2021-01-31 10:20:30.5\n3:d:10:20:30|t:2021-02-31\n"
        "4:d:2021-01-31|t:yesterday\n",
        "not_a_date=2" },
    { "the calendar that begins in 1904",
        { .rows = HEAD_AB ROW("2", S("1", "A2", "43889") S("3", "B2", "0.5"))
                ROW("3", S("4", "A3", "1.5") S("1", "B3", "0"))
                    ROW("4", S("1", "A4", "-1463") CELL("B4", "<v>1</v>")),
            .strings = ab,
            .formats = styles,
            .workbook = XML_HEAD "<workbook xmlns=\"" MAIN_NS "\" xmlns:r=\"" REL_NS
                                 "\"><workbookPr date1904=\"1\"/><sheets><sheet name=\"Data\" "
                                 "sheetId=\"1\" r:id=\"rId1\"/>"
                                 "</sheets></workbook>" },
        "a|b\n2:d:2024-02-29|d:12:00:00\n3:d:36:00:00|d:1904-01-01\n4:n:-1463|n:1\n",
        "date_out_of_range=1" },
};

static void dates(void **state)
{
    (void)state;
    run_cases(date_cases, ARRAY_LEN(date_cases));
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static const struct read_case text_cases[] = {
    { "entities and references, in shared, inline and formula texts",
        { .rows = HEAD_AB ROW(
              "2", "<c r=\"A2\" t=\"s\"><v>2</v></c>" STR("B2", "&quot;&apos;&#x1F600;"))
                ROW("3", "<c r=\"A3\" t=\"inlineStr\"><is><t>&lt;&#10;&gt;</t></is></c>"),
            .strings = "<si><t>a</t></si><si><t>b</t></si><si><t>x &amp; y&#x20AC;</t></si>" },
        "a|b\n2:t:x & y€|t:\"'😀\n3:t:<\\n>|_:\n", NULL },
    { "formatted runs are one text, phonetic hints none of it",
        { .rows = HEAD_AB ROW("2",
              "<c r=\"A2\" t=\"s\"><v>2</v></c><c r=\"B2\" t=\"inlineStr\"><is><r>"
              "<rPr><b/></rPr><t>Regular </t></r><r><t> Bold</t></r></is></c>"),
            .strings = "<si><t>a</t></si><si><t>b</t></si><si><r><rPr><sz val=\"11\"/></rPr><t>Or"
                       "</t></r><r><t xml:space=\"preserve\"> ange </t></r><rPh sb=\"0\" "
                       "eb=\"1\"><t>hint</t>"
                       "</rPh><phoneticPr fontId=\"1\"/></si>" },
        "a|b\n2:t:Or ange |t:Regular  Bold\n", NULL },
    { "blanks at the ends count where they are preserved",
        { .rows = HEAD_AB ROW(
              "2", "<c r=\"A2\" t=\"s\"><v>2</v></c><c r=\"B2\" t=\"s\"><v>3</v></c>") ROW("3",
              "<c r=\"A3\" t=\"inlineStr\"><is><t> x </t></is></c>"
              "<c r=\"B3\" t=\"inlineStr\"><is><t xml:space=\"preserve\"> x </t></is></c>")
                ROW("4", STR("A4", " x ") "<c r=\"B4\" t=\"s\"><v>4</v></c>"),
            .strings = "<si><t>a</t></si><si><t>b</t></si><si><t>\n in\n ner </t></si>"
                       "<si><t xml:space='preserve'> y </t></si><si><t> \t\n</t></si>" },
        "a|b\n2:t:in\\n ner|t: y \n3:t:x|t: x \n4:t: x |_:\n", NULL },
    { "escaped characters",
        { .rows = HEAD_AB ROW(
              "2", "<c r=\"A2\" t=\"s\"><v>2</v></c>" STR("B2", "_x000D__x005F_x000D_")) ROW("3",
              STR("A3", "_xD83D__xDE00_ _xD83D_ _x0000_") STR("B3", "a_b _x12_ _xZZZZ_ _x0041")),
            .strings = "<si><t>a</t></si><si><t>b</t></si>"
                       "<si><t>l_x000D_\nr_x0007_</t></si>" },
        "a|b\n2:t:l\\r\\nr\a|t:\\r_x000D_\n3:t:😀 _xD83D_ \\0|t:a_b _x12_ _xZZZZ_ _x0041\n", NULL },
    { "CDATA, comments and instructions in texts",
        { .rows = HEAD_AB ROW("2",
              "<c r=\"A2\" t=\"inlineStr\"><is><t><![CDATA[<a> & b]]></t></is></c>"
              "<c r=\"B2\"><v><!-- one -->1<?and?>2</v></c>") "<!-- between rows -->" ROW("3",
              "<?pi x?><c r=\"A3\" t=\"str\"><v>x<![CDATA[ y]]></v></c><!--</row>-->"
              "<c r=\"B3\"><v><![CDATA[7]]></v></c>"),
            .strings = ab },
        "a|b\n2:t:<a> & b|n:12\n3:t:x y|n:7\n", NULL },
    { "line ends",
        { .rows = HEAD_AB ROW("2", STR("A2", "x\r\ny\rz") STR("B2", "&#13;&#10;")), .strings = ab },
        "a|b\n2:t:x\\ny\\nz|t:\\r\\n\n", NULL },
    { "wrong counts and strange elements among the shared texts",
        { .rows = HEAD_AB ROW("2", "<c r=\"A2\" t=\"s\"><v>1</v></c>"),
            .strings =
                "<?xml version=\"1.0\"?><sst xmlns=\"" MAIN_NS "\" count=\"9\" uniqueCount=\"1\">"
                " <!-- x --> <si><t>a</t></si>\n<ext><si><t>no</t></si></ext><si><t>b</t></si> "
                "</sst>\n" },
        "a|b\n2:t:b|_:\n", NULL },
};

static void texts(void **state)
{
    (void)state;
    run_cases(text_cases, ARRAY_LEN(text_cases));
}

/* ---- The grid -------------------------------------------------------------------------------- */

static const struct read_case grid_cases[] = {
    { "cells without references stand in order",
        { .rows = "<row><c t=\"s\"><v>0</v></c><c t=\"s\">"
                  "<v>1</v></c></row><row><c><v>1</v></c><c/></row><row/><row><c/><c><v>2</v></c></"
                  "row>",
            .strings = ab },
        "a|b\n2:n:1|_:\n3:_:|_:\n4:_:|n:2\n", NULL },
    { "a row without a number stands where its cells say",
        { .rows = "<row>" CELL("A3", "<v>1</v>") "</row><row>" CELL("A5", "<v>2</v>") "</row>" },
        "1\n4:_:\n5:n:2\n", "leading_blank_rows=2" },
    { "references in lower case and with dollars",
        { .rows = "<row r=\"1\">" STR("a1", "h") "</row><row r=\"2\">" CELL(
              "$A$2", "<v>5</v>") "</row>" },
        "h\n2:n:5\n", NULL },
    { "absent cells are blank, blank rows between others stay",
        { .rows = HEAD_AB ROW("4", CELL("B4", "<v>1</v>")) ROW("6", CELL("A6", "<v>2</v>")),
            .strings = ab },
        "a|b\n2:_:|_:\n3:_:|_:\n4:_:|n:1\n5:_:|_:\n6:n:2|_:\n", NULL },
    { "blank rows at the end and styled cells at the side are no data",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v>1</v>") "<c r=\"Z2\" s=\"1\"/>")
                ROW("3", "<c r=\"A3\" s=\"1\"/>") ROW("4", ""),
            .strings = ab },
        "a|b\n2:n:1|_:\n", NULL },
    { "values beyond the header get columns",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v>1</v>") CELL("D2", "<v>4</v>")), .strings = ab },
        "a|b|column_3|column_4\n2:n:1|_:|_:|n:4\n", "header_repaired=2" },
    { "repeated and blank names",
        { .rows = ROW("1", STR("A1", "x") STR("B1", "x") STR("D1", "x")) }, "x|x_2|column_3|x_3\n",
        "header_repaired=3" },
    { "names that are no text",
        { .rows = ROW("1",
              CELL("A1", "<v>2024</v>") "<c r=\"B1\" t=\"b\"><v>1</v></c>" S("1", "C1", "45351")),
            .formats = styles },
        "2024|true|2024-02-29\n", NULL },
    { "the header stands below blank rows",
        { .rows = ROW("1", "<c r=\"A1\" s=\"1\"/>") ROW("3", STR("B3", "h"))
                ROW("4", CELL("B4", "<v>1</v>")) },
        "column_1|h\n4:_:|n:1\n", "leading_blank_rows=2 header_repaired=1" },
    { "a header row that is named",
        { .rows = ROW("1", STR("A1", "Title") STR("F1", "far")) ROW("3", STR("A3", "h"))
                ROW("4", CELL("A4", "<v>1</v>")) },
        "h\n4:n:1\n", NULL, { .header_row = 3 } },
    { "a header row that is named and blank",
        { .rows = ROW("1", STR("A1", "Title")) ROW("4", CELL("B4", "<v>1</v>")) },
        "column_1|column_2\n3:_:|_:\n4:_:|n:1\n", "header_repaired=2", { .header_row = 2 } },
    { "a header row below the table", { .rows = ROW("1", STR("A1", "Title")) },
        "header_row 9: sheet 'Data' of 'book.xlsx' has no values in that row or below", NULL,
        { .header_row = 9 }, true },
    { "a header row that no sheet has", { .rows = HEAD_AB, .strings = ab },
        "header_row 4294967297: a sheet has rows 1 to 1048576 (0: no header row)", NULL,
        { .header_row = 4294967297 }, true },
    { "no header row",
        { .rows = ROW("2", CELL("A2", "<v>1</v>")) ROW("3", CELL("B3", "<v>2</v>")) },
        "A|B\n2:n:1|_:\n3:_:|n:2\n", "leading_blank_rows=1", { .header_row = -1 } },
    { "one cell", { .rows = ROW("1", STR("A1", "only")) }, "only\n", NULL },
    { "an empty sheet", { .rows = ROW("1", "<c r=\"A1\" s=\"1\"/>") },
        "'book.xlsx': sheet 'Data' is empty; it has no header row", NULL, { 0 }, true },
    { "a sheet without rows",
        { .sheet = XML_HEAD "<worksheet xmlns=\"" MAIN_NS "\"><sheetData/>"
                            "</worksheet>" },
        "'book.xlsx': sheet 'Data' is empty; it has no header row", NULL, { 0 }, true },
    { "rows in no order",
        { .rows = ROW("3", CELL("A3", "<v>3</v>") STR("B3", "x"))
                HEAD_AB ROW("2", CELL("B2", "<v>2</v>")),
            .strings = ab },
        "a|b\n2:_:|n:2\n3:n:3|t:x\n", "unordered_rows=1" },
    { "a row twice",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v>1</v>") CELL("B2", "<v>1</v>"))
                ROW("2", CELL("B2", "<v>2</v>") CELL("A2", "")),
            .strings = ab },
        "a|b\n2:n:1|n:2\n", "unordered_rows=1 duplicate_cells=1" },
    { "cells in no order, and twice",
        { .rows = HEAD_AB ROW("2",
              CELL("C2", "<v>3</v>") CELL("A2", "<v>1</v>") CELL("C2", "<v>4</v>") CELL("A2", "")),
            .strings = ab },
        "a|b|column_3\n2:n:1|_:|n:4\n", "header_repaired=1 duplicate_cells=1" },
    { "a cell that says it stands in another row",
        { .rows = HEAD_AB ROW("2", CELL("A3", "<v>3</v>") CELL("B2", "<v>2</v>")), .strings = ab },
        "a|b\n2:_:|n:2\n3:n:3|_:\n", "unordered_rows=1" },
    { "hidden rows are read and counted",
        { .rows = HEAD_AB "<row r=\"2\" hidden=\"1\">" CELL(
              "A2", "<v>1</v>") "</row><row hidden='true' r=\"3\">" CELL("A3", "<v>2</v>") "</row>",
            .strings = ab },
        "a|b\n2:n:1|_:\n3:n:2|_:\n", "hidden_rows=2" },
    { "prefixes",
        { .sheet = "<x:worksheet xmlns:x=\"" MAIN_NS "\"><x:sheetData><x:row r=\"1\">"
                   "<x:c r=\"A1\" t=\"inlineStr\"><x:is><x:t>h</x:t></x:is></x:c></x:row><x:row "
                   "r=\"2\"><x:c r="
                   "\"A2\"><x:f>1</x:f><x:v>5</x:v></x:c></x:row></x:sheetData></x:worksheet>" },
        "h\n2:n:5\n", NULL },
    { "strict namespaces",
        { .sheet = "<worksheet xmlns=\"http://purl.oclc.org/ooxml/spreadsheetml/"
                   "main\"><sheetData>" ROW("1", STR("A1", "h")) "</sheetData></worksheet>" },
        "h\n", NULL },
    { "a prefix that changes on the way",
        { .sheet = "<worksheet xmlns=\"" MAIN_NS "\"><sheetData>"
                   "<row r=\"1\"><m:c xmlns:m=\"" MAIN_NS
                   "\" r=\"A1\" t=\"str\"><m:v>h</m:v></m:c></row>"
                   "</sheetData></worksheet>" },
        "h\n", NULL },
    { "blanks everywhere",
        { .sheet = "\n<worksheet\nxmlns='" MAIN_NS "' >\n <sheetData >\n <row\n"
                   "r = \"1\" >\n <c r='A1'\tt='str' >\n<v >h</v >\n</c >\n</row >\n</sheetData >\n"
                   "</worksheet >\n<!-- end -->\n" },
        "h\n", NULL },
    { "alternate content gives its fallback",
        { .rows = HEAD_AB "<mc:AlternateContent xmlns:mc=\"x\">"
                          "<mc:Choice Requires=\"new\">" ROW(
                              "2", CELL("A2", "<v>1</v>")) "</mc:Choice><mc:Fallback>" ROW("2",
                              CELL("A2", "<v>2</v>")) "</mc:Fallback></mc:AlternateContent>",
            .strings = ab },
        "a|b\n2:n:2|_:\n", NULL },
    { "extensions inside cells and rows are passed over",
        { .rows = HEAD_AB ROW("2",
              CELL("A2", "<v>1</v><extLst><ext uri=\"u\"><x "
                         "xmlns=\"y\"><v>9</v></x></ext></extLst>") "<extLst><c "
                                                                    "r=\"B2\"><v>8</v></c></"
                                                                    "extLst>"),
            .strings = ab },
        "a|b\n2:n:1|_:\n", NULL },
};

static void grid(void **state)
{
    (void)state;
    run_cases(grid_cases, ARRAY_LEN(grid_cases));
}

static void whole_width(void **state)
{
    struct book book = { .rows = ROW("1048575", STR("XFD1048575", "h"))
                             ROW("1048576", CELL("XFC1048576", "<v>1</v>")) };
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
    struct read_table t;

    (void)state;
    read_table_from(book_file(&book), &how, &t);
    /* More cells than a table should have that holds two. */
    assert_false(t.ok);
    assert_string_equal(t.err.text,
        "'book.xlsx': sheet 'Data' reaches to row 1048576 and column 16384 but is nearly empty; "
        "delete the stray cells far from the table");
    read_table_close(&t);
    book.rows =
        ROW("1", STR("XFD1", "h")) ROW("2", CELL("XFC2", "<v>1</v>") CELL("XFD2", "<v>2</v>"));
    read_table_from(book_file(&book), &how, &t);
    assert_true(t.ok);
    assert_int_equal(t.rows, 1);
    assert_non_null(strstr(buf_str(&t.text), "|column_16383|h\n2:|"));
    assert_non_null(strstr(buf_str(&t.text), "||1|2\n"));
    read_table_close(&t);
}

/* ---- Merged ranges --------------------------------------------------------------------------- */

#define MERGES(inside) "<mergeCells count=\"1\">" inside "</mergeCells>"
#define MERGE(ref) "<mergeCell ref=\"" ref "\"/>"

static const struct read_case merge_cases[] = {
    { "left alone unless asked",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v>1</v>") CELL("B2", "")),
            .strings = ab,
            .after = MERGES(MERGE("A2:B3")) },
        "a|b\n2:n:1|_:\n", NULL },
    { "filled to the right and down",
        { .rows = HEAD_AB ROW("2", STR("A2", "x") CELL("B2", "")) ROW("4", CELL("A4", "<v>4</v>")),
            .strings = ab,
            .after = MERGES(MERGE("A2:B3")) },
        "a|b\n2:t:x|t:x\n3:t:x|t:x\n4:n:4|_:\n", NULL, { .merged = MERGED_FILL } },
    { "a merged header",
        { .rows = ROW("1", STR("A1", "h") CELL("B1", ""))
                ROW("2", CELL("A2", "<v>1</v>") CELL("B2", "<v>2</v>")),
            .after = MERGES(MERGE("A1:B1")) },
        "h|h_2\n2:n:1|n:2\n", "header_repaired=1", { .merged = MERGED_FILL } },
    { "ranges make the table as large as they are",
        { .rows = ROW("1", STR("A1", "h")) ROW("2", CELL("A2", "<v>1</v>")),
            .after = MERGES(MERGE("A2:B4") MERGE("D9:E9")) },
        "h|column_2\n2:n:1|n:1\n3:n:1|n:1\n4:n:1|n:1\n", "header_repaired=1",
        { .merged = MERGED_FILL } },
    { "but not those that span the sheet",
        { .rows = ROW("1", STR("A1", "h") STR("B1", "i")) ROW("2", CELL("A2", "<v>1</v>"))
                ROW("3", CELL("A3", "<v>2</v>")),
            .after = MERGES(MERGE("A2:XFD2") MERGE("A3:A1048576")) },
        "h|i\n2:n:1|n:1\n3:n:2|_:\n", NULL, { .merged = MERGED_FILL } },
    { "from above the header",
        { .rows = ROW("1", STR("A1", "top")) ROW("2", STR("B2", "h"))
                ROW("3", CELL("B3", "<v>1</v>")),
            .after = MERGES(MERGE("A1:A3")) },
        "top|h\n3:t:top|n:1\n", NULL, { .merged = MERGED_FILL, .header_row = 2 } },
    { "values inside a range stay",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v>1</v>") CELL("B2", "<v>2</v>")),
            .strings = ab,
            .after = MERGES(MERGE("A2:B2")) },
        "a|b\n2:n:1|n:2\n", NULL, { .merged = MERGED_FILL } },
    { "ranges that overlap",
        { .rows = HEAD_AB ROW("2", CELL("A2", "<v>1</v>")) ROW("3", CELL("B3", "<v>2</v>")),
            .strings = ab,
            .after = MERGES(MERGE("A2:B3") MERGE("B3:C4")) },
        "a|b|column_3\n2:n:1|n:1|_:\n3:n:1|n:2|_:\n4:_:|_:|_:\n",
        "header_repaired=1 overlapping_merges=1", { .merged = MERGED_FILL } },
    { "with rows in no order",
        { .rows = ROW("2", CELL("A2", "<v>1</v>")) ROW("1", STR("A1", "h") STR("B1", "i")),
            .after = MERGES(MERGE("A2:B2")) },
        "h|i\n2:n:1|n:1\n", "unordered_rows=1", { .merged = MERGED_FILL } },
    { "a range that is none", { .rows = HEAD_AB, .strings = ab, .after = MERGES(MERGE("A1:A0")) },
        "'book.xlsx' is damaged: a merged range is not one that a sheet has (byte 351 of its part "
        "xl/worksheets/sheet1.xml)",
        NULL, { .merged = MERGED_FILL }, true },
};

static void merges(void **state)
{
    (void)state;
    run_cases(merge_cases, ARRAY_LEN(merge_cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells),
        cmocka_unit_test(dates),
        cmocka_unit_test(texts),
        cmocka_unit_test(grid),
        cmocka_unit_test(whole_width),
        cmocka_unit_test(merges),
    };

    return cmocka_run_group_tests_name("xlsx_read", tests, NULL, NULL);
}
