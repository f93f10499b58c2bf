/*
 * The container of zip_write.h: headers by hand, data through deflate_blocks.
 *
 * All times are 1980-01-01 00:00, the first that a zip knows, so that the bytes depend on the parts alone.
 */

#include "formats/zip_write.h"

#include "formats/deflate_blocks.h"

#include <stdlib.h>

#define SIG_LOCAL 0x04034b50u
#define SIG_DESCRIPTOR 0x08074b50u
#define SIG_CENTRAL 0x02014b50u
#define SIG_END 0x06054b50u
#define SIG_END64 0x06064b50u
#define SIG_LOCATOR64 0x07064b50u
#define SIZE_IN_ZIP64 0xffffffffu

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR64_SIZE = 20,
    EXTRA_SIZE = 20, /* Of a local header: a growth hint or zip64 sizes, both of 16 bytes. */
    EXTRA_DATA = 16,
    EXTRA64_MAX = 28, /* Of the central directory. */
    METHOD_DEFLATE = 8,
    FLAG_DESCRIPTOR = 1 << 3,
    VERSION_DEFLATE = 20,
    VERSION_ZIP64 = 45,
    DATE_1980 = 0x0021,
    EXTRA_ID_ZIP64 = 0x0001,
    EXTRA_ID_GROWTH = 0xa220,
    GROWTH_SIGNATURE = 0xa028,
    ENTRIES_IN_ZIP64 = 0xffff,
    FIRST_ENTRIES = 16
};

_Static_assert(
    (int)ZIP_ROOM_MAX <= (int)DEFLATE_SLACK, "room is there without pushing half a block");

struct zip_entry {
    char *name;
    uint64_t offset; /* Of the local header. */
    struct deflate_totals totals;
};

struct zip_writer {
    struct fs_file *file;
    bool patch;
    struct deflate_blocks *blocks;
    size_t used; /* Of the block being filled and the slack behind it. */
    char over[DEFLATE_SLACK];
    bool in_part;
    struct zip_entry *entries;
    size_t n_entries, cap_entries;
};

/* Little-endian fields, one after the other. */
static char *put16(char *p, unsigned v)
{
    p[0] = (char)(v & 0xff);
    p[1] = (char)(v >> 8 & 0xff);
    return p + 2;
}

static char *put32(char *p, uint32_t v)
{
    return put16(put16(p, v & 0xffff), v >> 16);
}

