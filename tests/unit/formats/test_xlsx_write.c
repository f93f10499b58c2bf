/* Workbooks written by the XLSX sink, taken apart again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/sink.h"

#include "formats/xlsx_text.h"
#include "formats/xlsx_write_int.h"
#include "zip_parts.h"

#include <expat.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_COLUMNS = 8 };
#define CREATED INT64_C(1770379200123456789) /* 2026-02-06T12:00:00.123456789Z */

/* A table to be written: rows are cells after cells in row order. */
struct sheet {
    struct arena arena;
    struct schema *schema;
    struct sink_args args;
    struct batch *batch;
};

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/xlsx_write_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct err err;

    (void)state;
    return fs_remove_tree(folder, &err) ? 0 : -1;
}

static void begin(struct sheet *s, const char *const *names, uint32_t n)
{
    *s = (struct sheet){ .args = {
                             .format = FILE_XLSX,
                             .file_label = "in.csv",
                             .created_ns = CREATED,
                             .formats = formats_new(),
                             .warnings = warn_new(),
                             .info_sheet_name = "Info",
                             .auto_width = true,
                             .max_width = 50,
                         } };
    arena_init(&s->arena, NULL);
    s->schema = schema_new(&s->arena, n);
    s->batch = batch_new(&s->arena, n);
    assert_non_null(s->args.formats);
    assert_non_null(s->args.warnings);
    assert_non_null(s->schema);
    assert_non_null(s->batch);
    for (uint32_t j = 0; j < n; j++)
        s->schema->columns[j] = (struct column){ .name = names[j], .header = names[j] };
    s->batch->n_rows = 0;
    s->batch->first_row = 2;
}

static void add_row(struct sheet *s, const struct cell *cells)
{
    for (uint32_t j = 0; j < s->schema->n_columns; j++)
        s->batch->columns[j][s->batch->n_rows] = cells[j];
    s->batch->n_rows++;
}

static struct cell text(const char *p)
{
    return cell_text(p, strlen(p));
}

static void end(struct sheet *s)
{
    formats_free(s->args.formats);
    warn_free(s->args.warnings);
    arena_deinit(&s->arena);
}

/* Write the batch `times` times, in slices of `slice` rows. */
static bool write_sliced(
    const struct sheet *s, struct fs_file *file, uint32_t slice, unsigned times, struct err *err)
{
    struct cell *columns[MAX_COLUMNS];
    void *w;
    bool ok = true;

    if (!xlsx_write_open(&s->args, s->schema, file, &w, err))
        return false;
    for (unsigned k = 0; ok && k < times; k++) {
        for (uint32_t i = 0; ok && i < s->batch->n_rows; i += slice) {
            uint32_t left = s->batch->n_rows - i;
            struct batch b = *s->batch;

            b.n_rows = left < slice ? left : slice;
            b.columns = columns;
            b.first_row += i;
            for (uint32_t j = 0; j < b.n_columns; j++)
                columns[j] = s->batch->columns[j] + i;
            ok = xlsx_write_class.write(w, &b, err);
        }
    }
    ok = ok && xlsx_write_class.finish(w, err);
    xlsx_write_class.close(w);
    return ok;
}

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_as(const struct sheet *s, const char *name, uint32_t slice, unsigned times)
{
    struct fs_file *file;
    struct err err = { 0 };

    assert_true(fs_file_create(folder, name, name, &file, &err));
    if (!write_sliced(s, file, slice, times, &err))
        fail_msg("%s", err.text);
    assert_true(fs_file_commit(file, false, NULL, &err));
}

/* Every part must be XML to a strict parser. */
static void check_well_formed(const struct zip_parts *zip)
{
    for (size_t i = 0; i < zip->n; i++) {
        XML_Parser parser = XML_ParserCreateNS(NULL, ' ');
        const struct zip_part *part = &zip->parts[i];

        assert_non_null(parser);
        if (XML_Parse(parser, part->data, (int)part->n, 1) != XML_STATUS_OK)
            fail_msg("%s: %s at byte %ld", part->name, XML_ErrorString(XML_GetErrorCode(parser)),
                XML_GetCurrentByteIndex(parser));
        XML_ParserFree(parser);
    }
}

static void save(const struct sheet *s, struct zip_parts *zip)
{
    static unsigned n;
    char name[32];

    snprintf(name, sizeof name, "book%u.xlsx", n++);
    write_as(s, name, BATCH_ROWS, 1);
    zip_parts_load(zip, path_of(name));
    check_well_formed(zip);
}

