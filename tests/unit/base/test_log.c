/*
 * The log's files: put aside by size and by day, kept so many, opened anew, with every line whole.
 */

#include "base/log.h"
#include "base/log_file.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/sheetflow-log-XXXXXX", path[128];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/server.log", dir);
    return 0;
}

static const char *name_of(int i)
{
    static char name[160];

    snprintf(name, sizeof name, i ? "%s.%d" : "%s", path, i);
    return name;
}

static void clear(void)
{
    for (int i = 0; i < 10; i++)
        unlink(name_of(i));
}

static int tear_down(void **state)
{
    (void)state;
    clear();
    return rmdir(dir);
}

static long size_of(int i)
{
    struct stat st;

    return stat(name_of(i), &st) == 0 ? (long)st.st_size : -1;
}

static void begin(const char *rotation)
{
    struct err err;

    clear();
    log_set_rotation(rotation);
    assert_true(log_open(LOG_INFO, false, path, &err));
}

/* Lines of the file, each of which must be whole; the first one's number goes to *first. */
static int lines_of(int i, int *first)
{
    FILE *f = fopen(name_of(i), "r");
    char line[4096], *number;
    int n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        assert_true(line[strlen(line) - 1] == '\n');
        number = strstr(line, "\"line\" n=\"");
        assert_non_null(number);
        if (n++ == 0)
            *first = atoi(number + strlen("\"line\" n=\""));
    }
    fclose(f);
    return n;
}

static void write_lines(int from, int to)
{
    char number[16], filler[1000];

    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    for (int i = from; i < to; i++) {
        snprintf(number, sizeof number, "%d", i);
        log_write(LOG_INFO, "line", "n", number, "filler", filler, NULL);
    }
}

static void by_size(void **state)
{
    int first = 0, expected = 0, n;

    (void)state;
    begin("64KB x 3");
    write_lines(0, 150); /* 64 lines fill a file: 0 to 149 are in three. */
    for (int i = 2; i >= 0; i--) {
        n = lines_of(i, &first);
        assert_int_equal(first, expected);
        assert_true(size_of(i) <= 64 * 1024);
        expected += n;
    }
    assert_int_equal(expected, 150);
    write_lines(150, 400);
    log_close();
    assert_int_equal(size_of(4), -1);
    assert_true(size_of(3) > 0);
    expected = -1;
    for (int i = 3; i >= 0; i--) {
        n = lines_of(i, &first);
        assert_true(expected < 0 || first == expected);
        expected = first + n;
    }
    assert_int_equal(expected, 400);
}

static void by_day(void **state)
{
    struct timespec times[2];
    struct err err;
    int first = 0;

    (void)state;
    begin("daily x 2");
    write_lines(0, 3);
    log_close();
    times[0].tv_sec = times[1].tv_sec = time(NULL) - 86400;
    times[0].tv_nsec = times[1].tv_nsec = 0;
    assert_int_equal(utimensat(-1, path, times, 0), 0);
    assert_true(log_open(LOG_INFO, false, path, &err));
    write_lines(3, 5);
    log_close();
    assert_int_equal(lines_of(1, &first), 3);
    assert_int_equal(lines_of(0, &first), 2);
    assert_int_equal(first, 3);
}

static void never_without_a_rotation(void **state)
{
    int first;

    (void)state;
    begin("");
    write_lines(0, 200);
    log_close();
    assert_int_equal(lines_of(0, &first), 200);
    assert_int_equal(size_of(1), -1);
}

static void opened_anew(void **state)
{
    char moved[160];
    struct err err;
    int first;

    (void)state;
    begin("");
    write_lines(0, 2);
    snprintf(moved, sizeof moved, "%s", name_of(9));
    assert_int_equal(rename(path, moved), 0);
    write_lines(2, 3);
    assert_true(log_reopen(&err));
    write_lines(3, 4);
    log_close();
    assert_int_equal(lines_of(9, &first), 3);
    assert_int_equal(lines_of(0, &first), 1);
    assert_int_equal(first, 3);
    assert_true(log_reopen(&err)); /* Standard error: nothing to do. */
}

static void forms(void **state)
{
    static const char *const good[] = { "", " ", "10MB x 5", "10mb x5", "1 GB X 1000", "64KB x 1",
        "daily x 7", "Daily x 365" };
    static const char *const bad[] = { "10MB", "10 x 5", "x 5", "10MB x", "10MB x 0", "10MB x 1001",
        "1KB x 5", "10MB x 5 x", "-1MB x 5", "weekly x 3", "10TB x 5", "daily", "10M x 5",
        "99999999999999999999GB x 5" };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (!log_file_rotation_check(good[i], &err))
            fail_msg("%s: %s", good[i], err.text);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (log_file_rotation_check(bad[i], &err))
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(err.code, ERR_ARG);
        assert_non_null(strstr(err.text, "\"10MB x 5\""));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(by_size),
        cmocka_unit_test(by_day),
        cmocka_unit_test(never_without_a_rotation),
        cmocka_unit_test(opened_anew),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
