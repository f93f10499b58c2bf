/*
 * The dialect of a CSV text: delimiter, quote, escapes, and what stands above the header.
 *
 * Each candidate reads the sample as it would be read; the one whose rows agree best on a number of
 * fields, and whose fields look most like values, wins. Blanks and colons are no candidates: names
 * and times would be torn apart.
 */
#include "formats/csv_int.h"

#include <stdlib.h>
#include <strings.h>

enum {
    SNIFF_ROWS = 2000,
    SNIFF_FIELDS = 256,   /* Fields looked at in a row. */
    PREAMBLE_ROWS = 20,   /* A title block is no longer. */
    PREAMBLE_DATA_MIN = 2 /* Rows that must follow its header. */
};

#define PROSE_SHARE 0.7    /* Of rows that must agree where the first line has no delimiter. */
#define CLEAN_WEIGHT 0.4   /* Of the looks of the values against the agreement of the rows. */
#define TROUBLE_WEIGHT 0.5 /* Of odd quotes: the wrong delimiter tears quoted fields apart. */

static const char candidates[] = "\t,;|";

/* What one row looks like under a dialect. */
struct shape {
    uint32_t n_fields, filled; /* filled: fields that are not empty. */
    bool distinct;             /* All filled, no two alike. */
    bool comment;              /* Begins with #. */
};

struct reading {
    struct csv_dialect dialect;
    uint32_t rows;
    uint32_t mode, agree; /* The commonest number of fields above one, and how many rows have it. */
    uint32_t bad;         /* Rows with open quotes; not among `rows`. */
    uint32_t trouble;     /* Rows with open quotes or text after one. */
    uint32_t values, clean;
    struct shape head[PREAMBLE_ROWS + 1]; /* The first records, blank lines included. */
    uint32_t n_head;
    double score;
};

struct sniffer {
    const char *text;
    size_t n;
    struct csv_parser parser;
    struct cell cells[SNIFF_FIELDS];
    struct cell *columns[SNIFF_FIELDS];
    uint32_t counts[SNIFF_FIELDS + 1];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_number_like(const char *p, size_t n)
{
    bool digit = false;

    for (size_t i = 0; i < n; i++) {
        if (is_digit(p[i]))
            digit = true;
        else if (!strchr(".,+-% eE/:", p[i]) || !p[i])
            return false;
    }
    return digit;
}

/* Does the value look whole: a number, or text without another delimiter in it? */
static bool is_clean(const char *p, size_t n)
{
    if (is_number_like(p, n))
        return true;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == ';' || p[i] == '|' || p[i] == '\t' || p[i] == '"')
            return false;
        if (p[i] == ',' && (i + 1 == n || p[i + 1] != ' '))
            return false;
    }
    return true;
}

static struct shape shape_of(const struct sniffer *s, const struct csv_row *row)
{
    uint32_t n = row->n_fields < SNIFF_FIELDS ? row->n_fields : SNIFF_FIELDS;
    struct shape shape = { .n_fields = row->n_fields };

    for (uint32_t i = 0; i < n; i++)
        shape.filled += s->cells[i].len > 0;
    shape.comment = s->cells[0].len > 0 && s->cells[0].text[0] == '#';
    shape.distinct = shape.filled == row->n_fields;
    for (uint32_t i = 0; shape.distinct && i < n; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (cell_same(&s->cells[i], &s->cells[k]))
                shape.distinct = false;
        }
    }
    return shape;
}

static void count_row(struct sniffer *s, const struct csv_row *row, struct reading *r)
{
    uint32_t n = row->n_fields < SNIFF_FIELDS ? row->n_fields : SNIFF_FIELDS;

    r->rows++;
    s->counts[n]++;
    r->trouble += (row->flags & CSV_TEXT_AFTER_QUOTE) != 0;
    for (uint32_t i = 0; i < n; i++) {
        if (s->cells[i].len > 0) {
            r->values++;
            r->clean += is_clean(s->cells[i].text, s->cells[i].len);
        }
    }
}

static void note_head(struct reading *r, struct shape shape)
{
    if (r->n_head < ARRAY_LEN(r->head))
        r->head[r->n_head++] = shape;
}

