/* The log. A line is built whole, then written at once, so that threads do not mix. */

#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/date.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192 };

/* Set once before threads start; the only state of the process that is not passed along. */
static struct {
    _Atomic int level;
    bool json;
    int fd;
} sink = { .level = LOG_INFO, .fd = 2 };

static const char *const level_names[] = { "debug", "info", "warning", "error" };

bool log_open(enum log_level level, bool json, const char *path, struct err *err)
{
    int fd = 2;

    if (path && *path) {
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
            return err_set(err, ERR_CREATE, "the log file (logging.file) cannot be opened: %s",
                strerror(errno));
    }
    sink.level = (int)level;
    sink.json = json;
    sink.fd = fd;
    return true;
}

void log_set_level(enum log_level level)
{
    sink.level = (int)level;
}

void log_close(void)
{
    if (sink.fd != 2)
        close(sink.fd);
    sink.fd = 2;
}

/* Controls and quotes are escaped in both forms, so that no value can forge a line. */
static void add_escaped(struct buf *b, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            buf_addf(b, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            buf_addf(b, "\\u%04x", c);
        else
            buf_addc(b, (char)c);
    }
}

static void add_field(struct buf *b, const char *key, const char *value)
{
    buf_addf(b, sink.json ? ",\"%s\":\"" : " %s=\"", key);
    add_escaped(b, value ? value : "");
    buf_addc(b, '"');
}

void log_write(enum log_level level, const char *message, ...)
{
    char when[DATE_TEXT_MAX];
    struct buf b;
    va_list ap;
    const char *key;

    if ((int)level < sink.level)
        return;
    buf_init(&b, LINE_MAX_BYTES);
    date_format_utc(clock_wall_ns(), when);
    if (sink.json)
        buf_addf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"", when, level_names[level]);
    else
        buf_addf(&b, "%s %s \"", when, level_names[level]);
    add_escaped(&b, message);
    buf_addc(&b, '"');
    va_start(ap, message);
    while ((key = va_arg(ap, const char *)) != NULL)
        add_field(&b, key, va_arg(ap, const char *));
    va_end(ap);
    buf_adds(&b, sink.json ? "}\n" : "\n");
    if (b.len > 0 && b.data[b.len - 1] != '\n')
        b.data[b.len - 1] = '\n'; /* Cut at the cap. */
    /* A log that cannot be written has nobody left to tell. */
    if (b.len > 0 && write(sink.fd, b.data, b.len) < 0)
        (void)0;
    buf_deinit(&b);
}
