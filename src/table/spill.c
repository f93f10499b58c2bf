/*
 * Batches set aside, in memory and then in an unlinked file, as blocks of one batch each:
 *
 *   block    n_rows, row numbers, column, column, ...
 *   column   cell, cell, ...
 *   cell     tag [format] and, by type:
 *              blank          how many more blanks follow
 *              text, error    length, bytes
 *              number, date   8 bytes, or a varint where the tag says it is whole
 *              boolean        nothing, the tag says it
 *   tag      bits 0-2 type, 3-4 kind, 5 a format follows, 6 whole or true
 *
 * Integers are varints, 7 bits a byte, low bits first. In the file, 8 bytes before each block say
 * its length.
 */

#include "table/spill.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TAG_TYPE = 7,
    TAG_KIND_SHIFT = 3,
    TAG_FORMAT = 1 << 5,
    TAG_WHOLE = 1 << 6,
    VARINT_MAX = 10,
    CELL_MAX = 1 + 3 + VARINT_MAX, /* Tag, format, and the content of anything but text. */
    BLOCK_MAX = 1 << 30
};
#define WHOLE_LIMIT 9007199254740992.0 /* 2^53 */
#define FILE_LABEL "the temporary data"

/* A block kept in memory. */
struct block {
    struct block *next;
    size_t size;
    uint8_t data[];
};

struct spill {
    char *dir;
    uint32_t n_columns;
    size_t memory, held; /* Bytes allowed and used for blocks in memory. */
    uint64_t rows;
    struct block *first, **tail;
    int fd; /* -1: no file yet. */
    uint64_t file_size;
    struct buf encoded; /* The block being written. */
    /* The reader: where it is, and what it lends. */
    const struct block *at_block;
    uint64_t at_file;
    struct buf loaded;
    struct arena arena;
    struct batch *out;
    uint64_t *row_numbers;
};

struct spill *spill_new(const char *dir, uint32_t n_columns, size_t memory)
{
    struct spill *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->fd = -1;
    s->n_columns = n_columns;
    s->memory = memory;
    s->tail = &s->first;
    buf_init(&s->encoded, BLOCK_MAX);
    buf_init(&s->loaded, BLOCK_MAX);
    arena_init(&s->arena, NULL);
    s->dir = strdup(dir);
    if (!s->dir) {
        spill_free(s);
        return NULL;
    }
    return s;
}

void spill_free(struct spill *s)
{
    if (!s)
        return;
    while (s->first) {
        struct block *b = s->first;

        s->first = b->next;
        free(b);
    }
    if (s->fd >= 0)
        close(s->fd); /* Nothing of it is wanted any more. */
    buf_deinit(&s->encoded);
    buf_deinit(&s->loaded);
    arena_deinit(&s->arena);
    free(s->dir);
    free(s);
}

