/* Writing a dump: see the header for what is in it. */

#include "store/dump.h"

#include "base/date.h"
#include "base/fs.h"
#include "store/dump_format.h"
#include "store/rows_json.h"
#include "store/utf8_locale.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 128 * 1024, OTHER_MEMBERS = 16 };

struct dump {
    const struct data_dirs *dirs;
    const struct conversation_rows *rows;
    const struct dump_options *options;
    struct archive *archive;
    struct archive_entry *entry;
    struct fs_file *file;
    struct fs_sha256 *sum;
    struct json *members; /* Of the manifest. */
    struct err
        write_err; /* What stopped the file, when the library only says that something did. */
    time_t time;
    char *chunk;
};

static const struct {
    const char *suffix;
} formats[] = {
    [DUMP_GZIP] = { ".tar.gz" },
    [DUMP_ZIP] = { ".zip" },
    [DUMP_TAR] = { ".tar" },
};

/* ---- the library's side ---- */

static la_ssize_t write_out(struct archive *archive, void *arg, const void *p, size_t n)
{
    struct dump *d = arg;

    if (!fs_file_write(d->file, p, n, &d->write_err)) {
        archive_set_error(archive, EIO, "the dump cannot be written");
        return -1;
    }
    fs_sha256_add(d->sum, p, n);
    return (la_ssize_t)n;
}

static bool archive_fail(struct dump *d, struct err *err)
{
    if (d->write_err.code != ERR_NONE) {
        *err = d->write_err;
        return false;
    }
    if (archive_errno(d->archive) == ENOMEM)
        return err_nomem(err);
    return err_set(err, ERR_INTERNAL, "the dump cannot be written: %s",
        archive_error_string(d->archive) ? archive_error_string(d->archive) : "unknown reason");
}

static bool open_archive(struct dump *d, enum dump_compression compression, struct err *err)
{
    struct archive *a = d->archive;
    int rc;

    if (compression == DUMP_ZIP)
        rc = archive_write_set_format_zip(a);
    else
        rc = archive_write_set_format_pax_restricted(a);
    if (rc == ARCHIVE_OK && compression == DUMP_GZIP)
        rc = archive_write_add_filter_gzip(a);
    if (rc == ARCHIVE_OK && compression == DUMP_GZIP) /* Workbooks are compressed already. */
        rc = archive_write_set_filter_option(a, "gzip", "compression-level", "1");
    /* No time in it: the same rows and files give the same bytes. */
    if (rc == ARCHIVE_OK && compression == DUMP_GZIP)
        rc = archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
    if (rc == ARCHIVE_OK)
        rc = archive_write_set_bytes_in_last_block(a, 1);
    if (rc == ARCHIVE_OK)
        rc = archive_write_open(a, d, NULL, write_out, NULL);
    return rc == ARCHIVE_OK ? true : archive_fail(d, err);
}

static bool write_header(
    struct dump *d, const char *path, mode_t type, uint64_t size, struct err *err)
{
    char name[FS_PATH_MAX];
    int n = snprintf(name, sizeof name, "%s%s%s", d->rows->conversation.id, *path ? "/" : "", path);

    if (n < 0 || (size_t)n >= sizeof name)
        return err_set(err, ERR_ARG, "the path of a file is too long");
    archive_entry_clear(d->entry);
    archive_entry_set_pathname_utf8(d->entry, name);
    archive_entry_set_filetype(d->entry, type);
    archive_entry_set_perm(d->entry, type == AE_IFDIR ? 0700 : 0600);
    archive_entry_set_size(d->entry, (la_int64_t)size);
    archive_entry_set_mtime(d->entry, d->time, 0);
    return archive_write_header(d->archive, d->entry) == ARCHIVE_OK ? true : archive_fail(d, err);
}

static bool write_data(struct dump *d, const void *p, size_t n, struct err *err)
{
    return n == 0 || archive_write_data(d->archive, p, n) == (la_ssize_t)n ? true
                                                                           : archive_fail(d, err);
}

/* ---- members ---- */

static bool list_member(
    struct dump *d, const char *path, uint64_t size, const char *sha256, struct err *err)
{
    struct json *o = json_new_object();

    if (json_set_string(o, "path", path) && json_set_int(o, "size", (int64_t)size) &&
        json_set_string(o, "sha256", sha256) && json_add(d->members, json_ref(o))) {
        json_free(o);
        return true;
    }
    json_free(o);
    return err_nomem(err);
}

static bool add_bytes(struct dump *d, const char *path, const void *p, size_t n, struct err *err)
{
    struct fs_sha256 *sum = fs_sha256_new();
    char sha256[65];

    if (!sum)
        return err_nomem(err);
    fs_sha256_add(sum, p, n);
    fs_sha256_end(sum, sha256);
    return write_header(d, path, AE_IFREG, n, err) && write_data(d, p, n, err) &&
           list_member(d, path, n, sha256, err);
}