static const char *part_text(const struct zip_parts *zip, const char *name)
{
    const struct zip_part *part = zip_parts_find(zip, name);

    if (!part)
        fail_msg("no part %s", name);
    return part->data;
}

static void assert_has(const char *xml, const char *want)
{
    if (!strstr(xml, want))
        fail_msg("'%s' is not in: %.3000s", want, xml);
}

static const char *const abc[] = { "a", "b", "c", "d", "e", "f", "g", "h" };

static void test_cells_by_type(void **state)
{
    struct zip_parts zip;
    struct sheet s;
    const char *xml;

    (void)state;
    begin(&s, abc, 8);
    add_row(
        &s, (struct cell[]){ text("=1+1"), cell_number(0.1), cell_bool(true), cell_blank(),
                cell_date(45000, DATE_DATE), cell_date(45000.5, DATE_DATETIME),
                cell_date(1.25, DATE_DURATION), { .text = "#N/A", .len = 4, .type = CELL_ERROR } });
    add_row(&s, (struct cell[]){ text(" x "), cell_number(-1e300), cell_bool(false), text("007"),
                    cell_date(0.5, DATE_TIME),
                    { .number = 5,
                        .type = CELL_NUMBER,
                        .format = formats_intern(s.args.formats, "#,##0.00") },
                    { .number = 45000, .type = CELL_DATE }, cell_number(1.2345678901234568e17) });
    add_row(&s, (struct cell[]){ cell_blank(), cell_blank(), cell_blank(), cell_blank(),
                    cell_blank(), cell_blank(), cell_blank(), cell_blank() });
    save(&s, &zip);
    xml = part_text(&zip, "xl/worksheets/sheet1.xml");
    assert_has(xml, "<row r=\"1\"><c r=\"A1\" s=\"1\" t=\"inlineStr\"><is><t>a</t></is></c><c "
                    "r=\"B1\" s=\"1\"");
    assert_has(xml, "<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>=1+1</t></is></c><c "
                    "r=\"B2\"><v>0.1</v></c>"
                    "<c r=\"C2\" t=\"b\"><v>1</v></c><c r=\"E2\" s=\"2\"><v>45000</v></c>"
                    "<c r=\"F2\" s=\"3\"><v>45000.5</v></c><c r=\"G2\" s=\"4\"><v>1.25</v></c>"
                    "<c r=\"H2\" t=\"e\"><v>#N/A</v></c></row>");
    assert_has(xml,
        "<row r=\"3\"><c r=\"A3\" t=\"inlineStr\"><is><t xml:space=\"preserve\"> x </t></is></c>"
        "<c r=\"B3\"><v>-1e+300</v></c><c r=\"C3\" t=\"b\"><v>0</v></c>"
        "<c r=\"D3\" t=\"inlineStr\"><is><t>007</t></is></c><c r=\"E3\" s=\"5\"><v>0.5</v></c>"
        "<c r=\"F3\" s=\"6\"><v>5</v></c><c r=\"G3\" s=\"2\"><v>45000</v></c>"
        "<c r=\"H3\"><v>1.2345678901234568e+17</v></c></row>");
    assert_has(xml, "<row r=\"4\"></row></sheetData>");
    assert_has(xml, "state=\"frozen\"");
    assert_has(xml, "<ignoredError sqref=\"A1:H4\" numberStoredAsText=\"1\"/>");
    xml = part_text(&zip, "xl/styles.xml");
    assert_has(xml, "<numFmt numFmtId=\"164\" formatCode=\"yyyy-mm-dd\"/>");
    assert_has(xml, "<cellXfs count=\"7\">");
    assert_has(xml, "<xf numFmtId=\"46\""); /* [h]:mm:ss has a number of its own, */
    assert_has(xml, "<xf numFmtId=\"4\"");  /* #,##0.00 too. */
    zip_parts_free(&zip);
    end(&s);
}

static void test_errors_that_files_do_not_store(void **state)
{
    struct zip_parts zip;
    struct sheet s;

    (void)state;
    begin(&s, abc, 1);
    add_row(&s, &(struct cell){ .text = "#SPILL!", .len = 7, .type = CELL_ERROR });
    save(&s, &zip);
    assert_has(part_text(&zip, "xl/worksheets/sheet1.xml"),
        "<c r=\"A2\" t=\"inlineStr\"><is><t>#SPILL!</t></is></c>");
    assert_int_equal(warn_count(s.args.warnings, "error_as_text"), 1);
    zip_parts_free(&zip);
    end(&s);
}

