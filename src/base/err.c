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

/* Length of the UTF-8 character at p, 0 when it is broken (cut, above all) or a continuation byte. */
static size_t character(const unsigned char *p)
{
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;

    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

/* A sentence repeats names and values from outside: no line break or other control, no cut character stays in it. */
static void tidy(char *text)
{
    char *to = text;

    for (char *p = text; *p;) {
        size_t n = character((const unsigned char *)p);

        if (n == 1) {
            *to++ = (unsigned char)*p < ' ' || *p == 0x7f ? ' ' : *p;
        } else {
            memmove(to, p, n);
            to += n;
        }
        p += n ? n : 1;
    }
    *to = '\0';
}

/* argument may be NULL. */
static void fill(
    struct err *err, enum err_code code, const char *argument, const char *fmt, va_list ap)
{
    char text[sizeof err->text],
        path[sizeof err->argument]; /* What is given may point into *err. */

    vsnprintf(text, sizeof text, fmt, ap);
    tidy(text);
    snprintf(path, sizeof path, "%s", argument ? argument : "");
    *err = (struct err){ .code = code };
    memcpy(err->text, text, sizeof text);
    memcpy(err->argument, path, sizeof path);
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fill(err, code, NULL, fmt, ap);
    va_end(ap);
    return false;
}

bool err_argument(struct err *err, enum err_code code, const char *argument, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fill(err, code, argument, fmt, ap);
    va_end(ap);
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
    tidy(joined);
    memcpy(err->text, joined, sizeof err->text);
    return false;
}

static _Thread_local unsigned lost;

unsigned memory_lost(void)
{
    return lost;
}

void memory_note_lost(void)
{
    lost++;
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
