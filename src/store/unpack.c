/* Archives from outside: see the header for what is let in. */

#include "store/unpack.h"

#include "base/fs.h"
#include "base/utf8.h"
#include "store/dump_format.h"
#include "store/files.h"
#include "store/rows_json.h"
#include "store/utf8_locale.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 128 * 1024 };

struct unpacking {
    struct archive *archive;
    struct arena *arena;
    const char *into;
    uint64_t max_bytes, left;
    size_t seen; /* Files and folders. */
    struct unpacked out;
    size_t cap;
    char *chunk;
};

static bool too_large(const struct unpacking *u, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the archive unpacks to more than %llu MiB",
        (unsigned long long)(u->max_bytes >> 20));
}

/* The library's own words: they name no path of ours, as it was given only a descriptor. */
static bool unreadable(struct unpacking *u, struct err *err)
{
    const char *why = archive_error_string(u->archive);

    if (archive_errno(u->archive) == ENOMEM)
        return err_nomem(err);
    return err_set(err, ERR_DATA, "the archive cannot be read: %s", why ? why : "it is damaged");
}

/* ---- names ---- */

/* A name as it may be shown: cut, without what would garble a line. */
static const char *shown(const char *name, char out[128])
{
    size_t n = 0;

    for (; *name && n < 96; name++)
        out[n++] = (unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name;
    n = utf8_valid_prefix(out, n);
    out[n] = '\0';
    return out;
}

static bool name_is_clean(const char *name)
{
    size_t n = strlen(name);

    if (utf8_valid_prefix(name, n) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f || name[i] == '\\')
            return false;
    }
    return true;
}

/* Split "<id>/rest" (rest may be empty) and see that all members have the same top folder. */
static bool take_top(struct unpacking *u, char *name, const char **rest, struct err *err)
{
    char text[128], other[128];
    char *slash;
    size_t n;

    while (name[0] == '.' && name[1] == '/')
        name += 2;
    n = strlen(name);
    while (n > 1 && name[n - 1] == '/') /* Folders. */
        name[--n] = '\0';
    if (!name_is_clean(name))
        return err_set(
            err, ERR_DATA, "the archive holds a name that is not allowed: %s", shown(name, text));
    if (!rows_path_ok(name))
        return err_set(err, ERR_DATA, "the archive holds a path that leads out of its folder: %s",
            shown(name, text));
    slash = strchr(name, '/');
    if (slash)
        *slash = '\0';
    if (!conversation_id_ok(name))
        return err_set(err, ERR_DATA,
            "the archive's top folder is not the id of a conversation: %s", shown(name, text));
    if (u->out.id[0] && strcmp(u->out.id, name) != 0)
        return err_set(err, ERR_DATA, "the archive holds two conversations: %s and %s",
            shown(u->out.id, other), shown(name, text));
    memcpy(u->out.id, name, ID_LEN);
    *rest = slash ? slash + 1 : "";
    return true;
}

enum placement { PLACE_JSON, PLACE_FILE, PLACE_OTHER };

/* Where a file belongs. Folders inside uploads/ and the like are nothing that we or the older
 * service made. */
static bool place(const char *path, enum placement *out, struct err *err)
{
    static const char *const known[] = { DUMP_METADATA, DUMP_OBJECT, DUMP_ROWS, DUMP_MANIFEST };
    const char *slash = strchr(path, '/');
    char folder[16], text[128];
    enum file_kind kind;

    *out = PLACE_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(path, known[i]) == 0)
            *out = PLACE_JSON;
    }
    if (!slash || (size_t)(slash - path) >= sizeof folder)
        return true;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (!file_kind_find(folder, &kind))
        return true;
    if (!rows_file_name_ok(slash + 1))
        return err_set(err, ERR_DATA, "the archive holds a file name that is not allowed: %s",
            shown(path, text));
    *out = PLACE_FILE;
    return true;
}

/* ---- writing ---- */

static bool make_folders(struct unpacking *u, struct err *err)
{
    char dir[FS_PATH_MAX];

    return fs_join(dir, u->into, u->out.id, err) && conversation_folders_make(dir, err);
}

static bool create(struct unpacking *u, const char *path, int *fd, struct err *err)
{
    char dir[FS_PATH_MAX], full[FS_PATH_MAX], text[128];

    if (!fs_join(dir, u->into, u->out.id, err) || !fs_join(full, dir, path, err))
        return false;
    *fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return true;
    if (errno == EEXIST)
        return err_set(err, ERR_DATA, "the archive holds %s twice", shown(path, text));
    return err_errno(err, errno, "the restored file");
}

/* Read the member's bytes, counting and hashing; fd -1: they go nowhere. */
static bool copy(
    struct unpacking *u, int fd, struct fs_sha256 *sum, uint64_t *size, struct err *err)
{
    la_ssize_t got;

    *size = 0;
    while ((got = archive_read_data(u->archive, u->chunk, CHUNK)) > 0) {
        if ((uint64_t)got > u->left)
            return too_large(u, err);
        u->left -= (uint64_t)got;
        *size += (uint64_t)got;
        fs_sha256_add(sum, u->chunk, (size_t)got);
        if (fd >= 0 && !fs_write_all(fd, u->chunk, (size_t)got, "the restored file", err))
            return false;
    }
    if (got < 0)
        return unreadable(u, err);
    if (fd >= 0 && fsync(fd) != 0)
        return err_errno(err, errno, "the restored file");
    return true;
}

static struct member *add_member(struct unpacking *u)
{
    if (u->out.n == u->cap) {
        size_t cap = u->cap ? u->cap * 2 : 64;
        struct member *grown = arena_calloc(u->arena, cap, sizeof *grown);

        if (!grown)
            return NULL;
        if (u->out.n)
            memcpy(grown, u->out.members, u->out.n * sizeof *grown);
        u->out.members = grown;
        u->cap = cap;
    }
    return &u->out.members[u->out.n++];
}

