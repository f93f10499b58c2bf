/*
 * Opening a CSV file: encoding, dialect, header, and how many columns its rows need.
 */
#include "formats/csv_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER_FIELDS = 64,     /* Room for a first try. */
    COLUMN_SKEW = 5 * 64,   /* Columns a power of two apart would fall on the same cache lines. */
    BATCH_CELLS = 1 << 20,  /* The most of a batch: 16 MB. */
    DOUBT_BYTES = 64 * 1024 /* Looked at where text that began as ASCII ceases to be UTF-8. */
};

size_t csv_read_step;

/* The delimiter the caller asks for; 0 when it leaves that to us. */
static bool asked_delimiter(const struct reader_args *args, char *out, struct err *err)
{
    static const struct {
        const char *name;
        char c;
    } names[] = { { "tab", '\t' }, { "\\t", '\t' }, { "comma", ',' }, { "semicolon", ';' },
        { "pipe", '|' }, { "space", ' ' } };
    const char *said = args->delimiter;

    *out = 0;
    if (!said || !*said || strcasecmp(said, "auto") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(said, names[i].name) == 0)
            *out = names[i].c;
    }
    if (!*out && !said[1] && !strchr("\r\n\"", said[0]) && (unsigned char)said[0] < 0x80)
        *out = said[0];
    if (!*out)
        return err_argument(err, ERR_ARG, "delimiter",
            "delimiter '%.40s' cannot be used; give one character, or 'tab'", said);
    return true;
}

static bool asked_quote(
    const struct reader_args *args, struct csv_dialect *dialect, struct err *err)
{
    const char *said = args->quote;

    if (!said)
        return true;
    if (!*said || strcasecmp(said, "none") == 0) {
        dialect->quote = 0;
        dialect->backslash = false;
        return true;
    }
    if (said[1] || strchr("\r\n", said[0]) || said[0] == dialect->delimiter ||
        (unsigned char)said[0] >= 0x80)
        return err_argument(err, ERR_ARG, "quote",
            "quote '%.40s' cannot be used; give one character other than the delimiter, or 'none'",
            said);
    if (dialect->quote != said[0])
        dialect->backslash = false;
    dialect->quote = said[0];
    return true;
}

/* Name the encoding and find where the text begins. */
static bool choose_encoding(int fd, uint64_t file_size, const struct reader_args *args,
    const char **encoding, size_t *bom, struct err *err)
{
    size_t size = file_size < CSV_SNIFF_BYTES ? (size_t)file_size : CSV_SNIFF_BYTES;
    const char *found;
    char *sample = malloc(size + 1);
    ssize_t n;

    if (!sample)
        return err_nomem(err);
    n = pread(fd, sample, size, 0);
    if (n < 0) {
        int errnum = errno;

        free(sample);
        return err_errno(err, errnum, "the file");
    }
    found = encoding_detect(sample, (size_t)n, bom);
    free(sample);
    if (args->encoding && *args->encoding && strcasecmp(args->encoding, "auto") != 0) {
        const char *asked = encoding_find(args->encoding);

        if (!asked)
            return err_argument(err, ERR_ARG, "encoding",
                "'%.40s' is not an encoding known here; try UTF-8, UTF-16 or Windows-1252",
                args->encoding);
        /*
         * The order of UTF-16's bytes, where none is asked for, and a BOM are in the text; a BOM of
         * another encoding is data.
         */
        if (strncmp(asked, found, 6) != 0)
            *bom = 0;
        if (*bom == 0 &&
            !(strncmp(found, "UTF-16", 6) == 0 && strcasecmp(args->encoding, "UTF-16") == 0))
            found = asked;
    }
    *encoding = found;
    return true;
}

void csv_reader_feed(struct csv_reader *r, size_t pos)
{
    csv_parser_feed(&r->parser, r->input.data, pos, r->input.limit, csv_input_eof(&r->input));
}

