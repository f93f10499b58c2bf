/*
 * Zip packages in: the table of contents.
 *
 *   local header | data        one pair per entry, anywhere before the directory
 *   ...
 *   central directory          one record per entry: the only place that is believed
 *   [zip64 end record, locator]
 *   end record                 found by searching backwards from the end of the file
 *
 * Bytes before the first entry (a script, a mail header) shift all offsets by the same amount; the
 * shift follows from where the directory is found and where the end record says it is.
 */
#include "formats/zip_read_int.h"

#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    CENTRAL_SIZE = 46,
    SIG_END = 0x06054b50,
    SIG_END64 = 0x06064b50,
    SIG_LOCATOR = 0x07064b50,
    SIG_CENTRAL = 0x02014b50,
    EXTRA_ZIP64 = 1
};

/* What the end records say. */
struct directory {
    uint64_t count, size, offset;
    uint64_t end;   /* Where the directory ends at the latest: its end record. */
    uint64_t shift; /* To be added to every offset. */
};

bool zip_pread(struct zip_reader *zip, void *out, size_t n, uint64_t offset, struct err *err)
{
    char *p = out;

    while (n > 0) {
        ssize_t got = offset <= INT64_MAX ? pread(zip->fd, p, n, (off_t)offset) : 0;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, zip->label);
        if (got == 0)
            return err_set(err, ERR_DATA, "'%s' is incomplete: it ends after %" PRIu64 " bytes",
                zip->label, zip->file_size);
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static bool damaged(const struct zip_reader *zip, const char *what, struct err *err)
{
    return err_set(err, ERR_DATA,
        "'%s' is damaged: %s. Open it in Excel, save it again and upload that file", zip->label,
        what);
}

/* Is there a believable directory behind this end record? Fills d. */
static bool check_end(struct zip_reader *zip, const uint8_t *rec, uint64_t at, struct directory *d)
{
    uint8_t sig[4] = { 0 };
    struct err ignored;

    *d = (struct directory){ .count = zip_u16(rec + 10),
        .size = zip_u32(rec + 12),
        .offset = zip_u32(rec + 16),
        .end = at };
    if (at >= LOCATOR_SIZE) {
        uint8_t loc[LOCATOR_SIZE] = { 0 }, end64[END64_SIZE] = { 0 };
        uint64_t where;

        if (zip_pread(zip, loc, sizeof loc, at - LOCATOR_SIZE, &ignored) &&
            zip_u32(loc) == SIG_LOCATOR) {
            /* The record stands right before the locator unless bytes were put before it all. */
            where = zip_u64(loc + 8);
            if (where > at || at - where < LOCATOR_SIZE + END64_SIZE ||
                !zip_pread(zip, end64, sizeof end64, where, &ignored) ||
                zip_u32(end64) != SIG_END64) {
                if (at < LOCATOR_SIZE + END64_SIZE)
                    return false;
                where = at - LOCATOR_SIZE - END64_SIZE;
                if (!zip_pread(zip, end64, sizeof end64, where, &ignored) ||
                    zip_u32(end64) != SIG_END64)
                    return false;
            }
            d->count = zip_u64(end64 + 32);
            d->size = zip_u64(end64 + 40);
            d->offset = zip_u64(end64 + 48);
            d->end = where;
        }
    }
    if (d->size > d->end || d->offset > d->end - d->size)
        return false;
    if (d->size == 0)
        return d->count == 0;
    if (d->size < CENTRAL_SIZE)
        return false;
    if (zip_pread(zip, sig, sizeof sig, d->offset, &ignored) && zip_u32(sig) == SIG_CENTRAL)
        return true;
    d->shift = d->end - d->size - d->offset;
    return zip_pread(zip, sig, sizeof sig, d->offset + d->shift, &ignored) &&
           zip_u32(sig) == SIG_CENTRAL;
}

static bool find_directory(struct zip_reader *zip, struct directory *d, struct err *err)
{
    uint64_t size = zip->file_size;
    size_t n = size < ZIP_END_SEARCH ? (size_t)size : ZIP_END_SEARCH;
    uint8_t *tail = malloc(n + 1);
    bool ok = false;

    if (!tail)
        return err_nomem(err);
    if (!zip_pread(zip, tail, n, size - n, err))
        goto out;
    for (size_t i = n >= END_SIZE ? n - END_SIZE + 1 : 0; i-- > 0;) {
        if (tail[i] == 'P' && zip_u32(tail + i) == SIG_END &&
            check_end(zip, tail + i, size - n + i, d)) {
            ok = true;
            goto out;
        }
    }
    err_set(err, ERR_DATA,
        "'%s' is incomplete: it has %" PRIu64
        " bytes and its end, with the list of contents, is missing. Upload the whole file again",
        zip->label, size);
out:
    free(tail);
    return ok;
}

/* '/' for '\', no empty, "." or ".." parts: a name inside the package, whatever it was. */
static char *normalise(struct arena *arena, const char *p, size_t n)
{
    char *out = arena_alloc(arena, n + 1);
    size_t len = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n;) {
        size_t from = i, part;

        while (i < n && p[i] != '/' && p[i] != '\\')
            i++;
        part = i - from;
        i++;
        if (part == 0 || (part == 1 && p[from] == '.'))
            continue;
        if (part == 2 && p[from] == '.' && p[from + 1] == '.') {
            while (len > 0 && out[len - 1] != '/')
                len--;
            if (len > 0)
                len--;
            continue;
        }
        if (len > 0)
            out[len++] = '/';
        for (size_t k = 0; k < part; k++)
            out[len++] = p[from + k] ? p[from + k] : '?';
    }
    out[len] = '\0';
    return out;
}

