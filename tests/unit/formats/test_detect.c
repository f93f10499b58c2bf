/*
 * What files are by their first bytes, and how those that cannot be read are named.
 */
#include "formats/detect.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T(s) s, sizeof(s) - 1
#define OLE "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"
#define ZIP(name) "PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" name
#define LENGTH(n) n "\0\0\0"

static const struct {
    const char *label, *head;
    size_t n;
    enum file_format want; /* FILE_UNKNOWN: refused. */
    const char *sentence;  /* Its beginning behind "f ". */
} cases[] = {
    { "nothing", T(""), FILE_CSV, NULL },
    { "one byte", T("a"), FILE_CSV, NULL },
    { "text", T("a,b\n1,2\n"), FILE_CSV, NULL },
    { "UTF-8", T("\xEF\xBB\xBFgröße\n"), FILE_CSV, NULL },
    { "Windows-1252",
        T("gr\xF6\xDF"
          "e,caf\xE9\n"),
        FILE_CSV, NULL },
    { "UTF-16LE",
        T("a\0,\0b\0\n\0"
          "1\0"),
        FILE_CSV, NULL },
    { "UTF-16BE",
        T("\0a\0,\0b\0\n\0"
          "1"),
        FILE_CSV, NULL },
    { "UTF-16LE with a BOM", T("\xFF\xFE\x2C\x4E\x00\x30"), FILE_CSV, NULL },
    { "a NUL here and there", T("a,b\n1\0,2\nthis is some text\n"), FILE_CSV, NULL },
    { "Ctrl-Z", T("a,b\n\x1A"), FILE_CSV, NULL },
    { "CSV that begins with ID", T("ID;Price\n1;2\n"), FILE_CSV, NULL },
    { "CSV that begins like SYLK", T("ID;P\nx;y\n"), FILE_CSV, NULL },
    { "CSV that begins with a brace", T("{a},b\n1,2\n"), FILE_CSV, NULL },
    { "CSV that begins with a bracket", T("[x],y\n1,2\n"), FILE_CSV, NULL },
    { "CSV that begins with <", T("<5,b\n1,2\n"), FILE_CSV, NULL },
    { "CSV whose first name looks like a tag", T("<html_id>,x\n1,2\n"), FILE_CSV, NULL },
    { "CSV that begins like GIF", T("GIF8,x\n1,2\n"), FILE_CSV, NULL },
    { "CSV that begins like bzip2", T("BZh9,x\n1,2\n"), FILE_CSV, NULL },
    { "some control characters", T("a,b\n1\x01,\x02\n3\x03,\x04\nthis is text with some of them\n"),
        FILE_CSV, NULL },
    { "gzip", T("\x1F\x8B\x08"), FILE_GZIP, NULL },
    { "workbook", T(ZIP(LENGTH("\x13")) "[Content_Types].xml"), FILE_XLSX, NULL },
    { "zip of unknown content", T(ZIP(LENGTH("\x05")) "thing"), FILE_XLSX, NULL },
    { "workbook behind some junk", T("junk\x01\x02" ZIP(LENGTH("\x13")) "[Content_Types].xml"),
        FILE_XLSX, NULL },
    { "old workbook", T(OLE "W\0o\0r\0k\0b\0o\0o\0k\0"), FILE_XLS, NULL },
    { "encrypted workbook", T(OLE "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"), FILE_UNKNOWN,
        "is a password-protected workbook; save it without the password" },
    { "Word", T(OLE "W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0"), FILE_UNKNOWN, "is a Word document" },
    { "new Word", T(ZIP(LENGTH("\x11")) "word/document.xml"), FILE_UNKNOWN, "is a Word document" },
    { "ODS", T(ZIP(LENGTH("\x08")) "mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
        FILE_UNKNOWN, "is an OpenDocument spreadsheet (.ods); save it as .xlsx" },
    { "Numbers", T(ZIP(LENGTH("\x12")) "Index/Document.iwa"), FILE_UNKNOWN,
        "is an Apple Numbers file" },
    { "a zip of a CSV", T(ZIP(LENGTH("\x05")) "a.csv"), FILE_UNKNOWN,
        "is a zip archive of other files; unpack it first" },
    { "empty zip", T("PK\x05\x06"), FILE_UNKNOWN, "is an empty zip archive" },
    { "HTML", T("<!DOCTYPE HTML><html>"), FILE_UNKNOWN, "is an HTML page" },
    { "a bare HTML table", T("\xEF\xBB\xBF \r\n<TABLE border=1>"), FILE_UNKNOWN,
        "is an HTML page" },
    { "MHTML", T("MIME-Version: 1.0\r\n"), FILE_UNKNOWN, "is a web archive (MHTML)" },
    { "SpreadsheetML", T("<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?>"),
        FILE_UNKNOWN, "is an XML spreadsheet of Excel 2003" },
    { "XML", T("<?xml version=\"1.0\"?><a/>"), FILE_UNKNOWN, "is an XML file" },
    { "SYLK", T("ID;PWXL;N;E\r\nP;PGeneral\r\n"), FILE_UNKNOWN, "is a SYLK file" },
    { "DIF", T("TABLE\r\n0,1\r\n\"EXCEL\"\r\n"), FILE_UNKNOWN, "is a DIF file" },
    { "JSON object", T("{\n  \"a\": 1}"), FILE_UNKNOWN, "is a JSON file" },
    { "JSON array", T("[ { \"a\" : 1 } ]"), FILE_UNKNOWN, "is a JSON file" },
    { "PDF", T("%PDF-1.7\n"), FILE_UNKNOWN, "is a PDF document" },
    { "PNG", T("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR"), FILE_UNKNOWN, "is a PNG image" },
    { "JPEG", T("\xFF\xD8\xFF\xE0"), FILE_UNKNOWN, "is a JPEG image" },
    { "GIF", T("GIF89a\x01\x00"), FILE_UNKNOWN, "is a GIF image" },
    { "bzip2", T("BZh91AY&SY\x00"), FILE_UNKNOWN, "is a bzip2 archive; unpack it first" },
    { "Zstandard", T("\x28\xB5\x2F\xFD"), FILE_UNKNOWN, "is a Zstandard archive; unpack it first" },
    { "SQLite", T("SQLite format 3\0"), FILE_UNKNOWN, "is an SQLite database" },
    { "BIFF4", T("\x09\x04\x06\x00\x00\x00\x10\x00"), FILE_UNKNOWN, "is a workbook of Excel 4" },
    { "control characters", T("\x01\x02\x03\x04\x05\x06zz\x07\x08\x01\x02"), FILE_UNKNOWN,
        "is a binary file of an unknown kind" },
};

static void by_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum file_format got = FILE_UNKNOWN;
        struct err err = { 0 };
        bool ok = detect_format("f", cases[i].head, cases[i].n, cases[i].n, &got, &err);

        if (cases[i].want != FILE_UNKNOWN) {
            if (!ok || got != cases[i].want)
                fail_msg("%s: %s %s", cases[i].label, file_format_name(got), err.text);
        } else if (ok || err.code != ERR_FORMAT || strncmp(err.text, "f ", 2) != 0 ||
                   strncmp(err.text + 2, cases[i].sentence, strlen(cases[i].sentence)) != 0) {
            fail_msg("%s: %s '%s'", cases[i].label, ok ? file_format_name(got) : "", err.text);
        }
    }
}

