/* Buckets of tokens, by a clock of our own. */

#include "net/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define START (INT64_C(1000) * SECOND)

static unsigned burst(struct rate *rate, const char *who, uint32_t per_minute, int64_t now_ns)
{
    uint32_t wait_s;
    unsigned n = 0;

    while (n < 1000000 && rate_take(rate, who, per_minute, now_ns, &wait_s))
        n++;
    return n;
}

static void test_a_minute_holds_as_many_as_are_allowed(void **state)
{
    static const struct {
        uint32_t per_minute;
        int64_t pause_ns;
        unsigned then;   /* Requests that pass after the pause. */
        uint32_t wait_s; /* When the bucket is empty. */
    } cases[] = {
        { 1, 59 * SECOND, 0, 60 },
        { 1, 60 * SECOND, 1, 60 },
        { 5, 12 * SECOND - 1, 0, 12 },
        { 5, 12 * SECOND, 1, 12 },
        { 5, 24 * SECOND, 2, 12 },
        { 5, 3600 * SECOND, 5, 12 },
        { 60, SECOND, 1, 1 },
        { 7, 60 * SECOND, 7, 9 },
        { 600, SECOND / 10, 1, 1 },
        { 1000000, SECOND, 16666, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rate *rate = rate_new();
        uint32_t wait_s = 0;

        assert_non_null(rate);
        assert_int_equal(burst(rate, "a", cases[i].per_minute, START), cases[i].per_minute);
        assert_false(rate_take(rate, "a", cases[i].per_minute, START, &wait_s));
        assert_int_equal(wait_s, cases[i].wait_s);
        assert_int_equal(
            burst(rate, "a", cases[i].per_minute, START + cases[i].pause_ns), cases[i].then);
        rate_free(rate);
    }
}

static void test_the_wait_that_is_told_is_enough(void **state)
{
    struct rate *rate = rate_new();
    int64_t now = START;
    uint32_t wait_s;

    (void)state;
    assert_non_null(rate);
    burst(rate, "a", 7, now);
    for (int i = 0; i < 100; i++) {
        if (!rate_take(rate, "a", 7, now, &wait_s)) {
            assert_in_range(wait_s, 1, 9);
            now += wait_s * SECOND;
            assert_true(rate_take(rate, "a", 7, now, &wait_s));
        }
    }
    rate_free(rate);
}

static void test_clients_do_not_share(void **state)
{
    struct rate *rate = rate_new();
    uint32_t wait_s;

    (void)state;
    assert_non_null(rate);
    assert_int_equal(burst(rate, "a", 3, START), 3);
    assert_int_equal(burst(rate, "b", 3, START), 3);
    assert_false(rate_take(rate, "a", 3, START, &wait_s));
    assert_true(rate_take(rate, "a", 0, START, &wait_s)); /* No limit. */
    rate_free(rate);
}

static void test_a_smaller_limit_holds_at_once(void **state)
{
    struct rate *rate = rate_new();
    uint32_t wait_s;

    (void)state;
    assert_non_null(rate);
    assert_true(rate_take(rate, "a", 100, START, &wait_s));
    assert_int_equal(burst(rate, "a", 2, START), 2);
    rate_free(rate);
}

static void test_too_many_clients_share_one_bucket(void **state)
{
    struct rate *rate = rate_new();
    uint32_t wait_s;
    char who[16];

    (void)state;
    assert_non_null(rate);
    for (int i = 0; i < RATE_CLIENTS; i++) {
        snprintf(who, sizeof who, "%d", i);
        assert_true(rate_take(rate, who, 2, START, &wait_s));
    }
    assert_true(rate_take(rate, "late", 2, START, &wait_s));
    assert_true(rate_take(rate, "later", 2, START, &wait_s));
    assert_false(rate_take(rate, "latest", 2, START, &wait_s));
    assert_true(
        rate_take(rate, "latest", 2, START + 60 * SECOND, &wait_s)); /* There is room again. */
    assert_int_equal(burst(rate, "later", 2, START + 60 * SECOND), 2);
    rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_minute_holds_as_many_as_are_allowed),
        cmocka_unit_test(test_the_wait_that_is_told_is_enough),
        cmocka_unit_test(test_clients_do_not_share),
        cmocka_unit_test(test_a_smaller_limit_holds_at_once),
        cmocka_unit_test(test_too_many_clients_share_one_bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