static bool add_json(struct dump *d, const char *path, const struct json *value, struct err *err)
{
    struct buf b;
    bool ok;

    buf_init(&b, DUMP_TEXT_MAX);
    json_write(value, true, &b);
    buf_addc(&b, '\n');
    ok = buf_ok(&b, path, err) && add_bytes(d, path, b.data, b.len, err);
    buf_deinit(&b);
    return ok;
}

/* The bytes must still be those of the row: a dump that does not restore is worth nothing. */
static bool add_stream(
    struct dump *d, int fd, const struct stored_file *f, const char *path, struct err *err)
{
    struct fs_sha256 *sum = fs_sha256_new();
    char sha256[65];
    uint64_t left = f->size;

    if (!sum)
        return err_nomem(err);
    while (left > 0) {
        ssize_t got = read(fd, d->chunk, left < CHUNK ? (size_t)left : CHUNK);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fs_sha256_end(sum, NULL);
            return got < 0 ? err_errno(err, errno, f->name)
                           : err_set(err, ERR_DATA, "the file %s has been cut short", f->name);
        }
        if (!write_data(d, d->chunk, (size_t)got, err)) {
            fs_sha256_end(sum, NULL);
            return false;
        }
        fs_sha256_add(sum, d->chunk, (size_t)got);
        left -= (uint64_t)got;
    }
    fs_sha256_end(sum, sha256);
    if (strcmp(sha256, f->sha256) != 0)
        return err_set(err, ERR_DATA, "the file %s has changed since it was stored", f->name);
    return list_member(d, path, f->size, sha256, err);
}

static bool add_file(struct dump *d, const struct stored_file *f, struct err *err)
{
    const struct conversation *c = &d->rows->conversation;
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    uint64_t size;
    bool ok;
    int fd;

    if (!conversation_dir(d->dirs, c->partition, c->id, dir, err) ||
        !fs_join(path, file_kind_folder(f->kind), f->name, err) ||
        !fs_open_beneath(dir, path, &fd, &size, err))
        return false;
    ok = size == f->size || err_set(err, ERR_DATA, "the file %s has %llu bytes instead of %llu",
                                f->name, (unsigned long long)size, (unsigned long long)f->size);
    ok = ok && write_header(d, path, AE_IFREG, f->size, err) && add_stream(d, fd, f, path, err);
    close(fd);
    return ok;
}

static bool add_rows(struct dump *d, struct err *err)
{
    struct buf b;
    bool ok;

    buf_init(&b, DUMP_TEXT_MAX);
    ok = rows_json_write(d->rows, &b, err) && add_bytes(d, DUMP_ROWS, b.data, b.len, err);
    buf_deinit(&b);
    return ok;
}

static bool add_metadata(struct dump *d, struct err *err)
{
    struct buf b;
    bool ok;

    buf_init(&b, DUMP_TEXT_MAX);
    ok = conversation_metadata_text(&d->rows->conversation, &b, err) &&
         add_bytes(d, DUMP_METADATA, b.data, b.len, err);
    buf_deinit(&b);
    return ok;
}

static bool add_events(struct dump *d, struct err *err)
{
    struct buf b;
    bool ok;

    buf_init(&b, DUMP_TEXT_MAX);
    for (size_t i = 0; i < d->rows->n_events; i++) {
        buf_adds(&b, d->rows->events[i].body);
        buf_addc(&b, '\n');
    }
    buf_str(&b);
    ok = buf_ok(&b, DUMP_EVENTS, err) && add_bytes(d, DUMP_EVENTS, b.data, b.len, err);
    buf_deinit(&b);
    return ok;
}

static bool add_manifest(struct dump *d, struct err *err)
{
    struct json *o = json_new_object();
    bool ok = json_set_int(o, "version", DUMP_VERSION) &&
              json_set_string(o, "made_by", "Sheetflow " SHEETFLOW_VERSION) &&
              json_set(o, "members", json_ref(d->members));

    ok = ok ? add_json(d, DUMP_MANIFEST, o, err) : err_nomem(err);
    json_free(o);
    return ok;
}

static bool add_all(struct dump *d, const struct json *object, struct err *err)
{
    if (!write_header(d, "", AE_IFDIR, 0, err))
        return false;
    for (int kind = 0; kind < STORED_KIND_COUNT; kind++) {
        if (!write_header(d, file_kind_folder((enum file_kind)kind), AE_IFDIR, 0, err))
            return false;
    }
    for (size_t i = 0; i < d->rows->n_files; i++) {
        if (!add_file(d, &d->rows->files[i], err))
            return false;
    }
    return (d->options->no_metadata ||
               (add_metadata(d, err) && add_json(d, DUMP_OBJECT, object, err))) &&
           add_rows(d, err) && (!d->options->logs || add_events(d, err)) && add_manifest(d, err);
}

/* ---- the whole ---- */

