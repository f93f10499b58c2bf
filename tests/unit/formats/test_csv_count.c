/*
 * Rows that are only counted against rows that are read: of files longer than a block, whose text
 * is no longer checked once it has shown to be UTF-8, and of the corpora.
 */
#include "chance.h"
#include "read_table.h"

#include "base/fs.h"
#include "formats/csv_int.h"

#include <dirent.h>

enum { ROUNDS = 60, FILE_MAX_BYTES = 1 << 20 };

struct counted {
    uint64_t rows;
    uint32_t columns;
    char encoding[40];
    struct buf warnings; /* "kind=count ..." of the reading that followed. */
};

static bool drop_row(
    void *arg, uint64_t line, const char *reason, const char *raw, size_t n, struct err *err)
{
    (void)arg, (void)line, (void)reason, (void)raw, (void)n, (void)err;
    return true;
}

/* Count, then read on from there, and hold one against the other. False: the file is refused. */
static bool count_and_read(
    const char *name, const void *p, size_t n, const struct reader_args *args, struct counted *out)
{
    struct source_env env = {
        .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp", .reject = drop_row
    };
    uint64_t rows = 0, read = 0;
    struct source *s;
    struct batch *b;
    struct err err;
    bool ok;

    *out = (struct counted){ 0 };
    ok = source_open(read_table_fd(p, n), name, args, &env, &s, &err);
    if (ok && source_count(s, &rows)) {
        out->rows = rows;
        out->columns = source_schema(s)->n_columns;
        snprintf(out->encoding, sizeof out->encoding, "%s", source_info(s)->encoding);
        do {
            if (!source_next(s, &b, &err))
                fail_msg("%s: %s", name, err.text);
            if (!b)
                break;
            assert_int_equal(b->n_columns, out->columns);
            read += b->n_rows;
        } while (true);
        if (rows != read)
            fail_msg("%s: %llu rows counted, %llu read", name, (unsigned long long)rows,
                (unsigned long long)read);
    }
    if (ok)
        source_close(s);
    {
        struct json *told = warn_json(env.warnings);

        buf_init(&out->warnings, FILE_MAX_BYTES);
        for (size_t i = 0; i < json_len(told); i++)
            buf_addf(&out->warnings, "%s%s=%lld", i ? " " : "",
                json_get_string(json_at(told, i), "kind"),
                (long long)json_get_int(json_at(told, i), "count", 1));
        json_free(told);
    }
    warn_free(env.warnings);
    formats_free(env.formats);
    return ok;
}

/* A block and more of `row`, below a header. */
static void fill(struct buf *text, const char *row)
{
    buf_init(text, 8 << 20);
    buf_adds(text, "a,b,c\n");
    while (text->len < CSV_BLOCK + CSV_BLOCK / 2)
        buf_adds(text, row);
}

