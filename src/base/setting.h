#ifndef BASE_SETTING_H
#define BASE_SETTING_H

/*
 * Settings: one table (setting_table.c) says each one's path, type, default, bounds and
 * meaning; the loader, `sheetflow config`, the reference page and the environment names derive
 * from it. Later wins: defaults, YAML file, environment (SHEETFLOW_APP_PORT), flags.
 */

#include "base/json.h"

enum setting_type { SETTING_BOOL, SETTING_INT, SETTING_STRING, SETTING_CHOICE, SETTING_LIST };

struct setting {
    const char *path;     /* "chat_workflows.execution.max_steps" */
    const char *fallback; /* As it would stand in the environment. */
    const char *const *choices;
    const char *help; /* A sentence with its unit. */
    int64_t min, max; /* SETTING_INT, inclusive. */
    enum setting_type type;
    bool reload; /* SIGHUP takes it. */
    bool secret; /* Its value is never shown, logged, or handed to other processes. */
    /* SETTING_STRING: is the text one that can be used? May be NULL. Errors: ERR_ARG saying what is accepted. */
    bool (*check)(const char *text, struct err *err);
};

extern const struct setting setting_table[]; /* Ends with a NULL path. */

struct settings;

/*
 * Load: `file` may be NULL; `env` is an environ-style array or NULL; flags are {path, text} pairs ending
 * with a NULL path. ERR_ARG names an unknown key and the nearest, and where it stood.
 */
struct setting_flag {
    const char *path, *value;
};
bool settings_load(const char *file, char **env, const struct setting_flag *flags,
    struct settings **out, struct err *err) MUST_CHECK;
void settings_free(struct settings *s);

/*
 * For a reload: `fresh` takes the running values of all settings that only a start takes. *n_kept counts those that
 * would have changed.
 */
bool settings_keep(struct settings *fresh, const struct settings *running, size_t *n_kept,
    struct err *err) MUST_CHECK;

/* Paths must be in the table; a wrong one aborts (a fault of ours). */
bool settings_bool(const struct settings *s, const char *path);
int64_t settings_int(const struct settings *s, const char *path);
const char *settings_string(const struct settings *s, const char *path);
size_t settings_list_len(const struct settings *s, const char *path);
const char *settings_list_at(const struct settings *s, const char *path, size_t i);
/* "default", "file FILE", "environment NAME", "flag". */
const char *settings_source(const struct settings *s, const char *path);
/* The value as text, as it would stand in the environment. */
const char *settings_text(const struct settings *s, const char *path);
/* As settings_text(), where people see it: "***" in the place of a secret. */
const char *settings_shown(const struct settings *s, const char *path);
/* Is "NAME=value" of an environment a secret setting's? */
bool setting_env_secret(const char *entry);

#endif
