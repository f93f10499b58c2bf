/*
 * One segment of a run: batches pushed from a source through its stages.
 *
 * A stage that wants to see all of its input before it begins (scan) ends a *phase*: the stages
 * before it run to their end while it scans, and what they emit is set aside (spill) and replayed to it in the
 * next phase. The first stage scans the source itself, which is then rewound.
 *
 *   phase 1   source ─▶ [scan 0] rewind ─▶ 0 ─▶ 1 ──┬─▶ scan of 2
 *                                                   └─▶ spill
 *   phase 2   spill ─▶ 2 ─▶ 3 ─▶ ...
 *
 * The source reads a sheet once, trusting its first rows. When a later row shows that they told too
 * little (source_outgrown), all is dropped and done again with a source that looks at everything
 * first. Nothing is committed by then: the first commit comes after the last row.
 *
 * When stage k fails in mid-stream the pipeline is *cut* there: `live` becomes k, the stages before it go on to the end of
 * their input and commit, so that they keep their files, and then the run fails with k's error.
 */

#include "workflow/pipeline.h"

#include "base/clock.h"
#include "table/spill.h"
#include "workflow/rejects.h"
#include "workflow/stage.h"

#include <stdlib.h>
#include <unistd.h>

#define SPILL_MEMORY_MAX ((size_t)8 << 20)

struct pipeline {
    struct segment *segment;
    struct job *job;
    struct progress *progress;
    struct source_env source_env;
    struct source *source;
    const char *label, *base; /* Of the source's file. */
    bool again;    /* This is the second attempt, with a source that has looked at everything. */
    bool outgrown; /* The source asks for a second attempt. */
    bool untyped_steps; /* Text was typed for some steps: those that want text see it flattened. */
    struct rejects *rejects;
    struct stage *stages;
    size_t n;    /* Stages. */
    size_t live; /* Stages [live, n) have failed, `failure` says why, or come after. */
    struct err failure;
    size_t phase,
        phase_end;        /* Stages of the phase at work; phase_end < live scans what they emit. */
    struct spill *replay; /* What the phase reads; NULL: the source. */
    struct spill *spill;  /* What the next phase is to read. */
    struct stage *busy;   /* Whose time runs. */
    int64_t busy_since;
    uint64_t sample, sampled; /* Rows to read at most (0: all), and read so far. */
};

/* ---- time ---- */

/* Let the time run for `stage` (NULL: nobody) from now on; returns whose it was. */
static struct stage *clock_switch(struct pipeline *p, struct stage *stage)
{
    struct stage *before = p->busy;
    int64_t now = clock_mono_ns();

    if (before)
        before->busy_ns += now - p->busy_since;
    p->busy = stage;
    p->busy_since = now;
    return before;
}

/* ---- failure ---- */

static struct stage *stage_at(struct pipeline *p, size_t i)
{
    return &p->stages[i];
}

/* Stage i has failed: it and those behind it are out. Only the first of a segment's failures counts. */
static void cut(struct pipeline *p, size_t i, const struct err *err)
{
    for (size_t k = i; k < p->live; k++) {
        progress_drop(p->progress, stage_at(p, k)->index);
        stage_drop(stage_at(p, k));
    }
    p->live = i;
    p->failure = *err;
}

/* Whether an err stops everything at once, rather than one stage. */
static bool stops_all(struct pipeline *p, const struct err *err)
{
    struct err ignored;

    return p->outgrown || err->code == ERR_CANCELLED || !progress_heard(p->progress, &ignored);
}

/* ---- batches ---- */

static void publish_rows(struct pipeline *p, size_t i, double share, uint64_t total)
{
    const struct stage *s = stage_at(p, i);
    struct progress_state state = {
        .rows_in = s->rows_in, .rows_out = s->rows_out, .rows_total = total, .share = share
    };

    progress_set(p->progress, s->index, &state);
}

/* Give a batch to stage i. A failure there cuts the pipeline, which is no failure here. */
static bool feed(struct pipeline *p, size_t i, const struct batch *b, struct err *err)
{
    struct stage *s = stage_at(p, i), *before;
    struct err fault;
    bool ok;

    if (i >= p->live)
        return true;
    before = clock_switch(p, s);
    if (i == p->phase_end)
        ok = stage_scan(s, b, &fault) && spill_write(p->spill, b, &fault);
    else
        ok = stage_push(s, b, &fault);
    clock_switch(p, before);
    if (ok)
        return true;
    if (stops_all(p, &fault)) {
        *err = fault;
        return false;
    }
    cut(p, i, &fault);
    return true;
}

