/* The log. A line is built whole, then written at once, so that threads do not mix (log_file.h). */

#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/log_file.h"

#include <stdarg.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192 };

#define WHAT "the log file (logging.file)"

/* The only state of the process that is not passed along. */
static struct {
    _Atomic int level;
    bool json;
    struct log_file file;
} sink = { .level = LOG_INFO, .file = LOG_FILE_INIT(STDERR_FILENO) };

static const char *const level_names[] = { "debug", "info", "warning", "error" };

bool log_open(enum log_level level, bool json, const char *path, struct err *err)
{
    sink.level = (int)level;
    sink.json = json;
    return !path || !*path || log_file_open(&sink.file, path, WHAT, err);
}

bool log_reopen(struct err *err)
{
    return log_file_reopen(&sink.file, WHAT, err);
}

void log_set_rotation(const char *text)
{
    log_file_set_rotation(&sink.file, text);
}

void log_set_level(enum log_level level)
{
    sink.level = (int)level;
}

void log_close(void)
{
    log_file_close(&sink.file);
    sink.file.fd = STDERR_FILENO;
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
    if (b.len > 0 && !log_file_put(&sink.file, b.data, b.len))
        (void)0; /* A log that cannot be written has nobody left to tell. */
    buf_deinit(&b);
}
