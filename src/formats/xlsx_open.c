/*
 * Workbooks in: what happens once, at open.
 */
#include "formats/xlsx_read_int.h"

#include "formats/xls.h"
#include "formats/xlsx_notes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool over_budget(const struct xlsx_reader *r, struct err *err)
{
    return err_set(err, ERR_BUDGET, "'%s': the memory limit is too low to read it", r->name);
}

static bool load_strings(struct xlsx_reader *r, struct err *err)
{
    const struct zip_entry *entry =
        r->book.strings_part ? zip_read_find(r->zip, r->book.strings_part) : NULL;
    struct zip_stream *stream;
    bool ok;

    if (!entry)
        return true;
    if (!zip_stream_open(r->zip, entry, &stream, err))
        return false;
    zip_stream_ahead(stream);
    ok = xlsx_strings_load(&r->strings, stream, r->name, r->env.budget, err);
    zip_stream_close(stream);
    return ok;
}

bool xlsx_read_choose(struct xlsx_reader *r, const char *sheet, uint32_t *tab, struct err *err)
{
    if (!xlsx_parts_choose(&r->book, sheet, tab, err))
        return false;
    r->cells.sheet = r->book.tabs[*tab].name;
    if (!sheet) {
        for (uint32_t i = 0; i < *tab; i++) {
            if (strcmp(r->book.tabs[i].state, "visible") == 0)
                warn_add(r->env.warnings, "skipped_sheets",
                    "sheets before the one that is read hold no cells", "%s", r->book.tabs[i].name);
        }
    }
    return true;
}

static bool find_sheet(struct xlsx_reader *r, const char *sheet, uint32_t *tab, struct err *err)
{
    if (!xlsx_read_choose(r, sheet, tab, err))
        return false;
    r->entry = zip_read_find(r->zip, r->book.tabs[*tab].part);
    r->sheet_bytes = r->entry->size;
    return true;
}

/* Width, length, order and merged ranges, from a look at all cells. */
static bool survey_all(
    struct xlsx_reader *r, const struct reader_args *args, uint32_t from, struct err *err)
{
    struct arena *merges = args->merged == MERGED_FILL ? &r->arena : NULL;

    if (!xlsx_read_begin_pass(r, true, err) ||
        !xlsx_survey(&r->scan, &r->strings, from, !r->kept, merges, &r->survey, err))
        return false;
    if (r->survey.irregular &&
        (!xlsx_read_begin_pass(r, true, err) ||
            !xlsx_survey(&r->scan, &r->strings, from, false, merges, &r->survey, err)))
        return false;
    return !r->survey.n_merges ||
           (xlsx_read_begin_pass(r, true, err) &&
               xlsx_survey_merges(&r->scan, &r->strings, from, &r->survey, err));
}

/*
 * Width, length, order and merged ranges. The top of the sheet tells enough where whoever reads can
 * begin again: the rows are then unpacked and scanned once instead of twice.
 */
static bool survey(struct xlsx_reader *r, const struct reader_args *args, struct err *err)
{
    uint32_t from = args->header_row > 1 ? (uint32_t)args->header_row : 1;

    if (r->env.may_reopen && args->merged != MERGED_FILL) {
        if (!xlsx_read_begin_pass(r, false, err) ||
            !xlsx_survey_top(&r->scan, &r->strings, from, &r->survey, err))
            return false;
        if (r->survey.partial && r->survey.ordered && r->survey.first_row > 0)
            return true;
    }
    if ((!r->env.may_reopen || args->merged == MERGED_FILL || r->survey.partial) &&
        !survey_all(r, args, from, err))
        return false;
    if (r->survey.ordered)
        return true;
    if (!xlsx_read_begin_pass(r, true, err) ||
        !xlsx_sorted_load(&r->scan, r->cells.sheet, &r->strings, r->env.budget, &r->sorted, err))
        return false;
    warn_addn(r->env.warnings, "unordered_rows",
        "the rows of the sheet stood in no order and were sorted", 1, r->cells.sheet);
    if (xlsx_sorted_duplicates(r->sorted))
        warn_addn(r->env.warnings, "duplicate_cells",
            "cells stand in the file more than once; the last one counts",
            xlsx_sorted_duplicates(r->sorted), NULL);
    return true;
}

