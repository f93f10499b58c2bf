/*
 * Tables seen as the reader arguments want: joined names, gaps left out, numbers as shown.
 *
 *   2024 |      | 2025 |           header_rows 2: "2024 Q1", "2024 Q2", "2025 Q1", "2025 Q2"
 *   Q1   | Q2   | Q1   | Q2
 *
 * Rows are left out in the reader's own batch, which may be written into.
 */
#include "formats/source_view.h"

#include "table/shown.h"

#include <inttypes.h>
#include <stdlib.h>

struct source_view {
    const struct source_class *class;
    void *reader;
    struct source_env env;
    const struct source_gaps *gaps;
    struct arena meta, text; /* text: of a batch. */
    bool shown;
    uint32_t header_rows; /* Rows of names among the reader's data. */
    uint32_t header_left; /* Of them, to be passed over in this pass. */
    uint32_t n_columns;   /* That are seen. */
    uint32_t *columns;    /* Which of the reader's; NULL: all. */
    uint64_t told;        /* Rows up to this one were counted in an earlier pass. */
    struct batch batch;
    uint64_t *rows;
    size_t next_gap;
};

static bool over_memory(struct err *err)
{
    err_set(err, ERR_BUDGET, "the names of the columns need more memory than the limit allows");
    return false;
}

/* ---- Names of several rows ------------------------------------------------------------------- */

struct names {
    struct str *parts; /* header_rows + 1 rows of n. */
    uint32_t n, rows;
};

static struct str *part(const struct names *names, uint32_t row, uint32_t column)
{
    return &names->parts[(size_t)row * names->n + column];
}

/* The rows of names that the reader gives as data, and its header above them. */
static bool collect(
    struct source_view *v, const struct schema *schema, struct names *names, struct err *err)
{
    static const char extra[] = "_extra_";
    struct batch *b = NULL;

    for (uint32_t c = 0; c < names->n; c++) {
        const char *header = schema->columns[c].header;

        if (header && strncmp(header, extra, sizeof extra - 1) != 0)
            *part(names, 0, c) = (struct str){ header, strlen(header) };
    }
    while (names->rows <= v->header_rows) {
        if (!v->class->next(v->reader, &b, err))
            return false;
        if (!b)
            break;
        for (uint32_t i = 0; i < b->n_rows && names->rows <= v->header_rows; i++, names->rows++) {
            for (uint32_t c = 0; c < names->n; c++) {
                char scratch[CELL_SHOWN_MAX];
                struct str *to = part(names, names->rows, c);
                const char *p = cell_shown(&b->columns[c][i], scratch, &to->n);

                to->p = arena_dup(&v->meta, p, to->n);
                if (!to->p)
                    return over_memory(err);
            }
        }
    }
    if (names->rows <= v->header_rows) {
        err_set(err, ERR_ARG,
            "header_rows %" PRIu32 ": there are only %" PRIu32 " rows from the header on",
            v->header_rows + 1, names->rows);
        memcpy(err->argument, "header_rows", 12);
        return false;
    }
    return v->class->rewind(v->reader, err);
}

/* Names that stand for a group reach over the columns right of them, up to the next name or the end of the group. */
static void spread(struct names *names)
{
    for (uint32_t row = 0; row + 1 < names->rows; row++) {
        for (uint32_t c = 1; c < names->n; c++) {
            struct str *to = part(names, row, c);
            bool below = false, other = false;

            for (uint32_t k = row + 1; k < names->rows; k++)
                below |= part(names, k, c)->n > 0;
            for (uint32_t k = 0; k < row; k++) {
                const struct str *a = part(names, k, c - 1), *b = part(names, k, c);

                other |= a->n != b->n || (a->n && memcmp(a->p, b->p, a->n) != 0);
            }
            if (to->n == 0 && below && !other)
                *to = *part(names, row, c - 1);
        }
    }
}