bool csv_reader_stuck(const struct csv_reader *r, struct err *err)
{
    err->at.row = r->records + 1;
    return err_wrap(err, "%s, line %llu", r->name, (unsigned long long)r->parser.line);
}

bool csv_reader_fill(struct csv_reader *r, struct err *err)
{
    size_t pos = r->parser.pos;

    if (!csv_input_fill(&r->input, &pos, err))
        return csv_reader_stuck(r, err);
    csv_reader_feed(r, pos);
    return true;
}

bool csv_reader_refuse(const struct csv_reader *r, enum csv_outcome outcome,
    const struct csv_row *row, struct err *err)
{
    if (outcome == CSV_NOMEM)
        return err_set(err, ERR_BUDGET, "%s needs more memory than the limit allows", r->name);
    err_set(err, ERR_BUDGET,
        "%s: a field that begins in line %llu is longer than %d MB; is a closing quote missing?",
        r->name, (unsigned long long)row->open_line, CSV_MAX_FIELD >> 20);
    err->at.row = r->records + 1;
    return false;
}

/* Take the next record into `row`, reading on as needed; *outcome is never CSV_MORE. */
static bool take(
    struct csv_reader *r, struct csv_row *row, enum csv_outcome *outcome, struct err *err)
{
    while ((*outcome = csv_parse(&r->parser, row)) == CSV_MORE) {
        if (!csv_reader_fill(r, err))
            return false;
    }
    if (*outcome == CSV_HUGE || *outcome == CSV_NOMEM)
        return csv_reader_refuse(r, *outcome, row, err);
    r->records += *outcome != CSV_END;
    return true;
}

/* Read text until there is enough to sniff. */
static bool first_text(struct csv_reader *r, struct err *err)
{
    size_t pos = 0;

    while (r->input.end < CSV_SNIFF_BYTES && !r->input.drained) {
        if (!csv_input_fill(&r->input, &pos, err))
            return false;
    }
    return true;
}

/* Bytes of the lines above a header that the caller has chosen: they say nothing about the table. */
static size_t lines_above(const char *text, size_t n, int64_t header_row)
{
    size_t i = 0;

    for (int64_t row = 1; row < header_row && i < n; row++) {
        while (i < n && text[i] != '\n' && text[i] != '\r')
            i++;
        i += i + 1 < n && text[i] == '\r' && text[i + 1] == '\n';
        i += i < n;
    }
    return i < n ? i : 0;
}

/* How to read the text, and where it begins behind a BOM and a "sep=" line. */
static bool choose_dialect(
    struct csv_reader *r, const struct reader_args *args, size_t *begin, struct err *err)
{
    const char *text = r->input.data;
    size_t n = r->input.end < CSV_SNIFF_BYTES ? r->input.end : CSV_SNIFF_BYTES, sep, above;
    char delimiter, said;

    if (!asked_delimiter(args, &delimiter, err))
        return false;
    *begin = n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    sep = csv_sep_line(text + *begin, n - *begin, &said);
    *begin += sep;
    if (sep > 0 && !delimiter)
        delimiter = said;
    above = *begin + lines_above(text + *begin, n - *begin, args->header_row);
    csv_sniff_as(text + above, n - above, delimiter, &r->dialect);
    r->dialect.sep_line = sep > 0;
    return asked_quote(args, &r->dialect, err);
}

static bool no_header(const struct csv_reader *r, const struct reader_args *args, struct err *err)
{
    if (args->header_row <= 1)
        return err_set(err, ERR_DATA, "%s is empty", r->name);
    return err_argument(err, ERR_ARG, "header_row", "header_row is %lld, but %s has only %llu rows",
        (long long)args->header_row, r->name, (unsigned long long)r->records);
}

/* Find the header record and parse it into *row, whose cells are made as wide as need be. */
static bool find_header(
    struct csv_reader *r, const struct reader_args *args, struct csv_row *row, struct err *err)
{
    uint64_t above = args->header_row > 1 ? (uint64_t)args->header_row - 1 : r->dialect.skip;
    enum csv_outcome outcome = CSV_BLANK;
    struct csv_row skipped = { 0 };

