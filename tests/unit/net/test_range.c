/* Ranges and entity tags, as a table of headers. */

#include "net/range.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *header;
    uint64_t size;
    enum range_kind kind;
    uint64_t first, n;
} ranges[] = {
    { "bytes=0-0", 10, RANGE_PART, 0, 1 },
    { "bytes=0-", 10, RANGE_PART, 0, 10 },
    { "bytes=3-5", 10, RANGE_PART, 3, 3 },
    { "bytes=3-99", 10, RANGE_PART, 3, 7 },
    { "bytes=9-", 10, RANGE_PART, 9, 1 },
    { "bytes=-1", 10, RANGE_PART, 9, 1 },
    { "bytes=-99", 10, RANGE_PART, 0, 10 },
    { " bytes= 3-5 ", 10, RANGE_PART, 3, 3 },
    { "bytes=18446744073709551614-", 18446744073709551615u, RANGE_PART, 18446744073709551614u, 1 },
    { "bytes=10-", 10, RANGE_OUTSIDE, 0, 0 },
    { "bytes=10-20", 10, RANGE_OUTSIDE, 0, 0 },
    { "bytes=-0", 10, RANGE_OUTSIDE, 0, 0 },
    { "bytes=0-", 0, RANGE_OUTSIDE, 0, 0 },
    { "bytes=-5", 0, RANGE_OUTSIDE, 0, 0 },
    { "bytes=5-3", 10, RANGE_WHOLE, 0, 0 },
    { "bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0 },
    { "bytes=a-b", 10, RANGE_WHOLE, 0, 0 },
    { "bytes=-", 10, RANGE_WHOLE, 0, 0 },
    { "bytes=", 10, RANGE_WHOLE, 0, 0 },
    { "bytes=1", 10, RANGE_WHOLE, 0, 0 },
    { "bytes=99999999999999999999-", 10, RANGE_WHOLE, 0, 0 },
    { "rows=1-2", 10, RANGE_WHOLE, 0, 0 },
    { "", 10, RANGE_WHOLE, 0, 0 },
};

static void test_ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        uint64_t first = 0, n = 0;
        enum range_kind kind = range_parse(ranges[i].header, ranges[i].size, &first, &n);

        if (kind != ranges[i].kind || first != ranges[i].first || n != ranges[i].n)
            fail_msg("'%s': kind %d first %llu n %llu", ranges[i].header, kind,
                (unsigned long long)first, (unsigned long long)n);
    }
}

static const struct {
    const char *header, *etag;
    bool match;
} tags[] = {
    { "\"a\"", "\"a\"", true },
    { "\"b\", \"a\"", "\"a\"", true },
    { "\"b\" , W/\"a\"", "\"a\"", true },
    { "\"a\"", "W/\"a\"", true },
    { "*", "\"a\"", true },
    { "\"b\"", "\"a\"", false },
    { "\"a", "\"a\"", false },
    { "a", "\"a\"", false },
    { "", "\"a\"", false },
    { "\"a\"", "a", false },
};

static void test_none_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (range_none_match(tags[i].header, tags[i].etag) != tags[i].match)
            fail_msg("%s against %s", tags[i].header, tags[i].etag);
    }
}

static void test_if_range(void **state)
{
    static const char date[] = "Mon, 23 Nov 2026 03:18:10 GMT";

    (void)state;
    assert_true(range_if_range("\"a\"", "\"a\"", NULL));
    assert_false(range_if_range("\"a\"", "\"b\"", NULL));
    assert_false(range_if_range("W/\"a\"", "\"a\"", NULL));
    assert_false(range_if_range("\"a\"", "W/\"a\"", NULL));
    assert_false(range_if_range("\"a\"", NULL, NULL));
    assert_true(range_if_range(date, "\"a\"", date));
    assert_false(range_if_range(date, "\"a\"", NULL));
    assert_false(range_if_range("Mon, 23 Nov 2026 03:18:11 GMT", "\"a\"", date));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_none_match),
        cmocka_unit_test(test_if_range),
    };

    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
