/*
 * A job: the specification of run.h read into C. The specification comes from our own program, so what
 * is missing from it is a fault of ours; only the names that steps use for files are a person's.
 */

#include "workflow/job.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_FILES_LISTED = 20 };
#define MIB (1024 * 1024)

static bool read_files(struct job *job, const struct json *files, struct err *err)
{
    job->n_files = json_len(files);
    job->files = arena_calloc(&job->arena, job->n_files + 1, sizeof *job->files);
    if (!job->files)
        return err_nomem(err);
    for (size_t i = 0; i < job->n_files; i++) {
        const struct json *f = json_at(files, i);
        struct job_file *file = &job->files[i];

        file->name = json_get_string(f, "name");
        file->public_path = json_get_string(f, "public_path");
        file->path = json_get_string(f, "path");
        file->base = json_get_string(f, "base");
        file->label = json_get_string(f, "label");
        if (!file->name || !file->path || !file->base)
            return err_set(
                err, ERR_INTERNAL, "file %zu of the job lacks its name, path or base", i);
        if (!file->label)
            file->label = file->name;
    }
    return true;
}

static void read_settings(struct job *job, const struct json *settings)
{
    int64_t width = json_get_int(settings, "max_column_width", 50);
    int64_t memory = json_get_int(settings, "memory_limit_mb", 0);

    job->excel.sheet_name = json_get_string(settings, "default_sheet_name");
    if (json_get_bool(settings, "include_info_sheet", true)) {
        job->excel.info_sheet_name = json_get_string(settings, "info_sheet_name");
        if (!job->excel.info_sheet_name)
            job->excel.info_sheet_name = "Info";
    }
    job->excel.auto_width = json_get_bool(settings, "auto_adjust_columns", true);
    job->excel.max_width = width > 0 && width <= 255 ? (uint32_t)width : 50;
    if (memory > 0)
        job->budget.limit = (size_t)memory * MIB;
}

bool job_init(struct job *job, const struct json *spec, run_event_fn *event, void *arg,
    const volatile int *cancelled, struct err *err)
{
    *job = (struct job){ .spec = spec, .event = event, .event_arg = arg, .cancelled = cancelled };
    arena_init(&job->arena, &job->budget);
    job->now_ns = json_get_int(spec, "now_ns", 0);
    if (job->now_ns <= 0)
        job->now_ns = clock_wall_ns();
    job->outputs_dir = json_get_string(spec, "outputs_dir");
    job->intermediate_dir = json_get_string(spec, "intermediate_dir");
    job->tmp_dir = json_get_string(spec, "tmp_dir");
    if (!job->tmp_dir)
        job->tmp_dir = "/tmp";
    job->durable = json_get_bool(spec, "durable", true);
    job->hash = json_get_bool(spec, "hash", true);
    job->keep_intermediate = json_get_bool(spec, "keep_intermediate", true);
    job->output_name = json_get_string(spec, "output_name");
    job->to_fd = (int)json_get_int(spec, "to_stdout", -1);
    read_settings(job, json_get(spec, "settings"));
    job->formats = formats_new();
    if (!job->formats) {
        job_deinit(job);
        return err_nomem(err);
    }
    if (!read_files(job, json_get(spec, "files"), err)) {
        job_deinit(job);
        return false;
    }
    return true;
}

void job_deinit(struct job *job)
{
    formats_free(job->formats);
    arena_deinit(&job->arena);
}

bool job_go_on(const struct job *job, struct err *err)
{
    if (job->cancelled && *job->cancelled)
        return err_set(err, ERR_CANCELLED, "stopped on request");
    return true;
}

static const struct job_file *find_file(const struct job *job, const char *name)
{
    for (size_t i = 0; i < job->n_files; i++) {
        if (strcmp(job->files[i].name, name) == 0)
            return &job->files[i];
    }
    for (size_t i = 0; i < job->n_files; i++) {
        const char *path = job->files[i].public_path;

        if (path && strcmp(path, name) == 0)
            return &job->files[i];
    }
    return NULL;
}

static bool no_such_file(
    const struct job *job, const char *name, const char *argument, struct err *err)
{
    const char **names = calloc(job->n_files + 1, sizeof *names);
    const char *near;

    if (!names)
        return err_nomem(err);
    for (size_t i = 0; i < job->n_files; i++)
        names[i] = job->files[i].label;
    near = utf8_nearest(name, names, job->n_files);
    if (near)
        err_set(err, ERR_ARG, "there is no file '%s'; did you mean '%s'?", name, near);
    else if (job->n_files == 0)
        err_set(err, ERR_ARG, "there is no file '%s'; upload one first", name);
    else
        err_set(err, ERR_ARG, "there is no file '%s'", name);
    snprintf(err->argument, sizeof err->argument, "%s", argument);
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    for (size_t i = 0; i < job->n_files && i < MAX_FILES_LISTED; i++)
        err_list_add(err->available, sizeof err->available, names[i]);
    free(names);
    return false;
}

static bool name_taken(const struct job *job, const char *name)
{
    for (size_t i = 0; i < job->n_files; i++) {
        if (strcmp(job->files[i].name, name) == 0)
            return true;
    }
    for (const struct job_name *made = job->made; made; made = made->next) {
        if (strcmp(made->name, name) == 0)
            return true;
    }
    return false;
}

bool job_claim_name(struct job *job, char *name, struct err *err)
{
    struct job_name *made = arena_alloc(&job->arena, sizeof *made);
    char wanted[FS_NAME_MAX + 1];
    int stem;

    snprintf(wanted, sizeof wanted, "%s", name);
    stem = (int)(fs_suffix(wanted) - wanted);
    for (size_t k = 2; name_taken(job, name); k++)
        snprintf(name, FS_NAME_MAX + 1, "%.*s-%zu%s", stem, wanted, k, wanted + stem);
    if (!made || !(made->name = arena_strdup(&job->arena, name)))
        return err_nomem(err);
    made->next = job->made;
    job->made = made;
    return true;
}

bool job_open(const struct job *job, const char *name, const char *argument,
    const struct job_file **file, int *fd, struct err *err)
{
    const struct job_file *found = find_file(job, name);

    if (!found)
        return no_such_file(job, name, argument, err);
    *fd = open(found->path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return err_errno(err, errno, found->label);
    *file = found;
    return true;
}

bool job_done(const struct job *job, struct json *data, struct err *err)
{
    struct json *event = json_new_object();
    bool ok;

    ok = json_set_string(event, "event", "done");
    ok = json_set(event, "data", data) && ok;
    ok = ok ? job->event(job->event_arg, event, err) : err_nomem(err);
    json_free(event);
    return ok;
}
