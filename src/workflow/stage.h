#ifndef WORKFLOW_STAGE_H
#define WORKFLOW_STAGE_H

/*
 * A stage: one step of a pipeline at work. It owns the operation's state, its file and its ledger.
 *
 *   stage_open ─▶ [stage_scan ... stage_scan_end] ─▶ stage_push ... ─▶ stage_finish ─▶ stage_commit
 *
 * What it emits goes to its file and to `forward`, the pipeline's way to the next stage.
 */

#include "workflow/output.h"
#include "workflow/progress.h"
#include "workflow/rejects.h"

struct flatten;

struct stage {
    struct job *job;
    const struct plan_step *step;
    const struct op *op;
    size_t index; /* Of the step in its run, from 0. */

    struct arena arena;
    struct op_env env;
    struct warnings *warnings;
    uint64_t dropped[DROP_COUNT];
    void *state;
    bool open;
    bool scans; /* Wants a first pass over its input. */
    const struct schema *in, *out;
    struct op_emit emit;
    struct output *output;   /* NULL: no file. */
    struct flatten *flatten; /* types "text": cells become their shown text; NULL: they stay. */

    bool (*forward)(struct stage *stage, const struct batch *b, struct err *err);
    void *pipe; /* For forward. */

    uint64_t rows_in, rows_out;
    int64_t busy_ns;           /* Time of its own, without the stages behind it. */
    char undo[2][FS_PATH_MAX]; /* Files it has published, for stage_undo(). */
};

/* Memory of its own; everything else zeroed. stage_close() is safe afterwards. */
bool stage_init(struct stage *s, struct job *job, const struct plan_step *step, size_t index,
    struct err *err) MUST_CHECK;

/* Bind it to the table it reads: s->in is set by this, s->out and s->scans tell what came of it. */
bool stage_open(struct stage *s, const struct schema *in, const char *file_label,
    const struct output_place *place, struct err *err) MUST_CHECK;

bool stage_scan(struct stage *s, const struct batch *b, struct err *err) MUST_CHECK;
bool stage_scan_end(struct stage *s, struct err *err) MUST_CHECK;
bool stage_push(struct stage *s, const struct batch *b, struct err *err) MUST_CHECK;
bool stage_finish(struct stage *s, struct err *err) MUST_CHECK;

/* Whether the rows add up, the result, the file: on success *event is the step_completed event, the caller's. */
bool stage_commit(
    struct stage *s, struct rejects *rejects, struct json **event, struct err *err) MUST_CHECK;

void stage_undo(struct stage *s); /* Remove the files it has published. */
void stage_drop(struct stage *s); /* It has failed: end the operation, remove its file. */
void stage_close(
    struct stage *s); /* Frees everything; drops the file too when it was not committed. */

/* Does the step ask for cells that know their type, whatever it writes? */
bool stage_wants_types(const struct plan_step *step);

#endif