/* The parts of a column's name with blanks between them, those that repeat the one above left out. */
static bool join(struct source_view *v, const struct names *names, uint32_t c, struct str *out)
{
    size_t n = 0;
    char *p;

    for (uint32_t row = 0; row < names->rows; row++)
        n += part(names, row, c)->n + 1;
    p = arena_alloc(&v->meta, n);
    if (!p)
        return false;
    *out = (struct str){ p, 0 };
    for (uint32_t row = 0; row < names->rows; row++) {
        const struct str *s = part(names, row, c), *above = row ? part(names, row - 1, c) : s;

        if (s->n == 0 || (row && s->n == above->n && memcmp(s->p, above->p, s->n) == 0))
            continue;
        if (out->n)
            p[out->n++] = ' ';
        memcpy(p + out->n, s->p, s->n);
        out->n += s->n;
    }
    return true;
}

static bool join_names(struct source_view *v, const struct schema **schema, struct err *err)
{
    uint32_t n = (*schema)->n_columns, repaired = 0;
    struct names names = { .n = n, .rows = 1 };
    struct str *joined = arena_calloc(&v->meta, n, sizeof *joined);

    names.parts = arena_calloc(&v->meta, (size_t)n * (v->header_rows + 1), sizeof *names.parts);
    if (!joined || !names.parts)
        return over_memory(err);
    if (!collect(v, *schema, &names, err))
        return false;
    spread(&names);
    for (uint32_t c = 0; c < n; c++) {
        if (!join(v, &names, c, &joined[c]))
            return over_memory(err);
    }
    *schema = schema_from_headers(&v->meta, joined, n, &repaired);
    return *schema || over_memory(err);
}

/* ---- Columns left out ------------------------------------------------------------------------ */

