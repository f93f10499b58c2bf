/*
 * XLSX workbooks in: sheets that are larger than the window, and the ways through them, which must
 * agree.
 */
#include "book_make.h"
#include "read_table.h"

#include "formats/xlsx_sheet.h"
#include "table/hash.h"

enum { ROWS = 41000 };

/* How the same table is written: every writer has its habits. */
struct habit {
    const char *label;
    const char *row, *row_end; /* row: with %u for its number, where it has one. */
    const char *number, *text, *blank, *date;
    const char *head, *tail; /* Of the part. */
    bool unordered;
    const char *warnings;
};

static const struct habit habits[] = {
    { "as Excel writes", "<row r=\"%u\" spans=\"1:4\">", "</row>", "<c r=\"%s%u\"><v>%g</v></c>",
        "<c r=\"%s%u\" t=\"str\"><v>%s</v></c>", "<c r=\"%s%u\" s=\"2\"/>",
        "<c r=\"%s%u\" s=\"1\"><v>%g</v></c>", "<worksheet><sheetData>", "</sheetData></worksheet>",
        false, "" },
    { "with a prefix", "<x:row r=\"%u\">", "</x:row>", "<x:c r=\"%s%u\"><x:v>%g</x:v></x:c>",
        "<x:c r=\"%s%u\" t=\"inlineStr\"><x:is><x:t>%s</x:t></x:is></x:c>", "",
        "<x:c r=\"%s%u\" s=\"1\"><x:v>%g</x:v></x:c>", "<x:worksheet><x:sheetData>",
        "</x:sheetData></x:worksheet>", false, "" },
    { "with a long prefix", "<a.very-long.prefix_of-the.main:row r=\"%u\">",
        "</a.very-long.prefix_of-the.main:row>",
        "<a.very-long.prefix_of-the.main:c r=\"%s%u\"><a.very-long.prefix_of-the.main:v>%g"
        "</a.very-long.prefix_of-the.main:v></a.very-long.prefix_of-the.main:c>",
        "<a.very-long.prefix_of-the.main:c r=\"%s%u\" "
        "t=\"str\"><a.very-long.prefix_of-the.main:v>%s"
        "</a.very-long.prefix_of-the.main:v></a.very-long.prefix_of-the.main:c>",
        "",
        "<a.very-long.prefix_of-the.main:c r=\"%s%u\" s=\"1\"><a.very-long.prefix_of-the.main:v>%g"
        "</a.very-long.prefix_of-the.main:v></a.very-long.prefix_of-the.main:c>",
        "<a.very-long.prefix_of-the.main:worksheet><a.very-long.prefix_of-the.main:sheetData>",
        "</a.very-long.prefix_of-the.main:sheetData></a.very-long.prefix_of-the.main:worksheet>",
        false, "" },
    { "with formatted texts", "<row r=\"%u\" >", "</row>", "<c r=\"%s%u\" ><v>%g</v></c>",
        "<c r=\"%s%u\" t=\"inlineStr\"><is><r><rPr><sz val=\"9\"></sz><color rgb=\"0\"/><rFont "
        "val=\"x\"/></rPr><t>%s</t></r></is></c>",
        "<c r=\"%s%u\" s=\"2\" />", "<c r=\"%s%u\" s=\"1\" ><v>%g</v></c>",
        "<worksheet><sheetData>", "</sheetData></worksheet>", false, "" },
    { "set out for people", " <row\n  r=\"%u\">\n", " </row>\n",
        "  <c\tr=\"%s%u\">\n   <v>%g</v>\n  </c>\n",
        "  <c t='inlineStr' r='%s%u'>\n   <is><t>%s</t></is>\n  </c>\n", "  <c r=\"%s%u\"></c>\n",
        "  <c s=\"1\" r=\"%s%u\"><v> %g </v></c>\n", "<worksheet>\n<sheetData>\n",
        "</sheetData>\n</worksheet>\n", false, "" },
    { "with comments and CDATA", "<!-- <c r=\"Z9\"><v>1</v></c> --><row r=\"%u\">", "</row>",
        "<c r=\"%s%u\"><v>%g</v></c>", "<c r=\"%s%u\" t=\"str\"><v><![CDATA[%s]]></v></c>",
        "<!--x-->", "<c r=\"%s%u\" s=\"1\"><v>%g</v></c>", "<worksheet><sheetData>",
        "</sheetData></worksheet>", false, "" },
    { "with rows from the last to the first", "<row r=\"%u\">", "</row>",
        "<c r=\"%s%u\"><v>%g</v></c>", "<c r=\"%s%u\" t=\"str\"><v>%s</v></c>", "",
        "<c r=\"%s%u\" s=\"1\"><v>%g</v></c>", "<worksheet><sheetData>", "</sheetData></worksheet>",
        true, "unordered_rows=1" },
};

