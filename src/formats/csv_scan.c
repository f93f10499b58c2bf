/*
 * Finding the characters that can matter in CSV text, many bytes at a time.
 *
 * 64 bytes become a 64-bit mask with a bit for each mark; the bits become positions. What a
 * mark means is the parser's business, so odd quotes cost nothing here and cannot
 * lead the scan astray.
 */
#include "formats/csv_int.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { STRIDE = 64 };

static size_t put_bits(uint64_t bits, uint32_t base, uint32_t *out)
{
    int count = __builtin_popcountll(bits);

    /* Writing eight whether there are eight or not costs less than a branch for each. */
    for (int done = 0; done < count; done += 8) {
        for (int i = 0; i < 8; i++) {
            out[done + i] = base + (uint32_t)(bits ? __builtin_ctzll(bits) : 0);
            bits &= bits - (bits != 0);
        }
    }
    return (size_t)count;
}

static size_t scan_bytes(
    const char *p, size_t n, uint32_t base, const struct csv_marks *marks, uint32_t *out)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)p[i];

        if (c == '\n' || c == '\r' || c == marks->delimiter || c == marks->quote ||
            c == marks->escape)
            out[found++] = base + (uint32_t)i;
    }
    return found;
}

#if defined(__x86_64__)

/* A mark that is not there looks for LF twice. */
static char mark_char(int mark)
{
    return mark < 0 ? '\n' : (char)mark;
}

/* As put_bits(); of no bits at all the processor makes 64, which nobody reads. */
__attribute__((target("bmi,popcnt"))) static inline size_t put_bits_bmi(
    uint64_t bits, uint32_t base, uint32_t *out)
{
    size_t count = (size_t)__builtin_popcountll(bits);

    for (size_t done = 0; done < count; done += 8) {
        for (size_t i = 0; i < 8; i++) {
            out[done + i] = base + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
    }
    return count;
}

__attribute__((target("avx2,bmi,popcnt"))) static size_t scan_avx2(
    const char *p, size_t n, uint32_t base, const struct csv_marks *marks, uint32_t *out)
{
    const __m256i lf = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r');
    const __m256i delimiter = _mm256_set1_epi8(mark_char(marks->delimiter));
    const __m256i quote = _mm256_set1_epi8(mark_char(marks->quote));
    const __m256i escape = _mm256_set1_epi8(mark_char(marks->escape));
    size_t found = 0, i = 0;

    for (; n - i >= STRIDE; i += STRIDE) {
        uint64_t bits = 0;

        for (int half = 0; half < 2; half++) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i + 32 * half));
            __m256i hit = _mm256_or_si256(_mm256_cmpeq_epi8(v, lf), _mm256_cmpeq_epi8(v, cr));

            hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(v, delimiter));
            hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(v, quote));
            hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(v, escape));
            bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(hit) << (32 * half);
        }
        found += put_bits_bmi(bits, base + (uint32_t)i, out + found);
    }
    return found + scan_bytes(p + i, n - i, base + (uint32_t)i, marks, out + found);
}

/* Sixteen bits become the positions they stand for in one go. */
__attribute__((target("avx512f,popcnt"))) static inline size_t put_bits_avx512(
    uint64_t bits, uint32_t base, uint32_t *out)
{
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t count = 0;

    for (int part = 0; part < 4; part++) {
        __mmask16 these = (__mmask16)(bits >> (16 * part));
        __m512i at = _mm512_add_epi32(first, _mm512_set1_epi32((int)base + 16 * part));

        _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi32(these, at));
        count += (size_t)__builtin_popcount(these);
    }
    return count;
}

__attribute__((target("avx512f,avx512bw,popcnt"))) static size_t scan_avx512(
    const char *p, size_t n, uint32_t base, const struct csv_marks *marks, uint32_t *out)
{
    const __m512i lf = _mm512_set1_epi8('\n'), cr = _mm512_set1_epi8('\r');
    const __m512i delimiter = _mm512_set1_epi8(mark_char(marks->delimiter));
    const __m512i quote = _mm512_set1_epi8(mark_char(marks->quote));
    const __m512i escape = _mm512_set1_epi8(mark_char(marks->escape));
    size_t found = 0, i = 0;

    for (; n - i >= STRIDE; i += STRIDE) {
        __m512i v = _mm512_loadu_si512(p + i);
        uint64_t bits = _mm512_cmpeq_epi8_mask(v, lf) | _mm512_cmpeq_epi8_mask(v, cr) |
                        _mm512_cmpeq_epi8_mask(v, delimiter) | _mm512_cmpeq_epi8_mask(v, quote) |
                        _mm512_cmpeq_epi8_mask(v, escape);

        found += put_bits_avx512(bits, base + (uint32_t)i, out + found);
    }
    return found + scan_bytes(p + i, n - i, base + (uint32_t)i, marks, out + found);
}

static size_t scan_sse2(
    const char *p, size_t n, uint32_t base, const struct csv_marks *marks, uint32_t *out)
{
    const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
    const __m128i delimiter = _mm_set1_epi8(mark_char(marks->delimiter));
    const __m128i quote = _mm_set1_epi8(mark_char(marks->quote));
    const __m128i escape = _mm_set1_epi8(mark_char(marks->escape));
    size_t found = 0, i = 0;

    for (; n - i >= STRIDE; i += STRIDE) {
        uint64_t bits = 0;

        for (int part = 0; part < 4; part++) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i + 16 * part));
            __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr));

            hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, delimiter));
            hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, quote));
            hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, escape));
            bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(hit) << (16 * part);
        }
        found += put_bits(bits, base + (uint32_t)i, out + found);
    }
    return found + scan_bytes(p + i, n - i, base + (uint32_t)i, marks, out + found);
}

size_t csv_scan(
    const char *p, size_t n, uint32_t base, const struct csv_marks *marks, uint32_t *out)
{
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        return scan_avx512(p, n, base, marks, out);
    if (__builtin_cpu_supports("avx2"))
        return scan_avx2(p, n, base, marks, out);
    return scan_sse2(p, n, base, marks, out);
}

#else

size_t csv_scan(
    const char *p, size_t n, uint32_t base, const struct csv_marks *marks, uint32_t *out)
{
    return scan_bytes(p, n, base, marks, out);
}

#endif
