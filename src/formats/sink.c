/* Which writer a format has. */
#include "formats/sink.h"

#include <stdlib.h>

struct sink {
    const struct sink_class *class;
    void *self;
    uint64_t rows;
};

static const struct {
    bool (*open)(const struct sink_args *args, const struct schema *schema, struct fs_file *file,
        void **self, struct err *err);
    const struct sink_class *class;
} writers[FILE_FORMAT_COUNT] = {
    [FILE_XLSX] = { xlsx_write_open, &xlsx_write_class },
    [FILE_CSV] = { csv_write_open, &csv_write_class },
    [FILE_TSV] = { csv_write_open, &csv_write_class },
    [FILE_JSON] = { json_write_open, &json_write_class },
    [FILE_JSONL] = { json_write_open, &json_write_class },
};

bool sink_open(const struct sink_args *args, const struct schema *schema, struct fs_file *file,
    struct sink **out, struct err *err)
{
    struct sink *s;

    if ((unsigned)args->format >= FILE_FORMAT_COUNT || !writers[args->format].open)
        return err_set(err, ERR_ARG,
            "a table cannot be written as %s; use xlsx, csv, tsv, json or jsonl",
            (unsigned)args->format < FILE_FORMAT_COUNT ? file_format_name(args->format) : "that");
    s = calloc(1, sizeof *s);
    if (!s)
        return err_nomem(err);
    s->class = writers[args->format].class;
    if (!writers[args->format].open(args, schema, file, &s->self, err)) {
        free(s);
        return false;
    }
    *out = s;
    return true;
}

bool sink_write(struct sink *s, const struct batch *b, struct err *err)
{
    if (!s->class->write(s->self, b, err))
        return false;
    s->rows += b->n_rows;
    return true;
}

bool sink_finish(struct sink *s, struct err *err)
{
    return s->class->finish(s->self, err);
}

void sink_close(struct sink *s)
{
    if (!s)
        return;
    s->class->close(s->self);
    free(s);
}

uint64_t sink_rows(const struct sink *s)
{
    return s->rows;
}
