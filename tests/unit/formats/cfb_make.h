/*
 * Compound files and old workbooks made to order for tests.
 *
 * Sectors in this order: directory, mini FAT, mini stream, large streams, FAT, DIFAT.
 */
#ifndef TESTS_CFB_MAKE_H
#define TESTS_CFB_MAKE_H

#include "base/buf.h"

#include <string.h>

enum { CFB_MAKE_CUTOFF = 4096, CFB_MAKE_HEAD_FATS = 109 };
#define CFB_MAKE_END UINT32_C(0xFFFFFFFE)
#define CFB_MAKE_FREE UINT32_C(0xFFFFFFFF)

struct cfb_make_stream {
    const char *name; /* ASCII; NULL ends the list. */
    const void *p;
    size_t n;
};

static inline void cfb_make_16(struct buf *out, unsigned v)
{
    buf_addc(out, (char)(v & 0xFF));
    buf_addc(out, (char)(v >> 8));
}

static inline void cfb_make_32(struct buf *out, uint32_t v)
{
    cfb_make_16(out, v & 0xFFFF);
    cfb_make_16(out, v >> 16);
}

static inline void cfb_make_pad(struct buf *out, size_t to, char with)
{
    while (out->len % to && !out->failed)
        buf_addc(out, with);
}

static inline void cfb_make_entry(struct buf *out, const char *name, unsigned type, uint32_t left,
    uint32_t right, uint32_t child, uint32_t start, size_t size)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < 32; i++)
        cfb_make_16(out, i < n ? (unsigned char)name[i] : 0);
    cfb_make_16(out, n ? (unsigned)(2 * (n + 1)) : 0);
    buf_addc(out, (char)type);
    buf_addc(out, 1);
    cfb_make_32(out, left);
    cfb_make_32(out, right);
    cfb_make_32(out, child);
    for (size_t i = 0; i < 36; i++)
        buf_addc(out, 0);
    cfb_make_32(out, start);
    cfb_make_32(out, (uint32_t)size);
    cfb_make_32(out, 0);
}

/* `count` sectors from `first` on as one chain. */
static inline void cfb_make_chain(struct buf *fat, uint32_t first, size_t count)
{
    for (size_t i = 1; i <= count; i++)
        cfb_make_32(fat, i < count ? first + (uint32_t)i : CFB_MAKE_END);
}

