/*
 * CSV out: minimal quoting, so that the reader next door gets the same cells back.
 *
 * Nearly every cell goes out as it stands; it is copied and looked through for characters that need
 * quotes in one go.
 */
#include "base/num_put.h"
#include "formats/sink.h"
#include "formats/text_copy.h"
#include "formats/text_out.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

struct csv_writer {
    struct text_out out;
    uint32_t n_columns;
    char delimiter;
    bool excel;
    bool delimiter_shown; /* What is no text may hold the delimiter. */
    bool tabled;          /* `table` is made. */
    char table[16];       /* What asks for quotes, each at the place of its lower half. */
};

#define INLINE static inline __attribute__((always_inline))

/* A text of at most TEXT_BRIEF bytes at p, in quotes where it needs them; NULL: there are quotes in it. */
typedef char *put_brief_fn(const struct csv_writer *w, const char *text, size_t n, char *p);

enum {
    PLAIN_MAX = TEXT_OUT_ROOM / 4, /* Longer texts are not worth a special way. */
    FETCH_AHEAD = 6, /* Rows: shared texts lie anywhere, and by now out of the nearest cache. */
    CELL_ROOM = 64,  /* For what put_quick() prints and what stands before the next cell. */
};
_Static_assert((int)CELL_ROOM >= (int)CELL_SHOWN_MAX + 2 && (int)CELL_ROOM >= TEXT_BRIEF + 4,
    "there is room for a cell");

/* A text in quotes, with `mark` ("'" or "") as its first characters. */
static bool put_quoted(
    struct csv_writer *w, const char *mark, const char *p, size_t n, struct err *err)
{
    if (!text_out_put(&w->out, "\"", 1, err) || !text_out_put(&w->out, mark, strlen(mark), err))
        return false;
    while (n > 0) {
        const char *quote = memchr(p, '"', n);
        size_t run = quote ? (size_t)(quote - p) + 1 : n;

        if (!text_out_put(&w->out, p, run, err) || (quote && !text_out_put(&w->out, "\"", 1, err)))
            return false;
        p += run;
        n -= run;
    }
    return text_out_put(&w->out, "\"", 1, err);
}

static bool needs_quotes(const char *p, size_t n, char delimiter)
{
    return memchr(p, delimiter, n) || memchr(p, '"', n) || memchr(p, '\n', n) || memchr(p, '\r', n);
}

static bool put_text(struct csv_writer *w, const char *p, size_t n, struct err *err)
{
    if (n == 0)
        return true;
    if (n > PLAIN_MAX)
        return needs_quotes(p, n, w->delimiter) ? put_quoted(w, "", p, n, err)
                                                : text_out_put(&w->out, p, n, err);
    if (!text_out_need(&w->out, n, err))
        return false;
    if (text_copy(w->out.p, p, n, (struct text_set){ '\n', '\r', '"', w->delimiter, false }))
        return put_quoted(w, "", p, n, err);
    w->out.p += n;
    return true;
}

/*
 * Would a spreadsheet take the text for a formula? Full-width forms count; numbers are what they
 * are.
 */
static bool is_formula(const char *p, size_t n)
{
    static const char *const wide[] = { "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D",
        "\xEF\xBC\xA0" };
    double number;

    switch (p[0]) {
    case '=':
    case '@':
    case '\t':
    case '\r':
        return true;
    case '+':
    case '-':
        return !num_parse(p, n, &number);
    default:
        for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
            if (n >= 3 && memcmp(p, wide[i], 3) == 0)
                return true;
        }
        return false;
    }
}

static bool put_guarded(struct csv_writer *w, const char *p, size_t n, struct err *err)
{
    if (n == 0 || !is_formula(p, n))
        return put_text(w, p, n, err);
    if (needs_quotes(p, n, w->delimiter))
        return put_quoted(w, "'", p, n, err);
    return text_out_put(&w->out, "'", 1, err) && text_out_put(&w->out, p, n, err);
}