static char *put64(char *p, uint64_t v)
{
    return put32(put32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

static bool write_packed(void *arg, const void *p, size_t n, struct err *err)
{
    struct zip_writer *z = arg;

    return fs_file_write(z->file, p, n, err);
}

bool zip_write_open(struct fs_file *file, struct zip_writer **out, struct err *err)
{
    struct zip_writer *z = calloc(1, sizeof *z);

    if (!z)
        return err_nomem(err);
    z->file = file;
    z->patch = fs_file_can_patch(file);
    z->blocks = deflate_blocks_new(write_packed, z);
    if (!z->blocks) {
        free(z);
        return err_nomem(err);
    }
    *out = z;
    return true;
}

void zip_write_close(struct zip_writer *z)
{
    if (!z)
        return;
    deflate_blocks_free(z->blocks);
    for (size_t i = 0; i < z->n_entries; i++)
        free(z->entries[i].name);
    free(z->entries);
    free(z);
}

static struct zip_entry *add_entry(struct zip_writer *z, const char *name)
{
    struct zip_entry *entry;

    if (z->n_entries == z->cap_entries) {
        size_t cap = z->cap_entries ? z->cap_entries * 2 : FIRST_ENTRIES;
        struct zip_entry *grown = reallocarray(z->entries, cap, sizeof *grown);

        if (!grown)
            return NULL;
        z->entries = grown;
        z->cap_entries = cap;
    }
    entry = &z->entries[z->n_entries];
    *entry = (struct zip_entry){ .name = strdup(name), .offset = fs_file_size(z->file) };
    if (!entry->name)
        return NULL;
    z->n_entries++;
    return entry;
}

static bool needs_zip64(const struct zip_entry *entry)
{
    return entry->totals.in >= SIZE_IN_ZIP64 || entry->totals.out >= SIZE_IN_ZIP64;
}

/* CRC and sizes, as they stand in local and central headers. */
static char *put_totals(char *p, const struct zip_entry *entry)
{
    bool big = needs_zip64(entry);

    p = put32(p, entry->totals.crc);
    p = put32(p, big ? SIZE_IN_ZIP64 : (uint32_t)entry->totals.out);
    return put32(p, big ? SIZE_IN_ZIP64 : (uint32_t)entry->totals.in);
}

/* The local header and its extra field; called again, with the totals, to patch it. */
static size_t local_header(const struct zip_writer *z, const struct zip_entry *entry, char *out)
{
    bool big = needs_zip64(entry);
    size_t n = strlen(entry->name);
    char *p = out;

    p = put32(p, SIG_LOCAL);
    p = put16(p, big ? VERSION_ZIP64 : VERSION_DEFLATE);
    p = put16(p, z->patch ? 0 : FLAG_DESCRIPTOR);
    p = put16(p, METHOD_DEFLATE);
    p = put16(p, 0);
    p = put16(p, DATE_1980);
    p = put_totals(p, entry);
    p = put16(p, (unsigned)n);
    p = put16(p, z->patch ? EXTRA_SIZE : 0);
    memcpy(p, entry->name, n);
    p += n;
    if (!z->patch)
        return (size_t)(p - out);
    p = put16(p, big ? EXTRA_ID_ZIP64 : EXTRA_ID_GROWTH);
    p = put16(p, EXTRA_DATA);
    if (big)
        return (size_t)(put64(put64(p, entry->totals.in), entry->totals.out) - out);
    p = put16(p, GROWTH_SIGNATURE);
    p = put16(p, EXTRA_DATA - 4); /* What is left is padding. */
    memset(p, 0, EXTRA_DATA - 4);
    return (size_t)(p + EXTRA_DATA - 4 - out);
}

bool zip_write_begin(struct zip_writer *z, const char *name, struct err *err)
{
    char header[LOCAL_SIZE + ZIP_NAME_MAX + EXTRA_SIZE];
    struct zip_entry *entry;

    if (z->in_part || strlen(name) > ZIP_NAME_MAX)
        return err_set(err, ERR_INTERNAL, "the part %s cannot begin here", name);
    entry = add_entry(z, name);
    if (!entry)
        return err_nomem(err);
    z->in_part = true;
    z->used = 0;
    return fs_file_write(z->file, header, local_header(z, entry, header), err);
}

/* Push the full block; what was written behind it begins the next. */
static bool push_full(struct zip_writer *z, struct err *err)
{
    size_t over = z->used - DEFLATE_BLOCK;

    memcpy(z->over, deflate_blocks_get(z->blocks) + DEFLATE_BLOCK, over);
    if (!deflate_blocks_push(z->blocks, DEFLATE_BLOCK, err))
        return false;
    memcpy(deflate_blocks_get(z->blocks), z->over, over);
    z->used = over;
    return true;
}

char *zip_write_room(struct zip_writer *z, size_t need, char **end, struct err *err)
{
    char *block;

    if (!z->in_part || need > ZIP_ROOM_MAX) {
        err_set(err, ERR_INTERNAL, "more room asked for than a part can give");
        return NULL;
    }
    if (z->used >= DEFLATE_BLOCK && !push_full(z, err))
        return NULL;
    block = deflate_blocks_get(z->blocks);
    *end = block + DEFLATE_BLOCK + DEFLATE_SLACK;
    return block + z->used;
}

void zip_write_wrote(struct zip_writer *z, size_t n)
{
    z->used += n;
}

bool zip_write_data(struct zip_writer *z, const void *p, size_t n, struct err *err)
{
    const char *from = p;

    while (n > 0) {
        char *end, *room = zip_write_room(z, 1, &end, err);
        size_t some;

        if (!room)
            return false;
        some = (size_t)(end - room) < n ? (size_t)(end - room) : n;
        memcpy(room, from, some);
        zip_write_wrote(z, some);
        from += some;
        n -= some;
    }
    return true;
}

static bool write_descriptor(struct zip_writer *z, const struct zip_entry *entry, struct err *err)
{
    char descriptor[24], *p = descriptor;

    p = put32(p, SIG_DESCRIPTOR);
    if (needs_zip64(entry)) {
        p = put32(p, entry->totals.crc);
        p = put64(put64(p, entry->totals.out), entry->totals.in);
    } else {
        p = put_totals(p, entry);
    }
    return fs_file_write(z->file, descriptor, (size_t)(p - descriptor), err);
}

bool zip_write_end(struct zip_writer *z, struct err *err)
{
    char header[LOCAL_SIZE + ZIP_NAME_MAX + EXTRA_SIZE];
    struct zip_entry *entry;

    if (!z->in_part)
        return err_set(err, ERR_INTERNAL, "no part to end");
    if (z->used >= DEFLATE_BLOCK && !push_full(z, err))
        return false;
    z->in_part = false;
    entry = &z->entries[z->n_entries - 1];
    if (!deflate_blocks_push(z->blocks, z->used, err) ||
        !deflate_blocks_end(z->blocks, &entry->totals, err))
        return false;
    if (!z->patch)
        return write_descriptor(z, entry, err);
    return fs_file_patch(z->file, entry->offset, header, local_header(z, entry, header), err);
}

bool zip_write_part(
    struct zip_writer *z, const char *name, const void *p, size_t n, struct err *err)
{
    return zip_write_begin(z, name, err) && zip_write_data(z, p, n, err) && zip_write_end(z, err);
}

static bool write_central(struct zip_writer *z, const struct zip_entry *entry, struct err *err)
{
    char header[CENTRAL_SIZE + ZIP_NAME_MAX + EXTRA64_MAX], extra[EXTRA64_MAX], *p = header,
                                                                                *x = extra + 4;
    bool big = needs_zip64(entry), far = entry->offset >= SIZE_IN_ZIP64;
    size_t n = strlen(entry->name), n_extra;

    if (big)
        x = put64(put64(x, entry->totals.in), entry->totals.out);
    if (far)
        x = put64(x, entry->offset);
    n_extra = big || far ? (size_t)(x - extra) : 0;
    put16(put16(extra, EXTRA_ID_ZIP64), (unsigned)(x - extra) - 4);

    p = put32(p, SIG_CENTRAL);
    p = put16(p, VERSION_ZIP64); /* Made by. */
    p = put16(p, big || far ? VERSION_ZIP64 : VERSION_DEFLATE);
    p = put16(p, z->patch ? 0 : FLAG_DESCRIPTOR);
    p = put16(p, METHOD_DEFLATE);
    p = put16(p, 0);
    p = put16(p, DATE_1980);
    p = put_totals(p, entry);
    p = put16(p, (unsigned)n);
    p = put16(p, (unsigned)n_extra);
    p = put16(p, 0); /* Comment. */
    p = put16(p, 0); /* Disk. */
    p = put16(p, 0); /* Internal and external attributes. */
    p = put32(p, 0);
    p = put32(p, far ? SIZE_IN_ZIP64 : (uint32_t)entry->offset);
    memcpy(p, entry->name, n);
    memcpy(p + n, extra, n_extra);
    return fs_file_write(z->file, header, CENTRAL_SIZE + n + n_extra, err);
}

static bool write_end64(struct zip_writer *z, uint64_t start, uint64_t size, struct err *err)
{
    char record[END64_SIZE + LOCATOR64_SIZE], *p = record;

    p = put32(p, SIG_END64);
    p = put64(p, END64_SIZE - 12); /* Of what follows. */
    p = put16(put16(p, VERSION_ZIP64), VERSION_ZIP64);
    p = put32(put32(p, 0), 0); /* Disks. */
    p = put64(put64(p, z->n_entries), z->n_entries);
    p = put64(put64(p, size), start);

    p = put32(p, SIG_LOCATOR64);
    p = put32(p, 0);
    p = put64(p, start + size);
    put32(p, 1);
    return fs_file_write(z->file, record, sizeof record, err);
}

bool zip_write_finish(struct zip_writer *z, struct err *err)
{
    uint64_t start = fs_file_size(z->file), size;
    char record[END_SIZE], *p = record;
    bool big, many = z->n_entries >= ENTRIES_IN_ZIP64;
    unsigned n;

    for (size_t i = 0; i < z->n_entries; i++) {
        if (!write_central(z, &z->entries[i], err))
            return false;
    }
    size = fs_file_size(z->file) - start;
    big = start >= SIZE_IN_ZIP64 || size >= SIZE_IN_ZIP64;
    if ((big || many) && !write_end64(z, start, size, err))
        return false;
    n = many ? ENTRIES_IN_ZIP64 : (unsigned)z->n_entries;
    p = put32(p, SIG_END);
    p = put16(put16(p, 0), 0); /* Disks. */
    p = put16(put16(p, n), n);
    p = put32(p, size >= SIZE_IN_ZIP64 ? SIZE_IN_ZIP64 : (uint32_t)size);
    p = put32(p, start >= SIZE_IN_ZIP64 ? SIZE_IN_ZIP64 : (uint32_t)start);
    put16(p, 0); /* Comment. */
    return fs_file_write(z->file, record, sizeof record, err);
}