/* Append a compound file of these streams to `out`, which must be empty; shift is 9 or 12. */
static inline void cfb_make(struct buf *out, const struct cfb_make_stream *streams, unsigned shift)
{
    size_t size = (size_t)1 << shift, per = size / 4, n = 0, data, n_fat, n_difat = 0;
    struct buf directory, mini_fat, mini, large, fat;
    uint32_t at, first_mini_fat, first_mini;

    buf_init(&directory, 1 << 24);
    buf_init(&mini_fat, 1 << 24);
    buf_init(&mini, 1 << 24);
    buf_init(&large, 1 << 28);
    buf_init(&fat, 1 << 24);
    while (streams[n].name)
        n++;
    for (size_t i = 0; i < n; i++) {
        if (streams[i].n >= CFB_MAKE_CUTOFF)
            continue;
        cfb_make_chain(&mini_fat, (uint32_t)(mini.len / 64), (streams[i].n + 63) / 64);
        buf_add(&mini, streams[i].p, streams[i].n);
        cfb_make_pad(&mini, 64, 0);
    }
    first_mini_fat = (uint32_t)(((n + 1) * 128 + size - 1) / size);
    cfb_make_pad(&mini_fat, size, '\xFF');
    first_mini = first_mini_fat + (uint32_t)(mini_fat.len / size);
    at = first_mini + (uint32_t)((mini.len + size - 1) / size);
    cfb_make_chain(&fat, 0, first_mini_fat);
    cfb_make_chain(&fat, first_mini_fat, first_mini - first_mini_fat);
    cfb_make_chain(&fat, first_mini, at - first_mini);
    cfb_make_entry(&directory, "Root Entry", 5, CFB_MAKE_FREE, CFB_MAKE_FREE, n ? 1 : CFB_MAKE_FREE,
        mini.len ? first_mini : CFB_MAKE_END, mini.len);
    for (size_t i = 0, m = 0; i < n; i++) {
        bool small = streams[i].n < CFB_MAKE_CUTOFF;
        size_t sectors = (streams[i].n + (small ? 63 : size - 1)) / (small ? 64 : size);

        cfb_make_entry(&directory, streams[i].name, 2, CFB_MAKE_FREE,
            i + 1 < n ? (uint32_t)i + 2 : CFB_MAKE_FREE, CFB_MAKE_FREE, small ? (uint32_t)m : at,
            streams[i].n);
        if (small) {
            m += sectors;
        } else {
            cfb_make_chain(&fat, at, sectors);
            buf_add(&large, streams[i].p, streams[i].n);
            cfb_make_pad(&large, size, 0);
            at += (uint32_t)sectors;
        }
    }
    cfb_make_pad(&directory, size, 0);
    cfb_make_pad(&mini, size, 0);
    data = fat.len / 4;
    for (n_fat = 1;; n_fat++) {
        n_difat =
            n_fat > CFB_MAKE_HEAD_FATS ? (n_fat - CFB_MAKE_HEAD_FATS + per - 2) / (per - 1) : 0;
        if (n_fat * per >= data + n_fat + n_difat)
            break;
    }
    for (size_t i = 0; i < n_fat + n_difat; i++)
        cfb_make_32(&fat, i < n_fat ? 0xFFFFFFFD : 0xFFFFFFFC);
    cfb_make_pad(&fat, size, '\xFF');

    buf_add(out, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3E\0", 26);
    cfb_make_16(out, shift == 9 ? 3 : 4);
    cfb_make_16(out, 0xFFFE);
    cfb_make_16(out, shift);
    cfb_make_16(out, 6);
    buf_add(out, "\0\0\0\0\0\0", 6);
    cfb_make_32(out, shift == 9 ? 0 : first_mini_fat);
    cfb_make_32(out, (uint32_t)n_fat);
    cfb_make_32(out, 0); /* The directory is first. */
    cfb_make_32(out, 0);
    cfb_make_32(out, CFB_MAKE_CUTOFF);
    cfb_make_32(out, mini_fat.len ? first_mini_fat : CFB_MAKE_END);
    cfb_make_32(out, (uint32_t)(mini_fat.len / size));
    cfb_make_32(out, n_difat ? (uint32_t)(data + n_fat) : CFB_MAKE_END);
    cfb_make_32(out, (uint32_t)n_difat);
    for (size_t i = 0; i < CFB_MAKE_HEAD_FATS; i++)
        cfb_make_32(out, i < n_fat ? (uint32_t)(data + i) : CFB_MAKE_FREE);
    cfb_make_pad(out, size, 0);
    buf_add(out, directory.data, directory.len);
    buf_add(out, mini_fat.data, mini_fat.len);
    buf_add(out, mini.data, mini.len);
    buf_add(out, large.data, large.len);
    buf_add(out, fat.data, fat.len);
    for (size_t d = 0, i = CFB_MAKE_HEAD_FATS; d < n_difat; d++) {
        for (size_t k = 0; k + 1 < per; k++, i++)
            cfb_make_32(out, i < n_fat ? (uint32_t)(data + i) : CFB_MAKE_FREE);
        cfb_make_32(out, d + 1 < n_difat ? (uint32_t)(data + n_fat + d + 1) : CFB_MAKE_END);
    }
    buf_deinit(&directory);
    buf_deinit(&mini_fat);
    buf_deinit(&mini);
    buf_deinit(&large);
    buf_deinit(&fat);
}

#endif
