/*
 * XLSX workbooks in: cells that are taken in runs are what they are when they are taken one by one. A
 * blank before each cell is nothing but the end of every run.
 */
#include "book_make.h"
#include "chance.h"
#include "read_table.h"

enum { BOOKS = 60, ROWS = 200, MAX_CELLS = 12, STRINGS = 300 };

#define CYRILLIC "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"
#define TOKYO "\xe6\x9d\xb1\xe4\xba\xac"
#define SMILE "\xf0\x9f\x98\x80"
#define TEXT31 "abcdefghijklmnopqrstuvwxyz01234"
#define INLINE(text) " t=\"inlineStr\"><is><t>" text "</t></is></c>"

/* What may stand behind <c r="B7". */
static const char *const contents[] = { "><v>1</v></c>", "><v>12345.67</v></c>", "><v>-0</v></c>",
    "><v>-3.5</v></c>", "><v>1234567</v></c>", "><v>12345678</v></c>", "><v>0.1234567</v></c>",
    "><v>0.12345678</v></c>", "><v>8734.450000000001</v></c>", "><v>9007199254740993</v></c>",
    "><v>12345678901234567890</v></c>", "><v>1e300</v></c>", "><v>1E-5</v></c>", "><v>.5</v></c>",
    "><v>5.</v></c>", "><v>007</v></c>", "><v> 7 </v></c>", "><v>7 </v></c>", "><v>+7</v></c>",
    "><v>seven</v></c>", "><v></v></c>", "><v/></c>", "></c>", "/>", " s=\"1\"/>",
    " t=\"n\"><v>42</v></c>", " s=\"1\"><v>42.25</v></c>", " s=\"2\"><v>45000</v></c>",
    " s=\"2\"><v>45000.5</v></c>", " s=\"2\"><v>60</v></c>", " s=\"2\"><v>61</v></c>",
    " s=\"2\"><v>0.5</v></c>", " s=\"2\"><v>-1</v></c>", " s=\"2\"><v>2958465</v></c>",
    " s=\"2\"><v>2958466</v></c>", " s=\"2\"><v>99999999999</v></c>",
    " s=\"2\" t=\"n\"><v>45001</v></c>", " s=\"3\"><v>45000</v></c>", " s=\"4\"><v>45000</v></c>",
    " s=\"5\"><v>1.5</v></c>", " s=\"99\"><v>45000</v></c>", " s=\"12345\"><v>45000</v></c>",
    " s=\"4294967297\"><v>45000</v></c>", " s=\"\"><v>1</v></c>", " s=\"x\"><v>1</v></c>",
    " t=\"s\"><v>0</v></c>", " t=\"s\"><v>7</v></c>", " s=\"2\" t=\"s\"><v>299</v></c>",
    " t=\"s\" s=\"2\"><v>5</v></c>", " t=\"s\"><v>1</v></c>", " t=\"s\"><v>300</v></c>",
    " t=\"s\"><v>12345678</v></c>", " t=\"s\"><v>-1</v></c>", " t=\"s\"><v>1.5</v></c>",
    " t=\"s\"><v>007</v></c>", " t=\"s\"><v></v></c>", " t=\"s\"/>", " t=\"b\"><v>0</v></c>",
    " t=\"b\"><v>1</v></c>", " t=\"b\"><v>2</v></c>", " t=\"b\"><v>true</v></c>",
    " t=\"b\"><v>10</v></c>", " t=\"e\"><v>#N/A</v></c>", " t=\"str\"><v>a formula's</v></c>",
    " t=\"d\"><v>2024-01-31</v></c>", "><f>A1+1</f><v>5</v></c>", "><f>A1+1</f></c>", INLINE("x"),
    INLINE(""), INLINE(" x"), INLINE("x "), INLINE(" "), INLINE("a b, \"c\" > d"),
    INLINE("a&amp;b"), INLINE("a&#10;b"), INLINE("a\nb"), INLINE("a\tb"), INLINE("a\x01"),
    INLINE("<b/>"), INLINE("snake_case_"), INLINE("_x0041_"), INLINE("a_x0041"),
    INLINE("trailing_"), INLINE(TEXT31), INLINE(TEXT31 "5"), INLINE(TEXT31 "56"),
    INLINE(TEXT31 "&amp;" TEXT31), INLINE(TEXT31 " _x0041_ " TEXT31),
    INLINE(TEXT31 TEXT31 TEXT31 TEXT31 " "),
    INLINE(TEXT31 TEXT31 TEXT31 TEXT31 TEXT31 TEXT31 TEXT31), INLINE(CYRILLIC),
    INLINE(CYRILLIC " " CYRILLIC CYRILLIC), INLINE(TOKYO), INLINE(TOKYO CYRILLIC "a" TOKYO),
    INLINE(SMILE), INLINE("a" SMILE TOKYO), INLINE("abcdefghijklmnopqrstuvwxyz01" TOKYO),
    INLINE("abcdefghijklmnopqrstuvwxyz012"
           "\xc3\xa9"),
    INLINE("\xe0\xa4\xb9\xed\x9f\xbf\xef\xbf\xbd"),
    " t=\"inlineStr\"><is><t xml:space=\"preserve\"> kept </t></is></c>",
    " t=\"inlineStr\"><is><r><t>for</t></r><r><t>matted</t></r></is></c>",
    "><!-- none --><v>3</v></c>", " ><v>3</v></c>", "><v >3</v></c>" };

