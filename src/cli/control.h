#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

/* Asking a running server through the control socket of its data folder. */

#include "base/fs.h"
#include "base/json.h"

/*
 * *found: a server answers there. Then *data is the reply's data, or err what the server said.
 * body may be NULL.
 */
bool control_call(const char *folder, const char *method, const char *path, const struct json *body,
    bool *found, struct json **data, struct err *err) MUST_CHECK;

#endif
