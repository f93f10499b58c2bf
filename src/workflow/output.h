#ifndef WORKFLOW_OUTPUT_H
#define WORKFLOW_OUTPUT_H

/*
 * The file a step makes: its name, its sink, and its publication.
 *
 *   output_create ──▶ (OP_TABLE) output_begin ──▶ output_write ... ──▶ output_end ──▶ output_commit
 *                └──▶ (OP_TEXT) the operation writes to output_file() ─────────────────┘
 */

#include "formats/sink.h"
#include "workflow/job.h"
#include "workflow/plan.h"

struct output;

enum output_folder { FOLDER_OUTPUTS, FOLDER_INTERMEDIATE };

struct output_place {
    const char *base; /* Base name of the upload the table comes from. */
    bool last;        /* Of the run: job->output_name and job->to_fd are for it. */
    bool flatten;     /* types "text" where other steps have asked for typed cells. */
};

/*
 * Start the file of `step`. `out` is set to NULL where the step makes none (OP_RESULT, or a table nobody keeps).
 * An OP_TEXT step always gets one, as it has to write somewhere.
 */
bool output_create(struct job *job, const struct plan_step *step, const struct output_place *place,
    struct output **out, struct err *err) MUST_CHECK;
void output_abort(struct output *o); /* Removes what there is and frees; NULL is fine. */

struct fs_file *output_file(struct output *o);
const char *output_name(const struct output *o);

bool output_begin(struct output *o, const struct schema *schema, struct warnings *warnings,
    struct err *err) MUST_CHECK;
bool output_write(struct output *o, const struct batch *b, struct err *err) MUST_CHECK;
bool output_end(struct output *o, struct err *err) MUST_CHECK;

/*
 * Publish the file and free `o`, whatever the outcome; adds its facts to `files`. `undo` (FS_PATH_MAX bytes) receives the
 * path to unlink should the step fail after all, "" where there is none.
 */
bool output_commit(
    struct output *o, uint64_t rows, struct json *files, char *undo, struct err *err) MUST_CHECK;

/* The format a step's table is written in. */
enum file_format output_format(const struct plan_step *step);

/* What a file that is published is, as the server stores it. */
struct output_facts {
    enum output_folder folder;
    const char *role; /* "output" | "rejected" */
    enum file_format format;
    uint64_t rows;
    uint32_t n_columns; /* 0: not a table. */
    bool no_file;       /* It went to a descriptor. */
};

/* Commit `file` as `wanted` (or wanted-2, ...), hash what lies there now, and say so in `files`. As output_commit(). */
bool output_publish(const struct job *job, struct fs_file *file, const char *wanted,
    const struct output_facts *facts, struct json *files, char *undo, struct err *err) MUST_CHECK;

#endif
