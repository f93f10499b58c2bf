/*
 * Opening tables whatever they come in: pipes, gzip, wrong names.
 */
#include "read_table.h"

#include "formats/source_int.h"

#include <fcntl.h>
#include <pthread.h>
#include <zlib.h>

#define T(s) s, sizeof(s) - 1

static const char table[] = "a,b\n1,2\n3,4\n";
static const char shown[] = "a|b\n2:1|2\n3:3|4\n";

/* Gzip `n` bytes with zlib, behind what is in `out`. */
static void gzip(struct buf *out, const char *p, size_t n)
{
    z_stream z = { 0 };
    size_t room = n + n / 100 + 200;

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)buf_reserve(out, room);
    z.avail_out = (uInt)room;
    assert_non_null(z.next_out);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    deflateEnd(&z);
}

static void check(const char *label, const void *p, size_t n, const char *name, const char *want,
    const char *warnings)
{
    struct read_how how = { .args = reader_args_default, .name = name };
    struct read_table t;

    read_table(p, n, &how, &t);
    if (strcmp(t.ok ? buf_str(&t.text) : t.err.text, want) != 0 ||
        strcmp(buf_str(&t.warnings), warnings) != 0)
        fail_msg("%s: %s%s warnings %s", label, t.err.text, buf_str(&t.text), buf_str(&t.warnings));
    read_table_close(&t);
}

