/*
 * For tests: bytes read as a table, and the table as text.
 *
 *   a|b          names of the columns
 *   2:1|x        row number, cells by their shown text; | \ LF CR NUL inside a cell are written \p \\ \n \r \0
 */
#ifndef TESTS_READ_TABLE_H
#define TESTS_READ_TABLE_H

#include "base/buf.h"
#include "formats/source.h"
#include "formats/xlsx_survey.h"

#include <fcntl.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct read_table {
    bool ok;
    struct err err;
    struct buf text;     /* As above; types of cells too when `types` was set. */
    struct buf again;    /* The same after a rewind. */
    struct buf rejects;  /* "LINE reason: raw\n" */
    struct buf warnings; /* "kind=count kind=count" */
    struct buf places;   /* "kind: place, place; " */
    uint64_t quarantined, rows;
    bool outgrown; /* It was read once, and that was not enough; nothing else counts. */
    char delimiter, quote;
    char encoding[40];
};

struct read_how {
    const char *name;        /* NULL: t.csv */
    struct reader_args args; /* header_row counts as given. */
    bool typed, types, no_reject, allow_empty;
    size_t budget;
};

static inline int read_table_fd(const void *p, size_t n)
{
    int fd = memfd_create("table", 0);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    return fd;
}

static inline bool read_table_reject(
    void *arg, uint64_t line, const char *reason, const char *raw, size_t n, struct err *err)
{
    (void)err;
    buf_addf(arg, "%llu %s: %.*s\n", (unsigned long long)line, reason, (int)n, raw);
    return true;
}

static inline void read_table_cell(struct buf *out, const struct cell *cell, bool types)
{
    static const char letters[] = { [CELL_BLANK] = '_',
        [CELL_TEXT] = 't',
        [CELL_NUMBER] = 'n',
        [CELL_BOOL] = 'b',
        [CELL_DATE] = 'd',
        [CELL_ERROR] = 'e' };
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *p = cell_shown(cell, scratch, &n);

    if (types)
        buf_addf(out, "%c:", letters[cell->type]);
    for (size_t i = 0; i < n; i++) {
        static const char odd[] = "|\\\n\r", shown[] = "p\\nr";
        const char *at = p[i] ? strchr(odd, p[i]) : NULL;

        if (at || !p[i]) {
            buf_addc(out, '\\');
            buf_addc(out, at ? shown[at - odd] : '0');
        } else {
            buf_addc(out, p[i]);
        }
    }
}

static inline bool read_table_drain(
    struct source *s, bool types, struct buf *out, uint64_t *rows, struct err *err)
{
    const struct schema *schema = source_schema(s);
    struct batch *b;

    *rows = 0;
    for (uint32_t c = 0; c < schema->n_columns; c++) {
        struct cell name = cell_text(schema->columns[c].name, strlen(schema->columns[c].name));

        buf_adds(out, c ? "|" : "");
        read_table_cell(out, &name, false);
    }
    buf_addc(out, '\n');
    for (;;) {
        if (!source_next(s, &b, err))
            return false;
        if (!b)
            return true;
        assert_int_equal(b->n_columns, schema->n_columns);
        assert_true(b->n_rows > 0);
        *rows += b->n_rows;
        for (uint32_t i = 0; i < b->n_rows; i++) {
            buf_addf(out, "%llu:", (unsigned long long)batch_row(b, i));
            for (uint32_t c = 0; c < b->n_columns; c++) {
                buf_adds(out, c ? "|" : "");
                read_table_cell(out, &b->columns[c][i], types);
            }
            buf_addc(out, '\n');
        }
    }
}

/* Back to the first row after the first batch, and again after the second. */
static inline bool read_table_turn(struct source *s, struct err *err)
{
    struct batch *b;

    return source_next(s, &b, err) && source_rewind(s, err) && source_next(s, &b, err) &&
           (!b || source_next(s, &b, err)) && source_rewind(s, err);
}

