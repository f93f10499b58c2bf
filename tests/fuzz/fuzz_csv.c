/*
 * Any bytes as a text table, with a header or without: read to the end, again after a rewind from there and from the
 * middle, and once more with the text coming a few bytes at a time. Some are repeated until that is more than one block, and
 * parsed ahead. All must give the same.
 */
#include "reading.h"

#include "formats/csv_ahead.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool reject(
    void *arg, uint64_t line, const char *reason, const char *raw, size_t n, struct err *err)
{
    struct reading *o = arg;

    (void)reason;
    (void)err;
    o->rejected++;
    reading_mix(o, &line, sizeof line);
    reading_mix(o, raw, n);
    return true;
}

struct way {
    size_t step;  /* Text comes so many bytes at a time; 0: all at once. */
    size_t chunk; /* It is parsed ahead in chunks of so many; 0: it is not. */
    bool typed;
    bool once; /* And not again. */
};

static struct reading read_bytes(const uint8_t *data, size_t size, struct way way)
{
    struct reader_args args = reader_args_default;
    struct reading rejects = { 0 }, first = { 0 };
    struct budget budget = { .limit = 256 << 20 };
    struct source_env env = { .formats = formats_new(),
        .warnings = warn_new(),
        .tmp_dir = "/tmp",
        .budget = &budget,
        .reject = reject,
        .reject_arg = &rejects,
        .typed = way.typed };
    struct err err = { 0 };
    struct source *s;
    int fd = memfd_create("fuzz", 0);

    if (fd < 0 || !env.formats || !env.warnings)
        abort();
    if (write(fd, data, size) != (ssize_t)size)
        abort();
    args.header_row = size % 3 > 0;
    csv_read_step = way.step;
    csv_ahead_limits = (struct csv_ahead_limits){
        .worth = way.chunk ? 1 : UINT64_MAX, .chunk = way.chunk, .threads = 1
    };
    if (source_open(fd, "fuzz", &args, &env, &s, &err)) {
        first = way.once ? reading_of(s, UINT64_MAX) : reading_twice(s, UINT64_MAX);
        if (first.code == ERR_NONE && rejects.rejected != first.quarantined)
            abort();
        source_close(s);
    } else {
        first.code = err.code;
        if (err.code == ERR_NONE || err.text[0] == '\0')
            abort();
        close(fd);
    }
    csv_read_step = 0;
    reading_mix(&first, &rejects.hash, sizeof rejects.hash);
    formats_free(env.formats);
    warn_free(env.warnings);
    if (budget.used != 0)
        abort();
    return first;
}

/* The bytes over and over, parsed ahead and not. To tell the types, some are read and then all. */
static void read_ahead(const uint8_t *data, size_t size)
{
    size_t times = (CSV_BLOCK + CSV_BLOCK / 4) / size + 1;
    uint8_t *text = malloc(times * size);
    struct reading one, other;

    if (!text)
        abort();
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * size, data, size);
    one = read_bytes(text, times * size, (struct way){ .typed = true, .once = true });
    other = read_bytes(text, times * size,
        (struct way){ .typed = true, .once = true, .chunk = 512 + size % 4096 });
    free(text);
    /* How many rows come before an error is chance. */
    if (one.code != other.code || (one.code == ERR_NONE && !reading_same(&one, &other)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole = read_bytes(data, size, (struct way){ 0 });

    if (size < 4096) {
        struct reading parts = read_bytes(data, size, (struct way){ .step = 1 + size % 61 });

        if (!reading_same(&whole, &parts))
            abort();
    }
    read_bytes(data, size, (struct way){ .typed = true });
    if (size > 0 && size % 64 == 0)
        read_ahead(data, size);
    return 0;
}