    while (r->records < above) {
        if (!take(r, &skipped, &outcome, err))
            return false;
        if (outcome == CSV_END)
            return no_header(r, args, err);
    }
    for (uint32_t room = HEADER_FIELDS;; room = row->n_fields) {
        struct cell *cells = arena_calloc(&r->meta, room, sizeof *cells);
        uint64_t line;
        size_t pos;

        row->columns = arena_calloc(&r->meta, room, sizeof *row->columns);
        if (!cells || !row->columns)
            return err_nomem(err);
        for (uint32_t i = 0; i < room; i++)
            row->columns[i] = &cells[i];
        row->n_columns = room;
        do {
            line = r->parser.line;
            if (!take(r, row, &outcome, err))
                return false;
        } while (outcome == CSV_BLANK);
        if (outcome == CSV_END)
            return no_header(r, args, err);
        if (outcome == CSV_BAD)
            return err_set(err, ERR_DATA,
                "%s: the header in line %llu has a quote that is never closed", r->name,
                (unsigned long long)row->open_line);
        if (row->n_fields > SCHEMA_MAX_COLUMNS)
            return err_set(err, ERR_BUDGET, "%s has %u columns; at most %d can be read", r->name,
                row->n_fields, SCHEMA_MAX_COLUMNS);
        if (row->n_fields <= room)
            break;
        /* Once more, with room for all. */
        pos = row->begin;
        r->parser.line = line;
        r->records--;
        csv_reader_feed(r, pos);
    }
    r->header_record = r->records;
    return true;
}

/* A copy of a header's text; NUL, which no name may hold, becomes a blank. */
static bool keep_header(
    struct csv_reader *r, const struct cell *cell, struct str *out, bool *had_nul)
{
    char *copy = arena_dup(&r->meta, cell->len ? cell->text : "", cell->len);

    if (!copy)
        return false;
    for (uint32_t i = 0; i < cell->len; i++) {
        if (copy[i] == '\0') {
            copy[i] = ' ';
            *had_nul = true;
        }
    }
    *out = (struct str){ copy, cell->len };
    return true;
}

/* Header texts of all columns: those of the header and, behind them, _extra_N. */
static bool make_schema(
    struct csv_reader *r, const struct str *headers, uint32_t *repaired, struct err *err)
{
    uint32_t n = r->survey.n_columns > r->n_header ? r->survey.n_columns : r->n_header;
    struct str *all;

    if (n > SCHEMA_MAX_COLUMNS) {
        err_set(err, ERR_BUDGET, "%s: line %llu has %u cells; at most %d columns can be read",
            r->name, (unsigned long long)r->survey.widest_line, n, SCHEMA_MAX_COLUMNS);
        err->at.row = r->survey.widest_line;
        return false;
    }
    if (!headers) {
        r->n_header = n;
        r->schema = schema_from_letters(&r->meta, n);
        return r->schema ? true : err_nomem(err);
    }
    all = arena_calloc(&r->meta, n, sizeof *all);
    if (!all)
        return err_nomem(err);
    memcpy(all, headers, r->n_header * sizeof *all);
    for (uint32_t i = r->n_header; i < n; i++) {
        all[i].p = arena_printf(&r->meta, "_extra_%u", i - r->n_header + 1);
        if (!all[i].p)
            return err_nomem(err);
        all[i].n = strlen(all[i].p);
    }
    r->schema = schema_from_headers(&r->meta, all, n, repaired);
    return r->schema ? true : err_nomem(err);
}

/*
 * How many columns the rows need. Where the caller can begin again, what is in memory is asked first: later rows are seldom
 * wider, and those of one column need to know where the last one is.
 */
