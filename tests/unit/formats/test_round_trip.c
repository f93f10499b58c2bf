/*
 * Tables made by chance, written in one format, read, written in another and read again: every cell
 * must be what it was. The seed is fixed, so a failure comes back.
 *
 *   table ─▶ csv, tsv, xlsx ─▶ read ─▶ csv, tsv, xlsx, json, jsonl ─▶ read
 *
 * Text formats give back the shown text of a cell; workbooks its type and value; JSON its value.
 */
#include "read_table.h"
#include "write_table.h"

#include "base/json.h"

#include <math.h>

enum { TABLES = 500, MAX_COLUMNS = 6, MAX_ROWS = 12, MAX_TEXT = 80, SEED = 20240229 };

/* ---- Chance ---------------------------------------------------------------------------------- */

static uint64_t state_of_chance;

/* xorshift64*: the same numbers on every machine. */
static uint64_t chance(uint64_t below)
{
    state_of_chance ^= state_of_chance >> 12;
    state_of_chance ^= state_of_chance << 25;
    state_of_chance ^= state_of_chance >> 27;
    return (state_of_chance * UINT64_C(2685821657736338717) >> 11) % below;
}

static const char *const pieces[] = { "a", "Z", "0", "7", " ", ".", "-", "_", ",", ";", "|", "\t",
    "\"", "\"\"", "'", "\n", "\r", "\r\n", "\\", "\\\"", "=", "+", "@", "#", "&", "<", ">", "&amp;",
    "]]>", "_x000D_", "_x0000_", "_xD83D_", "_x005F_", "ä", "ß", "€", "東京", "😀", "e\xCC\x81",
    "\xE2\x80\x8F", "\xC2\xA0", "\xEF\xBB\xBF", "\xEF\xBF\xBD", "\xEF\xBF\xBF", "\x01", "\x7F", "{",
    "}", "[", "]", ":", "/", "%", "$" };
static const char *const whole[] = { "007", "1E5", "TRUE", "true", "3-4", "1,5", "1.50", "+4.2",
    "-0", "0", "null", "NULL", "#N/A", "#REF!", "2024-02-29", "1900-02-29", "2024-02-29 12:00:00",
    "12:00", "12345678901234567890", "0.1", "1e-7", "sep=;", "ID;P", "=1+1", "-5", "  ", "\t", "'",
    "\"", "NaN", "Infinity", "0x1F", "A1", "x,y", "Doe, Jane", "\\", "_x0041_" };
static const char *const errors[] = { "#N/A", "#DIV/0!", "#REF!", "#NAME?", "#NULL!", "#NUM!",
    "#VALUE!" };

struct table {
    struct arena arena;
    const char *names[MAX_COLUMNS];
    uint32_t n_columns, n_rows;
    struct cell cells[MAX_COLUMNS * MAX_ROWS];
};

/* Text of up to MAX_TEXT bytes, mostly tame. */
static struct cell some_text(struct table *t)
{
    char text[MAX_TEXT + 16];
    size_t n = 0, want = 1 + chance(chance(4) ? 12 : MAX_TEXT);
    bool wild = chance(3) == 0;

    if (chance(4) == 0) {
        const char *word = whole[chance(ARRAY_LEN(whole))];

        return cell_text(word, strlen(word));
    }
    while (n < want) {
        if (wild && chance(40) == 0) {
            text[n++] = '\0';
        } else if (wild) {
            const char *piece = pieces[chance(ARRAY_LEN(pieces))];

            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        } else {
            text[n++] = (char)('a' + chance(26));
        }
    }
    return cell_text(arena_dup(&t->arena, text, n), n);
}

static double some_number(void)
{
    static const double odd[] = { 0, 1, -1, 0.1, 0.30000000000000004, 1e15, 1e16, 9007199254740991,
        9007199254740992, 9007199254740994, 1.2345678901234568e17, 1e20, 1e-7, 1.23e-300, 1e300,
        2.2250738585072014e-308, 5e-324, 1.7976931348623157e308, -2.5, 1234.5, 40000, 1e-5 };
    union {
        uint64_t bits;
        double v;
    } any;

    switch (chance(4)) {
    case 0:
        return odd[chance(ARRAY_LEN(odd))];
    case 1:
        return (double)chance(1000000) / 100;
    case 2:
        return (double)chance(100000) - 50000;
    default:
        do
            any.bits = chance(UINT64_C(1) << 53) << 11 ^ chance(UINT64_C(1) << 30);
        while (!isfinite(any.v));
        return any.v;
    }
}

