/*
 * CSV files as people write them, and what is read from each. Every case is read again with the
 * text coming a few bytes at a time, which must change nothing.
 */
#include "read_table.h"

#include "formats/csv_int.h"

#define T(s) s, sizeof(s) - 1

enum { STEPS = 64 };

static const struct {
    const char *label, *in;
    size_t n;
    const char *want;     /* Table, or error sentence. */
    const char *warnings; /* NULL: none. */
    const char *rejects;  /* NULL: none. */
    struct reader_args args;
} cases[] = {
#define ARGS .args = { .header_row = 1 }
    { "plain", T("a,b\n1,2\n"), "a|b\n2:1|2\n", ARGS },
    { "no final newline", T("a,b\n1,2"), "a|b\n2:1|2\n", ARGS },
    { "several final newlines", T("a,b\n1,2\n\n\n"), "a|b\n2:1|2\n", ARGS },
    { "CRLF", T("a,b\r\n1,2\r\n3,4\r\n"), "a|b\n2:1|2\n3:3|4\n", ARGS },
    { "lone CR", T("a,b\r1,2\r3,4"), "a|b\n2:1|2\n3:3|4\n", ARGS },
    { "line ends of all kinds", T("a,b\r\n1,2\n3,4\r5,6\n\r7,8"),
        "a|b\n2:1|2\n3:3|4\n4:5|6\n6:7|8\n", ARGS },
    { "CRLF inside quotes", T("a,b\r\n\"x\r\ny\",2\r\n"), "a|b\n2:x\\r\\ny|2\n", ARGS },
    { "blank lines inside", T("a,b\n\n1,2\n\n\n3,4\n"), "a|b\n3:1|2\n6:3|4\n", ARGS },
    { "blank lines first", T("\n\na,b\n1,2\n"), "a|b\n4:1|2\n", ARGS },
    { "a single column: a blank line is a row", T("a\n1\n\n2\n"), "a\n2:1\n3:\n4:2\n", ARGS },
    { "a single column: blank lines at the end are none", T("a\n1\n\n\n"), "a\n2:1\n", ARGS },
    { "a single column: quoted blank at the end is a row", T("a\n1\n\"\"\n"), "a\n2:1\n3:\n",
        ARGS },
    { "header only", T("a,b\n"), "a|b\n", ARGS },
    { "one cell", T("a"), "a\n", ARGS },
    { "quotes", T("a,b\n\"1\",\"x,y\"\n\"say \"\"hi\"\"\",\"\"\n"), "a|b\n2:1|x,y\n3:say \"hi\"|\n",
        ARGS },
    { "only a quoted quote", T("a,b\n\"\"\"\",\"\"\"\"\"\"\n"), "a|b\n2:\"|\"\"\n", ARGS },
    { "newline in quotes", T("a,b\n\"x\n\ny\",2\n3,4\n"), "a|b\n2:x\\n\\ny|2\n3:3|4\n", ARGS },
    { "header in quotes with a newline", T("\"a\nb\",c\n1,2\n"), "a\\nb|c\n2:1|2\n", ARGS },
    { "quote in a plain field", T("a,b\n5\" pipe,6'\nx\"y\"z,\n"),
        "a|b\n2:5\" pipe|6'\n3:x\"y\"z|\n", ARGS },
    { "text after the closing quote", T("a,b\n\"x\"y,2\n\"x\"\"y\"z\"w,3\n"),
        "a|b\n2:xy|2\n3:x\"yz\"w|3\n", "text_after_quote=2", ARGS },
    { "blank before a quote", T("a,b\n1, \"x\"\n2,y\n"), "a|b\n2:1| \"x\"\n3:2|y\n",
        "space_before_quote=1", ARGS },
    { "quote never closed", T("a,b\n1,2\n3,\"x\n5,6\n7,8\n"), "a|b\n2:1|2\n4:5|6\n5:7|8\n", NULL,
        "3 the quote that opens in line 3 is never closed: 3,\"x\n", ARGS },
    { "quote never closed in the last line", T("a,b\n1,2\n3,\"x"), "a|b\n2:1|2\n", NULL,
        "3 the quote that opens in line 3 is never closed: 3,\"x\n", ARGS },
    { "quote closed in the middle of a later line", T("a,b\n1,\"x\n2,y\n3,\"z\"\n4,w\n"),
        "a|b\n3:2|y\n4:3|z\n5:4|w\n", NULL,
        "2 the quote that opens in line 2 is never closed: 1,\"x\n", ARGS },
    { "second quote of a record never closed", T("a,b\n\"x\ny\",\"z\n3,4\n"), "a|b\n3:3|4\n", NULL,
        "2 the quote that opens in line 3 is never closed: \"x\ny\",\"z\n", ARGS },
    { "short rows", T("a,b,c\n1\n1,2\n1,2,3\n"), "a|b|c\n2:1||\n3:1|2|\n4:1|2|3\n", "short_rows=2",
        ARGS },
    { "long rows", T("a,b\n1,2\n1,2,3,4\n1,2,3\n"),
        "a|b|_extra_1|_extra_2\n2:1|2||\n3:1|2|3|4\n4:1|2|3|\n", "long_rows=2", ARGS },
    { "trailing delimiters on data rows", T("a,b\n1,2,\n3,4,,\n"), "a|b\n2:1|2\n3:3|4\n", ARGS },
    { "a column called as an extra one", T("_extra_1,b\n1,2,3\n"),
        "_extra_1|b|_extra_1_2\n2:1|2|3\n", "header_repaired=1 long_rows=1", ARGS },
    { "duplicate and blank headers", T("a,a,,a, \n1,2,3,4,5\n"),
        "a|a_2|column_3|a_3|column_5\n2:1|2|3|4|5\n", "header_repaired=4", ARGS },
    { "UTF-8 BOM",
        T("\xEF\xBB\xBF"
          "a,b\n1,2\n"),
        "a|b\n2:1|2\n", ARGS },
    { "UTF-8 BOM before a quote", T("\xEF\xBB\xBF\"a,x\",b\n1,2\n"), "a,x|b\n2:1|2\n", ARGS },
    { "sep line", T("sep=;\na;b,c\n1;2,5\n"), "a|b,c\n2:1|2,5\n", ARGS },
    { "sep line with an odd delimiter", T("SEP=^\r\na^b\r\n1^2\r\n"), "a|b\n2:1|2\n", ARGS },
    { "semicolons", T("name; amount, in dollars\nx;\"1,000\"\ny;\"2,500\"\n"),
        "name| amount, in dollars\n2:x|1,000\n3:y|2,500\n", ARGS },
    { "decimal commas", T("a;b\n1,5;2,5\n3,5;4,5\n"), "a|b\n2:1,5|2,5\n3:3,5|4,5\n", ARGS },
    { "tabs", T("a\tb\n1,1\t2\n"), "a|b\n2:1,1|2\n", ARGS },
    { "bars", T("a|b\n1|2\n"), "a|b\n2:1|2\n", ARGS },
    { "single quotes", T("a,b\n'x,y','2'\n'it''s','3'\n"), "a|b\n2:x,y|2\n3:it's|3\n", ARGS },
    { "an apostrophe is no quote", T("a,b\n's-Hertogenbosch,2\nx,3\n"),
        "a|b\n2:'s-Hertogenbosch|2\n3:x|3\n", ARGS },
    { "backslash escapes", T("a,b\n\"say \\\"hi\\\", Bob\",2\n\"x\\\\\",3\n"),
        "a|b\n2:say \"hi\", Bob|2\n3:x\\\\|3\n", ARGS },
    { "a path that ends with a backslash", T("a,b\n\"C:\\dir\\\",2\n\"x\",3\n"),
        "a|b\n2:C:\\\\dir\\\\|2\n3:x|3\n", ARGS },
    { "preamble", T("Sales 2024\n\nid,name,city\n1,x,Rome\n2,y,Oslo\n3,z,Bonn\n"),
        "id|name|city\n4:1|x|Rome\n5:2|y|Oslo\n6:3|z|Bonn\n", "preamble_skipped=2", ARGS },
    { "a column of names is no preamble", T("Name\nDoe, Jane\nRoe, Rick\nPoe, Ed\n"),
        "Name\n2:Doe, Jane\n3:Roe, Rick\n4:Poe, Ed\n", ARGS },
    { "NUL",
        T("a,b\n1\0"
          "2,\0\n"),
        "a|b\n2:1\\02|\\0\n", ARGS },
    { "NUL in the header", T("a\0b,c\n1,2\n"), "a b|c\n2:1|2\n", "header_repaired=1", ARGS },
    { "Ctrl-Z at the end", T("a,b\r\n1,2\r\n\x1A"), "a|b\n2:1|2\n", ARGS },
    { "the word null", T("a,b\nnull,NULL\n"), "a|b\n2:null|NULL\n", ARGS },
    { "values stay as they are", T("a,b,c,d,e\n007,1E5, x ,+4.20,TRUE\n"),
        "a|b|c|d|e\n2:007|1E5| x |+4.20|TRUE\n", ARGS },
    { "an empty file", T(""), "t.csv is empty", ARGS },
    { "only a BOM", T("\xEF\xBB\xBF"), "t.csv is empty", ARGS },
    { "only newlines", T("\n\r\n\n"), "t.csv is empty", ARGS },
    { "an open quote in the header", T("a,\"b\n1,2\n"),
        "t.csv: the header in line 1 has a quote that is never closed", ARGS },
#undef ARGS
    { "no header", T("1,2\n3,4,5\n"), "A|B|C\n1:1|2|\n2:3|4|5\n", "short_rows=1", .args = { 0 } },
    { "no header, one column", T("x\n\ny\n"), "A\n1:x\n2:\n3:y\n", .args = { 0 } },
    { "no header, empty file", T("\n"), "t.csv is empty", .args = { 0 } },
    { "header in row 3", T("x,y\n\na,b\n1,2\n"), "a|b\n4:1|2\n", .args = { .header_row = 3 } },
    { "header below a title", T("Report\nid,name\n1,x\n2,y\n"), "id|name\n3:1|x\n4:2|y\n",
        .args = { .header_row = 2 } },
    { "header behind the end", T("x,y\n1,2\n"), "header_row is 9, but t.csv has only 2 rows",
        .args = { .header_row = 9 } },
    { "delimiter asked for", T("a,b;c\n1,2;3\n"), "a,b|c\n2:1,2|3\n",
        .args = { .header_row = 1, .delimiter = ";" } },
    { "delimiter by name", T("a b\tc\n1 2\t3\n"), "a b|c\n2:1 2|3\n",
        .args = { .header_row = 1, .delimiter = "tab" } },
    { "a blank as delimiter", T("a b\n1 \"2 3\"\n"), "a|b\n2:1|2 3\n",
        .args = { .header_row = 1, .delimiter = "space" } },
    { "delimiter of two characters", T("a\n"),
        "delimiter '::' cannot be used; give one character, or 'tab'",
        .args = { .header_row = 1, .delimiter = "::" } },
    { "no quoting", T("a,b\n\"x,y\n"), "a|b\n2:\"x|y\n",
        .args = { .header_row = 1, .quote = "none" } },
    { "quote asked for", T("a,b\n~x,y~,2\n"), "a|b\n2:x,y|2\n",
        .args = { .header_row = 1, .quote = "~" } },
    { "quote that is the delimiter", T("a,b\n"),
        "quote ',' cannot be used; give one character other than the delimiter, or 'none'",
        .args = { .header_row = 1, .quote = "," } },
    { "encoding unknown", T("a\n"),
        "'klingon' is not an encoding known here; try UTF-8, UTF-16 or Windows-1252",
        .args = { .header_row = 1, .encoding = "klingon" } },
    { "encoding asked for", T("a,b\n\xE9,\x80\n"), "a|b\n2:é|€\n",
        .args = { .header_row = 1, .encoding = "latin1" } },
};

