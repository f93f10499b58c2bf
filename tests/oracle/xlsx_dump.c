/*
 * Prints a workbook's sheet as the reader sees it, one line a row, for comparing with other
 * readers.
 *
 *   xlsx_dump FILE [--sheet S] [--header N] [--merged fill] [--errors blank|fail] [--warnings] [--count] [--dialect]
 *
 *   columns<TAB>name<TAB>...
 *   row number<TAB>cell<TAB>...      n:1.5 s:text b:true d:2020-01-31 e:#N/A, blank is nothing
 *   ! kind count place               with --warnings
 *   dialect<TAB>encoding<TAB>delimiter<TAB>quote   with --dialect, of text; 0 is none
 */
#include "formats/source.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_text(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (p[i]) {
        case '\t':
            fputs("\\t", stdout);
            break;
        case '\n':
            fputs("\\n", stdout);
            break;
        case '\r':
            fputs("\\r", stdout);
            break;
        case '\\':
            fputs("\\\\", stdout);
            break;
        default:
            putchar(p[i]);
        }
    }
}

static void put_cell(const struct cell *c)
{
    static const char letters[] = " snbde";
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *p = cell_shown(c, scratch, &n);

    if (c->type != CELL_BLANK) {
        putchar(letters[c->type]);
        putchar(':');
        put_text(p, n);
    }
}

static void put_batch(const struct batch *b)
{
    for (uint32_t i = 0; i < b->n_rows; i++) {
        printf("%" PRIu64, batch_row(b, i));
        for (uint32_t col = 0; col < b->n_columns; col++) {
            putchar('\t');
            put_cell(&b->columns[col][i]);
        }
        putchar('\n');
    }
}

static void put_warnings(const struct warnings *w)
{
    struct json *list = warn_json(w);

    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i), *places = json_get(one, "places");

        printf("! %s %" PRId64, json_get_string(one, "kind"), json_get_int(one, "count", 0));
        for (size_t k = 0; k < json_len(places); k++)
            printf(" %s", json_str(json_at(places, k)));
        putchar('\n');
    }
    json_free(list);
}

static bool dump_rows(struct source *s, bool count, struct err *err)
{
    const struct schema *schema = source_schema(s);
    struct batch *b;
    uint64_t rows = 0;

    if (!count) {
        fputs("columns", stdout);
        for (uint32_t i = 0; i < schema->n_columns; i++) {
            putchar('\t');
            put_text(schema->columns[i].name, strlen(schema->columns[i].name));
        }
        putchar('\n');
    }
    while (source_next(s, &b, err)) {
        if (!b) {
            if (count)
                printf("%" PRIu64 " rows\n", rows);
            return true;
        }
        rows += b->n_rows;
        if (!count)
            put_batch(b);
    }
    return false;
}

static void put_dialect(const struct source_info *info)
{
    printf("dialect\t%s\t%d\t%d\n", info->encoding ? info->encoding : "", info->delimiter,
        info->quote);
}

static bool dump(
    const char *path, const struct reader_args *args, bool warnings, bool count, bool dialect)
{
    const char *slash = strrchr(path, '/');
    struct source_env env = { .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp" };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct source *s = NULL;
    struct err err;
    bool ok = fd >= 0 && source_open(fd, slash ? slash + 1 : path, args, &env, &s, &err);

    if (ok && dialect)
        put_dialect(source_info(s));
    if (ok)
        ok = dump_rows(s, count, &err);
    if (!ok)
        printf("error: %s\n", fd < 0 ? "cannot open" : err.text);
    if (warnings)
        put_warnings(env.warnings);
    if (s)
        source_close(s);
    else if (fd >= 0)
        close(fd);
    formats_free(env.formats);
    warn_free(env.warnings);
    return ok;
}

int main(int argc, char **argv)
{
    struct reader_args args = reader_args_default;
    bool warnings = false, count = false, dialect = false;
    const char *path = NULL;

    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *next = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(a, "--warnings") == 0) {
            warnings = true;
        } else if (strcmp(a, "--count") == 0) {
            count = true;
        } else if (strcmp(a, "--dialect") == 0) {
            dialect = true;
        } else if (a[0] == '-') {
            if (strcmp(a, "--sheet") == 0)
                args.sheet = next;
            else if (strcmp(a, "--header") == 0)
                args.header_row = atoll(next);
            else if (strcmp(a, "--merged") == 0)
                args.merged = strcmp(next, "fill") == 0 ? MERGED_FILL : MERGED_TOP_LEFT;
            else if (strcmp(a, "--errors") == 0)
                args.errors = strcmp(next, "blank") == 0 ? ERRORS_BLANK : ERRORS_FAIL;
            i++;
        } else {
            path = a;
        }
    }
    if (!path)
        return 2;
    return dump(path, &args, warnings, count, dialect) ? 0 : 1;
}
