/*
 * Column profiles: names of types, counts, statistics, bounded memory.
 */

#include "table/profile.h"

#include "table/profile_int.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_CELLS = 6 };

static struct cell text(const char *s)
{
    return cell_text(s, strlen(s));
}

static struct cell error(void)
{
    struct cell c = text("#N/A");

    c.type = CELL_ERROR;
    return c;
}

/* A profile of one column of n cells. */
static struct profile *profile_of(const struct cell *cells, uint32_t n, bool details)
{
    struct profile *p = profile_new(1, details, NULL);
    struct err err = { 0 };
    struct arena arena;
    struct batch *b;

    assert_non_null(p);
    arena_init(&arena, NULL);
    b = batch_new(&arena, 1);
    assert_non_null(b);
    for (uint32_t at = 0; at < n; at += b->n_rows) {
        b->n_rows = n - at < BATCH_ROWS ? n - at : BATCH_ROWS;
        memcpy(b->columns[0], cells + at, b->n_rows * sizeof *cells);
        assert_true(profile_add(p, b, &err));
    }
    arena_deinit(&arena);
    return p;
}

static void types(void **state)
{
    const struct {
        struct cell cells[MAX_CELLS];
        enum column_type want;
        uint32_t n;
    } cases[] = {
        { { cell_blank() }, COLUMN_EMPTY, 0 },
        { { cell_blank(), cell_blank() }, COLUMN_EMPTY, 2 },
        { { cell_number(1), cell_blank(), cell_number(-3) }, COLUMN_INTEGER, 3 },
        { { cell_number(1), cell_number(1.5) }, COLUMN_NUMBER, 2 },
        { { cell_number(1e300) }, COLUMN_NUMBER, 1 },
        { { cell_bool(true), cell_bool(false) }, COLUMN_BOOLEAN, 2 },
        { { cell_date(45000, DATE_DATE), cell_blank() }, COLUMN_DATE, 2 },
        { { cell_date(45000, DATE_DATE), cell_date(45000.5, DATE_DATETIME) }, COLUMN_DATETIME, 2 },
        { { cell_date(0.5, DATE_TIME), cell_date(45000.5, DATE_DATETIME) }, COLUMN_DATETIME, 2 },
        { { cell_date(0.5, DATE_TIME), cell_date(1.5, DATE_DURATION) }, COLUMN_TIME, 2 },
        { { cell_date(45000, DATE_DATE), cell_date(0.5, DATE_TIME) }, COLUMN_MIXED, 2 },
        { { cell_number(1), text("a") }, COLUMN_MIXED, 2 },
        { { cell_number(1), text("2") }, COLUMN_MIXED, 2 },
        { { cell_date(45000, DATE_DATE), text("2024-01-01") }, COLUMN_MIXED, 2 },
        { { cell_number(1), error() }, COLUMN_MIXED, 2 },
        { { error(), error() }, COLUMN_TEXT, 2 },
        { { text("a"), text("1") }, COLUMN_TEXT, 2 },
        { { text("1"), text(""), text("20") }, COLUMN_INTEGER, 3 },
        { { text("1"), text("2.5") }, COLUMN_NUMBER, 2 },
        { { text("1"), text("007") }, COLUMN_TEXT, 2 },
        { { text("true"), text("false") }, COLUMN_BOOLEAN, 2 },
        { { text("TRUE") }, COLUMN_TEXT, 1 },
        { { text("2024-02-29") }, COLUMN_DATE, 1 },
        { { text("2024-02-29 10:00:00") }, COLUMN_DATETIME, 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int details = 0; details < 2; details++) {
            struct profile *p = profile_of(cases[i].cells, cases[i].n, details);
            const struct column_profile *c = profile_column(p, 0);

            if (c->type != cases[i].want)
                fail_msg("case %zu is '%s', not '%s'", i, column_type_name(c->type),
                    column_type_name(cases[i].want));
            assert_int_equal(profile_rows(p), cases[i].n);
            profile_free(p);
        }
    }
}

