#ifndef WORKFLOW_JOB_H
#define WORKFLOW_JOB_H

/*
 * A job: the specification of run.h read into C, and what all parts of one job share.
 */

#include "formats/source.h"
#include "workflow/run.h"

struct job_file {
    const char *name;        /* What steps call it. */
    const char *public_path; /* Another name for it, or NULL. */
    const char *path;        /* Where it lies; never shown. */
    const char *base;        /* Base name of the upload it comes from. */
    const char *label;       /* What sentences call it. */
};

struct job_name {
    struct job_name *next;
    const char *name;
};

struct job {
    const struct json *spec;
    struct arena arena;
    struct budget budget;
    struct formats *formats;

    int64_t now_ns;
    const char *outputs_dir, *intermediate_dir, *tmp_dir;
    bool durable, hash, keep_intermediate;
    const char *output_name; /* NULL: the usual one. */
    int to_fd;               /* -1: a file. */
    struct {
        const char *sheet_name, *info_sheet_name; /* info_sheet_name NULL: no Info sheet. */
        bool auto_width;
        uint32_t max_width;
    } excel;

    struct job_file *files;
    size_t n_files;
    struct job_name *made; /* Names of the files this job has begun. */

    run_event_fn *event;
    void *event_arg;
    const volatile int *cancelled;
};

/* The spec outlives the job. Errors: ERR_INTERNAL when the spec lacks what its job needs. */
bool job_init(struct job *job, const struct json *spec, run_event_fn *event, void *arg,
    const volatile int *cancelled, struct err *err) MUST_CHECK;
void job_deinit(struct job *job);

/*
 * Give a file to be made a name that none of the job's files has, whatever folder they are in: `name` (FS_NAME_MAX + 1
 * bytes) gets "-2", "-3", ... before its suffix where it is taken. False with ERR_NOMEM.
 */
bool job_claim_name(struct job *job, char *name, struct err *err) MUST_CHECK;

/* False with ERR_CANCELLED once somebody has asked to stop. */
bool job_go_on(const struct job *job, struct err *err) MUST_CHECK;

/*
 * Open the file that a step calls `name` for reading. `argument` is the path of the argument that
 * named it ("input_file"), for the err.
 *
 * Errors: ERR_ARG with near and available names, ERR_NOT_FOUND when it is gone, ERR_IO.
 */
bool job_open(const struct job *job, const char *name, const char *argument,
    const struct job_file **file, int *fd, struct err *err) MUST_CHECK;

/* The data of inspect and preview, sent as the "done" event. Takes the reference. */
bool job_done(const struct job *job, struct json *data, struct err *err) MUST_CHECK;

/* The two jobs that are no run. Each sends its own "done". */
bool job_inspect(struct job *job, struct err *err) MUST_CHECK;
bool job_preview(struct job *job, struct err *err) MUST_CHECK;

/*
 * Open a file to look at, with the reader arguments of a JSON object (NULL: none) that holds nothing else.
 * What goes wrong row by row is counted in `warnings`. Strings of the arguments live in job->arena.
 */
struct look {
    struct source_env env;
    struct reader_args args;
    struct source *source;
    const struct job_file *file;
    struct warnings *warnings;
    uint64_t size; /* Of the file. */
};
bool look_open(struct job *job, const char *name, const struct json *arguments, bool typed,
    struct look *look, struct err *err) MUST_CHECK;
void look_close(struct look *look); /* Also after look_open() has failed; zeroed is fine. */
/* [{name, state}] of a workbook, [] of a text file. */
struct json *look_sheets(const struct look *look);

#endif