static void check_case(size_t i, size_t step)
{
    struct read_table t;
    struct read_how how = { .args = cases[i].args };

    csv_read_step = step;
    read_table(cases[i].in, cases[i].n, &how, &t);
    csv_read_step = 0;
    if (strcmp(t.ok ? buf_str(&t.text) : t.err.text, cases[i].want) != 0 ||
        strcmp(buf_str(&t.warnings), cases[i].warnings ? cases[i].warnings : "") != 0 ||
        strcmp(buf_str(&t.rejects), cases[i].rejects ? cases[i].rejects : "") != 0)
        fail_msg("%s (step %zu):\n%s%s\nwarnings: %s\nrejects: %s", cases[i].label, step,
            t.err.text, buf_str(&t.text), buf_str(&t.warnings), buf_str(&t.rejects));
    read_table_close(&t);
}

static void as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_case(i, 0);
}

static void any_boundary(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t step = 1; step <= STEPS; step++)
            check_case(i, step);
    }
}

/* A row that cannot be parsed fails the read when nobody takes it. */
static void reject_without_taker(void **state)
{
    struct read_how how = { .args = reader_args_default, .no_reject = true };
    struct read_table t;

    (void)state;
    read_table(T("a,b\n1,2\n3,\"x\n"), &how, &t);
    assert_false(t.ok);
    assert_string_equal(
        t.err.text, "t.csv: row 3 cannot be read: the quote that opens in line 3 is never closed");
    assert_int_equal(t.err.at.row, 3);
    read_table_close(&t);
}