/* Each ends the reading, with the same words either way. */
static const char *const damages[] = { INLINE("\xc3"), INLINE("a\xe6\x9d"), INLINE("\xc0\xaf"),
    INLINE("\xed\xa0\x80"), INLINE("\xf5\x80\x80\x80"), INLINE("\x80"), INLINE("\xff"),
    INLINE("\xf0\x9f\x98"), INLINE("\xe0\x80\x80"), INLINE("abcdefghijklmnopqrstuvwxyz01234\xc3"),
    INLINE("abcdefghijklmnopqrstuvwxyz0123\xe6\x9d"), INLINE(TEXT31 TEXT31 "\xff"),
    INLINE("&none;"), "><v>1</w></c>", "><v>1</v></d>", " t=\"s\"><v>1</v></C>",
    " t=\"b\"><v>1</v></C>", " t=\"inlineStr\"><is><t>x</t></is></C>",
    " t=\"inlineStr\"><is><t>x</t></iS></c>" };

static const char formats[] =
    "<numFmts><numFmt numFmtId=\"170\" formatCode=\"0.000\"/></numFmts>"
    "<cellXfs><xf/><xf numFmtId=\"2\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/>"
    "<xf numFmtId=\"46\"/><xf numFmtId=\"170\"/></cellXfs>";

static uint64_t state_of_chance;

static unsigned one_of(unsigned n)
{
    return chance(&state_of_chance) % n;
}

/* "AB": a column from 0 as letters. */
static const char *column_name(unsigned col, char out[4])
{
    schema_letter(col, out);
    return out;
}

/* A row by chance: cells mostly one after the other, some left out, few out of order. */
static void add_row(struct buf *plain, struct buf *blanks, unsigned row)
{
    unsigned n = one_of(MAX_CELLS), col = one_of(8) ? 0 : one_of(30);
    char name[4];

    buf_addf(plain, "<row r=\"%u\">", row);
    buf_addf(blanks, "<row r=\"%u\">", row);
    for (unsigned i = 0; i < n; i++) {
        const char *content = contents[one_of(ARRAY_LEN(contents))];

        if (row == 1) /* Names that are never changed, so that the tables differ in nothing else. */
            content = " t=\"inlineStr\"><is><t>n</t></is></c>";
        buf_addf(plain, "<c r=\"%s%u\"%s", column_name(col, name), row, content);
        buf_addf(blanks, "%s<c r=\"%s%u\"%s", i % 2 ? "\n" : " ", name, row, content);
        col += one_of(9) ? 1 : one_of(4) ? 1 + one_of(30) : 0;
        if (one_of(60) == 0)
            col = one_of(col + 1);
    }
    buf_adds(plain, "</row>");
    buf_adds(blanks, "</row>");
}

static char *shared_strings(void)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    for (unsigned i = 0; i < STRINGS; i++)
        buf_addf(&out, i == 1 ? "<si><t/></si>" : "<si><t>text %u</t></si>", i);
    assert_false(out.failed);
    return out.data;
}

/* The two tables cell by cell, number formats and all. */
static void compare(const char *plain, const char *blanks, const char *strings, bool date1904,
    int merged, unsigned seed)
{
    static const char in1904[] =
        XML_HEAD "<workbook xmlns=\"" MAIN_NS "\" xmlns:r=\"" REL_NS
                 "\"><workbookPr date1904=\"1\"/><sheets><sheet name=\"Data\" sheetId=\"1\" "
                 "r:id=\"rId1\"/></sheets></workbook>";
    const char *rows[] = { plain, blanks };
    struct formats *known = formats_new();
    struct warnings *warnings[2] = { warn_new(), warn_new() };
    struct buf told[2];
    struct source *s[2];
    struct batch *b[2];
    struct err err;

    assert_non_null(known);
    for (int k = 0; k < 2; k++) {
        struct book book = { .rows = rows[k],
            .strings = strings,
            .formats = formats,
            .workbook = date1904 ? in1904 : NULL,
            .after = "<mergeCells><mergeCell ref=\"A3:B9\"/></mergeCells>",
            .deflate = true };
        struct read_how how = { .name = "book.xlsx",
            .args = { .header_row = 1, .merged = merged } };
        struct source_env env = { .formats = known, .warnings = warnings[k], .tmp_dir = "/tmp" };
        struct buf places;
        int fd = book_file(&book);

        assert_non_null(warnings[k]);
        if (!source_open(fd, "book.xlsx", &how.args, &env, &s[k], &err))
            fail_msg("%u: %s", seed, err.text);
        while (source_next(s[k], &b[k], &err) && b[k])
            ;
        assert_null(b[k]);
        buf_init(&told[k], 1 << 20);
        buf_init(&places, 1 << 20);
        read_table_warnings(warnings[k], &told[k], &places);
        buf_adds(&told[k], buf_str(&places));
        buf_deinit(&places);
        assert_true(source_rewind(s[k], &err));
    }
    assert_string_equal(buf_str(&told[0]), buf_str(&told[1]));
    for (int k = 0; k < 2; k++)
        buf_deinit(&told[k]);
    assert_int_equal(source_schema(s[0])->n_columns, source_schema(s[1])->n_columns);
    do {
        assert_true(source_next(s[0], &b[0], &err));
        assert_true(source_next(s[1], &b[1], &err));
        assert_int_equal(!b[0], !b[1]);
        assert_int_equal(b[0] ? b[0]->n_rows : 0, b[0] ? b[1]->n_rows : 0);
        for (uint32_t i = 0; b[0] && i < b[0]->n_rows; i++) {
            for (uint32_t c = 0; c < b[0]->n_columns; c++) {
                const struct cell *p = &b[0]->columns[c][i], *q = &b[1]->columns[c][i];

                if (!cell_same(p, q) || p->format != q->format)
                    fail_msg(
                        "%u: row %u, column %u differs", seed, (unsigned)batch_row(b[0], i), c);
            }
        }
    } while (b[0]);
    for (int k = 0; k < 2; k++) {
        source_close(s[k]);
        warn_free(warnings[k]);
    }
    formats_free(known);
}