static void test_parts_of_the_package(void **state)
{
    static const char *const want[] = { "_rels/.rels", "docProps/core.xml",
        "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml", "xl/styles.xml", "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels", "docProps/app.xml", "[Content_Types].xml" };
    struct zip_parts zip;
    struct sheet s;

    (void)state;
    begin(&s, abc, 2);
    s.args.sheet_name = "R&D";
    save(&s, &zip);
    assert_int_equal(zip.n, ARRAY_LEN(want));
    for (size_t i = 0; i < zip.n; i++)
        assert_string_equal(zip.parts[i].name, want[i]);
    assert_has(part_text(&zip, "xl/workbook.xml"),
        "<sheets><sheet name=\"R&amp;D\" sheetId=\"1\" r:id=\"rId1\"/>"
        "<sheet name=\"Info\" sheetId=\"2\" r:id=\"rId2\"/></sheets>");
    assert_has(part_text(&zip, "docProps/core.xml"), ">2026-02-06T12:00:00Z</dcterms:created>");
    assert_has(part_text(&zip, "[Content_Types].xml"), "/xl/worksheets/sheet2.xml");
    zip_parts_free(&zip);
    end(&s);
}

static void test_info_sheet(void **state)
{
    static const char *const names[] = { "id", "first name", "x" };
    struct zip_parts zip;
    struct sheet s;
    const char *xml;

    (void)state;
    begin(&s, names, 3);
    s.args.file_label = "Umsätze <2024>.csv";
    add_row(&s, (struct cell[]){ text("1"), text("2"), text("3") });
    save(&s, &zip);
    xml = part_text(&zip, "xl/worksheets/sheet2.xml");
    assert_has(xml, "<c r=\"A1\" s=\"1\" t=\"inlineStr\"><is><t>Property</t></is></c>"
                    "<c r=\"B1\" s=\"1\" t=\"inlineStr\"><is><t>Value</t></is></c></row>");
    assert_has(
        xml, "<t>File</t></is></c><c r=\"B2\" t=\"inlineStr\"><is><t>Umsätze &lt;2024&gt;.csv</t>");
    assert_has(
        xml, "<t>Created</t></is></c><c r=\"B3\" t=\"inlineStr\"><is><t>2026-02-06T12:00:00Z</t>");
    assert_has(xml, "<t>Rows</t></is></c><c r=\"B4\"><v>1</v></c>");
    assert_has(xml, "<t>Columns</t></is></c><c r=\"B5\"><v>3</v></c>");
    assert_has(xml,
        "<t>Column Names</t></is></c><c r=\"B6\" t=\"inlineStr\"><is><t>id, first name, x</t>");
    zip_parts_free(&zip);
    end(&s);
}

static void test_info_sheet_left_out_or_renamed(void **state)
{
    struct zip_parts zip;
    struct sheet s;

    (void)state;
    begin(&s, abc, 1);
    s.args.info_sheet_name = NULL;
    save(&s, &zip);
    assert_null(zip_parts_find(&zip, "xl/worksheets/sheet2.xml"));
    zip_parts_free(&zip);

    s.args.sheet_name = "info";
    s.args.info_sheet_name = "Info";
    save(&s, &zip);
    assert_has(part_text(&zip, "xl/workbook.xml"), "name=\"Info (2)\"");
    assert_int_equal(warn_count(s.args.warnings, "sheet_name_repaired"), 1);
    zip_parts_free(&zip);
    end(&s);
}

static void test_column_names_that_no_cell_holds(void **state)
{
    enum { LONG = 20000 };
    char *names[3];
    struct zip_parts zip;
    struct sheet s;
    const char *xml;

    (void)state;
    for (unsigned j = 0; j < 3; j++) {
        names[j] = malloc(LONG + 1);
        assert_non_null(names[j]);
        memset(names[j], 'a' + (int)j, LONG);
        names[j][LONG] = '\0';
    }
    names[2][100] = '\0';
    begin(&s, (const char *const *)names, 3);
    save(&s, &zip);
    xml = part_text(&zip, "xl/worksheets/sheet2.xml");
    assert_has(xml, "<t>Column Names</t></is></c><c r=\"B6\" t=\"inlineStr\"><is><t>aaaa");
    assert_has(xml, "aaaa</t></is></c></row><row r=\"7\">");
    assert_has(xml, "<t>Column Names (2)</t></is></c><c r=\"B7\" t=\"inlineStr\"><is><t>bbbb");
    assert_has(xml, "bbbb, cccc");
    zip_parts_free(&zip);
    end(&s);
    for (unsigned j = 0; j < 3; j++)
        free(names[j]);
}

