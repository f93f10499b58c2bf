/* Transactions as lists of changes: built by the caller, applied by the writer thread. */

#include "store/sqlite/db.h"

#include "base/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store_tx *store_begin(struct store *s)
{
    struct store_tx *tx = calloc(1, sizeof *tx);

    if (!tx)
        return NULL;
    if (pthread_cond_init(&tx->wake, NULL) != 0) {
        free(tx);
        return NULL;
    }
    tx->store = s;
    tx->last = &tx->first;
    arena_init(&tx->arena, NULL);
    return tx;
}

void *tx_add(struct store_tx *tx, tx_apply_fn *apply, tx_end_fn *end, size_t size)
{
    struct tx_change *change;

    if (!tx)
        return NULL;
    change = arena_calloc(&tx->arena, 1, sizeof *change);
    if (change)
        change->data = arena_calloc(&tx->arena, 1, size);
    if (!change || !change->data) {
        tx->out_of_memory = true;
        return NULL;
    }
    change->apply = apply;
    change->end = end;
    *tx->last = change;
    tx->last = &change->next;
    return change->data;
}

void tx_id(char out[ID_LEN], const char *id)
{
    snprintf(out, ID_LEN, "%s", id ? id : "");
}

const char *tx_text(struct store_tx *tx, const char *s, const char *fallback)
{
    char *copy;

    if (!s)
        s = fallback;
    if (!s)
        return NULL;
    copy = arena_strdup(&tx->arena, s);
    if (!copy)
        tx->out_of_memory = true;
    return copy;
}

static void finish(struct store_tx *tx, bool committed)
{
    for (struct tx_change *c = tx->first; c; c = c->next) {
        if (c->end)
            c->end(c->data, committed);
    }
    pthread_cond_destroy(&tx->wake);
    arena_deinit(&tx->arena);
    free(tx);
}

void store_abort(struct store_tx *tx)
{
    if (tx)
        finish(tx, false);
}

bool store_commit(struct store_tx *tx, struct err *err)
{
    struct store *s;
    bool ok;

    if (!tx)
        return err_nomem(err);
    s = tx->store;
    if (tx->out_of_memory && !fault_is("memory-unchecked")) {
        finish(tx, false);
        return err_nomem(err);
    }
    if (s->read_only) {
        finish(tx, false);
        return err_set(err, ERR_STATE, "the database is open for reading only");
    }
    pthread_mutex_lock(&s->lock);
    if (s->stopping) {
        pthread_mutex_unlock(&s->lock);
        finish(tx, false);
        return err_set(err, ERR_BUSY, "the server is shutting down");
    }
    *s->last = tx;
    s->last = &tx->next;
    pthread_cond_signal(&s->wake);
    while (!tx->done)
        pthread_cond_wait(&tx->wake, &s->lock);
    pthread_mutex_unlock(&s->lock);
    ok = tx->ok;
    if (!ok)
        *err = tx->err;
    finish(tx, ok);
    return ok;
}