static void suffixes(void **state)
{
    static const struct {
        const char *name, *warnings;
    } names[] = { { "t.csv", "" }, { "t.CSV", "" }, { "t.tsv", "" }, { "t.txt", "" }, { "t", "" },
        { "a.b/t", "" }, { "t.", "" }, { "t.xlsx", "suffix_mismatch=1" },
        { "t.xls", "suffix_mismatch=1" }, { "t.csv.gz", "suffix_mismatch=1" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        check(names[i].name, T(table), names[i].name, shown, names[i].warnings);
}

static void gzipped(void **state)
{
    struct buf z;

    (void)state;
    buf_init(&z, 1 << 20);
    gzip(&z, T(table));
    check("gzip", z.data, z.len, "t.csv.gz", shown, "");
    check("gzip without a suffix of its own", z.data, z.len, "t.gz", shown, "");
    check("gzip called CSV", z.data, z.len, "t.csv", shown, "suffix_mismatch=1");
    for (size_t n = 3; n < z.len; n++) {
        struct read_how how = { .args = reader_args_default, .name = "t.csv.gz" };
        struct read_table t;

        read_table(z.data, n, &how, &t);
        assert_false(t.ok);
        assert_string_equal(
            t.err.text, "t.csv.gz is incomplete: its compressed data ends too early");
        read_table_close(&t);
    }
    buf_adds(&z, "junk");
    check("bytes behind the end", z.data, z.len, "t.csv.gz", shown, "gzip_trailing=1");
    z.len -= 4;
    gzip(&z, T("5,6\n"));
    check("two members", z.data, z.len, "t.csv.gz", "a|b\n2:1|2\n3:3|4\n4:5|6\n", "");
    buf_add(&z, "\0\0\0\0\0", 5);
    check("padding", z.data, z.len, "t.csv.gz", "a|b\n2:1|2\n3:3|4\n4:5|6\n", "");
    z.len -= 5;
    z.data[z.len - 6] ^= 1;
    check("wrong checksum", z.data, z.len, "t.csv.gz",
        "t.csv.gz is damaged: its compressed data does not match its checksum", "");
    buf_deinit(&z);
}

static void gzip_of_what(void **state)
{
    struct buf z, zz;

    (void)state;
    buf_init(&z, 1 << 20);
    buf_init(&zz, 1 << 20);
    gzip(&z, T(table));
    gzip(&zz, z.data, z.len);
    check("gzip in gzip", zz.data, zz.len, "t.csv.gz", "t.csv.gz is gzipped twice; unpack it first",
        "");
    buf_reset(&z);
    gzip(&z, T("%PDF-1.4"));
    check("a PDF in gzip", z.data, z.len, "t.pdf.gz",
        "t.pdf.gz is a PDF document; an Excel workbook or a text table (CSV, TSV) is needed", "");
    buf_reset(&z);
    gzip(&z, T(""));
    check("nothing in gzip", z.data, z.len, "t.csv.gz", "t.csv.gz is empty", "");
    buf_deinit(&z);
    buf_deinit(&zz);
}

/* What a gzip bomb unpacks to is limited. */
static void gzip_limit(void **state)
{
    char *zeros = calloc(1, 8 << 20);
    struct buf z;

    (void)state;
    assert_non_null(zeros);
    memset(zeros, 'a', 8 << 20);
    buf_init(&z, 16 << 20);
    gzip(&z, zeros, 8 << 20);
    source_unpack_limit = 4 << 20;
    check("over the limit", z.data, z.len, "t.csv.gz", "t.csv.gz unpacks to more than 4 MB", "");
    source_unpack_limit = 0;
    free(zeros);
    buf_deinit(&z);
}

struct feed {
    int fd;
    const char *p;
    size_t n;
};

static void *feed_pipe(void *arg)
{
    struct feed *f = arg;

    for (size_t i = 0; i < f->n; i++) /* Byte by byte, as slow as it gets. */
        assert_int_equal(write(f->fd, f->p + i, 1), 1);
    close(f->fd);
    return NULL;
}

static void pipes(void **state)
{
    struct read_how how = { .args = reader_args_default, .name = "stdin" };
    struct read_table t;
    struct buf z;

    (void)state;
    buf_init(&z, 1 << 20);
    gzip(&z, T(table));
    for (int packed = 0; packed < 2; packed++) {
        struct feed feed = { .p = packed ? z.data : table, .n = packed ? z.len : sizeof table - 1 };
        pthread_t thread;
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        feed.fd = ends[1];
        assert_int_equal(pthread_create(&thread, NULL, feed_pipe, &feed), 0);
        read_table_from(ends[0], &how, &t);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(t.ok);
        assert_string_equal(buf_str(&t.text), shown);
        read_table_close(&t);
    }
    buf_deinit(&z);
}

static void not_files(void **state)
{
    struct read_how how = { .args = reader_args_default, .name = "folder" };
    struct read_table t;

    (void)state;
    read_table_from(open("/tmp", O_RDONLY), &how, &t);
    assert_false(t.ok);
    assert_string_equal(t.err.text, "folder is a folder; a file is needed");
    read_table_close(&t);
}

/* A compound file whose directory lies far behind its head. */
static void encrypted(void **state)
{
    enum { SECTOR = 512, DIRECTORY = 20 };
    static const char stream[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";
    static char ole[(DIRECTORY + 3) * SECTOR] = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

    (void)state;
    ole[30] = 9;
    ole[48] = DIRECTORY;
    memcpy(ole + (DIRECTORY + 1) * SECTOR + 128, stream, sizeof stream);
    check("encrypted", ole, sizeof ole, "t.xlsx",
        "t.xlsx is a password-protected workbook; save it without the password", "");
    ole[30] = 99; /* Nonsense is not believed. */
    ole[51] = 99;
    check("no directory", ole, sizeof ole, "t.xls",
        "'t.xls' is incomplete or damaged: its header names sizes that no such file has; open and "
        "save it in Excel",
        "");
}

/* A descriptor stays the caller's when opening fails, and is closed with the source. */
static void descriptors(void **state)
{
    struct source_env env = { .formats = formats_new(), .tmp_dir = "/tmp" };
    struct source *s;
    struct err err;
    int fd = read_table_fd(T("%PDF-1.4"));

    (void)state;
    assert_false(source_open(fd, "x", &reader_args_default, &env, &s, &err));
    assert_int_equal(close(fd), 0);
    fd = read_table_fd(T(table));
    assert_true(lseek(fd, 5, SEEK_SET) == 5); /* Where it stands does not matter. */
    assert_true(source_open(fd, "x", &reader_args_default, &env, &s, &err));
    assert_string_equal(source_schema(s)->columns[0].name, "a");
    source_close(s);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    source_close(NULL);
    formats_free(env.formats);
}

static void no_temporary_folder(void **state)
{
    struct source_env env = { .formats = formats_new(), .tmp_dir = "/nonexistent" };
    struct source *s;
    struct err err;
    struct buf z;
    int fd;

    (void)state;
    buf_init(&z, 1 << 20);
    gzip(&z, T(table));
    fd = read_table_fd(z.data, z.len);
    assert_false(source_open(fd, "t.csv.gz", &reader_args_default, &env, &s, &err));
    assert_int_equal(err.code, ERR_CREATE);
    assert_null(strstr(err.text, "nonexistent"));
    close(fd);
    buf_deinit(&z);
    formats_free(env.formats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suffixes),
        cmocka_unit_test(gzipped),
        cmocka_unit_test(gzip_of_what),
        cmocka_unit_test(gzip_limit),
        cmocka_unit_test(pipes),
        cmocka_unit_test(not_files),
        cmocka_unit_test(encrypted),
        cmocka_unit_test(descriptors),
        cmocka_unit_test(no_temporary_folder),
    };

    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
