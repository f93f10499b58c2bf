/*
 * Opening a file to look at it, for inspect and preview.
 */

#include "workflow/job.h"

#include "ops/op.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* Looking takes the reader arguments that every operation takes, so it is declared as one. */
static const struct arg no_args[] = { { 0 } };
static const struct op look_op = {
    .name = "inspect",
    .summary = "Look at a file",
    .flags = OP_RESULT | OP_NO_TYPES,
    .args = no_args,
};

static bool count_row(
    void *arg, uint64_t line, const char *reason, const char *raw, size_t n, struct err *err)
{
    struct warnings *warnings = arg;

    (void)raw, (void)n, (void)err;
    warn_add(warnings, "unreadable_rows", "rows could not be read and would be set aside",
        "line %" PRIu64 ": %s", line, reason);
    return true;
}

bool look_open(struct job *job, const char *name, const struct json *arguments, bool typed,
    struct look *look, struct err *err)
{
    struct op_args args;
    struct stat st;
    int fd;

    *look = (struct look){ .warnings = warn_new() };
    if (!look->warnings)
        return err_nomem(err);
    look->env = (struct source_env){
        .formats = job->formats,
        .warnings = look->warnings,
        .budget = &job->budget,
        .tmp_dir = job->tmp_dir,
        .reject = count_row,
        .reject_arg = look->warnings,
        .typed = typed,
        .allow_empty = true,
    };
    if (!op_bind(&look_op, arguments, &job->arena, &args, err) ||
        !job_open(job, name, "file", &look->file, &fd, err))
        return false;
    if (fstat(fd, &st) == 0)
        look->size = (uint64_t)st.st_size;
    look->args = args.reader;
    if (source_open(fd, look->file->label, &look->args, &look->env, &look->source, err))
        return true;
    close(fd);
    return false;
}

void look_close(struct look *look)
{
    source_close(look->source);
    warn_free(look->warnings);
}

struct json *look_sheets(const struct look *look)
{
    const struct source_info *info = source_info(look->source);
    struct json *sheets = json_new_array();

    for (uint32_t i = 0; i < info->n_sheets; i++) {
        struct json *sheet = json_new_object();

        json_set_string(sheet, "name", info->sheets[i].name);
        json_set_string(sheet, "state", info->sheets[i].state);
        json_add(sheets, sheet);
    }
    return sheets;
}
