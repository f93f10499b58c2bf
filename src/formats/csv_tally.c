/*
 * Counting the fields of whole records without looking at them one by one.
 *
 * 64 bytes, a stride, become four masks; a prefix XOR over the quotes tells which bytes lie inside
 * quotes, what is left of the delimiters between two line ends is the number of fields. That holds
 * only where every quote opens at the start of a field and closes at the end of one, line ends are
 * LF or CRLF, and nothing is of unusual size. Anything else stops the count before the record it is
 * in, for csv_parse() to judge.
 *
 * Where quotes and line ends lie is chance to the processor, so a block of strides is first counted
 * with no branch on either. One that turns out to hold something to stop at is counted once more,
 * record by record, to find out where.
 */
#include "formats/csv_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { STRIDE = 64, STRIDES = 32, BLOCK = STRIDES * STRIDE, TOP = STRIDE - 1 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/*
 * The masks of a block's strides, from 1; stride 0 is the last one of the block before. Arrays of
 * one mask each, so that the compiler can take many strides in one go.
 */
struct block {
    uint64_t lf[STRIDES + 1], cr[STRIDES + 1], delimiter[STRIDES + 1], quote[STRIDES + 1];
    uint64_t inside[STRIDES + 1]; /* Within quotes, the opening one included. */

    /* What they mean. */
    uint64_t odd[STRIDES + 1];   /* Where the text is not as regular as it must be. */
    uint64_t end[STRIDES + 1];   /* Line ends that end a record. */
    uint64_t blank[STRIDES + 1]; /* Those of blank lines. */
    uint64_t inner[STRIDES + 1]; /* Line ends inside quotes. */
    uint64_t field[STRIDES + 1]; /* Delimiters outside quotes. */
};

/* How far the count has come. */
struct state {
    struct csv_tally t;
    uint64_t inner;  /* Line ends inside the record at hand. */
    uint32_t fields; /* Of it, so far. */
};

typedef void load_fn(const char *p, const struct csv_marks *marks, struct block *b, size_t k);

__attribute__((target("avx2"))) ALWAYS_INLINE uint64_t equal_avx2(__m256i low, __m256i high, char c)
{
    __m256i same = _mm256_set1_epi8(c);
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, same));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, same));

    return (uint64_t)b << 32 | a;
}

__attribute__((target("avx2"))) ALWAYS_INLINE void load_avx2(
    const char *p, const struct csv_marks *marks, struct block *b, size_t k)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));

    b->lf[k] = equal_avx2(low, high, '\n');
    b->cr[k] = equal_avx2(low, high, '\r');
    b->delimiter[k] = equal_avx2(low, high, (char)marks->delimiter);
    b->quote[k] = equal_avx2(low, high, (char)marks->quote);
}

__attribute__((target("avx512f,avx512bw"))) ALWAYS_INLINE void load_avx512(
    const char *p, const struct csv_marks *marks, struct block *b, size_t k)
{
    __m512i v = _mm512_loadu_si512(p);

    b->lf[k] = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
    b->cr[k] = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r'));
    b->delimiter[k] = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)marks->delimiter));
    b->quote[k] = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)marks->quote));
}

/* Every bit the XOR of itself and all below: a product with all ones that carries nothing. */
__attribute__((target("pclmul"))) ALWAYS_INLINE uint64_t prefix_xor(uint64_t v)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)v), _mm_set1_epi8((char)0xFF), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

ALWAYS_INLINE uint32_t bits(uint64_t v)
{
    return (uint32_t)__builtin_popcountll(v);
}

/* The last stride of the block before. */
ALWAYS_INLINE void carry_over(struct block *b)
{
    b->lf[0] = b->lf[STRIDES];
    b->cr[0] = b->cr[STRIDES];
    b->delimiter[0] = b->delimiter[STRIDES];
    b->quote[0] = b->quote[STRIDES];
    b->inside[0] = b->inside[STRIDES];
}

