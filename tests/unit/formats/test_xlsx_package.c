/*
 * XLSX workbooks in: how parts are found and sheets are chosen, and encodings of parts.
 */
#include "book_make.h"
#include "read_table.h"

#include <iconv.h>

#define HEAD "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>h</v></c></row>"
#define WORKBOOK(sheets)                                                              \
    XML_HEAD "<workbook xmlns=\"" MAIN_NS "\" xmlns:r=\"" REL_NS "\"><sheets>" sheets \
             "</sheets></workbook>"
#define SHEET(name, id) "<sheet name=\"" name "\" sheetId=\"1\" r:id=\"" id "\"/>"
#define HIDDEN(name, id, state) \
    "<sheet name=\"" name "\" sheetId=\"1\" state=\"" state "\" r:id=\"" id "\"/>"
#define RELS(inside) XML_HEAD "<Relationships xmlns=\"" PKG_NS "\">" inside "</Relationships>"
#define REL(id, type, target) \
    "<Relationship Id=\"" id "\" Type=\"" REL_NS "/" type "\" Target=\"" target "\"/>"

static void expect(
    const char *label, int fd, const char *sheet, const char *want, const char *warnings, bool ok)
{
    struct read_how how = { .name = "book.xlsx", .args = { .sheet = sheet, .header_row = 1 } };
    struct read_table t;
    const char *got;

    read_table_from(fd, &how, &t);
    got = t.ok ? buf_str(&t.text) : t.err.text;
    if (t.ok != ok || strcmp(got, want) != 0)
        fail_msg("%s: got\n%s\nnot\n%s", label, got, want);
    if (strcmp(buf_str(&t.warnings), warnings) != 0)
        fail_msg("%s: warnings are '%s'", label, buf_str(&t.warnings));
    read_table_close(&t);
}

static const struct {
    const char *label;
    struct book book;
    const char *want;
    bool fails;
} package_cases[] = {
    { "packed", { .rows = HEAD, .deflate = true }, "h\n" },
    { "with data descriptors", { .rows = HEAD, .deflate = true, .descriptors = true }, "h\n" },
    { "with zip64 records", { .rows = HEAD, .deflate = true, .zip64 = true }, "h\n" },
    { "without content types", { .rows = HEAD, .no_types = true }, "h\n" },
    { "without relationships of the package", { .rows = HEAD, .root_rels = RELS("") }, "h\n" },
    { "absolute targets",
        { .rows = HEAD, .rels = RELS(REL("rId1", "worksheet", "/xl/worksheets/sheet1.xml")) },
        "h\n" },
    { "targets with dots and escapes",
        { .rows = HEAD,
            .sheet_name = "xl/my sheets/sheet 1.xml",
            .rels = RELS(REL("rId1", "worksheet", "./x/../my%20sheets/sheet%201.xml")) },
        "h\n" },
    { "targets in another case", { .rows = HEAD, .sheet_name = "XL/WorkSheets/SHEET1.XML" },
        "h\n" },
    { "strict relationship types",
        { .rows = HEAD,
            .rels = RELS("<Relationship Id=\"rId1\" Type="
                         "\"http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet\" "
                         "Target=\"worksheets/sheet1.xml\"/>") },
        "h\n" },
    { "shared texts under another name",
        { .rows = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>",
            .strings = "<si><t>h</t></si>",
            .strings_name = "xl/texts.xml",
            .rels = RELS(REL("rId1", "worksheet", "worksheets/sheet1.xml")
                    REL("rId9", "sharedStrings", "texts.xml")) },
        "h\n" },
    { "shared texts that no relationship names",
        { .rows = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v>"
                  "</c></row>",
            .strings = "<si><t>h</t></si>",
            .strings_name = "xl/SharedStrings.xml",
            .rels = RELS(REL("rId1", "worksheet", "worksheets/sheet1.xml")) },
        "h\n" },
    { "alternate content in the workbook",
        { .rows = HEAD,
            .workbook = XML_HEAD
            "<workbook xmlns=\"" MAIN_NS "\" xmlns:r=\"" REL_NS
            "\" xmlns:mc=\"http://schemas.openxmlformats.org/markup-"
            "compatibility/2006\"><mc:AlternateContent><mc:Choice Requires=\"x\"><sheets>" SHEET(
                "No", "rId7") "</sheets></mc:Choice><mc:Fallback><sheets>" SHEET("Data",
                "rId1") "</sheets></mc:Fallback></mc:AlternateContent></workbook>" },
        "h\n" },
    { "a sheet whose part is missing", { .rels = RELS(REL("rId1", "worksheet", "nowhere.xml")) },
        "'book.xlsx': the sheet 'Data' is listed in the workbook, but its part is missing", true },
    { "external targets are never followed",
        { .rows = HEAD,
            .rels =
                RELS("<Relationship Id=\"rId1\" "
                     "Type=\"" REL_NS
                     "/worksheet\" Target=\"worksheets/sheet1.xml\" TargetMode=\"External\"/>") },
        "'book.xlsx': the sheet 'Data' is listed in the workbook, but its part is missing", true },
    { "no sheets at all", { .workbook = WORKBOOK("") }, "'book.xlsx' has no sheets", true },
    { "a binary workbook", { .root_rels = RELS(REL("rId1", "officeDocument", "xl/workbook.bin")) },
        "'book.xlsx' is an Excel binary workbook (.xlsb); save it as .xlsx and upload that file",
        true },
    { "a workbook part that is something else", { .workbook = XML_HEAD "<document/>" },
        "'book.xlsx' is a zip file without an Excel workbook in it; upload an Excel workbook "
        "(.xlsx, "
        ".xlsm, .xls) or delimited text",
        true },
    { "a workbook part that is no XML", { .workbook = "<workbook><sheets></workbook>" },
        "'book.xlsx' is damaged: its part xl/workbook.xml is not XML at line 1: mismatched tag",
        true },
};