static bool take_file(
    struct unpacking *u, struct archive_entry *entry, const char *path, struct err *err)
{
    struct fs_sha256 *sum;
    enum placement where;
    struct member *m;
    int fd = -1;
    bool ok;

    if (!place(path, &where, err))
        return false;
    if (archive_entry_size_is_set(entry) && (uint64_t)archive_entry_size(entry) > u->left)
        return too_large(u, err);
    m = add_member(u);
    sum = fs_sha256_new();
    if (!m || !sum || !(m->path = arena_strdup(u->arena, path))) {
        if (sum)
            fs_sha256_end(sum, NULL);
        return err_nomem(err);
    }
    m->extracted = where != PLACE_OTHER;
    ok = (!m->extracted || create(u, path, &fd, err)) && copy(u, fd, sum, &m->size, err);
    if (fd >= 0 && close(fd) != 0 && ok)
        ok = err_errno(err, errno, "the restored file");
    fs_sha256_end(sum, ok ? m->sha256 : NULL);
    return ok;
}

/* ---- members ---- */

static bool check_type(struct archive_entry *entry, const char *name, struct err *err)
{
    char text[128];

    if (archive_entry_hardlink(entry) || archive_entry_symlink(entry) ||
        archive_entry_filetype(entry) == AE_IFLNK)
        return err_set(err, ERR_DATA, "the archive holds a link: %s", shown(name, text));
    if (archive_entry_filetype(entry) != AE_IFREG && archive_entry_filetype(entry) != AE_IFDIR)
        return err_set(err, ERR_DATA,
            "the archive holds something that is neither a file nor a folder: %s",
            shown(name, text));
    if (archive_entry_is_encrypted(entry))
        return err_set(err, ERR_DATA, "the archive is encrypted: %s", shown(name, text));
    return true;
}

static bool take_entry(struct unpacking *u, struct archive_entry *entry, struct err *err)
{
    const char *given = archive_entry_pathname(entry), *rest = "";
    char name[FS_PATH_MAX], text[128];
    bool is_file, first = !u->out.id[0];

    if (!given || strlen(given) >= sizeof name)
        return err_set(err, ERR_DATA, "the archive holds a name that cannot be read");
    memcpy(name, given, strlen(given) + 1);
    if (++u->seen > DUMP_MEMBERS_MAX)
        return err_set(err, ERR_TOO_LARGE, "the archive holds more than %d files and folders",
            DUMP_MEMBERS_MAX);
    if (!check_type(entry, name, err))
        return false;
    if (strcmp(name, ".") == 0 || strcmp(name, "./") == 0) /* "tar -C folder ." */
        return true;
    if (!take_top(u, name, &rest, err) || (first && !make_folders(u, err)))
        return false;
    is_file = archive_entry_filetype(entry) == AE_IFREG;
    if (is_file && !*rest)
        return err_set(err, ERR_DATA,
            "the archive's top folder is not the id of a conversation: %s", shown(name, text));
    return !is_file || take_file(u, entry, rest, err);
}

static bool take_all(struct unpacking *u, struct err *err)
{
    struct archive_entry *entry;
    int rc;

    /* A warning is about a name's characters or times: names are checked, times not used. */
    while (
        (rc = archive_read_next_header(u->archive, &entry)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
        if (!take_entry(u, entry, err))
            return false;
    }
    if (rc != ARCHIVE_EOF)
        return unreadable(u, err);
    return u->out.id[0] ? true : err_set(err, ERR_DATA, "the archive is empty");
}

static bool open_archive(struct unpacking *u, int fd, struct err *err)
{
    u->archive = archive_read_new();
    u->chunk = malloc(CHUNK);
    if (!u->archive || !u->chunk)
        return err_nomem(err);
    if (archive_read_support_format_tar(u->archive) != ARCHIVE_OK ||
        archive_read_support_format_zip(u->archive) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(u->archive) != ARCHIVE_OK ||
        archive_read_open_fd(u->archive, fd, CHUNK) != ARCHIVE_OK)
        return unreadable(u, err);
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->path, ((const struct member *)b)->path);
}

static bool sort_members(struct unpacked *out, struct err *err)
{
    char text[128];

    if (out->n > 1)
        qsort(out->members, out->n, sizeof *out->members, compare);
    for (size_t i = 1; i < out->n; i++) {
        if (compare(&out->members[i - 1], &out->members[i]) == 0)
            return err_set(
                err, ERR_DATA, "the archive holds %s twice", shown(out->members[i].path, text));
    }
    return true;
}

const struct member *unpack_find(const struct unpacked *u, const char *path)
{
    struct member key = { .path = path };

    return u->n ? bsearch(&key, u->members, u->n, sizeof key, compare) : NULL;
}

bool unpack(const char *archive_path, const char *into, uint64_t max_bytes, struct arena *arena,
    struct unpacked *out, struct err *err)
{
    struct unpacking u = {
        .arena = arena, .into = into, .max_bytes = max_bytes, .left = max_bytes
    };
    int fd = open(archive_path, O_RDONLY | O_CLOEXEC);
    struct utf8_locale locale;
    bool ok;

    if (fd < 0)
        return err_errno(err, errno, "the archive");
    if (!utf8_locale_enter(&locale, err)) {
        close(fd);
        return false;
    }
    ok = open_archive(&u, fd, err) && take_all(&u, err) && sort_members(&u.out, err);
    archive_read_free(u.archive);
    free(u.chunk);
    utf8_locale_leave(&locale);
    close(fd);
    if (ok)
        *out = u.out;
    return ok;
}
