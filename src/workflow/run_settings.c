/*
 * The settings that shape a run, as its specification carries them. (Those that stand in for arguments of steps are
 * plan_apply_settings()'s.)
 */

#include "workflow/run.h"

#include <string.h>

/* Members of the specification's settings. */
static const struct {
    const char *key, *path;
} members[] = {
    { "info_sheet_name", "excel.info_sheet_name" },
    { "include_info_sheet", "excel.include_info_sheet" },
    { "default_sheet_name", "excel.default_sheet_name" },
    { "max_column_width", "excel.max_column_width" },
    { "auto_adjust_columns", "excel.auto_adjust_columns" },
    { "memory_limit_mb", "chat_workflows.execution.memory_limit_mb" },
};

static struct json *value_of(const struct settings *settings, const char *path)
{
    const struct setting *s = setting_table;

    while (s->path && strcmp(s->path, path) != 0)
        s++;
    if (s->path && s->type == SETTING_BOOL)
        return json_new_bool(settings_bool(settings, path));
    if (s->path && s->type == SETTING_INT)
        return json_new_int(settings_int(settings, path));
    return json_new_string(settings_text(settings, path));
}

struct json *run_settings(const struct settings *settings)
{
    struct json *o = json_new_object();
    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        ok = json_set(o, members[i].key, value_of(settings, members[i].path)) && ok;
    if (ok)
        return o;
    json_free(o);
    return NULL;
}