/* An open quote takes one row with it, wherever the give-up comes from. */
static void open_quote_is_bounded(void **state)
{
    struct read_how how = { .args = reader_args_default };
    struct read_table t;
    struct buf in;

    (void)state;
    buf_init(&in, 1 << 20);
    buf_adds(&in, "a,b\n1,\"open\n");
    for (int i = 0; i < 3 * CSV_OPEN_QUOTE_LINES; i++)
        buf_addf(&in, "%d,x\n", i);
    read_table(in.data, in.len, &how, &t);
    assert_true(t.ok);
    assert_int_equal(t.rows, 3 * CSV_OPEN_QUOTE_LINES);
    assert_int_equal(t.quarantined, 1);
    assert_string_equal(
        buf_str(&t.rejects), "2 the quote that opens in line 2 is never closed: 1,\"open\n");
    read_table_close(&t);
    buf_deinit(&in);
}

/* A quoted field of many lines is read as long as it has fewer than the limit. */
static void long_quoted_field(void **state)
{
    struct read_how how = { .args = reader_args_default };
    struct read_table t;
    struct buf in;

    (void)state;
    for (int over = 0; over < 2; over++) {
        buf_init(&in, 1 << 20);
        buf_adds(&in, "a,b\n1,\"");
        for (int i = 0; i < CSV_OPEN_QUOTE_LINES - 1 + over; i++)
            buf_addc(&in, '\n');
        buf_adds(&in, "\"\n2,y\n");
        read_table(in.data, in.len, &how, &t);
        assert_true(t.ok);
        assert_int_equal(t.quarantined > 0, over);
        read_table_close(&t);
        buf_deinit(&in);
    }
}