static void test_repaired_sheet_name_is_a_warning(void **state)
{
    struct zip_parts zip;
    struct sheet s;

    (void)state;
    begin(&s, abc, 1);
    s.args.sheet_name = "a/b";
    save(&s, &zip);
    assert_has(part_text(&zip, "xl/workbook.xml"), "name=\"a_b\"");
    assert_int_equal(warn_count(s.args.warnings, "sheet_name_repaired"), 1);
    zip_parts_free(&zip);
    end(&s);
}

static void test_widths(void **state)
{
    struct zip_parts zip;
    struct sheet s;

    (void)state;
    begin(&s, abc, 6);
    add_row(&s,
        (struct cell[]){ text("twelve chars"), cell_number(12345.678),
            text("a text of more than fifty characters, which is the widest that a column gets"),
            cell_date(45000.5, DATE_DATETIME), text("東京"), cell_bool(true) });
    save(&s, &zip);
    assert_has(part_text(&zip, "xl/worksheets/sheet1.xml"),
        "<cols><col min=\"1\" max=\"1\" width=\"14\" customWidth=\"1\"/>"
        "<col min=\"2\" max=\"2\" width=\"11\" customWidth=\"1\"/>"
        "<col min=\"3\" max=\"3\" width=\"50\" customWidth=\"1\"/>"
        "<col min=\"4\" max=\"4\" width=\"21\" customWidth=\"1\"/>"
        "<col min=\"5\" max=\"5\" width=\"6\" customWidth=\"1\"/>"
        "<col min=\"6\" max=\"6\" width=\"7\" customWidth=\"1\"/></cols><sheetData>");
    zip_parts_free(&zip);

    s.args.auto_width = false;
    save(&s, &zip);
    assert_null(strstr(part_text(&zip, "xl/worksheets/sheet1.xml"), "<cols>"));
    zip_parts_free(&zip);
    end(&s);
}

static void test_widths_heed_the_first_thousand_rows(void **state)
{
    struct zip_parts zip;
    struct sheet s;

    (void)state;
    begin(&s, abc, 2);
    for (unsigned i = 1; i <= XLSX_WIDTH_ROWS + 1; i++)
        add_row(&s, (struct cell[]){ i == XLSX_WIDTH_ROWS ? text("row 1000") : text("x"),
                        i == XLSX_WIDTH_ROWS + 1 ? text("row 1001") : text("x") });
    save(&s, &zip);
    assert_has(part_text(&zip, "xl/worksheets/sheet1.xml"),
        "<col min=\"1\" max=\"1\" width=\"10\" customWidth=\"1\"/>"
        "<col min=\"2\" max=\"2\" width=\"3\" customWidth=\"1\"/>");
    zip_parts_free(&zip);
    end(&s);
}

static void test_bytes_do_not_depend_on_batches(void **state)
{
    static const uint32_t slices[] = { BATCH_ROWS, 1, 7, 999, 1000, 1001 };
    char *first = NULL, *other;
    size_t n_first = 0, n_other;
    struct sheet s;
    struct err err;

    (void)state;
    begin(&s, abc, 8);
    for (unsigned i = 0; i < BATCH_ROWS; i++)
        add_row(&s, (struct cell[]){ cell_number(i * 0.37), text("some text, with more of it"),
                        cell_date(40000 + i, DATE_DATE), text("x & y"), cell_number(i), text("b"),
                        cell_bool(i % 2), i % 3 ? text("third") : cell_blank() });
    for (size_t k = 0; k < ARRAY_LEN(slices); k++) {
        char name[32];

        snprintf(name, sizeof name, "slices%zu.xlsx", k);
        write_as(&s, name, slices[k], 3);
        assert_true(fs_load(path_of(name), 1 << 30, &other, &n_other, &err));
        if (!first) {
            first = other;
            n_first = n_other;
            continue;
        }
        assert_int_equal(n_first, n_other);
        assert_memory_equal(first, other, n_first);
        free(other);
    }
    free(first);
    end(&s);
}

