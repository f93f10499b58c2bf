#ifndef FORMATS_CFB_H
#define FORMATS_CFB_H

/*
 * OLE compound files: a small file system inside a file, which old Office documents are kept in.
 *
 *   header ──▶ DIFAT ──▶ FAT: sector -> next sector of the same stream
 *      ├─────▶ directory (a stream of 128-byte entries) ──▶ streams of whole sectors
 *      └─────▶ mini FAT ──▶ streams of 64-byte sectors inside the root entry's stream
 *
 * Nothing in it is believed: every chain is followed at most once through each sector.
 */

#include "base/arena.h"

enum {
    CFB_NAME_MAX = 31,         /* Characters of a name. */
    CFB_MAX_ENTRIES = 1 << 16, /* Of the directory; what stands behind is not looked at. */
};

struct cfb;
struct cfb_entry {
    uint32_t start;
    uint64_t size;
};

/*
 * Look at the compound file `fd`, which is read by position and outlives *out, as does `label`, the
 * file's name for sentences. Errors: ERR_FORMAT (none), ERR_DATA (cut or damaged), ERR_BUDGET,
 * ERR_NOMEM, ERR_IO.
 */
bool cfb_open(
    int fd, const char *label, struct budget *budget, struct cfb **out, struct err *err) MUST_CHECK;
void cfb_close(struct cfb *c);

/*
 * The stream of this ASCII name (without heeding case) in the root storage, or, where the root's
 * tree of names is damaged, anywhere.
 */
bool cfb_find(const struct cfb *c, const char *name, struct cfb_entry *out);

/*
 * All bytes of a stream, in `arena`. Errors: ERR_DATA, ERR_IO; ERR_BUDGET (more than `max` bytes,
 * or than the arena's budget allows).
 */
bool cfb_load(struct cfb *c, const struct cfb_entry *entry, size_t max, struct arena *arena,
    const unsigned char **p, size_t *n, struct err *err) MUST_CHECK;

#endif