static void packages(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(package_cases); i++)
        expect(package_cases[i].label, book_file(&package_cases[i].book), NULL,
            package_cases[i].want, "", !package_cases[i].fails);
}

/* ---- Choosing a sheet ------------------------------------------------------------------------ */

/* Each sheet's only column has the name of the sheet's part. */
static int sheets_file(void)
{
    static const struct book book = {
        .workbook = WORKBOOK(
            HIDDEN("Secret", "s2", "hidden") SHEET("Chart", "c1") SHEET("Sales &amp; more", "s3")
                SHEET(" 2", "s1") HIDDEN("Very", "s2", "veryHidden") SHEET("Stra\xc3\x9f"
                                                                           "e",
                    "s4") SHEET("Lost", "nowhere") SHEET("Macro", "m1")),
        .rels = RELS(REL("s1", "worksheet", "worksheets/one.xml") REL(
            "s2", "worksheet", "worksheets/two.xml") REL("s3", "worksheet", "worksheets/three.xml")
                REL("s4", "worksheet", "worksheets/four.xml") REL("c1", "chartsheet",
                    "chartsheets/one.xml") REL("m1", "xlMacrosheet", "macrosheets/one.xml"))
    };
    static const char *const names[] = { "one", "two", "three", "four" };
    struct zip_make z = book_make(&book);
    int fd;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char part[64], text[400];

        snprintf(part, sizeof part, "xl/worksheets/%s.xml", names[i]);
        snprintf(text, sizeof text,
            "<worksheet xmlns=\"" MAIN_NS "\"><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>%s"
            "</v></c></row></sheetData></worksheet>",
            names[i]);
        zip_make_add(&z, part, text, strlen(text), 0);
    }
    zip_make_add(&z, "xl/chartsheets/one.xml", "<chartsheet/>", 13, 0);
    zip_make_add(&z, "xl/macrosheets/one.xml", "<macrosheet/>", 13, 0);
    zip_make_end(&z);
    fd = zip_make_file(z.data, z.len);
    zip_make_free(&z);
    return fd;
}