/* Dates whose kind their value tells as well: that is all a number format can say. */
static struct cell some_date(void)
{
    double day = 1 + (double)chance(2958465), time = (double)chance(86400000) / 86400000.0;

    switch (chance(4)) {
    case 0:
        return cell_date(day, DATE_DATE);
    case 1:
        return cell_date(day < 2958465 ? day + time : day, DATE_DATETIME);
    case 2:
        return cell_date(time, DATE_TIME);
    default:
        return cell_date((double)chance(100) + time, DATE_DURATION);
    }
}

static struct cell some_cell(struct table *t, uint64_t kind)
{
    const char *error;

    if (chance(6) == 0)
        return cell_blank();
    switch (kind) {
    case 0:
        return cell_number(some_number());
    case 1:
        return cell_bool(chance(2));
    case 2:
        return some_date();
    case 3:
        error = errors[chance(ARRAY_LEN(errors))];
        return (struct cell){ .text = error, .len = (uint32_t)strlen(error), .type = CELL_ERROR };
    default:
        return some_text(t);
    }
}

/* Columns of one type each, or of all. The last row holds something: blank rows at the end of a
 * sheet are none. */
static void make_table(struct table *t)
{
    uint64_t kinds[MAX_COLUMNS];

    arena_init(&t->arena, NULL);
    t->n_columns = 1 + (uint32_t)chance(MAX_COLUMNS);
    t->n_rows = (uint32_t)chance(MAX_ROWS + 1);
    for (uint32_t c = 0; c < t->n_columns; c++) {
        static const char *const names[] = { "name", "größe", "a,b", "a;b", "say \"x\"", "a\nb",
            "=x", "東京", "#", "  outer ", "_x0041_", "tab\there", "id", "sep=;" };

        kinds[c] = chance(8);
        t->names[c] = arena_printf(&t->arena, "%s%s", names[chance(ARRAY_LEN(names))],
            c ? (char[]){ (char)('0' + c), 0 } : "");
        assert_non_null(t->names[c]);
    }
    for (uint32_t i = 0; i < t->n_rows; i++) {
        for (uint32_t c = 0; c < t->n_columns; c++)
            t->cells[i * t->n_columns + c] = some_cell(t, kinds[c] == 7 ? chance(7) : kinds[c]);
    }
    if (t->n_rows > 0)
        t->cells[(size_t)t->n_rows * t->n_columns - 1] = cell_text("end", 3);
}

/* ---- There and back -------------------------------------------------------------------------- */

static char trouble[400];

static bool differs(uint32_t row, uint32_t column, const struct cell *want, const struct cell *got)
{
    char a[CELL_SHOWN_MAX], b[CELL_SHOWN_MAX];
    size_t n, m;
    const char *p = cell_shown(want, a, &n), *q = cell_shown(got, b, &m);

    snprintf(trouble, sizeof trouble, "row %u, column %u: type %d '%.*s' became type %d '%.*s'",
        row, column, want->type, (int)n, p, got->type, (int)m, q);
    return false;
}

/* Are the cells the same, as far as a file of this format can tell? */
static bool survived(enum file_format format, const struct cell *want, const struct cell *got)
{
    char a[CELL_SHOWN_MAX], b[CELL_SHOWN_MAX];
    size_t n, m;
    const char *p = cell_shown(want, a, &n), *q = cell_shown(got, b, &m);

    if (format == FILE_XLSX)
        return cell_same(want, got);
    return n == m && (n == 0 || memcmp(p, q, n) == 0) &&
           (got->type == CELL_TEXT || got->type == CELL_BLANK);
}

static bool write_as(const struct table *t, enum file_format format, struct buf *out)
{
    struct formats *formats = formats_new();
    struct sink_args args = { .format = format, .formats = formats, .file_label = "t" };
    struct err err;
    bool ok;

    assert_non_null(formats);
    ok = write_table(&args, t->names, t->n_columns, t->cells, t->n_rows, out, &err);
    if (!ok)
        snprintf(trouble, sizeof trouble, "not written: %s", err.text);
    formats_free(formats);
    return ok;
}

