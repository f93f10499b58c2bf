/*
 * The ring of blocks behind deflate_blocks.h.
 *
 *   FREE ──push──▶ FULL ──take──▶ BUSY ──▶ DONE ──write_slot──▶ FREE
 *   `fill`                `next`                   `drain`
 *
 * The caller fills and writes out; the thread, and the caller when it would otherwise wait, take full
 * slots and compress them. States change under the mutex, in ring order but for DONE, since two blocks
 * may be under way; a slot's bytes are touched only by whoever moved it last.
 */

#include "formats/deflate_blocks.h"

#include "base/thread.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    SLOTS = 4,
    THREAD_AFTER = 4, /* Blocks: below 1 MiB a thread costs more than it saves. */
    LEVEL = 1,
    HEAD = 32,           /* Bytes of a block that are stored as they are, see compress_slot(). */
    STORED_OVERHEAD = 5, /* The header of a stored block that starts on a byte, as ours do. */
    /* Incompressible blocks are stored: 5 bytes for each 64 KiB, and the flush. */
    OUT_SIZE = DEFLATE_BLOCK + 4096
};

enum slot_state { SLOT_FREE, SLOT_FULL, SLOT_BUSY, SLOT_DONE };

struct slot {
    enum slot_state state;
    bool failed;
    uint32_t crc;
    size_t in_size, out_size;
    char *in, *out;
};

/* What one thread needs to compress. */
struct packer {
    struct isal_zstream *stream;
    uint8_t *level_buf;
};

struct deflate_blocks {
    deflate_out_fn *write;
    void *arg;
    struct slot slots[SLOTS];
    unsigned fill, next, drain;
    struct packer own, other;     /* The caller's, the thread's. */
    struct deflate_totals totals; /* The caller's. */
    uint64_t pushed;              /* Blocks since new: when to start the thread. */

    bool threaded, no_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond; /* A slot changed its state, or stop. */
    bool stop;
};

static bool packer_alloc(struct packer *packer)
{
    packer->stream = malloc(sizeof *packer->stream);
    packer->level_buf = malloc(ISAL_DEF_LVL1_DEFAULT);
    return packer->stream && packer->level_buf;
}

static void packer_free(struct packer *packer)
{
    free(packer->stream);
    free(packer->level_buf);
}

static bool slot_alloc(struct slot *slot)
{
    if (!slot->in)
        slot->in = malloc(DEFLATE_BLOCK + DEFLATE_SLACK);
    if (!slot->out)
        slot->out = malloc(OUT_SIZE);
    return slot->in && slot->out;
}

struct deflate_blocks *deflate_blocks_new(deflate_out_fn *out, void *arg)
{
    struct deflate_blocks *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->write = out;
    d->arg = arg;
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->cond, NULL);
    if (!packer_alloc(&d->own) || !slot_alloc(&d->slots[0])) {
        deflate_blocks_free(d);
        return NULL;
    }
    return d;
}

void deflate_blocks_free(struct deflate_blocks *d)
{
    if (!d)
        return;
    if (d->threaded) {
        pthread_mutex_lock(&d->mutex);
        d->stop = true;
        pthread_cond_broadcast(&d->cond);
        pthread_mutex_unlock(&d->mutex);
        pthread_join(d->thread, NULL);
    }
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->mutex);
    for (unsigned i = 0; i < SLOTS; i++) {
        free(d->slots[i].in);
        free(d->slots[i].out);
    }
    packer_free(&d->own);
    packer_free(&d->other);
    free(d);
}

char *deflate_blocks_get(struct deflate_blocks *d)
{
    return d->slots[d->fill].in;
}

/* A stored block of deflate: n bytes as they are. Returns where it ends. */
static char *put_stored(char *out, const char *in, size_t n)
{
    out[0] = 0; /* Not the last block, stored, and the rest of the byte. */
    out[1] = (char)n;
    out[2] = (char)(n >> 8);
    out[3] = (char)~n;
    out[4] = (char)(~n >> 8);
    memcpy(out + STORED_OVERHEAD, in, n);
    return out + STORED_OVERHEAD + n;
}

/*
 * The first bytes of a block are stored, and what follows may refer to them as a dictionary. Without
 * one ISA-L 2.30 takes the hash of a new stream's third byte from the address of the stream, and in
 * one block of a thousand other, equally right bytes come out, which would break the promise that
 * the same table gives the same file.
 */
