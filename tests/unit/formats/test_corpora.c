/*
 * Every file of tests/corpora, every sheet of it, read or refused as verdicts.tsv says: a file without a
 * verdict fails, and so does a verdict without its file.
 *
 *   file <TAB> sheet (- of text) <TAB> "12 x 3" rows and columns, "empty", or "refused" <TAB> warnings or sentence
 *
 * The table is made anew where SHEETFLOW_VERDICTS names a file to write it to. What is in the cells is compared
 * with other readers elsewhere (tests/oracle, test_xls_corpora.c, test_csv_corpora.c).
 */
#include "read_table.h"

#include "base/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { PATH_ROOM = 600, MAX_FILES = 1000, VERDICT_BYTES = 1 << 20, MAX_SHEETS = 64 };

static const char *const folders[] = { "calamine", "csv-spectrum", "duckdb-excel", "messytables",
    "xlsx2csv" };

/* Names of sheets, or none, in *names; what stands in the way in err. */
static uint32_t sheets_of(const char *path, const char *name, struct buf *names)
{
    struct source_env env = {
        .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp", .allow_empty = true
    };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct source *s;
    struct err err;
    uint32_t n = 0;

    assert_true(fd >= 0);
    if (source_open(fd, name, &reader_args_default, &env, &s, &err)) {
        const struct source_info *info = source_info(s);

        n = info->n_sheets;
        for (uint32_t i = 0; i < n; i++) {
            buf_adds(names, info->sheets[i].name);
            buf_addc(names, '\0');
        }
        source_close(s);
    } else {
        close(fd);
    }
    warn_free(env.warnings);
    formats_free(env.formats);
    return n;
}

static void add_verdict(
    struct buf *out, const char *folder, const char *name, const char *path, const char *sheet)
{
    struct read_how how = {
        .name = name, .args = { .header_row = 1, .sheet = sheet }, .allow_empty = true
    };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct read_table t;

    assert_true(fd >= 0);
    read_table_from(fd, &how, &t);
    buf_addf(out, "%s/%s\t%s\t", folder, name, sheet ? sheet : "-");
    if (t.ok) {
        const char *head = buf_str(&t.text), *end = strchr(head, '\n');
        unsigned columns = end != head;

        for (const char *p = head; p < end; p++)
            columns += *p == '|';
        if (columns)
            buf_addf(out, "%llu x %u\t", (unsigned long long)t.rows, columns);
        else
            buf_adds(out, "empty\t");
        if (t.encoding[0] && strcmp(t.encoding, "UTF-8") != 0)
            buf_addf(out, "%s ", t.encoding);
        buf_addf(out, "%s", buf_str(&t.warnings));
        if (t.quarantined)
            buf_addf(out, " %llu rejected", (unsigned long long)t.quarantined);
    } else {
        buf_addf(out, "refused\t%s", t.err.text);
    }
    buf_addc(out, '\n');
    read_table_close(&t);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_folder(struct buf *out, const char *folder)
{
    char path[PATH_ROOM], *names[MAX_FILES];
    size_t n = 0;
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof path, "%s/%s", CORPORA_DIR, folder);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        assert_true(n < MAX_FILES);
        names[n++] = strdup(entry->d_name);
    }
    closedir(dir);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        struct buf sheets;
        const char *sheet;
        uint32_t n_sheets;

        buf_init(&sheets, 1 << 16);
        snprintf(path, sizeof path, "%s/%s/%s", CORPORA_DIR, folder, names[i]);
        n_sheets = sheets_of(path, names[i], &sheets);
        sheet = sheets.data;
        if (n_sheets == 0)
            add_verdict(out, folder, names[i], path, NULL);
        for (uint32_t k = 0; k < n_sheets; k++, sheet += strlen(sheet) + 1)
            add_verdict(out, folder, names[i], path, sheet);
        buf_deinit(&sheets);
        free(names[i]);
    }
}

/* The next line of *p, and its length. */
static const char *line(const char **p, size_t *n)
{
    const char *begin = *p, *end = strchr(begin, '\n');

    *n = end ? (size_t)(end - begin) : strlen(begin);
    *p = begin + *n + (end != NULL);
    return begin;
}

static void every_file_has_its_verdict(void **state)
{
    const char *save = getenv("SHEETFLOW_VERDICTS"), *want, *got;
    struct buf out;
    struct err err;
    char *text;
    size_t n, a, b;

    (void)state;
    buf_init(&out, VERDICT_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        add_folder(&out, folders[i]);
    if (save) {
        FILE *f = fopen(save, "w");

        assert_non_null(f);
        assert_int_equal(fwrite(out.data, 1, out.len, f), out.len);
        assert_int_equal(fclose(f), 0);
    }
    assert_true(fs_load(CORPORA_DIR "/verdicts.tsv", VERDICT_BYTES, &text, &n, &err));
    want = text;
    got = buf_str(&out);
    while (*want || *got) {
        const char *w = line(&want, &a), *g = line(&got, &b);

        if (a != b || memcmp(w, g, a) != 0)
            fail_msg("wanted %.*s\ngot    %.*s", (int)a, w, (int)b, g);
    }
    free(text);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_file_has_its_verdict) };

    return cmocka_run_group_tests_name("corpora", tests, NULL, NULL);
}
