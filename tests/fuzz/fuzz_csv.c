/*
 * Any bytes as a text table, with a header or without: read to the end, again after a rewind from there and from the
 * middle, and once more with the text coming a few bytes at a time. Some are repeated until that is more than one block, and
 * parsed ahead. All must give the same.
 */
#include "formats/csv_ahead.h"

#include "table/hash.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A reading in short: how it ended, and a hash of every name and cell. */
struct outcome {
    enum err_code code;
    uint64_t rows, rejected, quarantined;
    struct hash128 hash;
};

static void mix(struct outcome *o, const void *p, size_t n)
{
    struct hash128 h = hash_bytes(p, n);
    uint64_t parts[] = { o->hash.lo, o->hash.hi, h.lo, h.hi, n };

    o->hash = hash_bytes(parts, sizeof parts);
}

static bool reject(
    void *arg, uint64_t line, const char *reason, const char *raw, size_t n, struct err *err)
{
    struct outcome *o = arg;

    (void)reason;
    (void)err;
    o->rejected++;
    mix(o, &line, sizeof line);
    mix(o, raw, n);
    return true;
}

static void drain(struct source *s, struct outcome *o)
{
    const struct schema *schema = source_schema(s);
    struct err err = { 0 };
    struct batch *b;

    for (uint32_t c = 0; c < schema->n_columns; c++)
        mix(o, schema->columns[c].name, strlen(schema->columns[c].name));
    while (source_next(s, &b, &err) && b) {
        o->rows += b->n_rows;
        for (uint32_t i = 0; i < b->n_rows; i++) {
            uint64_t row = batch_row(b, i);

            mix(o, &row, sizeof row);
            for (uint32_t c = 0; c < b->n_columns; c++) {
                char scratch[CELL_SHOWN_MAX];
                size_t n;
                const char *p = cell_shown(&b->columns[c][i], scratch, &n);

                mix(o, &b->columns[c][i].type, 1);
                mix(o, p, n);
            }
        }
    }
    o->code = err.code;
    o->quarantined = source_quarantined(s);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->code == b->code && a->rows == b->rows && a->hash.lo == b->hash.lo &&
           a->hash.hi == b->hash.hi;
}

struct way {
    size_t step;  /* Text comes so many bytes at a time; 0: all at once. */
    size_t chunk; /* It is parsed ahead in chunks of so many; 0: it is not. */
    bool typed;
};

/* Some rows, then back to the first. */
static void look(struct source *s)
{
    struct err err;
    struct batch *b;

    if ((source_next(s, &b, &err) && b && !source_next(s, &b, &err)) || !source_rewind(s, &err))
        abort();
}

static struct outcome read_bytes(const uint8_t *data, size_t size, struct way way)
{
    struct reader_args args = reader_args_default;
    struct outcome rejects = { 0 }, first = { 0 }, second = { 0 };
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
        drain(s, &first);
        if (first.code == ERR_NONE) {
            if (!source_rewind(s, &err))
                abort();
            look(s);
            drain(s, &second);
            if (!same(&first, &second) || rejects.rejected != source_quarantined(s))
                abort();
        }
        source_close(s);
    } else {
        first.code = err.code;
        if (err.code == ERR_NONE || err.text[0] == '\0')
            abort();
        close(fd);
    }
    csv_read_step = 0;
    mix(&first, &rejects.hash, sizeof rejects.hash);
    formats_free(env.formats);
    warn_free(env.warnings);
    if (budget.used != 0)
        abort();
    return first;
}

/* The bytes over and over, parsed ahead and not. */
static void read_ahead(const uint8_t *data, size_t size)
{
    size_t times = (CSV_BLOCK + CSV_BLOCK / 4) / size + 1;
    uint8_t *text = malloc(times * size);
    struct outcome one, other;

    if (!text)
        abort();
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * size, data, size);
    one = read_bytes(text, times * size, (struct way){ .typed = true });
    other =
        read_bytes(text, times * size, (struct way){ .typed = true, .chunk = 512 + size % 4096 });
    free(text);
    /* How many rows come before an error is chance. */
    if (one.code != other.code || (one.code == ERR_NONE && !same(&one, &other)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = read_bytes(data, size, (struct way){ 0 });

    if (size < 4096) {
        struct outcome parts = read_bytes(data, size, (struct way){ .step = 1 + size % 61 });

        if (!same(&whole, &parts))
            abort();
    }
    read_bytes(data, size, (struct way){ .typed = true });
    if (size > 0 && size % 16 == 0)
        read_ahead(data, size);
    return 0;
}
