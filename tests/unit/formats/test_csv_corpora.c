/*
 * Files that other projects test their readers with (tests/corpora).
 *
 * csv-spectrum has the expected records beside each file; for the files of messytables, shape and
 * warnings were checked by hand.
 */
#include "read_table.h"

#include "formats/sink.h"

#include <dirent.h>
#include <fcntl.h>

enum { FILE_MAX_BYTES = 1 << 20 };

static char *load(const char *folder, const char *name, size_t *n)
{
    char path[512], *data;
    struct err err;

    snprintf(path, sizeof path, "%s/%s/%s", CORPORA_DIR, folder, name);
    if (!fs_load(path, FILE_MAX_BYTES, &data, n, &err))
        fail_msg("%s: %s", name, err.text);
    return data;
}

/* The CRs that files called so have lost on their way here. */
static char *with_crlf(char *data, size_t *n)
{
    struct buf out;

    buf_init(&out, FILE_MAX_BYTES);
    for (size_t i = 0; i < *n; i++)
        buf_add(&out, data[i] == '\n' ? "\r\n" : data + i, data[i] == '\n' ? 2 : 1);
    *n = out.len;
    free(data);
    return buf_take(&out);
}

/* The file as JSON text, through the reader and the JSON writer. */
static struct json *records_of(const char *folder, const char *name)
{
    struct sink_args args = { .format = FILE_JSON, .null_handling = NULL_DEFAULT };
    struct source_env env = { .formats = formats_new(), .tmp_dir = "/tmp" };
    int out = memfd_create("json", 0);
    struct fs_file *file;
    struct source *source;
    struct sink *sink;
    struct batch *b;
    struct json *json;
    struct err err;
    size_t n;
    char *data = load(folder, name, &n);

    if (strstr(name, "_crlf") && !memchr(data, '\r', n))
        data = with_crlf(data, &n);
    assert_true(
        source_open(read_table_fd(data, n), name, &reader_args_default, &env, &source, &err));
    free(data);
    assert_true(fs_file_from_fd(out, "json", &file, &err));
    assert_true(sink_open(&args, source_schema(source), file, &sink, &err));
    while (source_next(source, &b, &err) && b)
        assert_true(sink_write(sink, b, &err));
    assert_true(sink_finish(sink, &err));
    sink_close(sink);
    source_close(source);
    n = (size_t)fs_file_size(file);
    assert_true(fs_file_commit(file, false, NULL, &err));
    data = malloc(n + 1);
    assert_non_null(data);
    assert_int_equal(pread(out, data, n, 0), n);
    close(out);
    assert_true(json_parse(data, n, &json, &err));
    free(data);
    formats_free(env.formats);
    return json;
}

static void compare_records(const char *name, const struct json *got, const struct json *want)
{
    char *a, *b;

    if (json_kind(want) == JSON_KIND_OBJECT) {
        /* One record, and its telephone number was changed in the JSON file only. */
        assert_int_equal(json_len(got), 1);
        got = json_at(got, 0);
        assert_string_equal(name, "location_coordinates");
        assert_true(json_remove((struct json *)(uintptr_t)got, "Contact Phone Number"));
        assert_true(json_remove((struct json *)(uintptr_t)want, "Contact Phone Number"));
    }
    a = json_text(got);
    b = json_text(want);
    if (strcmp(a, b) != 0)
        fail_msg("%s:\n%s\nnot\n%s", name, a, b);
    free(a);
    free(b);
}

static void csv_spectrum(void **state)
{
    DIR *dir = opendir(CORPORA_DIR "/csv-spectrum");
    struct dirent *entry;
    int files = 0;

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char name[300], stem[256];
        size_t n = strlen(entry->d_name);
        struct json *got, *want;
        struct err err;
        char *text;

        if (n < 5 || strcmp(entry->d_name + n - 4, ".csv") != 0)
            continue;
        snprintf(stem, sizeof stem, "%.*s", (int)n - 4, entry->d_name);
        snprintf(name, sizeof name, "%s.json", stem);
        got = records_of("csv-spectrum", entry->d_name);
        text = load("csv-spectrum", name, &n);
        assert_true(json_parse(text, n, &want, &err));
        compare_records(stem, got, want);
        json_free(got);
        json_free(want);
        free(text);
        files++;
    }
    closedir(dir);
    assert_int_equal(files, 12);
}

