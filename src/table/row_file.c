/*
 * Rows on disk. Written through a buffer; read with what follows them, so that one call to the system
 * brings a row of usual size, and many where they are read in order.
 */

#include "table/row_file.h"

#include "base/buf.h"
#include "table/spill_code.h"
#include "table/spill_file.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    WRITE_BYTES = 256 << 10,
    FETCH_BYTES = 4 << 10,
    SCAN_BYTES = 256 << 10,
    ROW_MAX = 1 << 30,
    HEAD = 4 /* Bytes of the size. */
};

struct row_file {
    int fd;
    uint32_t n_cells;
    struct buf pending; /* Rows at the end, not yet in the file. */
    uint64_t size;      /* Of the file; with `pending`, of all. */
    /* What was read: loaded.data[0..loaded.len) stands at loaded_at. */
    struct buf loaded;
    uint64_t loaded_at;
    /* The row at hand. */
    uint64_t at;
    uint32_t n;
    const uint8_t *row;
    const char *key;
    size_t n_key;
};

struct row_file *row_file_new(const char *dir, uint32_t n_cells, struct err *err)
{
    struct row_file *f = calloc(1, sizeof *f);

    if (!f) {
        err_nomem(err);
        return NULL;
    }
    f->n_cells = n_cells;
    buf_init(&f->pending, ROW_MAX + WRITE_BYTES);
    buf_init(&f->loaded, ROW_MAX + SCAN_BYTES);
    if (spill_file_open(dir, &f->fd, err))
        return f;
    row_file_free(f);
    return NULL;
}

void row_file_free(struct row_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    buf_deinit(&f->pending);
    buf_deinit(&f->loaded);
    free(f);
}

static bool flush(struct row_file *f, struct err *err)
{
    if (!spill_file_write(f->fd, f->pending.data, f->pending.len, f->size, err))
        return false;
    f->size += f->pending.len;
    buf_reset(&f->pending);
    return true;
}

bool row_file_add(struct row_file *f, const void *key, size_t n, const struct cell *const *cells,
    uint64_t *at, struct err *err)
{
    size_t most = HEAD + SPILL_VARINT_MAX + n + (size_t)f->n_cells * (SPILL_CELL_MAX + 1);
    uint8_t *start, *p;
    uint32_t size;

    for (uint32_t i = 0; i < f->n_cells; i++)
        most += cell_has_text(*cells[i]) ? cells[i]->len : 0;
    if (most > ROW_MAX)
        return err_set(err, ERR_BUDGET, "a row is longer than %d MB", ROW_MAX >> 20);
    start = (uint8_t *)buf_reserve(&f->pending, most);
    if (!start)
        return buf_ok(&f->pending, "a group of rows", err);
    p = spill_put_varint(start + HEAD, n);
    if (n > 0)
        memcpy(p, key, n);
    p += n;
    for (uint32_t i = 0; i < f->n_cells; i++) {
        p = spill_put_cell(p, cells[i]);
        if (cells[i]->type == CELL_BLANK)
            p = spill_put_varint(p, 0);
    }
    size = (uint32_t)(p - start - HEAD);
    memcpy(start, &size, HEAD);
    *at = f->size + f->pending.len;
    f->pending.len += HEAD + size;
    return f->pending.len < WRITE_BYTES || flush(f, err);
}

bool row_file_end(struct row_file *f, struct err *err)
{
    return flush(f, err);
}

/* Bytes [at, at + n) in memory, read with up to `ahead` bytes; NULL when they are not there. */
static const uint8_t *load(struct row_file *f, uint64_t at, size_t n, size_t ahead, struct err *err)
{
    size_t want = n > ahead ? n : ahead;
    char *room;

    if (at >= f->loaded_at && at + n <= f->loaded_at + f->loaded.len)
        return (const uint8_t *)f->loaded.data + (at - f->loaded_at);
    if (at > f->size || n > f->size - at) {
        err_set(err, ERR_IO, "%s ends too early", SPILL_FILE_LABEL);
        return NULL;
    }
    if (want > f->size - at)
        want = (size_t)(f->size - at);
    buf_reset(&f->loaded);
    room = buf_reserve(&f->loaded, want);
    if (!room) {
        err_nomem(err);
        return NULL;
    }
    if (!spill_file_read(f->fd, room, want, at, err))
        return NULL;
    f->loaded.len = want;
    f->loaded_at = at;
    return (const uint8_t *)room;
}

static bool fetch(struct row_file *f, uint64_t at, size_t ahead, struct err *err)
{
    const uint8_t *p = load(f, at, HEAD, ahead, err);
    struct spill_cursor in;
    uint32_t size;

    if (!p)
        return false;
    memcpy(&size, p, HEAD);
    p = load(f, at, HEAD + (size_t)size, ahead, err);
    if (!p)
        return false;
    in = (struct spill_cursor){ p + HEAD, p + HEAD + size };
    f->n_key = (size_t)spill_get_varint(&in);
    f->key = spill_get_bytes(&in, f->n_key);
    if (!f->key)
        return err_set(err, ERR_IO, "%s cannot be read back", SPILL_FILE_LABEL);
    f->row = in.p;
    f->n = (uint32_t)(in.end - in.p);
    f->at = at;
    return true;
}

bool row_file_fetch(struct row_file *f, uint64_t at, struct err *err)
{
    return fetch(f, at, FETCH_BYTES, err);
}

bool row_file_first(struct row_file *f, bool *more, struct err *err)
{
    *more = f->size > 0;
    return !*more || fetch(f, 0, SCAN_BYTES, err);
}

bool row_file_next(struct row_file *f, bool *more, struct err *err)
{
    const uint8_t *start = (const uint8_t *)f->loaded.data + (f->at - f->loaded_at);
    uint64_t behind = f->at + (uint64_t)(f->row + f->n - start);

    *more = behind < f->size;
    return !*more || fetch(f, behind, SCAN_BYTES, err);
}

uint64_t row_file_at(const struct row_file *f)
{
    return f->at;
}

const char *row_file_key(const struct row_file *f, size_t *n)
{
    *n = f->n_key;
    return f->key;
}

bool row_file_cells(const struct row_file *f, struct cell *cells, struct err *err)
{
    struct spill_cursor in = { f->row, f->row + f->n };

    for (uint32_t i = 0; i < f->n_cells; i++)
        spill_get_cell(&in, &cells[i]);
    return in.p == in.end || err_set(err, ERR_IO, "%s cannot be read back", SPILL_FILE_LABEL);
}
