/*
 * Old workbooks made record by record.
 */
#include "biff_make.h"
#include "read_table.h"

#include "formats/xls_strings.h"

static const struct read_how no_header = { .name = "t.xls", .types = true };

/* Read the file and compare: table or sentence, then warnings. */
static void check_file(const char *label, const struct buf *file, const struct read_how *how,
    const char *want, const char *warnings)
{
    struct read_table t;

    assert_false(file->failed);
    read_table(file->data, file->len, how, &t);
    if (strcmp(t.ok ? buf_str(&t.text) : t.err.text, want) != 0 ||
        strcmp(buf_str(&t.warnings), warnings) != 0)
        fail_msg("%s: %s\n%s\nwarnings %s", label, t.ok ? "" : t.err.text, buf_str(&t.text),
            buf_str(&t.warnings));
    read_table_close(&t);
}

static void check(const char *label, const struct biff *b, const struct read_how *how,
    const char *want, const char *warnings)
{
    struct buf file;

    buf_init(&file, 1 << 26);
    biff_file(b, &file);
    check_file(label, &file, how, want, warnings);
    buf_deinit(&file);
}

/* FORMAT and XF records: style 1 is a date, 2 a code of the workbook's own, 3 a duration. */
static void add_styles(struct biff *b)
{
    static const unsigned ids[] = { 0, 14, 164, 46 };

    cfb_make_16(&b->globals, XLS_FORMAT);
    cfb_make_16(&b->globals, 2 + 3 + 16);
    cfb_make_16(&b->globals, 164);
    biff_string(&b->globals, BIFF_8, "yyyy-mm-dd hh:mm");
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        cfb_make_16(&b->globals, XLS_XF);
        cfb_make_16(&b->globals, 4);
        cfb_make_16(&b->globals, 0);
        cfb_make_16(&b->globals, ids[i]);
    }
}

static void rk(struct buf *out, unsigned row, unsigned col, uint32_t v)
{
    biff_cell(out, XLS_RK, row, col, 0, 4);
    cfb_make_32(out, v);
}

static void values(void **state)
{
    struct biff b;
    struct buf *r;

    (void)state;
    biff_init(&b, BIFF_8);
    add_styles(&b);
    r = &b.sheets[0].rows;
    biff_number(r, 0, 0, 0, 1.5);
    biff_number(r, 0, 1, 1, 44197);
    biff_number(r, 0, 2, 2, 44197.5);
    biff_number(r, 0, 3, 3, 1.5);
    biff_number(r, 0, 4, 99, 7); /* A style that is not there. */
    biff_number(r, 0, 5, 0, 1e308 * 10);
    rk(r, 1, 0, (uint32_t)-5 << 2 | 2);
    rk(r, 1, 1, 12345U << 2 | 3);
    rk(r, 1, 2, 0x3FF80000);
    rk(r, 1, 3, 0x40590001); /* 100.25 cents, but for the two lowest bits. */
    biff_cell(r, XLS_BOOLERR, 2, 0, 0, 2);
    buf_add(r, "\1\0", 2);
    biff_cell(r, XLS_BOOLERR, 2, 1, 0, 2);
    buf_add(r, "\x2A\1", 2);
    biff_cell(r, XLS_BOOLERR, 2, 2, 0, 2);
    buf_add(r, "\x63\1", 2);
    biff_label(r, BIFF_8, 2, 3, "caf\xE9");
    biff_label(r, BIFF_8, 2, 4, "");
    biff_record(r, 0x201, "\2\0\5\0\0\0", 6); /* BLANK */
    biff_record(r, XLS_MULRK, "\3\0\1\0\0\0\x06\0\0\0\1\0\x96\xB2\2\0\2\0", 18);
    check("values", &b, &no_header,
        "A|B|C|D|E|F\n"
        "1:n:1.5|d:2021-01-01|d:2021-01-01 12:00:00|d:36:00:00|n:7|e:#NUM!\n"
        "2:n:-5|n:123.45|n:1.5|n:1|_:|_:\n"
        "3:b:true|e:#N/A|e:#VALUE!|t:caf\xC3\xA9|_:|_:\n"
        "4:_:|n:1|d:2021-01-01|_:|_:|_:\n",
        "");
    biff_deinit(&b);
}

