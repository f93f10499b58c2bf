/*
 * XLSX workbooks in: sheets that are larger than the window, and the ways through them, which must
 * agree.
 */
#include "book_make.h"
#include "read_table.h"

#include "table/hash.h"

enum { ROWS = 45000 };

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
    for (unsigned row = 1; row < 200000; row++)
        buf_addf(&sheet,
            "<row r=\"%u\"><c r=\"A%u\" t=\"str\"><v>a text of some length</v></c>"
            "<c r=\"B%u\"><v>%u</v></c></row>",
            row, row, row, row);
    buf_adds(&sheet, "</sheetData></worksheet>");
    assert_true(sheet.len > 16 << 20);
    book.sheet = buf_str(&sheet);
    read_table_from(book_file(&book), &how, &t);
    if (!t.ok)
        fail_msg("%s", t.err.text);
    assert_int_equal(t.rows, 199998);
    read_table_close(&t);
    buf_deinit(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_habits_agree),
        cmocka_unit_test(references_on_the_border),
        cmocka_unit_test(disorder_in_a_large_sheet),
        cmocka_unit_test(a_large_sheet_that_is_cut),
        cmocka_unit_test(bounded_memory),
    };

    return cmocka_run_group_tests_name("xlsx_stream", tests, NULL, NULL);
}