static void long_files(void **state)
{
    static const char plain[] = "1,\"x, y\",zzzzzzzzz\n", letters[] = "1,\"x, \xC3\xA9\",z\n";
    static const struct {
        const char *name, *row, *tail;
        int extra; /* Rows of the tail. */
        uint32_t columns;
        const char *encoding, *warnings;
    } cases[] = {
        { "ASCII", plain, "1,2,3\n", 1, 3, "UTF-8", "" },
        { "letters beyond ASCII", letters, "1,2,3\n", 1, 3, "UTF-8", "" },
        { "Windows-1252 late in ASCII", plain, "1,\xE9t\xE9,3\n", 1, 3, "WINDOWS-1252",
            "encoding_guessed=1" },
        { "a bad byte late in UTF-8", letters, "1,\xE9t\xE9,3\n", 1, 3, "UTF-8", "bad_bytes=2" },
        { "the bytes that are no mark", letters, "\xFF,2,3\n\xFF\xFF\n", 2, 3, "UTF-8",
            "bad_bytes=3 short_rows=1" },
        { "a character cut by the end", letters, "1,2,\xE4\xB8", 1, 3, "UTF-8", "bad_bytes=2" },
        { "Ctrl-Z at the end", letters, "1,2,3\n\x1a", 1, 3, "UTF-8", "" },
        { "a wide row", letters, "1,2,3,4,5\n1,2,3,,,\n", 2, 5, "UTF-8", "long_rows=1" },
        { "an open quote", letters, "1,\"2,3\n4,5,6\n", 1, 3, "UTF-8", "" },
        { "blank lines and CRLF", letters, "\n\r\n1,2,3\r\n\n", 1, 3, "UTF-8", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct counted got;
        struct buf text;
        size_t rows;

        fill(&text, cases[i].row);
        rows = (text.len - strlen("a,b,c\n")) / strlen(cases[i].row);
        buf_adds(&text, cases[i].tail);
        assert_true(count_and_read(cases[i].name, text.data, text.len, &reader_args_default, &got));
        assert_int_equal(got.rows, rows + (size_t)cases[i].extra);
        assert_int_equal(got.columns, cases[i].columns);
        assert_string_equal(got.encoding, cases[i].encoding);
        if (strcmp(buf_str(&got.warnings), cases[i].warnings) != 0)
            fail_msg("%s: %s", cases[i].name, buf_str(&got.warnings));
        buf_deinit(&got.warnings);
        buf_deinit(&text);
    }
}

/* What was taken unchecked is in the first block still, and must not be read as it stands. */
static void one_long_record(void **state)
{
    struct reader_args args = reader_args_default;
    struct counted got;
    struct buf text;

    (void)state;
    args.header_row = 0;
    args.delimiter = ",";
    buf_init(&text, 8 << 20);
    buf_adds(&text, "\xC3\xA9,");
    while (text.len < CSV_BLOCK + CSV_BLOCK / 2)
        buf_adds(&text, "abcdefgh");
    buf_adds(&text, "\xFF,z");
    assert_true(count_and_read("one long record", text.data, text.len, &args, &got));
    assert_int_equal(got.rows, 1);
    assert_int_equal(got.columns, 3);
    assert_string_equal(buf_str(&got.warnings), "bad_bytes=1");
    buf_deinit(&got.warnings);
    buf_deinit(&text);
}

/* Random ends of long files, with and without a way of quoting. */
static void random_files(void **state)
{
    static const char *const pieces[] = { "a", "bc", ",", ",", "\n", "\r\n", "\n", "\"x\"",
        "\"a,\n\"\"b\"", "\"", "\r", "\xC3\xA9", "\xFF", "\x80", "\n\n", "\x1a", " \"", ";", "'" };
    static const char *const quotes[] = { NULL, "none", "'" };
    uint64_t seed = 5;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct reader_args args = reader_args_default;
        size_t kinds = chance(&seed) % 3 ? 9 : ARRAY_LEN(pieces);
        struct counted got;
        struct buf text;

        args.delimiter = ",";
        args.quote = quotes[chance(&seed) % ARRAY_LEN(quotes)];
        args.header_row = chance(&seed) % 4 != 0;
        args.blank_lines = chance(&seed) % 4 ? BLANK_LINES_SKIP : BLANK_LINES_ROW;
        fill(&text, round % 3 ? "1,\"x, \xC3\xA9\",z\n" : "1,\"x\",z\n");
        for (int k = 0; k < 30000; k++) {
            const char *piece = pieces[chance(&seed) % kinds];

            buf_adds(&text, piece);
        }
        count_and_read("random", text.data, text.len, &args, &got);
        buf_deinit(&got.warnings);
        buf_deinit(&text);
    }
}

static void corpora(void **state)
{
    static const char *const folders[] = { "csv-spectrum", "messytables", "xlsx2csv",
        "libreoffice" };
    int files = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        char path[512];
        struct dirent *entry;
        DIR *dir;

        snprintf(path, sizeof path, "%s/%s", CORPORA_DIR, folders[i]);
        dir = opendir(path);
        assert_non_null(dir);
        while ((entry = readdir(dir))) {
            struct counted got;
            struct err err;
            size_t n;
            char *data;

            snprintf(path, sizeof path, "%s/%s/%s", CORPORA_DIR, folders[i], entry->d_name);
            if (!fs_load(path, FILE_MAX_BYTES, &data, &n, &err))
                continue;
            files += count_and_read(entry->d_name, data, n, &reader_args_default, &got) &&
                     got.encoding[0];
            buf_deinit(&got.warnings);
            free(data);
        }
        closedir(dir);
    }
    assert_true(files > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_files),
        cmocka_unit_test(one_long_record),
        cmocka_unit_test(random_files),
        cmocka_unit_test(corpora),
    };

    return cmocka_run_group_tests_name("csv_count", tests, NULL, NULL);
}
