/*
 * preview: some rows of a file, with the types of its columns. All of the file is read, as the
 * types and the number of rows are those of the whole table; with rows_only, no further than the
 * last row asked for, because whoever scrolls knows the columns already.
 */

#include "workflow/job.h"

#include "table/profile.h"

#include <math.h>

enum { DEFAULT_ROWS = 50, MAX_ROWS = 10000 };
#define EXACT_INTEGERS 1e15 /* Whole numbers below it are written without a point. */

static struct json *cell_json(const struct cell *cell)
{
    char scratch[CELL_SHOWN_MAX];
    const char *shown;
    size_t n;

    switch ((enum cell_type)cell->type) {
    case CELL_BLANK:
        return json_new_null();
    case CELL_NUMBER:
        if (cell->number == trunc(cell->number) && fabs(cell->number) < EXACT_INTEGERS)
            return json_new_int((int64_t)cell->number);
        return json_new_real(cell->number);
    case CELL_BOOL:
        return json_new_bool(cell->number != 0);
    case CELL_TEXT:
    case CELL_DATE:
    case CELL_ERROR:
        break;
    }
    shown = cell_shown(cell, scratch, &n);
    return json_new_stringn(shown, n);
}

/* The rows of `b` that lie in [from, to), where `b` begins with row `row`. */
static bool add_rows(
    const struct batch *b, uint64_t row, uint64_t from, uint64_t to, struct json *rows)
{
    for (uint32_t i = 0; i < b->n_rows; i++, row++) {
        struct json *cells;

        if (row < from || row >= to)
            continue;
        cells = json_new_array();
        for (uint32_t c = 0; c < b->n_columns; c++) {
            if (!json_add(cells, cell_json(&b->columns[c][i]))) {
                json_free(cells);
                return false;
            }
        }
        if (!json_add(rows, cells))
            return false;
    }
    return true;
}

/* Without a profile: to the last row asked for. */
static bool read_rows(struct job *job, struct source *source, struct profile *profile,
    uint64_t offset, uint64_t limit, struct json *rows, struct err *err)
{
    struct batch *b;
    uint64_t row = 0;

    while (profile || row < offset + limit) {
        if (!job_go_on(job, err) || !source_next(source, &b, err))
            return false;
        if (!b)
            return true;
        if (profile && !profile_add(profile, b, err))
            return false;
        if (!add_rows(b, row, offset, offset + limit, rows))
            return err_nomem(err);
        row += b->n_rows;
    }
    return true;
}

static struct json *columns_json(const struct schema *schema, struct profile *profile)
{
    struct json *columns = json_new_array();

    for (uint32_t i = 0; i < schema->n_columns; i++) {
        struct json *column = json_new_object();

        json_set_string(column, "name", schema->columns[i].name);
        json_set_string(column, "type", column_type_name(profile_column(profile, i)->type));
        json_add(columns, column);
    }
    return columns;
}

/* Reader arguments of a preview: {sheet?}, copied. */
static struct json *reader_json(const struct json *spec)
{
    struct json *reader = json_new_object();
    const struct json *sheet = json_get(spec, "sheet");

    if (!json_isnull(sheet))
        json_set(reader, "sheet", json_ref(sheet));
    return reader;
}

static bool preview(struct job *job, const struct json *spec, struct look *look,
    struct profile *profile, struct err *err)
{
    int64_t offset = json_get_int(spec, "offset", 0);
    int64_t limit = json_get_int(spec, "limit", DEFAULT_ROWS);
    struct json *rows = json_new_array(), *data;
    bool ok;

    offset = offset > 0 ? offset : 0;
    limit = limit < 0 ? 0 : limit > MAX_ROWS ? MAX_ROWS : limit;
    if (!read_rows(job, look->source, profile, (uint64_t)offset, (uint64_t)limit, rows, err)) {
        json_free(rows);
        return false;
    }
    data = json_new_object();
    ok = !profile || json_set(data, "columns", columns_json(source_schema(look->source), profile));
    ok = json_set(data, "rows", rows) && ok;
    if (profile)
        ok = json_set_int(data, "total_rows", (int64_t)profile_rows(profile)) && ok;
    ok = json_set_int(data, "offset", offset) && ok;
    if (profile) {
        ok = json_set(data, "sheets", look_sheets(look)) && ok;
        ok = json_set(data, "warnings", warn_json(look->warnings)) && ok;
    }
    if (ok)
        return job_done(job, data, err);
    json_free(data);
    return err_nomem(err);
}

bool job_preview(struct job *job, struct err *err)
{
    const struct json *spec = json_get(job->spec, "preview");
    const char *name = json_get_string(spec, "file");
    bool rows_only = json_get_bool(spec, "rows_only", false);
    struct json *reader = reader_json(spec);
    struct profile *profile = NULL;
    struct look look = { 0 };
    bool ok = false;

    if (!name) {
        err_set(err, ERR_INTERNAL, "the job names no file");
        goto out;
    }
    if (!look_open(job, name, reader, !rows_only, &look, err))
        goto out;
    if (!rows_only)
        profile = profile_new(source_schema(look.source)->n_columns, false, &job->budget);
    ok = profile || rows_only ? preview(job, spec, &look, profile, err) : err_nomem(err);
out:
    profile_free(profile);
    look_close(&look);
    json_free(reader);
    return ok;
}
