#ifndef STORE_RELOCATE_H
#define STORE_RELOCATE_H

/*
 * Giving a conversation new ids and a new place, in every text that names them.
 *
 * Ids: whatever looks like a UUID and is one of the old ids becomes the new one, in JSON and in
 *      prose.
 * Paths: what stands before `<old id>/uploads/`, `/intermediate/` or `/outputs/` becomes the
 *        folder's new place, wherever the file lay before.
 */

#include "store/store.h"

struct relocate_pair {
    char from[ID_LEN], to[ID_LEN];
};

struct relocate {
    struct relocate_pair *pairs; /* Sorted by `from` once relocate_ready() was called. */
    size_t n, cap;
    char old_id[ID_LEN];
    const char *folder; /* "workflows/2026/02/" with its slash: goes before the new id. */
    struct arena *arena;
};

void relocate_init(struct relocate *r, struct arena *arena, const char *old_id, const char *folder);
/* `from` becomes `to`; the same id twice is refused (ERR_DATA). */
bool relocate_add(struct relocate *r, const char *from, const char *to, struct err *err) MUST_CHECK;
bool relocate_ready(struct relocate *r, struct err *err) MUST_CHECK;

/* The new id of an old one; the id itself where it is not known. */
void relocate_id(const struct relocate *r, char id[ID_LEN]);
/* *text (may be NULL) with everything in it relocated; in the arena where something changed. */
bool relocate_text(const struct relocate *r, const char **text, struct err *err) MUST_CHECK;

#endif
