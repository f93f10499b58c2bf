/*
 * Zip packages made to order for tests: right ones, and wrong in one chosen place.
 */
#ifndef TESTS_ZIP_MAKE_H
#define TESTS_ZIP_MAKE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

struct zip_made {
    char name[300];
    size_t name_len; /* 0: strlen(name). */
    uint64_t offset, packed, size;
    uint32_t crc;
    uint16_t method, flags;
};

struct zip_make {
    uint8_t *data;
    size_t len, cap;
    struct zip_made *entries; /* May be changed until zip_make_end(). */
    size_t n, room;
    bool descriptors; /* Sizes and CRC stand behind the data, not in the local header. */
    bool zip64;       /* All that can stand in zip64 records does. */
    const char *comment;
};

static inline void zip_make_put(struct zip_make *z, const void *p, size_t n)
{
    if (z->len + n > z->cap) {
        z->cap = (z->len + n) * 2;
        z->data = realloc(z->data, z->cap);
        assert(z->data);
    }
    if (n)
        memcpy(z->data + z->len, p, n);
    z->len += n;
}

static inline void zip_make_int(struct zip_make *z, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t b = (uint8_t)(v >> (8 * i));

        zip_make_put(z, &b, 1);
    }
}

static inline void zip_make_local(struct zip_make *z, struct zip_made *e)
{
    bool later = z->descriptors;
    size_t n = e->name_len ? e->name_len : strlen(e->name);

    e->offset = z->len;
    zip_make_int(z, 0x04034b50, 4);
    zip_make_int(z, 20, 2);
    zip_make_int(z, e->flags, 2);
    zip_make_int(z, e->method, 2);
    zip_make_int(z, 0x21 << 16, 4);
    zip_make_int(z, later ? 0 : e->crc, 4);
    zip_make_int(z, later ? 0 : e->packed, 4);
    zip_make_int(z, later ? 0 : e->size, 4);
    zip_make_int(z, n, 2);
    zip_make_int(z, 0, 2);
    zip_make_put(z, e->name, n);
}

/* method 0 or 8; the entry is z->entries[z->n - 1] afterwards. */
static inline struct zip_made *zip_make_add(
    struct zip_make *z, const char *name, const void *p, size_t n, int method)
{
    struct zip_made *e;
    uint8_t *packed = NULL;
    size_t packed_len = n;

    if (z->n == z->room) {
        z->room = z->room ? z->room * 2 : 16;
        z->entries = realloc(z->entries, z->room * sizeof *z->entries);
        assert(z->entries);
    }
    e = &z->entries[z->n++];
    *e = (struct zip_made){ .size = n,
        .method = (uint16_t)method,
        .flags = z->descriptors ? 8 : 0,
        .crc = (uint32_t)crc32(0, p, (uInt)n) };
    strncpy(e->name, name, sizeof e->name - 1);
    if (method == 8) {
        z_stream s = { .next_in = (Bytef *)(uintptr_t)p, .avail_in = (uInt)n };
        int ret = deflateInit2(&s, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);

        assert(ret == Z_OK);
        packed_len = deflateBound(&s, (uLong)n);
        packed = malloc(packed_len);
        assert(packed);
        s.next_out = packed;
        s.avail_out = (uInt)packed_len;
        ret = deflate(&s, Z_FINISH);
        assert(ret == Z_STREAM_END);
        packed_len = s.total_out;
        deflateEnd(&s);
    }
    e->packed = packed_len;
    zip_make_local(z, e);
    zip_make_put(z, packed ? packed : p, packed_len);
    if (z->descriptors) {
        zip_make_int(z, 0x08074b50, 4);
        zip_make_int(z, e->crc, 4);
        zip_make_int(z, e->packed, 4);
        zip_make_int(z, e->size, 4);
    }
    free(packed);
    return e;
}

static inline void zip_make_central(struct zip_make *z, const struct zip_made *e)
{
    size_t n = e->name_len ? e->name_len : strlen(e->name);

    zip_make_int(z, 0x02014b50, 4);
    zip_make_int(z, 20 | 20 << 16, 4);
    zip_make_int(z, e->flags, 2);
    zip_make_int(z, e->method, 2);
    zip_make_int(z, 0x21 << 16, 4);
    zip_make_int(z, e->crc, 4);
    zip_make_int(z, z->zip64 ? UINT32_MAX : e->packed, 4);
    zip_make_int(z, z->zip64 ? UINT32_MAX : e->size, 4);
    zip_make_int(z, n, 2);
    zip_make_int(z, z->zip64 ? 28 : 0, 2);
    zip_make_int(z, 0, 2);
    zip_make_int(z, 0, 8);
    zip_make_int(z, z->zip64 ? UINT32_MAX : e->offset, 4);
    zip_make_put(z, e->name, n);
    if (z->zip64) {
        zip_make_int(z, 1, 2);
        zip_make_int(z, 24, 2);
        zip_make_int(z, e->size, 8);
        zip_make_int(z, e->packed, 8);
        zip_make_int(z, e->offset, 8);
    }
}

/* The central directory and the end record. */
static inline void zip_make_end(struct zip_make *z)
{
    size_t start = z->len, size, end64;
    const char *comment = z->comment ? z->comment : "";

    for (size_t i = 0; i < z->n; i++)
        zip_make_central(z, &z->entries[i]);
    size = z->len - start;
    end64 = z->len;
    if (z->zip64) {
        zip_make_int(z, 0x06064b50, 4);
        zip_make_int(z, 44, 8);
        zip_make_int(z, 45 | 45 << 16, 4);
        zip_make_int(z, 0, 8);
        zip_make_int(z, z->n, 8);
        zip_make_int(z, z->n, 8);
        zip_make_int(z, size, 8);
        zip_make_int(z, start, 8);
        zip_make_int(z, 0x07064b50, 4);
        zip_make_int(z, 0, 4);
        zip_make_int(z, end64, 8);
        zip_make_int(z, 1, 4);
    }
    zip_make_int(z, 0x06054b50, 4);
    zip_make_int(z, 0, 4);
    zip_make_int(z, z->zip64 ? 0xffff : z->n & 0xffff, 2);
    zip_make_int(z, z->zip64 ? 0xffff : z->n & 0xffff, 2);
    zip_make_int(z, z->zip64 ? UINT32_MAX : size, 4);
    zip_make_int(z, z->zip64 ? UINT32_MAX : start, 4);
    zip_make_int(z, strlen(comment), 2);
    zip_make_put(z, comment, strlen(comment));
}

static inline void zip_make_free(struct zip_make *z)
{
    free(z->data);
    free(z->entries);
    *z = (struct zip_make){ .data = NULL };
}

/* An unnamed file in memory with these bytes. */
static inline int zip_make_file(const void *p, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    const char *at = p;

    assert(fd >= 0);
    while (n > 0) {
        ssize_t done = write(fd, at, n);

        assert(done > 0);
        at += done;
        n -= (size_t)done;
    }
    return fd;
}

#endif
