/*
 * Writes the workbook that a description on stdin asks for, so that other programs' readers can
 * judge it.
 *
 *   xlsx_write_tool FOLDER NAME [--batch ROWS] [--sheet NAME] < description
 *
 *   hex TAB hex ...                     the first line: column names, in hexadecimal
 *   cell TAB cell ...                   then one line a row:
 *     -                                 blank
 *     T:hex                             text
 *     N:number or N:number:hex          number, and its format code
 *     B:0 or B:1                        boolean
 *     D:serial:kind or D:serial:kind:hex  date of an enum date_kind, and its format code
 *     E:token                           error
 */

#include "formats/sink.h"

#include <stdio.h>
#include <stdlib.h>

#define CREATED INT64_C(1770379200000000000) /* 2026-02-06 12:00 */

struct tool {
    struct sink_args args;
    struct arena names, cells; /* cells: of the batch being filled. */
    struct schema *schema;
    struct batch *batch;
    struct fs_file *file;
    void *sink;
    uint32_t batch_rows;
};

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "xlsx_write_tool: %s\n", what);
        exit(2);
    }
}

static void check_err(bool ok, const struct err *err)
{
    if (!ok) {
        printf("error: %s\n", err->text);
        exit(1);
    }
}

static char *unhex(struct arena *arena, const char *hex, size_t *n)
{
    char *out = arena_alloc(arena, strlen(hex) / 2 + 1);

    check(out != NULL, "out of memory");
    *n = strlen(hex) / 2;
    for (size_t i = 0; i < *n; i++) {
        char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

        out[i] = (char)strtoul(pair, NULL, 16);
    }
    out[*n] = '\0';
    return out;
}

static uint16_t format_of(struct tool *t, const char *hex)
{
    size_t n;

    return hex ? formats_intern(t->args.formats, unhex(&t->cells, hex, &n)) : FORMAT_GENERAL;
}

/* Fields end with a NUL; `field` is cut at its colons. */
static struct cell parse_cell(struct tool *t, char *field)
{
    char *value = strchr(field, ':'), *second, *third;
    struct cell cell;
    size_t n;

    if (!value)
        return cell_blank();
    *value++ = '\0';
    if (*field == 'T') {
        char *text = unhex(&t->cells, value, &n);

        return cell_text(text, n);
    }
    if (*field == 'E')
        return (struct cell){ .text = value, .len = (uint32_t)strlen(value), .type = CELL_ERROR };
    second = strchr(value, ':');
    if (second)
        *second++ = '\0';
    third = second ? strchr(second, ':') : NULL;
    if (third)
        *third++ = '\0';
    switch (*field) {
    case 'B':
        return cell_bool(*value == '1');
    case 'D':
        check(second != NULL, "a date without its kind");
        cell = cell_date(strtod(value, NULL), (enum date_kind)atoi(second));
        if (third)
            cell.format = format_of(t, third);
        return cell;
    default:
        check(*field == 'N', "a cell of no known kind");
        cell = cell_number(strtod(value, NULL));
        cell.format = format_of(t, second);
        return cell;
    }
}

static uint32_t count_fields(const char *line)
{
    uint32_t n = 1;

    for (; *line; line++)
        n += *line == '\t';
    return n;
}

static void parse_names(struct tool *t, char *line)
{
    uint32_t n = count_fields(line);
    size_t len;

    t->schema = schema_new(&t->names, n);
    check(t->schema != NULL, "out of memory");
    for (uint32_t j = 0; j < n; j++) {
        const char *name = unhex(&t->names, strsep(&line, "\t"), &len);

        t->schema->columns[j] = (struct column){ .name = name, .header = name };
    }
}

static void flush(struct tool *t)
{
    struct err err;

    if (t->batch->n_rows > 0)
        check_err(xlsx_write_class.write(t->sink, t->batch, &err), &err);
    t->batch->first_row += t->batch->n_rows;
    t->batch->n_rows = 0;
    arena_reset(&t->cells);
}

static void add_row(struct tool *t, const char *line)
{
    char *copy = arena_strdup(&t->cells, line);

    check(copy && count_fields(line) == t->schema->n_columns, "a row of another width");
    for (uint32_t j = 0; j < t->schema->n_columns; j++)
        t->batch->columns[j][t->batch->n_rows] = parse_cell(t, strsep(&copy, "\t"));
    if (++t->batch->n_rows == t->batch_rows)
        flush(t);
}

static void parse_args(struct tool *t, int argc, char **argv)
{
    check(argc >= 3, "usage: xlsx_write_tool FOLDER NAME [--batch ROWS] [--sheet NAME]");
    t->args = (struct sink_args){ .format = FILE_XLSX,
        .file_label = argv[2],
        .created_ns = CREATED,
        .formats = formats_new(),
        .warnings = warn_new(),
        .info_sheet_name = "Info",
        .auto_width = true,
        .max_width = 50 };
    t->batch_rows = BATCH_ROWS;
    for (int i = 3; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--batch") == 0)
            t->batch_rows = (uint32_t)atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--sheet") == 0)
            t->args.sheet_name = argv[i + 1];
    }
    check(t->args.formats && t->args.warnings, "out of memory");
    check(t->batch_rows > 0 && t->batch_rows <= BATCH_ROWS, "--batch is out of range");
}

int main(int argc, char **argv)
{
    struct tool t = { 0 };
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    struct err err;

    parse_args(&t, argc, argv);
    arena_init(&t.names, NULL);
    arena_init(&t.cells, NULL);
    while ((n = getline(&line, &cap, stdin)) > 0) {
        line[n - 1] = '\0';
        if (t.sink) {
            add_row(&t, line);
            continue;
        }
        parse_names(&t, line);
        t.batch = batch_new(&t.names, t.schema->n_columns);
        check(t.batch != NULL, "out of memory");
        t.batch->n_rows = 0;
        t.batch->first_row = 2;
        check_err(fs_file_create(argv[1], argv[2], argv[2], &t.file, &err), &err);
        check_err(xlsx_write_open(&t.args, t.schema, t.file, &t.sink, &err), &err);
    }
    check(t.sink != NULL, "no column names");
    flush(&t);
    check_err(xlsx_write_class.finish(t.sink, &err), &err);
    xlsx_write_class.close(t.sink);
    check_err(fs_file_commit(t.file, false, NULL, &err), &err);
    formats_free(t.args.formats);
    warn_free(t.args.warnings);
    arena_deinit(&t.cells);
    arena_deinit(&t.names);
    free(line);
    return 0;
}
