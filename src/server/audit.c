/* The audit file: appended to, a line at a write, so that lines of threads and processes do not mix (log_file.h). */

#include "server/audit.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/json.h"
#include "base/log.h"
#include "base/log_file.h"

#include <stdlib.h>

enum { LINE_MAX_BYTES = 64 << 10 };

#define WHAT "the file for audits (logging.audit_file)"

struct audit {
    struct log_file file;
};

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
    audit->file = (struct log_file)LOG_FILE_INIT(-1);
    audit_configure(audit, settings);
    if (!log_file_open(&audit->file, path, WHAT, err)) {
        free(audit);
        return false;
    }
    *out = audit;
    return true;
}

void audit_configure(struct audit *audit, const struct settings *settings)
{
    if (audit)
        log_file_set_rotation(&audit->file, settings_string(settings, "logging.audit_rotation"));
}

void audit_close(struct audit *audit)
{
    if (!audit)
        return;
    log_file_close(&audit->file);
    free(audit);
}

void audit_reopen(struct audit *audit)
{
    struct err err;

    if (audit && !log_file_reopen(&audit->file, WHAT, &err))
        log_write(LOG_ERROR, "the audit file cannot be opened anew", "error", err.text, NULL);
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
    if (text.failed || !log_file_put(&audit->file, text.data, text.len))
        log_write(LOG_ERROR, "a line of the audit file could not be written", NULL);
    buf_deinit(&text);
}
