/*
 * CSV parsed ahead by threads is what it is when it is parsed in one go: rows, their numbers, repairs, what is put
 * aside, and errors, with chunks of any size.
 */
#include "chance.h"
#include "read_table.h"

#include "formats/csv_ahead.h"

enum { ROUNDS = 16, PIECES = 120, TEXT_MAX = 16 << 20 };

/* The reader's first block, as nothing is parsed ahead in it. */
static void fill_block(struct buf *text, const char *row)
{
    buf_init(text, TEXT_MAX);
    buf_adds(text, "a,b,c\n");
    while (text->len < CSV_BLOCK + 1000) {
        for (int i = 0; i < 3; i++)
            buf_adds(text, row);
        buf_addf(text, "1,2,%02000d\n", 3); /* So that they are few. */
    }
}

static void limits(size_t chunk, unsigned threads)
{
    csv_ahead_limits = (struct csv_ahead_limits){
        .worth = chunk ? 1 : UINT64_MAX, .chunk = chunk, .threads = threads
    };
}

static void compare(const char *name, const struct buf *text, const struct read_how *how,
    const size_t *chunks, size_t n_chunks)
{
    struct read_table want, got;
    size_t len;
    bool same;

    limits(0, 1);
    read_table(text->data, text->len, how, &want);
    for (size_t i = 0; i < n_chunks; i++) {
        limits(chunks[i], 1 + (unsigned)i % 3);
        read_table(text->data, text->len, how, &got);
        if (got.ok != want.ok || strcmp(got.err.text, want.err.text) != 0)
            fail_msg("%s, chunks of %zu: '%s' instead of '%s'", name, chunks[i], got.err.text,
                want.err.text);
        assert_int_equal(got.err.at.row, want.err.at.row);
        /* How many rows, and what they tell, come before an error is chance: batches end elsewhere. */
        same = !want.ok || got.text.len == want.text.len;
        len = got.text.len < want.text.len ? got.text.len : want.text.len;
        if (!same || (len > 0 && memcmp(got.text.data, want.text.data, len) != 0))
            fail_msg("%s, chunks of %zu: other rows", name, chunks[i]);
        assert_int_equal(got.quarantined, want.quarantined);
        assert_int_equal(got.outgrown, want.outgrown);
        if (want.ok) {
            assert_string_equal(buf_str(&got.rejects), buf_str(&want.rejects));
            assert_string_equal(buf_str(&got.warnings), buf_str(&want.warnings));
            assert_string_equal(buf_str(&got.places), buf_str(&want.places));
        }
        read_table_close(&got);
    }
    read_table_close(&want);
}

static const size_t sizes[] = { 700, 4096, 256 << 10 };