/* What a stage emits goes to the next one. */
static bool forward(struct stage *s, const struct batch *b, struct err *err)
{
    struct pipeline *p = s->pipe;
    size_t next = (size_t)(s - p->stages) + 1;

    return next >= p->live || feed(p, next, b, err);
}

/* ---- sources of a phase ---- */

static bool next_of_source(struct pipeline *p, struct batch **out, struct err *err)
{
    struct batch *b;

    *out = NULL;
    if (p->sample && p->sampled >= p->sample)
        return true;
    if (!source_next(p->source, &b, err)) {
        p->outgrown = source_outgrown(p->source);
        return false;
    }
    if (b && p->sample && b->n_rows > p->sample - p->sampled)
        b->n_rows = (uint32_t)(p->sample - p->sampled);
    p->sampled += b ? b->n_rows : 0;
    *out = b;
    return true;
}

/* The next batch of the phase's input: the source, or what was set aside. */
static bool next_batch(struct pipeline *p, const struct batch **out, struct err *err)
{
    struct batch *b;

    if (p->replay)
        return spill_next(p->replay, out, err);
    if (!next_of_source(p, &b, err))
        return false;
    *out = b;
    return true;
}

/* How much of its input the phase has read, 0..1. */
static double input_share(struct pipeline *p, uint64_t rows)
{
    uint64_t done = rows, total;

    if (p->replay)
        total = spill_rows(p->replay);
    else
        source_position(p->source, &done, &total);
    return total > 0 ? (double)done / (double)total : 0;
}

/* A stage that scans has done half of its work when it has scanned. */
static void tell_phase(struct pipeline *p, uint64_t rows, uint64_t total)
{
    double share = input_share(p, rows);

    for (size_t i = p->phase; i < p->phase_end && i < p->live; i++)
        publish_rows(
            p, i, stage_at(p, i)->scans ? 0.5 + share / 2 : share, i == p->phase ? total : 0);
    if (p->phase_end < p->live)
        publish_rows(p, p->phase_end, share / 2, 0);
}

/* The first stage's own pass over the source. */
static bool scan_source(struct pipeline *p, uint64_t *rows, struct err *err)
{
    struct stage *s = stage_at(p, 0);
    struct batch *b;

    *rows = 0;
    for (;;) {
        if (!job_go_on(p->job, err) || !progress_heard(p->progress, err) ||
            !next_of_source(p, &b, err))
            return false;
        if (!b)
            break;
        *rows += b->n_rows;
        if (!stage_scan(s, b, err))
            return false;
        publish_rows(p, 0, input_share(p, *rows) / 2, 0);
    }
    p->sampled = 0;
    return source_rewind(p->source, err);
}

/* ---- phases ---- */

static bool feed_all(struct pipeline *p, uint64_t total, struct err *err)
{
    const struct batch *b;
    uint64_t rows = 0;

    while (p->live > p->phase) {
        if (!job_go_on(p->job, err) || !progress_heard(p->progress, err))
            return false;
        if (!next_batch(p, &b, err)) {
            if (stops_all(p, err))
                return false;
            cut(p, p->phase, err); /* What cannot be read fails the step that reads it. */
            return true;
        }
        if (!b)
            break;
        rows += b->n_rows;
        if (!feed(p, p->phase, b, err))
            return false;
        tell_phase(p, rows, total);
    }
    return true;
}

static bool finish_all(struct pipeline *p, struct err *err)
{
    struct err fault;

    for (size_t i = p->phase; i < p->phase_end && i < p->live; i++) {
        struct stage *s = stage_at(p, i);
        bool ok;

        clock_switch(p, s);
        ok = stage_finish(s, &fault);
        clock_switch(p, NULL);
        if (ok)
            continue;
        if (stops_all(p, &fault)) {
            *err = fault;
            return false;
        }
        cut(p, i, &fault);
    }
    return true;
}