static void formulas(void **state)
{
    struct biff b;
    struct buf *r;

    (void)state;
    biff_init(&b, BIFF_8);
    r = &b.sheets[0].rows;
    biff_formula(r, 0, 0, "\0\0\0\0\0\0\xF8\x3F");
    biff_formula(r, 0, 1, "\1\0\1\0\0\0\xFF\xFF");
    biff_formula(r, 0, 2, "\2\0\x07\0\0\0\xFF\xFF");
    biff_formula(r, 0, 3, "\3\0\0\0\0\0\xFF\xFF");
    biff_formula(r, 0, 4, "\0\0\0\0\0\0\xFF\xFF");
    biff_record(r, XLS_SHRFMLA, "\0\0\0\0\0\0\0\0", 8);
    cfb_make_16(r, XLS_STRING);
    cfb_make_16(r, 3 + 5);
    biff_string(r, BIFF_8, "hello");
    biff_formula(r, 0, 5, "\0\0\0\0\0\0\xFF\xFF"); /* Without its STRING. */
    biff_number(r, 0, 6, 0, 1);
    check("formulas", &b, &no_header, "A|B|C|D|E|F|G\n1:n:1.5|b:true|e:#DIV/0!|_:|t:hello|_:|n:1\n",
        "formulas_without_value=1");
    biff_deinit(&b);
}

/* The text of a STRING record that goes on in two others, the last one in wide characters. */
static void continued_text(void **state)
{
    struct biff b;
    struct buf *r;

    (void)state;
    biff_init(&b, BIFF_8);
    r = &b.sheets[0].rows;
    biff_formula(r, 0, 0, "\0\0\0\0\0\0\xFF\xFF");
    biff_record(r, XLS_STRING, "\6\0\0ab", 5);
    biff_record(r, XLS_CONTINUE, "\0cd", 3);
    biff_record(
        r, XLS_CONTINUE, "\1\xAC\x20\x3D\xD8", 5); /* A pair of surrogates without its half. */
    check("continued", &b, &no_header, "A\n1:t:abcd\xE2\x82\xAC\xEF\xBF\xBD\n", "");
    biff_deinit(&b);
}

/* ---- Shared strings -------------------------------------------------------------------------- */

/* One text of the table as it is stored; chars tells where its characters lie. */
struct stored {
    const char *bytes;
    size_t n, chars_at, chars_n;
    bool wide;
};

#define B(s) s, sizeof(s) - 1
static const struct stored stored[] = {
    { B("\5\0\0Hello"), 3, 5, false },
    { B("\0\0\0"), 3, 0, false },
    { B("\3\0\1\xE9\0\xAC\x20\x41\0"), 3, 6, true },                     /* é€A */
    { B("\4\0\x08\2\0Rich\0\0\1\0\2\0\3\0"), 5, 4, false },              /* Two runs. */
    { B("\2\0\x05\6\0\0\0\x42\x30\x44\x30xxxxxx"), 7, 4, true },         /* Phonetic. */
    { B("\2\0\x0D\1\0\4\0\0\0\x3D\xD8\0\xDE\0\0\1\0zzzz"), 9, 4, true }, /* A smiley, both. */
    { B("\3\0\0xyz"), 3, 3, false },
};
static const char stored_shown[] =
    "A\n1:t:Hello\n2:_:\n3:t:\xC3\xA9\xE2\x82\xAC"
    "A\n4:t:Rich\n5:t:\xE3\x81\x82\xE3\x81\x84\n6:t:\xF0\x9F\x98\x80\n7:t:xyz\n";

/* The table cut into a CONTINUE at byte `cut` of its texts, narrow or wide behind it. */
static void put_table(struct buf *out, size_t cut, size_t cut2)
{
    struct buf part;
    unsigned id = XLS_SST;
    size_t at = 0;

    buf_init(&part, 1 << 16);
    cfb_make_32(&part, 7);
    cfb_make_32(&part, 7);
    for (size_t i = 0; i < ARRAY_LEN(stored); i++) {
        const struct stored *s = &stored[i];

        for (size_t k = 0; k < s->n; k++, at++) {
            bool chars = k > s->chars_at && k < s->chars_at + s->chars_n;

            if (at == cut || at == cut2) {
                biff_record(out, id, part.data, part.len);
                buf_reset(&part);
                id = XLS_CONTINUE;
                /* Where characters are cut, the flags come again. */
                if (chars || (k == s->chars_at && s->chars_n > 0))
                    buf_addc(&part, s->wide);
            }
            buf_addc(&part, s->bytes[k]);
        }
    }
    biff_record(out, id, part.data, part.len);
    buf_deinit(&part);
}

