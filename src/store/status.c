/* The words by which states and kinds of files are known to clients, to the database and on
 * disk. */

#include "store/store.h"

#include <string.h>

static const char *const conversation_names[CONVERSATION_STATUS_COUNT] = {
    [CONVERSATION_CREATED] = "created",
    [CONVERSATION_ACTIVE] = "active",
    [CONVERSATION_PROCESSING] = "processing",
    [CONVERSATION_COMPLETED] = "completed",
    [CONVERSATION_FAILED] = "failed",
    [CONVERSATION_ARCHIVED] = "archived",
};

static const char *const run_names[RUN_STATUS_COUNT] = {
    [RUN_PENDING] = "pending",
    [RUN_RUNNING] = "running",
    [RUN_COMPLETED] = "completed",
    [RUN_FAILED] = "failed",
    [RUN_CANCELLED] = "cancelled",
};

static const char *const step_names[STEP_STATUS_COUNT] = {
    [STEP_PENDING] = "pending",
    [STEP_RUNNING] = "running",
    [STEP_COMPLETED] = "completed",
    [STEP_FAILED] = "failed",
    [STEP_SKIPPED] = "skipped",
    [STEP_CANCELLED] = "cancelled",
};

static const char *const folders[STORED_KIND_COUNT] = {
    [STORED_UPLOAD] = "uploads",
    [STORED_INTERMEDIATE] = "intermediate",
    [STORED_OUTPUT] = "outputs",
};

static bool find(const char *const *names, int n, const char *name, int *out)
{
    for (int i = 0; name && i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

const char *conversation_status_name(enum conversation_status s)
{
    return conversation_names[s];
}

bool conversation_status_find(const char *name, enum conversation_status *out)
{
    int i;

    if (!find(conversation_names, CONVERSATION_STATUS_COUNT, name, &i))
        return false;
    *out = (enum conversation_status)i;
    return true;
}

const char *run_status_name(enum run_status s)
{
    return run_names[s];
}

bool run_status_find(const char *name, enum run_status *out)
{
    int i;

    if (!find(run_names, RUN_STATUS_COUNT, name, &i))
        return false;
    *out = (enum run_status)i;
    return true;
}

const char *step_status_name(enum step_status s)
{
    return step_names[s];
}

bool step_status_find(const char *name, enum step_status *out)
{
    int i;

    if (!find(step_names, STEP_STATUS_COUNT, name, &i))
        return false;
    *out = (enum step_status)i;
    return true;
}

const char *file_kind_folder(enum file_kind k)
{
    return folders[k];
}

bool file_kind_find(const char *folder, enum file_kind *out)
{
    int i;

    if (!find(folders, STORED_KIND_COUNT, folder, &i))
        return false;
    *out = (enum file_kind)i;
    return true;
}