/* Nothing in the sheet: a table without rows and columns, for those who only look. */
static bool empty_table(struct xlsx_reader *r, struct err *err)
{
    warn_add(r->env.warnings, "empty_sheet", "the sheet that is read holds no values", "%s",
        r->cells.sheet);
    r->survey.width = 0;
    r->survey.last_row = 0;
    r->survey.n_merges = 0;
    r->header_row = 0;
    r->first_row = 1;
    r->batch = (struct batch){ .n_columns = 0 };
    r->schema = schema_from_letters(&r->arena, 0);
    if (!r->schema)
        return over_budget(r, err);
    return xlsx_read_start(r, err);
}

static bool no_table(const struct xlsx_reader *r, const struct reader_args *args, struct err *err)
{
    char list[160];

    if (args->header_row > 1) {
        err_set(err, ERR_ARG,
            "header_row %" PRId64 ": sheet '%s' of '%s' has no values in that row or below",
            args->header_row, r->cells.sheet, r->name);
        memcpy(err->argument, "header_row", 11);
        return false;
    }
    xlsx_parts_list(&r->book, list, sizeof list);
    err_set(err, ERR_DATA, "'%s': sheet '%s' is empty; it has no header row%s%s", r->name,
        r->cells.sheet, r->book.n_tabs > 1 ? ". The workbook's sheets: " : "",
        r->book.n_tabs > 1 ? list : "");
    xlsx_parts_available(&r->book, err);
    return false;
}

bool xlsx_read_nearly_empty(const struct xlsx_reader *r, uint32_t rows, uint32_t width)
{
    uint64_t area = (uint64_t)rows * width;

    return area > XLSX_EMPTY_CELLS && area / XLSX_EMPTY_FACTOR > r->sheet_bytes;
}

/* Which row is the header, and where the data begin. */
static bool place_header(struct xlsx_reader *r, const struct reader_args *args, struct err *err)
{
    const struct xlsx_survey *v = &r->survey;

    if (v->first_row == 0)
        return no_table(r, args, err);
    if (!v->partial && xlsx_read_nearly_empty(r, v->last_row, v->width))
        return err_set(err, ERR_BUDGET,
            "'%s': sheet '%s' reaches to row %" PRIu32 " and column %" PRIu32
            " but is nearly empty; delete the stray cells far from the table",
            r->name, r->cells.sheet, v->last_row, v->width);
    r->header_row = args->header_row > 1 ? (uint32_t)args->header_row : v->first_row;
    if (args->header_row <= 1 && v->first_row > 1)
        warn_addn(r->env.warnings, "leading_blank_rows", "blank rows above the table are not read",
            v->first_row - 1, "row 1");
    r->first_row = args->header_row == 0 ? v->first_row : r->header_row + 1;
    if (args->header_row == 0)
        r->header_row = 0;
    return true;
}

static bool new_batch(struct xlsx_reader *r, struct err *err)
{
    uint32_t width = r->survey.width;
    size_t rows = XLSX_BATCH_BYTES / sizeof(struct cell) / width;
    size_t stride;
    char *cells;

    rows = rows > BATCH_ROWS ? BATCH_ROWS : rows < XLSX_BATCH_ROWS_MIN ? XLSX_BATCH_ROWS_MIN : rows;
    /* A little more than a power of two, so that the columns do not share cache sets. */
    stride = rows * sizeof(struct cell) + 64;
    r->batch_rows = (uint32_t)rows;
    r->batch = (struct batch){ .n_columns = width };
    r->batch.columns = arena_calloc(&r->arena, width, sizeof *r->batch.columns);
    cells = arena_alloc(&r->arena, stride * width);
    if (!r->batch.columns || !cells)
        return over_budget(r, err);
    for (uint32_t col = 0; col < width; col++)
        r->batch.columns[col] = (struct cell *)(void *)(cells + col * stride);
    return true;
}

static bool read_header(struct xlsx_reader *r, struct err *err)
{
    uint32_t width = r->batch.n_columns, first = r->first_row, repaired = 0;
    struct str *headers = arena_calloc(&r->arena, width, sizeof *headers);
    char *scratch = arena_alloc(&r->arena, (size_t)width * CELL_SHOWN_MAX);
    char place[32];

    if (!headers || !scratch)
        return over_budget(r, err);
    r->first_row = r->header_row;
    if (!xlsx_read_start(r, err) || !xlsx_read_row(r, r->header_row, 0, err))
        return false;
    xlsx_cells_settle(&r->cells);
    r->first_row = first;
    r->next_row = first;
    for (uint32_t col = 0; col < width; col++)
        headers[col].p = cell_shown(
            &r->batch.columns[col][0], scratch + (size_t)col * CELL_SHOWN_MAX, &headers[col].n);
    r->schema = schema_from_headers(&r->arena, headers, width, &repaired);
    if (!r->schema)
        return over_budget(r, err);
    snprintf(place, sizeof place, "row %" PRIu32, r->header_row);
    if (repaired)
        warn_addn(r->env.warnings, "header_repaired",
            "blank or repeated column names were given new ones", repaired, place);
    return true;
}

