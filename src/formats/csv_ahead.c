/*
 * CSV text parsed ahead.
 *
 * Chunks go round: chunks[filled % n] is read next, chunks[taken % n] is handed out next. One thread
 * at a time reads, as text comes in order and where a chunk ends is known only when it is there;
 * parsing has no order. A thread parses what is read before it reads more, so that what is wanted
 * first is done first, and the caller, rather than wait, parses too.
 *
 * A chunk is one batch: as many bytes are read as the rows of the chunks before had.
 */
#include "formats/csv_ahead.h"

#include "base/thread.h"

#include <stdlib.h>

enum {
    CHUNK_BYTES = 256 << 10, /* Of text; two or three fit into a processor's own cache. */
    CHUNK_CELLS = 64 << 10,  /* 1 MiB of them. */
    CHUNK_ROWS_MIN = 16,
    FIRST_BYTES = 32 << 10, /* Read at first, when nobody knows how long rows are. */
    THREADS_MAX = 3,        /* More are faster than any file is written. */
    SPARE = 3,              /* Chunks beyond the threads: being taken, ready, being read. */
    CHUNKS_MAX = THREADS_MAX + SPARE
};

struct csv_ahead_limits csv_ahead_limits = { .worth = 4 << 20, .chunk = CHUNK_BYTES };

enum state { EMPTY, READ, BUSY, PARSED };

struct chunk {
    enum state state;
    struct csv_chunk out;
    char *data;
    size_t n;         /* data[0..n) is text; out.n of it are records of this chunk. */
    uint64_t records; /* In out.n bytes. */
    struct batch batch;
    struct arena text; /* What the cells need beyond data. */
    struct csv_parser parser;
};

struct csv_ahead {
    struct encoding_reader *encoding;
    const struct csv_dialect *dialect;
    struct budget *budget;
    size_t taken_budget;
    struct arena arena; /* Cells and text of the chunks. */
    uint32_t n_header, n_columns, rows;
    unsigned n_chunks, n_threads, n_running;
    pthread_t threads[THREADS_MAX];
    struct chunk *chunks[CHUNKS_MAX];

    /* Of the one that reads. */
    const char *carry; /* carry[0..n_carry) has been read beyond the last chunk. */
    size_t n_carry;
    uint64_t base; /* Of carry[0]. */
    size_t want;   /* Bytes of the next chunk. */
    struct err err;

    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    uint64_t filled, taken; /* Chunks, since it goes. */
    bool reading;           /* Somebody reads. */
    bool ended;             /* The last one is the rest. */
    bool failed;            /* And err is set. */
    bool waiting;           /* The caller. */
    bool stop, lent;
    unsigned idle; /* Threads that wait. */
};

static struct chunk *chunk_at(const struct csv_ahead *a, uint64_t i)
{
    return a->n_chunks ? a->chunks[i % a->n_chunks] : NULL; /* There are always some. */
}

/* ---- parsing ---- */

/* Rows of a chunk into its batch; false when there is one that has something to tell. */
static bool parse_rows(const struct csv_ahead *a, struct chunk *c)
{
    struct csv_row row = { .columns = c->batch.columns, .n_columns = a->n_columns };
    struct csv_parser *p = &c->parser;

    arena_reset(&c->text);
    csv_parser_init(p, a->dialect, &c->text);
    csv_parser_feed(p, c->data, 0, c->out.n, false);
    for (row.row = 0; row.row < c->records; row.row++) {
        if (csv_parse(p, &row) != CSV_ROW || row.n_fields != a->n_header || row.flags)
            return false;
        for (uint32_t i = a->n_header; i < a->n_columns; i++)
            row.columns[i][row.row] = cell_blank();
    }
    c->batch.n_rows = row.row;
    return p->pos == c->out.n;
}

static void parse(const struct csv_ahead *a, struct chunk *c)
{
    if (parse_rows(a, c)) {
        c->out.kind = CSV_CHUNK_ROWS;
        c->out.batch = &c->batch;
    } else {
        c->out.kind = CSV_CHUNK_TEXT;
        c->out.batch = NULL;
    }
}

/* ---- reading ---- */