static void counts(void **state)
{
    const struct cell cells[] = { cell_blank(), text("a"), cell_number(1), cell_bool(true),
        cell_date(1, DATE_DATE), error(), error(), cell_blank(), cell_blank() };
    struct profile *p = profile_of(cells, ARRAY_LEN(cells), false);
    const struct column_profile *c = profile_column(p, 0);

    (void)state;
    assert_int_equal(c->blanks, 3);
    assert_int_equal(c->texts, 1);
    assert_int_equal(c->numbers, 1);
    assert_int_equal(c->booleans, 1);
    assert_int_equal(c->dates, 1);
    assert_int_equal(c->errors, 2);
    assert_int_equal(c->distinct, 0);
    assert_true(isnan(c->mean));
    profile_free(p);
}

static void check_json(struct profile *p, const char *want)
{
    struct json *object = profile_json(p, 0);
    char *got = json_text(object);

    assert_non_null(got);
    assert_string_equal(got, want);
    free(got);
    json_free(object);
}

static void statistics(void **state)
{
    const struct cell numbers[] = { cell_number(2), cell_number(4), cell_number(4), text(""),
        cell_number(5.5) };
    const struct cell texts[] = { text("2"), text("10"), text("3"), text("10") };
    struct profile *p = profile_of(numbers, ARRAY_LEN(numbers), true);
    const struct column_profile *c = profile_column(p, 0);

    (void)state;
    assert_int_equal(c->distinct, 3);
    assert_true(c->distinct_exact);
    assert_true(c->min == 2 && c->max == 5.5 && c->mean == 3.875 && c->median == 4);
    assert_true(fabs(c->std - 1.4361406616345072) < 1e-15);
    assert_null(c->min_text);
    assert_int_equal(c->n_samples, 3);
    assert_string_equal(c->samples[2], "5.5");
    profile_free(p);
    p = profile_of(texts, ARRAY_LEN(texts), true);
    c = profile_column(p, 0);
    assert_true(c->min == 2 && c->max == 10 && c->mean == 6.25 && c->median == 6.5);
    assert_null(c->min_text); /* Numbers do not have an order of bytes. */
    assert_int_equal(c->texts, 4);
    check_json(p,
        "{\"type\":\"integer\",\"blanks\":0,\"distinct\":3,\"distinct_exact\":true,\"min\":2,"
        "\"max\":10,"
        "\"mean\":6.25,\"median\":6.5,\"std\":4.349329450233296,\"samples\":[\"2\",\"10\",\"3\"],"
        "\"histogram\":[1,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2]}");
    profile_free(p);
    p = profile_of(numbers, 1, true);
    assert_true(isnan(profile_column(p, 0)->std)); /* One number does not vary. */
    profile_free(p);
}

static void ranges_of_text_and_dates(void **state)
{
    const struct cell texts[] = { text("pear"), text("apple"), text("pea"), text("zoo"),
        text("apple pie") };
    const struct cell dates[] = { cell_date(45000, DATE_DATE), cell_date(44000, DATE_DATE),
        cell_date(44500, DATE_DATE) };
    struct profile *p = profile_of(texts, ARRAY_LEN(texts), true);
    const struct column_profile *c = profile_column(p, 0);

    (void)state;
    assert_string_equal(c->min_text, "apple");
    assert_string_equal(c->max_text, "zoo");
    assert_true(isnan(c->min));
    check_json(p, "{\"type\":\"text\",\"blanks\":0,\"distinct\":5,\"distinct_exact\":true,\"min\":"
                  "\"apple\",\"max\":\"zoo\","
                  "\"samples\":[\"pear\",\"apple\",\"pea\",\"zoo\",\"apple pie\"],"
                  "\"top\":[{\"value\":\"pear\",\"count\":1},{\"value\":\"apple\",\"count\":1},"
                  "{\"value\":\"pea\",\"count\":1},{\"value\":\"zoo\",\"count\":1},"
                  "{\"value\":\"apple pie\",\"count\":1}]}");
    profile_free(p);
    p = profile_of(dates, ARRAY_LEN(dates), true);
    c = profile_column(p, 0);
    assert_string_equal(c->min_text, "2020-06-18");
    assert_string_equal(c->max_text, "2023-03-15");
    profile_free(p);
    p = profile_of(texts, 2, false);
    check_json(p, "{\"type\":\"text\",\"blanks\":0}");
    profile_free(p);
}

