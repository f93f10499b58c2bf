/*
 * A stage: one step of a pipeline at work.
 */

#include "workflow/stage.h"

#include "base/utf8.h"
#include "workflow/flatten.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* Formats in which a number is not a text that looks like one. */
static bool knows_types(enum file_format f)
{
    return f == FILE_XLSX || f == FILE_JSON || f == FILE_JSONL || f == FILE_SQL;
}

bool stage_wants_types(const struct plan_step *step)
{
    unsigned flags = step->args.op->flags;

    if (flags & OP_TYPED)
        return true;
    return !(flags & OP_RESULT) && step->args.output.types == TYPES_SAFE &&
           knows_types(output_format(step));
}

/* ---- files that arguments name ---- */

/* Rows of such a file that cannot be parsed are left out, and counted. */
static bool skip_row(
    void *arg, uint64_t line, const char *reason, const char *raw, size_t n, struct err *err)
{
    struct warnings *warnings = arg;

    (void)raw, (void)n, (void)err;
    warn_add(warnings, "unreadable_rows",
        "rows of the second file could not be read and were left out", "line %" PRIu64 ": %s", line,
        reason);
    return true;
}

static bool open_file(
    const struct op_env *env, const char *name, bool typed, struct source **out, struct err *err)
{
    struct stage *s = env->engine;
    struct source_env *own = arena_alloc(&s->arena, sizeof *own); /* As long as the source. */
    const struct job_file *file;
    int fd;

    if (!own)
        return err_nomem(err);
    *own = (struct source_env){
        .formats = env->formats,
        .warnings = s->warnings,
        .budget = env->budget,
        .tmp_dir = env->tmp_dir,
        .reject = skip_row,
        .reject_arg = s->warnings,
        .typed = typed,
    };
    if (!job_open(s->job, name, "", &file, &fd, err))
        return false;
    if (source_open(fd, file->label, &reader_args_default, own, out, err))
        return true;
    close(fd);
    return false;
}

/* ---- what it emits ---- */

static bool emit_table(void *arg, const struct batch *b, struct err *err)
{
    struct stage *s = arg;

    if (!job_go_on(s->job, err))
        return false;
    s->rows_out += b->n_rows;
    if (s->flatten && !flatten_batch(s->flatten, b, &b, err))
        return false;
    if (s->output && !output_write(s->output, b, err))
        return false;
    return s->forward(s, b, err);
}

static bool emit_nothing(void *arg, const struct batch *b, struct err *err)
{
    struct stage *s = arg;

    (void)b;
    return err_set(err, ERR_INTERNAL, "%s makes no table but has sent rows", s->op->name);
}

/* ---- its life ---- */

bool stage_init(
    struct stage *s, struct job *job, const struct plan_step *step, size_t index, struct err *err)
{
    *s = (struct stage){ .job = job, .step = step, .op = step->args.op, .index = index };
    arena_init(&s->arena, &job->budget);
    s->warnings = warn_new();
    if (!s->warnings)
        return err_nomem(err);
    s->emit = (struct op_emit){ s->op->flags & OP_TABLE ? emit_table : emit_nothing, s };
    s->env = (struct op_env){
        .arena = &s->arena,
        .budget = &job->budget,
        .formats = job->formats,
        .warnings = s->warnings,
        .dropped = s->dropped,
        .now_ns = job->now_ns,
        .tmp_dir = job->tmp_dir,
        .reader = &step->args.reader,
        .output = &step->args.output,
        .open_file = open_file,
        .engine = s,
    };
    return true;
}

bool stage_open(struct stage *s, const struct schema *in, const char *file_label,
    const struct output_place *place, struct err *err)
{
    bool table = s->op->flags & OP_TABLE;

    s->in = in;
    s->env.file_label = file_label;
    if (!output_create(s->job, s->step, place, &s->output, err))
        return false;
    if (s->output)
        s->env.out = output_file(s->output);
    s->out = in;
    if (!s->op->open(s->step->args.own, &s->env, in, &s->out, &s->state, err))
        return false;
    s->open = true;
    if (!table)
        s->out = in;
    s->scans = s->op->scan && (!s->op->wants_scan || s->op->wants_scan(s->state));
    if (place->flatten && (!table || knows_types(output_format(s->step)))) {
        s->flatten = flatten_new(s->out->n_columns, &s->job->budget);
        if (!s->flatten)
            return err_nomem(err);
    }
    return !table || !s->output || output_begin(s->output, s->out, s->warnings, err);
}

/* The rows as the operation is to see them. */
static bool lend_rows(struct stage *s, const struct batch **b, struct err *err)
{
    if (!s->flatten || (s->op->flags & OP_TABLE))
        return true;
    return flatten_batch(s->flatten, *b, b, err);
}

