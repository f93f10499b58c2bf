/*
 * Content that cannot be read twice, put on disk: pipes as they come, gzip unpacked.
 *
 * The files have no name, so nothing is left behind whatever happens.
 */
#include "formats/source_int.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

uint64_t source_unpack_limit;

/* Both directions of unpacking. */
struct gunzip {
    struct inflate_state state;
    const char *name;
    int in, out;
    uint64_t offset; /* Of the gzip file: bytes read. */
    uint64_t limit, made;
    unsigned char packed[CHUNK], text[CHUNK];
};

static const char spool_label[] = "a temporary file"; /* In errors. */

/* A new unlinked file. */
static bool open_unnamed(const char *dir, int *out, struct err *err)
{
    char path[4096];
    int fd = open(dir ? dir : P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0) {
        int n = snprintf(path, sizeof path, "%s/.spool-XXXXXX", dir ? dir : P_tmpdir);

        if (n > 0 && (size_t)n < sizeof path)
            fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    if (fd < 0 && (errno == ENOSPC || errno == EDQUOT || errno == ENOMEM))
        return err_errno(err, errno, spool_label);
    if (fd < 0)
        return err_set(err, ERR_CREATE, "a temporary file cannot be created: %s", strerror(errno));
    *out = fd;
    return true;
}

bool source_spool(int fd, const char *name, const char *tmp_dir, int *out, struct err *err)
{
    char *chunk = malloc(CHUNK);
    int spool = -1;
    bool ok = false;

    if (!chunk)
        return err_nomem(err);
    if (!open_unnamed(tmp_dir, &spool, err))
        goto out;
    for (;;) {
        ssize_t n = read(fd, chunk, CHUNK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_errno(err, errno, name);
            goto out;
        }
        if (n == 0)
            break;
        if (!fs_write_all(spool, chunk, (size_t)n, spool_label, err))
            goto out;
    }
    *out = spool;
    ok = true;
out:
    free(chunk);
    if (!ok && spool >= 0)
        close(spool);
    return ok;
}

/* More packed bytes behind those not used yet; none at the end of the file. */
static bool refill(struct gunzip *g, struct err *err)
{
    ssize_t n;

    if (g->state.avail_in > 0)
        return true;
    do
        n = pread(g->in, g->packed, CHUNK, (off_t)g->offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(err, errno, g->name);
    g->offset += (uint64_t)n;
    g->state.next_in = g->packed;
    g->state.avail_in = (uint32_t)n;
    return true;
}

/* What ISA-L says about a member that cannot be unpacked. */
static bool damaged(const struct gunzip *g, int code, struct err *err)
{
    return err_set(err, ERR_DATA, "%s is damaged: its compressed data %s", g->name,
        code == ISAL_INCORRECT_CHECKSUM   ? "does not match its checksum"
        : code == ISAL_UNSUPPORTED_METHOD ? "uses a method other than deflate"
                                          : "cannot be unpacked");
}

/* One member, from its header to its checksum. */
static bool unpack_member(struct gunzip *g, struct err *err)
{
    while (g->state.block_state != ISAL_BLOCK_FINISH) {
        uint32_t before;
        size_t n;
        int code;

        if (!refill(g, err))
            return false;
        before = g->state.avail_in;
        g->state.next_out = g->text;
        g->state.avail_out = CHUNK;
        code = isal_inflate(&g->state);
        n = CHUNK - g->state.avail_out;
        if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT && code != ISAL_OUT_OVERFLOW)
            return damaged(g, code, err);
        if (n > g->limit - g->made)
            return err_set(err, ERR_BUDGET, "%s unpacks to more than %llu MB", g->name,
                (unsigned long long)(g->limit >> 20));
        g->made += n;
        if (!fs_write_all(g->out, g->text, n, spool_label, err))
            return false;
        if (before == 0 && n == 0 && g->state.block_state != ISAL_BLOCK_FINISH)
            return err_set(
                err, ERR_DATA, "%s is incomplete: its compressed data ends too early", g->name);
        if (n == 0 && g->state.avail_in == before && g->state.block_state != ISAL_BLOCK_FINISH)
            return damaged(g, ISAL_INVALID_BLOCK, err);
    }
    return true;
}

/* Does another member follow? One byte of a header at the very end is none. */
static bool next_member(struct gunzip *g, bool *more, struct err *err)
{
    uint32_t left = g->state.avail_in;

    if (left == 1) {
        /* Both bytes of the signature are needed side by side. */
        g->offset -= left;
        g->state.avail_in = 0;
    }
    if (!refill(g, err))
        return false;
    *more = g->state.avail_in >= 2 && g->state.next_in[0] == 0x1F && g->state.next_in[1] == 0x8B;
    return true;
}

bool source_gunzip(
    int fd, const char *name, const struct source_env *env, int *out, struct err *err)
{
    struct gunzip *g = malloc(sizeof *g);
    bool more = true, ok = false;

    if (!g)
        return err_nomem(err);
    g->name = name;
    g->in = fd;
    g->out = -1;
    g->offset = g->made = 0;
    g->limit = source_unpack_limit ? source_unpack_limit : SOURCE_MAX_UNPACKED;
    isal_inflate_init(&g->state);
    if (!open_unnamed(env->tmp_dir, &g->out, err))
        goto out;
    while (more) {
        g->state.crc_flag = ISAL_GZIP;
        if (!unpack_member(g, err) || !next_member(g, &more, err))
            goto out;
        if (more)
            isal_inflate_reset(&g->state);
    }
    for (bool padding = true; g->state.avail_in > 0 && padding; g->state.avail_in--)
        padding = *g->state.next_in++ == 0;
    if (g->state.avail_in > 0)
        warn_add(env->warnings, "gzip_trailing",
            "bytes behind the end of the gzipped data were ignored", NULL);
    *out = g->out;
    ok = true;
out:
    if (!ok && g->out >= 0)
        close(g->out);
    free(g);
    return ok;
}
