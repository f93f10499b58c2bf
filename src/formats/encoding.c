/*
 * A file as a stream of UTF-8, whatever encoding it is in.
 *
 * UTF-8 goes from the file straight into the caller's buffer and is only checked there; a stretch
 * with bad bytes is read once more through a small buffer that replaces them. UTF-16 and
 * Windows-1252 are decoded here; everything else by iconv. All reads are positioned, so a character
 * cut by a buffer's end is simply read again.
 */
#include "formats/encoding_int.h"

#include "base/utf8.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNK = 64 * 1024,
    WIDEST = 4, /* UTF-8 bytes that one character may take. */
    REPLACEMENT = 0xFFFD
};

struct chunk {
    const unsigned char *p;
    size_t n;
    bool last; /* Nothing follows. */
    char *out;
    size_t made; /* Written to out. */
};

/* Decode as much of *c as is whole; returns the bytes consumed. out has room for WIDEST times n. */
typedef size_t decode_fn(struct encoding_reader *r, struct chunk *c);

struct encoding_reader {
    int fd;
    off_t start, offset; /* Of the file: where the text begins, what is consumed. */
    uint64_t made;       /* Decoded bytes handed out. */
    decode_fn *decode;
    bool direct; /* UTF-8, and no bad bytes near: read straight into the caller's buffer. */
    bool utf8, multibyte;
    bool skim, skimmed;
    iconv_t cd; /* (iconv_t)-1: none. */
    uint64_t bad, first_bad;
    uint64_t bad_places[ENCODING_BAD_PLACES];
    unsigned char in[CHUNK];
};

/*
 * What Windows-1252 has at 0x80..0x9F. The five it leaves open are the C1 controls, so that no byte
 * is lost.
 */
static const uint16_t windows_1252[32] = { 0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020,
    0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019,
    0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E,
    0x0178 };

static size_t ascii_prefix(const char *p, size_t n)
{
    size_t i = 0;
    uint64_t v[4];

    for (; n - i >= sizeof v; i += sizeof v) {
        memcpy(v, p + i, sizeof v);
        if ((v[0] | v[1] | v[2] | v[3]) & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < n && !(p[i] & 0x80))
        i++;
    return i;
}

static void put_code(struct chunk *c, uint32_t code)
{
    c->made += utf8_encode(code, c->out + c->made);
}

/* One bad byte (or unit) at byte `i` of the chunk. */
static void put_bad(struct encoding_reader *r, struct chunk *c, size_t i)
{
    if (r->bad == 0)
        r->first_bad = (uint64_t)r->offset + i;
    if (r->bad < ENCODING_BAD_PLACES)
        r->bad_places[r->bad] = r->made + c->made;
    r->bad++;
    put_code(c, REPLACEMENT);
}

/* Is p[0..n) the beginning of a character whose rest is not there? */
static bool is_cut(const unsigned char *p, size_t n)
{
    size_t need = p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC2 ? 2 : 0;
    char probe[4];
    uint32_t code;

    if (p[0] > 0xF4 || n == 0 || n >= need)
        return false;
    /* Valid with the least or the greatest rest it could have? */
    for (int fill = 0x80; fill <= 0xBF; fill += 0x3F) {
        memset(probe, fill, sizeof probe);
        memcpy(probe, p, n);
        if (utf8_decode(probe, need, &code) == need)
            return true;
    }
    return false;
}

static size_t decode_utf8(struct encoding_reader *r, struct chunk *c)
{
    uint64_t bad = r->bad;
    size_t i = 0;

    while (i < c->n) {
        const char *p = (const char *)c->p + i;
        size_t valid = encoding_valid_utf8(p, c->n - i);

        memcpy(c->out + c->made, p, valid);
        r->multibyte |= ascii_prefix(p, valid) < valid;
        c->made += valid;
        i += valid;
        if (i == c->n || (!c->last && is_cut(c->p + i, c->n - i)))
            break;
        put_bad(r, c, i);
        i++;
    }
    r->direct = r->bad == bad;
    return i;
}

static size_t decode_windows_1252(struct encoding_reader *r, struct chunk *c)
{
    size_t i = 0;

    (void)r;
    while (i < c->n) {
        size_t ascii = ascii_prefix((const char *)c->p + i, c->n - i);

        memcpy(c->out + c->made, c->p + i, ascii);
        c->made += ascii;
        i += ascii;
        for (; i < c->n && c->p[i] >= 0x80; i++)
            put_code(c, c->p[i] < 0xA0 ? windows_1252[c->p[i] - 0x80] : c->p[i]);
    }
    return i;
}

static size_t decode_utf16(struct encoding_reader *r, struct chunk *c, int high)
{
    size_t i = 0;

    for (; c->n - i >= 2; i += 2) {
        uint32_t unit = (uint32_t)c->p[i + high] << 8 | c->p[i + !high], next;

        if (unit < 0xD800 || unit > 0xDFFF) {
            put_code(c, unit);
            continue;
        }
        if (unit < 0xDC00 && c->n - i < 4 && !c->last)
            return i;
        next = c->n - i >= 4 ? (uint32_t)c->p[i + 2 + high] << 8 | c->p[i + 2 + !high] : 0;
        if (unit < 0xDC00 && next >= 0xDC00 && next <= 0xDFFF) {
            put_code(c, 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00));
            i += 2;
        } else {
            put_bad(r, c, i);
        }
    }
    if (c->last && i < c->n)
        put_bad(r, c, i++);
    return i;
}

static size_t decode_utf16le(struct encoding_reader *r, struct chunk *c)
{
    return decode_utf16(r, c, 1);
}

static size_t decode_utf16be(struct encoding_reader *r, struct chunk *c)
{
    return decode_utf16(r, c, 0);
}

