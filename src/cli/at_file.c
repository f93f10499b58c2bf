/*
 * Values of the command line that stand for the content of a file.
 */

#include "cli/at_file.h"

#include "base/fs.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };

static bool load_stdin(struct arena *arena, const char **out, size_t *n, struct err *err)
{
    struct buf text;
    ssize_t got;
    bool ok;

    buf_init(&text, JSON_MAX_BYTES);
    do {
        char *room = buf_reserve(&text, READ_BYTES);

        if (!room)
            break;
        got = read(STDIN_FILENO, room, READ_BYTES);
        if (got > 0)
            text.len += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    ok = buf_ok(&text, "standard input", err);
    *n = text.len;
    if (ok) {
        *out = arena_dup(arena, buf_str(&text), text.len);
        ok = *out || err_nomem(err);
    }
    buf_deinit(&text);
    return ok;
}

bool at_file_load(
    struct arena *arena, const char *path, const char **out, size_t *n, struct err *err)
{
    char *data;

    if (strcmp(path, "-") == 0)
        return load_stdin(arena, out, n, err);
    if (access(path, R_OK) != 0)
        return err_set(err, ERR_NOT_FOUND, "'%.300s' cannot be read: %s", path, strerror(errno));
    if (!fs_load(path, JSON_MAX_BYTES, &data, n, err))
        return false;
    *out = arena_dup(arena, data, *n);
    free(data);
    return *out ? true : err_nomem(err);
}

bool at_file_text(
    struct arena *arena, const char *what, const char *value, const char **out, struct err *err)
{
    const char *text = "";
    size_t n = 0;

    *out = value;
    if (value[0] != '@')
        return true;
    if (value[1] == '@') {
        *out = value + 1;
        return true;
    }
    if (!at_file_load(arena, value + 1, &text, &n, err))
        return err_wrap(err, "--%s", what);
    *out = text;
    if (memchr(text, '\0', n))
        return err_set(err, ERR_USAGE, "--%s: '%.300s' is not a text file", what, value + 1);
    return true;
}