static bool put_cell(struct csv_writer *w, const struct cell *cell, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    const char *shown;
    size_t n;

    if (cell->type == CELL_TEXT)
        return w->excel ? put_guarded(w, cell->text, cell->len, err)
                        : put_text(w, cell->text, cell->len, err);
    shown = cell_shown(cell, scratch, &n);
    return put_text(w, shown, n, err);
}

INLINE char *put_brief(const struct csv_writer *w, const char *text, size_t n, char *p)
{
    if (!text_brief(p, text, n, (struct text_set){ '\n', '\r', '"', w->delimiter, false }))
        return p + n;
    if (text_brief(p + 1, text, n, (struct text_set){ '"', '"', '"', '"', false }))
        return NULL;
    p[0] = p[n + 1] = '"';
    return p + n + 2;
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2,bmi,bmi2")))

/*
 * The same, all bytes at once: one asks for quotes when it is what the table has at the place of
 * its lower half. (Bytes beyond ASCII find 0, and those without a place 80, which no ASCII is.)
 */
AVX2 INLINE char *put_brief_avx2(const struct csv_writer *w, const char *text, size_t n, char *p)
{
    __m256i table =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)w->table));
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i found = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, v), v);
    uint64_t inside = (UINT64_C(1) << n) - 1;

    _mm256_storeu_si256((__m256i *)(void *)p, v);
    if (((uint32_t)_mm256_movemask_epi8(found) & inside) == 0)
        return p + n;
    found = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
    if (((uint32_t)_mm256_movemask_epi8(found) & inside) != 0)
        return NULL;
    _mm256_storeu_si256((__m256i *)(void *)(p + 1), v);
    p[0] = p[n + 1] = '"';
    return p + n + 2;
}

#endif

/* Make the table, where no two of its characters have one place. */
static void make_table(struct csv_writer *w)
{
    const char set[] = { '\n', '\r', '"', w->delimiter };

    memset(w->table, 0x80, sizeof w->table);
    w->tabled = true;
    for (size_t i = 0; i < sizeof set; i++) {
        char *place = &w->table[set[i] & 15];

        w->tabled = w->tabled && *place == (char)0x80;
        *place = set[i];
    }
}

/*
 * The cell at p, which has CELL_ROOM, and where it ends; NULL, whatever stands at p then, when
 * put_cell() has to do it. Most cells are done here, without a look at who is to get the bytes.
 */
INLINE char *put_quick(
    const struct csv_writer *w, const struct cell *cell, char *p, put_brief_fn *brief)
{
    size_t n;

    if (cell->type == CELL_TEXT) {
        n = cell->len;
        if (!text_is_brief(cell->text, n) || (w->excel && n > 0 && is_formula(cell->text, n)))
            return NULL;
        return brief(w, cell->text, n, p);
    }
    if (cell->type == CELL_BLANK)
        return p;
    if (w->delimiter_shown)
        return NULL;
    switch (cell->type) {
    case CELL_NUMBER:
        n = signbit(cell->number) ? 0 : num_put_usual(cell->number, p);
        return p + (n ? n : num_format(cell->number, p));
    case CELL_DATE:
        return p + date_format(cell->number, (enum date_kind)cell->kind, p);
    case CELL_BOOL:
        memcpy(p, cell->number != 0 ? "true" : "false", 5);
        return p + 4 + (cell->number == 0);
    default:
        return NULL;
    }
}

static bool end_row(struct csv_writer *w, struct err *err)
{
    return w->excel ? text_out_put(&w->out, "\r\n", 2, err) : text_out_put(&w->out, "\n", 1, err);
}

/*
 * Names go in quotes where they would lead those astray who have to guess: what looks like a BOM or
 * a "sep=" line at the beginning of a file, and characters that delimit other files.
 */
static bool is_misleading(const char *name, bool first)
{
    return (first &&
               (strncasecmp(name, "sep=", 4) == 0 || strncmp(name, "\xEF\xBB\xBF", 3) == 0)) ||
           strpbrk(name, ",;|\t");
}