static bool survey(struct csv_reader *r, struct err *err)
{
    r->partial = r->env->may_reopen && !r->env->typed && r->n_header > 1;
    if (!r->partial)
        encoding_reader_skim(r->encoding);
    for (;;) {
        if (!csv_survey(
                &r->parser, &r->input, r->records, r->n_header, !r->partial, &r->survey, err))
            return err_wrap(err, "%s", r->name);
        if (!r->partial)
            return true;
        r->partial = !csv_input_eof(&r->input);
        if (!r->partial || encoding_reader_bad(r->encoding, NULL) == 0)
            return true;
        /* Which encoding it is that has bad bytes, all of the text tells. */
        r->partial = false;
        encoding_reader_skim(r->encoding);
        csv_reader_feed(r, (size_t)(r->data_offset - r->input.base));
        r->parser.line = r->data_line;
    }
}

/* Header and survey: from the beginning of the text to a schema. */
static bool read_shape(
    struct csv_reader *r, const struct reader_args *args, uint32_t *repaired, struct err *err)
{
    struct csv_row row = { 0 };
    struct str *headers = NULL;
    bool had_nul = false;

    *repaired = 0;
    if (args->header_row > 0) {
        if (!find_header(r, args, &row, err))
            return false;
        headers = arena_calloc(&r->meta, row.n_fields, sizeof *headers);
        if (!headers)
            return err_nomem(err);
        for (uint32_t i = 0; i < row.n_fields; i++) {
            had_nul = false;
            if (!keep_header(r, row.columns[i], &headers[i], &had_nul))
                return err_nomem(err);
            *repaired += had_nul;
        }
        r->n_header = row.n_fields;
    }
    r->data_offset = r->input.base + r->parser.pos;
    r->data_line = r->parser.line;
    r->data_records = r->records;
    r->parser.arena = NULL;
    if (!survey(r, err))
        return false;
    r->parser.arena = &r->text;
    if (!headers && r->survey.last_record == 0)
        return err_set(err, ERR_DATA, "%s is empty", r->name);
    {
        uint32_t renamed = 0;

        if (!make_schema(r, headers, &renamed, err))
            return false;
        *repaired += renamed;
    }
    return true;
}

/* Everything from the decoded text on. */
static bool open_text(struct csv_reader *r, int fd, const char *encoding, size_t bom,
    const struct reader_args *args, uint32_t *repaired, struct err *err)
{
    size_t begin;

    csv_input_deinit(&r->input);
    encoding_reader_close(r->encoding);
    r->encoding = NULL;
    if (lseek(fd, (off_t)bom, SEEK_SET) < 0)
        return err_errno(err, errno, r->name);
    if (!encoding_reader_open(fd, encoding, &r->encoding, err))
        return false;
    csv_input_init(&r->input, r->encoding, r->file_size, r->env->budget);
    if (!first_text(r, err))
        return err_wrap(err, "%s", r->name);
    if (!choose_dialect(r, args, &begin, err))
        return false;
    if (args->header_row != 1)
        r->dialect.skip = 0;
    r->input.step = csv_read_step;
    if (r->input.step && r->input.limit > begin)
        r->input.limit = begin;
    csv_parser_init(&r->parser, &r->dialect, &r->text);
    csv_reader_feed(r, begin);
    r->parser.line = r->dialect.sep_line ? 2 : 1;
    r->records = 0;
    return read_shape(r, args, repaired, err);
}

/*
 * Text that was ASCII as far as the sample went and then no UTF-8 is in another encoding. *encoding
 * and *found tell which.
 */
static bool was_misjudged(struct csv_reader *r, int fd, const char **encoding)
{
    uint64_t first;
    char *sample;
    size_t bom;
    ssize_t n;
    bool other = false;

    if (encoding_reader_bad(r->encoding, &first) == 0 || encoding_reader_multibyte(r->encoding))
        return false;
    sample = malloc(DOUBT_BYTES);
    if (!sample)
        return false;
    n = pread(
        fd, sample, DOUBT_BYTES, first > DOUBT_BYTES / 2 ? (off_t)(first - DOUBT_BYTES / 2) : 0);
    if (n > 0) {
        *encoding = encoding_detect(sample, (size_t)n, &bom);
        other = bom == 0 && strcmp(*encoding, "UTF-8") != 0 && strncmp(*encoding, "UTF-16", 6) != 0;
    }
    free(sample);
    return other;
}

