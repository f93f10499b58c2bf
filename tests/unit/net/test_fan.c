/* Loops shared by threads: everything once, whatever the number, and one loop after the other. */

#include "net/fan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 5000 };

static void count(void *arg, size_t i)
{
    unsigned *counts = arg;

    counts[i]++; /* No lock: nobody else has it. */
}

static void check(struct fan *fan, size_t n, unsigned times)
{
    static unsigned counts[MOST + 1];

    memset(counts, 0, sizeof counts);
    for (unsigned i = 0; i < times; i++)
        fan_run(fan, n, count, counts);
    for (size_t i = 0; i <= MOST; i++)
        assert_int_equal(counts[i], i < n ? times : 0);
}

static void test_everything_once(void **state)
{
    static const size_t sizes[] = { 0, 1, 31, 32, 33, 64, 1000, MOST };
    struct fan *fan = fan_new();

    (void)state;
    assert_non_null(fan);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check(fan, sizes[i], 1);
    fan_free(fan);
}

static void test_many_loops(void **state)
{
    struct fan *fan = fan_new();

    (void)state;
    assert_non_null(fan);
    check(fan, 100, 5000);
    fan_free(fan);
}

static void test_without_helpers(void **state)
{
    (void)state;
    check(NULL, 100, 1);
    fan_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_once),
        cmocka_unit_test(test_many_loops),
        cmocka_unit_test(test_without_helpers),
    };

    return cmocka_run_group_tests_name("fan", tests, NULL, NULL);
}
