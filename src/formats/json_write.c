/*
 * JSON out: an object for each row, keyed by column.
 *
 *   json         [ {...}, {...} ]     indented by two blanks, or all on one line
 *   json, bare   {...}\n{...}\n       no array
 *   jsonl        {...}\n{...}\n
 *
 * Numbers are numbers, but whole ones beyond 2^53, which most readers would round, are strings.
 * Dates are their shown text.
 */
#include "formats/sink.h"
#include "formats/text_copy.h"
#include "formats/text_out.h"

#include <math.h>
#include <stdlib.h>

#define SAFE_INTEGER 9007199254740992.0 /* 2^53 */

struct json_writer {
    struct text_out out;
    struct buf keys; /* All of them as `"key": `. */
    size_t *ends;    /* Where each ends in `keys`. */
    uint32_t n_columns;
    enum null_handling nulls;
    bool lines; /* A record a line, no array. */
    bool pretty;
    uint64_t rows;
};

/*
 * How a byte of text is written: 0 as it stands, else the character behind the backslash; 'u' as
 * \u00XX.
 */
static const char escapes[256] = {
    [0] = 'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'b',
    't',
    'n',
    'u',
    'f',
    'r',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    'u',
    ['"'] = '"',
    ['\\'] = '\\',
};

static size_t escape_byte(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    to[0] = '\\';
    to[1] = escapes[c];
    if (escapes[c] != 'u')
        return 2;
    to[2] = to[3] = '0';
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return 6;
}

enum {
    PIECE = 4096, /* Of a long text, escaped at a time. */
    WIDEST = 6    /* A byte as \u00XX. */
};

/* A text that has something to escape, or is long. */
static bool put_escaped(struct text_out *out, const char *p, size_t n, struct err *err)
{
    if (!text_out_put(out, "\"", 1, err))
        return false;
    while (n > 0) {
        size_t piece = n < PIECE ? n : PIECE;
        char *to;

        if (!text_out_need(out, piece * WIDEST, err))
            return false;
        to = out->p;
        for (size_t i = 0; i < piece; i++) {
            unsigned char c = (unsigned char)p[i];

            if (!escapes[c])
                *to++ = (char)c;
            else
                to += escape_byte(to, c);
        }
        out->p = to;
        p += piece;
        n -= piece;
    }
    return text_out_put(out, "\"", 1, err);
}

static bool put_string(struct text_out *out, const char *p, size_t n, struct err *err)
{
    if (n > PIECE)
        return put_escaped(out, p, n, err);
    if (!text_out_need(out, n + 2, err))
        return false;
    if (text_copy(out->p + 1, p, n, (struct text_set){ '"', '\\', '"', '"', true }))
        return put_escaped(out, p, n, err);
    out->p[0] = out->p[n + 1] = '"';
    out->p += n + 2;
    return true;
}

static bool put_value(struct json_writer *w, const struct cell *cell, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    const char *shown;
    size_t n;

    switch ((enum cell_type)cell->type) {
    case CELL_BLANK:
        return w->nulls == NULL_DEFAULT ? text_out_put(&w->out, "\"\"", 2, err)
                                        : text_out_put(&w->out, "null", 4, err);
    case CELL_NUMBER:
        shown = cell_shown(cell, scratch, &n);
        if (fabs(cell->number) > SAFE_INTEGER)
            return put_string(&w->out, shown, n, err);
        return text_out_put(&w->out, shown, n, err);
    case CELL_BOOL:
        shown = cell_shown(cell, scratch, &n);
        return text_out_put(&w->out, shown, n, err);
    case CELL_TEXT:
        return put_string(&w->out, cell->text, cell->len, err);
    case CELL_DATE:
    case CELL_ERROR:
        break;
    }
    shown = cell_shown(cell, scratch, &n);
    return put_string(&w->out, shown, n, err);
}