static void choosing_a_sheet(void **state)
{
    static const struct {
        const char *sheet, *want, *warnings;
        bool fails;
    } cases[] = {
        { NULL, "three\n", "skipped_sheets=1" },
        { "Sales & more", "three\n", "" },
        { "SALES & MORE", "three\n", "" },
        { "STRASSE", "four\n", "" },
        { "Secret", "two\n", "" },
        { "Very", "two\n", "" },
        { "1", "two\n", "" },
        { "3", "three\n", "" },
        { "4", "one\n", "" },
        { " 2", "one\n", "" },
        { "2", "'book.xlsx': the sheet 'Chart' holds a chart and no cells", "", true },
        { "Lost",
            "'book.xlsx': the sheet 'Lost' is listed in the workbook, but its part is missing", "",
            true },
        { "Macro", "'book.xlsx': the sheet 'Macro' is a macro or dialog sheet", "", true },
        { "9",
            "'book.xlsx' has no sheet '9'. Available: Secret, Chart, Sales & more,  2, Very, "
            "Stra\xc3\x9f"
            "e, Lost, Macro",
            "", true },
        { "0",
            "'book.xlsx' has no sheet '0'. Available: Secret, Chart, Sales & more,  2, Very, "
            "Stra\xc3\x9f"
            "e, Lost, Macro",
            "", true },
        { "Sekret",
            "'book.xlsx' has no sheet 'Sekret'; did you mean 'Secret'? Available: Secret, "
            "Chart, Sales & more,  2, Very, Stra\xc3\x9f"
            "e, Lost, Macro",
            "", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(cases[i].sheet ? cases[i].sheet : "default", sheets_file(), cases[i].sheet,
            cases[i].want, cases[i].warnings, !cases[i].fails);
}

static void facts_of_the_error(void **state)
{
    struct reader_args args = { .sheet = "Sekret", .header_row = 1 };
    struct source_env env = { .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp" };
    struct source *s;
    struct err err;
    int fd = sheets_file();

    (void)state;
    assert_false(source_open(fd, "book.xlsx", &args, &env, &s, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_string_equal(err.argument, "sheet");
    assert_string_equal(err.suggestions, "Secret");
    assert_memory_equal(err.available,
        "Secret\x1f"
        "Chart\x1f",
        13);
    close(fd);
    formats_free(env.formats);
    warn_free(env.warnings);
}

static void facts_of_the_workbook(void **state)
{
    struct reader_args args = { .sheet = "Very", .header_row = 1 };
    struct source_env env = { .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp" };
    const struct source_info *info;
    struct source *s;
    struct err err;

    (void)state;
    assert_true(source_open(sheets_file(), "book.xlsx", &args, &env, &s, &err));
    info = source_info(s);
    assert_int_equal(info->format, FILE_XLSX);
    assert_null(info->encoding);
    assert_int_equal(info->n_sheets, 8);
    assert_int_equal(info->sheet, 4);
    assert_string_equal(info->sheets[0].name, "Secret");
    assert_string_equal(info->sheets[0].state, "hidden");
    assert_string_equal(info->sheets[2].state, "visible");
    assert_string_equal(info->sheets[4].state, "veryHidden");
    source_close(s);
    formats_free(env.formats);
    warn_free(env.warnings);
}

/* ---- Number formats -------------------------------------------------------------------------- */

static void formats_are_kept(void **state)
{
    static const struct book book = { .rows = HEAD
                                      "<row r=\"2\"><c r=\"A2\" s=\"1\"><v>1</v></c></row>"
                                      "<row r=\"3\"><c r=\"A3\" s=\"2\"><v>1</v></c></row>"
                                      "<row r=\"4\"><c r=\"A4\" s=\"3\"><v>45351</v></c></row>"
                                      "<row r=\"5\"><c r=\"A5\" s=\"0\"><v>1</v></c></row>"
                                      "<row r=\"6\"><c r=\"A6\" s=\"4\"><v>45351</v></c></row>",
        .formats = "<numFmts><numFmt numFmtId=\"164\" formatCode=\"0.0&quot; kg&quot;\"/></numFmts>"
                   "<cellXfs><xf/><xf numFmtId=\"164\"/><xf numFmtId=\"10\"/>"
                   "<xf numFmtId=\"14\"/><xf numFmtId=\"31\"/></cellXfs>" };
    static const char *const codes[] = { "0.0\" kg\"", "0.00%", "mm-dd-yy", "General",
        "yyyy-mm-dd" };
    struct reader_args args = { .header_row = 1 };
    struct source_env env = { .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp" };
    struct source *s;
    struct batch *b;
    struct err err;

    (void)state;
    assert_true(source_open(book_file(&book), "book.xlsx", &args, &env, &s, &err));
    assert_true(source_next(s, &b, &err));
    assert_int_equal(b->n_rows, 5);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_string_equal(formats_code(env.formats, b->columns[0][i].format), codes[i]);
    source_close(s);
    formats_free(env.formats);
    warn_free(env.warnings);
}

/* ---- Encodings ------------------------------------------------------------------------------- */

static char *recode(const char *text, const char *to, size_t *n)
{
    iconv_t cd = iconv_open(to, "UTF-8");
    size_t left = strlen(text), room = 4 * left + 16;
    char *out = malloc(room), *o = out, *in = (char *)(uintptr_t)text;

    assert_true(cd != (iconv_t)-1);
    assert_int_equal(iconv(cd, &in, &left, &o, &room), 0);
    iconv_close(cd);
    *n = (size_t)(o - out);
    return out;
}

static void encodings(void **state)
{
    static const struct {
        const char *label, *declared, *encoding, *mark;
        size_t mark_len;
    } cases[] = {
        { "UTF-16 with its mark", "UTF-16", "UTF-16LE", "\xff\xfe", 2 },
        { "UTF-16, the other way round", "UTF-16", "UTF-16BE", "\xfe\xff", 2 },
        { "UTF-16 without a mark", "UTF-16", "UTF-16LE", "", 0 },
        { "UTF-16BE without a mark", "UTF-16", "UTF-16BE", "", 0 },
        { "UTF-8 with a mark", "UTF-8", "UTF-8", "\xef\xbb\xbf", 3 },
        { "UTF-8 that calls itself UTF-16", "UTF-16", "UTF-8", "", 0 },
        { "Windows-1252", "windows-1252", "WINDOWS-1252", "", 0 },
        { "Latin-1", "ISO-8859-1", "ISO-8859-1", "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct book book = { .deflate = true };
        char text[600], *sheet, *strings;
        size_t n;

        for (int part = 0; part < 2; part++) {
            char **out = part ? &strings : &sheet;
            size_t *len = part ? &book.strings_len : &book.sheet_len;

            snprintf(text, sizeof text,
                part ? "<?xml version=\"1.0\" "
                       "encoding=\"%s\"?><sst><si><t>caf\xc3\xa9</t></si></sst>"
                     : "<?xml version=\"1.0\" encoding=\"%s\"?><worksheet><sheetData><row "
                       "r=\"1\"><c "
                       "r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"str\"><v>na\xc3\xafve</v></c>"
                       "</row></sheetData></worksheet>",
                cases[i].declared);
            *out = recode(text, cases[i].encoding, &n);
            *out = realloc(*out, n + 4);
            memmove(*out + cases[i].mark_len, *out, n);
            memcpy(*out, cases[i].mark, cases[i].mark_len);
            *len = n + cases[i].mark_len;
        }
        book.sheet = sheet;
        book.strings = strings;
        expect(cases[i].label, book_file(&book), NULL, "caf\xc3\xa9|na\xc3\xafve\n", "", true);
        free(sheet);
        free(strings);
    }
}

static void wrong_encodings(void **state)
{
    static const struct {
        const char *label;
        struct book book;
        const char *want;
    } cases[] = {
        { "an encoding that nobody knows",
            { .sheet = "<?xml version=\"1.0\" encoding=\"klingon-8\"?><worksheet/>" },
            "'book.xlsx': its part xl/worksheets/sheet1.xml is in an unknown encoding, klingon-8" },
        { "bytes that are not UTF-8 in a cell",
            { .rows = "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>caf\xe9</v></c></row>" },
            "'book.xlsx': cell A1 of sheet 'Data' is damaged: text that is not UTF-8" },
        { "bytes that are not UTF-8 in an inline text",
            { .rows =
                    "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>caf\xe9</t></is></c></row>" },
            "'book.xlsx' is damaged: text that is not UTF-8 (byte 278 of its part "
            "xl/worksheets/sheet1.xml)" },
        { "bytes that are not UTF-8 in a shared text",
            { .rows = HEAD, .strings = "<si><t>ok</t></si><si><t>\xc0\xaf</t></si>" },
            "'book.xlsx' is damaged: text that is not UTF-8 (byte 152 of its part "
            "xl/sharedStrings.xml)" },
        { "half a character in UTF-16",
            { .rows = HEAD, .strings = "\xff\xfe<\0s\0s\0t\0/\0>", .strings_len = 13 },
            "'book.xlsx' is damaged: bytes that are not UTF-16LE text (byte 10 of its part "
            "xl/sharedStrings.xml)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(cases[i].label, book_file(&cases[i].book), NULL, cases[i].want, "", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages),
        cmocka_unit_test(choosing_a_sheet),
        cmocka_unit_test(facts_of_the_error),
        cmocka_unit_test(facts_of_the_workbook),
        cmocka_unit_test(formats_are_kept),
        cmocka_unit_test(encodings),
        cmocka_unit_test(wrong_encodings),
    };

    return cmocka_run_group_tests_name("xlsx_package", tests, NULL, NULL);
}