static void shared_strings_cut_anywhere(void **state)
{
    size_t total = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stored); i++)
        total += stored[i].n;
    for (size_t cut = 0; cut <= total; cut++) {
        bool inside = false;
        struct biff b;
        size_t at = 0;

        /* A wide character is never cut in its middle. */
        for (size_t i = 0; i < ARRAY_LEN(stored); at += stored[i++].n) {
            size_t k = cut - at - stored[i].chars_at;

            inside = inside || (cut >= at + stored[i].chars_at && stored[i].wide &&
                                   k < stored[i].chars_n && k % 2 == 1);
        }
        if (inside)
            continue;
        biff_init(&b, BIFF_8);
        put_table(&b.globals, cut, cut + 9 > total ? cut : total);
        for (unsigned i = 0; i < ARRAY_LEN(stored); i++)
            biff_shared(&b.sheets[0].rows, i, 0, i);
        check("cut", &b, &no_header, stored_shown, "");
        biff_deinit(&b);
    }
}

static void shared_strings_that_lie(void **state)
{
    struct biff b;

    (void)state;
    biff_init(&b, BIFF_8);
    biff_record(&b.globals, XLS_SST, B("\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x7F\2\0\0ok\xFF\xFF\0short"));
    biff_shared(&b.sheets[0].rows, 0, 0, 0);
    biff_shared(&b.sheets[0].rows, 1, 0, 1);
    biff_shared(&b.sheets[0].rows, 2, 0, UINT32_MAX);
    check("a table that is cut", &b, &no_header, "A\n1:t:ok\n2:e:#REF!\n3:e:#REF!\n",
        "broken_text_reference=2");
    biff_deinit(&b);

    biff_init(&b, BIFF_8);
    biff_record(&b.globals, XLS_SST, B("\1\0"));
    biff_shared(&b.sheets[0].rows, 0, 0, 0);
    check("a table without a head", &b, &no_header, "A\n1:e:#REF!\n", "broken_text_reference=1");
    biff_deinit(&b);
}

/* ---- The grid -------------------------------------------------------------------------------- */

static void headers_and_hidden_rows(void **state)
{
    static const char row_3_hidden[] = "\3\0\0\0\2\0\0\0\0\0\0\0\x20\0\0\0";
    struct read_how how = { .name = "t.xls", .args = { .header_row = 1 } };
    struct biff b;
    struct buf *r;

    (void)state;
    biff_init(&b, BIFF_8);
    r = &b.sheets[0].rows;
    biff_record(r, 0x200, B("\0\0\0\0\0\0\1\0\xFF\0\xFF\xFF\0\0")); /* DIMENSIONS, wrong. */
    biff_record(r, XLS_ROW, B(row_3_hidden));
    biff_label(r, BIFF_8, 1, 0, "a");
    biff_label(r, BIFF_8, 1, 1, "a");
    biff_number(r, 2, 0, 0, 1);
    biff_number(r, 3, 1, 0, 2);
    biff_number(r, 5, 0, 0, 3);
    check("header", &b, &how, "a|a_2\n3:1|\n4:|2\n5:|\n6:3|\n",
        "leading_blank_rows=1 header_repaired=1 hidden_rows=1");
    how.args.header_row = 3;
    check("header in row 3", &b, &how, "1|column_2\n4:|2\n5:|\n6:3|\n",
        "header_repaired=1 hidden_rows=1");
    how.args.header_row = 9;
    check("header below the data", &b, &how,
        "header_row 9: sheet 'Sheet1' of 't.xls' has no values in that row or below", "");
    biff_deinit(&b);
}

