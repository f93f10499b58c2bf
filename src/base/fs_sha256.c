/* SHA-256 of files and streams, by libcrypto (which uses the processor's SHA instructions). */

#include "base/fs.h"

#include <errno.h>
/* libcrypto's headers claim a name for a type that is one of our error codes. */
#define ERR_STATE crypto_err_state
#include <openssl/evp.h>
#undef ERR_STATE
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, DIGEST = 32 };

struct fs_sha256 {
    EVP_MD_CTX *ctx;
};

struct fs_sha256 *fs_sha256_new(void)
{
    struct fs_sha256 *s = malloc(sizeof *s);

    if (s)
        s->ctx = EVP_MD_CTX_new();
    if (s && s->ctx && EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) == 1)
        return s;
    if (s)
        EVP_MD_CTX_free(s->ctx);
    free(s);
    memory_note_lost();
    return NULL;
}

void fs_sha256_add(struct fs_sha256 *s, const void *p, size_t n)
{
    EVP_DigestUpdate(s->ctx, p, n); /* Fails only for a context that was never begun. */
}

void fs_sha256_end(struct fs_sha256 *s, char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (!s)
        return;
    if (hex) {
        EVP_DigestFinal_ex(s->ctx, md, &n);
        for (unsigned i = 0; i < DIGEST; i++) {
            hex[2 * i] = digits[md[i] >> 4];
            hex[2 * i + 1] = digits[md[i] & 15];
        }
        hex[64] = '\0';
    }
    EVP_MD_CTX_free(s->ctx);
    free(s);
}

bool fs_sha256_fd(int fd, char hex[65], struct err *err)
{
    struct fs_sha256 *s = fs_sha256_new();
    char *chunk = malloc(CHUNK);
    off_t at = 0;
    ssize_t n = 0;
    bool ok = false;

    if (!s || !chunk) {
        err_nomem(err);
        goto out;
    }
    while ((n = pread(fd, chunk, CHUNK, at)) > 0) {
        fs_sha256_add(s, chunk, (size_t)n);
        at += n;
    }
    if (n < 0) {
        err_errno(err, errno, "the file");
        goto out;
    }
    ok = true;
out:
    fs_sha256_end(s, ok ? hex : NULL);
    free(chunk);
    return ok;
}
