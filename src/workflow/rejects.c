/*
 * The file of rows that could not be parsed, written through the CSV sink row by row: they are rare.
 */

#include "workflow/rejects.h"

#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE, REASON, TEXT, N_COLUMNS };
static const char *const column_names[N_COLUMNS] = { "line", "reason", "text" };

struct rejects {
    struct job *job;
    struct warnings *warnings;
    enum output_folder folder;
    char name[FS_NAME_MAX + 1];
    struct column columns[N_COLUMNS];
    struct schema schema;
    struct fs_file *file; /* NULL before the first row. */
    struct sink *sink;
    uint64_t rows;
};

bool rejects_new(struct job *job, const char *base, enum output_folder folder,
    struct warnings *warnings, struct rejects **out, struct err *err)
{
    struct rejects *r = calloc(1, sizeof *r);
    char stamp[DATE_TEXT_MAX];

    if (!r)
        return err_nomem(err);
    r->job = job;
    r->warnings = warnings;
    r->folder = folder;
    date_format_stamp(job->now_ns, stamp);
    /* Only a base that was not made by fs_safe_name() could be cut here. */
    snprintf(r->name, sizeof r->name, "%.200s_rejected_%s.csv", base, stamp);
    if (!job_claim_name(job, r->name, err)) {
        free(r);
        return false;
    }
    for (uint32_t i = 0; i < N_COLUMNS; i++)
        r->columns[i].name = r->columns[i].header = column_names[i];
    r->schema = (struct schema){ .n_columns = N_COLUMNS, .columns = r->columns };
    *out = r;
    return true;
}

void rejects_free(struct rejects *r)
{
    if (!r)
        return;
    sink_close(r->sink);
    fs_file_abort(r->file);
    free(r);
}

static bool begin(struct rejects *r, struct err *err)
{
    struct sink_args args = {
        .format = FILE_CSV,
        .file_label = r->name,
        .created_ns = r->job->now_ns,
        .formats = r->job->formats,
        .warnings = r->warnings,
        .tmp_dir = r->job->tmp_dir,
    };
    const char *dir = r->folder == FOLDER_OUTPUTS ? r->job->outputs_dir : r->job->intermediate_dir;

    if (!dir)
        return err_set(err, ERR_INTERNAL, "the job names no folder for rejected rows");
    return fs_file_create(dir, r->name, r->name, &r->file, err) &&
           sink_open(&args, &r->schema, r->file, &r->sink, err);
}

bool rejects_add(
    void *arg, uint64_t line, const char *reason, const char *raw, size_t n, struct err *err)
{
    struct rejects *r = arg;
    char digits[NUM_TEXT_MAX];
    struct cell cells[N_COLUMNS];
    struct cell *columns[N_COLUMNS] = { &cells[LINE], &cells[REASON], &cells[TEXT] };
    struct batch row = { .n_rows = 1, .n_columns = N_COLUMNS, .columns = columns };

    if (!r->sink && !begin(r, err))
        return false;
    cells[LINE] = cell_text(digits, num_format_int((int64_t)line, digits));
    cells[REASON] = cell_text(reason, strlen(reason));
    cells[TEXT] = cell_text(raw, n);
    row.first_row = ++r->rows;
    return sink_write(r->sink, &row, err);
}

bool rejects_commit(struct rejects *r, struct json *files, char *undo, struct err *err)
{
    struct output_facts facts = {
        .folder = r->folder,
        .role = "rejected",
        .format = FILE_CSV,
        .rows = r->rows,
        .n_columns = N_COLUMNS,
    };
    struct fs_file *file = r->file;
    bool ok;

    undo[0] = '\0';
    if (!r->sink)
        return true;
    if (!sink_finish(r->sink, err))
        return false;
    sink_close(r->sink);
    r->sink = NULL;
    r->file = NULL;
    ok = output_publish(r->job, file, r->name, &facts, files, undo, err);
    return ok;
}