static bool put_header(struct csv_writer *w, const struct schema *schema, struct err *err)
{
    if (w->excel && !text_out_put(&w->out, "\xEF\xBB\xBF", 3, err))
        return false;
    for (uint32_t c = 0; c < schema->n_columns; c++) {
        const char *name = schema->columns[c].name;
        size_t n = strlen(name);
        bool ok;

        if (c > 0 && !text_out_put(&w->out, &w->delimiter, 1, err))
            return false;
        if (is_misleading(name, c == 0))
            ok = put_quoted(w, w->excel && is_formula(name, n) ? "'" : "", name, n, err);
        else
            ok = w->excel ? put_guarded(w, name, n, err) : put_text(w, name, n, err);
        if (!ok)
            return false;
    }
    return end_row(w, err);
}

/* Cell by cell through out->p, which is kept in a register as long as put_quick() will do. */
INLINE bool put_row(
    struct csv_writer *w, const struct batch *b, uint32_t i, put_brief_fn *brief, struct err *err)
{
    char *p = w->out.p;

    for (uint32_t c = 0; c < b->n_columns; c++) {
        const struct cell *cell = &b->columns[c][i];
        char *next = NULL;

        if (i + FETCH_AHEAD < b->n_rows)
            __builtin_prefetch(cell[FETCH_AHEAD].text);
        if (w->out.end - p >= CELL_ROOM)
            next = put_quick(w, cell, p, brief);
        if (!next) {
            w->out.p = p;
            if (!put_cell(w, cell, err) || !text_out_need(&w->out, CELL_ROOM, err))
                return false;
            next = w->out.p;
        }
        *next = w->delimiter;
        p = next + 1;
    }
    w->out.p = p - (b->n_columns > 0); /* Nothing stands behind the last one. */
    return end_row(w, err);
}

INLINE bool put_rows(
    struct csv_writer *w, const struct batch *b, put_brief_fn *brief, struct err *err)
{
    for (uint32_t i = 0; i < b->n_rows; i++) {
        /* A lone blank cell would be a blank line. */
        if (b->n_columns == 1 && cell_is_blank(b->columns[0][i])) {
            if (!text_out_put(&w->out, "\"\"", 2, err) || !end_row(w, err))
                return false;
        } else if (!text_out_need(&w->out, CELL_ROOM, err) || !put_row(w, b, i, brief, err)) {
            return false;
        }
    }
    text_out_flush(&w->out);
    return true;
}

#if defined(__x86_64__)
AVX2 static bool put_rows_avx2(struct csv_writer *w, const struct batch *b, struct err *err)
{
    return put_rows(w, b, put_brief_avx2, err);
}
#endif

static bool csv_write_batch(void *self, const struct batch *b, struct err *err)
{
    struct csv_writer *w = self;

#if defined(__x86_64__)
    if (w->tabled && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return put_rows_avx2(w, b, err);
#endif
    return put_rows(w, b, put_brief, err);
}

static bool csv_write_finish(void *self, struct err *err)
{
    struct csv_writer *w = self;

    (void)err;
    text_out_flush(&w->out);
    return true;
}

static void csv_write_close(void *self)
{
    free(self);
}

bool csv_write_open(const struct sink_args *args, const struct schema *schema, struct fs_file *file,
    void **self, struct err *err)
{
    struct csv_writer *w = calloc(1, sizeof *w);

    if (!w)
        return err_nomem(err);
    text_out_init(&w->out, file);
    w->n_columns = schema->n_columns;
    w->excel = args->flavor == CSV_EXCEL;
    w->delimiter = args->delimiter ? args->delimiter : args->format == FILE_TSV ? '\t' : ',';
    make_table(w);
    w->delimiter_shown = strchr("0123456789+-.e: truefals", w->delimiter);
    if (!put_header(w, schema, err)) {
        free(w);
        return false;
    }
    text_out_flush(&w->out);
    *self = w;
    return true;
}

const struct sink_class csv_write_class = {
    .write = csv_write_batch,
    .finish = csv_write_finish,
    .close = csv_write_close,
};