struct cell **csv_columns_new(struct arena *arena, uint32_t n, uint32_t rows)
{
    struct cell **columns = arena_calloc(arena, n, sizeof *columns);

    for (uint32_t c = 0; columns && c < n; c++) {
        columns[c] = arena_alloc(arena, rows * sizeof **columns + COLUMN_SKEW);
        if (!columns[c])
            return NULL;
    }
    return columns;
}

/* A batch of BATCH_ROWS rows, or fewer where the table is very wide. */
static bool make_batch(struct csv_reader *r, struct err *err)
{
    uint32_t n = r->schema->n_columns;
    struct batch *b = arena_calloc(&r->meta, 1, sizeof *b);

    r->batch_rows = n > BATCH_CELLS / BATCH_ROWS ? BATCH_CELLS / n : BATCH_ROWS;
    r->rows = batch_new_rows(&r->meta);
    if (!b || !r->rows)
        return err_nomem(err);
    b->n_columns = n;
    b->columns = csv_columns_new(&r->meta, n, r->batch_rows);
    r->batch = b;
    return b->columns ? true : err_nomem(err);
}

static void warn_opening(
    struct csv_reader *r, const struct reader_args *args, const char *encoding, uint32_t repaired)
{
    if (!args->encoding && strncmp(encoding, "UTF-", 4) != 0)
        warn_add(r->env->warnings, "encoding_guessed",
            "the text is not UTF-8; give encoding if letters look wrong", "read as %s", encoding);
    if (repaired)
        warn_addn(r->env->warnings, "header_repaired",
            "column names that were blank or repeated were given names of their own", repaired,
            "header");
    if (r->dialect.skip && args->header_row == 1)
        warn_addn(r->env->warnings, "preamble_skipped",
            "lines above the header were left out; give header_row to choose the header yourself",
            r->dialect.skip, "row 1");
}

bool csv_read_open(int fd, const char *name, const struct reader_args *args,
    const struct source_env *env, struct csv_reader **out, const struct schema **schema,
    struct source_info *info, struct err *err)
{
    struct csv_reader *r = calloc(1, sizeof *r);
    const char *encoding = "UTF-8";
    uint32_t repaired = 0;
    struct stat st;
    size_t bom = 0;
    bool ok = false;

    if (!r)
        return err_nomem(err);
    r->env = env;
    arena_init(&r->meta, env->budget);
    arena_init(&r->text, env->budget);
    r->name = arena_strdup(&r->meta, name);
    if (!r->name) {
        err_nomem(err);
        goto out;
    }
    if (fstat(fd, &st) != 0) {
        err_errno(err, errno, r->name);
        goto out;
    }
    r->file_size = (uint64_t)st.st_size;
    r->blank_rows = args->blank_lines == BLANK_LINES_ROW;
    if (!choose_encoding(fd, r->file_size, args, &encoding, &bom, err) ||
        !open_text(r, fd, encoding, bom, args, &repaired, err))
        goto out;
    if (!args->encoding && bom == 0 && strcmp(encoding, "UTF-8") == 0 &&
        was_misjudged(r, fd, &encoding) && !open_text(r, fd, encoding, 0, args, &repaired, err))
        goto out;
    if (!make_batch(r, err) || !csv_reader_to_data(r, err))
        goto out;
    warn_opening(r, args, encoding, repaired);
    *out = r;
    *schema = r->schema;
    *info = (struct source_info){ .format = FILE_CSV,
        .encoding = encoding,
        .delimiter = r->dialect.delimiter,
        .quote = r->dialect.quote };
    ok = true;
out:
    if (!ok)
        csv_read_class.close(r);
    return ok;
}
