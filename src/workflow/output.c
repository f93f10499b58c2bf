/*
 * The file a step makes. Its name is usually `<base>_<suffix>_<stamp>.<ext>`, unless the step or the
 * job says another; a name that is taken gets "-2" when the file is published.
 */

#include "workflow/output.h"

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBER_ROOM = 8 }; /* For "-2" behind a name that is taken. */

enum output_target {
    TO_FOLDER,
    TO_FD,     /* The job's descriptor. */
    TO_NOWHERE /* Text that nobody keeps. */
};

struct output {
    struct job *job;
    const struct plan_step *step;
    enum output_target target;
    enum output_folder folder;
    enum file_format format;
    char name[FS_NAME_MAX + 1];
    struct fs_file *file;
    struct sink *sink;
    int nowhere;        /* TO_NOWHERE: the descriptor, else -1. */
    uint32_t n_columns; /* 0: not a table. */
};

static const char *const folder_names[] = {
    [FOLDER_OUTPUTS] = "outputs",
    [FOLDER_INTERMEDIATE] = "intermediate",
};

static const char *folder_path(const struct job *job, enum output_folder folder)
{
    return folder == FOLDER_OUTPUTS ? job->outputs_dir : job->intermediate_dir;
}

enum file_format output_format(const struct plan_step *step)
{
    const struct op_args *args = &step->args;
    enum file_format by_name;

    if (args->output.format != FILE_UNKNOWN)
        return (enum file_format)args->output.format;
    if (args->output.output_filename) {
        by_name = file_format_find(fs_suffix(args->output.output_filename));
        if (by_name != FILE_UNKNOWN && op_takes_format(args->op, by_name))
            return by_name;
    }
    return args->op->format;
}

static bool fits(int n, size_t size, struct err *err)
{
    if (n >= 0 && (size_t)n < size)
        return true;
    return err_argument(err, ERR_ARG, "output_filename",
        "the name of the output file is too long; at most %d bytes fit", FS_BARE_NAME_MAX);
}

/* Bytes of a long base that leave room for what follows it, whole characters. */
static size_t cut_base(const char *base, int rest)
{
    size_t n = strlen(base), room = FS_BARE_NAME_MAX - NUMBER_ROOM - (size_t)rest;

    return n <= room ? n : utf8_valid_prefix(base, room);
}

static bool choose_name(struct output *o, const char *base, bool last, struct err *err)
{
    const char *wanted = o->step->args.output.output_filename;
    const char *suffix = file_format_suffix(o->format);
    char stamp[DATE_TEXT_MAX];
    size_t limit = FS_BARE_NAME_MAX + 1;
    int n;

    if (last && o->job->output_name) {
        limit = sizeof o->name;
        n = snprintf(o->name, sizeof o->name, "%s", o->job->output_name);
    } else if (wanted) {
        bool has = strcasecmp(fs_suffix(wanted), suffix) == 0;

        n = snprintf(o->name, sizeof o->name, "%s%s", wanted, has ? "" : suffix);
    } else {
        date_format_stamp(o->job->now_ns, stamp);
        n = snprintf(o->name, sizeof o->name, "_%s_%s%s", o->step->args.op->suffix, stamp, suffix);
        n = snprintf(o->name, sizeof o->name, "%.*s_%s_%s%s", (int)cut_base(base, n), base,
            o->step->args.op->suffix, stamp, suffix);
    }
    if (!fits(n, limit, err))
        return false;
    /* The caller's own name for it is its business; all others are names in one conversation. */
    return (last && o->job->output_name) || job_claim_name(o->job, o->name, err);
}

static bool start_file(struct output *o, struct err *err)
{
    const char *dir = folder_path(o->job, o->folder);
    int fd;

    switch (o->target) {
    case TO_FD:
        return fs_file_from_fd(o->job->to_fd, "the output", &o->file, err);
    case TO_NOWHERE:
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            return err_errno(err, errno, "the output");
        o->nowhere = fd;
        return fs_file_from_fd(fd, "the output", &o->file, err);
    case TO_FOLDER:
        break;
    }
    if (!dir)
        return err_set(
            err, ERR_INTERNAL, "the job names no folder for %s", folder_names[o->folder]);
    return fs_file_create(dir, o->name, o->name, &o->file, err);
}

static void free_output(struct output *o)
{
    if (o->nowhere >= 0)
        close(o->nowhere);
    free(o);
}

bool output_create(struct job *job, const struct plan_step *step, const struct output_place *place,
    struct output **out, struct err *err)
{
    unsigned flags = step->args.op->flags;
    bool dropped = !place->last && !job->keep_intermediate;
    struct output *o;

