/*
 * The ring of blocks behind deflate_blocks.h.
 *
 * A slot is FREE (the caller may fill it), FULL (the thread may compress it) or DONE (the caller may
 * write it out). The caller moves FREE -> FULL and DONE -> FREE, the thread FULL -> DONE, each under
 * the mutex and in ring order: `fill` and `drain` are the caller's positions, `next` is the thread's.
 * Only the owner of a slot's state touches its bytes; crc, stream and level_buf belong to whoever
 * compresses: the caller until the thread exists, then the thread.
 */

#include "formats/deflate_blocks.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum {
    SLOTS = 4,
    THREAD_AFTER = 4, /* Blocks: below 1 MiB a thread costs more than it saves. */
    LEVEL = 1,
    /* Incompressible blocks are stored: 5 bytes for each 64 KiB, and the flush. */
    OUT_SIZE = DEFLATE_BLOCK + 4096
};

enum slot_state { SLOT_FREE, SLOT_FULL, SLOT_DONE };

struct slot {
    enum slot_state state;
    bool failed;
    size_t in_size, out_size;
    char *in, *out;
};

struct deflate_blocks {
    deflate_out_fn *write;
    void *arg;
    struct slot slots[SLOTS];
    unsigned fill, drain;
    struct isal_zstream *stream;
    uint8_t *level_buf;
    uint32_t crc;
    struct deflate_totals totals; /* The caller's; crc only at the end. */
    uint64_t pushed;              /* Blocks since new: when to start the thread. */

    bool threaded, no_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond; /* A slot changed its state, or stop. */
    bool stop;
};

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
    d->stream = malloc(sizeof *d->stream);
    d->level_buf = malloc(ISAL_DEF_LVL1_DEFAULT);
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->cond, NULL);
    if (!d->stream || !d->level_buf || !slot_alloc(&d->slots[0])) {
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
    free(d->stream);
    free(d->level_buf);
    free(d);
}

char *deflate_blocks_get(struct deflate_blocks *d)
{
    return d->slots[d->fill].in;
}

static void compress_slot(struct deflate_blocks *d, struct slot *slot)
{
    struct isal_zstream *z = d->stream;

    d->crc = crc32_gzip_refl(d->crc, (const unsigned char *)slot->in, slot->in_size);
    isal_deflate_stateless_init(z);
    z->level = LEVEL;
    z->level_buf = d->level_buf;
    z->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    z->flush = FULL_FLUSH; /* Ends on a byte, so blocks can be put together. */
    z->end_of_stream = 0;
    z->next_in = (uint8_t *)slot->in;
    z->avail_in = (uint32_t)slot->in_size;
    z->next_out = (uint8_t *)slot->out;
    z->avail_out = OUT_SIZE;
    slot->failed = isal_deflate_stateless(z) != COMP_OK || z->avail_in != 0;
    slot->out_size = OUT_SIZE - z->avail_out;
}

static bool write_slot(struct deflate_blocks *d, struct slot *slot, struct err *err)
{
    if (slot->failed)
        return err_set(err, ERR_INTERNAL, "the data could not be compressed");
    d->totals.out += slot->out_size;
    return d->write(d->arg, slot->out, slot->out_size, err);
}

static void *compress_all(void *arg)
{
    struct deflate_blocks *d = arg;
    unsigned next = 0; /* Until the thread came, slot 0 did everything. */

    pthread_mutex_lock(&d->mutex);
    for (;;) {
        struct slot *slot = &d->slots[next];

        while (slot->state != SLOT_FULL && !d->stop)
            pthread_cond_wait(&d->cond, &d->mutex);
        if (d->stop)
            break;
        pthread_mutex_unlock(&d->mutex);
        compress_slot(d, slot);
        pthread_mutex_lock(&d->mutex);
        slot->state = SLOT_DONE;
        pthread_cond_broadcast(&d->cond);
        next = (next + 1) % SLOTS;
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

/* Where no thread can be had (limits, sandbox, memory) the caller goes on compressing itself. */
static void start_thread(struct deflate_blocks *d)
{
    sigset_t all, before;

    d->no_thread = true;
    for (unsigned i = 0; i < SLOTS; i++) {
        if (!slot_alloc(&d->slots[i]))
            return;
    }
    sigfillset(&all); /* Signals stay with the threads that expect them. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    d->threaded = pthread_create(&d->thread, NULL, compress_all, d) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Write out finished blocks in order, until the slot to fill is free or (all) nothing is under way. */
static bool drain(struct deflate_blocks *d, bool all, struct err *err)
{
    bool ok = true;

    pthread_mutex_lock(&d->mutex);
    while (ok) {
        struct slot *slot = &d->slots[d->drain];
        bool must = all || d->drain == d->fill;

        if (slot->state == SLOT_FREE)
            break;
        if (slot->state == SLOT_FULL) {
            if (!must)
                break;
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
        compress_slot(d, slot);
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
    d->totals.crc = d->crc;
    *totals = d->totals;
    d->totals = (struct deflate_totals){ 0 };
    d->crc = 0;
    return true;
}