/* Every cut of every head gives an answer. */
static void any_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t n = 0; n <= cases[i].n; n++) {
            char *exact = malloc(n ? n : 1);
            enum file_format got;
            struct err err;

            assert_non_null(exact);
            memcpy(exact, cases[i].head, n);
            if (!detect_format("f", exact, n, n, &got, &err))
                assert_int_equal(err.code, ERR_FORMAT);
            free(exact);
        }
    }
}

static void names(void **state)
{
    (void)state;
    assert_int_equal(file_format_find("xlsx"), FILE_XLSX);
    assert_int_equal(file_format_find("CSV"), FILE_CSV);
    assert_int_equal(file_format_find(".tsv"), FILE_TSV);
    assert_int_equal(file_format_find(".gz"), FILE_GZIP);
    assert_int_equal(file_format_find("doc"), FILE_UNKNOWN);
    assert_int_equal(file_format_find(""), FILE_UNKNOWN);
    assert_int_equal(file_format_find("."), FILE_UNKNOWN);
    assert_string_equal(file_format_suffix(FILE_JSONL), ".jsonl");
    assert_string_equal(file_format_name(FILE_SQL), "sql");
    assert_string_equal(file_format_media_type(FILE_JSON), "application/json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_content),
        cmocka_unit_test(any_length),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