/* Rows that the source could not parse are the first step's: it has read them, and dropped them. */
static void count_rejected(struct pipeline *p, struct stage *s)
{
    uint64_t n = source_quarantined(p->source);

    s->rows_in += n;
    s->dropped[DROP_QUARANTINED] += n;
}

static bool commit(struct pipeline *p, size_t i, struct err *err)
{
    struct stage *s = stage_at(p, i);
    struct progress_state state;
    struct json *event;
    bool ok;

    clock_switch(p, s);
    if (i == 0)
        count_rejected(p, s);
    ok = stage_commit(s, i == 0 ? p->rejects : NULL, &event, err);
    clock_switch(p, NULL);
    if (!ok)
        return false;
    state = (struct progress_state){
        .rows_in = s->rows_in, .rows_out = s->rows_out, .rows_total = s->rows_in, .share = 1
    };
    ok = progress_complete(p->progress, s->index, &state, event, err);
    json_free(event);
    if (!ok)
        stage_undo(s);
    return ok;
}

static bool commit_all(struct pipeline *p, struct err *err)
{
    struct err fault;

    for (size_t i = p->phase; i < p->phase_end && i < p->live; i++) {
        if (!job_go_on(p->job, err))
            return false;
        if (commit(p, i, &fault))
            continue;
        if (stops_all(p, &fault)) {
            *err = fault;
            return false;
        }
        cut(p, i, &fault);
    }
    return true;
}

/* The spill that the scanning stage behind this phase is to read. */
static struct spill *new_spill(struct pipeline *p, const struct stage *reader)
{
    size_t limit = p->job->budget.limit, memory = SPILL_MEMORY_MAX;

    if (limit > 0 && limit / 4 < memory)
        memory = limit / 4;
    return spill_new(p->job->tmp_dir, reader->in->n_columns, memory);
}

static bool begin_phase(struct pipeline *p, size_t first, struct err *err)
{
    size_t end = first + 1;

    spill_free(p->replay);
    p->replay = p->spill;
    p->spill = NULL;
    if (p->replay && !spill_rewind(p->replay, err))
        return false;
    while (end < p->live && !stage_at(p, end)->scans)
        end++;
    p->phase = first;
    p->phase_end = end;
    for (size_t i = first; i < p->live && i <= end; i++)
        progress_begin(p->progress, stage_at(p, i)->index);
    if (end >= p->live)
        return true;
    p->spill = new_spill(p, stage_at(p, end));
    return p->spill ? true : err_nomem(err);
}

/* The end of the scan of the phase's first stage; the first of all reads the source for it. */
static bool end_scan(struct pipeline *p, uint64_t *rows, struct err *err)
{
    struct stage *s = stage_at(p, p->phase);
    bool ok;

    clock_switch(p, s);
    ok = p->replay || scan_source(p, rows, err);
    ok = ok && stage_scan_end(s, err);
    clock_switch(p, NULL);
    return ok;
}

static bool run_phase(struct pipeline *p, size_t first, struct err *err)
{
    uint64_t rows;

    if (!begin_phase(p, first, err))
        return false;
    rows = p->replay ? spill_rows(p->replay) : 0;
    if (stage_at(p, first)->scans && !end_scan(p, &rows, err)) {
        if (stops_all(p, err))
            return false;
        cut(p, first, err);
        return true;
    }
    return feed_all(p, rows, err) && finish_all(p, err) && commit_all(p, err);
}

static bool run_phases(struct pipeline *p, struct err *err)
{
    for (size_t first = 0; first < p->live; first = p->phase_end) {
        if (!run_phase(p, first, err))
            return false;
    }
    return true;
}

/* ---- beginning and end ---- */