/* Sizes and offset that did not fit in 32 bits stand in the zip64 extra field, in this order. */
static bool read_zip64(struct zip_entry *e, const uint8_t *extra, size_t n)
{
    bool want_size = e->size == UINT32_MAX, want_packed = e->packed == UINT32_MAX;
    bool want_offset = e->offset == UINT32_MAX;

    if (!want_size && !want_packed && !want_offset)
        return true;
    while (n >= 4) {
        size_t id = zip_u16(extra), len = zip_u16(extra + 2);
        const uint8_t *p = extra + 4;

        if (len > n - 4)
            return false;
        if (id == EXTRA_ZIP64) {
            size_t need = 8 * ((size_t)want_size + want_packed + want_offset);

            if (len < need)
                return false;
            if (want_size) {
                e->size = zip_u64(p);
                p += 8;
            }
            if (want_packed) {
                e->packed = zip_u64(p);
                p += 8;
            }
            if (want_offset)
                e->offset = zip_u64(p);
            return true;
        }
        extra += 4 + len;
        n -= 4 + len;
    }
    return true; /* Exactly 4 GiB - 1 is a size too. */
}

static bool read_entries(
    struct zip_reader *zip, const uint8_t *dir, const struct directory *d, struct err *err)
{
    size_t left = (size_t)d->size, room = 0;
    uint64_t limit = d->offset + d->shift;

    while (left >= CENTRAL_SIZE && zip_u32(dir) == SIG_CENTRAL) {
        size_t name = zip_u16(dir + 28), extra = zip_u16(dir + 30), comment = zip_u16(dir + 32);
        struct zip_entry e = { .flags = zip_u16(dir + 8),
            .method = zip_u16(dir + 10),
            .crc = zip_u32(dir + 16),
            .packed = zip_u32(dir + 20),
            .size = zip_u32(dir + 24),
            .offset = zip_u32(dir + 42),
            .raw_name = (uint16_t)name };

        if (left - CENTRAL_SIZE < name + extra + comment)
            return damaged(zip, "its list of contents is cut", err);
        if (zip->n == ZIP_MAX_ENTRIES)
            return err_set(
                err, ERR_BUDGET, "'%s' holds more than %d parts", zip->label, ZIP_MAX_ENTRIES);
        if (name > ZIP_MAX_NAME)
            return damaged(zip, "a part's name is too long", err);
        if (!read_zip64(&e, dir + CENTRAL_SIZE + name, extra))
            return damaged(zip, "the sizes of a part cannot be read", err);
        if (e.offset > limit || e.offset + d->shift > limit || e.packed > limit)
            return damaged(zip, "a part lies outside the file", err);
        e.offset += d->shift;
        e.name = normalise(&zip->arena, (const char *)dir + CENTRAL_SIZE, name);
        if (!e.name)
            return err_nomem(err);
        if (zip->n == room) {
            struct zip_entry *more;

            room = room ? room * 2 : 32;
            more = arena_alloc(&zip->arena, room * sizeof *more);
            if (!more)
                return err_nomem(err);
            if (zip->n)
                memcpy(more, zip->entries, zip->n * sizeof *more);
            zip->entries = more;
        }
        zip->entries[zip->n++] = e;
        dir += CENTRAL_SIZE + name + extra + comment;
        left -= CENTRAL_SIZE + name + extra + comment;
    }
    if (zip->n == 0 || (d->count & 0xffff) != (zip->n & 0xffff))
        return damaged(zip, "its list of contents is not complete", err);
    return true;
}

