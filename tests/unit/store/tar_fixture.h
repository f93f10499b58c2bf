#ifndef TEST_TAR_FIXTURE_H
#define TEST_TAR_FIXTURE_H

/* Tar archives made by hand, well-formed or hostile, with the manifest of what went in. */

#include "store_fixture.h"

struct tar {
    struct buf bytes;
    struct buf manifest; /* Entries, each with a comma before it. */
};

static inline void tar_init(struct tar *t)
{
    buf_init(&t->bytes, 64 << 20);
    buf_init(&t->manifest, 8 << 20);
}

static inline void tar_deinit(struct tar *t)
{
    buf_deinit(&t->bytes);
    buf_deinit(&t->manifest);
}

/* One header of 512 bytes; `size` is what it declares. */
static inline void tar_header(
    struct tar *t, const char *name, char type, const char *link, unsigned long long size)
{
    char block[512] = "";
    unsigned sum = 0;

    assert_true(strlen(name) < 100 && strlen(link) < 100);
    memcpy(block, name, strlen(name));
    memcpy(block + 100, "0000600", 8);
    memcpy(block + 108, "0000000", 8);
    memcpy(block + 116, "0000000", 8);
    snprintf(block + 124, 12, "%011llo", size);
    memcpy(block + 136, "00000000000", 12);
    memset(block + 148, ' ', 8);
    block[156] = type;
    memcpy(block + 157, link, strlen(link));
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof block; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    buf_add(&t->bytes, block, sizeof block);
}

static inline void tar_content(struct tar *t, const char *content)
{
    static const char zeros[512];
    size_t n = strlen(content);

    buf_add(&t->bytes, content, n);
    if (n % 512)
        buf_add(&t->bytes, zeros, 512 - n % 512);
}

/* A file that the manifest does not know. */
static inline void tar_extra(struct tar *t, const char *id, const char *path, const char *content)
{
    char name[100];

    snprintf(name, sizeof name, "%s/%s", id, path);
    tar_header(t, name, '0', "", strlen(content));
    tar_content(t, content);
}

static inline void tar_list(struct tar *t, const char *path, const char *content)
{
    struct fs_sha256 *sum = fs_sha256_new();
    char sha256[65];

    assert_non_null(sum);
    fs_sha256_add(sum, content, strlen(content));
    fs_sha256_end(sum, sha256);
    buf_addf(&t->manifest, ",{\"path\":\"%s\",\"size\":%zu,\"sha256\":\"%s\"}", path,
        strlen(content), sha256);
}

static inline void tar_file(struct tar *t, const char *id, const char *path, const char *content)
{
    tar_extra(t, id, path, content);
    tar_list(t, path, content);
}

static inline void tar_manifest(struct tar *t, const char *id)
{
    struct buf b;

    buf_init(&b, 8 << 20);
    buf_addf(&b, "{\"version\":1,\"members\":[%s]}", buf_str(&t->manifest) + 1);
    tar_extra(t, id, "manifest.json", buf_str(&b));
    buf_deinit(&b);
}

static inline void tar_save(struct scratch *s, struct tar *t, char *path)
{
    static const char zeros[1024];

    buf_add(&t->bytes, zeros, sizeof zeros);
    OK(s, buf_ok(&t->bytes, "the archive", &s->err));
    OK(s, fs_join(path, s->root, "test.tar", &s->err));
    OK(s, fs_save(path, t->bytes.data, t->bytes.len, &s->err));
}

#endif