static const char *const letters[] = { "A", "B", "C", "AB" };

static void add_row(struct buf *out, const struct habit *h, unsigned row)
{
    char text[64];

    buf_addf(out, h->row, row);
    if (row == 1) {
        for (size_t i = 0; i < ARRAY_LEN(letters); i++)
            buf_addf(out, h->text, letters[i], row, letters[i]);
    } else {
        buf_addf(out, h->number, "A", row, row * 0.25);
        if (row % 7)
            buf_addf(out, h->date, "B", row, 40000.0 + row % 1000);
        else if (*h->blank)
            buf_addf(out, h->blank, "B", row);
        /* Lengths that change from row to row put the cells everywhere on the window's border. */
        snprintf(text, sizeof text, "text %.*s %u", (int)(row * 7 % 31),
            "abcdefghijklmnopqrstuvwxyzabcdefgh", row);
        buf_addf(out, h->text, "C", row, text);
        if (row == 40000)
            buf_addf(out, h->number, "AB", row, 1.0);
    }
    buf_adds(out, h->row_end);
}

static void all_habits_agree(void **state)
{
    struct hash128 first = { 0, 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(habits); i++) {
        const struct habit *h = &habits[i];
        struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 }, .types = true };
        struct book book = { .deflate = true,
            .formats = "<cellXfs><xf/><xf numFmtId=\"14\"/><xf/></cellXfs>" };
        struct read_table t;
        struct hash128 hash;
        struct buf sheet;

        buf_init(&sheet, 64 << 20);
        buf_adds(&sheet, h->head);
        for (unsigned k = 0; k < ROWS; k++)
            add_row(&sheet, h, h->unordered ? ROWS - k : k + 1);
        buf_adds(&sheet, h->tail);
        assert_false(sheet.failed);
        book.sheet = buf_str(&sheet);
        read_table_from(book_file(&book), &how, &t);
        if (!t.ok)
            fail_msg("%s: %s", h->label, t.err.text);
        assert_int_equal(t.rows, ROWS - 1);
        hash = hash_bytes(buf_str(&t.text), t.text.len);
        if (i == 0)
            first = hash;
        /* The unused columns between are named after their place. */
        assert_non_null(strstr(buf_str(&t.text), "A|B|C|column_4|"));
        assert_non_null(strstr(buf_str(&t.text), "\n40000:n:10000|d:2009-07-06|t:text "));
        if (hash.lo != first.lo || hash.hi != first.hi)
            fail_msg("%s: another table", h->label);
        if (strncmp(buf_str(&t.warnings), h->warnings, strlen(h->warnings)) != 0)
            fail_msg("%s: warnings are '%s'", h->label, buf_str(&t.warnings));
        read_table_close(&t);
        buf_deinit(&sheet);
    }
}

/* Texts of references only, so that where the window ends it mostly cuts one. */
static void references_on_the_border(void **state)
{
    static const struct {
        const char *label, *text;
    } cases[] = {
        { "as openpyxl writes", "<c r=\"A%u\" t=\"inlineStr\"><is><t>%s</t></is></c>" },
        { "in runs", "<c r=\"A%u\" t=\"inlineStr\"><is><r><t>%s</t></r></is></c>" },
        { "in a value", "<c r=\"A%u\" t=\"str\"><v>%s</v></c>" },
        { "in a value with an attribute", "<c r=\"A%u\" t=\"str\"><v x=\"1\">%s</v></c>" },
        { "behind a comment", "<c r=\"A%u\" t=\"str\"><!----><v>%s</v></c>" },
    };
    char text[12 * 30 + 1] = "";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
        struct book book = { .deflate = true };
        struct read_table t;
        struct buf sheet;

        buf_init(&sheet, 64 << 20);
        buf_adds(&sheet, "<worksheet><sheetData>");
        for (unsigned row = 1; row < 150000; row++) {
            unsigned n = 1 + row * 7 % 30;

            text[0] = '\0';
            for (unsigned k = 0; k < n; k++)
                memcpy(text + strlen(text), k % 3 ? "&#246;" : "&#x0000f6;", k % 3 ? 7 : 11);
            buf_addf(&sheet, "<row r=\"%u\">", row);
            buf_addf(&sheet, cases[i].text, row, text);
            buf_adds(&sheet, "</row>");
        }
        buf_adds(&sheet, "</sheetData></worksheet>");
        book.sheet = buf_str(&sheet);
        read_table_from(book_file(&book), &how, &t);
        if (!t.ok)
            fail_msg("%s: %s", cases[i].label, t.err.text);
        assert_int_equal(t.rows, 149998);
        assert_null(strchr(buf_str(&t.text), '&'));
        assert_non_null(strstr(buf_str(&t.text), "\n149999:öööö"));
        read_table_close(&t);
        buf_deinit(&sheet);
    }
}

