#ifndef FORMATS_ZIP_READ_INT_H
#define FORMATS_ZIP_READ_INT_H

/* What zip_read.c and zip_stream.c share. */

#include "formats/zip_read.h"

enum { ZIP_LOCAL_SIZE = 30 };

struct zip_reader {
    int fd;
    const char *label;
    struct budget *budget;
    struct warnings *warnings;
    uint64_t file_size;
    struct arena arena;
    struct zip_entry *entries;
    size_t n;
};

/* All of out[0..n) from `offset` of the file, or an error. */
bool zip_pread(
    struct zip_reader *zip, void *out, size_t n, uint64_t offset, struct err *err) MUST_CHECK;

static inline uint16_t zip_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t zip_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t zip_u64(const uint8_t *p)
{
    return zip_u32(p) | (uint64_t)zip_u32(p + 4) << 32;
}

#endif
