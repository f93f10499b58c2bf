#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * The server's log: one line an event, text or JSON, to stderr or a file. Fields are
 * escaped; no cell, body, key or header content goes in.
 */

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* path NULL: stderr. Call before threads start. */
bool log_open(enum log_level level, bool json, const char *path, struct err *err) MUST_CHECK;

/* When the file is put aside, as log_file_rotation_check() has it. Thread-safe. */
void log_set_rotation(const char *text);
/* Open the file by its name again, for programs that move it away. Thread-safe. Keeps the old one where that fails. */
bool log_reopen(struct err *err) MUST_CHECK;
void log_set_level(enum log_level level); /* Thread-safe. */
void log_close(void);

/* Pairs of key and value end with NULL: log_write(LOG_INFO, "run failed", "run_id", id, NULL). Thread-safe. */
void log_write(enum log_level level, const char *message, ...) __attribute__((sentinel));

#endif