uint64_t spill_rows(const struct spill *s)
{
    return s->rows;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

/* Small numbers of either sign become small ones without. */
static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static uint8_t *put_number(uint8_t *p, uint8_t *tag, double v)
{
    if (fabs(v) < WHOLE_LIMIT && v == (double)(int64_t)v && !(v == 0 && signbit(v))) {
        *tag |= TAG_WHOLE;
        return put_varint(p, zigzag((int64_t)v));
    }
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static uint8_t *put_cell(uint8_t *p, const struct cell *c)
{
    uint8_t *tag = p++;

    *tag = (uint8_t)(c->type | c->kind << TAG_KIND_SHIFT);
    if (c->format) {
        *tag |= TAG_FORMAT;
        p = put_varint(p, c->format);
    }
    switch ((enum cell_type)c->type) {
    case CELL_TEXT:
    case CELL_ERROR:
        p = put_varint(p, c->len);
        memcpy(p, c->text, c->len);
        return p + c->len;
    case CELL_NUMBER:
    case CELL_DATE:
        return put_number(p, tag, c->number);
    case CELL_BOOL:
        if (c->number != 0)
            *tag |= TAG_WHOLE;
        return p;
    case CELL_BLANK:
        break;
    }
    return p;
}

static bool plain_blank(const struct cell *c)
{
    return c->type == CELL_BLANK && c->format == 0;
}

static bool encode_column(struct buf *out, const struct cell *cells, uint32_t n)
{
    size_t size = (size_t)n * CELL_MAX;
    uint8_t *start, *p;

    for (uint32_t i = 0; i < n; i++)
        size += cell_has_text(cells[i]) ? cells[i].len : 0;
    start = p = (uint8_t *)buf_reserve(out, size);
    if (!p)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        p = put_cell(p, &cells[i]);
        if (cells[i].type == CELL_BLANK) {
            uint32_t run = 0;

            while (plain_blank(&cells[i]) && i + run + 1 < n && plain_blank(&cells[i + run + 1]))
                run++;
            p = put_varint(p, run);
            i += run;
        }
    }
    out->len += (size_t)(p - start);
    return true;
}

static bool encode_batch(struct buf *out, const struct batch *b)
{
    uint8_t *start, *p;
    uint64_t before = 0;

    buf_reset(out);
    start = p = (uint8_t *)buf_reserve(out, (size_t)(b->n_rows + 2) * VARINT_MAX + 1);
    if (!p)
        return false;
    p = put_varint(p, b->n_rows);
    *p++ = b->rows != NULL;
    if (!b->rows)
        p = put_varint(p, b->first_row);
    for (uint32_t i = 0; b->rows && i < b->n_rows; i++) {
        p = put_varint(p, zigzag((int64_t)(b->rows[i] - before)));
        before = b->rows[i];
    }
    out->len += (size_t)(p - start);
    for (uint32_t c = 0; c < b->n_columns; c++) {
        if (!encode_column(out, b->columns[c], b->n_rows))
            return false;
    }
    return true;
}

static bool keep_block(struct spill *s, const struct buf *data, struct err *err)
{
    struct block *b = malloc(sizeof *b + data->len);

    if (!b)
        return err_nomem(err);
    b->next = NULL;
    b->size = data->len;
    memcpy(b->data, data->data, data->len);
    *s->tail = b;
    s->tail = &b->next;
    s->held += b->size;
    return true;
}

/* A file without a name; where the file system has none of those, one that loses it at once. */
static bool open_file(struct spill *s, struct err *err)
{
    struct buf path;

    s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd >= 0)
        return true;
    buf_init(&path, PATH_MAX);
    buf_addf(&path, "%s/spill-XXXXXX", s->dir);
    errno = ENAMETOOLONG;
    s->fd = path.failed ? -1 : mkostemp(path.data, O_CLOEXEC);
    if (s->fd >= 0)
        unlink(path.data);
    else if (errno == ENOENT)
        err_set(err, ERR_CREATE, "the folder for temporary data does not exist");
    else
        err_errno(err, errno, FILE_LABEL);
    buf_deinit(&path);
    return s->fd >= 0;
}

