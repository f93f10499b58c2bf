/* The pool of reading connections. */

#include "store/sqlite/db.h"

#include "base/clock.h"

struct db *reader_take(struct store *s, struct err *err)
{
    struct db *db;

    if (pthread_mutex_lock(&s->pool_lock) != 0) {
        err_set(err, ERR_INTERNAL, "the database's readers cannot be locked");
        return NULL;
    }
    while (s->n_free == 0)
        pthread_cond_wait(&s->pool_wake, &s->pool_lock);
    db = s->free_readers[--s->n_free];
    pthread_mutex_unlock(&s->pool_lock);
    db->deadline_ns = clock_mono_ns() + (int64_t)DB_READ_SECONDS * 1000000000;
    return db;
}

void reader_give(struct store *s, struct db *db)
{
    db->deadline_ns = 0;
    pthread_mutex_lock(&s->pool_lock);
    s->free_readers[s->n_free++] = db;
    pthread_cond_signal(&s->pool_wake);
    pthread_mutex_unlock(&s->pool_lock);
}

bool read_begin(struct db *db, struct err *err)
{
    return db_exec(db, "BEGIN", err);
}

bool read_end(struct db *db, bool ok, struct err *err)
{
    struct err end;

    if (db_exec(db, "COMMIT", &end))
        return ok;
    if (ok)
        *err = end;
    return false;
}