static void test_a_small_budget_only_gives_up_widths(void **state)
{
    struct budget budget = { .limit = 1024 };
    struct zip_parts zip;
    struct sheet s;

    (void)state;
    begin(&s, abc, 1);
    s.args.budget = &budget;
    add_row(&s, (struct cell[]){ text("much wider than its header") });
    save(&s, &zip);
    assert_has(part_text(&zip, "xl/worksheets/sheet1.xml"), "width=\"3\"");
    assert_has(part_text(&zip, "xl/worksheets/sheet1.xml"), "<t>much wider than its header</t>");
    assert_int_equal(budget.used, 0);
    zip_parts_free(&zip);
    end(&s);
}

/* A text of `units` times `unit`, written as one cell: the error's sentence or "". */
static void write_long(const char *unit, size_t units, bool as_header, struct err *err)
{
    size_t n = strlen(unit);
    char *long_text = malloc(units * n + 1);
    const char *names[] = { "id", "notes" };
    struct fs_file *file;
    struct sheet s;

    assert_non_null(long_text);
    for (size_t i = 0; i < units; i++)
        memcpy(long_text + i * n, unit, n);
    long_text[units * n] = '\0';
    if (as_header)
        names[1] = long_text;
    begin(&s, names, 2);
    if (!as_header) {
        add_row(&s, (struct cell[]){ text("1"), text("fine") });
        add_row(&s, (struct cell[]){ text("2"), cell_text(long_text, units * n) });
    }
    s.batch->first_row = 17;
    *err = (struct err){ 0 };
    assert_true(fs_file_create(folder, "long.xlsx", "long.xlsx", &file, err));
    if (write_sliced(&s, file, BATCH_ROWS, 1, err))
        assert_int_equal(err->code, ERR_NONE);
    else
        assert_int_not_equal(err->code, ERR_NONE);
    fs_file_abort(file);
    end(&s);
    free(long_text);
}

static void test_text_that_no_cell_holds(void **state)
{
    struct err err;

    (void)state;
    write_long("x", XLSX_CELL_UNITS, false, &err);
    assert_int_equal(err.code, ERR_NONE);
    write_long("東", XLSX_CELL_UNITS, false, &err);
    assert_int_equal(err.code, ERR_NONE);
    write_long("\x01", XLSX_CELL_UNITS, false, &err);
    assert_int_equal(err.code, ERR_NONE);

    write_long("x", XLSX_CELL_UNITS + 1, false, &err);
    assert_int_equal(err.code, ERR_DATA);
    assert_string_equal(err.text,
        "the text in row 18, column 'notes' has 32768 characters, and a cell of a workbook holds "
        "at "
        "most 32767; write the result as CSV or JSON, or shorten the text first");
    assert_int_equal(err.at.row, 18);
    assert_int_equal(err.at.col, 2);
    assert_string_equal(err.column, "notes");

    write_long("😀", XLSX_CELL_UNITS / 2 + 1, false, &err);
    assert_int_equal(err.code, ERR_DATA);
    write_long("x", XLSX_CELL_UNITS, true, &err);
    assert_int_equal(err.code, ERR_NONE);
    write_long("x", XLSX_CELL_UNITS + 1, true, &err);
    assert_int_equal(err.code, ERR_DATA);
    assert_string_equal(err.text,
        "the name of column 2 (row 1) has 32768 characters, and a cell of a workbook holds at most "
        "32767; rename the column or write the result as CSV");
}

static void test_too_many_columns(void **state)
{
    struct schema schema = { .n_columns = SCHEMA_MAX_COLUMNS + 1 };
    struct sink_args args = { .format = FILE_XLSX };
    struct err err = { 0 };
    void *w;

    (void)state;
    assert_false(xlsx_write_open(&args, &schema, NULL, &w, &err));
    assert_int_equal(err.code, ERR_BUDGET);
    assert_string_equal(err.text,
        "the table has 16385 columns, and a sheet of a workbook holds at most 16384; choose fewer "
        "columns or write the result as CSV");
}