/* Read `bytes` and compare with `want`; what was read is in *got. */
static bool read_back(enum file_format format, bool sniff, const struct buf *bytes,
    const struct table *want, struct table *got)
{
    struct reader_args args = { .header_row = 1 };
    struct source_env env = { .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp" };
    struct source *s;
    struct batch *b;
    struct err err;
    int fd = read_table_fd(bytes->data, bytes->len);
    bool ok = false;

    arena_init(&got->arena, NULL);
    got->n_columns = got->n_rows = 0;
    if (!sniff && format != FILE_XLSX)
        args = (struct reader_args){ .header_row = 1,
            .delimiter = format == FILE_TSV ? "tab" : ",",
            .quote = "\"",
            .encoding = "UTF-8" };
    if (!source_open(fd, format == FILE_XLSX ? "t.xlsx" : "t.csv", &args, &env, &s, &err)) {
        snprintf(trouble, sizeof trouble, "not read: %s", err.text);
        close(fd);
        goto out;
    }
    got->n_columns = source_schema(s)->n_columns;
    if (got->n_columns != want->n_columns) {
        snprintf(trouble, sizeof trouble, "%u columns became %u", want->n_columns, got->n_columns);
        goto close;
    }
    for (uint32_t c = 0; c < got->n_columns; c++) {
        got->names[c] = arena_strdup(&got->arena, source_schema(s)->columns[c].name);
        if (strcmp(got->names[c], want->names[c]) != 0) {
            snprintf(trouble, sizeof trouble, "the name '%s' became '%s'", want->names[c],
                got->names[c]);
            goto close;
        }
    }
    for (;;) {
        if (!source_next(s, &b, &err)) {
            snprintf(trouble, sizeof trouble, "not read on: %s", err.text);
            goto close;
        }
        if (!b)
            break;
        for (uint32_t i = 0; i < b->n_rows; i++, got->n_rows++) {
            for (uint32_t c = 0; c < got->n_columns; c++) {
                size_t at = (size_t)got->n_rows * got->n_columns + c;

                if (got->n_rows >= want->n_rows) {
                    snprintf(trouble, sizeof trouble, "%u rows became more", want->n_rows);
                    goto close;
                }
                if (!survived(format, &want->cells[at], &b->columns[c][i])) {
                    differs(got->n_rows, c, &want->cells[at], &b->columns[c][i]);
                    goto close;
                }
                assert_true(cell_keep(&got->arena, &b->columns[c][i], &got->cells[at]));
            }
        }
    }
    ok = got->n_rows == want->n_rows;
    if (!ok)
        snprintf(trouble, sizeof trouble, "%u rows became %u", want->n_rows, got->n_rows);
close:
    source_close(s);
out:
    warn_free(env.warnings);
    formats_free(env.formats);
    return ok;
}

/* Does a value of JSON say what the cell does? */
static bool json_says(const struct json *value, const struct cell *cell)
{
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *shown = cell_shown(cell, scratch, &n);

    switch (json_kind(value)) {
    case JSON_KIND_NULL:
        return value && cell->type == CELL_BLANK;
    case JSON_KIND_BOOL:
        return cell->type == CELL_BOOL && json_bool(value, false) == (cell->number != 0);
    case JSON_KIND_INT:
    case JSON_KIND_REAL:
        return cell->type == CELL_NUMBER && json_num(value, NAN) == cell->number;
    case JSON_KIND_STRING:
        return (cell->type != CELL_NUMBER || fabs(cell->number) > 9007199254740992.0) &&
               cell->type != CELL_BLANK && cell->type != CELL_BOOL && json_str_len(value) == n &&
               memcmp(json_str(value), shown, n) == 0;
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        break;
    }
    return false;
}

static bool json_record(const struct json *record, const struct table *t, uint32_t row)
{
    uint32_t c = 0;

    for (const void *it = json_first(record); it; it = json_next(record, it), c++) {
        if (c >= t->n_columns || strcmp(json_key(it), t->names[c]) != 0 ||
            !json_says(json_value(it), &t->cells[(size_t)row * t->n_columns + c])) {
            char *text = json_text(json_value(it));

            snprintf(trouble, sizeof trouble, "row %u, column %u became '%s': %s", row, c,
                json_key(it), text);
            free(text);
            return false;
        }
    }
    snprintf(trouble, sizeof trouble, "row %u has %u columns", row, c);
    return c == t->n_columns;
}

static bool parse_back(enum file_format format, const struct buf *bytes, const struct table *want)
{
    const char *p = bytes->data, *end = p + bytes->len;
    struct json *json;
    struct err err;
    uint32_t row = 0;
    bool ok = true;

    if (format == FILE_JSON) {
        if (!json_parse(p, bytes->len, &json, &err)) {
            snprintf(trouble, sizeof trouble, "no JSON: %s", err.text);
            return false;
        }
        for (; ok && row < json_len(json) && row < want->n_rows; row++)
            ok = json_record(json_at(json, row), want, row);
        if (ok && (json_len(json) != want->n_rows || json_kind(json) != JSON_KIND_ARRAY)) {
            snprintf(trouble, sizeof trouble, "%zu records", json_len(json));
            ok = false;
        }
        json_free(json);
        return ok;
    }
    for (; ok && p < end; row++) {
        const char *line = memchr(p, '\n', (size_t)(end - p));

        if (!line || row == want->n_rows || !json_parse(p, (size_t)(line - p), &json, &err)) {
            snprintf(trouble, sizeof trouble, "line %u is no record", row + 1);
            return false;
        }
        ok = json_record(json, want, row);
        json_free(json);
        p = line + 1;
    }
    return ok && row == want->n_rows;
}

static const enum file_format tables[] = { FILE_CSV, FILE_TSV, FILE_XLSX };
static const enum file_format values[] = { FILE_JSON, FILE_JSONL };

static void failed(unsigned seed, const char *way, const struct buf *bytes)
{
    if (bytes && bytes->data && bytes->len < 2000 && memchr(bytes->data, '\n', bytes->len))
        print_error("%.*s\n", (int)bytes->len, bytes->data);
    fail_msg("table %u, %s: %s", seed, way, trouble);
}

/* What was read of one format goes through every other. */
static void second_leg(unsigned seed, enum file_format from, const struct table *t)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        char way[64];
        struct table got;
        struct buf bytes;

        snprintf(way, sizeof way, "%s to %s", file_format_name(from), file_format_name(tables[i]));
        if (!write_as(t, tables[i], &bytes) || !read_back(tables[i], false, &bytes, t, &got))
            failed(seed, way, &bytes);
        arena_deinit(&got.arena);
        buf_deinit(&bytes);
    }
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char way[64];
        struct buf bytes;

        snprintf(way, sizeof way, "%s to %s", file_format_name(from), file_format_name(values[i]));
        if (!write_as(t, values[i], &bytes) || !parse_back(values[i], &bytes, t))
            failed(seed, way, &bytes);
        buf_deinit(&bytes);
    }
}

