/* The audit file: appended to, a line at a write, so that lines of threads and processes do not mix. */

#include "server/audit.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 << 10 };

struct audit {
    int fd;
    char *path;
};

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

bool audit_open(const struct settings *settings, struct audit **out, struct err *err)
{
    const char *path = settings_string(settings, "logging.audit_file");
    struct audit *audit;

    *out = NULL;
    if (!*path)
        return true;
    audit = calloc(1, sizeof *audit);
    if (!audit)
        return err_nomem(err);
    audit->fd = open_file(path);
    audit->path = strdup(path);
    if (audit->fd >= 0 && !audit->path) {
        audit_close(audit);
        return err_nomem(err);
    }
    if (audit->fd < 0) {
        err_set(err, ERR_CREATE, "the file for audits (logging.audit_file) cannot be opened: %s",
            strerror(errno));
        free(audit->path);
        free(audit);
        return false;
    }
    *out = audit;
    return true;
}

void audit_close(struct audit *audit)
{
    if (!audit)
        return;
    close(audit->fd);
    free(audit->path);
    free(audit);
}

void audit_reopen(struct audit *audit)
{
    int fd = audit ? open_file(audit->path) : -1;

    if (!audit)
        return;
    if (fd < 0 || dup3(fd, audit->fd, O_CLOEXEC) < 0) /* In one go, for those who write. */
        log_write(LOG_ERROR, "the audit file cannot be opened anew", NULL);
    if (fd >= 0)
        close(fd);
}

static void add(struct json *o, const char *name, const char *value)
{
    if (value && *value)
        json_set_string(o, name, value);
}

void audit_write(struct audit *audit, const struct audit_line *line)
{
    struct json *o;
    char when[DATE_TEXT_MAX];
    struct buf text;

    if (!audit)
        return;
    o = json_new_object();
    date_format_utc(clock_wall_ns(), when);
    json_set_string(o, "time", when);
    json_set_string(o, "event", line->event);
    add(o, "owner", line->owner);
    add(o, "key_id", line->key_id);
    add(o, "address", line->address);
    add(o, "method", line->method);
    add(o, "path", line->path);
    add(o, "conversation", line->conversation);
    add(o, "subject", line->subject);
    if (line->status)
        json_set_int(o, "status", line->status);
    add(o, "request_id", line->request_id);
    buf_init(&text, LINE_MAX_BYTES);
    json_write(o, false, &text);
    buf_addc(&text, '\n');
    json_free(o);
    if (text.failed || write(audit->fd, text.data, text.len) != (ssize_t)text.len)
        log_write(LOG_ERROR, "a line of the audit file could not be written", NULL);
    buf_deinit(&text);
}