static int by_offset(const void *a, const void *b)
{
    const struct zip_entry *x = *(const struct zip_entry *const *)a;
    const struct zip_entry *y = *(const struct zip_entry *const *)b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Entries that share bytes unpack to far more than the file holds: no honest writer makes them. */
static bool check_overlap(struct zip_reader *zip, uint64_t directory, struct err *err)
{
    const struct zip_entry **sorted = malloc(zip->n * sizeof(*sorted));
    bool ok = false;

    if (!sorted)
        return err_nomem(err);
    for (size_t i = 0; i < zip->n; i++)
        sorted[i] = &zip->entries[i];
    qsort(sorted, zip->n, sizeof(*sorted), by_offset);
    for (size_t i = 0; i < zip->n; i++) {
        uint64_t next = i + 1 < zip->n ? sorted[i + 1]->offset : directory;
        uint64_t room = next - sorted[i]->offset;

        if (room < ZIP_LOCAL_SIZE + (uint64_t)sorted[i]->raw_name ||
            room - ZIP_LOCAL_SIZE - sorted[i]->raw_name < sorted[i]->packed) {
            damaged(zip, "parts of it overlap", err);
            goto out;
        }
    }
    ok = true;
out:
    free(sorted);
    return ok;
}

static bool load(struct zip_reader *zip, struct err *err)
{
    struct directory d = { 0 };
    uint8_t *dir = NULL;
    struct stat st;
    bool ok = false;

    if (fstat(zip->fd, &st) < 0)
        return err_errno(err, errno, zip->label);
    zip->file_size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    if (!find_directory(zip, &d, err))
        return false;
    if (d.count > ZIP_MAX_ENTRIES)
        return err_set(err, ERR_BUDGET, "'%s' holds %" PRIu64 " parts; at most %d are read",
            zip->label, d.count, ZIP_MAX_ENTRIES);
    if (d.size == 0 || d.size > ZIP_MAX_DIRECTORY)
        return damaged(zip, d.size ? "its list of contents is too long" : "it has no parts", err);
    dir = malloc((size_t)d.size);
    if (!dir)
        return err_nomem(err);
    ok = zip_pread(zip, dir, (size_t)d.size, d.offset + d.shift, err) &&
         read_entries(zip, dir, &d, err) && check_overlap(zip, d.offset + d.shift, err);
    free(dir);
    return ok;
}

bool zip_read_open(int fd, const char *label, struct budget *budget, struct warnings *warnings,
    struct zip_reader **out, struct err *err)
{
    struct zip_reader *zip = malloc(sizeof *zip);

    if (!zip)
        return err_nomem(err);
    *zip = (struct zip_reader){ .fd = fd, .label = label, .budget = budget, .warnings = warnings };
    arena_init(&zip->arena, budget);
    if (!load(zip, err)) {
        zip_read_close(zip);
        return false;
    }
    *out = zip;
    return true;
}

void zip_read_close(struct zip_reader *zip)
{
    if (!zip)
        return;
    arena_deinit(&zip->arena);
    free(zip);
}

size_t zip_read_count(const struct zip_reader *zip)
{
    return zip->n;
}

const struct zip_entry *zip_read_at(const struct zip_reader *zip, size_t i)
{
    return &zip->entries[i];
}

static const struct zip_entry *find(
    struct zip_reader *zip, const char *name, int (*compare)(const char *, const char *))
{
    const struct zip_entry *found = NULL;

    for (size_t i = 0; i < zip->n; i++) {
        if (compare(zip->entries[i].name, name) != 0)
            continue;
        if (!found) {
            found = &zip->entries[i];
            continue;
        }
        if (zip->warnings)
            warn_add(zip->warnings, "duplicate_part",
                "a part stands in the file more than once; the first is read", "%s", name);
        break;
    }
    return found;
}

const struct zip_entry *zip_read_find(struct zip_reader *zip, const char *name)
{
    const struct zip_entry *e = NULL;
    size_t n = strlen(name), len = 0;
    struct arena scratch;
    char *plain, *part;

    arena_init(&scratch, NULL);
    plain = normalise(&scratch, name, n);
    if (!plain)
        goto out;
    e = find(zip, plain, strcmp);
    if (!e)
        e = find(zip, plain, strcasecmp);
    if (e || !strchr(name, '%'))
        goto out;
    part = arena_alloc(&scratch, n + 1);
    if (!part)
        goto out;
    for (size_t i = 0; i < n; i++) {
        int byte = name[i] == '%' && n - i > 2 ? num_hex_byte(name + i + 1) : -1;

        if (byte >= 0) {
            part[len++] = (char)byte;
            i += 2;
        } else {
            part[len++] = name[i];
        }
    }
    plain = normalise(&scratch, part, len);
    if (plain)
        e = find(zip, plain, strcasecmp);
out:
    arena_deinit(&scratch);
    return e;
}
