/*
 * The fast parts of the CSV reader against the plain ones, on random text made of what matters.
 */
#include "chance.h"
#include "formats/csv_int.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, SHORT = 700, LONGEST = 9000 };

/* Mostly short, now and then longer than what is counted in one go. */
static size_t random_length(uint64_t *seed)
{
    return chance(seed) % (chance(seed) % 8 ? SHORT : LONGEST);
}

static size_t random_text(uint64_t *seed, char *out)
{
    static const char *const kinds[] = {
        "aaaa,,\"\"\n\n\r\\",                /* Anything goes. */
        "abcdefgh,,,,\n",                    /* Plain. */
        "abcdefghijklmnopqrstuvwxyz,\n",     /* Long fields. */
        "aaaaaaaaaaaaaaaaaaaaaaaa,,,\"\n\r", /* Now and then odd. */
        "\xFF\xFE,;'\n"                      /* Bytes that are no marks. */
    };
    const char *kind = kinds[chance(seed) % ARRAY_LEN(kinds)];
    size_t n = random_length(seed);

    for (size_t i = 0; i < n; i++)
        out[i] = kind[chance(seed) % strlen(kind)];
    return n;
}

/* Regular quoting, which random characters hardly ever give. */
static size_t random_csv(uint64_t *seed, char *out)
{
    static const char *const fields[] = { "a", "", "\"x\"", "\"a,b\"", "\"\"", "\"l\n\nm\"",
        "\"q\"\"q\"", "bcd", "\"\"\"\"", "\"\r\n\"", "5\" x", "\"a\"b" };
    static const char *const ends[] = { "\n", "\r\n", "\n", "\n\n", "\r" };
    size_t n = 0, usual = chance(seed) % 4 ? 10 : ARRAY_LEN(fields);
    uint32_t lines = chance(seed) % 8 ? chance(seed) % 30 : 1000;
    uint32_t width = 1 + chance(seed) % 6 * 4, fixed = chance(seed) % 2,
             end = chance(seed) % 8 ? chance(seed) % 4 : 4;

    for (uint32_t l = 0; l < lines; l++) {
        for (uint32_t f = 0, of = fixed ? width : 1 + chance(seed) % width;
             f < of && n < LONGEST - 16; f++) {
            const char *field = fields[chance(seed) % usual];

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
        const struct csv_marks *set = &sets[chance(&seed) % ARRAY_LEN(sets)];
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
static void parse_all(const struct csv_dialect *dialect, const char *text, size_t n,
    struct csv_survey *out, uint64_t *records, uint64_t *lines)
{
    static struct csv_parser p;
    struct csv_row row = { 0 };
    enum csv_outcome outcome;
    uint64_t blank = 0;

    *out = (struct csv_survey){ 0 };
    *records = 0;
    csv_parser_init(&p, dialect, NULL);
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
    static const struct csv_dialect dialects[] = { { .delimiter = ',', .quote = '"' },
        { .delimiter = ',' }, { .quote = '"' }, { .delimiter = ';', .quote = '\'' } };
    uint64_t seed = 2, counted = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        const struct csv_dialect *dialect = &dialects[round % 8 < 4 ? 0 : round % 4];
        char text[LONGEST];
        size_t n = round % 2 ? random_text(&seed, text) : random_csv(&seed, text);
        struct csv_input in = { .data = text, .cap = n, .end = n, .limit = n, .drained = true };
        struct csv_survey got, want;
        uint64_t records, lines;
        struct csv_tally t;
        struct err err;

        parse_all(dialect, text, n, &want, &records, &lines);
        csv_parser_init(&p, dialect, NULL);
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

/* What is counted in one go and what must stop the count, in a text of several blocks. */
static void where_it_stops(void **state)
{
    static const struct {
        const char *name, *line, *odd;
        bool stops;
    } cases[] = {
        { "plain", "a,b\n", "c,d\n", false },
        { "empty fields at the end", "a,b\n", "c,d,,,\n", false },
        { "a wide record", "a,b\n", "c,d,e\n", true },
        { "a quote in a field", "a,b\n", "c,d\"\n", true },
        { "text after a quote", "a,b\n", "\"c\"d,e\n", true },
        { "CR alone", "a,b\n", "c,d\re,f\n", true },
        { "line ends in quotes", "\"a\n\n\",b\n", "\"\n,\",d\n", false },
        { "CRLF", "a,b\r\n\r\n", "\r\n", false },
    };
    struct csv_marks set = { ',', '"', -1 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t line = strlen(cases[i].line), odd = strlen(cases[i].odd);
        char text[LONGEST] = { 0 };
        struct csv_tally t;
        size_t n = 0;

        while (n < LONGEST / 2)
            memcpy(text + n, cases[i].line, line), n += line;
        memcpy(text + n, cases[i].odd, odd);
        csv_tally(text, LONGEST, &set, 2, &t);
        if (!__builtin_cpu_supports("avx2"))
            continue;
        if (t.taken > n + odd || (cases[i].stops ? t.taken > n : t.taken != n + odd))
            fail_msg("%s: %zu bytes of %zu and %zu", cases[i].name, t.taken, n, odd);
        if (!cases[i].stops)
            assert_int_equal(t.records, n / line * (size_t)(1 + (i == 7)) + 1);
    }
}

/* A quote that stays open for too many lines is not for the count to judge. */
static void open_for_long(void **state)
{
    struct csv_marks set = { ',', '"', -1 };
    char text[LONGEST];

    (void)state;
    for (int lines = CSV_OPEN_QUOTE_LINES - 2; lines <= CSV_OPEN_QUOTE_LINES + 1; lines++) {
        struct csv_tally t;
        size_t n = 0;

        memcpy(text, "a\n\"", 3);
        n = 3;
        for (int k = 0; k < lines; k++, n += 4)
            memcpy(text + n, "bcd\n", 4);
        memcpy(text + n, "\"\n", 2);
        memset(text + n + 2, 'x', LONGEST - n - 2);
        csv_tally(text, LONGEST, &set, 9, &t);
        if (lines < CSV_OPEN_QUOTE_LINES && t.taken > 0)
            assert_int_equal(t.lines, lines + 2);
        assert_int_equal(t.records, !t.taken ? 0 : lines < CSV_OPEN_QUOTE_LINES ? 2 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks),
        cmocka_unit_test(survey),
        cmocka_unit_test(where_it_stops),
        cmocka_unit_test(open_for_long),
    };

    return cmocka_run_group_tests_name("csv_scan", tests, NULL, NULL);
}