static bool write_all(int fd, const void *data, size_t n, uint64_t offset, struct err *err)
{
    const char *p = data;

    while (n > 0) {
        ssize_t got = pwrite(fd, p, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, FILE_LABEL);
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t n, uint64_t offset, struct err *err)
{
    char *p = data;

    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, FILE_LABEL);
        if (got == 0)
            return err_set(err, ERR_IO, "%s ends too early", FILE_LABEL);
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static bool write_block(struct spill *s, const struct buf *data, struct err *err)
{
    uint64_t size = data->len;

    if (s->fd < 0 && !open_file(s, err))
        return false;
    if (!write_all(s->fd, &size, sizeof size, s->file_size, err) ||
        !write_all(s->fd, data->data, data->len, s->file_size + sizeof size, err))
        return false;
    s->file_size += sizeof size + size;
    return true;
}

bool spill_write(struct spill *s, const struct batch *b, struct err *err)
{
    if (b->n_columns != s->n_columns || b->n_rows > BATCH_ROWS)
        return err_set(err, ERR_INTERNAL,
            "a batch of %u columns and %u rows is put beside one of %u", b->n_columns, b->n_rows,
            s->n_columns);
    if (b->n_rows == 0)
        return true;
    if (!encode_batch(&s->encoded, b))
        return buf_ok(&s->encoded, "a group of rows", err);
    if (s->fd < 0 && s->encoded.len <= s->memory - s->held) {
        if (!keep_block(s, &s->encoded, err))
            return false;
    } else if (!write_block(s, &s->encoded, err)) {
        return false;
    }
    s->rows += b->n_rows;
    return true;
}

bool spill_rewind(struct spill *s, struct err *err)
{
    if (!s->out) {
        s->out = batch_new(&s->arena, s->n_columns);
        s->row_numbers = batch_new_rows(&s->arena);
        if (!s->out || !s->row_numbers) {
            s->out = NULL;
            return err_nomem(err);
        }
    }
    s->at_block = s->first;
    s->at_file = 0;
    return true;
}

/* What is still to be decoded; p is NULL once something did not fit. */
struct cursor {
    const uint8_t *p, *end;
};

static uint64_t get_varint(struct cursor *in)
{
    uint64_t v = 0;

    for (unsigned shift = 0; in->p && in->p < in->end && shift < 64; shift += 7) {
        uint8_t byte = *in->p++;

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    in->p = NULL;
    return 0;
}

static const void *get_bytes(struct cursor *in, size_t n)
{
    const uint8_t *p = in->p;

    if (!p || (size_t)(in->end - p) < n) {
        in->p = NULL;
        return NULL;
    }
    in->p += n;
    return p;
}

static void get_number(struct cursor *in, bool whole, double *out)
{
    const void *bytes;

    if (whole) {
        *out = (double)unzigzag(get_varint(in));
        return;
    }
    bytes = get_bytes(in, sizeof *out);
    if (bytes)
        memcpy(out, bytes, sizeof *out);
}

/* One cell, and how many blanks like it follow. */
static uint32_t get_cell(struct cursor *in, struct cell *c)
{
    const uint8_t *tag = get_bytes(in, 1);

    *c = cell_blank();
    if (!tag)
        return 0;
    c->type = *tag & TAG_TYPE;
    c->kind = *tag >> TAG_KIND_SHIFT & 3;
    if (*tag & TAG_FORMAT)
        c->format = (uint16_t)get_varint(in);
    switch ((enum cell_type)c->type) {
    case CELL_TEXT:
    case CELL_ERROR:
        c->len = (uint32_t)get_varint(in);
        c->text = get_bytes(in, c->len);
        return 0;
    case CELL_NUMBER:
    case CELL_DATE:
        get_number(in, *tag & TAG_WHOLE, &c->number);
        return 0;
    case CELL_BOOL:
        c->number = (*tag & TAG_WHOLE) != 0;
        return 0;
    case CELL_BLANK:
        return (uint32_t)get_varint(in);
    }
    in->p = NULL; /* No such type. */
    return 0;
}

static void decode_column(struct cursor *in, struct cell *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n && in->p; i++) {
        uint32_t run = get_cell(in, &cells[i]);

        if (run > n - i - 1) {
            in->p = NULL;
            return;
        }
        for (; run > 0; run--, i++)
            cells[i + 1] = cells[i];
    }
}

static bool decode_batch(struct spill *s, const uint8_t *data, size_t size, struct err *err)
{
    struct cursor in = { data, data + size };
    struct batch *b = s->out;
    uint64_t n = get_varint(&in), before = 0;
    const uint8_t *has_rows = get_bytes(&in, 1);

    if (!has_rows || n > BATCH_ROWS)
        goto damaged;
    b->n_rows = (uint32_t)n;
    b->rows = *has_rows ? s->row_numbers : NULL;
    b->first_row = *has_rows ? 0 : get_varint(&in);
    for (uint32_t i = 0; b->rows && i < b->n_rows; i++) {
        before += (uint64_t)unzigzag(get_varint(&in));
        s->row_numbers[i] = before;
    }
    for (uint32_t c = 0; c < b->n_columns; c++)
        decode_column(&in, b->columns[c], b->n_rows);
    if (in.p == in.end)
        return true;
damaged:
    return err_set(err, ERR_IO, "%s cannot be read back", FILE_LABEL);
}

bool spill_next(struct spill *s, const struct batch **out, struct err *err)
{
    uint64_t size;
    char *room;

    if (s->at_block) {
        const struct block *b = s->at_block;

        if (!decode_batch(s, b->data, b->size, err))
            return false;
        s->at_block = b->next;
        *out = s->out;
        return true;
    }
    if (s->at_file >= s->file_size) {
        *out = NULL;
        return true;
    }
    if (!read_all(s->fd, &size, sizeof size, s->at_file, err))
        return false;
    buf_reset(&s->loaded);
    room = buf_reserve(&s->loaded, size);
    if (!room)
        return buf_ok(&s->loaded, "a group of rows", err);
    if (!read_all(s->fd, room, size, s->at_file + sizeof size, err) ||
        !decode_batch(s, (const uint8_t *)room, size, err))
        return false;
    s->at_file += sizeof size + size;
    *out = s->out;
    return true;
}
