/*
 * OLE compound files ([MS-CFB]).
 */
#include "formats/cfb.h"

#include "formats/little_endian.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 512,
    HEADER_DIFAT = 109, /* FAT sectors that the header itself names. */
    ENTRY_BYTES = 128,
    MINI_SHIFT = 6,
    MINI_CUTOFF = 4096, /* Streams below this size lie in the mini stream. */
    STREAM = 2,         /* Types of entries. */
    ROOT = 5
};

/* Sector numbers from here on are marks: free, end of chain, FAT, DIFAT. */
#define SECTOR_MARKS UINT32_C(0xFFFFFFFA)
#define NO_ENTRY UINT32_C(0xFFFFFFFF)

struct cfb {
    int fd;
    const char *label;
    uint64_t size; /* Of the file. */
    unsigned shift;
    uint32_t n_sectors; /* In the file; the last may be cut. */
    unsigned char header[HEADER_BYTES];
    struct arena arena;
    uint32_t *fat;
    uint32_t n_fat; /* At most n_sectors. */
    const unsigned char *directory;
    uint32_t n_entries;
    /* Loaded when the first small stream is asked for. */
    const unsigned char *mini;
    size_t mini_size;
    uint32_t *mini_fat;
    uint32_t n_mini_fat;
};

static bool damaged(const struct cfb *c, const char *what, struct err *err)
{
    err_set(err, ERR_DATA, "'%s' is incomplete or damaged: %s; open and save it in Excel", c->label,
        what);
    return false;
}

static bool over_budget(const struct cfb *c, struct err *err)
{
    err_set(err, ERR_BUDGET, "'%s' needs more memory than the limit allows", c->label);
    return false;
}

/* p[0..n) from byte `at` on; what lies behind the file's end is zero. */
static bool read_at(
    const struct cfb *c, void *p, size_t n, uint64_t at, const char *what, struct err *err)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = pread(c->fd, (char *)p + done, n - done, (off_t)(at + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, c->label);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    if (done == 0 && n > 0)
        return damaged(c, what, err);
    memset((char *)p + done, 0, n - done);
    return true;
}

static uint64_t sector_at(const struct cfb *c, uint32_t sector)
{
    return ((uint64_t)sector + 1) << c->shift;
}

/* ---- Chains ---------------------------------------------------------------------------------- */

/* A chain through a table: sectors of the file, or small ones of the mini stream. */
struct chain {
    const uint32_t *next;
    uint32_t n;          /* Entries of `next`. */
    uint32_t n_sectors;  /* That exist. */
    uint32_t sector;     /* Where it stands. */
    unsigned char *seen; /* A bit for each sector. */
};

static bool chain_begin(struct chain *ch, const uint32_t *next, uint32_t n, uint32_t n_sectors,
    uint32_t start, struct err *err)
{
    *ch = (struct chain){ .next = next, .n = n, .n_sectors = n_sectors, .sector = start };
    ch->seen = calloc((size_t)n_sectors / 8 + 1, 1);
    return ch->seen || err_nomem(err);
}

enum link { CHAIN_SECTOR, CHAIN_END, CHAIN_BROKEN };

/* The next sector of the chain. */
static enum link chain_next(struct chain *ch, uint32_t *sector)
{
    uint32_t s = ch->sector;

    if (s >= SECTOR_MARKS)
        return CHAIN_END;
    if (s >= ch->n_sectors || (ch->seen[s / 8] >> s % 8 & 1))
        return CHAIN_BROKEN;
    ch->seen[s / 8] |= (unsigned char)(1U << s % 8);
    *sector = s;
    /* Sectors that the table does not reach have nothing behind them. */
    ch->sector = s < ch->n ? ch->next[s] : NO_ENTRY;
    return CHAIN_SECTOR;
}

/* How many sectors the chain from `start` has, up to `most`; a broken one has those before. */
static bool chain_length(
    const struct cfb *c, uint32_t start, uint32_t most, uint32_t *n, bool *broken, struct err *err)
{
    struct chain ch;
    uint32_t sector;
    enum link link = CHAIN_END;

    if (!chain_begin(&ch, c->fat, c->n_fat, c->n_sectors, start, err))
        return false;
    for (*n = 0; *n < most && (link = chain_next(&ch, &sector)) == CHAIN_SECTOR; (*n)++)
        ;
    *broken = *n < most && link == CHAIN_BROKEN;
    free(ch.seen);
    return true;
}

