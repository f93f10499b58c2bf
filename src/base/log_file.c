/* Files of lines that are put aside; see log_file.h. */

#include "base/log_file.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEPT_MAX = 1000,     /* Old files at most. */
    SIZE_MIN = 64 * 1024 /* Smaller files would be put aside all the time. */
};

#define SECONDS_A_DAY 86400

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

bool log_file_open(struct log_file *f, const char *path, const char *what, struct err *err)
{
    int before = f->fd;

    if ((size_t)snprintf(f->path, sizeof f->path, "%s", path) >= sizeof f->path) {
        f->path[0] = '\0';
        return err_set(err, ERR_ARG, "the path of %s is too long", what);
    }
    f->fd = -1; /* Not ours to close. */
    if (log_file_reopen(f, what, err))
        return true;
    f->fd = before;
    f->path[0] = '\0';
    return false;
}

bool log_file_reopen(struct log_file *f, const char *what, struct err *err)
{
    uint64_t size;
    int64_t day;
    int fd;

    if (!f->path[0])
        return true;
    fd = open_file(f->path, &size, &day);
    if (fd < 0)
        return err_set(err, ERR_CREATE, "%s cannot be opened: %s", what, strerror(errno));
    pthread_mutex_lock(&f->lock);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = fd;
    f->size = size;
    f->day = day;
    pthread_mutex_unlock(&f->lock);
    return true;
}

void log_file_close(struct log_file *f)
{
    pthread_mutex_lock(&f->lock);
    if (f->path[0] && f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    f->path[0] = '\0';
    pthread_mutex_unlock(&f->lock);
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

static bool parse_rotation(const char *text, struct log_rotation *out)
{
    const char *p = skip_blanks(text);
    char *end;
    long kept;

    *out = (struct log_rotation){ 0 };
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

bool log_file_rotation_check(const char *text, struct err *err)
{
    struct log_rotation r;

    if (parse_rotation(text, &r))
        return true;
    return err_set(err, ERR_ARG,
        "'%.60s' is no rotation, such as \"10MB x 5\" (by size, from 64KB on) or \"daily x 7\", "
        "with 1 to "
        "%d files that are kept",
        text, KEPT_MAX);
}

void log_file_set_rotation(struct log_file *f, const char *text)
{
    struct log_rotation r;

    if (!parse_rotation(text, &r))
        r = (struct log_rotation){ 0 };
    pthread_mutex_lock(&f->lock);
    f->rotation = r;
    pthread_mutex_unlock(&f->lock);
}

enum { NUMBERED_MAX = LOG_FILE_PATH_MAX + 16 };

static void numbered(const struct log_file *f, int i, char out[NUMBERED_MAX])
{
    snprintf(out, NUMBERED_MAX, "%s.%d", f->path, i);
}

/* Each old file takes the next number; the one beyond the last is replaced. Renaming is all that is done, so that a
 * reader who has a file open keeps it. Where the new file cannot be made, the old one goes on under its new name. */
static void rotate(struct log_file *f)
{
    char from[NUMBERED_MAX], to[NUMBERED_MAX];
    int fd;

    for (int i = f->rotation.kept - 1; i >= 1; i--) {
        numbered(f, i, from);
        numbered(f, i + 1, to);
        (void)rename(from, to); /* Most are not there. */
    }
    numbered(f, 1, to);
    if (rename(f->path, to) != 0)
        return;
    fd = open_file(f->path, &f->size, &f->day);
    if (fd < 0)
        return;
    close(f->fd);
    f->fd = fd;
}

static bool is_due(const struct log_file *f, size_t n, int64_t day)
{
    const struct log_rotation *r = &f->rotation;

    if (!f->path[0] || r->kept == 0 || f->size == 0)
        return false;
    return r->daily ? day != f->day : f->size + n > r->bytes;
}

bool log_file_put(struct log_file *f, const char *p, size_t n)
{
    int64_t day = today();
    bool ok;

    pthread_mutex_lock(&f->lock);
    if (is_due(f, n, day))
        rotate(f);
    f->size += n;
    f->day = day;
    ok = write(f->fd, p, n) == (ssize_t)n;
    pthread_mutex_unlock(&f->lock);
    return ok;
}
