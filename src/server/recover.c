/* Runs that an earlier process left unfinished: where they can go on, and queueing them again. */

#include "server/server_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "formats/detect.h"
#include "ops/op.h"

#include <stdio.h>
#include <stdlib.h>

static bool readable_again(const char *path)
{
    enum file_format f = file_format_find(fs_suffix(path));

    return f == FILE_XLSX || f == FILE_CSV || f == FILE_TSV;
}

uint32_t run_resume_point(const struct run *run, const struct step *steps, size_t n,
    struct arena *arena, const char **input)
{
    const char *last = run->input;
    uint32_t done = 0;

    for (; done < n && steps[done].status == STEP_COMPLETED; done++) {
        const struct op *op = op_find(steps[done].operation);

        if (!op)
            break;
        if (steps[done].input_file)
            last = steps[done].input_file;
        if (!(op->flags & OP_TABLE))
            continue;
        if (!steps[done].output_file || !readable_again(steps[done].output_file)) {
            last = NULL; /* The table went on in memory only. */
            continue;
        }
        last = strrchr(steps[done].output_file, '/');
        last = last ? last + 1 : steps[done].output_file;
    }
    /* A step with an input of its own does not care what the ones before it left. */
    if (!last && done < n && !steps[done].input_file)
        done = 0;
    *input = done && last ? arena_strdup(arena, last) : run->input;
    return done;
}

static bool give_up(struct server *server, const struct run *run, struct err *err)
{
    struct conversation_change failed = {
        .status = CONVERSATION_FAILED, .status_if = -1, .updated_ns = clock_wall_ns()
    };
    struct change *change = change_begin(server, run->conversation);
    struct json *body, *error;
    struct err why;
    char *text;

    if (!change)
        return err_nomem(err);
    err_set(&why, ERR_INTERNAL, "the server stopped during this run; run it again or resume it");
    error = json_from_err(&why);
    text = json_text(error);
    json_free(error);
    store_change_run(change_tx(change), run->id, 1u << RUN_PENDING | 1u << RUN_RUNNING, RUN_FAILED,
        text, 0, failed.updated_ns);
    free(text);
    store_change_conversation(change_tx(change), run->conversation, &failed);
    body = json_new_object();
    json_set_string(body, "run_id", run->id);
    json_set_string(body, "error", why.text);
    json_set_string(body, "message", why.text);
    change_event(change, "workflow_failed", body, NULL);
    return change_commit(change, err);
}

bool runs_recover(struct server *server, struct err *err)
{
    const struct settings *s = server->settings;
    bool resume = strcmp(settings_string(s, "chat_workflows.execution.recover"), "resume") == 0;
    char base_url[160];
    struct arena arena;
    struct run *runs;
    size_t n;
    bool ok;

    arena_init(&arena, NULL);
    snprintf(base_url, sizeof base_url, "http://%.120s:%u", settings_string(s, "app.host"),
        http_port(server->http));
    ok = store_runs(server->store, NULL, true, &arena, &runs, &n, err);
    for (size_t i = 0; ok && i < n; i++) {
        struct job_spec spec = {
            .conversation = runs[i].conversation, .run = runs[i].id, .base_url = base_url
        };

        log_write(LOG_WARNING, resume ? "a run goes on" : "a run was cut off", "run_id", runs[i].id,
            NULL);
        ok = resume ? dispatcher_submit(server->dispatcher, &spec, err)
                    : give_up(server, &runs[i], err);
    }
    arena_deinit(&arena);
    return ok;
}