static const struct {
    const char *file, *encoding;
    char delimiter;
    uint64_t rows;
    const char *warnings;
    const char *begins; /* Of the table's text. */
} messy[] = {
    { "simple.csv", "UTF-8", ',', 6, "", "date|temperature|place\n2:2011-01-01|1|Galway\n" },
    { "simple.ssv", "UTF-8", ';', 6, "", "date|temperature|place\n2:2011-01-01|1|Galway\n" },
    { "simple.psv", "UTF-8", '|', 28, "", "Year|New dwellings|" },
    { "example.tsv", "UTF-8", '\t', 140, "", "hour|expr1_0_imp|" },
    { "utf8bom.csv", "UTF-8", ',', 0, "", "kitten|win\n" },
    { "utf-16le_encoded.csv", "UTF-16LE", ',', 327, "", "Organisation_code|Organisation_name|" },
    { "spanish_chars.csv", "WINDOWS-1252", ',', 116, "encoding_guessed=1",
        "GF_ID|FN_ID|SF_ID|GF|F|SF|Gasto total 2011|Descripción\n" },
    { "null.csv", "UTF-8", ',', 9, "header_repaired=1",
        "1|null|0|0_2\n2:2|0|0|null\n3:3|null||\n" },
    { "long.csv", "UTF-8", 0, 3999, "", "foo\n2:foo\n" },
    { "small.csv", "UTF-8", 0, 0, "", "a\n" },
    { "skip_initials.csv", "UTF-8", ',', 2, "", "field1|field2\n2:hello|    goodbye\n" },
    { "complex.csv", "UTF-8", ',', 3, "long_rows=1 space_before_quote=1",
        "date| another date| temperature| place|_extra_1|_extra_2\n2:2011-01-01| 24 October 2011| "
        "0|||\n" },
    { "excel_pasting.csv", "UTF-8", ',', 17, "preamble_skipped=3",
        "Year|2000|2001|2002|2003|2004|2005|2006|2007\n5:Timber|2,666|" },
    { "mixedGLB.csv", "UTF-8", ',', 133, "preamble_skipped=3", "Year|Jan|Feb|" },
    { "begrotingsanalyse-2011.csv", "UTF-8", ',', 42, "header_repaired=18",
        "column_1|column_2|Kengetallen clusters provincies|" },
};

static void messytables(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messy); i++) {
        struct read_how how = { .args = reader_args_default, .name = messy[i].file };
        struct read_table t;
        size_t n;
        char *data = load("messytables", messy[i].file, &n);

        read_table(data, n, &how, &t);
        if (!t.ok || t.rows != messy[i].rows || t.delimiter != messy[i].delimiter ||
            strcmp(t.encoding, messy[i].encoding) != 0 ||
            strcmp(buf_str(&t.warnings), messy[i].warnings) != 0 ||
            strncmp(buf_str(&t.text), messy[i].begins, strlen(messy[i].begins)) != 0)
            fail_msg("%s: %s%llu rows, delimiter '%c', %s, warnings %s:\n%.300s", messy[i].file,
                t.err.text, (unsigned long long)t.rows, t.delimiter ? t.delimiter : '0', t.encoding,
                buf_str(&t.warnings), buf_str(&t.text));
        assert_int_equal(t.quarantined, 0);
        read_table_close(&t);
        free(data);
    }
}

static const struct {
    const char *file, *want;
} refused[] = {
    { "badcolspan.html", "badcolspan.html is an HTML page" },
    { "simple.ods", "simple.ods is an OpenDocument spreadsheet (.ods)" },
};

static void not_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct read_how how = { .args = reader_args_default, .name = refused[i].file };
        struct read_table t;
        size_t n;
        char *data = load("messytables", refused[i].file, &n);

        read_table(data, n, &how, &t);
        assert_false(t.ok);
        assert_int_equal(t.err.code, ERR_FORMAT);
        if (strncmp(t.err.text, refused[i].want, strlen(refused[i].want)) != 0)
            fail_msg("%s: %s", refused[i].file, t.err.text);
        read_table_close(&t);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_spectrum),
        cmocka_unit_test(messytables),
        cmocka_unit_test(not_tables),
    };

    return cmocka_run_group_tests_name("csv_corpora", tests, NULL, NULL);
}