static size_t decode_iconv(struct encoding_reader *r, struct chunk *c)
{
    char *in = (char *)(uintptr_t)c->p, *out = c->out;
    size_t left = c->n, room = c->n * WIDEST;

    while (left > 0 && iconv(r->cd, &in, &left, &out, &room) == (size_t)-1) {
        if (errno == E2BIG || (errno == EINVAL && !c->last))
            break;
        if (room < 3)
            break;
        c->made = (size_t)(out - c->out);
        put_bad(r, c, c->n - left);
        out = c->out + c->made;
        room -= 3;
        in++;
        left--;
    }
    c->made = (size_t)(out - c->out);
    return c->n - left;
}

static const struct {
    const char *name;
    decode_fn *decode;
} decoders[] = {
    { "UTF-8", decode_utf8 },
    { "WINDOWS-1252", decode_windows_1252 },
    { "UTF-16LE", decode_utf16le },
    { "UTF-16BE", decode_utf16be },
};

bool encoding_reader_open(
    int fd, const char *encoding, struct encoding_reader **out, struct err *err)
{
    const char *name = encoding_find(encoding);
    struct encoding_reader *r;
    off_t start = lseek(fd, 0, SEEK_CUR);

    if (start < 0)
        return err_errno(err, errno, "the file");
    r = calloc(1, sizeof *r);
    if (!r)
        return err_nomem(err);
    r->fd = fd;
    r->start = r->offset = start;
    r->cd = (iconv_t)-1;
    for (size_t i = 0; name && i < ARRAY_LEN(decoders); i++) {
        if (strcmp(name, decoders[i].name) == 0)
            r->decode = decoders[i].decode;
    }
    if (name && !r->decode) {
        r->decode = decode_iconv;
        r->cd = iconv_open("UTF-8", name);
    }
    if (!r->decode || (r->decode == decode_iconv && r->cd == (iconv_t)-1)) {
        free(r);
        return err_argument(err, ERR_ARG, "encoding",
            "'%s' is not an encoding known here; try UTF-8, UTF-16 or Windows-1252", encoding);
    }
    r->utf8 = r->direct = r->decode == decode_utf8;
    *out = r;
    return true;
}

void encoding_reader_close(struct encoding_reader *r)
{
    if (!r)
        return;
    if (r->cd != (iconv_t)-1)
        iconv_close(r->cd);
    free(r);
}

bool encoding_reader_rewind(struct encoding_reader *r, struct err *err)
{
    (void)err;
    r->offset = r->start;
    r->made = 0;
    r->bad = r->first_bad = 0;
    r->multibyte = false;
    r->direct = r->utf8;
    r->skim = r->skimmed = false;
    if (r->cd != (iconv_t)-1)
        iconv(r->cd, NULL, NULL, NULL, NULL);
    return true;
}

/* All that is there, up to size bytes. */
static bool read_at(struct encoding_reader *r, void *p, size_t size, size_t *n, struct err *err)
{
    *n = 0;
    while (*n < size) {
        ssize_t got = pread(r->fd, (char *)p + *n, size - *n, r->offset + (off_t)*n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "the file");
        if (got == 0)
            break;
        *n += (size_t)got;
    }
    return true;
}

/*
 * Straight into the caller's buffer. *n is 0 at the end and where the first byte is bad or a cut
 * character.
 */
static bool read_direct(
    struct encoding_reader *r, char *out, size_t size, size_t *n, struct err *err)
{
    size_t ascii;

    if (!read_at(r, out, size, n, err))
        return false;
    ascii = ascii_prefix(out, *n);
    if (ascii < *n) {
        size_t valid = ascii + encoding_valid_utf8(out + ascii, *n - ascii);

        r->multibyte |= valid > ascii;
        r->direct = valid > 0;
        *n = valid;
    }
    return true;
}

bool encoding_reader_read(
    struct encoding_reader *r, char *out, size_t size, size_t *n, struct err *err)
{
    struct chunk c = { .p = r->in, .out = out };
    size_t room = size / WIDEST, used;

    if (r->utf8 && r->skim && r->multibyte) {
        if (!read_at(r, out, size, n, err))
            return false;
        r->skimmed |= *n > 0;
        r->offset += (off_t)*n;
        r->made += *n;
        return true;
    }
    if (r->direct) {
        if (!read_direct(r, out, size, n, err))
            return false;
        r->offset += (off_t)*n;
        r->made += *n;
        if (*n > 0 || r->direct)
            return true;
    }
    if (room > CHUNK)
        room = CHUNK;
    if (!read_at(r, r->in, room, &c.n, err))
        return false;
    c.last = c.n < room;
    used = r->decode(r, &c);
    if (used == 0 && c.n > 0)
        return err_set(err, ERR_DATA, "the text at byte %llu cannot be decoded",
            (unsigned long long)r->offset);
    r->offset += (off_t)used;
    r->made += c.made;
    *n = c.made;
    return true;
}

void encoding_reader_skim(struct encoding_reader *r)
{
    r->skim = true;
}

bool encoding_reader_skimmed(const struct encoding_reader *r)
{
    return r->skimmed;
}

uint64_t encoding_reader_bad(const struct encoding_reader *r, uint64_t *first_byte)
{
    if (first_byte)
        *first_byte = r->first_bad;
    return r->bad;
}

uint64_t encoding_reader_bad_place(const struct encoding_reader *r, unsigned i)
{
    return i < ENCODING_BAD_PLACES && i < r->bad ? r->bad_places[i] : UINT64_MAX;
}

bool encoding_reader_multibyte(const struct encoding_reader *r)
{
    return r->multibyte;
}

uint64_t encoding_reader_offset(const struct encoding_reader *r)
{
    return (uint64_t)r->offset;
}
