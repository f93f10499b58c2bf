#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

/*
 * Do the database and the files agree, to the last byte? Nothing is changed.
 *
 * The folder must lie still: while a server works, files come before their rows.
 */

#include "store/files.h"

enum verify_kind {
    VERIFY_FAULT,   /* Something is lost or not what it was. */
    VERIFY_LEFTOVER /* Something that a crash left and that the next start removes. */
};

/* One finding: where ("<chat_id>/uploads/a.csv", "the database") and what. */
typedef void verify_tell_fn(void *arg, enum verify_kind kind, const char *where, const char *what);

struct verify_options {
    bool dumps;         /* Look into the archives of dumps/ too. */
    uint64_t max_bytes; /* Most bytes one of them may unpack to. */
    int64_t now_ns;
    verify_tell_fn *tell;
    void *arg;
    bool (*stop)(void); /* Asked now and then; true ends it with ERR_CANCELLED. NULL: never. */
};

struct verify_report {
    uint64_t conversations, files, bytes, dumps; /* Looked at. */
    uint64_t faults, leftovers;
};

/* False only when it could not go on; what is wrong is told and counted. */
bool store_verify(struct store *s, const struct data_dirs *dirs,
    const struct verify_options *options, struct verify_report *out, struct err *err) MUST_CHECK;

#endif