static void long_texts_are_cut(void **state)
{
    char wide[1000], want[321];
    struct cell cells[2];
    struct profile *p;

    (void)state;
    for (size_t i = 0; i < sizeof wide / 4; i++)
        memcpy(wide + 4 * i, "\xf0\x9f\x98\x80", 4);
    memcpy(want, wide, 320);
    want[320] = '\0';
    cells[0] = cell_text(wide, sizeof wide);
    cells[1] = cell_text("a", 1);
    p = profile_of(cells, 2, true);
    assert_string_equal(profile_column(p, 0)->samples[0], want);
    assert_string_equal(profile_column(p, 0)->max_text, want);
    assert_string_equal(profile_column(p, 0)->min_text, "a");
    profile_free(p);
}

static void samples_are_distinct(void **state)
{
    const struct cell cells[] = { text("1"), cell_number(1), text("1"), cell_bool(true),
        text("true"), cell_blank(), text("b"), text("c"), text("d"), text("e") };
    static const char *const want[] = { "1", "true", "b", "c", "d", "e" };
    struct profile *p = profile_of(cells, ARRAY_LEN(cells), true);
    const struct column_profile *c = profile_column(p, 0);

    (void)state;
    assert_int_equal(c->n_samples, ARRAY_LEN(want));
    for (uint32_t i = 0; i < ARRAY_LEN(want); i++)
        assert_string_equal(c->samples[i], want[i]);
    assert_int_equal(c->distinct, 8);
    profile_free(p);
}

/* Few values have a top, most frequent first; numbers and dates a histogram from least to greatest. */
static void pictures(void **state)
{
    const struct cell words[] = { text("b"), text("a"), cell_blank(), text("a"), cell_bool(true),
        text("a"), cell_bool(true) };
    const struct cell same[] = { cell_number(7), cell_number(7) };
    const struct cell dates[] = { cell_date(100, DATE_DATE), cell_date(200, DATE_DATE),
        cell_date(200, DATE_DATE) };
    struct cell many[TOPS_MAX + 1];
    char names[TOPS_MAX + 1][8];
    struct profile *p = profile_of(words, ARRAY_LEN(words), true);
    struct json *object = profile_json(p, 0);
    char *top = json_text(json_get(object, "top"));

    (void)state;
    assert_string_equal(top, "[{\"value\":\"a\",\"count\":3},{\"value\":\"true\",\"count\":2},"
                             "{\"value\":\"b\",\"count\":1}]");
    free(top);
    json_free(object);
    profile_free(p);
    p = profile_of(same, ARRAY_LEN(same), true);
    object = profile_json(p, 0);
    assert_int_equal(json_int(json_at(json_get(object, "histogram"), 0), -1), 2);
    assert_int_equal(json_len(json_get(object, "histogram")), PROFILE_BINS);
    json_free(object);
    profile_free(p);
    p = profile_of(dates, ARRAY_LEN(dates), true);
    object = profile_json(p, 0);
    assert_int_equal(json_int(json_at(json_get(object, "histogram"), 0), -1), 1);
    assert_int_equal(json_int(json_at(json_get(object, "histogram"), PROFILE_BINS - 1), -1), 2);
    json_free(object);
    profile_free(p);
    for (int i = 0; i <= TOPS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "v%d", i);
        many[i] = text(names[i]);
    }
    p = profile_of(many, ARRAY_LEN(many), true);
    object = profile_json(p, 0);
    assert_null(json_get(object, "top"));
    json_free(object);
    profile_free(p);
}