/* Read the sample under r->dialect. */
static void read_sample(struct sniffer *s, struct reading *r)
{
    bool whole = s->n < CSV_SNIFF_BYTES; /* Else the last row may be cut. */
    struct csv_row row = { .columns = s->columns, .n_columns = SNIFF_FIELDS };
    enum csv_outcome outcome = CSV_ROW;

    memset(s->counts, 0, sizeof s->counts);
    csv_parser_init(&s->parser, &r->dialect, NULL);
    csv_parser_feed(&s->parser, s->text, 0, s->n, whole);
    while (r->rows + r->bad < SNIFF_ROWS) {
        outcome = csv_parse(&s->parser, &row);
        if (outcome == CSV_ROW) {
            count_row(s, &row, r);
            if (r->n_head < ARRAY_LEN(r->head))
                note_head(r, shape_of(s, &row));
        } else if (outcome == CSV_BLANK) {
            note_head(r, (struct shape){ 0 });
        } else if (outcome == CSV_BAD) {
            r->trouble++;
            r->bad++;
            note_head(
                r, (struct shape){ .n_fields = 2, .filled = 2 }); /* Neither a title nor prose. */
        } else {
            break;
        }
    }
    if (outcome == CSV_MORE && s->n - s->parser.pos > s->n / 2)
        r->trouble++;
    for (uint32_t i = 2; i <= SNIFF_FIELDS; i++) {
        if (s->counts[i] > r->agree) {
            r->agree = s->counts[i];
            r->mode = i;
        }
    }
}

/* A comment above the table. A line of the table's width is its header, # or not. */
static bool is_comment(const struct reading *r, const struct shape *h)
{
    return h->comment && h->n_fields != r->mode;
}

/* Fields of the first row, comments and blank lines aside. */
static uint32_t first_fields(const struct reading *r, uint32_t *comments)
{
    uint32_t i = 0;

    *comments = 0;
    for (; i < r->n_head && (is_comment(r, &r->head[i]) || r->head[i].n_fields == 0); i++)
        *comments += r->head[i].comment;
    return i < r->n_head ? r->head[i].n_fields : 0;
}

/*
 * Records above the header that are a title block: each has one value at most, and below them
 * comes a row of distinct names as wide as the table. Doubt means no preamble.
 */
static uint32_t preamble(const struct reading *r)
{
    uint32_t k = 0, titles = 0, padded = 0, blanks = 0;

    for (; k < r->n_head && k < PREAMBLE_ROWS; k++) {
        const struct shape *h = &r->head[k];

        if (h->filled > 1 && !is_comment(r, h))
            break;
        titles += h->filled > 0;
        padded += h->filled > 0 && h->n_fields > 1 && !h->comment;
        blanks += h->filled == 0;
    }
    if (titles == 0 || k == r->n_head || r->head[k].n_fields != r->mode || !r->head[k].distinct)
        return 0;
    if (r->rows < titles + 1 + PREAMBLE_DATA_MIN)
        return 0;
    if (r->agree * UINT64_C(10) < (r->rows - titles) * UINT64_C(8))
        return 0;
    if ((padded || r->mode < 3) && blanks == 0)
        return 0;
    return k;
}

/* How likely the text is meant to be read like this; 0: not at all. */
static double score(const struct reading *r)
{
    uint32_t comments, first = first_fields(r, &comments);
    double share, clean;

    if (r->mode < 2)
        return 0;
    share = (double)r->agree / (r->rows - comments);
    clean = r->values ? (double)r->clean / r->values : 1;
    /* A first line without the delimiter: a title, or a column of prose that happens to hold it. */
    if ((first < 2 || comments > 0) && share < PROSE_SHARE && preamble(r) == 0)
        return 0;
    return share * (1 - CLEAN_WEIGHT + CLEAN_WEIGHT * clean) *
           (1 - TROUBLE_WEIGHT * r->trouble / (r->rows + r->bad));
}

/*
 * A single column whose values hold commas: its first line has none, and the others look like prose
 * ("Doe, Jane"), like numbers (1,5) or have one comma only.
 */
