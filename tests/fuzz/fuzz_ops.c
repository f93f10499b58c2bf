/*
 * A step on any small table: the first line is {"operation", "arguments"}, what follows are the rows, cells
 * between tabs. The operation goes through its whole life; rows that it maps must add up.
 */

#include "base/num.h"
#include "base/utf8.h"
#include "ops/op.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 3, ROWS = 64 };

static uint64_t rows_out;

static bool count_rows(void *arg, const struct batch *b, struct err *err)
{
    (void)arg, (void)err;
    /* Every byte of every cell is looked at, for the sanitizers. */
    for (uint32_t c = 0; c < b->n_columns; c++) {
        for (uint32_t r = 0; r < b->n_rows; r++) {
            char scratch[CELL_SHOWN_MAX];
            size_t n;
            const char *p = cell_shown(&b->columns[c][r], scratch, &n);

            if (utf8_valid_prefix(p, n) != n)
                abort();
        }
    }
    rows_out += b->n_rows;
    return true;
}

static bool no_file(
    const struct op_env *env, const char *name, bool typed, struct source **out, struct err *err)
{
    (void)env, (void)typed, (void)out;
    return err_set(err, ERR_NOT_FOUND, "there is no file '%.64s'", name);
}

/* Numbers, dates and booleans among the texts, so that typed cells occur too. */
static struct cell make_cell(const char *p, size_t n)
{
    double v;

    if (n == 0 || utf8_valid_prefix(p, n) != n)
        return cell_blank();
    if (*p == '=' && num_parse(p + 1, n - 1, &v))
        return cell_number(v);
    if (*p == '@' && num_parse(p + 1, n - 1, &v) && v >= 0 && v < 3e6)
        return cell_date(v, (enum date_kind)(n % 4));
    if (n == 1 && (*p == 'T' || *p == 'F'))
        return cell_bool(*p == 'T');
    return cell_text(p, n);
}

static void read_rows(const char *p, size_t n, struct batch *b)
{
    const char *end = p + n;

    b->n_rows = 0;
    while (p < end && b->n_rows < ROWS) {
        const char *line = memchr(p, '\n', (size_t)(end - p));

        line = line ? line : end;
        for (uint32_t c = 0; c < COLUMNS; c++) {
            const char *tab = memchr(p, '\t', (size_t)(line - p));

            tab = tab ? tab : line;
            b->columns[c][b->n_rows] = make_cell(p, (size_t)(tab - p));
            p = tab < line ? tab + 1 : line;
        }
        b->n_rows++;
        p = line < end ? line + 1 : end;
    }
}

static void live(const struct op_args *args, struct op_env *env, const struct batch *b)
{
    static const struct column names[COLUMNS] = { { "a", "a" }, { "b", "b" }, { "c", "c" } };
    struct schema *in = schema_new(env->arena, COLUMNS);
    const struct op_emit emit = { count_rows, NULL };
    const struct op *op = args->op;
    const struct schema *out = NULL;
    struct json *result = json_new_object();
    struct err err = { 0 };
    void *state = NULL;
    bool ok;

    memcpy(in->columns, names, sizeof names);
    if (!op->open(args->own, env, in, &out, &state, &err)) {
        json_free(result);
        return;
    }
    ok = true;
    if (op->scan && (!op->wants_scan || op->wants_scan(state)))
        ok = op->scan(state, b, &err) && op->scan(state, b, &err) && op->scan_end(state, &err);
    rows_out = 0;
    ok = ok && op->push(state, b, &emit, &err) && op->push(state, b, &emit, &err) &&
         (!op->finish || op->finish(state, &emit, &err)) &&
         (!op->result || op->result(state, result, &err));
    if (ok && (op->flags & OP_MAPS_ROWS) &&
        rows_out + env->dropped[DROP_FILTERED] + env->dropped[DROP_DUPLICATE] != 2ull * b->n_rows)
        abort();
    if (!ok && (err.code == ERR_NONE || err.code == ERR_INTERNAL || !err.text[0]))
        abort();
    if (op->close)
        op->close(state);
    json_free(result);
}

static void run(const struct op *op, const struct json *arguments, const char *rows, size_t n)
{
    struct budget budget = { .limit = 256 << 20 };
    uint64_t dropped[DROP_COUNT] = { 0 };
    struct formats *formats = formats_new();
    struct warnings *warnings = warn_new();
    struct fs_file *file = NULL;
    struct op_args args;
    struct arena arena;
    struct batch *b;
    struct err err;
    int fd = open("/dev/null", O_WRONLY);

    arena_init(&arena, &budget);
    b = batch_new(&arena, COLUMNS);
    if (fd >= 0 && b && fs_file_from_fd(fd, "out", &file, &err) &&
        op_bind(op, arguments, &arena, &args, &err)) {
        struct op_env env = {
            .arena = &arena,
            .budget = &budget,
            .formats = formats,
            .warnings = warnings,
            .dropped = dropped,
            .file_label = "in.csv",
            .tmp_dir = "/tmp",
            .out = file,
            .reader = &args.reader,
            .output = &args.output,
            .open_file = no_file,
        };

        b->first_row = 2;
        read_rows(rows, n, b);
        live(&args, &env, b);
    }
    if (file)
        fs_file_abort(file);
    if (fd >= 0)
        close(fd);
    arena_deinit(&arena);
    warn_free(warnings);
    formats_free(formats);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *line = size ? memchr(data, '\n', size) : NULL;
    size_t head = line ? (size_t)(line - text) : size;
    struct json *step = NULL;
    const char *name;
    struct err err;

    if (!json_parse(text, head, &step, &err))
        return 0;
    name = json_get_string(step, "operation");
    if (name && op_find(name))
        run(op_find(name), json_get(step, "arguments"), line ? line + 1 : text,
            line ? size - head - 1 : 0);
    json_free(step);
    return 0;
}