/* Past PROFILE_EXACT the figures are close, and the memory does not grow. */
static void many_values(void **state)
{
    enum { N = PROFILE_EXACT * 8 };
    struct budget budget = { 0 };
    struct profile *p = profile_new(1, true, &budget);
    const struct column_profile *c;
    struct err err = { 0 };
    struct arena arena;
    struct batch *b;
    size_t used = 0;

    (void)state;
    arena_init(&arena, NULL);
    b = batch_new(&arena, 1);
    b->n_rows = BATCH_ROWS;
    for (uint32_t at = 0; at < N; at += BATCH_ROWS) {
        for (uint32_t i = 0; i < BATCH_ROWS; i++)
            b->columns[0][i] =
                cell_number((double)(at + i) * 7919 - (double)((at + i) * UINT64_C(7919) / N * N));
        assert_true(profile_add(p, b, &err));
        if (at + BATCH_ROWS == PROFILE_EXACT) {
            c = profile_column(p, 0);
            assert_true(c->distinct_exact);
            assert_int_equal(c->distinct, PROFILE_EXACT);
        }
        if (at + BATCH_ROWS == PROFILE_EXACT) { /* Known values push nothing out. */
            assert_true(profile_add(p, b, &err));
            assert_true(profile_column(p, 0)->distinct_exact);
        }
        if (at == PROFILE_EXACT)
            used = budget.used;
    }
    assert_int_equal(budget.used, used);
    c = profile_column(p, 0);
    assert_false(c->distinct_exact);
    assert_true(fabs((double)c->distinct - N) < N * 0.02);
    assert_true(c->min == 0 && c->max == N - 1 && fabs(c->mean - (N - 1) / 2.0) < N * 0.01);
    assert_true(fabs(c->median - N / 2.0) < N * 0.01);
    assert_true(fabs(c->std - N / sqrt(12)) < N * 0.01);
    arena_deinit(&arena);
    profile_free(p);
    assert_int_equal(budget.used, 0);
}

static void small_budget(void **state)
{
    struct budget budget = { .limit = 1 << 17 };
    struct distinct d = { .budget = &budget };
    struct reservoir r = { .budget = &budget };
    uint64_t h = 0;

    (void)state;
    for (uint64_t i = 1; i <= 100000; i++) {
        h += UINT64_C(0x9e3779b97f4a7c15);
        distinct_add(&d, (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9));
        reservoir_add(&r, (double)i);
    }
    assert_false(distinct_exact(&d));
    assert_true(distinct_count(&d) > 90000 && distinct_count(&d) < 110000);
    assert_true(fabs(reservoir_median(&r) - 50000) < 3000);
    assert_true(budget.peak <= budget.limit);
    distinct_deinit(&d);
    reservoir_deinit(&r);
    assert_int_equal(budget.used, 0);
    budget.limit = 1;
    assert_false(distinct_add(&d, 1));
    reservoir_add(&r, 1);
    assert_true(isnan(reservoir_median(&r)));
    assert_null(profile_new(1, true, &budget));
    distinct_deinit(&d);
    reservoir_deinit(&r);
}

static void distinct_zero_hash(void **state)
{
    struct distinct d = { 0 };

    (void)state;
    assert_true(distinct_add(&d, 0));
    assert_false(distinct_add(&d, 0));
    assert_int_equal(distinct_count(&d), 1);
    distinct_deinit(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(counts),
        cmocka_unit_test(statistics),
        cmocka_unit_test(ranges_of_text_and_dates),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(samples_are_distinct),
        cmocka_unit_test(pictures),
        cmocka_unit_test(many_values),
        cmocka_unit_test(small_budget),
        cmocka_unit_test(distinct_zero_hash),
    };

    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
