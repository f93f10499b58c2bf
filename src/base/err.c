#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *type;
    int http, exit_status;
} errs[ERR_COUNT] = {
#define X(name, http, exit_status, type, text) { #name, type, http, exit_status },
    ERR_MAP(X)
#undef X
};

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    char text[sizeof err->text]; /* The arguments may point into *err. */
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *err = (struct err){ .code = code };
    memcpy(err->text, text, sizeof text);
    return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
    char prefix[sizeof err->text];
    char joined[2 * sizeof err->text + 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    snprintf(joined, sizeof joined, "%s: %s", prefix, err->text);
    joined[sizeof err->text - 1] = '\0';
    memcpy(err->text, joined, sizeof err->text);
    return false;
}

bool err_nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "not enough memory");
}

bool err_errno(struct err *err, int errnum, const char *what)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return err_set(err, ERR_NO_SPACE, "the disk is full: cannot write %s", what);
    case EFBIG:
        return err_set(err, ERR_TOO_LARGE, "%s would be larger than the system allows", what);
    case ENOENT:
        return err_set(err, ERR_NOT_FOUND, "%s does not exist", what);
    case ENOMEM:
        return err_nomem(err);
    default:
        return err_set(err, ERR_IO, "%s: %s", what, strerror(errnum));
    }
}

bool err_list_add(char *list, size_t size, const char *name)
{
    size_t used = strlen(list), n = strlen(name);

    if (used + (used > 0) + n + 1 > size)
        return false;
    if (used > 0)
        list[used++] = ERR_LIST_SEP;
    memcpy(list + used, name, n + 1);
    return true;
}

int err_http_status(enum err_code code)
{
    return errs[code].http;
}

int err_exit_status(enum err_code code)
{
    return errs[code].exit_status;
}

const char *err_name(enum err_code code)
{
    return errs[code].name;
}

const char *err_type(enum err_code code)
{
    return errs[code].type;
}

enum err_code err_from_name(const char *name)
{
    for (int i = 0; i < ERR_COUNT; i++) {
        if (strcmp(errs[i].name, name) == 0)
            return (enum err_code)i;
    }
    return ERR_INTERNAL;
}