static void unordered(void **state)
{
    struct biff b;
    struct buf *r;

    (void)state;
    biff_init(&b, BIFF_8);
    r = &b.sheets[0].rows;
    biff_number(r, 4, 0, 0, 5);
    biff_number(r, 0, 2, 0, 3);
    biff_number(r, 0, 0, 0, 1);
    biff_number(r, 4, 0, 0, 6);
    biff_label(r, BIFF_8, 2, 1, "mid");
    check("unordered", &b, &no_header,
        "A|B|C\n1:n:1|_:|n:3\n2:_:|_:|_:\n3:_:|t:mid|_:\n4:_:|_:|_:\n5:n:6|_:|_:\n",
        "unordered_rows=1 duplicate_cells=1");
    biff_deinit(&b);
}

static void merged(void **state)
{
    static const char ranges[] = "\2\0"
                                 "\0\0\1\0\0\0\1\0"
                                 "\3\0\3\0\2\0\3\0";
    struct read_how how = { .name = "t.xls", .types = true, .args = { .merged = MERGED_FILL } };
    struct biff b;
    struct buf *r;

    (void)state;
    biff_init(&b, BIFF_8);
    r = &b.sheets[0].rows;
    biff_number(r, 0, 0, 0, 1);
    biff_number(r, 2, 0, 0, 9);
    biff_label(r, BIFF_8, 3, 2, "w");
    biff_record(r, XLS_MERGEDCELLS, ranges, sizeof ranges - 1);
    check("filled", &b, &how,
        "A|B|C|D\n1:n:1|n:1|_:|_:\n2:n:1|n:1|_:|_:\n3:n:9|_:|_:|_:\n4:_:|_:|t:w|t:w\n", "");
    check("not filled", &b, &no_header,
        "A|B|C\n1:n:1|_:|_:\n2:_:|_:|_:\n3:n:9|_:|_:\n4:_:|_:|t:w\n", "");
    biff_deinit(&b);
}

static void sheets(void **state)
{
    struct read_how how = no_header;
    struct biff b;

    (void)state;
    biff_init(&b, BIFF_8);
    b.sheets[0] = (struct biff_sheet){ "Chart", 0, 2, b.sheets[0].rows };
    b.sheets[1] = (struct biff_sheet){ "Secret", 2, 0, b.sheets[1].rows };
    b.sheets[2] = (struct biff_sheet){ "Data", 0, 0, b.sheets[2].rows };
    b.sheets[3] = (struct biff_sheet){ "Macro", 0, 1, b.sheets[3].rows };
    biff_number(&b.sheets[1].rows, 0, 0, 0, 42);
    /* A chart inside the sheet has cells of its own. */
    biff_bof(&b.sheets[2].rows, BIFF_8, 0x20);
    biff_number(&b.sheets[2].rows, 0, 5, 0, 13);
    biff_record(&b.sheets[2].rows, XLS_NUMBER, "x", 1);
    biff_record(&b.sheets[2].rows, XLS_EOF, "", 0);
    biff_number(&b.sheets[2].rows, 0, 0, 0, 7);
    check("first visible", &b, &how, "A\n1:n:7\n", "skipped_sheets=1");
    how.args.sheet = "secret";
    check("hidden, by name", &b, &how, "A\n1:n:42\n", "");
    how.args.sheet = "3";
    check("by number", &b, &how, "A\n1:n:7\n", "");
    how.args.sheet = "Chart";
    check("a chart", &b, &how, "'t.xls': the sheet 'Chart' holds a chart and no cells", "");
    how.args.sheet = "Macro";
    check("a macro sheet", &b, &how, "'t.xls': the sheet 'Macro' is a macro or dialog sheet", "");
    how.args.sheet = "Dta";
    check("a typo", &b, &how,
        "'t.xls' has no sheet 'Dta'; did you mean 'Data'? Available: Chart, Secret, Data, Macro",
        "");
    biff_deinit(&b);
}

static void errors_of_cells(void **state)
{
    struct read_how how = no_header;
    struct biff b;

    (void)state;
    biff_init(&b, BIFF_8);
    biff_number(&b.sheets[0].rows, 0, 0, 0, 7);
    biff_cell(&b.sheets[0].rows, XLS_BOOLERR, 0, 1, 0, 2);
    buf_add(&b.sheets[0].rows, "\x17\1", 2);
    how.args.errors = ERRORS_BLANK;
    check("blank", &b, &how, "A|B\n1:n:7|_:\n", "");
    how.args.errors = ERRORS_FAIL;
    check("fail", &b, &how, "'t.xls': cell B1 of sheet 'Sheet1' holds the error #REF!", "");
    biff_deinit(&b);
}

