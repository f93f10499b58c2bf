/*
 * Tables from files of any kind: looks at the content, makes it seekable, picks the reader, applies
 * safe typing.
 *
 *   descriptor ──pipe──▶ spool ─┐
 *        └──────────────────────┴─▶ detect ──gzip──▶ unpack ─▶ detect ─▶ reader ─▶ typing scan
 */
#include "formats/source_int.h"

#include "formats/csv.h"
#include "formats/source_view.h"
#include "formats/xlsx.h"
#include "formats/xlsx_gaps.h"
#include "table/typing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

const struct reader_args reader_args_default = { .header_row = 1 };

struct source {
    int fd;       /* The caller's. */
    int spool_fd; /* What is read instead of it; -1: itself. */
    const struct source_class *class;
    void *reader;
    const struct schema *schema;
    struct source_info info;
    struct typing *typing; /* NULL: none. */
    struct source_gaps gaps;
    struct reader_args args;
    struct warnings *warnings; /* To tell what the first batch looks like; NULL: told. */
};

/* Is `name`'s suffix one that a file of this format may have? */
static bool suffix_fits(const char *name, enum file_format format, bool gzip)
{
    static const char *const text[] = { ".csv", ".tsv", ".txt", ".tab", ".psv", ".ssv", ".dat",
        ".asc", ".log", ".prn", NULL };
    static const char *const xlsx[] = { ".xlsx", ".xlsm", ".xltx", ".xltm", NULL };
    static const char *const xls[] = { ".xls", ".xlt", NULL };
    const char *const *fitting = format == FILE_XLSX ? xlsx : format == FILE_XLS ? xls : text;
    size_t n = strlen(name), k = 0;

    if (gzip && n >= 3 && strcasecmp(name + n - 3, ".gz") == 0)
        n -= 3;
    else if (gzip)
        return false;
    while (k < n && name[n - 1 - k] != '.' && name[n - 1 - k] != '/')
        k++;
    if (k == 0 || k == n || name[n - 1 - k] != '.' || k + 1 == n)
        return true; /* No suffix claims nothing. */
    for (const char *const *s = fitting; *s; s++) {
        if (strlen(*s) == k + 1 && strncasecmp(name + n - 1 - k, *s, k + 1) == 0)
            return true;
    }
    return false;
}

static void warn_suffix(
    const struct source_env *env, const char *name, enum file_format format, bool gzip)
{
    const char *what = format == FILE_XLSX  ? "an Excel workbook"
                       : format == FILE_XLS ? "an old Excel workbook"
                                            : "a text table";

    if (!suffix_fits(name, format, gzip))
        warn_add(env->warnings, "suffix_mismatch", "the file's content is not what its name says",
            "%s is %s%s", name, gzip ? "gzipped: " : "", what);
}

/* Up to DETECT_BYTES from `offset` on. */
static bool read_head(
    int fd, const char *name, uint64_t offset, char *head, size_t *n, struct err *err)
{
    *n = 0;
    while (*n < DETECT_BYTES) {
        ssize_t got = pread(fd, head + *n, DETECT_BYTES - *n, (off_t)(offset + *n));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, name);
        if (got == 0)
            break;
        *n += (size_t)got;
    }
    return true;
}

static bool look(int fd, const char *name, enum file_format *format, struct err *err)
{
    char head[DETECT_BYTES];
    uint64_t directory;
    struct stat st;
    size_t n;

    if (fstat(fd, &st) != 0)
        return err_errno(err, errno, name);
    if (!read_head(fd, name, 0, head, &n, err) ||
        !detect_format(name, head, n, (uint64_t)st.st_size, format, err))
        return false;
    directory = *format == FILE_XLS ? detect_ole_offset(head, n) : 0;
    if (directory == 0 || directory >= (uint64_t)st.st_size)
        return true;
    return read_head(fd, name, directory, head, &n, err) && detect_ole(name, head, n, format, err);
}

/* Make the content seekable and unpacked, and tell its format. */
static bool settle(struct source *s, const char *name, const struct source_env *env,
    enum file_format *format, struct err *err)
{
    struct stat st;
    bool gzip = false;
    int unpacked = -1;

    if (fstat(s->fd, &st) != 0)
        return err_errno(err, errno, name);
    if (S_ISDIR(st.st_mode))
        return err_set(err, ERR_FORMAT, "%s is a folder; a file is needed", name);
    if (!S_ISREG(st.st_mode) && !source_spool(s->fd, name, env->tmp_dir, &s->spool_fd, err))
        return false;
    if (!look(s->spool_fd >= 0 ? s->spool_fd : s->fd, name, format, err))
        return false;
    if (*format == FILE_GZIP) {
        gzip = true;
        if (!source_gunzip(s->spool_fd >= 0 ? s->spool_fd : s->fd, name, env, &unpacked, err))
            return false;
        if (s->spool_fd >= 0)
            close(s->spool_fd);
        s->spool_fd = unpacked;
        if (!look(unpacked, name, format, err))
            return false;
        if (*format == FILE_GZIP)
            return err_set(err, ERR_FORMAT, "%s is gzipped twice; unpack it first", name);
    }
    warn_suffix(env, name, *format, gzip);
    return true;
}

