/*
 * Is it UTF-8? Asked of every byte of every text file, so 32 bytes at a time.
 *
 * The method is that of Keiser and Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte"
 * (2021): three table look-ups, by the two halves of the byte before and the upper half of the byte
 * itself, each give the set of faults that this nibble allows; a fault that all three allow is
 * there. What remains to be checked is that the third and fourth bytes of long characters are
 * continuations.
 */
#include "formats/encoding_int.h"

#include "base/utf8.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum {
    TOO_SHORT = 1 << 0,  /* A lead byte, then no continuation. */
    TOO_LONG = 1 << 1,   /* ASCII, then a continuation. */
    OVERLONG_3 = 1 << 2, /* E0 80..9F */
    TOO_LARGE = 1 << 3,  /* F4 90.. and beyond */
    SURROGATE = 1 << 4,  /* ED A0..BF */
    OVERLONG_2 = 1 << 5, /* C0, C1 */
    OVERLONG_4 = 1 << 6, /* F0 80..8F; also F5.. 80..8F, too large */
    TWO_CONTS = 1 << 7,  /* Two continuations: right only inside a long character. */
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
    LARGE = CARRY | TOO_LARGE | OVERLONG_4,
    CONT = TOO_LONG | OVERLONG_2 | TWO_CONTS
};

/* Whether 32 bytes are ASCII is chance in most languages; whether 128 are is not. */
enum { STRIDE = 32, BLOCK = 4 * STRIDE, LONGEST = 4 };

#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
#define SET(x) ((char)(x))

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i high_nibbles(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x0F));
}

/* Faults between each byte of v and the one before it. */
AVX2 static inline __m256i pair_faults(__m256i v, __m256i prev1)
{
    const __m256i first_high =
        TWICE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
            SET(TWO_CONTS), SET(TWO_CONTS), SET(TWO_CONTS), SET(TWO_CONTS), TOO_SHORT | OVERLONG_2,
            TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
    const __m256i first_low = TWICE(SET(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4),
        SET(CARRY | OVERLONG_2), SET(CARRY), SET(CARRY), SET(CARRY | TOO_LARGE), SET(LARGE),
        SET(LARGE), SET(LARGE), SET(LARGE), SET(LARGE), SET(LARGE), SET(LARGE), SET(LARGE),
        SET(LARGE | SURROGATE), SET(LARGE), SET(LARGE));
    const __m256i second_high = TWICE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        TOO_SHORT, TOO_SHORT, TOO_SHORT, SET(CONT | OVERLONG_3 | OVERLONG_4),
        SET(CONT | OVERLONG_3 | TOO_LARGE), SET(CONT | SURROGATE | TOO_LARGE),
        SET(CONT | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
    __m256i a = _mm256_shuffle_epi8(first_high, high_nibbles(prev1));
    __m256i b = _mm256_shuffle_epi8(first_low, _mm256_and_si256(prev1, _mm256_set1_epi8(0x0F)));
    __m256i c = _mm256_shuffle_epi8(second_high, high_nibbles(v));

    return _mm256_and_si256(_mm256_and_si256(a, b), c);
}

/* Not zero where something is wrong with v, given the 32 bytes before it. */
AVX2 static inline __m256i faults(__m256i v, __m256i before)
{
    __m256i joint = _mm256_permute2x128_si256(before, v, 0x21);
    __m256i prev1 = _mm256_alignr_epi8(v, joint, 15);
    __m256i prev2 = _mm256_alignr_epi8(v, joint, 14);
    __m256i prev3 = _mm256_alignr_epi8(v, joint, 13);
    __m256i third = _mm256_subs_epu8(prev2, _mm256_set1_epi8(0xE0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(prev3, _mm256_set1_epi8(0xF0 - 0x80));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(SET(0x80)));

    return _mm256_xor_si256(must, pair_faults(v, prev1));
}

AVX2 static inline __m256i load(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/*
 * Bytes at the front that hold whole valid characters; it may stop up to BLOCK + LONGEST bytes
 * early.
 */
AVX2 static size_t valid_blocks(const char *p, size_t n)
{
    __m256i before = _mm256_setzero_si256();
    size_t i = 0, back;

    for (; n - i >= BLOCK; i += BLOCK) {
        __m256i a = load(p + i), b = load(p + i + STRIDE);
        __m256i c = load(p + i + 2 * STRIDE), d = load(p + i + 3 * STRIDE);
        __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));

        if (_mm256_movemask_epi8(_mm256_or_si256(any, before)) != 0) {
            __m256i wrong = _mm256_or_si256(faults(a, before), faults(b, a));

            wrong = _mm256_or_si256(wrong, _mm256_or_si256(faults(c, b), faults(d, c)));
            if (!_mm256_testz_si256(wrong, wrong))
                break;
        }
        before = d;
    }
    /* The last character may go on behind the blocks. */
    for (back = 1; back < LONGEST && back <= i; back++) {
        if (((unsigned char)p[i - back] & 0xC0) != 0x80)
            break;
    }
    return back <= i ? i - back : 0;
}

size_t encoding_valid_utf8(const char *p, size_t n)
{
    size_t i = 0;

    if (__builtin_cpu_supports("avx2"))
        i = valid_blocks(p, n);
    while (i < n) {
        size_t piece = n - i < 2 * STRIDE ? n - i : 2 * STRIDE;
        size_t valid = utf8_valid_prefix(p + i, piece);

        i += valid;
        /* A character cut by the piece's end is looked at again with the next one. */
        if (valid == 0 || (valid < piece && piece - valid >= LONGEST))
            break;
    }
    return i;
}

#else

size_t encoding_valid_utf8(const char *p, size_t n)
{
    return utf8_valid_prefix(p, n);
}

#endif