/*
 * Repairs beyond the first places are counted all the same, and only once however often the rows
 * are read.
 */
static void many_repairs(void **state)
{
    struct read_how how = { .args = reader_args_default };
    struct read_table t;
    struct buf in;

    (void)state;
    buf_init(&in, 1 << 20);
    buf_adds(&in, "a,b,c\n");
    for (int i = 0; i < 5000; i++)
        buf_adds(&in, i % 2 ? "1,2\n" : "1,2,3,4\n");
    read_table(in.data, in.len, &how, &t);
    assert_true(t.ok);
    assert_int_equal(t.rows, 5000);
    assert_string_equal(buf_str(&t.warnings), "long_rows=2500 short_rows=2500");
    read_table_close(&t);
    how.typed = true;
    read_table(in.data, in.len, &how, &t);
    assert_string_equal(buf_str(&t.warnings), "long_rows=2500 short_rows=2500");
    read_table_close(&t);
    buf_deinit(&in);
}

/* Rows that do not fit into one block, or one batch. */
static void many_rows(void **state)
{
    enum { ROWS = 40000 };
    struct read_how how = { .args = reader_args_default };
    struct read_table t;
    struct buf in, want;

    (void)state;
    buf_init(&in, 64 << 20);
    buf_init(&want, 64 << 20);
    buf_adds(&in, "id,text,\"quoted\"\n");
    buf_adds(&want, "id|text|quoted\n");
    for (int i = 0; i < ROWS; i++) {
        buf_addf(&in, "%d,some text %d,\"a \"\"%d\"\", b\"\n", i, i % 7, i);
        buf_addf(&want, "%d:%d|some text %d|a \"%d\", b\n", i + 2, i, i % 7, i);
    }
    assert_true(in.len > CSV_BLOCK);
    read_table(in.data, in.len, &how, &t);
    assert_true(t.ok);
    assert_int_equal(t.rows, ROWS);
    assert_string_equal(buf_str(&t.text), buf_str(&want));
    read_table_close(&t);
    buf_deinit(&in);
    buf_deinit(&want);
}