/* ---- Versions -------------------------------------------------------------------------------- */

static void codepages(void **state)
{
    static const struct {
        unsigned page; /* 0: no record. */
        const char *bytes, *want, *warnings;
    } pages[] = {
        { 0, "caf\xE9 \x80", "caf\xC3\xA9 \xE2\x82\xAC", "" },
        { 1252, "\x93", "\xE2\x80\x9C", "" },
        { 1251, "\xCF\xF0", "\xD0\x9F\xD1\x80", "" },
        { 10000, "\x8E", "\xC3\xA9", "" },
        { 32768, "\x8E", "\xC3\xA9", "" },
        { 932, "\x93\xFA\x96\x7B!", "\xE6\x97\xA5\xE6\x9C\xAC!", "" },
        { 932, "a\x93", "a\xEF\xBF\xBD", "" },
        { 60000, "\xE9", "\xC3\xA9", "unknown_codepage=1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        char want[64];
        struct biff b;

        biff_init(&b, BIFF_5);
        if (pages[i].page) {
            cfb_make_16(&b.globals, XLS_CODEPAGE);
            cfb_make_16(&b.globals, 2);
            cfb_make_16(&b.globals, pages[i].page);
        }
        biff_label(&b.sheets[0].rows, BIFF_5, 0, 0, pages[i].bytes);
        snprintf(want, sizeof want, "A\n1:t:%s\n", pages[i].want);
        check("code page", &b, &no_header, want, pages[i].warnings);
        biff_deinit(&b);
    }
}

static void date_system(void **state)
{
    struct biff b;

    (void)state;
    biff_init(&b, BIFF_8);
    add_styles(&b);
    biff_record(&b.globals, XLS_DATEMODE, "\1\0", 2);
    biff_number(&b.sheets[0].rows, 0, 0, 1, 42735);
    biff_number(&b.sheets[0].rows, 0, 1, 3, 1.5);
    check("1904", &b, &no_header, "A|B\n1:d:2021-01-01|d:36:00:00\n", "");
    biff_deinit(&b);
}

static void not_read(void **state)
{
    static const struct {
        const char *label, *bytes;
        size_t n;
        const char *want;
    } streams[] = {
        { "Excel 4", B("\x09\x04\6\0\0\0\x10\0\0\0"),
            "'t.xls' is a workbook of Excel 4, which is too old to be read; open it in Excel or "
            "LibreOffice and save it as .xlsx" },
        { "Excel 3 in a later record", B("\x09\x08\6\0\0\3\x10\0\0\0"),
            "'t.xls' is a workbook of Excel 3, which is too old to be read; open it in Excel or "
            "LibreOffice and save it as .xlsx" },
        { "encrypted", B("\x09\x08\4\0\0\6\5\0\x2F\0\2\0\0\0"),
            "t.xls is a password-protected workbook; save it without the password" },
        { "nothing", B(""), "'t.xls' holds an empty workbook" },
        { "no sheets", B("\x09\x08\4\0\0\6\5\0\x0A\0\0\0"), "'t.xls' has no sheets" },
        { "something else", B("hello, this is text"),
            "'t.xls' is damaged: a record is cut (byte 0 of its workbook)" },
        { "another record first", B("\x0A\0\0\0"),
            "'t.xls' is damaged: it does not begin as a workbook (byte 0 of its workbook)" },
        { "cut in a record", B("\x09\x08\4\0\0\6\5\0\x85\0\x20\0\0"),
            "'t.xls' is damaged: a record is cut (byte 8 of its workbook)" },
        { "a sheet of no name", B("\x09\x08\4\0\0\6\5\0\x85\0\2\0\0\0\x0A\0\0\0"),
            "'t.xls' is damaged: the name of a sheet is cut (byte 8 of its workbook)" },
        { "a sheet that is nowhere",
            B("\x09\x08\4\0\0\6\5\0\x85\0\x09\0\0\1\0\0\0\0\1\0S\x0A\0\0\0"),
            "'t.xls': the sheet 'S' is listed in the workbook, but its part is missing" },
    };
    struct cfb_make_stream other[] = { { "VisioDocument", "x", 1 }, { NULL, NULL, 0 } };
    struct buf file;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        struct cfb_make_stream s[] = { { "Workbook", streams[i].bytes, streams[i].n },
            { NULL, NULL, 0 } };

        buf_init(&file, 1 << 20);
        cfb_make(&file, s, 9);
        check_file(streams[i].label, &file, &no_header, streams[i].want, "");
        buf_deinit(&file);
    }
    buf_init(&file, 1 << 20);
    cfb_make(&file, other, 9);
    check_file("Visio", &file, &no_header,
        "t.xls is an OLE document without a workbook in it; an Excel workbook or a text table "
        "(CSV, "
        "TSV) is needed",
        "");
    buf_deinit(&file);
}