/* <id>_<YYYYMMDD_HHMMSS>.tar.gz, with -2, -3, ... before the suffix where taken. */
static bool choose_name(const struct data_dirs *dirs, const char *id, const char *suffix,
    int64_t now_ns, char name[FS_NAME_MAX + 1], struct err *err)
{
    char stamp[DATE_TEXT_MAX], path[FS_PATH_MAX];

    date_format_stamp(now_ns, stamp);
    snprintf(name, FS_NAME_MAX + 1, "%s_%s%s", id, stamp, suffix);
    for (int k = 2; k < 1000; k++) {
        if (!fs_join(path, dirs->dumps, name, err))
            return false;
        if (access(path, F_OK) != 0)
            return true;
        snprintf(name, FS_NAME_MAX + 1, "%s_%s-%d%s", id, stamp, k, suffix);
    }
    return err_set(err, ERR_STATE, "too many dumps of this conversation were made this second");
}

static bool open_dump(struct dump *d, const char *name, struct err *err)
{
    d->archive = archive_write_new();
    d->entry = archive_entry_new();
    d->sum = fs_sha256_new();
    d->members = json_new_array();
    d->chunk = malloc(CHUNK);
    if (!d->archive || !d->entry || !d->sum || !d->members || !d->chunk)
        return err_nomem(err);
    return fs_file_create(d->dirs->dumps, name, "the dump", &d->file, err);
}

static void close_dump(struct dump *d)
{
    if (d->archive)
        (void)archive_write_free(d->archive); /* Closed before when all went well. */
    archive_entry_free(d->entry);
    json_free(d->members);
    free(d->chunk);
    fs_file_abort(d->file);
    if (d->sum)
        fs_sha256_end(d->sum, NULL);
}

static bool write_dump(struct dump *d, const struct json *object, enum dump_compression compression,
    char *name, uint64_t *size, char *sha256, struct err *err)
{
    const struct dump_note *note = d->options->note;
    char noted[FS_NAME_MAX + 1];
    struct fs_file *file;

    if (!open_dump(d, name, err) || !open_archive(d, compression, err) || !add_all(d, object, err))
        return false;
    if (archive_write_close(d->archive) != ARCHIVE_OK)
        return archive_fail(d, err);
    *size = fs_file_size(d->file);
    fs_sha256_end(d->sum, sha256);
    d->sum = NULL;
    memcpy(noted, name, sizeof noted);
    if (note && !note->named(note->arg, noted, err))
        return false;
    file = d->file;
    d->file = NULL;
    return fs_file_commit(file, true, name, err) &&
           (!note || strcmp(noted, name) == 0 || note->named(note->arg, name, err));
}

bool dump_write_with(struct store *s, const struct data_dirs *dirs, const char *id,
    const struct json *object, const struct dump_options *options, int64_t now_ns, char *name_out,
    uint64_t *size, char *sha256, struct err *err)
{
    char name[FS_NAME_MAX + 1], hex[65];
    struct conversation_rows rows;
    struct dump d = {
        .dirs = dirs, .rows = &rows, .options = options, .time = (time_t)(now_ns / 1000000000)
    };
    struct utf8_locale locale;
    struct arena arena;
    uint64_t bytes = 0;
    bool ok = false;

    arena_init(&arena, NULL);
    if (!store_snapshot(s, id, &arena, &rows, err) ||
        !choose_name(
            dirs, rows.conversation.id, formats[options->compression].suffix, now_ns, name, err))
        goto out;
    if (rows.n_files > DUMP_MEMBERS_MAX - OTHER_MEMBERS) {
        err_set(err, ERR_BUDGET, "the conversation has %zu files; a dump holds at most %d",
            rows.n_files, DUMP_MEMBERS_MAX - OTHER_MEMBERS);
        goto out;
    }
    if (!utf8_locale_enter(&locale, err))
        goto out;
    ok = write_dump(&d, object, options->compression, name, &bytes, hex, err);
    close_dump(&d);
    utf8_locale_leave(&locale);
    if (ok) {
        memcpy(name_out, name, sizeof name);
        memcpy(sha256, hex, sizeof hex);
        *size = bytes;
    }
out:
    arena_deinit(&arena);
    return ok;
}

bool dump_write_as(struct store *s, const struct data_dirs *dirs, const char *id,
    const struct json *object, enum dump_compression compression, int64_t now_ns, char *name_out,
    uint64_t *size, char *sha256, struct err *err)
{
    const struct dump_options options = { .compression = compression };

    return dump_write_with(s, dirs, id, object, &options, now_ns, name_out, size, sha256, err);
}

bool dump_write(struct store *s, const struct data_dirs *dirs, const char *id,
    const struct json *object, int64_t now_ns, char *name_out, uint64_t *size, char *sha256,
    struct err *err)
{
    return dump_write_as(s, dirs, id, object, DUMP_GZIP, now_ns, name_out, size, sha256, err);
}