static void spread(struct buf *out, char c, size_t n)
{
    char *room = buf_reserve(out, n);

    assert_non_null(room);
    memset(room, c, n);
    out->len += n;
    out->data[out->len] = '\0';
}

/* Limits are named, and stand where they say. */
static void limits(void **state)
{
    static const struct {
        const char *label, *before;
        char fill;
        size_t n;
        const char *after, *want; /* NULL: read. */
    } sizes[] = {
        { "the longest field", "a,b\n1,", 'x', CSV_MAX_FIELD, "\n", NULL },
        { "a longer field", "a,b\n1,", 'x', CSV_MAX_FIELD + 1, "\n",
            "t.csv: a field that begins in line 2 is longer than 16 MB; is a closing quote "
            "missing?" },
        { "a longer quoted field", "a,b\n1,\"", 'x', CSV_MAX_FIELD + 1, "\"\n",
            "t.csv: a field that begins in line 2 is longer than 16 MB; is a closing quote "
            "missing?" },
        { "a longer line", "a,b\n1,2\n", 'x', CSV_MAX_LINE + 1, "\n",
            "t.csv: line 3: a line is longer than 64 MB" },
        { "the most columns", "a", ',', SCHEMA_MAX_COLUMNS - 1, "z\n", NULL },
        { "more columns", "a", ',', SCHEMA_MAX_COLUMNS, "z\n",
            "t.csv has 16385 columns; at most 16384 can be read" },
        { "more cells", "a,b\n", ',', SCHEMA_MAX_COLUMNS, "z\n",
            "t.csv: line 2 has 16385 cells; at most 16384 columns can be read" },
        { "more cells, all of them empty", "a,b\n1", ',', SCHEMA_MAX_COLUMNS, "\n", NULL },
    };
    struct read_how how = { .args = reader_args_default };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct read_table t;
        struct buf in;

        buf_init(&in, 128 << 20);
        buf_adds(&in, sizes[i].before);
        spread(&in, sizes[i].fill, sizes[i].n);
        buf_adds(&in, sizes[i].after);
        how.args.delimiter = ",";
        read_table(in.data, in.len, &how, &t);
        if (t.ok != !sizes[i].want || (sizes[i].want && strcmp(t.err.text, sizes[i].want) != 0))
            fail_msg("%s: %s", sizes[i].label, t.err.text);
        read_table_close(&t);
        buf_deinit(&in);
    }
}