/*
 * A cell that stands left of another and beyond all others: seen by the survey of a large sheet
 * too.
 */
static void disorder_in_a_large_sheet(void **state)
{
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
    struct book book = { .deflate = true };
    struct read_table t;
    struct buf sheet;

    (void)state;
    buf_init(&sheet, 64 << 20);
    buf_adds(&sheet, "<worksheet><sheetData>");
    for (unsigned row = 1; row < 150000; row++)
        buf_addf(&sheet,
            row == 77777 ? "<row r=\"%u\"><c r=\"D%u\"><v>9</v></c><c r=\"A%u\"><v>1</v></c></row>"
                         : "<row r=\"%u\"><c r=\"A%u\" t=\"str\"><v>x</v></c><c r=\"B%u\"/></row>",
            row, row, row);
    buf_adds(&sheet, "</sheetData></worksheet>");
    book.sheet = buf_str(&sheet);
    read_table_from(book_file(&book), &how, &t);
    assert_true(t.ok);
    assert_non_null(strstr(buf_str(&t.text), "x|column_2|column_3|column_4\n"));
    assert_non_null(strstr(buf_str(&t.text), "\n77777:1|||9\n77778:x|||\n"));
    assert_string_equal(buf_str(&t.warnings), "header_repaired=3");
    read_table_close(&t);
    buf_deinit(&sheet);
}

/* Constructs that are longer than what a block of unpacked bytes can carry over from the last one. */
static void long_constructs(void **state)
{
    static const unsigned lengths[] = { 16000, 17000, 300000, 700000, 130000 };
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
    struct book book = { .deflate = true };
    struct read_table t;
    struct buf sheet, want;

    (void)state;
    buf_init(&sheet, 64 << 20);
    buf_init(&want, 64 << 20);
    buf_adds(&sheet, "<worksheet><sheetData>");
    for (unsigned row = 1; row < 100000; row++) {
        if (row % 4001 == 0) {
            buf_adds(&sheet, "<!--");
            for (unsigned i = 0; i < lengths[row / 4001 % ARRAY_LEN(lengths)]; i++)
                buf_addc(&sheet, (char)('a' + i % 26));
            buf_adds(&sheet, "-->");
        }
        buf_addf(
            &sheet, "<row r=\"%u\"><c r=\"A%u\" t=\"str\"><v>x%u</v></c></row>", row, row, row);
        buf_addf(&want, row == 1 ? "x%u\n" : "%u:x%u\n", row, row);
    }
    buf_adds(&sheet, "</sheetData></worksheet>");
    book.sheet = buf_str(&sheet);
    read_table_from(book_file(&book), &how, &t);
    if (!t.ok)
        fail_msg("%s", t.err.text);
    assert_string_equal(buf_str(&t.text), buf_str(&want));
    read_table_close(&t);
    buf_deinit(&want);
    buf_deinit(&sheet);
}

/* What lies behind the rows is checked although a large sheet is only skimmed. */
static void a_large_sheet_that_is_cut(void **state)
{
    static const struct {
        const char *label, *tail, *want;
    } cases[] = {
        { "in a row", "<row r=\"150000\"><c r=\"A150000\"><v>1",
            "it ends in the middle of the cells" },
        { "between rows", "", "it ends in the middle of the cells" },
        { "behind the rows", "</sheetData><mergeCells>", "it ends before its last tag" },
        { "with a wrong end", "</sheetData></mergeCells></worksheet>",
            "an end tag does not match its start tag" },
    };
    struct buf rows;

    (void)state;
    buf_init(&rows, 64 << 20);
    buf_adds(&rows, "<worksheet><sheetData>");
    for (unsigned row = 1; row < 150000; row++)
        buf_addf(&rows, "<row r=\"%u\"><c r=\"A%u\" t=\"str\"><v>x</v></c></row>", row, row);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
        struct book book = { .deflate = true };
        size_t len = rows.len;
        struct read_table t;

        buf_adds(&rows, cases[i].tail);
        book.sheet = buf_str(&rows);
        read_table_from(book_file(&book), &how, &t);
        if (t.ok || !strstr(t.err.text, cases[i].want))
            fail_msg("%s: got '%s'", cases[i].label, t.ok ? "a table" : t.err.text);
        read_table_close(&t);
        rows.len = len;
        rows.data[len] = '\0';
    }
    buf_deinit(&rows);
}

