/*
 * Zip packages in: one entry as a stream of bytes.
 *
 * Deflate goes through ISA-L, which is two to three times faster than zlib. A stream that ISA-L
 * refuses is read again from its start by zlib, skipping what was already given, so that only
 * streams that both refuse are called damaged. ISA-L in turn accepts streams that zlib refuses: the
 * exact size and the CRC-32 are therefore always checked.
 */
#include "formats/zip_ahead.h"
#include "formats/zip_read_int.h"

#include <inttypes.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { PACKED_CHUNK = 64 << 10, METHOD_STORED = 0, METHOD_DEFLATE = 8, FLAG_ENCRYPTED = 1 };

enum engine { ENGINE_STORED, ENGINE_ISAL, ENGINE_ZLIB };

struct zip_stream {
    struct zip_reader *zip;
    const struct zip_entry *entry;
    uint64_t start;         /* Where the packed data begins in the file. */
    _Atomic uint64_t taken; /* Packed bytes read from the file. */
    uint64_t given;         /* Bytes handed out. */
    uint32_t crc;           /* Of the bytes handed out. */
    bool done;              /* All was given and found right. */
    enum engine engine;
    bool zlib_ready;
    struct zip_ahead *ahead; /* NULL: bytes are unpacked when they are asked for. */
    struct inflate_state isal;
    z_stream z;
    uint8_t in[PACKED_CHUNK];
};

static bool part_error(const struct zip_stream *s, const char *what, struct err *err)
{
    return err_set(err, ERR_DATA,
        "'%s' is damaged: %s in its part %s. Open it in Excel, save it again and upload that file",
        s->zip->label, what, s->entry->name);
}

static const char *method_name(unsigned method)
{
    static const struct {
        unsigned method;
        const char *name;
    } names[] = { { 9, "deflate64" }, { 12, "bzip2" }, { 14, "LZMA" }, { 93, "Zstandard" },
        { 95, "XZ" }, { 98, "PPMd" }, { 99, "AES encryption" } };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].method == method)
            return names[i].name;
    }
    return NULL;
}

static bool check_entry(const struct zip_reader *zip, const struct zip_entry *e, struct err *err)
{
    char unnamed[32];
    const char *method = method_name(e->method);

    if (e->flags & FLAG_ENCRYPTED)
        return err_set(err, ERR_DATA,
            "'%s' is encrypted (its part %s is): save it without a password and upload that",
            zip->label, e->name);
    if (e->method != METHOD_STORED && e->method != METHOD_DEFLATE) {
        snprintf(unnamed, sizeof unnamed, "method %u", e->method);
        return err_set(err, ERR_DATA,
            "'%s': its part %s is packed with %s, which spreadsheet programs do not use; save the "
            "file again in Excel",
            zip->label, e->name, method ? method : unnamed);
    }
    if (e->size > ZIP_FREE_BYTES && (e->size - ZIP_FREE_BYTES) / ZIP_MAX_RATIO > e->packed)
        return err_set(err, ERR_TOO_LARGE,
            "'%s': its part %s would unpack from %" PRIu64 " to %" PRIu64
            " bytes; more than %d MiB and %d times the packed size is refused",
            zip->label, e->name, e->packed, e->size, ZIP_FREE_BYTES >> 20, ZIP_MAX_RATIO);
    if (e->method == METHOD_STORED && e->size != e->packed)
        return err_set(
            err, ERR_DATA, "'%s' is damaged: two sizes of its part %s differ", zip->label, e->name);
    return true;
}

/* The local header must agree with the directory; its own sizes may be missing and are not used. */
static bool find_data(struct zip_stream *s, struct err *err)
{
    const struct zip_entry *e = s->entry;
    uint8_t head[ZIP_LOCAL_SIZE] = { 0 };
    uint64_t skip;

    if (!zip_pread(s->zip, head, sizeof head, e->offset, err))
        return false;
    if (zip_u32(head) != 0x04034b50 || zip_u16(head + 8) != e->method ||
        zip_u16(head + 26) != e->raw_name)
        return part_error(s, "the headers disagree", err);
    skip = ZIP_LOCAL_SIZE + (uint64_t)zip_u16(head + 26) + zip_u16(head + 28);
    if (e->offset + skip > s->zip->file_size || e->packed > s->zip->file_size - e->offset - skip)
        return part_error(s, "data are missing", err);
    s->start = e->offset + skip;
    return true;
}