static void damaged_cells(void **state)
{
    static const struct {
        const char *label;
        unsigned id;
        const char *bytes;
        size_t n;
        const char *what;
    } cells[] = {
        { "a number", XLS_NUMBER, B("\0\0\0\0\0\0\0"), "a cell is cut" },
        { "a formula", XLS_FORMULA, B("\0\0\0\0\0\0\0\0\0\0\0\0\0"), "a cell is cut" },
        { "numbers", XLS_MULRK, B("\0\0\0\0\0\0"), "a cell is cut" },
        { "a text", XLS_LABEL, B("\0\0\0\0\0\0\5\0\0ab"), "the text of a cell is cut" },
        { "a column", XLS_BOOLERR, B("\0\0\xFF\xFF\0\0\1\0"),
            "a cell lies beyond the last column" },
        { "ranges", XLS_MERGEDCELLS, B("\2\0\0\0\1\0\0\0\1\0"), "a list of merged cells is cut" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        struct read_how how = no_header;
        char want[128];
        struct biff b;

        how.args.merged = MERGED_FILL;
        biff_init(&b, BIFF_8);
        biff_record(&b.sheets[0].rows, cells[i].id, cells[i].bytes, cells[i].n);
        snprintf(
            want, sizeof want, "'t.xls' is damaged: %s (byte 46 of its workbook)", cells[i].what);
        check(cells[i].label, &b, &how, want, "");
        biff_deinit(&b);
    }
}

static void stray_cell(void **state)
{
    struct biff b;

    (void)state;
    biff_init(&b, BIFF_8);
    biff_number(&b.sheets[0].rows, 65535, 16383, 0, 1);
    check("far", &b, &no_header,
        "'t.xls': sheet 'Sheet1' reaches to row 65536 and column 16384 but is nearly empty; delete "
        "the stray cells far from the table",
        "");
    biff_deinit(&b);
}

/* 65,536 rows, and too little memory for the workbook. */
static void large(void **state)
{
    struct read_how how = no_header;
    struct read_table t;
    struct buf file;
    struct biff b;

    (void)state;
    biff_init(&b, BIFF_8);
    for (unsigned row = 0; row < 65536; row++)
        biff_number(&b.sheets[0].rows, row, 255, 0, row);
    buf_init(&file, 1 << 26);
    biff_file(&b, &file);
    read_table(file.data, file.len, &how, &t);
    assert_true(t.ok);
    assert_int_equal(t.rows, 65536);
    read_table_close(&t);
    how.budget = 1 << 20;
    check_file("budget", &file, &how, "'t.xls' needs more memory than the limit allows", "");
    how.budget = 0;
    how.name = "t.csv";
    read_table(file.data, file.len, &how, &t);
    assert_true(t.ok);
    assert_string_equal(buf_str(&t.warnings), "suffix_mismatch=1");
    read_table_close(&t);
    buf_deinit(&file);
    biff_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(formulas),
        cmocka_unit_test(continued_text),
        cmocka_unit_test(shared_strings_cut_anywhere),
        cmocka_unit_test(shared_strings_that_lie),
        cmocka_unit_test(headers_and_hidden_rows),
        cmocka_unit_test(unordered),
        cmocka_unit_test(merged),
        cmocka_unit_test(sheets),
        cmocka_unit_test(errors_of_cells),
        cmocka_unit_test(codepages),
        cmocka_unit_test(date_system),
        cmocka_unit_test(not_read),
        cmocka_unit_test(damaged_cells),
        cmocka_unit_test(stray_cell),
        cmocka_unit_test(large),
    };

    return cmocka_run_group_tests_name("xls_read", tests, NULL, NULL);
}
