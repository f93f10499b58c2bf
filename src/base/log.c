/* The log. A line is built whole, then written at once, so that threads do not mix; old lines go to numbered files. */

#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/date.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 8192,
    PATH_BYTES = 1024,
    KEPT_MAX = 1000,     /* Old files at most. */
    SIZE_MIN = 64 * 1024 /* Smaller files would be put aside all the time. */
};

#define SECONDS_A_DAY 86400

struct rotation {
    uint64_t bytes; /* 0: not by size. */
    bool daily;
    int kept; /* 0: no rotation. */
};

/* The only state of the process that is not passed along. */
static struct {
    _Atomic int level;
    bool json;
    pthread_mutex_t lock; /* Of all below. */
    int fd;
    char path[PATH_BYTES]; /* "": stderr. */
    struct rotation rotation;
    uint64_t size; /* Of the file. */
    int64_t day;   /* Of its last line, since 1970. */
} sink = { .level = LOG_INFO, .fd = 2, .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *const level_names[] = { "debug", "info", "warning", "error" };

static int64_t today(void)
{
    return clock_wall_ns() / 1000000000 / SECONDS_A_DAY;
}

/* The file under its name, at its end. */
static int open_file(const char *path, uint64_t *size, int64_t *day)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat st;

    *size = 0;
    *day = today();
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
        *size = (uint64_t)st.st_size;
        *day = st.st_mtim.tv_sec / SECONDS_A_DAY;
    }
    return fd;
}

bool log_open(enum log_level level, bool json, const char *path, struct err *err)
{
    bool named = path && *path;

    if (named && (size_t)snprintf(sink.path, sizeof sink.path, "%s", path) >= sizeof sink.path)
        return err_set(err, ERR_ARG, "the path of the log file (logging.file) is too long");
    if (!named)
        sink.path[0] = '\0';
    sink.level = (int)level;
    sink.json = json;
    sink.fd = 2;
    return !named || log_reopen(err);
}

bool log_reopen(struct err *err)
{
    uint64_t size;
    int64_t day;
    int fd;

    if (!sink.path[0])
        return true;
    fd = open_file(sink.path, &size, &day);
    if (fd < 0)
        return err_set(
            err, ERR_CREATE, "the log file (logging.file) cannot be opened: %s", strerror(errno));
    pthread_mutex_lock(&sink.lock);
    if (sink.fd != 2)
        close(sink.fd);
    sink.fd = fd;
    sink.size = size;
    sink.day = day;
    pthread_mutex_unlock(&sink.lock);
    return true;
}

/* ---- rotation ---- */

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* "10MB": KB, MB and GB are of 1,024. */
static bool parse_size(const char **p, uint64_t *out)
{
    static const char units[] = "kmg";
    char *end;
    unsigned long long n = strtoull(*p, &end, 10);
    const char *unit;

    if (end == *p || **p == '-' || n == 0 || n > 1 << 20)
        return false;
    *p = skip_blanks(end);
    unit = **p ? strchr(units, **p | 0x20) : NULL;
    if (!unit || ((*p)[1] | 0x20) != 'b')
        return false;
    *p += 2;
    *out = (uint64_t)n << (10 * (unit - units + 1));
    return *out >= SIZE_MIN;
}

static bool parse_rotation(const char *text, struct rotation *out)
{
    const char *p = skip_blanks(text);
    char *end;
    long kept;

    *out = (struct rotation){ 0 };
    if (!*p)
        return true;
    if (strncasecmp(p, "daily", 5) == 0) {
        out->daily = true;
        p += 5;
    } else if (!parse_size(&p, &out->bytes)) {
        return false;
    }
    p = skip_blanks(p);
    if (*p != 'x' && *p != 'X')
        return false;
    p = skip_blanks(p + 1);
    kept = strtol(p, &end, 10);
    if (end == p || *skip_blanks(end) || kept < 1 || kept > KEPT_MAX)
        return false;
    out->kept = (int)kept;
    return true;
}

bool log_rotation_check(const char *text, struct err *err)
{
    struct rotation r;

    if (parse_rotation(text, &r))
        return true;
    return err_set(err, ERR_ARG,
        "'%.60s' is no rotation, such as \"10MB x 5\" (by size, from 64KB on) or \"daily x 7\", "
        "with 1 to "
        "%d files that are kept",
        text, KEPT_MAX);
}

void log_set_rotation(const char *text)
{
    struct rotation r;

    if (!parse_rotation(text, &r))
        r = (struct rotation){ 0 };
    pthread_mutex_lock(&sink.lock);
    sink.rotation = r;
    pthread_mutex_unlock(&sink.lock);
}

static void numbered(int i, char out[PATH_BYTES + 16])
{
    snprintf(out, PATH_BYTES + 16, "%s.%d", sink.path, i);
}

/* Each old file takes the next number; the one beyond the last is replaced. Renaming is all that is done, so that a
 * reader who has a file open keeps it. Where the new file cannot be made, the old one goes on under its new name. */
static void rotate(void)
{
    char from[PATH_BYTES + 16], to[PATH_BYTES + 16];
    int fd;

    for (int i = sink.rotation.kept - 1; i >= 1; i--) {
        numbered(i, from);
        numbered(i + 1, to);
        (void)rename(from, to); /* Most are not there. */
    }
    numbered(1, to);
    if (rename(sink.path, to) != 0)
        return;
    fd = open_file(sink.path, &sink.size, &sink.day);
    if (fd < 0)
        return;
    close(sink.fd);
    sink.fd = fd;
}

static bool is_due(size_t n, int64_t day)
{
    const struct rotation *r = &sink.rotation;

    if (!sink.path[0] || r->kept == 0 || sink.size == 0)
        return false;
    return r->daily ? day != sink.day : sink.size + n > r->bytes;
}

static void put_line(const char *p, size_t n)
{
    int64_t day = today();

    pthread_mutex_lock(&sink.lock);
    if (is_due(n, day))
        rotate();
    sink.size += n;
    sink.day = day;
    /* A log that cannot be written has nobody left to tell. */
    if (write(sink.fd, p, n) < 0)
        (void)0;
    pthread_mutex_unlock(&sink.lock);
}

void log_set_level(enum log_level level)
{
    sink.level = (int)level;
}

void log_close(void)
{
    pthread_mutex_lock(&sink.lock);
    if (sink.fd != 2)
        close(sink.fd);
    sink.fd = 2;
    sink.path[0] = '\0';
    pthread_mutex_unlock(&sink.lock);
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
    if (b.len > 0)
        put_line(b.data, b.len);
    buf_deinit(&b);
}
