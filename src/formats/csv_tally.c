/*
 * Counting the fields of whole records without looking at them one by one.
 *
 * 64 bytes become four masks; a prefix XOR over the quotes tells which bytes lie inside quotes,
 * what is left of the delimiters between two line ends is the number of fields. That holds only
 * where every quote opens at the start of a field and closes at the end of one, line ends are LF or
 * CRLF, and nothing is of unusual size. Anything else stops the count before the record it is in,
 * for csv_parse() to judge.
 */
#include "formats/csv_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { STRIDE = 64 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

struct masks {
    uint64_t lf, cr, delimiter, quote;
};

typedef void load_fn(const char *p, const struct csv_marks *marks, struct masks *m);

/* A mark that is not there looks for a byte that UTF-8 has not. */
static char mark_char(int mark)
{
    return (char)(mark < 0 ? 0xFF : mark);
}

__attribute__((target("avx2"))) ALWAYS_INLINE uint64_t equal_avx2(__m256i low, __m256i high, char c)
{
    __m256i same = _mm256_set1_epi8(c);
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, same));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, same));

    return (uint64_t)b << 32 | a;
}

__attribute__((target("avx2"))) ALWAYS_INLINE void load_avx2(
    const char *p, const struct csv_marks *marks, struct masks *m)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));

    m->lf = equal_avx2(low, high, '\n');
    m->cr = equal_avx2(low, high, '\r');
    m->delimiter = equal_avx2(low, high, mark_char(marks->delimiter));
    m->quote = equal_avx2(low, high, mark_char(marks->quote));
}

__attribute__((target("avx512f,avx512bw"))) ALWAYS_INLINE void load_avx512(
    const char *p, const struct csv_marks *marks, struct masks *m)
{
    __m512i v = _mm512_loadu_si512(p);

    m->lf = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
    m->cr = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r'));
    m->delimiter = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(mark_char(marks->delimiter)));
    m->quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(mark_char(marks->quote)));
}

/* Every bit the XOR of itself and all below: a product with all ones that carries nothing. */
__attribute__((target("pclmul"))) ALWAYS_INLINE uint64_t prefix_xor(uint64_t v)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)v), _mm_set1_epi8((char)0xFF), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* What one stride leaves for the next: the top bits of masks, moved to bit 0. */
struct carry {
    uint64_t inside; /* All ones within quotes. */
    uint64_t start;  /* A field starts here. */
    uint64_t closed; /* A quote closed just before. */
    uint64_t cr;     /* A CR stands just before. */
};

/*
 * Take what lies inside quotes out of the masks; false where the text is not as regular as it must
 * be. *inner: line ends inside quotes.
 */
__attribute__((target("pclmul"))) ALWAYS_INLINE bool mask_quotes(
    struct masks *m, struct carry *carry, uint64_t *inner)
{
    uint64_t inside, opening, closing, odd;

    *inner = 0;
    if (!(m->quote | carry->inside | carry->closed)) {
        odd = (m->cr << 1 | carry->cr) & ~m->lf;
        carry->start = (m->delimiter | m->lf) >> 63;
        carry->cr = m->cr >> 63;
        return odd == 0;
    }
    inside = prefix_xor(m->quote) ^ carry->inside;
    opening = m->quote & inside;
    closing = m->quote & ~inside;
    odd = (m->cr << 1 | carry->cr) & ~m->lf;
    odd |= opening & ~((m->delimiter | m->lf | closing) << 1 | carry->start | carry->closed);
    odd |= (closing << 1 | carry->closed) & ~(m->delimiter | m->lf | m->cr | opening);
    carry->start = (m->delimiter | m->lf) >> 63;
    carry->closed = closing >> 63;
    carry->cr = m->cr >> 63;
    carry->inside = UINT64_C(0) - (inside >> 63);
    *inner = m->lf & inside;
    m->lf &= ~inside;
    m->delimiter &= ~inside;
    return odd == 0;
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

/* Is there nothing on the line but perhaps the CR of its end? */
static bool is_blank(const char *p, size_t n)
{
    return n == 0 || (n == 1 && p[0] == '\r');
}

__attribute__((target("pclmul"))) ALWAYS_INLINE struct csv_tally tally(
    const char *p, size_t n, struct csv_marks marks, uint32_t most, load_fn *load)
{
    struct carry carry = { .start = 1 };
    struct csv_tally t = { .most = most };
    uint64_t inner_lines = 0; /* Of the record at hand. */
    uint32_t fields = 1;
    size_t i = 0;

    for (; n - i >= STRIDE; i += STRIDE) {
        struct masks m;
        uint64_t inner;

        load(p + i, &marks, &m);
        if (!mask_quotes(&m, &carry, &inner))
            return t;
        while (m.lf) {
            unsigned bit = (unsigned)__builtin_ctzll(m.lf);
            uint64_t below = ((uint64_t)1 << bit) - 1;
            size_t end = i + bit;

            fields += (uint32_t)__builtin_popcountll(m.delimiter & below);
            if (inner | inner_lines)
                inner_lines += (uint64_t)__builtin_popcountll(inner & below);
            if (fields > t.most && fields - trailing(p, t.taken, end, marks.delimiter) > t.most)
                return t;
            if (inner_lines >= CSV_OPEN_QUOTE_LINES || end - t.taken > CSV_MAX_FIELD)
                return t;
            t.records++;
            t.blank += end - t.taken <= 1 && is_blank(p + t.taken, end - t.taken);
            t.lines += inner_lines + 1;
            t.taken = end + 1;
            m.delimiter &= ~below;
            inner &= ~below;
            inner_lines = 0;
            fields = 1;
            m.lf &= m.lf - 1;
        }
        fields += (uint32_t)__builtin_popcountll(m.delimiter);
        inner_lines += (uint64_t)__builtin_popcountll(inner);
    }
    return t;
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