static bool is_one_column(const struct sniffer *s, const struct reading *r)
{
    uint32_t comments;

    if (first_fields(r, &comments) > 1 || r->dialect.delimiter != ',')
        return false;
    if (r->mode == 2 && preamble(r) == 0)
        return true;
    for (size_t i = 1; i + 1 < s->n; i++) {
        bool digits = is_digit(s->text[i - 1]) && is_digit(s->text[i + 1]);

        if (s->text[i] == ',' && s->text[i + 1] != ' ' && !digits)
            return false;
    }
    return true;
}

/* Fields that open and close with `quote`: how many open, and how many close. */
static void count_quotes(
    const struct sniffer *s, char delimiter, char quote, size_t *opened, size_t *closed)
{
    const char *end = s->text + s->n;

    *opened = *closed = 0;
    for (const char *p = s->text; p < end && (p = memchr(p, quote, (size_t)(end - p))); p++) {
        char before = p > s->text ? p[-1] : '\n', after = p + 1 < end ? p[1] : '\n';

        *opened += before == delimiter || before == '\n' || before == '\r';
        *closed += after == delimiter || after == '\n' || after == '\r';
    }
}

/* Is another way of quoting better than the usual one for the delimiter of *best? */
static void choose_quote(struct sniffer *s, struct reading *best)
{
    size_t opened, closed, usual, ignored;
    struct reading other = { .dialect = best->dialect };

    count_quotes(s, best->dialect.delimiter, '\'', &opened, &closed);
    count_quotes(s, best->dialect.delimiter, '"', &usual, &ignored);
    if (usual == 0 && opened >= 2 && opened == closed) {
        other.dialect.quote = '\'';
        read_sample(s, &other);
        if (other.trouble == 0 &&
            other.agree * (uint64_t)best->rows >= best->agree * (uint64_t)other.rows)
            *best = other;
    }
    if (best->trouble > 0 && memmem(s->text, s->n, "\\\"", 2)) {
        other = (struct reading){ .dialect = best->dialect };
        other.dialect.backslash = true;
        read_sample(s, &other);
        if (other.trouble < best->trouble)
            *best = other;
    }
}

size_t csv_sep_line(const char *text, size_t n, char *delimiter)
{
    size_t end = 5;

    if (n < 5 || strncasecmp(text, "sep=", 4) != 0 || text[4] == '\r' || text[4] == '\n' ||
        text[4] == '"' || (unsigned char)text[4] >= 0x80)
        return 0;
    if (n > end && text[end] == '\r')
        end++;
    if (n > end && text[end] == '\n')
        end++;
    if (end == 5 && n > end)
        return 0;
    *delimiter = text[4];
    return end;
}

void csv_sniff_as(const char *text, size_t n, char delimiter, struct csv_dialect *out)
{
    struct csv_dialect dialect = { .quote = '"' };
    struct reading best, r;
    struct sniffer *s = malloc(sizeof *s);
    size_t sep = csv_sep_line(text, n, &dialect.delimiter);

    dialect.sep_line = sep > 0;
    if (!delimiter)
        delimiter = dialect.delimiter;
    dialect.delimiter = delimiter;
    *out = dialect;
    if (!s) { /* The usual dialect has to do. */
        out->delimiter = delimiter ? delimiter : ',';
        return;
    }
    s->text = text + sep;
    s->n = n - sep;
    for (size_t i = 0; i < SNIFF_FIELDS; i++)
        s->columns[i] = &s->cells[i];
    best = (struct reading){ .dialect = dialect };
    if (delimiter)
        read_sample(s, &best);
    for (const char *c = candidates; *c && !delimiter; c++) {
        if (!memchr(s->text, *c, s->n))
            continue;
        r = (struct reading){ .dialect = dialect };
        r.dialect.delimiter = *c;
        read_sample(s, &r);
        r.score = score(&r);
        if (r.score > best.score && !is_one_column(s, &r))
            best = r;
    }
    if (best.dialect.delimiter)
        choose_quote(s, &best);
    *out = best.dialect;
    out->skip = best.dialect.delimiter ? preamble(&best) : 0;
    free(s);
}

void csv_sniff(const char *text, size_t n, struct csv_dialect *out)
{
    csv_sniff_as(text, n, 0, out);
}