static bool open_source(struct pipeline *p, struct err *err)
{
    struct segment *g = p->segment;
    struct stage *first = stage_at(p, 0);
    struct source_env *env = &p->source_env;
    const struct job_file *file;
    enum output_folder folder = FOLDER_INTERMEDIATE;
    int fd;

    *env = (struct source_env){
        .formats = p->job->formats,
        .warnings = first->warnings,
        .budget = &p->job->budget,
        .tmp_dir = p->job->tmp_dir,
        .reject = rejects_add,
        .may_reopen = !p->again && p->job->to_fd < 0, /* What has gone out cannot be dropped. */
        .outgrown = &p->outgrown,
    };
    for (size_t i = g->first; i < g->end; i++)
        env->typed = env->typed || stage_wants_types(&g->plan->steps[i]);
    if (first->index + 1 == g->plan->n_steps || !p->job->keep_intermediate)
        folder = FOLDER_OUTPUTS;
    if (!job_open(p->job, g->input, "input_file", &file, &fd, err))
        return false;
    if (!rejects_new(p->job, file->base, folder, first->warnings, &p->rejects, err)) {
        close(fd);
        return false;
    }
    env->reject_arg = p->rejects;
    if (!source_open(fd, file->label, &first->step->args.reader, env, &p->source, err)) {
        close(fd);
        return false;
    }
    p->label = file->label;
    p->base = file->base;
    p->untyped_steps = env->typed && source_info(p->source)->format == FILE_CSV;
    return true;
}

static bool open_stage(struct pipeline *p, size_t i, struct err *err)
{
    struct stage *s = stage_at(p, i), *before = i > 0 ? stage_at(p, i - 1) : NULL;
    struct output_place place = {
        .base = p->base,
        .last = s->index + 1 == p->segment->plan->n_steps,
        .flatten = p->untyped_steps && s->step->args.output.types == TYPES_TEXT &&
                   !stage_wants_types(s->step),
    };
    const char *label = p->label;
    bool ok;

    if (before && before->output && (before->op->flags & OP_TABLE))
        label = output_name(before->output);
    clock_switch(p, s);
    ok = stage_open(s, before ? before->out : source_schema(p->source), label, &place, err);
    clock_switch(p, NULL);
    return ok;
}

static bool open_all(struct pipeline *p, struct err *err)
{
    struct err fault;

    progress_begin(p->progress, stage_at(p, 0)->index);
    clock_switch(p, stage_at(p, 0));
    if (!open_source(p, &fault)) {
        clock_switch(p, NULL);
        if (p->outgrown) {
            *err = fault;
            return false;
        }
        cut(p, 0, &fault);
        return true;
    }
    clock_switch(p, NULL);
    for (size_t i = 0; i < p->live; i++) {
        if (!job_go_on(p->job, err))
            return false;
        if (open_stage(p, i, &fault))
            continue;
        /* A column that the first step misses may be one that only later rows show. */
        if (i == 0 && source_provisional(p->source)) {
            p->outgrown = true;
            *err = fault;
            return false;
        }
        cut(p, i, &fault);
    }
    return true;
}

static bool init_stages(struct pipeline *p, struct err *err)
{
    struct segment *g = p->segment;

    p->stages = calloc(g->end - g->first, sizeof *p->stages);
    if (!p->stages)
        return err_nomem(err);
    while (p->n < g->end - g->first) {
        size_t index = g->first + p->n;
        struct stage *s = &p->stages[p->n++];

        if (!stage_init(s, p->job, &g->plan->steps[index], index, err))
            return false;
        s->pipe = p;
        s->forward = forward;
    }
    p->live = p->n;
    return true;
}

static void close_all(struct pipeline *p)
{
    for (size_t i = 0; i < p->n; i++)
        stage_close(&p->stages[i]);
    source_close(p->source);
    spill_free(p->replay);
    spill_free(p->spill);
    rejects_free(p->rejects);
    free(p->stages);
}

/* *outgrown: it has failed only because the source has to look at everything first. */
static bool attempt(struct segment *segment, bool again, bool *outgrown, struct err *err)
{
    struct pipeline p = {
        .segment = segment, .job = segment->job, .progress = segment->progress, .again = again
    };
    int64_t sample = json_get_int(segment->job->spec, "sample", 0);
    bool ok;

    p.sample = sample > 0 ? (uint64_t)sample : 0;
    segment->failed_step = segment->plan->n_steps;
    ok = init_stages(&p, err) && open_all(&p, err) && run_phases(&p, err);
    if (ok && p.live < p.n) {
        segment->failed_step = segment->first + p.live;
        *err = p.failure;
        ok = false;
    }
    *outgrown = p.outgrown;
    close_all(&p);
    return ok;
}

bool pipeline_run(struct segment *segment, struct err *err)
{
    bool outgrown, ok = attempt(segment, false, &outgrown, err);

    return ok || !outgrown ? ok : attempt(segment, true, &outgrown, err);
}