static inline void read_table_warnings(const struct warnings *w, struct buf *out, struct buf *where)
{
    struct json *list = warn_json(w);

    assert_non_null(list);
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *item = json_at(list, i);

        buf_addf(out, "%s%s=%lld", i ? " " : "", json_get_string(item, "kind"),
            (long long)json_get_int(item, "count", -1));
        buf_addf(where, "%s%s:", i ? "; " : "", json_get_string(item, "kind"));
        for (size_t k = 0; k < json_len(json_get(item, "places")); k++)
            buf_addf(where, "%s %s", k ? "," : "", json_str(json_at(json_get(item, "places"), k)));
    }
    json_free(list);
}

static inline void read_table_close(struct read_table *t)
{
    buf_deinit(&t->text);
    buf_deinit(&t->again);
    buf_deinit(&t->rejects);
    buf_deinit(&t->warnings);
    buf_deinit(&t->places);
}

/* `fd` is taken over. */
static inline void read_table_one(
    int fd, const struct read_how *how, bool may_reopen, struct read_table *t)
{
    struct budget budget = { .limit = how->budget };
    struct source_env env = { .formats = formats_new(),
        .warnings = warn_new(),
        .tmp_dir = "/tmp",
        .budget = &budget,
        .reject = how->no_reject ? NULL : read_table_reject,
        .reject_arg = &t->rejects,
        .typed = how->typed,
        .may_reopen = may_reopen,
        .outgrown = &t->outgrown,
        .allow_empty = how->allow_empty };
    struct source *s = NULL;
    uint64_t again = 0;

    memset(t, 0, sizeof *t);
    buf_init(&t->text, 64 << 20);
    buf_init(&t->again, 64 << 20);
    buf_init(&t->rejects, 1 << 20);
    buf_init(&t->warnings, 1 << 16);
    buf_init(&t->places, 1 << 16);
    assert_non_null(env.formats);
    assert_non_null(env.warnings);
    t->ok = source_open(fd, how->name ? how->name : "t.csv", &how->args, &env, &s, &t->err);
    if (!t->ok) {
        close(fd);
        goto out;
    }
    t->delimiter = source_info(s)->delimiter;
    t->quote = source_info(s)->quote;
    snprintf(t->encoding, sizeof t->encoding, "%s",
        source_info(s)->encoding ? source_info(s)->encoding : "");
    t->ok = read_table_drain(s, how->types, &t->text, &t->rows, &t->err);
    t->outgrown = !t->ok && source_outgrown(s);
    if (t->ok) {
        uint64_t done, total, quarantined = source_quarantined(s);

        source_position(s, &done, &total);
        assert_true(done <= total);
        assert_true(source_rewind(s, &t->err));
        assert_true(read_table_turn(s, &t->err));
        assert_true(read_table_drain(s, how->types, &t->again, &again, &t->err));
        assert_int_equal(again, t->rows);
        assert_int_equal(source_quarantined(s), quarantined);
        assert_string_equal(buf_str(&t->text), buf_str(&t->again));
        t->quarantined = quarantined;
    }
    source_close(s);
out:
    read_table_warnings(env.warnings, &t->warnings, &t->places);
    warn_free(env.warnings);
    formats_free(env.formats);
    assert_int_equal(budget.used, 0);
}

/*
 * As above, and the two ways through a workbook must agree: after a survey of the whole sheet, and
 * in one pass behind a look at its first one, two or three rows.
 */
static inline void read_table_from(int fd, const struct read_how *how, struct read_table *t)
{
    struct read_table other;
    struct stat st;
    char path[40];
    int again = -1;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && how->budget == 0)
        again = open(path, O_RDONLY);
    read_table_one(fd, how, false, t);
    if (again < 0)
        return;
    xlsx_survey_top_rows = (uint32_t)(1 + t->text.len % 3);
    read_table_one(again, how, true, &other);
    xlsx_survey_top_rows = 0;
    if (!other.outgrown) {
        assert_int_equal(other.ok, t->ok);
        if (t->ok)
            assert_string_equal(buf_str(&other.text), buf_str(&t->text));
        else
            assert_string_equal(other.err.text, t->err.text);
        assert_string_equal(buf_str(&other.warnings), buf_str(&t->warnings));
        assert_string_equal(buf_str(&other.places), buf_str(&t->places));
    }
    t->outgrown = other.outgrown;
    read_table_close(&other);
}

static inline void read_table(
    const void *p, size_t n, const struct read_how *how, struct read_table *t)
{
    read_table_from(read_table_fd(p, n), how, t);
}

#endif
