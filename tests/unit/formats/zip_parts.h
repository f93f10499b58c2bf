#ifndef TESTS_ZIP_PARTS_H
#define TESTS_ZIP_PARTS_H

/*
 * An archive read back the slow and careful way, for the tests of what writes it: central directory by
 * hand, inflate and CRC by zlib, local headers and descriptors compared with the directory.
 * Include after cmocka.h.
 */

#include "base/fs.h"

#include <stdlib.h>
#include <zlib.h>

struct zip_part {
    char name[256];
    char *data; /* NUL-terminated. */
    size_t n, packed;
    uint64_t offset;
    unsigned flags, extra_id;
};

struct zip_parts {
    struct zip_part *parts;
    size_t n;
    char *file;
    size_t file_n;
    bool zip64;
};

static inline uint64_t zip_get(const char *p, unsigned n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | (unsigned char)p[n];
    return v;
}

static inline char *zip_inflate(const char *p, size_t n, size_t size)
{
    char *out = malloc(size + 1);
    z_stream z = { .next_in = (Bytef *)p,
        .avail_in = (uInt)n,
        .next_out = (Bytef *)out,
        .avail_out = (uInt)size + 1 };

    assert_non_null(out);
    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, size);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    out[size] = '\0';
    return out;
}

/* The local header must say what the directory says, in itself or in the descriptor. */
static inline void zip_check_local(
    const struct zip_parts *zip, struct zip_part *part, const char *dir)
{
    const char *local = zip->file + part->offset, *totals = local + 14, *data;
    size_t n_name = zip_get(local + 26, 2), n_extra = zip_get(local + 28, 2);

    assert_int_equal(zip_get(local, 4), 0x04034b50);
    assert_int_equal(zip_get(local + 6, 2), part->flags);
    assert_int_equal(zip_get(local + 10, 4), 0x00210000); /* 1980-01-01 00:00 */
    assert_int_equal(n_name, strlen(part->name));
    assert_memory_equal(local + 30, part->name, n_name);
    part->extra_id = n_extra ? (unsigned)zip_get(local + 30 + n_name, 2) : 0;
    data = local + 30 + n_name + n_extra;
    if (part->flags & 8) {
        totals = data + part->packed + 4;
        assert_int_equal(zip_get(totals - 4, 4), 0x08074b50);
        assert_int_equal(zip_get(local + 14, 8), 0);
    }
    assert_memory_equal(totals, dir + 16, 12); /* CRC and both sizes. */
    part->data = zip_inflate(data, part->packed, part->n);
    assert_int_equal(crc32(0, (const Bytef *)part->data, (uInt)part->n), zip_get(totals, 4));
}

static inline void zip_parts_load(struct zip_parts *zip, const char *path)
{
    const char *end, *dir;
    struct err err;

    *zip = (struct zip_parts){ 0 };
    assert_true(fs_load(path, (size_t)1 << 30, &zip->file, &zip->file_n, &err));
    assert_true(zip->file_n >= 22);
    end = zip->file + zip->file_n - 22;
    assert_int_equal(zip_get(end, 4), 0x06054b50);
    zip->n = zip_get(end + 10, 2);
    dir = zip->file + zip_get(end + 16, 4);
    if (zip->n == 0xffff) {
        const char *end64 = zip->file + zip_get(end - 20 + 8, 8);

        assert_int_equal(zip_get(end - 20, 4), 0x07064b50);
        assert_int_equal(zip_get(end64, 4), 0x06064b50);
        assert_ptr_equal(end64 + 56, end - 20);
        zip->zip64 = true;
        zip->n = zip_get(end64 + 32, 8);
        assert_ptr_equal(zip->file + zip_get(end64 + 48, 8), dir);
    }
    zip->parts = calloc(zip->n + 1, sizeof *zip->parts);
    assert_non_null(zip->parts);
    for (size_t i = 0; i < zip->n; i++) {
        struct zip_part *part = &zip->parts[i];
        size_t n_name = zip_get(dir + 28, 2);

        assert_int_equal(zip_get(dir, 4), 0x02014b50);
        part->flags = (unsigned)zip_get(dir + 8, 2);
        part->packed = zip_get(dir + 20, 4);
        part->n = zip_get(dir + 24, 4);
        part->offset = zip_get(dir + 42, 4);
        assert_true(n_name < sizeof part->name);
        memcpy(part->name, dir + 46, n_name);
        zip_check_local(zip, part, dir);
        dir += 46 + n_name + zip_get(dir + 30, 2);
    }
    assert_ptr_equal(dir, zip->zip64 ? end - 20 - 56 : end);
}

static inline const struct zip_part *zip_parts_find(const struct zip_parts *zip, const char *name)
{
    for (size_t i = 0; i < zip->n; i++) {
        if (strcmp(zip->parts[i].name, name) == 0)
            return &zip->parts[i];
    }
    return NULL;
}

static inline void zip_parts_free(struct zip_parts *zip)
{
    for (size_t i = 0; i < zip->n; i++)
        free(zip->parts[i].data);
    free(zip->parts);
    free(zip->file);
}

#endif