static bool make_schema(struct xlsx_reader *r, struct err *err)
{
    if (r->header_row)
        return read_header(r, err);
    r->schema = schema_from_letters(&r->arena, r->batch.n_columns);
    if (!r->schema)
        return over_budget(r, err);
    return xlsx_read_start(r, err);
}

static bool fill_info(
    struct xlsx_reader *r, uint32_t tab, struct source_info *info, struct err *err)
{
    struct source_sheet *sheets = arena_calloc(&r->arena, r->book.n_tabs, sizeof *sheets);

    if (!sheets)
        return over_budget(r, err);
    for (uint32_t i = 0; i < r->book.n_tabs; i++)
        sheets[i] = (struct source_sheet){ r->book.tabs[i].name, r->book.tabs[i].state };
    *info = (struct source_info){ .format = r->feed ? FILE_XLS : FILE_XLSX,
        .n_sheets = r->book.n_tabs,
        .sheets = sheets,
        .sheet = tab };
    return true;
}

bool xlsx_read_make_table(struct xlsx_reader *r, uint32_t tab, const struct reader_args *args,
    struct source_info *info, struct err *err)
{
    if (r->survey.first_row == 0 && args->header_row <= 1 && r->env.allow_empty)
        return empty_table(r, err) && fill_info(r, tab, info, err);
    if (!place_header(r, args, err) || !new_batch(r, err))
        return false;
    if (r->survey.n_merges && !xlsx_merge_new(r->survey.merges, r->survey.n_merges, r->survey.width,
                                  r->env.budget, &r->merge, err))
        return false;
    return make_schema(r, err) && fill_info(r, tab, info, err);
}

static bool load(struct xlsx_reader *r, int fd, const struct reader_args *args,
    struct source_info *info, struct err *err)
{
    uint32_t tab;

    if (!zip_read_open(fd, r->name, r->env.budget, r->env.warnings, &r->zip, err) ||
        !xlsx_parts_load(&r->book, &r->arena, r->zip, r->name, r->env.formats, err) ||
        !find_sheet(r, args->sheet, &tab, err) || !load_strings(r, err) || !survey(r, args, err) ||
        !xlsx_read_make_table(r, tab, args, info, err))
        return false;
    if (args->totals == TOTALS_SKIP && r->header_row)
        xlsx_notes_totals(&r->book, r->entry->name, r->header_row, r->schema);
    if (!r->survey.partial)
        xlsx_notes_add(&r->book, r->entry->name, r->first_row, r->survey.last_row, r->env.warnings);
    return true;
}

/* A reader of nothing yet, for xlsx_read_class.close(). */
static struct xlsx_reader *new_reader(
    const char *name, const struct reader_args *args, const struct source_env *env, struct err *err)
{
    struct xlsx_reader *r;

    if (args->header_row < 0 || args->header_row > XLSX_MAX_ROWS) {
        err_set(err, ERR_ARG, "header_row %" PRId64 ": a sheet has rows 1 to %d (0: no header row)",
            args->header_row, XLSX_MAX_ROWS);
        memcpy(err->argument, "header_row", 11);
        return NULL;
    }
    r = calloc(1, sizeof *r);
    if (!r) {
        err_nomem(err);
        return NULL;
    }
    r->env = *env;
    arena_init(&r->arena, env->budget);
    arena_init(&r->cells.text, env->budget);
    r->strings.budget = env->budget;
    r->name = arena_strdup(&r->arena, name);
    r->cells.book = &r->book;
    r->cells.strings = &r->strings;
    r->cells.label = r->name;
    r->cells.errors = args->errors;
    r->skip_hidden = args->hidden == HIDDEN_SKIP;
    r->cells.warnings = env->warnings;
    if (!r->name) {
        err_nomem(err);
        xlsx_read_class.close(r);
        return NULL;
    }
    return r;
}

bool xlsx_read_open(int fd, const char *name, enum file_format format,
    const struct reader_args *args, const struct source_env *env, struct xlsx_reader **out,
    const struct schema **schema, struct source_info *info, struct err *err)
{
    struct xlsx_reader *r = new_reader(name, args, env, err);

    if (!r)
        return false;
    if (!(format == FILE_XLS ? xls_read_load : load)(r, fd, args, info, err)) {
        xlsx_read_class.close(r);
        return false;
    }
    *out = r;
    *schema = r->schema;
    return true;
}