/* Whole records at the front of the chunk, no more than a batch has rows; there may be none. */
static void cut(const struct csv_ahead *a, struct chunk *c, struct csv_tally *t)
{
    size_t n = c->n;

    do {
        csv_tally(c->data, n, &c->parser.marks, a->n_columns, t);
        if (t->records > a->rows) /* Less text, then: some rows fewer than there is room for. */
            n = t->taken * a->rows / t->records * 7 / 8;
    } while (t->records > a->rows);
}

/* Read one chunk. False: it is the last one. */
static bool fill(struct csv_ahead *a, struct chunk *c)
{
    struct csv_tally t = { 0 };
    size_t size = a->want > 2 * a->n_carry ? a->want : 2 * a->n_carry, n = 0;
    bool ok;

    if (size < a->n_carry + CSV_BLOCK_MIN)
        size = a->n_carry + CSV_BLOCK_MIN;
    if (size > csv_ahead_limits.chunk)
        size = csv_ahead_limits.chunk;
    memcpy(c->data, a->carry, a->n_carry);
    ok = encoding_reader_read(a->encoding, c->data + a->n_carry, size - a->n_carry, &n, &a->err);
    c->n = a->n_carry + (ok ? n : 0);
    c->out = (struct csv_chunk){ .kind = CSV_CHUNK_REST,
        .text = c->data,
        .n = c->n,
        .base = a->base,
        .offset = encoding_reader_offset(a->encoding),
        .drained = ok && n == 0 };
    if (!ok) {
        a->failed = true;
        return false;
    }
    if (n == 0 || encoding_reader_bad(a->encoding, NULL) > 0)
        return false;
    cut(a, c, &t);
    if (t.records == 0 || c->n - t.taken > csv_ahead_limits.chunk / 2)
        return false;
    c->out.n = t.taken;
    c->out.lines = t.lines;
    c->records = t.records;
    a->carry = c->data + t.taken;
    a->n_carry = c->n - t.taken;
    a->base += t.taken;
    a->want = t.taken * a->rows / t.records * 15 / 16;
    return true;
}

/* Called and left with the lock held. */
static void read_chunk(struct csv_ahead *a)
{
    struct chunk *c = chunk_at(a, a->filled);
    bool more;

    a->reading = true;
    pthread_mutex_unlock(&a->lock);
    more = fill(a, c);
    pthread_mutex_lock(&a->lock);
    a->reading = false;
    a->ended = !more;
    c->state = more ? READ : PARSED;
    a->filled++;
    if (a->waiting)
        pthread_cond_signal(&a->ready);
    else if (more && a->idle > 0)
        pthread_cond_signal(&a->work);
}

/* The first chunk that is read and not parsed, or NULL. */
static struct chunk *unparsed(struct csv_ahead *a)
{
    for (uint64_t i = a->taken; i < a->filled; i++) {
        if (chunk_at(a, i)->state == READ)
            return chunk_at(a, i);
    }
    return NULL;
}

static void parse_chunk(struct csv_ahead *a, struct chunk *c)
{
    c->state = BUSY;
    pthread_mutex_unlock(&a->lock);
    parse(a, c);
    pthread_mutex_lock(&a->lock);
    c->state = PARSED;
    if (a->waiting && c == chunk_at(a, a->taken))
        pthread_cond_signal(&a->ready);
}

static bool may_read(const struct csv_ahead *a)
{
    return !a->reading && !a->ended && a->filled - a->taken < a->n_chunks;
}

