#ifndef CLI_AT_FILE_H
#define CLI_AT_FILE_H

#include "base/arena.h"

/*
 * The text that a value of the command line stands for: "@file.json" is the file's content ("@@x" is "@x"), anything
 * else itself. `what` names the flag. Errors: ERR_NOT_FOUND, ERR_TOO_LARGE.
 */
bool at_file_text(struct arena *arena, const char *what, const char *value, const char **out,
    struct err *err) MUST_CHECK;

/* All of a small file or, for "-", of standard input, as a NUL-terminated string. */
bool at_file_load(
    struct arena *arena, const char *path, const char **out, size_t *n, struct err *err) MUST_CHECK;

#endif
