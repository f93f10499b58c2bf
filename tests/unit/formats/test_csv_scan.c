/*
 * The fast parts of the CSV reader against the plain ones, on random text made of what matters.
 */
#include "formats/csv_int.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, LONGEST = 700 };

/* The same numbers in every run. */
static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*seed >> 33);
}

static size_t random_text(uint64_t *seed, char *out)
{
    static const char *const kinds[] = {
        "aaaa,,\"\"\n\n\r\\",               /* Anything goes. */
        "abcdefgh,,,,\n",                   /* Plain. */
        "abcdefghijklmnopqrstuvwxyz,\n",    /* Long fields. */
        "aaaaaaaaaaaaaaaaaaaaaaaa,,,\"\n\r" /* Now and then odd. */
    };
    const char *kind = kinds[next_random(seed) % ARRAY_LEN(kinds)];
    size_t n = next_random(seed) % LONGEST;

    for (size_t i = 0; i < n; i++)
        out[i] = kind[next_random(seed) % strlen(kind)];
    return n;
}

/* Regular quoting, which random characters hardly ever give. */
static size_t random_csv(uint64_t *seed, char *out)
{
    static const char *const fields[] = { "a", "", "\"x\"", "\"a,b\"", "\"\"", "\"l\n\nm\"",
        "\"q\"\"q\"", "bcd", "\"\"\"\"", "\"\r\n\"", "5\" x", "\"a\"b" };
    static const char *const ends[] = { "\n", "\r\n", "\n", "\n\n", "\r" };
    size_t n = 0, usual = next_random(seed) % 4 ? 10 : ARRAY_LEN(fields);
    uint32_t lines = next_random(seed) % 30,
             end = next_random(seed) % 8 ? next_random(seed) % 4 : 4;

    for (uint32_t l = 0; l < lines; l++) {
        for (uint32_t f = 0, of = 1 + next_random(seed) % 4; f < of && n < LONGEST - 16; f++) {
            const char *field = fields[next_random(seed) % usual];

            n += (size_t)sprintf(out + n, "%s%s", f ? "," : "", field);
        }
        if (n < LONGEST - 16)
            n += (size_t)sprintf(out + n, "%s", ends[end]);
    }
    return n;
}

static void marks(void **state)
{
    static const struct csv_marks sets[] = { { ',', '"', -1 }, { '\t', -1, -1 }, { ',', '"', '\\' },
        { -1, '\'', -1 } };
    char text[LONGEST];
    uint32_t found[LONGEST + CSV_SCAN_SLACK];
    uint64_t seed = 1;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        const struct csv_marks *set = &sets[next_random(&seed) % ARRAY_LEN(sets)];
        size_t n = random_text(&seed, text), got = csv_scan(text, n, 7, set, found), want = 0;

        for (size_t i = 0; i < n; i++) {
            int c = (unsigned char)text[i];

            if (c == '\n' || c == '\r' || c == set->delimiter || c == set->quote ||
                c == set->escape) {
                assert_true(want < got);
                assert_int_equal(found[want++], i + 7);
            }
        }
        assert_int_equal(got, want);
    }
}

/* Parse `n` records and sum up what a survey tells. */
static void parse_all(
    const char *text, size_t n, struct csv_survey *out, uint64_t *records, uint64_t *lines)
{
    static struct csv_parser p;
    struct csv_dialect dialect = { .delimiter = ',', .quote = '"' };
    struct csv_row row = { 0 };
    enum csv_outcome outcome;
    uint64_t blank = 0;

    *out = (struct csv_survey){ 0 };
    *records = 0;
    csv_parser_init(&p, &dialect, NULL);
    csv_parser_feed(&p, text, 0, n, true);
    while ((outcome = csv_parse(&p, &row)) != CSV_END) {
        assert_true(outcome == CSV_ROW || outcome == CSV_BLANK || outcome == CSV_BAD);
        ++*records;
        if (outcome == CSV_BLANK) {
            blank++;
        } else {
            out->last_record = *records;
            out->inner_blank = blank;
        }
        out->rows += outcome == CSV_ROW;
        if (outcome == CSV_ROW && row.n_filled > out->n_columns)
            out->n_columns = row.n_filled;
    }
    *lines = p.line;
}

static void survey(void **state)
{
    static struct csv_parser p;
    struct csv_dialect dialect = { .delimiter = ',', .quote = '"' };
    uint64_t seed = 2, counted = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char text[LONGEST];
        size_t n = round % 2 ? random_text(&seed, text) : random_csv(&seed, text);
        struct csv_input in = { .data = text, .cap = n, .end = n, .limit = n, .drained = true };
        struct csv_survey got, want;
        uint64_t records, lines;
        struct csv_tally t;
        struct err err;

        parse_all(text, n, &want, &records, &lines);
        csv_parser_init(&p, &dialect, NULL);
        csv_parser_feed(&p, text, 0, n, true);
        assert_true(csv_survey(&p, &in, 0, 0, true, &got, &err));
        assert_int_equal(got.rows, want.rows);
        assert_int_equal(got.inner_blank, want.inner_blank);
        if (got.n_columns != want.n_columns || got.last_record != want.last_record ||
            p.line != lines)
            fail_msg("columns %u, not %u; last record %llu, not %llu; line %llu, not %llu:\n%.*s",
                got.n_columns, want.n_columns, (unsigned long long)got.last_record,
                (unsigned long long)want.last_record, (unsigned long long)p.line,
                (unsigned long long)lines, (int)n, text);
        csv_tally(text, n, &p.marks, 100, &t);
        counted += t.records;
    }
    /* The quick way was taken at all. */
    assert_true(counted > ROUNDS || !__builtin_cpu_supports("avx2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks),
        cmocka_unit_test(survey),
    };

    return cmocka_run_group_tests_name("csv_scan", tests, NULL, NULL);
}