static bool put_record(struct json_writer *w, const struct batch *b, uint32_t row, struct err *err)
{
    bool first = true;

    if (!text_out_put(&w->out, "{", 1, err))
        return false;
    for (uint32_t c = 0; c < b->n_columns; c++) {
        const struct cell *cell = &b->columns[c][row];
        size_t begin = c > 0 ? w->ends[c - 1] : 0;

        if (w->nulls == NULL_EXCLUDE && cell_is_blank(*cell))
            continue;
        if (!first && !text_out_put(&w->out, ",", 1, err))
            return false;
        if (w->pretty && !text_out_put(&w->out, "\n    ", 5, err))
            return false;
        first = false;
        if (!text_out_put(&w->out, w->keys.data + begin, w->ends[c] - begin, err) ||
            !put_value(w, cell, err))
            return false;
    }
    if (w->pretty && !first && !text_out_put(&w->out, "\n  ", 3, err))
        return false;
    return text_out_put(&w->out, "}", 1, err);
}

static bool json_write_batch(void *self, const struct batch *b, struct err *err)
{
    struct json_writer *w = self;

    for (uint32_t i = 0; i < b->n_rows; i++) {
        if (!w->lines) {
            if (!text_out_put(&w->out, w->rows ? "," : "[", 1, err))
                return false;
            if (w->pretty && !text_out_put(&w->out, "\n  ", 3, err))
                return false;
        }
        if (!put_record(w, b, i, err) || (w->lines && !text_out_put(&w->out, "\n", 1, err)))
            return false;
        w->rows++;
    }
    text_out_flush(&w->out);
    return true;
}

static bool json_write_finish(void *self, struct err *err)
{
    struct json_writer *w = self;
    const char *end = w->lines ? "" : !w->rows ? "[]\n" : w->pretty ? "\n]\n" : "]\n";

    if (!text_out_put(&w->out, end, strlen(end), err))
        return false;
    text_out_flush(&w->out);
    return true;
}

static void json_write_close(void *self)
{
    struct json_writer *w = self;

    if (!w)
        return;
    buf_deinit(&w->keys);
    free(w->ends);
    free(w);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two members of one name would lose a value in most readers. */
static bool check_keys(const char *const *keys, uint32_t n, struct err *err)
{
    const char **sorted = malloc((n ? n : 1) * sizeof *sorted);
    bool ok = true;

    if (!sorted)
        return err_nomem(err);
    memcpy(sorted, keys, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_keys);
    for (uint32_t i = 1; i < n && ok; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            ok = err_set(err, ERR_ARG,
                "two columns would be written under the key '%.100s'; give each its own",
                sorted[i]);
    }
    free(sorted);
    return ok;
}

static void add_key(struct buf *out, const char *key, bool pretty)
{
    char escaped[8];

    buf_addc(out, '"');
    for (; *key; key++) {
        unsigned char c = (unsigned char)*key;

        if (escapes[c])
            buf_add(out, escaped, escape_byte(escaped, c));
        else
            buf_addc(out, *key);
    }
    buf_adds(out, pretty ? "\": " : "\":");
}

static bool make_keys(struct json_writer *w, const struct sink_args *args,
    const struct schema *schema, struct err *err)
{
    const char **names = malloc((w->n_columns ? w->n_columns : 1) * sizeof *names);
    bool ok;

    w->ends = calloc(w->n_columns ? w->n_columns : 1, sizeof *w->ends);
    if (!names || !w->ends) {
        free(names);
        return err_nomem(err);
    }
    for (uint32_t c = 0; c < w->n_columns; c++) {
        names[c] = args->keys ? args->keys[c] : schema->columns[c].name;
        add_key(&w->keys, names[c], w->pretty);
        w->ends[c] = w->keys.len;
    }
    ok = check_keys(names, w->n_columns, err) && buf_ok(&w->keys, "the list of keys", err);
    free(names);
    return ok;
}

bool json_write_open(const struct sink_args *args, const struct schema *schema,
    struct fs_file *file, void **self, struct err *err)
{
    struct json_writer *w = calloc(1, sizeof *w);

    if (!w)
        return err_nomem(err);
    text_out_init(&w->out, file);
    buf_init(&w->keys, SIZE_MAX / 4);
    w->n_columns = schema->n_columns;
    w->nulls = (enum null_handling)args->null_handling;
    w->lines = args->format == FILE_JSONL || args->single_object_unwrapped;
    w->pretty = args->pretty && !w->lines;
    if (!make_keys(w, args, schema, err)) {
        json_write_close(w);
        return false;
    }
    *self = w;
    return true;
}

const struct sink_class json_write_class = {
    .write = json_write_batch,
    .finish = json_write_finish,
    .close = json_write_close,
};