static void memory_budget(void **state)
{
    struct read_how how = { .args = reader_args_default, .budget = 3 << 20 };
    struct read_table t;
    struct buf in;

    (void)state;
    buf_init(&in, 64 << 20);
    buf_adds(&in, "a,b\n1,");
    spread(&in, 'x', 8 << 20);
    read_table(in.data, in.len, &how, &t);
    assert_false(t.ok);
    assert_int_equal(t.err.code, ERR_BUDGET);
    read_table_close(&t);
    buf_deinit(&in);
}

static void bad_bytes(void **state)
{
    struct read_how how = { .args = reader_args_default };
    struct read_table t;
    struct buf in;

    (void)state;
    buf_init(&in, 16 << 20);
    buf_adds(&in, "größe,b\xFF\n");
    for (int i = 2; i <= 40000; i++)
        buf_addf(&in, "größe %d,%s\n", i,
            i >= 30000 && i < 30007 ? "x\xFEy"
            : i == 20000            ? "x\xE4\xB8"
                                    : "xy");
    read_table(in.data, in.len, &how, &t);
    assert_true(t.ok);
    assert_string_equal(t.encoding, "UTF-8");
    assert_string_equal(buf_str(&t.warnings), "bad_bytes=10");
    assert_string_equal(
        buf_str(&t.places), "bad_bytes: row 1, row 20000, row 20000, row 30000, row 30001");
    assert_non_null(strstr(buf_str(&t.text), "\n30000:größe 30000|x\xEF\xBF\xBDy\n"));
    read_table_close(&t);
    buf_deinit(&in);
}

/* Text that is ASCII for longer than anyone looks ahead, and Windows-1252 or UTF-8 then. */
static void late_encoding(void **state)
{
    static const char *const late[][2] = { { "caf\xE9 \x80", "WINDOWS-1252" },
        { "café €", "UTF-8" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(late); i++) {
        struct read_how how = { .args = reader_args_default };
        struct read_table t;
        struct buf in;

        buf_init(&in, 16 << 20);
        buf_adds(&in, "a,b\n");
        while (in.len < 2 * CSV_SNIFF_BYTES)
            buf_adds(&in, "plain,text\n");
        buf_addf(&in, "%s,x\n", late[i][0]);
        read_table(in.data, in.len, &how, &t);
        assert_true(t.ok);
        assert_string_equal(t.encoding, late[i][1]);
        assert_non_null(strstr(buf_str(&t.text), ":café €|x\n"));
        assert_string_equal(buf_str(&t.warnings), i == 0 ? "encoding_guessed=1" : "");
        read_table_close(&t);
        buf_deinit(&in);
    }
}

/* Safe typing is decided over the whole file. */
static void typed(void **state)
{
    struct read_how how = { .args = reader_args_default, .typed = true, .types = true };
    struct read_table t;

    (void)state;
    read_table(T("n,z,b,d,t,m\n1,007,true,2024-02-29,x,1\n-2.5,1,false,2024-01-01,,x\n"), &how, &t);
    assert_true(t.ok);
    assert_string_equal(buf_str(&t.text), "n|z|b|d|t|m\n"
                                          "2:n:1|t:007|b:true|d:2024-02-29|t:x|t:1\n"
                                          "3:n:-2.5|t:1|b:false|d:2024-01-01|_:|t:x\n");
    read_table_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_written),
        cmocka_unit_test(any_boundary),
        cmocka_unit_test(reject_without_taker),
        cmocka_unit_test(open_quote_is_bounded),
        cmocka_unit_test(long_quoted_field),
        cmocka_unit_test(many_repairs),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(limits),
        cmocka_unit_test(memory_budget),
        cmocka_unit_test(bad_bytes),
        cmocka_unit_test(late_encoding),
        cmocka_unit_test(typed),
    };

    return cmocka_run_group_tests_name("csv_read", tests, NULL, NULL);
}