bool stage_scan(struct stage *s, const struct batch *b, struct err *err)
{
    return lend_rows(s, &b, err) && s->op->scan(s->state, b, err);
}

bool stage_scan_end(struct stage *s, struct err *err)
{
    return !s->op->scan_end || s->op->scan_end(s->state, err);
}

bool stage_push(struct stage *s, const struct batch *b, struct err *err)
{
    const struct batch *seen = b;

    s->rows_in += b->n_rows;
    if (!lend_rows(s, &seen, err) || !s->op->push(s->state, seen, &s->emit, err))
        return false;
    return (s->op->flags & OP_TABLE) || s->forward(s, b, err);
}

bool stage_finish(struct stage *s, struct err *err)
{
    return !s->op->finish || s->op->finish(s->state, &s->emit, err);
}

/* ---- its result ---- */

static bool rows_add_up(struct stage *s, struct err *err)
{
    uint64_t dropped = 0;

    for (int i = 0; i < DROP_COUNT; i++)
        dropped += s->dropped[i];
    if (!(s->op->flags & OP_TABLE))
        s->rows_out = s->rows_in - (dropped < s->rows_in ? dropped : s->rows_in);
    if (!(s->op->flags & OP_MAPS_ROWS) || s->rows_in == s->rows_out + dropped)
        return true;
    return err_set(err, ERR_INTERNAL,
        "rows do not add up: %" PRIu64 " in, %" PRIu64 " out, %" PRIu64 " dropped", s->rows_in,
        s->rows_out, dropped);
}

static struct json *dropped_json(const struct stage *s)
{
    struct json *dropped = json_new_object();

    for (int i = 0; i < DROP_COUNT; i++) {
        if (s->dropped[i] > 0)
            json_set_int(dropped, drop_reason_name((enum drop_reason)i), (int64_t)s->dropped[i]);
    }
    return dropped;
}

static struct json *result_json(struct stage *s, struct err *err)
{
    struct json *result = json_new_object();
    bool ok;

    ok = json_set_int(result, "step", (int64_t)s->index + 1);
    ok = json_set_string(result, "operation", s->op->name) && ok;
    ok = json_set_int(result, "rows_in", (int64_t)s->rows_in) && ok;
    ok = json_set_int(result, "rows_out", (int64_t)s->rows_out) && ok;
    ok = json_set(result, "dropped", dropped_json(s)) && ok;
    ok = json_set(result, "warnings", warn_json(s->warnings)) && ok;
    ok = json_set_int(result, "duration_ms", s->busy_ns / 1000000) && ok;
    if (!ok) {
        err_nomem(err);
    } else if (!s->op->result || s->op->result(s->state, result, err)) {
        return result;
    }
    json_free(result);
    return NULL;
}

static struct json *completed_json(const struct stage *s, struct json *result, struct json *files)
{
    struct json *event = json_new_object();
    bool ok;

    ok = json_set_string(event, "event", "step_completed");
    ok = json_set_int(event, "step", (int64_t)s->index) && ok;
    ok = json_set(event, "result", result) && ok;
    ok = json_set(event, "files", files) && ok;
    if (ok)
        return event;
    json_free(event);
    return NULL;
}

static void end_operation(struct stage *s)
{
    if (s->open && s->op->close)
        s->op->close(s->state);
    s->open = false;
}

void stage_undo(struct stage *s)
{
    for (size_t i = 0; i < ARRAY_LEN(s->undo); i++) {
        if (s->undo[i][0])
            unlink(s->undo[i]);
        s->undo[i][0] = '\0';
    }
}

bool stage_commit(struct stage *s, struct rejects *rejects, struct json **event, struct err *err)
{
    struct json *files = NULL, *result = NULL;
    struct output *output;

    if (s->output && !output_end(s->output, err))
        return false;
    if (!rows_add_up(s, err))
        return false;
    result = result_json(s, err);
    if (!result)
        return false;
    end_operation(s); /* Before its file goes, to which it may still point. */
    files = json_new_array();
    if (!files) {
        err_nomem(err);
        goto fail;
    }
    output = s->output;
    s->output = NULL;
    if (output && !output_commit(output, s->rows_out, files, s->undo[0], err))
        goto fail;
    if (rejects && !rejects_commit(rejects, files, s->undo[1], err))
        goto fail;
    *event = completed_json(s, result, files);
    if (*event)
        return true;
    err_nomem(err);
    result = files = NULL;
fail:
    stage_undo(s);
    json_free(files);
    json_free(result);
    return false;
}

void stage_drop(struct stage *s)
{
    end_operation(s);
    output_abort(s->output);
    s->output = NULL;
    s->env.out = NULL;
}

void stage_close(struct stage *s)
{
    stage_drop(s);
    flatten_free(s->flatten);
    warn_free(s->warnings);
    arena_deinit(&s->arena);
}