/* The masks of n strides; those behind them are left as they are. */
__attribute__((target("pclmul"))) ALWAYS_INLINE void load_block(
    const char *p, size_t n, const struct csv_marks *marks, struct block *b, load_fn *load)
{
    for (size_t k = 1; k <= n; k++)
        load(p + (k - 1) * STRIDE, marks, b, k);
    /* A mark that is not there is not found. */
    if (marks->delimiter < 0)
        memset(b->delimiter, 0, sizeof b->delimiter);
    if (marks->quote < 0)
        memset(b->quote, 0, sizeof b->quote);
    for (size_t k = 1; k <= n; k++)
        b->inside[k] = prefix_xor(b->quote[k]) ^ (UINT64_C(0) - (b->inside[k - 1] >> TOP));
}

/* Make sense of the masks; returns whether anything is odd (bit 0) or inside quotes (bit 1). */
ALWAYS_INLINE unsigned judge_block(struct block *b)
{
    uint64_t odd = 0, inner = 0;

    for (size_t k = 1; k <= STRIDES; k++) {
        uint64_t inside = b->inside[k], quote = b->quote[k], lf = b->lf[k];
        uint64_t separator = b->delimiter[k] | lf, opening = quote & inside;
        uint64_t closing = quote & ~inside, end = lf & ~inside;
        uint64_t before = b->delimiter[k - 1] | b->lf[k - 1];
        uint64_t closed = b->quote[k - 1] & ~b->inside[k - 1];
        uint64_t ended = b->lf[k - 1] & ~b->inside[k - 1];
        uint64_t after_separator = separator << 1 | before >> TOP;
        uint64_t after_quote = closing << 1 | closed >> TOP;
        uint64_t after_cr = b->cr[k] << 1 | b->cr[k - 1] >> TOP;
        uint64_t after_end = end << 1 | ended >> TOP, after_end2 = end << 2 | ended >> (TOP - 1);

        b->odd[k] = (after_cr & ~lf) | (opening & ~(after_separator | after_quote)) |
                    (after_quote & ~(separator | b->cr[k] | opening));
        b->end[k] = end;
        b->blank[k] = end & (after_end | (after_cr & after_end2));
        b->inner[k] = lf & inside;
        b->field[k] = b->delimiter[k] & ~inside;
        odd |= b->odd[k];
        inner |= b->inner[k];
    }
    return (odd != 0) | (unsigned)(inner != 0) << 1;
}

/* Count records and fields of a block; returns the most fields that a record has so far. */
ALWAYS_INLINE uint32_t count_fields(const struct block *b, struct state *s)
{
    uint32_t widest = 0, fields = s->fields;
    uint64_t records = 0, blank = 0;

    for (size_t k = 1; k <= STRIDES; k++) {
        uint64_t end = b->end[k], field = b->field[k];
        uint32_t all = bits(field), done = bits(field & (end ^ (end - 1)));

        records += bits(end);
        blank += bits(b->blank[k]);
        fields += done;
        widest = fields > widest ? fields : widest;
        /* Where no record ends, all is done. */
        fields = (fields & (0 - (uint32_t)(end == 0))) + (uint32_t)(end != 0) + all - done;
        while (__builtin_expect((end &= end - 1) != 0, 0)) { /* More than one ends here. */
            uint32_t upto = bits(field & (end ^ (end - 1)));

            widest = 1 + upto - done > widest ? 1 + upto - done : widest;
            fields = 1 + all - upto;
            done = upto;
        }
    }
    s->t.records += records;
    s->t.blank += blank;
    s->fields = fields;
    return widest;
}

/* Count the lines inside records; returns the most that a record may have. */
ALWAYS_INLINE uint64_t count_inner(const struct block *b, struct state *s)
{
    uint64_t most = 0;

    for (size_t k = 1; k <= STRIDES; k++) {
        uint64_t end = b->end[k], inner = b->inner[k];
        uint64_t sum = s->inner + bits(inner), behind;

        most = sum > most ? sum : most;
        behind = end ? bits(inner & ~UINT64_C(1) << (TOP - __builtin_clzll(end))) : sum;
        s->t.lines += sum - behind;
        s->inner = behind;
    }
    return most;
}

