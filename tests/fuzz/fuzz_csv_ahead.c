/*
 * Any bytes as CSV that several threads parse ahead: the chunks must be all of the text, and their rows those that one
 * parser finds. The first byte says how large chunks are, by how many threads, and what quotes are like.
 */
#include "formats/csv_ahead.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 4, HEADER = 3, TEXT_MAX = 1 << 20 };

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* What one parser makes of all the text. */
struct single {
    struct csv_parser parser;
    struct arena arena;
    struct cell cells[COLUMNS], *columns[COLUMNS];
};

static void check_rows(struct single *one, const struct batch *b)
{
    for (uint32_t i = 0; i < b->n_rows; i++) {
        struct csv_row row = { .columns = one->columns, .n_columns = COLUMNS };

        check(csv_parse(&one->parser, &row) == CSV_ROW && row.n_fields == HEADER && !row.flags);
        for (uint32_t c = 0; c < HEADER; c++) {
            const struct cell *got = &b->columns[c][i], *want = &one->cells[c];

            check(got->type == want->type && got->len == want->len);
            check(got->len == 0 || memcmp(got->text, want->text, got->len) == 0);
        }
        check(cell_is_blank(b->columns[HEADER][i]));
    }
}

static void check_text(struct single *one, const struct csv_chunk *chunk)
{
    struct csv_parser *p = &one->parser;
    size_t end = p->pos + chunk->n;

    check(end <= p->limit && memcmp(p->data + p->pos, chunk->text, chunk->n) == 0);
    while (p->pos < end) {
        struct csv_row row = { .columns = one->columns, .n_columns = COLUMNS };
        enum csv_outcome outcome = csv_parse(p, &row);

        check(outcome == CSV_ROW || outcome == CSV_BLANK);
    }
    check(p->pos == end);
}

static void read_ahead(struct csv_ahead *a, struct encoding_reader *encoding, struct single *one)
{
    struct csv_parser *p = &one->parser;
    struct csv_chunk chunk;
    struct err err;

    check(csv_ahead_go(a, "", 0, 0));
    for (;;) {
        uint64_t line = p->line;

        check(csv_ahead_next(a, &chunk, &err));
        if (chunk.kind == CSV_CHUNK_REST)
            break;
        if (chunk.kind == CSV_CHUNK_ROWS)
            check_rows(one, chunk.batch);
        else
            check_text(one, &chunk);
        check(p->line == line + chunk.lines);
    }
    check(chunk.base == p->pos);
    if (encoding_reader_bad(encoding, NULL) == 0) /* Else there is U+FFFD in it. */
        check(chunk.n <= p->limit - p->pos && memcmp(chunk.text, p->data + p->pos, chunk.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv_dialect dialect = { .delimiter = ',', .quote = '"' };
    struct single one = { 0 };
    struct encoding_reader *encoding;
    struct csv_ahead *a;
    struct err err;
    char *text;
    int how, fd;

    if (size < 1 || size > TEXT_MAX)
        return 0;
    how = data[0];
    data++;
    size--;
    dialect.quote = how & 1 ? '\'' : '"';
    csv_ahead_limits =
        (struct csv_ahead_limits){ .chunk = how & 2 ? 512 : 5000, .threads = 1 + (how & 4) / 2 };
    text = malloc(size + 1); /* Its own, so that every byte beyond is found out. */
    fd = memfd_create("fuzz", 0);
    check(text && fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    memcpy(text, data, size);
    arena_init(&one.arena, NULL);
    for (int i = 0; i < COLUMNS; i++)
        one.columns[i] = &one.cells[i];
    csv_parser_init(&one.parser, &dialect, &one.arena);
    csv_parser_feed(&one.parser, text, 0, size, true);
    check(encoding_reader_open(fd, "UTF-8", &encoding, &err));
    a = csv_ahead_new(encoding, &dialect, HEADER, COLUMNS, NULL);
    check(a);
    read_ahead(a, encoding, &one);
    csv_ahead_free(a);
    encoding_reader_close(encoding);
    close(fd);
    arena_deinit(&one.arena);
    free(text);
    return 0;
}