static void compress_slot(const struct packer *packer, struct slot *slot)
{
    struct isal_zstream *z = packer->stream;
    size_t head = slot->in_size < HEAD ? slot->in_size : HEAD;
    char *out = put_stored(slot->out, slot->in, head);

    slot->crc = crc32_gzip_refl(0, (const unsigned char *)slot->in, slot->in_size);
    slot->failed = false;
    slot->out_size = (size_t)(out - slot->out);
    if (head == slot->in_size)
        return;
    isal_deflate_init(z);
    z->level = LEVEL;
    z->level_buf = packer->level_buf;
    z->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    z->flush = FULL_FLUSH; /* Ends on a byte, so blocks can be put together. */
    z->end_of_stream = 0;
    slot->failed = isal_deflate_set_dict(z, (uint8_t *)slot->in, (uint32_t)head) != COMP_OK;
    z->next_in = (uint8_t *)slot->in + head;
    z->avail_in = (uint32_t)(slot->in_size - head);
    z->next_out = (uint8_t *)out;
    z->avail_out = (uint32_t)(OUT_SIZE - slot->out_size);
    /* Whole when all is taken and the flush is written, which leaves room. */
    slot->failed =
        slot->failed || isal_deflate(z) != COMP_OK || z->avail_in != 0 || z->avail_out == 0;
    slot->out_size = OUT_SIZE - z->avail_out;
}

static bool write_slot(struct deflate_blocks *d, const struct slot *slot, struct err *err)
{
    if (slot->failed)
        return err_set(err, ERR_INTERNAL, "the data could not be compressed");
    d->totals.crc = (uint32_t)crc32_combine(d->totals.crc, slot->crc, (z_off_t)slot->in_size);
    d->totals.out += slot->out_size;
    return d->write(d->arg, slot->out, slot->out_size, err);
}

/* Compress the next full slot, if there is one, letting go of the mutex meanwhile. */
static bool compress_next(struct deflate_blocks *d, const struct packer *packer)
{
    struct slot *slot = &d->slots[d->next];

    if (slot->state != SLOT_FULL)
        return false;
    slot->state = SLOT_BUSY;
    d->next = (d->next + 1) % SLOTS;
    pthread_mutex_unlock(&d->mutex);
    compress_slot(packer, slot);
    pthread_mutex_lock(&d->mutex);
    slot->state = SLOT_DONE;
    pthread_cond_broadcast(&d->cond);
    return true;
}

static void *compress_all(void *arg)
{
    struct deflate_blocks *d = arg;

    pthread_mutex_lock(&d->mutex);
    while (!d->stop) {
        if (!compress_next(d, &d->other))
            pthread_cond_wait(&d->cond, &d->mutex);
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

/* Where no thread can be had (limits, sandbox, memory) the caller goes on compressing itself. */
static void start_thread(struct deflate_blocks *d)
{
    d->no_thread = true;
    if (!packer_alloc(&d->other))
        return;
    for (unsigned i = 0; i < SLOTS; i++) {
        if (!slot_alloc(&d->slots[i]))
            return;
    }
    d->threaded = thread_start(&d->thread, THREAD_MEDIUM, compress_all, d);
}

/*
 * Write out finished blocks in order, until the slot to fill is free or (all) nothing is under way.
 * Instead of waiting, compress.
 */
static bool drain(struct deflate_blocks *d, bool all, struct err *err)
{
    bool ok = true;

    pthread_mutex_lock(&d->mutex);
    while (ok) {
        struct slot *slot = &d->slots[d->drain];

        if (slot->state == SLOT_FREE)
            break;
        if (slot->state != SLOT_DONE) {
            if (!all && d->drain != d->fill)
                break;
            if (!compress_next(d, &d->own))
                pthread_cond_wait(&d->cond, &d->mutex);
            continue;
        }
        pthread_mutex_unlock(&d->mutex);
        ok = write_slot(d, slot, err);
        pthread_mutex_lock(&d->mutex);
        slot->state = SLOT_FREE;
        d->drain = (d->drain + 1) % SLOTS;
    }
    pthread_mutex_unlock(&d->mutex);
    return ok;
}

bool deflate_blocks_push(struct deflate_blocks *d, size_t n, struct err *err)
{
    struct slot *slot = &d->slots[d->fill];

    if (n == 0)
        return true;
    slot->in_size = n;
    d->totals.in += n;
    if (!d->threaded && !d->no_thread && d->pushed >= THREAD_AFTER)
        start_thread(d);
    d->pushed++;
    if (!d->threaded) {
        compress_slot(&d->own, slot);
        return write_slot(d, slot, err);
    }
    pthread_mutex_lock(&d->mutex);
    slot->state = SLOT_FULL;
    pthread_cond_broadcast(&d->cond);
    pthread_mutex_unlock(&d->mutex);
    d->fill = (d->fill + 1) % SLOTS;
    return drain(d, false, err);
}

bool deflate_blocks_end(struct deflate_blocks *d, struct deflate_totals *totals, struct err *err)
{
    static const char last[2] = { 0x03, 0x00 }; /* An empty final block: a stream must have one. */

    if (d->threaded && !drain(d, true, err))
        return false;
    if (!d->write(d->arg, last, sizeof last, err))
        return false;
    d->totals.out += sizeof last;
    *totals = d->totals;
    d->totals = (struct deflate_totals){ 0 };
    return true;
}