static bool choose_columns(struct source_view *v, const struct schema **schema, struct err *err)
{
    const struct source_gaps *gaps = v->gaps;
    uint32_t n = (*schema)->n_columns, kept = 0;
    struct schema *seen;

    v->n_columns = n;
    if (!gaps || !gaps->columns)
        return true;
    v->columns = arena_calloc(&v->meta, n, sizeof *v->columns);
    if (!v->columns)
        return over_memory(err);
    for (uint32_t c = 0; c < n; c++) {
        if (c >= gaps->n_columns || !gaps->columns[c])
            v->columns[kept++] = c;
        else
            warn_add(v->env.warnings, "hidden_columns",
                "columns that are hidden in the sheet were left out", "%s",
                (*schema)->columns[c].name);
    }
    if (kept == 0)
        return err_set(
            err, ERR_DATA, "all columns of the sheet are hidden; without hidden they are read");
    seen = schema_new(&v->meta, kept);
    if (!seen)
        return over_memory(err);
    for (uint32_t k = 0; k < kept; k++)
        seen->columns[k] = (*schema)->columns[v->columns[k]];
    v->n_columns = kept;
    *schema = seen;
    return true;
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void tell(struct source_view *v, uint64_t row, const char *kind, const char *message)
{
    if (row > v->told)
        warn_add(v->env.warnings, kind, message, "row %" PRIu64, row);
}

/* Is the row one that is not seen? Rows are asked for in rising order. */
static bool left_out(struct source_view *v, uint64_t row)
{
    const struct source_gaps *gaps = v->gaps;

    if (v->header_left) {
        v->header_left--;
        return true;
    }
    if (!gaps)
        return false;
    if (row == gaps->totals) {
        tell(v, row, "totals_row", "the last row of a table holds its totals and was left out");
        return true;
    }
    while (v->next_gap < gaps->n_rows && gaps->rows[v->next_gap] < row)
        v->next_gap++;
    if (v->next_gap == gaps->n_rows || gaps->rows[v->next_gap] != row)
        return false;
    tell(v, row, "skipped_hidden_rows", "rows that are hidden in the sheet were left out");
    return true;
}

/* Close the gaps; what is left of the batch stands in v->batch. */
static void close_gaps(struct source_view *v, struct batch *in)
{
    uint32_t kept = 0;
    uint64_t row = 0;

    for (uint32_t i = 0; i < in->n_rows; i++) {
        row = batch_row(in, i);
        if (left_out(v, row))
            continue;
        if (kept < i) {
            for (uint32_t c = 0; c < in->n_columns; c++)
                in->columns[c][kept] = in->columns[c][i];
        }
        v->rows[kept++] = row;
    }
    if (row > v->told)
        v->told = row;
    v->batch.n_rows = kept;
    v->batch.first_row = kept ? v->rows[0] : 0;
    v->batch.rows = v->rows;
}

static bool show(struct source_view *v, struct err *err)
{
    for (uint32_t c = 0; c < v->batch.n_columns; c++) {
        for (uint32_t i = 0; i < v->batch.n_rows; i++) {
            struct cell *cell = &v->batch.columns[c][i];
            char out[SHOWN_MAX], *copy;
            size_t n;

            if (cell->type != CELL_NUMBER && cell->type != CELL_DATE)
                continue;
            n = shown_number(cell->number, formats_code(v->env.formats, cell->format), out);
            if (n == 0)
                continue;
            copy = arena_dup(&v->text, out, n);
            if (!copy)
                return over_memory(err);
            *cell = cell_text(copy, n);
        }
    }
    return true;
}

static bool view_next(void *self, struct batch **out, struct err *err)
{
    struct source_view *v = self;
    struct batch *in;

    *out = NULL;
    arena_reset(&v->text);
    do {
        if (!v->class->next(v->reader, &in, err))
            return false;
        if (!in)
            return true;
        close_gaps(v, in);
    } while (v->batch.n_rows == 0);
    v->batch.n_columns = v->n_columns;
    if (!v->columns) {
        v->batch.columns = in->columns;
    } else {
        for (uint32_t k = 0; k < v->n_columns; k++)
            v->batch.columns[k] = in->columns[v->columns[k]];
    }
    if (v->shown && !show(v, err))
        return false;
    *out = &v->batch;
    return true;
}

static bool view_rewind(void *self, struct err *err)
{
    struct source_view *v = self;

    v->header_left = v->header_rows;
    v->next_gap = 0;
    return v->class->rewind(v->reader, err);
}

static void view_position(const void *self, uint64_t *done, uint64_t *total)
{
    const struct source_view *v = self;

    v->class->position(v->reader, done, total);
}

static uint64_t view_quarantined(const void *self)
{
    const struct source_view *v = self;

    return v->class->quarantined(v->reader);
}

static void release(struct source_view *v)
{
    free(v->rows);
    arena_deinit(&v->meta);
    arena_deinit(&v->text);
    free(v);
}

static bool view_outgrown(const void *self)
{
    const struct source_view *v = self;

    return v->class->outgrown && v->class->outgrown(v->reader);
}

static bool view_provisional(const void *self)
{
    const struct source_view *v = self;

    return v->class->provisional && v->class->provisional(v->reader);
}

static void view_close(void *self)
{
    struct source_view *v = self;

    if (!v)
        return;
    v->class->close(v->reader);
    release(v);
}

const struct source_class source_view_class = { .next = view_next,
    .rewind = view_rewind,
    .position = view_position,
    .quarantined = view_quarantined,
    .outgrown = view_outgrown,
    .provisional = view_provisional,
    .close = view_close };

bool source_view_open(const struct source_class *class, void *reader,
    const struct reader_args *args, const struct source_env *env, const struct source_gaps *gaps,
    struct source_view **out, const struct schema **schema, struct err *err)
{
    uint32_t more =
        args->header_row > 0 && args->header_rows > 1 ? (uint32_t)args->header_rows - 1 : 0;
    struct source_view *v;

    *out = NULL;
    if (!more && args->values != VALUES_SHOWN &&
        !(gaps && (gaps->n_rows || gaps->columns || gaps->totals)))
        return true;
    v = calloc(1, sizeof *v);
    if (!v)
        return err_nomem(err);
    v->class = class;
    v->reader = reader;
    v->env = *env;
    v->gaps = gaps;
    v->header_rows = v->header_left = more;
    v->shown = args->values == VALUES_SHOWN;
    arena_init(&v->meta, env->budget);
    arena_init(&v->text, env->budget);
    v->rows = calloc(BATCH_ROWS, sizeof *v->rows);
    if (!v->rows) {
        release(v);
        return err_nomem(err);
    }
    if ((more && !join_names(v, schema, err)) || !choose_columns(v, schema, err)) {
        release(v);
        return false;
    }
    if (v->columns) {
        v->batch.columns = arena_calloc(&v->meta, v->n_columns, sizeof *v->batch.columns);
        if (!v->batch.columns) {
            release(v);
            return err_nomem(err);
        }
    }
    *out = v;
    return true;
}
