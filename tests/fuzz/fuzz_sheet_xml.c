/*
 * The XML of a sheet, or of the shared texts, in a package that is right for the rest: so that
 * every input reaches the scanner. The first byte says what the rest is and how it is read.
 */
#include "../unit/formats/book_make.h"
#include "read_book.h"

#include "formats/xlsx_survey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STRINGS = 1, FILL = 2, NO_HEADER = 4, DROP_ERRORS = 8, RAW = 16, SMALL_PART = 32 };

static bool survey(char *text, size_t n, bool skim, struct xlsx_survey *out)
{
    struct xlsx_strings strings = { .n = 0 };
    struct xml_input in;
    struct sheet_scan scan;
    struct err err;
    bool ok;

    xml_input_open_text(&in, text, n, "fuzz.xlsx", "sheet1.xml");
    if (!sheet_open(&scan, &in, &err))
        return false;
    ok = xlsx_survey(&scan, &strings, 1, skim, NULL, out, &err);
    sheet_close(&scan);
    return ok;
}

/* Small sheets are never skimmed by the reader; here they are, and what comes out must be exact. */
static void compare_surveys(const char *rows, size_t n)
{
    static const char head[] = "<worksheet><sheetData>", tail[] = "</sheetData></worksheet>";
    struct xlsx_survey exact, skimmed;
    size_t len = sizeof head - 1 + n + sizeof tail - 1;
    char *text = calloc(1, len + XML_PAD);

    if (!text)
        abort();
    memcpy(text, head, sizeof head - 1);
    memcpy(text + sizeof head - 1, rows, n);
    memcpy(text + sizeof head - 1 + n, tail, sizeof tail - 1);
    if (survey(text, len, false, &exact) && survey(text, len, true, &skimmed) &&
        !skimmed.irregular &&
        (exact.first_row != skimmed.first_row || exact.last_row != skimmed.last_row ||
            exact.width != skimmed.width || exact.ordered != skimmed.ordered))
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char rows[] =
        "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c></row>"
        "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>2</v></c></row>";
    struct book book = { .strings = "<si><t>a</t></si><si><t>b</t></si>",
        .formats = "<cellXfs><xf/><xf numFmtId=\"14\"/><xf numFmtId=\"46\"/></cellXfs>" };
    struct reader_args args = { 0 };
    char *text;
    int how;

    if (size < 1)
        return 0;
    how = data[0];
    data++;
    size--;
    text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (how & SMALL_PART) {
        book.rows = rows;
        if (how & RAW)
            book.formats = text;
        else if (how & STRINGS)
            book.workbook = text;
        else if (how & DROP_ERRORS)
            book.root_rels = text;
        else
            book.rels = text;
    } else if (how & STRINGS) {
        book.rows = rows;
        book.strings = text;
        book.strings_len = how & RAW ? size : 0;
    } else if (how & RAW) {
        book.sheet = text;
        book.sheet_len = size;
    } else {
        compare_surveys(text, size);
        book.rows = text;
        book.after = "<mergeCells><mergeCell ref=\"A2:C4\"/></mergeCells>";
    }
    args.merged = how & FILL ? MERGED_FILL : MERGED_TOP_LEFT;
    args.header_row = how & NO_HEADER ? 0 : 1;
    args.errors = how & DROP_ERRORS ? ERRORS_BLANK : ERRORS_KEEP;
    read_book(book_file(&book), "fuzz.xlsx", &args);
    free(text);
    return 0;
}