/* Memory does not grow with the sheet. */
static void bounded_memory(void **state)
{
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 }, .budget = 2 << 20 };
    struct book book = { .deflate = true };
    struct read_table t;
    struct buf sheet;

    (void)state;
    buf_init(&sheet, 64 << 20);
    buf_adds(&sheet, "<worksheet><sheetData>");
    for (unsigned row = 1; row < 160000; row++)
        buf_addf(&sheet,
            "<row r=\"%u\"><c r=\"A%u\" t=\"str\"><v>a text of some length</v></c>"
            "<c r=\"B%u\"><v>%u</v></c></row>",
            row, row, row, row);
    buf_adds(&sheet, "</sheetData></worksheet>");
    assert_true(sheet.len > 12 << 20);
    book.sheet = buf_str(&sheet);
    read_table_from(book_file(&book), &how, &t);
    if (!t.ok)
        fail_msg("%s", t.err.text);
    assert_int_equal(t.rows, 159998);
    read_table_close(&t);
    buf_deinit(&sheet);
}

/* ---- The window's border, everywhere ---------------------------------------------------------- */

static const char all_shapes[] =
    "<?xml version=\"1.0\"?>\n<!-- a -->\n<worksheet xmlns=\"m\"><cols><col min='1' "
    "max=\"2\"/></cols>"
    "<sheetData><row r=\"1\" spans=\"1:3\" ht=\"15\"><c r=\"A1\" s=\"12\" t=\"s\"><v>345</v></c>"
    "<c r=\"B1\"><f>A1&lt;2</f><v>-12.5</v></c><c r=\"AB1\" t=\"str\"><v>x "
    "&#246;_x000D_&amp;</v></c></row>"
    "<row r=\"2\" hidden=\"1\"><c t=\"inlineStr\" r=\"A2\"><is><t xml:space=\"preserve\"> "
    "k&#xF6;ln </t></is>"
    "</c><c r=\"B2\" t=\"inlineStr\"><is><r><rPr><b/><sz val=\"9\"></sz></rPr><t> "
    "a&lt;</t></r><r><t>b "
    "</t></r><rPh sb=\"0\"><t>p</t></rPh></is></c><c r=\"C2\" t=\"e\"><v>#N/A</v></c></row>\n"
    " <row><!-- b --><c s=\"1\"/><c ><v><![CDATA[1]]>2</v></c><c r=\"D3\" t=\"b\" ><v>1</v></c>"
    "<x:c xmlns:x=\"m\"><x:v> 7 </x:v></x:c></row><?pi?><row r=\"9\"/><row r='10'><c r='A10'><f "
    "t=\"shared\" "
    "si=\"0\"/><v>1E-7</v></c><extLst><ext><c "
    "r=\"Z1\"/></ext></extLst></row></sheetData><mergeCells>"
    "<mergeCell ref=\"A1:B2\"/></mergeCells></worksheet>\n<!-- c -->";

static bool note_merge(void *arg, const struct sheet_range *range, struct err *err)
{
    (void)err;
    buf_addf(arg, "merged %u %u %u %u\n", range->row1, range->col1, range->row2, range->col2);
    return true;
}

/* What the scanner says of the part when its first window holds `cut` bytes. */
static void scan_cut(struct zip_reader *zip, size_t cut, struct buf *out)
{
    struct xml_input in = { .label = "book.xlsx", .part = "sheet", .cap = XML_WINDOW };
    enum sheet_event event = SHEET_ROW;
    struct sheet_scan scan;
    struct sheet_cell c;
    struct err err;
    size_t n;

    assert_true(zip_stream_open(zip, zip_read_at(zip, 0), &in.stream, &err));
    in.buf = in.window = calloc(1, in.cap);
    assert_non_null(in.buf);
    if (cut > 0)
        assert_true(zip_stream_read(in.stream, in.buf, cut, &n, &err) && n == cut);
    in.p = in.buf;
    in.end = in.buf + cut;
    {
        struct zip_stream *stream = in.stream;

        if (!sheet_open(&scan, &in, &err))
            fail_msg("cut at %zu: %s", cut, err.text);
        while (event != SHEET_END) {
            if (!sheet_next(&scan, &c, &event, &err))
                fail_msg("cut at %zu: %s", cut, err.text);
            if (event == SHEET_ROW)
                buf_addf(out, "row %u%s\n", scan.row, scan.row_hidden ? " hidden" : "");
            else if (event == SHEET_CELL)
                buf_addf(out, "%u,%u style %u type %u%s %g '%.*s'\n", c.row, c.col, c.style, c.type,
                    c.formula ? " formula" : "", c.has_number ? c.number : -1, (int)c.n,
                    c.n ? c.text : "");
        }
        if (!sheet_finish(&scan, note_merge, out, &err))
            fail_msg("cut at %zu: %s", cut, err.text);
        sheet_close(&scan);
        zip_stream_close(stream);
    }
}