static void *work(void *arg)
{
    struct csv_ahead *a = arg;

    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        struct chunk *c = unparsed(a);

        if (c) {
            parse_chunk(a, c);
        } else if (may_read(a)) {
            read_chunk(a);
        } else {
            a->idle++;
            pthread_cond_wait(&a->work, &a->lock);
            a->idle--;
        }
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* ---- the caller's side ---- */

/* Done with the chunk that was handed out. To wake a thread costs as much as a chunk: for several of them only. */
static void give_back(struct csv_ahead *a)
{
    a->lent = false;
    chunk_at(a, a->taken)->state = EMPTY;
    a->taken++;
    if (a->idle > 0 && !a->ended && a->filled - a->taken <= a->n_chunks / 2)
        pthread_cond_signal(&a->work);
}

bool csv_ahead_next(struct csv_ahead *a, struct csv_chunk *out, struct err *err)
{
    struct chunk *c, *other;

    pthread_mutex_lock(&a->lock);
    if (a->lent)
        give_back(a);
    for (;;) {
        c = chunk_at(a, a->taken);
        if (a->filled > a->taken && c->state == PARSED)
            break;
        other = unparsed(a);
        if (other) {
            parse_chunk(a, other);
        } else if (may_read(a)) {
            read_chunk(a);
        } else {
            a->waiting = true;
            pthread_cond_wait(&a->ready, &a->lock);
            a->waiting = false;
        }
    }
    a->lent = true;
    pthread_mutex_unlock(&a->lock);
    *out = c->out;
    if (out->kind != CSV_CHUNK_REST || !a->failed)
        return true;
    *err = a->err;
    return false;
}

bool csv_ahead_go(struct csv_ahead *a, const char *text, size_t n, uint64_t base)
{
    if (n > csv_ahead_limits.chunk / 2)
        return false;
    pthread_mutex_lock(&a->lock);
    a->carry = text;
    a->n_carry = n;
    a->base = base;
    a->filled = a->taken = 0;
    for (unsigned i = 0; i < a->n_chunks; i++)
        a->chunks[i]->state = EMPTY;
    a->failed = a->lent = false;
    a->reading = true; /* No thread begins before the text, which is the caller's, is taken over. */
    a->ended = false;
    read_chunk(a);
    pthread_mutex_unlock(&a->lock);
    while (a->n_running < a->n_threads &&
           thread_start(&a->threads[a->n_running], THREAD_SMALL, work, a))
        a->n_running++;
    return true;
}

void csv_ahead_halt(struct csv_ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    while (a->n_running > 0)
        pthread_join(a->threads[--a->n_running], NULL);
    a->stop = false;
}

static bool new_chunk(struct csv_ahead *a, unsigned i)
{
    struct chunk *c = arena_calloc(&a->arena, 1, sizeof *c);

    if (!c)
        return false;
    a->chunks[i] = c;
    csv_parser_init(&c->parser, a->dialect, NULL);
    c->data = arena_alloc(&a->arena, csv_ahead_limits.chunk);
    c->batch.n_columns = a->n_columns;
    c->batch.columns = csv_columns_new(&a->arena, a->n_columns, a->rows);
    /* No more than the chunk's bytes, which are taken of the budget by csv_ahead_new(). */
    arena_init(&c->text, NULL);
    a->n_chunks++;
    return c->data && c->batch.columns;
}

struct csv_ahead *csv_ahead_new(struct encoding_reader *encoding, const struct csv_dialect *dialect,
    uint32_t n_header, uint32_t n_columns, struct budget *budget)
{
    unsigned n_threads =
        csv_ahead_limits.threads ? csv_ahead_limits.threads : thread_processors() - 1;
    struct csv_ahead *a;
    bool ok = true;

    if (n_threads == 0 || n_columns == 0 || n_columns > CHUNK_CELLS / CHUNK_ROWS_MIN)
        return NULL;
    a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->encoding = encoding;
    a->dialect = dialect;
    a->n_header = n_header;
    a->n_columns = n_columns;
    a->n_threads = n_threads < THREADS_MAX ? n_threads : THREADS_MAX;
    a->rows = CHUNK_CELLS / n_columns < BATCH_ROWS ? CHUNK_CELLS / n_columns : BATCH_ROWS;
    a->want = FIRST_BYTES;
    a->budget = budget;
    arena_init(&a->arena, budget);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->work, NULL);
    pthread_cond_init(&a->ready, NULL);
    if (budget_take(budget, CHUNKS_MAX * csv_ahead_limits.chunk))
        a->taken_budget = CHUNKS_MAX * csv_ahead_limits.chunk;
    ok = a->taken_budget > 0;
    for (unsigned i = 0; ok && i < a->n_threads + SPARE; i++)
        ok = new_chunk(a, i);
    if (ok)
        return a;
    csv_ahead_free(a);
    return NULL;
}

void csv_ahead_free(struct csv_ahead *a)
{
    if (!a)
        return;
    csv_ahead_halt(a);
    for (unsigned i = 0; i < a->n_chunks; i++)
        arena_deinit(&a->chunks[i]->text);
    pthread_cond_destroy(&a->ready);
    pthread_cond_destroy(&a->work);
    pthread_mutex_destroy(&a->lock);
    arena_deinit(&a->arena);
    budget_give(a->budget, a->taken_budget);
    free(a);
}