static void test_more_rows_than_a_sheet_holds(void **state)
{
    enum { TIMES = 512, OVER = 1 }; /* 512 * 2048 rows and the header: one row too many. */
    struct zip_parts zip;
    struct sheet s;
    const char *xml;

    (void)state;
    begin(&s, abc, 1);
    for (unsigned i = 0; i < BATCH_ROWS; i++)
        add_row(&s, &(struct cell){ .number = i, .type = CELL_NUMBER });
    write_as(&s, "big.xlsx", BATCH_ROWS, TIMES);
    zip_parts_load(&zip, path_of("big.xlsx"));
    xml = part_text(&zip, "xl/worksheets/sheet1.xml");
    xml += strlen(xml) - 600;
    assert_has(xml, "<row r=\"1048576\"><c r=\"A1048576\"><v>2046</v></c></row></sheetData>");
    xml = part_text(&zip, "xl/worksheets/sheet2.xml");
    assert_has(xml, "<cols><col min=\"1\" max=\"1\" width=\"5\"");
    assert_has(xml,
        "<sheetData><row r=\"1\"><c r=\"A1\" s=\"1\" t=\"inlineStr\"><is><t>a</t></is></c>"
        "</row><row r=\"2\"><c r=\"A2\"><v>2047</v></c></row></sheetData>");
    assert_has(part_text(&zip, "xl/worksheets/sheet3.xml"),
        "<t>Rows</t></is></c><c r=\"B4\"><v>1048576</v></c>");
    assert_has(part_text(&zip, "xl/workbook.xml"),
        "<sheet name=\"Sheet1\" sheetId=\"1\" r:id=\"rId1\"/>"
        "<sheet name=\"Sheet1 (2)\" sheetId=\"2\" r:id=\"rId2\"/>"
        "<sheet name=\"Info\" sheetId=\"3\" r:id=\"rId3\"/>");
    zip_parts_free(&zip);
    end(&s);
}

static void test_streamed_where_nothing_can_be_patched(void **state)
{
    struct fs_file *file;
    struct zip_parts zip;
    struct sheet s;
    struct err err;
    int fd = open(path_of("stream.xlsx"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    (void)state;
    begin(&s, abc, 1);
    add_row(&s, (struct cell[]){ text("x") });
    assert_true(fs_file_from_fd(fd, "stdout", &file, &err));
    assert_true(write_sliced(&s, file, BATCH_ROWS, 1, &err));
    assert_true(fs_file_commit(file, false, NULL, &err));
    close(fd);
    zip_parts_load(&zip, path_of("stream.xlsx"));
    check_well_formed(&zip);
    assert_int_equal(zip.parts[0].flags, 8);
    zip_parts_free(&zip);
    end(&s);
}

static void test_formats_that_excel_refuses(void **state)
{
    char code[400];
    struct zip_parts zip;
    struct sheet s;

    (void)state;
    memset(code, '0', sizeof code);
    code[sizeof code - 1] = '\0';
    memcpy(code, "yyyy\"", 5);
    code[sizeof code - 2] = '"';
    begin(&s, abc, 2);
    add_row(&s,
        (struct cell[]){
            { .number = 45000, .type = CELL_DATE, .format = formats_intern(s.args.formats, code) },
            { .number = 1,
                .type = CELL_NUMBER,
                .format = formats_intern(s.args.formats, "0.0\" <&> \"") } });
    save(&s, &zip);
    assert_has(part_text(&zip, "xl/styles.xml"), "formatCode=\"yyyy-mm-dd\"");
    assert_has(part_text(&zip, "xl/styles.xml"), "formatCode=\"0.0&#34; &lt;&amp;&gt; &#34;\"");
    zip_parts_free(&zip);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_by_type),
        cmocka_unit_test(test_errors_that_files_do_not_store),
        cmocka_unit_test(test_parts_of_the_package),
        cmocka_unit_test(test_info_sheet),
        cmocka_unit_test(test_info_sheet_left_out_or_renamed),
        cmocka_unit_test(test_column_names_that_no_cell_holds),
        cmocka_unit_test(test_repaired_sheet_name_is_a_warning),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_widths_heed_the_first_thousand_rows),
        cmocka_unit_test(test_bytes_do_not_depend_on_batches),
        cmocka_unit_test(test_a_small_budget_only_gives_up_widths),
        cmocka_unit_test(test_text_that_no_cell_holds),
        cmocka_unit_test(test_too_many_columns),
        cmocka_unit_test(test_more_rows_than_a_sheet_holds),
        cmocka_unit_test(test_streamed_where_nothing_can_be_patched),
        cmocka_unit_test(test_formats_that_excel_refuses),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