static void restart(struct zip_stream *s)
{
    s->taken = 0;
    if (s->engine == ENGINE_ISAL) {
        isal_inflate_init(&s->isal);
        s->isal.avail_in = 0;
        s->isal.next_in = s->in;
        s->isal.crc_flag = ISAL_DEFLATE;
    }
}

bool zip_stream_open(
    struct zip_reader *zip, const struct zip_entry *entry, struct zip_stream **out, struct err *err)
{
    struct zip_stream *s;

    if (!check_entry(zip, entry, err))
        return false;
    if (!budget_take(zip->budget, sizeof *s))
        return err_set(
            err, ERR_BUDGET, "'%s': the memory limit is too low to unpack it", zip->label);
    s = malloc(sizeof *s);
    if (!s) {
        budget_give(zip->budget, sizeof *s);
        return err_nomem(err);
    }
    s->zip = zip;
    s->entry = entry;
    s->given = 0;
    s->crc = 0;
    s->done = false;
    s->zlib_ready = false;
    s->ahead = NULL;
    s->engine = entry->method == METHOD_DEFLATE ? ENGINE_ISAL : ENGINE_STORED;
    if (!find_data(s, err)) {
        zip_stream_close(s);
        return false;
    }
    restart(s);
    *out = s;
    return true;
}

void zip_stream_close(struct zip_stream *s)
{
    if (!s)
        return;
    zip_ahead_stop(s->ahead);
    if (s->zlib_ready)
        inflateEnd(&s->z);
    budget_give(s->zip->budget, sizeof *s);
    free(s);
}

bool zip_stream_rewind(struct zip_stream *s, struct err *err)
{
    zip_ahead_stop(s->ahead);
    s->ahead = NULL;
    s->given = 0;
    s->crc = 0;
    s->done = false;
    if (s->engine == ENGINE_ZLIB && inflateReset(&s->z) != Z_OK)
        return err_set(err, ERR_INTERNAL, "the decompressor cannot be started again");
    if (s->engine == ENGINE_ZLIB)
        s->z.avail_in = 0;
    restart(s);
    return true;
}

/* The next packed bytes into s->in; *n is 0 when there are no more. */
static bool take(struct zip_stream *s, uint32_t *n, struct err *err)
{
    uint64_t left = s->entry->packed - s->taken;
    size_t want = left < PACKED_CHUNK ? (size_t)left : PACKED_CHUNK;

    *n = 0;
    if (want == 0)
        return true;
    if (!zip_pread(s->zip, s->in, want, s->start + s->taken, err))
        return false;
    s->taken += want;
    *n = (uint32_t)want;
    return true;
}

static bool read_stored(struct zip_stream *s, void *out, size_t size, size_t *n, struct err *err)
{
    uint64_t left = s->entry->packed - s->taken;
    size_t want = left < size ? (size_t)left : size;

    if (want > 0 && !zip_pread(s->zip, out, want, s->start + s->taken, err))
        return false;
    s->taken += want;
    *n = want;
    return true;
}

/* As read_zlib(); *refused asks for zlib instead. */
static bool read_isal(
    struct zip_stream *s, void *out, size_t size, size_t *n, bool *refused, struct err *err)
{
    struct inflate_state *st = &s->isal;

    st->next_out = out;
    st->avail_out = (uint32_t)size;
    while (st->avail_out > 0 && st->block_state != ISAL_BLOCK_FINISH) {
        uint32_t in_before, out_before = st->avail_out;
        uint32_t more;

        if (st->avail_in == 0) {
            if (!take(s, &more, err))
                return false;
            st->next_in = s->in;
            st->avail_in = more;
        }
        in_before = st->avail_in;
        if (isal_inflate(st) < 0) {
            *refused = true;
            return true;
        }
        if (st->avail_in == in_before && st->avail_out == out_before &&
            st->block_state != ISAL_BLOCK_FINISH) {
            *refused = true; /* No progress: the data end too early, or worse. */
            return true;
        }
    }
    *n = size - st->avail_out;
    return true;
}