static bool open_reader(struct source *s, enum file_format format, const char *name,
    const struct reader_args *args, const struct source_env *env, struct err *err)
{
    int fd = s->spool_fd >= 0 ? s->spool_fd : s->fd;
    struct csv_reader *csv;

    if (format == FILE_XLSX || format == FILE_XLS) {
        struct xlsx_reader *xlsx;

        if (!xlsx_read_open(fd, name, format, args, env, &xlsx, &s->schema, &s->info, err))
            return false;
        s->reader = xlsx;
        s->class = &xlsx_read_class;
        return true;
    }
    if (!csv_read_open(fd, name, args, env, &csv, &s->schema, &s->info, err))
        return false;
    s->reader = csv;
    s->class = &csv_read_class;
    return true;
}

/* Between the reader and us, where the arguments want the table seen in another way. */
static bool open_view(
    struct source *s, const struct reader_args *args, const struct source_env *env, struct err *err)
{
    bool book = s->class == &xlsx_read_class;
    struct source_view *view;

    if (book && !xlsx_gaps_load(s->reader, args->hidden == HIDDEN_SKIP, &s->gaps, err))
        return false;
    if (!source_view_open(
            s->class, s->reader, args, env, book ? &s->gaps : NULL, &view, &s->schema, err))
        return false;
    if (view) {
        s->reader = view;
        s->class = &source_view_class;
    }
    s->args = *args;
    s->warnings = env->warnings;
    return true;
}

/* Safe typing: decide over all rows, then start again. */
static bool scan_types(struct source *s, struct err *err)
{
    struct batch *b;

    s->typing = typing_new(s->schema->n_columns);
    if (!s->typing)
        return err_nomem(err);
    for (;;) {
        if (!s->class->next(s->reader, &b, err))
            return false;
        if (!b)
            break;
        typing_scan(s->typing, b);
        if (typing_all_text(s->typing))
            break;
    }
    return s->class->rewind(s->reader, err);
}

/* All but the caller's descriptor. */
static void release(struct source *s)
{
    if (s->reader)
        s->class->close(s->reader);
    if (s->spool_fd >= 0)
        close(s->spool_fd);
    typing_free(s->typing);
    free(s);
}

bool source_open(int fd, const char *name, const struct reader_args *args,
    const struct source_env *env, struct source **out, struct err *err)
{
    struct source *s = calloc(1, sizeof *s);
    enum file_format format = FILE_UNKNOWN;

    if (!s)
        return err_nomem(err);
    s->fd = fd;
    s->spool_fd = -1;
    if (!settle(s, name, env, &format, err) || !open_reader(s, format, name, args, env, err) ||
        !open_view(s, args, env, err) ||
        (env->typed && s->info.format == FILE_CSV && !scan_types(s, err))) {
        if (env->outgrown && s->reader)
            *env->outgrown = source_outgrown(s) || source_provisional(s);
        release(s);
        return false;
    }
    *out = s;
    return true;
}

void source_close(struct source *s)
{
    int fd;

    if (!s)
        return;
    fd = s->fd;
    release(s);
    close(fd);
}

const struct schema *source_schema(const struct source *s)
{
    return s->schema;
}

bool source_next(struct source *s, struct batch **out, struct err *err)
{
    if (!s->class->next(s->reader, out, err))
        return false;
    if (*out && s->warnings) {
        source_view_offer(s->schema, *out, &s->args, s->warnings);
        s->warnings = NULL;
    }
    if (*out && s->typing)
        typing_apply(s->typing, *out);
    return true;
}

bool source_rewind(struct source *s, struct err *err)
{
    return s->class->rewind(s->reader, err);
}

void source_position(const struct source *s, uint64_t *done, uint64_t *total)
{
    s->class->position(s->reader, done, total);
}

bool source_outgrown(const struct source *s)
{
    return s->class->outgrown && s->class->outgrown(s->reader);
}

bool source_provisional(const struct source *s)
{
    return s->class->provisional && s->class->provisional(s->reader);
}

uint64_t source_quarantined(const struct source *s)
{
    return s->class->quarantined(s->reader);
}

bool source_count(const struct source *s, uint64_t *rows)
{
    return s->class->count && s->class->count(s->reader, rows);
}

const struct source_info *source_info(const struct source *s)
{
    return &s->info;
}
