/*
 * Batches set aside, in memory and then in an unlinked file, as blocks of one batch each:
 *
 *   block    n_rows, row numbers, column, column, ...
 *   column   cell, cell, ...
 *   cell     see spill_code.h
 *
 * In the file, 8 bytes before each block say its length.
 */

#include "table/spill.h"

#include "base/buf.h"
#include "table/spill_code.h"
#include "table/spill_file.h"

#include <stdlib.h>
#include <unistd.h>

enum { BLOCK_MAX = 1 << 30 };

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

static bool plain_blank(const struct cell *c)
{
    return c->type == CELL_BLANK && c->format == 0;
}

static bool encode_column(struct buf *out, const struct cell *cells, uint32_t n)
{
    size_t size = (size_t)n * SPILL_CELL_MAX;
    uint8_t *start, *p;

    for (uint32_t i = 0; i < n; i++)
        size += cell_has_text(cells[i]) ? cells[i].len : 0;
    start = p = (uint8_t *)buf_reserve(out, size);
    if (!p)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        p = spill_put_cell(p, &cells[i]);
        if (cells[i].type == CELL_BLANK) {
            uint32_t run = 0;

            while (plain_blank(&cells[i]) && i + run + 1 < n && plain_blank(&cells[i + run + 1]))
                run++;
            p = spill_put_varint(p, run);
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
    start = p = (uint8_t *)buf_reserve(out, (size_t)(b->n_rows + 2) * SPILL_VARINT_MAX + 1);
    if (!p)
        return false;
    p = spill_put_varint(p, b->n_rows);
    *p++ = b->rows != NULL;
    if (!b->rows)
        p = spill_put_varint(p, b->first_row);
    for (uint32_t i = 0; b->rows && i < b->n_rows; i++) {
        p = spill_put_varint(p, spill_zigzag((int64_t)(b->rows[i] - before)));
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

static bool write_block(struct spill *s, const struct buf *data, struct err *err)
{
    uint64_t size = data->len;

    if (s->fd < 0 && !spill_file_open(s->dir, &s->fd, err))
        return false;
    if (!spill_file_write(s->fd, &size, sizeof size, s->file_size, err) ||
        !spill_file_write(s->fd, data->data, data->len, s->file_size + sizeof size, err))
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

static void decode_column(struct spill_cursor *in, struct cell *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n && in->p; i++) {
        uint32_t run = spill_get_cell(in, &cells[i]);

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
    struct spill_cursor in = { data, data + size };
    struct batch *b = s->out;
    uint64_t n = spill_get_varint(&in), before = 0;
    const uint8_t *has_rows = spill_get_bytes(&in, 1);

    if (!has_rows || n > BATCH_ROWS)
        goto damaged;
    b->n_rows = (uint32_t)n;
    b->rows = *has_rows ? s->row_numbers : NULL;
    b->first_row = *has_rows ? 0 : spill_get_varint(&in);
    for (uint32_t i = 0; b->rows && i < b->n_rows; i++) {
        before += (uint64_t)spill_unzigzag(spill_get_varint(&in));
        s->row_numbers[i] = before;
    }
    for (uint32_t c = 0; c < b->n_columns; c++)
        decode_column(&in, b->columns[c], b->n_rows);
    if (in.p == in.end)
        return true;
damaged:
    return err_set(err, ERR_IO, "%s cannot be read back", SPILL_FILE_LABEL);
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
    if (!spill_file_read(s->fd, &size, sizeof size, s->at_file, err))
        return false;
    buf_reset(&s->loaded);
    room = buf_reserve(&s->loaded, size);
    if (!room)
        return buf_ok(&s->loaded, "a group of rows", err);
    if (!spill_file_read(s->fd, room, size, s->at_file + sizeof size, err) ||
        !decode_batch(s, (const uint8_t *)room, size, err))
        return false;
    s->at_file += sizeof size + size;
    *out = s->out;
    return true;
}