static bool read_zlib(struct zip_stream *s, void *out, size_t size, size_t *n, struct err *err)
{
    uint32_t more;
    int ret = Z_OK;

    s->z.next_out = out;
    s->z.avail_out = (uInt)size;
    while (s->z.avail_out > 0 && ret != Z_STREAM_END) {
        if (s->z.avail_in == 0) {
            if (!take(s, &more, err))
                return false;
            s->z.next_in = s->in;
            s->z.avail_in = more;
        }
        ret = inflate(&s->z, Z_NO_FLUSH);
        if (ret != Z_OK && ret != Z_STREAM_END)
            return part_error(s, "the packed data cannot be read", err);
    }
    *n = size - s->z.avail_out;
    return true;
}

/* Go on with zlib behind the bytes already given. */
static bool switch_to_zlib(struct zip_stream *s, struct err *err)
{
    uint64_t skip = s->given;
    uint8_t scratch[16 << 10];

    s->z = (z_stream){ .next_in = Z_NULL };
    if (inflateInit2(&s->z, -MAX_WBITS) != Z_OK)
        return err_nomem(err);
    s->zlib_ready = true;
    s->engine = ENGINE_ZLIB;
    s->taken = 0;
    while (skip > 0) {
        size_t n = 0, want = skip < sizeof scratch ? (size_t)skip : sizeof scratch;

        if (!read_zlib(s, scratch, want, &n, err))
            return false;
        if (n == 0)
            return part_error(s, "the packed data cannot be read", err);
        skip -= n;
    }
    return true;
}

static bool unpack(struct zip_stream *s, void *out, size_t size, size_t *n, struct err *err)
{
    bool refused = false;

    if (s->engine == ENGINE_STORED)
        return read_stored(s, out, size, n, err);
    if (s->engine == ENGINE_ISAL) {
        if (!read_isal(s, out, size, n, &refused, err))
            return false;
        if (!refused)
            return true;
        if (!switch_to_zlib(s, err))
            return false;
    }
    return read_zlib(s, out, size, n, err);
}

static bool read_checked(void *arg, void *out, size_t size, size_t *n, struct err *err)
{
    struct zip_stream *s = arg;
    size_t got = 0;
    uint8_t beyond;

    *n = 0;
    if (s->done)
        return true;
    if (size > UINT32_MAX)
        size = UINT32_MAX;
    if (!unpack(s, out, size, &got, err))
        return false;
    if (got > s->entry->size - s->given)
        return part_error(s, "there are more data than declared", err);
    s->crc = crc32_gzip_refl(s->crc, out, got);
    s->given += got;
    if (s->given == s->entry->size) {
        size_t more = 0;

        if (s->engine != ENGINE_STORED && !unpack(s, &beyond, 1, &more, err))
            return false;
        if (more > 0)
            return part_error(s, "there are more data than declared", err);
        if (s->crc != s->entry->crc)
            return part_error(s, "the checksum is wrong", err);
        s->done = true;
    } else if (got == 0) {
        return part_error(s, "data are missing", err);
    }
    *n = got;
    return true;
}

bool zip_stream_read(struct zip_stream *s, void *out, size_t size, size_t *n, struct err *err)
{
    if (s->ahead)
        return zip_ahead_read(s->ahead, out, size, n, err);
    return read_checked(s, out, size, n, err);
}

bool zip_stream_lends(const struct zip_stream *s)
{
    return s->ahead;
}

bool zip_stream_lend(
    struct zip_stream *s, const char *tail, size_t n_tail, char **p, size_t *n, struct err *err)
{
    return zip_ahead_lend(s->ahead, tail, n_tail, p, n, err);
}

void zip_stream_ahead(struct zip_stream *s)
{
    if (!s->ahead && !s->done && s->entry->size - s->given > ZIP_AHEAD_MIN)
        s->ahead = zip_ahead_start(read_checked, s, s->zip->budget);
}

const struct zip_entry *zip_stream_entry(const struct zip_stream *s)
{
    return s->entry;
}

uint64_t zip_stream_packed_done(const struct zip_stream *s)
{
    return s->taken;
}