/* What may stand below many rows that are all alike, once and often. */
static void single_cases(void **state)
{
    static const struct {
        const char *name, *row, *odd;
    } cases[] = {
        { "plain", "1,2,3\n", "4,5,6\n" },
        { "quoted", "1,\"x, \"\"y\"\"\",z\n", "\"\",\"\n\",\"\"\"\"\n" },
        { "CRLF", "1,2,3\r\n", "4,5,6\r\n" },
        { "CR", "1,2,3\n", "4,5,6\r7,8,9\n" },
        { "short rows", "1,2,3\n", "4\n5,6\n" },
        { "long rows", "1,2,3\n", "4,5,6,\n4,5,6,7\n" },
        { "blank lines", "1,2,3\n", "\n\n" },
        { "text behind a quote", "1,2,3\n", "\"x\"y,2,3\n" },
        { "a blank before a quote", "1,2,3\n", "1, \"x\",3\n" },
        { "a quote inside", "1,2,3\n", "1,5\" pipe,3\n" },
        { "an open quote", "1,2,3\n", "1,\"2,3\n4,5,6\n" },
        { "lines in quotes", "1,\"a\nb\",3\n", "\"\r\n\n\",2,3\n" },
        { "letters", "1,\xC3\xA9t\xC3\xA9,3\n", "\xF0\x9F\x98\x80,2,3\n" },
        { "bad bytes", "1,\xC3\xA9,3\n", "1,\xFF,3\n" },
        { "Windows-1252", "1,2,3\n", "1,\xE9t\xE9,3\n" },
        { "Ctrl-Z", "1,2,3\n", "4,5,6\n\x1a" },
        { "NUL", "1,2,3\n", "1,a\0b,3\n" },
        { "no last line end", "1,2,3\n", "4,5,6" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct read_how how = { .args = reader_args_default };
        struct buf text;

        fill_block(&text, cases[i].row);
        for (int k = 0; k < 3000; k++)
            buf_adds(&text, cases[i].row);
        buf_adds(&text, cases[i].odd);
        for (int k = 0; k < 3000; k++)
            buf_adds(&text, k % 500 ? cases[i].row : cases[i].odd);
        buf_adds(&text, cases[i].odd);
        compare(cases[i].name, &text, &how, sizes, ARRAY_LEN(sizes));
        buf_deinit(&text);
    }
}

/* One piece of a file made by chance: mostly rows, now and then something else. */
static void add_piece(struct buf *text, uint64_t *seed, int mood)
{
    static const char *const odd[] = { "a", ",", "\n", "\r\n", "\"x\"", "\"a,\n\"\"b\"", "\"", "\r",
        "\xC3\xA9", "\n\n", " \"", "1,2\n", "1,2,3,4\n", "\"1\"2,3,4\n", "\xFF", "\x1a" };
    uint64_t n = chance(seed) % 400;

    for (uint64_t i = 0; i < n; i++)
        buf_adds(text, chance(seed) % 3 ? "1,2,3\n" : "\"one, two\",\"x\"\"y\",\xE4\xB8\x9C\n");
    if (mood == 0)
        return;
    if (chance(seed) % 30 == 0) { /* A record as long as some chunks are. */
        buf_adds(text, "1,\"");
        for (n = chance(seed) % 30000; n > 0; n--)
            buf_addc(text, "abc\n"[n % 4]);
        buf_adds(text, "\",3\n");
    }
    n = chance(seed) % 4;
    for (uint64_t i = 0; i < n; i++)
        buf_adds(text, odd[chance(seed) % (ARRAY_LEN(odd) - (mood == 1 ? 2 : 0))]);
}

static void random_files(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct read_how how = { .args = reader_args_default, .typed = round % 5 == 0 };
        size_t chunks[2];
        struct buf text;

        how.args.delimiter = ",";
        how.args.header_row = chance(&seed) % 4 != 0;
        how.args.blank_lines = chance(&seed) % 4 ? BLANK_LINES_SKIP : BLANK_LINES_ROW;
        how.no_reject = chance(&seed) % 8 == 0;
        fill_block(&text, round % 2 ? "1,2,3\n" : "1,\"x, y\",\xC3\xA9\n");
        for (int i = 0; i < PIECES; i++)
            add_piece(&text, &seed, round % 4);
        chunks[0] = 512 + chance(&seed) % 8192;
        chunks[1] = 8192 + chance(&seed) % 100000;
        compare("random", &text, &how, chunks, ARRAY_LEN(chunks));
        buf_deinit(&text);
    }
}

/* The chunks themselves: all of the text, once, in its order. */
static void kinds(void **state)
{
    static const char row[] = "1,\"x, y\",3\n";
    struct csv_dialect dialect = { .delimiter = ',', .quote = '"' };
    struct encoding_reader *encoding;
    struct csv_ahead *ahead;
    struct csv_chunk chunk;
    struct buf text;
    struct err err;
    uint64_t rows = 0, lines = 0;
    bool odd = false;
    int fd;

    (void)state;
    buf_init(&text, TEXT_MAX);
    for (int i = 0; i < 20000; i++)
        buf_adds(&text, i == 10000 ? "short,one\n" : row);
    buf_adds(&text, "1,2\"2,3\n");
    fd = read_table_fd(text.data, text.len);
    assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
    assert_true(encoding_reader_open(fd, "UTF-8", &encoding, &err));
    limits(10000, 3);
    ahead = csv_ahead_new(encoding, &dialect, 3, 4, NULL);
    assert_non_null(ahead);
    assert_true(csv_ahead_go(ahead, text.data, 5, 1000));
    for (;;) {
        assert_true(csv_ahead_next(ahead, &chunk, &err));
        if (chunk.kind == CSV_CHUNK_REST)
            break;
        if (chunk.kind == CSV_CHUNK_ROWS) {
            assert_int_equal(chunk.batch->n_rows, chunk.lines);
            for (uint32_t i = 0; i < chunk.batch->n_rows; i++) {
                assert_int_equal(chunk.batch->columns[1][i].len, 4);
                assert_memory_equal(chunk.batch->columns[1][i].text, "x, y", 4);
                assert_true(cell_is_blank(chunk.batch->columns[3][i]));
            }
            rows += chunk.batch->n_rows;
        } else {
            assert_false(odd);
            assert_non_null(memmem(chunk.text, chunk.n, "short,one\n", 10));
            odd = true;
        }
        lines += chunk.lines;
    }
    assert_true(odd);
    assert_true(rows > 15000 && rows < lines);
    assert_int_equal(chunk.base, 1000 + text.len - chunk.n);
    assert_memory_equal(chunk.text, text.data + text.len - chunk.n, chunk.n);
    csv_ahead_free(ahead);
    encoding_reader_close(encoding);
    close(fd);
    buf_deinit(&text);
}