static void every_pair_of_formats(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < TABLES; seed++) {
        struct table t, got;
        struct buf bytes;

        state_of_chance = SEED + (uint64_t)seed * 0x9E3779B97F4A7C15;
        make_table(&t);
        second_leg(seed, FILE_UNKNOWN, &t);
        for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
            if (!write_as(&t, tables[i], &bytes) || !read_back(tables[i], false, &bytes, &t, &got))
                failed(seed, file_format_name(tables[i]), &bytes);
            second_leg(seed, tables[i], &got);
            arena_deinit(&got.arena);
            buf_deinit(&bytes);
        }
        arena_deinit(&t.arena);
    }
}

/* The same for a reader that has to guess the delimiter, the quotes and the encoding. */
static void by_guess(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (unsigned seed = 0; seed < 6 * TABLES; seed++) {
        struct table t, got;
        struct buf bytes;

        state_of_chance = SEED + (uint64_t)seed * 0x9E3779B97F4A7C15;
        make_table(&t);
        assert_true(write_as(&t, FILE_CSV, &bytes));
        if (!read_back(FILE_CSV, true, &bytes, &t, &got)) {
            wrong++;
            print_error("---- %u: %s\n%.*s\n", seed, trouble, (int)bytes.len, bytes.data);
        }
        arena_deinit(&got.arena);
        buf_deinit(&bytes);
        arena_deinit(&t.arena);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_formats),
        cmocka_unit_test(by_guess),
    };

    return cmocka_run_group_tests_name("round_trip", tests, NULL, NULL);
}
