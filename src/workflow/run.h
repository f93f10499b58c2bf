#ifndef WORKFLOW_RUN_H
#define WORKFLOW_RUN_H

/*
 * A run: a plan carried out on files. Used inside the worker process; the specification comes in and
 * the events go out as JSON, so that server and command line drive it alike.
 *
 * Specification (one JSON object):
 *
 *   job            "run" | "inspect" | "preview"
 *   now_ns         when the run began; names and timestamps come from it
 *   steps          as plan_new() takes them            (run)
 *   first_step     0-based; the ones before it are done (run, for resume: `input` is then what they made)
 *   input          name of the file the first step reads
 *   files          [{name, path, base, label?, public_path?}]: every file the steps may name, by name or by
 *                  public_path (the relative path that clients use); base is the uploaded file's base name, used
 *                  for output names; label (default: name) is what sentences call it
 *   outputs_dir, intermediate_dir, tmp_dir   absolute folders that exist
 *   lock                 a file to hold a shared lock on (flock) to the end; absent: none
 *   durable        fsync outputs (default true)
 *   hash           SHA-256 of outputs (default true)
 *   keep_intermediate  write the outputs of steps before the last (default true)
 *   unlisted       steps may be operations that workflows do not have (op_unlisted[]; default false)
 *   output_name    exact name of the last step's file, instead of the usual one (optional)
 *   to_stdout      path of a pipe or "-"... the last step's file goes to this descriptor number (optional, int)
 *   settings       what run_settings() gives: {info_sheet_name, include_info_sheet, default_sheet_name,
 *                   max_column_width, auto_adjust_columns, memory_limit_mb}
 *   sample         read no more than so many rows of each file that steps read first (optional, int)
 *   preview        {file, offset, limit, sheet, rows_only: no columns, counts and warnings}  (preview)
 *   inspect        {file, details, count: only rows and columns, typed: texts of a CSV as what they are, reader:
 *                   {reader arguments}}                  (inspect)
 *
 * Events (one JSON object each, a line each on the wire):
 *
 *   {"event":"step_started","step":0}
 *   {"event":"progress","step":0,"rows_in":N,"rows_out":N,"rows_total":N?,"percent":0..100}
 *   {"event":"step_completed","step":0,"result":{operation, rows_in, rows_out, dropped, warnings, duration_ms, ...},
 *    "files":[{"name","folder":"outputs"|"intermediate","role":"output"|"rejected","size","sha256","format","rows","columns"}]}
 *   {"event":"failed","step":1,"steps":3,"operation":"excel/search","error":{code,text,...}}
 *                  step and operation are null where no step is at fault. The text does not name the step:
 *                  plan_err() of plan.h puts "step 2 of 3 (excel/search): " before it where that is wanted
 *   {"event":"done","data":{...}}                         data: the answer of inspect and preview
 *
 * Order: while all of a run's steps stream together, progress of each is true; but a step's frames begin only
 * when there is something to tell, so that a short run reads step by step: progress 0, progress 100, completed.
 */

#include "base/json.h"
#include "base/setting.h"

/* The `settings` of a specification. NULL when memory ends. */
struct json *run_settings(const struct settings *settings);

/* Takes one event; it is the callee's only during the call. False stops the run with the err. */
typedef bool run_event_fn(void *arg, const struct json *event, struct err *err);

/*
 * Do the job; blocks. `cancelled` (may be NULL) is polled between batches and may be set by a signal handler.
 * A failure is told by a "failed" event and by returning false with the same err. No partial file stays behind.
 */
bool run_execute(const struct json *spec, run_event_fn *event, void *arg,
    const volatile int *cancelled, struct err *err) MUST_CHECK;

#endif