    *out = NULL;
    if ((flags & OP_RESULT) || ((flags & OP_TABLE) && dropped))
        return true;
    o = calloc(1, sizeof *o);
    if (!o)
        return err_nomem(err);
    o->job = job;
    o->step = step;
    o->nowhere = -1;
    o->format = output_format(step);
    o->folder = place->last ? FOLDER_OUTPUTS : FOLDER_INTERMEDIATE;
    o->target = dropped ? TO_NOWHERE : place->last && job->to_fd >= 0 ? TO_FD : TO_FOLDER;
    if (!choose_name(o, place->base, place->last, err) || !start_file(o, err)) {
        free_output(o);
        return false;
    }
    *out = o;
    return true;
}

void output_abort(struct output *o)
{
    if (!o)
        return;
    sink_close(o->sink);
    fs_file_abort(o->file);
    free_output(o);
}

struct fs_file *output_file(struct output *o)
{
    return o->file;
}

const char *output_name(const struct output *o)
{
    return o->name;
}

bool output_begin(
    struct output *o, const struct schema *schema, struct warnings *warnings, struct err *err)
{
    const struct job *job = o->job;
    const struct output_args *asked = &o->step->args.output;
    struct sink_args args = {
        .format = o->format,
        .file_label = o->name,
        .created_ns = job->now_ns,
        .formats = job->formats,
        .warnings = warnings,
        .budget = &o->job->budget,
        .tmp_dir = job->tmp_dir,
        .sheet_name = asked->sheet_name ? asked->sheet_name : job->excel.sheet_name,
        .auto_width = job->excel.auto_width,
        .max_width = job->excel.max_width,
        .delimiter = asked->delimiter,
        .flavor = asked->csv_dialect,
    };

    if (!(o->step->args.op->flags & OP_NO_INFO))
        args.info_sheet_name = job->excel.info_sheet_name;
    o->n_columns = schema->n_columns;
    return sink_open(&args, schema, o->file, &o->sink, err);
}

bool output_write(struct output *o, const struct batch *b, struct err *err)
{
    return sink_write(o->sink, b, err);
}

bool output_end(struct output *o, struct err *err)
{
    return !o->sink || sink_finish(o->sink, err);
}

static bool hash_file(const char *path, const char *label, char hex[65], struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return err_errno(err, errno, label);
    ok = fs_sha256_fd(fd, hex, err);
    close(fd);
    return ok;
}

static bool add_facts(const char *name, const char *sha256, uint64_t size,
    const struct output_facts *facts, struct json *files, struct err *err)
{
    struct json *f = json_new_object();
    bool ok;

    ok = json_set_string(f, "name", name);
    ok = json_set_string(f, "folder", folder_names[facts->folder]) && ok;
    ok = json_set_string(f, "role", facts->role) && ok;
    ok = json_set_int(f, "size", (int64_t)size) && ok;
    if (sha256[0])
        ok = json_set_string(f, "sha256", sha256) && ok;
    ok = json_set_string(f, "format", file_format_name(facts->format)) && ok;
    ok = json_set_int(f, "rows", (int64_t)facts->rows) && ok;
    if (facts->n_columns > 0)
        ok = json_set_int(f, "columns", facts->n_columns) && ok;
    ok = json_add(files, f) && ok;
    return ok ? true : err_nomem(err);
}

bool output_publish(const struct job *job, struct fs_file *file, const char *wanted,
    const struct output_facts *facts, struct json *files, char *undo, struct err *err)
{
    uint64_t size = fs_file_size(file);
    char name[FS_NAME_MAX + 1], path[FS_PATH_MAX] = "", hex[65] = "";

    snprintf(name, sizeof name, "%s", wanted);
    if (!fs_file_commit(file, job->durable, name, err))
        return false;
    if (!facts->no_file) {
        if (!fs_join(path, folder_path(job, facts->folder), name, err))
            return false;
        if (job->hash && !hash_file(path, wanted, hex, err))
            goto fail;
    }
    if (!add_facts(name, hex, size, facts, files, err))
        goto fail;
    memcpy(undo, path, sizeof path);
    return true;
fail:
    if (path[0])
        unlink(path);
    return false;
}

bool output_commit(struct output *o, uint64_t rows, struct json *files, char *undo, struct err *err)
{
    struct output_facts facts = {
        .folder = o->folder,
        .role = "output",
        .format = o->format,
        .rows = rows,
        .n_columns = o->n_columns,
        .no_file = o->target == TO_FD,
    };
    bool ok = true;

    undo[0] = '\0';
    sink_close(o->sink);
    if (o->target == TO_NOWHERE)
        fs_file_abort(o->file);
    else
        ok = output_publish(o->job, o->file, o->name, &facts, files, undo, err);
    free_output(o);
    return ok;
}
