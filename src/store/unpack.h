#ifndef STORE_UNPACK_H
#define STORE_UNPACK_H

/*
 * An archive from outside, unpacked into an empty folder, every member checked before a byte of it
 * is written: regular files and folders only, below one top folder that is an id, no absolute path,
 * no "..", no links.
 */

#include "store/store.h"

struct member {
    const char *path; /* Below the top folder: "uploads/a.csv". */
    uint64_t size;
    char sha256[65];
    bool extracted; /* Files that no dump of ours holds are hashed but not written. */
};

struct unpacked {
    char id[ID_LEN];        /* Name of the top folder. */
    struct member *members; /* Files, sorted by path. */
    size_t n;
};

/*
 * Unpack into `into`/<id>/, whose folders uploads/, intermediate/ and outputs/ are made in any
 * case; files are fsynced.
 * Errors: ERR_DATA (what is wrong with which member), ERR_TOO_LARGE (more than max_bytes or too
 *         many members). What was written stays for the caller to remove.
 */
bool unpack(const char *archive_path, const char *into, uint64_t max_bytes, struct arena *arena,
    struct unpacked *out, struct err *err) MUST_CHECK;

const struct member *unpack_find(
    const struct unpacked *u, const char *path); /* NULL when absent. */

#endif