/* Count a block, at p + i, in which there is nothing to stop at; false, and nothing counted, if there is. */
ALWAYS_INLINE bool count_block(struct block *b, size_t i, unsigned found, struct state *at)
{
    struct state s = *at;
    size_t last = STRIDES;

    if ((found & 1) || count_fields(b, &s) > s.t.most || i + BLOCK - s.t.taken > CSV_MAX_FIELD)
        return false;
    if (s.t.records > at->t.records) {
        while (!b->end[last])
            last--;
        s.t.taken = i + last * STRIDE - (size_t)__builtin_clzll(b->end[last]);
    }
    if (s.inner || found) {
        if (count_inner(b, &s) >= CSV_OPEN_QUOTE_LINES)
            return false;
    }
    s.t.lines += s.t.records - at->t.records;
    *at = s;
    return true;
}

/* Delimiters that end the line ending at p[end], behind the last thing on it. */
static uint32_t trailing(const char *p, size_t begin, size_t end, int delimiter)
{
    uint32_t n = 0;

    if (end > begin && p[end - 1] == '\r')
        end--;
    while (end > begin && (unsigned char)p[end - 1] == delimiter) {
        end--;
        n++;
    }
    return n;
}

/* Count stride k of a block, at p + i, record by record; false where the count must stop. */
ALWAYS_INLINE bool count_stride(
    const char *p, size_t i, int delimiter, const struct block *b, size_t k, struct state *s)
{
    struct csv_tally *t = &s->t;
    uint64_t field = b->field[k], inner = b->inner[k];

    if (b->odd[k])
        return false;
    for (uint64_t ends = b->end[k]; ends; ends &= ends - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(ends);
        uint64_t below = ((uint64_t)1 << bit) - 1;
        size_t end = i + bit;

        s->fields += bits(field & below);
        s->inner += bits(inner & below);
        if (s->fields > t->most && s->fields - trailing(p, t->taken, end, delimiter) > t->most)
            return false;
        if (s->inner >= CSV_OPEN_QUOTE_LINES || end - t->taken > CSV_MAX_FIELD)
            return false;
        t->records++;
        t->blank += b->blank[k] >> bit & 1;
        t->lines += s->inner + 1;
        t->taken = end + 1;
        field &= ~below;
        inner &= ~below;
        s->inner = 0;
        s->fields = 1;
    }
    s->fields += bits(field);
    s->inner += bits(inner);
    return true;
}

__attribute__((target("pclmul"))) ALWAYS_INLINE struct csv_tally tally(
    const char *p, size_t n, struct csv_marks marks, uint32_t most, load_fn *load)
{
    struct state s = { .t = { .most = most }, .fields = 1 };
    struct block b = { .lf[STRIDES] = UINT64_C(1) << TOP }; /* A line has ended before. */

    for (size_t i = 0, strides; (strides = (n - i) / STRIDE) > 0; i += strides * STRIDE) {
        unsigned found;

        carry_over(&b);
        strides = strides < STRIDES ? strides : STRIDES;
        load_block(p + i, strides, &marks, &b, load);
        found = judge_block(&b);
        if (strides == STRIDES && count_block(&b, i, found, &s))
            continue;
        for (size_t k = 1; k <= strides; k++) {
            if (!count_stride(p, i + (k - 1) * STRIDE, marks.delimiter, &b, k, &s))
                return s.t;
        }
    }
    return s.t;
}

__attribute__((target("avx512f,avx512bw,bmi,popcnt,pclmul"))) static void tally_avx512(
    const char *p, size_t n, struct csv_marks marks, struct csv_tally *t)
{
    *t = tally(p, n, marks, t->most, load_avx512);
}

__attribute__((target("avx2,bmi,popcnt,pclmul"))) static void tally_avx2(
    const char *p, size_t n, struct csv_marks marks, struct csv_tally *t)
{
    *t = tally(p, n, marks, t->most, load_avx2);
}

void csv_tally(
    const char *p, size_t n, const struct csv_marks *marks, uint32_t most, struct csv_tally *t)
{
    *t = (struct csv_tally){ .most = most };
    if (marks->escape >= 0 || !__builtin_cpu_supports("pclmul"))
        return;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        tally_avx512(p, n, *marks, t);
    else if (__builtin_cpu_supports("avx2"))
        tally_avx2(p, n, *marks, t);
}

#else

void csv_tally(
    const char *p, size_t n, const struct csv_marks *marks, uint32_t most, struct csv_tally *t)
{
    (void)p, (void)n, (void)marks;
    *t = (struct csv_tally){ .most = most };
}

#endif