/* Rows of three texts. */
static void fill_texts(struct buf *text, int rows)
{
    buf_init(text, TEXT_MAX);
    for (int i = 0; i < rows; i++)
        buf_addf(text, "number %d,x,y\n", i);
}

static struct source *open_typed(int fd, int64_t header_row, struct source_env *env)
{
    struct reader_args args = reader_args_default;
    struct source *s = NULL;
    struct err err;

    *env = (struct source_env){
        .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp", .typed = true
    };
    args.header_row = header_row;
    if (!source_open(fd, "t.csv", &args, env, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

static void close_typed(struct source *s, struct source_env *env)
{
    source_close(s);
    warn_free(env->warnings);
    formats_free(env->formats);
}

/*
 * Opening reads until all types are known, which for text is soon, and goes back; so may who reads. What is parsed ahead by
 * then is more than was handed out.
 */
static void back_in_the_middle(void **state)
{
    enum { ROWS = 200000 };
    struct buf text;

    (void)state;
    fill_texts(&text, ROWS);
    for (int header = 0; header < 2; header++) {
        struct source_env env;
        struct source *s;
        struct err err;
        struct batch *b;

        limits(4096, 3);
        s = open_typed(read_table_fd(text.data, text.len), header, &env);
        for (int pass = 0; pass < 3; pass++) {
            uint64_t rows = 0;
            bool all = pass == 2;

            for (;;) {
                char name[32];

                assert_true(source_next(s, &b, &err));
                if (!b)
                    break;
                snprintf(name, sizeof name, "number %d", (int)rows + header);
                assert_int_equal(b->columns[0]->len, strlen(name));
                assert_memory_equal(b->columns[0]->text, name, strlen(name));
                rows += b->n_rows;
                if (!all && rows > ROWS / 2)
                    break;
            }
            if (all)
                assert_int_equal(rows, ROWS - header);
            assert_true(source_rewind(s, &err));
        }
        close_typed(s, &env);
    }
    buf_deinit(&text);
}

/* Rows that were there when the file was opened and are not any more are missed, not left out. */
static void a_file_cut_off_while_it_is_read(void **state)
{
    enum { ROWS = 500000, SEEN = 2 << 20 };
    static const size_t chunks[] = { 0, 64 << 10 };
    struct buf text;

    (void)state;
    fill_texts(&text, ROWS);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        struct source_env env;
        struct source *s;
        struct err err;
        struct batch *b;
        bool ok;
        int fd = read_table_fd(text.data, text.len);

        limits(chunks[i], 2);
        s = open_typed(fd, 1, &env);
        assert_int_equal(ftruncate(fd, SEEN), 0);
        while ((ok = source_next(s, &b, &err)) && b)
            continue;
        assert_false(ok);
        assert_int_equal(err.code, ERR_IO);
        assert_non_null(strstr(err.text, "and had 500000"));
        close_typed(s, &env);
    }
    buf_deinit(&text);
}

/* Without a processor to spare, for tables too wide, and without memory there are no chunks. */
static void refused(void **state)
{
    struct csv_dialect dialect = { .delimiter = ',', .quote = '"' };
    struct budget little = { .limit = 1 << 20 }, enough = { .limit = 16 << 20 };
    struct csv_ahead *ahead;
    char *record = calloc(1, 200 << 10);

    (void)state;
    assert_non_null(record);
    limits(256 << 10, 1);
    assert_null(csv_ahead_new(NULL, &dialect, 3, 10000, NULL));
    assert_null(csv_ahead_new(NULL, &dialect, 3, 3, &little));
    assert_int_equal(little.used, 0);
    ahead = csv_ahead_new(NULL, &dialect, 3, 3, &enough);
    assert_non_null(ahead);
    assert_true(enough.used > 0);
    assert_false(csv_ahead_go(ahead, record, 200 << 10, 0)); /* A record so long. */
    csv_ahead_free(ahead);
    assert_int_equal(enough.used, 0);
    free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(refused),
        cmocka_unit_test(single_cases),
        cmocka_unit_test(random_files),
        cmocka_unit_test(back_in_the_middle),
        cmocka_unit_test(a_file_cut_off_while_it_is_read),
    };

    return cmocka_run_group_tests_name("csv_ahead", tests, NULL, NULL);
}