/* Does the file hold what is needed of the sector: `left` bytes or all? Its last may be cut. */
static bool sector_is_whole(const struct cfb *c, uint32_t sector, uint64_t left)
{
    uint64_t bytes = UINT64_C(1) << c->shift;

    return sector + 1 < c->n_sectors ||
           c->size - sector_at(c, sector) >= (left < bytes ? left : bytes);
}

/*
 * Bytes of the chain from `start`: `size`, or all there are when that is UINT64_MAX. Neighbouring
 * sectors are read at once.
 */
static bool read_chain(const struct cfb *c, uint32_t start, uint64_t size, size_t max,
    const char *what, struct arena *arena, unsigned char **p, size_t *n, struct err *err)
{
    uint64_t mask = (UINT64_C(1) << c->shift) - 1;
    uint64_t want = size == UINT64_MAX ? c->n_sectors : (size >> c->shift) + ((size & mask) != 0);
    uint32_t sectors, sector, first;
    struct chain ch = { .n = 0 };
    unsigned char *out;
    bool ok = false, broken;

    if (want > c->n_sectors)
        return damaged(c, what, err);
    if (!chain_length(c, start, (uint32_t)want, &sectors, &broken, err))
        return false;
    if (broken || (size != UINT64_MAX && sectors < want))
        return damaged(c, what, err);
    if (((uint64_t)sectors << c->shift) > max)
        return over_budget(c, err);
    *p = out = arena_alloc(arena, ((size_t)sectors << c->shift) + 1);
    if (!out)
        return over_budget(c, err);
    if (!chain_begin(&ch, c->fat, c->n_fat, c->n_sectors, start, err))
        return false;
    first = ch.sector;
    for (uint32_t i = 0, run = 0; i < sectors; i++) {
        if (chain_next(&ch, &sector) != CHAIN_SECTOR) /* It was walked before. */
            goto out;
        if (size != UINT64_MAX && !sector_is_whole(c, sector, size - ((uint64_t)i << c->shift))) {
            damaged(c, what, err);
            goto out;
        }
        run++;
        if (i + 1 < sectors && ch.sector == sector + 1)
            continue;
        if (!read_at(c, out, (size_t)run << c->shift, sector_at(c, first), what, err))
            goto out;
        out += (size_t)run << c->shift;
        first = ch.sector;
        run = 0;
    }
    *n = size == UINT64_MAX ? (size_t)sectors << c->shift : (size_t)size;
    ok = true;
out:
    free(ch.seen);
    return ok;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* One FAT sector into its place; those that lie outside the file end the table. */
static bool add_fat_sector(
    struct cfb *c, uint32_t sector, unsigned char *scratch, bool *end, struct err *err)
{
    uint32_t per = 1U << (c->shift - 2);

    *end = sector >= c->n_sectors || c->n_fat == c->n_sectors;
    if (*end)
        return true;
    if (!read_at(c, scratch, (size_t)1 << c->shift, sector_at(c, sector), "its sector table is cut",
            err))
        return false;
    for (uint32_t i = 0; i < per && c->n_fat < c->n_sectors; i++)
        c->fat[c->n_fat++] = le32(scratch + 4 * (size_t)i);
    *end = c->n_fat == c->n_sectors;
    return true;
}

/*
 * The FAT, as far as it is about sectors that exist. Every DIFAT sector adds to it or ends it,
 * which bounds their chain.
 */
static bool load_fat(struct cfb *c, struct err *err)
{
    uint32_t per = 1U << (c->shift - 2), next = le32(c->header + 68);
    unsigned char *difat = arena_alloc(&c->arena, (size_t)1 << c->shift);
    unsigned char *scratch = arena_alloc(&c->arena, (size_t)1 << c->shift);
    bool end = false;

    c->fat = arena_calloc(&c->arena, (size_t)c->n_sectors + 1, sizeof *c->fat);
    if (!c->fat || !difat || !scratch)
        return over_budget(c, err);
    for (uint32_t i = 0; i < HEADER_DIFAT && !end; i++) {
        if (!add_fat_sector(c, le32(c->header + 76 + 4 * (size_t)i), scratch, &end, err))
            return false;
    }
    while (!end && next < c->n_sectors) {
        if (!read_at(c, difat, (size_t)1 << c->shift, sector_at(c, next),
                "its table of sector tables is cut", err))
            return false;
        for (uint32_t i = 0; i + 1 < per && !end; i++) {
            if (!add_fat_sector(c, le32(difat + 4 * (size_t)i), scratch, &end, err))
                return false;
        }
        next = le32(difat + 4 * (size_t)(per - 1));
    }
    return true;
}

static bool load_directory(struct cfb *c, struct err *err)
{
    size_t most = (size_t)CFB_MAX_ENTRIES * ENTRY_BYTES, n;
    unsigned char *p;
    uint32_t sectors;
    bool broken;

    /* A directory that cannot be followed to its end is read as far as it goes. */
    if (!chain_length(
            c, le32(c->header + 48), (uint32_t)(most >> c->shift), &sectors, &broken, err))
        return false;
    if (sectors == 0)
        return damaged(c, "its directory is missing", err);
    if (!read_chain(c, le32(c->header + 48), (uint64_t)sectors << c->shift, most,
            "its directory is cut", &c->arena, &p, &n, err))
        return false;
    c->directory = p;
    c->n_entries = (uint32_t)(n / ENTRY_BYTES);
    return true;
}

bool cfb_open(int fd, const char *label, struct budget *budget, struct cfb **out, struct err *err)
{
    static const unsigned char magic[8] = { 0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1 };
    struct cfb *c = calloc(1, sizeof *c);
    uint64_t sectors;
    struct stat st;

    if (!c)
        return err_nomem(err);
    c->fd = fd;
    c->label = label;
    arena_init(&c->arena, budget);
    if (fstat(fd, &st) != 0) {
        err_errno(err, errno, label);
        goto fail;
    }
    c->size = (uint64_t)st.st_size;
    if (c->size < HEADER_BYTES) {
        err_set(
            err, ERR_DATA, "'%s' is incomplete: it ends after %" PRIu64 " bytes", label, c->size);
        goto fail;
    }
    if (!read_at(c, c->header, HEADER_BYTES, 0, "its header is cut", err))
        goto fail;
    c->shift = le16(c->header + 30);
    if (memcmp(c->header, magic, sizeof magic) != 0) {
        err_set(err, ERR_FORMAT, "'%s' is no OLE compound file", label);
        goto fail;
    }
    if ((c->shift != 9 && c->shift != 12) || le16(c->header + 32) != MINI_SHIFT) {
        damaged(c, "its header names sizes that no such file has", err);
        goto fail;
    }
    sectors = (c->size + (UINT64_C(1) << c->shift) - 1) >> c->shift;
    if (sectors <= 1 || sectors - 1 >= SECTOR_MARKS) {
        damaged(c, "its sizes cannot be", err);
        goto fail;
    }
    c->n_sectors = (uint32_t)(sectors - 1);
    if (!load_fat(c, err) || !load_directory(c, err))
        goto fail;
    *out = c;
    return true;
fail:
    cfb_close(c);
    return false;
}

void cfb_close(struct cfb *c)
{
    if (!c)
        return;
    arena_deinit(&c->arena);
    free(c);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static const unsigned char *entry_at(const struct cfb *c, uint32_t i)
{
    return c->directory + (size_t)i * ENTRY_BYTES;
}

static uint64_t entry_size(const struct cfb *c, const unsigned char *e)
{
    uint64_t size = le32(e + 120);

    /* The upper half is often not cleared in files of small sectors. */
    return c->shift == 9 ? size : size | (uint64_t)le32(e + 124) << 32;
}

static bool has_name(const unsigned char *e, const char *name)
{
    size_t n = strlen(name);

    if (e[66] != STREAM || le16(e + 64) != 2 * (n + 1))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c[2] = { (char)e[2 * i], '\0' }, want[2] = { name[i], '\0' };

        if (e[2 * i + 1] != 0 || strcasecmp(c, want) != 0)
            return false;
    }
    return true;
}

/* Where `name` is in the tree of the root's children; n_entries when it is not. */
static uint32_t find_in_root(const struct cfb *c, const char *name)
{
    uint32_t *stack = malloc(((size_t)c->n_entries + 1) * sizeof *stack);
    unsigned char *seen = calloc((size_t)c->n_entries / 8 + 1, 1);
    uint32_t found = c->n_entries, depth = 0, i;

    if (stack && seen && entry_at(c, 0)[66] == ROOT)
        stack[depth++] = le32(entry_at(c, 0) + 76);
    while (depth > 0 && found == c->n_entries) {
        i = stack[--depth];
        if (i >= c->n_entries || (seen[i / 8] >> i % 8 & 1))
            continue;
        seen[i / 8] |= (unsigned char)(1U << i % 8);
        if (has_name(entry_at(c, i), name))
            found = i;
        /* Every entry is stepped into once and leaves two at most: no more than n + 1 wait. */
        stack[depth++] = le32(entry_at(c, i) + 68);
        stack[depth++] = le32(entry_at(c, i) + 72);
    }
    free(stack);
    free(seen);
    return found;
}

bool cfb_find(const struct cfb *c, const char *name, struct cfb_entry *out)
{
    uint32_t found = find_in_root(c, name);

    for (uint32_t i = 0; i < c->n_entries && found == c->n_entries; i++) {
        if (has_name(entry_at(c, i), name))
            found = i;
    }
    if (found == c->n_entries)
        return false;
    *out = (struct cfb_entry){ .start = le32(entry_at(c, found) + 116),
        .size = entry_size(c, entry_at(c, found)) };
    return true;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static bool load_mini(struct cfb *c, struct err *err)
{
    const unsigned char *root = entry_at(c, 0);
    unsigned char *table, *mini;
    size_t n;

    if (c->mini_fat)
        return true;
    if (root[66] != ROOT)
        return damaged(c, "its root entry is missing", err);
    if (!read_chain(c, le32(c->header + 60), UINT64_MAX, SIZE_MAX,
            "its table of small sectors is cut", &c->arena, &table, &n, err) ||
        !read_chain(c, le32(root + 116), entry_size(c, root), SIZE_MAX,
            "its store of small streams is cut", &c->arena, &mini, &c->mini_size, err))
        return false;
    c->mini = mini;
    c->n_mini_fat = (uint32_t)(n / 4);
    c->mini_fat = arena_calloc(&c->arena, (size_t)c->n_mini_fat + 1, sizeof *c->mini_fat);
    if (!c->mini_fat)
        return over_budget(c, err);
    for (uint32_t i = 0; i < c->n_mini_fat; i++)
        c->mini_fat[i] = le32(table + 4 * (size_t)i);
    return true;
}

static bool load_small(struct cfb *c, const struct cfb_entry *e, struct arena *arena,
    const unsigned char **p, size_t *n, struct err *err)
{
    const size_t piece = (size_t)1 << MINI_SHIFT;
    unsigned char *out = arena_alloc(arena, MINI_CUTOFF);
    size_t size = (size_t)e->size;
    struct chain ch;
    bool ok = true;

    if (!load_mini(c, err))
        return false;
    if (!out)
        return over_budget(c, err);
    if (!chain_begin(&ch, c->mini_fat, c->n_mini_fat,
            (uint32_t)((c->mini_size + piece - 1) / piece), e->start, err))
        return false;
    for (size_t done = 0; done < size && ok; done += piece) {
        size_t want = size - done < piece ? size - done : piece;
        uint32_t sector;

        ok = chain_next(&ch, &sector) == CHAIN_SECTOR &&
             want <= c->mini_size - (size_t)sector * piece;
        if (ok)
            memcpy(out + done, c->mini + (size_t)sector * piece, want);
    }
    free(ch.seen);
    *p = out;
    *n = size;
    return ok || damaged(c, "a stream is cut", err);
}

bool cfb_load(struct cfb *c, const struct cfb_entry *entry, size_t max, struct arena *arena,
    const unsigned char **p, size_t *n, struct err *err)
{
    unsigned char *bytes;

    if (entry->size > c->size)
        return damaged(c, "its workbook is larger than the file", err);
    if (entry->size > max)
        return err_set(err, ERR_BUDGET,
            "'%s' holds a workbook of %" PRIu64 " MB; old workbooks are read up to %zu MB",
            c->label, entry->size >> 20, max >> 20);
    if (entry->size < MINI_CUTOFF)
        return load_small(c, entry, arena, p, n, err);
    if (!read_chain(
            c, entry->start, entry->size, SIZE_MAX, "its workbook is cut", arena, &bytes, n, err))
        return false;
    *p = bytes;
    return true;
}