static void runs_are_cells(void **state)
{
    char *strings = shared_strings();

    (void)state;
    for (unsigned seed = 1; seed <= BOOKS; seed++) {
        struct buf plain, blanks;

        state_of_chance = seed;
        buf_init(&plain, 1 << 24);
        buf_init(&blanks, 1 << 24);
        add_row(&plain, &blanks, 1);
        for (unsigned row = 2; row < ROWS; row++)
            add_row(&plain, &blanks, row);
        buf_adds(&plain, "<row r=\"201\"><c r=\"A201\"><v>1</v></c></row>");
        buf_adds(&blanks, "<row r=\"201\"><c r=\"A201\"><v>1</v></c></row>");
        assert_false(plain.failed || blanks.failed);
        compare(buf_str(&plain), buf_str(&blanks), strings, seed % 4 == 0,
            seed % 3 ? MERGED_TOP_LEFT : MERGED_FILL, seed);
        buf_deinit(&plain);
        buf_deinit(&blanks);
    }
    free(strings);
}

/* Every shape as the second cell of a row, with enough behind it that no window ends. */
static void each_shape(void **state)
{
    char *strings = shared_strings();
    struct buf plain, blanks;

    (void)state;
    buf_init(&plain, 1 << 20);
    buf_init(&blanks, 1 << 20);
    for (unsigned row = 1; row <= ARRAY_LEN(contents) + 1; row++) {
        const char *content = row == 1 ? INLINE("n") : contents[row - 2];

        for (int k = 0; k < 2; k++)
            buf_addf(k ? &blanks : &plain,
                "<row r=\"%u\"><c r=\"A%u\"><v>1</v></c>%s<c r=\"B%u\"%s%s<c "
                "r=\"AA%u\"><v>2</v></c>"
                "</row>",
                row, row, k ? " " : "", row, content, k ? " " : "", row);
    }
    compare(buf_str(&plain), buf_str(&blanks), strings, false, MERGED_TOP_LEFT, 0);
    compare(buf_str(&plain), buf_str(&blanks), strings, true, MERGED_FILL, 0);
    buf_deinit(&plain);
    buf_deinit(&blanks);
    free(strings);
}

static void damage_is_found_in_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct read_how how = { .name = "book.xlsx", .args = { .header_row = 1 } };
        struct read_table t[2];

        for (int k = 0; k < 2; k++) {
            struct book book = { .strings = "<si><t>a</t></si><si><t>b</t></si>" };
            struct buf rows;

            /* Far down, where the look at the first rows does not find it. */
            buf_init(&rows, 1 << 20);
            for (unsigned row = 1; row < 40; row++)
                buf_addf(&rows, "<row r=\"%u\"><c r=\"A%u\"%s%s<c r=\"B%u\"%s</row>", row, row,
                    INLINE("a"), k ? " " : "", row, row == 20 ? damages[i] : INLINE("b"));
            book.rows = buf_str(&rows);
            read_table_from(book_file(&book), &how, &t[k]);
            buf_deinit(&rows);
        }
        if (t[0].ok || t[1].ok)
            fail_msg("%s: it was read", damages[i]);
        for (int k = 0; k < 2; k++) {
            char *byte = strstr(t[k].err.text, " (byte ");

            if (byte)
                *byte = '\0';
        }
        assert_string_equal(t[0].err.text, t[1].err.text);
        read_table_close(&t[0]);
        read_table_close(&t[1]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_cells),
        cmocka_unit_test(each_shape),
        cmocka_unit_test(damage_is_found_in_runs),
    };

    return cmocka_run_group_tests_name("xlsx_run", tests, NULL, NULL);
}