static void every_cut(void **state)
{
    struct zip_make z = { .data = NULL };
    size_t n = sizeof all_shapes - 1;
    struct zip_reader *zip;
    struct buf whole, out;
    struct err err;
    int fd;

    (void)state;
    zip_make_add(&z, "sheet", all_shapes, n, 0);
    zip_make_end(&z);
    fd = zip_make_file(z.data, z.len);
    assert_true(zip_read_open(fd, "book.xlsx", NULL, NULL, &zip, &err));
    buf_init(&whole, 1 << 20);
    buf_init(&out, 1 << 20);
    scan_cut(zip, n, &whole);
    assert_non_null(strstr(buf_str(&whole), "merged 1 0 2 1\n"));
    assert_non_null(strstr(buf_str(&whole), "2,0 style 4294967295 type 5 -1 ' k\xc3\xb6ln '\n"));
    assert_non_null(strstr(buf_str(&whole), "2,1 style 4294967295 type 5 -1 'a<b'\n"));
    for (size_t cut = 0; cut < n; cut++) {
        buf_reset(&out);
        scan_cut(zip, cut, &out);
        if (strcmp(buf_str(&out), buf_str(&whole)) != 0)
            fail_msg("cut at %zu: another sheet", cut);
    }
    buf_deinit(&out);
    buf_deinit(&whole);
    zip_read_close(zip);
    close(fd);
    zip_make_free(&z);
}

/* Shared texts over many windows, in every shape, with lengths that put each on every border. */
static void shared_texts_on_the_border(void **state)
{
    static const char *const shapes[] = { "<si><t>%.*s</t></si>",
        "<si><t xml:space=\"preserve\">%.*s</t></si>", "<si><r><rPr/><t>%.*s</t></r></si>",
        "<si><t><![CDATA[%.*s]]></t></si>", "<si>\n<t>\n%.*s</t><rPh><t>no</t></rPh></si>",
        "<x:si><x:t>%.*s</x:t></x:si>", "<si><t>&#%.*s;&amp;</t></si>" };
    static const char filler[] = "49505152535455565748474645444342414039383736353433323";
    struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
    struct book book = { .deflate = true };
    struct buf strings, sheet, want;
    struct read_table t;

    (void)state;
    buf_init(&strings, 64 << 20);
    buf_init(&sheet, 64 << 20);
    buf_init(&want, 64 << 20);
    buf_adds(&strings, "<?xml version=\"1.0\"?><sst>");
    buf_adds(&sheet, "<worksheet><sheetData>");
    for (unsigned i = 0; i < 30000; i++) {
        unsigned shape = i % ARRAY_LEN(shapes);
        int n = shape == 6 ? 2 : (int)(1 + i * 5 % 50);

        buf_addf(&strings, shapes[shape], n, filler);
        buf_addf(&sheet, "<row r=\"%u\"><c r=\"A%u\" t=\"s\"><v>%u</v></c></row>", i + 1, i + 1, i);
        if (i > 0)
            buf_addf(&want, "%u:", i + 1);
        if (shape == 6)
            buf_adds(&want, "1&\n"); /* &#49; */
        else
            buf_addf(&want, "%.*s\n", n, filler);
    }
    buf_adds(&strings, "</sst>");
    buf_adds(&sheet, "</sheetData></worksheet>");
    book.sheet = buf_str(&sheet);
    book.strings = buf_str(&strings);
    read_table_from(book_file(&book), &how, &t);
    if (!t.ok)
        fail_msg("%s", t.err.text);
    assert_string_equal(buf_str(&t.text), buf_str(&want));
    read_table_close(&t);
    buf_deinit(&strings);
    buf_deinit(&sheet);
    buf_deinit(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_habits_agree),
        cmocka_unit_test(references_on_the_border),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(shared_texts_on_the_border),
        cmocka_unit_test(disorder_in_a_large_sheet),
        cmocka_unit_test(long_constructs),
        cmocka_unit_test(a_large_sheet_that_is_cut),
        cmocka_unit_test(bounded_memory),
    };

    return cmocka_run_group_tests_name("xlsx_stream", tests, NULL, NULL);
}
