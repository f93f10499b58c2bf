/*
 * Any bytes as a form: fed at once, and in pieces whose length the first byte gives. Both must end the
 * same way with the same parts, and leave no file behind.
 */
#include "net/multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONTENT_MAX = 4096 };

static char dir[] = "/tmp/sheetflow-fuzz-XXXXXX";

static void remove_dir(void)
{
    rmdir(dir);
}

/* What became of the form, as text. */
static void parse(const char *p, size_t n, size_t step, struct buf *out)
{
    struct multipart *m = NULL;
    struct err err = { 0 };
    struct arena arena;
    struct http_part *parts;
    size_t n_parts;
    bool ok = true;

    arena_init(&arena, NULL);
    if (!multipart_new("multipart/form-data; boundary=b", dir, CONTENT_MAX, &arena, &m, &err))
        abort();
    for (size_t at = 0; at < n && ok; at += step)
        ok = multipart_feed(m, p + at, n - at < step ? n - at : step, &err);
    ok = ok && multipart_finish(m, &err);
    if (ok != (err.code == ERR_NONE) || (!ok && !err.text[0]))
        abort();
    buf_addf(out, "%d %s\n", err.code, err.text);
    parts = multipart_parts(m, &n_parts);
    for (size_t i = 0; ok && i < n_parts; i++) {
        buf_addf(out, "%s %s %s %llu %s ", parts[i].name,
            parts[i].filename ? parts[i].filename : "-", parts[i].type ? parts[i].type : "-",
            (unsigned long long)parts[i].size, parts[i].sha256);
        buf_add(out, parts[i].value, parts[i].value_len);
    }
    multipart_free(m);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    struct buf whole, pieces;

    if (!made) {
        if (!mkdtemp(dir) || atexit(remove_dir) != 0)
            abort();
        made = true;
    }
    if (size == 0)
        return 0;
    buf_init(&whole, 1 << 20);
    buf_init(&pieces, 1 << 20);
    parse((const char *)data + 1, size - 1, SIZE_MAX / 2, &whole);
    parse((const char *)data + 1, size - 1, (size_t)data[0] % 64 + 1, &pieces);
    if (whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0)
        abort();
    buf_deinit(&whole);
    buf_deinit(&pieces);
    return 0;
}
